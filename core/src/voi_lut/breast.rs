//! Which grey values the breast has, for an image that brings no window.
//!
//! The film is looked at coarsely: cells are split into dark and bright (Otsu 1979), and the
//! largest connected bright region is the breast. Labels, the scanner's bright edges and the
//! background stay out of it.

use crate::mammogram::{Mammogram, PhotometricInterpretation};

/// Cells along the longer side.
const CELLS: usize = 128;
/// Ends of the range, as shares of the breast's pixels; clips and the like stand above the second.
const LOWEST: f64 = 0.01;
const HIGHEST: f64 = 0.998;
/// How far the lower end goes down from [`LOWEST`] to the background, so that skin and the fat
/// beneath it stay visible. These three by eye on five film scans.
const TOWARDS_BACKGROUND: f64 = 0.6;

/// Lowest and highest modality value worth telling apart.
pub(super) fn breast_range(mammogram: &Mammogram) -> (f64, f64) {
    let brightness = brightness_table(mammogram);
    let grid = Grid::of(mammogram, &brightness, 1);
    let cells = grid.largest_bright_region();
    let mut values = grid.values_in(&cells, mammogram, &brightness);
    if values.is_empty() {
        return (0.0, 1.0);
    }
    let mut at = |share: f64| {
        let idx = (share * (values.len() - 1) as f64).round() as usize;
        f64::from(*values.select_nth_unstable_by(idx, f32::total_cmp).1)
    };
    let (low, high) = (at(LOWEST), at(HIGHEST));
    let low = low + TOWARDS_BACKGROUND * (grid.background().min(low) - low);
    if is_turned(mammogram) { (-high, -low) } else { (low, high) }
}

/// The edge of the picture that the breast comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChestWall {
    Left,
    Right,
    Top,
    Bottom,
}

impl ChestWall {
    pub fn words(self) -> &'static str {
        match self {
            Self::Left => "on the left",
            Self::Right => "on the right",
            Self::Top => "at the top",
            Self::Bottom => "at the bottom",
        }
    }
}

/// By the directions of rows and columns (PS3.3 C.7.6.1.1.1): the chest wall lies posterior.
pub fn stated_chest_wall(row: &str, column: &str) -> Option<ChestWall> {
    match (row.chars().next(), column.chars().next()) {
        (Some('P'), _) => Some(ChestWall::Right),
        (Some('A'), _) => Some(ChestWall::Left),
        (_, Some('P')) => Some(ChestWall::Bottom),
        (_, Some('A')) => Some(ChestWall::Top),
        _ => None,
    }
}

/// By the picture: the edge along which the largest bright region lies, where the opposite edge has
/// next to none of it. Left and right go before top and bottom: the muscle of an oblique view
/// reaches the top too, and a film with a margin shows nothing else at its edge; so top and bottom
/// count only where neither side has any.
pub fn chest_wall(mammogram: &Mammogram) -> Option<ChestWall> {
    /// Of the edge's cells.
    const ALONG: f64 = 0.2;
    const NEXT_TO_NONE: f64 = 0.05;
    let brightness = brightness_table(mammogram);
    // A sixteenth of the pixels says it too.
    let grid = Grid::of(mammogram, &brightness, 4);
    let cells = grid.largest_bright_region();
    let (rows, columns) = (grid.rows, grid.columns);
    let share = |is_there: &dyn Fn(usize, usize) -> bool, all: usize| {
        let count = cells.iter().filter(|c| is_there(**c / columns, **c % columns)).count();
        count as f64 / all as f64
    };
    let left = share(&|_, column| column == 0, rows);
    let right = share(&|_, column| column + 1 == columns, rows);
    let top = share(&|row, _| row == 0, columns);
    let bottom = share(&|row, _| row + 1 == rows, columns);
    let is = |edge: f64, opposite: f64| edge >= ALONG && opposite <= NEXT_TO_NONE;
    let are_sides_free = left.max(right) <= NEXT_TO_NONE;
    if is(left, right) {
        Some(ChestWall::Left)
    } else if is(right, left) {
        Some(ChestWall::Right)
    } else if are_sides_free && is(top, bottom) {
        Some(ChestWall::Top)
    } else if are_sides_free && is(bottom, top) {
        Some(ChestWall::Bottom)
    } else {
        None
    }
}

impl ChestWall {
    /// Whether a picture that looks like `seen` contradicts this: it has the other side's edge, or
    /// a side's where this says top or bottom.
    pub fn is_contradicted_by(self, seen: Self) -> bool {
        let is_side = |wall| matches!(wall, Self::Left | Self::Right);
        self != seen && (is_side(seen) || !is_side(self))
    }
}

fn is_turned(mammogram: &Mammogram) -> bool {
    mammogram.photometric_interpretation == PhotometricInterpretation::Monochrome1
}

/// What the eye takes for bright, by sample; NaN for padding.
fn brightness_table(mammogram: &Mammogram) -> Vec<f32> {
    let mut table = mammogram.grey_table();
    for (sample, value) in (0..=u16::MAX).zip(&mut table) {
        if mammogram.is_padding(sample) {
            *value = f32::NAN;
        }
    }
    table
}

/// The film in square cells of `step` pixels, each with its mean brightness (NaN: all padding).
struct Grid {
    step: usize,
    columns: usize,
    rows: usize,
    means: Vec<f32>,
}

impl Grid {
    /// Looks at every pixel, or at every so many where a cell has enough of them.
    fn of(mammogram: &Mammogram, brightness: &[f32], every: usize) -> Self {
        let (rows, columns) = (mammogram.rows as usize, mammogram.columns as usize);
        let step = rows.max(columns).div_ceil(CELLS);
        let every = every.min((step / 4).max(1));
        let (grid_rows, grid_columns) = (rows.div_ceil(step), columns.div_ceil(step));
        let mut sums = vec![(0.0_f64, 0_u32); grid_rows * grid_columns];
        for (row, line) in mammogram.samples.chunks_exact(columns).enumerate().step_by(every) {
            let cells = &mut sums[row / step * grid_columns..][..grid_columns];
            for (cell, samples) in cells.iter_mut().zip(line.chunks(step)) {
                for value in samples.iter().step_by(every).map(|s| brightness[usize::from(*s)]) {
                    if !value.is_nan() {
                        *cell = (cell.0 + f64::from(value), cell.1 + 1);
                    }
                }
            }
        }
        let means = sums.iter().map(|(sum, count)| (sum / f64::from(*count)) as f32).collect();
        Self { step, columns: grid_columns, rows: grid_rows, means }
    }

    /// The cells of the largest 4-connected region above Otsu's threshold.
    fn largest_bright_region(&self) -> Vec<usize> {
        let threshold = otsu(&self.means);
        let mut is_open: Vec<bool> = self.means.iter().map(|mean| *mean > threshold).collect();
        let mut largest = Vec::new();
        for seed in 0..is_open.len() {
            if !std::mem::take(&mut is_open[seed]) {
                continue;
            }
            let mut region = vec![seed];
            let mut next = 0;
            while let Some(&cell) = region.get(next) {
                next += 1;
                for neighbour in self.neighbours(cell) {
                    if std::mem::take(&mut is_open[neighbour]) {
                        region.push(neighbour);
                    }
                }
            }
            if region.len() > largest.len() {
                largest = region;
            }
        }
        if largest.is_empty() { (0..self.means.len()).collect() } else { largest }
    }

    /// The median cell below Otsu's threshold.
    fn background(&self) -> f64 {
        let threshold = otsu(&self.means);
        let mut dark: Vec<f32> = self.means.iter().copied().filter(|m| *m <= threshold).collect();
        dark.sort_unstable_by(f32::total_cmp);
        dark.get(dark.len() / 2).map_or(f64::MAX, |median| f64::from(*median))
    }

    fn neighbours(&self, cell: usize) -> impl Iterator<Item = usize> {
        let (row, column) = (cell / self.columns, cell % self.columns);
        let (rows, columns) = (self.rows, self.columns);
        [
            (row > 0).then(|| cell - columns),
            (row + 1 < rows).then_some(cell + columns),
            (column > 0).then(|| cell - 1),
            (column + 1 < columns).then_some(cell + 1),
        ]
        .into_iter()
        .flatten()
    }

    /// Brightness of pixels in these cells, every fourth in both directions of a large film.
    fn values_in(&self, cells: &[usize], mammogram: &Mammogram, brightness: &[f32]) -> Vec<f32> {
        let (rows, columns) = (mammogram.rows as usize, mammogram.columns as usize);
        let stride = (self.step / 4).clamp(1, 4);
        let mut values = Vec::new();
        for cell in cells {
            let (top, left) = (cell / self.columns * self.step, cell % self.columns * self.step);
            for row in (top..rows.min(top + self.step)).step_by(stride) {
                for column in (left..columns.min(left + self.step)).step_by(stride) {
                    values.push(brightness[usize::from(mammogram.samples[row * columns + column])]);
                }
            }
        }
        values.retain(|value| !value.is_nan());
        values
    }
}

/// The threshold between two classes with the largest variance between them, over 256 steps.
fn otsu(values: &[f32]) -> f32 {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low >= high {
        return low;
    }
    let mut histogram = [0.0_f64; 256];
    for value in finite() {
        histogram[((value - low) / (high - low) * 255.0) as usize] += 1.0;
    }
    let total: f64 = histogram.iter().sum();
    let mean = histogram.iter().enumerate().map(|(i, n)| i as f64 * n).sum::<f64>() / total;
    let (mut below, mut moment) = (0.0, 0.0);
    let mut best = (0.0, 0);
    for (step, count) in histogram.iter().enumerate() {
        below += count / total;
        moment += step as f64 * count / total;
        let between = (mean * below - moment).powi(2) / (below * (1.0 - below)).max(1e-12);
        if between > best.0 {
            best = (between, step);
        }
    }
    low + (high - low) * (best.1 as f32 + 1.0) / 256.0
}
