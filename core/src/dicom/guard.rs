//! The structure of a file, checked before anything allocates for it.
//!
//! A walk over element headers that believes no length: each is held against the bytes that
//! remain, nesting against [`MAX_DEPTH`]. Values are skipped, not read. What comes out are ranges,
//! so that later only the elements we ask for ever reach the DICOM library.
//!
//! # Worked around in dicom-rs 0.10.1
//!
//! What upstream does with the smallest such input, and where it is met here (the code that is said
//! of the film in brackets). Each is a test in `tests/core/dicom`.
//!
//! - No preamble, or no group 0002: `open_file` refuses. `header.rs` [W-NO-HEADER].
//! - (0002,0000) of 10 in a sound header: refused; of 50 too many: taken. `header.rs`
//!   [W-GROUP-LENGTH].
//! - Explicit VR under the UID of implicit, and the reverse: refused; a flexible decoder is in
//!   dicom-parser, not in `OpenFileOptions`. `encoding.rs` [W-ENCODING].
//! - UN of undefined length with one item inside (CP 246): refused. `walk.rs`.
//! - One byte behind the pixel data: refused. `walk.rs` [W-TRAILING].
//! - The last byte cut off: the attributes are lost too. `frame.rs`, [`super::Error::PixelsCut`];
//!   later frames cut off: all are lost. `frame.rs` [W-FRAMES-MISSING].
//! - PixelData of length FFFFFFF0 in 64 KB: 4.2 GB are allocated. [`Refusal::PixelLength`].
//! - 2,000 items in one another, 72 KB: the stack overflows, the process ends.
//!   [`Refusal::TooDeep`].
//! - A deflated data set of 1 GiB of zeros: inflated whole. [`Refusal::Bomb`].
//! - BitsStored 0, and a JPEG stream larger than Rows and Columns: panics; smaller: half of it
//!   black; 8 bits under BitsAllocated 16: black. `frame.rs`, `pixels.rs`.
//! - 12-bit JPEG, JPEG-LS with 00 before EOI: refused. Lossless JPEG with restarts or a point
//!   transform: wrong values. `codec/`.
//! - JPEG-LS NEAR 3 and SOF0 under a lossless UID: not told to be lossy. `pixels.rs` [W-LOSSY,
//!   W-LOSSY-STREAM].
//! - Signed 12 in 16 bits with zeros above: not extended in the raw buffer. `pixels.rs`.
//! - VOILUTFunction of length 0: the film is refused. LUTData of 8 bits packed in OW: the LUT is
//!   dropped unsaid. LUTDescriptor as SS where PixelRepresentation is 0: read as US.
//!   `attributes/voi.rs`.
//! - SpecificCharacterSet of several terms: the first alone is used and escapes are shown; a byte
//!   without meaning becomes a backslash and three digits. `attributes/text.rs` [W-CHARSET].
//! - Sequences that came as UN stay bytes. `attributes/dataset.rs`.

use std::borrow::Cow;
use std::ops::Range;

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::bytes::Bytes;
use super::encoding::{Encoding, Syntax};
use super::walk::{Walk, walk};
use super::{encoding, header};
use crate::mammogram::Caution;

/// Deepest nesting of sequence items that is followed.
pub(super) const MAX_DEPTH: usize = 64;
/// Longest single attribute (other than pixel data) that is handed on.
pub(super) const MAX_VALUE: usize = 4 << 20;
/// Most bytes a file may have; those above [`super::IN_MEMORY`] are read piece by piece.
pub(super) const MAX_FILE: u64 = 16 << 30;
/// Most bytes that are handed to the decoding process at once.
pub(super) const MAX_REQUEST: u64 = 1 << 30;
/// Most bytes of attributes that are handed on.
const MAX_WANTED: usize = 64 << 20;
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
    #[error("frame {number} was asked for, the file has {frames}")]
    NoSuchFrame { number: u64, frames: u32 },
    #[error(
        "the file breaks off: frame {number} is not all there, only 1 to {whole} are; copy it again from its source"
    )]
    FrameMissing { number: u64, whole: u32 },
    #[error("the pixels are not compressed although the header says so; the file is refused")]
    NotCompressed,
    #[error(
        "the image lies in a vendor's own container for tomosynthesis, which is not supported; \
         export it as Breast Tomosynthesis"
    )]
    VendorContainer,
    #[error(
        "the file names a server that keeps its pixels (JPIP) and has none itself; export the whole \
         image"
    )]
    Elsewhere,
    #[error("this is a DICOMDIR, the list of a medium's files, not an image")]
    Directory,
    #[error("{kind}, not an image")]
    OtherObject { kind: &'static str },
    #[error("the picture is in colour ({photometric}); a mammogram is grey")]
    Colour { photometric: String },
    #[error("the file cannot be read to its end")]
    Read(#[source] std::io::Error),
}

/// A data set whose structure holds.
#[derive(Debug)]
pub(super) struct Structure {
    pub(super) syntax: Syntax,
    /// How the data set is really written; may differ from what the header says.
    pub(super) encoding: Encoding,
    /// The data set, inflated where it was deflated; all ranges count from its start.
    pub(super) dataset: Bytes,
    /// The first of each wanted element at the top level.
    pub(super) elements: Vec<Element>,
    pub(super) pixel_data: Option<PixelData>,
    /// The items of PerFrameFunctionalGroupsSequence, whole.
    pub(super) frame_groups: Vec<Range<usize>>,
    un_lengths: Vec<(usize, [u8; 4])>,
    /// Where the items of DirectoryRecordSequence begin.
    directory_records: Vec<usize>,
    pub(super) has_vendor_pixels: bool,
    pub(super) cautions: Vec<Caution>,
}

/// One element at the top level: the whole of it, and its value.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) whole: Range<usize>,
    pub(super) value: Range<usize>,
    /// Its value representation is UN: what it is, only the dictionary knows.
    pub(super) is_un: bool,
}

/// Where PixelData (7FE0,0010) lies.
#[derive(Debug)]
pub(super) enum PixelData {
    /// `claimed` may be more than is left; `range` never is.
    Native { range: Range<usize>, claimed: u64, words: bool },
    /// BasicOffsetTable, then the fragments that are all there.
    Encapsulated { offsets: Range<usize>, fragments: Vec<Range<usize>>, end: End },
}

/// How a row of fragments ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// With its end mark.
    Marked,
    /// Without, or with something else in its place.
    Unmarked,
    /// Inside a fragment, of which so many bytes are there.
    Cut { have: u64, need: u64 },
}

/// Walks the file; keeps the elements that `is_wanted` names.
pub(super) fn inspect(file: &Bytes, is_wanted: impl Fn(Tag) -> bool) -> Result<Structure, Refusal> {
    if file.is_empty() {
        return Err(Refusal::Empty);
    }
    let header = header::read(file)?;
    let mut cautions = header.cautions;
    let body = file.behind(header.end);
    let dataset = match &header.syntax {
        Some(syntax) if syntax.is_deflated() => encoding::inflate(&body, &mut cautions)?,
        _ => body,
    };
    let encoding = encoding::probe(&dataset, header.syntax.as_ref(), &mut cautions)?;
    let walked = walk(&dataset, encoding, is_wanted);
    let walk = match (walked, &header.syntax) {
        // Without a header anything may look like a first element for a while.
        (Err(_), None) => return Err(Refusal::NotAnImage),
        (Ok(walk), None) if walk.elements.is_empty() => return Err(Refusal::NotAnImage),
        (walked, _) => walked?,
    };
    let Walk {
        elements,
        pixel_data,
        frame_groups,
        directory_records,
        un_lengths,
        has_vendor_pixels,
        cautions: met,
    } = walk;
    cautions.extend(met);
    let syntax = header.syntax.unwrap_or_else(|| encoding.plain_syntax());
    let whole: usize = elements.iter().map(|e| e.whole.len()).sum();
    if whole > MAX_WANTED {
        let longest = elements.iter().max_by_key(|e| e.whole.len());
        let tag = longest.map_or(Tag(0, 0), |e| e.tag);
        return Err(Refusal::ValueTooLong { tag, bytes: whole });
    }
    Ok(Structure {
        syntax,
        encoding,
        dataset,
        elements,
        pixel_data,
        frame_groups,
        un_lengths,
        directory_records,
        has_vendor_pixels,
        cautions,
    })
}

impl Structure {
    /// The value's bytes of a kept element.
    pub(super) fn value(&self, tag: Tag) -> Option<Cow<'_, [u8]>> {
        let element = self.elements.iter().find(|e| e.tag == tag)?;
        self.dataset.range(element.value.clone()).ok()
    }

    /// The first value of a kept US element.
    pub(super) fn unsigned_short(&self, tag: Tag) -> Option<u16> {
        self.value(tag)?.first_chunk::<2>().map(|b| self.encoding.u16(*b))
    }

    /// The first value of a kept text element that is plain ASCII.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|text| !text.is_empty())
    }

    /// All values of a kept text element that is plain ASCII, trimmed.
    pub(super) fn texts(&self, tag: Tag) -> Vec<String> {
        let Some(value) = self.value(tag) else { return Vec::new() };
        let text = String::from_utf8_lossy(&value);
        text.split('\\').map(|part| part.trim_matches([' ', '\0']).to_owned()).collect()
    }

    /// Where the records of a DICOMDIR of this many bytes begin, from the first of them.
    pub(super) fn directory_records(&self, length: u64) -> Vec<u64> {
        let before = length.saturating_sub(self.dataset.len() as u64);
        self.directory_records.iter().map(|start| before + *start as u64).collect()
    }

    /// The kept elements end to end: a small data set of the same encoding, with the functional
    /// groups of one frame and without the words on how text is written (`text.rs` decodes it).
    pub(super) fn wanted_dataset(&self, frame_idx: u32) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        for element in &self.elements {
            let head = match element.tag {
                tags::SPECIFIC_CHARACTER_SET => continue,
                tag if tag.group() == tags::PIXEL_DATA.group() => continue,
                tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE => {
                    let Some(item) = self.frame_groups.get(frame_idx as usize) else { continue };
                    let vr = if element.is_un { *b"UN" } else { *b"SQ" };
                    self.encoding.put_head(&mut bytes, element.tag, vr, item.len() as u32);
                    item.clone()
                }
                // A known attribute that came as UN of undefined length: its length is known now.
                _ if element.is_un => {
                    let length = element.value.len() as u32;
                    self.encoding.put_head(&mut bytes, element.tag, *b"UN", length);
                    element.value.clone()
                }
                _ => element.whole.clone(),
            };
            let start = head.start;
            let mut piece = self.dataset.range(head).map_err(Refusal::Read)?.into_owned();
            for (at, length) in &self.un_lengths {
                let slot = at.checked_sub(start).and_then(|at| piece.get_mut(at..at + 4));
                slot.into_iter().for_each(|slot| slot.copy_from_slice(length));
            }
            bytes.extend(piece);
        }
        Ok(bytes)
    }
}
