//! A doctor who corrects, simulated: pulls the contour through a point of the true border, or dabs
//! what is wrongly in or out.

use std::time::Instant;

use serde::Serialize;

use super::cases::Case;
use super::overlap::{Overlap, distance};
use crate::geometry::{Contour, ImagePoint, Mask, distances};
use crate::phantom::Random;
use crate::segmentation::{Correction, Outliner, Prompt};

/// Which error is mended next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Hand {
    /// The largest one, however small.
    Careful,
    /// One of the three largest; none below 1 mm, and stops where there is none.
    Hurried,
    /// Dabs the middle of the largest region that is wrongly in or out, as the clicks of RITM and
    /// SimpleClick do (Sofiiuk et al., arXiv:2102.06583).
    Dabs,
}

impl Hand {
    pub const ALL: [Self; 3] = [Self::Careful, Self::Hurried, Self::Dabs];

    pub fn words(self) -> &'static str {
        match self {
            Self::Careful => "always the largest error",
            Self::Hurried => "one of the three largest errors, none below 1 mm",
            Self::Dabs => "dabs the largest region that is wrong",
        }
    }
}

/// Pulls at most; who needs more is counted with this many.
pub(super) const LIMIT: usize = 20;
/// Overlaps (IoU) for which pulls are counted.
pub(super) const GOALS: [f64; 3] = [0.80, 0.85, 0.90];
/// Pulls after which Dice is told.
pub(super) const TOLD: [usize; 4] = [0, 1, 3, 5];
/// Standard deviation of where the hand puts the point, to either side, in mm.
const TREMOR_MM: f64 = 0.3;
/// An error that a hurried hand lets be, in mm.
const LET_BE_MM: f64 = 1.0;
/// Places along the true border; errors closer than a twelfth of it are one.
const PLACES: usize = 96;

/// One case corrected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Corrected {
    /// After no pull, one, two …: as many as were done.
    pub(super) dice: Vec<f64>,
    pub(super) iou: Vec<f64>,
    /// Of each pull.
    pub(super) milliseconds: Vec<f64>,
}

impl Corrected {
    /// Dice after this many pulls, of the last one where there were fewer.
    pub(super) fn dice_after(&self, pulls: usize) -> f64 {
        self.dice[pulls.min(self.dice.len() - 1)]
    }

    /// Pulls until this IoU; `None` where it was not reached.
    pub(super) fn pulls_to(&self, goal: f64) -> Option<usize> {
        self.iou.iter().position(|iou| *iou >= goal)
    }
}

/// Outlines and corrects; `None` where the prompt itself is refused.
pub(super) fn correct(
    case: &Case,
    outliner: &mut Outliner,
    prompt: Prompt,
    hand: Hand,
    random: &mut Random,
) -> Option<Corrected> {
    let spacing = case.film.spacing;
    let mut contour = outliner.outline(prompt, &[]).ok()?.contour;
    let mut pulls = Vec::new();
    let mut corrected = Corrected { dice: Vec::new(), iou: Vec::new(), milliseconds: Vec::new() };
    let most_told = TOLD[TOLD.len() - 1];
    loop {
        let overlap = Overlap::of(&contour, &case.truth, spacing);
        corrected.dice.push(overlap.dice);
        corrected.iou.push(overlap.iou);
        let done = overlap.iou >= GOALS[GOALS.len() - 1] && pulls.len() >= most_told;
        if done || pulls.len() == LIMIT {
            return Some(corrected);
        }
        let next = match hand {
            Hand::Careful | Hand::Hurried => {
                next_point(case, &contour, hand, random).map(Correction::Through)
            }
            Hand::Dabs => next_dab(&contour, &case.truth),
        };
        let Some(next) = next else { return Some(corrected) };
        pulls.push(next);
        let start = Instant::now();
        // A pull that is refused ends the hand's work; what it costs is counted.
        match outliner.outline(prompt, &pulls) {
            Ok(outline) => contour = outline.contour,
            Err(_) => return Some(corrected),
        }
        corrected.milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
    }
}

/// Where the hand pulls next, on the film.
fn next_point(
    case: &Case,
    contour: &Contour,
    hand: Hand,
    random: &mut Random,
) -> Option<ImagePoint> {
    let pixel = case.film.spacing.map_or(1.0, |spacing| spacing.mean_mm());
    let places = case.truth.resampled(PLACES);
    let errors: Vec<f64> = places.points().iter().map(|p| distance(*p, contour) * pixel).collect();
    let largest = largest_errors(&errors, if hand == Hand::Careful { 1 } else { 3 });
    let kept: Vec<usize> = match hand {
        Hand::Careful => largest,
        _ => largest.into_iter().filter(|idx| errors[*idx] >= LET_BE_MM).collect(),
    };
    let last = kept.len().checked_sub(1)?;
    let chosen = places.points()[kept[(random.uniform(0.0, kept.len() as f64) as usize).min(last)]];
    let tremor = TREMOR_MM / pixel;
    Some(ImagePoint::new(
        (chosen.x + tremor * random.normal()).clamp(0.0, f64::from(case.film.columns)),
        (chosen.y + tremor * random.normal()).clamp(0.0, f64::from(case.film.rows)),
    ))
}

/// A dab where the largest disc fits that is wrongly in or out.
fn next_dab(found: &Contour, truth: &Contour) -> Option<Correction> {
    const CELLS: f64 = 120.0;
    let (a, b) = (found.bounds(), truth.bounds());
    let left = ImagePoint::new(a.min.x.min(b.min.x), a.min.y.min(b.min.y));
    let (width, height) = (a.max.x.max(b.max.x) - left.x, a.max.y.max(b.max.y) - left.y);
    let step = (width.max(height) / CELLS).max(f64::MIN_POSITIVE);
    let in_cells =
        |contour: &Contour| contour.moved(-left.x, -left.y).scaled(1.0 / step, 1.0 / step);
    let (found, truth) = (in_cells(found), in_cells(truth));
    let size = CELLS as usize + 1;
    let (inside_found, inside_truth) = (Mask::of(&found), Mask::of(&truth));
    let depths = distances(found.edges().chain(truth.edges()), size, size, CELLS);
    let is_wrong = |idx: &usize| {
        let (column, row) = ((idx % size) as i64, (idx / size) as i64);
        inside_found.contains(column, row) != inside_truth.contains(column, row)
    };
    let deepest = (0..size * size)
        .filter(is_wrong)
        .max_by(|a, b| depths[*a].total_cmp(&depths[*b]))
        .filter(|idx| depths[*idx].is_finite())?;
    let (column, row) = (deepest % size, deepest / size);
    let at =
        ImagePoint::new(left.x + (column as f64 + 0.5) * step, left.y + (row as f64 + 0.5) * step);
    Some(match inside_truth.contains(column as i64, row as i64) {
        true => Correction::Include(vec![at]),
        false => Correction::Exclude(vec![at]),
    })
}

/// Places of the largest errors, largest first, none within a twelfth of the border of another.
fn largest_errors(errors: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|a, b| errors[*b].total_cmp(&errors[*a]));
    let mut kept: Vec<usize> = Vec::new();
    for idx in order {
        let apart = |other: &usize| {
            let gap = idx.abs_diff(*other);
            gap.min(errors.len() - gap) > errors.len() / 12
        };
        if kept.len() < count && kept.iter().all(apart) {
            kept.push(idx);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_errors_are_apart_from_each_other_around_the_ring() {
        let mut errors = vec![0.0; 24];
        (errors[0], errors[1], errors[23], errors[12], errors[6]) = (9.0, 8.0, 7.0, 5.0, 6.0);
        assert_eq!(largest_errors(&errors, 3), [0, 6, 12]);
        assert_eq!(largest_errors(&errors, 1), [0]);
    }

    #[test]
    fn a_dab_falls_into_the_middle_of_what_is_wrong() {
        let truth = Contour::circle(ImagePoint::new(50.0, 50.0), 20.0);
        // Wrongly in: from 70 to 88. Wrongly out: from 30 to 44.
        let found = Contour::circle(ImagePoint::new(66.0, 50.0), 22.0);
        let Some(Correction::Exclude(dab)) = next_dab(&found, &truth) else {
            panic!("most that is wrong is wrongly in")
        };
        assert!((dab[0].x - 79.0).abs() < 1.0 && (dab[0].y - 50.0).abs() < 1.0, "{dab:?}");
        let smaller = Contour::circle(ImagePoint::new(50.0, 50.0), 12.0);
        assert!(matches!(next_dab(&smaller, &truth), Some(Correction::Include(_))));
        assert_eq!(next_dab(&truth, &truth), None);
    }

    #[test]
    fn pulls_are_counted_to_the_first_time_a_goal_is_reached() {
        let corrected = Corrected {
            dice: vec![0.7, 0.8, 0.9],
            iou: vec![0.5, 0.82, 0.79],
            milliseconds: vec![1.0, 1.0],
        };
        assert_eq!(corrected.pulls_to(0.80), Some(1));
        assert_eq!((corrected.pulls_to(0.5), corrected.pulls_to(0.85)), (Some(0), None));
        assert_eq!((corrected.dice_after(1), corrected.dice_after(5)), (0.8, 0.9));
    }
}
