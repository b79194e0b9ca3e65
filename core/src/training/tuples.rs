//! One query, its best potential positive, and the negatives that are too near.
//!
//! All by the descriptors of the last refresh: they lag behind the weights, which is what makes a
//! step cheap. Every draw is made by a generator of its own, seeded by the run, the epoch and the
//! query, so a run that is taken up again draws what it would have drawn.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, Distance, Loss};
use super::material::Material;
use super::positives::{Positive, PositiveSource};
use crate::encoder::random::Random;
use crate::lexicon::Pathology;

/// A region in one look.
pub(super) type Sight = (usize, usize);

/// What a step learns from one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuple {
    pub query: usize,
    pub positive: Sight,
    pub source: PositiveSource,
    /// The hardest first.
    pub negatives: Vec<usize>,
}

/// What tuples are drawn from.
#[derive(Debug)]
pub struct Pool<'a> {
    pub material: &'a Material,
    pub config: &'a Config,
    /// Of each region ([`patients`](super::split::patients)).
    pub patients: &'a [usize],
    /// Regions that may be positives and negatives.
    pub training: &'a [usize],
    /// Vectors of the last refresh, by region, in the first look.
    pub descriptors: &'a BTreeMap<usize, Vec<f32>>,
}

impl Pool<'_> {
    /// The tuple of a query in an epoch, and the negatives to remember for its next turn; no tuple
    /// where nothing violates the margin or there is no positive.
    pub fn tuple(
        &self,
        query: usize,
        potential: &[Positive],
        remembered: &[usize],
        epoch: usize,
    ) -> (Option<Tuple>, Vec<usize>) {
        let mut random = Random::new(
            self.config.seed
                ^ (epoch as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ (query as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03),
        );
        let negatives = self.hardest_negatives(query, potential, remembered, &mut random);
        let keep = negatives.iter().take(self.config.remembered_negatives);
        let remember = keep.map(|&(negative, _)| negative).collect();
        let Some((positive, source, near)) = self.positive(query, potential, &mut random) else {
            return (None, remember);
        };
        // Only the first look is cached: how near the query lies to itself, seen otherwise, is left
        // to the loss.
        let limit = near.map_or(f64::INFINITY, |near| near + self.config.triplet_margin);
        let violating = negatives.iter().filter(|&&(_, distance)| distance < limit);
        let used: Vec<usize> =
            violating.take(self.config.used_negatives).map(|&(negative, _)| negative).collect();
        let tuple = Tuple { query, positive, source, negatives: used };
        ((!tuple.negatives.is_empty()).then_some(tuple), remember)
    }

    /// The positive to learn from, and its distance where that is known: the nearest potential
    /// one, or for the triplet loss any; a region without one is paired with itself.
    fn positive(
        &self,
        query: usize,
        potential: &[Positive],
        random: &mut Random,
    ) -> Option<(Sight, PositiveSource, Option<f64>)> {
        let at = |positive: &Positive| self.distance(query, positive.other);
        let chosen = match self.config.loss {
            Loss::Ranking => potential.iter().min_by(|a, b| at(a).total_cmp(&at(b))),
            Loss::Triplet => potential.get(random.below(potential.len().max(1))),
        };
        if let Some(positive) = chosen {
            return Some(((positive.other, 0), positive.source, Some(at(positive))));
        }
        let looks = self.material.looks.len();
        (self.config.augmented_positives && looks > 1).then(|| {
            let look = 1 + random.below(looks - 1);
            ((query, look), PositiveSource::Augmentation, None)
        })
    }

    /// The nearest of those that must not be near, the hardest first, with their distances: a
    /// share of normal regions where the query is a mass, and what was remembered.
    pub(super) fn hardest_negatives(
        &self,
        query: usize,
        potential: &[Positive],
        remembered: &[usize],
        random: &mut Random,
    ) -> Vec<(usize, f64)> {
        let config = self.config;
        let mut candidates: Vec<usize> = self
            .training
            .iter()
            .copied()
            .filter(|&other| self.is_negative(query, other, potential))
            .collect();
        let sampled = candidates.len().min(config.sampled_negatives);
        if sampled < candidates.len() {
            for place in 0..sampled {
                let left = candidates.len() - place;
                candidates.swap(place, place + random.below(left));
            }
            candidates.truncate(sampled);
        }
        let ranked = self.ranked(query, candidates);
        let is_normal = |&(other, _): &(usize, f64)| {
            self.material.regions[other].pathology() == Some(Pathology::Normal)
        };
        let is_mass = matches!(
            self.material.regions[query].pathology(),
            Some(Pathology::Malignant | Pathology::Benign)
        );
        let nearest = config.nearest_negatives;
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        if is_mass {
            // Normal regions first; where there are too few, the others fill up.
            let share = (nearest as f64 * config.normal_share).round() as usize;
            chosen.extend(ranked.iter().filter(|r| is_normal(r)).take(share).map(|r| r.0));
            let others = ranked.iter().filter(|r| !is_normal(r)).map(|r| r.0);
            chosen.extend(others.take(nearest - chosen.len().min(nearest)));
        } else {
            chosen.extend(ranked.iter().take(nearest).map(|r| r.0));
        }
        chosen.extend(remembered);
        self.ranked(query, chosen.into_iter().collect())
    }

    /// Whether a step can learn anything from a query.
    pub(super) fn has_negative(&self, query: usize, potential: &[Positive]) -> bool {
        self.training.iter().any(|&other| self.is_negative(query, other, potential))
    }

    /// Another patient's region, of another class; where the query has no class, any that is not
    /// known to belong to it.
    fn is_negative(&self, query: usize, other: usize, potential: &[Positive]) -> bool {
        let regions = &self.material.regions;
        let differs = match (regions[query].pathology(), regions[other].pathology()) {
            (Some(a), Some(b)) => a != b,
            (Some(_), None) => false,
            (None, _) => true,
        };
        differs
            && other != query
            && self.patients[query] != self.patients[other]
            && potential.iter().all(|positive| positive.other != other)
    }

    /// By distance, equal ones by their place.
    fn ranked(&self, query: usize, others: Vec<usize>) -> Vec<(usize, f64)> {
        let mut ranked: Vec<(usize, f64)> =
            others.into_iter().map(|other| (other, self.distance(query, other))).collect();
        ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        ranked
    }

    /// As the loss measures it.
    pub fn distance(&self, a: usize, b: usize) -> f64 {
        let plain = crate::descriptor::distance(&self.descriptors[&a], &self.descriptors[&b]);
        match self.config.distance {
            Distance::Plain => f64::from(plain),
            Distance::Squared => f64::from(plain) * f64::from(plain),
        }
    }
}
