//! k-means with the k-means++ start (Arthur and Vassilvitskii, SODA 2007); the same seed gives
//! the same centres on every machine and with any number of threads.

use rayon::prelude::*;

use super::random::Random;
use super::tensors::Array;

/// More rounds than this change no centre by anything that matters.
const MAX_ROUNDS: usize = 100;

/// Centres `[clusters, dims]` of samples laid end to end; there must be at least as many samples
/// as clusters. `report` is asked before each round whether to go on.
pub(crate) fn centers(
    samples: &[f32],
    dims: usize,
    clusters: usize,
    seed: u64,
    report: &mut dyn FnMut(usize) -> std::ops::ControlFlow<()>,
) -> Option<Array> {
    let samples: Vec<&[f32]> = samples.chunks_exact(dims).collect();
    assert!(samples.len() >= clusters, "{} samples for {clusters} clusters", samples.len());
    let mut random = Random::new(seed);
    let mut centers = spread_start(&samples, clusters, &mut random);
    let mut nearest = vec![usize::MAX; samples.len()];
    for round in 0..MAX_ROUNDS {
        if report(round).is_break() {
            return None;
        }
        let found: Vec<(usize, f32)> =
            samples.par_iter().map(|sample| nearest_of(sample, &centers)).collect();
        if found.iter().map(|f| f.0).eq(nearest.iter().copied()) {
            break;
        }
        nearest = found.iter().map(|f| f.0).collect();
        centers = means(&samples, &found, clusters, dims);
    }
    let values = centers.into_iter().flatten().collect();
    Some(Array::new([clusters, dims], values))
}

/// Each further centre is a sample drawn with a chance that grows with its squared distance.
fn spread_start(samples: &[&[f32]], clusters: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let mut centers = vec![samples[random.below(samples.len())].to_vec()];
    let mut distances = vec![f32::INFINITY; samples.len()];
    while centers.len() < clusters {
        let newest = &centers[centers.len() - 1];
        distances.par_iter_mut().zip(samples).for_each(|(distance, sample)| {
            *distance = distance.min(squared_distance(sample, newest));
        });
        let total: f64 = distances.iter().map(|&d| f64::from(d)).sum();
        let mut left = random.unit() * total;
        let chosen = distances.iter().position(|&d| {
            left -= f64::from(d);
            left < 0.0
        });
        centers.push(samples[chosen.unwrap_or(samples.len() - 1)].to_vec());
    }
    centers
}

/// The mean of each cluster's samples. A cluster that lost all of them takes the sample that is
/// worst served, so that none is wasted.
fn means(
    samples: &[&[f32]],
    found: &[(usize, f32)],
    clusters: usize,
    dims: usize,
) -> Vec<Vec<f32>> {
    let mut sums = vec![vec![0.0_f64; dims]; clusters];
    let mut counts = vec![0_usize; clusters];
    for (sample, &(cluster, _)) in samples.iter().zip(found) {
        counts[cluster] += 1;
        sums[cluster].iter_mut().zip(*sample).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    let mut worst_served: Vec<usize> = (0..samples.len()).collect();
    if counts.contains(&0) {
        worst_served.sort_by(|&a, &b| found[b].1.total_cmp(&found[a].1).then(a.cmp(&b)));
    }
    let mut spare = worst_served.into_iter();
    sums.into_iter()
        .zip(counts)
        .map(|(sum, count)| match count {
            0 => samples[spare.next().expect("more samples than clusters")].to_vec(),
            _ => sum.iter().map(|s| (s / count as f64) as f32).collect(),
        })
        .collect()
}

pub(crate) fn nearest_of(sample: &[f32], centers: &[Vec<f32>]) -> (usize, f32) {
    centers
        .iter()
        .map(|center| squared_distance(sample, center))
        .enumerate()
        .fold((0, f32::INFINITY), |best, (k, d)| if d < best.1 { (k, d) } else { best })
}

/// In eight lanes, so that the compiler can use wide registers.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            lanes[lane] += (x[lane] - y[lane]) * (x[lane] - y[lane]);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn three_clumps_give_their_three_means() {
        let mut random = Random::new(5);
        let truth = [[0.0_f32, 0.0], [10.0, 0.0], [0.0, 10.0]];
        let samples: Vec<f32> = (0..300)
            .flat_map(|i| {
                let jitter = [random.unit() as f32 - 0.5, random.unit() as f32 - 0.5];
                [truth[i % 3][0] + jitter[0], truth[i % 3][1] + jitter[1]]
            })
            .collect();
        let found = centers(&samples, 2, 3, 1, &mut |_| ControlFlow::Continue(()))
            .expect("nobody cancelled");
        for mean in truth {
            let near =
                found.values.chunks_exact(2).any(|c| (c[0] - mean[0]).hypot(c[1] - mean[1]) < 0.15);
            assert!(near, "{mean:?} is not among {:?}", found.values);
        }
        let again = centers(&samples, 2, 3, 1, &mut |_| ControlFlow::Continue(()));
        assert_eq!(again, Some(found));
    }

    #[test]
    fn a_break_stops_it() {
        assert_eq!(centers(&[0.0, 1.0], 1, 2, 1, &mut |_| ControlFlow::Break(())), None);
    }
}
