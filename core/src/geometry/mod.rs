//! Points, rectangles and closed contours in image space.
//!
//! Image space counts pixels from the top left *corner* of the frame: the pixel in column
//! `c`, row `r` covers `[c, c + 1) x [r, r + 1)` and its centre is at `(c + 0.5, r + 0.5)`,
//! as SCOORD does it (PS3.3 C.18.6.1.1). Nothing here knows about zoom, flips or millimetres.

use serde::{Deserialize, Serialize};

pub use self::distance::distances;
pub use self::mask::Mask;

mod distance;
pub(crate) mod field;
mod mask;
mod shape;

/// A place in image space, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ImagePoint {
    pub x: f64,
    pub y: f64,
}

/// An upright rectangle in image space, `min` at its top left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImageRect {
    pub min: ImagePoint,
    pub max: ImagePoint,
}

/// A closed simple polygon in image space; the last vertex joins the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contour {
    points: Vec<ImagePoint>,
}

impl ImagePoint {
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Distance to `other` in pixels.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

impl ImageRect {
    /// The rectangle with these two opposite corners, in any order.
    pub fn from_corners(a: ImagePoint, b: ImagePoint) -> Self {
        Self {
            min: ImagePoint::new(a.x.min(b.x), a.y.min(b.y)),
            max: ImagePoint::new(a.x.max(b.x), a.y.max(b.y)),
        }
    }

    pub fn width(&self) -> f64 {
        self.max.x - self.min.x
    }

    pub fn height(&self) -> f64 {
        self.max.y - self.min.y
    }

    pub fn center(&self) -> ImagePoint {
        ImagePoint::new((self.min.x + self.max.x) / 2.0, (self.min.y + self.max.y) / 2.0)
    }
}

impl Contour {
    /// A contour through these vertices; `None` for fewer than three or for one that is not finite.
    pub fn new(points: Vec<ImagePoint>) -> Option<Self> {
        let finite = points.iter().all(|p| p.x.is_finite() && p.y.is_finite());
        (points.len() >= 3 && finite).then_some(Self { points })
    }

    /// The circle about `center` with this radius in pixels, as 128 vertices.
    pub fn circle(center: ImagePoint, radius: f64) -> Self {
        let points = (0..128)
            .map(|i| {
                let angle = f64::from(i) / 128.0 * std::f64::consts::TAU;
                ImagePoint::new(center.x + radius * angle.cos(), center.y + radius * angle.sin())
            })
            .collect();
        Self { points }
    }

    /// The vertices, in order, without the closing repeat of the first.
    pub fn points(&self) -> &[ImagePoint] {
        &self.points
    }

    /// Enclosed area in square pixels (shoelace formula), never negative.
    pub fn area(&self) -> f64 {
        self.signed_area().abs()
    }

    /// Centroid of the enclosed area; the mean vertex where the area vanishes.
    pub fn centroid(&self) -> ImagePoint {
        let area = self.signed_area();
        if area.abs() < 1e-9 {
            let n = self.points.len() as f64;
            let sum = self.points.iter().fold((0.0, 0.0), |s, p| (s.0 + p.x, s.1 + p.y));
            return ImagePoint::new(sum.0 / n, sum.1 / n);
        }
        let (mut cx, mut cy) = (0.0, 0.0);
        for (p, q) in self.edges() {
            let cross = p.x * q.y - q.x * p.y;
            cx += (p.x + q.x) * cross;
            cy += (p.y + q.y) * cross;
        }
        ImagePoint::new(cx / (6.0 * area), cy / (6.0 * area))
    }

    /// The smallest upright rectangle around it.
    pub fn bounds(&self) -> ImageRect {
        let mut rect = ImageRect { min: self.points[0], max: self.points[0] };
        for p in &self.points {
            rect.min = ImagePoint::new(rect.min.x.min(p.x), rect.min.y.min(p.y));
            rect.max = ImagePoint::new(rect.max.x.max(p.x), rect.max.y.max(p.y));
        }
        rect
    }

    /// Whether the point lies inside (even-odd rule).
    pub fn contains(&self, point: ImagePoint) -> bool {
        self.edges().fold(false, |inside, (p, q)| {
            let crosses = (p.y > point.y) != (q.y > point.y)
                && point.x < (q.x - p.x) * (point.y - p.y) / (q.y - p.y) + p.x;
            inside ^ crosses
        })
    }

    /// Each side as a pair of vertices, the closing one last.
    pub fn edges(&self) -> impl Iterator<Item = (ImagePoint, ImagePoint)> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().copied().zip(next.copied())
    }

    fn signed_area(&self) -> f64 {
        self.edges().map(|(p, q)| p.x * q.y - q.x * p.y).sum::<f64>() / 2.0
    }
}
