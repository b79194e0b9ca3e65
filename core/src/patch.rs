//! The square the encoder sees, with the outline as a weight per position.
//!
//! Half side 1.5 x the outline's equivalent radius, at least 8 mm wide; by way of 0.2 mm,
//! stretched from the 1st to the 99th percentile, 224 x 224. Never the display's window.

use crate::geometry::Contour;
use crate::mammogram::Mammogram;

/// Side of the square in encoder pixels.
pub const SIDE: usize = 224;
/// Side of the grid of weights: one per position of conv5_3.
pub const GRID: usize = 14;

/// What the encoder sees of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// `SIDE * SIDE` grey values, 0 to 255, row by row.
    pub pixels: Vec<f32>,
    /// `GRID * GRID` weights, 1 inside the outline, 0.02 outside, the share between on the edge.
    pub weights: Vec<f32>,
}

/// Cuts the square around an outline.
pub fn extract(mammogram: &Mammogram, contour: &Contour) -> Patch {
    let _ = (mammogram, contour);
    unimplemented!("owner: encoder")
}
