//! Which bytes of the file are the first frame.

use std::borrow::Cow;
use std::ops::Range;

use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

use super::guard::{MAX_PIXELS, PixelData, Refusal, Structure};
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

/// The first frame, or how much of it is missing.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Native { bytes: &'a [u8], words: bool },
    Encapsulated { bytes: Cow<'a, [u8]> },
    Cut { have: u64, need: u64 },
}

impl Layout {
    /// Reads and checks the layout; what no grey mammogram can have is refused here.
    pub(super) fn of(structure: &Structure<'_>) -> Result<Self, Refusal> {
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
        let frames = structure.integer_string(tags::NUMBER_OF_FRAMES).unwrap_or(1);
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
            return Err(refused("SamplesPerPixel", samples.into()));
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
        let frames = u32::try_from(frames).ok().filter(|f| *f > 0).ok_or_else(|| {
            Refusal::BadLayout { keyword: "NumberOfFrames", value: frames.to_string() }
        })?;
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

/// Cuts the first frame out of the pixel data; a cut file is told from a lying one.
pub(super) fn first<'a>(
    structure: &'a Structure<'_>,
    layout: &Layout,
    cautions: &mut Vec<Caution>,
) -> Result<Frame<'a>, Refusal> {
    if layout.frames > 1 {
        let text = format!("the file has {} frames; only the first is shown", layout.frames);
        cautions.push(Caution::new("W-MULTIFRAME", text));
    }
    match &structure.pixel_data {
        None => Err(Refusal::NoImage { keyword: "PixelData" }),
        Some(PixelData::Native { .. }) if !structure.syntax.is_native() => {
            Err(Refusal::NotCompressed)
        }
        Some(PixelData::Native { range, claimed, words }) => {
            let one = layout.bytes() as u64;
            let needed = one * u64::from(layout.frames);
            let left = range.len() as u64;
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
            let bytes = &structure.dataset[range.start..range.start + one as usize];
            Ok(Frame::Native { bytes, words: *words })
        }
        Some(PixelData::Encapsulated { cut: Some(cut), fragments, .. }) => {
            let before: u64 = fragments.iter().map(|f| f.len() as u64).sum();
            Ok(Frame::Cut { have: before + cut.have, need: before + cut.need })
        }
        Some(PixelData::Encapsulated { offsets, fragments, .. }) => {
            let count = fragments_of_first_frame(structure, layout, offsets.clone(), fragments)?;
            let bytes = |fragment: &Range<usize>| &structure.dataset[fragment.clone()];
            let bytes = match &fragments[..count] {
                [one] => Cow::Borrowed(bytes(one)),
                several => Cow::Owned(several.iter().map(bytes).collect::<Vec<_>>().concat()),
            };
            Ok(Frame::Encapsulated { bytes })
        }
    }
}

/// How many fragments make the first frame: all of them, or by the offset table, or one each, or
/// up to the next start of a code stream (PS3.5 A.4).
fn fragments_of_first_frame(
    structure: &Structure<'_>,
    layout: &Layout,
    offsets: Range<usize>,
    fragments: &[Range<usize>],
) -> Result<usize, Refusal> {
    if fragments.is_empty() {
        return Err(Refusal::NoImage { keyword: "pixel fragments" });
    }
    if layout.frames == 1 {
        return Ok(fragments.len());
    }
    if fragments.len() == layout.frames as usize {
        return Ok(1);
    }
    let unclear = Refusal::Frames { frames: layout.frames, fragments: fragments.len() };
    let table = &structure.dataset[offsets];
    if let Some(second) = table.get(4..8) {
        let second = structure.encoding.u32([second[0], second[1], second[2], second[3]]) as usize;
        let base = fragments[0].start;
        let count = fragments.iter().position(|f| f.start - base == second);
        return count.filter(|c| *c > 0).ok_or(unclear);
    }
    let starts = |range: &Range<usize>| {
        let head = &structure.dataset[range.clone()];
        head.starts_with(&[0xFF, 0xD8, 0xFF]) || head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
    };
    let first_starts = fragments.iter().filter(|f| starts(f)).count() == layout.frames as usize;
    let next = fragments.iter().skip(1).position(starts);
    match next {
        Some(next) if first_starts => Ok(next + 1),
        _ => Err(unclear),
    }
}
