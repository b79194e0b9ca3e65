//! Edits by hand that rays from a centre cannot tell: the push brush, a region added or cut by one
//! line, smoothing, parts that hang on by a neck, and pulls and strokes after any of these.
//!
//! Shapes are in units about the prompt's centre. Every edit ends in a [`Field`] and is traced
//! from it, so the result is one closed line without crossings; beyond the tool's reach it stays
//! where it was to a hundredth of a step.

use super::Error;
use crate::geometry::field::{Field, Grid};
use crate::geometry::{Contour, ImagePoint, ImageRect};

/// Step of the field, in radii of the circle with the shape's area.
const STEP: f64 = 0.02;
/// Steps from the border up to which a field is exact.
const BAND: f64 = 4.0;
/// Half width of a stroke and of a bump that follows a pull, in radii of the shape.
const STROKE: f64 = 0.05;
const BUMP: f64 = 0.12;
/// A pull drags the border along over this many radii to either side, or over its own length.
const DRAG: f64 = 0.25;
/// Standard deviation of the smoothing, in radii of the shape.
const SMOOTHING: f64 = 0.06;
/// Half width of the widest neck that still is one, in radii of the shape.
const NECK: f64 = 0.15;

/// A shape under the hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit<'a> {
    pub(super) shape: &'a Contour,
    /// The film; nothing of a shape lies outside it.
    pub(super) film: ImageRect,
}

impl Edit<'_> {
    /// The push brush: pressed inside it pushes the border out, pressed outside it pushes it in.
    pub(super) fn pushed(&self, path: &[ImagePoint], radius: f64) -> Result<Contour, Error> {
        let Some(first) = path.first() else { return Ok(self.shape.clone()) };
        let (grid, field) = self.field(path, radius);
        let brush = grid.brushed(path, radius);
        let outwards = self.shape.contains(*first);
        self.traced(&grid, if outwards { field.joined(&brush) } else { field.without(&brush) })
    }

    /// A stroke over what belongs to the mass, or over what does not. One that does not touch the
    /// border is joined to it by the shortest way: there are no islands and no holes.
    pub(super) fn stroked(&self, path: &[ImagePoint], belongs: bool) -> Result<Contour, Error> {
        let radius = STROKE * self.radius();
        let (grid, field) = self.field(path, 4.0 * radius);
        let mut stroke = grid.brushed(path, radius);
        let is_apart = path.iter().all(|p| self.shape.contains(*p) != belongs);
        let ways = path.iter().map(|p| (*p, nearest(self.shape, *p).0));
        let shortest = ways.min_by(|(a, b), (c, d)| a.distance(*b).total_cmp(&c.distance(*d)));
        if let Some((from, to)) = shortest.filter(|_| is_apart) {
            let length = from.distance(to).max(f64::MIN_POSITIVE);
            let beyond = 1.0 + 2.0 * radius / length;
            let end = ImagePoint::new(
                from.x + beyond * (to.x - from.x),
                from.y + beyond * (to.y - from.y),
            );
            stroke = stroke.joined(&grid.brushed(&[from, end], radius));
        }
        self.traced(&grid, if belongs { field.joined(&stroke) } else { field.without(&stroke) })
    }

    /// One open line: from inside to inside it adds what it goes around, from outside to outside
    /// it cuts off the smaller part.
    pub(super) fn redrawn(&self, line: &[ImagePoint]) -> Result<Contour, Error> {
        let (Some(first), Some(last)) = (line.first(), line.last()) else {
            return Err(Error::LineMisses);
        };
        let (grid, field) = self.field(line, 0.0);
        match (self.shape.contains(*first), self.shape.contains(*last)) {
            (true, true) => {
                let around = Contour::new(line.to_vec()).ok_or(Error::LineMisses)?;
                self.traced(&grid, field.joined(&grid.inside(&around, BAND)))
            }
            (false, false) => {
                let parts = self.parts(line).ok_or(Error::LineMisses)?;
                let larger = parts.into_iter().max_by(|a, b| a.area().total_cmp(&b.area()));
                let larger = larger.ok_or(Error::LineMisses)?;
                self.traced(&grid, field.common(&grid.inside(&larger, BAND)))
            }
            _ => Err(Error::LineEndsElsewhere),
        }
    }

    /// Rounds off what is small.
    pub(super) fn smoothed(&self) -> Result<Contour, Error> {
        let deviation = SMOOTHING * self.radius();
        let grid = self.grid(&[], 4.0 * deviation);
        let band = 4.0 * SMOOTHING / STEP;
        self.traced(&grid, grid.inside(self.shape, band).smoothed(deviation))
    }

    /// The largest of the parts that necks join, with its corners.
    pub(super) fn largest_part(&self) -> Result<Contour, Error> {
        let neck = NECK * self.radius();
        let (grid, whole) = self.field(&[], 2.0 * neck);
        let band = 2.0 * NECK / STEP + BAND;
        let core = grid.inside(self.shape, band).grown(-neck).contour();
        let core = core.ok_or(Error::NothingLeft)?;
        // A right angle's corner lies 1.42 necks from what is left of it.
        self.traced(&grid, whole.common(&grid.inside(&core, band).grown(1.5 * neck)))
    }

    /// The border drawn to a point, its neighbourhood along with it.
    pub(super) fn pulled(&self, to: ImagePoint) -> Result<Contour, Error> {
        let (from, _) = nearest(self.shape, to);
        let way = (to.x - from.x, to.y - from.y);
        let length = way.0.hypot(way.1);
        let reach = (DRAG * self.radius()).max(length);
        let even = self.shape.resampled(256);
        let dragged = even.points().iter().map(|p| {
            let share = (-0.5 * (3.0 * p.distance(from) / (2.0 * reach)).powi(2)).exp();
            ImagePoint::new(p.x + share * way.0, p.y + share * way.1)
        });
        let (grid, field) = self.field(&[to], BUMP * self.radius() + reach);
        if let Some(dragged) = Contour::new(dragged.collect())
            && let Ok(contour) = self.traced(&grid, grid.inside(&dragged, BAND))
            && let Some(contour) = through(contour, to, 0.5 * STEP * self.radius())
        {
            return Ok(contour);
        }
        // The border overlapped itself: a bump with its tip at the point instead.
        let radius = (BUMP * self.radius()).min(0.5 * length).max(1e-6);
        let share = 1.0 - radius / length.max(radius);
        let tip = ImagePoint::new(from.x + share * way.0, from.y + share * way.1);
        let bump = grid.brushed(&[from, tip], radius);
        let outwards = !self.shape.contains(to);
        let field = if outwards { field.joined(&bump) } else { field.without(&bump) };
        let contour = self.traced(&grid, field)?;
        through(contour, to, 4.0 * STEP * self.radius()).ok_or(Error::Unreachable)
    }

    /// The shape after its points were moved: crossings are taken out.
    pub(super) fn repaired(&self, moved: &Contour) -> Result<Contour, Error> {
        let grid = self.grid(moved.points(), 0.0);
        self.traced(&grid, grid.inside(moved, BAND))
    }

    /// Radius of the circle with the shape's area.
    fn radius(&self) -> f64 {
        (self.shape.area() / std::f64::consts::PI).sqrt().max(1e-6)
    }

    fn field(&self, tool: &[ImagePoint], reach: f64) -> (Grid, Field) {
        let grid = self.grid(tool, reach);
        (grid, grid.inside(self.shape, BAND))
    }

    /// A grid that holds shape and tool.
    fn grid(&self, tool: &[ImagePoint], reach: f64) -> Grid {
        let mut rect = self.shape.bounds();
        for p in tool {
            rect.min = ImagePoint::new(rect.min.x.min(p.x), rect.min.y.min(p.y));
            rect.max = ImagePoint::new(rect.max.x.max(p.x), rect.max.y.max(p.y));
        }
        rect.min = ImagePoint::new(rect.min.x - reach, rect.min.y - reach);
        rect.max = ImagePoint::new(rect.max.x + reach, rect.max.y + reach);
        Grid::around(rect, STEP * self.radius())
    }

    fn traced(&self, grid: &Grid, field: Field) -> Result<Contour, Error> {
        field.common(&grid.rectangle(self.film)).contour().ok_or(Error::NothingLeft)
    }

    /// The two parts on either side of a line that enters the shape and leaves it again.
    fn parts(&self, line: &[ImagePoint]) -> Option<[Contour; 2]> {
        let crossings = self.crossings(line);
        let ((entry_on_line, entry), (exit_on_line, exit)) =
            (*crossings.first()?, *crossings.last()?);
        if crossings.len() < 2 {
            return None;
        }
        let place = |line: &[ImagePoint], at: f64| {
            let (a, b) = (line[at as usize], line[(at as usize + 1) % line.len()]);
            let share = at - at.floor();
            ImagePoint::new(a.x + share * (b.x - a.x), a.y + share * (b.y - a.y))
        };
        let mut cut = vec![place(line, entry_on_line)];
        cut.extend_from_slice(&line[entry_on_line as usize + 1..=exit_on_line as usize]);
        cut.push(place(line, exit_on_line));
        // Along the border from the exit on to the entry, and the other way round.
        let points = self.shape.points();
        let border = |from: f64, to: f64| {
            let first = from as usize + 1;
            let count = (to as usize + points.len() - from as usize) % points.len();
            let count = if count == 0 && to < from { points.len() } else { count };
            (first..first + count).map(|i| points[i % points.len()]).collect::<Vec<_>>()
        };
        let one = [cut.clone(), border(exit, entry)].concat();
        cut.reverse();
        let other = [cut, border(entry, exit)].concat();
        Some([Contour::new(one)?, Contour::new(other)?])
    }

    /// Where a line crosses the border: place on the line, place on the border, in the line's order.
    fn crossings(&self, line: &[ImagePoint]) -> Vec<(f64, f64)> {
        let mut found = Vec::new();
        for (i, pair) in line.windows(2).enumerate() {
            for (j, side) in self.shape.edges().enumerate() {
                if let Some((s, t)) = crossing((pair[0], pair[1]), side) {
                    found.push((i as f64 + s, j as f64 + t));
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found
    }
}

/// Shares of two segments at which they cross, each below 1.
fn crossing(
    (a, b): (ImagePoint, ImagePoint),
    (c, d): (ImagePoint, ImagePoint),
) -> Option<(f64, f64)> {
    let (ux, uy) = (b.x - a.x, b.y - a.y);
    let (vx, vy) = (d.x - c.x, d.y - c.y);
    let area = ux * vy - uy * vx;
    let (wx, wy) = (c.x - a.x, c.y - a.y);
    let (s, t) = ((wx * vy - wy * vx) / area, (wx * uy - wy * ux) / area);
    let within = |share: f64| (0.0..1.0).contains(&share);
    (within(s) && within(t)).then_some((s, t))
}

/// The point of a contour that is nearest to a place, and the side that it lies on.
pub(super) fn nearest(contour: &Contour, to: ImagePoint) -> (ImagePoint, usize) {
    let mut best = (f64::INFINITY, to, 0);
    for (side, (p, q)) in contour.edges().enumerate() {
        let (dx, dy) = (q.x - p.x, q.y - p.y);
        let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        let along = (((to.x - p.x) * dx + (to.y - p.y) * dy) / length).clamp(0.0, 1.0);
        let place = ImagePoint::new(p.x + along * dx, p.y + along * dy);
        // Squares: this is asked for every vertex of every edit.
        let square = (place.x - to.x).powi(2) + (place.y - to.y).powi(2);
        if square < best.0 {
            best = (square, place, side);
        }
    }
    (best.1, best.2)
}

/// The contour with the vertex beside a point moved there; `None` where none is within
/// `tolerance`, or where the line would cross itself.
fn through(contour: Contour, point: ImagePoint, tolerance: f64) -> Option<Contour> {
    let (place, side) = nearest(&contour, point);
    if place.distance(point) > tolerance {
        return None;
    }
    let mut points = contour.points().to_vec();
    let next = (side + 1) % points.len();
    let is_next = points[next].distance(place) < points[side].distance(place);
    let idx = if is_next { next } else { side };
    points[idx] = point;
    Contour::new(points).filter(Contour::is_simple)
}
