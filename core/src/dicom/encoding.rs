//! How a data set is written: byte order, explicit or implicit VR, deflated or not.

use std::io::Read;

use dicom_core::Tag;

use super::bytes::Bytes;
use super::guard::{MAX_INFLATED, Refusal};
use crate::mammogram::Caution;

/// PS3.5 clause 7 and annex A: the three ways element headers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

/// TransferSyntaxUID (0002,0010).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Syntax(pub(super) String);

pub(super) const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
pub(super) const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
pub(super) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub(super) const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
pub(super) const RLE: &str = "1.2.840.10008.1.2.5";
/// Uncompressed frames in fragments.
pub(super) const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";
/// Each frame deflated, in fragments.
pub(super) const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";
/// What the transfer syntaxes of JPEG and its kin begin with.
pub(super) const JPEG_FAMILY: &str = "1.2.840.10008.1.2.4.";
const STANDARD: &str = "1.2.840.10008.1.2.";

impl Syntax {
    pub(super) fn is_deflated(&self) -> bool {
        self.0 == DEFLATED
    }

    /// Whether pixel data lie bare in the data set rather than in fragments.
    pub(super) fn is_native(&self) -> bool {
        [IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG].contains(&self.0.as_str())
    }

    /// JPEG XL: lossless, recompressed JPEG, any (PS3.5 A.4.12).
    pub(super) fn is_jpeg_xl(&self) -> bool {
        self.is_one_of(&["110", "111", "112"])
    }

    /// Pixels are kept by a server: JPIP of JPEG 2000 and of HTJ2K, deflated or not (PS3.5 A.6, A.7).
    pub(super) fn is_jpip(&self) -> bool {
        self.is_one_of(&["94", "95", "204", "205"])
    }

    /// Whether it is one of these in the family of JPEG.
    pub(super) fn is_one_of(&self, last: &[&str]) -> bool {
        self.0.strip_prefix(JPEG_FAMILY).is_some_and(|own| last.contains(&own))
    }

    fn encoding(&self) -> Result<Encoding, Refusal> {
        match self.0.as_str() {
            IMPLICIT_LITTLE => Ok(Encoding::ImplicitLittle),
            EXPLICIT_BIG => Ok(Encoding::ExplicitBig),
            uid if uid == EXPLICIT_LITTLE || uid.starts_with(STANDARD) => {
                Ok(Encoding::ExplicitLittle)
            }
            _ => Err(Refusal::UnsupportedSyntax { uid: self.0.clone() }),
        }
    }
}

impl Encoding {
    pub(super) fn is_explicit(self) -> bool {
        self != Self::ImplicitLittle
    }

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::ExplicitBig => u16::from_be_bytes(bytes),
            _ => u16::from_le_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::ExplicitBig => u32::from_be_bytes(bytes),
            _ => u32::from_le_bytes(bytes),
        }
    }

    pub(super) fn long(self, value: u32) -> [u8; 4] {
        match self {
            Self::ExplicitBig => value.to_be_bytes(),
            _ => value.to_le_bytes(),
        }
    }

    /// Writes tag, value representation (one with a long length) and length.
    pub(super) fn put_head(self, to: &mut Vec<u8>, tag: Tag, vr: [u8; 2], length: u32) {
        for word in [tag.group(), tag.element()] {
            to.extend(if self == Self::ExplicitBig {
                word.to_be_bytes()
            } else {
                word.to_le_bytes()
            });
        }
        if self.is_explicit() {
            to.extend([vr[0], vr[1], 0, 0]);
        }
        to.extend(self.long(length));
    }

    /// The uncompressed transfer syntax that is written this way.
    pub(super) fn plain_syntax(self) -> Syntax {
        let uid = match self {
            Self::ImplicitLittle => IMPLICIT_LITTLE,
            Self::ExplicitLittle => EXPLICIT_LITTLE,
            Self::ExplicitBig => EXPLICIT_BIG,
        };
        Syntax(uid.to_owned())
    }
}

/// How the data set is written, by its first element; the header's word is only checked.
pub(super) fn probe(
    dataset: &Bytes,
    syntax: Option<&Syntax>,
    cautions: &mut Vec<Caution>,
) -> Result<Encoding, Refusal> {
    let Some(syntax) = syntax else {
        return guess(dataset).ok_or(Refusal::NotAnImage);
    };
    let stated = syntax.encoding()?;
    match guess(dataset) {
        Some(found) if found != stated => {
            cautions.push(Caution::new(
                "W-ENCODING",
                "the file header names another encoding than the data have; the data were believed",
            ));
            Ok(found)
        }
        _ => Ok(stated),
    }
}

/// An image's data set starts with a low even group (0008, seldom another) and a short element.
fn guess(dataset: &Bytes) -> Option<Encoding> {
    let first = dataset.chunk::<8>(0, usize::MAX)?;
    let has_vr = first[4].is_ascii_uppercase() && first[5].is_ascii_uppercase();
    let is_low = |group: u16| (2..=0x0040).contains(&group) && group.is_multiple_of(2);
    let little = is_low(u16::from_le_bytes([first[0], first[1]]));
    let big = is_low(u16::from_be_bytes([first[0], first[1]]));
    match (has_vr, little, big) {
        (true, true, _) => Some(Encoding::ExplicitLittle),
        (true, false, true) => Some(Encoding::ExplicitBig),
        (false, true, _) => {
            let length = u32::from_le_bytes([first[4], first[5], first[6], first[7]]);
            let fits = length == u32::MAX || length as usize <= dataset.len() - 8;
            fits.then_some(Encoding::ImplicitLittle)
        }
        _ => None,
    }
}

/// The data set behind a deflated one, never more than [`MAX_INFLATED`] bytes. Some writers wrap
/// the stream as zlib does, some do not deflate at all.
pub(super) fn inflate(body: &Bytes, cautions: &mut Vec<Caution>) -> Result<Bytes, Refusal> {
    if body.len() as u64 > MAX_INFLATED {
        return Err(Refusal::Bomb);
    }
    let deflated = body.whole().map_err(Refusal::Read)?;
    let failed = match grown(flate2::read::DeflateDecoder::new(&*deflated)) {
        Ok(dataset) => return Ok(dataset),
        Err(Refusal::Inflate(error)) => error,
        Err(refusal) => return Err(refusal),
    };
    let other = match grown(flate2::read::ZlibDecoder::new(&*deflated)) {
        Ok(dataset) => dataset,
        Err(_) if guess(body).is_some() => body.clone(),
        Err(_) => return Err(Refusal::Inflate(failed)),
    };
    cautions.push(Caution::new(
        "W-ENCODING",
        "the file header names another encoding than the data have; the data were believed",
    ));
    Ok(other)
}

fn grown(deflated: impl Read) -> Result<Bytes, Refusal> {
    let mut dataset = Vec::new();
    deflated.take(MAX_INFLATED + 1).read_to_end(&mut dataset).map_err(Refusal::Inflate)?;
    if dataset.len() as u64 > MAX_INFLATED {
        return Err(Refusal::Bomb);
    }
    Ok(dataset.into())
}
