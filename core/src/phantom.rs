//! Draws films with masses of known outline and class, for tests, demonstrations and scale.
//!
//! Phantoms choose defaults and measure speed; they are no evidence of accuracy. The same
//! settings and seed draw the same film, on every machine.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use crate::geometry::{Contour, ImagePoint};
use crate::lexicon::{ImageLaterality, MassMargin, Pathology, ViewPosition};
use crate::mammogram::{
    Frame, Mammogram, ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin,
};
use crate::voi_lut::{VoiFunction, VoiLut};

mod blend;

/// What is drawn; the seed decides the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Phantom {
    pub columns: u32,
    pub rows: u32,
    pub pixel_mm: f64,
    /// 10 to 16.
    pub bits_stored: u16,
    pub photometric_interpretation: PhotometricInterpretation,
    /// A breast with its skin line against air, or tissue from edge to edge.
    pub breast: bool,
    /// The margin of the mass; the seed chooses where there is none. Obscured is drawn as indistinct.
    pub margin: Option<MassMargin>,
    /// Radius of the circle with the mass's area, in mm: from, to.
    pub radius_mm: (f64, f64),
    /// Grey of the mass in standard deviations of the tissue around it: from, to.
    pub contrast: (f64, f64),
}

/// A film and what is known about it.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub mammogram: Mammogram,
    pub mass: Mass,
}

/// The one mass of a phantom.
#[derive(Debug, Clone, PartialEq)]
pub struct Mass {
    pub center: ImagePoint,
    /// Of the circle with the same area, in mm.
    pub radius_mm: f64,
    /// Outline of the body, without spicules: 256 vertices.
    pub contour: Contour,
    pub margin: MassMargin,
    /// Drawn, not proven: spiculated and indistinct masses are called malignant.
    pub pathology: Pathology,
    pub contrast: f64,
}

impl Default for Phantom {
    /// A small breast at 0.1 mm; sizes and contrasts as measured on the masses of DDSM (median
    /// contrast of both by [`crate::measures`]: 1.6).
    fn default() -> Self {
        Self {
            columns: 1200,
            rows: 1600,
            pixel_mm: 0.1,
            bits_stored: 12,
            photometric_interpretation: PhotometricInterpretation::Monochrome2,
            breast: true,
            margin: None,
            radius_mm: (3.0, 11.0),
            contrast: (0.4, 2.0),
        }
    }
}

impl Phantom {
    /// 51 mm of tissue around a mass.
    pub fn region() -> Self {
        Self { columns: 512, rows: 512, breast: false, ..Self::default() }
    }

    /// Draws the film of this seed.
    pub fn draw(&self, seed: u64) -> Drawn {
        let mut random = Random::new(seed);
        let margin = self.margin.unwrap_or_else(|| {
            MARGINS[(random.uniform(0.0, MARGINS.len() as f64)) as usize % MARGINS.len()]
        });
        let radius = random.uniform(self.radius_mm.0, self.radius_mm.1) / self.pixel_mm;
        let center = self.place(radius, &mut random);
        let body = Body::new(margin, radius, self.pixel_mm, &mut random);
        let contrast = random.uniform(self.contrast.0, self.contrast.1);

        let (columns, rows) = (self.columns as usize, self.rows as usize);
        let mut grey = texture(columns, rows, &mut random);
        body.add(&mut grey, columns, center, contrast);
        if self.breast {
            self.cut_to_breast(&mut grey, &mut random);
        }
        let contour = body.contour(center);
        let mass = Mass {
            center,
            radius_mm: (contour.area() / PI).sqrt() * self.pixel_mm,
            contour,
            margin,
            pathology: match margin {
                MassMargin::Spiculated | MassMargin::Indistinct => Pathology::Malignant,
                _ => Pathology::Benign,
            },
            contrast,
        };
        Drawn { mammogram: self.film(&grey, seed), mass }
    }

    /// Somewhere in the tissue, with room around it where the film has it.
    fn place(&self, radius: f64, random: &mut Random) -> ImagePoint {
        let (width, height) = (f64::from(self.columns), f64::from(self.rows));
        let (right, bottom) = if self.breast { (0.55 * width, 0.75) } else { (width, 1.0) };
        let mut between = |low: f64, high: f64, room: f64| {
            let room = room.min(0.45 * (high - low));
            random.uniform(low + room, high - room)
        };
        let x = between(0.0, right, 2.0 * radius);
        ImagePoint::new(x, between((1.0 - bottom) * height, bottom * height, 2.0 * radius))
    }

    /// The breast lies at the left edge, half an ellipse; towards the skin it gets thinner.
    fn cut_to_breast(&self, grey: &mut [f32], random: &mut Random) {
        let (width, height) = (f64::from(self.columns), f64::from(self.rows));
        let (depth, half) =
            (random.uniform(0.75, 0.9) * width, random.uniform(0.42, 0.48) * height);
        for (idx, value) in grey.iter_mut().enumerate() {
            let (column, row) = (idx % self.columns as usize, idx / self.columns as usize);
            let (x, y) = (column as f64 / depth, (row as f64 - 0.5 * height) / half);
            let inside = 1.0 - x.hypot(y);
            let thickness = (inside.max(0.0) / 0.2).min(1.0).sqrt() as f32;
            // Air: five standard deviations below tissue, with a little noise of its own.
            let air = AIR + 0.03 * random.normal() as f32;
            *value = air + thickness * (*value - AIR);
        }
    }

    fn film(&self, grey: &[f32], seed: u64) -> Mammogram {
        let top = f64::from(u16::MAX >> (16 - self.bits_stored));
        let (center, unit) = (0.45 * top, 0.07 * top);
        let turned = self.photometric_interpretation == PhotometricInterpretation::Monochrome1;
        let samples = grey
            .iter()
            .map(|value| {
                let value = (center + unit * f64::from(*value)).clamp(0.0, top).round();
                (if turned { top - value } else { value }) as u16
            })
            .collect();
        let window = VoiFunction::Linear {
            center: (if turned { top - center } else { center }).round(),
            width: (10.0 * unit).round(),
        };
        let mut content_hash = [0; 32];
        content_hash[..8].copy_from_slice(&seed.to_le_bytes());
        Mammogram {
            frame: Frame::default(),
            rows: self.rows,
            columns: self.columns,
            samples: Arc::new(samples),
            stored_offset: 0,
            bits_stored: self.bits_stored,
            photometric_interpretation: self.photometric_interpretation,
            modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
            padding: None,
            air: None,
            voi_luts: vec![VoiLut { explanation: "Phantom".to_owned(), function: window }],
            spacing: Some(Spacing::square(self.pixel_mm, SpacingOrigin::Calibrated)),
            image_laterality: Some(ImageLaterality::Left),
            view_position: Some(ViewPosition::Cc),
            patient_orientation: None,
            patient_id: Some(format!("PHANTOM-{seed}")),
            other_patient_ids: Vec::new(),
            sop_instance_uid: None,
            lossy: false,
            content_hash,
            cautions: Vec::new(),
        }
    }
}

/// The margins that are drawn.
const MARGINS: [MassMargin; 4] = [
    MassMargin::Circumscribed,
    MassMargin::Microlobulated,
    MassMargin::Indistinct,
    MassMargin::Spiculated,
];
/// Grey of air, in standard deviations of tissue from its mean.
const AIR: f32 = -5.0;

/// Shape of a mass, in pixels about its centre.
struct Body {
    /// Distance of the border in even directions.
    radii: Vec<f64>,
    /// Scale of the logistic curve at the border.
    softness: f64,
    spicules: Vec<Spicule>,
}

struct Spicule {
    angle: f64,
    length: f64,
    half_width: f64,
}

/// Directions in which a body's radius is kept.
const DIRECTIONS: usize = 1024;

impl Body {
    fn new(margin: MassMargin, radius: f64, pixel_mm: f64, random: &mut Random) -> Self {
        // Waves around the border: from, to, and the size of the first.
        let (first, last, size, width_mm) = match margin {
            MassMargin::Circumscribed => (2, 4, 0.10, 0.5),
            MassMargin::Microlobulated => (2, 12, 0.09, 0.6),
            MassMargin::Indistinct | MassMargin::Obscured => (2, 6, 0.14, 3.0),
            MassMargin::Spiculated => (2, 8, 0.14, 1.2),
        };
        let waves: Vec<(f64, f64, f64)> = (first..=last)
            .map(|n| {
                let lobes = margin == MassMargin::Microlobulated && n > 8;
                let fade = if lobes { 0.45 } else { 2.0 / f64::from(n) };
                let size = size * fade * random.uniform(0.4, 1.0);
                (f64::from(n), size, random.uniform(0.0, TAU))
            })
            .collect();
        let mut radii: Vec<f64> = (0..DIRECTIONS)
            .map(|i| {
                let angle = i as f64 / DIRECTIONS as f64 * TAU;
                let waves = waves.iter().map(|(n, size, phase)| size * (n * angle + phase).cos());
                (1.0 + waves.sum::<f64>()).max(0.3)
            })
            .collect();
        // The area is half the mean square of the radius times the full turn.
        let mean_square = radii.iter().map(|r| r * r).sum::<f64>() / DIRECTIONS as f64;
        radii.iter_mut().for_each(|r| *r *= radius / mean_square.sqrt());

        let count =
            if margin == MassMargin::Spiculated { random.uniform(9.0, 20.0) as usize } else { 0 };
        let spicules = (0..count)
            .map(|_| Spicule {
                angle: random.uniform(0.0, TAU),
                length: radius * random.uniform(0.5, 1.4),
                half_width: random.uniform(0.15, 0.4) / pixel_mm,
            })
            .collect();
        // A logistic curve falls from 90 to 10 % within 2 ln 9 of its scale.
        Self { radii, softness: width_mm / pixel_mm / (2.0 * 9.0_f64.ln()), spicules }
    }

    fn radius(&self, angle: f64) -> f64 {
        let place = (angle / TAU).rem_euclid(1.0) * DIRECTIONS as f64;
        let idx = place as usize % DIRECTIONS;
        let share = place - place.floor();
        self.radii[idx] + share * (self.radii[(idx + 1) % DIRECTIONS] - self.radii[idx])
    }

    fn contour(&self, center: ImagePoint) -> Contour {
        let points = (0..256).map(|i| {
            let angle = f64::from(i) / 256.0 * TAU;
            let radius = self.radius(angle);
            ImagePoint::new(center.x + radius * angle.cos(), center.y + radius * angle.sin())
        });
        Contour::new(points.collect()).expect("256 finite points")
    }

    /// Adds the mass to the grey values of a film.
    fn add(&self, grey: &mut [f32], columns: usize, center: ImagePoint, contrast: f64) {
        let longest = self.spicules.iter().map(|s| s.length).fold(8.0 * self.softness, f64::max);
        let reach = self.radii.iter().copied().fold(0.0, f64::max) + longest;
        let range = |middle: f64, size: usize| {
            let clamp = |v: f64| v.clamp(0.0, size as f64) as usize;
            clamp(middle - reach)..clamp(middle + reach + 1.0)
        };
        for row in range(center.y, grey.len() / columns) {
            for column in range(center.x, columns) {
                let (dx, dy) = (column as f64 + 0.5 - center.x, row as f64 + 0.5 - center.y);
                let value = self.value(dx.hypot(dy), dy.atan2(dx));
                grey[row * columns + column] += (contrast * value) as f32;
            }
        }
    }

    /// Grey at a distance and angle from the centre; 1 inside.
    fn value(&self, distance: f64, angle: f64) -> f64 {
        let outside = distance - self.radius(angle);
        let body = 1.0 / (1.0 + (outside / self.softness).exp());
        let line = |s: &Spicule| {
            let turn = angle - s.angle;
            if outside > s.length || turn.cos() <= 0.0 {
                return 0.0;
            }
            let across = distance * turn.sin() / s.half_width;
            0.6 * (-0.5 * across * across).exp() * (1.0 - outside.max(0.0) / s.length)
        };
        body.max(self.spicules.iter().map(line).fold(0.0, f64::max))
    }
}

/// Tissue: noise whose power falls with the third power of the frequency, as breast tissue's
/// does (Burgess, Med Phys 2001), mean 0, standard deviation 1.
fn texture(columns: usize, rows: usize, random: &mut Random) -> Vec<f32> {
    let levels = columns.max(rows).ilog2().saturating_sub(1);
    let size = |level: u32| ((columns >> level) + 2, (rows >> level) + 2);
    let (mut width, mut height) = size(levels);
    let mut grid = vec![0.0_f32; width * height];
    for level in (0..=levels).rev() {
        if level < levels {
            let (next_width, next_height) = size(level);
            grid = doubled(&grid, width, next_width, next_height);
            (width, height) = (next_width, next_height);
        }
        // Each octave of frequency has half the variance of the one below it.
        let strength = f32::from(level as u16).mul_add(0.5, 0.0).exp2();
        for value in grid.iter_mut().take(width * height) {
            *value += strength * random.normal() as f32;
        }
    }
    let mut out: Vec<f32> =
        (0..rows).flat_map(|row| grid[row * width..][..columns].iter().copied()).collect();
    let count = out.len() as f64;
    let mean = out.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let square = out.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let spread = square.sqrt().max(1e-9);
    out.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) / spread) as f32);
    out
}

/// A grid of twice the fineness, its new points halfway between the old.
fn doubled(grid: &[f32], from_width: usize, width: usize, height: usize) -> Vec<f32> {
    let from_height = grid.len() / from_width;
    let mut out = Vec::with_capacity(width * height);
    for row in 0..height {
        let (top, bottom) = ((row / 2).min(from_height - 1), row.div_ceil(2).min(from_height - 1));
        let (top, bottom) = (&grid[top * from_width..], &grid[bottom * from_width..]);
        for column in 0..width {
            let (left, right) =
                ((column / 2).min(from_width - 1), column.div_ceil(2).min(from_width - 1));
            out.push(0.25 * (top[left] + top[right] + bottom[left] + bottom[right]));
        }
    }
    out
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In any order, each with the same chance (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.uniform(0.0, (last + 1) as f64) as usize).min(last);
            items.swap(last, other);
        }
    }

    /// Mean 0, standard deviation 1: the sum of four even numbers, which needs no logarithm and is
    /// near enough to the normal curve here.
    pub fn normal(&mut self) -> f64 {
        let bits = self.next();
        let sum: f64 = (0..4).map(|i| ((bits >> (16 * i)) & 0xFFFF) as f64 / 65_536.0).sum();
        (sum - 2.0) * 3.0_f64.sqrt()
    }
}
