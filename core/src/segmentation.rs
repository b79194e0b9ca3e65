//! Where does this mass end? Circular dynamic programming on a polar cost image.
//!
//! Everything is solved again from the base cost at each call: corrections are constraints,
//! never edits of the cost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::mammogram::Mammogram;

/// What the doctor did to point at the mass; pixels of the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Prompt {
    /// Pressed at the centre and pulled outwards.
    Drag { center: ImagePoint, radius: f64 },
    /// A box around it.
    Box(ImageRect),
    /// One click; the size is found.
    Click(ImagePoint),
}

/// A wish that the next solution must honour, in image coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Correction {
    /// The contour passes here.
    Through(ImagePoint),
}

/// What was asked and what came of it: the whole value that undo keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    pub prompt: Prompt,
    pub corrections: Vec<Correction>,
    pub contour: Contour,
    /// For each vertex of the contour, how much dearer the next best way would be; low is doubtful.
    pub confidence: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("the mark lies outside the image; drag over the mass itself")]
    OutsideImage,
}

/// Outlines on one film; keeps what it prepared for the last place, so that dragging is live.
#[derive(Debug)]
pub struct Outliner {
    mammogram: Arc<Mammogram>,
}

impl Outliner {
    pub fn new(mammogram: Arc<Mammogram>) -> Self {
        Self { mammogram }
    }

    /// The contour for this prompt that honours every correction.
    pub fn outline(
        &mut self,
        prompt: Prompt,
        corrections: &[Correction],
    ) -> Result<Outline, Error> {
        let _ = (prompt, corrections, &self.mammogram);
        unimplemented!("owner: outline")
    }
}
