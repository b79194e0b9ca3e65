//! A drawn mass in real tissue: the border is known, what lies around it is no invention.

use std::f64::consts::PI;
use std::sync::Arc;

use super::{Body, Drawn, Mass, Phantom, Random};
use crate::background;
use crate::geometry::ImagePoint;
use crate::lexicon::{MassMargin, Pathology};
use crate::mammogram::{Mammogram, PhotometricInterpretation};

/// The ring, in mm outside the mass, whose spread is the unit of its contrast: as
/// [`crate::measures`] has it.
const RING_MM: (f64, f64) = (0.5, 3.0);
/// Of the tissue's shorter side, the largest radius that leaves room around a mass.
const LARGEST_SHARE: f64 = 0.27;
/// Places tried, and the least share of tissue around one.
const TRIES: usize = 40;
const TISSUE_SHARE: f64 = 0.97;

impl Phantom {
    /// Adds a mass of this margin to a film of normal tissue; radius and contrast as the settings
    /// say, the rest by the seed. `None` where the film has no size, or no room for a mass among
    /// its tissue.
    pub fn blend(&self, tissue: &Mammogram, margin: MassMargin, seed: u64) -> Option<Drawn> {
        let pixel_mm = tissue.spacing?.mean_mm();
        let mut random = Random::new(seed);
        let (width, height) = (f64::from(tissue.columns), f64::from(tissue.rows));
        let largest = (LARGEST_SHARE * width.min(height) * pixel_mm).min(self.radius_mm.1);
        if largest <= self.radius_mm.0 {
            return None;
        }
        let radius = random.uniform(self.radius_mm.0, largest) / pixel_mm;
        let contrast = random.uniform(self.contrast.0, self.contrast.1);
        let body = Body::new(margin, radius, pixel_mm, &mut random);

        let empty = background::empty_samples(tissue);
        let room = 1.7 * radius;
        let (center, spread) = (0..TRIES).find_map(|_| {
            let place = ImagePoint::new(
                random.uniform(room, width - room),
                random.uniform(room, height - room),
            );
            let ring = (RING_MM.0 / pixel_mm, RING_MM.1 / pixel_mm);
            Some((place, spread_around(tissue, &empty, &body, place, ring)?))
        })?;

        let columns = tissue.columns as usize;
        let mut added = vec![0.0_f32; tissue.samples.len()];
        body.add(&mut added, columns, center, contrast * spread);
        let sign = match tissue.photometric_interpretation {
            PhotometricInterpretation::Monochrome1 => -1.0,
            PhotometricInterpretation::Monochrome2 => 1.0,
        };
        let top = f32::from(u16::MAX >> (16 - tissue.bits_stored.clamp(1, 16)));
        let blended = tissue.samples.iter().zip(&added).map(|(sample, added)| {
            if empty[usize::from(*sample)] || *added == 0.0 {
                return *sample;
            }
            (f32::from(*sample) + sign * added).round().clamp(0.0, top) as u16
        });
        let contour = body.contour(center);
        Some(Drawn {
            mass: Mass {
                center,
                radius_mm: (contour.area() / PI).sqrt() * pixel_mm,
                contour,
                margin,
                pathology: match margin {
                    MassMargin::Spiculated | MassMargin::Indistinct => Pathology::Malignant,
                    _ => Pathology::Benign,
                },
                contrast,
            },
            mammogram: Mammogram { samples: Arc::new(blended.collect()), ..tissue.clone() },
        })
    }
}

/// Standard deviation of the samples in the ring around where the body will lie; `None` where too
/// much of it, or of the place itself, is no tissue.
fn spread_around(
    tissue: &Mammogram,
    empty: &[bool],
    body: &Body,
    center: ImagePoint,
    (near, far): (f64, f64),
) -> Option<f64> {
    let reach = body.radii.iter().copied().fold(0.0, f64::max) + far;
    let range = |middle: f64, size: u32| {
        let clamp = |v: f64| v.clamp(0.0, f64::from(size)) as usize;
        clamp(middle - reach)..clamp(middle + reach)
    };
    let (mut seen, mut tissue_seen) = (0.0, 0.0);
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for row in range(center.y, tissue.rows) {
        for column in range(center.x, tissue.columns) {
            let (dx, dy) = (column as f64 + 0.5 - center.x, row as f64 + 0.5 - center.y);
            let outside = dx.hypot(dy) - body.radius(dy.atan2(dx));
            if outside > far {
                continue;
            }
            let sample = tissue.samples[row * tissue.columns as usize + column];
            seen += 1.0;
            if empty[usize::from(sample)] {
                continue;
            }
            tissue_seen += 1.0;
            if outside >= near {
                let value = f64::from(sample);
                count += 1.0;
                sum += value;
                squares += value * value;
            }
        }
    }
    let variance = squares / count - (sum / count).powi(2);
    (tissue_seen >= TISSUE_SHARE * seen && variance > 0.0).then(|| variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blended_mass_is_as_bright_as_its_contrast_says_and_the_rest_is_untouched() {
        let tissue = Phantom::region().draw(3).mammogram;
        let phantom = Phantom { contrast: (2.0, 2.0), ..Phantom::default() };
        let drawn = phantom.blend(&tissue, MassMargin::Circumscribed, 5).expect("there is room");
        let again = phantom.blend(&tissue, MassMargin::Circumscribed, 5).expect("there is room");
        assert_eq!(drawn.mammogram.samples, again.mammogram.samples);
        let added = |x: f64, y: f64| {
            let idx = y as usize * 512 + x as usize;
            f64::from(drawn.mammogram.samples[idx]) - f64::from(tissue.samples[idx])
        };
        let (center, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.1);
        let inside = added(center.x, center.y);
        assert!(inside > 0.0 && (added(center.x + 0.5 * radius, center.y) - inside).abs() <= 1.0);
        assert_eq!(added(center.x + 1.5 * radius, center.y), 0.0);
        let ends = drawn.mass.contour.points().iter();
        let halves = ends.map(|p| added(p.x, p.y) / inside).sum::<f64>() / 256.0;
        assert!((halves - 0.5).abs() < 0.05, "{halves} of it at the border");
    }

    #[test]
    fn no_mass_is_put_where_there_is_no_room_no_tissue_or_no_size() {
        let tissue = Phantom::region().draw(3).mammogram;
        let put =
            |film: &Mammogram| Phantom::default().blend(film, MassMargin::Spiculated, 1).is_some();
        assert!(put(&tissue));
        assert!(!put(&Mammogram { spacing: None, ..tissue.clone() }));
        let air = Mammogram { samples: Arc::new(vec![0; 512 * 512]), ..tissue.clone() };
        assert!(!put(&air));
        let mut small = tissue.clone();
        (small.columns, small.rows) = (100, 100);
        small.samples = Arc::new(tissue.samples[..10_000].to_vec());
        assert!(!put(&small));
    }
}
