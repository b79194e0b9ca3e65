//! The fundamental matrix: a place in one picture and the line in the other on which it must be
//! (Hartley and Zisserman, chapter 11).

use super::linear::{
    Matrix3, add_equation, applied, free_vector, product, scaled, smallest_eigenvector, transposed,
};
use super::ransac::{Correspondence, Model, normalized};

/// `b^T F a = 0`, of rank 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fundamental(pub Matrix3);

impl Model<8> for Fundamental {
    fn of_sample(sample: &[Correspondence; 8]) -> Option<Self> {
        let (a, b, pairs) = normalized(sample)?;
        let rows: [[f64; 9]; 8] = std::array::from_fn(|i| equation(&pairs[i]));
        let entries = free_vector(rows)?;
        Some(Self::from_normal(entries, &a.matrix(), &b.matrix()))
    }

    /// The normalised eight-point algorithm (algorithm 11.1).
    fn of_all(pairs: &[Correspondence]) -> Option<Self> {
        if pairs.len() < 8 {
            return None;
        }
        let (a, b, pairs) = normalized(pairs)?;
        let mut sums = [[0.0; 9]; 9];
        pairs.iter().for_each(|pair| add_equation(&mut sums, &equation(pair)));
        let entries = smallest_eigenvector(sums);
        Some(Self::from_normal(entries, &a.matrix(), &b.matrix()))
    }

    /// Distance of each place from the other's line, the larger of the two.
    fn error(&self, pair: &Correspondence) -> f64 {
        let in_b = applied(&self.0, pair.a);
        let in_a = applied(&transposed(&self.0), pair.b);
        let value = in_b[0] * pair.b[0] + in_b[1] * pair.b[1] + in_b[2];
        value.abs() / in_b[0].hypot(in_b[1]).min(in_a[0].hypot(in_a[1]))
    }
}

impl Fundamental {
    /// From the nine entries for normalised places; the nearest matrix of rank 2 takes its place
    /// (section 11.1.1).
    fn from_normal(entries: [f64; 9], a: &Matrix3, b: &Matrix3) -> Self {
        let f: Matrix3 = std::array::from_fn(|i| std::array::from_fn(|j| entries[3 * i + j]));
        let weakest = smallest_eigenvector(product(&transposed(&f), &f));
        let flat: Matrix3 = std::array::from_fn(|i| {
            let along: f64 = (0..3).map(|k| f[i][k] * weakest[k]).sum();
            std::array::from_fn(|j| f[i][j] - along * weakest[j])
        });
        Self(scaled(product(&transposed(b), &product(&flat, a))))
    }
}

/// One pair's equation for the entries of F (equation 11.3).
fn equation(pair: &Correspondence) -> [f64; 9] {
    let ([x, y], [u, v]) = (pair.a, pair.b);
    [u * x, u * y, u, v * x, v * y, v, x, y, 1.0]
}

#[cfg(test)]
mod tests {
    use super::super::ransac::consensus;
    use super::super::tests::{Scene, scene};
    use super::*;

    #[test]
    fn it_is_found_among_as_many_wrong_pairs() {
        let Scene { pairs, truth } = scene(60, 60, 0.3, 5);
        let found = consensus::<8, Fundamental>(&pairs, 3.0, 1).expect("most agree");
        let right = found.inliers.iter().filter(|&&i| i < 60).count();
        assert!(right >= 58, "{right} of 60");
        // A wrong pair lies within 3 pixels of a line by chance: some 6 of 400 pixels.
        assert!(found.inliers.len() - right <= 6, "{}", found.inliers.len());
        let farthest = pairs[..60].iter().map(|p| found.model.error(p)).fold(0.0, f64::max);
        assert!(farthest < 4.0, "{farthest}");
        let exact = scene(60, 0, 0.0, 5).pairs;
        assert!(exact.iter().all(|p| Fundamental(truth).error(p) < 1e-6));
    }

    #[test]
    fn exact_pairs_give_the_true_matrix_of_rank_2() {
        let Scene { pairs, truth } = scene(20, 0, 0.0, 9);
        for found in [
            Fundamental::of_all(&pairs).expect("20 pairs"),
            Fundamental::of_sample(&std::array::from_fn(|i| pairs[i])).expect("8 pairs"),
        ] {
            let (found, truth) = (scaled(found.0), scaled(truth));
            let dot: f64 =
                found.iter().flatten().zip(truth.iter().flatten()).map(|(a, b)| a * b).sum();
            assert!(dot.abs() > 1.0 - 1e-6, "{dot}");
            let cubed: f64 =
                (0..3).map(|j| found[0][j] * super::super::linear::adjugate(&found)[j][0]).sum();
            assert!(cubed.abs() < 1e-9, "{cubed}");
        }
        assert!(Fundamental::of_all(&pairs[..7]).is_none());
    }
}
