//! Contours against known borders: every way of pointing, each with the hand's errors, beside the
//! shape that was pointed with.

use std::f64::consts::{PI, TAU};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::cases::{Case, Listed};
use super::controls::Control;
use super::corrections::{self, Corrected, Hand};
use super::overlap::Overlap;
use super::report::{Report, Times, summed_up};
use super::statistics;
use super::{Error, page};
use crate::dicom::Reader;
use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::phantom::Random;
use crate::progress::{self, Progress};
use crate::segmentation::{Outliner, Prompt};

/// A way of pointing at a mass, with the hand's errors as shares of the mass's own size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Way {
    /// Pressed evenly within `center` radii of the middle, pulled to the radius times 1 - to 1 +
    /// `radius`.
    Drag {
        center: f64,
        radius: f64,
    },
    Click {
        center: f64,
    },
    /// Each side moved evenly from `inwards` to `outwards` of the box's size.
    Box {
        inwards: f64,
        outwards: f64,
    },
}

/// The ways that are tried; the first is the one that the goals speak of.
pub const WAYS: [Way; 7] = [
    Way::Drag { center: 0.15, radius: 0.20 },
    Way::Drag { center: 0.0, radius: 0.0 },
    Way::Drag { center: 0.30, radius: 0.30 },
    Way::Drag { center: 0.50, radius: 0.30 },
    Way::Click { center: 0.15 },
    Way::Box { inwards: 0.10, outwards: 0.10 },
    Way::Box { inwards: 0.0, outwards: 0.20 },
];
/// The ways after which corrections are simulated.
pub(super) const CORRECTED_WAYS: [usize; 2] = [0, 4];

impl Way {
    pub fn words(&self) -> String {
        let percent = |share: f64| (100.0 * share).round();
        match *self {
            Self::Drag { center, radius } => {
                format!("drag, centre {} %, radius {} %", percent(center), percent(radius))
            }
            Self::Click { center } => format!("click, centre {} %", percent(center)),
            Self::Box { inwards, outwards } => {
                format!("box, sides -{} to +{} %", percent(inwards), percent(outwards))
            }
        }
    }

    /// What a hand does, and, but for a click, the shape that it drew.
    fn prompt(&self, truth: &Contour, random: &mut Random) -> (Prompt, Option<Contour>) {
        let size = (truth.area() / PI).sqrt();
        let middle = truth.centroid();
        let mut pressed = |share: f64| {
            // The root makes places even over the disc.
            let off = share * size * random.uniform(0.0, 1.0).sqrt();
            let angle = random.uniform(0.0, TAU);
            ImagePoint::new(middle.x + off * angle.cos(), middle.y + off * angle.sin())
        };
        match *self {
            Self::Drag { center, radius } => {
                let center = pressed(center);
                let radius = size * random.uniform(1.0 - radius, 1.0 + radius);
                (Prompt::Drag { center, radius }, Some(Contour::circle(center, radius)))
            }
            Self::Click { center } => (Prompt::Click(pressed(center)), None),
            Self::Box { inwards, outwards } => {
                let bounds = truth.bounds();
                let mut out = |size: f64| size * random.uniform(-inwards, outwards);
                let rect = ImageRect {
                    min: ImagePoint::new(
                        bounds.min.x - out(bounds.width()),
                        bounds.min.y - out(bounds.height()),
                    ),
                    max: ImagePoint::new(
                        bounds.max.x + out(bounds.width()),
                        bounds.max.y + out(bounds.height()),
                    ),
                };
                let ellipse = Contour::circle(ImagePoint::default(), 0.5)
                    .scaled(rect.width(), rect.height())
                    .moved(rect.center().x, rect.center().y);
                (Prompt::Box(rect), Some(ellipse))
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Tries of each way on each case.
    pub prompts: usize,
    pub seed: u64,
}

/// What one case gave.
pub(super) struct Outcome {
    pub(super) patient: String,
    pub(super) stratum: String,
    /// One list a way: program and control.
    pub(super) ways: Vec<Vec<(Overlap, Overlap)>>,
    /// By way and hand, in the order of [`CORRECTED_WAYS`] and [`Hand::ALL`].
    pub(super) corrected: Vec<Option<Corrected>>,
    /// By control, for the prompts of the first way: `None` where it found nothing.
    pub(super) controls: Vec<Vec<Option<Overlap>>>,
    pub(super) refused: usize,
    pub(super) picture: Option<page::Outlined>,
}

/// Cases read together, so that their films need not all be kept.
const TOGETHER: usize = 8;
/// Cases on which time is measured.
const TIMED: usize = 60;

/// Outlines every case in every way. The same cases and seed give the same report but for times.
pub fn run(
    collection: &str,
    listed: &[Listed],
    settings: Settings,
    reader: &mut Reader,
    report: &mut progress::Report<'_>,
) -> Result<Report, Error> {
    let mut outcomes: Vec<(String, Outcome)> = Vec::new();
    let (mut skipped, mut first, mut pulls) = (Vec::new(), Vec::new(), Vec::new());
    for (part, together) in listed.chunks(TOGETHER).enumerate() {
        let done = (part * TOGETHER) as u64;
        let total = Some(listed.len() as u64);
        if report(Progress { step: "Outlining", done, total }).is_break() {
            return Err(Error::Cancelled);
        }
        let mut cases = Vec::new();
        for (idx, listed) in together.iter().enumerate() {
            match listed.load(reader) {
                Ok(case) => cases.push((part * TOGETHER + idx, case)),
                Err(why) => skipped.push(why),
            }
        }
        for (idx, case) in cases.iter().filter(|(idx, _)| *idx < TIMED) {
            timed(case, seeded(settings.seed, *idx, 99), &mut first, &mut pulls);
        }
        outcomes.par_extend(
            cases
                .into_par_iter()
                .map(|(idx, case)| (case.name.clone(), outcome(&case, idx, settings))),
        );
    }
    if outcomes.is_empty() {
        return Err(Error::NoCases(skipped));
    }
    Ok(summed_up(collection, outcomes, settings, skipped, times(first, pulls)))
}

fn seeded(seed: u64, case: usize, way: usize) -> Random {
    Random::new(seed ^ ((case as u64) << 20) ^ ((way as u64) << 8))
}

/// Times of one outline on a film that is open, and of a pull on it.
fn timed(case: &Case, mut random: Random, first: &mut Vec<f64>, pulls: &mut Vec<f64>) {
    let mut outliner = Outliner::new(case.film.clone());
    let (prompt, _) = WAYS[0].prompt(&case.truth, &mut random);
    let start = Instant::now();
    if outliner.outline(prompt, &[]).is_ok() {
        first.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let corrected = corrections::correct(case, &mut outliner, prompt, Hand::Careful, &mut random);
    pulls.extend(corrected.into_iter().flat_map(|corrected| corrected.milliseconds));
}

fn times(mut first: Vec<f64>, mut pulls: Vec<f64>) -> Times {
    let at = |values: &mut Vec<f64>, share| statistics::quantile(values, share);
    Times {
        outline_p50: at(&mut first, 0.5).unwrap_or_default(),
        outline_p95: at(&mut first, 0.95).unwrap_or_default(),
        correction_p50: at(&mut pulls, 0.5).unwrap_or_default(),
        correction_p95: at(&mut pulls, 0.95).unwrap_or_default(),
        outlines: first.len(),
        corrections: pulls.len(),
    }
}

fn outcome(case: &Case, idx: usize, settings: Settings) -> Outcome {
    let mut outliner = Outliner::new(case.film.clone());
    let spacing = case.film.spacing;
    let mut refused = 0;
    let mut picture = None;
    let mut ways = Vec::new();
    let mut controls = vec![Vec::new(); Control::ALL.len()];
    let mut equal = Control::equal(&case.film);
    for (way_idx, way) in WAYS.iter().enumerate() {
        let mut random = seeded(settings.seed, idx, way_idx);
        let mut overlaps = Vec::with_capacity(settings.prompts);
        for _ in 0..settings.prompts {
            let (prompt, drawn) = way.prompt(&case.truth, &mut random);
            let Ok(outline) = outliner.outline(prompt, &[]) else {
                refused += 1;
                continue;
            };
            let drawn = drawn.unwrap_or_else(|| clicked_circle(&mut outliner, case, prompt));
            if picture.is_none() {
                picture = Some(page::Outlined::new(case, &outline.contour, &drawn));
            }
            let of = |contour: &Contour| Overlap::of(contour, &case.truth, spacing);
            if let (0, Prompt::Drag { center, radius }) = (way_idx, prompt) {
                for (control, found) in Control::ALL.into_iter().zip(&mut controls) {
                    let contour = control.contour(case, &mut equal, center, radius);
                    found.push(contour.as_ref().map(of));
                }
            }
            overlaps.push((of(&outline.contour), of(&drawn)));
        }
        ways.push(overlaps);
    }
    let mut corrected = Vec::new();
    for way in CORRECTED_WAYS {
        for hand in Hand::ALL {
            let mut random = seeded(settings.seed, idx, way);
            let (prompt, _) = WAYS[way].prompt(&case.truth, &mut random);
            corrected.push(corrections::correct(case, &mut outliner, prompt, hand, &mut random));
        }
    }
    let (patient, stratum) = (case.patient.clone(), case.stratum.clone());
    Outcome { patient, stratum, ways, corrected, controls, refused, picture }
}

/// The circle of the size that a click finds.
fn clicked_circle(outliner: &mut Outliner, case: &Case, prompt: Prompt) -> Contour {
    let Prompt::Click(center) = prompt else { return case.truth.clone() };
    let radius = outliner.radius_of_click(center).unwrap_or(1.0);
    Contour::circle(center, radius)
}
