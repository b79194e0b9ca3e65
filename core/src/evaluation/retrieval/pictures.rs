//! Small pictures of regions, and the first ten of a query beside it.

use std::fmt::Write;

use image::{GrayImage, ImageFormat, Luma};

use super::answers::{Answer, NEAREST};
use super::examples::Example;
use crate::evaluation::page::base64;
use crate::geometry::Contour;
use crate::lexicon::Pathology;
use crate::mammogram::Mammogram;
use crate::patch;

/// Side of a small picture.
pub(super) const SIDE: u32 = 88;
/// Vertices of an outline on it.
const VERTICES: usize = 48;

/// A query and what came first, as they are shown.
#[derive(Debug, Clone)]
pub struct Strip {
    /// "malignant, best" …
    pub(super) title: String,
    pub(super) average_precision: f64,
    pub(super) query: (String, Thumbnail),
    /// Name with outcome, picture, and whether it has the query's class.
    pub(super) nearest: Vec<(String, Thumbnail, bool)>,
}

/// The best, the middle and the worst query of each class, by average precision.
pub(super) fn strips(answers: &[Answer], examples: &[Example]) -> Vec<Strip> {
    let mut strips = Vec::new();
    for class in Pathology::ALL {
        let mut own: Vec<(&Answer, f64)> = answers
            .iter()
            .filter(|a| examples[a.query].pathology == *class)
            .filter_map(|a| Some((a, a.average_precision?)))
            .collect();
        own.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Some(last) = own.len().checked_sub(1) else { continue };
        for (word, place) in [("best", 0), ("median", last / 2), ("worst", last)] {
            let (answer, average_precision) = own[place];
            let nearest = answer.nearest.iter().take(NEAREST).map(|(idx, _)| {
                let other = &examples[*idx];
                let is_right = other.pathology == *class;
                (other.pathology.to_string(), other.thumbnail.clone(), is_right)
            });
            strips.push(Strip {
                title: format!("{class}, {word}"),
                average_precision,
                query: (class.to_string(), examples[answer.query].thumbnail.clone()),
                nearest: nearest.collect(),
            });
        }
    }
    strips
}

/// A region as it is shown: the encoder's square, so that all masses look alike large.
#[derive(Debug, Clone, Default)]
pub(super) struct Thumbnail {
    /// `SIDE * SIDE` grey values; empty where there is no picture.
    grey: Vec<u8>,
    outline: Vec<(f32, f32)>,
}

impl Thumbnail {
    pub(super) fn of(film: &Mammogram, contour: &Contour) -> Self {
        let square = patch::square(film, contour);
        let (columns, rows) = (i64::from(film.columns), i64::from(film.rows));
        let (across, down) = (square.width() / f64::from(SIDE), square.height() / f64::from(SIDE));
        let table = film.grey_table();
        let mut values: Vec<Option<f32>> = Vec::with_capacity((SIDE * SIDE) as usize);
        for y in 0..SIDE {
            for x in 0..SIDE {
                // The mean of up to nine samples of what a pixel covers.
                let (mut sum, mut count) = (0.0, 0.0);
                for part in 0..9 {
                    let (dx, dy) = (f64::from(part % 3) / 3.0, f64::from(part / 3) / 3.0);
                    let column = (square.min.x + (f64::from(x) + dx + 1.0 / 6.0) * across).floor();
                    let row = (square.min.y + (f64::from(y) + dy + 1.0 / 6.0) * down).floor();
                    let (column, row) = (column as i64, row as i64);
                    if (0..columns).contains(&column) && (0..rows).contains(&row) {
                        let sample = film.samples[(row * columns + column) as usize];
                        sum += table[usize::from(sample)];
                        count += 1.0;
                    }
                }
                values.push((count > 0.0).then(|| sum / count));
            }
        }
        let mut seen: Vec<f32> = values.iter().flatten().copied().collect();
        seen.sort_by(f32::total_cmp);
        let at = |share: usize| seen.get(seen.len() * share / 100).copied().unwrap_or_default();
        let (low, range) = (at(1), (at(99) - at(1)).max(f32::MIN_POSITIVE));
        let grey = values
            .into_iter()
            .map(|value| value.map_or(0, |v| (255.0 * (v - low) / range).clamp(0.0, 255.0) as u8));
        let place = |p: &crate::geometry::ImagePoint| {
            (((p.x - square.min.x) / across) as f32, ((p.y - square.min.y) / down) as f32)
        };
        Self {
            grey: grey.collect(),
            outline: contour.resampled(VERTICES).points().iter().map(place).collect(),
        }
    }

    /// The picture in a frame of this colour, as SVG.
    pub(super) fn svg(&self, frame: &str) -> String {
        let picture = GrayImage::from_fn(SIDE, SIDE, |x, y| {
            Luma([self.grey.get((y * SIDE + x) as usize).copied().unwrap_or_default()])
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("memory takes a small picture");
        let points = self.outline.iter().fold(String::new(), |mut text, (x, y)| {
            let _ = write!(text, "{x:.1},{y:.1} ");
            text
        });
        format!(
            "<svg viewBox=\"-3 -3 {side} {side}\" width=\"{side}\" height=\"{side}\"><rect x=\"-3\" \
             y=\"-3\" width=\"{side}\" height=\"{side}\" fill=\"{frame}\"/><image width=\"{SIDE}\" \
             height=\"{SIDE}\" href=\"data:image/png;base64,{}\"/><polygon points=\"{points}\" \
             fill=\"none\" stroke=\"#ffd54f\" stroke-width=\"1\"/></svg>",
            base64(&png.into_inner()),
            side = SIDE + 6
        )
    }
}
