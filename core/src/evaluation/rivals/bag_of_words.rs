//! A picture as how often it shows each word, rare words counting more.

use rayon::prelude::*;

use super::vocabulary::{Vocabulary, sample};
use super::{cosine_distance, table};
use crate::progress::Report;
use crate::structure_from_motion::sift::DIMS;
use crate::structure_from_motion::{Cancelled, Feature};

const WORDS: usize = 500;
/// Descriptors that the words are learnt from: some fifty a word.
const SAMPLES: usize = 25_000;

pub(super) fn distances(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let words = Vocabulary::fit(&sample(library, SAMPLES, seed), DIMS, WORDS, seed, report)?;
    let counts = |pictures: &[Vec<Feature>]| -> Vec<Vec<f32>> {
        pictures.par_iter().map(|picture| frequencies(&words, picture)).collect()
    };
    let (mut known, mut asked) = (counts(library), counts(queries));
    let rarity = rarity(&known);
    for picture in known.iter_mut().chain(&mut asked) {
        picture.iter_mut().zip(&rarity).for_each(|(count, rare)| *count *= rare);
    }
    table("Comparing words", &known, &asked, report, |query, case| {
        cosine_distance(&asked[query], &known[case])
    })
}

/// Each word's share of a picture's words (tf).
fn frequencies(words: &Vocabulary, picture: &[Feature]) -> Vec<f32> {
    let mut counts = vec![0.0; words.centers.len()];
    if counts.is_empty() {
        return counts;
    }
    for feature in picture {
        counts[words.word(&feature.descriptor)] += 1.0 / picture.len() as f32;
    }
    counts
}

/// The logarithm of how many pictures there are to one that shows a word (idf); 0 for a word that
/// none shows.
pub(super) fn rarity(library: &[Vec<f32>]) -> Vec<f32> {
    let words = library.first().map_or(0, Vec::len);
    let shown = |word: usize| library.iter().filter(|picture| picture[word] > 0.0).count();
    let rare = |shown: usize| (library.len() as f32 / shown.max(1) as f32).ln();
    (0..words).map(|word| if shown(word) > 0 { rare(shown(word)) } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_every_picture_weighs_nothing_and_a_rare_one_much() {
        let library = [vec![1.0, 0.5, 0.0], vec![2.0, 0.0, 0.0]];
        assert_eq!(rarity(&library), [0.0, 2.0_f32.ln(), 0.0]);
    }
}
