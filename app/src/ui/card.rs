//! One neighbour: its picture at the query's scale and pose, its outcome, source and terms.

use egui::{
    Align, Align2, Layout, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, vec2,
};
use precedent_core::case::{Case, Terms};
use precedent_core::geometry::ImagePoint;
use precedent_core::hanging;
use precedent_core::lexicon::Pathology;
use precedent_core::mammogram::Mammogram;
use precedent_core::measures::Measure;
use precedent_core::retrieval::Neighbour;

use super::marks;
use crate::command::Command;
use crate::state::{CaseAt, CasePicture, Film, State};
use crate::textures::{Painting, paint};
use crate::theme;
use crate::viewport::{View, aspect};

/// How a card is laid out, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub size: egui::Vec2,
    /// Of the square picture.
    pub side: f32,
    /// Words at the picture's right; else below it.
    pub is_row: bool,
    /// Of every card's picture beside the film's own scale, at most 1.
    pub shrink: f64,
}

/// How a case's picture is laid into its rectangle.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    /// The region in the middle, at the film's scale times this.
    Card { shrink: f64 },
    /// At the film's scale, moved as the query is moved where both have a size.
    Beside { off_center_in_mm: Option<(f64, f64)> },
}

/// Where a case's picture lies, and what must be said about that.
pub(super) struct Placed {
    pub view: View,
    pub is_mirrored: bool,
    pub is_to_scale: bool,
}

pub(super) fn show(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    at: CaseAt,
    neighbour: &Neighbour,
    shape: Shape,
    commands: &mut Vec<Command>,
) {
    let (rect, response) = ui.allocate_exact_size(shape.size, Sense::click());
    let is_selected = film.selected == Some(at);
    response
        .widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, spoken(neighbour)));
    if response.clicked() {
        commands.push(Command::OpenBeside(at));
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
    want_picture(state, neighbour, commands);
    ground(ui, rect, &response, is_selected);
    let inner = rect.shrink(6.0);
    let (picture_rect, words_rect) = if shape.is_row {
        let (picture, words) = inner.split_left_right_at_x(inner.left() + shape.side);
        (picture, words.with_min_x(words.left() + 10.0))
    } else {
        let (picture, words) = inner.split_top_bottom_at_y(inner.top() + shape.side);
        (picture, words.with_min_y(words.top() + 6.0))
    };
    picture(ui, state, film, neighbour, picture_rect, shape.shrink);
    let layout = Layout::top_down(Align::Min);
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(words_rect).layout(layout));
    child.set_clip_rect(words_rect.intersect(ui.clip_rect()));
    words(&mut child, neighbour);
    response.on_hover_ui(|ui| details(ui, state, neighbour));
}

fn ground(ui: &Ui, rect: Rect, response: &Response, is_selected: bool) {
    let ground = if response.hovered() { theme::HOVERED } else { theme::RAISED };
    ui.painter().rect_filled(rect, theme::CORNER, ground);
    let line = if is_selected || response.has_focus() {
        Stroke::new(2.0, theme::ACCENT)
    } else {
        Stroke::new(1.0, theme::LINE)
    };
    ui.painter().rect_stroke(rect, theme::CORNER, line, StrokeKind::Inside);
}

/// Asks for the picture of a case that came on the screen.
pub(super) fn want_picture(state: &State, neighbour: &Neighbour, commands: &mut Vec<Command>) {
    if !state.pictures.contains_key(&neighbour.case.id) {
        commands.push(Command::WantPicture(neighbour.case.id.clone()));
    }
}

fn picture(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    neighbour: &Neighbour,
    rect: Rect,
    shrink: f64,
) {
    ui.painter().rect_filled(rect, 3, theme::FILM_GROUND);
    let painter = ui.painter_at(rect);
    if let Some(placed) = draw(ui, state, film, neighbour, rect, Framing::Card { shrink }) {
        let mut notes = Vec::new();
        if placed.is_mirrored {
            notes.push("mirrored");
        }
        if !placed.is_to_scale {
            notes.push("not to scale");
        }
        if !notes.is_empty() {
            let at = rect.left_bottom() + vec2(6.0, -4.0);
            let font = theme::plain(10.5);
            let ink = theme::TEXT_SECOND;
            marks::words(&painter, at, Align2::LEFT_BOTTOM, &notes.join(", "), font, ink);
        }
    }
    let at = rect.left_top() + vec2(6.0, 4.0);
    let rank = neighbour.rank.to_string();
    marks::words(&painter, at, Align2::LEFT_TOP, &rank, theme::strong(13.0), theme::TEXT);
}

/// What the film's scale must be multiplied by for the largest of these outlines to fit into a
/// card's picture of this side; 1 where they all fit as they are.
pub(super) fn shrink<'a>(
    state: &State,
    film: &Film,
    neighbours: impl Iterator<Item = &'a Neighbour>,
    side: f32,
) -> f64 {
    const FILLED: f64 = 0.88;
    let largest = neighbours
        .filter_map(|neighbour| {
            let bounds = neighbour.case.contour.bounds();
            let (zoom, _) = scale(state, film, &neighbour.case)?;
            Some(zoom * bounds.width().max(bounds.height()))
        })
        .fold(0.0, f64::max);
    (FILLED * f64::from(side) / largest.max(1.0)).min(1.0)
}

/// Draws a case's picture and outline into `rect`; `None` while the picture is not there.
pub(super) fn draw(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    neighbour: &Neighbour,
    rect: Rect,
    framing: Framing,
) -> Option<Placed> {
    let case = &neighbour.case;
    let picture = match state.pictures.get(&case.id) {
        Some(CasePicture::Read(picture)) => picture,
        Some(CasePicture::Failed(text)) => {
            let at = rect.shrink(8.0);
            let label =
                egui::Label::new(RichText::new(text).size(theme::SMALL).color(theme::ERROR));
            ui.place(at, label.wrap());
            return None;
        }
        Some(CasePicture::Asked) | None => {
            let middle = Rect::from_center_size(rect.center(), vec2(16.0, 16.0));
            let mut middle = ui.new_child(egui::UiBuilder::new().max_rect(middle));
            super::spinner(&mut middle, 16.0, theme::TEXT_FAINT);
            return None;
        }
    };
    let placed = place(state, film, case, &picture.mammogram, rect, framing)?;
    let painting = Painting {
        mammogram: picture.mammogram.clone(),
        pyramid: picture.pyramid.clone(),
        voi_lut: picture.mammogram.voi_luts.first()?.clone(),
        is_inverted: film.window.as_ref().is_some_and(|window| window.is_inverted),
    };
    paint(ui, rect, placed.view, painting);
    if !state.outlines_are_hidden {
        let ink = theme::pathology(case.pathology);
        marks::contour(&ui.painter_at(rect), &placed.view, &case.contour, ink, 1.4);
    }
    Some(placed)
}

/// Screen points per pixel of a case's picture at the film's millimetres per point, and whether
/// that is to scale: a case without a size is drawn as large as the query's outline.
fn scale(state: &State, film: &Film, case: &Case) -> Option<(f64, bool)> {
    let query = film.read()?;
    let query_zoom = film.viewport.view(state.query_in_ui(), &query.mammogram).zoom;
    Some(match (query.mammogram.spacing, case.spacing) {
        (Some(ours), Some(theirs)) => {
            (query_zoom * theirs.column_spacing_mm / ours.column_spacing_mm, true)
        }
        _ => {
            let ours = film.marked().map_or(1.0, |marked| marked.outline.contour.area());
            let theirs = case.contour.area().max(1.0);
            (query_zoom * (ours / theirs).sqrt(), false)
        }
    })
}

/// At the film's scale, mirrored to its side: where both are known.
fn place(
    state: &State,
    film: &Film,
    case: &Case,
    picture: &Mammogram,
    rect: Rect,
    framing: Framing,
) -> Option<Placed> {
    let query = film.read()?;
    let (zoom, is_to_scale) = scale(state, film, case)?;
    let (middle, zoom, offset) = match (framing, case.spacing) {
        (Framing::Card { shrink }, _) => {
            (case.contour.bounds().center(), zoom * shrink, (0.0, 0.0))
        }
        (Framing::Beside { off_center_in_mm: Some((x, y)) }, Some(spacing)) => {
            let offset = (x / spacing.column_spacing_mm, y / spacing.row_spacing_mm);
            (case.contour.centroid(), zoom, offset)
        }
        (Framing::Beside { .. }, _) => (case.contour.centroid(), zoom, (0.0, 0.0)),
    };
    let (pose, is_mirrored) = hanging::pose_beside(&query.mammogram, picture);
    let aspect = aspect(picture);
    let mut view = View { rect_in_ui: rect, center_in_image: middle, zoom, aspect, pose };
    let (across, down) = view.directions();
    view.center_in_image =
        ImagePoint::new(middle.x + across * offset.0, middle.y + down * offset.1);
    Some(Placed { view, is_mirrored, is_to_scale })
}

fn words(ui: &mut Ui, neighbour: &Neighbour) {
    let case = &neighbour.case;
    ui.spacing_mut().item_spacing = vec2(6.0, 3.0);
    ui.spacing_mut().interact_size.y = 18.0;
    ui.horizontal(|ui| {
        outcome(ui, case.pathology);
        ui.label(RichText::new(format!("{:.2}", neighbour.distance)).size(theme::SMALL));
    });
    let terms = terms(&case.terms);
    if !terms.is_empty() {
        ui.label(RichText::new(terms.join(", ")).size(theme::SMALL).color(theme::TEXT));
    }
    ui.label(super::faint(&case.source));
}

/// The outcome, by word and colour.
pub(super) fn outcome(ui: &mut Ui, pathology: Pathology) {
    let text = RichText::new(pathology.word())
        .font(theme::strong(12.5))
        .color(theme::pathology(pathology));
    egui::Frame::new()
        .fill(theme::pathology_ground(pathology))
        .corner_radius(4)
        .inner_margin(egui::Margin::symmetric(7, 2))
        .show(ui, |ui| ui.label(text));
}

/// All that is known of a case.
pub(super) fn details(ui: &mut Ui, state: &State, neighbour: &Neighbour) {
    let case = &neighbour.case;
    ui.label(RichText::new(format!("{} · case {}", case.pathology.word(), case.id.0)).strong());
    let mut lines = vec![
        format!("Outcome known by: {}", case.outcome_basis),
        format!("Source: {}", case.source),
    ];
    let side = case.image_laterality.map_or("", |laterality| laterality.word());
    let view = case.view_position.map_or("", |position| position.word());
    if !(side.is_empty() && view.is_empty()) {
        lines.push(format!("View: {side} {view}"));
    }
    let terms = terms(&case.terms);
    if !terms.is_empty() {
        lines.push(format!("Terms: {}", terms.join(", ")));
    }
    for measure in Measure::ALL {
        let Some(value) = measure.text(&case.measures) else { continue };
        let place = super::measures::among(state, measure, &case.measures);
        let place = place.map_or_else(String::new, |place| format!(", {place}"));
        lines.push(format!("{}: {value}{place}", measure.words()));
    }
    let shares: Vec<String> = neighbour
        .shares
        .iter()
        .map(|(part, share)| format!("{part} {:.0} %", share * 100.0))
        .collect();
    if shares.len() > 1 {
        lines.push(format!("Distance from: {}", shares.join(", ")));
    }
    if !case.notes.is_empty() {
        lines.push(case.notes.clone());
    }
    lines.extend(case.cautions.iter().map(|caution| caution.text.clone()));
    for line in lines {
        ui.label(line);
    }
}

/// The terms that are known, each so that it reads alone.
pub(super) fn terms(terms: &Terms) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(terms.mass_shape.map(|shape| shape.word().to_owned()));
    words.extend(terms.mass_margin.map(|margin| margin.word().to_owned()));
    words.extend(terms.breast_density.map(|density| format!("density {density}")));
    words.extend(terms.assessment.map(|assessment| format!("BI-RADS {assessment}")));
    words.extend(terms.age.map(|age| format!("{age} years")));
    words
}

/// For a screen reader and for tests: rank, outcome, distance, terms, source.
pub(super) fn spoken(neighbour: &Neighbour) -> String {
    let case = &neighbour.case;
    let mut parts = vec![
        format!("Case {}", neighbour.rank),
        case.pathology.word().to_owned(),
        format!("distance {:.3}", neighbour.distance),
    ];
    parts.extend(terms(&case.terms));
    parts.push(case.source.clone());
    parts.join(", ")
}
