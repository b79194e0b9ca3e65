//! Where a run stands, on disk: whole, or as it was before.
//!
//! One file holds the weights, their velocities, the weights of the last refresh (the cached
//! descriptors are computed from them again) and the position, so that what is taken up goes on
//! as if it had never stopped, to the last bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::curve::Point;
use super::network::Parameters;
use super::positives::PositiveSource;
use super::sgd::Momentum;
use super::validation::Validation;
use crate::encoder::tensors::{self, Array, Storage, TensorFile};
use crate::files;

const FILE: &str = "checkpoint.safetensors";
const PLACE: &str = "place.json";
const BEST: &str = "best";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the run's folder cannot be written: {path}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error("the checkpoint is damaged; start the run anew in another folder: {path}")]
    Damaged { path: PathBuf },
}

/// Everything that the next step depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub place: Place,
    pub parameters: Parameters,
    pub momentum: Momentum,
    /// The weights that the cached descriptors are of.
    pub refreshed: Parameters,
}

/// The position of a run, and what it has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// [`super::material::Material::fingerprint`].
    pub material: String,
    /// The regions kept apart: what was learnt from must never be among them.
    #[serde(default)]
    pub kept_apart: Vec<usize>,
    /// From 0; the one that is under way.
    pub epoch: usize,
    /// Of that epoch, from 0; the one that comes next.
    pub step: usize,
    pub remembered: BTreeMap<usize, Vec<usize>>,
    /// Tuples learnt from, by the source of their positive.
    pub positives: BTreeMap<PositiveSource, u64>,
    /// Lines of this epoch's log of tuples.
    pub log: Vec<String>,
    pub curve: Vec<Point>,
    /// Of the weights before the first step.
    pub untrained: Option<Validation>,
    pub best: Option<Best>,
    /// An epoch found no tuple that violates the margin: another would change nothing.
    #[serde(default)]
    pub is_fitted: bool,
    /// Alpha at the start.
    pub alpha: f64,
}

/// The epoch that did best on the validation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// `None` where nothing is kept apart: the last epoch is the best.
    pub validation: Option<Validation>,
}

impl Checkpoint {
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        let mut arrays = BTreeMap::new();
        let groups = [
            ("weights", &self.parameters.0),
            ("velocities", &self.momentum.0),
            ("refreshed", &self.refreshed.0),
        ];
        for (group, values) in groups {
            for (name, array) in values {
                arrays.insert(format!("{group}/{name}"), (array.clone(), Storage::F32));
            }
        }
        let place = serde_json::to_vec(&self.place).expect("plain values");
        let place = Array::new([place.len()], place.iter().map(|&b| f32::from(b)).collect());
        arrays.insert(PLACE.to_owned(), (place, Storage::U8));
        write(&dir.join(FILE), &tensors::to_bytes(&arrays))?;
        self.remove_other_bests(dir);
        Ok(())
    }

    /// `None` where the run has not come to its first checkpoint.
    pub fn read(dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let file = TensorFile::open(&path)?;
        let place: Vec<u8> = file.array(PLACE)?.values.iter().map(|&v| v as u8).collect();
        let damaged = |_| Error::Damaged { path: path.clone() };
        let place = serde_json::from_slice(&place).map_err(damaged)?;
        Ok(Some(Self {
            place,
            parameters: Parameters(group(&file, "weights/")?),
            momentum: Momentum(group(&file, "velocities/")?),
            refreshed: Parameters(group(&file, "refreshed/")?),
        }))
    }

    /// Keeps these weights as the best so far; the file of an earlier best stays until the next
    /// checkpoint says that it is not needed.
    pub fn keep_best(&mut self, dir: &Path, best: Best) -> Result<(), Error> {
        let arrays = &self.parameters.0;
        let arrays = arrays.iter().map(|(name, a)| (name.clone(), (a.clone(), Storage::F32)));
        write(&best_path(dir, best.epoch), &tensors::to_bytes(&arrays.collect()))?;
        self.place.best = Some(best);
        Ok(())
    }

    /// The best weights so far, or those at hand where no epoch is done.
    pub fn best(&self, dir: &Path) -> Result<Parameters, Error> {
        match self.place.best {
            Some(best) => {
                Ok(Parameters(group(&TensorFile::open(&best_path(dir, best.epoch))?, "")?))
            }
            None => Ok(self.parameters.clone()),
        }
    }

    fn remove_other_bests(&self, dir: &Path) {
        let needed = self.place.best.map(|best| best_path(dir, best.epoch));
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let is_best = entry.file_name().to_string_lossy().starts_with(&format!("{BEST}-"));
            if is_best && Some(entry.path()) != needed {
                // It would only take up room.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Writes a file of the run whole.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    files::write_whole(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn best_path(dir: &Path, epoch: usize) -> PathBuf {
    dir.join(format!("{BEST}-{epoch:04}.safetensors"))
}

fn group(file: &TensorFile, prefix: &str) -> Result<BTreeMap<String, Array>, Error> {
    let mut arrays = BTreeMap::new();
    for name in file.names()? {
        if let Some(own) = name.strip_prefix(prefix) {
            arrays.insert(own.to_owned(), file.array(&name)?);
        }
    }
    Ok(arrays)
}
