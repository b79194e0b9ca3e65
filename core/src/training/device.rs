//! Where a run computes: on a GPU that proved itself twice, else on the CPU.
//!
//! The trial before it ([`crate::encoder::device`]) proves that the driver runs a network forward.
//! A gradient goes another way through a driver, so a run's first is computed on the CPU as well;
//! where the two differ, the CPU does the whole run.

use burn::tensor::Device;

use super::loss::BatchTuple;
use super::material::Material;
use super::network::{Judge, Maps, Network, Parameters};
use crate::encoder::device::{self, Trial};
use crate::encoder::{DeviceChoice, DeviceReport};

/// Distance of the two gradients over the CPU's length: sums in another order, of 32 bits.
const TOLERANCE: f64 = 1e-2;

/// The device of a run, and what is known of it.
#[derive(Debug)]
pub(super) struct Place {
    device: Device,
    is_proven: bool,
    pub(super) report: DeviceReport,
}

impl Place {
    pub(super) fn choose(choice: DeviceChoice, trial: &Trial, material: &Material) -> Self {
        let (device, report) =
            device::choose(choice, &material.trunk, material.architecture, trial);
        Self { is_proven: device::is_cpu(&device), device, report }
    }

    /// For describing.
    pub(super) fn network(&self, material: &Material, parameters: &Parameters) -> Network {
        Network::new(material.architecture, parameters, &self.device)
    }

    /// The loss of a batch and its gradient; `None` where no tuple is whole.
    pub(super) fn gradients(
        &mut self,
        material: &Material,
        parameters: &Parameters,
        maps: &Maps,
        tuples: &[BatchTuple],
        judge: Judge,
    ) -> Option<(f64, Parameters)> {
        let on = |device: &Device| {
            let network = Network::learning(material.architecture, parameters, device);
            network.gradients(maps, tuples, judge)
        };
        let found = on(&self.device)?;
        if self.is_proven {
            return Some(found);
        }
        self.is_proven = true;
        let known = on(&Device::flex())?;
        let off = difference(&found.1, &known.1);
        if off <= TOLERANCE {
            return Some(found);
        }
        self.device = Device::flex();
        self.report.reason = format!(
            "{} computed the first gradient wrongly (off by {:.1} %), so the CPU is used",
            self.report.name,
            off * 100.0
        );
        self.report.name = "CPU (flex)".to_owned();
        Some(known)
    }
}

/// Distance of a gradient from the known one over that one's length; not a number where either is
/// none.
fn difference(found: &Parameters, known: &Parameters) -> f64 {
    let (mut off, mut length) = (0.0, 0.0);
    for (name, known) in &known.0 {
        for (k, f) in known.values.iter().zip(&found.0[name].values) {
            off += f64::from(k - f).powi(2);
            length += f64::from(*k).powi(2);
        }
    }
    (off / length.max(f64::MIN_POSITIVE)).sqrt()
}
