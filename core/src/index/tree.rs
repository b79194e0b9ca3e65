//! kiddo's tree over the leading components of a rotation that orders them by variance.
//!
//! The rows of the rotation are orthonormal, so a distance between projections is a lower bound
//! of the whole distance. They need not be the exact principal components for that: a few steps
//! of orthogonal iteration come near enough.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};

/// Components in the tree: beyond about 16 dimensions a tree is slower than a scan.
pub(super) const LEADING: usize = 8;

/// Rows that the rotation is fitted on, at most.
const SAMPLE: usize = 2048;
const ITERATIONS: usize = 12;

pub(super) struct Tree {
    /// Orthonormal, subtracted mean not needed: it cancels in a distance.
    axes: [Vec<f64>; LEADING],
    tree: ImmutableKdTree<f32, LEADING>,
}

impl Tree {
    /// `None` where kiddo cannot build one.
    pub(super) fn new(values: &[f32], dims: usize) -> Option<Self> {
        let axes = leading_axes(values, dims);
        let places: Vec<[f32; LEADING]> =
            values.chunks_exact(dims).map(|row| project(&axes, row)).collect();
        let tree = ImmutableKdTree::new_from_slice(&places).ok()?;
        Some(Self { axes, tree })
    }

    pub(super) fn project(&self, row: &[f32]) -> [f32; LEADING] {
        project(&self.axes, row)
    }

    /// The cases with the nearest projections.
    pub(super) fn nearest(
        &self,
        place: &[f32; LEADING],
        count: usize,
    ) -> impl Iterator<Item = usize> {
        let count = NonZero::new(count).unwrap_or(NonZero::<usize>::MIN);
        let found = self.tree.query(place).nearest_n::<SquaredEuclidean<f32>>(count).execute();
        found.into_iter().map(|item| item.item as usize)
    }

    /// Every case whose projection is within `reach`, and perhaps a few more.
    pub(super) fn within(&self, place: &[f32; LEADING], reach: f64) -> impl Iterator<Item = usize> {
        // Projecting and kiddo's own sum round in f32: 1e-5 relative, 1e-6 absolute is ample for
        // vectors of length 1.
        let padded = reach * (1.0 + 1e-5) + 1e-6;
        let square = (padded * padded) as f32;
        let found =
            self.tree.query(place).within::<SquaredEuclidean<f32>>(square).unsorted().execute();
        found.into_iter().map(|item| item.item as usize)
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("cases", &self.tree.size()).finish_non_exhaustive()
    }
}

fn project(axes: &[Vec<f64>; LEADING], row: &[f32]) -> [f32; LEADING] {
    std::array::from_fn(|i| dot(&axes[i], row) as f32)
}

fn dot(axis: &[f64], row: &[f32]) -> f64 {
    axis.iter().zip(row).map(|(a, &v)| a * f64::from(v)).sum()
}

/// The directions of largest variance, by orthogonal iteration on a sample of the rows.
fn leading_axes(values: &[f32], dims: usize) -> [Vec<f64>; LEADING] {
    let rows: Vec<&[f32]> = values.chunks_exact(dims).collect();
    let sample: Vec<&[f32]> = rows.iter().step_by(rows.len().div_ceil(SAMPLE)).copied().collect();
    let mut mean = vec![0.0; dims];
    for row in &sample {
        mean.iter_mut().zip(*row).for_each(|(m, &v)| *m += f64::from(v) / sample.len() as f64);
    }
    // A start of full rank that no direction is likely to be orthogonal to.
    let start = |i: usize, c: usize| ((c * LEADING + i + 1) as f64).powi(2).sin();
    let mut axes: [Vec<f64>; LEADING] =
        std::array::from_fn(|i| (0..dims).map(|c| start(i, c)).collect());
    for _ in 0..ITERATIONS {
        orthonormalize(&mut axes);
        let offsets: [f64; LEADING] =
            std::array::from_fn(|i| axes[i].iter().zip(&mean).map(|(a, m)| a * m).sum());
        let mut next: [Vec<f64>; LEADING] = std::array::from_fn(|_| vec![0.0; dims]);
        for row in &sample {
            for i in 0..LEADING {
                let score = dot(&axes[i], row) - offsets[i];
                for ((n, &v), m) in next[i].iter_mut().zip(*row).zip(&mean) {
                    *n += score * (f64::from(v) - m);
                }
            }
        }
        axes = next;
    }
    orthonormalize(&mut axes);
    axes
}

/// Gram-Schmidt, twice for accuracy; a direction that vanishes stays zero, which only weakens
/// the bound.
fn orthonormalize(axes: &mut [Vec<f64>; LEADING]) {
    for i in 0..LEADING {
        let (before, rest) = axes.split_at_mut(i);
        let axis = &mut rest[0];
        let start = axis.iter().map(|v| v * v).sum::<f64>().sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let along: f64 = axis.iter().zip(other).map(|(a, o)| a * o).sum();
                axis.iter_mut().zip(other).for_each(|(a, o)| *a -= along * o);
            }
        }
        let norm = axis.iter().map(|v| v * v).sum::<f64>().sqrt();
        let scale = if norm > 1e-9 * start && norm > 0.0 { 1.0 / norm } else { 0.0 };
        axis.iter_mut().for_each(|v| *v *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axes_are_orthonormal_and_find_the_direction_of_largest_variance() {
        // Rows along e9 with a little spread along e1 and e4.
        let dims = 12;
        let mut values = Vec::new();
        for i in 0..500 {
            let mut row = vec![0.0f32; dims];
            row[9] = (i as f32 * 0.7).sin();
            row[1] = 0.1 * (i as f32 * 1.3).cos();
            row[4] = 0.01 * (i as f32 * 2.9).cos();
            values.extend(row);
        }
        let axes = leading_axes(&values, dims);
        assert!((axes[0][9].abs() - 1.0).abs() < 1e-3, "{:?}", axes[0]);
        for i in 0..LEADING {
            for j in 0..i {
                let cross: f64 = axes[i].iter().zip(&axes[j]).map(|(a, b)| a * b).sum();
                assert!(cross.abs() < 1e-9);
            }
            let norm: f64 = axes[i].iter().map(|v| v * v).sum();
            assert!(norm < 1.0 + 1e-9);
        }
    }
}
