//! A picture as places that agree with those of another.

use rayon::prelude::*;

use super::{bag_of_words, table, tell};
use crate::progress::Report;
use crate::structure_from_motion::{
    Cancelled, Coded, Feature, flat_points, pair_seed, scene_points,
};

/// The first of the bag of words that are ranked again.
const VERIFIED: usize = 20;

/// Every pair matched: less the places that agree with one fundamental matrix, those with as many
/// in the order of how many looked alike.
pub(super) fn matching(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let (known, asked) = (coded(library), coded(queries));
    table("Matching pictures", &known, &asked, report, |query, case| {
        let seed = pair_seed(seed, query, case);
        let (putative, agreeing) = scene_points(&asked[query], &known[case], seed);
        -(agreeing as f32) - putative as f32 / (putative as f32 + 1.0)
    })
}

/// The bag of words with its first twenty moved to the front, by places that agree with one
/// homography. Where the query itself is in the library, it takes one of the twenty.
pub(super) fn verification(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let mut rows = bag_of_words::distances(library, queries, seed, report)?;
    let (known, asked) = (coded(library), coded(queries));
    for (query, row) in rows.iter_mut().enumerate() {
        tell("Verifying by geometry", query, queries.len(), report)?;
        let agreeing: Vec<(usize, usize)> = nearest(row, VERIFIED)
            .into_par_iter()
            .map(|case| {
                let seed = pair_seed(seed, query, case);
                (case, flat_points(&asked[query], &known[case], seed).1)
            })
            .collect();
        for (case, agreeing) in agreeing {
            // Distances of words lie in [0, 1]: below them all, more places before fewer, and
            // the words decide among as many.
            row[case] -= 2.0 * (agreeing + 1) as f32;
        }
    }
    Ok(rows)
}

fn coded(pictures: &[Vec<Feature>]) -> Vec<Coded> {
    pictures.par_iter().map(|features| Coded::of(features)).collect()
}

/// Positions of the smallest distances.
fn nearest(distances: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&i, &j| distances[i].total_cmp(&distances[j]).then(i.cmp(&j)));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::tests::pictures;
    use super::*;
    use crate::phantom::Random;
    use crate::structure_from_motion::sift::DIMS;

    /// One picture whose features all look different.
    fn scene(count: usize, seed: u64) -> Vec<Feature> {
        let mut random = Random::new(seed);
        let feature = |_| {
            let values: [f32; DIMS] =
                std::array::from_fn(|_| random.uniform(0.0, 1.0).powi(3) as f32);
            let sum: f32 = values.iter().sum();
            Feature {
                x: random.uniform(0.0, 224.0) as f32,
                y: random.uniform(0.0, 224.0) as f32,
                scale: 2.0,
                angle: 0.0,
                response: 5.0,
                descriptor: values.map(|v| (v / sum).sqrt()),
            }
        };
        (0..count).map(feature).collect()
    }

    #[test]
    fn the_same_picture_moved_comes_first_by_the_places_that_agree() {
        let mut library: Vec<_> = (0..30).map(|seed| scene(40, seed)).collect();
        library.extend(pictures(3, 3, 1));
        let mut query = library[17].clone();
        query.iter_mut().for_each(|f| f.x += 11.0);
        let go_on = &mut |_| ControlFlow::Continue(());
        for method in [matching, verification] {
            let rows = method(&library, &[query.clone()], 1, go_on).expect("not stopped");
            assert_eq!(nearest(&rows[0], 1), [17]);
        }
        let rows = matching(&library, &[query.clone()], 1, go_on).expect("not stopped");
        assert!((-41.0..=-40.0).contains(&rows[0][17]), "{}", rows[0][17]);
        // Twenty of the others stand before the rest, which keep their distances of words.
        let rows = verification(&library, &[query], 1, go_on).expect("not stopped");
        assert_eq!(rows[0].iter().filter(|d| **d < 0.0).count(), VERIFIED);
    }
}
