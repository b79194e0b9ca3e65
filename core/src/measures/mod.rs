//! How large, how round, how sharp: numbers of an outlined mass.
//!
//! Lengths are in mm where the film has a size and in pixels where it has none; the origin of
//! the scale stands in the mammogram's `spacing`. Where there is no size, distances that are
//! defined in mm below scale with the outline, as if its equivalent radius were 8 mm.

use serde::{Deserialize, Serialize};

use crate::geometry::{Contour, ImagePoint, Mask, distances};
use crate::mammogram::Mammogram;
use crate::region::{Film, Region, Scale};

pub use self::atlas::{Atlas, Measure};
pub use self::shape_margin::{MARGIN, SHAPE, ShapeMargin, shape_margin};
pub use self::texture::{Texture, texture};

mod atlas;
mod margin;
mod shape_margin;
mod texture;

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
    /// Names of the fields above that move by more than 15 % where the outline is drawn 0.5 mm
    /// farther out or in, as two readers may: to be shown as doubtful.
    #[serde(default)]
    pub unstable: Vec<String>,
}

/// Step of the contour for circularity, in mm: perimeters depend on it.
const PERIMETER_STEP_MM: f64 = 0.5;
/// How far out and in the outline is moved to see which measures hold.
const OFFSET_MM: f64 = 0.5;
/// A measure that moves by a larger share of itself does not.
const STABLE_SHARE: f64 = 0.15;
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
    let numbers = |shape: &Contour| Numbers::of(film, scale, center, shape);
    let moved = |mm: f64| shape.offset(mm * scale.mm).map(|shape| numbers(&shape));
    let (drawn, (outer, inner)) =
        rayon::join(|| numbers(&shape), || rayon::join(|| moved(OFFSET_MM), || moved(-OFFSET_MM)));
    let unstable = drawn.unstable(&[outer, inner]);
    Measures {
        unit: film.0.spacing.map_or_else(|| "px".to_owned(), |spacing| spacing.origin.unit()),
        area: drawn.area,
        equivalent_diameter: drawn.equivalent_diameter,
        longest_diameter: drawn.longest_diameter,
        perpendicular_diameter: drawn.perpendicular_diameter,
        circularity: drawn.circularity,
        contrast: drawn.contrast.unwrap_or(0.0),
        margin_width: drawn.margin.width,
        well_defined_share: drawn.margin.well_defined_share,
        spiculation: drawn.margin.spiculation,
        unstable,
    }
}

/// What is measured on one shape.
struct Numbers {
    area: f64,
    equivalent_diameter: f64,
    longest_diameter: f64,
    perpendicular_diameter: f64,
    circularity: f64,
    contrast: Option<f64>,
    margin: margin::Margin,
}

impl Numbers {
    fn of(film: (&Mammogram, &Film), scale: Scale, center: ImagePoint, shape: &Contour) -> Self {
        let area = shape.area();
        let (a, b) = shape.longest_diameter();
        let steps = (shape.perimeter() / (PERIMETER_STEP_MM * scale.mm)).round() as usize;
        Self {
            area,
            equivalent_diameter: 2.0 * (area / std::f64::consts::PI).sqrt(),
            longest_diameter: a.distance(b),
            perpendicular_diameter: shape.extent((a.y - b.y, b.x - a.x)),
            circularity: shape.resampled(steps.max(8)).circularity(),
            contrast: contrast(film, scale, center, shape),
            margin: margin::Margin::of(film, scale, center, shape),
        }
    }

    /// By the names of the fields of [`Measures`].
    fn named(&self) -> [(&'static str, Option<f64>); 9] {
        [
            ("area", Some(self.area)),
            ("equivalent_diameter", Some(self.equivalent_diameter)),
            ("longest_diameter", Some(self.longest_diameter)),
            ("perpendicular_diameter", Some(self.perpendicular_diameter)),
            ("circularity", Some(self.circularity)),
            ("contrast", self.contrast),
            ("margin_width", self.margin.width),
            ("well_defined_share", self.margin.well_defined_share),
            ("spiculation", self.margin.spiculation),
        ]
    }

    /// Names of what moves too far, or cannot be told any more, on another shape; of everything
    /// where there is no other shape, since nothing of this one is left.
    fn unstable(&self, others: &[Option<Self>]) -> Vec<String> {
        let holds = |idx: usize, value: f64| {
            others.iter().all(|other| {
                let moved = other.as_ref().and_then(|other| other.named()[idx].1);
                moved.is_some_and(|moved| (moved - value).abs() <= STABLE_SHARE * value.abs())
            })
        };
        let named = self.named().into_iter().enumerate();
        let told = named.filter_map(|(idx, (name, value))| Some((idx, name, value?)));
        told.filter(|(idx, _, value)| !holds(*idx, *value))
            .map(|(_, name, _)| name.to_owned())
            .collect()
    }
}

/// The contour in units, seen from `center`.
fn in_units(contour: &Contour, scale: Scale, center: ImagePoint) -> Contour {
    let points = contour.points().iter().map(|p| {
        let (x, y) = scale.units_from_image(center, *p);
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
    let (inside, ring) = inside_and_ring(film, scale, center, shape);
    let (inside, ring_mean) = inside.mean().zip(ring.mean())?;
    let spread = ring.standard_deviation()?;
    (spread > 0.0).then(|| (inside - ring_mean) / spread)
}

/// The greys within the outline, and those of the ring around it.
fn inside_and_ring(
    film: (&Mammogram, &Film),
    scale: Scale,
    center: ImagePoint,
    shape: &Contour,
) -> (Moments, Moments) {
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
    let (side, limit) = (region.side(), ring_end / region.step());
    let distances = distances(in_cells.edges(), side, side, limit);

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
    (inside, ring)
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

    /// As if all values of both had been added (Chan, Golub, LeVeque 1979).
    fn joined(self, other: &Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let off = other.mean - self.mean;
        let share = other.count / count;
        Self {
            count,
            mean: self.mean + off * share,
            squares: self.squares + other.squares + off * off * self.count * share,
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.mean)
    }

    fn standard_deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / (self.count - 1.0)).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;
    use std::sync::Arc;

    use super::*;
    use crate::mammogram::{Frame, ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin};
    use crate::phantom::Random;

    /// A film of 400 x 400 pixels of 0.1 mm drawn by a function of x and y in mm.
    fn film(grey: impl Fn(f64, f64) -> f64) -> Mammogram {
        let at = |idx: usize| {
            let (column, row) = (idx % 400, idx / 400);
            grey(0.1 * (column as f64 + 0.5), 0.1 * (row as f64 + 0.5)).round() as u16
        };
        Mammogram {
            frame: Frame::default(),
            rows: 400,
            columns: 400,
            samples: Arc::new((0..160_000).map(at).collect()),
            stored_offset: 0,
            bits_stored: 16,
            photometric_interpretation: PhotometricInterpretation::Monochrome2,
            modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
            padding: None,
            air: None,
            voi_luts: Vec::new(),
            spacing: Some(Spacing::square(0.1, SpacingOrigin::Calibrated)),
            image_laterality: None,
            view_position: None,
            patient_orientation: None,
            patient_id: None,
            other_patient_ids: Vec::new(),
            sop_instance_uid: None,
            lossy: false,
            content_hash: [0; 32],
            cautions: Vec::new(),
        }
    }

    fn ellipse(a: f64, b: f64) -> Contour {
        Contour::circle(ImagePoint::new(0.0, 0.0), 1.0).scaled(a, b).moved(200.0, 200.0)
    }

    fn near(found: f64, expected: f64, share: f64) {
        assert!((found - expected).abs() <= share * expected.abs(), "{found} is not {expected}");
    }

    #[test]
    fn a_circle_of_5_mm_has_its_area_diameters_and_roundness() {
        let measures = measure(&film(|_, _| 500.0), &ellipse(50.0, 50.0));
        assert_eq!(measures.unit, "mm");
        near(measures.area, PI * 25.0, 0.001);
        near(measures.equivalent_diameter, 10.0, 0.001);
        near(measures.longest_diameter, 10.0, 0.001);
        near(measures.perpendicular_diameter, 10.0, 0.001);
        near(measures.circularity, 1.0, 0.005);
        assert_eq!(measures.contrast, 0.0);
    }

    #[test]
    fn an_ellipse_of_8_by_3_mm_has_its_axes_and_less_roundness() {
        let measures = measure(&film(|_, _| 500.0), &ellipse(80.0, 30.0));
        near(measures.area, PI * 24.0, 0.001);
        near(measures.longest_diameter, 16.0, 0.001);
        near(measures.perpendicular_diameter, 6.0, 0.002);
        // Ramanujan: P = pi (3 (a + b) - sqrt((3 a + b) (a + 3 b))) = 36.405 mm.
        let perimeter = PI * (33.0 - (27.0_f64 * 17.0).sqrt());
        near(measures.circularity, 4.0 * PI * PI * 24.0 / perimeter.powi(2), 0.005);
    }

    #[test]
    fn a_square_of_8_mm_has_its_diagonal_and_pi_over_four() {
        let corners = [(160.0, 160.0), (240.0, 160.0), (240.0, 240.0), (160.0, 240.0)];
        let square = Contour::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec());
        let measures = measure(&film(|_, _| 500.0), &square.expect("four corners"));
        near(measures.area, 64.0, 1e-9);
        near(measures.longest_diameter, 8.0 * 2.0_f64.sqrt(), 1e-9);
        near(measures.perpendicular_diameter, 8.0 * 2.0_f64.sqrt(), 1e-9);
        near(measures.circularity, PI / 4.0, 1e-6);
    }

    #[test]
    fn rows_twice_as_far_apart_double_the_height() {
        let mut film = film(|_, _| 500.0);
        let (row_spacing_mm, column_spacing_mm) = (0.2, 0.1);
        let origin = SpacingOrigin::Detector;
        film.spacing = Some(Spacing { row_spacing_mm, column_spacing_mm, origin });
        let measures = measure(&film, &ellipse(50.0, 50.0));
        assert_eq!(measures.unit, "mm at detector");
        near(measures.area, PI * 5.0 * 10.0, 0.001);
        near(measures.longest_diameter, 20.0, 0.001);
        near(measures.perpendicular_diameter, 10.0, 0.001);
    }

    #[test]
    fn without_a_pixel_size_lengths_are_pixels() {
        let mut film = film(|_, _| 500.0);
        film.spacing = None;
        let measures = measure(&film, &ellipse(50.0, 50.0));
        assert_eq!(measures.unit, "px");
        near(measures.area, PI * 2500.0, 0.001);
        near(measures.longest_diameter, 100.0, 0.001);
        near(measures.circularity, 1.0, 0.005);
    }

    #[test]
    fn contrast_counts_standard_deviations_of_the_ring() {
        // Inside 1300; outside stripes of 1000 +- 100, 1 mm wide: mean 1000, deviation 100.
        let disc = film(|x, y| {
            if (x - 20.0).hypot(y - 20.0) < 5.2 {
                1300.0
            } else if x as i32 % 2 == 0 {
                900.0
            } else {
                1100.0
            }
        });
        near(measure(&disc, &ellipse(50.0, 50.0)).contrast, 3.0, 0.03);
        // Turned grey scale: the same mass is dark in the file and dense in the breast.
        let mut turned = disc.clone();
        turned.samples = Arc::new(disc.samples.iter().map(|s| 4095 - s).collect());
        turned.photometric_interpretation = PhotometricInterpretation::Monochrome1;
        near(measure(&turned, &ellipse(50.0, 50.0)).contrast, 3.0, 0.03);
    }

    #[test]
    fn the_width_of_a_logistic_margin_is_found() {
        for width in [0.5, 1.5, 3.4] {
            // A logistic curve falls from 90 to 10 % within 2 ln 9 of its scale.
            let scale = width / (2.0 * 9.0_f64.ln());
            let fall = |x: f64, y: f64| {
                1000.0 + 800.0 / (1.0 + (((x - 20.0).hypot(y - 20.0) - 6.0) / scale).exp())
            };
            let measures = measure(&film(fall), &ellipse(60.0, 60.0));
            near(measures.margin_width.expect("tissue all around"), width, 0.25);
            let share = measures.well_defined_share.expect("tissue all around");
            assert_eq!(share > 0.9, width < 1.0, "{share} well defined at {width} mm");
        }
    }

    #[test]
    fn an_even_fall_has_no_angle_and_noise_has_45_degrees() {
        let even = film(|x, y| 3000.0 - 100.0 * (x - 20.0).hypot(y - 20.0));
        let angle = measure(&even, &ellipse(60.0, 60.0)).spiculation.expect("tissue all around");
        assert!(angle < 5.0, "{angle}");

        let mut random = Random::new(3);
        let mut noise = film(|_, _| 0.0);
        let sample = |_: &u16| (2000.0 + 200.0 * random.normal()) as u16;
        noise.samples = Arc::new(noise.samples.iter().map(sample).collect());
        let angle = measure(&noise, &ellipse(60.0, 60.0)).spiculation.expect("tissue all around");
        near(angle, 45.0, 0.05);

        // Forty rays like the spokes of a wheel: grey changes along the outline, not across it.
        let spokes = film(|x, y| 2000.0 + 500.0 * (40.0 * (y - 20.0).atan2(x - 20.0)).cos());
        let angle = measure(&spokes, &ellipse(60.0, 60.0)).spiculation.expect("tissue all around");
        assert!(angle > 75.0, "{angle}");
    }

    #[test]
    fn what_half_a_millimetre_moves_by_more_than_15_percent_is_named() {
        // A disc with sharp edge: of a radius of 5 mm, 0.5 mm is 10 % of every length and 21 % of
        // the area; of 20 mm it is 2.5 and 5 %, of 2 mm 25 and 56 %.
        let grey = |x: f64, y: f64| if (x - 20.0).hypot(y - 20.0) < 5.0 { 1300.0 } else { 1000.0 };
        let named = |radius: f64| measure(&film(grey), &ellipse(radius, radius)).unstable;
        let has = |names: &[String], name: &str| names.iter().any(|n| n == name);
        let five = named(50.0);
        assert!(has(&five, "area") && !has(&five, "longest_diameter"), "{five:?}");
        assert!(!has(&five, "equivalent_diameter") && !has(&five, "circularity"), "{five:?}");
        let two = named(20.0);
        assert!(has(&two, "area") && has(&two, "perpendicular_diameter"), "{two:?}");
        assert!(!has(&two, "circularity"), "{two:?}");
        let flat = measure(&film(|_, _| 500.0), &ellipse(180.0, 180.0)).unstable;
        assert!(!has(&flat, "area") && !has(&flat, "contrast"), "{flat:?}");
        // 0.4 mm: nothing is left when it is drawn 0.5 mm farther in.
        let small = named(4.0);
        assert!(has(&small, "area") && has(&small, "circularity"), "{small:?}");
    }

    #[test]
    fn measures_without_the_list_of_unstable_ones_are_read() {
        let measures = measure(&film(|_, _| 500.0), &ellipse(50.0, 50.0));
        let mut json = serde_json::to_value(&measures).expect("numbers are written");
        json.as_object_mut().expect("an object").remove("unstable");
        let read: Measures = serde_json::from_value(json).expect("an older row is read");
        assert_eq!(read, Measures { unstable: Vec::new(), ..measures });
    }

    #[test]
    fn a_contour_without_an_area_has_measures_all_the_same() {
        let line = [(10.0, 10.0), (20.0, 10.0), (30.0, 10.0)].map(|(x, y)| ImagePoint::new(x, y));
        let line = Contour::new(line.to_vec()).expect("three points");
        let measures = measure(&film(|_, _| 500.0), &line);
        assert_eq!((measures.area, measures.perpendicular_diameter), (0.0, 0.0));
        near(measures.longest_diameter, 2.0, 1e-9);
        assert!(measures.circularity.abs() < 1e-9 && measures.contrast.is_finite());
    }
}
