//! A new bundle from regions: centres, projections, known answer. No label is looked at.
//!
//! The same regions, trunk and seed give the same bundle, with any number of threads. On another
//! kind of processor sums are rounded otherwise, and the bundle is equal but for last digits.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::Device;
use rayon::prelude::*;

use super::backbone::{Architecture, Input, Trunk};
use super::bundle::{Config, KnownAnswer, NetVladConfig, PatchConfig, PcaConfig, TrunkConfig};
use super::head::{Head, Learnt, local_descriptors};
use super::join::{Join, Part};
use super::netvlad::{self, NetVlad};
use super::pca_whitening::{Fit, PcaWhitening};
use super::random::Random;
use super::tensors::{self, Array, TensorFile};
use super::views::View;
use super::{backbone, kmeans};
use crate::descriptor::Descriptor;
use crate::geometry::Contour;
use crate::mammogram::Mammogram;
use crate::patch::{self, Patch};
use crate::progress::{Progress, Report};

/// Half sides, in equivalent radii, at which each region is seen while the PCA is fitted: as it
/// will be described, and tighter, to stand for an outline drawn by another hand.
const WINDOWS: [f64; 2] = [patch::Recipe::STANDARD.half_side_radii, 1.2];
/// Local descriptors taken from each region for the local PCA and the centres.
const SAMPLES_PER_REGION: usize = 100;
/// Side of the patches of the known answer: small, so that every start may check them.
const KNOWN_SIDE: usize = 64;
const KNOWN_PATCHES: usize = 3;

/// Which encoder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Local PCA to 128, 64 clusters weighted by the outline, the mean of four views, PCA to 64
    /// without whitening: what came out best on real films.
    Default,
    /// The paper's: 50 clusters on the raw local descriptors, plain pooling, one view, PCA with
    /// whitening. Whitening blows up what few regions cannot settle, so at most a tenth as many
    /// dimensions are kept as there are regions.
    Paper,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("an encoder needs at least {needed} regions to learn from; there are {found}")]
    TooFew { needed: usize, found: usize },
    #[error("stopped; nothing was written")]
    Cancelled,
    #[error("a region gave no descriptor; remove it from the list: region {number}")]
    Featureless { number: usize },
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error(transparent)]
    Device(#[from] backbone::Failure),
}

/// One region as the trunk sees it.
#[derive(Debug, Clone)]
pub struct Region {
    /// One for each of [`WINDOWS`].
    windows: Vec<Patch>,
    known: Patch,
}

/// What a bundle is made of.
#[derive(Debug)]
pub struct Ingredients<'a> {
    pub recipe: Recipe,
    pub architecture: Architecture,
    pub trunk: &'a TensorFile,
    pub regions: &'a [Region],
    pub seed: u64,
    /// Where the regions are from, to be credited.
    pub sources: &'a [String],
}

/// A bundle in memory, for [`super::bundle::Bundle::write`].
#[derive(Debug)]
pub struct Made {
    pub config: Config,
    pub learnt: Learnt,
    pub known_answer: KnownAnswer,
}

impl Region {
    /// Cuts what the maker needs, so that the film can be let go.
    pub fn cut(mammogram: &Mammogram, contour: &Contour) -> Self {
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
        Self { windows, known }
    }
}

impl Recipe {
    const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Paper => "paper",
        }
    }

    const fn clusters(self) -> usize {
        match self {
            Self::Default => 64,
            Self::Paper => 50,
        }
    }

    const fn local_dims(self) -> Option<usize> {
        match self {
            Self::Default => Some(128),
            Self::Paper => None,
        }
    }

    const fn views(self) -> &'static [View] {
        match self {
            Self::Default => &View::FOUR,
            Self::Paper => &[View::Plain],
        }
    }

    fn pca(self, regions: usize) -> PcaConfig {
        match self {
            Self::Default => PcaConfig { dims: 64, whitened: false },
            Self::Paper => PcaConfig { dims: (regions / 10).clamp(2, 128), whitened: true },
        }
    }
}

/// Makes a bundle.
pub fn make(ingredients: &Ingredients, report: &mut Report) -> Result<Made, Error> {
    let Ingredients { recipe, architecture, trunk: file, regions, seed, .. } = *ingredients;
    if regions.len() < KNOWN_PATCHES {
        return Err(Error::TooFew { needed: KNOWN_PATCHES, found: regions.len() });
    }
    let trunk = Trunk::load(file, architecture, Input::Grey, &Device::flex())?;

    let samples = sample_locals(&trunk, regions, seed, report)?;
    let local_pca = recipe.local_dims().map(|dims| {
        let fit = Fit::of(&samples, dims, false);
        (fit.mean, fit.components)
    });
    let samples = reduce(samples, local_pca.as_ref());
    let dims = samples[0].len();
    let samples = samples.concat();
    let clusters = recipe.clusters().min(samples.len() / dims);
    let centroids = kmeans::centers(&samples, dims, clusters, seed, &mut |round| {
        say(report, "Finding cluster centres", round, None)
    });
    let centroids = centroids.ok_or(Error::Cancelled)?;
    let alpha = netvlad::alpha(&samples, &centroids);
    let (assignment, bias) = NetVlad::initial(&centroids, alpha);
    let region_weighted = recipe == Recipe::Default;
    let last_block = BTreeMap::new();
    let mut learnt =
        Learnt { local_pca, assignment, bias, centroids, region_weighted, pca: None, last_block };

    // The PCA is fitted on what will be projected: means over the views.
    let head = Head::new(&learnt);
    let vectors = describe_windows(&trunk, &head, recipe, regions, report)?;
    let pca = recipe.pca(regions.len());
    let fit = Fit::of(&vectors, pca.dims, pca.whitened);
    learnt.pca = Some((fit.mean, fit.components));

    // From here on with the numbers as they will be stored.
    let stored = tensors::to_bytes(&learnt.to_arrays());
    let stored = TensorFile::of(file.path(), stored)?;
    let learnt = Learnt::from_file(&stored, architecture, region_weighted)?;
    let pca = PcaConfig { dims: learnt.dims(), ..pca };
    let part = Part {
        name: "texture".to_owned(),
        dims: pca.dims,
        weight: 1.0,
        spread: spread(&vectors, regions.len(), &learnt),
    };
    let parts = Join::new(vec![part]).ok_or(Error::Featureless { number: 1 })?;
    let known_answer = know(&trunk, &learnt, recipe, &parts, regions)?;
    let config = Config {
        format: Config::FORMAT,
        name: recipe.word().to_owned(),
        training: training_statement(ingredients),
        licences: licences(ingredients),
        views: recipe.views().to_vec(),
        trunk: TrunkConfig {
            architecture,
            file: trunk_file_name(architecture, file),
            blake3: file.hash(),
        },
        patch: PatchConfig::standard(),
        netvlad: NetVladConfig { clusters, dims, alpha, region_weighted },
        pca,
        parts,
    };
    Ok(Made { config, learnt, known_answer })
}

/// How the file of a trunk is called: after its network and its hash.
pub fn trunk_file_name(architecture: Architecture, file: &TensorFile) -> String {
    format!("{}-{}.safetensors", architecture.word(), &file.hash()[..16])
}

/// Local descriptors of length 1 at places drawn from each region.
fn sample_locals(
    trunk: &Trunk,
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

/// The vectors of all regions at the first window, then at the second.
fn describe_windows(
    trunk: &Trunk,
    head: &Head,
    recipe: Recipe,
    regions: &[Region],
    report: &mut Report,
) -> Result<Vec<Vec<f32>>, Error> {
    let described = over_regions(regions, "Describing regions", report, |_, region| {
        let of = |patch| texture(trunk, head, recipe.views(), patch);
        region.windows.iter().map(of).collect::<Result<Vec<_>, _>>()
    })?;
    let window = |idx: usize| described.iter().map(move |windows| windows[idx].clone());
    Ok((0..WINDOWS.len()).flat_map(window).collect())
}

fn texture(trunk: &Trunk, head: &Head, views: &[View], patch: &Patch) -> Result<Vec<f32>, Error> {
    let pictures: Vec<_> = views.iter().map(|view| view.of(&patch.pixels)).collect();
    let maps = trunk.feature_map(&pictures, patch.side())?;
    let weights = patch.weights_on(maps.dims[2]);
    let weights: Vec<_> = views.iter().map(|view| view.of(&weights)).collect();
    Ok(head.describe(&maps, &weights))
}

/// Root mean squared distance of two regions by their final vectors at the standard window.
fn spread(vectors: &[Vec<f32>], regions: usize, learnt: &Learnt) -> f32 {
    let standard = vectors[..regions].to_vec();
    let projected = reduce(standard, learnt.pca.as_ref());
    let mut squares = 0.0;
    for (i, a) in projected.iter().enumerate() {
        for b in &projected[..i] {
            squares += a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
        }
    }
    (squares / (regions * (regions - 1) / 2) as f64).sqrt() as f32
}

/// The first, the middle and the last region, and what they give.
fn know(
    trunk: &Trunk,
    learnt: &Learnt,
    recipe: Recipe,
    parts: &Join,
    regions: &[Region],
) -> Result<KnownAnswer, Error> {
    let head = Head::new(learnt);
    let chosen = [0, regions.len() / 2, regions.len() - 1];
    let mut known = KnownAnswer { patches: Vec::new(), descriptors: Vec::<Descriptor>::new() };
    for idx in chosen {
        let patch = &regions[idx].known;
        let vector = texture(trunk, &head, recipe.views(), patch)?;
        let descriptor = parts.join(&[&vector]);
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
    format!(
        "Cluster centres and projections from {} regions, each at {} window sizes, seed {}; no \
         label was used. The trunk was trained by its authors on ImageNet photographs and not \
         changed.",
        ingredients.regions.len(),
        WINDOWS.len(),
        ingredients.seed,
    )
}

fn licences(ingredients: &Ingredients) -> Vec<String> {
    let trunk = ingredients.architecture.credit().to_owned();
    let regions = ingredients.sources.iter().map(|source| format!("Regions: {source}"));
    std::iter::once(trunk).chain(regions).collect()
}
