//! The marker segments that stand before the entropy-coded data (T.81 B.1).

use crate::dicom::codec::Error;

/// Second bytes of the markers that are met.
pub(crate) mod marker {
    pub(crate) const SOF0: u8 = 0xC0;
    pub(crate) const SOF1: u8 = 0xC1;
    pub(crate) const SOF2: u8 = 0xC2;
    pub(crate) const SOF3: u8 = 0xC3;
    pub(crate) const DHT: u8 = 0xC4;
    pub(crate) const SOI: u8 = 0xD8;
    pub(crate) const EOI: u8 = 0xD9;
    pub(crate) const SOS: u8 = 0xDA;
    pub(crate) const DQT: u8 = 0xDB;
    pub(crate) const DRI: u8 = 0xDD;
    /// JPEG-LS (T.87 C.1.1).
    pub(crate) const SOF_LS: u8 = 0xF7;
}

/// One segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// Behind the length.
    pub(crate) payload: &'a [u8],
    /// All that follows the segment; entropy-coded data where it is SOS.
    pub(crate) behind: &'a [u8],
}

/// The segments from SOI to SOS or EOI, both ends checked.
pub(crate) struct Segments<'a> {
    format: &'static str,
    rest: &'a [u8],
    is_done: bool,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(format: &'static str, stream: &'a [u8]) -> Result<Self, Error> {
        match stream {
            [0xFF, marker::SOI, rest @ ..] => Ok(Self { format, rest, is_done: false }),
            _ => Err(Error::Damaged { format, what: "it has no start mark".to_owned() }),
        }
    }

    /// Goes on behind the entropy-coded data of a scan (T.81 B.1.1.5).
    pub(crate) fn pass_scan(&mut self) {
        let is_marker = |w: &[u8]| w[0] == 0xFF && !matches!(w[1], 0 | 0xD0..=0xD7 | 0xFF);
        let next = self.rest.windows(2).position(is_marker);
        self.rest = next.map_or(&[], |at| &self.rest[at..]);
        self.is_done = false;
    }

    fn segment(&mut self) -> Result<Segment<'a>, Error> {
        let cut = Error::Cut { format: self.format };
        // Any number of FF may stand before a marker (T.81 B.1.1.2).
        let Some(fill) = self.rest.iter().position(|b| *b != 0xFF) else { return Err(cut) };
        let (1.., [marker, behind @ ..]) = (fill, &self.rest[fill..]) else {
            let what = "a marker was expected".to_owned();
            return Err(Error::Damaged { format: self.format, what });
        };
        if *marker == marker::EOI {
            return Ok(Segment { marker: *marker, payload: &[], behind });
        }
        let [high, low, ..] = behind else { return Err(cut) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(payload) = behind.get(2..length) else { return Err(cut) };
        self.rest = &behind[length..];
        Ok(Segment { marker: *marker, payload, behind: self.rest })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let segment = self.segment();
        self.is_done =
            !matches!(&segment, Ok(s) if ![marker::SOS, marker::EOI].contains(&s.marker));
        Some(segment)
    }
}
