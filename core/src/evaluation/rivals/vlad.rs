//! A picture as the sum of its descriptors' differences from their nearest centre (equations 1 to
//! 3 of the paper; Jegou and others, CVPR 2010).

use rayon::prelude::*;

use super::vocabulary::{Vocabulary, sample};
use super::{power_normalized, table};
use crate::progress::Report;
use crate::structure_from_motion::sift::DIMS;
use crate::structure_from_motion::{Cancelled, Feature};

const CENTERS: usize = 64;
const SAMPLES: usize = 25_000;

pub(super) fn distances(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let words = Vocabulary::fit(&sample(library, SAMPLES, seed), DIMS, CENTERS, seed, report)?;
    let vectors = |pictures: &[Vec<Feature>]| -> Vec<Vec<f32>> {
        pictures.par_iter().map(|p| power_normalized(differences(&words, p))).collect()
    };
    let (known, asked) = (vectors(library), vectors(queries));
    table("Comparing vectors", &known, &asked, report, |query, case| {
        euclidean_distance(&asked[query], &known[case])
    })
}

/// `[centre * dims]`.
fn differences(words: &Vocabulary, picture: &[Feature]) -> Vec<f32> {
    let mut sums = vec![0.0; words.centers.len() * DIMS];
    if sums.is_empty() {
        return sums;
    }
    for feature in picture {
        let word = words.word(&feature.descriptor);
        let sum = &mut sums[word * DIMS..][..DIMS];
        for ((sum, v), c) in sum.iter_mut().zip(&feature.descriptor).zip(&words.centers[word]) {
            *sum += v - c;
        }
    }
    sums
}

pub(super) fn euclidean_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_add_up_at_the_nearest_centre() {
        let mut centers = vec![vec![0.0; DIMS], vec![0.0; DIMS]];
        (centers[0][0], centers[1][1]) = (1.0, 1.0);
        let feature = |at: usize, v: f32| {
            let mut descriptor = [0.0; DIMS];
            (descriptor[at], descriptor[5]) = (v, 0.25);
            Feature { x: 0.0, y: 0.0, scale: 1.0, angle: 0.0, response: 1.0, descriptor }
        };
        let picture = [feature(0, 0.75), feature(0, 1.5), feature(1, 0.5)];
        let found = differences(&Vocabulary { centers }, &picture);
        assert_eq!((found[0], found[5]), (-0.25 + 0.5, 0.5));
        assert_eq!((found[DIMS + 1], found[DIMS + 5], found[DIMS]), (-0.5, 0.25, 0.0));
    }
}
