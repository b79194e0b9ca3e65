//! One byte a component: a bound on the distance from a quarter of the memory.
//!
//! A case x becomes x' on a grid of step s, and |x - x'| is known; the query q becomes q' on a
//! grid `fineness` times as fine. |q' - x'|^2 = |q'|^2 + |x'|^2 - 2 q'x' is computed in whole
//! numbers, without rounding, and d(q, x) >= |q' - x'| - |q - q'| - |x - x'|.

/// The codes of all cases.
#[derive(Debug)]
pub(super) struct Codes {
    dims: usize,
    /// Row by row, `dims` each; the grid point is `step * code`.
    codes: Vec<i8>,
    /// `fineness` times the sum of squares of each row's codes.
    squares: Vec<i32>,
    step: f64,
    /// Grid points of a query to one of a case.
    fineness: i32,
    /// The largest |x - x'| of any case.
    error: f64,
}

/// A query on its own grid of step `step / fineness`.
pub(super) struct Coded {
    codes: Vec<i16>,
    /// Sum of squares of the codes.
    square: f64,
    error: f64,
}

/// Cases whose scores are computed at a time.
pub(super) const BATCH: usize = 256;
/// Finer than this gains nothing beside the cases' own step.
const MAX_FINENESS: f64 = 64.0;
/// Room for |x'|^2 - 2 q'x' in 32 bits.
const LARGEST_SQUARE: f64 = (1 << 28) as f64;

impl Codes {
    pub(super) fn new(values: &[f32], dims: usize) -> Self {
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let step = f64::from(largest.max(f32::MIN_POSITIVE)) / 127.0;
        let codes: Vec<i8> = values.iter().map(|&v| (f64::from(v) / step).round() as i8).collect();
        let rows = || codes.chunks_exact(dims.max(1));
        let sum = |row: &[i8]| row.iter().map(|&c| f64::from(c).powi(2)).sum::<f64>();
        let largest_square = rows().map(sum).fold(1.0, f64::max);
        assert!(largest_square <= LARGEST_SQUARE, "more dimensions than 32 bits have room for");
        let fineness = (LARGEST_SQUARE / largest_square).clamp(1.0, MAX_FINENESS).floor();
        let errors = values.chunks_exact(dims.max(1)).zip(rows()).map(|(values, codes)| {
            length(values.iter().zip(codes).map(|(&v, &c)| f64::from(v) - f64::from(c) * step))
        });
        let error = errors.fold(0.0, f64::max);
        let squares = rows().map(|row| (fineness * sum(row)) as i32).collect();
        Self { dims, squares, step, fineness: fineness as i32, error, codes }
    }

    pub(super) fn encode(&self, query: &[f32]) -> Coded {
        let step = self.step / f64::from(self.fineness);
        // Saturates where a component is far beyond those of the cases; the error tells.
        let codes: Vec<i16> = query.iter().map(|&v| (f64::from(v) / step).round() as i16).collect();
        let misses = query.iter().zip(&codes).map(|(&v, &c)| f64::from(v) - f64::from(c) * step);
        let square = codes.iter().map(|&c| f64::from(c).powi(2)).sum();
        Coded { error: length(misses), square, codes }
    }

    /// For the cases from `first` on, at most [`BATCH`] of them: `fineness` times the squared
    /// distance of the grid points in steps, less what is the same for all cases.
    pub(super) fn scores(&self, query: &Coded, first: usize, out: &mut [i32]) {
        let rows = self.codes[first * self.dims..].chunks_exact(self.dims);
        let squares = &self.squares[first..];
        pulp::Arch::new().dispatch(|| {
            for ((score, row), square) in out.iter_mut().zip(rows).zip(squares) {
                *score = square - 2 * dot(&query.codes, row);
            }
        });
    }

    /// A case whose score exceeds this is farther away than `reach`.
    pub(super) fn limit(&self, query: &Coded, reach: f64) -> i32 {
        let fineness = f64::from(self.fineness);
        let steps = (reach + query.error + self.error) / self.step;
        let limit = fineness * steps * steps - query.square / fineness;
        // Saturates at infinity, where nothing is too far; the margin covers rounding.
        (limit + limit.abs() * 1e-9 + 1.0) as i32
    }
}

/// Euclidean length, rounded up.
fn length(differences: impl Iterator<Item = f64>) -> f64 {
    differences.map(|d| d * d).sum::<f64>().sqrt() * (1.0 + 1e-9)
}

/// Inlined into the dispatch above, which compiles it for each width of vectors. By Cauchy and
/// Schwarz no sum of its terms is larger than the lengths' product, for which there is room.
#[inline(always)]
fn dot(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).map(|(q, c)| i32::from(*q) * i32::from(i16::from(*c))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_order_cases_as_the_distances_of_their_grid_points_do() {
        // One row of each sign of the largest value, so that codes span -127 to 127.
        let dims = 70;
        let values: Vec<f32> = (0..dims * 40).map(|i| (i as f32 * 0.37).sin() * 0.2).collect();
        let codes = Codes::new(&values, dims);
        let query: Vec<f32> = (0..dims).map(|i| (i as f32 * 0.91).cos() * 0.2).collect();
        let coded = codes.encode(&query);
        let mut scores = [0; 40];
        codes.scores(&coded, 0, &mut scores);
        let fineness = f64::from(codes.fineness);
        for (score, row) in scores.iter().zip(codes.codes.chunks_exact(dims)) {
            let difference =
                |(q, c): (&i16, &i8)| (f64::from(*q) / fineness - f64::from(*c)).powi(2);
            let square: f64 = coded.codes.iter().zip(row).map(difference).sum();
            let expected = fineness * square - coded.square / fineness;
            assert!((f64::from(*score) - expected).abs() < 1e-3, "{score} is not {expected}");
        }
        assert!(coded.error <= (dims as f64).sqrt() * codes.step / fineness / 2.0 * 1.001);
        assert!(codes.error <= (dims as f64).sqrt() * codes.step / 2.0 * 1.001);
    }
}
