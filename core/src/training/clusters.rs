//! Where NetVLAD starts: k-means over local descriptors of regions drawn at random.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::config::Config;
use super::material::Material;
use super::network::{ASSIGNMENT, BIAS, CENTROIDS, Network, Parameters};
use super::{Error, say};
use crate::encoder::kmeans;
use crate::encoder::netvlad::{self, NetVlad};
use crate::encoder::random::Random;
use crate::encoder::tensors::Array;
use crate::progress::Report;

/// Local descriptors taken from each region.
const SAMPLES_PER_REGION: usize = 100;

/// The trunk's own last block, and NetVLAD from k-means over `training`, the unlabelled regions
/// among them; with the alpha it starts from.
pub(super) fn start(
    material: &Material,
    training: &[usize],
    config: &Config,
    report: &mut Report,
) -> Result<(Parameters, f64), Error> {
    let mut parameters = BTreeMap::new();
    for (name, dims) in material.architecture.last_block() {
        let array = material.trunk.array_of(&name, &dims)?;
        parameters.insert(name, array);
    }
    let samples = sample(material, training, config, &parameters, report)?;
    let dims = material.architecture.channels();
    let clusters = config.clusters.min(samples.len() / dims);
    let centroids = kmeans::centers(&samples, dims, clusters, config.seed, &mut |round| {
        say(report, "Finding cluster centres", round, None)
    });
    let centroids = centroids.ok_or(Error::Cancelled)?;
    let alpha = config.alpha.unwrap_or_else(|| netvlad::alpha(&samples, &centroids));
    let (assignment, bias) = NetVlad::initial(&centroids, alpha);
    parameters.insert(ASSIGNMENT.to_owned(), assignment);
    parameters.insert(BIAS.to_owned(), bias);
    parameters.insert(CENTROIDS.to_owned(), centroids);
    Ok((Parameters(parameters), alpha))
}

/// Local descriptors of length 1, end to end.
fn sample(
    material: &Material,
    training: &[usize],
    config: &Config,
    block: &BTreeMap<String, Array>,
    report: &mut Report,
) -> Result<Vec<f32>, Error> {
    let mut random = Random::new(config.seed);
    let mut drawn = training.to_vec();
    let count = config.cluster_images.min(drawn.len());
    for place in 0..count {
        let left = drawn.len() - place;
        drawn.swap(place, place + random.below(left));
    }
    // NetVLAD's own numbers are not asked for: any will do.
    let dims = material.architecture.channels();
    let none = |dims: Vec<usize>| Array::new(dims.clone(), vec![0.0; dims.iter().product()]);
    let mut parameters = block.clone();
    parameters.insert(ASSIGNMENT.to_owned(), none(vec![1, dims]));
    parameters.insert(BIAS.to_owned(), none(vec![1]));
    parameters.insert(CENTROIDS.to_owned(), none(vec![1, dims]));
    let network = Network::new(material.architecture, &Parameters(parameters), &Device::flex());
    let mut samples = Vec::new();
    for (done, &region) in drawn[..count].iter().enumerate() {
        if say(report, "Sampling regions", done, Some(count)).is_break() {
            return Err(Error::Cancelled);
        }
        let maps = material.load(&[(region, 0)], false)?;
        let locals = network.local_descriptors(&maps);
        let [_, positions, _] = locals.dims();
        let locals: Vec<f32> = locals.into_data().try_into_vec().expect("flex holds f32");
        let mut places: Vec<usize> = (0..positions).collect();
        for place in 0..SAMPLES_PER_REGION.min(positions) {
            places.swap(place, place + random.below(positions - place));
            samples.extend_from_slice(&locals[places[place] * dims..][..dims]);
        }
    }
    Ok(samples)
}
