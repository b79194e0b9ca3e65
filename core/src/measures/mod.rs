//! How large, how round, how sharp: numbers of an outlined mass.
//!
//! Lengths are in mm where the film has a size and in pixels where it has none; the origin of
//! the scale stands in the mammogram's `spacing`. Where there is no size, distances that are
//! defined in mm below scale with the outline, as if its equivalent radius were 8 mm.

use serde::{Deserialize, Serialize};

use crate::geometry::{Contour, ImagePoint, Mask};
use crate::mammogram::Mammogram;
use crate::region::{Film, Region, Scale};

mod margin;

/// Numbers of one outline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// "mm", "mm, stated", "px" …: the unit of every length here (areas: its square).
    pub unit: String,
    pub area: f64,
    /// Of the circle with the same area.
    pub equivalent_diameter: f64,
    /// Longest Feret diameter, the BI-RADS size.
    pub longest_diameter: f64,
    /// Widest extent across the longest diameter.
    pub perpendicular_diameter: f64,
    /// 4 pi area / perimeter^2, of the contour resampled at 0.5 mm; 1 is a circle.
    pub circularity: f64,
    /// (mean inside - mean of the ring 0.5..3 mm outside) / SD of the ring, on cells of 0.2 mm
    /// (pixels where those are larger); no unit. 0 where there is no ring to compare with.
    pub contrast: f64,
    /// Median over the outline of the width in which the grey falls from 90 to 10 % (4.39 times the
    /// scale of a logistic curve fitted along the normal). `None` where no side could be fitted.
    #[serde(default)]
    pub margin_width: Option<f64>,
    /// Share of the outline, 0 to 1, that is well defined: width below 1 mm and a fall of more than
    /// twice the noise around the fit.
    #[serde(default)]
    pub well_defined_share: Option<f64>,
    /// Mean angle, in degrees from 0 to 90, between the grey's gradient and the outline's normal
    /// over the band 0..2 mm outside (after Shi et al., SPIE Medical Imaging 2008): small where
    /// the grey falls away evenly, large where lines run outwards; noise alone gives 45.
    #[serde(default)]
    pub spiculation: Option<f64>,
}

/// Step of the contour for circularity, in mm: perimeters depend on it.
const PERIMETER_STEP_MM: f64 = 0.5;
const CONTRAST_CELL_MM: f64 = 0.2;
const RING_MM: (f64, f64) = (0.5, 3.0);

/// Measures an outline on its film.
pub fn measure(mammogram: &Mammogram, contour: &Contour) -> Measures {
    measure_on((mammogram, &Film::new(mammogram)), contour)
}

/// [`measure`] on a film that is prepared already.
pub(crate) fn measure_on(film: (&Mammogram, &Film), contour: &Contour) -> Measures {
    let radius_in_pixels = (contour.area() / std::f64::consts::PI).sqrt();
    let scale = Scale::new(film.0, radius_in_pixels.max(1e-3));
    let center = contour.centroid();
    let shape = in_units(contour, scale, center);
    let area = shape.area();
    let (a, b) = shape.longest_diameter();
    let steps = (shape.perimeter() / (PERIMETER_STEP_MM * scale.mm)).round() as usize;
    let margin = margin::Margin::of(film, scale, center, &shape);
    Measures {
        unit: film.0.spacing.map_or_else(|| "px".to_owned(), |spacing| spacing.origin.unit()),
        area,
        equivalent_diameter: 2.0 * (area / std::f64::consts::PI).sqrt(),
        longest_diameter: a.distance(b),
        perpendicular_diameter: shape.extent((a.y - b.y, b.x - a.x)),
        circularity: shape.resampled(steps.max(8)).circularity(),
        contrast: contrast(film, scale, center, &shape).unwrap_or(0.0),
        margin_width: margin.width,
        well_defined_share: margin.well_defined_share,
        spiculation: margin.spiculation,
    }
}

/// The contour in units, seen from `center`.
fn in_units(contour: &Contour, scale: Scale, center: ImagePoint) -> Contour {
    let points = contour.points().iter().map(|p| {
        let (x, y) = scale.from_image(center, *p);
        ImagePoint::new(x, y)
    });
    Contour::new(points.collect()).expect("as many finite points as before")
}

/// Distance of the farthest vertex from the middle.
fn farthest(shape: &Contour) -> f64 {
    shape.points().iter().map(|p| p.x.hypot(p.y)).fold(0.0, f64::max)
}

fn contrast(
    film: (&Mammogram, &Film),
    scale: Scale,
    center: ImagePoint,
    shape: &Contour,
) -> Option<f64> {
    let (ring_start, ring_end) = (RING_MM.0 * scale.mm, RING_MM.1 * scale.mm);
    let reach = farthest(shape) + ring_end;
    let region = Region::new(film, scale, center, reach, CONTRAST_CELL_MM * scale.mm, 0.0);
    let half = region.side() as f64 / 2.0;
    let in_cells = shape
        .points()
        .iter()
        .map(|p| ImagePoint::new(p.x / region.step() + half, p.y / region.step() + half));
    let in_cells = Contour::new(in_cells.collect()).expect("as many finite points as before");
    let mask = Mask::of(&in_cells);
    let distances = distances(&in_cells, region.side(), ring_end / region.step());

    let (mut inside, mut ring) = (Moments::default(), Moments::default());
    for row in 0..region.side() {
        for column in 0..region.side() {
            let Some(value) = region.cell(column, row) else { continue };
            let distance = distances[row * region.side() + column] * region.step();
            if mask.contains(column as i64, row as i64) {
                inside.add(f64::from(value));
            } else if (ring_start..=ring_end).contains(&distance) {
                ring.add(f64::from(value));
            }
        }
    }
    let (inside, ring_mean) = inside.mean().zip(ring.mean())?;
    let spread = ring.standard_deviation()?;
    (spread > 0.0).then(|| (inside - ring_mean) / spread)
}

/// Distance of each cell's centre from the contour, all in cells; infinite beyond `limit`.
fn distances(contour: &Contour, side: usize, limit: f64) -> Vec<f64> {
    let mut distances = vec![f64::INFINITY; side * side];
    let cells = |low: f64, high: f64| {
        let cell = |v: f64| v.clamp(0.0, side as f64) as usize;
        cell((low - limit).floor())..cell((high + limit).ceil())
    };
    for (p, q) in contour.edges() {
        let (dx, dy) = (q.x - p.x, q.y - p.y);
        let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        for row in cells(p.y.min(q.y), p.y.max(q.y)) {
            for column in cells(p.x.min(q.x), p.x.max(q.x)) {
                let (x, y) = (column as f64 + 0.5 - p.x, row as f64 + 0.5 - p.y);
                let along = ((x * dx + y * dy) / length).clamp(0.0, 1.0);
                let distance = (x - along * dx).hypot(y - along * dy);
                let nearest = &mut distances[row * side + column];
                *nearest = nearest.min(distance);
            }
        }
    }
    distances
}

/// Count, mean and spread of values as they come (Welford).
#[derive(Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.mean)
    }

    fn standard_deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / (self.count - 1.0)).sqrt())
    }
}
