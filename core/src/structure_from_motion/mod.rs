//! Do two pictures show the same thing?
//!
//! ```text
//! sift::features(picture)       -> Features, each with a place and a descriptor
//! matching::matches(a, b)       -> pairs that look alike
//! ransac: Fundamental           -> .. that agree with two cameras and a scene
//!         Homography            -> .. that agree with one flat picture seen twice
//! triangulation::count          -> points in space that both show
//! shared_points(a, b)           -> Shared, all these counts: P_ij
//! label(pictures, threshold)    -> pairs of pictures that share so many points
//! ```
//!
//! What it can tell of mammograms: the same film again, however it was turned, mirrored, scaled, cut
//! or digitised. What it cannot: two views of one breast share no more than two strangers, for a
//! breast is pressed anew for each and grain is not tissue. On the 120 regions of the starter
//! (DDSM), points in space that pairs share, median and largest:
//!
//! | pairs | n | shared | agree with one homography |
//! |---|---|---|---|
//! | same region, turned by 15 degrees, x 1.15, gamma 1.3 | 120 | 212, 248 | 211, 248 |
//! | same region at half the resolution, with noise | 120 | 130, 222 | 130, 222 |
//! | another region of the same film | 43 | 6, 22 | 4, 22 |
//! | another film of the same patient | 35 | 0, 7 | 4, 5 |
//! | other patients, of one class or of two | 400 each | 4, 10 | 4, 5 |
//!
//! `precedent-cli evaluate matching` measures this on any list of regions.
//!
//! - `linear`, [`ransac`]: small matrices, and agreement among wrong pairs.
//! - [`signature`]: a few features of a picture, by which candidates are found among thousands.

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::Serialize;

use crate::progress::{Progress, Report};

mod fundamental;
mod homography;
mod linear;
pub mod matching;
pub mod ransac;
pub mod sift;
pub mod signature;
pub mod triangulation;

pub use fundamental::Fundamental;
pub use homography::Homography;
pub use matching::Coded;
pub use sift::Feature;

use ransac::{Correspondence, consensus};

/// Pixels from a line within which a place lies on it.
pub const LINE_TOLERANCE: f64 = 3.0;
/// Pixels from a place within which it is the same.
pub const PLACE_TOLERANCE: f64 = 5.0;
/// So many pairs that agree with one homography are one film. By trial on DDSM: strangers reach 7,
/// patches turned and scaled 177 and more.
pub const SAME_FILM: usize = 30;
/// Shared points that make two pictures show the same, by the paper.
pub const PAPER_THRESHOLD: usize = 100;

/// How many places two pictures share, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Shared {
    /// Features that look alike.
    pub putative: usize,
    /// .. of these, by one fundamental matrix.
    pub fundamental: usize,
    /// .. of the putative ones, by one homography.
    pub homography: usize,
    /// .. of those by the fundamental matrix, points in space seen by both.
    pub triangulated: usize,
}

/// Two of many pictures that share points; `i < j`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair {
    pub i: usize,
    pub j: usize,
    pub shared: Shared,
}

/// The caller asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Cancelled;

/// P_ij of two pictures; the seed decides the draws.
pub fn shared_points(a: &Coded, b: &Coded, seed: u64) -> Shared {
    let pairs = correspondences(a, b);
    let by_homography = consensus::<4, Homography>(&pairs, PLACE_TOLERANCE, seed);
    let by_fundamental = consensus::<8, Fundamental>(&pairs, LINE_TOLERANCE, seed);
    let triangulated = by_fundamental.as_ref().map_or(0, |found| {
        let agreed: Vec<_> = found.inliers.iter().map(|&i| pairs[i]).collect();
        triangulation::count(&found.model, &agreed, LINE_TOLERANCE)
    });
    Shared {
        putative: pairs.len(),
        fundamental: by_fundamental.map_or(0, |found| found.inliers.len()),
        homography: by_homography.map_or(0, |found| found.inliers.len()),
        triangulated,
    }
}

/// Features that look alike, and how many of them agree with one homography.
pub fn flat_points(a: &Coded, b: &Coded, seed: u64) -> (usize, usize) {
    let pairs = correspondences(a, b);
    let found = consensus::<4, Homography>(&pairs, PLACE_TOLERANCE, seed);
    (pairs.len(), found.map_or(0, |found| found.inliers.len()))
}

/// Features that look alike, and how many of them agree with one fundamental matrix.
pub fn scene_points(a: &Coded, b: &Coded, seed: u64) -> (usize, usize) {
    let pairs = correspondences(a, b);
    let found = consensus::<8, Fundamental>(&pairs, LINE_TOLERANCE, seed);
    (pairs.len(), found.map_or(0, |found| found.inliers.len()))
}

/// The homography between two pictures of one film, and the places that agree with it.
pub fn registered(a: &Coded, b: &Coded, seed: u64) -> Option<(Homography, Vec<Correspondence>)> {
    let pairs = correspondences(a, b);
    let found = consensus::<4, Homography>(&pairs, PLACE_TOLERANCE, seed)?;
    let agreed = found.inliers.iter().map(|&i| pairs[i]).collect();
    Some((found.model, agreed))
}

/// Whether the two are pictures of one film.
pub fn same_film(shared: &Shared) -> bool {
    shared.homography >= SAME_FILM
}

/// Features that look alike, as places in pixels of the two pictures.
pub fn correspondences(a: &Coded, b: &Coded) -> Vec<Correspondence> {
    matching::matches(a, b)
        .into_iter()
        .map(|(i, j)| Correspondence { a: a.places[i], b: b.places[j] })
        .collect()
}

/// Every pair of pictures that shares at least `threshold` points, in order.
///
/// Most pairs are passed over by the few features that stand out most ([`signature`]), some 50
/// microseconds each. By trial on 20 patches of DDSM none fails there that was turned, enlarged by
/// 1.15 or shrunk to half; what shares a hundred points shares a dozen of those.
pub fn label(
    pictures: &[Vec<Feature>],
    threshold: usize,
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    let everybody = |_, _| true;
    let as_it_is = |own: &Coded| vec![own.clone()];
    pairs_among(pictures, everybody, as_it_is, threshold, seed, report, |shared| {
        shared.triangulated >= threshold
    })
}

/// Every pair of pictures of one film, mirrored or not, that belong to different patients, in
/// order: the leaks between the parts of a split. `patients` has one entry a picture.
/// A pair costs some 100 microseconds: a thousand pictures half a minute on two cores.
pub fn leaks<P: PartialEq + Sync>(
    pictures: &[Vec<Feature>],
    patients: &[P],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    let strangers = |i: usize, j: usize| patients[i] != patients[j];
    let sides = |own: &Coded| own.sides().to_vec();
    pairs_among(pictures, strangers, sides, SAME_FILM, seed, report, same_film)
}

/// The seed of one pair's draws, so that a pair gives the same in whatever order it comes.
pub fn pair_seed(seed: u64, i: usize, j: usize) -> u64 {
    seed ^ (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (j as u64).rotate_left(32)
}

/// `sides` are the ways in which the first picture of a pair is looked at.
fn pairs_among(
    pictures: &[Vec<Feature>],
    wanted: impl Fn(usize, usize) -> bool + Sync,
    sides: impl Fn(&Coded) -> Vec<Coded>,
    least_putative: usize,
    seed: u64,
    report: &mut Report<'_>,
    keep: impl Fn(&Shared) -> bool + Sync,
) -> Result<Vec<Pair>, Cancelled> {
    let coded: Vec<Coded> = pictures.par_iter().map(|features| Coded::of(features)).collect();
    let few: Vec<Coded> = coded.iter().map(|all| all.first(signature::FEATURES)).collect();
    let mut found = Vec::new();
    for (i, own) in coded.iter().enumerate() {
        let progress =
            Progress { step: "Matching pictures", done: i as u64, total: Some(coded.len() as u64) };
        if report(progress) == ControlFlow::Break(()) {
            return Err(Cancelled);
        }
        let sides: Vec<(Coded, Coded)> =
            sides(own).into_iter().map(|side| (side.first(signature::FEATURES), side)).collect();
        let shared = |j: usize, (few_of_own, own): &(Coded, Coded)| {
            let is_worth_it = signature::may_be_same(few_of_own, &few[j])
                && matching::matches(own, &coded[j]).len() >= least_putative;
            let shared = is_worth_it.then(|| shared_points(own, &coded[j], pair_seed(seed, i, j)));
            shared.filter(&keep)
        };
        let row: Vec<Pair> = (i + 1..coded.len())
            .into_par_iter()
            .filter(|&j| wanted(i, j))
            .filter_map(|j| {
                let shared = sides.iter().find_map(|side| shared(j, side))?;
                Some(Pair { i, j, shared })
            })
            .collect();
        found.extend(row);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::linear::{Matrix3, product, transposed};
    use super::*;
    use crate::phantom::Random;

    /// Places of points in space in the pictures of two cameras, wrong pairs behind right ones.
    pub(super) struct Scene {
        pub(super) pairs: Vec<Correspondence>,
        /// The fundamental matrix, from the cameras.
        pub(super) truth: Matrix3,
    }

    /// The first camera looks along z from the origin; the second from (2, 0.3, 0.4), turned by a
    /// fifth about y. Both have a focal length of 400 pixels and 400 x 400 of them.
    pub(super) fn scene(right: usize, wrong: usize, noise: f64, seed: u64) -> Scene {
        let k = [[400.0, 0.0, 200.0], [0.0, 400.0, 200.0], [0.0, 0.0, 1.0]];
        let (sine, cosine) = 0.2_f64.sin_cos();
        let r = [[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]];
        let center = [2.0, 0.3, 0.4];
        let times = |m: &Matrix3, v: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|i| (0..3).map(|j| m[i][j] * v[j]).sum())
        };
        let place = |v: [f64; 3]| [v[0] / v[2], v[1] / v[2]];
        let mut random = Random::new(seed);
        let pairs = (0..right + wrong).map(|i| {
            let point: [f64; 3] =
                [random.uniform(-2.0, 3.0), random.uniform(-2.5, 2.5), random.uniform(6.0, 14.0)];
            let from_second = std::array::from_fn(|i| point[i] - center[i]);
            let mut b = place(times(&k, times(&r, from_second)));
            if i >= right {
                b = [random.uniform(0.0, 400.0), random.uniform(0.0, 400.0)];
            }
            let blurred = b.map(|v| v + noise * random.normal());
            Correspondence { a: place(times(&k, point)), b: blurred }
        });
        let pairs = pairs.collect();
        // F = K^-T [t]x R K^-1 with t = -R c (equation 9.12 of Hartley and Zisserman).
        let t = times(&r, center).map(|v| -v);
        let cross = [[0.0, -t[2], t[1]], [t[2], 0.0, -t[0]], [-t[1], t[0], 0.0]];
        let inverse = [[0.0025, 0.0, -0.5], [0.0, 0.0025, -0.5], [0.0, 0.0, 1.0]];
        let essential = product(&cross, &r);
        let truth = product(&transposed(&inverse), &product(&essential, &inverse));
        Scene { pairs, truth }
    }

    /// Features at random places with random descriptors.
    fn strange(count: usize, seed: u64) -> Vec<Feature> {
        let mut random = Random::new(seed);
        (0..count)
            .map(|_| {
                let mut descriptor = [0.0_f32; sift::DIMS];
                descriptor.iter_mut().for_each(|v| *v = random.uniform(0.0, 1.0) as f32);
                let sum: f32 = descriptor.iter().sum();
                Feature {
                    x: random.uniform(0.0, 224.0) as f32,
                    y: random.uniform(0.0, 224.0) as f32,
                    scale: 2.0,
                    angle: 0.0,
                    response: 5.0,
                    descriptor: descriptor.map(|v| (v / sum).sqrt()),
                }
            })
            .collect()
    }

    /// The same features, moved by a known similarity.
    fn moved(features: &[Feature]) -> Vec<Feature> {
        let (sine, cosine) = 0.3_f32.sin_cos();
        let there = |f: &Feature| Feature {
            x: 1.1 * (cosine * f.x - sine * f.y) + 9.0,
            y: 1.1 * (sine * f.x + cosine * f.y) - 4.0,
            ..f.clone()
        };
        features.iter().map(there).collect()
    }

    #[test]
    fn a_moved_picture_shares_all_its_points_and_a_stranger_few() {
        let one = strange(150, 1);
        let [a, b, c] = [&one, &moved(&one), &strange(150, 2)].map(|f| Coded::of(f));
        let same = shared_points(&a, &b, 7);
        assert_eq!((same.putative, same.homography, same.fundamental), (150, 150, 150));
        assert!(same_film(&same) && same.triangulated >= PAPER_THRESHOLD, "{same:?}");
        let other = shared_points(&a, &c, 7);
        assert!(!same_film(&other) && other.homography < 12, "{other:?}");
        let (homography, agreed) = registered(&a, &b, 7).expect("one film");
        assert_eq!(agreed.len(), 150);
        let [x, y, w] = linear::applied(&homography.there, [100.0, 50.0]);
        let (sine, cosine) = 0.3_f64.sin_cos();
        assert!((x / w - (1.1 * (100.0 * cosine - 50.0 * sine) + 9.0)).abs() < 1e-3);
        assert!((y / w - (1.1 * (100.0 * sine + 50.0 * cosine) - 4.0)).abs() < 1e-3);
    }

    #[test]
    fn only_pictures_of_one_film_are_labelled_and_only_between_patients_do_they_leak() {
        let one = strange(150, 1);
        let pictures = [strange(150, 3), one.clone(), strange(150, 2), moved(&one)];
        let go_on = &mut |_: Progress| ControlFlow::Continue(());
        let found = label(&pictures, PAPER_THRESHOLD, 5, go_on).expect("nobody stopped it");
        assert_eq!(found.iter().map(|p| (p.i, p.j)).collect::<Vec<_>>(), [(1, 3)]);
        let leaks_between = |patients: [&str; 4]| {
            leaks(&pictures, &patients, 5, &mut |_| ControlFlow::Continue(()))
        };
        assert_eq!(leaks_between(["a", "b", "c", "d"]).expect("not stopped").len(), 1);
        assert_eq!(leaks_between(["a", "b", "c", "b"]).expect("not stopped"), []);
        let stopped = label(&pictures, 100, 5, &mut |_| ControlFlow::Break(()));
        assert_eq!(stopped, Err(Cancelled));
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let one = strange(200, 1);
        let pictures = [one.clone(), moved(&one), moved(&moved(&one)), strange(200, 2)];
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads")
                .install(|| label(&pictures, 20, 5, &mut |_| ControlFlow::Continue(())))
        };
        assert_eq!(on(1), on(3));
    }
}
