//! What is drawn over a film: outlines, handles, prompts, the scale bar, words.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::mammogram::Mammogram;
use precedent_core::segmentation::{Correction, Outline, Prompt};

use crate::state::Marked;
use crate::theme;
use crate::viewport::View;

/// Handles on a contour: few, so that none is in the way.
pub(super) const NUM_HANDLES: usize = 12;

/// A closed contour, readable on white and on black.
pub(super) fn contour(painter: &Painter, view: &View, contour: &Contour, ink: Color32, width: f32) {
    let points: Vec<Pos2> = contour.points().iter().map(|&p| view.ui_from_image(p)).collect();
    painter.add(Shape::closed_line(points.clone(), Stroke::new(width + 2.0, theme::UNDERLAY)));
    painter.add(Shape::closed_line(points, Stroke::new(width, ink)));
}

/// The points where the contour may be taken, and those that were already pulled.
pub(super) fn handles(painter: &Painter, view: &View, outline: &Outline, shows_all: bool) {
    let dot = |at: ImagePoint, radius: f32, fill: Color32| {
        let at = view.ui_from_image(at);
        painter.circle(at, radius, fill, Stroke::new(1.5, theme::UNDERLAY));
    };
    if shows_all {
        for at in evenly(&outline.contour, NUM_HANDLES) {
            dot(at, 3.5, theme::ACCENT);
        }
    }
    for correction in &outline.corrections {
        if let Correction::Through(at) = correction {
            dot(*at, 4.5, Color32::WHITE);
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
    let corner = view.ui_from_image(marked.outline.contour.bounds().max) + vec2(8.0, 4.0);
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

pub(super) fn cross(painter: &Painter, at: Pos2, arm: f32) {
    for (stroke_width, ink) in [(3.0, theme::UNDERLAY), (1.2, theme::LIVE)] {
        let line = Stroke::new(stroke_width, ink);
        painter.line_segment([at - vec2(arm, 0.0), at + vec2(arm, 0.0)], line);
        painter.line_segment([at - vec2(0.0, arm), at + vec2(0.0, arm)], line);
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

/// Points at equal steps along a contour.
fn evenly(contour: &Contour, count: usize) -> Vec<ImagePoint> {
    let total: f64 = contour.edges().map(|(p, q)| p.distance(q)).sum();
    let step = total / count as f64;
    let (mut walked, mut found) = (0.0, Vec::with_capacity(count));
    for (p, q) in contour.edges() {
        let length = p.distance(q);
        while found.len() < count && found.len() as f64 * step < walked + length {
            let part = (found.len() as f64 * step - walked) / length;
            found.push(ImagePoint::new(p.x + (q.x - p.x) * part, p.y + (q.y - p.y) * part));
        }
        walked += length;
    }
    found
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
    fn handles_stand_at_equal_steps() {
        let circle = Contour::circle(ImagePoint::new(0.0, 0.0), 10.0);
        let handles = evenly(&circle, 4);
        for (handle, (x, y)) in handles.iter().zip([(10.0, 0.0), (0.0, 10.0), (-10.0, 0.0)]) {
            assert!(handle.distance(ImagePoint::new(x, y)) < 1e-6, "{handle:?}");
        }
        assert_eq!(handles.len(), 4);
    }
}
