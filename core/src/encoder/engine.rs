//! The networks of one encoder where they run now: the trunk on a GPU that is left for the CPU
//! when it fails, everything small on the CPU.

use std::panic::AssertUnwindSafe;

use super::assembly::Maps;
use super::bundle::Config;
use super::device::{self, Trial};
use super::network::{Loaded, Network};
use super::small::SmallNetwork;
use super::tensors::{Array, TensorFile};
use super::{DeviceChoice, DeviceReport, Error};

#[derive(Debug)]
pub(super) struct Engine {
    network: Network,
    trunk: Loaded,
    /// `None` where there is no look or the trunk's maps serve for it.
    look: Option<SmallNetwork>,
    report: DeviceReport,
    /// The weights, kept while a GPU runs the trunk, in case it fails.
    spare: Option<TensorFile>,
}

impl Engine {
    /// Puts a bundle's networks where they run: the trunk on the device of this choice, everything
    /// small on the CPU.
    pub(super) fn start(
        config: &Config,
        file: TensorFile,
        look: Option<&TensorFile>,
        choice: DeviceChoice,
        trial: &Trial,
    ) -> Result<Self, Error> {
        let network = config.trunk.architecture;
        let (device, report) = match network {
            Network::Trunk(architecture) => device::choose(choice, &file, architecture, trial),
            Network::Small(_) => {
                device::cpu("This encoder's network is small: the CPU runs it as fast")
            }
        };
        let trunk = Loaded::grey(&file, network, &device)?;
        let look = match (look, config.look.as_ref().map(|look| look.architecture)) {
            (Some(file), Some(Network::Small(architecture))) => {
                Some(SmallNetwork::load(file, architecture)?)
            }
            _ => None,
        };
        let spare = (!device::is_cpu(&device)).then_some(file);
        Ok(Self { network, trunk, look, report, spare })
    }

    /// What runs the trunk now.
    pub(super) fn report(&self) -> &DeviceReport {
        &self.report
    }

    pub(super) fn is_on_gpu(&self) -> bool {
        self.spare.is_some()
    }

    /// The maps of the pictures of one patch.
    pub(super) fn maps(&mut self, pictures: &[Vec<f32>], side: usize) -> Result<Maps, Error> {
        let look = self.look.as_ref().map(|network| network.feature_map(pictures, side));
        let look = look.transpose().map_err(|_| Error::Featureless)?;
        Ok(Maps { trunk: self.feature_maps(pictures, side)?, look })
    }

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

    pub(super) fn fall_back(&mut self, what: &str) -> Result<(), Error> {
        let Some(weights) = self.spare.take() else { return Ok(()) };
        let gpu = &self.report.name;
        let (cpu, report) = device::cpu(format!("{gpu} was given up ({what}), so the CPU is used"));
        self.trunk = Loaded::grey(&weights, self.network, &cpu)?;
        self.report = report;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use burn::tensor::Device;

    use super::super::backbone::{self, Architecture};
    use super::super::tensors::{self, Storage};
    use super::*;

    fn trunk_of(random: BTreeMap<String, (Array, Storage)>) -> TensorFile {
        TensorFile::of(Path::new("random"), tensors::to_bytes(&random)).expect("our own weights")
    }

    #[test]
    fn a_gpu_that_fails_while_it_describes_is_left_for_the_cpu() {
        // A trunk whose weights blow every value up to infinity stands for a GPU that has gone
        // wrong since its trial.
        let network = Network::Trunk(Architecture::Tiny);
        let sound = backbone::random_weights(Architecture::Tiny, 1);
        let mut broken = sound.clone();
        for (array, storage) in broken.values_mut() {
            array.values.iter_mut().for_each(|v| *v *= 1e30);
            *storage = Storage::F32;
        }
        let load = |file: &TensorFile| {
            Loaded::grey(file, network, &Device::flex()).expect("our own weights")
        };
        let (sound, broken) = (trunk_of(sound), trunk_of(broken));
        let pictures = [(0..32 * 32).map(|i| (i % 200) as f32).collect()];
        let expected = load(&sound).feature_map(&pictures, 32).expect("flex");
        let report = DeviceReport { name: "Some GPU".to_owned(), reason: String::new() };
        let mut engine =
            Engine { network, trunk: load(&broken), look: None, report, spare: Some(sound) };
        assert_eq!(engine.feature_maps(&pictures, 32).expect("the CPU"), expected);
        assert_eq!(engine.report.name, "CPU (flex)");
        assert!(engine.report.reason.contains("Some GPU was given up"), "{:?}", engine.report);
        assert_eq!(engine.feature_maps(&pictures, 32).expect("the CPU"), expected);
    }
}
