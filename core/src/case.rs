//! A case: one mass, or one normal region, in one image, with its known outcome.

use serde::{Deserialize, Serialize};

use crate::geometry::Contour;
use crate::lexicon::{
    Assessment, BreastDensity, ImageLaterality, MassMargin, MassShape, Pathology, ViewPosition,
};
use crate::mammogram::{Caution, Spacing};
use crate::measures::Measures;

/// A case's name inside one library; nothing of the patient is in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CaseId(pub String);

/// One region with known outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    pub pathology: Pathology,
    /// How the outcome is known: "biopsy", "follow-up", "as stated by DDSM" …
    pub outcome_basis: String,
    /// Which collection it is from, digitiser included: "DDSM, LUMISYS LASER".
    pub source: String,
    /// What the library's maker wrote about it; never names the patient.
    pub notes: String,
    pub terms: Terms,
    pub image_laterality: Option<ImageLaterality>,
    pub view_position: Option<ViewPosition>,
    /// Of the picture stored in the library, which may be a crop.
    pub spacing: Option<Spacing>,
    /// In pixels of the stored picture.
    pub contour: Contour,
    pub measures: Measures,
    /// BLAKE3 of the stored picture's bytes, in hex: its file name in `pictures/`.
    pub picture: String,
    pub cautions: Vec<Caution>,
}

/// What a reader said about it, as far as it is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Terms {
    pub mass_shape: Option<MassShape>,
    pub mass_margin: Option<MassMargin>,
    pub breast_density: Option<BreastDensity>,
    pub assessment: Option<Assessment>,
    /// Years at the examination.
    pub age: Option<u16>,
}
