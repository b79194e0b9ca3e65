//! JPEG-LS, lossless and near-lossless, decoded by CharLS.

use charls::CharLS;

use super::jpeg::markers::{Segments, marker};
use super::{Error, Picture, checked_size};

const FORMAT: &str = "JPEG-LS";

/// Decodes a stream with one component.
pub(crate) fn decode(frame: &[u8]) -> Result<Picture, Error> {
    let damaged = |what: &str| Error::Damaged { format: FORMAT, what: what.to_owned() };
    let mut size = None;
    let mut near = None;
    for segment in Segments::new(FORMAT, frame)? {
        let segment = segment?;
        match (segment.marker, segment.payload) {
            (marker::SOF_LS, [precision, r1, r0, c1, c0, components, ..]) => {
                if *components != 1 {
                    let what = "more than one colour".to_owned();
                    return Err(Error::Unsupported { format: FORMAT, what });
                }
                let rows = u32::from(u16::from_be_bytes([*r1, *r0]));
                let columns = u32::from(u16::from_be_bytes([*c1, *c0]));
                checked_size(FORMAT, rows, columns)?;
                size = Some((rows, columns, u16::from(*precision)));
            }
            // Ns, then a component and its table, then NEAR.
            (marker::SOS, [1, _, _, value, ..]) => near = Some(*value),
            _ => {}
        }
    }
    let (rows, columns, precision) = size.ok_or_else(|| damaged("it has no frame header"))?;
    let near = near.ok_or_else(|| damaged("it has no scan"))?;
    if !(2..=16).contains(&precision) {
        return Err(damaged("its precision is not 2 to 16 bits"));
    }
    let bytes = CharLS::default()
        .decode(frame)
        .or_else(|error| match without_padding(frame) {
            Some(clean) => CharLS::default().decode(&clean),
            None => Err(error),
        })
        .map_err(|error| damaged(&error.to_string()))?;
    let samples: Vec<u16> = if precision <= 8 {
        bytes.iter().map(|b| u16::from(*b)).collect()
    } else {
        bytes.as_chunks::<2>().0.iter().map(|b| u16::from_ne_bytes(*b)).collect()
    };
    if samples.len() != rows as usize * columns as usize {
        return Err(damaged("its size is not the one it declares"));
    }
    Ok(Picture { rows, columns, precision, is_signed: false, samples, lossy: near > 0 })
}

/// The stream without zero bytes between the last coded byte and EOI, which some encoders put
/// there to make the length even.
fn without_padding(frame: &[u8]) -> Option<Vec<u8>> {
    let eoi = frame.windows(2).rposition(|w| w == [0xFF, marker::EOI])?;
    let coded = frame[..eoi].iter().rposition(|b| *b != 0)? + 1;
    // A byte FF is followed by a stuffed bit: one zero after it belongs to the code.
    let coded = if frame[coded - 1] == 0xFF { coded + 1 } else { coded };
    (coded < eoi).then(|| [&frame[..coded], &[0xFF, marker::EOI]].concat())
}
