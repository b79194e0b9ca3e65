//! Which features of two pictures look alike: each other's nearest, and clearly nearer than the
//! next (Lowe, section 7.1).
//!
//! Descriptors are compared in whole numbers, so that every machine finds the same.

use super::sift::{self, DIMS, Feature};

/// Largest ratio of the distances to the nearest and to the next (Lowe, figure 11).
const RATIO: f64 = 0.8;
/// Steps to 1: a squared distance fits 32 bits, and an error of half a step is far below noise.
const STEPS: f32 = 4096.0;

/// A picture's features, ready to be compared many times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coded {
    /// Places in pixels, in the features' order.
    pub(super) places: Vec<[f64; 2]>,
    codes: Vec<[i16; DIMS]>,
    /// Squared length of each code.
    squares: Vec<i32>,
}

impl Coded {
    pub fn of(features: &[Feature]) -> Self {
        let places = features.iter().map(|f| [f64::from(f.x), f64::from(f.y)]).collect();
        let code = |f: &Feature| f.descriptor.map(|v| (v * STEPS).round() as i16);
        Self::new(places, features.iter().map(code).collect())
    }

    /// Places with descriptors of whole numbers, `steps` of which are 1.
    pub(super) fn from_codes(places: Vec<[f64; 2]>, codes: &[[u8; DIMS]], steps: f32) -> Self {
        let wide = |code: &[u8; DIMS]| code.map(|v| (f32::from(v) / steps * STEPS).round() as i16);
        Self::new(places, codes.iter().map(wide).collect())
    }

    fn new(places: Vec<[f64; 2]>, codes: Vec<[i16; DIMS]>) -> Self {
        let squares = codes.iter().map(|code| dot(code, code)).collect();
        Self { places, codes, squares }
    }

    /// The picture as it is, and as it is in a mirror: a copy of a film may be either.
    pub fn sides(&self) -> [Self; 2] {
        let flipped = |code: &[i16; DIMS]| std::array::from_fn(|i| code[sift::mirrored(i)]);
        let mirrored = Self {
            places: self.places.iter().map(|[x, y]| [-x, *y]).collect(),
            codes: self.codes.iter().map(flipped).collect(),
            squares: self.squares.clone(),
        };
        [self.clone(), mirrored]
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The first of them, which are those that stand out most.
    pub(super) fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        Self::new(self.places[..count].to_vec(), self.codes[..count].to_vec())
    }
}

/// Pairs of positions, by rising position in `a`.
pub fn matches(a: &Coded, b: &Coded) -> Vec<(usize, usize)> {
    if a.is_empty() || b.len() < 2 {
        return Vec::new();
    }
    let mut nearest_of_b = vec![(i32::MAX, 0_usize); b.len()];
    let mut nearest_of_a = Vec::with_capacity(a.len());
    let mut distances = vec![0; b.len()];
    for (i, (code, square)) in a.codes.iter().zip(&a.squares).enumerate() {
        pulp::Arch::new().dispatch(|| {
            for ((distance, other), other_square) in
                distances.iter_mut().zip(&b.codes).zip(&b.squares)
            {
                *distance = square + other_square - 2 * dot(code, other);
            }
        });
        let (mut best, mut next) = ((i32::MAX, 0), i32::MAX);
        for (j, &distance) in distances.iter().enumerate() {
            if distance < best.0 {
                (best, next) = ((distance, j), best.0);
            } else if distance < next {
                next = distance;
            }
            if distance < nearest_of_b[j].0 {
                nearest_of_b[j] = (distance, i);
            }
        }
        nearest_of_a.push((best, next));
    }
    let clear = |&(i, &((best, j), next)): &(usize, &((i32, usize), i32))| {
        f64::from(best) < RATIO * RATIO * f64::from(next) && nearest_of_b[j].1 == i
    };
    nearest_of_a.iter().enumerate().filter(clear).map(|(i, ((_, j), _))| (i, *j)).collect()
}

/// Inlined into the dispatch above, which compiles it for each width of vectors. By Cauchy and
/// Schwarz no sum is larger than the lengths' product, 2^24, for which there is room.
#[inline(always)]
fn dot(a: &[i16; DIMS], b: &[i16; DIMS]) -> i32 {
    a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A feature whose descriptor lies in the plane of the first two numbers.
    fn feature(angle: f32) -> Feature {
        let mut descriptor = [0.0; DIMS];
        (descriptor[0], descriptor[1]) = (angle.cos(), angle.sin());
        Feature { x: angle, y: 0.0, scale: 1.0, angle: 0.0, response: 1.0, descriptor }
    }

    fn found(a: &[f32], b: &[f32]) -> Vec<(usize, usize)> {
        let coded = |angles: &[f32]| {
            Coded::of(&angles.iter().map(|&angle| feature(angle)).collect::<Vec<_>>())
        };
        matches(&coded(a), &coded(b))
    }

    #[test]
    fn a_match_is_mutual_and_clear() {
        // 0.1 and 0.9 find each other's nearest; 0.5 lies half way between two.
        assert_eq!(found(&[0.1, 0.5, 0.9], &[0.11, 0.89]), [(0, 0), (2, 1)]);
        // Both want 0.2, which wants the nearer.
        assert_eq!(found(&[0.15, 0.19], &[0.2, 1.5]), [(1, 0)]);
        // 0.79 of the next one's distance is clear, 0.81 is not.
        assert_eq!(found(&[0.0], &[0.079, 0.1]).len(), 1);
        assert_eq!(found(&[0.0], &[0.081, 0.1]).len(), 0);
    }

    #[test]
    fn without_a_next_there_is_no_clear_match() {
        assert_eq!(found(&[0.1], &[0.1]), []);
        assert_eq!(found(&[], &[0.1, 0.2]), []);
        assert_eq!(found(&[0.1], &[]), []);
    }
}
