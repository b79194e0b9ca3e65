//! What a method says: how far each region of the library lies from a query.

use std::sync::Arc;

use crate::descriptor::distance;

/// Distances of one method; lower is nearer.
#[derive(Debug, Clone)]
pub(super) enum Distances {
    /// A vector an example; Euclidean.
    Vectors(Vec<Vec<f32>>),
    /// A vector an example in each of several spaces, and in which of them each example asks.
    Spaces { of: Vec<usize>, vectors: Vec<Vec<Vec<f32>>> },
    /// By query, then by region of the library; empty for an example that is not asked about.
    Table(Vec<Vec<f32>>),
    /// No method: an order drawn by this seed.
    Random(u64),
    /// The sum of several, each with its weight, once each has mean 0 and standard deviation 1 over
    /// the library of the query.
    Fused(Vec<Part>),
}

/// One method in a sum.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) distances: Arc<Distances>,
    pub(super) weight: f64,
    /// Of unit vectors the square counts, which goes as the cosine does.
    pub(super) is_squared: bool,
}

impl Distances {
    /// From a query to these regions, in their order.
    pub(super) fn from(&self, query: usize, library: &[usize]) -> Vec<f32> {
        match self {
            Self::Vectors(vectors) => {
                library.iter().map(|idx| distance(&vectors[query], &vectors[*idx])).collect()
            }
            Self::Spaces { of, vectors } => {
                let vectors = &vectors[of[query]];
                library.iter().map(|idx| distance(&vectors[query], &vectors[*idx])).collect()
            }
            Self::Table(rows) => library.iter().map(|idx| rows[query][*idx]).collect(),
            Self::Random(seed) => library.iter().map(|idx| shuffle(*seed, query, *idx)).collect(),
            Self::Fused(parts) => {
                let mut sum = vec![0.0; library.len()];
                for part in parts {
                    let mut distances: Vec<f64> =
                        part.distances.from(query, library).into_iter().map(f64::from).collect();
                    if part.is_squared {
                        distances.iter_mut().for_each(|d| *d *= *d);
                    }
                    standardize(&mut distances);
                    sum.iter_mut().zip(&distances).for_each(|(sum, d)| *sum += part.weight * d);
                }
                sum.into_iter().map(|d| d as f32).collect()
            }
        }
    }
}

/// A number in [0, 1) that this pair has for this seed. It also orders what a method finds equally
/// far, so that the order of a list, which often goes by class, never answers.
pub(super) fn shuffle(seed: u64, query: usize, other: usize) -> f32 {
    let mut bits = seed ^ (query as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits ^= (other as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    // SplitMix64's last steps.
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
}

/// To mean 0 and standard deviation 1; all to 0 where they are equal.
fn standardize(values: &mut [f64]) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    for value in values {
        *value = if spread > 1e-12 { (*value - mean) / spread } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_counts_each_part_by_its_weight_whatever_its_unit() {
        let table = |row: [f32; 3]| {
            let distances = Arc::new(Distances::Table(vec![Vec::new(), row.to_vec()]));
            move |weight| Part { distances: Arc::clone(&distances), weight, is_squared: false }
        };
        // Standardised, the first is -1.22, 0, 1.22 and the second 0.71, -1.41, 0.71.
        let (first, second) = (table([1.0, 2.0, 3.0]), table([300.0, 0.0, 300.0]));
        let sum = Distances::Fused(vec![first(0.5), second(0.5)]).from(1, &[0, 1, 2]);
        // Half of each: -0.26, -0.71, 0.97.
        let expected = [-0.25880, -std::f32::consts::FRAC_1_SQRT_2, 0.96590];
        assert!(sum.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{sum:?}");
        let first_alone = Distances::Fused(vec![first(1.0), second(0.0)]).from(1, &[2, 0]);
        assert!(first_alone[0] > first_alone[1]);
    }

    #[test]
    fn a_random_order_is_even_and_repeats_for_its_seed() {
        let draw = |seed| Distances::Random(seed).from(7, &(0..4000).collect::<Vec<_>>());
        let drawn = draw(1);
        let mean = drawn.iter().sum::<f32>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(drawn.iter().all(|d| (0.0..1.0).contains(d)));
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
    }
}
