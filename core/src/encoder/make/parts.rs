//! The parts of all regions while a bundle is made: how much each counts, and what is learnt from
//! them.

use super::{Error, Region};
use crate::descriptor::Descriptor;
use crate::encoder::arcs::Arcs;
use crate::encoder::assembly::{self, shape_and_margin};
use crate::encoder::join::{Join, Part, spread};
use crate::encoder::lda::{self, Layer};
use crate::encoder::recipe::{LOOK_WEIGHT, SHAPE_MARGIN_WEIGHT, TEXTURE_WEIGHT};
use crate::measures::{MARGIN, SHAPE};

/// One part of all regions: its name, its weight before all are brought to sum to 1, its vectors.
pub(super) struct Column {
    name: &'static str,
    weight: f32,
    vectors: Vec<Vec<f32>>,
}

/// The parts of all regions that need no labels, in the order they are joined.
pub(super) fn columns(
    textures: Vec<Vec<f32>>,
    looks: Option<Vec<Vec<f32>>>,
    shape_margin: Option<&Arcs>,
    regions: &[Region],
) -> Vec<Column> {
    let column = |name, weight, vectors| Column { name, weight, vectors };
    let mut columns = vec![column(assembly::TEXTURE, TEXTURE_WEIGHT, textures)];
    columns.extend(looks.map(|looks| column(assembly::LOOK, LOOK_WEIGHT, looks)));
    if let Some(arcs) = shape_margin {
        let both = regions.iter().map(|region| shape_and_margin(arcs, &region.windows[0]).into());
        let (shape, margin) = both.unzip();
        // Each of the ten numbers counts alike.
        let share = |numbers: usize| {
            SHAPE_MARGIN_WEIGHT * numbers as f32 / (SHAPE.len() + MARGIN.len()) as f32
        };
        columns.push(column(assembly::SHAPE_PART, share(SHAPE.len()), shape));
        columns.push(column(assembly::MARGIN_PART, share(MARGIN.len()), margin));
    }
    columns
}

/// The parts side by side, their weights brought to sum to 1.
pub(super) fn join(columns: &[Column]) -> Result<Join, Error> {
    let total: f32 = columns.iter().map(|column| column.weight).sum();
    let parts = columns.iter().map(|column| Part {
        name: column.name.to_owned(),
        dims: column.vectors[0].len(),
        weight: column.weight / total,
        spread: spread(&slices(&column.vectors)),
    });
    Join::new(parts.collect()).ok_or(Error::Featureless { number: 1 })
}

/// The learnt part behind the others, which make room for it.
pub(super) fn learn(
    columns: &[Column],
    plain: Join,
    regions: &[Region],
) -> Result<(Option<Layer>, Join), Error> {
    let descriptors: Option<Vec<Descriptor>> = (0..regions.len())
        .map(|number| {
            let own: Vec<&[f32]> = columns.iter().map(|c| c.vectors[number].as_slice()).collect();
            plain.join(&own)
        })
        .collect();
    let descriptors = descriptors.ok_or(Error::Featureless { number: 1 })?;
    let classes: Vec<usize> = regions.iter().map(|region| region.pathology as usize).collect();
    let layer = Layer::fit(&descriptors, &classes).ok_or(Error::OneOutcome)?;
    let learnt: Vec<Vec<f32>> = descriptors.iter().map(|d| layer.describe(d)).collect();
    let mut parts = plain.parts().to_vec();
    parts.iter_mut().for_each(|part| part.weight *= 1.0 - lda::WEIGHT);
    parts.push(Part {
        name: assembly::LEARNT.to_owned(),
        dims: layer.dims(),
        weight: lda::WEIGHT,
        spread: spread(&slices(&learnt)),
    });
    Ok((Some(layer), Join::new(parts).ok_or(Error::OneOutcome)?))
}

fn slices(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
    vectors.iter().map(Vec::as_slice).collect()
}
