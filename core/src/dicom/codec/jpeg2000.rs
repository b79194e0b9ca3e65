//! JPEG 2000 and HTJ2K, decoded by OpenJPEG.

use super::{Error, Picture, Size};
use crate::dicom::pixels::Which;

const FORMAT: &str = "JPEG 2000";

/// Decodes a bare code stream or a JP2 file: its one component, or one of several frames that are
/// its components (PS3.5 A.4.4), or a grey picture whose components are all the same.
pub(crate) fn decode(frame: &[u8], header: Size, which: Which) -> Result<Picture, Error> {
    let stream = code_stream(frame)?;
    let head = Head::read(stream)?;
    head.size.check_against(header)?;
    if head.components != 1 && which.pictures != 1 && head.components != which.pictures {
        let what = format!("{} components for {} frames", head.components, which.pictures);
        return Err(Error::Unsupported { format: FORMAT, what });
    }
    if head.components == 1 && which.pictures > 1 {
        let what = "it holds one picture where several are stated".to_owned();
        return Err(Error::Damaged { format: FORMAT, what });
    }
    let damaged = |what: String| Error::Damaged { format: FORMAT, what };
    let parameters = jpeg2k::DecodeParameters::new().strict(true);
    let image = jpeg2k::Image::from_bytes_with(stream, parameters)
        .map_err(|source| damaged(source.to_string()))?;
    let components = image.components();
    if components.len() != head.components as usize {
        return Err(damaged("it changed its number of components".to_owned()));
    }
    let component = &components[which.picture as usize % components.len()];
    let data = component.data();
    if data.len() != header.pixels()
        || (component.width(), component.height()) != (header.columns, header.rows)
    {
        return Err(damaged("its size is not the one it declares".to_owned()));
    }
    let is_grey_colour = which.pictures == 1 && components.len() > 1;
    if is_grey_colour && components.iter().any(|other| other.data() != data) {
        return Err(Error::Unsupported { format: FORMAT, what: "more than one colour".to_owned() });
    }
    Ok(Picture {
        precision: head.precision,
        is_signed: head.is_signed,
        samples: data.iter().map(|value| *value as u16).collect(),
        lossy: head.is_irreversible,
        is_grey_colour,
    })
}

/// From SOC on, where the stream is wrapped in JP2 boxes.
fn code_stream(frame: &[u8]) -> Result<&[u8], Error> {
    let soc = [0xFF, 0x4F, 0xFF, 0x51];
    let at = frame.windows(4).take(4096).position(|w| w == soc);
    at.map(|at| &frame[at..]).ok_or_else(|| Error::Damaged {
        format: FORMAT,
        what: "it has no start of code stream".to_owned(),
    })
}

/// The SIZ and COD segments (ISO/IEC 15444-1, A.5.1 and A.6.1).
struct Head {
    size: Size,
    components: u32,
    precision: u16,
    is_signed: bool,
    is_irreversible: bool,
}

impl Head {
    fn read(stream: &[u8]) -> Result<Self, Error> {
        let cut = || Error::Cut { format: FORMAT };
        let siz = stream.get(4..4 + 41).ok_or_else(cut)?;
        let long = |at: usize| u32::from_be_bytes([siz[at], siz[at + 1], siz[at + 2], siz[at + 3]]);
        let unsupported = |what: &str| Error::Unsupported { format: FORMAT, what: what.to_owned() };
        // Lsiz 0, Rsiz 2, Xsiz 4, Ysiz 8, XOsiz 12, YOsiz 16, tiles 20..36, Csiz 36, Ssiz 38.
        let count = u16::from_be_bytes([siz[36], siz[37]]);
        let components = stream.get(4 + 38..4 + 38 + 3 * usize::from(count)).ok_or_else(cut)?;
        let Some(first) = components.first_chunk::<3>() else {
            return Err(Error::Damaged { format: FORMAT, what: "it has no component".to_owned() });
        };
        if (first[1], first[2]) != (1, 1) {
            return Err(unsupported("subsampling"));
        }
        if components.as_chunks::<3>().0.iter().any(|other| other != first) {
            return Err(unsupported("components that differ in form"));
        }
        let precision = u16::from(siz[38] & 0x7F) + 1;
        if precision > 16 {
            return Err(unsupported("more than 16 bits"));
        }
        Ok(Self {
            components: count.into(),
            size: Size {
                columns: long(4).saturating_sub(long(12)),
                rows: long(8).saturating_sub(long(16)),
            },
            precision,
            is_signed: siz[38] & 0x80 != 0,
            is_irreversible: is_irreversible(stream).ok_or_else(cut)?,
        })
    }
}

/// Whether the main header's COD segment names the 9-7 transformation.
fn is_irreversible(stream: &[u8]) -> Option<bool> {
    let mut at = 2;
    loop {
        let segment = stream.get(at..at + 4)?;
        let length = usize::from(u16::from_be_bytes([segment[2], segment[3]]));
        match [segment[0], segment[1]] {
            // COD: Lcod 2 bytes, Scod 1, SGcod 4, then levels, block sizes 2, style, transformation.
            [0xFF, 0x52] => return stream.get(at + 13).map(|transformation| *transformation == 0),
            [0xFF, 0x90] => return None,
            [0xFF, _] => at += 2 + length.max(2),
            _ => return None,
        }
    }
}
