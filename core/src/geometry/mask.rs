//! The pixels inside a contour.

use super::{Contour, ImagePoint};

/// The pixels whose centres lie inside a contour, in the smallest rectangle that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    left: i64,
    top: i64,
    columns: usize,
    inside: Vec<bool>,
}

impl Mask {
    /// Fills a contour (even-odd rule).
    pub fn of(contour: &Contour) -> Self {
        let bounds = contour.bounds();
        let (left, top) = (bounds.min.x.floor() as i64, bounds.min.y.floor() as i64);
        let columns = (bounds.max.x.ceil() as i64 - left).max(1) as usize;
        let rows = (bounds.max.y.ceil() as i64 - top).max(1) as usize;
        let mut inside = vec![false; columns * rows];
        let mut crossings = Vec::new();
        for (row, line) in inside.chunks_exact_mut(columns).enumerate() {
            let y = (top + row as i64) as f64 + 0.5;
            crossings.clear();
            crossings.extend(
                contour
                    .edges()
                    .filter(|(p, q)| (p.y > y) != (q.y > y))
                    .map(|(p, q)| (q.x - p.x) * (y - p.y) / (q.y - p.y) + p.x - left as f64),
            );
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                // The centre of pixel c is at c + 0.5.
                let pixel = |x: f64| ((x - 0.5).ceil().max(0.0) as usize).min(columns);
                line[pixel(pair[0])..pixel(pair[1])].fill(true);
            }
        }
        Self { left, top, columns, inside }
    }

    /// Number of pixels inside.
    pub fn count(&self) -> usize {
        self.inside.iter().filter(|inside| **inside).count()
    }

    /// Whether a pixel is inside.
    pub fn contains(&self, column: i64, row: i64) -> bool {
        let (column, row) = (column - self.left, row - self.top);
        let within = (0..self.columns as i64).contains(&column) && row >= 0;
        within && self.inside.get(row as usize * self.columns + column as usize).is_some_and(|i| *i)
    }

    /// Column and row of every pixel inside, row by row.
    pub fn pixels(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.inside.iter().enumerate().filter(|(_, inside)| **inside).map(|(idx, _)| {
            let (row, column) = (idx / self.columns, idx % self.columns);
            (self.left + column as i64, self.top + row as i64)
        })
    }

    /// Dice's coefficient, 2 |A and B| / (|A| + |B|): 1 for equal masks, 0 for separate ones.
    pub fn dice(&self, other: &Self) -> f64 {
        let common = self.pixels().filter(|(c, r)| other.contains(*c, *r)).count();
        let total = self.count() + other.count();
        if total == 0 { 1.0 } else { 2.0 * common as f64 / total as f64 }
    }
}

impl Contour {
    /// Overlap of two contours as Dice's coefficient of their pixels.
    pub fn dice(&self, other: &Self) -> f64 {
        Mask::of(self).dice(&Mask::of(other))
    }

    /// Whether no two sides cross or touch, but for neighbours at their common vertex.
    pub fn is_simple(&self) -> bool {
        let mut points = self.points.clone();
        points.dedup();
        while points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        let n = points.len();
        if n < 3 {
            return false;
        }
        let side = |i: usize| (points[i], points[(i + 1) % n]);
        (0..n).all(|i| {
            (i + 1..n).all(|j| {
                let neighbours = j == i + 1 || (i == 0 && j == n - 1);
                if neighbours { !folds_back(side(i), side(j)) } else { !touch(side(i), side(j)) }
            })
        })
    }
}

type Side = (ImagePoint, ImagePoint);

/// Twice the signed area of a triangle.
fn turn(a: ImagePoint, b: ImagePoint, c: ImagePoint) -> f64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Whether two sides have a point in common.
fn touch((a, b): Side, (c, d): Side) -> bool {
    let overlap = |a: f64, b: f64, c: f64, d: f64| a.max(b) >= c.min(d) && c.max(d) >= a.min(b);
    overlap(a.x, b.x, c.x, d.x)
        && overlap(a.y, b.y, c.y, d.y)
        && turn(a, b, c) * turn(a, b, d) <= 0.0
        && turn(c, d, a) * turn(c, d, b) <= 0.0
}

/// Whether of two sides with a common vertex one runs back over the other.
fn folds_back((a, b): Side, (c, d): Side) -> bool {
    let (corner, from, to) = if b == c { (b, a, d) } else { (a, b, c) };
    let along = (from.x - corner.x) * (to.x - corner.x) + (from.y - corner.y) * (to.y - corner.y);
    turn(corner, from, to) == 0.0 && along > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(corners: &[(f64, f64)]) -> Contour {
        Contour::new(corners.iter().map(|(x, y)| ImagePoint::new(*x, *y)).collect())
            .expect("at least three corners")
    }

    #[test]
    fn a_rectangle_of_whole_pixels_fills_exactly_those() {
        let mask = Mask::of(&polygon(&[(2.0, 3.0), (5.0, 3.0), (5.0, 5.0), (2.0, 5.0)]));
        let pixels: Vec<_> = mask.pixels().collect();
        assert_eq!(pixels, [(2, 3), (3, 3), (4, 3), (2, 4), (3, 4), (4, 4)]);
        assert!(mask.contains(4, 4) && !mask.contains(5, 4) && !mask.contains(2, 5));
    }

    #[test]
    fn a_filled_circle_has_the_circles_area() {
        // 128 vertices inscribed: area n/2 r^2 sin(2 pi / n) = 0.99960 pi r^2.
        let circle = Contour::circle(ImagePoint::new(100.3, 99.8), 60.0);
        let expected = 64.0 * 3600.0 * (std::f64::consts::TAU / 128.0).sin();
        assert!((circle.area() - expected).abs() < 1e-6);
        let count = Mask::of(&circle).count() as f64;
        assert!((count - expected).abs() < 0.005 * expected, "{count} pixels");
    }

    #[test]
    fn halves_of_a_square_overlap_the_whole_by_two_thirds() {
        let whole = polygon(&[(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)]);
        let half = polygon(&[(0.0, 0.0), (4.0, 0.0), (4.0, 8.0), (0.0, 8.0)]);
        // 2 * 32 / (64 + 32)
        assert!((whole.dice(&half) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(whole.dice(&whole), 1.0);
        assert_eq!(half.dice(&polygon(&[(5.0, 0.0), (8.0, 0.0), (8.0, 8.0)])), 0.0);
    }

    #[test]
    fn crossings_touches_and_folds_are_not_simple() {
        assert!(Contour::circle(ImagePoint::new(0.0, 0.0), 5.0).is_simple());
        let bow_tie = [(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0)];
        let touching = [(0.0, 0.0), (4.0, 0.0), (2.0, 2.0), (4.0, 4.0), (0.0, 4.0), (2.0, 2.0)];
        let folded = [(0.0, 0.0), (4.0, 0.0), (2.0, 0.0), (2.0, 4.0)];
        for corners in [&bow_tie[..], &touching, &folded] {
            assert!(!polygon(corners).is_simple(), "{corners:?}");
        }
        let repeated = [(0.0, 0.0), (4.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 0.0)];
        assert!(polygon(&repeated).is_simple());
    }
}
