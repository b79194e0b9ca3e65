//! A [`Mammogram`] becomes a file: uncompressed, Digital Mammography X-Ray Image, for presentation.
//!
//! The same film gives the same bytes: its UIDs come from its content (PS3.5 B.2).

use std::path::{Path, PathBuf};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

use crate::files;
use crate::mammogram::{Mammogram, ModalityLut, PhotometricInterpretation, SpacingOrigin};
use crate::voi_lut::VoiFunction;

/// Why a film was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("a modality LUT that is a table cannot be written")]
    TableLut,
    #[error("the attributes cannot be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the film cannot be written: {path}")]
    Save { path: PathBuf, source: std::io::Error },
}

/// Writes a film under this name, whole or not at all. Windows that are tables are left out, and
/// so is a scale that a person stated: the file must not claim that a machine knew it.
pub fn write(mammogram: &Mammogram, path: &Path) -> Result<(), WriteError> {
    let uid = uid_of(mammogram);
    let mut set = InMemDicomObject::new_empty();
    identity(&mut set, mammogram, &uid);
    geometry(&mut set, mammogram);
    grey_scale(&mut set, mammogram)?;
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(SOP_CLASS)
        .media_storage_sop_instance_uid(&uid);
    let file = set.with_meta(meta).map_err(|e| WriteError::Encode(Box::new(e)))?;
    let mut bytes = Vec::new();
    file.write_all(&mut bytes).map_err(|e| WriteError::Encode(Box::new(e)))?;
    let save = |source| WriteError::Save { path: path.to_owned(), source };
    files::write_whole(path, &bytes).map_err(save)
}

const SOP_CLASS: &str = uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION;

/// A UID under 2.25, from the pixels and the size.
fn uid_of(mammogram: &Mammogram) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&mammogram.rows.to_le_bytes()).update(&mammogram.columns.to_le_bytes());
    hash.update(bytemuck::cast_slice(&mammogram.samples));
    let bytes: [u8; 16] = hash.finalize().as_bytes()[..16].try_into().expect("16 of 32 bytes");
    format!("2.25.{}", u128::from_le_bytes(bytes))
}

fn identity(set: &mut InMemDicomObject, mammogram: &Mammogram, uid: &str) {
    text(set, tags::SOP_CLASS_UID, VR::UI, SOP_CLASS);
    text(set, tags::SOP_INSTANCE_UID, VR::UI, uid);
    text(set, tags::STUDY_INSTANCE_UID, VR::UI, &format!("{uid}.1"));
    text(set, tags::SERIES_INSTANCE_UID, VR::UI, &format!("{uid}.2"));
    text(set, tags::MODALITY, VR::CS, "MG");
    text(set, tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PRESENTATION");
    text(set, tags::PATIENT_NAME, VR::PN, "");
    text(set, tags::PATIENT_ID, VR::LO, mammogram.patient_id.as_deref().unwrap_or_default());
    if let Some(laterality) = mammogram.image_laterality {
        text(set, tags::IMAGE_LATERALITY, VR::CS, laterality.word());
    }
    if let Some(view) = mammogram.view_position {
        text(set, tags::VIEW_POSITION, VR::CS, view.word());
    }
}

fn geometry(set: &mut InMemDicomObject, mammogram: &Mammogram) {
    let Some(spacing) = mammogram.spacing else { return };
    let pair = |factor: f64| {
        let (row, column) = (spacing.row_spacing_mm * factor, spacing.column_spacing_mm * factor);
        format!("{}\\{}", decimal(row), decimal(column))
    };
    match spacing.origin {
        SpacingOrigin::Calibrated => text(set, tags::PIXEL_SPACING, VR::DS, &pair(1.0)),
        SpacingOrigin::Detector => text(set, tags::IMAGER_PIXEL_SPACING, VR::DS, &pair(1.0)),
        SpacingOrigin::Magnified { ermf } => {
            text(set, tags::IMAGER_PIXEL_SPACING, VR::DS, &pair(ermf));
            let tag = tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR;
            text(set, tag, VR::DS, &decimal(ermf));
        }
        SpacingOrigin::FilmScanner => {
            text(set, tags::NOMINAL_SCANNED_PIXEL_SPACING, VR::DS, &pair(1.0));
        }
        SpacingOrigin::Stated => {}
    }
}

fn grey_scale(set: &mut InMemDicomObject, mammogram: &Mammogram) -> Result<(), WriteError> {
    let ModalityLut::Rescale { slope, intercept } = &mammogram.modality_lut else {
        return Err(WriteError::TableLut);
    };
    let photometric = match mammogram.photometric_interpretation {
        PhotometricInterpretation::Monochrome1 => "MONOCHROME1",
        PhotometricInterpretation::Monochrome2 => "MONOCHROME2",
    };
    let is_signed = mammogram.stored_offset != 0;
    number(set, tags::SAMPLES_PER_PIXEL, 1);
    text(set, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
    number(set, tags::ROWS, mammogram.rows as u16);
    number(set, tags::COLUMNS, mammogram.columns as u16);
    number(set, tags::BITS_ALLOCATED, 16);
    number(set, tags::BITS_STORED, mammogram.bits_stored);
    number(set, tags::HIGH_BIT, mammogram.bits_stored - 1);
    number(set, tags::PIXEL_REPRESENTATION, u16::from(is_signed));
    text(set, tags::RESCALE_INTERCEPT, VR::DS, &decimal(*intercept));
    text(set, tags::RESCALE_SLOPE, VR::DS, &decimal(*slope));
    text(set, tags::RESCALE_TYPE, VR::LO, "US");
    let lossy = if mammogram.lossy { "01" } else { "00" };
    text(set, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, lossy);
    windows(set, mammogram);
    let words = mammogram.samples.iter().map(|sample| {
        // Two's complement in the stored bits; the reader masks and extends the sign.
        (i32::from(*sample) + mammogram.stored_offset) as u16
    });
    set.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(words.collect())));
    Ok(())
}

/// The windows that are a function of the first one's kind: a file has one VOILUTFunction for all.
fn windows(set: &mut InMemDicomObject, mammogram: &Mammogram) {
    let parts = |function: &VoiFunction| match function {
        VoiFunction::Linear { center, width } => Some(("LINEAR", *center, *width)),
        VoiFunction::LinearExact { center, width } => Some(("LINEAR_EXACT", *center, *width)),
        VoiFunction::Sigmoid { center, width } => Some(("SIGMOID", *center, *width)),
        VoiFunction::Table { .. } => None,
    };
    let mut windows: Vec<_> = mammogram
        .voi_luts
        .iter()
        .filter_map(|lut| parts(&lut.function).map(|parts| (parts, lut.explanation.as_str())))
        .collect();
    let Some(((name, ..), _)) = windows.first().copied() else { return };
    windows.retain(|((other, ..), _)| *other == name);
    let centers: Vec<_> = windows.iter().map(|((_, center, _), _)| decimal(*center)).collect();
    let widths: Vec<_> = windows.iter().map(|((_, _, width), _)| decimal(*width)).collect();
    let names: Vec<_> = windows.iter().map(|(_, explanation)| *explanation).collect();
    text(set, tags::WINDOW_CENTER, VR::DS, &centers.join("\\"));
    text(set, tags::WINDOW_WIDTH, VR::DS, &widths.join("\\"));
    text(set, tags::WINDOW_CENTER_WIDTH_EXPLANATION, VR::LO, &names.join("\\"));
    text(set, tags::VOILUT_FUNCTION, VR::CS, name);
}

fn text(set: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    set.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
}

fn number(set: &mut InMemDicomObject, tag: Tag, value: u16) {
    set.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
}

/// A decimal string: at most 16 bytes (PS3.5 6.2).
fn decimal(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() <= 16 { plain } else { format!("{value:.8e}") }
}
