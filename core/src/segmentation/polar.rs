//! The film around the prompt in polar form, and what each place would cost as a border.
//!
//! Columns are angles, rows are radii from the centre outwards. The terms follow Timp and
//! Karssemeijer (Med Phys 2004) with the plane of Song et al. (Acad Radiol 2009) and the expected
//! grey of Song et al. (Acad Radiol 2010); the doctor's radius stands for the population's.

use std::f64::consts::TAU;

use super::path::CostTable;
use crate::region::{Region, Scale};

/// Angles; a multiple of eight, so that quarter turns and mirrors map columns to columns.
pub(super) const COLUMNS: usize = 128;
/// Rows of the range that is searched before any correction.
pub(super) const ROWS: usize = 96;

/// The searched range ends here, in radii of the prompt.
const FARTHEST: f64 = 2.2;
/// Half window of the radial contrast, in radii of the prompt.
pub(super) const HALF_WINDOW: f64 = 0.14;
/// Share of the inner grey in the grey expected on the border.
pub(super) const EXPECTED_INNER_SHARE: f32 = 0.2;
/// Cost of a border outside the tissue.
pub(super) const INVALID_COST: f32 = 3.0;

/// How much each term of the cost counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Radial contrast.
    pub edge: f32,
    /// Likeness to the grey expected on the border.
    pub grey: f32,
    /// Likeness to the size that the prompt foretells.
    pub size: f32,
}

impl Weights {
    /// What came out best on phantoms.
    pub const STANDARD: Self = Self { edge: 1.0, grey: 0.3, size: 0.2 };
    /// The terms as they come, none preferred: what the standard is compared with.
    pub const EQUAL: Self = Self { edge: 1.0, grey: 1.0, size: 1.0 };
}

/// Where rows and columns lie, in units from the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rays {
    /// Radius of row `inner`.
    start: f64,
    /// Units per row.
    pub(super) step: f64,
    /// Rows below the searched range: they tell grey values and may be reached by corrections.
    pub(super) inner: usize,
}

/// The size that the prompt foretells: for each column a radius in units, and how firmly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SizePrior {
    pub(super) radii: Vec<f64>,
    /// Standard deviation of the logarithm of the radius.
    pub(super) spread: f32,
}

impl SizePrior {
    pub(super) fn mean(&self) -> f64 {
        self.radii.iter().sum::<f64>() / self.radii.len() as f64
    }

    fn max(&self) -> f64 {
        self.radii.iter().copied().fold(0.0, f64::max)
    }
}

impl Rays {
    /// Rows that suit a prior: [`ROWS`] of them from 0.15 radii (1 mm if that is more) outwards.
    pub(super) fn new(prior: &SizePrior, scale: Scale) -> Self {
        let radius = prior.mean();
        let start = (0.15 * radius).max(scale.mm).min(0.5 * radius);
        let end = (FARTHEST * radius).max(1.3 * prior.max());
        let step = (end - start) / (ROWS - 1) as f64;
        Self { start, step, inner: (start / step - 0.5).max(0.0) as usize }
    }

    pub(super) fn radius(&self, row: f64) -> f64 {
        self.start + (row - self.inner as f64) * self.step
    }

    /// The row, with its fraction, at a radius.
    pub(super) fn row(&self, radius: f64) -> f64 {
        (radius - self.start) / self.step + self.inner as f64
    }

    /// Rows on either side that the radial contrast looks at.
    fn window(&self, prior: &SizePrior) -> usize {
        ((HALF_WINDOW * prior.mean() / self.step).round() as usize).max(1)
    }

    /// How far from the centre a table of this many rows looks.
    pub(super) fn reach(&self, rows: usize, prior: &SizePrior) -> f64 {
        self.radius((rows + self.window(prior)) as f64)
    }
}

/// Direction of a column's ray.
pub(super) fn direction(column: usize) -> (f64, f64) {
    // The eight symmetric copies of a ray get the very same numbers.
    let eighth = COLUMNS / 8;
    let (octant, idx) = (column / eighth, column % eighth);
    let angle = |i: usize| i as f64 / COLUMNS as f64 * TAU;
    let (major, minor) = if octant % 2 == 0 {
        (angle(idx).cos(), angle(idx).sin())
    } else {
        (angle(eighth - idx).sin(), angle(eighth - idx).cos())
    };
    match octant / 2 {
        0 => (major, minor),
        1 => (-minor, major),
        2 => (-major, -minor),
        _ => (minor, -major),
    }
}

/// Grey values along rays or normals, column by column; NaN where there is no tissue.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) rows: usize,
    pub(super) values: Vec<f32>,
}

impl Samples {
    fn new(region: &Region, rays: &Rays, rows: usize) -> Self {
        let mut values = Vec::with_capacity(COLUMNS * rows);
        for column in 0..COLUMNS {
            let (dx, dy) = direction(column);
            values.extend((0..rows).map(|row| {
                let radius = rays.radius(row as f64);
                region.at(radius * dx, radius * dy).unwrap_or(f32::NAN)
            }));
        }
        Self { rows, values }
    }

    /// Every tissue sample between two multiples of the prior's radius, as (column, row, value).
    fn between<'a>(
        &'a self,
        rays: &'a Rays,
        prior: &'a SizePrior,
        low: f64,
        high: f64,
    ) -> impl Iterator<Item = (usize, usize, f32)> + 'a {
        (0..COLUMNS).flat_map(move |column| {
            let row =
                |multiple: f64| rays.row(multiple * prior.radii[column]).max(0.0).ceil() as usize;
            let (first, end) = (row(low).min(self.rows), row(high).min(self.rows));
            let values = &self.values[column * self.rows..][first..end];
            (first..end).zip(values).filter(|(_, v)| !v.is_nan()).map(move |(r, v)| (column, r, *v))
        })
    }

    /// Mean by area of the tissue samples between two multiples of the prior's radius.
    fn mean(&self, rays: &Rays, prior: &SizePrior, low: f64, high: f64) -> Option<f32> {
        let (mut sum, mut area) = (0.0, 0.0);
        for (_, row, value) in self.between(rays, prior, low, high) {
            let radius = rays.radius(row as f64);
            sum += radius * f64::from(value);
            area += radius;
        }
        (area > 0.0).then(|| (sum / area) as f32)
    }

    /// Takes away the plane that fits the ring of 1.2 to 2.2 radii best, by area.
    fn flatten(&mut self, rays: &Rays, prior: &SizePrior) {
        // Normal equations of value = c0 + c1 x + c2 y.
        let mut normal = [[0.0_f64; 4]; 3];
        let (mut found, mut origin) = (0, None);
        for (column, row, value) in self.between(rays, prior, 1.2, FARTHEST) {
            let (dx, dy) = direction(column);
            let radius = rays.radius(row as f64);
            let value = f64::from(value - *origin.get_or_insert(value));
            let terms = [1.0, radius * dx, radius * dy, value];
            for (i, line) in normal.iter_mut().enumerate() {
                for (sum, term) in line.iter_mut().zip(terms) {
                    *sum += radius * terms[i] * term;
                }
            }
            found += 1;
        }
        // The ring has some 46 rows. Six are too few for a plane: the mass fills a corner of the film.
        let Some([_, slope_x, slope_y]) = solved(normal).filter(|_| found > 6 * COLUMNS) else {
            return;
        };
        for column in 0..COLUMNS {
            let (dx, dy) = direction(column);
            for row in 0..self.rows {
                let radius = rays.radius(row as f64);
                let plane = radius * (slope_x * dx + slope_y * dy);
                self.values[column * self.rows + row] -= plane as f32;
            }
        }
    }

    /// Robust standard deviation of the ring outside: 1.4826 times its median absolute deviation.
    fn noise(&self, rays: &Rays, prior: &SizePrior) -> f32 {
        let mut ring: Vec<f32> =
            self.between(rays, prior, 1.2, FARTHEST).map(|(_, _, v)| v).collect();
        let Some(median) = quantile(&mut ring, 0.5) else { return 0.0 };
        ring.iter_mut().for_each(|v| *v = (*v - median).abs());
        1.4826 * quantile(&mut ring, 0.5).unwrap_or(0.0)
    }

    /// For each place, mean of `window` rows inside minus mean of `window` rows outside of it: a
    /// bright mass is positive at its border. 0 where one side has no tissue.
    pub(super) fn radial_contrast(&self, window: usize, rows: usize) -> Vec<f32> {
        let mut contrast = Vec::with_capacity(self.values.len() / self.rows * rows);
        let mut sums = vec![(0.0_f64, 0_u32); self.rows + 1];
        for values in self.values.chunks_exact(self.rows) {
            for (row, value) in values.iter().enumerate() {
                let (sum, count) = sums[row];
                sums[row + 1] = if value.is_nan() {
                    (sum, count)
                } else {
                    (sum + f64::from(*value), count + 1)
                };
            }
            let mean = |low: usize, high: usize| {
                let count = sums[high].1 - sums[low].1;
                (count > 0).then(|| (sums[high].0 - sums[low].0) / f64::from(count))
            };
            contrast.extend((0..rows).map(|row| {
                let inside = mean(row.saturating_sub(window), row);
                let outside = mean(row + 1, (row + 1 + window).min(self.rows));
                inside.zip(outside).map_or(0.0, |(i, o)| (i - o) as f32)
            }));
        }
        contrast
    }
}

/// What a border costs at each place, on the first `rows` rows.
pub(super) fn base_cost(
    region: &Region,
    rays: &Rays,
    prior: &SizePrior,
    weights: Weights,
    rows: usize,
) -> CostTable {
    let window = rays.window(prior);
    let mut samples = Samples::new(region, rays, rows + window);
    samples.flatten(rays, prior);

    let contrast = samples.radial_contrast(window, rows);
    // Only what lies in the range of the prompt sets the scale, whatever corrections reach for.
    let searched = rays.inner..rays.inner + ROWS;
    let mut rising: Vec<f32> = contrast
        .chunks_exact(rows)
        .flat_map(|column| column[searched.clone()].iter().copied().filter(|c| *c > 0.0))
        .collect();
    let strongest = quantile(&mut rising, 0.98);

    let inner = samples.mean(rays, prior, 0.0, 0.8);
    let outer = samples.mean(rays, prior, 1.25, 1.9);
    let expected = inner.zip(outer).map(|(inner, outer)| {
        let value = EXPECTED_INNER_SHARE * inner + (1.0 - EXPECTED_INNER_SHARE) * outer;
        let least = 0.1 * samples.noise(rays, prior) + f32::MIN_POSITIVE;
        (value, (inner - outer).max(least))
    });

    let mut values = Vec::with_capacity(COLUMNS * rows);
    for column in 0..COLUMNS {
        let grey = &samples.values[column * samples.rows..][..rows];
        let contrast = &contrast[column * rows..][..rows];
        for row in 0..rows {
            let edge = strongest.map_or(1.0, |s| 1.0 - contrast[row].clamp(0.0, s) / s);
            let unlike = match expected {
                Some((value, range)) if !grey[row].is_nan() => {
                    ((grey[row] - value).abs() / range).min(1.0)
                }
                _ => 1.0,
            };
            let off = (rays.radius(row as f64) / prior.radii[column]).ln() as f32 / prior.spread;
            let size = 0.5 * (off * off).min(8.0);
            let invalid = if grey[row].is_nan() { INVALID_COST } else { 0.0 };
            let Weights { edge: e, grey: g, size: s } = weights;
            values.push(e * edge + g * unlike + s * size + invalid);
        }
    }
    CostTable::new(rows, values)
}

/// The value below which a share of the list lies; reorders the list. `None` for an empty one.
pub(super) fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    let idx = (share * last as f64).round() as usize;
    Some(*values.select_nth_unstable_by(idx, f32::total_cmp).1)
}

/// Solves three linear equations by Cramer's rule; `None` where they have no single solution.
fn solved(m: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    let det = |a: usize, b: usize, c: usize| {
        m[0][a] * (m[1][b] * m[2][c] - m[1][c] * m[2][b])
            - m[0][b] * (m[1][a] * m[2][c] - m[1][c] * m[2][a])
            + m[0][c] * (m[1][a] * m[2][b] - m[1][b] * m[2][a])
    };
    let whole = det(0, 1, 2);
    let size = m[0][0] * m[1][1] * m[2][2];
    (whole.abs() > 1e-9 * size.abs())
        .then(|| [det(3, 1, 2) / whole, det(0, 3, 2) / whole, det(0, 1, 3) / whole])
}
