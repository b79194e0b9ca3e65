//! A picture as the direction in which its descriptors would move a mixture of Gaussians
//! (Perronnin, Sanchez and Mensink, ECCV 2010; Sanchez and others, IJCV 2013).

use rayon::prelude::*;

use super::vlad::euclidean_distance;
use super::vocabulary::{Vocabulary, sample};
use super::{power_normalized, table, tell};
use crate::encoder::pca_whitening::Fit;
use crate::progress::Report;
use crate::structure_from_motion::sift::DIMS;
use crate::structure_from_motion::{Cancelled, Feature};

const GAUSSIANS: usize = 64;
/// Numbers left of a descriptor, uncorrelated as Gaussians without covariances ask for.
const COMPONENTS: usize = 64;
const SAMPLES: usize = 25_000;
/// Rounds of expectation and maximisation; the likelihood hardly rises after these.
const ROUNDS: usize = 30;
/// Descriptors whose sums are added up at a time, in a fixed order.
const CHUNK: usize = 512;
/// Least variance, of that of all descriptors, lest a Gaussian shrink to one of them.
const VARIANCE_FLOOR: f32 = 1e-2;

pub(super) fn distances(
    library: &[Vec<Feature>],
    queries: &[Vec<Feature>],
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<f32>>, Cancelled> {
    let samples = sample(library, SAMPLES, seed);
    let vectors: Vec<Vec<f32>> = samples.chunks_exact(DIMS).map(<[f32]>::to_vec).collect();
    let Some(projection) = Fit::of(&vectors, COMPONENTS, false).map(Projection) else {
        return table("Comparing vectors", library, queries, report, |_, _| 0.0);
    };
    let projected: Vec<Vec<f32>> = vectors.par_iter().map(|v| projection.apply(v)).collect();
    let mixture = Mixture::fit(&projected, seed, report)?;
    let vectors = |pictures: &[Vec<Feature>]| -> Vec<Vec<f32>> {
        let vector = |picture: &Vec<Feature>| {
            let local: Vec<_> = picture.iter().map(|f| projection.apply(&f.descriptor)).collect();
            power_normalized(mixture.gradient(&local))
        };
        pictures.par_iter().map(vector).collect()
    };
    let (known, asked) = (vectors(library), vectors(queries));
    table("Comparing vectors", &known, &asked, report, |query, case| {
        euclidean_distance(&asked[query], &known[case])
    })
}

/// Principal components, not whitened.
struct Projection(Fit);

impl Projection {
    fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let along = |row: &[f32]| {
            let centered = vector.iter().zip(&self.0.mean.values).map(|(v, m)| v - m);
            row.iter().zip(centered).map(|(r, v)| r * v).sum()
        };
        self.0.components.values.chunks_exact(vector.len()).map(along).collect()
    }
}

/// Gaussians without covariances.
#[derive(Debug)]
struct Mixture {
    /// Sum to 1.
    weights: Vec<f32>,
    means: Vec<Vec<f32>>,
    variances: Vec<Vec<f32>>,
    /// Of each: the logarithm of its weight over the root of its variances' product.
    heights: Vec<f32>,
}

/// Sums over descriptors, for each Gaussian: of responsibilities, and of these times the numbers
/// and their squares.
#[derive(Clone)]
struct Sums {
    zeroth: Vec<f64>,
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
}

impl Mixture {
    fn fit(samples: &[Vec<f32>], seed: u64, report: &mut Report<'_>) -> Result<Self, Cancelled> {
        let dims = samples[0].len();
        let start = Vocabulary::fit(&samples.concat(), dims, GAUSSIANS, seed, report)?;
        let count = samples.len() as f32;
        let mean = |i: usize| samples.iter().map(|s| s[i]).sum::<f32>() / count;
        let spread: Vec<f32> = (0..dims)
            .map(|i| {
                let mean = mean(i);
                let sum: f32 = samples.iter().map(|s| (s[i] - mean).powi(2)).sum();
                (sum / count).max(f32::MIN_POSITIVE)
            })
            .collect();
        let gaussians = start.centers.len();
        let mut mixture = Self::new(
            vec![1.0 / gaussians as f32; gaussians],
            start.centers,
            vec![spread.clone(); gaussians],
        );
        for round in 0..ROUNDS {
            tell("Fitting Gaussians", round, ROUNDS, report)?;
            mixture = mixture.improved(samples, &spread);
        }
        Ok(mixture)
    }

    fn new(weights: Vec<f32>, means: Vec<Vec<f32>>, variances: Vec<Vec<f32>>) -> Self {
        let height = |(weight, variances): (&f32, &Vec<f32>)| {
            weight.max(f32::MIN_POSITIVE).ln() - 0.5 * variances.iter().map(|v| v.ln()).sum::<f32>()
        };
        let heights = weights.iter().zip(&variances).map(height).collect();
        Self { weights, means, variances, heights }
    }

    /// One round of expectation and maximisation (Bishop, Pattern Recognition and Machine
    /// Learning, section 9.2.2). A Gaussian that nothing belongs to stays as it is.
    fn improved(&self, samples: &[Vec<f32>], spread: &[f32]) -> Self {
        let parts: Vec<Sums> = samples.par_chunks(CHUNK).map(|chunk| self.sums(chunk)).collect();
        let mut sums = self.sums(&[]);
        parts.iter().for_each(|part| sums.add(part));
        let count = samples.len() as f64;
        let (mut means, mut variances) = (self.means.clone(), self.variances.clone());
        let moments = sums.zeroth.iter().zip(sums.first.iter().zip(&sums.second));
        let gaussians = means.iter_mut().zip(&mut variances);
        for ((means, variances), (own, (first, second))) in gaussians.zip(moments) {
            if *own < 1e-3 {
                continue;
            }
            let numbers = means.iter_mut().zip(variances).zip(spread);
            for (((m, v), floor), (first, second)) in numbers.zip(first.iter().zip(second)) {
                let mean = first / own;
                *m = mean as f32;
                *v = ((second / own - mean * mean) as f32).max(VARIANCE_FLOOR * floor);
            }
        }
        let weights = sums.zeroth.iter().map(|own| (own / count) as f32).collect();
        Self::new(weights, means, variances)
    }

    fn sums(&self, samples: &[Vec<f32>]) -> Sums {
        let zero: Vec<Vec<f64>> = self.means.iter().map(|m| vec![0.0; m.len()]).collect();
        let mut sums = Sums { zeroth: vec![0.0; zero.len()], first: zero.clone(), second: zero };
        for sample in samples {
            for (k, own) in self.responsibilities(sample).into_iter().enumerate() {
                // Most belong to a few; what is below this changes no digit.
                if own < 1e-6 {
                    continue;
                }
                let own = f64::from(own);
                sums.zeroth[k] += own;
                let both = sums.first[k].iter_mut().zip(&mut sums.second[k]);
                for ((first, second), &v) in both.zip(sample) {
                    *first += own * f64::from(v);
                    *second += own * f64::from(v) * f64::from(v);
                }
            }
        }
        sums
    }

    /// The chance that a descriptor is of each Gaussian; they sum to 1.
    fn responsibilities(&self, sample: &[f32]) -> Vec<f32> {
        let log = |k: usize| {
            let squares = sample.iter().zip(&self.means[k]).zip(&self.variances[k]);
            let sum: f32 = squares.map(|((v, m), s)| (v - m) * (v - m) / s).sum();
            self.heights[k] - 0.5 * sum
        };
        let logs: Vec<f32> = (0..self.means.len()).map(log).collect();
        let highest = logs.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let chances: Vec<f32> = logs.iter().map(|l| (l - highest).exp()).collect();
        let sum: f32 = chances.iter().sum();
        chances.into_iter().map(|chance| chance / sum).collect()
    }

    /// By each Gaussian's mean and deviation (Sanchez and others, equations 17 and 18); zeros for
    /// a picture without descriptors.
    fn gradient(&self, local: &[Vec<f32>]) -> Vec<f32> {
        let sums = self.sums(local);
        let count = local.len().max(1) as f64;
        let mut vector = Vec::with_capacity(2 * self.means.len() * self.means[0].len());
        for k in 0..self.means.len() {
            let weight = f64::from(self.weights[k].max(f32::MIN_POSITIVE)).sqrt();
            let by_mean = (0..self.means[k].len()).map(|i| {
                let (mean, variance) =
                    (f64::from(self.means[k][i]), f64::from(self.variances[k][i]));
                (sums.first[k][i] - mean * sums.zeroth[k]) / (variance.sqrt() * count * weight)
            });
            vector.extend(by_mean.map(|v| v as f32));
            let by_deviation = (0..self.means[k].len()).map(|i| {
                let (mean, variance) =
                    (f64::from(self.means[k][i]), f64::from(self.variances[k][i]));
                let squares = sums.second[k][i] - 2.0 * mean * sums.first[k][i]
                    + mean * mean * sums.zeroth[k];
                (squares / variance - sums.zeroth[k]) / (count * weight * std::f64::consts::SQRT_2)
            });
            vector.extend(by_deviation.map(|v| v as f32));
        }
        vector
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.zeroth.iter_mut().zip(&other.zeroth).for_each(|(a, b)| *a += b);
        for (own, other) in [(&mut self.first, &other.first), (&mut self.second, &other.second)] {
            let all = own.iter_mut().flatten().zip(other.iter().flatten());
            all.for_each(|(a, b)| *a += b);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::phantom::Random;

    #[test]
    fn two_clouds_give_their_two_means_and_spreads() {
        let mut random = Random::new(3);
        let samples: Vec<Vec<f32>> = (0..4000)
            .map(|i| {
                let (x, spread) = if i % 4 == 0 { (-3.0, 0.5) } else { (2.0, 1.0) };
                vec![(x + spread * random.normal()) as f32, random.normal() as f32]
            })
            .collect();
        let start = Mixture::new(
            vec![0.5; 2],
            vec![vec![-1.0, 0.0], vec![1.0, 0.0]],
            vec![vec![4.0, 1.0]; 2],
        );
        let found = (0..40).fold(start, |mixture, _| mixture.improved(&samples, &[5.0, 1.0]));
        for (k, (weight, mean, deviation)) in
            [(0.25, -3.0, 0.5), (0.75, 2.0, 1.0)].iter().enumerate()
        {
            assert!((found.weights[k] - weight).abs() < 0.02, "{found:?}");
            assert!((found.means[k][0] - mean).abs() < 0.1, "{found:?}");
            assert!((found.variances[k][0].sqrt() - deviation).abs() < 0.1, "{found:?}");
        }
        // At its own samples the mixture wants to move nowhere.
        let gradient = found.gradient(&samples);
        assert!(gradient.iter().all(|g| g.abs() < 0.02), "{gradient:?}");
    }

    #[test]
    fn one_gaussian_gives_the_gradient_by_hand() {
        let mixture = Mixture::new(vec![1.0], vec![vec![1.0]], vec![vec![4.0]]);
        // (3 - 1) / 2 = 1 and (5 - 1) / 2 = 2: means 1.5 of these, and 2.5 of their squares.
        let found = mixture.gradient(&[vec![3.0], vec![5.0]]);
        assert!((found[0] - 1.5).abs() < 1e-6);
        assert!((found[1] - (2.5 - 1.0) / 2.0_f32.sqrt()).abs() < 1e-6);
        assert_eq!(mixture.gradient(&[]), [0.0, 0.0]);
    }

    #[test]
    fn a_stop_is_heard() {
        let samples = vec![vec![0.0], vec![1.0], vec![2.0]];
        assert!(Mixture::fit(&samples, 1, &mut |_| ControlFlow::Break(())).is_err());
    }
}
