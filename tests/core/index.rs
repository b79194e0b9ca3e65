//! The index against a plain scan: bit for bit, ties by position, with filters.

use precedent_core::descriptor::Descriptor;
use precedent_core::index::{Hit, Index};
use proptest::prelude::*;

/// A plain scan: every distance, sorted, cut.
fn brute_force(
    cases: &[Descriptor],
    query: &Descriptor,
    k: usize,
    keep: &dyn Fn(usize) -> bool,
) -> Vec<Hit> {
    let mut hits: Vec<Hit> = cases
        .iter()
        .enumerate()
        .filter(|(case_idx, _)| keep(*case_idx))
        .map(|(case_idx, case)| Hit { case_idx, distance: query.distance(case) })
        .collect();
    hits.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.case_idx.cmp(&b.case_idx)));
    hits.truncate(k);
    hits
}

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Unit vectors whose component `i` varies as `i^-decay`, about `clusters` centres (0: none); one
/// in `twins` repeats an earlier one.
pub(crate) fn cases(
    count: usize,
    dims: usize,
    decay: f64,
    clusters: usize,
    twins: usize,
    random: &mut Random,
) -> Vec<Descriptor> {
    let draw = |random: &mut Random, spread: f64| -> Vec<f64> {
        (1..=dims).map(|i| spread * random.normal() * (i as f64).powf(-decay)).collect()
    };
    let centers: Vec<Vec<f64>> = (0..clusters).map(|_| draw(random, 3.0)).collect();
    let mut made: Vec<Descriptor> = Vec::with_capacity(count);
    while made.len() < count {
        if twins > 0 && !made.is_empty() && random.next().is_multiple_of(twins as u64) {
            let twin = made[random.next() as usize % made.len()].clone();
            made.push(twin);
            continue;
        }
        let mut values = draw(random, 1.0);
        if clusters > 0 {
            let center = &centers[random.next() as usize % clusters];
            values.iter_mut().zip(center).for_each(|(v, c)| *v = *v * 0.3 + c);
        }
        made.extend(Descriptor::normalized(values.iter().map(|&v| v as f32).collect()));
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_index_equals_a_plain_scan(
        seed: u64,
        count in 0usize..600,
        dims in prop::sample::select(vec![1usize, 2, 3, 7, 8, 9, 16, 33, 64, 128, 200]),
        k in 0usize..30,
        decay in 0.0f64..2.5,
        clusters in 0usize..6,
        twins in 0usize..4,
        kept in 1u64..5,
    ) {
        let random = &mut Random(seed);
        let cases = cases(count, dims, decay, clusters, twins, random);
        let index = Index::build(&cases);
        let mut queries = self::cases(3, dims, decay, 0, 0, random);
        queries.extend(cases.first().cloned());
        for query in &queries {
            let keep = |case_idx: usize| {
                kept == 1 || !(case_idx as u64).wrapping_mul(2_654_435_761).is_multiple_of(kept)
            };
            prop_assert_eq!(
                index.nearest(query, k, &keep),
                brute_force(&cases, query, k, &keep)
            );
        }
    }
}

#[test]
fn a_large_library_answers_as_a_plain_scan_whether_the_tree_pays_or_not() {
    // 70,000: more than one block of the scan, and enough for the tree. A decay of 2 makes the
    // tree pay, one of 0 does not.
    for (decay, clusters) in [(2.0, 0), (2.0, 40), (0.0, 0)] {
        let random = &mut Random(7);
        let cases = cases(70_000, 24, decay, clusters, 5, random);
        let index = Index::build(&cases);
        assert_eq!(index.uses_tree(), decay > 0.0, "decay {decay}");
        let mut queries = self::cases(8, 24, decay, 0, 0, random);
        queries.extend(cases.iter().step_by(9_000).cloned());
        for query in &queries {
            for (k, every) in [(1, 1), (10, 1), (10, 3), (50, 1000)] {
                let keep = |case_idx: usize| case_idx.is_multiple_of(every);
                assert_eq!(
                    index.nearest(query, k, &keep),
                    brute_force(&cases, query, k, &keep),
                    "decay {decay}, {k} of every {every}"
                );
            }
            let none = |_: usize| false;
            assert!(index.nearest(query, 10, &none).is_empty());
        }
    }
}

#[test]
fn equal_distances_come_in_the_order_of_the_library() {
    let one = Descriptor::normalized(vec![1.0, 2.0, 3.0]).expect("not zero");
    let index = Index::build(&vec![one.clone(); 40]);
    let hits = index.nearest(&one, 10, &|case_idx| case_idx >= 5);
    let found: Vec<usize> = hits.iter().map(|hit| hit.case_idx).collect();
    assert_eq!(found, (5..15).collect::<Vec<_>>());
    assert!(hits.iter().all(|hit| hit.distance == 0.0));
}
