//! One method asked about every region: what it ranked first, and what that is worth.

use rayon::prelude::*;

use super::design::Design;
use super::distances::{Distances, shuffle};
use super::examples::Example;
use super::metrics;

/// Ranks for which recall is told.
pub(super) const TOP: usize = 25;
/// Neighbours that the decision index counts.
pub(super) const NEAREST: usize = 10;
/// Ranks for which precision is told.
pub(super) const PRECISION_RANKS: [usize; 3] = [1, 5, 10];

/// Which part of the library answers, and which regions are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    /// Malignant and benign alone.
    Lesions,
    /// Of the query's own collection.
    OwnCollection,
    /// Of all others.
    OtherCollections,
    /// Lesions of the query's own collection.
    OwnLesions,
    /// Lesions of all others.
    OtherLesions,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) query: usize,
    /// Examples with their distances, nearest first; [`TOP`] at most.
    pub(super) nearest: Vec<(usize, f32)>,
    /// Of the first [`NEAREST`].
    pub(super) similarities: Vec<f64>,
    /// Relevant is what has the query's class.
    pub(super) precision: [f64; 3],
    /// At least one relevant in the first 1, 2 … [`TOP`].
    pub(super) found: Vec<bool>,
    /// Classic recall in the first 1, 2 … [`TOP`]; `None` where nothing is relevant.
    pub(super) recall: Option<Vec<f64>>,
    pub(super) average_precision: Option<f64>,
    /// Where relevant is a lesion to a lesion, and normal to normal.
    pub(super) side_average_precision: Option<f64>,
}

impl Scope {
    /// The lesions of the same part, asked about lesions.
    pub(super) fn of_lesions(self) -> Self {
        match self {
            Self::All | Self::Lesions => Self::Lesions,
            Self::OwnCollection | Self::OwnLesions => Self::OwnLesions,
            Self::OtherCollections | Self::OtherLesions => Self::OtherLesions,
        }
    }

    fn asks(self, example: &Example) -> bool {
        self != self.of_lesions() || example.is_lesion()
    }

    fn admits(self, query: &Example, other: &Example) -> bool {
        let is_own = query.collection() == other.collection();
        let is_there = match self {
            Self::All | Self::Lesions => true,
            Self::OwnCollection | Self::OwnLesions => is_own,
            Self::OtherCollections | Self::OtherLesions => !is_own,
        };
        is_there && self.asks(other)
    }
}

/// Asks all questions of the design; one that nobody may answer is left out. Of what is equally far
/// the order is drawn by the seed.
pub(super) fn answers(
    distances: &Distances,
    design: &Design,
    examples: &[Example],
    scope: Scope,
    seed: u64,
) -> Vec<Answer> {
    let asked: Vec<(&[usize], usize)> = design
        .blocks
        .iter()
        .flat_map(|block| block.queries.iter().map(|query| (block.library.as_slice(), *query)))
        .filter(|(_, query)| scope.asks(&examples[*query]))
        .collect();
    asked
        .into_par_iter()
        .filter_map(|(library, query)| {
            let own = &examples[query];
            let admitted = |idx: &usize| {
                let other = &examples[*idx];
                other.patient != own.patient && scope.admits(own, other)
            };
            let library: Vec<usize> = library.iter().copied().filter(admitted).collect();
            let found = distances.from(query, &library);
            let mut ranked: Vec<(f32, f32, usize)> = library
                .iter()
                .zip(found)
                .map(|(idx, distance)| (distance, shuffle(!seed, query, *idx), *idx))
                .collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            (!ranked.is_empty()).then(|| answer(query, &ranked, examples))
        })
        .collect()
}

fn answer(query: usize, ranked: &[(f32, f32, usize)], examples: &[Example]) -> Answer {
    let own = &examples[query];
    let others = || ranked.iter().map(|(.., idx)| &examples[*idx]);
    let relevant: Vec<bool> = others().map(|o| o.pathology == own.pathology).collect();
    let same_side: Vec<bool> = others().map(|o| o.is_lesion() == own.is_lesion()).collect();
    let distances: Vec<f32> = ranked.iter().map(|(distance, ..)| *distance).collect();
    Answer {
        query,
        nearest: ranked.iter().take(TOP).map(|(distance, _, idx)| (*idx, *distance)).collect(),
        similarities: metrics::similarities(&distances, NEAREST),
        precision: PRECISION_RANKS.map(|n| metrics::precision_at(&relevant, n)),
        found: (1..=TOP).map(|n| metrics::found_within(&relevant, n)).collect(),
        recall: (1..=TOP).map(|n| metrics::recall_at(&relevant, n)).collect(),
        average_precision: metrics::average_precision(&relevant),
        side_average_precision: metrics::average_precision(&same_side),
    }
}

impl Answer {
    /// The decision index for what `positive` says of an example.
    pub(super) fn index(&self, positive: impl Fn(usize) -> bool) -> f64 {
        let first = &self.nearest[..NEAREST.min(self.nearest.len())];
        let positive: Vec<bool> = first.iter().map(|(idx, _)| positive(*idx)).collect();
        metrics::decision_index(&self.similarities, &positive)
    }

    /// Mean distance of the first [`NEAREST`]: small where there is a close precedent.
    pub(super) fn remoteness(&self) -> f64 {
        let first = &self.nearest[..NEAREST.min(self.nearest.len())];
        first.iter().map(|(_, d)| f64::from(*d)).sum::<f64>() / first.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::design::{Design, Protocol};
    use super::super::examples::testing::example;
    use super::*;
    use crate::lexicon::Pathology::{Benign, Malignant, Normal};

    /// Five regions on a line at 0, 1, 2, 3 and 4; the first two are of one woman.
    fn line() -> (Vec<Example>, Design, Distances) {
        let examples = vec![
            example(0, Malignant, "DDSM, A"),
            example(0, Malignant, "DDSM, A"),
            example(1, Benign, "DDSM, B"),
            example(2, Malignant, "MIAS"),
            example(3, Normal, "MIAS"),
        ];
        let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
        let at = |place: u16| vec![f32::from(place)];
        (examples, design, Distances::Vectors((0..5).map(at).collect()))
    }

    #[test]
    fn the_own_patient_never_answers_and_the_nearest_comes_first() {
        let (examples, design, distances) = line();
        let answers = answers(&distances, &design, &examples, Scope::All, 0);
        assert_eq!(answers.len(), 5);
        let first = &answers[0];
        assert_eq!(first.nearest, [(2, 2.0), (3, 3.0), (4, 4.0)]);
        // Of benign, malignant, normal one is malignant, at rank 2.
        assert_eq!(first.precision, [0.0, 1.0 / 3.0, 1.0 / 3.0]);
        assert_eq!((first.found[0], first.found[1]), (false, true));
        assert_eq!(first.recall.as_ref().map(|recall| recall[1]), Some(1.0));
        assert_eq!(first.average_precision, Some(0.5));
        // Both lesions stand before the normal region.
        assert_eq!(first.side_average_precision, Some(1.0));
        // Nothing else is normal.
        assert_eq!((answers[4].average_precision, answers[4].recall.as_ref()), (None, None));
    }

    #[test]
    fn scopes_ask_and_admit_what_they_say() {
        let (examples, design, distances) = line();
        let of = |scope| answers(&distances, &design, &examples, scope, 0);
        let lesions = of(Scope::Lesions);
        assert_eq!(lesions.len(), 4);
        assert_eq!(lesions[3].nearest, [(2, 1.0), (1, 2.0), (0, 3.0)]);
        // Two scanners of one collection are one collection.
        assert_eq!(of(Scope::OwnCollection)[0].nearest, [(2, 2.0)]);
        assert_eq!(of(Scope::OtherCollections)[0].nearest, [(3, 3.0), (4, 4.0)]);
        assert_eq!(of(Scope::OtherLesions)[0].nearest, [(3, 3.0)]);
        // The third region is the only other lesion of its collection; normal ones are not asked.
        let own = of(Scope::OwnLesions);
        assert_eq!(own.iter().map(|a| a.query).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(own[2].nearest, [(1, 1.0), (0, 2.0)]);
    }

    #[test]
    fn equal_distances_are_ordered_by_chance_not_by_the_list() {
        let examples: Vec<Example> =
            (0..200).map(|i| example(i, if i < 100 { Malignant } else { Benign }, "S")).collect();
        let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
        let distances = Distances::Vectors(vec![vec![1.0]; 200]);
        let answers = answers(&distances, &design, &examples, Scope::All, 1);
        let mean = answers.iter().map(|a| a.precision[2]).sum::<f64>() / 200.0;
        assert!((mean - 0.5).abs() < 0.05, "{mean}");
    }
}
