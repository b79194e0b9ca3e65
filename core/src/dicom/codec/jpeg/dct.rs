//! Sequential DCT, 8 and 12 bits, one component (T.81 annex F).

use super::damaged;
use super::huffman::{Bits, Table};
use crate::dicom::codec::Error;

/// The picture that blocks are placed into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) precision: u16,
}

impl Shape {
    pub(super) fn num_blocks(&self) -> usize {
        self.columns.div_ceil(8) * self.rows.div_ceil(8)
    }

    /// Puts a block of dequantized coefficients in its place: inverse DCT, level shift, clamp, and
    /// the part of it that lies in the image (A.3.1).
    pub(super) fn place(
        &self,
        number: usize,
        coefficients: &[f32; 64],
        basis: &Basis,
        samples: &mut [u16],
    ) {
        let across = self.columns.div_ceil(8);
        let (top, left) = (number / across * 8, number % across * 8);
        let middle = (1_u32 << (self.precision - 1)) as f32;
        let largest = ((1_u32 << self.precision) - 1) as f32;
        let width = 8.min(self.columns - left);
        let block = inverse(coefficients, basis);
        for (row, values) in block.chunks_exact(8).enumerate().take(self.rows - top) {
            let at = (top + row) * self.columns + left;
            for (sample, value) in samples[at..at + width].iter_mut().zip(values) {
                *sample = (value + middle).round().clamp(0.0, largest) as u16;
            }
        }
    }
}

/// One scan of one component.
pub(super) struct Scan<'a> {
    pub(super) shape: Shape,
    /// In blocks, 0 for none.
    pub(super) restart_interval: usize,
    pub(super) dc_table: &'a Table,
    pub(super) ac_table: &'a Table,
    /// In zigzag order.
    pub(super) steps: &'a [u16; 64],
}

impl Scan<'_> {
    pub(super) fn decode(&self, mut bits: Bits<'_>) -> Result<Vec<u16>, Error> {
        let basis = basis();
        let mut samples = vec![0_u16; self.shape.rows * self.shape.columns];
        let mut dc = 0;
        for block in 0..self.shape.num_blocks() {
            if bits.restart_before(block, self.restart_interval)? {
                dc = 0;
            }
            let coefficients = self.coefficients(&mut bits, &mut dc)?;
            bits.check()?;
            self.shape.place(block, &coefficients, &basis, &mut samples);
        }
        bits.end()?;
        Ok(samples)
    }

    /// One block, dequantized, in natural order (F.2.2).
    fn coefficients(&self, bits: &mut Bits<'_>, dc: &mut i32) -> Result<[f32; 64], Error> {
        let mut block = [0.0; 64];
        *dc += bits.dc_difference(self.dc_table)?;
        block[0] = *dc as f32 * f32::from(self.steps[0]);
        let mut k = 1;
        while k < 64 {
            let symbol = bits.value(self.ac_table)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 {
                if run < 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run;
            if k > 63 {
                return Err(damaged("a block has more than 64 coefficients"));
            }
            block[ZIGZAG[k]] = bits.difference(size) as f32 * f32::from(self.steps[k]);
            k += 1;
        }
        Ok(block)
    }
}

/// See [`basis`].
pub(super) type Basis = [[f32; 8]; 8];

/// `basis[x][u]` = C(u)/2 cos((2x + 1) u pi / 16) (A.3.3).
pub(super) fn basis() -> Basis {
    let mut basis = [[0.0; 8]; 8];
    for (x, row) in basis.iter_mut().enumerate() {
        for (u, value) in row.iter_mut().enumerate() {
            let scale = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let angle = (2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0;
            *value = (0.5 * scale * angle.cos()) as f32;
        }
    }
    basis
}

/// The inverse DCT, columns then rows; rows of zeros, most of a film, cost nothing.
fn inverse(coefficients: &[f32; 64], basis: &Basis) -> [f32; 64] {
    let mut half = [0.0_f32; 64];
    for (v, row) in coefficients.chunks_exact(8).enumerate() {
        if row.iter().all(|c| *c == 0.0) {
            continue;
        }
        for (line, weights) in half.chunks_exact_mut(8).zip(basis) {
            for (sum, coefficient) in line.iter_mut().zip(row) {
                *sum += weights[v] * coefficient;
            }
        }
    }
    let mut block = [0.0_f32; 64];
    for (line, sums) in block.chunks_exact_mut(8).zip(half.chunks_exact(8)) {
        for (value, weights) in line.iter_mut().zip(basis) {
            *value = weights.iter().zip(sums).map(|(w, s)| w * s).sum();
        }
    }
    block
}

/// Natural place of the k-th coefficient (T.81 figure A.6).
pub(super) const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];
