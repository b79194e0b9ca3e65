//! Texture inside an outline: the grey level co-occurrence matrix.
//!
//! As the Image Biomarker Standardisation Initiative defines it (IBSI reference manual, 3.6):
//! cells of 0.2 mm, a fixed bin *number* of 32 over the outline's own grey range (film greys have no
//! unit), neighbours at distance 1 in four directions, each pair counted both ways, the four
//! matrices merged before anything is computed.

use serde::Serialize;

use super::{farthest, in_units};
use crate::geometry::{Contour, ImagePoint, Mask};
use crate::mammogram::Mammogram;
use crate::region::{Film, Region, Scale};

const CELL_MM: f64 = 0.2;
const BINS: usize = 32;
/// To the right, down, and both ways across: the other four are the same pairs turned round.
const DIRECTIONS: [(i64, i64); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];

/// Features of the merged matrix, with the settings they depend on. No unit; entropy in bits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Texture {
    pub bins: usize,
    /// Side of a cell, in the film's unit of length: 0.2 mm, or a pixel where those are larger.
    pub cell: f64,
    /// Neighbours are this many cells apart.
    pub distance: usize,
    /// Cells inside the outline.
    pub cells: usize,
    /// Sum of p (i - j)^2 (IBSI ACUI).
    pub contrast: f64,
    /// (Sum of p i j - mean^2) / variance (NI2N); `None` where all cells have one grey.
    pub correlation: Option<f64>,
    /// Sum of p (i + j - 2 mean)^2 (DG8W).
    pub cluster_tendency: f64,
    /// - sum of p log2 p (TU9B).
    pub joint_entropy: f64,
    /// Sum of p / (1 + (i - j)^2) (WF0Z).
    pub inverse_difference_moment: f64,
    /// Sum of p^2 (8ZQL).
    pub angular_second_moment: f64,
}

/// The texture inside an outline; `None` where it holds no two neighbouring cells of tissue.
pub fn texture(mammogram: &Mammogram, contour: &Contour) -> Option<Texture> {
    let radius_in_pixels = (contour.area() / std::f64::consts::PI).sqrt();
    let scale = Scale::new(mammogram, radius_in_pixels.max(1e-3));
    let center = contour.centroid();
    let shape = in_units(contour, scale, center);
    let film = Film::new(mammogram);
    let (reach, cell) = (farthest(&shape), CELL_MM * scale.mm);
    let region = Region::new((mammogram, &film), scale, center, reach, cell, 0.0);
    let half = region.side() as f64 / 2.0;
    let in_cells = shape
        .points()
        .iter()
        .map(|p| ImagePoint::new(p.x / region.step() + half, p.y / region.step() + half));
    let mask =
        Mask::of(&Contour::new(in_cells.collect()).expect("as many finite points as before"));
    let greys: Vec<Option<f32>> = (0..region.side() * region.side())
        .map(|idx| (idx % region.side(), idx / region.side()))
        .map(|(column, row)| {
            let inside = mask.contains(column as i64, row as i64);
            region.cell(column, row).filter(|_| inside)
        })
        .collect();
    let cells = greys.iter().flatten().count();
    let counts = co_occurrences(&levels(&greys, BINS), region.side(), BINS);
    let features = Features::of(&counts, BINS)?;
    Some(Texture {
        bins: BINS,
        cell: region.step(),
        distance: 1,
        cells,
        contrast: features.contrast,
        correlation: features.correlation,
        cluster_tendency: features.cluster_tendency,
        joint_entropy: features.joint_entropy,
        inverse_difference_moment: features.inverse_difference_moment,
        angular_second_moment: features.angular_second_moment,
    })
}

/// Greys as numbers from 0 to `bins - 1`, evenly over their own range (IBSI 2.7, fixed bin number).
fn levels(greys: &[Option<f32>], bins: usize) -> Vec<Option<usize>> {
    let (low, high) = greys
        .iter()
        .flatten()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let per_grey = bins as f32 / (high - low);
    let level = |grey: f32| match high > low {
        true => (((grey - low) * per_grey) as usize).min(bins - 1),
        false => 0,
    };
    greys.iter().map(|grey| grey.map(level)).collect()
}

/// How often each pair of levels are neighbours, in all directions together, each pair both ways.
fn co_occurrences(levels: &[Option<usize>], columns: usize, bins: usize) -> Vec<u32> {
    let mut counts = vec![0; bins * bins];
    let rows = levels.len() / columns;
    for (idx, level) in levels.iter().enumerate() {
        let Some(own) = level else { continue };
        for (dx, dy) in DIRECTIONS {
            let (x, y) = ((idx % columns) as i64 + dx, (idx / columns) as i64 + dy);
            if (0..columns as i64).contains(&x)
                && (0..rows as i64).contains(&y)
                && let Some(other) = levels[y as usize * columns + x as usize]
            {
                counts[own * bins + other] += 1;
                counts[other * bins + own] += 1;
            }
        }
    }
    counts
}

#[derive(Debug, Default)]
struct Features {
    contrast: f64,
    correlation: Option<f64>,
    cluster_tendency: f64,
    joint_entropy: f64,
    inverse_difference_moment: f64,
    angular_second_moment: f64,
}

impl Features {
    fn of(counts: &[u32], bins: usize) -> Option<Self> {
        let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        if total == 0.0 {
            return None;
        }
        let cells = || {
            let present = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            present.map(|(idx, count)| {
                ((idx / bins) as f64, (idx % bins) as f64, f64::from(*count) / total)
            })
        };
        // The matrix is the same turned round: one mean and one variance for both its sides.
        let mean: f64 = cells().map(|(i, _, p)| i * p).sum();
        let variance: f64 = cells().map(|(i, _, p)| (i - mean).powi(2) * p).sum();
        let mut features = Self::default();
        let mut together = 0.0;
        for (i, j, p) in cells() {
            let apart = (i - j).powi(2);
            features.contrast += p * apart;
            features.cluster_tendency += p * (i + j - 2.0 * mean).powi(2);
            features.joint_entropy -= p * p.log2();
            features.inverse_difference_moment += p / (1.0 + apart);
            features.angular_second_moment += p * p;
            together += p * (i - mean) * (j - mean);
        }
        features.correlation = (variance > 0.0).then(|| together / variance);
        Some(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::Phantom;

    /// The picture that Haralick et al. (IEEE Trans SMC 1973, figure 3) count out by hand.
    const PICTURE: [usize; 16] = [0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3];

    #[test]
    fn the_pairs_of_a_small_picture_are_those_counted_by_hand() {
        let levels: Vec<Option<usize>> = PICTURE.iter().copied().map(Some).collect();
        // The sum of the four matrices printed there.
        let expected = [16, 4, 6, 0, 4, 12, 5, 0, 6, 5, 12, 6, 0, 0, 6, 2];
        assert_eq!(co_occurrences(&levels, 4, 4), expected);
        // Without the last column, what lay beside it has fewer neighbours.
        let cut: Vec<Option<usize>> =
            levels.iter().enumerate().map(|(idx, l)| l.filter(|_| idx % 4 < 3)).collect();
        let pairs: u32 = co_occurrences(&cut, 4, 4).iter().sum();
        // 3 x 4 cells: 8 across, 9 down, 6 and 6 slanting; each twice.
        assert_eq!(pairs, 58);
    }

    #[test]
    fn features_of_a_small_matrix_are_those_worked_out_by_hand() {
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        };
        // p(0,0) = 1/2, p(0,1) = p(1,0) = 1/8, p(1,1) = 1/4: mean 3/8, variance 15/64.
        let features = Features::of(&[4, 1, 1, 2], 2).expect("there are pairs");
        near(features.contrast, 0.25);
        // E(ij) - mean^2 = 1/4 - 9/64 = 7/64.
        near(features.correlation.expect("two levels"), 7.0 / 15.0);
        // 1/2 (6/8)^2 + 1/4 (2/8)^2 + 1/4 (10/8)^2
        near(features.cluster_tendency, (18.0 + 1.0 + 25.0) / 64.0);
        // 1/2 * 1 + 2 * 1/8 * 3 + 1/4 * 2
        near(features.joint_entropy, 1.75);
        near(features.inverse_difference_moment, 0.5 + 0.25 + 0.125);
        near(features.angular_second_moment, 0.25 + 2.0 / 64.0 + 1.0 / 16.0);
        // Haralick's picture: 2 (4 + 5 + 6) pairs one apart, 2 * 6 two apart, of 84.
        let counts = [16, 4, 6, 0, 4, 12, 5, 0, 6, 5, 12, 6, 0, 0, 6, 2];
        near(Features::of(&counts, 4).expect("there are pairs").contrast, 78.0 / 84.0);
        assert!(Features::of(&[0; 4], 2).is_none());
        let even = Features::of(&[0, 0, 0, 8], 2).expect("there are pairs");
        assert_eq!((even.correlation, even.joint_entropy), (None, 0.0));
    }

    #[test]
    fn greys_are_shared_out_evenly_and_the_brightest_is_in_the_last_bin() {
        let greys = [0.0, 9.9, 10.0, 39.9, 40.0].map(Some);
        assert_eq!(levels(&greys, 4), [0, 0, 1, 3, 3].map(Some));
        assert_eq!(levels(&[Some(7.0), None, Some(7.0)], 4), [Some(0), None, Some(0)]);
    }

    #[test]
    fn a_turned_film_and_another_grey_scale_have_the_same_texture() {
        let drawn = Phantom::region().draw(5);
        let found = texture(&drawn.mammogram, &drawn.mass.contour).expect("it has cells");
        assert_eq!((found.bins, found.cell), (32, 0.2));
        let area = drawn.mass.contour.area() / 4.0;
        assert!((found.cells as f64 / area - 1.0).abs() < 0.02, "{} cells", found.cells);
        let mut doubled = drawn.mammogram.clone();
        doubled.samples = std::sync::Arc::new(doubled.samples.iter().map(|s| 2 * s).collect());
        doubled.bits_stored = 13;
        let again = texture(&doubled, &drawn.mass.contour).expect("it has cells");
        assert!((found.contrast - again.contrast).abs() < 0.02 * found.contrast);
        assert!((found.joint_entropy - again.joint_entropy).abs() < 0.01 * found.joint_entropy);
    }
}
