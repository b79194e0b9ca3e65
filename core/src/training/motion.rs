//! Pairs of regions that show one thing, found in the pictures themselves.

use super::Error;
use super::positives::{Positive, PositiveSource};
use crate::progress::Report;
use crate::structure_from_motion::{self, Feature};

/// Every pair of regions that shares at least `threshold` points in space, in both directions.
pub fn positives(
    features: &[Vec<Feature>],
    threshold: usize,
    seed: u64,
    report: &mut Report,
) -> Result<Vec<Positive>, Error> {
    let pairs = structure_from_motion::label(features, threshold, seed, report)
        .map_err(|_| Error::Cancelled)?;
    let both = pairs.iter().flat_map(|pair| [(pair.i, pair.j), (pair.j, pair.i)]);
    let source = PositiveSource::Motion;
    Ok(both.map(|(query, other)| Positive { query, other, source }).collect())
}
