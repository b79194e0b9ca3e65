//! Stored values to 8-bit display values: VOI LUT, presentation LUT shape, padding black.
//!
//! Everything ends in one table over the 65,536 samples ([`VoiLut::display_table`]): the shader,
//! the command line's pictures and `displayed_sha256` all read that table, so they cannot differ.

use serde::{Deserialize, Serialize};

use crate::mammogram::Mammogram;

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
        let _ = (mammogram, invert);
        unimplemented!("owner: dicom")
    }
}
