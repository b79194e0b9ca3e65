//! Patches and the descriptors they must give: how a bundle proves itself at every start.

use std::collections::BTreeMap;

use super::tensors::{self, Array, Storage, TensorFile};
use crate::descriptor::Descriptor;
use crate::measures::{MARGIN, SHAPE, ShapeMargin};
use crate::patch::{self, Patch};

const NUMBERS: usize = SHAPE.len() + MARGIN.len();

/// Patches and the descriptors they must give.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAnswer {
    pub patches: Vec<Patch>,
    pub descriptors: Vec<Descriptor>,
}

impl KnownAnswer {
    pub(super) fn to_arrays(&self) -> BTreeMap<String, (Array, Storage)> {
        let count = self.patches.len();
        let (side, grid) = (self.patches[0].side(), self.patches[0].grid());
        let stack = |dims: Vec<usize>, values: Vec<&[f32]>| Array::new(dims, values.concat());
        let pixels = self.patches.iter().map(|p| p.pixels.as_slice()).collect();
        let weights = self.patches.iter().map(|p| p.weights.as_slice()).collect();
        let descriptors: Vec<&[f32]> = self.descriptors.iter().map(Descriptor::values).collect();
        let dims = descriptors[0].len();
        let numbers: Vec<Option<f32>> =
            self.patches.iter().flat_map(|p| p.shape_margin.numbers()).collect();
        let known = numbers.iter().map(|n| f32::from(u8::from(n.is_some()))).collect();
        let numbers = numbers.iter().map(|n| n.unwrap_or(0.0)).collect();
        let shape_margin = |values| Array::new([count, NUMBERS], values);
        BTreeMap::from([
            ("shape_margin".to_owned(), (shape_margin(numbers), Storage::F32)),
            ("shape_margin_known".to_owned(), (shape_margin(known), Storage::U8)),
            ("pixels".to_owned(), (stack(vec![count, side, side], pixels), Storage::U8)),
            ("weights".to_owned(), (stack(vec![count, grid, grid], weights), Storage::F32)),
            ("descriptors".to_owned(), (stack(vec![count, dims], descriptors), Storage::F32)),
        ])
    }

    pub(super) fn from_file(file: &TensorFile, dims: usize) -> Result<Self, tensors::Error> {
        let pixels = file.array("pixels")?;
        let (count, side) = match pixels.dims[..] {
            [count, rows, columns]
                if count > 0
                    && rows == columns
                    && rows > 0
                    && rows % patch::CELL == 0
                    && rows <= patch::SIDE =>
            {
                (count, rows)
            }
            _ => return Err(file.wrong_shape("pixels", &pixels, "[3, 64, 64]".to_owned())),
        };
        let grid = side / patch::CELL;
        let weights = file.array_of("weights", &[count, grid, grid])?;
        let descriptors = file.array_of("descriptors", &[count, dims])?;
        let measured = if file.names()?.iter().any(|name| name == "shape_margin") {
            read_measured(file, count)?
        } else {
            // A bundle of format 1 has no part that asks for them.
            vec![ShapeMargin::default(); count]
        };
        let squares = pixels.values.chunks_exact(side * side);
        let patches = squares
            .zip(weights.values.chunks_exact(grid * grid))
            .zip(measured)
            .map(|((pixels, weights), shape_margin)| Patch {
                pixels: pixels.to_vec(),
                weights: weights.to_vec(),
                shape_margin,
            })
            .collect();
        let unit = |values: &[f32]| Descriptor::normalized(values.to_vec());
        let descriptors: Option<Vec<_>> = descriptors.values.chunks_exact(dims).map(unit).collect();
        let descriptors = descriptors.ok_or_else(|| tensors::Error::Damaged {
            reason: "a descriptor of length zero".to_owned(),
            path: file.path().to_owned(),
        })?;
        Ok(Self { patches, descriptors })
    }
}

/// The numbers of shape and margin of so many patches.
fn read_measured(file: &TensorFile, count: usize) -> Result<Vec<ShapeMargin>, tensors::Error> {
    let numbers = file.array_of("shape_margin", &[count, NUMBERS])?;
    let known = file.array_of("shape_margin_known", &[count, NUMBERS])?;
    let patch = |(numbers, known): (&[f32], &[f32])| {
        let of = |idx: usize| (known[idx] != 0.0).then_some(numbers[idx]);
        ShapeMargin::from_numbers(std::array::from_fn(of))
    };
    let patches = numbers.values.chunks_exact(NUMBERS).zip(known.values.chunks_exact(NUMBERS));
    Ok(patches.map(patch).collect())
}
