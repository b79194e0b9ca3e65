//! DICOM files made by hand, element by element, so that any of them can be made wrong.

/// Group and element number.
pub(crate) type Tag = (u16, u16);

/// How the data set is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Writing {
    Explicit,
    Implicit,
    BigEndian,
}

/// A file under construction.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) writing: Writing,
    pub(crate) syntax: &'static str,
    elements: Vec<(Tag, &'static str, Vec<u8>)>,
}

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
pub(crate) const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
pub(crate) const PIXEL_DATA: Tag = (0x7FE0, 0x0010);
pub(crate) const ROWS: u16 = 6;
pub(crate) const COLUMNS: u16 = 8;

impl File {
    /// A sound 12-bit film of 8 columns and 6 rows whose pixels count from 0 in steps of 80.
    pub(crate) fn film() -> Self {
        let mut file = Self { writing: Writing::Explicit, syntax: EXPLICIT, elements: Vec::new() };
        file.text((0x0008, 0x0018), "UI", "1.2.3.4")
            .text((0x0008, 0x0068), "CS", "FOR PRESENTATION")
            .text((0x0010, 0x0020), "LO", "PHANTOM")
            .text((0x0018, 0x1164), "DS", "0.07\\0.07")
            .text((0x0018, 0x5101), "CS", "CC")
            .text((0x0020, 0x0062), "CS", "R")
            .short((0x0028, 0x0002), 1)
            .text((0x0028, 0x0004), "CS", "MONOCHROME2")
            .short((0x0028, 0x0010), ROWS)
            .short((0x0028, 0x0011), COLUMNS)
            .short((0x0028, 0x0100), 16)
            .short((0x0028, 0x0101), 12)
            .short((0x0028, 0x0102), 11)
            .short((0x0028, 0x0103), 0)
            .text((0x0028, 0x1050), "DS", "2048")
            .text((0x0028, 0x1051), "DS", "4096")
            .pixels(&pixels());
        file
    }

    /// Sets an element; they are kept in the order of their tags.
    pub(crate) fn set(&mut self, tag: Tag, vr: &'static str, value: Vec<u8>) -> &mut Self {
        self.remove(tag);
        let at = self.elements.partition_point(|(other, ..)| *other < tag);
        self.elements.insert(at, (tag, vr, value));
        self
    }

    pub(crate) fn remove(&mut self, tag: Tag) -> &mut Self {
        self.elements.retain(|(other, ..)| *other != tag);
        self
    }

    pub(crate) fn text(&mut self, tag: Tag, vr: &'static str, text: &str) -> &mut Self {
        let mut value = text.as_bytes().to_vec();
        if !value.len().is_multiple_of(2) {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.set(tag, vr, value)
    }

    pub(crate) fn short(&mut self, tag: Tag, value: u16) -> &mut Self {
        let bytes = self.word(value);
        self.set(tag, "US", bytes)
    }

    pub(crate) fn shorts(&mut self, tag: Tag, vr: &'static str, values: &[u16]) -> &mut Self {
        let bytes = values.iter().flat_map(|value| self.word(*value)).collect();
        self.set(tag, vr, bytes)
    }

    pub(crate) fn pixels(&mut self, values: &[u16]) -> &mut Self {
        self.shorts(PIXEL_DATA, "OW", values)
    }

    /// A sequence of defined length with one item that holds these elements.
    pub(crate) fn sequence(&mut self, tag: Tag, item: &Self) -> &mut Self {
        let bytes = self.item(item);
        self.set(tag, "SQ", bytes)
    }

    /// One item of defined length.
    pub(crate) fn item(&self, item: &Self) -> Vec<u8> {
        let dataset = Self { writing: self.writing, ..item.clone() }.dataset();
        [&self.tag((0xFFFE, 0xE000))[..], &self.long(dataset.len() as u32), &dataset].concat()
    }

    pub(crate) fn empty() -> Self {
        Self { writing: Writing::Explicit, syntax: EXPLICIT, elements: Vec::new() }
    }

    /// Pixel data as fragments behind an empty offset table.
    pub(crate) fn encapsulated(mut self, syntax: &'static str, fragments: &[&[u8]]) -> Vec<u8> {
        self.syntax = syntax;
        self.remove(PIXEL_DATA);
        let mut bytes = self.bytes();
        bytes.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
        for fragment in fragments {
            bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
            bytes.extend((fragment.len() as u32).to_le_bytes());
            bytes.extend(*fragment);
        }
        bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        bytes
    }

    /// The whole file: preamble, file meta information, data set.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.header(), self.dataset()].concat()
    }

    pub(crate) fn header(&self) -> Vec<u8> {
        let mut meta = Self::empty();
        meta.text((0x0002, 0x0010), "UI", self.syntax);
        let group = meta.dataset();
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
        bytes.extend((group.len() as u32).to_le_bytes());
        bytes.extend(group);
        bytes
    }

    pub(crate) fn dataset(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, vr, value) in &self.elements {
            bytes.extend(self.element_head(*tag, vr, value.len() as u32));
            bytes.extend(value);
        }
        bytes
    }

    /// Tag, value representation and length; with any length, true or not.
    pub(crate) fn element_head(&self, tag: Tag, vr: &str, length: u32) -> Vec<u8> {
        let mut bytes = self.tag(tag);
        if self.writing == Writing::Implicit {
            bytes.extend(self.long(length));
            return bytes;
        }
        bytes.extend(vr.as_bytes());
        if ["OB", "OV", "OW", "SQ", "UN", "UT"].contains(&vr) {
            bytes.extend([0, 0]);
            bytes.extend(self.long(length));
        } else {
            bytes.extend(self.word(length as u16));
        }
        bytes
    }

    fn tag(&self, (group, element): Tag) -> Vec<u8> {
        [self.word(group), self.word(element)].concat()
    }

    fn word(&self, value: u16) -> Vec<u8> {
        match self.writing {
            Writing::BigEndian => value.to_be_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        }
    }

    fn long(&self, value: u32) -> Vec<u8> {
        match self.writing {
            Writing::BigEndian => value.to_be_bytes().to_vec(),
            _ => value.to_le_bytes().to_vec(),
        }
    }
}

/// The pixels of [`File::film`].
pub(crate) fn pixels() -> Vec<u16> {
    (0..ROWS * COLUMNS).map(|i| i * 80).collect()
}
