//! The square the encoder sees, with the outline as a weight per position.
//!
//! A pure function of the pixel path and the contour: never of the display's window, zoom or
//! flip. The film's own grey scale drops out as well: `a * I + b` with `a > 0` gives the same
//! patch, and so does a MONOCHROME1 film turned.

use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::mammogram::{Mammogram, Spacing, SpacingOrigin};
use crate::measures::{self, ShapeMargin};

mod grey_scale;
mod resample;

use grey_scale::GreyScale;
use resample::Axis;

/// Side of the square in encoder pixels.
pub const SIDE: usize = 224;
/// Side of the grid of weights: one per position of conv5_3.
pub const GRID: usize = 14;
/// Encoder pixels along one side of a weight's cell.
pub const CELL: usize = SIDE / GRID;

/// What the encoder sees of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// `SIDE * SIDE` grey values, 0 to 255, row by row.
    pub pixels: Vec<f32>,
    /// `GRID * GRID` weights, 1 inside the outline, 0.02 outside, the share between on the edge.
    pub weights: Vec<f32>,
    /// What no square of 224 pixels shows as well as the film: shape and margin, measured there.
    pub shape_margin: ShapeMargin,
}

/// How the square is cut. Part of an encoder: what another recipe cut has other descriptors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Half side of the square over the outline's equivalent radius.
    pub half_side_radii: f64,
    /// Shortest side of the square.
    pub min_side_mm: f64,
    /// Spacing by way of which every film goes, so that a finer scanner shows no more.
    pub by_way_of_mm: f64,
    /// Weight of a position outside the outline.
    pub outside_weight: f32,
    /// Side in encoder pixels, a multiple of [`CELL`]: [`SIDE`], or less for a quick self-test.
    pub side: usize,
}

impl Recipe {
    /// The one in use: window, command line, import, training and evaluation cut by it.
    ///
    /// 1.5 equivalent radii and 0.02 are by trial on mini-MIAS and DDSM: tight beats wide, and
    /// weighting by the outline beats plain pooling.
    pub const STANDARD: Self = Self {
        half_side_radii: 1.5,
        min_side_mm: 8.0,
        by_way_of_mm: 0.2,
        outside_weight: 0.02,
        side: SIDE,
    };
}

/// Longest side of the intermediate picture: a square too large for it is sampled more coarsely,
/// which costs nothing, since it is to be [`SIDE`] wide in the end.
const MAX_INTERMEDIATE: f64 = 1024.0;

/// A film without a size is cut as if a pixel were this wide: its lengths are in pixels anyway.
const UNSIZED: Spacing = Spacing::square(0.2, SpacingOrigin::Stated);

/// Cuts the square around an outline by [`Recipe::STANDARD`].
pub fn extract(mammogram: &Mammogram, contour: &Contour) -> Patch {
    extract_by(mammogram, contour, &Recipe::STANDARD)
}

/// Cuts the square around an outline.
pub fn extract_by(mammogram: &Mammogram, contour: &Contour, recipe: &Recipe) -> Patch {
    let pixels = pixels_by(mammogram, contour, recipe);
    let weights = Square::around(mammogram, contour, recipe).weights(contour, recipe);
    Patch { pixels, weights, shape_margin: measures::shape_margin(mammogram, contour) }
}

/// The grey values alone of the square around an outline: [`Patch::pixels`].
///
/// The square is centred on the outline's centroid and square in millimetres. Grey values are
/// stretched so that the 1st percentile of the tissue in it becomes 0 and the 99th 255; outside
/// the film, and where the file says padding, is 0. Tissue is what lies above 8.5/255 of the way
/// from the 0.1th to the 99.9th percentile of the film's unpadded pixels: on an 8-bit film that
/// uses its range, values above 8; on any other depth and scale the same share of its range.
pub fn pixels_by(mammogram: &Mammogram, contour: &Contour, recipe: &Recipe) -> Vec<f32> {
    let square = Square::around(mammogram, contour, recipe);
    let grey_scale = GreyScale::of(mammogram);

    // By way of 0.2 mm: the mean of what lies on the film, and how much of the cell that is.
    let cells = (square.side_mm / recipe.by_way_of_mm).round().clamp(16.0, MAX_INTERMEDIATE);
    let columns = square.axis(cells as usize, square.spacing.column_spacing_mm, square.center.x);
    let rows = square.axis(cells as usize, square.spacing.row_spacing_mm, square.center.y);
    let (grey, cover) = grey_scale.sample(mammogram, &columns, &rows);

    let (low, high) = grey_scale.tissue_range(&grey, &cover);
    let span = high - low;
    let stretched: Vec<f32> = grey
        .iter()
        .zip(&cover)
        .map(|(&value, &cover)| {
            let share = if span > 0.0 { ((value - low) / span).clamp(0.0, 1.0) } else { 0.0 };
            share * 255.0 * cover
        })
        .collect();

    let zoom = Axis::resize(cells as usize, recipe.side);
    resample::apply(&stretched, cells as usize, &zoom, &zoom)
        .into_iter()
        .map(|v| v.clamp(0.0, 255.0))
        .collect()
}

/// The square that [`extract`] cuts around an outline, in pixels of the image: what of it lies
/// outside the film is black to the encoder.
pub fn square(mammogram: &Mammogram, contour: &Contour) -> ImageRect {
    let Square { center, side_mm, spacing } = Square::around(mammogram, contour, &Recipe::STANDARD);
    let (half_x, half_y) =
        (side_mm / spacing.column_spacing_mm / 2.0, side_mm / spacing.row_spacing_mm / 2.0);
    ImageRect {
        min: ImagePoint::new(center.x - half_x, center.y - half_y),
        max: ImagePoint::new(center.x + half_x, center.y + half_y),
    }
}

impl Patch {
    /// Side of the square in encoder pixels.
    pub fn side(&self) -> usize {
        self.pixels.len().isqrt()
    }

    /// Side of the grid of weights.
    pub fn grid(&self) -> usize {
        self.weights.len().isqrt()
    }

    /// The weights on a grid of another side, for a network whose last map has that side.
    pub fn weights_on(&self, grid: usize) -> Vec<f32> {
        if grid == self.grid() {
            return self.weights.clone();
        }
        let axis = Axis::resize(self.grid(), grid);
        resample::apply(&self.weights, self.grid(), &axis, &axis)
    }
}

/// Where the patch lies on the film.
struct Square {
    center: ImagePoint,
    side_mm: f64,
    spacing: Spacing,
}

impl Square {
    fn around(mammogram: &Mammogram, contour: &Contour, recipe: &Recipe) -> Self {
        let spacing = mammogram.spacing.unwrap_or(UNSIZED);
        let area_mm2 = contour.area() * spacing.row_spacing_mm * spacing.column_spacing_mm;
        let radius_mm = (area_mm2 / std::f64::consts::PI).sqrt();
        let side_mm = (2.0 * recipe.half_side_radii * radius_mm).max(recipe.min_side_mm);
        Self { center: contour.centroid(), side_mm, spacing }
    }

    /// The square's cells along one axis, over the film's pixels.
    fn axis(&self, cells: usize, spacing_mm: f64, center_in_image: f64) -> Axis {
        let side_in_image = self.side_mm / spacing_mm;
        Axis::over(center_in_image - side_in_image / 2.0, side_in_image / cells as f64, cells)
    }

    /// The share of each cell that lies inside the outline, as a weight.
    fn weights(&self, contour: &Contour, recipe: &Recipe) -> Vec<f32> {
        let grid = recipe.side / CELL;
        let cell_mm = self.side_mm / grid as f64;
        let column_from_image = |x: f64| {
            (x - self.center.x) * self.spacing.column_spacing_mm / cell_mm + grid as f64 / 2.0
        };
        let row_from_image = |y: f64| {
            (y - self.center.y) * self.spacing.row_spacing_mm / cell_mm + grid as f64 / 2.0
        };
        let in_grid: Vec<_> = contour
            .points()
            .iter()
            .map(|p| ImagePoint::new(column_from_image(p.x), row_from_image(p.y)))
            .collect();
        let outside = f64::from(recipe.outside_weight);
        area_shares(&in_grid, grid)
            .into_iter()
            .map(|share| (outside + (1.0 - outside) * share) as f32)
            .collect()
    }
}

/// How much of each unit cell of a `grid * grid` field the closed polygon covers (even-odd rule):
/// exact along rows, 32 lines deep down each cell.
fn area_shares(polygon: &[ImagePoint], grid: usize) -> Vec<f64> {
    const LINES: usize = 32;
    let mut shares = vec![0.0; grid * grid];
    let mut crossings = Vec::new();
    for line in 0..grid * LINES {
        let y = (line as f64 + 0.5) / LINES as f64;
        crossings.clear();
        for (p, q) in polygon.iter().zip(polygon.iter().cycle().skip(1)) {
            if (p.y > y) != (q.y > y) {
                crossings.push(p.x + (q.x - p.x) * (y - p.y) / (q.y - p.y));
            }
        }
        crossings.sort_by(f64::total_cmp);
        let row = &mut shares[line / LINES * grid..][..grid];
        for span in crossings.chunks_exact(2) {
            for (column, share) in row.iter_mut().enumerate() {
                let covered = span[1].min(column as f64 + 1.0) - span[0].max(column as f64);
                *share += covered.max(0.0) / LINES as f64;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_covers_cells_by_its_area() {
        let corners = [(0.5, 0.25), (2.0, 0.25), (2.0, 1.5), (0.5, 1.5)];
        let polygon: Vec<_> = corners.iter().map(|&(x, y)| ImagePoint::new(x, y)).collect();
        let shares = area_shares(&polygon, 3);
        let expected = [0.375, 0.75, 0.0, 0.25, 0.5, 0.0, 0.0, 0.0, 0.0];
        for (share, expected) in shares.iter().zip(expected) {
            assert!((share - expected).abs() < 1e-12, "{shares:?}");
        }
    }
}
