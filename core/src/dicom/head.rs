//! The header of an element: tag, value representation, length (PS3.5 clause 7.1).

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;

use super::bytes::Bytes;
use super::encoding::Encoding;
use super::guard::Refusal;

pub(super) const MISFIT: &str = "its length does not fit its value representation";

pub(super) struct Head {
    pub(super) tag: Tag,
    /// Its two letters; `None` where the encoding has none.
    pub(super) vr: Option<[u8; 2]>,
    pub(super) length: u32,
    /// First byte of the header.
    pub(super) start: usize,
    /// First byte of the value.
    pub(super) value: usize,
}

impl Head {
    /// The header at `start`, wholly before `limit`.
    pub(super) fn read(
        dataset: &Bytes,
        encoding: Encoding,
        start: usize,
        limit: usize,
    ) -> Result<Self, Refusal> {
        let cut = Refusal::CutHeader { offset: start };
        let Some(short) = dataset.chunk::<8>(start, limit) else { return Err(cut) };
        let tag = Tag(encoding.u16([short[0], short[1]]), encoding.u16([short[2], short[3]]));
        let word = [short[4], short[5], short[6], short[7]];
        if !encoding.is_explicit() || tag.group() == 0xFFFE {
            let length = encoding.u32(word);
            return Ok(Self { tag, vr: None, length, start, value: start + 8 });
        }
        let vr = [short[4], short[5]];
        if !vr.iter().all(u8::is_ascii_uppercase) {
            let what = "its value representation is not one of DICOM's";
            return Err(Refusal::Damaged { tag, offset: start, what });
        }
        if has_short_length(vr) {
            let length = u32::from(encoding.u16([short[6], short[7]]));
            return Ok(Self { tag, vr: Some(vr), length, start, value: start + 8 });
        }
        let Some(long) = dataset.chunk::<12>(start, limit) else { return Err(cut) };
        let length = encoding.u32([long[8], long[9], long[10], long[11]]);
        Ok(Self { tag, vr: Some(vr), length, start, value: start + 12 })
    }

    /// Where a value of defined length ends, at the latest at `limit`.
    pub(super) fn end_of_value(&self, limit: usize) -> Result<usize, Refusal> {
        let left = limit - self.value;
        if self.length as usize > left {
            return Err(Refusal::Cut {
                tag: self.tag,
                claimed: u64::from(self.length),
                left: left as u64,
            });
        }
        Ok(self.value + self.length as usize)
    }

    /// Whether the length is a whole number of values (PS3.5 table 6.2-1).
    pub(super) fn fits(&self) -> bool {
        let of_dictionary = || {
            let entry = StandardDataDictionary.by_tag(self.tag)?;
            Some(entry.vr().relaxed().to_bytes())
        };
        let size = match self.vr.or_else(of_dictionary) {
            Some([b'U' | b'S', b'S'] | [b'O', b'W']) => 2,
            Some([b'U' | b'S' | b'F' | b'O', b'L'] | [b'A', b'T'] | [b'O', b'F']) => 4,
            Some([b'F' | b'O', b'D'] | [b'U' | b'S' | b'O', b'V']) => 8,
            _ => 1,
        };
        self.length.is_multiple_of(size)
    }

    /// OverlayData (60xx,3000), xx even.
    pub(super) fn is_overlay(&self) -> bool {
        (0x6000..0x6100).contains(&self.tag.group())
            && self.tag.group().is_multiple_of(2)
            && self.tag.element() == 0x3000
    }

    pub(super) fn damaged(&self, what: &'static str) -> Refusal {
        Refusal::Damaged { tag: self.tag, offset: self.start, what }
    }
}

/// Whether these are the letters of a value representation (PS3.5 6.2).
pub(super) fn is_vr(vr: [u8; 2]) -> bool {
    has_short_length(vr)
        || [*b"OB", *b"OD", *b"OF", *b"OL", *b"OV", *b"OW", *b"SQ", *b"SV"].contains(&vr)
        || [*b"UC", *b"UN", *b"UR", *b"UT", *b"UV"].contains(&vr)
}

/// PS3.5 table 7.1-2; a VR of a later edition has a long length (clause 6.2.2).
fn has_short_length(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"AE"
            | b"AS"
            | b"AT"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"FL"
            | b"FD"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"PN"
            | b"SH"
            | b"SL"
            | b"SS"
            | b"ST"
            | b"TM"
            | b"UI"
            | b"UL"
            | b"US"
    )
}
