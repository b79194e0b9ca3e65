//! Where does this mass end? Circular dynamic programming on a polar cost image.
//!
//! A prompt gives a centre and the size to expect ([`polar`]'s prior). The film around it is
//! brought to a handy step and smoothed ([`crate::region`]), looked at along 128 rays and priced
//! ([`polar`]), and the cheapest closed path is the outline ([`path`]). Everything is solved
//! again from the base cost at each call: corrections are constraints ([`corrections`]), never
//! edits of the cost. What is moved free-hand ([`freeform`]) is kept as it was put; snapping it
//! again ([`ribbon`]) is a wish of its own.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::polar::Weights;

use self::polar::{COLUMNS, Rays, SizePrior};
use self::shape::{Aim, Shape};

use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::mammogram::Mammogram;
use crate::measures::{self, Measures};
use crate::region::{Film, Region, Scale};

mod corrections;
mod freeform;
mod path;
mod polar;
mod ribbon;
mod shape;
mod size;

/// What the doctor did to point at the mass; pixels of the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Prompt {
    /// Pressed at the centre and pulled outwards. The radius counts mean pixels where pixels are
    /// not square: it is the radius in mm over [`crate::mammogram::Spacing::mean_mm`].
    Drag { center: ImagePoint, radius: f64 },
    /// A box around it.
    Box(ImageRect),
    /// One click; the size is found.
    Click(ImagePoint),
}

/// A wish that the next solution must honour, in image coordinates.
///
/// The newest wish is always honoured; an earlier one gives way where the two contradict each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Correction {
    /// The contour passes here: the point is one of its vertices. A later point replaces an
    /// earlier one that lies in the same direction from the centre, to within one of 128 rays.
    Through(ImagePoint),
    /// All along this stroke is mass.
    Include(Vec<ImagePoint>),
    /// Nothing along this stroke is mass.
    Exclude(Vec<ImagePoint>),
    /// A round brush of this radius in mean pixels, moved along a path: pressed inside the contour it
    /// pushes it out, pressed outside it pushes it in.
    Push { path: Vec<ImagePoint>, radius: f64 },
    /// One freehand line: from inside to inside adds what it goes around, from outside to outside
    /// cuts off the smaller part.
    Redraw(Vec<ImagePoint>),
    /// Small bumps are rounded off.
    Smooth,
    /// What hangs on the largest part by a narrow neck is cut off.
    KeepLargest,
    /// The contour moves to the nearest border; points that were pulled stay.
    Resnap,
}

impl Correction {
    /// Every place that it names.
    pub fn points(&self) -> &[ImagePoint] {
        match self {
            Self::Through(point) => std::slice::from_ref(point),
            Self::Include(line) | Self::Exclude(line) | Self::Redraw(line) => line,
            Self::Push { path, .. } => path,
            Self::Smooth | Self::KeepLargest | Self::Resnap => &[],
        }
    }
}

/// What was asked and what came of it: the whole value that undo keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    pub prompt: Prompt,
    pub corrections: Vec<Correction>,
    pub contour: Contour,
    /// For each vertex of the contour, how much dearer the next best way would be; low is doubtful.
    pub confidence: Vec<f32>,
}

/// Below this confidence an arc is doubtful: the doctor should look, a picture shows it otherwise.
/// By trial on the masses of DDSM, where it marks about a seventh of the outlines.
pub const DOUBTFUL: f32 = 0.08;

/// Below this [signal](Outliner::signal_at) a click finds no reliable mass. Looked at on the
/// starter's films of the DDSM: of 60 masses, clicked in the middle, an eighth lie below, of 166
/// places in normal tissue three in four.
pub const RELIABLE: f64 = 2.0;

impl Outline {
    /// Share of the vertices, 0 to 1, whose confidence is below [`DOUBTFUL`].
    pub fn doubtful_share(&self) -> f64 {
        let doubtful = self.confidence.iter().filter(|c| **c < DOUBTFUL).count();
        doubtful as f64 / self.confidence.len().max(1) as f64
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("the mark lies outside the image; drag over the mass itself")]
    OutsideImage,
    #[error("the mark is smaller than a pixel; drag from the centre of the mass to its edge")]
    TooSmall,
    #[error("the mark is larger than the film; drag from the centre of the mass to its edge")]
    TooLarge,
    #[error("the mark lies on the centre of the outline; mark the mass anew around another centre")]
    AtCenter,
    #[error("that is far away from the mass; mark it anew with a larger drag")]
    TooFar,
    #[error("the line does not cross the outline: start and end outside to cut, inside to add")]
    LineMisses,
    #[error("the line starts inside and ends outside, or the other way round; end where you began")]
    LineEndsElsewhere,
    #[error("the outline cannot be drawn there at once; pull it in smaller steps")]
    Unreachable,
    #[error("nothing of the mass would be left")]
    NothingLeft,
}

/// Outlines on one film; keeps what it prepared for the last place, so that dragging is live.
///
/// What is kept changes the time, never the answer: the same prompt and corrections give the same
/// outline, whatever was asked before.
#[derive(Debug)]
pub struct Outliner {
    mammogram: Arc<Mammogram>,
    film: Film,
    weights: Weights,
    /// The last click and the radius that it found.
    clicked: Option<(ImagePoint, f64)>,
    /// The regions made last, newest at the end.
    regions: Vec<(RegionKey, Region)>,
    /// The last prompt, and its shapes after none, one, two … of these corrections.
    solved: Option<(Prompt, Vec<Correction>, Vec<Shape>)>,
}

/// Standard deviation of the smoothing of the film, in mm.
const SMOOTHING_MM: f64 = 0.25;
/// Cells from the centre to a radius of the prompt's size: finer tells no more, coarser blurs.
const CELLS_PER_RADIUS: f64 = 80.0;
/// Radii that readers drew on DDSM lie around this, 95 % below 12.4 mm. The spread is more than
/// twice theirs: a click on a mass in a lobe of dense tissue takes the mass, and a large mass is
/// still found.
const USUAL_RADIUS_MM: f64 = 7.0;
const USUAL_SPREAD: f64 = 0.8;
/// Regions kept: a drag from small to large passes through some.
const REGIONS: usize = 8;

/// Which region: its centre, the size it suits (fourths of an octave), its reach.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RegionKey {
    center: ImagePoint,
    level: i32,
    reach: f64,
}

impl Outliner {
    pub fn new(mammogram: Arc<Mammogram>) -> Self {
        Self::with_weights(mammogram, Weights::STANDARD)
    }

    /// [`Self::new`] with other weights of the cost, for comparison.
    pub fn with_weights(mammogram: Arc<Mammogram>, weights: Weights) -> Self {
        let film = Film::new(&mammogram);
        Self { mammogram, film, weights, clicked: None, regions: Vec::new(), solved: None }
    }

    /// The contour for this prompt after these corrections, inside the film. As long as nothing
    /// was moved free-hand it has 128 vertices, one a ray, star-shaped about the prompt's centre.
    pub fn outline(
        &mut self,
        prompt: Prompt,
        corrections: &[Correction],
    ) -> Result<Outline, Error> {
        let aim = self.aim(prompt)?;
        for point in corrections.iter().flat_map(Correction::points) {
            self.inside(*point)?;
        }
        let mut shapes = self.known(prompt, corrections);
        let solved = self.solve(&aim, corrections, &mut shapes);
        let last = shapes
            .last()
            .filter(|_| solved.is_ok())
            .map(|shape| (aim.contour(shape, corrections), shape.confidence().to_vec()));
        let reached = shapes.len().saturating_sub(1);
        self.solved = Some((prompt, corrections[..reached].to_vec(), shapes));
        solved?;
        let (contour, confidence) = last.expect("there is a shape before any correction");
        Ok(Outline { prompt, corrections: corrections.to_vec(), contour, confidence })
    }

    /// Measures a contour on this film, as [`crate::measures::measure`] does, but without preparing
    /// the film again.
    pub fn measure(&self, contour: &Contour) -> Measures {
        measures::measure_on((&self.mammogram, &self.film), contour)
    }

    /// The radius of the mass around a place, for those who know only its centre: the one within
    /// `radii` at which the film falls off most. In pixels, as [`Prompt::Drag`] has it.
    pub fn radius_within(
        &mut self,
        center: ImagePoint,
        radii: RangeInclusive<f64>,
    ) -> Result<f64, Error> {
        let found = self.found_within(center, &radii, None)?;
        Ok(self.radius_of(found, &radii))
    }

    /// In pixels.
    fn radius_of(&self, found: Option<size::Found>, radii: &RangeInclusive<f64>) -> f64 {
        // A place without tissue around it has no size; the middle of the range is as good as any.
        let middle = (radii.start() * radii.end()).sqrt();
        found.map_or(middle, |found| found.radius / Scale::new(&self.mammogram, 1.0).pixel())
    }

    /// How far the grey falls around this place at the size that a click finds, in standard
    /// deviations of the noise; below [`RELIABLE`] there is no mass that a click could find, and
    /// the doctor should drag. 0 where there is no tissue around.
    pub fn signal_at(&mut self, place: ImagePoint) -> Result<f64, Error> {
        let found = self.found_by_click(place)?;
        Ok(found.map_or(0.0, |found| match f64::from(found.score) / f64::from(found.noise) {
            ratio if ratio.is_finite() => ratio.max(0.0),
            // Without any noise, every fall is one.
            _ if found.score > 0.0 => f64::MAX,
            _ => 0.0,
        }))
    }

    fn found_within(
        &mut self,
        center: ImagePoint,
        radii: &RangeInclusive<f64>,
        usual: Option<size::Usual>,
    ) -> Result<Option<size::Found>, Error> {
        self.inside(center)?;
        let (low, high) = (*radii.start(), *radii.end());
        if !(low >= 1.0 && high >= low && high.is_finite()) {
            return Err(Error::TooSmall);
        }
        let pixel = Scale::new(&self.mammogram, 1.0).pixel();
        let (low, high) = (low * pixel, high * pixel);
        // A region of finer cells than its size asks for: small masses are looked for as well.
        let level = level_of(0.5 * high);
        let scale = Scale::new(&self.mammogram, level_radius(level));
        let region = self.region(center, level, scale, size::reach(high));
        Ok(size::best_radius(region, low, high, usual))
    }

    /// The radius that a click finds, in pixels as [`Prompt::Drag`] has it; the last one is kept,
    /// since every correction asks again.
    pub fn radius_of_click(&mut self, center: ImagePoint) -> Result<f64, Error> {
        match self.clicked {
            Some((known, radius)) if known == center => Ok(radius),
            _ => {
                let found = self.found_by_click(center)?;
                let radius = self.radius_of(found, &self.usual_radii());
                self.clicked = Some((center, radius));
                Ok(radius)
            }
        }
    }

    fn found_by_click(&mut self, center: ImagePoint) -> Result<Option<size::Found>, Error> {
        let unit = Scale::new(&self.mammogram, 1.0).mm;
        let usual = size::Usual { radius: USUAL_RADIUS_MM * unit, spread: USUAL_SPREAD };
        let usual = self.mammogram.spacing.map(|_| usual);
        self.found_within(center, &self.usual_radii(), usual)
    }

    /// The radii in which a click looks for a mass: 1.2 to 20 mm; on a film without a pixel size,
    /// 6 pixels to an eighth of its shorter side.
    fn usual_radii(&self) -> RangeInclusive<f64> {
        match self.mammogram.spacing {
            Some(spacing) => {
                (1.2 / spacing.mean_mm()).max(1.0)..=(20.0 / spacing.mean_mm()).max(1.0)
            }
            None => {
                let side = f64::from(self.mammogram.columns.min(self.mammogram.rows));
                6.0..=(side / 8.0).max(6.0)
            }
        }
    }

    /// The shapes after none, one, two … of these corrections, as far as they are known.
    fn known(&mut self, prompt: Prompt, corrections: &[Correction]) -> Vec<Shape> {
        match self.solved.take() {
            Some((solved, known, mut shapes)) if solved == prompt => {
                let same = known.iter().zip(corrections).take_while(|(a, b)| a == b).count();
                shapes.truncate(same + 1);
                shapes
            }
            _ => Vec::new(),
        }
    }

    /// Adds the shapes that are not known yet.
    fn solve(
        &mut self,
        aim: &Aim,
        corrections: &[Correction],
        shapes: &mut Vec<Shape>,
    ) -> Result<(), Error> {
        if shapes.len() > corrections.len() {
            return Ok(());
        }
        let rows = aim.rows(corrections)?;
        let (reach, weights) = (aim.reach(rows), self.weights);
        let region = self.region(aim.center, aim.level, aim.scale, reach);
        let base = polar::base_cost(region, &aim.rays, &aim.prior, weights, rows);
        if shapes.is_empty() {
            shapes.push(aim.first(&base));
        }
        while shapes.len() <= corrections.len() {
            let done = &corrections[..shapes.len()];
            let shape = aim.next(region, &base, done, &shapes[shapes.len() - 1])?;
            shapes.push(shape);
        }
        Ok(())
    }

    /// Reads a prompt: centre, scale, expected size.
    fn aim(&mut self, prompt: Prompt) -> Result<Aim, Error> {
        let (center, width, height, spread) = match prompt {
            Prompt::Drag { center, radius } => (center, radius, radius, 0.40),
            // The ellipse inside the box, a little smaller: boxes are drawn around, not through.
            Prompt::Box(rect) => (rect.center(), 0.475 * rect.width(), 0.475 * rect.height(), 0.30),
            Prompt::Click(center) => {
                let radius = self.radius_of_click(center)?;
                (center, radius, radius, 0.60)
            }
        };
        self.inside(center)?;
        if width.is_nan() || height.is_nan() || width.min(height) < 1.0 {
            return Err(Error::TooSmall);
        }
        let film_size = f64::from(self.mammogram.columns) + f64::from(self.mammogram.rows);
        if width.max(height) > 2.0 * film_size {
            return Err(Error::TooLarge);
        }
        let pixel = Scale::new(&self.mammogram, 1.0);
        let (a, b) = match prompt {
            Prompt::Box(_) => (width * pixel.column, height * pixel.row),
            _ => (width * pixel.pixel(), height * pixel.pixel()),
        };
        let radii = (0..COLUMNS)
            .map(|column| {
                let (dx, dy) = polar::direction(column);
                1.0 / (dx / a).hypot(dy / b)
            })
            .collect();
        let prior = SizePrior { radii, spread };
        let level = level_of(prior.mean());
        let scale = Scale::new(&self.mammogram, level_radius(level));
        let rays = Rays::new(&prior, scale);
        let (width, height) = (f64::from(self.mammogram.columns), f64::from(self.mammogram.rows));
        let film = ImageRect::from_corners(ImagePoint::default(), ImagePoint::new(width, height));
        Ok(Aim { center, scale, level, prior, rays, film })
    }

    fn inside(&self, point: ImagePoint) -> Result<(), Error> {
        let (width, height) = (f64::from(self.mammogram.columns), f64::from(self.mammogram.rows));
        let inside = (0.0..=width).contains(&point.x) && (0.0..=height).contains(&point.y);
        inside.then_some(()).ok_or(Error::OutsideImage)
    }

    /// The prepared film around a centre, out to `reach` at least; made where it is not kept.
    fn region(&mut self, center: ImagePoint, level: i32, scale: Scale, reach: f64) -> &Region {
        let kept = self
            .regions
            .iter()
            .position(|(key, _)| key.center == center && key.level == level && key.reach >= reach);
        let newest = match kept {
            Some(idx) => self.regions.remove(idx),
            None => {
                let radius = level_radius(level);
                let reach = reach.max(2.5 * radius);
                let key = RegionKey { center, level, reach };
                let (step, smoothing) = (radius / CELLS_PER_RADIUS, SMOOTHING_MM * scale.mm);
                let film = (&*self.mammogram, &self.film);
                (key, Region::new(film, scale, center, reach, step, smoothing))
            }
        };
        if self.regions.len() >= REGIONS {
            self.regions.remove(0);
        }
        self.regions.push(newest);
        &self.regions[self.regions.len() - 1].1
    }
}

/// The level that suits a radius in units: the next size up.
fn level_of(radius: f64) -> i32 {
    (4.0 * radius.log2()).ceil() as i32
}

/// The size, in units, of a level: each is a fourth of an octave above the one before.
fn level_radius(level: i32) -> f64 {
    (f64::from(level) / 4.0).exp2()
}
