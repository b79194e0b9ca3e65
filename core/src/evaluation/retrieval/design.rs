//! Who is asked about, and who may answer.
//!
//! Whatever the design, no case of a patient answers a question about her.

use std::collections::HashMap;

use serde::Serialize;

use super::examples::Example;
use crate::phantom::Random;

/// How questions and answers are drawn from the examples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Protocol {
    /// Every example is asked about, of all the others.
    LeaveOnePatientOut,
    /// By patient, into this many parts; each is asked about of the others.
    Folds(usize),
    /// Those that came from the list of queries, or whose split has this word, of the rest.
    Queries,
}

/// Folds of what is learnt where each region is asked of all others.
pub(super) const LEARNING_FOLDS: usize = 5;

/// Some questions, and the library that answers them; positions of examples.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) library: Vec<usize>,
    pub(super) queries: Vec<usize>,
}

/// All blocks of an experiment; no example is asked about twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    pub(super) blocks: Vec<Block>,
}

impl Protocol {
    pub fn words(&self) -> String {
        match self {
            Self::LeaveOnePatientOut => "each region against those of all other patients; what \
                is fitted (SIFT vocabularies, scales of the measures) is fitted once on all \
                regions, without labels; a layer learnt from outcomes is learnt in five folds by \
                patient, and each region is asked about by the layer that saw none of its fold"
                .to_owned(),
            Self::Folds(count) => format!(
                "{count} folds by patient, each against the regions of the other folds; SIFT \
                 vocabularies are fitted on those alone, scales of the measures on all regions, \
                 without labels; layers learnt from outcomes are learnt on the other folds"
            ),
            Self::Queries => "the queries against the library, from which their patients are \
                left out; what is fitted is fitted on the library alone"
                .to_owned(),
        }
    }

    /// The blocks in which a layer is learnt from the outcomes of the library, to be asked about
    /// the queries: those of the experiment, or where everybody is asked about of everybody else,
    /// folds by patient.
    pub(super) fn learning(&self, examples: &[Example], seed: u64) -> Design {
        match self {
            Self::LeaveOnePatientOut => Self::Folds(LEARNING_FOLDS).design(examples, seed),
            _ => self.design(examples, seed),
        }
    }

    pub(super) fn design(&self, examples: &[Example], seed: u64) -> Design {
        let all = || (0..examples.len()).collect::<Vec<_>>();
        let part = |keep: &dyn Fn(&Example) -> bool| {
            all().into_iter().filter(|idx| keep(&examples[*idx])).collect::<Vec<_>>()
        };
        let blocks = match *self {
            Self::LeaveOnePatientOut => vec![Block { library: all(), queries: all() }],
            Self::Queries => {
                let asked: std::collections::HashSet<usize> =
                    examples.iter().filter(|e| e.is_query).map(|e| e.patient).collect();
                vec![Block {
                    library: part(&|e| !e.is_query && !asked.contains(&e.patient)),
                    queries: part(&|e| e.is_query),
                }]
            }
            Self::Folds(count) => {
                let fold_of = folds(examples, count, seed);
                (0..count)
                    .map(|fold| Block {
                        library: part(&|e| fold_of[&e.patient] != fold),
                        queries: part(&|e| fold_of[&e.patient] == fold),
                    })
                    .collect()
            }
        };
        Design { blocks }
    }
}

/// The fold of each patient: patients of one worst outcome are dealt out in turn, so that every
/// fold has its share of each.
fn folds(examples: &[Example], count: usize, seed: u64) -> HashMap<usize, usize> {
    let mut worst: HashMap<usize, usize> = HashMap::new();
    for example in examples {
        let rank = example.pathology as usize;
        let known = worst.entry(example.patient).or_insert(rank);
        *known = rank.min(*known);
    }
    let mut random = Random::new(seed);
    let mut patients: Vec<(usize, usize)> = worst.into_iter().collect();
    patients.sort_unstable();
    random.shuffle(&mut patients);
    patients.sort_by_key(|(_, outcome)| *outcome);
    patients.iter().enumerate().map(|(turn, (patient, _))| (*patient, turn % count)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::testing::example;
    use super::*;
    use crate::lexicon::Pathology::{Benign, Malignant, Normal};

    #[test]
    fn folds_keep_a_patient_together_and_deal_out_every_outcome() {
        let examples: Vec<Example> = (0..60)
            .map(|i| example(i / 2, [Malignant, Benign, Normal][(i / 2) % 3], "S"))
            .collect();
        let design = Protocol::Folds(5).design(&examples, 3);
        let mut asked: Vec<usize> = Vec::new();
        for block in &design.blocks {
            assert_eq!(block.library.len() + block.queries.len(), 60);
            for query in &block.queries {
                let own = examples[*query].patient;
                assert!(block.library.iter().all(|idx| examples[*idx].patient != own));
            }
            for outcome in [Malignant, Benign, Normal] {
                let of = |idx: &&usize| examples[**idx].pathology == outcome;
                assert_eq!(block.queries.iter().filter(of).count(), 4);
            }
            asked.extend(&block.queries);
        }
        asked.sort_unstable();
        assert_eq!(asked, (0..60).collect::<Vec<_>>());
        assert_eq!(design, Protocol::Folds(5).design(&examples, 3));
        assert_ne!(design, Protocol::Folds(5).design(&examples, 4));
    }

    #[test]
    fn a_patient_who_is_asked_about_is_not_in_the_library() {
        let mut examples =
            vec![example(1, Benign, "S"), example(2, Benign, "S"), example(1, Normal, "S")];
        examples[2].is_query = true;
        let design = Protocol::Queries.design(&examples, 0);
        assert_eq!(design.blocks, [Block { library: vec![1], queries: vec![2] }]);
    }
}
