//! A picture as it lies in `pictures/`: a grey PNG or JPEG, and what turns it back into a film.
//!
//! A PNG of ours holds the samples exactly and nothing else. A file is kept byte for byte only
//! where it decodes to exactly the samples that were read and carries no text, for a comment or a
//! tag may name the patient.

use std::io::Cursor;
use std::sync::Arc;

use image::{DynamicImage, ImageBuffer, ImageFormat, ImageReader, Luma};
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::mammogram::{Frame, Mammogram, ModalityLut, PhotometricInterpretation};
use crate::voi_lut::VoiLut;

/// Largest side of a stored picture; a film of 0.05 mm pixels is a tenth of it.
const MAX_SIDE: u32 = 65_535;
const MAX_BYTES: u64 = 2 << 30;

/// Bytes for `pictures/`, their hash, and what turns them back into a film.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub bytes: Vec<u8>,
    /// BLAKE3 of the bytes, in hex.
    pub hash: String,
    pub format: Format,
}

/// What a picture file does not say about its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Format {
    pub rows: u32,
    pub columns: u32,
    pub stored_offset: i32,
    pub bits_stored: u16,
    pub photometric_interpretation: PhotometricInterpretation,
    pub modality_lut: ModalityLut,
    pub padding: Option<(i32, i32)>,
    pub voi_luts: Vec<VoiLut>,
    pub lossy: bool,
    /// How it hangs; absent in libraries of before.
    #[serde(default)]
    pub patient_orientation: Option<[String; 2]>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the picture cannot be decoded")]
    Decode(#[from] image::ImageError),
    #[error("the picture has {found:?} columns and rows where {expected:?} are recorded")]
    Size { found: (u32, u32), expected: (u32, u32) },
    #[error("the picture is not grey")]
    NotGrey,
}

impl Picture {
    /// As a PNG of 8 or 16 bits.
    pub fn png(film: &Mammogram) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let samples = film.samples.as_slice();
        let image = if samples.iter().all(|&s| s <= 255) {
            let samples = samples.iter().map(|&s| s as u8).collect();
            ImageBuffer::<Luma<u8>, _>::from_raw(film.columns, film.rows, samples)
                .map(DynamicImage::ImageLuma8)
        } else {
            ImageBuffer::<Luma<u16>, _>::from_raw(film.columns, film.rows, samples.to_vec())
                .map(DynamicImage::ImageLuma16)
        };
        let image = image.expect("a film has a sample for each pixel");
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
        Ok(Self::new(bytes, film))
    }

    /// The file these samples were read from, byte for byte, where that is safe.
    pub fn keep(bytes: Vec<u8>, film: &Mammogram) -> Option<Self> {
        let picture = Self::new(bytes, film);
        let samples = decode(&picture.bytes, &picture.format).ok()?;
        (carries_no_text(&picture.bytes) && samples == *film.samples).then_some(picture)
    }

    fn new(bytes: Vec<u8>, film: &Mammogram) -> Self {
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let format = Format {
            rows: film.rows,
            columns: film.columns,
            stored_offset: film.stored_offset,
            bits_stored: film.bits_stored,
            photometric_interpretation: film.photometric_interpretation,
            modality_lut: film.modality_lut.clone(),
            padding: film.padding,
            voi_luts: film.voi_luts.clone(),
            lossy: film.lossy,
            patient_orientation: film.patient_orientation.clone(),
        };
        Self { bytes, hash, format }
    }
}

/// The film of a case from its picture's bytes.
pub(super) fn film(bytes: &[u8], format: &Format, case: &Case) -> Result<Mammogram, Error> {
    Ok(Mammogram {
        frame: Frame::default(),
        rows: format.rows,
        columns: format.columns,
        samples: Arc::new(decode(bytes, format)?),
        stored_offset: format.stored_offset,
        bits_stored: format.bits_stored,
        photometric_interpretation: format.photometric_interpretation,
        modality_lut: format.modality_lut.clone(),
        padding: format.padding,
        air: None,
        voi_luts: format.voi_luts.clone(),
        spacing: case.spacing,
        image_laterality: case.image_laterality,
        view_position: case.view_position,
        patient_orientation: format.patient_orientation.clone(),
        patient_id: None,
        other_patient_ids: Vec::new(),
        sop_instance_uid: None,
        lossy: format.lossy,
        content_hash: *blake3::hash(bytes).as_bytes(),
        cautions: case.cautions.clone(),
    })
}

fn decode(bytes: &[u8], format: &Format) -> Result<Vec<u16>, Error> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(image::ImageError::IoError)?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let image = reader.decode()?;
    let (found, expected) = ((image.width(), image.height()), (format.columns, format.rows));
    if found != expected {
        return Err(Error::Size { found, expected });
    }
    match image {
        DynamicImage::ImageLuma8(image) => Ok(image.iter().map(|&s| u16::from(s)).collect()),
        DynamicImage::ImageLuma16(image) => Ok(image.into_raw()),
        _ => Err(Error::NotGrey),
    }
}

/// Whether a JPEG has only the segments that decoding needs (ISO/IEC 10918-1, table B.1: no APPn
/// but JFIF's APP0 and Adobe's APP14, no COM). Any other format: no.
fn carries_no_text(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return false };
    loop {
        let &[0xff, marker, high, low, ..] = rest else { return false };
        match marker {
            0xda => return true,
            0xe1..=0xed | 0xef | 0xfe => return false,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        match rest.get(2 + length..) {
            Some(next) if length >= 2 => rest = next,
            _ => return false,
        }
    }
}
