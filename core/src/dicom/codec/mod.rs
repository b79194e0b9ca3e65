//! Compressed frames back to numbers. Runs in the decoding process alone.
//!
//! Each codec gives a [`Picture`] as the code stream has it. A stream that declares another size
//! than the header is refused before anything is allocated for it; the other differences between
//! stream and header are judged in one place, `pixels.rs`.

pub(super) mod jpeg;
pub(super) mod jpeg2000;
pub(super) mod jpeg_ls;
pub(super) mod jpeg_xl;
pub(super) mod rle;

/// What a code stream holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Picture {
    /// Bits of a sample, 1 to 16.
    pub(crate) precision: u16,
    /// The stream itself says that its numbers are signed (JPEG 2000 alone can).
    pub(crate) is_signed: bool,
    /// Row by row, in the lower `precision` bits; two's complement where signed.
    pub(crate) samples: Vec<u16>,
    /// The samples are not exactly those that were encoded.
    pub(crate) lossy: bool,
    /// The stream has several colours, all the same.
    pub(crate) is_grey_colour: bool,
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
    #[error(
        "the image data do not match the header: {stream} pixels in the stream, {header} in the header"
    )]
    Size { stream: Size, header: Size },
}

/// Rows and columns of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
}

impl Size {
    /// Takes no other size than the header's, which the guard has capped.
    fn check_against(self, header: Self) -> Result<(), Error> {
        if self == header { Ok(()) } else { Err(Error::Size { stream: self, header }) }
    }

    fn pixels(self) -> usize {
        self.rows as usize * self.columns as usize
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {}", self.columns, self.rows)
    }
}
