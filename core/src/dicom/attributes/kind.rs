//! What kind of image it is by the file's own words: a mammogram for reading, or something else.

use dicom_core::dictionary::{UidDictionary, UidDictionaryEntry};
use dicom_dictionary_std::{StandardSopClassDictionary, tags, uids};

use super::dataset::DataSet;
use super::view;
use crate::lexicon::ViewPosition;
use crate::mammogram::Caution;

/// Classes whose images may be mammograms; films are also scanned or kept as CR, DX and captures.
const MAMMOGRAPHIC: [&str; 13] = [
    uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE,
    uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
    uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    uids::MULTI_FRAME_GRAYSCALE_BYTE_SECONDARY_CAPTURE_IMAGE_STORAGE,
    uids::MULTI_FRAME_GRAYSCALE_WORD_SECONDARY_CAPTURE_IMAGE_STORAGE,
    uids::MULTI_FRAME_SINGLE_BIT_SECONDARY_CAPTURE_IMAGE_STORAGE,
    uids::MULTI_FRAME_TRUE_COLOR_SECONDARY_CAPTURE_IMAGE_STORAGE,
];
/// Raw images: they want processing before a person reads them.
const RAW: [&str; 3] = [
    uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
];
/// Modalities under which films are kept (PS3.3 C.7.3.1.1.1, retired ones included).
const MODALITIES: [&str; 8] = ["MG", "CR", "DX", "DG", "OT", "SC", "HC", "FILM"];

/// Says what is no mammogram by its Modality, BodyPartExamined or SOP class, and what is raw.
pub(super) fn kind(dataset: &DataSet, view: Option<ViewPosition>, cautions: &mut Vec<Caution>) {
    let class = dataset.text(tags::SOP_CLASS_UID).unwrap_or_default();
    let modality = dataset.text(tags::MODALITY).map(|word| word.to_uppercase());
    let body_part = dataset.text(tags::BODY_PART_EXAMINED).map(|word| word.to_uppercase());
    let region = view::is_of_breast(dataset);
    let is_general = matches!(modality.as_deref(), Some("CR" | "DX" | "DG"));
    let foreign = match (modality, body_part) {
        (Some(modality), _) if !MODALITIES.contains(&modality.as_str()) => {
            Some(format!("of modality {modality}"))
        }
        (_, Some(part)) if !part.contains("BREAST") => Some(format!("of the body part {part}")),
        _ if region == Some(false) => Some("of another region than the breast".to_owned()),
        (Some(modality), None) if is_general && view.is_none() && region.is_none() => {
            Some(format!("a radiograph ({modality}) and not that it is of a breast"))
        }
        _ if MAMMOGRAPHIC.contains(&class.as_str()) => None,
        // A private or unknown class says nothing.
        _ => StandardSopClassDictionary.by_uid(&class).map(|entry| entry.name().to_owned()),
    };
    if let Some(what) = foreign {
        let text = format!("the file says that it is {what}; it may be no mammogram");
        cautions.push(Caution::new("W-NOT-MAMMOGRAPHY", text));
    }
    let kind = dataset.texts(tags::IMAGE_TYPE);
    let is = |words: &[&str]| kind.iter().any(|own| words.iter().any(|word| own.contains(word)));
    if is(&["SUBTRACTION", "RECOMBINED", "HIGH_ENERGY"]) {
        cautions.push(Caution::new(
            "W-CONTRAST",
            "this is a picture of a contrast study; its greys are not those of a mammogram",
        ));
    }
    if is(&["2D"]) {
        cautions.push(Caution::new(
            "W-SYNTHETIC",
            "this picture was computed from tomosynthesis, it was not exposed",
        ));
    }
    if dataset.names(tags::PARTIAL_VIEW, &["YES"]) {
        cautions.push(Caution::new("W-PARTIAL-VIEW", "the picture shows a part of the breast"));
    }
    if dataset.names(tags::BREAST_IMPLANT_PRESENT, &["YES"]) {
        cautions.push(Caution::new("W-IMPLANT", "the breast has an implant"));
    }
    let is_raw = dataset.names(tags::PRESENTATION_INTENT_TYPE, &["FOR PROCESSING"]);
    if is_raw || RAW.contains(&class.as_str()) {
        cautions.push(Caution::new(
            "W-FOR-PROCESSING",
            "this is a raw image (FOR PROCESSING), not meant for reading",
        ));
    }
}
