//! A picture at all scales (Lowe, section 3): octaves of Gaussians, each of half the size of the
//! last, and their differences.

use rayon::prelude::*;

use super::Picture;

/// Scales in an octave at which extrema are looked for (section 3.2).
pub(super) const SCALES: usize = 3;
/// Blur of an octave's first picture, in its pixels (section 3.3).
const SIGMA: f32 = 1.6;
/// Blur that a picture is taken to come with, in its own pixels (section 3.3).
const CAMERA: f32 = 0.5;
/// An octave smaller than this shows the frame more than the picture.
const SMALLEST: usize = 16;

/// Grey values of one scale.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) values: Vec<f32>,
}

#[derive(Debug)]
pub(super) struct Octave {
    /// `SCALES + 3` of them: blur [`SIGMA`] times 2 to the power of index over [`SCALES`].
    pub(super) gaussians: Vec<Plane>,
    /// Each Gaussian's successor less itself.
    pub(super) differences: Vec<Plane>,
    /// Pixels of the picture to one of this octave.
    pub(super) step: f32,
    /// Where the middle of the first pixel lies, in pixels of the picture.
    pub(super) origin: f32,
}

/// Hands over the octaves one by one, finest first.
pub(super) fn octaves(picture: Picture<'_>, doubled: bool, mut take: impl FnMut(&Octave)) {
    let Picture { values, columns } = picture;
    let rows = values.len() / columns.max(1);
    let plane = Plane { columns, rows, values: values.to_vec() };
    let (plane, mut step, origin, blur) = if doubled {
        (plane.doubled(), 0.5, 0.25, 2.0 * CAMERA)
    } else {
        (plane, 1.0, 0.5, CAMERA)
    };
    let mut first = plane.blurred((SIGMA * SIGMA - blur * blur).sqrt());
    while first.columns.min(first.rows) >= SMALLEST {
        let octave = Octave::new(first, step, origin);
        take(&octave);
        first = octave.gaussians[SCALES].halved();
        step *= 2.0;
    }
}

impl Octave {
    fn new(first: Plane, step: f32, origin: f32) -> Self {
        let mut gaussians = vec![first];
        for scale in 1..SCALES + 3 {
            let (before, after) = (sigma(scale as f32 - 1.0), sigma(scale as f32));
            let next = gaussians[scale - 1].blurred((after * after - before * before).sqrt());
            gaussians.push(next);
        }
        let differences = gaussians.windows(2).map(|two| two[1].minus(&two[0])).collect();
        Self { gaussians, differences, step, origin }
    }

    /// A place in pixels of this octave, from the middle of the first, in pixels of the picture.
    pub(super) fn in_picture(&self, v: f32) -> f32 {
        self.origin + v * self.step
    }
}

/// Blur at a scale of an octave, in its pixels.
pub(super) fn sigma(scale: f32) -> f32 {
    SIGMA * (scale / SCALES as f32).exp2()
}

impl Plane {
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// Twice the size, linear between the middles of pixels; the edge repeats.
    fn doubled(&self) -> Self {
        let line = |values: &[f32]| -> Vec<f32> {
            let last = values.len().saturating_sub(1);
            let between = |(i, &v): (usize, &f32)| {
                let (left, right) = (values[i.saturating_sub(1)], values[(i + 1).min(last)]);
                [0.25 * left + 0.75 * v, 0.75 * v + 0.25 * right]
            };
            values.iter().enumerate().flat_map(between).collect()
        };
        let wide: Vec<Vec<f32>> = (0..self.rows).map(|row| line(self.row(row))).collect();
        let mix = |a: &[f32], b: &[f32]| -> Vec<f32> {
            a.iter().zip(b).map(|(far, near)| 0.25 * far + 0.75 * near).collect()
        };
        let last = self.rows.saturating_sub(1);
        let values = (0..self.rows)
            .flat_map(|row| {
                let (above, below) = (row.saturating_sub(1), (row + 1).min(last));
                [mix(&wide[above], &wide[row]), mix(&wide[below], &wide[row])]
            })
            .flatten()
            .collect();
        Self { columns: 2 * self.columns, rows: 2 * self.rows, values }
    }

    /// Every second pixel of every second row.
    fn halved(&self) -> Self {
        let (columns, rows) = (self.columns.div_ceil(2), self.rows.div_ceil(2));
        let values =
            (0..rows).flat_map(|row| self.row(2 * row).iter().step_by(2).copied()).collect();
        Self { columns, rows, values }
    }

    fn minus(&self, other: &Self) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a - b).collect();
        Self { values, ..*self }
    }

    /// Convolved with a Gaussian of this standard deviation; the edge repeats.
    fn blurred(&self, sigma: f32) -> Self {
        if self.columns == 0 || self.rows == 0 {
            return self.clone();
        }
        let kernel = gaussian(sigma);
        let reach = kernel.len() / 2;
        let mut across = vec![0.0; self.values.len()];
        across.par_chunks_mut(self.columns).enumerate().for_each(|(row, out)| {
            let row = self.row(row);
            let mut padded = vec![row[0]; reach];
            padded.extend_from_slice(row);
            padded.resize(self.columns + 2 * reach, row[self.columns - 1]);
            add_shifted(out, &kernel, |tap| &padded[tap..][..self.columns]);
        });
        let across = Self { values: across, ..*self };
        let mut values = vec![0.0; self.values.len()];
        values.par_chunks_mut(self.columns).enumerate().for_each(|(row, out)| {
            let source = |tap: usize| (row + tap).saturating_sub(reach).min(self.rows - 1);
            add_shifted(out, &kernel, |tap| across.row(source(tap)));
        });
        Self { values, ..*self }
    }
}

/// Adds to `out` each line that `line` gives for a tap, times the tap's weight.
fn add_shifted<'a>(out: &mut [f32], kernel: &[f32], line: impl Fn(usize) -> &'a [f32]) {
    for (tap, weight) in kernel.iter().enumerate() {
        out.iter_mut().zip(line(tap)).for_each(|(v, s)| *v += s * weight);
    }
}

/// Taps within four standard deviations, which sum to 1.
fn gaussian(sigma: f32) -> Vec<f32> {
    let reach = (4.0 * sigma).ceil() as i32;
    let tap = |i: i32| (-0.5 * (i as f32 / sigma).powi(2)).exp();
    let sum: f32 = (-reach..=reach).map(tap).sum();
    (-reach..=reach).map(|i| tap(i) / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blurs_add_up_by_their_squares() {
        // A spike blurred by 3 and 4 is one blurred by 5.
        let mut values = vec![0.0; 81 * 81];
        values[40 * 81 + 40] = 1000.0;
        let spike = Plane { columns: 81, rows: 81, values };
        let twice = spike.blurred(3.0).blurred(4.0);
        let once = spike.blurred(5.0);
        // 1000 / (2 pi 25) in the middle.
        assert!((once.values[40 * 81 + 40] - 6.366).abs() < 0.03);
        for (a, b) in twice.values.iter().zip(&once.values) {
            assert!((a - b).abs() < 0.01, "{a} {b}");
        }
    }

    #[test]
    fn doubling_keeps_the_mean_of_each_pixel_on_a_ramp() {
        let values = (0..12).map(|i| (i % 4) as f32).collect();
        let doubled = Plane { columns: 4, rows: 3, values }.doubled();
        assert_eq!((doubled.columns, doubled.rows), (8, 6));
        assert_eq!(doubled.row(2)[..6], [0.0, 0.25, 0.75, 1.25, 1.75, 2.25]);
    }
}
