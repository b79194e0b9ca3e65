//! From a patch's maps and measures to its descriptor: each part by its own rule, then joined.
//!
//! What makes bundles and what opens them both go this way, always on the CPU.

use super::arcs::Arcs;
use super::head::Head;
use super::join::{Join, Part};
use super::lda::Layer;
use super::mean::rooted_mean;
use super::tensors::Array;
use super::views::View;
use super::weights::Weights;
use crate::descriptor::Descriptor;
use crate::measures::{MARGIN, SHAPE};
use crate::patch::Patch;

/// The words for the parts, as they stand on screen, in the order they are joined.
pub(super) const TEXTURE: &str = "texture";
pub(super) const LOOK: &str = "look";
pub(super) const SHAPE_PART: &str = "shape";
pub(super) const MARGIN_PART: &str = "margin";
pub(super) const LEARNT: &str = "learnt";

/// The maps of one patch, all its views, before their ReLU.
#[derive(Debug)]
pub(super) struct Maps {
    pub(super) trunk: Array,
    /// Of the second network; `None` where there is none or the trunk's maps serve for both.
    pub(super) look: Option<Array>,
}

/// How the maps of the trunk become a texture.
#[derive(Debug)]
enum Texture {
    NetVlad(Box<Head>),
    Mean,
}

/// Everything behind the networks.
#[derive(Debug)]
pub(super) struct Assembly {
    views: Vec<View>,
    texture: Texture,
    /// Whether a part is pooled plainly for its look.
    has_look: bool,
    shape_margin: Option<Arcs>,
    layer: Option<Layer>,
    /// Without the learnt part.
    unsupervised: Join,
    join: Join,
}

impl Assembly {
    /// `parts` must be those that the bundle names, with their lengths.
    pub(super) fn new(views: &[View], weights: &Weights, parts: &Join) -> Self {
        let texture = weights.texture.as_ref();
        let unsupervised =
            parts.parts().iter().filter(|part| part.name != LEARNT).cloned().collect();
        Self {
            views: views.to_vec(),
            texture: texture.map_or(Texture::Mean, |t| Texture::NetVlad(Box::new(Head::new(t)))),
            has_look: parts.parts().iter().any(|part| part.name == LOOK),
            shape_margin: weights.shape_margin.clone(),
            layer: weights.layer.clone(),
            unsupervised: Join::new(unsupervised).expect("a part of a sound join is sound"),
            join: parts.clone(),
        }
    }

    pub(super) fn join(&self) -> &Join {
        &self.join
    }

    /// The pictures that the networks are to see of a patch.
    pub(super) fn pictures(&self, patch: &Patch) -> Vec<Vec<f32>> {
        self.views.iter().map(|view| view.of(&patch.pixels)).collect()
    }

    /// `None` where there is nothing to describe.
    pub(super) fn describe(&self, patch: &Patch, maps: &Maps) -> Option<Descriptor> {
        let mut vectors = self.vectors(patch, maps);
        if let Some(layer) = &self.layer {
            let plain = self.unsupervised.join(&slices(&vectors))?;
            vectors.push(layer.describe(&plain));
        }
        self.join.join(&slices(&vectors))
    }

    /// The parts that were not learnt from labels, in order.
    fn vectors(&self, patch: &Patch, maps: &Maps) -> Vec<Vec<f32>> {
        let weights_on = |maps: &Array| -> Vec<Vec<f32>> {
            let weights = patch.weights_on(maps.dims[2]);
            self.views.iter().map(|view| view.of(&weights)).collect()
        };
        let weights = weights_on(&maps.trunk);
        let mut vectors = vec![match &self.texture {
            Texture::NetVlad(head) => head.describe(&maps.trunk, &weights),
            Texture::Mean => rooted_mean(&maps.trunk, &weights),
        }];
        if self.has_look {
            vectors.push(match &maps.look {
                Some(look) => rooted_mean(look, &weights_on(look)),
                None => rooted_mean(&maps.trunk, &weights),
            });
        }
        if let Some(arcs) = &self.shape_margin {
            vectors.extend(shape_and_margin(arcs, patch));
        }
        vectors
    }
}

/// The parts of shape and of margin of a patch.
pub(super) fn shape_and_margin(arcs: &Arcs, patch: &Patch) -> [Vec<f32>; 2] {
    let mut shape = arcs.describe(&patch.shape_margin.numbers());
    let margin = shape.split_off(2 * SHAPE.len());
    [shape, margin]
}

/// Names and lengths of the parts that these weights give, in order; `texture` and `look` are the
/// lengths of the first two.
pub(super) fn lengths(
    weights: &Weights,
    texture: usize,
    look: Option<usize>,
) -> Vec<(&'static str, usize)> {
    let shape_margin = weights.shape_margin.is_some();
    let numbers = |number: usize| shape_margin.then_some(2 * number);
    [
        (TEXTURE, Some(texture)),
        (LOOK, look),
        (SHAPE_PART, numbers(SHAPE.len())),
        (MARGIN_PART, numbers(MARGIN.len())),
        (LEARNT, weights.layer.as_ref().map(Layer::dims)),
    ]
    .into_iter()
    .filter_map(|(name, dims)| Some((name, dims?)))
    .collect()
}

/// Whether these are the parts, in name, length and order.
pub(super) fn are(parts: &[Part], lengths: &[(&str, usize)]) -> bool {
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, (name, dims))| part.name == *name && part.dims == *dims)
}

fn slices(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
    vectors.iter().map(Vec::as_slice).collect()
}
