//! Patches become descriptors: trunk, NetVLAD, PCA, join.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::descriptor::{Descriptor, EncoderId};
use crate::patch::Patch;

pub mod device;

/// Which device the caller wants for the convolution trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// A real GPU that passes the trial, else the CPU.
    #[default]
    Auto,
    /// Any adapter that passes the trial, a software one too.
    Gpu,
    Cpu,
}

/// Which device the trunk runs on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// "CPU (flex)" or the adapter's name.
    pub name: String,
    /// One sentence for the status bar.
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the encoder bundle cannot be read: {path}")]
    Read { path: PathBuf, source: std::io::Error },
}

/// A loaded bundle.
#[derive(Debug)]
pub struct Encoder {}

impl Encoder {
    /// Opens a bundle folder: checks its hashes and its known answer before anything else.
    pub fn open(bundle: &Path, device: DeviceChoice) -> Result<Self, Error> {
        let _ = (bundle, device);
        unimplemented!("owner: encoder")
    }

    pub fn id(&self) -> &EncoderId {
        unimplemented!("owner: encoder")
    }

    pub fn device(&self) -> &DeviceReport {
        unimplemented!("owner: encoder")
    }

    /// One descriptor a patch, in the same order.
    pub fn describe(&self, patches: &[Patch]) -> Result<Vec<Descriptor>, Error> {
        let _ = patches;
        unimplemented!("owner: encoder")
    }
}
