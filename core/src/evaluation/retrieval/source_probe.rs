//! Does the descriptor know the scanner? A vote of the ten nearest on the source of a query.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::answers::{Answer, NEAREST};
use super::chance::dealt;
use super::examples::Example;
use super::report::SourceProbe;
use crate::evaluation::statistics;
use crate::phantom::Random;

const PERMUTATIONS: usize = 200;
/// A source of fewer regions cannot win a vote of ten.
const LEAST: usize = 10;

/// `None` where there are no two sources to tell apart. Collections where there are several, else
/// scanners.
pub(super) fn probe(
    method: &str,
    among: &'static str,
    answers: &[Answer],
    examples: &[Example],
    seed: u64,
) -> Option<SourceProbe> {
    let taking_part: Vec<bool> = {
        let mut part = vec![false; examples.len()];
        for answer in answers {
            part[answer.query] = true;
            answer.nearest.iter().for_each(|(idx, _)| part[*idx] = true);
        }
        part
    };
    let numbered = |name: &dyn Fn(&Example) -> String| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (example, _) in examples.iter().zip(&taking_part).filter(|(_, part)| **part) {
            *counts.entry(name(example)).or_default() += 1;
        }
        let large = counts.iter().filter(|(_, count)| **count >= LEAST).count();
        let places: Vec<usize> = examples
            .iter()
            .map(|e| counts.keys().position(|k| *k == name(e)).unwrap_or_default())
            .collect();
        (large, places, counts.len())
    };
    let by_collection = numbered(&|e| e.collection().to_owned());
    let (large, labels, count) =
        if by_collection.0 >= 2 { by_collection } else { numbered(&|e| e.source.clone()) };
    if large < 2 {
        return None;
    }
    let accuracy = accuracy(answers, &labels, count);
    let pool: Vec<usize> = (0..examples.len()).filter(|idx| taking_part[*idx]).collect();
    let by_chance: Vec<f64> = (0..PERMUTATIONS)
        .into_par_iter()
        .map(|run| {
            let mut random = Random::new(seed.wrapping_add(run as u64 * 104_729));
            self::accuracy(answers, &dealt(&labels, &pool, examples, &mut random), count)
        })
        .collect();
    let reached = by_chance.iter().filter(|chance| **chance >= accuracy).count() + 1;
    Some(SourceProbe {
        method: method.to_owned(),
        among,
        sources: count,
        accuracy,
        chance: statistics::mean(by_chance.iter().copied())?,
        chance_deviation: statistics::standard_deviation(&by_chance)?,
        p: reached as f64 / (PERMUTATIONS + 1) as f64,
    })
}

/// Mean over labels of the share of queries for which the label with most of the nearest is their
/// own; of equal numbers the nearer one wins.
fn accuracy(answers: &[Answer], labels: &[usize], count: usize) -> f64 {
    let (mut right, mut asked) = (vec![0.0; count], vec![0.0; count]);
    for answer in answers {
        let mut votes = vec![0; count];
        let first = &answer.nearest[..NEAREST.min(answer.nearest.len())];
        first.iter().for_each(|(idx, _)| votes[labels[*idx]] += 1);
        let most = votes.iter().max().copied().unwrap_or_default();
        let winner = first.iter().map(|(idx, _)| labels[*idx]).find(|label| votes[*label] == most);
        let own = labels[answer.query];
        asked[own] += 1.0;
        right[own] += if winner == Some(own) { 1.0 } else { 0.0 };
    }
    let shares = right.iter().zip(&asked).filter(|(_, asked)| **asked > 0.0).map(|(r, a)| r / a);
    statistics::mean(shares).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::answers::{Scope, answers};
    use super::super::design::Protocol;
    use super::super::distances::Distances;
    use super::super::examples::testing::example;
    use super::*;
    use crate::lexicon::Pathology::Benign;

    #[test]
    fn a_descriptor_that_holds_the_source_is_found_out_and_one_without_is_not() {
        let source = |i: usize| if i < 30 { "A, one" } else { "B, two" };
        let examples: Vec<Example> = (0..60).map(|i| example(i, Benign, source(i))).collect();
        let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
        let probed = |number: &dyn Fn(usize) -> f32| {
            let distances = Distances::Vectors((0..60).map(|i| vec![number(i)]).collect());
            let found = answers(&distances, &design, &examples, Scope::All, 0);
            probe("x", "all", &found, &examples, 1).expect("two sources")
        };
        let knows = probed(&|i| i as f32);
        assert!(knows.accuracy > 0.95 && knows.p < 0.01 && knows.chance < 0.6, "{knows:?}");
        let mut random = Random::new(5);
        let drawn: Vec<f32> = (0..60).map(|_| random.uniform(0.0, 1.0) as f32).collect();
        let knows_not = probed(&|i| drawn[i]);
        assert!(knows_not.p > 0.01 && knows_not.accuracy < 0.7, "{knows_not:?}");
        let one: Vec<Example> = (0..60).map(|i| example(i, Benign, "A, one")).collect();
        let found = answers(&Distances::Random(1), &design, &one, Scope::All, 0);
        assert!(probe("x", "all", &found, &one, 1).is_none());
    }
}
