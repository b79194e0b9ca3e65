//! Lengths and widths of a contour, in the unit of its points.

use super::{Contour, ImagePoint};

impl Contour {
    /// The same contour with both axes stretched: pixels to millimetres.
    pub fn scaled(&self, column_factor: f64, row_factor: f64) -> Self {
        let points = self.points.iter();
        let points = points.map(|p| ImagePoint::new(p.x * column_factor, p.y * row_factor));
        Self { points: points.collect() }
    }

    /// The same contour moved along both axes.
    pub fn moved(&self, dx: f64, dy: f64) -> Self {
        Self { points: self.points.iter().map(|p| ImagePoint::new(p.x + dx, p.y + dy)).collect() }
    }

    /// Length of the closed line.
    pub fn perimeter(&self) -> f64 {
        self.edges().map(|(p, q)| p.distance(q)).sum()
    }

    /// This many vertices at equal distances along the line, the first one kept.
    pub fn resampled(&self, count: usize) -> Self {
        let count = count.max(3);
        let step = self.perimeter() / count as f64;
        let mut points = Vec::with_capacity(count);
        let mut passed = 0.0;
        for (p, q) in self.edges() {
            let length = p.distance(q);
            while points.len() < count && points.len() as f64 * step <= passed + length {
                let share =
                    if length > 0.0 { (points.len() as f64 * step - passed) / length } else { 0.0 };
                points.push(ImagePoint::new(p.x + share * (q.x - p.x), p.y + share * (q.y - p.y)));
            }
            passed += length;
        }
        while points.len() < count {
            points.push(self.points[0]);
        }
        Self { points }
    }

    /// Unit vectors outwards at each vertex, across the line from its neighbour to its neighbour.
    pub fn normals(&self) -> Vec<(f64, f64)> {
        let n = self.points.len();
        let outwards = if self.signed_area() < 0.0 { -1.0 } else { 1.0 };
        (0..n)
            .map(|i| {
                let (before, after) = (self.points[(i + n - 1) % n], self.points[(i + 1) % n]);
                let (dx, dy) = (after.x - before.x, after.y - before.y);
                let length = outwards * dx.hypot(dy).max(f64::MIN_POSITIVE);
                (dy / length, -dx / length)
            })
            .collect()
    }

    /// The smallest convex contour around it (Andrew's monotone chain); two points where all
    /// vertices lie on a line, one where they coincide.
    pub fn hull(&self) -> Vec<ImagePoint> {
        let mut sorted = self.points.clone();
        sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        sorted.dedup();
        if sorted.len() < 3 {
            return sorted;
        }
        let mut hull = half_hull(sorted.iter().copied());
        hull.extend(half_hull(sorted.iter().rev().copied()));
        hull
    }

    /// Longest Feret diameter, as the two vertices at its ends.
    pub fn longest_diameter(&self) -> (ImagePoint, ImagePoint) {
        let hull = self.hull();
        let pairs = hull.iter().flat_map(|a| hull.iter().map(move |b| (*a, *b)));
        pairs
            .max_by(|(a, b), (c, d)| a.distance(*b).total_cmp(&c.distance(*d)))
            .unwrap_or((self.points[0], self.points[0]))
    }

    /// Extent along a direction: how far apart two lines across it are that just hold the contour;
    /// 0 along no direction.
    pub fn extent(&self, (dx, dy): (f64, f64)) -> f64 {
        let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
        let places = self.points.iter().map(|p| (p.x * dx + p.y * dy) / length);
        let (low, high) = places
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        high - low
    }

    /// 4 pi area / perimeter^2: 1 for a circle, less for everything else.
    pub fn circularity(&self) -> f64 {
        let square = self.perimeter().powi(2).max(f64::MIN_POSITIVE);
        4.0 * std::f64::consts::PI * self.area() / square
    }
}

/// One side of a convex hull of sorted points, without its last point.
fn half_hull(points: impl Iterator<Item = ImagePoint>) -> Vec<ImagePoint> {
    let mut chain: Vec<ImagePoint> = Vec::new();
    for point in points {
        while let [.., a, b] = chain[..] {
            if (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x) > 0.0 {
                break;
            }
            chain.pop();
        }
        chain.push(point);
    }
    chain.pop();
    chain
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn rectangle(width: f64, height: f64) -> Contour {
        let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        Contour::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).expect("four corners")
    }

    #[test]
    fn a_rectangle_has_its_diagonal_and_the_extent_across_it() {
        let (a, b) = rectangle(4.0, 3.0).longest_diameter();
        assert_eq!(a.distance(b), 5.0);
        // Across the diagonal the corners lie 4 * 3 / 5 on either side of it.
        let across = rectangle(4.0, 3.0).extent((-(b.y - a.y), b.x - a.x));
        assert!((across - 4.8).abs() < 1e-12);
        // 4 pi 12 / 14^2
        assert!((rectangle(4.0, 3.0).circularity() - 4.0 * PI * 12.0 / 196.0).abs() < 1e-12);
    }

    #[test]
    fn resampling_keeps_length_and_spaces_evenly() {
        let square = rectangle(10.0, 10.0).resampled(16);
        assert_eq!(square.points()[1], ImagePoint::new(2.5, 0.0));
        assert_eq!(square.points()[15], ImagePoint::new(0.0, 2.5));
        assert!((square.perimeter() - 40.0).abs() < 1e-9);
        let few = rectangle(10.0, 10.0).resampled(0);
        assert_eq!(few.points().len(), 3);
    }

    #[test]
    fn normals_point_outwards_whichever_way_the_vertices_run() {
        let circle = Contour::circle(ImagePoint::new(3.0, -2.0), 5.0);
        let backwards = Contour { points: circle.points.iter().rev().copied().collect() };
        for contour in [circle, backwards] {
            for (p, (nx, ny)) in contour.points().iter().zip(contour.normals()) {
                assert!((p.x - 3.0 - 5.0 * nx).hypot(p.y + 2.0 - 5.0 * ny) < 1e-9);
            }
        }
    }

    #[test]
    fn a_dent_is_not_on_the_hull() {
        let mut corners = rectangle(10.0, 10.0).points().to_vec();
        corners.insert(1, ImagePoint::new(5.0, 4.0));
        let hull = Contour::new(corners).expect("five corners").hull();
        assert_eq!(hull.len(), 4);
        assert!(!hull.contains(&ImagePoint::new(5.0, 4.0)));
    }

    #[test]
    fn vertices_on_one_line_have_a_length_and_no_width() {
        let line = [(0.0, 0.0), (3.0, 4.0), (6.0, 8.0)].map(|(x, y)| ImagePoint::new(x, y));
        let line = Contour::new(line.to_vec()).expect("three points");
        let (a, b) = line.longest_diameter();
        assert_eq!(a.distance(b), 10.0);
        assert!(line.extent((-4.0, 3.0)).abs() < 1e-12);
    }
}
