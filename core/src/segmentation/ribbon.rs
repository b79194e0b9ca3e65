//! A contour snapped to the nearest border: the same search as from the centre, along the
//! contour's own normals.

use super::path::{CostTable, Steps};
use super::polar::{EXPECTED_INNER_SHARE, HALF_WINDOW, INVALID_COST, Samples, Weights, quantile};
use crate::geometry::{Contour, ImagePoint};
use crate::region::Region;

/// Points along the contour.
const COLUMNS: usize = 192;
/// Places along each normal, the contour's own in the middle.
const ROWS: usize = 41;
/// How far a point may move to either side, in radii of the mass.
const HALF_WIDTH: f64 = 0.15;
const STEPS: Steps = Steps { penalty: 0.06, reach: 2 };
const FORBIDDEN: f32 = 1e3;
/// Rounds of averaging neighbours within the half step that the path leaves open.
const SMOOTHING_ROUNDS: usize = 4;

/// How far from the contour the search looks, for a mass of this radius.
pub(super) fn reach(radius: f64) -> f64 {
    (HALF_WIDTH + 1.2 * HALF_WINDOW) * radius
}

/// The contour's points moved along their normals; lines may cross where normals do. `pins` are
/// places on the contour that stay.
pub(super) fn snapped(
    region: &Region,
    shape: &Contour,
    radius: f64,
    pins: &[ImagePoint],
) -> Contour {
    let even = shape.resampled(COLUMNS);
    let points = even.points();
    let normals = even.normals();
    let step = 2.0 * HALF_WIDTH * radius / (ROWS - 1) as f64;
    let window = (HALF_WINDOW * radius / step).round() as usize;
    let along = |column: usize, row: f64| {
        let offset = (row - (ROWS / 2) as f64) * step;
        let (p, n) = (points[column], normals[column]);
        ImagePoint::new(p.x + offset * n.0, p.y + offset * n.1)
    };
    // A window's length to either side, so that contrast is told on all rows.
    let rows = ROWS + 2 * window;
    let values = (0..COLUMNS)
        .flat_map(|column| (0..rows).map(move |row| (column, row as f64 - window as f64)));
    let samples = Samples {
        rows,
        values: values
            .map(|(column, row)| {
                let place = along(column, row);
                region.at(place.x, place.y).unwrap_or(f32::NAN)
            })
            .collect(),
    };
    let mut cost = cost(&samples, window);
    let middle = (ROWS / 2) as f64;
    for pin in pins {
        let nearest = (0..COLUMNS)
            .min_by(|a, b| points[*a].distance(*pin).total_cmp(&points[*b].distance(*pin)));
        if let Some(column) = nearest {
            for (row, cost) in cost.column_mut(column).iter_mut().enumerate() {
                *cost += if row == ROWS / 2 { 0.0 } else { FORBIDDEN };
            }
        }
    }
    let rows: Vec<f64> = cost.closed_path(STEPS).into_iter().map(|row| row as f64).collect();
    let mut smooth = rows.clone();
    for _ in 0..SMOOTHING_ROUNDS {
        let last = smooth.clone();
        for column in 0..COLUMNS {
            let (before, after) = ((column + COLUMNS - 1) % COLUMNS, (column + 1) % COLUMNS);
            let mean = (last[before] + 2.0 * last[column] + last[after]) / 4.0;
            smooth[column] = mean.clamp(rows[column] - 0.5, rows[column] + 0.5);
        }
    }
    let mut moved: Vec<ImagePoint> = (0..COLUMNS).map(|c| along(c, smooth[c])).collect();
    for pin in pins {
        // The place itself, where its column kept to the middle.
        let nearest = (0..COLUMNS)
            .min_by(|a, b| points[*a].distance(*pin).total_cmp(&points[*b].distance(*pin)));
        if let Some(column) = nearest.filter(|c| rows[*c] == middle) {
            moved[column] = *pin;
        }
    }
    Contour::new(moved).expect("192 finite points")
}

fn cost(samples: &Samples, window: usize) -> CostTable {
    let rows = samples.rows;
    let contrast = samples.radial_contrast(window, rows);
    let column_of = |values: &[f32], column: usize| -> Vec<f32> {
        values[column * rows + window..][..ROWS].to_vec()
    };
    let mut rising: Vec<f32> =
        (0..COLUMNS).flat_map(|column| column_of(&contrast, column)).filter(|c| *c > 0.0).collect();
    let strongest = quantile(&mut rising, 0.98);
    let mean = |range: std::ops::Range<usize>| {
        let values = (0..COLUMNS).flat_map(|c| samples.values[c * rows..][range.clone()].iter());
        let (sum, count) = values
            .filter(|v| !v.is_nan())
            .fold((0.0, 0_u32), |(sum, count), v| (sum + f64::from(*v), count + 1));
        (count > 0).then(|| (sum / f64::from(count)) as f32)
    };
    let expected = mean(0..window).zip(mean(rows - window..rows)).map(|(inner, outer)| {
        let value = EXPECTED_INNER_SHARE * inner + (1.0 - EXPECTED_INNER_SHARE) * outer;
        (value, (inner - outer).max(f32::MIN_POSITIVE))
    });
    let mut values = Vec::with_capacity(COLUMNS * ROWS);
    for column in 0..COLUMNS {
        let grey = column_of(&samples.values, column);
        let contrast = column_of(&contrast, column);
        for row in 0..ROWS {
            let edge = strongest.map_or(1.0, |s| 1.0 - contrast[row].clamp(0.0, s) / s);
            let unlike = match expected {
                Some((value, range)) if !grey[row].is_nan() => {
                    ((grey[row] - value).abs() / range).min(1.0)
                }
                _ => 1.0,
            };
            let off = row as f32 / (ROWS / 2) as f32 - 1.0;
            let invalid = if grey[row].is_nan() { INVALID_COST } else { 0.0 };
            let Weights { edge: e, grey: g, size: s } = Weights::STANDARD;
            values.push(e * edge + g * unlike + s * off * off + invalid);
        }
    }
    CostTable::new(ROWS, values)
}
