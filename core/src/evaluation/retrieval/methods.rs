//! The methods of an experiment, from what was described.

use std::sync::Arc;

use super::describers::Describer;
use super::design::Design;
use super::distances::{Distances, Part};
use super::examples::{Example, Region};
use super::hand::{self, Numbers};
use super::report::Kind;
use crate::encoder::learnt::Way;
use crate::evaluation::Error;
use crate::evaluation::rivals::Rival;
use crate::progress::Report;
use crate::structure_from_motion::{Feature, Pair, leaks, sift};

/// A method ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) dims: Option<usize>,
    pub(super) seconds: Option<f64>,
    pub(super) distances: Arc<Distances>,
}

const SHAPE: &str = "shape and margin";
const TEXTURE: &str = "texture (GLCM)";
/// Weights of a sum: an encoder bundle, and shape and margin.
const WITH_SHAPE: [f64; 2] = [0.6, 0.4];
/// Dimensions to which a bundle's vectors are shortened, to see what the others add.
const SHORTENED: [usize; 5] = [8, 16, 32, 64, 128];

/// Everything that is known of the regions' pixels once they are let go.
#[derive(Debug)]
pub(super) struct Described {
    /// By describer, then by its vector, then by region.
    vectors: Vec<Vec<Vec<Vec<f32>>>>,
    shape: Vec<Numbers>,
    texture: Vec<Numbers>,
    /// Of every region, where they are wanted.
    features: Option<Vec<Vec<Feature>>>,
}

impl Described {
    pub(super) fn new(describers: &[Describer], with_features: bool) -> Self {
        let vectors = describers.iter().map(|d| vec![Vec::new(); d.names().len()]).collect();
        let features = with_features.then(Vec::new);
        Self { vectors, shape: Vec::new(), texture: Vec::new(), features }
    }

    /// Takes a region: into every column, or into none.
    pub(super) fn take(
        &mut self,
        region: &Region,
        describers: &mut [Describer],
    ) -> Result<(), String> {
        let described: Vec<Vec<Vec<f32>>> =
            describers.iter_mut().map(|d| d.describe(region)).collect::<Result<_, _>>()?;
        for (columns, vectors) in self.vectors.iter_mut().zip(described) {
            columns.iter_mut().zip(vectors).for_each(|(column, vector)| column.push(vector));
        }
        self.shape.push(hand::shape(region));
        self.texture.push(hand::texture(region));
        if let Some(features) = &mut self.features {
            features.push(sift::of_patch(&region.patch));
        }
        Ok(())
    }

    /// Pairs of regions of different patients that show one film.
    pub(super) fn same_films(
        &self,
        examples: &[Example],
        seed: u64,
        report: &mut Report<'_>,
    ) -> Result<Vec<Pair>, Error> {
        let Some(features) = &self.features else { return Ok(Vec::new()) };
        let patients: Vec<usize> = examples.iter().map(|e| e.patient).collect();
        leaks(features, &patients, seed, report).map_err(|_| Error::Cancelled)
    }

    /// The rivals by SIFT, each fitted on the library of every block alone.
    pub(super) fn rivals(
        &self,
        rivals: &[Rival],
        design: &Design,
        seed: u64,
        report: &mut Report<'_>,
    ) -> Result<Vec<Method>, Error> {
        let Some(features) = &self.features else { return Ok(Vec::new()) };
        let of = |places: &[usize]| -> Vec<Vec<Feature>> {
            places.iter().map(|idx| features[*idx].clone()).collect()
        };
        let mut methods = Vec::new();
        for rival in rivals {
            let mut table = vec![Vec::new(); features.len()];
            for block in &design.blocks {
                let (library, queries) = (of(&block.library), of(&block.queries));
                let rows = rival.distances(&library, &queries, seed, report);
                let rows = rows.map_err(|_| Error::Cancelled)?;
                for (query, row) in block.queries.iter().zip(rows) {
                    let mut placed = vec![f32::NAN; features.len()];
                    block.library.iter().zip(row).for_each(|(idx, d)| placed[*idx] = d);
                    table[*query] = placed;
                }
            }
            methods.push(Method {
                name: sift_name(*rival),
                kind: Kind::Sift,
                dims: None,
                seconds: None,
                distances: Arc::new(Distances::Table(table)),
            });
        }
        Ok(methods)
    }

    /// Bundles first, then sums with them, then the rest; random order is not among them.
    pub(super) fn methods(self, describers: &[Describer], design: &Design) -> Vec<Method> {
        let library: Vec<usize> = {
            let all = design.blocks.iter().flat_map(|block| &block.library);
            let all: std::collections::BTreeSet<usize> = all.copied().collect();
            all.into_iter().collect()
        };
        let (mut bundles, mut others) = (Vec::new(), Vec::new());
        for (describer, columns) in describers.iter().zip(self.vectors) {
            for (name, vectors) in describer.names().iter().zip(columns) {
                let method = Method {
                    name: name.clone(),
                    kind: if describer.is_bundle() { Kind::Encoder } else { Kind::Untrained },
                    dims: vectors.first().map(Vec::len),
                    seconds: describer.seconds(),
                    distances: Arc::new(Distances::Vectors(vectors)),
                };
                if describer.is_bundle() { bundles.push(method) } else { others.push(method) }
            }
        }
        let measured = |name: &str, numbers: &[Numbers]| Method {
            name: name.to_owned(),
            kind: Kind::Measures,
            dims: numbers.first().map(Vec::len),
            seconds: None,
            distances: Arc::new(Distances::Vectors(hand::scaled(numbers, &library))),
        };
        let shape = measured(SHAPE, &self.shape);
        let texture = measured(TEXTURE, &self.texture);
        let whole: Vec<&Method> =
            if bundles.is_empty() { others.iter().collect() } else { bundles.iter().collect() };
        let fused: Vec<Method> = whole.iter().map(|method| with_shape(method, &shape)).collect();
        let mut methods = bundles;
        if methods.is_empty() {
            methods.append(&mut others);
        }
        methods.extend(fused);
        methods.extend(others);
        methods.extend([shape, texture]);
        methods
    }
}

fn sift_name(rival: Rival) -> String {
    format!("SIFT {}", rival.word().replace('-', " "))
}

/// An encoder's cosine and the distance by shape and margin, each standardised by query.
fn with_shape(method: &Method, shape: &Method) -> Method {
    let part = |of: &Method, weight, is_squared| Part {
        distances: Arc::clone(&of.distances),
        weight,
        is_squared,
    };
    Method {
        name: format!("{} + shape", method.name),
        kind: Kind::Fused,
        dims: None,
        seconds: None,
        distances: Arc::new(Distances::Fused(vec![
            part(method, WITH_SHAPE[0], true),
            part(shape, WITH_SHAPE[1], false),
        ])),
    }
}

/// A bundle's vectors with the last of their first `dims` numbers left off, which are ordered: by
/// the variance that a PCA found. What stands behind those stays as it is.
pub(super) fn shortened(method: &Method, dims: usize) -> Vec<(usize, Distances)> {
    let Distances::Vectors(vectors) = &*method.distances else { return Vec::new() };
    SHORTENED
        .into_iter()
        .filter(|kept| *kept < dims)
        .map(|kept| {
            let cut = vectors.iter().map(|vector| {
                let left = || vector[..kept].iter().chain(&vector[dims..]);
                let length = left().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
                left().map(|v| v / length).collect()
            });
            (kept, Distances::Vectors(cut.collect()))
        })
        .collect()
}

/// The names that the methods of an experiment may have, random order aside.
pub(super) fn names(describers: &[Describer], rivals: &[Rival]) -> Vec<String> {
    let described = describers.iter().flat_map(Describer::names);
    let described = described.flat_map(|name| {
        let behind = Way::ALL.iter().map(|way| way.words()).chain(["shape"]);
        behind.map(|word| format!("{name} + {word}")).chain([name.clone()]).collect::<Vec<_>>()
    });
    let others = [SHAPE.to_owned(), TEXTURE.to_owned()].into_iter();
    described.chain(others).chain(rivals.iter().map(|rival| sift_name(*rival))).collect()
}

/// The names in a sum, each with its weight as it is written; of any other name, itself.
pub(super) fn terms(sum: &str) -> impl Iterator<Item = (&str, &str)> {
    sum.split(',').map(|term| {
        let (name, weight) = term.rsplit_once('=').unwrap_or((term, "1"));
        (name.trim(), weight.trim())
    })
}

/// The weights of a sum that was asked for by name, `NAME=WEIGHT` joined by commas, each with the
/// position of its method.
pub(super) fn weights(sum: &str, names: &[String]) -> Result<Vec<(usize, f64)>, Error> {
    let wrong = |what: String| Error::Design(format!("the sum \"{sum}\": {what}"));
    let weight = |(name, weight): (&str, &str)| {
        let number = weight.parse().ok().filter(|w: &f64| w.is_finite() && *w > 0.0);
        let number = number.ok_or_else(|| wrong(format!("\"{weight}\" is no weight")))?;
        let found = names.iter().position(|known| known.eq_ignore_ascii_case(name));
        let known = || format!("there is no method \"{name}\"; there are {}", names.join("; "));
        Ok((found.ok_or_else(|| wrong(known()))?, number))
    };
    terms(sum).map(weight).collect()
}

/// The sum of [`weights`].
pub(super) fn asked_sum(sum: &str, methods: &[Method]) -> Result<Method, Error> {
    let names: Vec<String> = methods.iter().map(|method| method.name.clone()).collect();
    let parts = weights(sum, &names)?.into_iter().map(|(place, weight)| {
        let Method { kind, distances, .. } = &methods[place];
        let is_squared = matches!(kind, Kind::Encoder | Kind::Learnt | Kind::Untrained);
        Part { distances: Arc::clone(distances), weight, is_squared }
    });
    Ok(Method {
        name: sum.to_owned(),
        kind: Kind::Fused,
        dims: None,
        seconds: None,
        distances: Arc::new(Distances::Fused(parts.collect())),
    })
}
