//! The walk over a data set: one loop, one explicit stack, no recursion, no value read.

use std::ops::Range;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::bytes::Bytes;
use super::encoding::Encoding;
use super::guard::{Element, End, MAX_DEPTH, MAX_VALUE, PixelData, Refusal};
use super::head::{Head, MISFIT, is_vr};
use crate::mammogram::Caution;

/// What the walk found at the top level.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) elements: Vec<Element>,
    pub(super) pixel_data: Option<PixelData>,
    /// The items of PerFrameFunctionalGroupsSequence, whole.
    pub(super) frame_groups: Vec<Range<usize>>,
    /// UN elements of undefined length inside kept elements: where the length stands and what to
    /// write there, for the library reads no such element.
    pub(super) un_lengths: Vec<(usize, [u8; 4])>,
    /// Where the items of DirectoryRecordSequence begin.
    pub(super) directory_records: Vec<usize>,
    /// A vendor's own pixels (private group 7E01) were met.
    pub(super) has_vendor_pixels: bool,
    pub(super) cautions: Vec<Caution>,
}

/// Where one vendor keeps tomosynthesis inside a secondary capture.
const VENDOR_PIXELS: Tag = Tag(0x7E01, 0x1010);
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// Walks a whole data set; keeps the first of each top-level element that `is_wanted` names.
pub(super) fn walk(
    dataset: &Bytes,
    encoding: Encoding,
    is_wanted: impl Fn(Tag) -> bool,
) -> Result<Walk, Refusal> {
    let mut walker = Walker { dataset, at: 0, levels: Vec::new(), found: Walk::default() };
    match walker.run(encoding, &is_wanted) {
        // Behind the pixel data nothing is needed: what does not parse is not part of the image.
        Err(_) if walker.found.pixel_data.is_some() => {
            walker.caution(
                "W-TRAILING",
                "the file goes on behind the image; what follows was ignored",
            );
        }
        outcome => outcome?,
    }
    Ok(walker.found)
}

/// An open sequence or item.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Of the sequence.
    tag: Tag,
    is_sequence: bool,
    /// Where it must be over at the latest.
    end: usize,
    /// Closed by a delimiter rather than by a length.
    is_delimited: bool,
    encoding: Encoding,
    /// The sequence came as UN, so that the encoding of its items is not certain.
    is_un: bool,
    /// First byte of its own header.
    start: usize,
    value_start: usize,
    is_wanted: bool,
}

struct Walker<'a> {
    dataset: &'a Bytes,
    at: usize,
    levels: Vec<Level>,
    found: Walk,
}

impl Walker<'_> {
    fn caution(&mut self, code: &str, text: &str) {
        if self.found.cautions.iter().all(|c| c.code != code) {
            self.found.cautions.push(Caution::new(code, text));
        }
    }

    fn run(&mut self, encoding: Encoding, is_wanted: &impl Fn(Tag) -> bool) -> Result<(), Refusal> {
        loop {
            self.leave_finished_levels();
            match self.levels.last().copied() {
                None if self.at == self.dataset.len() => return Ok(()),
                None => self.top_level_element(encoding, is_wanted)?,
                Some(level) if self.at >= level.end => {
                    return Err(Refusal::Unclosed { tag: level.tag });
                }
                Some(level) if level.is_sequence => self.item(level)?,
                Some(level) => self.nested_element(level)?,
            }
        }
    }

    fn leave_finished_levels(&mut self) {
        while let Some(level) = self.levels.last().copied() {
            if level.is_delimited || self.at < level.end {
                return;
            }
            self.close(level);
        }
    }

    fn close(&mut self, level: Level) {
        self.levels.pop();
        if !level.is_sequence
            && level.tag == tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
            && self.levels.len() == 1
        {
            self.found.frame_groups.push(level.start..self.at);
        }
        if let (Some(outer), true) = (self.levels.last(), level.is_un && level.is_delimited)
            && self.levels[0].is_wanted
        {
            let length = (self.at - level.value_start) as u32;
            self.found.un_lengths.push((level.value_start - 4, outer.encoding.long(length)));
        }
        if !level.is_sequence
            && level.tag == tags::DIRECTORY_RECORD_SEQUENCE
            && self.levels.len() == 1
        {
            self.found.directory_records.push(level.start);
        }
        if self.levels.is_empty() && level.is_wanted {
            self.keep(level.tag, level.start, level.value_start..self.at, level.is_un);
        }
    }

    fn keep(&mut self, tag: Tag, start: usize, value: Range<usize>, is_un: bool) {
        if self.found.elements.iter().any(|e| e.tag == tag) {
            self.caution(
                "W-DUPLICATE",
                "an attribute stands twice in the file; the first was taken",
            );
            return;
        }
        self.found.elements.push(Element { tag, whole: start..value.end, value, is_un });
    }

    fn top_level_element(
        &mut self,
        encoding: Encoding,
        is_wanted: &impl Fn(Tag) -> bool,
    ) -> Result<(), Refusal> {
        let met_pixels = self.found.pixel_data.is_some();
        let head = self.head(encoding, self.dataset.len())?;
        if met_pixels && (head.tag <= tags::PIXEL_DATA || head.tag.group() == 0xFFFF) {
            return Err(head.damaged("it stands behind the pixel data"));
        }
        if head.tag == tags::PIXEL_DATA {
            return self.pixel_data(&head, encoding);
        }
        self.found.has_vendor_pixels |= head.tag == VENDOR_PIXELS;
        if head.is_overlay() && head.length > 0 {
            self.caution(
                "W-OVERLAY",
                "the file has drawings on the image (overlays), not shown here",
            );
        }
        let wanted = is_wanted(head.tag);
        if let Some(sequence_encoding) = self.sequence_encoding(&head, encoding)? {
            return self.open(&head, true, sequence_encoding, wanted);
        }
        let end = self.skip_value(&head, self.dataset.len())?;
        if head.tag == tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE && wanted {
            self.frame_groups_in_un(&head, end);
        }
        if wanted {
            if end - head.value > MAX_VALUE {
                return Err(Refusal::ValueTooLong { tag: head.tag, bytes: end - head.value });
            }
            // What is no number of this kind is taken as bytes: the library would lose its place.
            let is_misfit = !head.fits();
            if is_misfit && head.vr.is_none() {
                return Err(head.damaged(MISFIT));
            }
            let is_un = head.vr == Some(*b"UN") || is_misfit;
            self.keep(head.tag, head.start, head.value..end, is_un);
        }
        Ok(())
    }

    /// The frames' groups that came as UN of a known length, where they hold together as items.
    fn frame_groups_in_un(&mut self, head: &Head, end: usize) {
        let value = Level {
            tag: head.tag,
            is_sequence: true,
            end,
            is_delimited: false,
            encoding: Encoding::ImplicitLittle,
            is_un: true,
            start: head.start,
            value_start: head.value,
            // The element is kept as it is.
            is_wanted: false,
        };
        let num_lengths = self.found.un_lengths.len();
        self.levels.push(value);
        self.at = head.value;
        let mut walked = Ok(());
        while walked.is_ok() && self.at < end {
            self.leave_finished_levels();
            walked = match self.levels.last().copied() {
                Some(level) if level.is_sequence => self.item(level),
                Some(level) => self.nested_element(level),
                None => break,
            };
        }
        self.leave_finished_levels();
        if walked.is_err() || !self.levels.is_empty() {
            self.levels.clear();
            self.found.frame_groups.clear();
            self.found.un_lengths.truncate(num_lengths);
        }
        self.at = end;
    }

    fn nested_element(&mut self, level: Level) -> Result<(), Refusal> {
        let head = self.head(level.encoding, level.end)?;
        if head.tag == ITEM_END && level.is_delimited {
            self.at = head.value;
            self.close(level);
            return Ok(());
        }
        if head.tag == tags::PIXEL_DATA && head.length == UNDEFINED {
            return self.skip_fragments(&head, level);
        }
        if let Some(encoding) = self.sequence_encoding(&head, level.encoding)? {
            return self.open(&head, true, encoding, false);
        }
        if self.levels[0].is_wanted && !head.fits() {
            return Err(head.damaged(MISFIT));
        }
        self.skip_value(&head, level.end).map(|_| ())
    }

    /// The compressed pixels of a picture inside a sequence, such as an icon (PS3.5 A.4).
    fn skip_fragments(&mut self, head: &Head, level: Level) -> Result<(), Refusal> {
        self.at = head.value;
        loop {
            let item = self.head(level.encoding, level.end)?;
            match item.tag {
                ITEM if item.length != UNDEFINED => _ = self.skip_value(&item, level.end)?,
                SEQUENCE_END => {
                    self.at = item.value;
                    return Ok(());
                }
                _ => return Err(item.damaged("a fragment of pixel data was expected here")),
            }
        }
    }

    fn item(&mut self, level: Level) -> Result<(), Refusal> {
        let head = self.head(level.encoding, level.end)?;
        match head.tag {
            ITEM => {
                let encoding = self.item_encoding(level, &head);
                self.open(&head, false, encoding, false)
            }
            SEQUENCE_END if level.is_delimited => {
                self.at = head.value;
                self.close(level);
                Ok(())
            }
            _ => Err(head.damaged("an item was expected here")),
        }
    }

    /// CP 246 has UN of undefined length implicit inside; some writers leave it explicit.
    fn item_encoding(&self, level: Level, item: &Head) -> Encoding {
        let first = self.dataset.chunk::<8>(item.value, level.end);
        match first {
            Some(head)
                if level.is_un
                    && u16::from_le_bytes([head[0], head[1]]) != 0xFFFE
                    && is_vr([head[4], head[5]]) =>
            {
                Encoding::ExplicitLittle
            }
            _ => level.encoding,
        }
    }

    /// Goes into a sequence or item.
    fn open(
        &mut self,
        head: &Head,
        is_sequence: bool,
        encoding: Encoding,
        is_wanted: bool,
    ) -> Result<(), Refusal> {
        let items = self.levels.iter().filter(|l| !l.is_sequence).count();
        if !is_sequence && items == MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        let outer = self.levels.last();
        let limit = outer.map_or(self.dataset.len(), |l| l.end);
        let is_delimited = head.length == UNDEFINED;
        let end = if is_delimited { limit } else { head.end_of_value(limit)? };
        let tag = if is_sequence { head.tag } else { outer.map_or(head.tag, |l| l.tag) };
        self.at = head.value;
        self.levels.push(Level {
            tag,
            is_sequence,
            end,
            is_delimited,
            encoding,
            is_un: is_sequence && head.vr == Some(*b"UN"),
            start: head.start,
            value_start: head.value,
            is_wanted,
        });
        Ok(())
    }

    /// How the items inside are written, where the element is a sequence to be walked.
    fn sequence_encoding(
        &self,
        head: &Head,
        encoding: Encoding,
    ) -> Result<Option<Encoding>, Refusal> {
        let is_undefined = head.length == UNDEFINED;
        match head.vr {
            Some(vr) if vr == *b"SQ" => Ok(Some(encoding)),
            // PS3.5 6.2.2 note 2 (CP 246): UN of undefined length is implicit VR inside.
            Some(vr) if vr == *b"UN" && is_undefined => Ok(Some(Encoding::ImplicitLittle)),
            Some(_) if is_undefined => Err(head.damaged("its length is undefined")),
            Some(_) => Ok(None),
            None if is_undefined => Ok(Some(encoding)),
            // A private value that looks like a sequence stays opaque.
            None => {
                let entry = StandardDataDictionary.by_tag(head.tag);
                let is_sequence = entry.is_some_and(|e| e.vr().relaxed() == VR::SQ);
                Ok((is_sequence && head.tag.group().is_multiple_of(2)).then_some(encoding))
            }
        }
    }

    fn pixel_data(&mut self, head: &Head, encoding: Encoding) -> Result<(), Refusal> {
        if head.length == UNDEFINED {
            self.at = head.value;
            self.found.pixel_data = Some(self.fragments(encoding)?);
            return Ok(());
        }
        let left = self.dataset.len() - head.value;
        let end = head.value + left.min(head.length as usize);
        self.found.pixel_data = Some(PixelData::Native {
            range: head.value..end,
            claimed: u64::from(head.length),
            words: head.vr != Some(*b"OB"),
        });
        self.at = end;
        Ok(())
    }

    /// PS3.5 A.4: an offset table, then fragments, then a delimiter.
    fn fragments(&mut self, encoding: Encoding) -> Result<PixelData, Refusal> {
        let mut items = Vec::new();
        let mut end = End::Unmarked;
        loop {
            let left = self.dataset.len() - self.at;
            let Some(head) = self.dataset.chunk::<8>(self.at, usize::MAX) else {
                self.caution("W-NO-END", "the end mark of the pixel data is missing");
                self.at += left;
                break;
            };
            let tag = Tag(encoding.u16([head[0], head[1]]), encoding.u16([head[2], head[3]]));
            let length = encoding.u32([head[4], head[5], head[6], head[7]]);
            let value = self.at + 8;
            let room = self.dataset.len() - value;
            if tag == SEQUENCE_END {
                if length != 0 {
                    self.caution("W-NO-END", "the end mark of the pixel data is damaged");
                }
                end = End::Marked;
                self.at = value;
                break;
            }
            if tag != ITEM {
                self.caution("W-NO-END", "the end mark of the pixel data is missing");
                break;
            }
            if length == UNDEFINED {
                let what = "a fragment of the pixel data has no length";
                return Err(Refusal::Damaged { tag, offset: self.at, what });
            }
            if length as usize > room {
                end = End::Cut { have: room as u64, need: u64::from(length) };
                self.at = self.dataset.len();
                break;
            }
            self.at = value + length as usize;
            items.push(value..self.at);
        }
        if items.is_empty() {
            items.push(self.at..self.at);
        }
        let offsets = items.remove(0);
        Ok(PixelData::Encapsulated { offsets, fragments: items, end })
    }

    /// The header at the cursor.
    fn head(&self, encoding: Encoding, limit: usize) -> Result<Head, Refusal> {
        Head::read(self.dataset, encoding, self.at, limit)
    }

    fn skip_value(&mut self, head: &Head, limit: usize) -> Result<usize, Refusal> {
        let end = head.end_of_value(limit)?;
        self.at = end;
        Ok(end)
    }
}
