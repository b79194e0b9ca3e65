//! What parent and decoding process say to each other over two pipes.
//!
//! A message is a fixed head (mark, lengths, check), a JSON header and a binary body. Both ends
//! are this program on this machine, so samples travel in its own byte order.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::directory::Record;
use super::encoding::{Encoding, Syntax};
use super::frame::Layout;
use super::pixels::Which;

/// One file to decode. The body is the wanted data set and the compressed frame, or the picture
/// file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    Dicom {
        syntax: Syntax,
        encoding: Encoding,
        /// SpecificCharacterSet.
        charset: Vec<String>,
        layout: Layout,
        dataset_length: usize,
        /// A compressed frame follows the data set; else only the attributes are asked for.
        frame: Option<Which>,
    },
    /// The data set of a DICOMDIR.
    Directory { encoding: Encoding },
    /// A picture file, or only its start where the size alone is asked for.
    Picture { has_pixels: bool },
}

/// The answer. The body of `Shown` is the samples, row by row; the others have none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Shown(Box<Attributes>),
    Attributes(Box<Attributes>),
    Directory(Vec<Record>),
    /// One sentence for a person.
    Refused(String),
}

const MARK: [u8; 4] = *b"PRC1";
const HEAD: usize = 24;
/// Far more than any header is; a DICOMDIR of a hundred thousand records is the longest.
const MAX_HEADER: u32 = 64 << 20;

/// Writes one message; the body comes in parts so that nothing is copied together.
pub(super) fn write(
    to: &mut impl Write,
    header: &impl Serialize,
    body: &[&[u8]],
) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length: usize = body.iter().map(|part| part.len()).sum();
    let mut head = Vec::with_capacity(HEAD + header.len());
    head.extend(MARK);
    head.extend((header.len() as u32).to_le_bytes());
    head.extend((length as u64).to_le_bytes());
    head.extend(check(&header));
    head.extend(header);
    to.write_all(&head)?;
    for part in body {
        to.write_all(part)?;
    }
    to.flush()
}

/// Reads a message up to its body, whose length in bytes comes second; `None` at the end.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, u64)>> {
    let mut head = [0; HEAD];
    match from.read(&mut head)? {
        0 => return Ok(None),
        n => from.read_exact(&mut head[n..])?,
    }
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let mut body = [0; 8];
    body.copy_from_slice(&head[8..16]);
    if head[..4] != MARK || length > MAX_HEADER {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut header = vec![0; length as usize];
    from.read_exact(&mut header)?;
    if check(&header) != head[16..] {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    Ok(Some((serde_json::from_slice(&header)?, u64::from_le_bytes(body))))
}

fn check(header: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(header).as_bytes()[..8]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_and_a_damaged_one_does_not() {
        let mut pipe = Vec::new();
        write(&mut pipe, &Reply::Refused("no".to_owned()), &[b"ab", b"c"]).expect("a Vec takes it");
        let (reply, body) = read::<Reply>(&mut pipe.as_slice()).expect("sound").expect("not over");
        assert!(matches!(reply, Reply::Refused(text) if text == "no"));
        assert_eq!((body, &pipe[pipe.len() - 3..]), (3, b"abc".as_slice()));
        assert!(read::<Reply>(&mut [].as_slice()).expect("a clean end").is_none());
        for at in [0, 5, 17, HEAD] {
            let mut damaged = pipe.clone();
            damaged[at] ^= 0x40;
            assert!(read::<Reply>(&mut damaged.as_slice()).is_err(), "byte {at}");
        }
    }
}
