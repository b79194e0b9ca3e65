//! From the best weights to an encoder: PCA on the training regions alone, a known answer, and a
//! statement of what it learnt from.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use super::checkpoint::Place;
use super::config::{Config, LabelPositives};
use super::material::Material;
use super::network::{ASSIGNMENT, BIAS, CENTROIDS, Network, Parameters};
use super::split::Split;
use super::{DESCRIBED_AT_ONCE, Error, say};
use crate::encoder::backbone::{Input, Trunk};
use crate::encoder::bundle::{
    self, KnownAnswer, NetVladConfig, NetworkConfig, PatchConfig, PcaConfig,
};
use crate::encoder::head::{Head, Learnt};
use crate::encoder::join::{self, Join, Part};
use crate::encoder::learnt_from::LearntFrom;
use crate::encoder::make::{self, Made};
use crate::encoder::pca_whitening::{Fit, PcaWhitening};
use crate::encoder::random::Random;
use crate::encoder::tensors::{self, Array, TensorFile};
use crate::encoder::views::View;
use crate::encoder::{netvlad, views};
use crate::progress::Report;

/// Vectors that the PCA is fitted on, at most: what its eigenvectors cost grows with the cube.
const MAX_PCA_VECTORS: usize = 1000;
const KNOWN_PATCHES: usize = 3;

/// Makes the bundle of a run's best weights.
pub(super) fn bundle(
    material: &Material,
    config: &Config,
    split: &Split,
    place: &Place,
    best: &Parameters,
    report: &mut Report,
) -> Result<Made, Error> {
    let architecture = material.architecture;
    let mut learnt = learnt_of(best, config, material);
    // From here on with the numbers as they will be stored.
    learnt = as_stored(&learnt, material)?;
    let stored = parameters_of(&learnt, material)?;
    let standard = describe(material, config, &stored, &split.training, 0, report)?;
    let tight = describe(material, config, &stored, &split.training, 1, report)?;
    let pca = PcaConfig {
        dims: match config.pca_dims {
            0 => (split.training.len() / 10).clamp(2, 128),
            dims => dims,
        },
        whitened: config.pca_whiten,
    };
    let mut vectors = standard.clone();
    vectors.extend(tight);
    let fit = Fit::of(&drawn(vectors, config.seed), pca.dims, pca.whitened).ok_or(Error::Alike)?;
    learnt.pca = Some((fit.mean, fit.components));
    let learnt = as_stored(&learnt, material)?;

    let part = Part {
        name: "texture".to_owned(),
        dims: learnt.dims(),
        weight: 1.0,
        spread: spread(&standard, &learnt),
    };
    let parts = Join::new(vec![part]).ok_or(Error::Featureless)?;
    let known_answer = know(material, config, &learnt, &parts)?;
    let [clusters, dims] = learnt.centroids.dims[..] else { unreachable!("centres are a matrix") };
    let credit = architecture.credit().to_owned();
    let regions = material.sources().into_iter().map(|source| format!("Regions: {source}"));
    let config = bundle::Config {
        format: bundle::Config::FORMAT,
        name: config.name.clone(),
        training: statement(material, config, split, place),
        licences: std::iter::once(credit).chain(regions).collect(),
        views: config.views.clone(),
        trunk: NetworkConfig {
            architecture: architecture.into(),
            file: make::trunk_file_name(architecture, &material.trunk),
            blake3: material.trunk.hash(),
        },
        look: None,
        patch: PatchConfig::standard(),
        netvlad: Some(NetVladConfig {
            clusters,
            dims,
            alpha: place.alpha,
            region_weighted: config.region_weighted,
        }),
        pca: Some(PcaConfig { dims: learnt.dims(), ..pca }),
        parts,
    };
    // The regions kept apart chose the epoch: their answers flatter it as well.
    let learnt_from = LearntFrom {
        uses_outcomes: material.regions.iter().any(|region| region.facts.label.is_some()),
        films: material.regions.iter().map(|region| region.facts.film_hash).collect(),
    };
    Ok(Made { config, weights: learnt.into(), known_answer, learnt_from })
}

fn learnt_of(parameters: &Parameters, config: &Config, material: &Material) -> Learnt {
    let own = |name: &str| parameters.0[name].clone();
    let block = material.architecture.last_block().into_iter();
    let last_block: BTreeMap<String, Array> =
        block.map(|(name, _)| (name.clone(), own(&name))).collect();
    Learnt {
        local_pca: None,
        assignment: own(ASSIGNMENT),
        bias: own(BIAS),
        centroids: own(CENTROIDS),
        region_weighted: config.region_weighted,
        pca: None,
        // A block that did not learn is the trunk's.
        last_block: if config.learn_last_block { last_block } else { BTreeMap::new() },
    }
}

fn as_stored(learnt: &Learnt, material: &Material) -> Result<Learnt, Error> {
    let bytes = tensors::to_bytes(&learnt.to_arrays());
    let file = TensorFile::of(material.trunk.path(), bytes)?;
    Ok(Learnt::from_file(&file, material.architecture.into(), learnt.region_weighted)?)
}

fn parameters_of(learnt: &Learnt, material: &Material) -> Result<Parameters, Error> {
    let mut parameters = learnt.last_block.clone();
    if parameters.is_empty() {
        for (name, dims) in material.architecture.last_block() {
            let array = material.trunk.array_of(&name, &dims)?;
            parameters.insert(name, array);
        }
    }
    parameters.insert(ASSIGNMENT.to_owned(), learnt.assignment.clone());
    parameters.insert(BIAS.to_owned(), learnt.bias.clone());
    parameters.insert(CENTROIDS.to_owned(), learnt.centroids.clone());
    Ok(Parameters(parameters))
}

/// The mean over the encoder's views, of length 1, of regions seen in one window.
fn describe(
    material: &Material,
    config: &Config,
    parameters: &Parameters,
    regions: &[usize],
    window: usize,
    report: &mut Report,
) -> Result<Vec<Vec<f32>>, Error> {
    let network = Network::new(material.architecture, parameters, &Device::flex());
    let looks: Vec<usize> = (0..material.looks.len())
        .filter(|&look| material.looks[look].window == window)
        .filter(|&look| config.views.contains(&material.looks[look].view))
        .collect();
    let mut vectors = Vec::with_capacity(regions.len());
    for chunk in regions.chunks((DESCRIBED_AT_ONCE / looks.len()).max(1)) {
        if say(report, "Describing regions", vectors.len(), Some(regions.len())).is_break() {
            return Err(Error::Cancelled);
        }
        let sights: Vec<(usize, usize)> = chunk
            .iter()
            .flat_map(|&region| looks.iter().map(move |&look| (region, look)))
            .collect();
        let maps = material.load(&sights, config.region_weighted)?;
        let described = network.describe(&maps);
        vectors.extend(described.chunks_exact(looks.len()).map(mean));
    }
    Ok(vectors)
}

/// The mean of vectors, of length 1.
fn mean(vectors: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0_f32; vectors[0].len()];
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += v);
    }
    let length = sum.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt().max(1e-12);
    sum.iter_mut().for_each(|s| *s = (f64::from(*s) / length) as f32);
    sum
}

/// All vectors, or as many as the PCA can take, drawn by the seed.
fn drawn(mut vectors: Vec<Vec<f32>>, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed);
    for place in 0..MAX_PCA_VECTORS.min(vectors.len()) {
        let left = vectors.len() - place;
        vectors.swap(place, place + random.below(left));
    }
    vectors.truncate(MAX_PCA_VECTORS);
    vectors
}

/// Root mean squared distance of two regions by their final vectors.
fn spread(vectors: &[Vec<f32>], learnt: &Learnt) -> f32 {
    let device = Device::flex();
    let Some((mean, components)) = &learnt.pca else { unreachable!("it was fitted") };
    let pca = PcaWhitening::new(mean, components, &device);
    let all = TensorData::new(vectors.concat(), [vectors.len(), vectors[0].len()]);
    let projected = netvlad::normalize(pca.forward(Tensor::from_data(all, &device)), 1);
    let projected: Vec<f32> = projected.into_data().try_into_vec().expect("flex holds f32");
    join::spread(&projected.chunks_exact(components.dims[0]).collect::<Vec<_>>())
}

/// The first, the middle and the last region, and what they give on the path of a query.
fn know(
    material: &Material,
    config: &Config,
    learnt: &Learnt,
    parts: &Join,
) -> Result<KnownAnswer, Error> {
    let regions = &material.regions;
    if regions.len() < KNOWN_PATCHES {
        return Err(Error::TooFew { needed: KNOWN_PATCHES, found: regions.len() });
    }
    let file = TensorFile::open(material.trunk.path())?.with(learnt.last_block.clone());
    let trunk = Trunk::load(&file, material.architecture, Input::Grey, &Device::flex())?;
    let head = Head::new(learnt);
    let mut known = KnownAnswer { patches: Vec::new(), descriptors: Vec::new() };
    for idx in [0, regions.len() / 2, regions.len() - 1] {
        let patch = &regions[idx].known;
        let turned = |square: &[f32], view: &View| views::View::of(*view, square);
        let pictures: Vec<_> = config.views.iter().map(|v| turned(&patch.pixels, v)).collect();
        let maps = trunk.feature_map(&pictures, patch.side())?;
        let weights = patch.weights_on(maps.dims[2]);
        let weights: Vec<_> = config.views.iter().map(|v| turned(&weights, v)).collect();
        let descriptor = parts.join(&[&head.describe(&maps, &weights)]);
        known.descriptors.push(descriptor.ok_or(Error::Featureless)?);
        known.patches.push(patch.clone());
    }
    Ok(known)
}

/// What stands in `encoder.toml`.
fn statement(material: &Material, config: &Config, split: &Split, place: &Place) -> String {
    let labelled = |idx: &&usize| material.regions[**idx].facts.label.is_some();
    let with_label = split.training.iter().filter(labelled).count();
    let learnt = if config.learn_last_block { "the last block and NetVLAD" } else { "NetVLAD" };
    let by_source: Vec<String> =
        place.positives.iter().map(|(source, n)| format!("{n} by {}", source.word())).collect();
    let labels = match config.label_positives {
        LabelPositives::None => "no label was used",
        LabelPositives::Class => "by pathology",
        LabelPositives::ClassAndTerms => "by pathology with margin or shape",
    };
    let chosen = match place.best {
        Some(best) => format!("the weights after epoch {} were kept", best.epoch),
        None => "no epoch was finished".to_owned(),
    };
    let validation = match (place.untrained, place.best.and_then(|best| best.validation)) {
        (Some(before), Some(after)) => format!(
            " Of {} regions of other patients: mean average precision {:.3} (untrained {:.3}), \
             recall@1 {:.3} ({:.3}), recall@5 {:.3} ({:.3}), loss {:.4} ({:.4}).",
            split.validation.len(),
            after.mean_average_precision,
            before.mean_average_precision,
            after.recall[0],
            before.recall[0],
            after.recall[4],
            before.recall[4],
            after.loss,
            before.loss,
        ),
        _ => " No region was kept apart to validate.".to_owned(),
    };
    format!(
        "Trained: {learnt}, by the {:?} loss (margin {}, {:?} distance, positives {labels}), from \
         {} regions ({} unlabelled) at {} looks each; seed {}, learning rate {}, momentum {}, \
         weight decay {}, {} tuples a step, {:.2} of {} epochs; {chosen}. Positives: {}.{validation} \
         The trunk below was trained by its authors on ImageNet photographs and not changed.",
        config.loss,
        config.triplet_margin,
        config.distance,
        split.training.len(),
        split.training.len() - with_label,
        material.looks.len(),
        config.seed,
        config.learning_rate,
        config.momentum,
        config.weight_decay,
        config.batch,
        place.curve.last().map_or(0.0, |point| point.epoch),
        config.epochs,
        if by_source.is_empty() { "none".to_owned() } else { by_source.join(", ") },
    )
}
