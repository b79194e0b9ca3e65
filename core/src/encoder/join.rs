//! Parts of one descriptor side by side, each with its weight and its share of a distance.
//!
//! Every part is scaled by numbers frozen in the bundle, so the distance of the whole stays
//! Euclidean and exact, and what a part adds to its square can be read off.

use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;

/// One part: what it is called, how long it is, how much it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// "texture", "shape", "margin": the word on screen.
    pub name: String,
    pub dims: usize,
    /// Share of a mean squared distance that this part is to have; the weights sum to 1.
    pub weight: f32,
    /// Root mean squared distance of two cases by this part alone, over the cases it was
    /// measured on. Dividing by it makes parts of any unit comparable.
    pub spread: f32,
}

/// The parts of a descriptor, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Join {
    parts: Vec<Part>,
}

impl Join {
    /// `None` where a weight or spread is not a positive number, a part is empty or there is none.
    pub fn new(parts: Vec<Part>) -> Option<Self> {
        let join = Self { parts };
        join.is_sound().then_some(join)
    }

    /// What [`Self::new`] holds it to, for one that came from a file.
    pub(super) fn is_sound(&self) -> bool {
        let positive = |v: f32| v.is_finite() && v > 0.0;
        !self.parts.is_empty()
            && self.parts.iter().all(|p| p.dims > 0 && positive(p.weight) && positive(p.spread))
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Dimensions of the whole.
    pub fn dims(&self) -> usize {
        self.parts.iter().map(|p| p.dims).sum()
    }

    /// The whole from its parts, which come in order and have the parts' lengths; `None` where
    /// all are zero or a number is not finite.
    pub fn join(&self, values: &[&[f32]]) -> Option<Descriptor> {
        assert_eq!(values.len(), self.parts.len(), "one vector a part");
        let joined = self.parts.iter().zip(values).flat_map(|(part, values)| {
            assert_eq!(values.len(), part.dims, "part {}", part.name);
            let scale = part.weight.sqrt() / part.spread;
            values.iter().map(move |v| v * scale)
        });
        Descriptor::normalized(joined.collect())
    }

    /// What each part adds to the squared distance of two descriptors, as shares that sum to 1.
    /// Two equal descriptors have no distance to share: each part then has its weight.
    pub fn shares(&self, a: &Descriptor, b: &Descriptor) -> Vec<(String, f32)> {
        let mut start = 0;
        let mut squares: Vec<f64> = Vec::new();
        for part in &self.parts {
            let range = start..start + part.dims;
            let (a, b) = (&a.values()[range.clone()], &b.values()[range]);
            squares.push(a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum());
            start += part.dims;
        }
        if squares.iter().sum::<f64>() == 0.0 {
            squares = self.parts.iter().map(|p| f64::from(p.weight)).collect();
        }
        let total: f64 = squares.iter().sum();
        let names = self.parts.iter().map(|p| p.name.clone());
        names.zip(squares.iter().map(|s| (s / total) as f32)).collect()
    }
}

/// Root mean squared distance of all pairs of vectors of one length.
pub fn spread(vectors: &[&[f32]]) -> f32 {
    let mut squares = 0.0;
    for (i, a) in vectors.iter().enumerate() {
        for b in &vectors[..i] {
            squares += a.iter().zip(*b).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
        }
    }
    let pairs = vectors.len() * vectors.len().saturating_sub(1) / 2;
    (squares / pairs as f64).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, dims: usize, weight: f32, spread: f32) -> Part {
        Part { name: name.to_owned(), dims, weight, spread }
    }

    #[test]
    fn parts_of_any_unit_count_by_their_weight() {
        // Texture differs by its spread (1), shape by its spread (100): shares 0.6 and 0.4.
        let join = Join::new(vec![part("texture", 2, 0.6, 1.0), part("shape", 1, 0.4, 100.0)])
            .expect("sound parts");
        let a = join.join(&[&[0.5, 0.0], &[50.0]]).expect("not zero");
        let b = join.join(&[&[-0.5, 0.0], &[-50.0]]).expect("not zero");
        let shares = join.shares(&a, &b);
        assert_eq!(shares[0].0, "texture");
        assert!((shares[0].1 - 0.6).abs() < 1e-6, "{shares:?}");
        assert!((shares[1].1 - 0.4).abs() < 1e-6, "{shares:?}");
    }

    #[test]
    fn shares_of_the_squared_distance_add_up_to_it() {
        let join = Join::new(vec![part("texture", 2, 0.7, 0.9), part("shape", 2, 0.3, 2.0)])
            .expect("sound parts");
        let a = join.join(&[&[0.6, 0.8], &[1.0, -2.0]]).expect("not zero");
        let b = join.join(&[&[0.0, 1.0], &[0.5, 1.0]]).expect("not zero");
        let square = a.distance(&b).powi(2);
        let by_part: f32 = join.shares(&a, &b).iter().map(|(_, share)| share * square).sum();
        assert!((by_part - square).abs() < 1e-6);
    }

    #[test]
    fn equal_descriptors_share_by_weight() {
        let join = Join::new(vec![part("texture", 1, 0.75, 1.0), part("shape", 1, 0.25, 1.0)])
            .expect("sound parts");
        let a = join.join(&[&[1.0], &[1.0]]).expect("not zero");
        assert_eq!(join.shares(&a, &a), [("texture".to_owned(), 0.75), ("shape".to_owned(), 0.25)]);
    }
}
