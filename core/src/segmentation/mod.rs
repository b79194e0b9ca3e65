//! Where does this mass end? Circular dynamic programming on a polar cost image.
//!
//! A prompt gives a centre and the size to expect ([`polar`]'s prior). The film around it is
//! brought to a handy step and smoothed ([`crate::region`]), looked at along 128 rays and priced
//! ([`polar`]), and the cheapest closed path is the outline ([`path`]). Everything is solved
//! again from the base cost at each call: corrections are constraints ([`corrections`]), never
//! edits of the cost.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::corrections::{Pull, Stage};
use self::polar::{COLUMNS, ROWS, Rays, SizePrior};

use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::mammogram::Mammogram;
use crate::measures::{self, Measures};
use crate::region::{Film, Region, Scale};

mod corrections;
mod path;
mod polar;
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Correction {
    /// The contour passes here: the point is one of its vertices. A later point replaces an
    /// earlier one that lies in the same direction from the centre, to within one of 128 rays.
    Through(ImagePoint),
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
    #[error(
        "the point lies on the centre of the outline; mark the mass anew around another centre"
    )]
    AtCenter,
}

/// Outlines on one film; keeps what it prepared for the last place, so that dragging is live.
///
/// What is kept changes the time, never the answer: the same prompt and corrections give the same
/// outline, whatever was asked before.
#[derive(Debug)]
pub struct Outliner {
    mammogram: Arc<Mammogram>,
    film: Film,
    /// The regions made last, newest at the end.
    regions: Vec<(RegionKey, Region)>,
    /// The last prompt, and its path after none, one, two … of these corrections.
    solved: Option<(Prompt, Vec<Correction>, Vec<Stage>)>,
}

/// Standard deviation of the smoothing of the film, in mm.
const SMOOTHING_MM: f64 = 0.25;
/// Cells from the centre to a radius of the prompt's size: finer tells no more, coarser blurs.
const CELLS_PER_RADIUS: f64 = 80.0;
/// Regions kept: a drag from small to large passes through some.
const REGIONS: usize = 8;

/// Which region: its centre, the size it suits (fourths of an octave), its reach.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RegionKey {
    center: ImagePoint,
    level: i32,
    reach: f64,
}

/// A prompt, read: where and how large.
struct Aim {
    center: ImagePoint,
    scale: Scale,
    level: i32,
    prior: SizePrior,
}

impl Outliner {
    pub fn new(mammogram: Arc<Mammogram>) -> Self {
        let film = Film::new(&mammogram);
        Self { mammogram, film, regions: Vec::new(), solved: None }
    }

    /// The contour for this prompt that honours every correction: 128 vertices, one a ray, star-shaped
    /// about the prompt's centre, inside the film.
    pub fn outline(
        &mut self,
        prompt: Prompt,
        corrections: &[Correction],
    ) -> Result<Outline, Error> {
        let aim = self.aim(prompt)?;
        let rays = Rays::new(&aim.prior, aim.scale);
        let pulls = corrections
            .iter()
            .map(|Correction::Through(point)| {
                self.inside(*point)?;
                let offset = aim.scale.from_image(aim.center, *point);
                Pull::new(*point, offset, &rays).ok_or(Error::AtCenter)
            })
            .collect::<Result<Vec<_>, _>>()?;

        let stages = self.stages(&aim, &rays, prompt, corrections, &pulls);
        let stage = stages.last().expect("there is a path before any correction");
        let outline = Outline {
            prompt,
            corrections: corrections.to_vec(),
            contour: self.contour(&aim, &rays, &stage.path, &corrections::holding(&pulls)),
            confidence: stage.margins.clone(),
        };
        self.solved = Some((prompt, corrections.to_vec(), stages));
        Ok(outline)
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
        let found = size::best_radius(region, low, high);
        // A place without tissue around it has no size; the middle of the range is as good as any.
        Ok(found.map_or((low * high).sqrt(), |(radius, _)| radius) / pixel)
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

    /// The paths after none, one, two … corrections, from those that are known already.
    fn stages(
        &mut self,
        aim: &Aim,
        rays: &Rays,
        prompt: Prompt,
        corrections: &[Correction],
        pulls: &[Pull],
    ) -> Vec<Stage> {
        let mut stages = Vec::new();
        if let Some((solved, known, paths)) = self.solved.take()
            && solved == prompt
        {
            let same = known.iter().zip(corrections).take_while(|(a, b)| a == b).count();
            stages = paths;
            stages.truncate(same + 1);
        }
        if stages.len() > pulls.len() {
            return stages;
        }
        let farthest = pulls.iter().map(|p| p.row.ceil() as usize + 2).max().unwrap_or(0);
        let rows = farthest.max(rays.inner + ROWS);
        let reach = rays.reach(rows, &aim.prior);
        let region = self.region(aim.center, aim.level, aim.scale, reach);
        let base = polar::base_cost(region, rays, &aim.prior, rows);
        while stages.len() <= pulls.len() {
            let stage = corrections::solve(&base, rays, &pulls[..stages.len()], stages.last());
            stages.push(stage);
        }
        stages
    }

    /// Reads a prompt: centre, scale, expected size.
    fn aim(&mut self, prompt: Prompt) -> Result<Aim, Error> {
        let (center, width, height, spread) = match prompt {
            Prompt::Drag { center, radius } => (center, radius, radius, 0.40),
            // The ellipse inside the box, a little smaller: boxes are drawn around, not through.
            Prompt::Box(rect) => (rect.center(), 0.475 * rect.width(), 0.475 * rect.height(), 0.30),
            Prompt::Click(center) => {
                let radius = self.radius_within(center, self.usual_radii())?;
                (center, radius, radius, 0.60)
            }
        };
        self.inside(center)?;
        if !(width.min(height) >= 1.0 && width.is_finite() && height.is_finite()) {
            return Err(Error::TooSmall);
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
        Ok(Aim { center, scale, level, prior })
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

    /// The path as a contour in image space. A row stands for half a step on either side of it: of
    /// all curves that close, the contour is a smooth one. Pulled points become vertices.
    fn contour(&self, aim: &Aim, rays: &Rays, path: &[usize], holding: &[Pull]) -> Contour {
        let rows: Vec<f64> = path.iter().map(|row| *row as f64).collect();
        let mut smooth = rows.clone();
        for pull in holding {
            smooth[pull.column()] = pull.row;
        }
        let pinned = |column: usize| holding.iter().find(|pull| pull.column() == column);
        for _ in 0..SMOOTHING_ROUNDS {
            let last = smooth.clone();
            for column in (0..COLUMNS).filter(|c| pinned(*c).is_none()) {
                let (before, after) = ((column + COLUMNS - 1) % COLUMNS, (column + 1) % COLUMNS);
                let mean = (last[before] + 2.0 * last[column] + last[after]) / 4.0;
                smooth[column] = mean.clamp(rows[column] - 0.5, rows[column] + 0.5);
            }
        }
        let points = (0..COLUMNS)
            .map(|column| match pinned(column) {
                Some(pull) => pull.point,
                None => {
                    let (dx, dy) = polar::direction(column);
                    let radius = rays.radius(smooth[column]);
                    self.cut_off(aim, (radius * dx, radius * dy))
                }
            })
            .collect();
        Contour::new(points).expect("128 finite points")
    }

    /// The place at this offset, or where the way there leaves the film.
    fn cut_off(&self, aim: &Aim, offset: (f64, f64)) -> ImagePoint {
        let point = aim.scale.to_image(aim.center, offset);
        let part = |from: f64, to: f64, size: u32| {
            let end = to.clamp(0.0, f64::from(size));
            if to == end { 1.0 } else { (end - from) / (to - from) }
        };
        let share = part(aim.center.x, point.x, self.mammogram.columns).min(part(
            aim.center.y,
            point.y,
            self.mammogram.rows,
        ));
        let along = |from: f64, to: f64, size: u32| {
            (from + share * (to - from)).clamp(0.0, f64::from(size))
        };
        ImagePoint::new(
            along(aim.center.x, point.x, self.mammogram.columns),
            along(aim.center.y, point.y, self.mammogram.rows),
        )
    }
}

/// Rounds of averaging neighbours, within the half row that the path leaves open.
const SMOOTHING_ROUNDS: usize = 8;

/// The level that suits a radius in units: the next size up.
fn level_of(radius: f64) -> i32 {
    (4.0 * radius.log2()).ceil() as i32
}

/// The size, in units, of a level: each is a fourth of an octave above the one before.
fn level_radius(level: i32) -> f64 {
    (f64::from(level) / 4.0).exp2()
}
