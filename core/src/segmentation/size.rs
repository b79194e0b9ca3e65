//! How large is the mass under a click? The radius at which the film falls off most, all around.

use super::polar::{COLUMNS, direction, quantile};
use crate::region::Region;

/// Rays looked along; every other one of the outline's.
const RAYS: usize = COLUMNS / 2;
/// Radii tried, evenly by their logarithm.
const RADII: usize = 96;
/// Half window of the contrast, as a share of the radius.
const HALF_WINDOW: f64 = 0.3;

/// Radii as readers draw them: the logarithm is spread as a normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// Median, in units.
    pub(super) radius: f64,
    /// Standard deviation of the logarithm.
    pub(super) spread: f64,
}

impl Usual {
    /// 1 for the median, less for smaller and larger ones.
    fn favour(&self, radius: f64) -> f64 {
        let off = (radius / self.radius).ln() / self.spread;
        (-0.5 * off * off).exp()
    }
}

/// What a radius has for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// In units.
    pub(super) radius: f64,
    /// Mean of the median and the lower quartile, over all rays, of mean grey inside minus mean
    /// grey outside.
    pub(super) score: f32,
    /// Median over the rays of how far one ray's fall lies from its neighbour's, as a standard
    /// deviation: neighbours see the same border, so that what differs between them is noise.
    pub(super) noise: f32,
}

/// The radius between `low` and `high` with the strongest contrast around the region's middle,
/// a usual one before an unusual one where that is known.
/// `None` where no radius has tissue on most sides.
pub(super) fn best_radius(
    region: &Region,
    low: f64,
    high: f64,
    usual: Option<Usual>,
) -> Option<Found> {
    let ratio = (high / low).powf(1.0 / (RADII - 1) as f64);
    let rows_to = |factor: f64| (factor.ln() / ratio.ln()).abs().round() as usize;
    let (inside, outside) = (rows_to(1.0 - HALF_WINDOW).max(1), rows_to(1.0 + HALF_WINDOW).max(1));
    let rows = inside + RADII + outside;
    let radius = |row: usize| low * ratio.powf(row as f64 - inside as f64);

    let mut falls: Vec<Vec<f32>> = vec![Vec::new(); RADII];
    let mut sums = vec![(0.0_f64, 0_u32); rows + 1];
    for ray in 0..RAYS {
        let (dx, dy) = direction(ray * 2);
        for row in 0..rows {
            let (sum, count) = sums[row];
            sums[row + 1] = match region.at(radius(row) * dx, radius(row) * dy) {
                Some(value) => (sum + f64::from(value), count + 1),
                None => (sum, count),
            };
        }
        let mean = |first: usize, end: usize| {
            let count = sums[end].1 - sums[first].1;
            (count > 0).then(|| (sums[end].0 - sums[first].0) / f64::from(count))
        };
        for (idx, falls) in falls.iter_mut().enumerate() {
            let row = idx + inside;
            let (inner, outer) = (mean(row - inside, row), mean(row + 1, row + 1 + outside));
            falls.extend(inner.zip(outer).map(|(inner, outer)| (inner - outer) as f32));
        }
    }
    let favoured = |found: &Found| {
        f64::from(found.score) * usual.map_or(1.0, |usual| usual.favour(found.radius))
    };
    falls
        .iter_mut()
        .enumerate()
        .filter(|(_, falls)| falls.len() > RAYS / 2)
        .filter_map(|(idx, falls)| {
            // Before the quantiles put them into another order.
            let noise = noise(falls)?;
            let score = 0.5 * (quantile(falls, 0.5)? + quantile(falls, 0.25)?);
            Some(Found { radius: radius(idx + inside), score, noise })
        })
        .max_by(|a, b| favoured(a).total_cmp(&favoured(b)))
}

/// Standard deviation of a value about its neighbours', from the median step between them: steps
/// have twice the variance of the values, and half of a normal curve lies within 0.6745 of its
/// deviation.
fn noise(falls: &[f32]) -> Option<f32> {
    let next = falls.iter().cycle().skip(1);
    let mut steps: Vec<f32> = falls.iter().zip(next).map(|(a, b)| (a - b).abs()).collect();
    Some(quantile(&mut steps, 0.5)? / (0.6745 * std::f32::consts::SQRT_2))
}

/// How far from the middle [`best_radius`] looks.
pub(super) fn reach(high: f64) -> f64 {
    (1.0 + HALF_WINDOW) * high * 1.05
}
