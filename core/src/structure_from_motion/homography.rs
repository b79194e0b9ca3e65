//! The homography: one flat picture seen twice (Hartley and Zisserman, chapter 4).

use super::linear::{
    Matrix3, add_equation, adjugate, applied, free_vector, product, scaled, smallest_eigenvector,
};
use super::ransac::{Correspondence, Model, normalized};

/// Places of the first picture to the second's, but for a factor; and the way back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography {
    pub there: Matrix3,
    pub back: Matrix3,
}

impl Model<4> for Homography {
    fn of_sample(sample: &[Correspondence; 4]) -> Option<Self> {
        if !turns_agree(sample) {
            return None;
        }
        let (a, b, pairs) = normalized(sample)?;
        let rows: [[f64; 9]; 8] = std::array::from_fn(|i| equations(&pairs[i / 2])[i % 2]);
        Some(Self::from_normal(free_vector(rows)?, &a.matrix(), &b.inverse()))
    }

    /// The normalised direct linear transformation (algorithm 4.2).
    fn of_all(pairs: &[Correspondence]) -> Option<Self> {
        if pairs.len() < 4 {
            return None;
        }
        let (a, b, pairs) = normalized(pairs)?;
        let mut sums = [[0.0; 9]; 9];
        pairs.iter().flat_map(equations).for_each(|row| add_equation(&mut sums, &row));
        Some(Self::from_normal(smallest_eigenvector(sums), &a.matrix(), &b.inverse()))
    }

    /// Distance from where the other's place comes to lie, the larger of the two.
    fn error(&self, pair: &Correspondence) -> f64 {
        let distance = |matrix: &Matrix3, from: [f64; 2], to: [f64; 2]| {
            let [x, y, w] = applied(matrix, from);
            (x / w - to[0]).hypot(y / w - to[1])
        };
        distance(&self.there, pair.a, pair.b).max(distance(&self.back, pair.b, pair.a))
    }
}

impl Homography {
    fn from_normal(entries: [f64; 9], a: &Matrix3, from_b: &Matrix3) -> Self {
        let h = std::array::from_fn(|i| std::array::from_fn(|j| entries[3 * i + j]));
        let there = scaled(product(from_b, &product(&h, a)));
        Self { there, back: adjugate(&there) }
    }
}

/// Two equations of a pair for the entries of H (equation 4.3).
fn equations(pair: &Correspondence) -> [[f64; 9]; 2] {
    let ([x, y], [u, v]) = (pair.a, pair.b);
    [[0.0, 0.0, 0.0, -x, -y, -1.0, v * x, v * y, v], [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, -u]]
}

/// Whether every three of the four places turn the same way in both pictures, as those of one
/// side of a film do.
fn turns_agree(sample: &[Correspondence; 4]) -> bool {
    let turn =
        |[a, b, c]: [[f64; 2]; 3]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]].into_iter().all(|three: [usize; 3]| {
        turn(three.map(|i| sample[i].a)) * turn(three.map(|i| sample[i].b)) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::super::ransac::consensus;
    use super::*;
    use crate::phantom::Random;

    /// `right` pairs by a known homography and `wrong` ones by none.
    fn pairs(right: usize, wrong: usize, noise: f64) -> (Matrix3, Vec<Correspondence>) {
        let truth = [[1.1, 0.3, -12.0], [-0.2, 0.9, 25.0], [2e-4, -1e-4, 1.0]];
        let mut random = Random::new(3);
        let pairs = (0..right + wrong).map(|i| {
            let a = [random.uniform(0.0, 224.0), random.uniform(0.0, 224.0)];
            let [x, y, w] = applied(&truth, a);
            let b = if i < right {
                [x / w + noise * random.normal(), y / w + noise * random.normal()]
            } else {
                [random.uniform(0.0, 224.0), random.uniform(0.0, 224.0)]
            };
            Correspondence { a, b }
        });
        (truth, pairs.collect())
    }

    #[test]
    fn it_is_found_among_four_times_as_many_wrong_pairs() {
        let (truth, pairs) = pairs(40, 160, 0.5);
        let found = consensus::<4, Homography>(&pairs, 5.0, 1).expect("40 agree");
        let right = found.inliers.iter().filter(|&&i| i < 40).count();
        assert_eq!(right, 40);
        // By chance a wrong pair agrees with 5 pixels around of 224 x 224: one in 640.
        assert!(found.inliers.len() <= 43, "{}", found.inliers.len());
        let there = found.model.there;
        for corner in [[0.0, 0.0], [224.0, 0.0], [0.0, 224.0], [224.0, 224.0]] {
            let [x, y, w] = applied(&there, corner);
            let [u, v, z] = applied(&truth, corner);
            assert!((x / w - u / z).hypot(y / w - v / z) < 1.5);
        }
    }

    #[test]
    fn four_exact_pairs_settle_it_and_three_on_a_line_do_not() {
        let (_, pairs) = pairs(30, 0, 0.0);
        let found = Homography::of_sample(&std::array::from_fn(|i| pairs[i]));
        if let Some(found) = found {
            assert!(pairs.iter().all(|pair| found.error(pair) < 1e-6));
        }
        let found = Homography::of_all(&pairs).expect("30 pairs");
        assert!(pairs.iter().all(|pair| found.error(pair) < 1e-6));
        let line: [Correspondence; 4] = std::array::from_fn(|i| {
            let v = i as f64;
            Correspondence { a: [v, 2.0 * v], b: [v, 2.0 * v] }
        });
        assert!(Homography::of_sample(&line).is_none());
    }

    #[test]
    fn a_mirrored_square_is_no_film_seen_again() {
        let square = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]];
        let same = square.map(|a| Correspondence { a, b: [a[0] + 1.0, a[1]] });
        assert!(Homography::of_sample(&same).is_some());
        let mirrored = square.map(|a| Correspondence { a, b: [-a[0], a[1]] });
        assert!(Homography::of_sample(&mirrored).is_none());
    }
}
