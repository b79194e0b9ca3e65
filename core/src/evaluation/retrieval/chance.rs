//! What chance can do: the same patients drawn again, and labels dealt out anew.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::Serialize;

use super::answers::Answer;
use super::examples::Example;
use super::figures::{Figure, Task};
use super::metrics::{self, Scored};
use crate::evaluation::statistics;
use crate::phantom::Random;

/// Draws of a bootstrap.
pub const DRAWS: usize = 1000;
/// Permutations of labels.
pub const PERMUTATIONS: usize = 500;

/// A figure, and where it would lie in 95 of 100 samples of as many patients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Value {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// For every draw, how often each patient is in it.
#[derive(Debug)]
pub(super) struct Resamples(Vec<Vec<u16>>);

/// A figure over all draws; not a number where a draw had nothing to count.
#[derive(Debug, Clone)]
pub(super) struct Resampled {
    value: f64,
    draws: Vec<f64>,
}

/// What an area comes to where labels mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Null {
    pub mean: f64,
    pub standard_deviation: f64,
    /// Share of the permutations that reach what was found.
    pub p: f64,
}

impl Resamples {
    /// Draws patients with replacement, as many as are asked about; their regions stay together.
    pub(super) fn new(answers: &[Answer], examples: &[Example], seed: u64) -> Self {
        let patients: BTreeSet<usize> =
            answers.iter().map(|answer| examples[answer.query].patient).collect();
        let patients: Vec<usize> = patients.into_iter().collect();
        let size = examples.iter().map(|e| e.patient + 1).max().unwrap_or(0);
        let mut random = Random::new(seed ^ 0x5EED);
        let mut draw = || {
            let mut weights = vec![0; size];
            for _ in 0..patients.len() {
                let drawn = random.uniform(0.0, patients.len() as f64) as usize;
                weights[patients[drawn.min(patients.len() - 1)]] += 1;
            }
            weights
        };
        Self((0..DRAWS).map(|_| draw()).collect())
    }

    /// The figure over all draws; `None` where it cannot be told at all.
    pub(super) fn of(&self, figure: &Figure, examples: &[Example]) -> Option<Resampled> {
        let value = figure.value(|_| 1.0)?;
        let draws = self
            .0
            .par_iter()
            .map(|weights| {
                let weight = |query: usize| f64::from(weights[examples[query].patient]);
                figure.value(weight).unwrap_or(f64::NAN)
            })
            .collect();
        Some(Resampled { value, draws })
    }
}

impl Resampled {
    pub(super) fn value(&self) -> Value {
        within(self.value, self.draws.clone())
    }

    /// This less another, draw by draw: both saw the same patients.
    pub(super) fn minus(&self, other: &Self) -> Value {
        let draws = self.draws.iter().zip(&other.draws).map(|(a, b)| a - b).collect();
        within(self.value - other.value, draws)
    }
}

impl Value {
    /// Whether an interval of a difference leaves out zero.
    pub fn is_beyond_noise(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    /// The mean of several runs, and where 95 of 100 of them lie.
    pub(super) fn of_runs(runs: Vec<f64>) -> Option<Self> {
        let mean = statistics::mean(runs.iter().copied())?;
        Some(within(mean, runs))
    }
}

fn within(value: f64, mut draws: Vec<f64>) -> Value {
    draws.retain(|v| !v.is_nan());
    let mut at = |share| statistics::quantile(&mut draws, share).unwrap_or(value);
    Value { value, low: at(0.025), high: at(0.975) }
}

/// Labels of `pool` dealt out anew. What one patient's regions have goes to other regions together,
/// for they are alike: dealt one by one, labels that mean nothing would look as if they did.
pub(super) fn dealt<T: Copy>(
    labels: &[T],
    pool: &[usize],
    examples: &[Example],
    random: &mut Random,
) -> Vec<T> {
    let mut pool = pool.to_vec();
    pool.sort_by_key(|idx| examples[*idx].patient);
    let of_one = |a: &usize, b: &usize| examples[*a].patient == examples[*b].patient;
    let mut hands: Vec<Vec<usize>> = pool.chunk_by(of_one).map(<[usize]>::to_vec).collect();
    random.shuffle(&mut hands);
    hands.iter_mut().for_each(|hand| random.shuffle(hand));
    let mut dealt = labels.to_vec();
    pool.iter().zip(hands.concat()).for_each(|(to, from)| dealt[*to] = labels[from]);
    dealt
}

impl Null {
    /// Deals the labels of all that take part out anew ([`dealt`]), and asks again. What is left out when a
    /// region asks about itself pulls this below 0.5, which is why 0.5 is no yardstick.
    pub(super) fn of(
        task: Task,
        answers: &[Answer],
        examples: &[Example],
        seed: u64,
    ) -> Option<Self> {
        let truth: Vec<bool> = examples.iter().map(|e| task.is_positive(e)).collect();
        // All who ask or answer: what the neighbours of a query show of the library.
        let takes_part = |e: &Example| !task.is_among_lesions() || e.is_lesion();
        let pool: Vec<usize> = (0..examples.len()).filter(|i| takes_part(&examples[*i])).collect();
        let asked: Vec<&Answer> =
            answers.iter().filter(|a| task.asks(&examples[a.query])).collect();
        let area = |labels: &[bool]| {
            let mut scores: Vec<Scored> = asked
                .iter()
                .map(|answer| Scored {
                    score: answer.index(|idx| labels[idx]),
                    positive: labels[answer.query],
                    weight: 1.0,
                })
                .collect();
            scores.sort_by(|a, b| a.score.total_cmp(&b.score));
            metrics::area_under_roc(scores)
        };
        let found = area(&truth)?;
        let areas: Vec<f64> = (0..PERMUTATIONS)
            .into_par_iter()
            .filter_map(|run| {
                let mut random = Random::new(seed.wrapping_add(run as u64 * 7919));
                area(&dealt(&truth, &pool, examples, &mut random))
            })
            .collect();
        let reached = areas.iter().filter(|area| **area >= found).count() + 1;
        Some(Self {
            mean: statistics::mean(areas.iter().copied())?,
            standard_deviation: statistics::standard_deviation(&areas)?,
            p: reached as f64 / (areas.len() + 1) as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::{Scope, answers};
    use super::super::design::Protocol;
    use super::super::distances::Distances;
    use super::super::examples::testing::example;
    use super::super::figures::figures;
    use super::*;
    use crate::lexicon::Pathology::{Benign, Malignant};

    /// Forty lesions, each with a number; half malignant.
    fn asked(number: impl Fn(usize) -> f32) -> (Vec<Example>, Vec<Answer>) {
        let class = |i: usize| if i < 20 { Malignant } else { Benign };
        let examples: Vec<Example> = (0..40).map(|i| example(i, class(i), "S")).collect();
        let distances = Distances::Vectors((0..40).map(|i| vec![number(i)]).collect());
        let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
        let found = answers(&distances, &design, &examples, Scope::Lesions, 0);
        (examples, found)
    }

    #[test]
    fn an_area_without_meaning_lies_in_its_null_and_one_with_meaning_beyond_it() {
        let task = Task::MalignantOrBenign;
        let mut random = Random::new(5);
        let drawn: Vec<f32> = (0..40).map(|_| random.uniform(0.0, 1.0) as f32).collect();
        let (examples, found) = asked(|i| drawn[i]);
        let null = Null::of(task, &found, &examples, 1).expect("both kinds");
        assert!(null.mean < 0.5 && null.mean > 0.3, "{null:?}");
        assert!(null.standard_deviation > 0.04 && null.p > 0.01, "{null:?}");
        let (examples, found) = asked(|i| i as f32);
        let null = Null::of(task, &found, &examples, 1).expect("both kinds");
        assert!(null.p < 0.01, "{null:?}");
        assert_eq!(Null::of(task, &found, &examples, 1), Some(null));
    }

    #[test]
    fn labels_that_mean_nothing_are_seldom_found_to_mean_something_where_patients_have_many_views()
    {
        const TRIALS: u64 = 60;
        let reached = (0..TRIALS).filter(|trial| {
            // Twenty patients, each of any outcome and in any place, with eight regions there.
            let mut random = Random::new(*trial);
            let (mut examples, mut vectors) = (Vec::new(), Vec::new());
            for patient in 0..20 {
                let class = if random.uniform(0.0, 1.0) < 0.5 { Malignant } else { Benign };
                let place = [random.uniform(0.0, 1.0), random.uniform(0.0, 1.0)];
                for _ in 0..8 {
                    examples.push(example(patient, class, "S"));
                    vectors.push(place.map(|v| (v + random.uniform(0.0, 0.02)) as f32).to_vec());
                }
            }
            let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
            let distances = Distances::Vectors(vectors);
            let found = answers(&distances, &design, &examples, Scope::Lesions, 0);
            let null = Null::of(Task::MalignantOrBenign, &found, &examples, *trial);
            null.is_some_and(|null| null.p <= 0.05)
        });
        // One in twenty by its meaning: three.
        let reached = reached.count();
        assert!(reached <= 7, "{reached}");
    }

    #[test]
    fn every_label_is_dealt_once_and_a_patients_stay_together() {
        let examples: Vec<Example> = (0..30).map(|i| example(i % 10, Benign, "S")).collect();
        let labels: Vec<usize> = (0..30).map(|i| i % 10).collect();
        let pool: Vec<usize> = (0..27).collect();
        let mut random = Random::new(1);
        let dealt = dealt(&labels, &pool, &examples, &mut random);
        assert_eq!(dealt[27..], labels[27..]);
        let sorted = |labels: &[usize]| {
            let mut labels = labels.to_vec();
            labels.sort_unstable();
            labels
        };
        assert_eq!(sorted(&dealt), sorted(&labels));
        assert_ne!(dealt, labels);
    }

    #[test]
    fn a_method_differs_from_itself_by_nothing_in_every_draw() {
        let (examples, found) = asked(|i| ((i * 13) % 17) as f32);
        let resamples = Resamples::new(&found, &examples, 2);
        assert!(resamples.0.iter().all(|w| w.iter().map(|n| usize::from(*n)).sum::<usize>() == 40));
        for figure in figures(&found, &found, &examples) {
            let Some(resampled) = resamples.of(&figure, &examples) else { continue };
            let value = resampled.value();
            assert!(value.low <= value.value && value.value <= value.high, "{}", figure.key);
            let none = resampled.minus(&resampled);
            assert_eq!(none, Value { value: 0.0, low: 0.0, high: 0.0 });
            assert!(!none.is_beyond_noise());
        }
    }
}
