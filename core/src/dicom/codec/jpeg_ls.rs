//! JPEG-LS, lossless and near-lossless, decoded by CharLS.

use charls::CharLS;

use super::jpeg::markers::{Segments, marker};
use super::{Error, Picture, Size};

const FORMAT: &str = "JPEG-LS";
/// CharLS's `CHARLS_JPEGLS_ERRC_TOO_MUCH_ENCODED_DATA`.
const TOO_MUCH_ENCODED_DATA: i32 = 6;

/// Decodes a stream with one component.
pub(crate) fn decode(frame: &[u8], header: Size) -> Result<Picture, Error> {
    let damaged = |what: &str| Error::Damaged { format: FORMAT, what: what.to_owned() };
    let mut precision = None;
    let mut near = None;
    for segment in Segments::new(FORMAT, frame)? {
        let segment = segment?;
        match (segment.marker, segment.payload) {
            (marker::SOF_LS, [bits, r1, r0, c1, c0, components, ..]) => {
                if *components != 1 {
                    let what = "more than one colour".to_owned();
                    return Err(Error::Unsupported { format: FORMAT, what });
                }
                let rows = u32::from(u16::from_be_bytes([*r1, *r0]));
                let columns = u32::from(u16::from_be_bytes([*c1, *c0]));
                Size { rows, columns }.check_against(header)?;
                precision = Some(u16::from(*bits));
            }
            // Ns, then a component and its table, then NEAR.
            (marker::SOS, [1, _, _, value, ..]) => near = Some(*value),
            _ => {}
        }
    }
    // Without a mark of the end behind the last bit CharLS counts zeros that are not there, two
    // thousand million of them. Nothing is lost: it wants the mark as well, and nothing after it.
    let end = frame.windows(2).rposition(|w| w == [0xFF, marker::EOI]);
    let frame = &frame[..end.ok_or(Error::Cut { format: FORMAT })? + 2];
    let precision = precision.ok_or_else(|| damaged("it has no frame header"))?;
    let near = near.ok_or_else(|| damaged("it has no scan"))?;
    if !(2..=16).contains(&precision) {
        return Err(damaged("its precision is not 2 to 16 bits"));
    }
    // What CharLS itself makes of the header counts: there are segments that change the size.
    let seen = CharLS::default().get_frame_info(frame).map_err(|e| damaged(&e.to_string()))?;
    Size { rows: seen.height, columns: seen.width }.check_against(header)?;
    let bytes = match CharLS::default().decode(frame) {
        Ok(bytes) => bytes,
        Err(error @ charls::Error::JpegLsError { code: TOO_MUCH_ENCODED_DATA }) => {
            without_padding(frame)
                .find_map(|clean| CharLS::default().decode(&clean).ok())
                .ok_or_else(|| damaged(&error.to_string()))?
        }
        Err(error) => return Err(damaged(&error.to_string())),
    };
    let samples: Vec<u16> = if precision <= 8 {
        bytes.iter().map(|b| u16::from(*b)).collect()
    } else {
        bytes.as_chunks::<2>().0.iter().map(|b| u16::from_ne_bytes(*b)).collect()
    };
    if samples.len() != header.pixels() {
        return Err(damaged("its size is not the one it declares"));
    }
    Ok(Picture { precision, samples, lossy: near > 0, ..Picture::default() })
}

/// The stream less one, two … zero bytes before EOI, which some encoders put there to make the
/// length even. How many belong to the code cannot be told; the decoder knows.
fn without_padding(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let eoi = frame.windows(2).rposition(|w| w == [0xFF, marker::EOI]).unwrap_or(0);
    let zeros = frame[..eoi].iter().rev().take_while(|b| **b == 0).count();
    (1..=zeros.min(4)).map(move |count| [&frame[..eoi - count], &frame[eoi..]].concat())
}
