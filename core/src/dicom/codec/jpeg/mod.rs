//! JPEG (ISO/IEC 10918-1 = ITU-T T.81) in the forms that DICOM uses, one grey component.
//!
//! Our own because no library at hand is right in all of them: lossless with restart intervals
//! and point transform (clause H), DCT with 12 bits (clause F), and progressive DCT that was cut.

mod dct;
mod huffman;
mod lossless;
pub(crate) mod markers;
mod progressive;

use self::dct::Shape;
use self::huffman::{Bits, Table};
use self::markers::{Segment, Segments, marker};
use self::progressive::Coefficients;
use super::{Error, Picture, Size};

const FORMAT: &str = "JPEG";

/// Decodes the one scan of a sequential DCT or lossless stream, or the scans of a progressive one.
pub(crate) fn decode(stream: &[u8], header: Size) -> Result<Picture, Error> {
    let mut state = State::default();
    let mut coefficients = None;
    let mut segments = Segments::new(FORMAT, stream)?;
    while let Some(segment) = segments.next() {
        let segment = segment?;
        match (segment.marker, state.frame) {
            (marker::SOS, Some(frame)) if frame.is_progressive => {
                let told = coefficients.get_or_insert_with(|| Coefficients::new(frame.shape));
                told.take(&state.progressive_scan(&segment)?, Bits::new(segment.behind))?;
                segments.pass_scan();
            }
            (marker::SOS, _) => return state.scan(segment),
            _ => state.take(&segment, header)?,
        }
    }
    let (Some(coefficients), Some(frame)) = (coefficients, state.frame) else {
        return Err(damaged("it has no scan"));
    };
    let samples = coefficients.finish(state.steps(frame)?)?;
    Ok(Picture { precision: frame.shape.precision, samples, lossy: true, ..Picture::default() })
}

/// Whether a stream is of one component and of a process that is read here.
pub(crate) fn is_of_one_component(stream: &[u8]) -> bool {
    let mut segments = Segments::new(FORMAT, stream).into_iter().flatten().map_while(Result::ok);
    let frame = segments.find(|segment| (marker::SOF0..=marker::SOF3).contains(&segment.marker));
    frame.is_some_and(|frame| frame.payload.get(5) == Some(&1))
}

/// The EXIF block of a picture file, where it has one.
pub(crate) fn exif(stream: &[u8]) -> Option<&[u8]> {
    let mut segments = Segments::new(FORMAT, stream).ok()?.map_while(Result::ok);
    segments.find_map(|s| (s.marker == 0xE1).then(|| s.payload.strip_prefix(b"Exif\0\0"))?)
}

/// Whether the scans of a stream end with a mark of the end.
pub(crate) fn is_whole(stream: &[u8]) -> bool {
    let segments = Segments::new(FORMAT, stream).into_iter().flatten();
    let scan = segments.map_while(Result::ok).find(|segment| segment.marker == marker::SOS);
    // Inside entropy-coded data FF is never followed by D9 (T.81 B.1.1.5).
    scan.is_some_and(|scan| scan.behind.windows(2).any(|w| w == [0xFF, marker::EOI]))
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
    is_progressive: bool,
    shape: Shape,
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
            marker::SOF0 | marker::SOF1 | marker::SOF2 | marker::SOF3 => {
                if self.frame.is_some() {
                    return Err(damaged("it has two frame headers"));
                }
                self.frame = Some(frame_header(segment, header)?);
                Ok(())
            }
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

    /// T.81 B.2.3: the scan of the one component, then its entropy-coded data.
    fn scan(&self, segment: Segment<'_>) -> Result<Picture, Error> {
        let (frame, [tables, first, last, approximation]) = self.scan_header(&segment)?;
        let dc_table = self.dc_table(tables).ok_or_else(missing)?;
        let bits = Bits::new(segment.behind);
        let (samples, lossy) = if frame.is_lossless {
            let scan = lossless::Scan {
                rows: frame.shape.rows,
                columns: frame.shape.columns,
                precision: frame.shape.precision,
                predictor: first,
                point_transform: approximation & 15,
                restart_interval: self.restart_interval,
            };
            (scan.decode(bits, dc_table)?, scan.point_transform > 0)
        } else {
            if (first, last, approximation) != (0, 63, 0) {
                return Err(damaged("its scan is not of all coefficients"));
            }
            let scan = dct::Scan {
                shape: frame.shape,
                restart_interval: self.restart_interval,
                dc_table,
                ac_table: self.ac_table(tables).ok_or_else(missing)?,
                steps: self.steps(frame)?,
            };
            (scan.decode(bits)?, true)
        };
        Ok(Picture { precision: frame.shape.precision, samples, lossy, ..Picture::default() })
    }

    fn progressive_scan(&self, segment: &Segment<'_>) -> Result<progressive::Scan<'_>, Error> {
        let (_, [tables, first, last, approximation]) = self.scan_header(segment)?;
        Ok(progressive::Scan {
            first: first.into(),
            last: last.into(),
            high: approximation >> 4,
            low: approximation & 15,
            restart_interval: self.restart_interval,
            table: if first == 0 { self.dc_table(tables) } else { self.ac_table(tables) },
        })
    }

    /// The frame, and what its scan says: tables, first and last coefficient, approximation.
    fn scan_header(&self, segment: &Segment<'_>) -> Result<(FrameHeader, [u8; 4]), Error> {
        let frame = self.frame.ok_or_else(|| damaged("its scan has no frame header"))?;
        let [1, component, header @ ..] = segment.payload else {
            return Err(damaged("its scan header is malformed"));
        };
        if *component != frame.component {
            return Err(damaged("its scan is of an unknown component"));
        }
        let header = header.try_into().map_err(|_| damaged("its scan header is malformed"))?;
        Ok((frame, header))
    }

    fn dc_table(&self, tables: u8) -> Option<&Table> {
        self.dc_tables.get(usize::from(tables >> 4))?.as_ref()
    }

    fn ac_table(&self, tables: u8) -> Option<&Table> {
        self.ac_tables.get(usize::from(tables & 15))?.as_ref()
    }

    fn steps(&self, frame: FrameHeader) -> Result<&[u16; 64], Error> {
        let table = self.quantization.get(usize::from(frame.quantization));
        table.and_then(Option::as_ref).ok_or_else(missing)
    }
}

fn missing() -> Error {
    damaged("a table that its scan names is missing")
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
        marker::SOF1 | marker::SOF2 => [8, 12].contains(precision),
        _ => (2..=16).contains(precision),
    };
    if !is_possible {
        return Err(unsupported(format!("a precision of {precision} bits")));
    }
    Ok(FrameHeader {
        is_lossless,
        is_progressive: segment.marker == marker::SOF2,
        shape: Shape {
            precision: u16::from(*precision),
            rows: rows.into(),
            columns: columns.into(),
        },
        component: *component,
        quantization: *quantization,
    })
}
