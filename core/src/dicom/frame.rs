//! Which bytes of the file are one frame.

use std::borrow::Cow;
use std::ops::Range;

use dicom_dictionary_std::{tags, uids};
use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::encoding::RLE;
use super::guard::{End, MAX_PIXELS, MAX_REQUEST, PixelData, Refusal, Structure};
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
    structure.pixel_data.as_ref().map(|_| ()).ok_or_else(|| without_pixels(structure))
}

fn without_pixels(structure: &Structure) -> Refusal {
    if structure.syntax.is_jpip() {
        return Refusal::Elsewhere;
    }
    Refusal::NoImage { keyword: "PixelData" }
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
        None => Err(without_pixels(structure)),
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
                let whole = (left / one) as u32;
                if whole == 0 {
                    return Ok(Frame::Cut { have: left, need: needed });
                }
                check_before_break(frame_idx, whole, layout, cautions)?;
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
        Some(PixelData::Encapsulated { offsets, fragments, end }) => {
            let table = Table { structure, layout, offsets: offsets.clone(), fragments };
            let mut met = Vec::new();
            let (which, pictures) = match (end, table.fragments_of(frame_idx, &mut met)) {
                (End::Cut { have, need }, _) => match table.whole_frame(frame_idx, cautions)? {
                    Some(which) => (which, 1),
                    None => {
                        let before: u64 = fragments.iter().map(|f| f.len() as u64).sum();
                        return Ok(Frame::Cut { have: before + have, need: before + need });
                    }
                },
                (End::Unmarked, Err(refusal)) => {
                    (table.whole_frame(frame_idx, cautions)?.ok_or(refusal)?, 1)
                }
                (_, found) => {
                    cautions.append(&mut met);
                    found?
                }
            };
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

/// Says which frames are missing, or that the one asked for is among them.
fn check_before_break(
    frame_idx: u32,
    whole: u32,
    layout: &Layout,
    cautions: &mut Vec<Caution>,
) -> Result<(), Refusal> {
    if frame_idx >= whole {
        return Err(Refusal::FrameMissing { number: u64::from(frame_idx) + 1, whole });
    }
    let (first, last) = (whole + 1, layout.frames);
    let missing = if first == last {
        format!("frame {first} is")
    } else {
        format!("frames {first} to {last} are")
    };
    let text =
        format!("the file breaks off: {missing} missing or cut; copy it again from its source");
    cautions.push(Caution::new("W-FRAMES-MISSING", text));
    Ok(())
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

    /// The fragments of a frame that is all there although the file breaks off; `None` where not
    /// even the first is. A frame is whole where the next one's start is known, by table or marks,
    /// or where it ends as a code stream does.
    fn whole_frame(
        &self,
        frame_idx: u32,
        cautions: &mut Vec<Caution>,
    ) -> Result<Option<Range<usize>>, Refusal> {
        let Some(last) = self.fragments.last() else { return Ok(None) };
        let (base, count) = (self.fragments[0].start, self.fragments.len());
        // Where the fragment behind the last whole one begins: an item's head is 8 bytes.
        let behind = last.end + 8;
        let mut starts = match self.stated_offsets() {
            Some(offsets) => {
                let known = offsets.iter().map_while(|offset| {
                    let at = |f: &Range<usize>| (f.start - base) as u64;
                    let is_behind = *offset == (behind - base) as u64;
                    let found = self.fragments.binary_search_by_key(offset, at).ok();
                    found.or(is_behind.then_some(count))
                });
                known.collect()
            }
            // PS3.5 A.4.2: one fragment a frame.
            None if self.structure.syntax.0 == RLE => (0..=count).collect(),
            None => {
                let mut starts = self.starts();
                starts.extend(self.is_start(&(behind..usize::MAX)).then_some(count));
                starts
            }
        };
        let is_ended = || {
            let tail = self.structure.dataset.range(last.end.saturating_sub(3)..last.end);
            tail.is_ok_and(|tail| tail.ends_with(&[0xFF, 0xD9]) || tail.ends_with(&[0xFF, 0xD9, 0]))
        };
        if starts.last() != Some(&count) && is_ended() {
            starts.push(count);
        }
        let is_sound = starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b);
        let whole = if is_sound { starts.len() as u32 - 1 } else { 0 };
        if whole == 0 || self.layout.frames == 1 {
            return Ok(None);
        }
        let idx = frame_idx as usize;
        check_before_break(frame_idx, whole, self.layout, cautions)?;
        Ok(Some(starts[idx]..starts[idx + 1]))
    }

    /// The first fragment of each frame by the table, where every offset is the start of one.
    fn stated_starts(&self) -> Option<Vec<usize>> {
        let base = self.fragments[0].start;
        let mut starts = Vec::with_capacity(self.layout.frames as usize);
        for offset in self.stated_offsets()? {
            let found = self.fragments.binary_search_by_key(&offset, |f| (f.start - base) as u64);
            starts.push(found.ok()?);
        }
        starts.is_sorted_by(|a, b| a < b).then_some(starts)
    }

    /// ExtendedOffsetTable, else BasicOffsetTable, where it has an offset for each frame.
    fn stated_offsets(&self) -> Option<Vec<u64>> {
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
        (offsets.len() == self.layout.frames as usize).then_some(offsets)
    }

    /// The fragments that begin like a code stream.
    fn starts(&self) -> Vec<usize> {
        (0..self.fragments.len()).filter(|i| self.is_start(&self.fragments[*i])).collect()
    }

    /// JPEG and JPEG-LS, JPEG 2000 bare or in a JP2 file, JPEG XL likewise.
    fn is_start(&self, fragment: &Range<usize>) -> bool {
        let Some(head) = self.structure.dataset.chunk::<8>(fragment.start, fragment.end) else {
            return false;
        };
        // Two bytes are a mark only where they are looked for.
        let is_xl = self.structure.syntax.is_jpeg_xl() && head.starts_with(&[0xFF, 0x0A]);
        head.starts_with(&[0xFF, 0xD8, 0xFF])
            || head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
            || [*b"\0\0\0\x0CjP  ", *b"\0\0\0\x0CJXL "].contains(&head)
            || is_xl
    }
}
