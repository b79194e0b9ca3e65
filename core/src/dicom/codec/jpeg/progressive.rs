//! Progressive DCT, 8 and 12 bits, one component (T.81 annex G): retired from DICOM, but met.
//!
//! Each scan sends some coefficients of every block, or one more bit of them. A picture whose last
//! bits never came looks like a picture: here it is cut.

use super::damaged;
use super::dct::{Shape, ZIGZAG, basis};
use super::huffman::{Bits, Table};
use crate::dicom::codec::Error;

/// One scan: a band of coefficients in zigzag order, from their bit `high` (0 from the top) down
/// to `low`.
pub(super) struct Scan<'a> {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) high: u8,
    pub(super) low: u8,
    /// In blocks, 0 for none.
    pub(super) restart_interval: usize,
    /// Of DC where the band is DC, else of AC; a refinement of DC needs none.
    pub(super) table: Option<&'a Table>,
}

/// What the scans have told so far.
pub(super) struct Coefficients {
    shape: Shape,
    /// Not dequantized, in zigzag order.
    blocks: Vec<[i32; 64]>,
    /// By place in zigzag order: bits that are still to come; `None` before any came.
    missing: [Option<u8>; 64],
}

impl Coefficients {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, blocks: vec![[0; 64]; shape.num_blocks()], missing: [None; 64] }
    }

    /// Takes one scan.
    pub(super) fn take(&mut self, scan: &Scan<'_>, mut bits: Bits<'_>) -> Result<(), Error> {
        let is_band = if scan.first == 0 { scan.last == 0 } else { scan.last < 64 };
        if !is_band || scan.first > scan.last || scan.low > 13 {
            return Err(damaged("the band of a scan is malformed"));
        }
        for missing in &mut self.missing[scan.first..=scan.last] {
            let is_next = match *missing {
                None => scan.high == 0,
                Some(left) => scan.high == left && scan.high == scan.low + 1,
            };
            if !is_next {
                return Err(damaged("its scans do not follow one another"));
            }
            *missing = Some(scan.low);
        }
        let (mut dc, mut run) = (0, 0);
        for (idx, block) in self.blocks.iter_mut().enumerate() {
            if bits.restart_before(idx, scan.restart_interval)? {
                (dc, run) = (0, 0);
            }
            match (scan.first, scan.high) {
                (0, 0) => {
                    dc += bits.dc_difference(scan.table()?)?;
                    block[0] = dc << scan.low;
                }
                (0, _) => block[0] |= bits.number(1) << scan.low,
                (_, 0) => scan.band(block, &mut run, &mut bits)?,
                _ => scan.refine(block, &mut run, &mut bits)?,
            }
            bits.check()?;
        }
        bits.end()
    }

    /// The picture, once every bit of every coefficient is there.
    pub(super) fn finish(self, steps: &[u16; 64]) -> Result<Vec<u16>, Error> {
        if self.missing.iter().any(|left| *left != Some(0)) {
            return Err(Error::Cut { format: super::FORMAT });
        }
        let basis = basis();
        let mut samples = vec![0; self.shape.rows * self.shape.columns];
        for (number, block) in self.blocks.iter().enumerate() {
            let mut coefficients = [0.0; 64];
            for ((value, step), place) in block.iter().zip(steps).zip(ZIGZAG) {
                coefficients[place] = *value as f32 * f32::from(*step);
            }
            self.shape.place(number, &coefficients, &basis, &mut samples);
        }
        Ok(samples)
    }
}

impl Scan<'_> {
    fn table(&self) -> Result<&Table, Error> {
        self.table.ok_or_else(super::missing)
    }

    /// The first bits of a band of one block (G.1.2.2); `run` counts blocks without any.
    fn band(&self, block: &mut [i32; 64], run: &mut i32, bits: &mut Bits<'_>) -> Result<(), Error> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let table = self.table()?;
        let mut k = self.first;
        while k <= self.last {
            let symbol = bits.value(table)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            if size == 0 && zeros < 15 {
                *run = (1 << zeros) + bits.number(zeros) - 1;
                break;
            }
            k += usize::from(zeros);
            if size > 0 {
                if k > self.last {
                    return Err(damaged("a block has more coefficients than its band"));
                }
                block[k] = bits.difference(size) << self.low;
            }
            k += 1;
        }
        Ok(())
    }

    /// One more bit of a band of one block (G.1.2.3).
    fn refine(
        &self,
        block: &mut [i32; 64],
        run: &mut i32,
        bits: &mut Bits<'_>,
    ) -> Result<(), Error> {
        let one = 1 << self.low;
        let more = |value: &mut i32, bits: &mut Bits<'_>| {
            if bits.number(1) == 1 {
                *value += if *value < 0 { -one } else { one };
            }
        };
        let mut k = self.first;
        while *run == 0 && k <= self.last {
            let symbol = bits.value(self.table()?)?;
            let (mut zeros, size) = (symbol >> 4, symbol & 15);
            let news = match size {
                0 if zeros < 15 => {
                    *run = (1 << zeros) + bits.number(zeros);
                    break;
                }
                0 => 0,
                1 if bits.number(1) == 1 => one,
                1 => -one,
                _ => return Err(damaged("a refinement adds more than one bit")),
            };
            // Over what is known, each with one more bit, and over so many zeros.
            while k <= self.last {
                let value = &mut block[k];
                k += 1;
                if *value != 0 {
                    more(value, bits);
                } else if zeros == 0 {
                    *value = news;
                    break;
                } else {
                    zeros -= 1;
                }
            }
        }
        if *run > 0 {
            *run -= 1;
            block[k..=self.last].iter_mut().filter(|v| **v != 0).for_each(|v| more(v, bits));
        }
        Ok(())
    }
}
