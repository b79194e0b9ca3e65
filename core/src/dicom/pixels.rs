//! Stored values of one frame, bit-exact, in every transfer syntax (PS3.3 C.7.6.3.1, PS3.5 clause 8).
//!
//! The decoder is chosen by what the stream is, not by what the header calls it; then stream and
//! header are compared in one place, [`reconcile`]: a picture that does not fit is refused, never
//! padded, cropped or stretched.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::codec::{self, Picture, Size, jpeg, jpeg_ls, jpeg_xl, jpeg2000, rle};
use super::encoding::{
    DEFLATED_FRAMES, ENCAPSULATED_UNCOMPRESSED, Encoding, JPEG_FAMILY, RLE, Syntax,
};
use super::frame::Layout;
use crate::mammogram::Caution;

/// A frame's stored values.
#[derive(Debug)]
pub(super) struct Stored {
    /// Stored value minus `offset`.
    pub(super) samples: Vec<u16>,
    pub(super) offset: i32,
    pub(super) bits_stored: u16,
    pub(super) lossy: bool,
    pub(super) cautions: Vec<Caution>,
}

/// Why a frame gave no stored values.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Codec(#[from] codec::Error),
    #[error("the image data do not match the header: {what}")]
    Mismatch { what: &'static str },
    #[error("{} (transfer syntax {uid}), which is not supported", kind(uid))]
    UnsupportedSyntax { uid: String },
    #[error("the deflated frame is damaged or cut")]
    Inflate(#[from] std::io::Error),
}

/// What lies in pixel data that no decoder here knows, as far as the UID tells.
fn kind(uid: &str) -> &'static str {
    match uid.strip_prefix(JPEG_FAMILY).and_then(|own| own.get(..3)) {
        Some("100" | "101") => "the pixel data are an MPEG-2 video",
        Some("102" | "103" | "104" | "105" | "106") => "the pixel data are an H.264 video",
        Some("107" | "108") => "the pixel data are an HEVC video",
        _ => "the pixel data begin like no code stream that is known here",
    }
}

/// Stored values of an uncompressed frame. `words` where the value representation is OW: then
/// bytes come in 16-bit words.
pub(super) fn unpack_native(
    bytes: &[u8],
    words: bool,
    encoding: Encoding,
    layout: &Layout,
) -> Stored {
    let is_big = encoding == Encoding::ExplicitBig;
    let raw = if layout.bits_allocated == 16 {
        let pairs = bytes.as_chunks::<2>().0;
        if is_big {
            pairs.iter().map(|b| u16::from_be_bytes(*b)).collect()
        } else {
            pairs.iter().map(|b| u16::from_le_bytes(*b)).collect()
        }
    } else if is_big && words {
        let swapped = bytes.chunks(2).flat_map(|pair| pair.iter().rev());
        swapped.map(|b| u16::from(*b)).collect()
    } else {
        bytes.iter().map(|b| u16::from(*b)).collect()
    };
    unpack(raw, layout)
}

/// Which of the pictures in a code stream is meant: one component of `pictures`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Which {
    pub(super) picture: u32,
    pub(super) pictures: u32,
}

/// Stored values of a compressed frame. For the decoding process alone.
pub(super) fn decode(
    stream: &[u8],
    syntax: &Syntax,
    layout: &Layout,
    which: Which,
) -> Result<Stored, Error> {
    let size = Size { rows: layout.rows, columns: layout.columns };
    match syntax.0.as_str() {
        ENCAPSULATED_UNCOMPRESSED => return bare(stream, layout),
        DEFLATED_FRAMES => {
            let mut bytes = Vec::new();
            let limit = layout.bytes() as u64 + 2;
            flate2::read::DeflateDecoder::new(stream).take(limit).read_to_end(&mut bytes)?;
            return bare(&bytes, layout);
        }
        _ => {}
    }
    let format = Format::of(stream, syntax, layout);
    if which.pictures > 1 && format != Some(Format::Jpeg2000) {
        return Err(Error::Mismatch { what: "it holds one picture where several are stated" });
    }
    let picture = match format {
        Some(Format::Rle) => {
            let bytes_per_sample = usize::from(layout.bits_allocated / 8);
            return Ok(unpack(rle::decode(stream, layout.pixels(), bytes_per_sample)?, layout));
        }
        Some(Format::Jpeg) => jpeg::decode(stream, size)?,
        Some(Format::JpegLs) => jpeg_ls::decode(stream, size)?,
        Some(Format::Jpeg2000) => jpeg2000::decode(stream, size, which)?,
        Some(Format::JpegXl) => jpeg_xl::decode(stream, size)?,
        None => return Err(Error::UnsupportedSyntax { uid: syntax.0.clone() }),
    };
    let is_grey_colour = picture.is_grey_colour;
    let mut stored = reconcile(picture, layout)?;
    if is_grey_colour {
        stored
            .cautions
            .push(Caution::new("W-COLOUR-AS-GREY", "the picture is stored as colour, all grey"));
    }
    // A reversible stream may have been cut short where the syntax allows it (PS3.5 A.4.4).
    if !stored.lossy && syntax.is_one_of(&["91", "93", "112", "203"]) {
        stored.cautions.push(Caution::new(
            "W-LOSSY-UNKNOWN",
            "the image may have been compressed with loss: its transfer syntax allows it",
        ));
    }
    if stored.lossy && is_lossless_syntax(syntax) {
        stored.cautions.push(Caution::new(
            "W-LOSSY-STREAM",
            "the header promises lossless compression, the image was compressed with loss",
        ));
    }
    Ok(stored)
}

/// A frame without compression in a fragment (PS3.5 A.4.11 and A.4.13), little endian.
fn bare(bytes: &[u8], layout: &Layout) -> Result<Stored, Error> {
    if !(layout.bytes()..=layout.bytes() + 1).contains(&bytes.len()) {
        return Err(Error::Mismatch { what: "the frame has another length than its pixels need" });
    }
    Ok(unpack_native(&bytes[..layout.bytes()], false, Encoding::ExplicitLittle, layout))
}

/// The family of a code stream, by its first bytes and frame header; RLE, which has no mark, by
/// its header's word, or by its own form where the header has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    JpegXl,
}

impl Format {
    fn of(stream: &[u8], syntax: &Syntax, layout: &Layout) -> Option<Self> {
        match stream {
            [0xFF, 0x4F, 0xFF, 0x51, ..] | [0, 0, 0, 12, b'j', b'P', ..] => Some(Self::Jpeg2000),
            [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', ..] => Some(Self::JpegXl),
            [0xFF, 0xD8, 0xFF, ..] => {
                use jpeg::markers::{Segments, marker};
                let mut segments = Segments::new("JPEG", stream).ok()?.map_while(Result::ok);
                let is_ls = segments.any(|s| s.marker == marker::SOF_LS);
                Some(if is_ls { Self::JpegLs } else { Self::Jpeg })
            }
            _ => {
                // PS3.5 G.5: the number of segments, the first of which starts behind the header.
                let planes = (layout.bits_allocated / 8) as u8;
                let is_like = stream.starts_with(&[planes, 0, 0, 0, 64, 0, 0, 0]);
                (syntax.0 == RLE || is_like).then_some(Self::Rle)
            }
        }
    }
}

/// Transfer syntaxes that promise exact pixels: JPEG lossless, JPEG-LS lossless, JPEG 2000
/// lossless only, JPEG XL lossless, HTJ2K lossless only.
fn is_lossless_syntax(syntax: &Syntax) -> bool {
    syntax.is_one_of(&["57", "70", "80", "90", "110", "201", "202"])
}

/// Shifts, masks and extends raw words: the stored value ends at HighBit and has BitsStored bits.
fn unpack(mut raw: Vec<u16>, layout: &Layout) -> Stored {
    let shift = layout.high_bit + 1 - layout.bits_stored;
    let mut cautions = Vec::new();
    if shift > 0 {
        cautions.push(high_bit_caution());
    }
    if has_foreign_bits(&raw, layout, shift) {
        cautions.push(Caution::new(
            "W-UNUSED-BITS",
            "bits outside the stored pixel values are in use; they were masked",
        ));
    }
    let offset = extend(&mut raw, shift, layout.bits_stored, layout.is_signed);
    Stored { samples: raw, offset, bits_stored: layout.bits_stored, lossy: false, cautions }
}

/// Whether bits beyond BitsStored hold anything but zeros or copies of the sign.
fn has_foreign_bits(raw: &[u16], layout: &Layout, shift: u16) -> bool {
    let all = mask(layout.bits_allocated);
    let foreign = all & !(mask(layout.bits_stored) << shift);
    let used = raw.iter().fold(0, |used, word| used | word) & foreign;
    if used == 0 || !layout.is_signed {
        return used != 0;
    }
    let sign = 1_u16 << layout.high_bit;
    let above = foreign & !(sign - 1);
    raw.iter().any(|word| {
        let bits = word & foreign;
        bits != 0 && !(word & sign != 0 && bits == above)
    })
}

/// Turns raw words into samples; returns what must be added to get stored values back.
fn extend(raw: &mut [u16], shift: u16, bits: u16, is_signed: bool) -> i32 {
    let mask = mask(bits);
    if !is_signed {
        let used = raw.iter().fold(0, |used, word| used | word);
        if shift > 0 || used & !mask != 0 {
            raw.iter_mut().for_each(|word| *word = (*word >> shift) & mask);
        }
        return 0;
    }
    // Adding half the range before masking turns two's complement into offset binary.
    let half = 1_u16 << (bits - 1);
    let up = 0x8000 - half;
    raw.iter_mut().for_each(|word| {
        *word = ((*word >> shift).wrapping_add(half) & mask) + up;
    });
    -0x8000
}

fn mask(bits: u16) -> u16 {
    u16::MAX >> (16 - bits)
}

/// Holds a decoded code stream against the header.
fn reconcile(picture: Picture, layout: &Layout) -> Result<Stored, Error> {
    if picture.precision > layout.bits_allocated {
        let what = "the stream has more bits than the header allocates";
        return Err(Error::Mismatch { what });
    }
    let mut cautions = Vec::new();
    let mut raw = picture.samples;
    let bits_stored = layout.bits_stored.min(picture.precision);
    if picture.precision < layout.bits_stored {
        let text = format!(
            "the stream has {} bits where the header says {}; the values were taken as they are",
            picture.precision, layout.bits_stored
        );
        cautions.push(Caution::new("W-STREAM-DEPTH", text));
    }
    if picture.is_signed && !layout.is_signed {
        if raw.iter().any(|word| word & 0x8000 != 0) {
            let what = "the stream has negative values, the header says there are none";
            return Err(Error::Mismatch { what });
        }
        cautions.push(sign_caution());
    }
    // A signed image in a stream that knows only unsigned numbers is two's complement at the
    // stream's precision; only JPEG 2000 could have said so itself.
    if layout.is_signed && !picture.is_signed && picture.precision < layout.bits_stored {
        cautions.push(sign_caution());
    }
    // A stream of whole words has the value where the header says: below HighBit.
    let top = layout.high_bit + 1;
    let shift = if picture.precision == top { top - bits_stored } else { 0 };
    if shift > 0 {
        cautions.push(high_bit_caution());
    }
    let mask = mask(bits_stored) << shift;
    let is_beyond = |word: &u16| {
        let rest = word & !mask;
        let is_sign = picture.is_signed || layout.is_signed;
        rest != 0 && !(is_sign && word & (1 << (bits_stored + shift - 1)) != 0)
    };
    if raw.iter().any(is_beyond) {
        cautions.push(Caution::new(
            "W-UNUSED-BITS",
            "bits outside the stored pixel values are in use; they were masked",
        ));
    }
    let offset = extend(&mut raw, shift, bits_stored, layout.is_signed);
    Ok(Stored { samples: raw, offset, bits_stored, lossy: picture.lossy, cautions })
}

fn high_bit_caution() -> Caution {
    Caution::new(
        "W-HIGH-BIT",
        "the pixel values do not start at the lowest bit; they were shifted as the header says",
    )
}

fn sign_caution() -> Caution {
    Caution::new("W-STREAM-SIGN", "header and stream disagree whether pixel values are signed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bits_allocated: u16, bits_stored: u16, high_bit: u16, is_signed: bool) -> Layout {
        Layout { rows: 1, columns: 4, bits_allocated, bits_stored, high_bit, is_signed, frames: 1 }
    }

    fn values(stored: &Stored) -> Vec<i32> {
        stored.samples.iter().map(|s| i32::from(*s) + stored.offset).collect()
    }

    #[test]
    fn a_signed_12_bit_value_is_extended_at_its_own_sign_bit() {
        // Upper four bits zero: FFF is -1, 800 is -2048.
        let stored = unpack(vec![0x0FFF, 0x0800, 0x07FF, 0], &layout(16, 12, 11, true));
        assert_eq!(values(&stored), [-1, -2048, 2047, 0]);
        assert!(stored.cautions.is_empty());
        let extended = unpack(vec![0xFFFF, 0xF800, 0x07FF, 0], &layout(16, 12, 11, true));
        assert_eq!(values(&extended), [-1, -2048, 2047, 0]);
        assert!(extended.cautions.is_empty(), "copies of the sign are no foreign bits");
        let whole = unpack(vec![0xFFFF, 0x8000, 0x7FFF, 0], &layout(16, 16, 15, true));
        assert_eq!(values(&whole), [-1, -32768, 32767, 0]);
    }

    #[test]
    fn bits_outside_the_stored_value_are_masked_and_said() {
        let stored = unpack(vec![0xF123, 0x0FFF, 0, 1], &layout(16, 12, 11, false));
        assert_eq!(values(&stored), [0x123, 0xFFF, 0, 1]);
        assert_eq!(stored.cautions[0].code, "W-UNUSED-BITS");
        let shifted = unpack(vec![0x1230, 0xFFF0, 0, 0x10], &layout(16, 12, 15, false));
        assert_eq!(values(&shifted), [0x123, 0xFFF, 0, 1]);
        assert_eq!(shifted.cautions[0].code, "W-HIGH-BIT");
    }

    #[test]
    fn a_stream_of_another_depth_or_sign_is_not_believed() {
        let picture = Picture { precision: 8, samples: vec![0, 1, 128, 255], ..Picture::default() };
        let wide = reconcile(picture.clone(), &layout(16, 12, 11, false)).expect("it is widened");
        assert_eq!(values(&wide), [0, 1, 128, 255]);
        assert_eq!(wide.cautions[0].code, "W-STREAM-DEPTH");
        let signed = reconcile(picture.clone(), &layout(8, 8, 7, true)).expect("it fits");
        assert_eq!(values(&signed), [0, 1, -128, -1]);
        // Whole words whose value ends at the highest bit.
        let high = Picture { precision: 16, samples: vec![0x10, 0, 0xFFF0, 0], ..picture.clone() };
        let high = reconcile(high, &layout(16, 12, 15, false)).expect("it fits");
        assert_eq!(values(&high), [1, 0, 0xFFF, 0]);
        assert_eq!(high.cautions[0].code, "W-HIGH-BIT");
        let negative = Picture { is_signed: true, samples: vec![0xFFFF, 0, 1, 2], ..picture };
        assert!(reconcile(negative, &layout(16, 8, 7, false)).is_err());
    }
}
