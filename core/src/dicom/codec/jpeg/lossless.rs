//! Lossless JPEG, process 14, all seven predictors (T.81 annex H).

use super::huffman::{Bits, Table};
use super::{damaged, unsupported};
use crate::dicom::codec::Error;

/// One scan of one component.
pub(super) struct Scan {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) precision: u16,
    /// 1 to 7 (T.81 table H.1).
    pub(super) predictor: u8,
    /// Low bits that were left out.
    pub(super) point_transform: u8,
    /// In samples, 0 for none.
    pub(super) restart_interval: usize,
}

impl Scan {
    pub(super) fn decode(&self, bits: Bits<'_>, table: &Table) -> Result<Vec<u16>, Error> {
        match self.predictor {
            1 => self.decode_with(bits, table, |a, _, _| a),
            2 => self.decode_with(bits, table, |_, b, _| b),
            3 => self.decode_with(bits, table, |_, _, c| c),
            4 => self.decode_with(bits, table, |a, b, c| a + b - c),
            5 => self.decode_with(bits, table, |a, b, c| a + ((b - c) >> 1)),
            6 => self.decode_with(bits, table, |a, b, c| b + ((a - c) >> 1)),
            7 => self.decode_with(bits, table, |a, b, _| (a + b) >> 1),
            other => Err(unsupported(format!("predictor {other}"))),
        }
    }

    /// `predict` takes the left (Ra), upper (Rb) and upper left (Rc) neighbours.
    fn decode_with(
        &self,
        mut bits: Bits<'_>,
        table: &Table,
        predict: impl Fn(i32, i32, i32) -> i32,
    ) -> Result<Vec<u16>, Error> {
        let shift = u32::from(self.point_transform);
        if shift >= u32::from(self.precision) {
            return Err(damaged("its point transform leaves no bit"));
        }
        let middle = 1_i32 << (u32::from(self.precision) - shift - 1);
        // H.1.1: a restart interval is a whole number of lines.
        let lines = self.restart_interval / self.columns;
        if !self.restart_interval.is_multiple_of(self.columns) {
            return Err(unsupported("a restart inside a line"));
        }
        let mut samples = vec![0_u16; self.rows * self.columns];
        let mut above: &[u16] = &[];
        for (row, line) in samples.chunks_exact_mut(self.columns).enumerate() {
            let is_first = row == 0 || bits.restart_before(row, lines)?;
            // H.1.2.1: the first line is predicted from the left, the first sample from the middle.
            if is_first {
                let mut left = middle;
                for sample in line.iter_mut() {
                    left = next(&mut bits, table, left)?;
                    *sample = left as u16;
                }
            } else {
                let mut left = next(&mut bits, table, i32::from(above[0]))?;
                line[0] = left as u16;
                for (sample, pair) in line[1..].iter_mut().zip(above.windows(2)) {
                    let prediction = predict(left, i32::from(pair[1]), i32::from(pair[0]));
                    left = next(&mut bits, table, prediction)?;
                    *sample = left as u16;
                }
            }
            bits.check()?;
            above = line;
        }
        bits.end()?;
        if shift > 0 {
            samples.iter_mut().for_each(|sample| *sample <<= shift);
        }
        Ok(samples)
    }
}

/// Prediction plus coded difference, modulo 2^16 (H.1.2.1); category 16 has no further bits.
#[inline]
fn next(bits: &mut Bits<'_>, table: &Table, prediction: i32) -> Result<i32, Error> {
    let difference = match bits.value(table)? {
        category @ 0..=15 => bits.difference(category),
        16 => 32_768,
        _ => return Err(damaged("a difference has more than 16 bits")),
    };
    Ok((prediction + difference) & 0xFFFF)
}
