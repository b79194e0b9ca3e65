//! Which bytes of the file are one frame.

use std::borrow::Cow;
use std::ops::Range;

use dicom_dictionary_std::{tags, uids};
use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::guard::{MAX_PIXELS, MAX_REQUEST, PixelData, Refusal, Structure};
use crate::mammogram::Caution;

/// How a frame's pixels are laid out, by the image pixel module (PS3.3 C.7.6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) bits_allocated: u16,
    pub(super) bits_stored: u16,
    pub(super) high_bit: u16,
    pub(super) is_signed: bool,
    pub(super) frames: u32,
}

/// One frame, or how much of the pixel data is missing.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Native {
        bytes: Cow<'a, [u8]>,
        words: bool,
    },
    /// `pictures` is how many frames the code stream holds, one a component: 1 but in JPEG 2000.
    Encapsulated {
        bytes: Cow<'a, [u8]>,
        pictures: u32,
    },
    Cut {
        have: u64,
        need: u64,
    },
}

impl Layout {
    /// Reads and checks the layout; what no grey mammogram can have is refused here.
    pub(super) fn of(structure: &Structure) -> Result<Self, Refusal> {
        if let Some(refusal) = other_object(structure) {
            return Err(refusal);
        }
        let required =
            |tag, keyword| structure.unsigned_short(tag).ok_or(Refusal::NoImage { keyword });
        let refused =
            |keyword, value: u32| Refusal::BadLayout { keyword, value: value.to_string() };
        let rows = required(tags::ROWS, "Rows")?;
        let columns = required(tags::COLUMNS, "Columns")?;
        let bits_allocated = required(tags::BITS_ALLOCATED, "BitsAllocated")?;
        let bits_stored = required(tags::BITS_STORED, "BitsStored")?;
        let high_bit =
            structure.unsigned_short(tags::HIGH_BIT).unwrap_or(bits_stored.wrapping_sub(1));
        let samples = structure.unsigned_short(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let representation = structure.unsigned_short(tags::PIXEL_REPRESENTATION).unwrap_or(0);
        let frames =
            match structure.text(tags::NUMBER_OF_FRAMES) {
                None => 1,
                Some(text) => text.parse::<u32>().ok().filter(|frames| *frames > 0).ok_or(
                    Refusal::BadLayout { keyword: "NumberOfFrames", value: format!("\"{text}\"") },
                )?,
            };
        if rows == 0 {
            return Err(refused("Rows", 0));
        }
        if columns == 0 {
            return Err(refused("Columns", 0));
        }
        if u64::from(rows) * u64::from(columns) > MAX_PIXELS {
            let value = format!("{rows} x {columns}");
            return Err(Refusal::BadLayout { keyword: "Rows x Columns", value });
        }
        if samples != 1 {
            let photometric = structure.text(tags::PHOTOMETRIC_INTERPRETATION);
            return Err(match photometric {
                Some(photometric) if samples == 3 && !photometric.starts_with("MONOCHROME") => {
                    Refusal::Colour { photometric }
                }
                _ => refused("SamplesPerPixel", samples.into()),
            });
        }
        if ![8, 16].contains(&bits_allocated) {
            return Err(refused("BitsAllocated", bits_allocated.into()));
        }
        if bits_stored == 0 || bits_stored > bits_allocated {
            return Err(refused("BitsStored", bits_stored.into()));
        }
        if high_bit >= bits_allocated || high_bit + 1 < bits_stored {
            return Err(refused("HighBit", high_bit.into()));
        }
        if representation > 1 {
            return Err(refused("PixelRepresentation", representation.into()));
        }
        Ok(Self {
            rows: rows.into(),
            columns: columns.into(),
            bits_allocated,
            bits_stored,
            high_bit,
            is_signed: representation == 1,
            frames,
        })
    }

    /// Pixels of one frame.
    pub(super) fn pixels(&self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Bytes of one uncompressed frame.
    pub(super) fn bytes(&self) -> usize {
        self.pixels() * usize::from(self.bits_allocated / 8)
    }
}

/// What is no image at all, by its own word (PS3.4 B.5).
fn other_object(structure: &Structure) -> Option<Refusal> {
    if structure.value(tags::DIRECTORY_RECORD_SEQUENCE).is_some() {
        return Some(Refusal::Directory);
    }
    if structure.pixel_data.is_some() {
        return None;
    }
    if structure.has_vendor_pixels {
        return Some(Refusal::VendorContainer);
    }
    let class = structure.text(tags::SOP_CLASS_UID)?;
    let kind = match class.as_str() {
        uids::ENCAPSULATED_PDF_STORAGE => "the file holds a PDF document",
        "1.2.840.10008.5.1.4.1.1.88.50" => "the file holds the marks of a CAD program",
        uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE => "the file holds a selection of key images",
        uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE => {
            "the file holds a presentation state of other images"
        }
        class if class.starts_with("1.2.840.10008.5.1.4.1.1.88.") => {
            "the file holds a structured report"
        }
        class if class.starts_with("1.2.840.10008.5.1.4.1.1.11.") => {
            "the file holds a presentation state of other images"
        }
        _ => return None,
    };
    Some(Refusal::OtherObject { kind })
}

/// An image has pixel data, wherever they are.
pub(super) fn frame_exists(structure: &Structure) -> Result<(), Refusal> {
    let missing = Refusal::NoImage { keyword: "PixelData" };
    structure.pixel_data.as_ref().map(|_| ()).ok_or(missing)
}

/// Cuts one frame out of the pixel data; a cut file is told from a lying one.
pub(super) fn frame<'a>(
    structure: &'a Structure,
    layout: &Layout,
    frame_idx: u32,
    cautions: &mut Vec<Caution>,
) -> Result<Frame<'a>, Refusal> {
    if frame_idx >= layout.frames {
        let number = u64::from(frame_idx) + 1;
        return Err(Refusal::NoSuchFrame { number, frames: layout.frames });
    }
    match &structure.pixel_data {
        None => Err(Refusal::NoImage { keyword: "PixelData" }),
        Some(PixelData::Native { range, claimed, words }) => {
            let one = layout.bytes() as u64;
            let needed = one * u64::from(layout.frames);
            let left = range.len() as u64;
            if !structure.syntax.is_native() {
                if left != *claimed || !(needed..=needed + 1).contains(claimed) {
                    return Err(Refusal::NotCompressed);
                }
                cautions.push(Caution::new(
                    "W-NOT-COMPRESSED",
                    "the header says that the pixels are compressed; they are as long as \
                     uncompressed ones and were read as such",
                ));
            }
            // One byte of padding makes an odd length even, or is forgotten.
            let is_honest = *claimed <= needed + 1;
            if left < *claimed && !is_honest || *claimed + 1 < needed && left == *claimed {
                return Err(Refusal::PixelLength { claimed: *claimed, needed, left });
            }
            if left < needed {
                return Ok(Frame::Cut { have: left, need: needed });
            }
            if *claimed > needed + 1 {
                let text = format!(
                    "the pixel data are {claimed} bytes long where {needed} are needed; the rest was ignored"
                );
                cautions.push(Caution::new("W-PIXEL-LENGTH", text));
            }
            let start = range.start + frame_idx as usize * one as usize;
            let bytes = structure.dataset.range(start..start + one as usize);
            Ok(Frame::Native { bytes: bytes.map_err(Refusal::Read)?, words: *words })
        }
        Some(PixelData::Encapsulated { cut: Some(cut), fragments, .. }) => {
            let before: u64 = fragments.iter().map(|f| f.len() as u64).sum();
            Ok(Frame::Cut { have: before + cut.have, need: before + cut.need })
        }
        Some(PixelData::Encapsulated { offsets, fragments, .. }) => {
            let table = Table { structure, layout, offsets: offsets.clone(), fragments };
            let (which, pictures) = table.fragments_of(frame_idx, cautions)?;
            if structure.syntax.is_native() {
                cautions.push(Caution::new(
                    "W-ENCODING",
                    "the header says that the pixels are not compressed, they are; the data were believed",
                ));
            }
            let fragments = &fragments[which];
            let length: usize = fragments.iter().map(Range::len).sum();
            if length as u64 > MAX_REQUEST {
                return Err(Refusal::TooLarge { bytes: length as u64 });
            }
            Ok(Frame::Encapsulated { bytes: joined(&structure.dataset, fragments)?, pictures })
        }
    }
}

fn joined<'a>(dataset: &'a Bytes, fragments: &[Range<usize>]) -> Result<Cow<'a, [u8]>, Refusal> {
    if let [one] = fragments {
        return dataset.range(one.clone()).map_err(Refusal::Read);
    }
    let mut bytes = Vec::new();
    for fragment in fragments {
        bytes.extend_from_slice(&dataset.range(fragment.clone()).map_err(Refusal::Read)?);
    }
    Ok(Cow::Owned(bytes))
}

/// Fragments, and what is known of how they make frames (PS3.5 A.4).
struct Table<'a> {
    structure: &'a Structure,
    layout: &'a Layout,
    /// BasicOffsetTable.
    offsets: Range<usize>,
    fragments: &'a [Range<usize>],
}

impl Table<'_> {
    /// The fragments of a frame, and how many frames they hold: all fragments of a single frame;
    /// one each; by an offset table that fits; by the starts of code streams; or all where they
    /// are one JPEG 2000 stream with a component a frame.
    fn fragments_of(
        &self,
        frame_idx: u32,
        cautions: &mut Vec<Caution>,
    ) -> Result<(Range<usize>, u32), Refusal> {
        let (count, frames) = (self.fragments.len(), self.layout.frames as usize);
        let idx = frame_idx as usize;
        if count == 0 {
            return Err(Refusal::NoImage { keyword: "pixel fragments" });
        }
        if frames == 1 {
            if count > 1 && self.starts().len() > 1 {
                cautions.push(Caution::new(
                    "W-MORE-FRAMES",
                    "the pixel data hold more pictures than NumberOfFrames says; the first is shown",
                ));
            }
            return Ok((0..count, 1));
        }
        if count == frames {
            return Ok((idx..idx + 1, 1));
        }
        let unclear = Refusal::Frames { frames: self.layout.frames, fragments: count };
        let is_stated =
            !self.offsets.is_empty() || self.structure.value(tags::EXTENDED_OFFSET_TABLE).is_some();
        let starts = match self.stated_starts() {
            Some(starts) => starts,
            None => {
                let starts = self.starts();
                if starts.len() == 1 && starts[0] == 0 {
                    return Ok((0..count, self.layout.frames));
                }
                if is_stated {
                    cautions.push(Caution::new(
                        "W-OFFSET-TABLE",
                        "the table of the frames' places is wrong; the frames were told apart by their own marks",
                    ));
                }
                starts
            }
        };
        if starts.len() != frames || starts[0] != 0 {
            return Err(unclear);
        }
        let end = starts.get(idx + 1).copied().unwrap_or(count);
        Ok((starts[idx]..end, 1))
    }

    /// The first fragment of each frame by ExtendedOffsetTable, else BasicOffsetTable, where every
    /// offset is the start of a fragment.
    fn stated_starts(&self) -> Option<Vec<usize>> {
        let encoding = self.structure.encoding;
        let offsets: Vec<u64> = match self.structure.value(tags::EXTENDED_OFFSET_TABLE) {
            Some(table) => {
                table.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect()
            }
            None => {
                let table = self.structure.dataset.range(self.offsets.clone()).ok()?;
                table.as_chunks::<4>().0.iter().map(|b| encoding.u32(*b).into()).collect()
            }
        };
        if offsets.len() != self.layout.frames as usize {
            return None;
        }
        let base = self.fragments[0].start;
        let mut starts = Vec::with_capacity(offsets.len());
        for offset in offsets {
            let found = self.fragments.binary_search_by_key(&offset, |f| (f.start - base) as u64);
            starts.push(found.ok()?);
        }
        starts.is_sorted_by(|a, b| a < b).then_some(starts)
    }

    /// The fragments that begin like a code stream.
    fn starts(&self) -> Vec<usize> {
        let is_start = |fragment: &Range<usize>| {
            let Some(head) = self.structure.dataset.chunk::<8>(fragment.start, fragment.end) else {
                return false;
            };
            // JPEG and JPEG-LS, JPEG 2000, and JPEG 2000 in a JP2 file.
            head.starts_with(&[0xFF, 0xD8, 0xFF])
                || head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
                || head == *b"\0\0\0\x0CjP  "
        };
        (0..self.fragments.len()).filter(|i| is_start(&self.fragments[*i])).collect()
    }
}
