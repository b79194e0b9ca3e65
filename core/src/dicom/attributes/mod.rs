//! What the file says about the image, settled here once: nobody after this asks again.
//!
//! Where attributes contradict each other the better one is taken and the doubt is kept as a
//! caution. Nothing is made up: what is not known stays `None`. Runs in the decoding process.

mod dataset;
mod kind;
mod spacing;
mod text;
mod view;
mod voi;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

pub(super) use self::dataset::{DataSet, Item};
pub use self::text::{NameSet, read_as};
use super::frame::Layout;
use super::pixels::Stored;
use crate::hanging;
use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::mammogram::{Caution, ModalityLut, PhotometricInterpretation, Spacing};
use crate::voi_lut::VoiLut;

/// The attributes of one image; what [`crate::mammogram::Mammogram`] knows beside its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attributes {
    pub rows: u32,
    pub columns: u32,
    pub number_of_frames: u32,
    pub bits_stored: u16,
    /// Added to a sample gives the stored value.
    pub stored_offset: i32,
    pub photometric_interpretation: PhotometricInterpretation,
    pub modality_lut: ModalityLut,
    pub padding: Option<(i32, i32)>,
    pub voi_luts: Vec<VoiLut>,
    pub spacing: Option<Spacing>,
    pub image_laterality: Option<ImageLaterality>,
    pub view_position: Option<ViewPosition>,
    /// Directions of rows and columns in letters (PS3.3 C.7.6.1.1.1), where the file gives them.
    pub patient_orientation: Option<[String; 2]>,
    pub patient_id: Option<String>,
    /// OtherPatientIDsSequence and OtherPatientIDs (PS3.3 C.7.1.1).
    pub other_patient_ids: Vec<String>,
    /// For the person at the screen alone: never printed, logged or stored.
    pub patient_name: Option<String>,
    pub person: Person,
    pub study: Study,
    pub sop_instance_uid: Option<String>,
    pub lossy: bool,
    pub cautions: Vec<Caution>,
}

/// What tells the bearers of one PatientID apart (PS3.3 C.7.1.1); for the screen alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// PatientID is unique within it, and nowhere else.
    pub issuer_of_patient_id: Option<String>,
    /// YYYYMMDD.
    pub patient_birth_date: Option<String>,
    /// M, F or O.
    pub patient_sex: Option<String>,
}

/// The visit that an image belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    pub study_instance_uid: Option<String>,
    /// YYYYMMDD.
    pub study_date: Option<String>,
}

/// Why an image is refused for its attributes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the attributes cannot be read: {0}")]
    Parse(String),
    #[error("PhotometricInterpretation is missing, so black and white cannot be told apart")]
    NoPhotometric,
    #[error("PhotometricInterpretation is \"{value}\"; only MONOCHROME1 and MONOCHROME2 are read")]
    Photometric { value: String },
}

/// OtherPatientIDs, which the dictionary has as retired.
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);

/// The attributes that are read; the guard hands on no others.
pub(super) fn is_wanted(tag: Tag) -> bool {
    WANTED.contains(&tag)
}

pub(super) const WANTED: &[Tag] = &[
    tags::DIRECTORY_RECORD_SEQUENCE,
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::MODALITY,
    tags::ANATOMIC_REGION_SEQUENCE,
    tags::BODY_PART_EXAMINED,
    tags::PATIENT_NAME,
    tags::STUDY_INSTANCE_UID,
    tags::PRESENTATION_INTENT_TYPE,
    tags::SERIES_DESCRIPTION,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    OTHER_PATIENT_IDS,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR,
    tags::IMAGER_PIXEL_SPACING,
    tags::NOMINAL_SCANNED_PIXEL_SPACING,
    tags::VIEW_POSITION,
    tags::PATIENT_ORIENTATION,
    tags::LATERALITY,
    tags::IMAGE_LATERALITY,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::PIXEL_ASPECT_RATIO,
    tags::BREAST_IMPLANT_PRESENT,
    tags::BURNED_IN_ANNOTATION,
    tags::PARTIAL_VIEW,
    tags::PIXEL_SPACING_CALIBRATION_TYPE,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::WINDOW_CENTER_WIDTH_EXPLANATION,
    tags::VOILUT_FUNCTION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::MODALITY_LUT_SEQUENCE,
    tags::VOILUT_SEQUENCE,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::VIEW_CODE_SEQUENCE,
    tags::VIEW_MODIFIER_CODE_SEQUENCE,
    tags::PRESENTATION_LUT_SHAPE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::EXTENDED_OFFSET_TABLE,
];

impl Attributes {
    /// What the frame itself turned out to be.
    pub(super) fn take(&mut self, stored: &Stored) {
        self.bits_stored = stored.bits_stored;
        self.stored_offset = stored.offset;
        if stored.lossy && !self.lossy {
            self.lossy = true;
            self.cautions.push(lossy_caution());
        }
        let is_news = |caution: &&Caution| !(self.lossy && caution.code == "W-LOSSY-UNKNOWN");
        self.cautions.extend(stored.cautions.iter().filter(is_news).cloned());
    }
}

fn lossy_caution() -> Caution {
    Caution::new("W-LOSSY", "the image was compressed with loss")
}

/// Reads all that stands in the data set.
pub(super) fn settle(dataset: &DataSet, layout: &Layout) -> Result<Attributes, Error> {
    let mut cautions = Vec::new();
    let photometric_interpretation = photometric(dataset, &mut cautions)?;
    let modality_lut = voi::modality_lut(dataset, layout, &mut cautions);
    let voi_luts = voi::voi_luts(dataset, layout, &modality_lut, &mut cautions);
    let padding = padding(dataset, layout, &mut cautions);
    let spacing = spacing::spacing(dataset, layout, &mut cautions);
    let image_laterality = view::image_laterality(dataset, &mut cautions);
    let view_position = view::view_position(dataset, &mut cautions);
    let patient_orientation = view::patient_orientation(dataset, &mut cautions);
    let other_breast = patient_orientation
        .as_ref()
        .zip(image_laterality)
        .and_then(|(axes, side)| hanging::other_breast(side, view_position, axes));
    if let Some(side) = other_breast {
        let text = format!("PatientOrientation is that of the other breast ({side})");
        cautions.push(Caution::new("W-LATERALITY-CONFLICT", text));
    }
    if let (Some(axes), Some(view)) = (&patient_orientation, view_position)
        && hanging::is_of_another_view(view, axes)
    {
        let text = format!("PatientOrientation {} is not that of a {view}", axes.join("\\"));
        cautions.push(Caution::new("W-ORIENTATION", text));
    }
    rest(dataset, spacing, &mut cautions);
    let patient_id = dataset.text(tags::PATIENT_ID);
    if patient_id.is_none() {
        cautions.push(Caution::new(
            "W-NO-PATIENT",
            "PatientID is missing: cases of the same patient cannot be left out",
        ));
    }
    kind::kind(dataset, view_position, &mut cautions);
    let ratios = dataset.numbers(tags::LOSSY_IMAGE_COMPRESSION_RATIO);
    let lossy = dataset.names(tags::LOSSY_IMAGE_COMPRESSION, &["01", "1", "YES"])
        || ratios.iter().any(|ratio| *ratio > 1.0);
    if lossy {
        cautions.push(lossy_caution());
    }
    Ok(Attributes {
        rows: layout.rows,
        columns: layout.columns,
        number_of_frames: layout.frames,
        bits_stored: layout.bits_stored,
        stored_offset: 0,
        photometric_interpretation,
        modality_lut,
        padding,
        voi_luts,
        spacing,
        image_laterality,
        view_position,
        patient_orientation,
        patient_id,
        other_patient_ids: other_patient_ids(dataset),
        // A backslash in it is a letter's second byte under a wrong declaration.
        patient_name: dataset.text(tags::PATIENT_NAME),
        person: Person {
            issuer_of_patient_id: dataset.text(tags::ISSUER_OF_PATIENT_ID),
            patient_birth_date: dataset.text(tags::PATIENT_BIRTH_DATE),
            patient_sex: dataset.text(tags::PATIENT_SEX),
        },
        study: Study {
            study_instance_uid: dataset.text(tags::STUDY_INSTANCE_UID),
            study_date: dataset.text(tags::STUDY_DATE),
        },
        sop_instance_uid: dataset.text(tags::SOP_INSTANCE_UID),
        lossy,
        cautions,
    })
}

/// The numbers of other issuers and earlier times, also in the form that is retired.
fn other_patient_ids(dataset: &DataSet) -> Vec<String> {
    let items = dataset.items(tags::OTHER_PATIENT_I_DS_SEQUENCE);
    let one = |item: &Item| Some(dataset.texts_of(item.get(tags::PATIENT_ID)?).join("\\"));
    let of_items = items.iter().filter_map(one);
    let ids = of_items.chain(dataset.texts(OTHER_PATIENT_IDS));
    ids.filter(|id| !id.is_empty()).collect()
}

/// What is neither shown nor used, but changes what a picture is worth.
fn rest(dataset: &DataSet, spacing: Option<Spacing>, cautions: &mut Vec<Caution>) {
    if dataset.is_charset_unknown {
        cautions.push(Caution::new(
            "W-CHARSET",
            "SpecificCharacterSet names a set that DICOM does not have; names may read wrongly",
        ));
    }
    if dataset.words(tags::PIXEL_REPRESENTATION).is_none_or(|words| words.is_empty()) {
        cautions.push(Caution::new(
            "W-NO-SIGN",
            "PixelRepresentation is missing; the pixel values were taken to be unsigned",
        ));
    }
    if dataset.names(tags::BURNED_IN_ANNOTATION, &["YES", "Y"]) {
        cautions.push(Caution::new(
            "W-BURNED-IN",
            "text is burnt into the picture; it may name the patient",
        ));
    }
    let aspect = dataset.numbers(tags::PIXEL_ASPECT_RATIO);
    if let [vertical, horizontal] = aspect[..] {
        let drawn = spacing.map_or(1.0, |s| s.row_spacing_mm / s.column_spacing_mm);
        if ((vertical / horizontal) / drawn - 1.0).abs() > 0.01 {
            cautions.push(Caution::new(
                "W-ASPECT",
                format!(
                    "PixelAspectRatio says {vertical} : {horizontal}, the pixels are shown as \
                     {drawn:.2} : 1"
                ),
            ));
        }
    }
}

/// A damaged or missing value is refused: a guess that is wrong shows the negative.
fn photometric(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Result<PhotometricInterpretation, Error> {
    let value = dataset.text(tags::PHOTOMETRIC_INTERPRETATION).ok_or(Error::NoPhotometric)?;
    let (interpretation, shape) = match value.as_str() {
        "MONOCHROME1" => (PhotometricInterpretation::Monochrome1, "INVERSE"),
        "MONOCHROME2" => (PhotometricInterpretation::Monochrome2, "IDENTITY"),
        _ => return Err(Error::Photometric { value }),
    };
    // PS3.3 C.8.11.1: in mammography the shape only repeats the photometric interpretation.
    if dataset.text(tags::PRESENTATION_LUT_SHAPE).is_some_and(|s| s != shape) {
        cautions.push(Caution::new(
            "W-POLARITY",
            format!("PresentationLUTShape contradicts {value}; {value} was followed"),
        ));
    }
    Ok(interpretation)
}

/// PixelPaddingValue and PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2), whatever VR they came in.
fn padding(dataset: &DataSet, layout: &Layout, cautions: &mut Vec<Caution>) -> Option<(i32, i32)> {
    let (range, is_signed) = (1_i32 << layout.bits_stored, layout.is_signed);
    let stored = |tag| {
        let word = dataset.words(tag)?.first().copied()?;
        let value = if is_signed { i32::from(word as i16) } else { i32::from(word) };
        // A signed value may have been written without its sign extension.
        Some(if is_signed && value >= range / 2 { value - range } else { value })
    };
    let value = stored(tags::PIXEL_PADDING_VALUE)?;
    let limit = stored(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
    let (low, high) = (value.min(limit), value.max(limit));
    // Padding is the air around a breast: what covers most values would cover the breast.
    if high - low + 1 > range / 4 * 3 {
        cautions.push(Caution::new(
            "W-PADDING",
            format!(
                "the pixel padding from {low} to {high} covers nearly every value; it was ignored"
            ),
        ));
        return None;
    }
    Some((low, high))
}
