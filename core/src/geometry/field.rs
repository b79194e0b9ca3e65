//! Shapes as a grid of signed distances: cut, joined and smoothed, they stay whole shapes.
//!
//! Values are positive inside. A contour traced from a field is one closed line that never
//! crosses itself: of several pieces the largest is kept, and holes are filled.

use super::{Contour, ImagePoint, ImageRect, Mask, distances};

/// Where the grid's nodes lie; node (0, 0) is half a step inside `corner`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    corner: ImagePoint,
    step: f64,
    columns: usize,
    rows: usize,
}

/// Signed distance, in steps, at each node of a grid; cut off at some steps from the border.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    grid: Grid,
    values: Vec<f64>,
}

/// Nodes along the longer side, at most.
const MOST_NODES: f64 = 600.0;
/// Steps around what the grid must hold.
const ROOM: f64 = 6.0;
/// Distances are told up to this many steps.
const BAND: f64 = 4.0;
/// Half width of the thinnest line that no node grid tears, in steps.
const THINNEST: f64 = 1.5;
/// No node lies exactly on a border: contours would touch themselves there.
const LEAST: f64 = 1e-3;

impl Grid {
    /// A grid that holds the rectangle, of this step or, for a large one, a coarser step.
    pub(crate) fn around(rect: ImageRect, step: f64) -> Self {
        let step = step.max(rect.width().max(rect.height()) / MOST_NODES);
        let nodes = |length: f64| (length / step).ceil() as usize + 2 * ROOM as usize;
        let corner = ImagePoint::new(rect.min.x - ROOM * step, rect.min.y - ROOM * step);
        Self { corner, step, columns: nodes(rect.width()), rows: nodes(rect.height()) }
    }

    /// A place in steps from the corner, as [`Mask`] and [`distances`] count cells.
    fn steps(&self, p: ImagePoint) -> ImagePoint {
        ImagePoint::new((p.x - self.corner.x) / self.step, (p.y - self.corner.y) / self.step)
    }

    fn place(&self, p: ImagePoint) -> ImagePoint {
        ImagePoint::new(self.corner.x + p.x * self.step, self.corner.y + p.y * self.step)
    }

    /// The inside of a contour (even-odd rule), with distances up to `band` steps.
    pub(crate) fn inside(&self, contour: &Contour, band: f64) -> Field {
        let points = contour.points().iter().map(|p| self.steps(*p)).collect();
        let in_steps = Contour::new(points).expect("as many finite points as before");
        let mask = Mask::of(&in_steps);
        let mut values = distances(in_steps.edges(), self.columns, self.rows, band);
        for (idx, value) in values.iter_mut().enumerate() {
            let (column, row) = ((idx % self.columns) as i64, (idx / self.columns) as i64);
            let sign = if mask.contains(column, row) { 1.0 } else { -1.0 };
            *value = sign * value.min(band);
        }
        Field { grid: *self, values }
    }

    /// What a round brush of this radius covers on its way along a line; never thinner than the
    /// grid can hold.
    pub(crate) fn brushed(&self, line: &[ImagePoint], radius: f64) -> Field {
        let radius = (radius / self.step).max(THINNEST);
        let places: Vec<ImagePoint> = line.iter().map(|p| self.steps(*p)).collect();
        let next = places.iter().skip(1).chain(places.last());
        let segments = places.iter().copied().zip(next.copied());
        let mut values = distances(segments, self.columns, self.rows, radius + BAND);
        values.iter_mut().for_each(|v| *v = (radius - *v).max(-BAND));
        Field { grid: *self, values }
    }

    /// The inside of a rectangle.
    pub(crate) fn rectangle(&self, rect: ImageRect) -> Field {
        let (min, max) = (self.steps(rect.min), self.steps(rect.max));
        let value = |idx: usize| {
            let x = (idx % self.columns) as f64 + 0.5;
            let y = (idx / self.columns) as f64 + 0.5;
            (x - min.x).min(max.x - x).min(y - min.y).min(max.y - y).max(-BAND)
        };
        Field { grid: *self, values: (0..self.columns * self.rows).map(value).collect() }
    }
}

impl Field {
    /// What lies in either.
    pub(crate) fn joined(self, other: &Self) -> Self {
        self.combined(other, f64::max)
    }

    /// What lies in both.
    pub(crate) fn common(self, other: &Self) -> Self {
        self.combined(other, f64::min)
    }

    /// What lies in this and not in the other.
    pub(crate) fn without(self, other: &Self) -> Self {
        self.combined(other, |own, other| own.min(-other))
    }

    /// Larger by this distance in units all around, smaller by a negative one; exact as far as the
    /// band reaches.
    pub(crate) fn grown(mut self, distance: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value += distance / self.grid.step);
        self
    }

    fn combined(mut self, other: &Self, choose: impl Fn(f64, f64) -> f64) -> Self {
        for (own, other) in self.values.iter_mut().zip(&other.values) {
            *own = choose(*own, *other);
        }
        self
    }

    /// Averaged by a Gaussian of this standard deviation in units: rounds off what is smaller.
    pub(crate) fn smoothed(mut self, deviation: f64) -> Self {
        // Three boxes of this half width have the variance of the Gaussian.
        let half = ((deviation / self.grid.step).powi(2) + 0.25).sqrt() - 0.5;
        let half = half.round().max(1.0) as usize;
        let Grid { columns, rows, .. } = self.grid;
        for _ in 0..3 {
            for row in 0..rows {
                box_average(&mut self.values, row * columns, 1, columns, half);
            }
            for column in 0..columns {
                box_average(&mut self.values, column, columns, rows, half);
            }
        }
        self
    }

    /// The border of the largest piece, holes filled; `None` where nothing is inside.
    pub(crate) fn contour(mut self) -> Option<Contour> {
        self.leave_the_edge();
        let piece = self.largest_piece()?;
        let outside = self.outside_of(&piece);
        for (value, outside) in self.values.iter_mut().zip(&outside) {
            let size = value.abs().max(LEAST);
            *value = if *outside { -size } else { size };
        }
        Some(self.traced())
    }

    /// Nothing inside on the outermost nodes.
    fn leave_the_edge(&mut self) {
        let Grid { columns, rows, .. } = self.grid;
        for (idx, value) in self.values.iter_mut().enumerate() {
            let (column, row) = (idx % columns, idx / columns);
            if column == 0 || row == 0 || column + 1 == columns || row + 1 == rows {
                *value = value.min(-LEAST);
            }
        }
    }

    /// Nodes of the largest piece: neighbours across and down belong together.
    fn largest_piece(&self) -> Option<Vec<bool>> {
        let mut seen = vec![false; self.values.len()];
        let mut largest: Vec<usize> = Vec::new();
        for start in 0..self.values.len() {
            if self.values[start] > 0.0 && !seen[start] {
                let piece = self.spread(start, &mut seen, false, |idx| self.values[idx] > 0.0);
                if piece.len() > largest.len() {
                    largest = piece;
                }
            }
        }
        let mut kept = vec![false; self.values.len()];
        largest.iter().for_each(|idx| kept[*idx] = true);
        (!largest.is_empty()).then_some(kept)
    }

    /// Nodes that are not of the piece and not in a hole of it.
    fn outside_of(&self, piece: &[bool]) -> Vec<bool> {
        let mut outside = vec![false; piece.len()];
        self.spread(0, &mut outside, true, |idx| !piece[idx]);
        outside
    }

    /// Every node that can be reached from `start`, by corners too where `corners` says so.
    fn spread(
        &self,
        start: usize,
        seen: &mut [bool],
        corners: bool,
        belongs: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let Grid { columns, rows, .. } = self.grid;
        let mut found = vec![start];
        seen[start] = true;
        let mut next = 0;
        while let Some(idx) = found.get(next).copied() {
            next += 1;
            let (column, row) = (idx % columns, idx / columns);
            for r in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                for c in column.saturating_sub(1)..=(column + 1).min(columns - 1) {
                    let neighbour = r * columns + c;
                    let beside = corners || r == row || c == column;
                    if beside && !seen[neighbour] && belongs(neighbour) {
                        seen[neighbour] = true;
                        found.push(neighbour);
                    }
                }
            }
        }
        found
    }

    /// Marching squares around the one piece. Where only two opposite corners of a square are
    /// inside, they stay apart.
    fn traced(&self) -> Contour {
        let Grid { columns, rows, .. } = self.grid;
        // Sides of squares are named by their upper left node: 2 n across, 2 n + 1 down.
        let mut next = vec![usize::MAX; 2 * self.values.len()];
        let mut start = usize::MAX;
        for row in 0..rows - 1 {
            for column in 0..columns - 1 {
                let node = row * columns + column;
                let corners = [node, node + 1, node + columns + 1, node + columns];
                let sides = [2 * node, 2 * (node + 1) + 1, 2 * (node + columns), 2 * node + 1];
                let inside = corners.map(|corner| self.values[corner] > 0.0);
                for i in 0..4 {
                    // Around the square: where the line comes in, and where it next goes out.
                    if !inside[i] && inside[(i + 1) % 4] {
                        let out = (1..4).map(|k| (i + k) % 4).find(|k| !inside[(k + 1) % 4]);
                        next[sides[i]] = sides[out.expect("one corner is outside")];
                        start = start.min(sides[i]);
                    }
                }
            }
        }
        let mut points = Vec::new();
        let mut side = start;
        loop {
            points.push(self.crossing(side));
            side = next[side];
            if side == start || side == usize::MAX {
                break;
            }
        }
        Contour::new(points).expect("a piece has a border of four points at least")
    }

    /// Where the border crosses the side of a square.
    fn crossing(&self, side: usize) -> ImagePoint {
        let columns = self.grid.columns;
        let node = side / 2;
        let (x, y) = ((node % columns) as f64 + 0.5, (node / columns) as f64 + 0.5);
        let other = if side.is_multiple_of(2) { node + 1 } else { node + columns };
        let share = self.values[node] / (self.values[node] - self.values[other]);
        let at = if side.is_multiple_of(2) { (x + share, y) } else { (x, y + share) };
        self.grid.place(ImagePoint::new(at.0, at.1))
    }
}

/// Moving average of `2 half + 1` values; the ends are repeated outwards.
fn box_average(values: &mut [f64], first: usize, stride: usize, count: usize, half: usize) {
    let line: Vec<f64> = (0..count).map(|i| values[first + i * stride]).collect();
    let at = |i: i64| line[i.clamp(0, count as i64 - 1) as usize];
    let half = half as i64;
    let mut sum: f64 = (-half..=half).map(at).sum();
    for i in 0..count as i64 {
        values[first + i as usize * stride] = sum / (2 * half + 1) as f64;
        sum += at(i + half + 1) - at(i - half);
    }
}

impl Contour {
    /// The border of the largest piece among these pixels, row by row, holes filled; halfway between
    /// the middles of pixels. `None` where none is inside.
    pub fn around(columns: usize, inside: &[bool]) -> Option<Self> {
        let places = || {
            let within = inside.iter().enumerate().filter(|(_, inside)| **inside);
            within.map(|(idx, _)| (idx % columns, idx / columns))
        };
        let (left, right) = (places().map(|p| p.0).min()?, places().map(|p| p.0).max()?);
        let (top, bottom) = (places().map(|p| p.1).min()?, places().map(|p| p.1).max()?);
        // A pixel of room all around.
        let grid = Grid {
            corner: ImagePoint::new(left as f64 - 1.0, top as f64 - 1.0),
            step: 1.0,
            columns: right - left + 3,
            rows: bottom - top + 3,
        };
        let mut values = vec![-0.5; grid.columns * grid.rows];
        for (column, row) in places() {
            values[(row - top + 1) * grid.columns + column - left + 1] = 0.5;
        }
        Field { grid, values }.contour()
    }

    /// The line at this distance outside the contour (inside, for a negative one), to a twentieth
    /// of the distance; of several pieces the largest. `None` where nothing is left.
    pub fn offset(&self, distance: f64) -> Option<Self> {
        let bounds = self.bounds();
        let out = distance.max(0.0);
        let rect = ImageRect {
            min: ImagePoint::new(bounds.min.x - out, bounds.min.y - out),
            max: ImagePoint::new(bounds.max.x + out, bounds.max.y + out),
        };
        let grid = Grid::around(rect, (distance.abs() / 5.0).max(f64::MIN_POSITIVE));
        let band = distance.abs() / grid.step + BAND;
        grid.inside(self, band).grown(distance).contour()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(x: f64, radius: f64) -> Contour {
        Contour::circle(ImagePoint::new(x, 0.0), radius)
    }

    fn grid() -> Grid {
        let (min, max) = (ImagePoint::new(-12.0, -12.0), ImagePoint::new(22.0, 12.0));
        Grid::around(ImageRect { min, max }, 0.1)
    }

    #[test]
    fn a_contour_filled_and_traced_again_is_the_same_to_a_hundredth_of_a_step() {
        let traced = grid().inside(&circle(0.0, 10.0), BAND).contour().expect("it has an inside");
        assert!(traced.is_simple());
        assert!((traced.area() / circle(0.0, 10.0).area() - 1.0).abs() < 1e-4);
        for p in traced.points() {
            // The circle is a polygon of 128 sides, up to 0.003 inside it.
            assert!((p.x.hypot(p.y) - 10.0).abs() < 0.005, "{p:?}");
        }
    }

    #[test]
    fn two_discs_joined_cut_and_intersected_have_the_areas_of_the_lens() {
        let field = |x: f64| grid().inside(&circle(x, 10.0), BAND);
        let area = |field: Field| field.contour().expect("it has an inside").area();
        // Two circles of radius 10, 10 apart: lens 2 r^2 acos(1/2) - (d/2) sqrt(4 r^2 - d^2).
        let lens = 200.0 * 0.5_f64.acos() - 5.0 * 300.0_f64.sqrt();
        let disc = std::f64::consts::PI * 100.0;
        assert!((area(field(0.0).common(&field(10.0))) / lens - 1.0).abs() < 0.005);
        assert!((area(field(0.0).joined(&field(10.0))) / (2.0 * disc - lens) - 1.0).abs() < 0.005);
        assert!((area(field(0.0).without(&field(10.0))) / (disc - lens) - 1.0).abs() < 0.005);
    }

    #[test]
    fn holes_are_filled_and_only_the_largest_piece_is_kept() {
        let ring = grid().inside(&circle(0.0, 10.0), BAND);
        let ring = ring.without(&grid().inside(&circle(0.0, 4.0), BAND));
        let islands = ring.joined(&grid().inside(&circle(18.0, 3.0), BAND));
        let contour = islands.contour().expect("it has an inside");
        assert!((contour.area() / (std::f64::consts::PI * 100.0) - 1.0).abs() < 0.005);
        let nothing = grid().inside(&circle(0.0, 4.0), BAND);
        assert!(nothing.clone().without(&nothing).contour().is_none());
    }

    #[test]
    fn the_border_of_a_circles_pixels_is_the_circle_to_half_a_pixel() {
        let inside: Vec<bool> = (0..60 * 50)
            .map(|idx| (f64::from(idx % 60) + 0.5, f64::from(idx / 60) + 0.5))
            .map(|(x, y)| (x - 31.0).hypot(y - 24.0) < 20.0)
            .collect();
        let border = Contour::around(60, &inside).expect("many are inside");
        for p in border.points() {
            assert!(((p.x - 31.0).hypot(p.y - 24.0) - 20.0).abs() < 0.75, "{p:?}");
        }
        assert!((border.area() / (400.0 * std::f64::consts::PI) - 1.0).abs() < 0.02);
        assert_eq!(Contour::around(60, &[false; 60]), None);
    }

    #[test]
    fn an_offset_circle_has_its_new_radius_and_an_offset_square_keeps_its_sides() {
        for (distance, radius) in [(0.5, 10.5), (-0.5, 9.5), (3.0, 13.0)] {
            let offset = circle(0.0, 10.0).offset(distance).expect("something is left");
            assert!(offset.is_simple());
            for p in offset.points() {
                assert!((p.x.hypot(p.y) - radius).abs() < 0.02, "{p:?} at {distance}");
            }
        }
        assert!(circle(0.0, 0.4).offset(-0.5).is_none());
        // A square of side 8 grown by 1 has four sides of 8 x 1 and a disc's worth of corners more.
        let corners = [(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)];
        let square = Contour::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec());
        let square = square.expect("four corners");
        let grown = square.offset(1.0).expect("it grows").area();
        assert!((grown / (64.0 + 32.0 + std::f64::consts::PI) - 1.0).abs() < 0.005, "{grown}");
        let shrunk = square.offset(-1.0).expect("much is left").area();
        assert!((shrunk / 36.0 - 1.0).abs() < 0.005, "{shrunk}");
    }

    #[test]
    fn pieces_that_meet_at_a_corner_are_two_pieces() {
        let unit = |x: f64, y: f64, side: f64| {
            let corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)];
            let corners = corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec();
            grid().inside(&Contour::new(corners).expect("four corners"), BAND)
        };
        let contour = unit(0.0, 0.0, 4.0).joined(&unit(4.0, 4.0, 3.0)).contour();
        let contour = contour.expect("it has an inside");
        assert!(contour.is_simple());
        assert!(contour.area() < 20.0 || contour.area() > 24.0, "{}", contour.area());
    }
}
