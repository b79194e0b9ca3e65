//! Principal components, with whitening as a switch (equations 7 to 11 of the paper that the
//! `paper` bundle follows; Jégou and Chum, ECCV 2012).

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::backbone::tensor;
use super::tensors::Array;

/// Whitening divides by the root of an eigenvalue; one below this share of the largest is noise
/// and is taken as this, lest the noise be blown up.
const EIGENVALUE_FLOOR: f64 = 1e-4;

/// Mean and projection, on the CPU.
#[derive(Debug, Clone)]
pub struct PcaWhitening {
    mean: Tensor<1>,
    /// `[inputs, dims]`, scaled already where it whitens.
    projection: Tensor<2>,
}

/// What was learnt, as plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// `[inputs]`.
    pub mean: Array,
    /// `[dims, inputs]`: rows of length 1, by falling eigenvalue; over the root of the eigenvalue
    /// where it whitens.
    pub components: Array,
    /// `[dims]`: variance along each component.
    pub eigenvalues: Array,
}

impl PcaWhitening {
    pub fn new(mean: &Array, components: &Array, device: &Device) -> Self {
        let projection: Tensor<2> = tensor(components, device);
        Self { mean: tensor(mean, device), projection: projection.transpose() }
    }

    /// `[batch, inputs]` to `[batch, dims]`, centred and not scaled to length 1.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        (x - self.mean.clone().unsqueeze()).matmul(self.projection.clone())
    }
}

impl Fit {
    /// The leading components of vectors of equal length; at most one fewer than there are
    /// vectors, and at most as many as carry any variance. `None` where none does.
    pub fn of(vectors: &[Vec<f32>], dims: usize, whiten: bool) -> Option<Self> {
        let inputs = vectors.first()?.len();
        let count = vectors.len() as f64;
        let mut mean = vec![0.0_f64; inputs];
        for vector in vectors {
            mean.iter_mut().zip(vector).for_each(|(m, &v)| *m += f64::from(v) / count);
        }
        let centered: Vec<Vec<f64>> = vectors
            .iter()
            .map(|vector| vector.iter().zip(&mean).map(|(&v, m)| f64::from(v) - m).collect())
            .collect();
        // The eigenvectors of the smaller of covariance and Gram matrix give those of the other.
        let directions = if vectors.len() > inputs {
            let columns: Vec<Vec<f64>> =
                (0..inputs).map(|i| centered.iter().map(|row| row[i]).collect()).collect();
            symmetric_eigen(&products(&columns, count - 1.0))
        } else {
            let (values, small) = symmetric_eigen(&products(&centered, count - 1.0));
            let large = small.par_iter().map(|u| combine(u, &centered, inputs)).collect();
            (values, large)
        };
        let (eigenvalues, components) = directions;
        let largest = eigenvalues.first().copied().unwrap_or(0.0);
        let kept = eigenvalues
            .iter()
            .take(dims.min(vectors.len().saturating_sub(1)))
            .take_while(|&&value| value > largest * 1e-10)
            .count();
        if kept == 0 {
            return None;
        }
        let rows = components.iter().zip(&eigenvalues).take(kept).flat_map(|(row, &value)| {
            let scale =
                if whiten { value.max(largest * EIGENVALUE_FLOOR).sqrt().recip() } else { 1.0 };
            let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            let sign = largest_entry(row).signum();
            row.iter().map(move |v| (v / length * sign * scale) as f32)
        });
        Some(Self {
            components: Array::new([kept, inputs], rows.collect()),
            mean: Array::new([inputs], mean.iter().map(|&m| m as f32).collect()),
            eigenvalues: Array::new(
                [kept],
                eigenvalues[..kept].iter().map(|&v| v as f32).collect(),
            ),
        })
    }
}

/// Dot products of all pairs, over `divisor`.
fn products(vectors: &[Vec<f64>], divisor: f64) -> Vec<Vec<f64>> {
    let n = vectors.len();
    let half: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| (0..=i).map(|j| dot(&vectors[i], &vectors[j]) / divisor).collect())
        .collect();
    (0..n).map(|i| (0..n).map(|j| half[i.max(j)][i.min(j)]).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

fn combine(weights: &[f64], vectors: &[Vec<f64>], inputs: usize) -> Vec<f64> {
    let mut sum = vec![0.0; inputs];
    for (weight, vector) in weights.iter().zip(vectors) {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += weight * v);
    }
    sum
}

fn largest_entry(row: &[f64]) -> f64 {
    row.iter().fold(0.0_f64, |best, &v| if v.abs() > best.abs() { v } else { best })
}

/// Eigenvalues, falling, and eigenvectors of a symmetric matrix, by cyclic Jacobi rotations
/// (Golub and Van Loan, Matrix Computations, section 8.5).
pub(super) fn symmetric_eigen(matrix: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    const MAX_SWEEPS: usize = 30;
    let n = matrix.len();
    let mut a = matrix.to_vec();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let scale: f64 = a.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
    for _ in 0..MAX_SWEEPS {
        let off_diagonal = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
        let rest: f64 = off_diagonal.map(|(i, j)| a[i][j] * a[i][j]).sum::<f64>().sqrt();
        if rest <= scale * 1e-13 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q, scale * 1e-16);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a[i][i].max(0.0)).collect();
    (values, order.iter().map(|&i| vectors[i].clone()).collect())
}

/// The rotation in the plane of `p` and `q` that makes their entry zero.
fn rotate(a: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize, negligible: f64) {
    let entry = a[p][q];
    if entry.abs() <= negligible {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let tangent = if theta == 0.0 { 1.0 } else { tangent };
    let cosine = tangent.hypot(1.0).recip();
    let sine = tangent * cosine;
    let turn = |x: &mut f64, y: &mut f64| {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    };
    for row in a.iter_mut() {
        let (left, right) = row.split_at_mut(q);
        turn(&mut left[p], &mut right[0]);
    }
    for rows in [a, vectors] {
        let (upper, lower) = rows.split_at_mut(q);
        upper[p].iter_mut().zip(&mut lower[0]).for_each(|(x, y)| turn(x, y));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::random::Random;
    use super::*;

    fn samples(count: usize, inputs: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut random = Random::new(seed);
        (0..count)
            .map(|_| (0..inputs).map(|i| random.unit() as f32 * (i + 1) as f32).collect())
            .collect()
    }

    fn applied(fit: &Fit, vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let device = Device::flex();
        let pca = PcaWhitening::new(&fit.mean, &fit.components, &device);
        let x = Array::new([vectors.len(), vectors[0].len()], vectors.concat());
        let dims = fit.components.dims[0];
        let values: Vec<f32> =
            pca.forward(tensor(&x, &device)).into_data().try_into_vec().expect("f32 values");
        values.chunks_exact(dims).map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn two_by_two_comes_out_as_by_hand() {
        // [[2, 1], [1, 2]]: eigenvalues 3 and 1 along (1, 1) and (1, -1).
        let (values, vectors) = symmetric_eigen(&[vec![2.0, 1.0], vec![1.0, 2.0]]);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
        let half = 0.5_f64.sqrt();
        assert!(vectors.iter().flatten().all(|v| (v.abs() - half).abs() < 1e-12));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn whitened_training_data_has_unit_covariance(seed in 0_u64..1000, few in any::<bool>()) {
            // Once with fewer vectors than numbers in each, once with more.
            let vectors = if few { samples(9, 20, seed) } else { samples(60, 6, seed) };
            let fit = Fit::of(&vectors, 5, true).expect("they vary");
            let white = applied(&fit, &vectors);
            for i in 0..5 {
                for j in 0..5 {
                    let sum: f32 = white.iter().map(|w| w[i] * w[j]).sum();
                    let covariance = sum / (vectors.len() - 1) as f32;
                    let expected = if i == j { 1.0 } else { 0.0 };
                    prop_assert!((covariance - expected).abs() < 2e-3, "{i} {j} {covariance}");
                }
            }
        }

        #[test]
        fn unwhitened_components_keep_distances_when_all_are_kept(seed in 0_u64..1000) {
            let vectors = samples(7, 10, seed);
            let fit = Fit::of(&vectors, 10, false).expect("they vary");
            prop_assert_eq!(fit.components.dims[0], 6);
            let projected = applied(&fit, &vectors);
            let distance = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt()
            };
            for i in 0..7 {
                for j in 0..7 {
                    let before = distance(&vectors[i], &vectors[j]);
                    let after = distance(&projected[i], &projected[j]);
                    prop_assert!((before - after).abs() < 1e-3, "{before} {after}");
                }
            }
        }
    }

    #[test]
    fn no_direction_without_variance_is_kept() {
        let vectors = vec![vec![1.0, 2.0, 0.0], vec![2.0, 4.0, 0.0], vec![3.0, 6.0, 0.0]];
        assert_eq!(Fit::of(&vectors, 3, true).map(|fit| fit.components.dims), Some(vec![1, 3]));
        for alike in [vec![], vec![vec![1.0, 2.0]], vec![vec![1.0, 2.0]; 5]] {
            assert_eq!(Fit::of(&alike, 3, true), None, "{alike:?}");
        }
    }
}
