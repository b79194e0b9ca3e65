//! A linear layer learnt from labelled regions, to stand beside what needs no labels: linear
//! discriminant analysis with shrinkage (Fisher 1936; Friedman, JASA 1989).
//!
//! It pulls the classes apart that the regions were labelled with, so it lifts every score that
//! counts classes. It does not make neighbours more alike to the eye, and inside a class it knows
//! no order; which is why it is one part among others and never the whole. The regions it was
//! fitted on are no fair test of it: fit it anew on the others of each fold.

use rayon::prelude::*;

use super::arcs::Arcs;
use super::pca_whitening::symmetric_eigen;
use super::tensors::Array;
use crate::descriptor::Descriptor;

/// How far the scatter within classes is drawn towards an even one: some hundred regions cannot
/// settle a matrix of as many rows (0.3 by trial on DDSM and mini-MIAS, whose figures with this layer
/// it flatters).
pub const SHRINKAGE: f64 = 0.3;
/// Share of a mean squared distance that the learnt part has where it is appended.
pub const WEIGHT: f32 = 0.5;

/// Directions `[classes - 1 or fewer, inputs]` along which the classes lie farthest apart, in
/// units of the deviation within classes, the best first. `None` where fewer than two classes
/// are there or they do not differ.
pub fn fit(vectors: &[&[f32]], classes: &[usize]) -> Option<Array> {
    assert_eq!(vectors.len(), classes.len(), "one class a vector");
    let inputs = vectors.first()?.len();
    let mut names: Vec<usize> = classes.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return None;
    }
    let count = vectors.len() as f64;
    let mean_of = |keep: &dyn Fn(usize) -> bool| -> (f64, Vec<f64>) {
        let mut sum = vec![0.0_f64; inputs];
        let mut members = 0.0;
        for (vector, _) in vectors.iter().zip(classes).filter(|(_, class)| keep(**class)) {
            sum.iter_mut().zip(*vector).for_each(|(s, v)| *s += f64::from(*v));
            members += 1.0;
        }
        sum.iter_mut().for_each(|s| *s /= members);
        (members, sum)
    };
    let (_, mean) = mean_of(&|_| true);
    let means: Vec<(f64, Vec<f64>)> = names.iter().map(|n| mean_of(&|class| class == *n)).collect();

    let within = scatter_within(vectors, classes, &names, &means);
    let lower = cholesky(&shrunk(within))?;
    // Class means, centred and weighted by the root of their share, where the scatter is even.
    let apart: Vec<Vec<f64>> = means
        .iter()
        .map(|(members, class_mean)| {
            let root = (members / count).sqrt();
            let off = class_mean.iter().zip(&mean).map(|(c, m)| (c - m) * root).collect();
            solve_lower(&lower, off)
        })
        .collect();
    let gram: Vec<Vec<f64>> =
        apart.iter().map(|a| apart.iter().map(|b| dot(a, b)).collect()).collect();
    let (values, combinations) = symmetric_eigen(&gram);
    let largest = values[0];
    let kept = values.iter().take(names.len() - 1).take_while(|v| **v > largest * 1e-9);
    let rows: Vec<f32> = combinations
        .iter()
        .zip(kept)
        .flat_map(|(combination, value)| {
            let mut direction = vec![0.0; inputs];
            for (weight, vector) in combination.iter().zip(&apart) {
                direction.iter_mut().zip(vector).for_each(|(d, v)| *d += weight * v);
            }
            direction.iter_mut().for_each(|d| *d /= value.sqrt());
            solve_lower_transposed(&lower, direction)
        })
        .map(|v| v as f32)
        .collect();
    (largest > 0.0 && !rows.is_empty()).then(|| Array::new([rows.len() / inputs, inputs], rows))
}

/// A fitted layer: projection, and where each of its numbers lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `[dims, inputs]`.
    pub projection: Array,
    /// Of the projected numbers.
    pub arcs: Arcs,
}

impl Layer {
    /// Fitted on descriptors and their classes; `None` where [`fit`] gives none.
    pub fn fit(descriptors: &[Descriptor], classes: &[usize]) -> Option<Self> {
        let vectors: Vec<&[f32]> = descriptors.iter().map(Descriptor::values).collect();
        let projection = fit(&vectors, classes)?;
        let projected: Vec<Vec<Option<f32>>> =
            vectors.iter().map(|vector| project(&projection, vector)).collect();
        let arcs = Arcs::fit(&projected);
        Some(Self { projection, arcs })
    }

    /// Length of what [`Self::describe`] gives.
    pub fn dims(&self) -> usize {
        2 * self.projection.dims[0]
    }

    /// The learnt part of a descriptor of the other parts.
    pub fn describe(&self, descriptor: &Descriptor) -> Vec<f32> {
        self.arcs.describe(&project(&self.projection, descriptor.values()))
    }
}

fn project(projection: &Array, vector: &[f32]) -> Vec<Option<f32>> {
    let inputs = projection.dims[1];
    assert_eq!(vector.len(), inputs, "the layer's own inputs");
    projection
        .values
        .chunks_exact(inputs)
        .map(|row| row.iter().zip(vector).map(|(w, v)| f64::from(w * v)).sum::<f64>() as f32)
        .map(Some)
        .collect()
}

/// Mean of the squared deviations from the own class's mean: `[inputs, inputs]`.
fn scatter_within(
    vectors: &[&[f32]],
    classes: &[usize],
    names: &[usize],
    means: &[(f64, Vec<f64>)],
) -> Vec<Vec<f64>> {
    let inputs = vectors[0].len();
    let rest: Vec<Vec<f64>> = vectors
        .iter()
        .zip(classes)
        .map(|(vector, class)| {
            let own = names.binary_search(class).expect("every class is named");
            vector.iter().zip(&means[own].1).map(|(v, m)| f64::from(*v) - m).collect()
        })
        .collect();
    let columns: Vec<Vec<f64>> =
        (0..inputs).map(|i| rest.iter().map(|row| row[i]).collect()).collect();
    let freedom = (vectors.len() - names.len()).max(1) as f64;
    let half: Vec<Vec<f64>> = (0..inputs)
        .into_par_iter()
        .map(|i| (0..=i).map(|j| dot(&columns[i], &columns[j]) / freedom).collect())
        .collect();
    (0..inputs).map(|i| (0..inputs).map(|j| half[i.max(j)][i.min(j)]).collect()).collect()
}

/// Drawn by [`SHRINKAGE`] towards the even scatter of the same trace.
fn shrunk(mut scatter: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let inputs = scatter.len();
    let even = (0..inputs).map(|i| scatter[i][i]).sum::<f64>() / inputs as f64;
    for (i, row) in scatter.iter_mut().enumerate() {
        row.iter_mut().for_each(|v| *v *= 1.0 - SHRINKAGE);
        row[i] += SHRINKAGE * even;
    }
    scatter
}

/// Lower triangle `L` with `L Lᵀ` the matrix; `None` where it is not positive definite.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (i, row) in matrix.iter().enumerate() {
        let mut new: Vec<f64> = Vec::with_capacity(i + 1);
        for (j, above) in lower.iter().enumerate() {
            new.push((row[j] - dot(&new[..j], &above[..j])) / above[j]);
        }
        let rest = row[i] - dot(&new, &new);
        if rest <= 0.0 || !rest.is_finite() {
            return None;
        }
        new.push(rest.sqrt());
        lower.push(new);
    }
    Some(lower)
}

fn solve_lower(lower: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    for (i, row) in lower.iter().enumerate() {
        b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
    }
    b
}

fn solve_lower_transposed(lower: &[Vec<f64>], mut b: Vec<f64>) -> Vec<f64> {
    for i in (0..b.len()).rev() {
        b[i] /= lower[i][i];
        let value = b[i];
        b[..i].iter_mut().zip(&lower[i]).for_each(|(v, l)| *v -= l * value);
    }
    b
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_in_the_plane_come_out_as_by_hand() {
        // Deviations from the class means (0, 0) and (2, 0): x by 1, y by 2, uncorrelated.
        let around = |x: f32| [[x - 1.0, -2.0], [x - 1.0, 2.0], [x + 1.0, -2.0], [x + 1.0, 2.0]];
        let points = [around(0.0), around(2.0)].concat();
        let vectors: Vec<&[f32]> = points.iter().map(<[f32; 2]>::as_slice).collect();
        let classes = [0, 0, 0, 0, 7, 7, 7, 7];
        let found = fit(&vectors, &classes).expect("they differ");
        assert_eq!(found.dims, [1, 2]);
        // Scatter diag(8/6, 32/6), mean 20/6; shrunk 0.7 * 8/6 + 0.3 * 20/6 = 11.6/6. The means
        // differ in x alone, so the direction is x, of length 1 over the root of the scatter.
        let expected = (6.0_f32 / 11.6).sqrt();
        assert!((found.values[0].abs() - expected).abs() < 1e-6, "{found:?}");
        assert!(found.values[1].abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn equal_means_or_one_class_have_no_direction() {
        let points: [&[f32]; 4] = [&[1.0, 0.0], &[-1.0, 0.0], &[0.0, 1.0], &[0.0, -1.0]];
        assert_eq!(fit(&points, &[1, 1, 1, 1]), None);
        assert_eq!(fit(&points, &[0, 0, 1, 1]), None);
    }
}
