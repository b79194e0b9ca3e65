//! What is drawn over a film: outlines, handles, prompts, the scale bar, words.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::hanging::Edges;
use precedent_core::mammogram::Mammogram;
use precedent_core::segmentation::{Correction, DOUBTFUL, Outline, Prompt};

use crate::state::Marked;
use crate::theme;
use crate::viewport::View;

/// Most handles on a contour: few, so that none is in the way.
const MAX_HANDLES: usize = 10;

/// A closed contour, readable on white and on black.
pub(super) fn contour(painter: &Painter, view: &View, contour: &Contour, ink: Color32, width: f32) {
    let points: Vec<Pos2> = contour.points().iter().map(|&p| view.ui_from_image(p)).collect();
    painter.add(Shape::closed_line(points.clone(), Stroke::new(width + 2.0, theme::UNDERLAY)));
    painter.add(Shape::closed_line(points, Stroke::new(width, ink)));
}

/// An outline: whole where its border is certain, dashed where the doctor should look.
pub(super) fn outline(painter: &Painter, view: &View, outline: &Outline, ink: Color32, width: f32) {
    let points: Vec<Pos2> =
        outline.contour.points().iter().map(|&p| view.ui_from_image(p)).collect();
    let line = Stroke::new(width, ink);
    painter.add(Shape::closed_line(points.clone(), Stroke::new(width + 2.0, theme::UNDERLAY)));
    for (arc, is_doubtful) in arcs(&outline.confidence, points.len()) {
        let places: Vec<Pos2> = arc.map(|i| points[i % points.len()]).collect();
        if is_doubtful {
            painter.extend(Shape::dashed_line(&places, line, 5.0, 4.0));
        } else {
            painter.add(Shape::line(places, line));
        }
    }
}

/// A closed line's vertices in runs of one certainty, each run ending where the next begins;
/// side `i` leaves vertex `i` and is as certain as that vertex.
fn arcs(confidence: &[f32], num_points: usize) -> Vec<(std::ops::RangeInclusive<usize>, bool)> {
    let is_doubtful = |i: usize| confidence.get(i % num_points).is_some_and(|c| *c < DOUBTFUL);
    let changes = |i: &usize| is_doubtful(*i) != is_doubtful(*i + num_points - 1);
    let starts: Vec<usize> = (0..num_points).filter(changes).collect();
    let Some(first) = starts.first() else {
        return vec![(0..=num_points, is_doubtful(0))];
    };
    let ends = starts.iter().skip(1).copied().chain([first + num_points]);
    starts.iter().zip(ends).map(|(&start, end)| (start..=end, is_doubtful(start))).collect()
}

/// Where the contour bends most, and the points that were pulled: shown while the hand is near.
pub(super) fn handles(painter: &Painter, view: &View, outline: &Outline) {
    let dot = |at: ImagePoint, radius: f32, fill: Color32| {
        let at = view.ui_from_image(at);
        painter.circle(at, radius, fill, Stroke::new(1.0, theme::UNDERLAY));
    };
    for at in bends(&outline.contour) {
        dot(at, 2.5, theme::ACCENT);
    }
    for correction in &outline.corrections {
        if let Correction::Through(at) = correction {
            dot(*at, 3.5, Color32::WHITE);
        }
    }
}

/// Both diameters, at the lower right of a contour.
pub(super) fn size(painter: &Painter, view: &View, marked: &Marked) {
    let measures = &marked.measures;
    let text = format!(
        "{:.1} × {:.1} {}",
        measures.longest_diameter, measures.perpendicular_diameter, measures.unit
    );
    let bounds = marked.outline.contour.bounds();
    let bounds = Rect::from_two_pos(view.ui_from_image(bounds.min), view.ui_from_image(bounds.max));
    let corner = bounds.right_bottom() + vec2(8.0, 4.0);
    let font = theme::plain(12.0);
    let width = painter.layout_no_wrap(text.clone(), font.clone(), theme::TEXT).size().x;
    let room = painter.clip_rect().shrink(12.0);
    let at = pos2(corner.x.min(room.right() - width), corner.y.min(room.bottom() - 40.0));
    words(painter, at, Align2::LEFT_TOP, &text, font, theme::TEXT);
}

/// What the hand has drawn so far.
pub(super) fn prompt(painter: &Painter, view: &View, prompt: &Prompt) {
    let line = Stroke::new(1.0, theme::TEXT_SECOND);
    match *prompt {
        Prompt::Drag { center, radius } => {
            let points: Vec<Pos2> = Contour::circle(center, radius)
                .points()
                .iter()
                .map(|&p| view.ui_from_image(p))
                .collect();
            let points = [points.as_slice(), &points[..1]].concat();
            painter.extend(Shape::dashed_line(&points, line, 4.0, 4.0));
            cross(painter, view.ui_from_image(center), 5.0);
        }
        Prompt::Box(rect) => {
            let rect =
                Rect::from_two_pos(view.ui_from_image(rect.min), view.ui_from_image(rect.max));
            painter.rect_stroke(rect, 0, line, egui::StrokeKind::Middle);
        }
        Prompt::Click(at) => cross(painter, view.ui_from_image(at), 5.0),
    }
}

/// What the hand mends with: the line it has drawn, or the place it pulls to.
pub(super) fn correction(painter: &Painter, view: &View, correction: &Correction) {
    let ink = match correction {
        Correction::Exclude(_) => theme::CAUTION,
        _ => theme::LIVE,
    };
    match correction {
        Correction::Through(at) => cross(painter, view.ui_from_image(*at), 6.0),
        // The brush itself shows where it is.
        Correction::Push { .. }
        | Correction::Smooth
        | Correction::KeepLargest
        | Correction::Resnap => {}
        Correction::Include(line) | Correction::Exclude(line) | Correction::Redraw(line) => {
            let points: Vec<Pos2> = line.iter().map(|&p| view.ui_from_image(p)).collect();
            painter.add(Shape::line(points.clone(), Stroke::new(4.0, theme::UNDERLAY)));
            painter.add(Shape::line(points, Stroke::new(2.0, ink)));
        }
    }
}

pub(super) fn cross(painter: &Painter, at: Pos2, arm: f32) {
    for (stroke_width, ink) in [(3.0, theme::UNDERLAY), (1.2, theme::LIVE)] {
        let line = Stroke::new(stroke_width, ink);
        painter.line_segment([at - vec2(arm, 0.0), at + vec2(arm, 0.0)], line);
        painter.line_segment([at - vec2(0.0, arm), at + vec2(0.0, arm)], line);
    }
}

/// What lies at the film's edges, as it hangs; in doubt with a question mark.
pub(super) fn edges(painter: &Painter, rect: Rect, edges: &Edges) {
    let doubt = if edges.is_doubted { "?" } else { "" };
    for (at, align, letters) in [
        (rect.left_center() + vec2(14.0, 0.0), Align2::LEFT_CENTER, &edges.left),
        // Below the chips, before the strip of frames, above the ruler.
        (rect.center_top() + vec2(0.0, 44.0), Align2::CENTER_TOP, &edges.top),
        (rect.right_center() - vec2(26.0, 0.0), Align2::RIGHT_CENTER, &edges.right),
        (rect.center_bottom() - vec2(0.0, 50.0), Align2::CENTER_BOTTOM, &edges.bottom),
    ] {
        let ink = if edges.is_doubted { theme::CAUTION } else { theme::TEXT_SECOND };
        words(painter, at, align, &format!("{letters}{doubt}"), theme::strong(14.0), ink);
    }
}

/// A ruler of a round length at the lower left, with its unit and where that is from.
pub(super) fn scale_bar(painter: &Painter, view: &View, film: &Mammogram, corner: Pos2) {
    let (per_unit, unit) = match &film.spacing {
        Some(spacing) => (view.zoom / spacing.column_spacing_mm, spacing.origin.unit()),
        None => (view.zoom, "px, no pixel size".to_owned()),
    };
    let (length, points) = round_length(per_unit);
    let y = corner.y - 10.0;
    let (left, right) = (corner.x + 14.0, corner.x + 14.0 + points);
    for (width, ink) in [(4.0, theme::UNDERLAY), (1.6, theme::TEXT)] {
        let line = Stroke::new(width, ink);
        painter.line_segment([pos2(left, y), pos2(right, y)], line);
        for x in [left, right] {
            painter.line_segment([pos2(x, y - 5.0), pos2(x, y + 1.0)], line);
        }
    }
    let at = pos2(left, y - 8.0);
    words(
        painter,
        at,
        Align2::LEFT_BOTTOM,
        &format!("{length} {unit}"),
        theme::plain(12.0),
        theme::TEXT,
    );
}

/// A length of 1, 2 or 5 times a power of ten that is 60 to 150 points long, and its points.
fn round_length(points_per_unit: f64) -> (f64, f32) {
    let at_most = 150.0 / points_per_unit;
    let power = 10f64.powf(at_most.log10().floor());
    let length = [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|&l| l <= at_most);
    let length = length.unwrap_or(power);
    (length, (length * points_per_unit) as f32)
}

/// A sentence beside the pointer, whole on the film.
pub(super) fn hint(painter: &Painter, pointer: Pos2, text: &str) {
    let font = theme::plain(12.5);
    let size = painter.layout_no_wrap(text.to_owned(), font.clone(), theme::CAUTION).size();
    let room = painter.clip_rect().shrink(8.0);
    let at = pointer + vec2(16.0, 18.0);
    let left = at.x.min(room.right() - size.x).max(room.left());
    // Where it would run out below, it stands above the pointer.
    let top = if at.y + size.y > room.bottom() { pointer.y - 18.0 - size.y } else { at.y };
    words(painter, pos2(left, top), Align2::LEFT_TOP, text, font, theme::CAUTION);
}

/// Words on a film, with a dark ground under them.
pub(super) fn words(
    painter: &Painter,
    at: Pos2,
    align: Align2,
    text: &str,
    font: FontId,
    ink: Color32,
) -> Rect {
    let galley = painter.layout_no_wrap(text.to_owned(), font, ink);
    let rect = align.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(4.0, 1.0)), 3, theme::UNDERLAY);
    painter.galley(rect.min, galley, ink);
    rect
}

/// The places where a contour bends most, in or out, the sharpest first; none near another.
fn bends(contour: &Contour) -> Vec<ImagePoint> {
    const STEPS: usize = 96;
    /// A bend is told over so many steps to either side, so that the film's grain makes none.
    const REACH: usize = 4;
    let even = contour.resampled(STEPS);
    let points = even.points();
    let turn = |i: usize| {
        let (a, b, c) =
            (points[(i + STEPS - REACH) % STEPS], points[i], points[(i + REACH) % STEPS]);
        let (u, v) = ((b.x - a.x, b.y - a.y), (c.x - b.x, c.y - b.y));
        (u.0 * v.1 - u.1 * v.0).atan2(u.0 * v.0 + u.1 * v.1).abs()
    };
    let turns: Vec<f64> = (0..STEPS).map(turn).collect();
    let mut peaks: Vec<usize> = (0..STEPS)
        .filter(|&i| {
            turns[i] >= turns[(i + 1) % STEPS] && turns[i] >= turns[(i + STEPS - 1) % STEPS]
        })
        .collect();
    peaks.sort_by(|&a, &b| turns[b].total_cmp(&turns[a]));
    let apart = |a: usize, b: usize| a.abs_diff(b).min(STEPS - a.abs_diff(b));
    let mut kept: Vec<usize> = Vec::with_capacity(MAX_HANDLES);
    for peak in peaks {
        if kept.len() < MAX_HANDLES && kept.iter().all(|&other| apart(peak, other) >= 2 * REACH) {
            kept.push(peak);
        }
    }
    kept.into_iter().map(|i| points[i]).collect()
}

/// The point of a contour nearest to a place on the screen, and its distance there in points.
pub(super) fn nearest(view: &View, contour: &Contour, pos: Pos2) -> (ImagePoint, f32) {
    let mut best = (contour.points()[0], f32::INFINITY);
    for (p, q) in contour.edges() {
        let (a, b) = (view.ui_from_image(p), view.ui_from_image(q));
        let ab = b - a;
        let part = if ab.length_sq() > 0.0 { (pos - a).dot(ab) / ab.length_sq() } else { 0.0 };
        let part = part.clamp(0.0, 1.0);
        let distance = (a + ab * part - pos).length();
        if distance < best.1 {
            let part = f64::from(part);
            best = (ImagePoint::new(p.x + (q.x - p.x) * part, p.y + (q.y - p.y) * part), distance);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ruler_is_a_round_length_that_fits() {
        for points_per_unit in [0.003, 0.19, 1.0, 4.0, 33.0, 700.0] {
            let (length, points) = round_length(points_per_unit);
            assert!((60.0..=150.0).contains(&points), "{points} at {points_per_unit}");
            let digits = length / 10f64.powf(length.log10().floor());
            assert!([1.0, 2.0, 5.0].iter().any(|d| (digits - d).abs() < 1e-6), "{length}");
        }
    }

    #[test]
    fn handles_stand_on_the_corners_and_are_few() {
        let corners = [(0.0, 0.0), (60.0, 0.0), (60.0, 40.0), (0.0, 40.0)];
        let corners = corners.map(|(x, y)| ImagePoint::new(x, y));
        let handles = bends(&Contour::new(corners.to_vec()).expect("four points"));
        for corner in corners {
            let nearest = handles.iter().map(|h| h.distance(corner)).fold(f64::INFINITY, f64::min);
            // The perimeter of 200 in 96 steps.
            assert!(nearest < 2.1, "no handle at {corner:?}, the nearest is {nearest} away");
        }
        let circle = bends(&Contour::circle(ImagePoint::new(0.0, 0.0), 10.0));
        assert!((1..=MAX_HANDLES).contains(&circle.len()), "{}", circle.len());
    }

    #[test]
    fn arcs_go_once_around_and_tell_doubt_from_certainty() {
        let (sure, doubtful) = (1.0, DOUBTFUL / 2.0);
        assert_eq!(arcs(&[sure; 5], 5), [(0..=5, false)]);
        assert_eq!(arcs(&[doubtful; 5], 5), [(0..=5, true)]);
        let mixed = [doubtful, sure, sure, doubtful, doubtful];
        assert_eq!(arcs(&mixed, 5), [(1..=3, false), (3..=6, true)]);
    }
}
