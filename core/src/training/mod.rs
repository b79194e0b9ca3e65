//! An encoder learns which regions belong together: the paper's training.
//!
//! ```text
//! Material (material.rs, maps.rs): regions, labels, maps below the last block, cached on disk
//!   -> whose each region is, split by patient (split.rs) -> k-means start (clusters.rs)
//!   -> epochs of tuples (positives.rs, tuples.rs) -> loss (loss.rs) -> gradient (network.rs)
//!   -> step (sgd.rs); curve, validation and checkpoint as it goes
//!   -> PCA on the training regions, bundle (finish.rs)
//! ```
//!
//! The trunk is frozen below its last block, so that a step on a laptop costs seconds: what lies
//! below is computed once. The convolutions that learn are matrix products over nine shifted copies
//! (see [`network`]): a step of five tuples, some 45 maps, through VGG-16's last block and back took
//! 5 s on two cores that were busy otherwise too, an epoch of 97 regions a minute and a half.
//!
//! The same regions, configuration and seed give the same weights on the CPU, with any number of
//! threads and wherever the run was stopped and taken up again. A GPU ([`device`]) sums in an order
//! of its own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::encoder::backbone;
use crate::encoder::device::Trial;
use crate::encoder::make::Made;
use crate::encoder::tensors;
use crate::encoder::{DeviceChoice, DeviceReport};
use crate::progress::{Progress, Report};

pub mod checkpoint;
mod clusters;
pub mod config;
mod curve;
mod device;
mod finish;
pub mod loss;
pub mod maps;
pub mod material;
pub mod motion;
pub mod network;
pub mod positives;
mod run;
mod sgd;
pub mod split;
mod tuples;
pub mod validation;

use checkpoint::Best;
use config::Config;
use material::Material;
use network::Parameters;
use positives::{Positive, PositiveSource};
use run::Run;
use split::Split;
use validation::Validation;

/// Maps that are described together.
const DESCRIBED_AT_ONCE: usize = 16;
const CONFIG: &str = "training.toml";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("training needs at least {needed} regions to learn from; there are {found}")]
    TooFew { needed: usize, found: usize },
    #[error(
        "no region has a positive: give at least two patients of one class, or allow augmented \
         positives"
    )]
    NoPositives,
    #[error(
        "no region has a negative, so no step can be made: give regions of two outcomes at least, \
         of two patients at least"
    )]
    NoNegatives,
    #[error("all regions give one and the same descriptor: there is nothing to tell apart")]
    Alike,
    #[error("stopped; run again with --resume to go on from the last checkpoint")]
    Cancelled,
    #[error("a region gave no descriptor; its picture has no texture")]
    Featureless,
    #[error("the weights are no longer numbers; train with a smaller learning rate")]
    Diverged,
    #[error("there is a run in {path} already; resume it, or name another folder")]
    Exists { path: PathBuf },
    #[error("the run in {path} was begun with other regions; start a new one for these")]
    OtherRegions { path: PathBuf },
    #[error(
        "the run in {path} kept other regions apart: it goes on only with the seed, the \
         validation_share and the values of motion that it was begun with"
    )]
    OtherSplit { path: PathBuf },
    #[error("there is no run to resume in {path}")]
    NoRun { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Material(#[from] material::Error),
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error(transparent)]
    Device(#[from] backbone::Failure),
}

/// Whether a run is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    New,
    /// From its last checkpoint, with the configuration beside it.
    Resume,
}

/// How a run is held.
#[derive(Debug)]
pub struct Course<'a> {
    pub config: &'a Config,
    /// Holds `training.toml`, `curve.csv` and its drawings, `log/` with a line for each tuple, and
    /// what it takes to resume.
    pub dir: &'a Path,
    pub start: Start,
    /// After this it ends as after its last epoch.
    pub time_limit: Option<Duration>,
    pub device: DeviceChoice,
    /// How a graphics processor is tried before it is trusted.
    pub trial: Trial,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// For [`crate::encoder::bundle::Bundle::write`].
    pub made: Made,
    /// The weights of the bundle, unrounded.
    pub parameters: Parameters,
    pub split: Split,
    /// What computed it, at the end.
    pub device: DeviceReport,
    /// Epochs done, as a fraction.
    pub epochs: f64,
    pub untrained: Option<Validation>,
    pub best: Option<Best>,
    /// Tuples learnt from, by the source of their positive.
    pub positives: BTreeMap<PositiveSource, u64>,
}

/// The configuration of the run in a folder.
pub fn read_config(dir: &Path) -> Result<Config, Error> {
    let text = std::fs::read_to_string(dir.join(CONFIG))
        .map_err(|source| Error::NoRun { path: dir.to_owned(), source })?;
    Ok(Config::paper().with(&text)?)
}

/// Trains in a folder. `found` are the pairs that structure from motion found. It ends after its
/// last epoch, where [`Config::patience`] is over, or where an epoch has no tuple left to learn from.
///
/// # Errors
/// A `Break` from `report` is as a kill: what the next start has is the last checkpoint.
pub fn train(
    material: &Material,
    found: &[Positive],
    course: &Course<'_>,
    report: &mut Report,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    let is_over = || course.time_limit.is_some_and(|limit| began.elapsed() >= limit);
    let mut run = Run::open(material, found, course, report)?;
    while !run.is_done() {
        let progress = run.progress();
        if report(progress).is_break() {
            return Err(Error::Cancelled);
        }
        if is_over() {
            break;
        }
        if run.is_epoch_over() {
            run.end_epoch(report)?;
        } else {
            run.step(report)?;
        }
    }
    run.finish(report)
}

fn say(
    report: &mut Report,
    step: &'static str,
    done: usize,
    total: Option<usize>,
) -> ControlFlow<()> {
    report(Progress { step, done: done as u64, total: total.map(|t| t as u64) })
}
