//! How large, how round, how sharp: numbers of an outlined mass.
//!
//! Lengths are in mm where the film has a size and in pixels where it has none; the origin of
//! the scale stands in the mammogram's `spacing`.

use serde::{Deserialize, Serialize};

use crate::geometry::Contour;
use crate::mammogram::Mammogram;

/// Numbers of one outline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// "mm", "mm, stated", "px" …: the unit of every length here (areas: its square).
    pub unit: String,
    pub area: f64,
    /// Of the circle with the same area.
    pub equivalent_diameter: f64,
    /// Longest Feret diameter, the BI-RADS size.
    pub longest_diameter: f64,
    /// Widest extent across the longest diameter.
    pub perpendicular_diameter: f64,
    /// 4 pi area / perimeter^2, of the contour resampled at 0.5 mm; 1 is a circle.
    pub circularity: f64,
    /// (mean inside - mean of the ring 0.5..3 mm outside) / SD of the ring; no unit.
    pub contrast: f64,
}

/// Measures an outline on its film.
pub fn measure(mammogram: &Mammogram, contour: &Contour) -> Measures {
    let _ = (mammogram, contour);
    unimplemented!("owner: outline")
}
