//! What a program must beat: other ways to come by a contour from the same prompt, and how much half a
//! millimetre of a reader's hand is worth.

use serde::Serialize;

use super::cases::Case;
use crate::geometry::{Contour, ImagePoint};
use crate::mammogram::Mammogram;
use crate::segmentation::{Outliner, Prompt, Weights};

/// Something to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Control {
    /// The terms of the cost as they come, none preferred.
    EqualWeights,
    /// Otsu's threshold in a square of twice the prompt's radius, the part that holds the centre.
    Otsu,
    /// Grown from the centre down to halfway between its grey and the surround's.
    RegionGrowing,
    /// The truth itself, drawn half a millimetre too wide.
    TruthWider,
    /// The truth itself, drawn half a millimetre too narrow.
    TruthNarrower,
}

/// How far the truth is moved.
const READER_MM: f64 = 0.5;
/// Cells along the side of the square that is thresholded.
const CELLS: usize = 160;

impl Control {
    pub const ALL: [Self; 5] = [
        Self::EqualWeights,
        Self::Otsu,
        Self::RegionGrowing,
        Self::TruthWider,
        Self::TruthNarrower,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::EqualWeights => "same path, equal weights",
            Self::Otsu => "Otsu's threshold, part at the centre",
            Self::RegionGrowing => "region growing from the centre",
            Self::TruthWider => "the truth, 0.5 mm wider",
            Self::TruthNarrower => "the truth, 0.5 mm narrower",
        }
    }

    /// Its contour for a drag; `None` where it finds none.
    pub(super) fn contour(
        self,
        case: &Case,
        equal: &mut Outliner,
        center: ImagePoint,
        radius: f64,
    ) -> Option<Contour> {
        let moved = |mm: f64| {
            let pixel = case.film.spacing.map_or(1.0, |spacing| spacing.mean_mm());
            case.truth.offset(mm / pixel)
        };
        match self {
            Self::EqualWeights => {
                equal.outline(Prompt::Drag { center, radius }, &[]).ok().map(|o| o.contour)
            }
            Self::Otsu => {
                let square = Square::around(&case.film, center, 2.0 * radius);
                let threshold = otsu(&square.greys)?;
                square.part_above(threshold)
            }
            Self::RegionGrowing => {
                let square = Square::around(&case.film, center, 2.0 * radius);
                let inside = square.mean(0.0, 0.25)?;
                let outside = square.mean(0.75, 1.0)?;
                square.part_above(0.5 * (inside + outside))
            }
            Self::TruthWider => moved(READER_MM),
            Self::TruthNarrower => moved(-READER_MM),
        }
    }

    pub(super) fn equal(film: &std::sync::Arc<Mammogram>) -> Outliner {
        Outliner::with_weights(film.clone(), Weights::EQUAL)
    }
}

/// A square of the film in cells, each the mean of its pixels; NaN outside the film.
struct Square {
    corner: ImagePoint,
    /// Pixels per cell.
    step: f64,
    greys: Vec<f32>,
}

impl Square {
    fn around(film: &Mammogram, center: ImagePoint, half: f64) -> Self {
        let corner = ImagePoint::new(center.x - half, center.y - half);
        let step = 2.0 * half / CELLS as f64;
        let table = film.grey_table();
        let (columns, rows) = (i64::from(film.columns), i64::from(film.rows));
        let cell = |start: f64, idx: usize| {
            let low = (start + idx as f64 * step).floor() as i64;
            low..((start + (idx + 1) as f64 * step).floor() as i64).max(low + 1)
        };
        let grey = |idx: usize| {
            let (mut sum, mut count) = (0.0_f64, 0.0_f64);
            for row in cell(corner.y, idx / CELLS).filter(|r| (0..rows).contains(r)) {
                for column in cell(corner.x, idx % CELLS).filter(|c| (0..columns).contains(c)) {
                    let sample = film.samples[(row * columns + column) as usize];
                    sum += f64::from(table[usize::from(sample)]);
                    count += 1.0;
                }
            }
            (sum / count) as f32
        };
        Self { corner, step, greys: (0..CELLS * CELLS).map(grey).collect() }
    }

    /// Distance of a cell from the middle, as a share of the half side.
    fn off_center(idx: usize) -> f64 {
        let off = |i: usize| (i as f64 + 0.5) / (CELLS as f64 / 2.0) - 1.0;
        off(idx % CELLS).hypot(off(idx / CELLS))
    }

    /// Mean grey of the ring between two distances from the middle.
    fn mean(&self, low: f64, high: f64) -> Option<f32> {
        let ring =
            self.greys.iter().enumerate().filter(|(idx, grey)| {
                (low..=high).contains(&Self::off_center(*idx)) && !grey.is_nan()
            });
        let (sum, count) =
            ring.fold((0.0, 0.0), |(s, n), (_, grey)| (s + f64::from(*grey), n + 1.0));
        (count > 0.0).then(|| (sum / count) as f32)
    }

    /// The part at least this bright that holds the middle, within the square's circle.
    fn part_above(&self, threshold: f32) -> Option<Contour> {
        let is_bright = |idx: usize| self.greys[idx] >= threshold && Self::off_center(idx) <= 1.0;
        let middle = CELLS / 2 * CELLS + CELLS / 2;
        let mut part = vec![false; CELLS * CELLS];
        let mut open: Vec<usize> = Some(middle).filter(|idx| is_bright(*idx)).into_iter().collect();
        while let Some(idx) = open.pop() {
            if std::mem::replace(&mut part[idx], true) {
                continue;
            }
            let (column, row) = (idx % CELLS, idx / CELLS);
            let sides = [
                (column > 0).then(|| idx - 1),
                (column + 1 < CELLS).then_some(idx + 1),
                (row > 0).then(|| idx - CELLS),
                (row + 1 < CELLS).then_some(idx + CELLS),
            ];
            open.extend(
                sides.into_iter().flatten().filter(|next| !part[*next] && is_bright(*next)),
            );
        }
        let part = Contour::around(CELLS, &part)?;
        Some(part.scaled(self.step, self.step).moved(self.corner.x, self.corner.y))
    }
}

/// The threshold that parts the greys into two classes farthest apart (Otsu, IEEE Trans SMC 1979),
/// over 256 steps; `None` where all are one grey.
fn otsu(greys: &[f32]) -> Option<f32> {
    const STEPS: usize = 256;
    let known = || greys.iter().copied().filter(|grey| !grey.is_nan());
    let (low, high) = (known().fold(f32::INFINITY, f32::min), known().fold(f32::MIN, f32::max));
    let width = f64::from(high - low) / STEPS as f64;
    if width.is_nan() || width <= 0.0 {
        return None;
    }
    let mut histogram = [0.0_f64; STEPS];
    known().for_each(|grey| {
        histogram[((f64::from(grey - low) / width) as usize).min(STEPS - 1)] += 1.0;
    });
    let total: f64 = histogram.iter().sum();
    let all: f64 = histogram.iter().enumerate().map(|(step, n)| step as f64 * n).sum();
    let (mut below, mut sum) = (0.0, 0.0);
    let mut best = (0.0, 0);
    for (step, count) in histogram.iter().enumerate().take(STEPS - 1) {
        below += count;
        sum += step as f64 * count;
        let apart = sum / below.max(1.0) - (all - sum) / (total - below).max(1.0);
        let between = below * (total - below) * apart * apart;
        if between > best.0 {
            best = (between, step + 1);
        }
    }
    Some(low + (best.1 as f64 * width) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_parts_two_heaps_between_them() {
        // 60 greys around 10, 40 around 90; NaN is no grey.
        let heap = |middle: f32, count: usize| (0..count).map(move |i| middle + (i % 5) as f32);
        let greys: Vec<f32> = heap(10.0, 60).chain(heap(90.0, 40)).chain([f32::NAN]).collect();
        let threshold = otsu(&greys).expect("there are two greys");
        assert!((14.0..90.0).contains(&threshold), "{threshold}");
        assert_eq!(otsu(&[3.0; 9]), None);
        assert_eq!(otsu(&[]), None);
    }

    #[test]
    fn the_part_at_the_middle_is_traced_where_it_lies_on_the_film() {
        let mut greys = vec![0.0; CELLS * CELLS];
        let disc = |idx: usize, x: f64, y: f64, r: f64| {
            ((idx % CELLS) as f64 + 0.5 - x).hypot((idx / CELLS) as f64 + 0.5 - y) <= r
        };
        for (idx, grey) in greys.iter_mut().enumerate() {
            // A disc in the middle, and another one apart from it.
            if disc(idx, 80.0, 80.0, 30.0) || disc(idx, 135.0, 80.0, 12.0) {
                *grey = 9.0;
            }
        }
        let square = Square { corner: ImagePoint::new(100.0, 200.0), step: 0.5, greys };
        let part = square.part_above(5.0).expect("the middle is bright");
        assert!((part.centroid().x - 140.0).abs() < 0.5 && (part.centroid().y - 240.0).abs() < 0.5);
        let area = std::f64::consts::PI * 15.0 * 15.0;
        assert!((part.area() / area - 1.0).abs() < 0.03, "{}", part.area());
        assert_eq!(square.part_above(10.0), None);
    }
}
