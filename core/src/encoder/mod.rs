//! Patches become descriptors.
//!
//! ```text
//! Patch -> four views -> Trunk (backbone.rs; GPU or CPU) -> feature maps
//!       -> Head (head.rs; CPU): local PCA, NetVLAD, mean over views, PCA -> texture
//!       -> Join (join.rs) -> Descriptor
//! ```
//!
//! - [`tensors`]: safetensors in and out.
//! - [`backbone`], [`netvlad`], [`pca_whitening`], [`head`]: the network, a layer a file.
//! - [`join`]: the parts of a descriptor and their shares of a distance.
//! - [`bundle`]: one folder is one encoder.
//! - [`fixture`]: pictures and the activations they must give.
//! - [`device`]: a GPU is trusted once it has proved itself, else the CPU runs all.
//! - [`make`]: a new bundle from regions.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::descriptor::{Descriptor, EncoderId};
use crate::patch::{CELL, Patch};

pub mod backbone;
pub mod bundle;
pub mod device;
pub mod fixture;
pub mod head;
pub mod join;
pub(crate) mod kmeans;
pub mod make;
pub mod netvlad;
pub mod pca_whitening;
pub(crate) mod random;
pub mod tensors;
pub mod views;

use backbone::{Input, Trunk};
use bundle::{Bundle, KnownAnswer};
use device::Trial;
use head::Head;
use join::Join;
use tensors::{Array, TensorFile};
use views::View;

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
    views: Vec<View>,
    head: Head,
    join: Join,
    engine: Mutex<Engine>,
}

/// The trunk where it runs now.
#[derive(Debug)]
struct Engine {
    trunk: Trunk,
    report: DeviceReport,
    /// The weights, kept while a GPU runs the trunk, in case it fails.
    spare: Option<TensorFile>,
}

impl Encoder {
    /// Opens a bundle folder: checks its hashes and its known answer before anything else.
    pub fn open(bundle: &Path, device: DeviceChoice) -> Result<Self, Error> {
        Self::open_with(bundle, device, &Trial::standard())
    }

    /// [`Self::open`], with the trial of a GPU held as stated.
    pub fn open_with(bundle: &Path, choice: DeviceChoice, trial: &Trial) -> Result<Self, Error> {
        let bundle = Bundle::open(bundle)?;
        let architecture = bundle.config.trunk.architecture;
        let (device, report) = device::choose(choice, &bundle.trunk, architecture, trial);
        let trunk = Trunk::load(&bundle.trunk, architecture, Input::Grey, &device)?;
        let spare = (!device::is_cpu(&device)).then_some(bundle.trunk);
        let encoder = Self {
            id: bundle.id,
            views: bundle.config.views,
            head: Head::new(&bundle.learnt),
            join: bundle.config.parts,
            engine: Mutex::new(Engine { trunk, report, spare }),
        };
        encoder.prove(&bundle.known_answer)?;
        Ok(encoder)
    }

    pub fn id(&self) -> &EncoderId {
        &self.id
    }

    /// What runs the trunk now; it changes when a GPU fails.
    pub fn device(&self) -> DeviceReport {
        self.lock().report.clone()
    }

    /// Length of its descriptors.
    pub fn dims(&self) -> usize {
        self.join.dims()
    }

    /// What each part ("texture" …) adds to the squared distance of two descriptors of this
    /// encoder; sums to 1.
    pub fn shares(&self, a: &Descriptor, b: &Descriptor) -> Vec<(String, f32)> {
        self.join.shares(a, b)
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
        let pictures: Vec<_> = self.views.iter().map(|view| view.of(&patch.pixels)).collect();
        let maps = engine.feature_maps(&pictures, side)?;
        let weights = patch.weights_on(maps.dims[2]);
        let weights: Vec<_> = self.views.iter().map(|view| view.of(&weights)).collect();
        let texture = self.head.describe(&maps, &weights);
        self.join.join(&[&texture]).ok_or(Error::Featureless)
    }

    /// Holds the encoder to its known answer. A GPU that fails here is left for the CPU.
    fn prove(&self, known: &KnownAnswer) -> Result<(), Error> {
        let cosine = self.worst_cosine(known)?;
        let mut engine = self.lock();
        if engine.spare.is_none() {
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

impl Engine {
    /// On the device in use; where a GPU fails, once more on the CPU, and on the CPU ever after.
    fn feature_maps(&mut self, pictures: &[Vec<f32>], side: usize) -> Result<Array, Error> {
        if self.spare.is_some() {
            // A driver's failure arrives as an error, or as a panic inside the GPU's runtime.
            let maps = std::panic::catch_unwind(AssertUnwindSafe(|| {
                self.trunk.feature_map(pictures, side)
            }));
            match maps {
                Ok(Ok(maps)) => return Ok(maps),
                Ok(Err(failure)) => self.fall_back(&failure.to_string())?,
                Err(_) => self.fall_back("its driver gave up")?,
            }
        }
        // On the CPU only values beyond the range of f32 can fail: nothing to describe.
        self.trunk.feature_map(pictures, side).map_err(|_| Error::Featureless)
    }

    fn fall_back(&mut self, what: &str) -> Result<(), Error> {
        let Some(weights) = self.spare.take() else { return Ok(()) };
        let gpu = &self.report.name;
        let (cpu, report) = device::cpu(format!("{gpu} was given up ({what}), so the CPU is used"));
        self.trunk = Trunk::load(&weights, self.trunk.architecture(), Input::Grey, &cpu)?;
        self.report = report;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn trunk_of(
        random: std::collections::BTreeMap<String, (Array, tensors::Storage)>,
    ) -> TensorFile {
        TensorFile::of(Path::new("random"), tensors::to_bytes(&random)).expect("our own weights")
    }

    #[test]
    fn a_gpu_that_fails_while_it_describes_is_left_for_the_cpu() {
        // A trunk whose weights blow every value up to infinity stands for a GPU that has gone
        // wrong since its trial.
        let architecture = backbone::Architecture::Tiny;
        let sound = backbone::random_weights(architecture, 1);
        let mut broken = sound.clone();
        for (array, storage) in broken.values_mut() {
            array.values.iter_mut().for_each(|v| *v *= 1e30);
            *storage = tensors::Storage::F32;
        }
        let load = |file: &TensorFile| {
            Trunk::load(file, architecture, Input::Grey, &Device::flex()).expect("our own weights")
        };
        let (sound, broken) = (trunk_of(sound), trunk_of(broken));
        let pictures = [(0..32 * 32).map(|i| (i % 200) as f32).collect()];
        let expected = load(&sound).feature_map(&pictures, 32).expect("flex");
        let report = DeviceReport { name: "Some GPU".to_owned(), reason: String::new() };
        let mut engine = Engine { trunk: load(&broken), report, spare: Some(sound) };
        assert_eq!(engine.feature_maps(&pictures, 32).expect("the CPU"), expected);
        assert_eq!(engine.report.name, "CPU (flex)");
        assert!(engine.report.reason.contains("Some GPU was given up"), "{:?}", engine.report);
        assert_eq!(engine.feature_maps(&pictures, 32).expect("the CPU"), expected);
    }
}
