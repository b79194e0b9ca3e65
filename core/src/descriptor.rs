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

    /// Euclidean distance, in [0, 2].
    pub fn distance(&self, other: &Self) -> f32 {
        let sum: f32 = self.0.iter().zip(&other.0).map(|(a, b)| (a - b) * (a - b)).sum();
        sum.sqrt()
    }
}
