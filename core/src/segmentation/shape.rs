//! From one correction to the next: rows along rays as long as that can tell it, a free line after.

use super::corrections::{self, Holding, Pull, Stage, Wish};
use super::freeform::{Edit, nearest};
use super::path::CostTable;
use super::polar::{self, COLUMNS, ROWS, Rays, SizePrior};
use super::{Correction, Error, ribbon};
use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::region::{Region, Scale};

/// A prompt, read: where, how large, along which rays.
#[derive(Debug)]
pub(super) struct Aim {
    pub(super) center: ImagePoint,
    pub(super) scale: Scale,
    pub(super) level: i32,
    pub(super) prior: SizePrior,
    pub(super) rays: Rays,
    /// The whole film, in pixels.
    pub(super) film: ImageRect,
}

/// What an outline is after some corrections.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Rays(Stage),
    /// In units about the prompt's centre.
    Free {
        contour: Contour,
        confidence: Vec<f32>,
    },
}

/// Rounds of averaging neighbours, within the half row that the path leaves open.
const SMOOTHING_ROUNDS: usize = 8;
/// Corrections farther out than this many searched ranges start a new mark instead.
const FARTHEST_RANGES: usize = 6;
/// Confidence of what was put by hand.
const BY_HAND: f32 = corrections::SURE;

impl Shape {
    pub(super) fn confidence(&self) -> &[f32] {
        match self {
            Self::Rays(stage) => &stage.margins,
            Self::Free { confidence, .. } => confidence,
        }
    }
}

impl Aim {
    /// Rows that the cost must have for these corrections.
    pub(super) fn rows(&self, corrections: &[Correction]) -> Result<usize, Error> {
        let on_rays = corrections.iter().take_while(|c| is_on_rays(c));
        let mut farthest = 0.0_f64;
        for correction in on_rays {
            farthest = farthest.max(self.wish(correction)?.farthest_row());
        }
        if farthest > (FARTHEST_RANGES * ROWS) as f64 {
            return Err(Error::TooFar);
        }
        Ok((farthest.ceil() as usize + 2).max(self.rays.inner + ROWS))
    }

    /// How far from the centre the film is looked at.
    pub(super) fn reach(&self, rows: usize) -> f64 {
        let rays = self.rays.reach(rows, &self.prior);
        rays + ribbon::reach(self.prior.mean())
    }

    /// The shape before any correction.
    pub(super) fn first(&self, base: &CostTable) -> Shape {
        Shape::Rays(corrections::solve(base, &self.rays, &[], None))
    }

    /// The shape after the last of these corrections, from the shape before it.
    pub(super) fn next(
        &self,
        region: &Region,
        base: &CostTable,
        done: &[Correction],
        before: &Shape,
    ) -> Result<Shape, Error> {
        let Some(newest) = done.last() else { return Ok(before.clone()) };
        if let (Shape::Rays(stage), true) = (before, is_on_rays(newest)) {
            let wishes = self.wishes(done)?;
            return Ok(Shape::Rays(corrections::solve(base, &self.rays, &wishes, Some(stage))));
        }
        let shape = self.in_units(before, &done[..done.len() - 1]);
        let edit = Edit { shape: &shape, film: self.film_in_units() };
        let line = |points: &[ImagePoint]| -> Vec<ImagePoint> {
            points.iter().map(|p| self.units_from_image(*p)).collect()
        };
        let contour = match newest {
            Correction::Through(point) => edit.pulled(self.units_from_image(*point))?,
            Correction::Include(stroke) => edit.stroked(&line(stroke), true)?,
            Correction::Exclude(stroke) => edit.stroked(&line(stroke), false)?,
            Correction::Push { radius, .. } if !radius.is_finite() => return Err(Error::TooLarge),
            Correction::Push { path, radius } => {
                edit.pushed(&line(path), radius * self.scale.pixel())?
            }
            Correction::Redraw(stroke) => edit.redrawn(&line(stroke))?,
            Correction::Smooth => edit.smoothed()?,
            Correction::KeepLargest => edit.largest_part()?,
            Correction::Resnap => {
                let radius = (shape.area() / std::f64::consts::PI).sqrt();
                let pins = self.pins(&shape, &done[..done.len() - 1]);
                edit.repaired(&ribbon::snapped(region, &shape, radius, &pins))?
            }
        };
        let confidence = carried(&shape, before.confidence(), &contour, self.rays.step);
        Ok(Shape::Free { contour, confidence })
    }

    /// The shape as a contour of the image.
    pub(super) fn contour(&self, shape: &Shape, corrections: &[Correction]) -> Contour {
        let rect = self.film;
        let points = match shape {
            Shape::Rays(stage) => self.on_rays(stage, &self.holding(corrections)),
            Shape::Free { contour, .. } => contour
                .points()
                .iter()
                .map(|p| self.scale.image_from_units(self.center, (p.x, p.y)))
                .map(|p| ImagePoint::new(p.x.clamp(0.0, rect.max.x), p.y.clamp(0.0, rect.max.y)))
                .collect(),
        };
        Contour::new(points).expect("finite points, three at least")
    }

    fn in_units(&self, shape: &Shape, corrections: &[Correction]) -> Contour {
        match shape {
            Shape::Free { contour, .. } => contour.clone(),
            Shape::Rays(stage) => {
                let points = self.on_rays(stage, &self.holding(corrections));
                let points = points.into_iter().map(|p| self.units_from_image(p)).collect();
                Contour::new(points).expect("128 finite points")
            }
        }
    }

    fn units_from_image(&self, point: ImagePoint) -> ImagePoint {
        let (x, y) = self.scale.units_from_image(self.center, point);
        ImagePoint::new(x, y)
    }

    fn film_in_units(&self) -> ImageRect {
        ImageRect {
            min: self.units_from_image(self.film.min),
            max: self.units_from_image(self.film.max),
        }
    }

    fn wish(&self, correction: &Correction) -> Result<Wish, Error> {
        let offset = |p: &ImagePoint| self.scale.units_from_image(self.center, *p);
        let stroke = |line: &[ImagePoint], belongs: bool| {
            let line: Vec<(f64, f64)> = line.iter().map(offset).collect();
            Wish::stroke(&line, belongs, &self.rays).ok_or(Error::AtCenter)
        };
        match correction {
            Correction::Through(point) => {
                let pull = Pull::new(*point, offset(point), &self.rays);
                pull.map(Wish::Pull).ok_or(Error::AtCenter)
            }
            Correction::Include(line) => stroke(line, true),
            Correction::Exclude(line) => stroke(line, false),
            _ => unreachable!("free-hand corrections are no wishes along rays"),
        }
    }

    fn wishes(&self, corrections: &[Correction]) -> Result<Vec<Wish>, Error> {
        let on_rays = corrections.iter().take_while(|c| is_on_rays(c));
        on_rays.map(|correction| self.wish(correction)).collect()
    }

    fn holding(&self, corrections: &[Correction]) -> Holding {
        // Wishes that cannot be told were refused before there was a shape.
        Holding::after(&self.wishes(corrections).unwrap_or_default())
    }

    /// Points pulled to their place that still lie on the contour, in units.
    fn pins(&self, contour: &Contour, corrections: &[Correction]) -> Vec<ImagePoint> {
        corrections
            .iter()
            .filter_map(|correction| match correction {
                Correction::Through(point) => Some(self.units_from_image(*point)),
                _ => None,
            })
            .filter(|pin| nearest(contour, *pin).0.distance(*pin) < 0.5 * self.rays.step)
            .collect()
    }

    /// The path as points of the image. A row stands for half a step on either side of it: of all
    /// curves that close, this is a smooth one. Pulled points become vertices.
    fn on_rays(&self, stage: &Stage, holding: &Holding) -> Vec<ImagePoint> {
        let rows: Vec<f64> = stage.path.iter().map(|row| *row as f64).collect();
        let mut smooth = rows.clone();
        for pull in &holding.pulls {
            smooth[pull.column()] = pull.row();
        }
        let pinned = |column: usize| holding.pulls.iter().find(|pull| pull.column() == column);
        for _ in 0..SMOOTHING_ROUNDS {
            let last = smooth.clone();
            for column in (0..COLUMNS).filter(|c| pinned(*c).is_none()) {
                let (before, after) = ((column + COLUMNS - 1) % COLUMNS, (column + 1) % COLUMNS);
                let mean = (last[before] + 2.0 * last[column] + last[after]) / 4.0;
                smooth[column] = mean.clamp(rows[column] - 0.5, rows[column] + 0.5);
            }
        }
        (0..COLUMNS)
            .map(|column| match pinned(column) {
                Some(pull) => pull.point,
                None => {
                    let (dx, dy) = polar::direction(column);
                    let radius = self.rays.radius(smooth[column]);
                    self.cut_off((radius * dx, radius * dy))
                }
            })
            .collect()
    }

    /// The place at this offset, or where the way there leaves the film.
    fn cut_off(&self, offset: (f64, f64)) -> ImagePoint {
        let (center, size) = (self.center, self.film.max);
        let point = self.scale.image_from_units(center, offset);
        let part = |from: f64, to: f64, size: f64| {
            let end = to.clamp(0.0, size);
            if to == end { 1.0 } else { (end - from) / (to - from) }
        };
        let share = part(center.x, point.x, size.x).min(part(center.y, point.y, size.y));
        let along = |from: f64, to: f64, size: f64| (from + share * (to - from)).clamp(0.0, size);
        ImagePoint::new(along(center.x, point.x, size.x), along(center.y, point.y, size.y))
    }
}

/// Whether rays can tell a correction.
fn is_on_rays(correction: &Correction) -> bool {
    matches!(correction, Correction::Through(_) | Correction::Include(_) | Correction::Exclude(_))
}

/// The confidence of each new vertex: that of the old side beside it; sure where the hand put it.
fn carried(old: &Contour, confidence: &[f32], new: &Contour, step: f64) -> Vec<f32> {
    let beside = |p: &ImagePoint| {
        let (place, side) = nearest(old, *p);
        if place.distance(*p) > step { BY_HAND } else { confidence[side] }
    };
    new.points().iter().map(beside).collect()
}
