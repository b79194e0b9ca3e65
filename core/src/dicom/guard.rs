//! The structure of a file, checked before anything allocates for it.
//!
//! A walk over element headers that believes no length: each is held against the bytes that
//! remain, nesting against [`MAX_DEPTH`]. Values are skipped, not read. What comes out are ranges,
//! so that later only the elements we ask for ever reach the DICOM library.

use std::borrow::Cow;
use std::ops::Range;

use dicom_core::Tag;

use super::encoding::{Encoding, Syntax};
use super::walk::{Walk, walk};
use super::{encoding, header};
use crate::mammogram::Caution;

/// Deepest nesting of sequence items that is followed.
pub(super) const MAX_DEPTH: usize = 64;
/// Longest single attribute (other than pixel data) that is handed on.
pub(super) const MAX_VALUE: usize = 4 << 20;
/// Most bytes a file may have: it is held in memory while it is read.
pub(super) const MAX_FILE: u64 = 1 << 30;
/// Most bytes a deflated data set may grow to; a film of 8000 x 10000 is 160 MB.
pub(super) const MAX_INFLATED: u64 = 256 << 20;
/// Most pixels of one frame: twice the largest film scan in use.
pub(super) const MAX_PIXELS: u64 = 1 << 27;

/// Why a file is refused for its structure alone.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes, more than the {MAX_FILE} that are read")]
    TooLarge { bytes: u64 },
    #[error("this is not a DICOM, PNG or JPEG file")]
    NotAnImage,
    #[error(
        "the file is cut: element {tag} claims {claimed} bytes, {left} are left; copy it again from its source"
    )]
    Cut { tag: Tag, claimed: u64, left: u64 },
    #[error(
        "the file is cut inside an element header at byte {offset}; copy it again from its source"
    )]
    CutHeader { offset: usize },
    #[error("a sequence or item that starts at {tag} is never closed; the file is damaged or cut")]
    Unclosed { tag: Tag },
    #[error("element {tag} at byte {offset} is damaged: {what}")]
    Damaged { tag: Tag, offset: usize, what: &'static str },
    #[error(
        "sequences are nested more than {MAX_DEPTH} deep; no image needs that, the file is refused"
    )]
    TooDeep,
    #[error("element {tag} is {bytes} bytes long, which no image needs; the file is refused")]
    ValueTooLong { tag: Tag, bytes: usize },
    #[error("the transfer syntax {uid} is not supported")]
    UnsupportedSyntax { uid: String },
    #[error("the deflated data set is damaged or cut")]
    Inflate(#[source] std::io::Error),
    #[error("the deflated data set grows beyond {MAX_INFLATED} bytes; the file is refused")]
    Bomb,
    #[error("the file holds no image (no {keyword})")]
    NoImage { keyword: &'static str },
    #[error("{keyword} is {value}, which no mammogram has; the file is refused")]
    BadLayout { keyword: &'static str, value: String },
    #[error(
        "the pixel data claim {claimed} bytes where {needed} are needed and {left} are left; the file is refused"
    )]
    PixelLength { claimed: u64, needed: u64, left: u64 },
    #[error(
        "the frames of this file cannot be told apart ({frames} frames in {fragments} fragments)"
    )]
    Frames { frames: u32, fragments: usize },
    #[error("the pixels are not compressed although the header says so; the file is refused")]
    NotCompressed,
}

/// A data set whose structure holds.
#[derive(Debug)]
pub(super) struct Structure<'a> {
    pub(super) syntax: Syntax,
    /// How the data set is really written; may differ from what the header says.
    pub(super) encoding: Encoding,
    /// The data set, inflated where it was deflated; all ranges count from its start.
    pub(super) dataset: Cow<'a, [u8]>,
    /// The first of each wanted element at the top level.
    pub(super) elements: Vec<Element>,
    pub(super) pixel_data: Option<PixelData>,
    pub(super) cautions: Vec<Caution>,
}

/// One element at the top level: the whole of it, and its value.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Where PixelData (7FE0,0010) lies.
#[derive(Debug)]
pub(super) enum PixelData {
    /// `claimed` may be more than is left; `range` never is.
    Native { range: Range<usize>, claimed: u64, words: bool },
    /// BasicOffsetTable, then the fragments.
    Encapsulated { offsets: Range<usize>, fragments: Vec<Range<usize>>, cut: Option<Cut> },
}

/// A last fragment that is not all there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) have: u64,
    pub(super) need: u64,
}

/// Walks the file; keeps the elements that `is_wanted` names.
pub(super) fn inspect(
    file: &[u8],
    is_wanted: impl Fn(Tag) -> bool,
) -> Result<Structure<'_>, Refusal> {
    if file.is_empty() {
        return Err(Refusal::Empty);
    }
    let header = header::read(file)?;
    let mut cautions = header.cautions;
    let body = &file[header.end..];
    let dataset = match &header.syntax {
        Some(syntax) if syntax.is_deflated() => Cow::Owned(encoding::inflate(body)?),
        _ => Cow::Borrowed(body),
    };
    let encoding = encoding::probe(&dataset, header.syntax.as_ref(), &mut cautions)?;
    let walked = walk(&dataset, encoding, is_wanted);
    let Walk { elements, pixel_data, cautions: met } = match (walked, &header.syntax) {
        // Without a header anything may look like a first element for a while.
        (Err(_), None) => return Err(Refusal::NotAnImage),
        (Ok(walk), None) if walk.elements.is_empty() => return Err(Refusal::NotAnImage),
        (walked, _) => walked?,
    };
    cautions.extend(met);
    let syntax = header.syntax.unwrap_or_else(|| encoding.plain_syntax());
    Ok(Structure { syntax, encoding, dataset, elements, pixel_data, cautions })
}

impl Structure<'_> {
    /// The value's bytes of a kept element.
    pub(super) fn value(&self, tag: Tag) -> Option<&[u8]> {
        let element = self.elements.iter().find(|e| e.tag == tag)?;
        Some(&self.dataset[element.value.clone()])
    }

    /// The first value of a kept US element.
    pub(super) fn unsigned_short(&self, tag: Tag) -> Option<u16> {
        self.value(tag)?.first_chunk::<2>().map(|b| self.encoding.u16(*b))
    }

    /// The first value of a kept IS element.
    pub(super) fn integer_string(&self, tag: Tag) -> Option<i64> {
        let text = std::str::from_utf8(self.value(tag)?).ok()?;
        text.split('\\').next()?.trim_matches([' ', '\0']).parse().ok()
    }

    /// The kept elements end to end: a small data set of the same encoding.
    pub(super) fn wanted_dataset(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for element in &self.elements {
            bytes.extend_from_slice(&self.dataset[element.whole.clone()]);
        }
        bytes
    }
}
