//! The options that name an encoder and its device, shared by every verb that describes regions.

use std::path::PathBuf;

use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::places;

#[derive(clap::Args)]
pub(crate) struct EncoderArgs {
    /// Folder of the encoder bundle; the one that ships unless named
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// What runs the convolutions: auto, gpu (any adapter, a software one too) or cpu
    #[arg(long, value_parser = device, default_value = "auto")]
    pub(crate) device: DeviceChoice,
}

impl EncoderArgs {
    pub(crate) fn bundle(&self) -> PathBuf {
        self.encoder.clone().unwrap_or_else(places::default_bundle)
    }

    pub(crate) fn open(&self) -> anyhow::Result<Encoder> {
        Ok(Encoder::open(&self.bundle(), self.device)?)
    }
}

/// A device from its word.
pub(crate) fn device(word: &str) -> Result<DeviceChoice, String> {
    match word {
        "auto" => Ok(DeviceChoice::Auto),
        "gpu" => Ok(DeviceChoice::Gpu),
        "cpu" => Ok(DeviceChoice::Cpu),
        _ => Err("write auto, gpu or cpu".to_owned()),
    }
}
