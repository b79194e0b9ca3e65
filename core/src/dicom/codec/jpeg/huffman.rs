//! Huffman tables and the bit reader (T.81 annex C and F.2.2).

use super::damaged;
use crate::dicom::codec::Error;

/// Codes up to this length are decoded by one look-up.
const FAST: u32 = 10;

/// A Huffman table ready for decoding.
#[derive(Debug)]
pub(super) struct Table {
    /// By the next [`FAST`] bits: value and code length, length 0 where the code is longer.
    fast: Vec<(u8, u8)>,
    /// By code length 1 to 16: the first code beyond it, left-aligned to 16 bits.
    limit: [u32; 17],
    /// By code length: what to add to a code to get its place in `values`.
    offset: [i32; 17],
    values: Vec<u8>,
}

impl Table {
    /// Codes by the counts of each length, or `None` where they do not fit (T.81 C.2).
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut fast = vec![(0, 0); 1 << FAST];
        let (mut limit, mut offset) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            offset[length as usize] = place as i32 - code as i32;
            for _ in 0..counts[length as usize - 1] {
                if code >= 1 << length {
                    return None;
                }
                if length <= FAST {
                    let first = (code << (FAST - length)) as usize;
                    let entries = &mut fast[first..first + (1 << (FAST - length))];
                    entries.fill((values[place], length as u8));
                }
                code += 1;
                place += 1;
            }
            limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(Self { fast, limit, offset, values: values.to_vec() })
    }
}

/// Reads bits, most significant first, over stuffed zero bytes, up to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Left-aligned.
    buffer: u64,
    available: u32,
    /// Zero bits supplied behind the end of the data.
    invented: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, available: 0, invented: 0 }
    }

    /// The next value by this table.
    #[inline]
    pub(super) fn value(&mut self, table: &Table) -> Result<u8, Error> {
        if self.available < 32 {
            self.refill();
        }
        let (value, length) = table.fast[(self.buffer >> (64 - FAST)) as usize];
        if length > 0 {
            self.drop_bits(u32::from(length));
            return Ok(value);
        }
        let ahead = (self.buffer >> 48) as u32;
        for length in FAST + 1..=16 {
            if ahead < table.limit[length as usize] {
                let code = (ahead >> (16 - length)) as i32;
                self.drop_bits(length);
                let place = (code + table.offset[length as usize]) as usize;
                return table.values.get(place).copied().ok_or_else(no_code);
            }
        }
        Err(no_code())
    }

    /// The next `count` bits (0 to 16) as T.81 F.2.2.1 extends them: half below zero.
    #[inline]
    pub(super) fn difference(&mut self, count: u8) -> i32 {
        if count == 0 {
            return 0;
        }
        let bits = self.number(count);
        if bits < 1 << (count - 1) { bits - (1 << count) + 1 } else { bits }
    }

    /// The next `count` bits (0 to 16) as they are.
    #[inline]
    pub(super) fn number(&mut self, count: u8) -> i32 {
        if count == 0 {
            return 0;
        }
        if self.available < 32 {
            self.refill();
        }
        let count = u32::from(count);
        let bits = (self.buffer >> (64 - count)) as i32;
        self.drop_bits(count);
        bits
    }

    /// Goes behind the next restart marker, whose number must be `number` modulo 8.
    fn restart(&mut self, number: usize) -> Result<(), Error> {
        self.check()?;
        self.buffer = 0;
        self.available = 0;
        self.invented = 0;
        let expected = 0xD0 + (number % 8) as u8;
        let rest = &self.bytes[self.at..];
        let fill = rest.iter().take_while(|b| **b == 0xFF).count();
        if fill == 0 || rest.get(fill) != Some(&expected) {
            return Err(damaged("a restart mark is missing"));
        }
        self.at += fill + 1;
        Ok(())
    }

    /// Goes behind the restart marker that is due before unit `number` of intervals of so many, 0 for
    /// none; whether one was.
    pub(super) fn restart_before(&mut self, number: usize, interval: usize) -> Result<bool, Error> {
        let is_due = interval > 0 && number > 0 && number.is_multiple_of(interval);
        if is_due {
            self.restart(number / interval - 1)?;
        }
        Ok(is_due)
    }

    /// The difference of a block's DC from the last (T.81 F.2.2.1).
    pub(super) fn dc_difference(&mut self, table: &Table) -> Result<i32, Error> {
        let category = self.value(table)?;
        if category > 15 {
            return Err(damaged("a difference has more than 15 bits"));
        }
        Ok(self.difference(category))
    }

    /// Whether more was read than there is; zeros would pass for pixels otherwise.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.invented > self.available {
            return Err(Error::Cut { format: super::FORMAT });
        }
        Ok(())
    }

    /// Holds that the data end here, but for a few bytes that some writers leave before the mark: what
    /// goes on has more lines than it declares.
    pub(super) fn end(&self) -> Result<(), Error> {
        const LEFT_OVER: usize = 16;
        let rest = &self.bytes[self.at..];
        let mark = rest.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF));
        let is_restart = mark.is_some_and(|at| matches!(rest[at + 1], 0xD0..=0xD7));
        if is_restart || mark.unwrap_or(rest.len()) > LEFT_OVER {
            return Err(damaged("its data go on behind its last pixel"));
        }
        Ok(())
    }

    #[inline]
    fn drop_bits(&mut self, count: u32) {
        self.buffer <<= count;
        self.available -= count;
    }

    /// Fills up to at least 57 bits.
    fn refill(&mut self) {
        if let Some(chunk) = self.bytes[self.at..].first_chunk::<4>()
            && !chunk.contains(&0xFF)
        {
            let word = u64::from(u32::from_be_bytes(*chunk));
            self.buffer |= word << (32 - self.available);
            self.available += 32;
            self.at += 4;
            return;
        }
        while self.available <= 56 {
            let byte = match self.bytes[self.at..] {
                [0xFF, 0, ..] => {
                    self.at += 2;
                    0xFF
                }
                [0xFF, ..] | [] => {
                    self.invented += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.available);
            self.available += 8;
        }
    }
}

fn no_code() -> Error {
    damaged("a code is not in its Huffman table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_assigned_by_length_and_order() {
        // Lengths 2, 2, 3: codes 00, 01, 100.
        let mut counts = [0; 16];
        counts[1] = 2;
        counts[2] = 1;
        let table = Table::new(&counts, &[7, 8, 9]).expect("a good table");
        let mut bits = Bits::new(&[0b0001_1000, 0xFF, 0x00]);
        let values: Vec<u8> =
            (0..3).map(|_| bits.value(&table).expect("a code of the table")).collect();
        assert_eq!(values, [7, 8, 9]);
        assert!(Table::new(&[3; 16], &[0; 48]).is_none(), "three codes of one bit");
    }

    #[test]
    fn what_lies_behind_the_end_is_not_read_as_zeros() {
        let mut bits = Bits::new(&[0xAB]);
        assert_eq!(bits.difference(8), 0xAB);
        assert!(bits.check().is_ok());
        bits.difference(1);
        assert!(bits.check().is_err());
    }
}
