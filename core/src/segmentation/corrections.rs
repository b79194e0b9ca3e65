//! Wishes become costs: what the doctor pulled to a place, what she stroked as mass or as none,
//! and that nothing far from it moves.
//!
//! Each correction is solved on top of the path before it, from the same base cost: the path
//! must honour the wishes, may lean towards them nearby, and keeps its rows beyond [`FREEZE`].

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
/// Rows between a stroke and the path.
const CLEARANCE: f64 = 1.0;
/// Rows off the path from which another way counts as another.
const APART: usize = 2;
/// Largest confidence that is told: no doubt at all.
pub(super) const SURE: f32 = 4.0;

/// A wish in polar form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    /// The path passes here.
    Pull(Pull),
    /// In each of these columns, the path lies beyond the row (`belongs`) or before it.
    Stroke { bounds: Vec<(usize, f64)>, belongs: bool },
}

/// A point that the path must pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pull {
    pub(super) point: ImagePoint,
    /// Angle in columns, with fraction.
    angle: f64,
    /// Radius in rows, with fraction.
    row: f64,
}

/// The path after some corrections, and how sure each column is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    pub(super) path: Vec<usize>,
    pub(super) margins: Vec<f32>,
}

/// What holds after all wishes: where two contradict each other, the later one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Holding {
    pub(super) pulls: Vec<Pull>,
    /// For each column the first and last row that strokes leave.
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Pull {
    /// The point at `(x, y)` units from the centre; `None` within half a row of it.
    pub(super) fn new(point: ImagePoint, (x, y): (f64, f64), rays: &Rays) -> Option<Self> {
        let row = rays.row(x.hypot(y));
        (row >= -0.5).then_some(Self { point, angle: angle_of(x, y), row })
    }

    /// The column whose ray is nearest.
    pub(super) fn column(&self) -> usize {
        self.angle.round() as usize % COLUMNS
    }

    pub(super) fn row(&self) -> f64 {
        self.row
    }
}

impl Wish {
    /// A stroke along these places, in units from the centre. `None` where what does not belong
    /// reaches the centre: nothing would be left there.
    pub(super) fn stroke(line: &[(f64, f64)], belongs: bool, rays: &Rays) -> Option<Self> {
        let mut bounds = vec![None::<f64>; COLUMNS];
        for (x, y) in dense(line, rays) {
            let row = rays.row(x.hypot(y));
            if belongs && row < 0.0 {
                continue;
            }
            // One row to spare: the contour's sides are chords, and smoothed.
            let bound = if belongs { row + CLEARANCE } else { row - CLEARANCE };
            if bound < 0.0 {
                return None;
            }
            let angle = angle_of(x, y);
            for column in [angle.floor() as usize % COLUMNS, angle.ceil() as usize % COLUMNS] {
                let known = bounds[column].get_or_insert(bound);
                *known = if belongs { known.max(bound) } else { known.min(bound) };
            }
        }
        let bounds = bounds.into_iter().enumerate().filter_map(|(c, b)| Some((c, b?))).collect();
        Some(Self::Stroke { bounds, belongs })
    }

    /// The farthest row that this wish speaks of.
    pub(super) fn farthest_row(&self) -> f64 {
        match self {
            Self::Pull(pull) => pull.row,
            Self::Stroke { bounds, .. } => bounds.iter().map(|(_, row)| *row).fold(0.0, f64::max),
        }
    }

    /// Whether a column lies farther than [`FREEZE`] from all of it.
    fn is_far_from(&self, column: usize) -> bool {
        let is_far = |angle: f64| apart(column as f64, angle) > FREEZE;
        match self {
            Self::Pull(pull) => is_far(pull.angle),
            Self::Stroke { bounds, .. } => bounds.iter().all(|(c, _)| is_far(*c as f64)),
        }
    }
}

/// Places close enough to each other that no ray and no row is skipped.
fn dense(line: &[(f64, f64)], rays: &Rays) -> Vec<(f64, f64)> {
    let mut places: Vec<(f64, f64)> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        let steps = ((bx - ax).hypot(by - ay) / (0.5 * rays.step)).ceil().clamp(1.0, 4096.0);
        places.extend((1..=steps as usize).map(|i| {
            let share = i as f64 / steps;
            (ax + share * (bx - ax), ay + share * (by - ay))
        }));
    }
    places
}

impl Holding {
    pub(super) fn after(wishes: &[Wish]) -> Self {
        let mut holding = Self {
            pulls: Vec::new(),
            low: vec![f64::NEG_INFINITY; COLUMNS],
            high: vec![f64::INFINITY; COLUMNS],
        };
        for wish in wishes {
            match wish {
                Wish::Pull(pull) => holding.pull(*pull),
                Wish::Stroke { bounds, belongs } => {
                    bounds.iter().for_each(|(column, row)| holding.bound(*column, *row, *belongs));
                }
            }
        }
        holding
    }

    /// A later pull replaces those within one column of it, and bounds that forbid it.
    fn pull(&mut self, pull: Pull) {
        self.pulls.retain(|other| apart(other.angle, pull.angle) > 1.0);
        self.pulls.push(pull);
        let column = pull.column();
        if self.low[column] > pull.row - 0.5 {
            self.low[column] = f64::NEG_INFINITY;
        }
        if self.high[column] < pull.row + 0.5 {
            self.high[column] = f64::INFINITY;
        }
    }

    /// A later bound replaces a pull beyond it, and an opposite bound that leaves it no row.
    fn bound(&mut self, column: usize, row: f64, belongs: bool) {
        let beyond = |p: &Pull| if belongs { p.row < row + 0.5 } else { p.row > row - 0.5 };
        self.pulls.retain(|p| p.column() != column || !beyond(p));
        if belongs {
            self.low[column] = self.low[column].max(row);
            if self.high[column].floor() < self.low[column].ceil() {
                self.high[column] = f64::INFINITY;
            }
        } else {
            self.high[column] = self.high[column].min(row);
            if self.high[column].floor() < self.low[column].ceil() {
                self.low[column] = f64::NEG_INFINITY;
            }
        }
    }

    fn allows(&self, column: usize, row: usize) -> bool {
        (self.low[column]..=self.high[column]).contains(&(row as f64))
    }
}

/// The path over the base cost that honours these wishes. The newest is the last; `before` is
/// the path that it corrects.
pub(super) fn solve(
    base: &CostTable,
    rays: &Rays,
    wishes: &[Wish],
    before: Option<&Stage>,
) -> Stage {
    let holding = Holding::after(wishes);
    let mut cost = base.clone();
    forbid_far_rows(&mut cost, rays, &holding, before);
    for column in 0..COLUMNS {
        forbid(cost.column_mut(column), |row| holding.allows(column, row));
    }
    for pull in &holding.pulls {
        draw(&mut cost, pull, &holding.pulls);
    }
    let Some((newest, before)) = wishes.last().zip(before) else {
        let path = cost.closed_path(PLAIN);
        let margins = sure(cost.margins(&path, APART, PLAIN));
        return Stage { path, margins };
    };

    let stays = |column: usize| newest.is_far_from(column);
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
fn forbid_far_rows(cost: &mut CostTable, rays: &Rays, holding: &Holding, before: Option<&Stage>) {
    let wished = holding
        .pulls
        .iter()
        .map(|p| p.row)
        .chain(holding.low.iter().chain(&holding.high).copied().filter(|row| row.is_finite()));
    let pulled = wished.flat_map(|row| [row.floor() - 1.0, row.ceil() + 1.0]);
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

/// The reach with which all that is fixed can be joined: the pulls, the columns that stay, and
/// those that a stroke bounds.
fn reach(holding: &Holding, before: &[usize], stays: impl Fn(usize) -> bool) -> usize {
    let mut rows: Vec<Option<f64>> = (0..COLUMNS)
        .map(|column| {
            let (low, high) = (holding.low[column].ceil(), holding.high[column].floor());
            let is_bound = low.is_finite() || high.is_finite();
            let near = (before[column] as f64).min(high).max(low);
            (stays(column) || is_bound).then_some(near)
        })
        .collect();
    for pull in &holding.pulls {
        rows[pull.column()] = Some(pull.row.round());
    }
    let fixed: Vec<(usize, f64)> =
        rows.iter().enumerate().filter_map(|(c, row)| Some((c, (*row)?))).collect();
    let wrapped = fixed.first().map(|(column, row)| (column + COLUMNS, *row));
    let next = fixed.iter().copied().skip(1).chain(wrapped);
    fixed
        .iter()
        .zip(next)
        .map(|(a, b)| ((a.1 - b.1).abs() as usize + 1).div_ceil(b.0 - a.0))
        .fold(PULLED_REACH, usize::max)
}

fn angle_of(x: f64, y: f64) -> f64 {
    (y.atan2(x) / TAU).rem_euclid(1.0) * COLUMNS as f64
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
