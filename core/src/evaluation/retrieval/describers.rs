//! What turns a region's square into vectors: encoder bundles, plain pooling of an untrained
//! network, and the square's own pixels.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cache::{self, Cache};
use super::examples::Region;
use crate::encoder::backbone::{Architecture, Trunk};
use crate::encoder::learnt_from::LearntFrom;
use crate::encoder::tensors::{self, Array, TensorFile};
use crate::encoder::{DeviceChoice, Encoder};
use crate::evaluation::Error;
use crate::import::sentence;
use crate::patch::{GRID, Patch};

/// Turns regions into vectors of one or more methods.
#[derive(Debug)]
pub struct Describer {
    works: Works,
    /// Of each vector that it gives.
    names: Vec<String>,
    cache: Option<Cache>,
    /// What a bundle was made from.
    learnt_from: Option<LearntFrom>,
    /// Spent on regions that were not in the cache, and their number.
    time: Duration,
    count: usize,
}

#[derive(Debug)]
enum Works {
    Bundle {
        encoder: Box<Encoder>,
        config: toml::Table,
    },
    /// The last convolution's map, pooled in three ways.
    Pooled(Box<Trunk>),
    /// Nothing learnt: the square at a 14th of its side.
    Pixels,
}

impl Describer {
    pub fn bundle(dir: &Path, device: DeviceChoice, cache: Option<&Path>) -> Result<Self, Error> {
        let failed = |source| Error::Encoder { path: dir.to_owned(), source: Box::new(source) };
        let encoder = Encoder::open(dir, device).map_err(failed)?;
        // It opened, so its settings are sound; what of them this program version does not name
        // is shown as it stands.
        let text = std::fs::read_to_string(dir.join("encoder.toml")).unwrap_or_default();
        let mut config: toml::Table = text.parse().unwrap_or_default();
        // A bundle that still lies in its training run's folder tells the run's settings too,
        // and is called after it.
        let run = dir.parent().filter(|run| run.join("training.toml").is_file());
        let text = run.and_then(|run| std::fs::read_to_string(run.join("training.toml")).ok());
        if let Some(run) = text.and_then(|text| text.parse::<toml::Table>().ok()) {
            config.insert("training_run".to_owned(), toml::Value::Table(run));
        }
        let folder = run.and_then(Path::file_name).or(dir.file_name()).unwrap_or_default();
        let folder = folder.to_string_lossy().into_owned();
        let name = match config.get("name").and_then(toml::Value::as_str) {
            Some(name) if name != folder => format!("{name} ({folder})"),
            _ => folder,
        };
        // A graphics processor rounds otherwise.
        let made_by = format!("{} on {}", encoder.id().0, encoder.device().name);
        let cache = cache.map(|folder| Cache::open(folder, &made_by));
        let works = Works::Bundle { encoder: Box::new(encoder), config };
        let learnt_from = LearntFrom::read(dir);
        Ok(Self { learnt_from, ..Self::new(works, vec![name], cache) })
    }

    /// The untrained baselines over a trunk's last map.
    pub fn pooled(
        trunk: &Path,
        architecture: Architecture,
        cache: Option<&Path>,
    ) -> Result<Self, Error> {
        let failed = |source: tensors::Error| Error::Encoder {
            path: trunk.to_owned(),
            source: Box::new(source.into()),
        };
        let file = TensorFile::open(trunk).map_err(failed)?;
        let hash = file.hash();
        let trunk = Trunk::on_cpu(&file, architecture).map_err(failed)?;
        let word = architecture.word();
        let names = ["mean", "GeM", "region mean"].map(|way| format!("{word} {way}")).to_vec();
        let cache = cache.map(|folder| Cache::open(folder, &format!("pooled {hash}")));
        Ok(Self::new(Works::Pooled(Box::new(trunk)), names, cache))
    }

    pub fn pixels() -> Self {
        Self::new(Works::Pixels, vec!["pixels".to_owned()], None)
    }

    fn new(works: Works, names: Vec<String>, cache: Option<Cache>) -> Self {
        Self { works, names, cache, learnt_from: None, time: Duration::ZERO, count: 0 }
    }

    /// Of the methods that it makes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether its vectors are an encoder bundle's, as the product uses them.
    pub(super) fn is_bundle(&self) -> bool {
        matches!(self.works, Works::Bundle { .. })
    }

    /// The bundle's settings.
    pub(super) fn config(&self) -> Option<&toml::Table> {
        match &self.works {
            Works::Bundle { config, .. } => Some(config),
            _ => None,
        }
    }

    /// What the bundle was made from, as far as it tells.
    pub(super) fn learnt_from(&self) -> Option<&LearntFrom> {
        self.learnt_from.as_ref()
    }

    /// Seconds a region, over those that were not in the cache.
    pub(super) fn seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.time.as_secs_f64() / self.count as f64)
    }

    /// A vector for each name.
    pub(super) fn describe(&mut self, region: &Region) -> Result<Vec<Vec<f32>>, String> {
        let key = self.cache.is_some().then(|| cache::key(region));
        let known = key.and_then(|key| self.cache.as_ref()?.get(&key).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let start = Instant::now();
        let vectors = match &self.works {
            Works::Bundle { encoder, .. } => {
                let described = encoder.describe(std::slice::from_ref(&region.patch));
                let described = described.map_err(|error| sentence(&error))?;
                described.iter().map(|d| d.values().to_vec()).collect()
            }
            Works::Pooled(trunk) => {
                let map = trunk
                    .feature_map(std::slice::from_ref(&region.patch.pixels), region.patch.side())
                    .map_err(|error| sentence(&error))?;
                pooled(&map, &region.patch.weights_on(map.dims[2]))
            }
            Works::Pixels => vec![pixels(&region.patch)],
        };
        self.time += start.elapsed();
        self.count += 1;
        if let (Some(cache), Some(key)) = (&mut self.cache, key) {
            cache.put(key, vectors.clone()).map_err(|e| format!("the cache takes nothing: {e}"))?;
        }
        Ok(vectors)
    }

    /// Writes what is not yet in the cache's file.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let Some(cache) = &mut self.cache else { return Ok(()) };
        cache.write().map_err(Error::Cache)
    }
}

/// A map `[1, channels, rows, columns]` after its ReLU: its mean; its generalised mean with
/// exponent 3 (Radenovic, Tolias and Chum, PAMI 2018); the root of its mean weighted by the
/// region. Each of length 1.
fn pooled(map: &Array, weights: &[f32]) -> Vec<Vec<f32>> {
    let positions = map.dims[2] * map.dims[3];
    let total: f32 = weights.iter().sum();
    let (mut mean, mut generalised, mut region) = (Vec::new(), Vec::new(), Vec::new());
    for channel in map.values.chunks_exact(positions) {
        let answers = || channel.iter().map(|v| v.max(0.0));
        mean.push(answers().sum::<f32>() / positions as f32);
        // In f64: the cube of an answer of thousands leaves f32's digits.
        let cubes: f64 = answers().map(|v| f64::from(v).powi(3)).sum();
        generalised.push((cubes / positions as f64).cbrt() as f32);
        let weighted: f32 = answers().zip(weights).map(|(v, w)| v * w).sum();
        region.push((weighted / total.max(1e-6)).sqrt());
    }
    vec![unit(mean), unit(generalised), unit(region)]
}

/// The square by cells of a weight's size, less its mean, of length 1.
fn pixels(patch: &Patch) -> Vec<f32> {
    let side = patch.side();
    let cell = side / GRID;
    let mut cells = vec![0.0; GRID * GRID];
    for (row, line) in patch.pixels.chunks_exact(side).enumerate().take(cell * GRID) {
        for (column, values) in line.chunks_exact(cell).enumerate().take(GRID) {
            cells[row / cell * GRID + column] += values.iter().sum::<f32>();
        }
    }
    let mean = cells.iter().sum::<f32>() / cells.len() as f32;
    unit(cells.into_iter().map(|v| v - mean).collect())
}

/// To length 1; zeros stay.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|v| *v /= length);
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_pooled_as_by_hand() {
        // Two channels at four places; what is negative falls to the ReLU.
        let map = Array::new([1, 2, 2, 2], vec![1.0, 3.0, -5.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
        let found = pooled(&map, &[0.0, 1.0, 0.0, 0.0]);
        let expected = [
            [1.0, 2.0],
            // Cubes 1 + 27 over four places.
            [7.0_f32.cbrt(), 2.0],
            [3.0_f32.sqrt(), 2.0_f32.sqrt()],
        ];
        for (found, expected) in found.iter().zip(expected) {
            let length = expected[0].hypot(expected[1]);
            assert!((found[0] - expected[0] / length).abs() < 1e-6, "{found:?}");
            assert!((found[1] - expected[1] / length).abs() < 1e-6, "{found:?}");
        }
    }
}
