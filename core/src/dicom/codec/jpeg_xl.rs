//! JPEG XL (ISO/IEC 18181), bare or in its container, decoded by jxl-oxide.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jxl_oxide::frame::Encoding;
use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, InitializeResult, JpegReconstructionStatus, JxlImage};

use super::{Error, Picture, Size, jpeg};

const FORMAT: &str = "JPEG XL";
/// Most bytes that the decoder may hold at once: a frame of 2^27 pixels as numbers of 32 bits.
const MOST_BYTES: usize = 2 << 30;

/// Decodes the one grey picture of a stream. A JPEG that was recompressed is made again and decoded
/// as what it was, so that it has the values that it had before.
///
/// Like JPEG and JPEG 2000 a stream carries no check of its whole: one that was altered may decode
/// to other values unseen. jxl-oxide panics over some; that is a damaged stream and no more.
pub(crate) fn decode(stream: &[u8], header: Size) -> Result<Picture, Error> {
    catch_unwind(AssertUnwindSafe(|| picture(stream, header)))
        .unwrap_or_else(|_| Err(damaged(&"its decoder lost its way in it")))
}

fn picture(stream: &[u8], header: Size) -> Result<Picture, Error> {
    let (image, precision) = loaded(stream, header)?;
    if image.jpeg_reconstruction_status() == JpegReconstructionStatus::Available {
        let mut again = Vec::new();
        image.reconstruct_jpeg(&mut again).map_err(|error| damaged(&error))?;
        return jpeg::decode(&again, header);
    }
    let render = image.render_frame(0).map_err(|error| damaged(&error))?;
    let mut channels = render.stream_no_alpha();
    let count = channels.channels() as usize;
    let mut values = vec![0_f32; header.pixels() * count];
    let written = channels.write_to_buffer(&mut values);
    if (channels.height(), channels.width()) != (header.rows, header.columns)
        || written != values.len()
    {
        return Err(damaged(&"its size is not the one it declares"));
    }
    let is_grey_colour = count > 1;
    if values.chunks_exact(count).any(|pixel| pixel.iter().any(|value| *value != pixel[0])) {
        return Err(unsupported("more than one colour"));
    }
    // A fraction of the largest value; single precision tells 2^24 of them apart.
    let largest = f32::from(u16::MAX >> (16 - precision));
    let samples = values.chunks_exact(count);
    let samples = samples.map(|pixel| (pixel[0] * largest).round().clamp(0.0, largest) as u16);
    Ok(Picture {
        precision,
        samples: samples.collect(),
        lossy: is_lossy(&image),
        is_grey_colour,
        ..Picture::default()
    })
}

/// The stream's headers, held against the file's before a pixel is decoded; and its bits a sample.
fn loaded(stream: &[u8], header: Size) -> Result<(JxlImage, u16), Error> {
    let tracker = AllocTracker::with_limit(MOST_BYTES);
    let mut start = JxlImage::builder().alloc_tracker(tracker).build_uninit();
    let taken = start.feed_bytes(stream).map_err(|error| damaged(&error))?;
    let mut image = match start.try_init().map_err(|error| damaged(&error))? {
        InitializeResult::Initialized(image) => image,
        InitializeResult::NeedMoreData(_) => return Err(Error::Cut { format: FORMAT }),
    };
    image.feed_bytes(&stream[taken.min(stream.len())..]).map_err(|error| damaged(&error))?;
    image.finalize().map_err(|error| damaged(&error))?;
    let head = image.image_header();
    let size = Size { rows: head.size.height, columns: head.size.width };
    size.check_against(header)?;
    let metadata = &head.metadata;
    if metadata.orientation != 1 {
        return Err(unsupported("a picture to be turned"));
    }
    if !metadata.ec_info.is_empty() {
        return Err(unsupported("transparency or another channel beside the grey one"));
    }
    let precision = match metadata.bit_depth {
        BitDepth::IntegerSample { bits_per_sample: bits @ 1..=16 } => bits as u16,
        BitDepth::IntegerSample { .. } => return Err(unsupported("more than 16 bits")),
        BitDepth::FloatSample { .. } => return Err(unsupported("numbers with a fraction")),
    };
    if !image.is_loading_done() {
        return Err(Error::Cut { format: FORMAT });
    }
    if image.num_loaded_keyframes() != 1 {
        return Err(unsupported("more than one picture"));
    }
    Ok((image, precision))
}

/// Whether any part of it went through a transform that loses; what a modular stream lost before it
/// was encoded, it does not tell.
fn is_lossy(image: &JxlImage) -> bool {
    let frames = (0..image.num_loaded_frames()).filter_map(|idx| image.frame(idx));
    image.image_header().metadata.xyb_encoded
        || frames.into_iter().any(|frame| frame.header().encoding == Encoding::VarDct)
}

fn damaged(what: &dyn std::fmt::Display) -> Error {
    Error::Damaged { format: FORMAT, what: what.to_string() }
}

fn unsupported(what: &str) -> Error {
    Error::Unsupported { format: FORMAT, what: what.to_owned() }
}
