//! The methods that the paper is measured against, all on the same RootSIFT features.
//!
//! Each is a function from features to distances. What a method learns (words, centres, how rare a
//! word is) it learns from the library alone; a query never touches it.
//!
//! - `vocabulary`: descriptors to words, by k-means.
//! - `bag_of_words`, `tree`: pictures as counts of words.
//! - `vlad`, `fisher`: pictures as differences from words.
//! - `geometry`: pictures as places that agree.

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::Serialize;

use crate::progress::{Progress, Report};
use crate::structure_from_motion::{Cancelled, Feature};

mod bag_of_words;
mod fisher;
mod geometry;
mod tree;
mod vlad;
mod vocabulary;

/// A method to be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rival {
    /// Sivic and Zisserman, Video Google, ICCV 2003.
    BagOfWords,
    /// Nister and Stewenius, Scalable recognition with a vocabulary tree, CVPR 2006.
    VocabularyTree,
    /// Every pair matched; ranked by the pairs of places that agree with a fundamental matrix.
    Matching,
    /// Philbin and others, Object retrieval with large vocabularies and fast spatial matching,
    /// CVPR 2007: the first of the bag of words, ranked again by places that agree.
    Verification,
    /// Jegou and others, Aggregating local descriptors into a compact image representation,
    /// CVPR 2010; the paper's equations 1 to 3.
    Vlad,
    /// Perronnin, Sanchez and Mensink, Improving the Fisher kernel, ECCV 2010.
    Fisher,
}

impl Rival {
    pub const ALL: [Self; 6] = [
        Self::BagOfWords,
        Self::VocabularyTree,
        Self::Matching,
        Self::Verification,
        Self::Vlad,
        Self::Fisher,
    ];

    /// As the command line and files name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::BagOfWords => "bag-of-words",
            Self::VocabularyTree => "vocabulary-tree",
            Self::Matching => "matching",
            Self::Verification => "verification",
            Self::Vlad => "vlad",
            Self::Fisher => "fisher",
        }
    }

    /// As a table names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::BagOfWords => "SIFT bag of 500 visual words, tf-idf",
            Self::VocabularyTree => "SIFT vocabulary tree, 8 branches, 3 levels",
            Self::Matching => "SIFT matching with RANSAC",
            Self::Verification => "SIFT bag of words, first 20 verified by geometry",
            Self::Vlad => "SIFT VLAD, 64 centres, power and L2 normalised",
            Self::Fisher => "SIFT Fisher vector, 64 Gaussians, power and L2 normalised",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rival| rival.word() == word)
    }

    /// `[query][library]`, smaller is nearer. The same on any number of threads.
    pub fn distances(
        self,
        library: &[Vec<Feature>],
        queries: &[Vec<Feature>],
        seed: u64,
        report: &mut Report<'_>,
    ) -> Result<Vec<Vec<f32>>, Cancelled> {
        match self {
            Self::BagOfWords => bag_of_words::distances(library, queries, seed, report),
            Self::VocabularyTree => tree::distances(library, queries, seed, report),
            Self::Matching => geometry::matching(library, queries, seed, report),
            Self::Verification => geometry::verification(library, queries, seed, report),
            Self::Vlad => vlad::distances(library, queries, seed, report),
            Self::Fisher => fisher::distances(library, queries, seed, report),
        }
    }
}

/// A distance of every query from every picture of the library, query by query.
fn table<T: Sync>(
    step: &'static str,
    library: &[T],
    queries: &[T],
    report: &mut Report<'_>,
    distance: impl Fn(usize, usize) -> f32 + Sync,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let mut rows = Vec::with_capacity(queries.len());
    for query in 0..queries.len() {
        tell(step, query, queries.len(), report)?;
        rows.push((0..library.len()).into_par_iter().map(|case| distance(query, case)).collect());
    }
    Ok(rows)
}

fn tell(
    step: &'static str,
    done: usize,
    total: usize,
    report: &mut Report<'_>,
) -> Result<(), Cancelled> {
    match report(Progress { step, done: done as u64, total: Some(total as u64) }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Cancelled),
    }
}

/// One less the cosine; 1 where either is nothing.
fn cosine_distance(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { 1.0 - dot(a, b) / lengths } else { 1.0 }
}

/// Each number's signed root, and all to length 1 (Perronnin and others 2010; the paper's
/// equation 3); a vector of zeros stays one.
fn power_normalized(mut values: Vec<f32>) -> Vec<f32> {
    values.iter_mut().for_each(|v| *v = v.signum() * v.abs().sqrt());
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|v| *v /= length);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::Random;
    use crate::structure_from_motion::sift::DIMS;

    /// Pictures of `kinds` kinds in turn: each kind has its own eight descriptors, which its
    /// pictures show at their own places, blurred by noise.
    pub(super) fn pictures(count: usize, kinds: usize, seed: u64) -> Vec<Vec<Feature>> {
        let own = |kind: usize, which: usize| {
            let mut random = Random::new((kind * 8 + which + 1) as u64);
            std::array::from_fn(|_| random.uniform(0.0, 1.0).powi(3) as f32)
        };
        let mut random = Random::new(seed);
        (0..count)
            .map(|number| {
                (0..24)
                    .map(|i| {
                        let mut values: [f32; DIMS] = own(number % kinds, i % 8);
                        values.iter_mut().for_each(|v| *v += random.uniform(0.0, 0.3) as f32);
                        let sum: f32 = values.iter().sum();
                        Feature {
                            x: random.uniform(0.0, 224.0) as f32,
                            y: random.uniform(0.0, 224.0) as f32,
                            scale: 2.0,
                            angle: 0.0,
                            response: 5.0,
                            descriptor: values.map(|v| (v / sum).sqrt()),
                        }
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_word_names_its_rival() {
        for rival in Rival::ALL {
            assert_eq!(Rival::from_word(rival.word()), Some(rival));
            let json = serde_json::to_string(&rival).expect("a word");
            assert_eq!(json, format!("\"{}\"", rival.word()));
        }
        assert_eq!(Rival::from_word("sift"), None);
    }

    #[test]
    fn pictures_of_one_kind_are_nearest_by_every_way_of_counting_words() {
        // More looks than centres: of one that is a centre, no difference tells.
        const KINDS: usize = 20;
        let (library, queries) = (pictures(2 * KINDS, KINDS, 1), pictures(KINDS, KINDS, 2));
        for rival in [Rival::BagOfWords, Rival::VocabularyTree, Rival::Vlad, Rival::Fisher] {
            let go_on = &mut |_: Progress| ControlFlow::Continue(());
            let found = rival.distances(&library, &queries, 4, go_on).expect("nobody stopped it");
            assert_eq!((found.len(), found[0].len()), (KINDS, 2 * KINDS));
            for (query, row) in found.iter().enumerate() {
                let farthest_of_own = (0..2 * KINDS)
                    .filter(|case| case % KINDS == query)
                    .map(|case| row[case])
                    .fold(f32::NEG_INFINITY, f32::max);
                let nearest_of_others = (0..2 * KINDS)
                    .filter(|case| case % KINDS != query)
                    .map(|case| row[case])
                    .fold(f32::INFINITY, f32::min);
                assert!(farthest_of_own < nearest_of_others, "{rival:?} query {query}: {row:?}");
            }
        }
    }

    #[test]
    fn all_give_finite_distances_where_pictures_have_no_features_and_stop_when_told() {
        let mut library = pictures(5, 2, 1);
        library[1].clear();
        let queries = vec![Vec::new(), library[0].clone()];
        for rival in Rival::ALL {
            let go_on = &mut |_: Progress| ControlFlow::Continue(());
            for library in [&library[..], &[vec![], vec![]]] {
                let found = rival.distances(library, &queries, 4, go_on).expect("not stopped");
                assert!(found.iter().all(|row| row.len() == library.len()), "{rival:?}");
                assert!(found.iter().flatten().all(|d| d.is_finite()), "{rival:?}: {found:?}");
            }
            let stopped = rival.distances(&library, &queries, 4, &mut |_| ControlFlow::Break(()));
            assert_eq!(stopped, Err(Cancelled), "{rival:?}");
        }
    }

    #[test]
    fn power_and_length_come_out_as_by_hand() {
        // Roots 3 and -4, of length 5.
        assert_eq!(power_normalized(vec![9.0, -16.0]), [0.6, -0.8]);
        assert_eq!(power_normalized(vec![0.0, 0.0]), [0.0, 0.0]);
    }
}
