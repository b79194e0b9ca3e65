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
    if !has_every_tile(stream) {
        return Err(Error::Cut { format: FORMAT });
    }
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

/// Whether any header names the 9-7 transformation: the COD or a COC of the main header, or one of
/// a tile-part, which overrides them (ISO/IEC 15444-1 A.6.1, A.6.2).
fn is_irreversible(stream: &[u8]) -> Option<bool> {
    // Two bytes name a component where there are more than 256.
    let is_wide = stream.get(40..42)? > &[1, 0][..];
    let transformation = |(marker, segment): (u8, &[u8])| match marker {
        // COD: Scod 1 byte, SGcod 4, then levels, block sizes 2, style, transformation.
        0x52 => segment.get(9).copied(),
        // COC: Ccoc 1 or 2 bytes, Scoc 1, then the same.
        0x53 => segment.get(6 + usize::from(is_wide)).copied(),
        _ => None,
    };
    let mut named = marker_segments(stream).filter_map(transformation).peekable();
    named.peek()?;
    Some(named.any(|transformation| transformation == 0))
}

/// Whether each tile of the grid has its tile-parts (A.4.2, A.5.1, B.3): the decoder leaves a missing
/// one black.
fn has_every_tile(stream: &[u8]) -> bool {
    let mut segments = marker_segments(stream).peekable();
    let Some(&(0x51, siz)) = segments.peek() else { return false };
    let long =
        |at: usize| siz.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    // Rsiz 2 bytes, Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz.
    let tiles = |size: usize| -> Option<usize> {
        let (size, tile, first) = (long(size)?, long(size + 16)?, long(size + 24)?);
        Some(
            size.checked_sub(first)?.checked_div(tile)? as usize
                + usize::from(!(size - first).is_multiple_of(tile)),
        )
    };
    let (Some(across), Some(down)) = (tiles(2), tiles(6)) else { return false };
    // Isot has 16 bits.
    let Some(count) = across.checked_mul(down).filter(|count| *count <= 1 << 16) else {
        return false;
    };
    // By tile: parts that were met, and how many the last one says there are, 0 for unknown.
    let mut parts = vec![(0_u32, 0_u8); count];
    for (marker, segment) in segments {
        if let (0x90, [high, low, _, _, _, _, _, stated]) = (marker, segment) {
            let tile = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((met, all)) = parts.get_mut(tile) else { return false };
            *met += 1;
            *all = (*all).max(*stated);
        }
    }
    parts.iter().all(|(met, all)| *met > 0 && *met >= u32::from(*all))
}

/// The marker segments of the main header and of the tile-parts', as far as they hold together: the
/// marker's second byte, and what stands behind the length.
fn marker_segments(stream: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    const SOT: u8 = 0x90;
    const SOD: u8 = 0x93;
    let (mut at, mut next_part) = (2, 0);
    std::iter::from_fn(move || {
        if stream.get(at..at + 2)? == [0xFF, SOD] {
            if next_part <= at {
                return None;
            }
            at = next_part;
        }
        let [0xFF, marker, high, low] = *stream.get(at..at + 4)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low])).max(2);
        let segment = stream.get(at + 4..at + 2 + length)?;
        if let (SOT, [_, _, a, b, c, d, ..]) = (marker, segment) {
            // Isot, then Psot: the length of the tile-part from here on, 0 to the end.
            next_part = at.saturating_add(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        }
        at += 2 + length;
        Some((marker, segment))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers alone: SIZ of one component, a COD, and what stands behind it; 0 is the 9-7, 1 the 5-3.
    fn stream(transformation: u8, behind: &[&[u8]]) -> Vec<u8> {
        let mut siz = vec![0xFF, 0x51, 0, 41];
        siz.extend([0; 34]);
        siz.extend([0, 1, 11, 1, 1]);
        let cod = [0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4, 0, transformation];
        [&[0xFF, 0x4F][..], &siz, &cod, &behind.concat()].concat()
    }

    #[test]
    fn a_grid_wants_all_its_tiles() {
        let part = |tile: u8, of: u8| {
            [&[0xFF, 0x90, 0, 10, 0, tile, 0, 0, 0, 16, 0, of, 0xFF, 0x93, 1, 2][..]].concat()
        };
        // 20 x 10 pixels in tiles of 8 x 8: three by two.
        let grid = |parts: &[Vec<u8>]| {
            let mut stream = stream(1, &[]);
            for (at, value) in [(8, 20), (12, 10), (24, 8), (28, 8)] {
                stream[at + 3] = value;
            }
            stream.extend(parts.concat());
            has_every_tile(&stream)
        };
        let all: Vec<Vec<u8>> = (0..6).map(|tile| part(tile, 1)).collect();
        assert!(grid(&all));
        for missing in 0..6 {
            let mut some = all.clone();
            some.remove(missing);
            assert!(!grid(&some), "without tile {missing}");
        }
        assert!(!grid(&[&all[..], &[part(6, 1)]].concat()), "a tile outside the grid");
        let of_two = [&all[..5], &[part(5, 2)]].concat();
        assert!(!grid(&of_two), "a part is missing");
        assert!(grid(&[&of_two[..], &[part(5, 0)]].concat()));
    }

    #[test]
    fn a_transformation_named_by_any_header_counts() {
        let coc = [0xFF, 0x53, 0, 9, 0, 0, 5, 4, 4, 0, 0];
        let cod = [0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4, 0, 0];
        // Psot counts from SOT to the end of the tile-part: here SOT, SOD and four bytes of data.
        let plain = [0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 18, 0, 1, 0xFF, 0x93, 1, 2, 3, 4];
        let mut last = vec![0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 28, 1, 2];
        last.extend(cod);
        last.extend([0xFF, 0x93]);
        assert_eq!(is_irreversible(&stream(0, &[&plain])), Some(true));
        assert_eq!(is_irreversible(&stream(1, &[&plain, &[0xFF, 0xD9]])), Some(false));
        assert_eq!(is_irreversible(&stream(1, &[&coc, &plain])), Some(true));
        assert_eq!(is_irreversible(&stream(1, &[&plain, &last])), Some(true));
        assert_eq!(is_irreversible(&stream(1, &[])[..50]), None);
    }
}
