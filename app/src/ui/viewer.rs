//! The film, what is drawn over it, and the line of hints below.

use egui::{
    Align2, CursorIcon, EventFilter, Id, Key, Pos2, Rect, Role, Sense, Ui, WidgetInfo, vec2,
};
use precedent_core::geometry::ImagePoint;
use precedent_core::hanging::{self, Pose};
use precedent_core::segmentation::Correction;

use super::hand::{self, Hand};
use super::{beside, films, frames, marks, tools};
use crate::command::{Action, Command};
use crate::state::{Content, Film, Gesture, ReadFilm, State};
use crate::textures::{Painting, paint};
use crate::theme;
use crate::tool::Tool;
use crate::viewport::View;

/// How near to the contour the hand takes hold of it, in screen points.
const GRAB: f32 = 8.0;
/// How near the pointer is when the handles show, in screen points.
const NEAR: f32 = 24.0;
/// Height of the line of hints below the film.
const HINTS: f32 = 26.0;
/// Where the line of hints is at least as wide as this it names every gesture.
const WIDE_HINTS: f32 = 760.0;

/// The canvas's name for focus.
pub fn id() -> Id {
    Id::unique("film")
}

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let whole = ui.available_rect_before_wrap();
    let (canvas, hints) = whole.split_top_bottom_at_y(whole.bottom() - HINTS);
    if canvas != state.viewer_in_ui {
        commands.push(Command::PlaceViewer(canvas));
        tracing::debug!(target: "precedent::viewer", ?canvas, "the film's place in points");
    }
    let Some(film) = state.film() else { return };
    match &film.content {
        Content::Listed | Content::Reading { .. } => {
            let middle = Rect::from_center_size(canvas.center(), vec2(canvas.width() * 0.8, 40.0));
            ui.place(middle, |ui: &mut Ui| {
                ui.horizontal_centered(|ui| {
                    ui.add_space((ui.available_width() - 200.0).max(0.0) / 2.0);
                    super::working(ui, &format!("Reading {}", film.name()));
                })
                .response
            });
        }
        Content::Failed(text) => failed(ui, canvas, film, text),
        Content::Read(read) => {
            if let Some(view) = state.view() {
                read_film(ui, state, film, read, &view, commands);
            }
            if let Some(neighbour) = film.beside() {
                beside::show(ui, state, film, read, neighbour, commands);
            }
            hint_line(ui, state, film, hints);
        }
    }
}

fn failed(ui: &mut Ui, canvas: Rect, film: &Film, text: &str) {
    let middle = Rect::from_center_size(canvas.center(), vec2(canvas.width().min(520.0), 160.0));
    ui.place(middle, |ui: &mut Ui| {
        ui.vertical_centered(|ui| {
            ui.heading(format!("{} cannot be shown", film.name()));
            ui.label(egui::RichText::new(text).color(theme::ERROR));
        })
        .response
    });
}

fn read_film(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    read: &ReadFilm,
    view: &View,
    commands: &mut Vec<Command>,
) {
    let rect = view.rect_in_ui;
    let response = ui.interact(rect, id(), Sense::click_and_drag());
    let (side, hung) = (films::side_and_view(&read.mammogram), hung(view.pose));
    let label = format!("Film {side} {}{hung}", film.name());
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &label));
    if response.has_focus() {
        let filter = EventFilter {
            tab: false,
            horizontal_arrows: true,
            vertical_arrows: true,
            escape: true,
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id(), filter));
    }
    let Some(window) = &film.window else { return };
    let painting = Painting {
        mammogram: read.mammogram.clone(),
        pyramid: read.pyramid.clone(),
        voi_lut: window.voi_lut.clone(),
        is_inverted: window.is_inverted,
    };
    paint(ui, rect, *view, painting);
    let painter = ui.painter_at(rect);
    if response.has_focus() && ui.input(|input| input.key_down(Key::Tab)) {
        let line = egui::Stroke::new(1.0, theme::ACCENT);
        painter.rect_stroke(rect, 0, line, egui::StrokeKind::Inside);
    }

    let hover = response.hover_pos();
    let near = hover.and_then(|pos| grabbed(state, film, view, pos));
    if !state.outlines_are_hidden {
        let is_near = hover.is_some_and(|pos| is_near(film, view, pos));
        outlines(&painter, state, film, view, is_near);
    }
    labels(&painter, state, film, read, view);
    frames::show(ui, film, read, rect, commands);
    chips(ui, film, read, rect, commands);
    tools::chip(ui, state, read, rect, commands);
    hand::wheel(ui, state, film, &response, view, commands);
    let hand = hand::act(ui, state, film, &response, view, commands);
    if let Some(pos) = hover {
        if state.hands.tool == Tool::Push && !matches!(hand, Some(Hand::Pan | Hand::Window)) {
            let radius = state.hands.brush_radius(&read.mammogram) * view.zoom;
            painter.circle_stroke(pos, radius as f32, egui::Stroke::new(1.2, theme::LIVE));
        }
        if let Some(hint) = tools::hint(state, film, hand == Some(Hand::Refused)) {
            marks::hint(&painter, pos, hint);
        } else if hand.is_none() && near.is_none() {
            hand::rest(ui, state, film, view, pos, commands);
        }
    }
    let cursor = match (near, state.hands.tool) {
        (Some(_), Tool::Outline) => CursorIcon::Grab,
        _ => CursorIcon::Crosshair,
    };
    response.on_hover_and_drag_cursor(cursor);
}

/// The place of the contour under the pointer, a point pulled before if one is near.
pub(super) fn grabbed(state: &State, film: &Film, view: &View, pos: Pos2) -> Option<ImagePoint> {
    let outline = &film.marked()?.outline;
    if state.outlines_are_hidden {
        return None;
    }
    let pulled = outline.corrections.iter().filter_map(|correction| match correction {
        Correction::Through(at) => Some((*at, (view.ui_from_image(*at) - pos).length())),
        _ => None,
    });
    let nearest_pulled = pulled.min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((at, distance)) = nearest_pulled
        && distance < GRAB + 2.0
    {
        return Some(at);
    }
    let (at, distance) = marks::nearest(view, &outline.contour, pos);
    (distance < GRAB).then_some(at)
}

/// Whether the pointer is so near to the contour that its handles are of use.
fn is_near(film: &Film, view: &View, pos: Pos2) -> bool {
    film.marked().is_some_and(|m| marks::nearest(view, &m.outline.contour, pos).1 < NEAR)
}

fn outlines(painter: &egui::Painter, state: &State, film: &Film, view: &View, is_near: bool) {
    match &state.gesture {
        Gesture::Idle => {}
        Gesture::Outlining { live, .. } | Gesture::Crosshair { live, .. } => {
            marks::prompt(painter, view, &live.wish);
        }
        Gesture::Mending { live, .. } => marks::correction(painter, view, &live.wish),
    }
    match state.gesture.answer() {
        Some(Ok(marked)) => {
            marks::outline(painter, view, &marked.outline, theme::LIVE, 1.8);
            marks::size(painter, view, marked);
        }
        Some(Err(_)) | None => {
            if let Some(marked) = film.marked() {
                marks::outline(painter, view, &marked.outline, theme::ACCENT, 1.6);
                if is_near {
                    marks::handles(painter, view, &marked.outline);
                }
            }
        }
    }
    if let Gesture::Crosshair { at, .. } = state.gesture {
        marks::cross(painter, view.ui_from_image(at), 22.0);
    }
}

/// What was done to the pixels as they are stored, so that the film hangs.
fn hung(pose: Pose) -> &'static str {
    match (pose.is_mirrored, pose.is_upside_down) {
        (false, false) => "",
        (true, false) => ", mirrored to hang",
        (false, true) => ", turned over to hang",
        (true, true) => ", turned round to hang",
    }
}

/// Side and view, the ruler, the window, the directions: at corners and edges, where no tissue is.
fn labels(painter: &egui::Painter, state: &State, film: &Film, read: &ReadFilm, view: &View) {
    let rect = view.rect_in_ui;
    let side = films::side_and_view(&read.mammogram);
    let at = rect.left_top() + vec2(14.0, 12.0);
    if !side.is_empty() {
        marks::words(painter, at, Align2::LEFT_TOP, &side, theme::strong(20.0), theme::TEXT);
    }
    if view.pose != Pose::default() {
        // Below the chip of the tool.
        let at = rect.left_top() + vec2(14.0, 72.0);
        let text = hung(view.pose).trim_start_matches(", ");
        marks::words(painter, at, Align2::LEFT_TOP, text, theme::plain(12.0), theme::TEXT_SECOND);
    }
    if let Some(edges) = hanging::edges(&read.mammogram, view.pose) {
        marks::edges(painter, rect, &edges);
    }
    marks::scale_bar(painter, view, &read.mammogram, rect.left_bottom());
    if let Some(window) = &film.window {
        let (center, width) = window.center_width();
        let percent = view.zoom * f64::from(state.pixels_per_point) * 100.0;
        let inverted = if window.is_inverted { " · inverted" } else { "" };
        let text = format!("C {center:.0}  W {width:.0}{inverted} · {percent:.0} %");
        let at = rect.right_bottom() - vec2(14.0, 8.0);
        marks::words(
            painter,
            at,
            Align2::RIGHT_BOTTOM,
            &text,
            theme::plain(12.0),
            theme::TEXT_SECOND,
        );
    }
}

/// Cautions of the film, and the way to state its size, at the upper right.
fn chips(ui: &mut Ui, film: &Film, read: &ReadFilm, rect: Rect, commands: &mut Vec<Command>) {
    let corner = Rect::from_min_max(
        rect.left_top() + vec2(120.0, 10.0),
        rect.right_top() + vec2(-12.0, 34.0),
    );
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let mut corner = ui.new_child(egui::UiBuilder::new().max_rect(corner).layout(layout));
    for caution in read.mammogram.cautions.iter().chain(&film.cautions) {
        let (ink, ground) = match caution.is_doubt() {
            true => (theme::CAUTION, theme::CAUTION_GROUND),
            false => (theme::TEXT_SECOND, theme::RAISED),
        };
        super::chip(&mut corner, &caution.code, &caution.text, ink, ground);
    }
    if read.mammogram.spacing.is_none() {
        let text = "State the pixel size…";
        let why = "The film does not say how large its pixels are; lengths are in pixels until you state it";
        let chip = super::chip(&mut corner, text, why, theme::CAUTION, theme::CAUTION_GROUND);
        if chip.clicked() {
            commands.push(Command::Do(Action::StateScale));
        }
    }
}

/// The line below the film: what the hand can do now.
fn hint_line(ui: &mut Ui, state: &State, film: &Film, rect: Rect) {
    let (text, ink) = match (&state.gesture, state.gesture.answer()) {
        (_, Some(Err(text))) => (text.as_str(), theme::CAUTION),
        (Gesture::Outlining { .. }, _) => {
            ("Let go to keep this outline · Esc cancels", theme::LIVE)
        }
        (Gesture::Mending { from: Some(_), .. }, _) => {
            ("Let go where the contour should pass · Esc cancels", theme::LIVE)
        }
        (Gesture::Mending { from: None, .. }, _) => {
            ("Let go to keep this · Enter too · Esc cancels", theme::LIVE)
        }
        (Gesture::Crosshair { .. }, _) => (
            "Crosshair: arrows move it, Shift further · + and − radius · Enter outlines · P pulls \
             the contour here · Esc leaves",
            theme::LIVE,
        ),
        (Gesture::Idle, _) if rect.width() < WIDE_HINTS => {
            let text = match film.marked() {
                Some(_) => "Drag the contour to pull it · F1: all gestures and keys",
                None => "Drag from the centre of a mass · F1: all gestures and keys",
            };
            (text, theme::TEXT_FAINT)
        }
        (Gesture::Idle, _) if film.marked().is_some() => (
            "Drag the contour to pull it · Shift: include · Ctrl: exclude · B: push brush · D: \
             redraw · S: smooth · R: snap again · Alt and wheel: larger, smaller · F1: all keys",
            theme::TEXT_FAINT,
        ),
        (Gesture::Idle, _) => (
            "Drag from the centre of a mass · Alt: box · click: automatic size · right button: \
             window · wheel: zoom · Space and drag: move · F1: all keys",
            theme::TEXT_FAINT,
        ),
    };
    ui.painter().rect_filled(rect, 0, theme::PANEL);
    let label =
        egui::Label::new(egui::RichText::new(text).size(theme::SMALL).color(ink)).truncate();
    ui.place(rect.shrink2(vec2(12.0, 2.0)), label);
}
