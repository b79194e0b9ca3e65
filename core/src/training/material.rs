//! What a run learns from: regions with what is known of them, and their cached maps.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::maps::{self, Key, MapCache};
use super::network::Maps;
use crate::dicom::Reader;
use crate::encoder::backbone::{self, Architecture, Input, Trunk};
use crate::encoder::tensors::{self, Array, TensorFile};
use crate::encoder::views::View;
use crate::geometry::Contour;
use crate::import::{self, Prepared, manifest::Manifest, manifest::Row};
use crate::lexicon::{MassMargin, MassShape, Pathology};
use crate::mammogram::Mammogram;
use crate::patch::{self, Patch};
use crate::progress::{Progress, Report};
use crate::structure_from_motion::{Feature, sift};

/// Half sides, in equivalent radii, at which a region is seen: as it will be described, and
/// tighter, to stand for an outline drawn by another hand.
const WINDOWS: [f64; 2] = [patch::Recipe::STANDARD.half_side_radii, 1.2];
/// Side of the patches that a bundle's known answer is made of.
const KNOWN_SIDE: usize = 64;
/// Regions read before their maps are computed together.
const AT_ONCE: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Maps(#[from] maps::Error),
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error(transparent)]
    Device(#[from] backbone::Failure),
    #[error("line {line} of the manifest: {reason}")]
    Row { line: u64, reason: String },
    #[error("stopped; what was computed is kept")]
    Cancelled,
}

/// One way of seeing a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which of the two windows; 0 is the standard one.
    pub window: usize,
    pub view: View,
}

/// What is known of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// In the run's log; never the patient's.
    pub name: String,
    /// Every name of the patient.
    pub patients: Vec<String>,
    /// The collection it is from, to be credited.
    pub source: String,
    /// Of the whole film ([`film_hash`](crate::library::identity::film_hash)).
    pub film_hash: [u8; 32],
    /// `None`: it takes part without its outcome.
    pub label: Option<Label>,
}

/// What it turned out to be, and the words of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    pub pathology: Pathology,
    pub mass_shape: Option<MassShape>,
    pub mass_margin: Option<MassMargin>,
}

/// A region on its film, as it comes in.
#[derive(Debug, Clone)]
pub struct Outlined {
    pub film: Arc<Mammogram>,
    pub contour: Contour,
    pub facts: Facts,
}

/// A region whose maps are cached.
#[derive(Debug, Clone)]
pub struct Region {
    pub facts: Facts,
    pub(super) known: Patch,
    /// The outline's weights, for each window.
    weights: Vec<Vec<f32>>,
    /// For each of [`Material::looks`].
    maps: Vec<Key>,
}

/// All regions of a run.
#[derive(Debug)]
pub struct Material {
    pub architecture: Architecture,
    pub trunk: TensorFile,
    below: Trunk,
    /// The first is the standard window as it is.
    pub looks: Vec<Look>,
    pub regions: Vec<Region>,
    /// Of each region in the standard window, by which one film is told again.
    pub features: Vec<Vec<Feature>>,
    cache: MapCache,
}

impl Material {
    /// Nothing yet. `views` are the turns in which each window is seen; plain is always among them.
    pub fn new(
        trunk: TensorFile,
        architecture: Architecture,
        views: &[View],
        cache: MapCache,
    ) -> Result<Self, Error> {
        let below = Trunk::load(&trunk, architecture, Input::Grey, &burn::tensor::Device::flex())?;
        let turned = views.iter().copied().filter(|&view| view != View::Plain);
        let views: Vec<View> = std::iter::once(View::Plain).chain(turned).collect();
        let looks = (0..WINDOWS.len())
            .flat_map(|window| views.iter().map(move |&view| Look { window, view }))
            .collect();
        let (regions, features) = (Vec::new(), Vec::new());
        Ok(Self { architecture, trunk, below, looks, regions, features, cache })
    }

    /// Reads and outlines every row of a manifest, and computes the maps that are not cached.
    /// `labelled` says whether their outcomes may be looked at. A row that cannot be used stops
    /// it: a run on other regions than were listed would be another run.
    pub fn add_manifest(
        &mut self,
        reader: &mut Reader,
        manifest: &Manifest,
        labelled: bool,
        report: &mut Report,
    ) -> Result<(), Error> {
        if let Some(fault) = manifest.faults.first() {
            return Err(Error::Row { line: fault.line, reason: fault.reason.clone() });
        }
        let total = manifest.rows.len();
        for (chunk_idx, rows) in manifest.rows.chunks(AT_ONCE).enumerate() {
            let done = (chunk_idx * AT_ONCE) as u64;
            let progress = Progress { step: "Looking at regions", done, total: Some(total as u64) };
            if report(progress).is_break() {
                return Err(Error::Cancelled);
            }
            let outlined: Result<Vec<Outlined>, Error> = rows
                .iter()
                .map(|row| {
                    let prepared = import::prepare(reader, &manifest.folder, row)
                        .map_err(|reason| Error::Row { line: row.line, reason })?;
                    let facts = facts(row, &prepared, labelled);
                    let (film, contour) = (prepared.film, prepared.contour);
                    Ok(Outlined { film, contour, facts })
                })
                .collect();
            self.add(outlined?)?;
        }
        Ok(())
    }

    /// Takes regions in, a handful at a time: their maps are computed together.
    pub fn add(&mut self, outlined: Vec<Outlined>) -> Result<(), Error> {
        let hash = self.trunk.hash();
        for region in outlined {
            let cut = |half_side_radii: f64, side: usize| {
                let recipe = patch::Recipe { half_side_radii, side, ..patch::Recipe::STANDARD };
                patch::extract_by(&region.film, &region.contour, &recipe)
            };
            let windows: Vec<Patch> =
                WINDOWS.par_iter().map(|&radii| cut(radii, patch::SIDE)).collect();
            let mut known = cut(WINDOWS[0], KNOWN_SIDE);
            // A bundle keeps them as whole numbers.
            known.pixels.iter_mut().for_each(|v| *v = v.round());

            let pictures: Vec<Vec<f32>> =
                self.looks.iter().map(|look| look.view.of(&windows[look.window].pixels)).collect();
            let keys: Vec<Key> = self
                .looks
                .iter()
                .map(|look| {
                    let pixels = &windows[look.window].pixels;
                    Key::new(&hash, self.architecture, pixels, look.view)
                })
                .collect();
            keys.iter().for_each(|key| self.cache.need(key));
            let made: Vec<Result<Option<Array>, backbone::Failure>> = keys
                .par_iter()
                .zip(&pictures)
                .map(|(key, picture)| match self.cache.get(key) {
                    Some(_) => Ok(None),
                    None => self.map_of(picture).map(Some),
                })
                .collect();
            for (key, made) in keys.iter().zip(made) {
                if let Some(map) = made? {
                    self.cache.put(key, &map)?;
                }
            }
            self.features.push(sift::of_patch(&windows[0]));
            let side = self.cache.expect(&keys[0])?.dims[0];
            let weights = windows.iter().map(|window| window.weights_on(side)).collect();
            self.regions.push(Region { facts: region.facts, known, weights, maps: keys });
        }
        Ok(())
    }

    /// Maps of regions, each in one look; read in parallel.
    pub fn load(&self, wanted: &[(usize, usize)], region_weighted: bool) -> Result<Maps, Error> {
        let loaded: Result<Vec<Array>, maps::Error> = wanted
            .par_iter()
            .map(|&(region, look)| self.cache.expect(&self.regions[region].maps[look]))
            .collect();
        let loaded = loaded?;
        let [rows, columns, channels] = loaded[0].dims[..] else {
            unreachable!("a cached map has three axes")
        };
        let mut weights = Vec::with_capacity(wanted.len() * rows * columns);
        for &(region, look) in wanted {
            let Look { window, view } = self.looks[look];
            if region_weighted {
                weights.extend(view.of(&self.regions[region].weights[window]));
            } else {
                weights.resize(weights.len() + rows * columns, 1.0);
            }
        }
        let batch = wanted.len();
        let values = loaded.into_iter().flat_map(|map| map.values).collect();
        Ok(Maps {
            maps: Array::new([batch, rows, columns, channels], values),
            weights: Array::new([batch, rows * columns], weights),
        })
    }

    /// Names the regions, their order, labels and pictures: a run goes on only with the same ones.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for region in &self.regions {
            let facts = &region.facts;
            let text = format!("{} {:?} {:?}\n", facts.name, facts.patients, facts.label);
            hasher.update(text.as_bytes());
            region.maps.iter().for_each(|key| {
                hasher.update(key.as_str().as_bytes());
            });
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The collections that the regions are from.
    pub fn sources(&self) -> Vec<String> {
        let sources: BTreeSet<&String> = self.regions.iter().map(|r| &r.facts.source).collect();
        sources.into_iter().cloned().collect()
    }

    /// `[rows, columns, channels]`.
    fn map_of(&self, picture: &[f32]) -> Result<Array, backbone::Failure> {
        let side = picture.len().isqrt();
        let map = self.below.map_below_last_block(&[picture.to_vec()], side)?;
        let [_, channels, rows, columns] = map.dims[..] else {
            unreachable!("a trunk gives maps of four axes")
        };
        let positions = rows * columns;
        let values = (0..positions)
            .flat_map(|place| (0..channels).map(move |c| c * positions + place))
            .map(|at| map.values[at])
            .collect();
        Ok(Array::new([rows, columns, channels], values))
    }
}

impl Region {
    pub fn pathology(&self) -> Option<Pathology> {
        self.facts.label.map(|label| label.pathology)
    }

    /// One with facts alone, on the one film of these patients.
    #[cfg(test)]
    pub(super) fn bare(patients: &[&str], pathology: Option<Pathology>) -> Self {
        let label =
            pathology.map(|pathology| Label { pathology, mass_shape: None, mass_margin: None });
        let facts = Facts {
            name: patients.join(" "),
            patients: patients.iter().map(|&name| name.to_owned()).collect(),
            source: "drawn".to_owned(),
            film_hash: *blake3::hash(patients.join(" ").as_bytes()).as_bytes(),
            label,
        };
        let known = Patch {
            pixels: Vec::new(),
            weights: Vec::new(),
            shape_margin: crate::measures::ShapeMargin::default(),
        };
        Self { facts, known, weights: Vec::new(), maps: Vec::new() }
    }
}

/// The folder for maps in the user's cache; `None` without a home.
pub fn cache_folder() -> Option<std::path::PathBuf> {
    directories::ProjectDirs::from("", "", "precedent")
        .map(|dirs| dirs.cache_dir().join(Path::new("training-maps")))
}

fn facts(row: &Row, prepared: &Prepared, labelled: bool) -> Facts {
    let label = Label {
        pathology: row.pathology,
        mass_shape: row.terms.mass_shape,
        mass_margin: row.terms.mass_margin,
    };
    Facts {
        name: prepared.id.0.clone(),
        patients: prepared.patients.clone(),
        source: row.source.clone(),
        film_hash: prepared.film_hash,
        label: labelled.then_some(label),
    }
}
