//! A linear layer learnt by comparing triplets of finished descriptors, with no network behind it.
//!
//! `f(x) = W (x - mean)` at length 1, W first the leading principal components, then moved by
//! stochastic gradient descent so that a query's positive lies nearer than its hardest negatives by
//! a margin. Its settings were chosen by patient-wise folds on DDSM alone.

use super::pca_whitening::Fit;
use super::random::Random;
use super::tensors::Array;
use crate::descriptor::distance;

/// Rows of W; more than there are inputs or vectors to settle them are not kept.
const DIMS: usize = 32;
/// In units of the mean squared distance of two vectors before anything is learnt.
const MARGIN: f32 = 0.5;
const LEARNING_RATE: f32 = 0.01;
const MOMENTUM: f32 = 0.9;
const EPOCHS: usize = 20;
/// Queries of one class an epoch at most; classes take part alike, however rare.
const QUERIES_A_CLASS: usize = 200;
/// Negatives that are looked at, and the nearest of them that push.
const NEGATIVES: [usize; 2] = [1000, 10];
/// Queries after which everything is projected anew.
const REFRESH: usize = 25;

/// Which of a query's positives pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// The nearest: the weakly supervised ranking loss (equations 18 and 19), made for positives
    /// that may be none.
    Nearest,
    /// Any: the plain triplet loss (equation 15).
    Any,
}

/// A learnt layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearLayer {
    mean: Vec<f32>,
    /// `[dims, inputs]`.
    projection: Array,
}

/// What a layer is learnt from: one class and one patient a vector, all vectors of one length.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    pub vectors: &'a [&'a [f32]],
    pub classes: &'a [usize],
    pub patients: &'a [usize],
}

impl LinearLayer {
    /// `None` where no vector has both a positive of another patient and a negative.
    pub fn train(labelled: &Labelled<'_>, pull: Pull, seed: u64) -> Option<Self> {
        let Labelled { vectors, classes, patients } = *labelled;
        assert!(classes.len() == vectors.len() && patients.len() == vectors.len(), "one a vector");
        let owned: Vec<Vec<f32>> = vectors.iter().map(|v| v.to_vec()).collect();
        let start = Fit::of(&owned, DIMS, false)?;
        let mut layer = Self { mean: start.mean.values, projection: start.components };
        let centred: Vec<Vec<f32>> = vectors.iter().map(|v| layer.centred(v)).collect();
        layer.scale_to_unit_spread(&centred);
        let mut random = Random::new(seed);
        let mut velocity = vec![0.0; layer.projection.values.len()];
        let mut projected = Vec::new();
        let mut steps = 0;
        for _ in 0..EPOCHS {
            for query in queries(classes, &mut random) {
                if steps % REFRESH == 0 {
                    projected = centred.iter().map(|v| layer.project(v)).collect();
                }
                let compared = compared(labelled, query, pull, &projected, &mut random);
                let Some((positive, negatives)) = compared else { continue };
                layer.step(&centred, query, positive, &negatives, &mut velocity);
                steps += 1;
            }
        }
        (steps > 0 && layer.projection.values.iter().all(|v| v.is_finite())).then_some(layer)
    }

    /// Length of what [`Self::describe`] gives.
    pub fn dims(&self) -> usize {
        self.projection.dims[0]
    }

    /// Of length 1, or zero for the mean itself.
    pub fn describe(&self, vector: &[f32]) -> Vec<f32> {
        let mut projected = self.project(&self.centred(vector));
        let length = projected.iter().map(|v| v * v).sum::<f32>().sqrt();
        if length > 0.0 {
            projected.iter_mut().for_each(|v| *v /= length);
        }
        projected
    }

    fn centred(&self, vector: &[f32]) -> Vec<f32> {
        vector.iter().zip(&self.mean).map(|(v, m)| v - m).collect()
    }

    fn project(&self, centred: &[f32]) -> Vec<f32> {
        let rows = self.projection.values.chunks_exact(self.mean.len());
        rows.map(|row| dot(row, centred)).collect()
    }

    /// Scales W so that two of these lie 1 apart in the root mean square.
    fn scale_to_unit_spread(&mut self, centred: &[Vec<f32>]) {
        let projected: Vec<Vec<f32>> = centred.iter().map(|v| self.project(v)).collect();
        // Of centred vectors the mean squared distance of two is twice their mean square.
        let squares = projected.iter().flatten().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        let spread = (2.0 * squares / projected.len() as f64).sqrt().max(1e-12) as f32;
        self.projection.values.iter_mut().for_each(|w| *w /= spread);
    }

    /// One step down the slope of `mean over negatives of max(0, d²(q, p) + margin - d²(q, n))`,
    /// whose derivative by W is `2 W (q - p)(q - p)ᵀ - 2 W (q - n)(q - n)ᵀ`.
    fn step(
        &mut self,
        centred: &[Vec<f32>],
        query: usize,
        positive: usize,
        negatives: &[usize],
        velocity: &mut [f32],
    ) {
        let apart = |other: usize| -> (Vec<f32>, Vec<f32>, f32) {
            let off: Vec<f32> =
                centred[query].iter().zip(&centred[other]).map(|(q, o)| q - o).collect();
            let projected = self.project(&off);
            let square = dot(&projected, &projected);
            (off, projected, square)
        };
        let near = apart(positive);
        let too_near: Vec<_> =
            negatives.iter().map(|n| apart(*n)).filter(|n| near.2 + MARGIN > n.2).collect();
        velocity.iter_mut().for_each(|v| *v *= MOMENTUM);
        let rate = 2.0 * LEARNING_RATE / negatives.len() as f32;
        let mut push = |(off, projected, _): &(Vec<f32>, Vec<f32>, f32), by: f32| {
            for (row, p) in velocity.chunks_exact_mut(off.len()).zip(projected) {
                row.iter_mut().zip(off).for_each(|(v, o)| *v += by * p * o);
            }
        };
        push(&near, -rate * too_near.len() as f32);
        too_near.iter().for_each(|n| push(n, rate));
        self.projection.values.iter_mut().zip(velocity).for_each(|(w, v)| *w += *v);
    }
}

/// An epoch's queries, mixed: of every class as many, rare ones again and again.
fn queries(classes: &[usize], random: &mut Random) -> Vec<usize> {
    let mut names = classes.to_vec();
    names.sort_unstable();
    names.dedup();
    let members: Vec<Vec<usize>> = names
        .iter()
        .map(|name| (0..classes.len()).filter(|idx| classes[*idx] == *name).collect())
        .collect();
    let most = members.iter().map(Vec::len).max().unwrap_or_default().min(QUERIES_A_CLASS);
    let mut queries: Vec<usize> = members
        .iter()
        .flat_map(|own| drawn(own, most.min(own.len()), random).into_iter().cycle().take(most))
        .collect();
    let count = queries.len();
    queries = drawn(&queries, count, random);
    queries
}

/// The positive that pulls and the hardest of the negatives; both of other patients.
fn compared(
    labelled: &Labelled<'_>,
    query: usize,
    pull: Pull,
    projected: &[Vec<f32>],
    random: &mut Random,
) -> Option<(usize, Vec<usize>)> {
    let Labelled { classes, patients, .. } = *labelled;
    let (positives, negatives): (Vec<usize>, Vec<usize>) = (0..classes.len())
        .filter(|idx| patients[*idx] != patients[query])
        .partition(|idx| classes[*idx] == classes[query]);
    let far = |idx: usize| (distance(&projected[query], &projected[idx]), idx);
    let by_distance = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0);
    let positive = match pull {
        Pull::Nearest => positives.into_iter().map(far).min_by(by_distance)?.1,
        Pull::Any => *positives.get(random.below(positives.len().max(1)))?,
    };
    let [looked_at, pushing] = NEGATIVES;
    let negatives = drawn(&negatives, looked_at.min(negatives.len()), random);
    let mut negatives: Vec<(f32, usize)> = negatives.into_iter().map(far).collect();
    negatives.sort_by(by_distance);
    let hardest: Vec<usize> = negatives.into_iter().take(pushing).map(|(_, idx)| idx).collect();
    (!hardest.is_empty()).then_some((positive, hardest))
}

/// So many of these in a random order (Fisher and Yates).
fn drawn(from: &[usize], count: usize, random: &mut Random) -> Vec<usize> {
    let mut all = from.to_vec();
    for place in 0..count {
        let other = place + random.below(all.len() - place);
        all.swap(place, other);
    }
    all.truncate(count);
    all
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_down_the_slope_of_the_loss() {
        // The derivative by finite differences, of a layer of two rows on three inputs.
        let layer = LinearLayer {
            mean: vec![0.0; 3],
            projection: Array::new([2, 3], vec![0.9, -0.2, 0.3, 0.1, 0.8, -0.4]),
        };
        let points = [[0.2, 0.1, -0.3], [-0.4, 0.3, 0.2], [0.3, -0.1, 0.0], [0.1, 0.5, -0.2]];
        let points: Vec<Vec<f32>> = points.iter().map(|p| p.to_vec()).collect();
        let loss = |layer: &LinearLayer| -> f64 {
            let square = |other: usize| {
                let off: Vec<f32> =
                    points[0].iter().zip(&points[other]).map(|(a, b)| a - b).collect();
                let projected = layer.project(&off);
                f64::from(dot(&projected, &projected))
            };
            let hinge = |n| (square(1) + f64::from(MARGIN) - square(n)).max(0.0);
            (hinge(2) + hinge(3)) / 2.0
        };
        let mut velocity = vec![0.0; 6];
        layer.clone().step(&points, 0, 1, &[2, 3], &mut velocity);
        for (weight, moved_by) in velocity.iter().enumerate() {
            let moved = |by: f32| {
                let mut layer = layer.clone();
                layer.projection.values[weight] += by;
                loss(&layer)
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            let expected = -f64::from(LEARNING_RATE) * slope;
            assert!((f64::from(*moved_by) - expected).abs() < 1e-5, "weight {weight}");
        }
        assert!(velocity.iter().any(|v| v.abs() > 1e-4));
    }

    #[test]
    fn one_class_or_one_patient_teaches_nothing() {
        let points: [&[f32]; 4] = [&[1.0, 0.0], &[0.0, 1.0], &[0.5, 0.5], &[0.2, 0.1]];
        let train = |classes: &[usize], patients: &[usize]| {
            let labelled = Labelled { vectors: &points, classes, patients };
            LinearLayer::train(&labelled, Pull::Any, 0)
        };
        assert_eq!(train(&[1, 1, 1, 1], &[0, 1, 2, 3]), None);
        assert_eq!(train(&[0, 0, 1, 1], &[5, 5, 5, 5]), None);
        assert!(train(&[0, 0, 1, 1], &[0, 1, 2, 3]).is_some());
        assert_eq!(
            train(&[0, 0, 1, 1], &[0, 1, 2, 3]),
            train(&[0, 0, 1, 1], &[0, 1, 2, 3]),
            "the same seed gives the same layer"
        );
    }
}
