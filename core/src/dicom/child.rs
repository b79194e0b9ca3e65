//! The decoding process: reads requests from its input, answers on its output, ends with its parent.
//!
//! It has limits of memory and CPU time of its own; the parent (`process.rs`) adds one of wall time.
//! Whatever a file does to it costs that file alone.

use std::io::{self, Read};
use std::process::ExitCode;

use super::attributes::{self, DataSet};
use super::guard::MAX_REQUEST;
use super::wire::{self, Reply, Request};
use super::{directory, limits, picture, pixels};

/// The hidden first argument that turns any of our executables into the decoding process.
pub const ARGUMENT: &str = "--decode-child";

/// Runs the decoder where this process was started with [`ARGUMENT`].
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let is_asked = std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT);
    is_asked.then(|| match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// One request after the other, until the parent closes the pipe or dies.
fn serve() -> io::Result<()> {
    limits::cap_memory();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some((request, length)) = wire::read::<Request>(&mut input)? {
        limits::renew_cpu_time();
        if length > 2 * MAX_REQUEST {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let mut body = Vec::with_capacity(length as usize);
        input.by_ref().take(length).read_to_end(&mut body)?;
        let (reply, samples) = answer(&request, &body)
            .unwrap_or_else(|error| (Reply::Refused(error.to_string()), Vec::new()));
        drop(body);
        wire::write(&mut output, &reply, &[bytemuck::cast_slice(&samples)])?;
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Attributes(#[from] attributes::Error),
    #[error(transparent)]
    Pixels(#[from] pixels::Error),
    #[error(transparent)]
    Picture(#[from] picture::Error),
    #[error("the request to the decoder was malformed")]
    Request,
}

fn answer(request: &Request, body: &[u8]) -> Result<(Reply, Vec<u16>), Error> {
    match request {
        Request::Picture { has_pixels: false } => {
            Ok((Reply::Attributes(Box::new(picture::attributes(body)?)), Vec::new()))
        }
        Request::Picture { has_pixels: true } => {
            let (attributes, samples) = picture::decode(body)?;
            Ok((Reply::Shown(Box::new(attributes)), samples))
        }
        Request::Directory { encoding } => {
            let dataset = DataSet::parse(body, *encoding, &[])?;
            Ok((Reply::Directory(directory::records(&dataset)), Vec::new()))
        }
        Request::Dicom { syntax, encoding, charset, layout, dataset_length, frame } => {
            let (dataset, stream) = body.split_at_checked(*dataset_length).ok_or(Error::Request)?;
            let dataset = DataSet::parse(dataset, *encoding, charset)?;
            let mut attributes = attributes::settle(&dataset, layout)?;
            let Some(which) = frame else {
                return Ok((Reply::Attributes(Box::new(attributes)), Vec::new()));
            };
            let stored = pixels::decode(stream, syntax, layout, *which)?;
            attributes.take(&stored);
            Ok((Reply::Shown(Box::new(attributes)), stored.samples))
        }
    }
}
