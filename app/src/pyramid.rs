//! Halved copies of a picture, so that zooming out averages pixels instead of skipping them.
//!
//! The mean is of stored samples, padding left out: a windowed copy would have to be made anew at
//! each change of window, and padding would draw a grey hem around the film.

use std::sync::Arc;

use precedent_core::mammogram::Mammogram;

/// One size of a picture, row by row.
#[derive(Debug, Clone)]
pub struct Level {
    pub columns: u32,
    pub rows: u32,
    pub samples: Arc<Vec<u16>>,
}

/// A picture at full size, half, quarter …, down to about 64 pixels.
#[derive(Debug, Clone)]
pub struct Pyramid {
    pub levels: Vec<Level>,
}

impl Pyramid {
    pub fn new(mammogram: &Mammogram) -> Self {
        let mut levels = vec![Level {
            columns: mammogram.columns,
            rows: mammogram.rows,
            samples: Arc::clone(&mammogram.samples),
        }];
        let has_padding = mammogram.padding.is_some();
        while let Some(last) = levels.last()
            && last.columns.max(last.rows) > 64
            && last.columns.min(last.rows) > 1
        {
            let half = if has_padding {
                halve(last, |sample| mammogram.is_padding(sample))
            } else {
                halve(last, |_| false)
            };
            levels.push(half);
        }
        Self { levels }
    }

    /// The level to draw at this many screen pixels per image column: the one whose pixels come
    /// nearest to the screen's in size, never more than 1.42 of them to one of the screen.
    pub fn level_for(&self, pixels_per_column: f64) -> usize {
        let halvings = (1.0 / pixels_per_column.max(1e-6)).log2().round().max(0.0) as usize;
        halvings.min(self.levels.len() - 1)
    }
}

/// Means of 2 x 2 samples that are not padding; all padding stays padding.
fn halve(level: &Level, is_padding: impl Fn(u16) -> bool) -> Level {
    let (columns, rows) = (level.columns as usize, level.rows as usize);
    let (half_columns, half_rows) = (columns.div_ceil(2), rows.div_ceil(2));
    let mut samples = Vec::with_capacity(half_columns * half_rows);
    for row in 0..half_rows {
        let upper = &level.samples[2 * row * columns..][..columns];
        let lower_row = (2 * row + 1).min(rows - 1);
        let lower = &level.samples[lower_row * columns..][..columns];
        for column in 0..half_columns {
            let (left, right) = (2 * column, (2 * column + 1).min(columns - 1));
            let four = [upper[left], upper[right], lower[left], lower[right]];
            let (mut sum, mut count) = (0u32, 0u32);
            for sample in four {
                if !is_padding(sample) {
                    sum += u32::from(sample);
                    count += 1;
                }
            }
            let mean = (sum + count / 2).checked_div(count);
            samples.push(mean.map_or(four[0], |mean| mean as u16));
        }
    }
    Level { columns: half_columns as u32, rows: half_rows as u32, samples: Arc::new(samples) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(columns: u32, samples: &[u16]) -> Level {
        let rows = samples.len() as u32 / columns;
        Level { columns, rows, samples: Arc::new(samples.to_vec()) }
    }

    #[test]
    fn a_half_holds_the_rounded_mean_of_each_four() {
        let half = halve(&level(4, &[1, 2, 10, 10, 3, 4, 10, 11]), |_| false);
        // (1 + 2 + 3 + 4) / 4 = 2.5 and (10 + 10 + 10 + 11) / 4 = 10.25.
        assert_eq!(*half.samples, [3, 10]);
    }

    #[test]
    fn odd_edges_repeat_their_last_row_and_column() {
        let half = halve(&level(3, &[0, 0, 8, 0, 0, 8, 4, 4, 6]), |_| false);
        assert_eq!((half.columns, half.rows), (2, 2));
        assert_eq!(*half.samples, [0, 8, 4, 6]);
    }

    #[test]
    fn padding_does_not_leak_into_the_mean() {
        let half = halve(&level(2, &[65535, 100, 65535, 102]), |sample| sample == 65535);
        assert_eq!(*half.samples, [101]);
        let all = halve(&level(2, &[65535; 4]), |sample| sample == 65535);
        assert_eq!(*all.samples, [65535]);
    }
}
