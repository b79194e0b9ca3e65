//! A tree of words, each split into finer ones; a picture is how often its descriptors pass each
//! branch on their way down (Nister and Stewenius, CVPR 2006).

use rayon::prelude::*;

use super::bag_of_words::rarity;
use super::table;
use super::vocabulary::{Vocabulary, sample};
use crate::progress::Report;
use crate::structure_from_motion::sift::DIMS;
use crate::structure_from_motion::{Cancelled, Feature};

const BRANCHES: usize = 8;
const LEVELS: usize = 3;
/// Descriptors that the tree is learnt from: some hundred a leaf.
const SAMPLES: usize = 50_000;

/// A branching, with the number of its first branch among all of the tree.
struct Node {
    branches: Vocabulary,
    first: usize,
    /// One a branch; none at the last level or where too few descriptors are left.
    below: Vec<Option<Node>>,
}

pub(super) fn distances(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let samples = sample(library, SAMPLES, seed);
    let mut branches = 0;
    let root = Node::fit(&samples, LEVELS, seed, &mut branches, report)?;
    let counts = |pictures: &[Vec<Feature>]| -> Vec<Vec<f32>> {
        let count = |picture: &Vec<Feature>| {
            let mut counts = vec![0.0; branches];
            for feature in picture {
                root.pass(&feature.descriptor, &mut |branch| counts[branch] += 1.0);
            }
            counts
        };
        pictures.par_iter().map(count).collect()
    };
    let (mut known, mut asked) = (counts(library), counts(queries));
    let rarity = rarity(&known);
    for picture in known.iter_mut().chain(&mut asked) {
        weigh(picture, &rarity);
    }
    table("Comparing words", &known, &asked, report, |query, case| {
        asked[query].iter().zip(&known[case]).map(|(a, b)| (a - b).abs()).sum()
    })
}

/// Counts times their weights, to a sum of 1 (equations 1 to 3, with the norm that the authors
/// found best).
fn weigh(counts: &mut [f32], weights: &[f32]) {
    counts.iter_mut().zip(weights).for_each(|(count, weight)| *count *= weight);
    let sum: f32 = counts.iter().sum();
    if sum > 0.0 {
        counts.iter_mut().for_each(|count| *count /= sum);
    }
}

impl Node {
    /// Numbers the branches from `next` on.
    fn fit(
        samples: &[f32],
        levels: usize,
        seed: u64,
        next: &mut usize,
        report: &mut Report<'_>,
    ) -> Result<Self, Cancelled> {
        let seed = seed.wrapping_add(*next as u64);
        let branches = Vocabulary::fit(samples, DIMS, BRANCHES, seed, report)?;
        let first = *next;
        *next += branches.centers.len();
        let mut parts = vec![Vec::new(); branches.centers.len()];
        if levels > 1 {
            for descriptor in samples.chunks_exact(DIMS) {
                parts[branches.word(descriptor)].extend_from_slice(descriptor);
            }
        }
        let below = parts
            .iter()
            .map(|part| {
                let enough = part.len() / DIMS > BRANCHES;
                enough.then(|| Self::fit(part, levels - 1, seed, next, report)).transpose()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { branches, first, below })
    }

    fn pass(&self, descriptor: &[f32], count: &mut impl FnMut(usize)) {
        if self.branches.centers.is_empty() {
            return;
        }
        let branch = self.branches.word(descriptor);
        count(self.first + branch);
        if let Some(node) = &self.below[branch] {
            node.pass(descriptor, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::tests::pictures;
    use super::*;

    #[test]
    fn every_descriptor_passes_one_branch_a_level() {
        let library = pictures(30, 5, 1);
        let samples = sample(&library, SAMPLES, 1);
        let mut branches = 0;
        let go_on = &mut |_| ControlFlow::Continue(());
        let root = Node::fit(&samples, LEVELS, 1, &mut branches, go_on).expect("not stopped");
        assert!((BRANCHES + 1..=8 + 64 + 512).contains(&branches), "{branches}");
        for descriptor in samples.chunks_exact(DIMS) {
            let mut passed = Vec::new();
            root.pass(descriptor, &mut |branch| passed.push(branch));
            assert!((1..=LEVELS).contains(&passed.len()) && passed[0] < BRANCHES, "{passed:?}");
            assert!(passed.iter().all(|branch| *branch < branches), "{passed:?}");
        }
    }

    #[test]
    fn counts_are_weighed_to_a_sum_of_one() {
        let mut counts = [1.0, 2.0, 5.0];
        weigh(&mut counts, &[2.0, 1.0, 0.0]);
        assert_eq!(counts, [0.5, 0.5, 0.0]);
    }
}
