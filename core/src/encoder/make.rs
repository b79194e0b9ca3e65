//! A new bundle from regions: centres, projections, scales, known answer. No label is looked at,
//! but by the recipe that has a learnt part.
//!
//! The same regions, trunk and seed give the same bundle, with any number of threads. On another
//! kind of processor sums are rounded otherwise, and the bundle is equal but for last digits.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::Device;
use rayon::prelude::*;

pub use super::recipe::Recipe;

use super::arcs::Arcs;
use super::assembly::{Assembly, Maps};
use super::bundle::{Config, KnownAnswer, NetVladConfig, NetworkConfig, PatchConfig, PcaConfig};
use super::head::{Head, Learnt, local_descriptors};
use super::learnt_from::LearntFrom;
use super::mean::rooted_mean;
use super::netvlad::{self, NetVlad};
use super::network::{Loaded, Network};
use super::pca_whitening::{Fit, PcaWhitening};
use super::random::Random;
use super::tensors::{self, Array, TensorFile};
use super::views::View;
use super::weights::Weights;
use super::{backbone, kmeans};
use crate::descriptor::Descriptor;
use crate::geometry::Contour;
use crate::lexicon::Pathology;
use crate::mammogram::Mammogram;
use crate::patch::{self, Patch};
use crate::progress::{Progress, Report};

mod parts;

use parts::{columns, join, learn};

/// Half sides, in equivalent radii, at which each region is seen while the PCA is fitted: as it
/// will be described, and tighter, to stand for an outline drawn by another hand.
const WINDOWS: [f64; 2] = [patch::Recipe::STANDARD.half_side_radii, 1.2];
/// Local descriptors taken from each region for the local PCA and the centres.
const SAMPLES_PER_REGION: usize = 100;
/// Side of the patches of the known answer: small, so that every start may check them.
const KNOWN_SIDE: usize = 64;
const KNOWN_PATCHES: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("an encoder needs at least {needed} regions to learn from; there are {found}")]
    TooFew { needed: usize, found: usize },
    #[error("stopped; nothing was written")]
    Cancelled,
    #[error("a region gave no descriptor; remove it from the list: region {number}")]
    Featureless { number: usize },
    #[error("all regions give one and the same descriptor: there is nothing to tell apart")]
    Alike,
    #[error("this recipe needs a second network for the look, and none was given")]
    NoLook,
    #[error("a learnt part needs regions of at least two outcomes")]
    OneOutcome,
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error(transparent)]
    Device(#[from] backbone::Failure),
}

/// One region as the networks see it.
#[derive(Debug, Clone)]
pub struct Region {
    /// One for each of [`WINDOWS`].
    windows: Vec<Patch>,
    known: Patch,
    /// Looked at by a recipe with a learnt part alone.
    pathology: Pathology,
    /// The whole film's [`film_hash`](crate::library::identity::film_hash).
    film_hash: [u8; 32],
}

/// A network and its weights.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub network: Network,
    pub file: &'a TensorFile,
}

/// What a bundle is made of.
#[derive(Debug)]
pub struct Ingredients<'a> {
    pub recipe: Recipe,
    pub trunk: Source<'a>,
    /// For the look, where [`Recipe::look`] asks for a network of its own; else it stays unused.
    pub look: Option<Source<'a>>,
    pub regions: &'a [Region],
    pub seed: u64,
    /// Where the regions are from, to be credited.
    pub sources: &'a [String],
}

/// A bundle in memory, for [`super::bundle::Bundle::write`].
#[derive(Debug)]
pub struct Made {
    pub config: Config,
    pub weights: Weights,
    pub known_answer: KnownAnswer,
    pub learnt_from: LearntFrom,
}

/// The networks of a recipe, on the CPU.
struct Networks {
    recipe: Recipe,
    trunk: Loaded,
    /// `None` where there is no look or the trunk's maps serve for it.
    look: Option<Loaded>,
}

/// What one region gives before anything of it is projected.
struct Seen {
    /// The texture before its PCA, one for each of [`WINDOWS`] that was asked for.
    textures: Vec<Vec<f32>>,
    look: Option<Vec<f32>>,
}

impl Region {
    /// Cuts what the maker needs, so that the film can be let go; `film_hash` is of the whole film,
    /// of which `mammogram` may be a part.
    pub fn cut(
        mammogram: &Mammogram,
        contour: &Contour,
        pathology: Pathology,
        film_hash: [u8; 32],
    ) -> Self {
        let standard = patch::Recipe::STANDARD;
        let windows = WINDOWS
            .iter()
            .map(|&half_side_radii| {
                let recipe = patch::Recipe { half_side_radii, ..standard };
                patch::extract_by(mammogram, contour, &recipe)
            })
            .collect();
        let small = patch::Recipe { side: KNOWN_SIDE, ..standard };
        let mut known = patch::extract_by(mammogram, contour, &small);
        // The bundle keeps them as whole numbers.
        known.pixels.iter_mut().for_each(|v| *v = v.round());
        Self { windows, known, pathology, film_hash }
    }
}

/// Makes a bundle.
pub fn make(ingredients: &Ingredients, report: &mut Report) -> Result<Made, Error> {
    let Ingredients { recipe, regions, .. } = *ingredients;
    if regions.len() < KNOWN_PATCHES {
        return Err(Error::TooFew { needed: KNOWN_PATCHES, found: regions.len() });
    }
    let networks = Networks::load(ingredients)?;
    let texture = recipe
        .clusters()
        .map(|clusters| fit_netvlad(&networks, clusters, ingredients, report))
        .transpose()?;
    let (mut learnt, netvlad) = texture.unzip();

    let head = learnt.as_ref().map(Head::new);
    let seen = over_regions(regions, "Describing regions", report, |_, region| {
        networks.see(head.as_ref(), region)
    })?;
    let mut pca = None;
    if let Some(learnt) = &mut learnt {
        // Fitted on what will be projected: means over the views, at the one window, then at the
        // other.
        let window = |idx: usize| seen.iter().map(move |seen| seen.textures[idx].clone());
        let vectors: Vec<Vec<f32>> = (0..WINDOWS.len()).flat_map(window).collect();
        let config = recipe.pca(regions.len());
        let fit = Fit::of(&vectors, config.dims, config.whitened).ok_or(Error::Alike)?;
        learnt.pca = Some((fit.mean, fit.components));
        // From here on with the numbers as they will be stored.
        let stored = tensors::to_bytes(&learnt.to_arrays());
        let stored = TensorFile::of(ingredients.trunk.file.path(), stored)?;
        let network = ingredients.trunk.network;
        *learnt = Learnt::from_file(&stored, network, learnt.region_weighted)?;
        pca = Some(PcaConfig { dims: learnt.dims(), ..config });
    }

    let standard = seen.iter().map(|seen| seen.textures[0].clone()).collect();
    let textures = reduce(standard, learnt.as_ref().and_then(|learnt| learnt.pca.as_ref()));
    let looks: Option<Vec<Vec<f32>>> = seen.into_iter().map(|seen| seen.look).collect();
    let beside = recipe.beside();
    let shape_margin = beside.shape_margin.then(|| {
        let numbers = regions.iter().map(|region| region.windows[0].shape_margin.numbers());
        Arcs::fit(&numbers.collect::<Vec<_>>())
    });
    let columns = columns(textures, looks.filter(|_| beside.look), shape_margin.as_ref(), regions);
    let mut weights = Weights { texture: learnt, shape_margin, layer: None };
    let mut parts = join(&columns)?;
    if beside.learnt {
        (weights.layer, parts) = learn(&columns, parts, regions)?;
    }
    let assembly = Assembly::new(recipe.views(), &weights, &parts);
    let known_answer = know(&networks, &assembly, regions)?;
    let look = match (beside.look, &networks.look, ingredients.look) {
        (false, ..) => None,
        (true, Some(_), Some(look)) => Some(look),
        (true, ..) => Some(ingredients.trunk),
    };
    let config = Config {
        format: Config::FORMAT,
        name: recipe.word().to_owned(),
        training: training_statement(ingredients),
        licences: licences(ingredients, look),
        views: recipe.views().to_vec(),
        trunk: ingredients.trunk.config(),
        look: look.map(|look| look.config()),
        patch: PatchConfig::standard(),
        netvlad,
        pca,
        parts,
    };
    let films = regions.iter().map(|region| region.film_hash).collect();
    let learnt_from = LearntFrom { uses_outcomes: beside.learnt, films };
    Ok(Made { config, weights, known_answer, learnt_from })
}

/// Local PCA, centres and assignment of NetVLAD, without a PCA behind it yet.
fn fit_netvlad(
    networks: &Networks,
    clusters: usize,
    ingredients: &Ingredients,
    report: &mut Report,
) -> Result<(Learnt, NetVladConfig), Error> {
    let Ingredients { recipe, regions, seed, .. } = *ingredients;
    let samples = sample_locals(&networks.trunk, regions, seed, report)?;
    let local_pca = recipe.local_dims().map(|dims| {
        let fit = Fit::of(&samples, dims, false).ok_or(Error::Alike)?;
        Ok::<_, Error>((fit.mean, fit.components))
    });
    let local_pca = local_pca.transpose()?;
    let samples = reduce(samples, local_pca.as_ref());
    let dims = samples[0].len();
    let samples = samples.concat();
    let clusters = clusters.min(samples.len() / dims);
    let centroids = kmeans::centers(&samples, dims, clusters, seed, &mut |round| {
        say(report, "Finding cluster centres", round, None)
    });
    let centroids = centroids.ok_or(Error::Cancelled)?;
    let alpha = netvlad::alpha(&samples, &centroids);
    let (assignment, bias) = NetVlad::initial(&centroids, alpha);
    let region_weighted = recipe.region_weighted();
    let last_block = BTreeMap::new();
    let learnt =
        Learnt { local_pca, assignment, bias, centroids, region_weighted, pca: None, last_block };
    Ok((learnt, NetVladConfig { clusters, dims, alpha, region_weighted }))
}

impl Networks {
    fn load(ingredients: &Ingredients) -> Result<Self, Error> {
        let Ingredients { recipe, trunk, look, .. } = *ingredients;
        let load = |source: Source| Loaded::grey(source.file, source.network, &Device::flex());
        let look = match recipe.look() {
            None => None,
            Some(_) => {
                let look = look.ok_or(Error::NoLook)?;
                let is_trunk = look.file.hash() == trunk.file.hash();
                if is_trunk { None } else { Some(load(look)?) }
            }
        };
        Ok(Self { recipe, trunk: load(trunk)?, look })
    }

    fn see(&self, head: Option<&Head>, region: &Region) -> Result<Seen, Error> {
        let standard = &region.windows[0];
        let maps = self.maps(standard)?;
        let weights = weights_on(self.recipe.views(), standard, &maps.trunk);
        let look = self.recipe.beside().look.then(|| match &maps.look {
            Some(look) => rooted_mean(look, &weights_on(self.recipe.views(), standard, look)),
            None => rooted_mean(&maps.trunk, &weights),
        });
        let Some(head) = head else {
            return Ok(Seen { textures: vec![rooted_mean(&maps.trunk, &weights)], look });
        };
        let mut textures = vec![head.describe(&maps.trunk, &weights)];
        for patch in &region.windows[1..] {
            let map =
                self.trunk.feature_map(&pictures(self.recipe.views(), patch), patch.side())?;
            textures.push(head.describe(&map, &weights_on(self.recipe.views(), patch, &map)));
        }
        Ok(Seen { textures, look })
    }

    fn maps(&self, patch: &Patch) -> Result<Maps, Error> {
        let pictures = pictures(self.recipe.views(), patch);
        let look = self.look.as_ref().map(|look| look.feature_map(&pictures, patch.side()));
        let trunk = self.trunk.feature_map(&pictures, patch.side())?;
        Ok(Maps { trunk, look: look.transpose()? })
    }
}

impl Source<'_> {
    fn config(self) -> NetworkConfig {
        NetworkConfig {
            architecture: self.network,
            file: trunk_file_name(self.network, self.file),
            blake3: self.file.hash(),
        }
    }
}

fn pictures(views: &[View], patch: &Patch) -> Vec<Vec<f32>> {
    views.iter().map(|view| view.of(&patch.pixels)).collect()
}

fn weights_on(views: &[View], patch: &Patch, map: &Array) -> Vec<Vec<f32>> {
    let weights = patch.weights_on(map.dims[2]);
    views.iter().map(|view| view.of(&weights)).collect()
}

/// How the file of a trunk is called: after its network and its hash.
pub fn trunk_file_name(network: impl Into<Network>, file: &TensorFile) -> String {
    format!("{}-{}.safetensors", network.into().word(), &file.hash()[..16])
}

/// Local descriptors of length 1 at places drawn from each region.
fn sample_locals(
    trunk: &Loaded,
    regions: &[Region],
    seed: u64,
    report: &mut Report,
) -> Result<Vec<Vec<f32>>, Error> {
    let sampled = over_regions(regions, "Looking at regions", report, |number, region| {
        let patch = &region.windows[0];
        let map = trunk.feature_map(std::slice::from_ref(&patch.pixels), patch.side())?;
        let channels = map.dims[1];
        let locals: Vec<f32> =
            local_descriptors(&map).into_data().try_into_vec().expect("flex holds f32");
        let locals: Vec<&[f32]> = locals.chunks_exact(channels).collect();
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9));
        let mut places: Vec<usize> = (0..locals.len()).collect();
        let kept = SAMPLES_PER_REGION.min(places.len());
        for place in 0..kept {
            let left = places.len() - place;
            places.swap(place, place + random.below(left));
        }
        Ok(places[..kept].iter().map(|&place| locals[place].to_vec()).collect::<Vec<_>>())
    })?;
    Ok(sampled.into_iter().flatten().collect())
}

fn reduce(samples: Vec<Vec<f32>>, local_pca: Option<&(Array, Array)>) -> Vec<Vec<f32>> {
    let Some((mean, components)) = local_pca else { return samples };
    let device = Device::flex();
    let pca = PcaWhitening::new(mean, components, &device);
    let all = Array::new([samples.len(), samples[0].len()], samples.concat());
    let reduced = netvlad::normalize(pca.forward(backbone::tensor(&all, &device)), 1);
    let reduced: Vec<f32> = reduced.into_data().try_into_vec().expect("flex holds f32");
    reduced.chunks_exact(components.dims[0]).map(<[f32]>::to_vec).collect()
}

/// The first, the middle and the last region, and what they give.
fn know(
    networks: &Networks,
    assembly: &Assembly,
    regions: &[Region],
) -> Result<KnownAnswer, Error> {
    let chosen = [0, regions.len() / 2, regions.len() - 1];
    let mut known = KnownAnswer { patches: Vec::new(), descriptors: Vec::<Descriptor>::new() };
    for idx in chosen {
        let patch = &regions[idx].known;
        let descriptor = assembly.describe(patch, &networks.maps(patch)?);
        known.descriptors.push(descriptor.ok_or(Error::Featureless { number: idx + 1 })?);
        known.patches.push(patch.clone());
    }
    Ok(known)
}

/// Runs over all regions in parallel, a handful at a time, and reports between.
fn over_regions<T: Send>(
    regions: &[Region],
    step: &'static str,
    report: &mut Report,
    work: impl Fn(usize, &Region) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    const AT_ONCE: usize = 4;
    let mut results = Vec::with_capacity(regions.len());
    let numbered: Vec<(usize, &Region)> = regions.iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        if say(report, step, results.len(), Some(regions.len())).is_break() {
            return Err(Error::Cancelled);
        }
        let done: Result<Vec<T>, Error> =
            some.par_iter().map(|(number, region)| work(*number, region)).collect();
        results.extend(done?);
    }
    Ok(results)
}

fn say(
    report: &mut Report,
    step: &'static str,
    done: usize,
    total: Option<usize>,
) -> ControlFlow<()> {
    report(Progress { step, done: done as u64, total: total.map(|t| t as u64) })
}

fn training_statement(ingredients: &Ingredients) -> String {
    let labels = if ingredients.recipe.beside().learnt {
        "their outcomes shaped the learnt part and nothing else"
    } else {
        "no label was used"
    };
    let (regions, seed) = (ingredients.regions.len(), ingredients.seed);
    let fitted = match ingredients.recipe.clusters() {
        Some(_) => format!(
            "Cluster centres, projections and scales from {regions} regions, each at {} window \
             sizes, seed {seed}",
            WINDOWS.len()
        ),
        None => format!("The scale of its distances from {regions} regions"),
    };
    format!(
        "{fitted}; {labels}. The networks were trained by their authors on ImageNet photographs \
         and not changed."
    )
}

fn licences(ingredients: &Ingredients, look: Option<Source>) -> Vec<String> {
    let networks = std::iter::once(ingredients.trunk).chain(look).map(|source| source.network);
    let mut credits: Vec<String> = networks.map(|network| network.credit().to_owned()).collect();
    credits.dedup();
    credits.extend(ingredients.sources.iter().map(|source| format!("Regions: {source}")));
    credits
}
