//! Compressed frames back to numbers. Runs in the decoding process alone.
//!
//! Each codec gives a [`Picture`] as the code stream has it; whether that fits the header is
//! judged in one place, `pixels.rs`. Every one checks the size that its stream declares before it
//! allocates for it.

use super::guard::MAX_PIXELS;

pub(super) mod jpeg;
pub(super) mod jpeg2000;
pub(super) mod jpeg_ls;
pub(super) mod rle;

/// What a code stream holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
    /// Bits of a sample, 1 to 16.
    pub(crate) precision: u16,
    /// The stream itself says that its numbers are signed (JPEG 2000 alone can).
    pub(crate) is_signed: bool,
    /// Row by row, in the lower `precision` bits; two's complement where signed.
    pub(crate) samples: Vec<u16>,
    /// The samples are not exactly those that were encoded.
    pub(crate) lossy: bool,
}

/// Why a code stream was not decoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the {format} stream is damaged: {what}")]
    Damaged { format: &'static str, what: String },
    #[error("the {format} stream is cut")]
    Cut { format: &'static str },
    #[error("{what} is not supported in a {format} stream")]
    Unsupported { format: &'static str, what: String },
    #[error("the {format} stream has {columns} x {rows} pixels, which is not a mammogram")]
    Size { format: &'static str, columns: u32, rows: u32 },
}

/// Refuses a declared size that no memory should be asked for.
fn checked_size(format: &'static str, rows: u32, columns: u32) -> Result<usize, Error> {
    let pixels = u64::from(rows) * u64::from(columns);
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Error::Size { format, columns, rows });
    }
    Ok(pixels as usize)
}
