//! How near is one contour to another?

use serde::Serialize;

use crate::geometry::{Contour, ImagePoint};
use crate::mammogram::Spacing;

/// Two contours compared. Lengths are in mm, in pixels where the film has no size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Overlap {
    /// 2 |A and B| / (|A| + |B|) of their pixels.
    pub dice: f64,
    /// |A and B| / |A or B|.
    pub iou: f64,
    /// The larger, of both directions, of the 95th percentile of the distances from one border to the
    /// other.
    pub hd95: f64,
    /// Mean distance between the borders, the mean of both directions.
    pub mean_distance: f64,
    /// Area of the found over the true one.
    pub area_ratio: f64,
    /// Whether the middle of the truth lies inside what was found.
    pub center_inside: bool,
}

/// Points along a border from which distances are taken.
const POINTS: usize = 256;

impl Overlap {
    pub fn of(found: &Contour, truth: &Contour, spacing: Option<Spacing>) -> Self {
        let (column, row) = spacing.map_or((1.0, 1.0), |s| (s.column_spacing_mm, s.row_spacing_mm));
        let (a, b) = (found.scaled(column, row), truth.scaled(column, row));
        let (there, back) = (gaps(&a, &b), gaps(&b, &a));
        let mean = |gaps: &[f64]| gaps.iter().sum::<f64>() / gaps.len() as f64;
        let dice = found.dice(truth);
        Self {
            dice,
            iou: dice / (2.0 - dice),
            hd95: percentile_95(&there).max(percentile_95(&back)),
            mean_distance: 0.5 * (mean(&there) + mean(&back)),
            area_ratio: found.area() / truth.area(),
            center_inside: found.contains(truth.centroid()),
        }
    }
}

/// Distance from points spaced evenly along one border to the nearest place of another, ascending.
fn gaps(from: &Contour, to: &Contour) -> Vec<f64> {
    let mut gaps: Vec<f64> =
        from.resampled(POINTS).points().iter().map(|p| distance(*p, to)).collect();
    gaps.sort_by(f64::total_cmp);
    gaps
}

/// Distance of a point from a border.
pub(super) fn distance(point: ImagePoint, border: &Contour) -> f64 {
    let to_side = |(p, q): (ImagePoint, ImagePoint)| {
        let (dx, dy) = (q.x - p.x, q.y - p.y);
        let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        let along = ((point.x - p.x) * dx + (point.y - p.y) * dy) / length;
        let along = along.clamp(0.0, 1.0);
        (point.x - p.x - along * dx).hypot(point.y - p.y - along * dy)
    };
    border.edges().map(to_side).fold(f64::INFINITY, f64::min)
}

/// The smallest value that 95 % do not exceed.
fn percentile_95(ascending: &[f64]) -> f64 {
    ascending[(ascending.len() * 95).div_ceil(100) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mammogram::SpacingOrigin;

    fn square(x: f64, side: f64) -> Contour {
        let corners = [(x, 0.0), (x + side, 0.0), (x + side, side), (x, side)];
        Contour::new(corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec()).expect("four corners")
    }

    #[test]
    fn squares_half_over_each_other_have_the_numbers_worked_out_by_hand() {
        let half_mm = Some(Spacing::square(0.5, SpacingOrigin::Stated));
        let found = Overlap::of(&square(10.0, 20.0), &square(0.0, 20.0), half_mm);
        // Common 10 x 20 of twice 20 x 20.
        assert!((found.dice - 0.5).abs() < 1e-12 && (found.iou - 1.0 / 3.0).abs() < 1e-12);
        // Of each border's 40 mm: one far side, 10 mm, is 5 mm away; half of the upper and the
        // lower side lies on the other border, the other half 0 to 5 mm away; one side of 10 mm is
        // inside, and its distance to the nearer of the upper and lower side is 0 to 5 and back.
        let mean = (10.0 * 5.0 + 2.0 * (5.0 * 2.5) + 10.0 * 2.5) / 40.0;
        assert!((found.mean_distance - mean).abs() < 0.02, "{}", found.mean_distance);
        assert!((found.hd95 - 5.0).abs() < 0.01, "{}", found.hd95);
        assert_eq!(found.area_ratio, 1.0);
    }

    #[test]
    fn circles_about_one_centre_are_the_difference_of_their_radii_apart() {
        let circle = |radius: f64| Contour::circle(ImagePoint::new(200.0, 200.0), radius);
        let found = Overlap::of(&circle(110.0), &circle(100.0), None);
        assert!((found.mean_distance - 10.0).abs() < 0.05 && (found.hd95 - 10.0).abs() < 0.05);
        // 2 * 100^2 / (100^2 + 110^2), and 100^2 / 110^2.
        assert!((found.dice - 20_000.0 / 22_100.0).abs() < 0.002, "{}", found.dice);
        assert!((found.iou - 100.0 / 121.0).abs() < 0.003 && found.center_inside);
        assert!((found.area_ratio - 1.21).abs() < 1e-9);
        let same = Overlap::of(&circle(50.0), &circle(50.0), None);
        assert!(same.dice == 1.0 && same.hd95 < 1e-9);
    }

    #[test]
    fn nineteen_in_twenty_do_not_exceed_the_95th_percentile() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile_95(&values), 95.0);
        assert_eq!(percentile_95(&[3.0]), 3.0);
    }
}
