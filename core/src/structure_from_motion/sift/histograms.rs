//! Which way a place points and what is around it (Lowe, sections 5 and 6).

use std::f32::consts::TAU;

use rayon::prelude::*;

use super::extrema::Place;
use super::scale_space::{Octave, Plane, SCALES, sigma};
use super::{DIMS, Feature};

/// Directions that are told apart when the main one is looked for (section 5).
const TURNS: usize = 36;
/// A direction of this share of the largest makes a feature of its own (section 5).
const SECOND: f32 = 0.8;
/// Window of the directions' histogram over the scale (section 5).
const WINDOW: f32 = 1.5;
/// Cells along a side of the descriptor, and directions in each (section 6.1).
const CELLS: usize = 4;
const DIRECTIONS: usize = 8;
/// Side of a cell over the scale.
const CELL: f32 = 3.0;
/// Largest share of one number, lest a glare decide (section 6.1).
const CLAMP: f32 = 0.2;

/// The features of all places of an octave: one for each of a place's main directions.
pub(super) fn describe(octave: &Octave, places: &[Place]) -> Vec<Feature> {
    let mut features = Vec::new();
    for scale in 1..=SCALES {
        let here: Vec<&Place> = places.iter().filter(|p| nearest_scale(p.scale) == scale).collect();
        if here.is_empty() {
            continue;
        }
        let slopes = Slopes::of(&octave.gaussians[scale]);
        let described: Vec<Vec<Feature>> = here
            .par_iter()
            .map(|place| {
                let angles = slopes.angles(place);
                let feature = |angle: f32| Feature {
                    x: octave.in_picture(place.x),
                    y: octave.in_picture(place.y),
                    scale: sigma(place.scale) * octave.step,
                    angle,
                    response: place.response,
                    descriptor: slopes.descriptor(place, angle),
                };
                angles.into_iter().map(feature).collect()
            })
            .collect();
        features.extend(described.into_iter().flatten());
    }
    features
}

fn nearest_scale(scale: f32) -> usize {
    (scale.round() as usize).clamp(1, SCALES)
}

/// Steepness and direction at every pixel of one scale.
struct Slopes {
    columns: usize,
    rows: usize,
    /// Pairs of steepness and angle in `[0, 2 pi)`.
    values: Vec<(f32, f32)>,
}

impl Slopes {
    fn of(plane: &Plane) -> Self {
        let Plane { columns, rows, .. } = *plane;
        let mut values = vec![(0.0, 0.0); columns * rows];
        // Without the frame, where a neighbour is missing.
        values.par_chunks_mut(columns).enumerate().for_each(|(row, out)| {
            if row == 0 || row + 1 == rows {
                return;
            }
            let (above, line, below) = (plane.row(row - 1), plane.row(row), plane.row(row + 1));
            for (column, slope) in out.iter_mut().enumerate().take(columns - 1).skip(1) {
                let dx = line[column + 1] - line[column - 1];
                let dy = below[column] - above[column];
                *slope = (dx.hypot(dy), dy.atan2(dx).rem_euclid(TAU));
            }
        });
        Self { columns, rows, values }
    }

    /// Slopes within a square of pixels, with their place relative to a point.
    fn around(
        &self,
        (x, y): (f32, f32),
        reach: f32,
    ) -> impl Iterator<Item = (f32, f32, f32, f32)> + '_ {
        let range = |v: f32, size: usize| {
            let first = (v - reach).ceil().max(1.0) as usize;
            first..((v + reach).floor() as usize + 1).min(size - 1)
        };
        let across = range(x, self.columns);
        range(y, self.rows).flat_map(move |row| {
            across.clone().map(move |column| {
                let (steepness, angle) = self.values[row * self.columns + column];
                (column as f32 - x, row as f32 - y, steepness, angle)
            })
        })
    }

    /// The main directions around a place.
    fn angles(&self, place: &Place) -> Vec<f32> {
        let spread = WINDOW * sigma(place.scale);
        let mut histogram = [0.0_f32; TURNS];
        for (dx, dy, steepness, angle) in self.around((place.x, place.y), 3.0 * spread) {
            let weight = (-(dx * dx + dy * dy) / (2.0 * spread * spread)).exp();
            let turn = (angle / TAU * TURNS as f32).round() as usize % TURNS;
            histogram[turn] += weight * steepness;
        }
        // Twice a triangle of three keeps a wavering histogram from many peaks.
        for _ in 0..2 {
            histogram = std::array::from_fn(|i| {
                let (left, right) = neighbours(&histogram, i);
                0.25 * left + 0.5 * histogram[i] + 0.25 * right
            });
        }
        let largest = histogram.iter().fold(0.0, |a: f32, b| a.max(*b));
        let peaks = (0..TURNS).filter(|&i| {
            let (left, right) = neighbours(&histogram, i);
            histogram[i] > left && histogram[i] > right && histogram[i] >= SECOND * largest
        });
        peaks
            .map(|i| {
                let (left, right) = neighbours(&histogram, i);
                let top = 0.5 * (left - right) / (left - 2.0 * histogram[i] + right);
                ((i as f32 + top) / TURNS as f32 * TAU).rem_euclid(TAU)
            })
            .collect()
    }

    /// RootSIFT of a place seen along a direction.
    fn descriptor(&self, place: &Place, direction: f32) -> [f32; DIMS] {
        let cell = CELL * sigma(place.scale);
        let (sine, cosine) = direction.sin_cos();
        let middle = CELLS as f32 / 2.0;
        // The corner of the turned square of cells, with half a cell for those that share.
        let reach = cell * (middle + 0.5) * std::f32::consts::SQRT_2;
        // A rim of one cell takes what falls outside, and is left out in the end.
        let mut cells = [[[0.0_f32; DIRECTIONS]; CELLS + 2]; CELLS + 2];
        for (dx, dy, steepness, angle) in self.around((place.x, place.y), reach) {
            let (along, across) =
                ((cosine * dx + sine * dy) / cell, (cosine * dy - sine * dx) / cell);
            let (column, row) = (along + middle + 0.5, across + middle + 0.5);
            let end = (CELLS + 1) as f32;
            if !(column > 0.0 && row > 0.0 && column < end && row < end) {
                continue;
            }
            // A Gaussian of half the square's side.
            let weight = (-(along * along + across * across) / (2.0 * middle * middle)).exp();
            let turn = (angle - direction).rem_euclid(TAU) / TAU * DIRECTIONS as f32;
            let (left, top) = (column as usize, row as usize);
            let (right, bottom) = (column - left as f32, row - top as f32);
            let (first, second) = (turn as usize % DIRECTIONS, (turn as usize + 1) % DIRECTIONS);
            let further = turn - turn.floor();
            for (r, part) in [(top, 1.0 - bottom), (top + 1, bottom)] {
                for (c, share) in [(left, 1.0 - right), (left + 1, right)] {
                    let mass = weight * steepness * part * share;
                    cells[r][c][first] += mass * (1.0 - further);
                    cells[r][c][second] += mass * further;
                }
            }
        }
        let mut values = [0.0; DIMS];
        let inner = cells[1..=CELLS].iter().flat_map(|row| row[1..=CELLS].iter().flatten());
        values.iter_mut().zip(inner).for_each(|(v, c)| *v = *c);
        root(values)
    }
}

/// Which number of a place's descriptor stands here where the picture is mirrored: what was at one
/// hand of the place's direction is at the other.
pub(in crate::structure_from_motion) const fn mirrored(number: usize) -> usize {
    let (cell, direction) = (number / DIRECTIONS, number % DIRECTIONS);
    let (row, column) = (cell / CELLS, cell % CELLS);
    ((CELLS - 1 - row) * CELLS + column) * DIRECTIONS + (DIRECTIONS - direction) % DIRECTIONS
}

fn neighbours(histogram: &[f32; TURNS], i: usize) -> (f32, f32) {
    (histogram[(i + TURNS - 1) % TURNS], histogram[(i + 1) % TURNS])
}

/// To length 1, clamped, and the root of each number's share of the sum.
fn root(mut values: [f32; DIMS]) -> [f32; DIMS] {
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    values.iter_mut().for_each(|v| *v = (*v / length).min(CLAMP));
    let sum = values.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    values.map(|v| (v / sum).sqrt())
}
