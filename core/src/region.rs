//! A square of film around a place, brought to a handy step and smoothed once.
//!
//! Lengths are in *units*: millimetres where the film has a size, pixels where it has none. The
//! square is centred on the place to a fraction of a pixel, so that turning or
//! mirroring the film turns or mirrors every number here and changes none.

use crate::background;
use crate::geometry::ImagePoint;
use crate::mammogram::Mammogram;

/// Without a pixel size, a mass is taken to have this radius, so that lengths stated in mm scale
/// with the prompt.
const NOMINAL_RADIUS_MM: f64 = 8.0;

/// The grey values of a film and which of them are no tissue.
#[derive(Debug)]
pub(crate) struct Film {
    /// Grey value of each sample, 0 where it is no tissue.
    grey: Vec<f32>,
    /// 1 for tissue, 0 for padding and empty background; `None` where all samples are tissue.
    weight: Option<Vec<f32>>,
}

/// What a pixel and a millimetre are worth in units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub(crate) column: f64,
    pub(crate) row: f64,
    pub(crate) mm: f64,
}

/// A square of grey values about a place.
#[derive(Debug)]
pub(crate) struct Region {
    /// Units per cell.
    step: f64,
    side: usize,
    values: Vec<f32>,
    /// Whether a cell is tissue inside the film; `None` where all are.
    valid: Option<Vec<bool>>,
}

impl Film {
    pub(crate) fn new(mammogram: &Mammogram) -> Self {
        let mut grey = mammogram.grey_table();
        let empty = background::empty_samples(mammogram);
        let weight = empty
            .contains(&true)
            .then(|| empty.iter().map(|empty| if *empty { 0.0 } else { 1.0 }).collect());
        for (grey, empty) in grey.iter_mut().zip(&empty) {
            if *empty {
                *grey = 0.0;
            }
        }
        Self { grey, weight }
    }
}

impl Scale {
    /// The scale of a film, for a prompt of this radius in pixels.
    pub(crate) fn new(mammogram: &Mammogram, radius_in_pixels: f64) -> Self {
        match mammogram.spacing {
            Some(s) => Self { column: s.column_spacing_mm, row: s.row_spacing_mm, mm: 1.0 },
            None => Self { column: 1.0, row: 1.0, mm: radius_in_pixels / NOMINAL_RADIUS_MM },
        }
    }

    /// The side of the square with a pixel's area.
    pub(crate) fn pixel(&self) -> f64 {
        (self.column * self.row).sqrt()
    }

    /// A place in the image, as units from `center`.
    pub(crate) fn units_from_image(self, center: ImagePoint, point: ImagePoint) -> (f64, f64) {
        ((point.x - center.x) * self.column, (point.y - center.y) * self.row)
    }

    pub(crate) fn image_from_units(self, center: ImagePoint, (x, y): (f64, f64)) -> ImagePoint {
        ImagePoint::new(center.x + x / self.column, center.y + y / self.row)
    }
}

impl Region {
    /// The square that holds a circle of `reach` about `center`, in cells of `step` (but no
    /// finer than pixels), smoothed by a Gaussian of standard deviation `smoothing`; all in units.
    pub(crate) fn new(
        (mammogram, film): (&Mammogram, &Film),
        scale: Scale,
        center: ImagePoint,
        reach: f64,
        step: f64,
        smoothing: f64,
    ) -> Self {
        let step = step.max(scale.column).max(scale.row);
        let kernel = gaussian(smoothing / step);
        // With the kernel's width to spare, what lies within reach does not depend on the side.
        let half = (reach / step).ceil() as usize + 2 + kernel.len() / 2;
        let side = 2 * half;
        let across = boxes(center.x, step / scale.column, half, mammogram.columns);
        let down = boxes(center.y, step / scale.row, half, mammogram.rows);
        let (sums, cover) = averages(mammogram, film, &across, &down);
        let mut values = blurred(&sums, side, &kernel);
        let valid = cover.map(|cover| {
            let weights = blurred(&cover, side, &kernel);
            for (value, weight) in values.iter_mut().zip(&weights) {
                *value = if *weight > 1e-3 { *value / weight } else { 0.0 };
            }
            cover.iter().map(|c| *c >= 0.5).collect()
        });
        Self { step, side, values, valid }
    }

    /// Units per cell.
    pub(crate) fn step(&self) -> f64 {
        self.step
    }

    /// Cells per side; the middle of the square is where cells `side / 2 - 1` and `side / 2` meet.
    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// The grey value of a cell; `None` where there is no tissue.
    pub(crate) fn cell(&self, column: usize, row: usize) -> Option<f32> {
        let idx = row * self.side + column;
        let valid = self.valid.as_ref().is_none_or(|valid| valid[idx]);
        valid.then(|| self.values[idx])
    }

    /// The grey value at a place (units from the centre), bilinear; `None` where there is no tissue.
    pub(crate) fn at(&self, x: f64, y: f64) -> Option<f32> {
        let half = self.side as f64 / 2.0;
        let (x, y) = (x / self.step + half - 0.5, y / self.step + half - 0.5);
        let limit = (self.side - 1) as f64;
        if !(x >= 0.0 && y >= 0.0 && x < limit && y < limit) {
            return None;
        }
        let (column, row) = (x as usize, y as usize);
        let (fx, fy) = ((x - column as f64) as f32, (y - row as f64) as f32);
        if let Some(valid) = &self.valid {
            let nearest = (y + 0.5) as usize * self.side + (x + 0.5) as usize;
            if !valid[nearest] {
                return None;
            }
        }
        let top = &self.values[row * self.side + column..][..2];
        let bottom = &self.values[(row + 1) * self.side + column..][..2];
        let upper = top[0] + (top[1] - top[0]) * fx;
        let lower = bottom[0] + (bottom[1] - bottom[0]) * fx;
        Some(upper + (lower - upper) * fy)
    }
}

/// The pixels under one cell along one axis, with the share of the cell that each covers.
#[derive(Debug)]
struct Span {
    first: usize,
    shares: Vec<f32>,
}

/// The spans of `2 * half` cells of `step` pixels about `center`, cut off at the film's ends.
fn boxes(center: f64, step: f64, half: usize, pixels: u32) -> Vec<Span> {
    (0..2 * half)
        .map(|cell| {
            let start = center + (cell as f64 - half as f64) * step;
            let (low, high) = (start.max(0.0), (start + step).min(f64::from(pixels)));
            if low >= high {
                return Span { first: 0, shares: Vec::new() };
            }
            let (first, end) = (low.floor() as usize, high.ceil() as usize);
            let shares = (first..end)
                .map(|p| ((high.min(p as f64 + 1.0) - low.max(p as f64)) / step) as f32)
                .collect();
            Span { first, shares }
        })
        .collect()
}

/// Mean grey value of each cell times its cover, and the cover: the share of the cell that is
/// tissue inside the film (`None` where it is 1 everywhere).
fn averages(
    mammogram: &Mammogram,
    film: &Film,
    across: &[Span],
    down: &[Span],
) -> (Vec<f32>, Option<Vec<f32>>) {
    let columns = mammogram.columns as usize;
    let inked: Vec<&Span> = across.iter().filter(|span| !span.shares.is_empty()).collect();
    let left = inked.iter().map(|span| span.first).min().unwrap_or(0);
    let right = inked.iter().map(|span| span.first + span.shares.len()).max().unwrap_or(0);
    let whole = |spans: &[Span]| spans.iter().all(|s| s.shares.iter().sum::<f32>() > 0.999);
    let masked = film.weight.is_some() || !whole(across) || !whole(down);

    let side = across.len();
    let mut sums = Vec::with_capacity(side * side);
    let mut cover = Vec::with_capacity(if masked { side * side } else { 0 });
    let mut grey = vec![0.0_f32; right - left];
    let mut weight = vec![0.0_f32; right - left];
    for span in down {
        grey.fill(0.0);
        weight.fill(0.0);
        for (row, share) in (span.first..).zip(&span.shares) {
            let samples = &mammogram.samples[row * columns + left..][..right - left];
            for (sum, sample) in grey.iter_mut().zip(samples) {
                *sum += share * film.grey[*sample as usize];
            }
            if let Some(weights) = &film.weight {
                for (sum, sample) in weight.iter_mut().zip(samples) {
                    *sum += share * weights[*sample as usize];
                }
            } else if masked {
                weight.iter_mut().for_each(|sum| *sum += share);
            }
        }
        let mix = |row: &[f32], span: &Span| -> f32 {
            let under = row.get(span.first.saturating_sub(left)..).unwrap_or_default();
            under.iter().zip(&span.shares).map(|(v, share)| v * share).sum()
        };
        sums.extend(across.iter().map(|span| mix(&grey, span)));
        if masked {
            cover.extend(across.iter().map(|span| mix(&weight, span)));
        }
    }
    (sums, masked.then_some(cover))
}

/// A Gaussian of this standard deviation in cells, cut at three of them; sums to 1.
fn gaussian(sigma: f64) -> Vec<f32> {
    let radius = (3.0 * sigma).ceil().max(0.0) as i32;
    let raw: Vec<f64> = (-radius..=radius)
        .map(|i| (-0.5 * (f64::from(i) / sigma.max(1e-6)).powi(2)).exp())
        .collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|w| (w / sum) as f32).collect()
}

/// A square of this side convolved with the kernel along both axes; the border is repeated outwards.
fn blurred(values: &[f32], side: usize, kernel: &[f32]) -> Vec<f32> {
    let radius = kernel.len() / 2;
    if radius == 0 {
        return values.to_vec();
    }
    let mut across = vec![0.0_f32; values.len()];
    let mut padded = vec![0.0_f32; side + 2 * radius];
    for (from, to) in values.chunks_exact(side).zip(across.chunks_exact_mut(side)) {
        padded[..radius].fill(from[0]);
        padded[radius..radius + side].copy_from_slice(from);
        padded[radius + side..].fill(from[side - 1]);
        for (k, weight) in kernel.iter().enumerate() {
            for (to, from) in to.iter_mut().zip(&padded[k..]) {
                *to += weight * from;
            }
        }
    }
    let mut out = vec![0.0_f32; values.len()];
    for (row, to) in out.chunks_exact_mut(side).enumerate() {
        for (k, weight) in kernel.iter().enumerate() {
            let source = (row + k).saturating_sub(radius).min(side - 1);
            for (to, from) in to.iter_mut().zip(&across[source * side..]) {
                *to += weight * from;
            }
        }
    }
    out
}
