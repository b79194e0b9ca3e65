//! Wishes become costs: what the doctor pulled to a place, and that nothing far from it moves.
//!
//! Each correction is solved on top of the path before it, from the same base cost: the path
//! must pass the points, may lean towards them nearby, and keeps its rows beyond [`FREEZE`].

use std::f64::consts::TAU;

use super::path::{CostTable, Steps};
use super::polar::{COLUMNS, ROWS, Rays};
use crate::geometry::ImagePoint;

/// Steps of an outline that nobody has corrected.
const PLAIN: Steps = Steps { penalty: 0.06, reach: 3 };
/// Rows by which neighbours may differ at least, once there are points to reach.
const PULLED_REACH: usize = 8;
/// A row that must not be taken; any path over free rows is cheaper.
const FORBIDDEN: f32 = 1e3;
/// How strongly the neighbours of a point are drawn to its row.
const PULL: f32 = 2.0;
/// Rows off a point's row at which the draw is full.
const PULL_ROWS: f32 = 6.0;
/// Beyond this angle from the newest point the path stays: 60 degrees, in columns.
const FREEZE: f64 = 60.0 / 360.0 * COLUMNS as f64;
const DEGREE: f64 = COLUMNS as f64 / 360.0;
/// Rows off the path from which another way counts as another.
const APART: usize = 2;
/// Largest confidence that is told: no doubt at all.
const SURE: f32 = 4.0;

/// A point that the path must pass, in polar form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pull {
    pub(super) point: ImagePoint,
    /// Angle in columns, with fraction.
    angle: f64,
    /// Radius in rows, with fraction.
    pub(super) row: f64,
}

/// The path after some corrections, and how sure each column is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    pub(super) path: Vec<usize>,
    pub(super) margins: Vec<f32>,
}

impl Pull {
    /// The point at `(x, y)` units from the centre; `None` within half a row of it.
    pub(super) fn new(point: ImagePoint, (x, y): (f64, f64), rays: &Rays) -> Option<Self> {
        let angle = (y.atan2(x) / TAU).rem_euclid(1.0) * COLUMNS as f64;
        let row = rays.row(x.hypot(y));
        (row >= -0.5).then_some(Self { point, angle, row })
    }

    /// The column whose ray is nearest.
    pub(super) fn column(&self) -> usize {
        self.angle.round() as usize % COLUMNS
    }
}

/// The pulls that still hold: a later one replaces those within one column of it.
pub(super) fn holding(pulls: &[Pull]) -> Vec<Pull> {
    let mut holding: Vec<Pull> = Vec::with_capacity(pulls.len());
    for pull in pulls {
        holding.retain(|other| apart(other.angle, pull.angle) > 1.0);
        holding.push(*pull);
    }
    holding
}

/// The path over the base cost that honours these pulls. The newest is the last; `before` is
/// the path that it corrects.
pub(super) fn solve(
    base: &CostTable,
    rays: &Rays,
    pulls: &[Pull],
    before: Option<&Stage>,
) -> Stage {
    let holding = holding(pulls);
    let mut cost = base.clone();
    forbid_far_rows(&mut cost, rays, &holding, before);
    for pull in &holding {
        draw(&mut cost, pull, &holding);
    }
    let Some((newest, before)) = pulls.last().zip(before) else {
        let path = cost.closed_path(PLAIN);
        let margins = sure(cost.margins(&path, APART, PLAIN));
        return Stage { path, margins };
    };

    let stays = |column: usize| apart(column as f64, newest.angle) > FREEZE;
    for column in (0..COLUMNS).filter(|c| stays(*c)) {
        forbid(cost.column_mut(column), |row| row == before.path[column]);
    }
    let steps = Steps { reach: reach(&holding, &before.path, stays), ..PLAIN };
    let path = cost.closed_path(steps);
    let mut margins = sure(cost.margins(&path, APART, steps));
    for column in (0..COLUMNS).filter(|c| stays(*c)) {
        margins[column] = before.margins[column];
    }
    Stage { path, margins }
}

/// Keeps to the rows that the prompt searches, further where a pull or the path so far reaches.
fn forbid_far_rows(cost: &mut CostTable, rays: &Rays, holding: &[Pull], before: Option<&Stage>) {
    let pulled = holding.iter().flat_map(|p| [p.row.floor() - 1.0, p.row.ceil() + 1.0]);
    let taken = before.into_iter().flat_map(|stage| &stage.path).map(|row| *row as f64);
    let (mut low, mut high) = (rays.inner, rays.inner + ROWS - 1);
    for row in pulled.chain(taken) {
        low = low.min(row.max(0.0) as usize);
        high = high.max(row.max(0.0) as usize);
    }
    for column in 0..COLUMNS {
        forbid(cost.column_mut(column), |row| (low..=high).contains(&row));
    }
}

/// Makes the path pass within half a row of the pull, and leans its neighbours towards it.
fn draw(cost: &mut CostTable, pull: &Pull, holding: &[Pull]) {
    forbid(cost.column_mut(pull.column()), |row| (row as f64 - pull.row).abs() <= 0.5);
    let nearest = holding
        .iter()
        .map(|other| apart(other.angle, pull.angle))
        .filter(|distance| *distance > 0.0)
        .fold(f64::INFINITY, f64::min);
    let sigma = (12.0 * DEGREE).min(0.4 * nearest).max(3.0 * DEGREE);
    for column in 0..COLUMNS {
        let distance = apart(column as f64, pull.angle);
        if distance > 3.0 * sigma {
            continue;
        }
        let strength = PULL * (-0.5 * (distance / sigma).powi(2)).exp() as f32;
        for (row, cost) in cost.column_mut(column).iter_mut().enumerate() {
            let off = (row as f64 - pull.row).abs() as f32;
            *cost += strength * (off / PULL_ROWS).min(1.0);
        }
    }
}

fn forbid(column: &mut [f32], allowed: impl Fn(usize) -> bool) {
    for (row, cost) in column.iter_mut().enumerate() {
        if !allowed(row) {
            *cost += FORBIDDEN;
        }
    }
}

/// The reach with which all that is fixed can be joined: the pulls, and the columns that stay.
fn reach(holding: &[Pull], before: &[usize], stays: impl Fn(usize) -> bool) -> usize {
    let mut fixed: Vec<(usize, usize)> =
        (0..COLUMNS).filter(|c| stays(*c)).map(|c| (c, before[c])).collect();
    for pull in holding {
        fixed.retain(|(column, _)| *column != pull.column());
        fixed.push((pull.column(), pull.row.round().max(0.0) as usize));
    }
    fixed.sort_unstable();
    let wrapped = fixed.first().map(|(column, row)| (column + COLUMNS, *row));
    let next = fixed.iter().copied().skip(1).chain(wrapped);
    fixed
        .iter()
        .zip(next)
        .map(|(a, b)| (a.1.abs_diff(b.1) + 1).div_ceil(b.0 - a.0))
        .fold(PULLED_REACH, usize::max)
}

/// Shortest way round between two angles, in columns.
fn apart(a: f64, b: f64) -> f64 {
    let columns = COLUMNS as f64;
    let distance = (a - b).rem_euclid(columns);
    distance.min(columns - distance)
}

fn sure(mut margins: Vec<f32>) -> Vec<f32> {
    margins.iter_mut().for_each(|m| *m = m.min(SURE));
    margins
}
