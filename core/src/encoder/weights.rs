//! All that a bundle learnt, whatever its recipe, and how `weights.safetensors` holds it.

use std::collections::BTreeMap;

use super::arcs::Arcs;
use super::head::Learnt;
use super::lda::Layer;
use super::network::Network;
use super::tensors::{Array, Error, Storage, TensorFile};
use crate::measures::{MARGIN, SHAPE};

const SHAPE_MARGIN: &str = "shape_margin";
const LAYER: &str = "lda";

/// What a bundle learnt, as plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Of the texture by NetVLAD; `None` where the texture is a plain mean.
    pub texture: Option<Learnt>,
    /// Of the ten numbers of shape and margin, where they take part.
    pub shape_margin: Option<Arcs>,
    /// Of the learnt part, where there is one.
    pub layer: Option<Layer>,
}

/// What must be known to read it back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The trunk, and whether NetVLAD weights positions by the outline; `None` without NetVLAD.
    pub(super) texture: Option<(Network, bool)>,
    /// Numbers of the descriptor before the learnt part.
    pub(super) unsupervised: usize,
}

impl From<Learnt> for Weights {
    fn from(texture: Learnt) -> Self {
        Self { texture: Some(texture), shape_margin: None, layer: None }
    }
}

impl Weights {
    pub fn to_arrays(&self) -> BTreeMap<String, (Array, Storage)> {
        let mut arrays = self.texture.as_ref().map(Learnt::to_arrays).unwrap_or_default();
        if let Some(arcs) = &self.shape_margin {
            arcs.put(SHAPE_MARGIN, &mut arrays);
        }
        if let Some(layer) = &self.layer {
            let projection = (layer.projection.clone(), Storage::F32);
            arrays.insert(format!("{LAYER}.projection"), projection);
            layer.arcs.put(LAYER, &mut arrays);
        }
        arrays
    }

    /// Reads it back, every shape held to the others.
    pub(super) fn from_file(file: &TensorFile, shape: Shape) -> Result<Self, Error> {
        let names = file.names()?;
        let has = |name: &str| names.iter().any(|n| n.split('.').next() == Some(name));
        let texture = shape
            .texture
            .map(|(trunk, region_weighted)| Learnt::from_file(file, trunk, region_weighted));
        let numbers = SHAPE.len() + MARGIN.len();
        let shape_margin = has(SHAPE_MARGIN).then(|| Arcs::from_file(file, SHAPE_MARGIN, numbers));
        let layer = has(LAYER).then(|| read_layer(file, shape.unsupervised));
        Ok(Self {
            texture: texture.transpose()?,
            shape_margin: shape_margin.transpose()?,
            layer: layer.transpose()?,
        })
    }
}

fn read_layer(file: &TensorFile, inputs: usize) -> Result<Layer, Error> {
    let name = format!("{LAYER}.projection");
    let projection = file.array(&name)?;
    match projection.dims[..] {
        [dims, width] if dims > 0 && width == inputs => {
            let arcs = Arcs::from_file(file, LAYER, dims)?;
            Ok(Layer { projection, arcs })
        }
        _ => Err(file.wrong_shape(&name, &projection, format!("[dims, {inputs}]"))),
    }
}
