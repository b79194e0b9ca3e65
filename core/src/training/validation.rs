//! How well patients that training never saw find their like.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::ChooseBy;
use super::loss;
use super::network::Judge;
use super::positives;
use super::tuples::Pool;
use crate::encoder::random::Random;
use crate::lexicon::Pathology;

/// Ranks up to which recall is stated.
pub const RANKS: usize = 5;

/// Figures over the regions kept apart, each searched among the training regions. Means over
/// classes, so that a frequent class does not decide them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// As the run's loss has it, with each query's hardest negatives.
    pub loss: f64,
    /// Share of queries with one of their class among the first 1 to 5.
    pub recall: [f64; RANKS],
    pub mean_average_precision: f64,
}

impl Validation {
    /// The higher the better.
    pub fn score(&self, by: ChooseBy) -> f64 {
        match by {
            ChooseBy::Loss => -self.loss,
            ChooseBy::Recall => self.recall.iter().sum::<f64>() / RANKS as f64,
            ChooseBy::Map => self.mean_average_precision,
        }
    }
}

/// `None` where no region is kept apart. The pool's descriptors hold the validation's too.
pub fn validate(pool: &Pool<'_>, validation: &[usize], judge: Judge) -> Option<Validation> {
    let regions = &pool.material.regions;
    let mut recall: BTreeMap<Pathology, Vec<[f64; RANKS]>> = BTreeMap::new();
    let mut precision: BTreeMap<Pathology, Vec<f64>> = BTreeMap::new();
    let mut losses = Vec::new();
    for &query in validation {
        let Some(class) = regions[query].pathology() else { continue };
        let mut ranked: Vec<(f64, bool)> = pool
            .training
            .iter()
            .filter(|&&other| pool.patients[query] != pool.patients[other])
            .filter_map(|&other| {
                let relevant = regions[other].pathology()? == class;
                Some((pool.distance(query, other), relevant))
            })
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let relevant: Vec<bool> = ranked.into_iter().map(|(_, relevant)| relevant).collect();
        recall.entry(class).or_default().push(hits(&relevant));
        precision.entry(class).or_default().push(average_precision(&relevant));
        losses.extend(loss_of(pool, query, judge));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let macro_mean =
        |classes: Vec<f64>| -> Option<f64> { (!classes.is_empty()).then(|| mean(&classes)) };
    let at = |rank: usize| {
        let of_class = |values: &Vec<[f64; RANKS]>| {
            mean(&values.iter().map(|hits| hits[rank]).collect::<Vec<_>>())
        };
        macro_mean(recall.values().map(of_class).collect())
    };
    let mut by_rank = [0.0; RANKS];
    for (rank, value) in by_rank.iter_mut().enumerate() {
        *value = at(rank)?;
    }
    let mean_average_precision = macro_mean(precision.values().map(|v| mean(v)).collect())?;
    Some(Validation { loss: mean(&losses), recall: by_rank, mean_average_precision })
}

/// The loss of a query, with its nearest potential positive and its hardest negatives.
fn loss_of(pool: &Pool<'_>, query: usize, judge: Judge) -> Option<f64> {
    let Pool { material, config, patients, training, .. } = *pool;
    let potential = positives::potential(&material.regions, patients, training, &[], config, query);
    let distances = potential.iter().map(|positive| pool.distance(query, positive.other));
    let nearest = distances.min_by(f64::total_cmp)?;
    let mut random = Random::new(pool.config.seed);
    let negatives = pool.hardest_negatives(query, &potential, &[], &mut random);
    let hardest = negatives.iter().take(pool.config.used_negatives);
    Some(loss::hinge_of(nearest, hardest.map(|&(_, distance)| distance), judge.margin))
}

/// 1 from the rank on at which the first relevant one stands.
fn hits(relevant: &[bool]) -> [f64; RANKS] {
    let first = relevant.iter().position(|&r| r);
    std::array::from_fn(|rank| if first.is_some_and(|first| first <= rank) { 1.0 } else { 0.0 })
}

/// The mean of the precision at each relevant one; 0 where there is none.
fn average_precision(relevant: &[bool]) -> f64 {
    let (mut found, mut sum) = (0.0, 0.0);
    for (idx, _) in relevant.iter().enumerate().filter(|(_, relevant)| **relevant) {
        found += 1.0;
        sum += found / (idx + 1) as f64;
    }
    if found > 0.0 { sum / found } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_and_precision_come_out_as_by_hand() {
        let relevant = [false, true, false, true];
        assert_eq!(hits(&relevant), [0.0, 1.0, 1.0, 1.0, 1.0]);
        // 1/2 at the second, 2/4 at the fourth.
        assert!((average_precision(&relevant) - 0.5).abs() < 1e-12);
        assert_eq!((hits(&[false; 9]), average_precision(&[false; 9])), ([0.0; RANKS], 0.0));
        assert_eq!(average_precision(&[true, true]), 1.0);
    }
}
