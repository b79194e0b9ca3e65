//! Grey PNG and JPEG files: pixels without patient, side or scale. Runs in the decoding process.

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};

use super::attributes::{Attributes, Person, Study};
use super::bytes::Bytes;
use super::codec::{self, Size, jpeg};
use super::guard::MAX_PIXELS;
use crate::mammogram::{Caution, ModalityLut, PhotometricInterpretation};

/// Why a picture file is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the picture cannot be decoded: {0}")]
    Decode(#[from] image::ImageError),
    #[error("the picture cannot be decoded: {0}")]
    Jpeg(#[from] codec::Error),
    #[error("the picture cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the picture is cut; copy it again from its source")]
    Cut,
    #[error("the picture is in colour, a mammogram is grey")]
    Colour,
    #[error("the picture is partly transparent, a mammogram is not")]
    Transparent,
    #[error("the picture has {columns} x {rows} pixels, which is not a mammogram")]
    Size { rows: u32, columns: u32 },
}

/// Whether the file starts like a PNG or a JPEG, and not only in the preamble of a DICOM file.
pub(super) fn is_picture(file: &Bytes) -> bool {
    let is_dicom = file.chunk::<4>(128, usize::MAX) == Some(*b"DICM");
    let Some(head) = file.chunk::<8>(0, usize::MAX) else { return false };
    let is_marked = head == *b"\x89PNG\r\n\x1A\n" || head.starts_with(&[0xFF, 0xD8, 0xFF]);
    is_marked && !is_dicom
}

/// What a picture file says of itself, by its first bytes; its depth is not looked at.
pub(super) fn attributes(file: &[u8]) -> Result<Attributes, Error> {
    let (columns, rows) = reader(file)?.into_dimensions()?;
    Ok(unnamed(rows, columns, 8, file[0] == 0xFF, Vec::new()))
}

/// Decodes a picture whose every pixel is grey; white is taken to be dense.
pub(super) fn decode(file: &[u8]) -> Result<(Attributes, Vec<u16>), Error> {
    let (columns, rows) = reader(file)?.into_dimensions()?;
    if rows == 0 || columns == 0 || u64::from(rows) * u64::from(columns) > MAX_PIXELS {
        return Err(Error::Size { rows, columns });
    }
    let mut cautions = Vec::new();
    let is_jpeg = file[0] == 0xFF;
    let orientation = if is_jpeg {
        jpeg::exif(file).and_then(Orientation::from_exif_chunk)
    } else {
        reader(file)?.into_decoder()?.orientation().ok()
    };
    if orientation.is_some_and(|orientation| orientation != Orientation::NoTransforms) {
        cautions.push(Caution::new(
            "W-ORIENTATION",
            "the picture file asks to be turned (EXIF); it is shown as it is stored",
        ));
    }
    // The decoder of pictures makes up what is missing; ours does not, but rounds otherwise, and
    // libraries and encoders know films by their values.
    if is_jpeg && jpeg::is_of_one_component(file) {
        jpeg::decode(file, Size { rows, columns })?;
    } else if is_jpeg && !jpeg::is_whole(file) {
        return Err(Error::Cut);
    }
    let image = reader(file)?.decode()?;
    if image.color().has_color() {
        cautions
            .push(Caution::new("W-COLOUR-AS-GREY", "the picture is stored as colour, all grey"));
    }
    let (bits, samples) = match image {
        DynamicImage::ImageLuma8(grey) => (8, widen(&grey.into_raw())),
        DynamicImage::ImageLuma16(grey) => (16, grey.into_raw()),
        DynamicImage::ImageLumaA8(p) => (8, grey(p.as_raw(), 1, true)?.map(u16::from).collect()),
        DynamicImage::ImageRgb8(p) => (8, grey(p.as_raw(), 3, false)?.map(u16::from).collect()),
        DynamicImage::ImageRgba8(p) => (8, grey(p.as_raw(), 3, true)?.map(u16::from).collect()),
        DynamicImage::ImageLumaA16(p) => (16, grey(p.as_raw(), 1, true)?.collect()),
        DynamicImage::ImageRgb16(p) => (16, grey(p.as_raw(), 3, false)?.collect()),
        DynamicImage::ImageRgba16(p) => (16, grey(p.as_raw(), 3, true)?.collect()),
        _ => return Err(Error::Colour),
    };
    Ok((unnamed(rows, columns, bits, is_jpeg, cautions), samples))
}

/// The attributes of a picture that names nobody and says nothing of its scale.
fn unnamed(rows: u32, columns: u32, bits: u16, lossy: bool, more: Vec<Caution>) -> Attributes {
    let mut cautions = vec![
        Caution::new(
            "W-NO-PATIENT",
            "a picture file names no patient: cases of the same patient cannot be left out",
        ),
        Caution::new("W-PICTURE", "a picture file carries neither side, view nor polarity"),
    ];
    cautions.extend(more);
    if lossy {
        cautions.push(Caution::new("W-LOSSY", "the image was compressed with loss"));
    }
    Attributes {
        rows,
        columns,
        number_of_frames: 1,
        bits_stored: bits,
        stored_offset: 0,
        photometric_interpretation: PhotometricInterpretation::Monochrome2,
        modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
        padding: None,
        voi_luts: Vec::new(),
        spacing: None,
        image_laterality: None,
        view_position: None,
        patient_orientation: None,
        patient_id: None,
        other_patient_ids: Vec::new(),
        patient_name: None,
        person: Person::default(),
        study: Study::default(),
        sop_instance_uid: None,
        lossy,
        cautions,
    }
}

fn reader(file: &[u8]) -> Result<ImageReader<std::io::Cursor<&[u8]>>, Error> {
    let mut reader = ImageReader::new(std::io::Cursor::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(8 * MAX_PIXELS);
    reader.limits(limits);
    Ok(reader)
}

fn widen(bytes: &[u8]) -> Vec<u16> {
    bytes.iter().map(|b| u16::from(*b)).collect()
}

/// The one grey channel of interleaved pixels, where all colours agree and nothing is transparent.
fn grey<T: Copy + PartialEq + bytemuck::Zeroable + std::ops::Not<Output = T>>(
    interleaved: &[T],
    colours: usize,
    has_alpha: bool,
) -> Result<impl Iterator<Item = T> + '_, Error> {
    let opaque = !T::zeroed();
    let channels = colours + usize::from(has_alpha);
    for pixel in interleaved.chunks_exact(channels) {
        if pixel[..colours].iter().any(|c| *c != pixel[0]) {
            return Err(Error::Colour);
        }
        if has_alpha && pixel[colours] != opaque {
            return Err(Error::Transparent);
        }
    }
    Ok(interleaved.iter().copied().step_by(channels))
}
