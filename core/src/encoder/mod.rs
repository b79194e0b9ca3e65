//! Patches become descriptors.
//!
//! ```text
//! Patch -> four views -> Trunk (backbone.rs; GPU or CPU) -> maps
//!                          -> Head (head.rs): local PCA, NetVLAD, mean over views, PCA -> texture
//!                     -> SmallNetwork (small.rs; CPU) -> maps -> rooted mean (mean.rs) -> look
//!       its measures  -> Arcs (arcs.rs) -> shape, margin
//!       all of these  -> Layer (lda.rs), where it was learnt -> learnt
//!       -> Join (join.rs) -> Descriptor
//! ```
//!
//! - [`tensors`]: safetensors in and out.
//! - [`backbone`], [`netvlad`], [`pca_whitening`], [`head`]: the trunk and what pools its maps, a
//!   layer a file.
//! - [`small`], [`mean`]: networks for any CPU, and the plain way to pool a map.
//! - [`network`]: either kind of network.
//! - [`arcs`]: numbers of any unit as a part of a descriptor.
//! - [`lda`], [`linear_layer`]: layers learnt from labels; [`learnt`]: one of them behind the rest.
//! - [`join`]: the parts of a descriptor and their shares of a distance.
//! - [`weights`], [`known_answer`], [`learnt_from`], [`bundle`]: one folder is one encoder.
//! - [`fixture`]: pictures and the activations they must give.
//! - [`device`]: a GPU is trusted once it has proved itself, else the CPU runs all.
//! - [`make`]: a new bundle from regions, by one of the recipes of [`recipe`].

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::descriptor::{Descriptor, EncoderId};
use crate::patch::{CELL, Patch};

pub mod arcs;
mod assembly;
pub mod backbone;
pub mod bundle;
mod card;
pub mod device;
mod engine;
pub mod fixture;
pub mod head;
pub mod join;
pub(crate) mod kmeans;
pub mod known_answer;
pub mod lda;
pub mod learnt;
pub mod learnt_from;
pub mod linear_layer;
pub mod make;
pub mod mean;
pub mod netvlad;
pub mod network;
pub mod pca_whitening;
pub(crate) mod random;
pub mod recipe;
pub mod small;
pub mod tensors;
pub mod views;
pub mod weights;

use assembly::Assembly;
use bundle::{Bundle, KnownAnswer};
use device::Trial;
use engine::Engine;

/// Cosine with a known descriptor that the CPU must reach: below it this is another program.
const SAME_ON_CPU: f32 = 0.9999;
/// Cosine that a GPU must reach.
const SAME_ON_GPU: f32 = 0.999;

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
    #[error(transparent)]
    Bundle(#[from] bundle::Error),
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error(
        "the encoder does not give the answer it is known for (cosine {cosine:.4}); copy it anew, \
         or use the program version it was made with"
    )]
    KnownAnswer { cosine: f32 },
    #[error("a patch must be square, of a side that {CELL} divides, with a weight for each cell")]
    Patch,
    #[error("the region has no texture to describe; choose another one")]
    Featureless,
}

/// A loaded bundle.
#[derive(Debug)]
pub struct Encoder {
    id: EncoderId,
    assembly: Assembly,
    engine: Mutex<Engine>,
}

impl Encoder {
    /// Opens a bundle folder: checks its hashes and its known answer before anything else.
    pub fn open(bundle: &Path, device: DeviceChoice) -> Result<Self, Error> {
        Self::open_with(bundle, device, &Trial::standard())
    }

    /// [`Self::open`], with the trial of a GPU held as stated.
    pub fn open_with(bundle: &Path, choice: DeviceChoice, trial: &Trial) -> Result<Self, Error> {
        let Bundle { id, config, weights, known_answer, trunk, look } = Bundle::open(bundle)?;
        let engine = Engine::start(&config, trunk, look.as_ref(), choice, trial)?;
        let assembly = Assembly::new(&config.views, &weights, &config.parts);
        let encoder = Self { id, assembly, engine: Mutex::new(engine) };
        encoder.prove(&known_answer)?;
        Ok(encoder)
    }

    pub fn id(&self) -> &EncoderId {
        &self.id
    }

    /// What runs the trunk now; it changes when a GPU fails.
    pub fn device(&self) -> DeviceReport {
        self.lock().report().clone()
    }

    /// Length of its descriptors.
    pub fn dims(&self) -> usize {
        self.assembly.join().dims()
    }

    /// What each part ("texture", "look", "shape", "margin" …) adds to the squared distance of two descriptors of this
    /// encoder; sums to 1.
    pub fn shares(&self, a: &Descriptor, b: &Descriptor) -> Vec<(String, f32)> {
        self.assembly.join().shares(a, b)
    }

    /// One descriptor a patch, in the same order.
    ///
    /// # Errors
    /// Where a patch has not the shape that [`crate::patch::extract`] gives, or nothing in it.
    pub fn describe(&self, patches: &[Patch]) -> Result<Vec<Descriptor>, Error> {
        let mut engine = self.lock();
        patches.iter().map(|patch| self.describe_one(&mut engine, patch)).collect()
    }

    /// The views of one patch are a batch: enough to fill a device, and memory stays modest.
    fn describe_one(&self, engine: &mut Engine, patch: &Patch) -> Result<Descriptor, Error> {
        let (side, grid) = (patch.side(), patch.grid());
        if side * side != patch.pixels.len()
            || grid * grid != patch.weights.len()
            || grid == 0
            || side != grid * CELL
        {
            return Err(Error::Patch);
        }
        let maps = engine.maps(&self.assembly.pictures(patch), side)?;
        self.assembly.describe(patch, &maps).ok_or(Error::Featureless)
    }

    /// Holds the encoder to its known answer. A GPU that fails here is left for the CPU.
    fn prove(&self, known: &KnownAnswer) -> Result<(), Error> {
        let cosine = self.worst_cosine(known)?;
        let mut engine = self.lock();
        if !engine.is_on_gpu() {
            return if cosine >= SAME_ON_CPU { Ok(()) } else { Err(Error::KnownAnswer { cosine }) };
        }
        if cosine >= SAME_ON_GPU {
            return Ok(());
        }
        engine.fall_back("does not give the known answer")?;
        drop(engine);
        self.prove(known)
    }

    fn worst_cosine(&self, known: &KnownAnswer) -> Result<f32, Error> {
        let described = self.describe(&known.patches)?;
        let cosines = described.iter().zip(&known.descriptors).map(|(a, b)| a.cosine(b));
        Ok(cosines.fold(1.0, f32::min))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Engine> {
        // A panic while it was held left a whole trunk behind.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
