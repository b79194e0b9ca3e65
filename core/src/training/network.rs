//! What learns, and how a gradient reaches it: the trunk's last block, then NetVLAD.
//!
//! Maps have their channels last here, so that a convolution is one matrix product over all
//! positions of a batch. Biases are kept as the trunk's file has them and divided by
//! [`Architecture::range_divisor`] on the way, so that a learning rate means what it means in the
//! literature.

use std::collections::BTreeMap;

use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::config::{Distance, Loss};
use super::loss::{self, BatchTuple};
use crate::encoder::backbone::Architecture;
use crate::encoder::netvlad::{NetVlad, normalize};
use crate::encoder::tensors::Array;

pub const ASSIGNMENT: &str = "netvlad.assignment";
pub const BIAS: &str = "netvlad.bias";
pub const CENTROIDS: &str = "netvlad.centroids";

/// What learns, as plain numbers by name: the last block's as in a trunk's file, and NetVLAD's
/// three.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters(pub BTreeMap<String, Array>);

/// Maps that enter the last block.
#[derive(Debug, Clone, PartialEq)]
pub struct Maps {
    /// `[batch, rows, columns, channels]`, over the trunk's range divisor.
    pub maps: Array,
    /// `[batch, rows * columns]`.
    pub weights: Array,
}

/// How the tuples of a batch are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judge {
    pub loss: Loss,
    pub distance: Distance,
    pub margin: f64,
}

/// The parameters where they compute.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    /// By name, flat: what a gradient is asked for.
    leaves: BTreeMap<String, Tensor<1>>,
    /// A kernel `[9 * inputs, outputs]` and a bias `[1, outputs]` for each convolution.
    block: Vec<(Tensor<2>, Tensor<2>)>,
    netvlad: NetVlad,
    device: Device,
    dtype: DType,
}

impl Network {
    /// For describing.
    pub fn new(architecture: Architecture, parameters: &Parameters, device: &Device) -> Self {
        Self::on(architecture, parameters, device.clone(), DType::F32)
    }

    /// For one step of training: [`Self::gradients`] can be asked once.
    pub fn learning(architecture: Architecture, parameters: &Parameters, device: &Device) -> Self {
        Self::on(architecture, parameters, device.clone().autodiff(), DType::F32)
    }

    fn on(
        architecture: Architecture,
        parameters: &Parameters,
        device: Device,
        dtype: DType,
    ) -> Self {
        let leaf = |(name, array): (&String, &Array)| {
            let data = TensorData::new(array.values.clone(), [array.values.len()]);
            let leaf = Tensor::<1>::from_data(data, (&device, dtype));
            (name.clone(), if device.is_autodiff() { leaf.require_grad() } else { leaf })
        };
        let leaves: BTreeMap<String, Tensor<1>> = parameters.0.iter().map(leaf).collect();
        let block = architecture
            .last_block()
            .chunks_exact(2)
            .map(|pair| {
                let (weight, dims) = &pair[0];
                let [outputs, inputs, rows, columns] = dims[..] else {
                    unreachable!("a convolution has four axes")
                };
                assert_eq!((rows, columns), (3, 3), "last blocks are of 3 x 3 convolutions");
                let kernel = leaves[weight].clone().reshape([outputs, inputs, rows, columns]);
                let kernel = kernel.permute([2, 3, 1, 0]).reshape([9 * inputs, outputs]);
                let divisor = f64::from(architecture.range_divisor());
                (kernel, (leaves[&pair[1].0].clone() / divisor).reshape([1, outputs]))
            })
            .collect();
        let [clusters, dims] = parameters.0[CENTROIDS].dims[..] else {
            unreachable!("centres are a matrix")
        };
        let netvlad = NetVlad::of(
            leaves[ASSIGNMENT].clone().reshape([clusters, dims]),
            leaves[BIAS].clone(),
            leaves[CENTROIDS].clone().reshape([clusters, dims]),
        );
        Self { architecture, leaves, block, netvlad, device, dtype }
    }

    /// The VLAD of each map, `[batch, clusters * dims]`, each of length 1.
    pub fn forward(&self, maps: &Maps) -> Tensor<2> {
        let local = self.local_descriptors(maps);
        let [batch, positions, _] = local.dims();
        let weights = TensorData::new(maps.weights.values.clone(), [batch, positions]);
        self.netvlad.forward(local, Tensor::from_data(weights, (&self.device, self.dtype)))
    }

    /// The VLAD of each map as plain numbers.
    pub fn describe(&self, maps: &Maps) -> Vec<Vec<f32>> {
        let vlad = self.forward(maps);
        let [_, dims] = vlad.dims();
        let values: Vec<f32> = vlad.into_data().try_into_vec().expect("the device computes in f32");
        values.chunks_exact(dims).map(<[f32]>::to_vec).collect()
    }

    /// The last feature map, each position of length 1: `[batch, positions, channels]`.
    pub fn local_descriptors(&self, maps: &Maps) -> Tensor<3> {
        let [batch, rows, columns, channels] = maps.maps.dims[..] else {
            unreachable!("maps have four axes")
        };
        let data = TensorData::new(maps.maps.values.clone(), [batch, rows, columns, channels]);
        let mut x = Tensor::<4>::from_data(data, (&self.device, self.dtype));
        for (idx, (kernel, bias)) in self.block.iter().enumerate() {
            if idx > 0 {
                x = relu(x);
            }
            x = convolve(x, kernel, bias);
        }
        let channels = self.architecture.channels();
        normalize(x.reshape([batch, rows * columns, channels]), 2)
    }

    /// The loss of a batch and its gradient by every parameter; `None` where no tuple is whole.
    pub fn gradients(
        self,
        maps: &Maps,
        tuples: &[BatchTuple],
        judge: Judge,
    ) -> Option<(f64, Parameters)> {
        let descriptors = self.forward(maps);
        let Judge { loss, distance, margin } = judge;
        let loss = loss::of_batch(&descriptors, tuples, loss, distance, margin)?;
        let mut gradients = loss.backward();
        let value = loss.into_scalar::<f32>();
        let by_name = self.leaves.iter().map(|(name, leaf)| {
            let zeros = || vec![0.0; leaf.dims()[0]];
            // A parameter that no map reached has no gradient: that is zero.
            let values = leaf.grad_remove(&mut gradients).map_or_else(zeros, |gradient| {
                gradient.into_data().convert::<f32>().try_into_vec().expect("converted to f32")
            });
            (name.clone(), Array::new([values.len()], values))
        });
        Some((f64::from(value), Parameters(by_name.collect())))
    }
}

/// A 3 x 3 convolution with a border of zeros, channels last: nine shifted copies side by side,
/// and one matrix product.
fn convolve(x: Tensor<4>, kernel: &Tensor<2>, bias: &Tensor<2>) -> Tensor<4> {
    let [batch, rows, columns, channels] = x.dims();
    let [_, outputs] = kernel.dims();
    let options = (&x.device(), x.dtype());
    let framed = Tensor::<4>::zeros([batch, rows + 2, columns + 2, channels], options)
        .slice_assign([0..batch, 1..rows + 1, 1..columns + 1, 0..channels], x);
    let taps = (0..9).map(|tap| {
        let (row, column) = (tap / 3, tap % 3);
        framed.clone().slice([0..batch, row..row + rows, column..column + columns, 0..channels])
    });
    let taps = Tensor::cat(taps.collect(), 3).reshape([batch * rows * columns, 9 * channels]);
    (taps.matmul(kernel.clone()) + bias.clone()).reshape([batch, rows, columns, outputs])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::backbone::{Input, Trunk, random_weights};
    use crate::encoder::head::{Head, Learnt};
    use crate::encoder::random::Random;
    use crate::encoder::tensors::{TensorFile, to_bytes};

    fn draw(random: &mut Random, dims: &[usize], low: f64, high: f64) -> Array {
        let count = dims.iter().product();
        let values = (0..count).map(|_| (low + (high - low) * random.unit()) as f32).collect();
        Array::new(dims, values)
    }

    /// Maps and parameters drawn by the generator that the reference script has, in its order.
    fn drawn(
        architecture: Architecture,
        side: usize,
        clusters: usize,
        seed: u64,
    ) -> (Maps, Parameters) {
        let mut random = Random::new(seed);
        let block = architecture.last_block();
        let (inputs, outputs) = (block[0].1[1], architecture.channels());
        let maps = draw(&mut random, &[4, side, side, inputs], -1.0, 1.0);
        let weights = draw(&mut random, &[4, side * side], 0.02, 1.0);
        let bound = if architecture == Architecture::Tiny { 0.5 } else { 0.03 };
        let mut arrays: BTreeMap<String, Vec<usize>> = block.into_iter().collect();
        arrays.insert(ASSIGNMENT.to_owned(), vec![clusters, outputs]);
        arrays.insert(BIAS.to_owned(), vec![clusters]);
        arrays.insert(CENTROIDS.to_owned(), vec![clusters, outputs]);
        let parameters = arrays.into_iter().map(|(name, dims)| {
            let bound = match name.as_str() {
                ASSIGNMENT => 4.0,
                BIAS => 1.0,
                CENTROIDS => 0.5,
                _ => bound,
            };
            let array = draw(&mut random, &dims, -bound, bound);
            (name, array)
        });
        (Maps { maps, weights }, Parameters(parameters.collect()))
    }

    fn tuples() -> [BatchTuple; 2] {
        [
            BatchTuple { query: 0, positives: vec![1], negatives: vec![2, 3] },
            BatchTuple { query: 2, positives: vec![3, 0], negatives: vec![1] },
        ]
    }

    const JUDGES: [Judge; 2] = [
        Judge { loss: Loss::Ranking, distance: Distance::Squared, margin: 1.0 },
        Judge { loss: Loss::Triplet, distance: Distance::Plain, margin: 0.7 },
    ];

    #[test]
    fn losses_and_gradients_are_those_of_the_reference_computation() {
        let text = include_str!("../../../tests/core/training_reference.json");
        let reference: serde_json::Value = serde_json::from_str(text).expect("the script's output");
        let numbers = |value: &serde_json::Value| -> Vec<f64> {
            let list = value.as_array().expect("a list").iter();
            list.map(|v| v.as_f64().expect("a number")).collect()
        };
        let close = |ours: &[f32], theirs: &[f64], name: &str| {
            assert_eq!(ours.len(), theirs.len(), "{name}");
            let largest = theirs.iter().fold(0.0_f64, |a, &b| a.max(b.abs()));
            for (ours, theirs) in ours.iter().zip(theirs) {
                let error = (f64::from(*ours) - theirs).abs();
                assert!(error < 2e-5 * largest, "{name}: {ours} {theirs}");
            }
        };
        let (maps, parameters) = drawn(Architecture::Tiny, 3, 3, 20);
        let described =
            Network::new(Architecture::Tiny, &parameters, &Device::flex()).describe(&maps).concat();
        close(&described, &numbers(&reference["descriptors"]), "descriptors");
        for (judge, run) in JUDGES.into_iter().zip(reference["runs"].as_array().expect("runs")) {
            let network = Network::learning(Architecture::Tiny, &parameters, &Device::flex());
            let (loss, gradient) =
                network.gradients(&maps, &tuples(), judge).expect("whole tuples");
            let theirs = run["loss"].as_f64().expect("a number");
            assert!((loss - theirs).abs() < 1e-5, "{loss} {theirs}");
            for (name, ours) in &gradient.0 {
                close(&ours.values, &numbers(&run["gradients"][name]), name);
            }
        }
    }

    /// The slope of the loss along one number, by central differences in double precision.
    fn slope(
        architecture: Architecture,
        maps: &Maps,
        parameters: &Parameters,
        judge: Judge,
        (name, at): (&str, usize),
    ) -> f64 {
        let loss = |step: f32| {
            let mut moved = parameters.clone();
            let value = &mut moved.0.get_mut(name).expect("its name").values[at];
            *value += step;
            let value = f64::from(*value);
            let network = Network::on(architecture, &moved, Device::flex(), DType::F64);
            let Judge { loss, distance, margin } = judge;
            let loss = loss::of_batch(&network.forward(maps), &tuples(), loss, distance, margin);
            (loss.expect("whole tuples").into_scalar::<f64>(), value)
        };
        let ((high, right), (low, left)) = (loss(1e-4), loss(-1e-4));
        (high - low) / (right - left)
    }

    #[test]
    fn every_gradient_of_both_losses_is_the_slope_by_finite_differences() {
        let (maps, parameters) = drawn(Architecture::Tiny, 3, 3, 21);
        for judge in JUDGES {
            let network = Network::learning(Architecture::Tiny, &parameters, &Device::flex());
            let (_, gradient) = network.gradients(&maps, &tuples(), judge).expect("whole tuples");
            for (name, array) in &gradient.0 {
                // Every one of NetVLAD's, every fifth of the convolution's.
                let stride = if name.starts_with("features.") { 5 } else { 1 };
                for (at, &ours) in array.values.iter().enumerate().step_by(stride) {
                    let slope = slope(Architecture::Tiny, &maps, &parameters, judge, (name, at));
                    let error = (f64::from(ours) - slope).abs();
                    assert!(error < 1e-5 + 1e-3 * slope.abs(), "{name} {at}: {ours} {slope}");
                }
            }
        }
    }

    #[test]
    fn the_gradient_reaches_down_to_conv5_1_of_vgg16() {
        let architecture = Architecture::Vgg16;
        let (maps, parameters) = drawn(architecture, 2, 2, 22);
        let network = Network::learning(architecture, &parameters, &Device::flex());
        let judge = JUDGES[0];
        let (_, gradient) = network.gradients(&maps, &tuples(), judge).expect("whole tuples");
        for name in ["features.24.weight", "features.26.bias", "features.28.weight"] {
            let values = &gradient.0[name].values;
            let steepest =
                (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()));
            let at = steepest.expect("there are values");
            let slope = slope(architecture, &maps, &parameters, judge, (name, at));
            let ours = f64::from(values[at]);
            assert!(slope != 0.0 && (ours / slope - 1.0).abs() < 1e-2, "{name}: {ours} {slope}");
        }
    }

    #[test]
    fn what_learns_describes_as_the_encoder_does() {
        let architecture = Architecture::Tiny;
        let (_, parameters) = drawn(architecture, 4, 5, 23);
        let bytes = to_bytes(&random_weights(architecture, 4));
        let file = TensorFile::of(std::path::Path::new("random"), bytes).expect("our own weights");
        let block: BTreeMap<String, Array> = architecture
            .last_block()
            .into_iter()
            .map(|(name, _)| (name.clone(), parameters.0[&name].clone()))
            .collect();
        let trunk = |file: &TensorFile| {
            Trunk::load(file, architecture, Input::Grey, &Device::flex()).expect("our own weights")
        };
        let mut random = Random::new(9);
        let picture: Vec<f32> = (0..64 * 64).map(|_| random.below(256) as f32).collect();
        let pictures = [picture];
        let weights = draw(&mut random, &[1, 16], 0.02, 1.0);
        let below = trunk(&file).map_below_last_block(&pictures, 64).expect("flex");
        let channels_last = (0..16).flat_map(|place| (0..8).map(move |c| c * 16 + place));
        let maps = Maps {
            maps: Array::new([1, 4, 4, 8], channels_last.map(|at| below.values[at]).collect()),
            weights: weights.clone(),
        };
        let ours =
            Network::new(architecture, &parameters, &Device::flex()).describe(&maps).concat();

        let whole = trunk(&file.with(block)).feature_map(&pictures, 64).expect("flex");
        let own = |name: &str| parameters.0[name].clone();
        let head = Head::new(&Learnt {
            local_pca: None,
            assignment: own(ASSIGNMENT),
            bias: own(BIAS),
            centroids: own(CENTROIDS),
            region_weighted: true,
            pca: None,
            last_block: BTreeMap::new(),
        });
        let theirs = head.describe(&whole, &[weights.values]);
        let cosine: f32 = ours.iter().zip(&theirs).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.99999, "{cosine}");
    }
}
