//! Any network that turns a picture into a map: a convolutional trunk, which a GPU may run, or a
//! small network, which the CPU always runs.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::backbone::{Architecture, Failure, Input, Trunk};
use super::small::{SmallArchitecture, SmallNetwork};
use super::tensors::{Array, Error, TensorFile};

/// The networks there are, by their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Network {
    Trunk(Architecture),
    Small(SmallArchitecture),
}

/// A network with its weights, ready to run.
#[derive(Debug)]
pub enum Loaded {
    Trunk(Trunk),
    Small(SmallNetwork),
}

impl Network {
    /// Its word in file names and in `encoder.toml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trunk(architecture) => architecture.word(),
            Self::Small(architecture) => architecture.word(),
        }
    }

    /// The network with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Architecture::from_word(word)
            .map(Self::Trunk)
            .or_else(|| SmallArchitecture::from_word(word).map(Self::Small))
    }

    /// Channels of its map.
    pub fn channels(self) -> usize {
        match self {
            Self::Trunk(architecture) => architecture.channels(),
            Self::Small(architecture) => architecture.channels(),
        }
    }

    /// Names and shapes of the last block's tensors, which training may move; none of a small
    /// network.
    pub fn last_block(self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Trunk(architecture) => architecture.last_block(),
            Self::Small(_) => Vec::new(),
        }
    }

    /// What must be said wherever its published weights ship.
    pub const fn credit(self) -> &'static str {
        match self {
            Self::Trunk(architecture) => architecture.credit(),
            Self::Small(architecture) => architecture.credit(),
        }
    }
}

impl From<Architecture> for Network {
    fn from(architecture: Architecture) -> Self {
        Self::Trunk(architecture)
    }
}

impl From<SmallArchitecture> for Network {
    fn from(architecture: SmallArchitecture) -> Self {
        Self::Small(architecture)
    }
}

impl Loaded {
    /// Takes the weights of a file for grey pictures; a trunk goes to `device`, a small network
    /// stays on the CPU.
    pub fn grey(file: &TensorFile, network: Network, device: &Device) -> Result<Self, Error> {
        Ok(match network {
            Network::Trunk(architecture) => {
                Self::Trunk(Trunk::load(file, architecture, Input::Grey, device)?)
            }
            Network::Small(architecture) => Self::Small(SmallNetwork::load(file, architecture)?),
        })
    }

    /// The map before its ReLU of grey pictures of 0 to 255: `[pictures, channels, rows, columns]`.
    ///
    /// # Errors
    /// Where the device fails or answers with what is not a number.
    pub fn feature_map(&self, pictures: &[Vec<f32>], side: usize) -> Result<Array, Failure> {
        match self {
            Self::Trunk(trunk) => trunk.feature_map(pictures, side),
            Self::Small(network) => network.feature_map(pictures, side),
        }
    }
}
