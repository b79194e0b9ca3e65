//! A descriptor: a vector of length 1, and the encoder that made it.

use serde::{Deserialize, Serialize};

/// Names the bundle that made a descriptor: the BLAKE3 of its hash list, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EncoderId(pub String);

/// A vector of Euclidean length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor(Vec<f32>);

impl Descriptor {
    /// Scales to length 1; `None` where the length is zero or not finite.
    pub fn normalized(mut values: Vec<f32>) -> Option<Self> {
        let norm = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        if !norm.is_finite() || norm < 1e-12 {
            return None;
        }
        values.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
        Some(Self(values))
    }

    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Cosine of the angle between the two, in [-1, 1].
    pub fn cosine(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    /// Takes values that were stored as a descriptor, bit for bit; `None` where their length is
    /// not 1 to within rounding.
    pub fn from_unit(values: Vec<f32>) -> Option<Self> {
        let square: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        ((square - 1.0).abs() < 1e-4).then_some(Self(values))
    }

    /// Euclidean distance, in [0, 2].
    pub fn distance(&self, other: &Self) -> f32 {
        distance(&self.0, &other.0)
    }
}

/// Euclidean distance of two vectors of one dimension, always summed in the same order, so that
/// every search agrees to the last bit.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    (sums.iter().sum::<f32>() + rest).sqrt()
}
