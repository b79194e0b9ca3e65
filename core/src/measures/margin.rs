//! How sharp is the margin, and do lines run out of it?
//!
//! Both look along the outline's normals at points 0.5 mm apart.

use std::f64::consts::PI;

use crate::geometry::{Contour, ImagePoint};
use crate::mammogram::Mammogram;
use crate::region::{Film, Region, Scale};

/// Points along the outline, in mm.
const POINT_STEP_MM: f64 = 0.5;
/// How far a profile goes to either side, and its step, in mm.
const PROFILE_MM: f64 = 3.0;
const PROFILE_STEP_MM: f64 = 0.1;
/// Width from 90 to 10 % of a logistic curve of scale 1: 2 ln 9.
const WIDTH_OF_SCALE: f64 = 4.394_449_154_672_439;
/// Widths tried, in mm, and how far the fall may lie from the outline.
const WIDTHS_MM: [f64; 14] =
    [0.15, 0.25, 0.35, 0.5, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 2.6, 3.4, 4.4, 6.0];
const OFFSETS_MM: [f64; 9] = [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0];
/// A margin is well defined where it is narrower than this …
const SHARP_MM: f64 = 1.0;
/// … and falls by more than this many standard deviations of the noise.
const CLEAR_FALL: f64 = 2.0;
/// The band in which lines that run outwards are looked for.
const BAND_MM: f64 = 2.0;
const BAND_STEP_MM: f64 = 0.25;
/// Standard deviation of the smoothing for gradients, in mm.
const GRADIENT_SMOOTHING_MM: f64 = 0.3;

/// The numbers of [`super::Measures`] that the margin gives.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Margin {
    pub(super) width: Option<f64>,
    pub(super) well_defined_share: Option<f64>,
    pub(super) spiculation: Option<f64>,
    /// Median fall of the fitted curves, in grey values of the film.
    pub(super) fall: Option<f64>,
    /// As `spiculation`, each angle weighted by the length of its gradient: faint noise counts
    /// little, lines much.
    pub(super) weighted_spiculation: Option<f64>,
}

/// What the fits along the normals give.
#[derive(Debug, Default)]
struct Sharpness {
    width: Option<f64>,
    well_defined_share: Option<f64>,
    fall: Option<f64>,
}

impl Margin {
    /// Looks at the margin of a shape in units about `center`.
    pub(super) fn of(
        film: (&Mammogram, &Film),
        scale: Scale,
        center: ImagePoint,
        shape: &Contour,
    ) -> Self {
        let count = (shape.perimeter() / (POINT_STEP_MM * scale.mm)).round() as usize;
        let even = shape.resampled(count.clamp(24, 1024));
        let places = even.points().iter().map(|p| (p.x, p.y));
        let points: Vec<Normal> = places.zip(even.normals()).collect();
        let reach = super::farthest(shape) + (PROFILE_MM + 1.0) * scale.mm;
        let region = |step_mm: f64, smoothing_mm: f64| {
            let (step, smoothing) = (step_mm * scale.mm, smoothing_mm * scale.mm);
            Region::new(film, scale, center, reach, step, smoothing)
        };
        let radius = (shape.area() / PI).sqrt();
        let Sharpness { width, well_defined_share, fall } =
            sharpness(&region(0.5 * PROFILE_STEP_MM, 0.0), &points, scale.mm, radius);
        let angles = spiculation(&region(0.1, GRADIENT_SMOOTHING_MM), &points, scale.mm);
        let (spiculation, weighted_spiculation) = angles.unzip();
        Self { width, well_defined_share, spiculation, fall, weighted_spiculation }
    }
}

/// A point of the outline and the direction outwards.
type Normal = ((f64, f64), (f64, f64));

/// Median width and height of the fall along the normals, and the share of them that is well
/// defined.
fn sharpness(region: &Region, points: &[Normal], mm: f64, radius: f64) -> Sharpness {
    // A profile must not cross a small mass and leave it on the other side.
    let inwards = PROFILE_MM.min(0.8 * radius / mm);
    let steps = (-(inwards / PROFILE_STEP_MM) as i32)..=((PROFILE_MM / PROFILE_STEP_MM) as i32);
    let distances: Vec<f64> = steps.map(|i| f64::from(i) * PROFILE_STEP_MM).collect();
    let curves = Curve::all(&distances);
    let mut fits: Vec<(f64, f64, f64)> = Vec::with_capacity(points.len());
    let mut profile = Vec::with_capacity(distances.len());
    for ((x, y), (nx, ny)) in points {
        profile.clear();
        profile.extend(distances.iter().map_while(|d| {
            let along = d * mm;
            // Three places side by side: less noise, and no blur across the margin.
            let beside = [-0.25 * mm, 0.0, 0.25 * mm].map(|t| {
                region.at(x + nx * along - ny * t, y + ny * along + nx * t).map(f64::from)
            });
            Some((beside[0]? + beside[1]? + beside[2]?) / 3.0)
        }));
        if profile.len() == distances.len() {
            fits.extend(Curve::best(&curves, &profile));
        }
    }
    if fits.len() * 2 < points.len() {
        return Sharpness::default();
    }
    let noise = median(fits.iter().map(|(_, _, rest)| *rest).collect());
    let clear =
        |(width, fall, _): &&(f64, f64, f64)| *width < SHARP_MM && *fall > CLEAR_FALL * noise;
    let share = fits.iter().filter(clear).count() as f64 / points.len() as f64;
    Sharpness {
        width: Some(median(fits.iter().map(|(width, _, _)| width * mm).collect())),
        well_defined_share: Some(share),
        fall: Some(median(fits.iter().map(|(_, fall, _)| *fall).collect())),
    }
}

/// A logistic fall of one width at one place, without its mean and of length 1.
struct Curve {
    width_mm: f64,
    values: Vec<f64>,
    /// Length before it was brought to 1: the fall of a profile is its share over this.
    length: f64,
}

impl Curve {
    fn all(distances: &[f64]) -> Vec<Self> {
        let curve = |width_mm: f64, offset: f64| {
            let scale = width_mm / WIDTH_OF_SCALE;
            let mut values: Vec<f64> =
                distances.iter().map(|d| 1.0 / (1.0 + ((d - offset) / scale).exp())).collect();
            let length = centred(&mut values);
            values.iter_mut().for_each(|v| *v /= length);
            Self { width_mm, values, length }
        };
        WIDTHS_MM.iter().flat_map(|w| OFFSETS_MM.iter().map(move |o| curve(*w, *o))).collect()
    }

    /// Width in mm, fall, and standard deviation of the rest, of the least-squares fit; `None`
    /// where the profile does not fall.
    fn best(curves: &[Self], profile: &[f64]) -> Option<(f64, f64, f64)> {
        let mut profile = profile.to_vec();
        let length = centred(&mut profile);
        let share = |c: &Self| c.values.iter().zip(&profile).map(|(a, b)| a * b).sum::<f64>();
        let (curve, share) =
            curves.iter().map(|c| (c, share(c))).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let rest = ((length * length - share * share).max(0.0) / profile.len() as f64).sqrt();
        (share > 0.0).then_some((curve.width_mm, share / curve.length, rest))
    }
}

/// Takes the mean away and tells the length of what is left.
fn centred(values: &mut [f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Mean angle between gradient and normal over the band outside, plain and weighted by the
/// gradient's length; in degrees.
fn spiculation(region: &Region, points: &[Normal], mm: f64) -> Option<(f64, f64)> {
    let half = 0.5 * region.step();
    let slope = |x: f64, y: f64| {
        let across = region.at(x + half, y)? - region.at(x - half, y)?;
        let down = region.at(x, y + half)? - region.at(x, y - half)?;
        Some((f64::from(across), f64::from(down)))
    };
    let steps = (BAND_MM / BAND_STEP_MM) as usize;
    let (mut sum, mut count) = (0.0, 0);
    let (mut weighted, mut weights) = (0.0, 0.0);
    for ((x, y), (nx, ny)) in points {
        for step in 1..=steps {
            let distance = step as f64 * BAND_STEP_MM * mm;
            let Some((gx, gy)) = slope(x + nx * distance, y + ny * distance) else { continue };
            if gx != 0.0 || gy != 0.0 {
                // Either way along the normal counts as along it.
                let angle = (gx * ny - gy * nx).abs().atan2((gx * nx + gy * ny).abs());
                let length = gx.hypot(gy);
                sum += angle;
                count += 1;
                weighted += length * angle;
                weights += length;
            }
        }
    }
    (count * 2 > points.len() * steps)
        .then(|| ((sum / f64::from(count as u32)).to_degrees(), (weighted / weights).to_degrees()))
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
