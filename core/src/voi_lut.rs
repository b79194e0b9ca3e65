//! Stored values to 8-bit display values: VOI LUT, presentation LUT shape, padding black.
//!
//! Everything ends in one table over the 65,536 samples ([`VoiLut::display_table`]): the shader,
//! the command line's pictures and `displayed_sha256` all read that table, so they cannot differ.

use serde::{Deserialize, Serialize};

use self::breast::breast_range;

use crate::mammogram::{Mammogram, PhotometricInterpretation};

mod breast;

/// One way to look at an image, under the name the file gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoiLut {
    /// WindowCenterWidthExplanation or LUTExplanation; "Automatic" for our own.
    pub explanation: String,
    pub function: VoiFunction,
}

/// PS3.3 C.11.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VoiFunction {
    /// C.11.2.1.2.1, the default.
    Linear { center: f64, width: f64 },
    /// C.11.2.1.3.2.
    LinearExact { center: f64, width: f64 },
    /// C.11.2.1.3.1.
    Sigmoid { center: f64, width: f64 },
    /// VOILUTSequence: `first` is the modality value of the first entry, entries scaled by `max`.
    Table { first: i32, entries: Vec<u16>, max: u16 },
}

impl VoiLut {
    /// Display value of each sample, 0 black to 255 white; MONOCHROME1 turned at the end, once;
    /// padding black, `invert` or not.
    pub fn display_table(&self, mammogram: &Mammogram, invert: bool) -> Vec<u8> {
        let is_monochrome1 =
            mammogram.photometric_interpretation == PhotometricInterpretation::Monochrome1;
        let is_turned = is_monochrome1 != invert;
        (0..=u16::MAX)
            .map(|sample| {
                if mammogram.is_padding(sample) {
                    return 0;
                }
                let stored = i32::from(sample) + mammogram.stored_offset;
                let output = self.function.output(mammogram.modality_lut.apply(stored));
                let output = if is_turned { 1.0 - output } else { output };
                (255.0 * output).round() as u8
            })
            .collect()
    }

    /// A window for an image that brings none: from the darkest to nearly the brightest of the
    /// breast, the background left out. LINEAR_EXACT, in modality values.
    pub fn automatic(mammogram: &Mammogram) -> Self {
        let (low, high) = breast_range(mammogram);
        let width = (high - low).max(f64::MIN_POSITIVE);
        let center = low + width / 2.0;
        Self {
            explanation: "Automatic".to_owned(),
            function: VoiFunction::LinearExact { center, width },
        }
    }
}

impl VoiFunction {
    /// The function's value for a modality value, 0 to 1.
    pub fn output(&self, modality: f64) -> f64 {
        match self {
            Self::Linear { center, width } => {
                // C.11.2.1.2.1, equations in the form (x - lower) / (w - 1).
                let lower = center - 0.5 - (width - 1.0) / 2.0;
                let upper = center - 0.5 + (width - 1.0) / 2.0;
                if modality <= lower {
                    0.0
                } else if modality > upper {
                    1.0
                } else {
                    (modality - (center - 0.5)) / (width - 1.0) + 0.5
                }
            }
            Self::LinearExact { center, width } => {
                ((modality - center) / width + 0.5).clamp(0.0, 1.0)
            }
            Self::Sigmoid { center, width } => {
                1.0 / (1.0 + (-4.0 * (modality - center) / width).exp())
            }
            Self::Table { first, entries, max } => {
                let last = entries.len().saturating_sub(1) as f64;
                let idx = (modality - f64::from(*first)).round().clamp(0.0, last);
                let entry = entries.get(idx as usize).copied().unwrap_or(0);
                (f64::from(entry) / f64::from((*max).max(1))).min(1.0)
            }
        }
    }
}
