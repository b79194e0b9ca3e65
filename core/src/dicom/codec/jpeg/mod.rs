//! JPEG (ISO/IEC 10918-1 = ITU-T T.81) in the forms that DICOM uses, one grey component.
//!
//! Our own because no library at hand is right in all of them: lossless with restart intervals
//! and point transform (clause H), and DCT with 12 bits (clause F).

mod dct;
mod huffman;
mod lossless;
pub(crate) mod markers;

use self::huffman::{Bits, Table};
use self::markers::{Segment, Segments, marker};
use super::{Error, Picture, Size};

const FORMAT: &str = "JPEG";

/// Decodes the one scan of a sequential DCT or lossless stream.
pub(crate) fn decode(stream: &[u8], header: Size) -> Result<Picture, Error> {
    let mut state = State::default();
    for segment in Segments::new(FORMAT, stream)? {
        let segment = segment?;
        if segment.marker == marker::SOS {
            return state.scan(segment);
        }
        if segment.marker == marker::SOF2 && segment.payload.first() == Some(&8) {
            return progressive(stream, &segment, header);
        }
        state.take(&segment, header)?;
    }
    Err(damaged("it has no scan"))
}

/// Whether the scans of a stream end with a mark of the end. The decoder of picture files makes up
/// what is missing.
pub(crate) fn is_whole(stream: &[u8]) -> bool {
    let segments = Segments::new(FORMAT, stream).into_iter().flatten();
    let scan = segments.map_while(Result::ok).find(|segment| segment.marker == marker::SOS);
    // Inside entropy-coded data FF is never followed by D9 (T.81 B.1.1.5).
    scan.is_some_and(|scan| scan.behind.windows(2).any(|w| w == [0xFF, marker::EOI]))
}

/// Progressive DCT of 8 bits, retired but met: by the decoder of picture files, whose limits are ours.
fn progressive(stream: &[u8], segment: &Segment<'_>, header: Size) -> Result<Picture, Error> {
    let [_, r1, r0, c1, c0, components, ..] = segment.payload else {
        return Err(damaged("its frame header is malformed"));
    };
    if *components != 1 {
        return Err(unsupported("more than one colour"));
    }
    let rows = u32::from(u16::from_be_bytes([*r1, *r0]));
    let columns = u32::from(u16::from_be_bytes([*c1, *c0]));
    Size { rows, columns }.check_against(header)?;
    if !is_whole(stream) {
        return Err(Error::Cut { format: FORMAT });
    }
    let decoded = image::load_from_memory_with_format(stream, image::ImageFormat::Jpeg)
        .map_err(|error| damaged(&error.to_string()))?;
    let image::DynamicImage::ImageLuma8(grey) = decoded else {
        return Err(unsupported("more than one colour"));
    };
    if (grey.height(), grey.width()) != (header.rows, header.columns) {
        return Err(damaged("its size is not the one it declares"));
    }
    let samples = grey.into_raw().into_iter().map(u16::from).collect();
    Ok(Picture { precision: 8, samples, lossy: true, ..Picture::default() })
}

fn damaged(what: &str) -> Error {
    Error::Damaged { format: FORMAT, what: what.to_owned() }
}

fn unsupported(what: impl Into<String>) -> Error {
    Error::Unsupported { format: FORMAT, what: what.into() }
}

/// SOFn: the process, and the size it declares.
#[derive(Debug, Clone, Copy)]
struct FrameHeader {
    is_lossless: bool,
    precision: u16,
    rows: usize,
    columns: usize,
    component: u8,
    quantization: u8,
}

/// What the tables before the scan have said.
#[derive(Default)]
struct State {
    frame: Option<FrameHeader>,
    dc_tables: [Option<Table>; 4],
    ac_tables: [Option<Table>; 4],
    quantization: [Option<[u16; 64]>; 4],
    restart_interval: usize,
}

impl State {
    fn take(&mut self, segment: &Segment<'_>, header: Size) -> Result<(), Error> {
        match segment.marker {
            marker::DHT => self.huffman_tables(segment.payload),
            marker::DQT => self.quantization_tables(segment.payload),
            marker::DRI => {
                let [high, low] = *segment.payload else {
                    return Err(damaged("its restart interval is malformed"));
                };
                self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
                Ok(())
            }
            marker::SOF0 | marker::SOF1 | marker::SOF3 => {
                if self.frame.is_some() {
                    return Err(damaged("it has two frame headers"));
                }
                self.frame = Some(frame_header(segment, header)?);
                Ok(())
            }
            marker::SOF2 => Err(unsupported(
                "progressive coding of more than 8 bits (retired from DICOM: export the film \
                 again, uncompressed or lossless)",
            )),
            0xC5..=0xC7 => Err(unsupported("hierarchical coding")),
            0xC9..=0xCF => Err(unsupported("arithmetic coding")),
            _ => Ok(()),
        }
    }

    /// T.81 B.2.4.2.
    fn huffman_tables(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        while let Some((&class_and_id, rest)) = payload.split_first() {
            let malformed = || damaged("a Huffman table is malformed");
            let counts = rest.first_chunk::<16>().ok_or_else(malformed)?;
            let total: usize = counts.iter().map(|c| usize::from(*c)).sum();
            let values = rest.get(16..16 + total).ok_or_else(malformed)?;
            let table = Table::new(counts, values).ok_or_else(malformed)?;
            let tables =
                if class_and_id >> 4 == 0 { &mut self.dc_tables } else { &mut self.ac_tables };
            *tables.get_mut(usize::from(class_and_id & 15)).ok_or_else(malformed)? = Some(table);
            payload = &rest[16 + total..];
        }
        Ok(())
    }

    /// T.81 B.2.4.1; kept in zigzag order.
    fn quantization_tables(&mut self, mut payload: &[u8]) -> Result<(), Error> {
        while let Some((&precision_and_id, rest)) = payload.split_first() {
            let malformed = || damaged("a quantization table is malformed");
            let is_wide = precision_and_id >> 4 != 0;
            let size = if is_wide { 128 } else { 64 };
            let bytes = rest.get(..size).ok_or_else(malformed)?;
            let mut table = [0; 64];
            for (i, step) in table.iter_mut().enumerate() {
                *step = if is_wide {
                    u16::from_be_bytes([bytes[2 * i], bytes[2 * i + 1]])
                } else {
                    u16::from(bytes[i])
                };
            }
            let slot = self.quantization.get_mut(usize::from(precision_and_id & 15));
            *slot.ok_or_else(malformed)? = Some(table);
            payload = &rest[size..];
        }
        Ok(())
    }

    /// T.81 B.2.3, then the entropy-coded data behind it.
    fn scan(&self, segment: Segment<'_>) -> Result<Picture, Error> {
        let frame = self.frame.ok_or_else(|| damaged("its scan has no frame header"))?;
        let [1, component, tables, first, last, approximation] = *segment.payload else {
            return Err(damaged("its scan header is malformed"));
        };
        if component != frame.component {
            return Err(damaged("its scan is of an unknown component"));
        }
        let missing = || damaged("a table that its scan names is missing");
        let dc_table = self.dc_tables.get(usize::from(tables >> 4)).and_then(Option::as_ref);
        let dc_table = dc_table.ok_or_else(missing)?;
        let bits = Bits::new(segment.behind);
        let (samples, lossy) = if frame.is_lossless {
            let scan = lossless::Scan {
                rows: frame.rows,
                columns: frame.columns,
                precision: frame.precision,
                predictor: first,
                point_transform: approximation & 15,
                restart_interval: self.restart_interval,
            };
            (scan.decode(bits, dc_table)?, scan.point_transform > 0)
        } else {
            if (first, last, approximation) != (0, 63, 0) {
                return Err(unsupported("progressive coding"));
            }
            let ac_table = self.ac_tables.get(usize::from(tables & 15)).and_then(Option::as_ref);
            let steps = self.quantization.get(usize::from(frame.quantization));
            let scan = dct::Scan {
                rows: frame.rows,
                columns: frame.columns,
                precision: frame.precision,
                restart_interval: self.restart_interval,
                dc_table,
                ac_table: ac_table.ok_or_else(missing)?,
                steps: steps.and_then(Option::as_ref).ok_or_else(missing)?,
            };
            (scan.decode(bits)?, true)
        };
        Ok(Picture { precision: frame.precision, samples, lossy, ..Picture::default() })
    }
}

/// T.81 B.2.2.
fn frame_header(segment: &Segment<'_>, header: Size) -> Result<FrameHeader, Error> {
    let [precision, r1, r0, c1, c0, components, parts @ ..] = segment.payload else {
        return Err(damaged("its frame header is malformed"));
    };
    let (1, [component, _, quantization]) = (*components, parts) else {
        return Err(unsupported("more than one colour"));
    };
    let rows = u16::from_be_bytes([*r1, *r0]);
    let columns = u16::from_be_bytes([*c1, *c0]);
    Size { rows: rows.into(), columns: columns.into() }.check_against(header)?;
    let is_lossless = segment.marker == marker::SOF3;
    let is_possible = match segment.marker {
        marker::SOF0 => *precision == 8,
        marker::SOF1 => [8, 12].contains(precision),
        _ => (2..=16).contains(precision),
    };
    if !is_possible {
        return Err(unsupported(format!("a precision of {precision} bits")));
    }
    Ok(FrameHeader {
        is_lossless,
        precision: u16::from(*precision),
        rows: rows.into(),
        columns: columns.into(),
        component: *component,
        quantization: *quantization,
    })
}
