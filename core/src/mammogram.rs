//! One decoded frame: its stored values, its attributes, its scale.
//!
//! Two pure paths start here. The **pixel path** ([`Mammogram::grey_table`]) feeds segmentation and
//! encoder: stored value, modality LUT, MONOCHROME1 turned once; no window, no zoom, no flip.
//! The **display path** ([`crate::voi_lut`]) feeds eyes. Neither changes the stored values.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::voi_lut::VoiLut;

/// One frame of one image, as recorded.
#[derive(Debug, Clone)]
pub struct Mammogram {
    /// Which of the file's frames this is.
    pub frame: Frame,
    pub rows: u32,
    pub columns: u32,
    /// Row by row, `rows * columns` of them; stored value = sample + [`Self::stored_offset`].
    pub samples: Arc<Vec<u16>>,
    /// 0 for unsigned pixels, -32768 for signed ones.
    pub stored_offset: i32,
    pub bits_stored: u16,
    pub photometric_interpretation: PhotometricInterpretation,
    pub modality_lut: ModalityLut,
    /// PixelPaddingValue and PixelPaddingRangeLimit as stored values, both ends included.
    pub padding: Option<(i32, i32)>,
    /// The sample of the emptied background where no padding is declared: black when inverted too.
    pub air: Option<u16>,
    /// What the file offers to the eye, default first; never empty (an automatic window at least).
    pub voi_luts: Vec<VoiLut>,
    /// `None`: nothing is known about size, every length is in pixels.
    pub spacing: Option<Spacing>,
    pub image_laterality: Option<ImageLaterality>,
    pub view_position: Option<ViewPosition>,
    /// PatientOrientation (0020,0020): the directions of rows and of columns, in letters.
    pub patient_orientation: Option<[String; 2]>,
    /// PatientID as the file has it, for exclusion of the patient's own cases; never printed or logged.
    pub patient_id: Option<String>,
    /// What else she was or is known by, for the same.
    pub other_patient_ids: Vec<String>,
    pub sop_instance_uid: Option<String>,
    pub lossy: bool,
    /// BLAKE3 of the file's bytes.
    pub content_hash: [u8; 32],
    /// Leniencies and cautions, in the order they were met.
    pub cautions: Vec<Caution>,
}

impl Mammogram {
    /// Every number that the film has for its patient.
    pub fn patient_ids(&self) -> impl Iterator<Item = &String> {
        self.patient_id.iter().chain(&self.other_patient_ids)
    }

    /// Names these very pixels among all files and frames: the file's hash, or of one frame of
    /// several that hash with the frame's number.
    pub fn frame_hash(&self) -> [u8; 32] {
        if self.frame.count <= 1 {
            return self.content_hash;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.content_hash).update(&self.frame.idx.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// A frame's place in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// From 0.
    pub idx: u32,
    /// NumberOfFrames (0028,0008).
    pub count: u32,
}

impl Default for Frame {
    /// The only one.
    fn default() -> Self {
        Self { idx: 0, count: 1 }
    }
}

/// PhotometricInterpretation (0028,0004), the grey ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhotometricInterpretation {
    /// The smallest value is white.
    #[serde(rename = "MONOCHROME1")]
    Monochrome1,
    /// The smallest value is black.
    #[serde(rename = "MONOCHROME2")]
    Monochrome2,
}

/// Stored value to modality value (PS3.3 C.11.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ModalityLut {
    Rescale {
        slope: f64,
        intercept: f64,
    },
    /// `first` is the stored value of the first entry; values beyond either end take the end entry.
    Table {
        first: i32,
        entries: Vec<u16>,
    },
}

/// Size of a pixel in the patient, or the best that is known, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spacing {
    /// Between the centres of neighbouring rows: the first value of PixelSpacing.
    pub row_spacing_mm: f64,
    /// Between the centres of neighbouring columns.
    pub column_spacing_mm: f64,
    pub origin: SpacingOrigin,
}

/// What a length on this image is worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum SpacingOrigin {
    /// PixelSpacing with a calibration, or where no detector spacing contradicts it.
    Calibrated,
    /// ImagerPixelSpacing over EstimatedRadiographicMagnificationFactor.
    Magnified { ermf: f64 },
    /// ImagerPixelSpacing alone: true at the detector, too large in the breast.
    Detector,
    /// The scanner that digitised a film, from a sidecar or a manifest.
    FilmScanner,
    /// A person stated it.
    Stated,
}

/// A leniency or doubt about a file: a stable code and one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caution {
    /// `W-NO-HEADER`, `W-TRAILING` …; stable.
    pub code: String,
    pub text: String,
}

impl Caution {
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into() }
    }

    /// Whether the picture, its side, its size or its patient may be wrong: then a person must
    /// look before the image is used. A code that is not known to be harmless is a doubt.
    pub fn is_doubt(&self) -> bool {
        !HARMLESS.contains(&self.code.as_str())
    }
}

/// Codes that say how the file was read or what it lacks, and leave nothing uncertain that is shown.
const HARMLESS: &[&str] = &[
    "W-AUTO-WINDOW",
    "W-COLOUR-AS-GREY",
    "W-DICOMDIR",
    "W-ENCODING",
    "W-ERMF",
    "W-GROUP-LENGTH",
    "W-IMPLANT",
    "W-LOSSY",
    "W-LOSSY-UNKNOWN",
    "W-NO-END",
    "W-NO-HEADER",
    "W-NO-LATERALITY",
    "W-NO-SPACING",
    "W-NO-VIEW",
    "W-OFFSET-TABLE",
    "W-OVERLAY",
    "W-PARTIAL-VIEW",
    "W-SPACING-INVALID",
    "W-SYNTHETIC",
    "W-TRAILING",
    "W-VIEW-MODIFIER",
    "W-VIEW-TEXT",
];

impl SpacingOrigin {
    /// The unit as it stands behind a length: "mm", "mm (ERMF 1.07)", "mm at detector" …
    pub fn unit(&self) -> String {
        match self {
            Self::Calibrated => "mm".to_owned(),
            Self::Magnified { ermf } => format!("mm (ERMF {ermf:.2})"),
            Self::Detector => "mm at detector".to_owned(),
            Self::FilmScanner => "mm, film scanner".to_owned(),
            Self::Stated => "mm, stated".to_owned(),
        }
    }
}

impl Spacing {
    /// Sides of a pixel, in mm: from a fifth to ten times the 0.05 to 0.1 mm of any mammogram.
    pub const POSSIBLE_MM: RangeInclusive<f64> = 0.01..=1.0;

    pub const fn square(spacing_mm: f64, origin: SpacingOrigin) -> Self {
        Self { row_spacing_mm: spacing_mm, column_spacing_mm: spacing_mm, origin }
    }

    /// The side of the square with a pixel's area, in mm.
    pub fn mean_mm(&self) -> f64 {
        (self.row_spacing_mm * self.column_spacing_mm).sqrt()
    }
}

impl Mammogram {
    /// The scale that the film brings, itself or by its scanner; one that a person stated is none.
    pub fn own_scale(&self) -> Option<Spacing> {
        self.spacing.filter(|spacing| spacing.origin != SpacingOrigin::Stated)
    }

    /// Takes the side of a pixel in mm that a person states, for a film that brings no scale: its
    /// own stands, and what contradicts it is said.
    pub fn state_scale(&mut self, pixel_mm: f64) {
        let Some(own) = self.own_scale() else {
            self.spacing = Some(Spacing::square(pixel_mm, SpacingOrigin::Stated));
            // No longer true: lengths are in mm, and say that the scale was stated.
            self.cautions.retain(|caution| caution.code != "W-NO-SPACING");
            return;
        };
        if (own.mean_mm() / pixel_mm - 1.0).abs() > 0.01 {
            let text = format!(
                "the stated size of a pixel, {pixel_mm} mm, differs from the film's own, {:.4} {}, \
                 which was used",
                own.mean_mm(),
                own.origin.unit()
            );
            self.cautions.push(Caution::new("W-SCALE-CONFLICT", text));
        }
    }

    /// The stored value of a pixel (PixelData after masking and sign extension).
    pub fn stored(&self, column: u32, row: u32) -> i32 {
        i32::from(self.samples[row as usize * self.columns as usize + column as usize])
            + self.stored_offset
    }

    /// The pixel path as a table over all 65,536 samples: modality LUT, MONOCHROME1 turned once,
    /// so that dense tissue is always the larger number. Rising straight lines of the input
    /// (`a * I + b`, `a > 0`) leave everything behind it unchanged.
    pub fn grey_table(&self) -> Vec<f32> {
        let turn = match self.photometric_interpretation {
            PhotometricInterpretation::Monochrome1 => -1.0,
            PhotometricInterpretation::Monochrome2 => 1.0,
        };
        (0..=u16::MAX)
            .map(|sample| {
                (turn * self.modality_lut.apply(i32::from(sample) + self.stored_offset)) as f32
            })
            .collect()
    }

    /// The display path: 8-bit values row by row, through one of its own or another VOI LUT.
    pub fn display(&self, lut: &VoiLut, invert: bool) -> Vec<u8> {
        let table = lut.display_table(self, invert);
        self.samples.iter().map(|sample| table[usize::from(*sample)]).collect()
    }

    /// The display path with the file's first VOI LUT, or the automatic window.
    pub fn default_display(&self) -> Vec<u8> {
        match self.voi_luts.first() {
            Some(lut) => self.display(lut, false),
            None => self.display(&VoiLut::automatic(self), false),
        }
    }

    /// Whether a sample is PixelPaddingValue or inside its range: background, not tissue.
    pub fn is_padding(&self, sample: u16) -> bool {
        let stored = i32::from(sample) + self.stored_offset;
        self.padding.is_some_and(|(low, high)| (low..=high).contains(&stored))
    }
}

impl ModalityLut {
    /// Modality value of a stored value (PS3.3 C.11.1.1).
    pub fn apply(&self, stored: i32) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => f64::from(stored) * slope + intercept,
            Self::Table { first, entries } => {
                let idx = (stored - first).clamp(0, entries.len() as i32 - 1);
                f64::from(entries[idx as usize])
            }
        }
    }
}
