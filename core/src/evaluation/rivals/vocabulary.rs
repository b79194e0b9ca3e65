//! Words: the centres of descriptors that look alike.

use std::ops::ControlFlow;

use super::tell;
use crate::encoder::kmeans;
use crate::phantom::Random;
use crate::progress::Report;
use crate::structure_from_motion::sift::DIMS;
use crate::structure_from_motion::{Cancelled, Feature};

/// Rounds of k-means that are announced; most end before.
const ROUNDS: usize = 100;

#[derive(Debug)]
pub(super) struct Vocabulary {
    pub(super) centers: Vec<Vec<f32>>,
}

impl Vocabulary {
    /// Centres of descriptors laid end to end; fewer than asked for where there are fewer
    /// descriptors, and none where there are none.
    pub(super) fn fit(
        samples: &[f32],
        dims: usize,
        words: usize,
        seed: u64,
        report: &mut Report<'_>,
    ) -> Result<Self, Cancelled> {
        let words = words.min(samples.len() / dims);
        if words == 0 {
            tell("Learning words", 0, ROUNDS, report)?;
            return Ok(Self { centers: Vec::new() });
        }
        let mut go_on = |round| match tell("Learning words", round, ROUNDS, report) {
            Ok(()) => ControlFlow::Continue(()),
            Err(Cancelled) => ControlFlow::Break(()),
        };
        let found = kmeans::centers(samples, dims, words, seed, &mut go_on).ok_or(Cancelled)?;
        Ok(Self { centers: found.values.chunks_exact(dims).map(<[f32]>::to_vec).collect() })
    }

    /// The nearest word; 0 where there is none.
    pub(super) fn word(&self, descriptor: &[f32]) -> usize {
        kmeans::nearest_of(descriptor, &self.centers).0
    }
}

/// Descriptors of a library laid end to end, at most so many, each with the same chance.
pub(super) fn sample(library: &[Vec<Feature>], most: usize, seed: u64) -> Vec<f32> {
    let all: Vec<&Feature> = library.iter().flatten().collect();
    let mut random = Random::new(seed);
    let mut left = most.min(all.len());
    let mut samples = Vec::with_capacity(left * DIMS);
    // Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S).
    for (seen, feature) in all.iter().enumerate() {
        if random.uniform(0.0, (all.len() - seen) as f64) < left as f64 {
            samples.extend(feature.descriptor);
            left -= 1;
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::super::tests::pictures;
    use super::*;

    #[test]
    fn a_sample_has_as_many_as_asked_for_and_no_more_than_there_are() {
        let library = pictures(3, 1, 1);
        assert_eq!(sample(&library, 50, 7).len(), 50 * DIMS);
        assert_eq!(sample(&library, 1000, 7).len(), 72 * DIMS);
        assert!(sample(&[], 1000, 7).is_empty());
    }
}
