//! One byte a component: a bound on the distance from a quarter of the memory.
//!
//! A vector x becomes x' on a grid of step s, and |x - x'| is known. The distance of two grid
//! points is a whole number of s^2, computed without rounding, and by the triangle inequality
//! d(q, x) >= d(q', x') - |q - q'| - |x - x'|.

/// The codes of all cases.
#[derive(Debug)]
pub(super) struct Codes {
    dims: usize,
    /// Row by row, `dims` each; the grid point is `step * (code - 128)`.
    bytes: Vec<u8>,
    step: f64,
    /// The largest |x - x'| of any case.
    error: f64,
}

/// A query on the same grid.
pub(super) struct Coded {
    codes: Vec<i16>,
    error: f64,
}

/// This many squares of at most 255^2 fit a u32.
pub(super) const MAX_DIMS: usize = 1 << 16;
/// Cases whose distances are computed at a time.
pub(super) const BATCH: usize = 256;

impl Codes {
    pub(super) fn new(values: &[f32], dims: usize) -> Self {
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let step = f64::from(largest.max(f32::MIN_POSITIVE)) / 127.0;
        assert!(dims <= MAX_DIMS, "squares of codes would overflow");
        let mut codes = Self { dims, bytes: Vec::with_capacity(values.len()), step, error: 0.0 };
        for row in values.chunks_exact(dims.max(1)) {
            let coded = codes.encode(row);
            codes.bytes.extend(coded.codes.iter().map(|&code| code as u8));
            codes.error = codes.error.max(coded.error);
        }
        codes
    }

    pub(super) fn encode(&self, values: &[f32]) -> Coded {
        let code = |v: f32| (f64::from(v) / self.step).round().clamp(-128.0, 127.0);
        let square = values.iter().map(|&v| (f64::from(v) - code(v) * self.step).powi(2));
        // The sum's own rounding, generously.
        let error = square.sum::<f64>().sqrt() * (1.0 + 1e-9);
        Coded { codes: values.iter().map(|&v| code(v) as i16 + 128).collect(), error }
    }

    /// Squared distances, in steps, of the query's grid point to those of the cases from `first`
    /// on, at most [`BATCH`] of them.
    pub(super) fn squared_distances(&self, query: &Coded, first: usize, out: &mut [u32]) {
        let rows = self.bytes[first * self.dims..].chunks_exact(self.dims);
        pulp::Arch::new().dispatch(|| {
            for (distance, row) in out.iter_mut().zip(rows) {
                *distance = squared_distance(&query.codes, row);
            }
        });
    }

    /// A case whose squared distance exceeds this is farther away than `reach`.
    pub(super) fn limit(&self, query: &Coded, reach: f64) -> u32 {
        let steps = (reach + query.error + self.error) / self.step;
        // Saturates at infinity, where nothing is too far; the margin covers rounding.
        (steps * steps * (1.0 + 1e-9) + 1.0) as u32
    }
}

/// Inlined into the dispatch above, which compiles it for each width of vectors.
#[inline(always)]
fn squared_distance(query: &[i16], row: &[u8]) -> u32 {
    let square = |(q, c): (&i16, &u8)| {
        let difference = i32::from(q - i16::from(*c));
        (difference * difference) as u32
    };
    let (query_blocks, query_rest) = query.as_chunks::<32>();
    let (row_blocks, row_rest) = row.as_chunks::<32>();
    let blocks = query_blocks.iter().zip(row_blocks);
    let blocks: u32 = blocks.map(|(q, c)| q.iter().zip(c).map(square).sum::<u32>()).sum();
    blocks + query_rest.iter().zip(row_rest).map(square).sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_squared_distance_of_codes_is_the_sum_of_squares() {
        for dims in [1u32, 31, 32, 3000, MAX_DIMS as u32] {
            let a: Vec<i16> = (0..dims).map(|i| (i * 7 % 256) as i16).collect();
            let b: Vec<u8> = (0..dims).map(|i| (i * i % 256) as u8).collect();
            let square = |(a, b): (&i16, &u8)| u64::from(a.abs_diff(i16::from(*b))).pow(2);
            let expected: u64 = a.iter().zip(&b).map(square).sum();
            assert_eq!(u64::from(squared_distance(&a, &b)), expected);
        }
        let far = squared_distance(&vec![255; MAX_DIMS], &vec![0; MAX_DIMS]);
        assert_eq!(u64::from(far), MAX_DIMS as u64 * 255 * 255);
    }
}
