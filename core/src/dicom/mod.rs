//! A file becomes a [`Mammogram`]: guard, then child, then checks.
//!
//! The only folder that names the DICOM crates. The caller's process never parses attributes nor a
//! compressed frame: a warm child process (the same executable with [`child::ARGUMENT`]) does.
//! Uncompressed pixels need no parser; shifting and masking them here saves two trips of a whole
//! film through a pipe.
//!
//! In the caller's process:
//! - `header`, `encoding`, `walk`, `guard`: is the structure of the file sound?
//! - `frame`: which bytes are the first frame, and are they all there?
//! - `pixels`: what are the stored values? Uncompressed ones here, compressed ones in the child.
//! - `process`, `wire`: how is the child asked, watched and replaced?
//! - `sidecar`: does a person state a scale beside the film?
//!
//! In the child:
//! - [`child`], `limits`: what may it use?
//! - `attributes`: which breast, which view, what size, which grey scale?
//! - `codec`: what does the code stream hold?
//! - `picture`: and where the file is a PNG or a JPEG?
//!
//! The other way: [`mod@write`] makes an uncompressed file of a film.
//!
//! Every file ends in one of four states: shown, shown with a caution that matters
//! ([`Caution::is_doubt`]), attributes only ([`Error::PixelsCut`]), refused.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::frame::{Frame, Layout};
use self::process::Decoder;
use self::wire::{Reply, Request};
use crate::mammogram::{Caution, Mammogram};
use crate::voi_lut::VoiLut;

mod attributes;
pub mod child;
mod codec;
mod encoding;
mod frame;
mod guard;
mod header;
mod limits;
mod picture;
mod pixels;
mod process;
mod sidecar;
mod walk;
mod wire;
mod write;

pub use self::attributes::Attributes;
pub use self::guard::Refusal;
pub use self::process::Error as DecoderError;
pub use self::write::{WriteError, write};

/// Why a file was not shown; each message is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be opened: {path}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a file")]
    NotAFile { path: PathBuf },
    /// Its structure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The attributes are sound, the pixels are not all there.
    #[error(
        "the file is cut: {have} of {need} bytes of pixel data are there; copy it again from its source"
    )]
    PixelsCut { have: u64, need: u64, attributes: Box<Attributes> },
    /// Its content: the decoding process's own sentence.
    #[error("{0}")]
    Undecodable(String),
    #[error(transparent)]
    Decoder(#[from] DecoderError),
}

/// Reads files through one warm child process; keep one for the life of the program.
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader whose child, this executable, is started at the first file.
    pub fn new() -> Self {
        // Where the system cannot name the executable, starting it fails with a sentence.
        Self::with_program(std::env::current_exe().unwrap_or_default())
    }

    /// A reader whose child is another executable that calls [`crate::run_if_child`] first.
    pub fn with_program(program: impl Into<PathBuf>) -> Self {
        Self { decoder: Decoder::new(program.into(), process::TIME_LIMIT) }
    }

    /// The longest that one file may take; a minute unless set.
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.decoder.limit = limit;
        self
    }

    /// Reads one file: DICOM, or an 8/16-bit grey PNG or JPEG (with a caution that it carries
    /// neither patient nor scale). A scale may stand in a sidecar, see `sidecar.rs`.
    pub fn read(&mut self, path: &Path) -> Result<Mammogram, Error> {
        let file = bytes_of(path)?;
        let mut decode = || {
            if picture::is_picture(&file) {
                self.ask(&Request::Picture, &[&file])
            } else {
                self.read_dicom(&file)
            }
        };
        // The hash of a film takes as long as the pipe does; that of a small file is not worth a thread.
        let (decoded, hash) = if file.len() < 1 << 20 {
            (decode(), blake3::hash(&file))
        } else {
            rayon::join(decode, || blake3::hash(&file))
        };
        let (mut attributes, samples) = decoded?;
        settle_spacing(&mut attributes, path);
        let content_hash = *hash.as_bytes();
        Ok(mammogram(attributes, samples, content_hash))
    }

    fn read_dicom(&mut self, file: &[u8]) -> Result<(Attributes, Vec<u16>), Error> {
        let structure = guard::inspect(file, attributes::is_wanted)?;
        let layout = Layout::of(&structure)?;
        let mut cautions = structure.cautions.clone();
        let frame = frame::first(&structure, &layout, &mut cautions)?;
        let dataset = structure.wanted_dataset();
        let request = |has_frame| Request::Dicom {
            syntax: structure.syntax.clone(),
            encoding: structure.encoding,
            layout,
            dataset_length: dataset.len(),
            has_frame,
        };
        match frame {
            Frame::Encapsulated { bytes } => {
                let (attributes, samples) = self.ask(&request(true), &[&dataset, &bytes])?;
                if (attributes.rows, attributes.columns) != (layout.rows, layout.columns) {
                    return Err(DecoderError::BadReply.into());
                }
                Ok((with_cautions(cautions, attributes), samples))
            }
            Frame::Native { bytes, words } => {
                let (attributes, _) = self.ask(&request(false), &[&dataset])?;
                let mut attributes = with_cautions(cautions, attributes);
                let stored = pixels::unpack_native(bytes, words, structure.encoding, &layout);
                attributes.take(&stored);
                Ok((attributes, stored.samples))
            }
            Frame::Cut { have, need } => {
                let (attributes, _) = self.ask(&request(false), &[&dataset])?;
                let attributes = Box::new(with_cautions(cautions, attributes));
                Err(Error::PixelsCut { have, need, attributes })
            }
        }
    }

    fn ask(&mut self, request: &Request, body: &[&[u8]]) -> Result<(Attributes, Vec<u16>), Error> {
        match self.decoder.ask(request, body)? {
            (Reply::Shown(attributes) | Reply::Attributes(attributes), samples) => {
                Ok((*attributes, samples))
            }
            (Reply::Refused(sentence), _) => Err(Error::Undecodable(sentence)),
        }
    }
}

/// Whether the structure of these bytes is sound enough for the decoding process; for tests of
/// the guard alone.
pub fn check_structure(file: &[u8]) -> Result<(), Refusal> {
    let structure = guard::inspect(file, attributes::is_wanted)?;
    let layout = Layout::of(&structure)?;
    frame::first(&structure, &layout, &mut Vec::new()).map(|_| ())
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(open)?;
    let metadata = file.metadata().map_err(open)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    if metadata.len() > guard::MAX_FILE {
        return Err(Refusal::TooLarge { bytes: metadata.len() }.into());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(metadata.len() as usize).map_err(|e| open(e.into()))?;
    file.take(guard::MAX_FILE).read_to_end(&mut bytes).map_err(open)?;
    Ok(bytes)
}

fn with_cautions(mut met: Vec<Caution>, mut attributes: Attributes) -> Attributes {
    met.append(&mut attributes.cautions);
    attributes.cautions = met;
    attributes
}

/// The file's own scale, else the one stated beside it, else none; said in each case.
fn settle_spacing(attributes: &mut Attributes, path: &Path) {
    match sidecar::spacing_beside(path) {
        Ok(None) => {}
        Ok(Some(beside)) => match attributes.spacing {
            None => attributes.spacing = Some(beside),
            Some(own) if (own.mean_mm() / beside.mean_mm() - 1.0).abs() < 0.01 => {}
            Some(_) => attributes.cautions.push(Caution::new(
                "W-SIDECAR-CONFLICT",
                "the scale stated beside the file differs from the file's own, which was used",
            )),
        },
        Err(caution) => attributes.cautions.push(caution),
    }
    if attributes.spacing.is_none() {
        attributes.cautions.push(Caution::new(
            "W-NO-SPACING",
            "the file does not say how large a pixel is; lengths are in pixels",
        ));
    }
}

fn mammogram(attributes: Attributes, samples: Vec<u16>, content_hash: [u8; 32]) -> Mammogram {
    let mut mammogram = Mammogram {
        rows: attributes.rows,
        columns: attributes.columns,
        samples: Arc::new(samples),
        stored_offset: attributes.stored_offset,
        bits_stored: attributes.bits_stored,
        photometric_interpretation: attributes.photometric_interpretation,
        modality_lut: attributes.modality_lut,
        padding: attributes.padding,
        voi_luts: attributes.voi_luts,
        spacing: attributes.spacing,
        image_laterality: attributes.image_laterality,
        view_position: attributes.view_position,
        patient_id: attributes.patient_id,
        sop_instance_uid: attributes.sop_instance_uid,
        lossy: attributes.lossy,
        content_hash,
        cautions: attributes.cautions,
    };
    if mammogram.voi_luts.is_empty() {
        mammogram.voi_luts.push(VoiLut::automatic(&mammogram));
        mammogram.cautions.push(Caution::new(
            "W-AUTO-WINDOW",
            "the file offers no window; one was chosen from the breast's grey values",
        ));
    } else if is_blank(&mammogram) {
        mammogram.voi_luts.push(VoiLut::automatic(&mammogram));
        mammogram.cautions.push(Caution::new(
            "W-WINDOW-BLANK",
            "the file's own window shows nothing but black or white; the automatic one is offered too",
        ));
    }
    mammogram
}

/// Whether the first window leaves a picture of one value, black or white, of pixels that differ.
fn is_blank(mammogram: &Mammogram) -> bool {
    let table = mammogram.voi_luts[0].display_table(mammogram, false);
    let mut samples = mammogram.samples.iter().filter(|sample| !mammogram.is_padding(**sample));
    let Some(first) = samples.next() else { return false };
    let shown = table[usize::from(*first)];
    let is_end = shown == 0 || shown == 255;
    is_end
        && samples.clone().any(|sample| sample != first)
        && samples.all(|sample| table[usize::from(*sample)] == shown)
}
