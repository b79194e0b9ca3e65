//! The convolutional trunk up to its last feature map, before that map's ReLU.
//!
//! Radiographs are grey, so the first convolution is folded from R, G, B to two channels: the
//! grey value, and a plane of ones that carries the subtracted means. The plane is what makes the
//! borders exact: padding is zero *after* the mean is taken off, so a bias alone would be wrong
//! along the edge.

use std::collections::BTreeMap;

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::random::Random;
use super::tensors::{Array, Error, Storage, TensorFile};

/// The networks a trunk can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// VGG-16 to conv5_3 (Simonyan and Zisserman, arXiv:1409.1556, configuration D): 512 channels
    /// at a 16th of the side. Weights of the original, which takes 0 to 255 less the channel means.
    Vgg16,
    /// AlexNet to conv5 as torchvision has it (Krizhevsky, arXiv:1404.5997): 256 channels, 13 x 13
    /// for 224 x 224. Takes 0 to 1 less the mean, over the deviation.
    AlexNet,
    /// Five small convolutions for tests: 16 channels at a 16th of the side.
    Tiny,
}

/// One step of a trunk. Steps are counted as torchvision counts `features`: the weights of step
/// `n` are `features.n.weight` and `features.n.bias`.
#[derive(Debug, Clone, Copy)]
enum Step {
    Conv { channels: [usize; 2], kernel: usize, stride: usize, padding: usize },
    Relu,
    MaxPool { kernel: usize, stride: usize },
}

/// 3 x 3, as everywhere in VGG.
const fn conv(inputs: usize, outputs: usize) -> Step {
    Step::Conv { channels: [inputs, outputs], kernel: 3, stride: 1, padding: 1 }
}

const RELU: Step = Step::Relu;
const HALVE: Step = Step::MaxPool { kernel: 2, stride: 2 };

#[rustfmt::skip]
const VGG16: &[Step] = &[
    conv(3, 64), RELU, conv(64, 64), RELU, HALVE,
    conv(64, 128), RELU, conv(128, 128), RELU, HALVE,
    conv(128, 256), RELU, conv(256, 256), RELU, conv(256, 256), RELU, HALVE,
    conv(256, 512), RELU, conv(512, 512), RELU, conv(512, 512), RELU, HALVE,
    conv(512, 512), RELU, conv(512, 512), RELU, conv(512, 512),
];

#[rustfmt::skip]
const ALEXNET: &[Step] = &[
    Step::Conv { channels: [3, 64], kernel: 11, stride: 4, padding: 2 }, RELU,
    Step::MaxPool { kernel: 3, stride: 2 },
    Step::Conv { channels: [64, 192], kernel: 5, stride: 1, padding: 2 }, RELU,
    Step::MaxPool { kernel: 3, stride: 2 },
    conv(192, 384), RELU, conv(384, 256), RELU, conv(256, 256),
];

#[rustfmt::skip]
const TINY: &[Step] = &[
    conv(3, 4), RELU, HALVE, conv(4, 8), RELU, HALVE, conv(8, 8), RELU, HALVE,
    conv(8, 8), RELU, HALVE, conv(8, 16),
];

impl Architecture {
    fn steps(self) -> &'static [Step] {
        match self {
            Self::Vgg16 => VGG16,
            Self::AlexNet => ALEXNET,
            Self::Tiny => TINY,
        }
    }

    /// Its word in file names and in `encoder.toml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vgg16 => "vgg16",
            Self::AlexNet => "alexnet",
            Self::Tiny => "tiny",
        }
    }

    /// The network with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Vgg16, Self::AlexNet, Self::Tiny].into_iter().find(|a| a.word() == word)
    }

    /// Channels of the last feature map.
    pub fn channels(self) -> usize {
        self.steps().iter().rev().find_map(|s| s.outputs()).expect("every trunk convolves")
    }

    /// Where the last block begins, the part that training may move: the step after VGG-16's
    /// pool4 (conv5_1 to conv5_3), and the last convolution of the others.
    const fn last_block_step(self) -> usize {
        match self {
            Self::Vgg16 => 24,
            Self::AlexNet => 10,
            Self::Tiny => 12,
        }
    }

    /// Names and shapes of the last block's tensors, a weight and a bias for each convolution, as
    /// a trunk's file has them.
    pub fn last_block(self) -> Vec<(String, Vec<usize>)> {
        let steps = self.steps().iter().enumerate().skip(self.last_block_step());
        steps
            .filter_map(|(idx, step)| match *step {
                Step::Conv { channels: [inputs, outputs], kernel, .. } => Some([
                    (format!("features.{idx}.weight"), vec![outputs, inputs, kernel, kernel]),
                    (format!("features.{idx}.bias"), vec![outputs]),
                ]),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// Name of the last map after its ReLU, as torchvision counts: how fixtures call it.
    pub(super) fn relu_name(self) -> String {
        format!("features.{}_relu", self.steps().len())
    }

    /// What the network takes in channel R, G, B for a value of 0 to 255: `scale * v + offset`.
    fn input(self) -> [(f64, f64); 3] {
        match self {
            // The means that the authors' Caffe model subtracts.
            Self::Vgg16 | Self::Tiny => [(1.0, -123.68), (1.0, -116.779), (1.0, -103.939)],
            // torchvision's ImageNet mean and deviation.
            Self::AlexNet => [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]
                .map(|(mean, deviation)| (1.0 / 255.0 / deviation, -mean / deviation)),
        }
    }

    /// By what the first weights and every bias are divided, and so the output: a power of two, so
    /// exact. VGG-16's maps reach 24,000; divided, they fit in 16 bits where a device computes so.
    /// The descriptor does not see it: every position is scaled to length 1.
    pub(crate) const fn range_divisor(self) -> f32 {
        match self {
            Self::Vgg16 => 64.0,
            Self::AlexNet | Self::Tiny => 1.0,
        }
    }

    /// What must be said wherever its published weights ship.
    pub const fn credit(self) -> &'static str {
        match self {
            Self::Vgg16 => {
                "VGG-16 convolution weights (c) Karen Simonyan and Andrew Zisserman, Visual \
                 Geometry Group, University of Oxford, CC BY 4.0, \"Very Deep Convolutional \
                 Networks for Large-Scale Image Recognition\", arXiv:1409.1556; changes: channels \
                 reordered to RGB, tensors renamed, rounded to f16"
            }
            Self::AlexNet => "AlexNet weights as brought by the maker of this encoder",
            Self::Tiny => "random weights, for tests",
        }
    }
}

impl Step {
    fn outputs(self) -> Option<usize> {
        match self {
            Self::Conv { channels, .. } => Some(channels[1]),
            _ => None,
        }
    }
}

/// What goes into the first convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Grey values of 0 to 255: how radiographs are described.
    Grey,
    /// Three colours of 0 to 255: how a trunk is compared with its published activations.
    Rgb,
}

/// A trunk on a device.
#[derive(Debug)]
pub struct Trunk {
    architecture: Architecture,
    input: Input,
    device: Device,
    /// One pair for each convolution, in order.
    weights: Vec<(Tensor<4>, Tensor<1>)>,
}

/// Why a device gave no feature map.
#[derive(Debug, thiserror::Error)]
#[error("the device failed: {0}")]
pub struct Failure(pub String);

impl Trunk {
    /// Puts the weights of a file on a device.
    pub fn load(
        file: &TensorFile,
        architecture: Architecture,
        input: Input,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut weights = Vec::new();
        for (idx, step) in architecture.steps().iter().enumerate() {
            let Step::Conv { channels: [inputs, outputs], kernel, .. } = *step else { continue };
            let dims = [outputs, inputs, kernel, kernel];
            let mut weight = file.array_of(&format!("features.{idx}.weight"), &dims)?;
            let mut bias = file.array_of(&format!("features.{idx}.bias"), &[outputs])?;
            let divisor = architecture.range_divisor();
            bias.values.iter_mut().for_each(|v| *v /= divisor);
            if weights.is_empty() {
                weight.values.iter_mut().for_each(|v| *v /= divisor);
                if input == Input::Grey {
                    weight = fold_to_grey(&weight, architecture.input());
                }
            }
            weights.push((tensor(&weight, device), tensor(&bias, device)));
        }
        Ok(Self { architecture, input, device: device.clone(), weights })
    }

    /// [`Self::load`] for grey pictures on the CPU.
    pub fn on_cpu(file: &TensorFile, architecture: Architecture) -> Result<Self, Error> {
        Self::load(file, architecture, Input::Grey, &Device::flex())
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The last feature map of pictures of 0 to 255, each `channels` planes (1 for grey, 3 for
    /// colours) of `side * side`: an array `[pictures, channels, rows, columns]`.
    ///
    /// # Errors
    /// Where the device fails or answers with what is not a number.
    pub fn feature_map(&self, pictures: &[Vec<f32>], side: usize) -> Result<Array, Failure> {
        self.map_before(self.architecture.steps().len(), pictures, side)
    }

    /// The map that enters the last block, over [`Architecture::range_divisor`]: an array
    /// `[pictures, channels, rows, columns]`.
    pub(crate) fn map_below_last_block(
        &self,
        pictures: &[Vec<f32>],
        side: usize,
    ) -> Result<Array, Failure> {
        self.map_before(self.architecture.last_block_step(), pictures, side)
    }

    /// The map that enters a step.
    fn map_before(
        &self,
        step: usize,
        pictures: &[Vec<f32>],
        side: usize,
    ) -> Result<Array, Failure> {
        let map = self.forward(&self.architecture.steps()[..step], self.planes(pictures, side));
        let dims = map.dims();
        let data = map.try_into_data().map_err(|error| Failure(format!("{error:?}")))?;
        let values = data.try_into_vec::<f32>().map_err(|error| Failure(format!("{error:?}")))?;
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Failure("it answered with a value that is not a number".to_owned()));
        }
        Ok(Array::new(dims, values))
    }

    /// `[batch, channels, rows, columns]` through the first steps; after all of them it is the last
    /// feature map before its ReLU, over [`Architecture::range_divisor`].
    fn forward(&self, steps: &[Step], mut x: Tensor<4>) -> Tensor<4> {
        let mut weights = self.weights.iter();
        for step in steps {
            x = match *step {
                Step::Conv { stride, padding, .. } => {
                    let (weight, bias) = weights.next().expect("load made a pair for each");
                    let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
                    conv2d(x, weight.clone(), Some(bias.clone()), options)
                }
                Step::Relu => relu(x),
                Step::MaxPool { kernel, stride } => {
                    max_pool2d(x, MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]))
                }
            };
        }
        x
    }

    /// The planes that the first convolution takes.
    fn planes(&self, pictures: &[Vec<f32>], side: usize) -> Tensor<4> {
        let area = side * side;
        let mut values = Vec::new();
        for picture in pictures {
            match self.input {
                Input::Grey => {
                    assert_eq!(picture.len(), area, "one grey plane of side {side}");
                    values.extend_from_slice(picture);
                    values.resize(values.len() + area, 1.0);
                }
                Input::Rgb => {
                    assert_eq!(picture.len(), 3 * area, "three planes of side {side}");
                    for (plane, (scale, offset)) in
                        picture.chunks_exact(area).zip(self.architecture.input())
                    {
                        values
                            .extend(plane.iter().map(|&v| (f64::from(v) * scale + offset) as f32));
                    }
                }
            }
        }
        let channels = values.len() / (pictures.len().max(1) * area);
        let data = TensorData::new(values, [pictures.len(), channels, side, side]);
        Tensor::from_data(data, &self.device)
    }
}

/// `[out, 3, k, k]` to `[out, 2, k, k]`: what multiplies the grey value, and what multiplies 1.
fn fold_to_grey(weight: &Array, input: [(f64, f64); 3]) -> Array {
    let [outputs, _, rows, columns] = weight.dims[..] else {
        unreachable!("the shape was checked when it was read")
    };
    let taps = rows * columns;
    let mut values = Vec::with_capacity(outputs * 2 * taps);
    for kernel in weight.values.chunks_exact(3 * taps) {
        let sum = |tap: usize, factor: [f64; 3]| -> f32 {
            (0..3).map(|c| f64::from(kernel[c * taps + tap]) * factor[c]).sum::<f64>() as f32
        };
        values.extend((0..taps).map(|tap| sum(tap, input.map(|(scale, _)| scale))));
        values.extend((0..taps).map(|tap| sum(tap, input.map(|(_, offset)| offset))));
    }
    Array::new([outputs, 2, rows, columns], values)
}

/// An array as a tensor on a device.
pub(super) fn tensor<const D: usize>(array: &Array, device: &Device) -> Tensor<D> {
    let data = TensorData::new(array.values.clone(), array.dims.clone());
    Tensor::from_data(data, device)
}

/// Weights drawn at random (He et al., arXiv:1502.01852), under the names a trunk file has.
pub fn random_weights(architecture: Architecture, seed: u64) -> BTreeMap<String, (Array, Storage)> {
    let mut random = Random::new(seed);
    let mut arrays = BTreeMap::new();
    for (idx, step) in architecture.steps().iter().enumerate() {
        let Step::Conv { channels: [inputs, outputs], kernel, .. } = *step else { continue };
        let fan_in = inputs * kernel * kernel;
        let bound = (6.0 / fan_in as f64).sqrt();
        let mut draw = |n: usize, bound: f64| -> Vec<f32> {
            (0..n).map(|_| ((2.0 * random.unit() - 1.0) * bound) as f32).collect()
        };
        let weight = Array::new([outputs, inputs, kernel, kernel], draw(outputs * fan_in, bound));
        let bias = Array::new([outputs], draw(outputs, 0.1));
        arrays.insert(format!("features.{idx}.weight"), (weight, Storage::F16));
        arrays.insert(format!("features.{idx}.bias"), (bias, Storage::F16));
    }
    arrays
}
