//! The grey scale of one film: which of its values are tissue.

use super::resample::Axis;
use crate::mammogram::Mammogram;

/// Share of the film's grey range below which lies background: between 8 and 9 of 255, so that
/// no 8-bit value stands on the edge where a rounding could turn it over.
const BACKGROUND_SHARE: f32 = 8.5 / 255.0;

pub(super) struct GreyScale {
    /// Grey value of each sample; NaN for padding.
    table: Vec<f32>,
    /// Tissue lies above.
    background: f32,
}

impl GreyScale {
    pub(super) fn of(mammogram: &Mammogram) -> Self {
        let mut table = mammogram.grey_table();
        if mammogram.padding.is_some() {
            for (sample, grey) in (0..=u16::MAX).zip(&mut table) {
                if mammogram.is_padding(sample) {
                    *grey = f32::NAN;
                }
            }
        }
        let mut counts = vec![0_u64; table.len()];
        for &sample in mammogram.samples.iter() {
            counts[usize::from(sample)] += 1;
        }
        let mut levels: Vec<(f32, u64)> = table
            .iter()
            .zip(counts)
            .filter(|(grey, count)| grey.is_finite() && *count > 0)
            .map(|(grey, count)| (*grey, count))
            .collect();
        levels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let low = level_at(&levels, 0.001);
        let high = level_at(&levels, 0.999);
        Self { table, background: low + (high - low) * BACKGROUND_SHARE }
    }

    /// For each cell of the two axes the mean grey of what lies on the film, and the share of
    /// the cell that does (0 to 1).
    pub(super) fn sample(
        &self,
        mammogram: &Mammogram,
        columns: &Axis,
        rows: &Axis,
    ) -> (Vec<f32>, Vec<f32>) {
        let (film_rows, film_columns) = (mammogram.rows as usize, mammogram.columns as usize);
        let across = columns.outputs();
        let needed = rows.needed(film_rows);

        // Grey values are summed about the background level, to keep digits on steep scales.
        let mut narrowed = vec![(0.0_f32, 0.0_f32); needed.len() * across];
        for (line, row) in narrowed.chunks_exact_mut(across).zip(needed.clone()) {
            let samples = &mammogram.samples[row * film_columns..][..film_columns];
            for (output, cell) in line.iter_mut().enumerate() {
                for (column, weight) in columns.taps(output, film_columns) {
                    let grey = self.table[usize::from(samples[column])];
                    if grey.is_finite() {
                        cell.0 += weight * (grey - self.background);
                        cell.1 += weight;
                    }
                }
            }
        }

        let (mut grey, mut cover) = (Vec::new(), Vec::new());
        let mut sums = vec![(0.0_f32, 0.0_f32); across];
        for output in 0..rows.outputs() {
            sums.fill((0.0, 0.0));
            for (row, weight) in rows.taps(output, film_rows) {
                let line = &narrowed[(row - needed.start) * across..][..across];
                for (sum, cell) in sums.iter_mut().zip(line) {
                    sum.0 += weight * cell.0;
                    sum.1 += weight * cell.1;
                }
            }
            for &(value, share) in &sums {
                let above_background = if share > 0.0 { value / share } else { 0.0 };
                grey.push(self.background + above_background);
                cover.push(share.min(1.0));
            }
        }
        (grey, cover)
    }

    /// The 1st and 99th percentile of the tissue among these cells (linear between ranks).
    pub(super) fn tissue_range(&self, grey: &[f32], cover: &[f32]) -> (f32, f32) {
        let mut tissue: Vec<f32> = grey
            .iter()
            .zip(cover)
            .filter(|(grey, cover)| **grey > self.background && **cover >= 0.5)
            .map(|(grey, _)| *grey)
            .collect();
        if tissue.is_empty() {
            return (self.background, self.background);
        }
        tissue.sort_by(f32::total_cmp);
        let at = |share: f32| {
            let rank = share * (tissue.len() - 1) as f32;
            let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
            tissue[below] + (tissue[above] - tissue[below]) * rank.fract()
        };
        (at(0.01), at(0.99))
    }
}

/// The level that holds the pixel at this share of all, counted from the darkest; 0 without pixels.
fn level_at(levels: &[(f32, u64)], share: f64) -> f32 {
    let total: u64 = levels.iter().map(|(_, count)| count).sum();
    let rank = (share * total.saturating_sub(1) as f64).round() as u64;
    let mut seen = 0;
    for &(level, count) in levels {
        seen += count;
        if seen > rank {
            return level;
        }
    }
    0.0
}
