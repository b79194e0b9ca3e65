//! Ten numbers of an outlined mass for an encoder: four of its shape, six of its margin.
//!
//! None has a unit of grey: the film's own scale, `a * I + b` with `a > 0`, drops out of each. None
//! grows with the mass except the width of the margin, which is in mm (on a film without a size
//! in mm as the outline tells them, see [`super`]). Turning or mirroring the film changes none.

use std::f64::consts::PI;

use super::margin::Margin;
use super::{PERIMETER_STEP_MM, in_units, inside_and_ring};
use crate::geometry::{Contour, ImagePoint};
use crate::mammogram::Mammogram;
use crate::region::{Film, Scale};

/// The names of the numbers of [`ShapeMargin::shape`].
pub const SHAPE: [&str; 4] = ["circularity", "radial_deviation", "solidity", "elongation"];
/// The names of the numbers of [`ShapeMargin::margin`].
pub const MARGIN: [&str; 6] = [
    "contrast",
    "edge_strength",
    "edge_width",
    "well_defined_share",
    "spiculation",
    "weighted_spiculation",
];

/// The ten numbers; `None` where one cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShapeMargin {
    /// By the names of [`SHAPE`]:
    /// - 4 pi area / perimeter^2, of the contour resampled at 0.5 mm;
    /// - standard deviation of the radial length over the longest (Kilday, Palmieri, Fox, IEEE
    ///   Trans Med Imaging 1993), seen from the centroid;
    /// - area over the convex hull's;
    /// - long over short axis of the ellipse with the same second moments.
    pub shape: [Option<f32>; 4],
    /// By the names of [`MARGIN`]:
    /// - mean inside less mean of the ring 0.5 to 3 mm outside, over the ring's deviation;
    /// - median fall across the margin, over the deviation of all greys inside and in the ring;
    /// - median width of that fall from 90 to 10 %, in mm;
    /// - share of the outline that is well defined;
    /// - mean angle between gradient and normal in the band 0 to 2 mm outside, in degrees (after
    ///   Shi et al., SPIE Medical Imaging 2008);
    /// - the same weighted by the gradient's length (after Huo et al., Med Phys 1995).
    pub margin: [Option<f32>; 6],
}

/// Measures an outline on its film.
pub fn shape_margin(mammogram: &Mammogram, contour: &Contour) -> ShapeMargin {
    let radius_in_pixels = (contour.area() / PI).sqrt();
    let scale = Scale::new(mammogram, radius_in_pixels.max(1e-3));
    let center = contour.centroid();
    let shape = in_units(contour, scale, center);
    let even = (shape.perimeter() / (PERIMETER_STEP_MM * scale.mm)).round() as usize;
    let even = shape.resampled(even.max(8));

    let film = Film::new(mammogram);
    let film = (mammogram, &film);
    let (inside, ring) = inside_and_ring(film, scale, center, &shape);
    let margin = Margin::of(film, scale, center, &shape);
    let positive = |v: f64| (v > 0.0).then_some(v);
    let contrast = || {
        let deviation = ring.standard_deviation().and_then(positive)?;
        Some((inside.mean()? - ring.mean()?) / deviation)
    };
    let contrast = contrast();
    let all = inside.joined(&ring);
    let strength = margin.fall.zip(all.standard_deviation().and_then(positive));

    let finite = |v: Option<f64>| v.map(|v| v as f32).filter(|v| v.is_finite());
    ShapeMargin {
        shape: [
            Some(even.circularity()),
            radial_deviation(&even),
            hull_area(&shape).and_then(positive).map(|hull| shape.area() / hull),
            elongation(&shape),
        ]
        .map(finite),
        margin: [
            contrast,
            strength.map(|(fall, deviation)| fall / deviation),
            margin.width.map(|width| width / scale.mm),
            margin.well_defined_share,
            margin.spiculation,
            margin.weighted_spiculation,
        ]
        .map(finite),
    }
}

impl ShapeMargin {
    /// All ten, shape first.
    pub fn numbers(&self) -> [Option<f32>; SHAPE.len() + MARGIN.len()] {
        let mut all = [None; SHAPE.len() + MARGIN.len()];
        all[..SHAPE.len()].copy_from_slice(&self.shape);
        all[SHAPE.len()..].copy_from_slice(&self.margin);
        all
    }

    /// From [`Self::numbers`].
    pub fn from_numbers(numbers: [Option<f32>; SHAPE.len() + MARGIN.len()]) -> Self {
        let mut all = Self::default();
        all.shape.copy_from_slice(&numbers[..SHAPE.len()]);
        all.margin.copy_from_slice(&numbers[SHAPE.len()..]);
        all
    }
}

/// Deviation of the distances from the centroid to vertices at equal steps, over the longest.
fn radial_deviation(even: &Contour) -> Option<f64> {
    let center = even.centroid();
    let lengths: Vec<f64> = even.points().iter().map(|p| p.distance(center)).collect();
    let count = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / count;
    let variance = lengths.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / count;
    let longest = lengths.iter().copied().fold(0.0, f64::max);
    (longest > 0.0).then(|| variance.sqrt() / longest)
}

fn hull_area(shape: &Contour) -> Option<f64> {
    Some(Contour::new(shape.hull())?.area())
}

/// Long over short axis by the polygon's second moments about its centroid (Green's theorem).
fn elongation(shape: &Contour) -> Option<f64> {
    let center = shape.centroid();
    let from_center = |p: ImagePoint| (p.x - center.x, p.y - center.y);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (p, q) in shape.edges() {
        let ((x0, y0), (x1, y1)) = (from_center(p), from_center(q));
        let cross = x0 * y1 - x1 * y0;
        xx += cross * (x0 * x0 + x0 * x1 + x1 * x1) / 12.0;
        yy += cross * (y0 * y0 + y0 * y1 + y1 * y1) / 12.0;
        xy += cross * (x0 * y1 + 2.0 * x0 * y0 + 2.0 * x1 * y1 + x1 * y0) / 24.0;
    }
    // Clockwise or not turns the signs of all three.
    let sign = (xx + yy).signum();
    let (middle, half) = (sign * (xx + yy) / 2.0, ((xx - yy) / 2.0).hypot(xy));
    let (long, short) = (middle + half, middle - half);
    // A line has no short axis: what rounding leaves of one is no number.
    (short > 1e-9 * long).then(|| (long / short).sqrt())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mammogram::ModalityLut;
    use crate::phantom::Phantom;

    fn near(found: Option<f32>, expected: f64, share: f64) {
        let found = f64::from(found.expect("a number"));
        assert!((found - expected).abs() <= share * expected.abs(), "{found} is not {expected}");
    }

    fn shape_of(points: &[(f64, f64)]) -> [Option<f32>; 4] {
        let drawn = Phantom::region().draw(2);
        let points = points.iter().map(|&(x, y)| ImagePoint::new(x, y)).collect();
        shape_margin(&drawn.mammogram, &Contour::new(points).expect("many points")).shape
    }

    #[test]
    fn shapes_drawn_by_hand_have_the_numbers_worked_out_by_hand() {
        let ellipse = |a: f64, b: f64| -> Vec<(f64, f64)> {
            let angles = (0..360).map(|i| f64::from(i).to_radians());
            angles.map(|t| (300.0 + a * t.cos(), 300.0 + b * t.sin())).collect()
        };
        let circle = shape_of(&ellipse(100.0, 100.0));
        near(circle[0], 1.0, 0.01);
        assert!(circle[1].expect("a number") < 0.01);
        near(circle[2], 1.0, 0.001);
        near(circle[3], 1.0, 0.001);
        let long = shape_of(&ellipse(150.0, 50.0));
        near(long[3], 3.0, 0.001);
        near(long[2], 1.0, 0.001);
        // An L of three squares: its hull is three and a half.
        let l = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
            .map(|(x, y)| (200.0 + 80.0 * f64::from(x), 200.0 + 80.0 * f64::from(y)));
        near(shape_of(&l)[2], 3.0 / 3.5, 0.001);
        // A square of side 2: radial lengths sqrt(1 + t^2), t even in -1 to 1. Mean
        // (sqrt 2 + asinh 1) / 2 = 1.1478, mean square 4/3, longest sqrt 2.
        let square = [(200.0, 200.0), (400.0, 200.0), (400.0, 400.0), (200.0, 400.0)];
        near(shape_of(&square)[1], 0.0892, 0.02);
        near(shape_of(&square)[3], 1.0, 0.001);
    }

    #[test]
    fn neither_grey_scale_nor_mirroring_changes_a_number() {
        let drawn = Phantom::region().draw(4);
        let (film, contour) = (&drawn.mammogram, &drawn.mass.contour);
        let plain = shape_margin(film, contour);
        assert!(plain.numbers().iter().all(Option::is_some), "{plain:?}");

        let mut scaled = film.clone();
        scaled.modality_lut = ModalityLut::Rescale { slope: 3.5, intercept: -700.0 };
        let mut mirrored = film.clone();
        let rows = film.samples.chunks_exact(film.columns as usize);
        mirrored.samples = Arc::new(rows.flat_map(|row| row.iter().rev().copied()).collect());
        let width = f64::from(film.columns);
        let turned = contour.points().iter().map(|p| ImagePoint::new(width - p.x, p.y));
        let turned = Contour::new(turned.collect()).expect("as many points");
        for other in [shape_margin(&scaled, contour), shape_margin(&mirrored, &turned)] {
            for (a, b) in plain.numbers().into_iter().zip(other.numbers()) {
                let (a, b) = (a.expect("a number"), b.expect("a number"));
                assert!((a - b).abs() <= 0.02 * a.abs().max(0.05), "{plain:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_film_without_a_size_has_the_same_shape_and_no_number_missing() {
        let drawn = Phantom::region().draw(4);
        let sized = shape_margin(&drawn.mammogram, &drawn.mass.contour);
        let mut film = drawn.mammogram.clone();
        film.spacing = None;
        let found = shape_margin(&film, &drawn.mass.contour);
        assert!(found.numbers().iter().all(Option::is_some), "{found:?}");
        for (a, b) in sized.shape.into_iter().zip(found.shape) {
            let (a, b) = (a.expect("a number"), b.expect("a number"));
            assert!((a - b).abs() <= 0.05 * a.max(0.1), "{sized:?} {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_left_open() {
        let mut flat = Phantom::region().draw(1).mammogram;
        flat.samples = Arc::new(vec![900; flat.samples.len()]);
        let line = [(100.0, 100.0), (200.0, 100.0), (300.0, 100.0)];
        let line = line.iter().map(|&(x, y)| ImagePoint::new(x, y)).collect();
        let found = shape_margin(&flat, &Contour::new(line).expect("three points"));
        assert_eq!((found.shape[2], found.shape[3], found.margin[0]), (None, None, None));
        assert_eq!(ShapeMargin::from_numbers(found.numbers()), found);
    }
}
