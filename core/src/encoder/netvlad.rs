//! The NetVLAD layer (Arandjelović et al., arXiv:1511.07247, section 3.1).
//!
//! One addition to the paper: a weight per position multiplies its soft assignment, so that what
//! lies inside the outline counts and what lies around it hardly does. Weights of 1 give the
//! paper's layer.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::backbone::tensor;
use super::tensors::Array;

/// Below this length a vector is left short instead of being blown up to length 1.
const TINY: f64 = 1e-12;

/// `w`, `b` and `c` of equation 4, apart as the paper has them, so that training may move each.
#[derive(Debug, Clone)]
pub struct NetVlad {
    /// `w`: `[clusters, dims]`.
    assignment: Tensor<2>,
    /// `b`: `[clusters]`.
    bias: Tensor<1>,
    /// `c`: `[clusters, dims]`.
    centroids: Tensor<2>,
}

impl NetVlad {
    /// From arrays `[clusters, dims]`, `[clusters]`, `[clusters, dims]`.
    pub fn new(assignment: &Array, bias: &Array, centroids: &Array, device: &Device) -> Self {
        Self {
            assignment: tensor(assignment, device),
            bias: tensor(bias, device),
            centroids: tensor(centroids, device),
        }
    }

    /// From tensors that a gradient may reach.
    pub(crate) fn of(assignment: Tensor<2>, bias: Tensor<1>, centroids: Tensor<2>) -> Self {
        Self { assignment, bias, centroids }
    }

    /// The authors' start from k-means (their released code, `vladv1`): `w` is the centre's
    /// direction times alpha, `b` is 0.
    pub fn initial(centroids: &Array, alpha: f64) -> (Array, Array) {
        let dims = centroids.dims[1];
        let assignment = centroids
            .values
            .chunks_exact(dims)
            .flat_map(|centroid| {
                let length = norm(centroid).max(TINY);
                centroid.iter().map(move |&v| (f64::from(v) / length * alpha) as f32)
            })
            .collect();
        let bias = Array::new([centroids.dims[0]], vec![0.0; centroids.dims[0]]);
        (Array::new(centroids.dims.clone(), assignment), bias)
    }

    /// Aggregates `[batch, positions, dims]`, each position of length 1, with weights
    /// `[batch, positions]`, to `[batch, clusters * dims]` of length 1.
    pub fn forward(&self, x: Tensor<3>, weights: Tensor<2>) -> Tensor<2> {
        let [batch, _, dims] = x.dims();
        let [clusters, _] = self.centroids.dims();

        // Equations 3 and 4: soft assignment of each position to each cluster.
        let scores = x.clone().matmul(self.assignment.clone().transpose().unsqueeze())
            + self.bias.clone().reshape([1, 1, clusters]);
        let soft_assignment = softmax(scores, 2) * weights.unsqueeze_dim::<3>(2);

        // Sum over positions of a_k(x) (x - c_k), the two terms apart: [batch, clusters, dims].
        let mass = soft_assignment.clone().sum_dim(1).swap_dims(1, 2);
        let residuals = soft_assignment.swap_dims(1, 2).matmul(x)
            - mass * self.centroids.clone().unsqueeze::<3>();

        let intra_normalized = normalize(residuals, 2);
        normalize(intra_normalized.reshape([batch, clusters * dims]), 1)
    }
}

/// Scales along an axis to length 1.
pub fn normalize<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    // The floor comes before the root, whose slope at zero is infinite.
    let length = x.clone().square().sum_dim(axis).clamp_min(TINY * TINY).sqrt();
    x / length
}

/// Alpha by the 100 : 1 rule of the authors' code: with it the nearest centre gets on average 100
/// times the assignment of the second nearest. `-ln(0.01)` over the mean gap of the two largest
/// dot products between a sample and the centres' directions.
pub fn alpha(samples: &[f32], centroids: &Array) -> f64 {
    let dims = centroids.dims[1];
    let directions: Vec<Vec<f64>> = centroids
        .values
        .chunks_exact(dims)
        .map(|c| {
            let length = norm(c).max(TINY);
            c.iter().map(|&v| f64::from(v) / length).collect()
        })
        .collect();
    let gaps = samples.chunks_exact(dims).map(|sample| {
        let (mut first, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for direction in &directions {
            let dot = sample.iter().zip(direction).map(|(&s, d)| f64::from(s) * d).sum();
            if dot > first {
                (first, second) = (dot, first);
            } else if dot > second {
                second = dot;
            }
        }
        first - second
    });
    let count = (samples.len() / dims).max(1) as f64;
    let mean_gap = gaps.sum::<f64>() / count;
    -(0.01_f64.ln()) / mean_gap.max(1e-6)
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(layer: &NetVlad, positions: &[[f32; 2]], weights: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let n = positions.len();
        let x = tensor(&Array::new([1, n, 2], positions.as_flattened().to_vec()), &device);
        let w = tensor(&Array::new([1, n], weights.to_vec()), &device);
        layer.forward(x, w).into_data().try_into_vec().expect("f32 values")
    }

    fn two_clusters(alpha: f64) -> NetVlad {
        let centroids = Array::new([2, 2], vec![1.0, 0.0, 0.0, 1.0]);
        let (assignment, bias) = NetVlad::initial(&centroids, alpha);
        NetVlad::new(&assignment, &bias, &centroids, &Device::flex())
    }

    #[test]
    fn a_tiny_example_comes_out_as_by_hand() {
        // Clusters (1, 0) and (0, 1), alpha = ln 3; positions p = (1, 0) and q = (0.6, 0.8).
        // Scores of p: ln 3, 0       -> assignment 3/4, 1/4.
        // Scores of q: .6 ln 3, .8 ln 3 -> 3^-0.1 : 3^0.1 about; a = 1 / (1 + 3^0.2).
        let a = 1.0 / (1.0 + 3.0_f64.powf(0.2));
        // Cluster 1: 3/4 (p - c1) + a (q - c1) = a (-0.4, 0.8)          -> (-1, 2) / sqrt 5.
        // Cluster 2: 1/4 (1, -1) + (1 - a) (0.6, -0.2).
        let second = [0.25 + (1.0 - a) * 0.6, -0.25 - (1.0 - a) * 0.2];
        let length = second[0].hypot(second[1]);
        let half = 0.5_f64.sqrt();
        let expected = [
            -half / 5.0_f64.sqrt(),
            2.0 * half / 5.0_f64.sqrt(),
            half * second[0] / length,
            half * second[1] / length,
        ];
        let vlad = run(&two_clusters(3.0_f64.ln()), &[[1.0, 0.0], [0.6, 0.8]], &[1.0, 1.0]);
        for (value, expected) in vlad.iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-6, "{vlad:?}");
        }
    }

    #[test]
    fn alpha_makes_the_nearest_centre_a_hundred_times_the_second() {
        // One sample at 60 degrees: dots cos 60 = 0.5 and sin 60, a gap of 0.366025.
        let centroids = Array::new([2, 2], vec![2.0, 0.0, 0.0, 0.5]);
        let sample = [0.5, 0.75_f32.sqrt()];
        let expected = 100.0_f64.ln() / (0.75_f64.sqrt() - 0.5);
        assert!((alpha(&sample, &centroids) - expected).abs() < 1e-4);
    }

    #[test]
    fn a_position_of_weight_zero_is_not_seen() {
        let layer = two_clusters(5.0);
        let with = run(&layer, &[[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]], &[1.0, 1.0, 0.0]);
        let without = run(&layer, &[[1.0, 0.0], [0.6, 0.8]], &[1.0, 1.0]);
        assert_eq!(with, without);
    }

    proptest! {
        #[test]
        fn the_order_of_positions_does_not_matter_and_the_length_is_one(
            angles in proptest::collection::vec((0.0_f32..6.3, 0.02_f32..1.0), 2..12),
            turn in 0_usize..12,
        ) {
            let layer = two_clusters(7.0);
            let mut angles = angles;
            let split = |angles: &[(f32, f32)]| -> (Vec<[f32; 2]>, Vec<f32>) {
                angles.iter().map(|&(a, w)| ([a.cos(), a.sin()], w)).unzip()
            };
            let (positions, weights) = split(&angles);
            let vlad = run(&layer, &positions, &weights);
            let at = turn % angles.len();
            angles.rotate_left(at);
            angles.reverse();
            let (positions, weights) = split(&angles);
            let reordered = run(&layer, &positions, &weights);
            prop_assert!((norm(&vlad) - 1.0).abs() < 1e-5);
            for (a, b) in vlad.iter().zip(&reordered) {
                prop_assert!((a - b).abs() < 1e-3, "{vlad:?} {reordered:?}");
            }
        }
    }
}
