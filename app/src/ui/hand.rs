//! The hand on the film: outline, pull, stroke, window, pan, zoom, rest.

use egui::{Key, PointerButton, Pos2, Response, Ui};
use precedent_core::geometry::{ImagePoint, ImageRect};
use precedent_core::segmentation::Prompt;

use super::viewer::grabbed;
use super::{marks, tools};
use crate::command::Command;
use crate::state::{Film, Gesture, State};
use crate::tool::{Stroke, Tool};
use crate::viewport::View;

/// After so many seconds without a turn, the wheel has come to rest.
const WHEEL_RESTS: f64 = 0.4;
/// Points of scrolling for one frame: about one notch of a wheel.
const FRAME_TURN: f32 = 40.0;
/// After so many seconds without a movement, the pointer has come to rest …
const RESTS: f64 = 0.35;
/// … and rests until it is this many screen points away.
const STILL: f32 = 6.0;

/// What the pressed button does until it is let go; remembered by the canvas alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hand {
    Pan,
    Window,
    Drag(ImagePoint),
    Box(ImagePoint),
    Pull(ImagePoint),
    Stroke(Stroke, ImagePoint),
    /// There is nothing that it could mend.
    Refused,
    /// Cancelled with Esc: nothing more until the button is up.
    Spent,
}

/// Turns what the pointer does into commands; what the hand holds meanwhile.
pub(super) fn act(
    ui: &Ui,
    state: &State,
    film: &Film,
    response: &Response,
    view: &View,
    commands: &mut Vec<Command>,
) -> Option<Hand> {
    let memory = response.id.with("hand");
    if let Some(pos) = response.interact_pointer_pos()
        && response.clicked_by(PointerButton::Primary)
    {
        clicked(ui, state, film, view, pos, commands);
    }
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin());
        let origin = origin.or(response.interact_pointer_pos());
        if let Some(origin) = origin {
            let hand = taken_up(ui, state, film, response, view, origin);
            ui.data_mut(|data| data.insert_temp(memory, hand));
        }
    }
    let hand = ui.data(|data| data.get_temp::<Hand>(memory))?;
    let at = view.image_from_ui(response.interact_pointer_pos()?);
    let draws = matches!(hand, Hand::Drag(_) | Hand::Box(_) | Hand::Pull(_) | Hand::Stroke(..));
    // One frame after the first movement the gesture stands in the state; if it is gone, it was
    // cancelled.
    if draws && !response.drag_started() && state.gesture == Gesture::Idle {
        ui.data_mut(|data| data.insert_temp(memory, Hand::Spent));
        return Some(Hand::Spent);
    }
    let is_accepted = draws && ui.input(|input| input.key_pressed(Key::Enter));
    let has_moved = response.drag_started() || response.drag_delta() != egui::Vec2::ZERO;
    let has_ended = response.drag_stopped() || is_accepted;
    match hand {
        Hand::Spent | Hand::Refused => {}
        Hand::Pan if has_moved => commands.push(Command::Look(view.panned(response.drag_delta()))),
        Hand::Window if has_moved => commands.push(Command::DragWindow(response.drag_delta())),
        Hand::Pan | Hand::Window => {}
        Hand::Drag(center) => {
            let prompt = Prompt::Drag { center, radius: center.distance(at).max(1.0) };
            outline(prompt, has_moved, has_ended, commands);
        }
        Hand::Box(corner) => {
            let prompt = Prompt::Box(ImageRect::from_corners(corner, at));
            outline(prompt, has_moved, has_ended, commands);
        }
        Hand::Pull(from) if has_ended => commands.push(Command::CommitPoint { from, to: at }),
        Hand::Pull(from) if has_moved => commands.push(Command::DragPoint { from, to: at }),
        Hand::Stroke(stroke, from) if has_ended => {
            commands.push(Command::CommitStroke { stroke, from, to: at });
        }
        Hand::Stroke(stroke, from) if has_moved => {
            commands.push(Command::DragStroke { stroke, from, to: at });
        }
        Hand::Pull(_) | Hand::Stroke(..) => {}
    }
    if response.drag_stopped() {
        ui.data_mut(|data| data.remove::<Hand>(memory));
    } else if is_accepted {
        ui.data_mut(|data| data.insert_temp(memory, Hand::Spent));
    }
    Some(hand)
}

/// A click: a mark of automatic size, or a dab where one mends.
fn clicked(
    ui: &Ui,
    state: &State,
    film: &Film,
    view: &View,
    pos: Pos2,
    commands: &mut Vec<Command>,
) {
    let at = view.image_from_ui(pos);
    match tools::stroke(state.hands.tool, ui.input(|input| input.modifiers)) {
        // A line of one point goes around nothing.
        Some(Stroke::Redraw) => {}
        Some(stroke) if tools::can_mend(state, film) => {
            commands.push(Command::CommitStroke { stroke, from: at, to: at });
        }
        Some(_) => {}
        None if grabbed(state, film, view, pos).is_none() => {
            commands.push(Command::CommitOutline(Prompt::Click(at)));
        }
        None => {}
    }
}

fn outline(prompt: Prompt, has_moved: bool, has_ended: bool, commands: &mut Vec<Command>) {
    if has_ended {
        commands.push(Command::CommitOutline(prompt));
    } else if has_moved {
        commands.push(Command::DragOutline(prompt));
    }
}

/// What a drag that begins here means.
fn taken_up(
    ui: &Ui,
    state: &State,
    film: &Film,
    response: &Response,
    view: &View,
    origin: Pos2,
) -> Hand {
    let (modifiers, space) = ui.input(|input| (input.modifiers, input.key_down(Key::Space)));
    let at = view.image_from_ui(origin);
    if response.drag_started_by(PointerButton::Secondary) {
        Hand::Window
    } else if response.drag_started_by(PointerButton::Middle) || space {
        Hand::Pan
    } else if modifiers.alt {
        Hand::Box(at)
    } else if let Some(stroke) = tools::stroke(state.hands.tool, modifiers) {
        if tools::can_mend(state, film) { Hand::Stroke(stroke, at) } else { Hand::Refused }
    } else if let Some(from) = grabbed(state, film, view, origin) {
        Hand::Pull(from)
    } else {
        Hand::Drag(at)
    }
}

/// Zoom, or frame after frame of a film with several; with Alt over the mass the size of its mark, with Shift the size of the push brush.
pub(super) fn wheel(
    ui: &Ui,
    state: &State,
    film: &Film,
    response: &Response,
    view: &View,
    commands: &mut Vec<Command>,
) {
    let memory = response.id.with("wheel");
    let (scroll, pinch, modifiers, now, is_pressed) = ui.input(|input| {
        let scroll = input.smooth_scroll_delta();
        (scroll, input.zoom_delta(), input.modifiers, input.time, input.pointer.any_down())
    });
    // With Shift, and on some systems with Alt, the wheel turns across.
    let turned = if scroll.y == 0.0 { scroll.x } else { scroll.y };
    let turns_mark = ui.data(|data| data.get_temp::<f64>(memory));
    if let Some(since) = turns_mark
        && (now - since > WHEEL_RESTS || is_pressed)
    {
        ui.data_mut(|data| data.remove::<f64>(memory));
        commands.push(Command::CommitMark);
    }
    let Some(pos) = response.hover_pos() else { return };
    let contour = film.marked().map(|marked| &marked.outline.contour);
    let is_over = contour.is_some_and(|contour| contour.contains(view.image_from_ui(pos)));
    let has_frames = film.read().is_some_and(|read| read.mammogram.frame.count > 1);
    // Of several frames the wheel turns the pages; with Ctrl it zooms, as everywhere.
    let scrolled = if has_frames { 0.0 } else { scroll.y };
    let factor = f64::from(pinch) * f64::from(scrolled * 0.004).exp();
    if turned != 0.0 && modifiers.alt && (is_over || turns_mark.is_some()) && !is_pressed {
        commands.push(Command::ScaleMark(f64::from(turned * 0.002).exp()));
        ui.data_mut(|data| data.insert_temp(memory, now));
        let rests = std::time::Duration::from_secs_f64(WHEEL_RESTS + 0.05);
        ui.ctx().request_repaint_after(rests);
    } else if turned != 0.0 && modifiers.shift && state.hands.tool == Tool::Push {
        commands.push(Command::ScaleBrush(f64::from(turned * 0.004).exp()));
    } else if has_frames && scroll.y != 0.0 && !modifiers.alt {
        let frames = frames_passed(ui, response.id.with("frames"), scroll.y);
        if frames != 0 {
            commands.push(Command::StepFrame(frames));
        }
    } else if factor != 1.0 && !modifiers.alt {
        commands.push(Command::Look(view.zoomed_at(pos, factor)));
    }
}

/// Whole frames that the wheel has passed, downwards to later ones; the rest is kept for its next turn.
fn frames_passed(ui: &Ui, memory: egui::Id, scrolled: f32) -> i32 {
    let before: f32 = ui.data(|data| data.get_temp(memory)).unwrap_or_default();
    let turned = before - scrolled / FRAME_TURN;
    let frames = turned.trunc();
    ui.data_mut(|data| data.insert_temp(memory, turned - frames));
    frames as i32
}

/// Where the pointer comes to rest on a film without an outline: asks whether a mass stands out
/// there, and says so where none does.
pub(super) fn rest(
    ui: &Ui,
    state: &State,
    film: &Film,
    view: &View,
    pos: Pos2,
    commands: &mut Vec<Command>,
) {
    let at = view.image_from_ui(pos);
    let is_free = ui.input(|input| input.modifiers.is_none() && !input.pointer.any_down());
    let is_idle = state.hands.tool == Tool::Outline && state.gesture == Gesture::Idle;
    if film.marked().is_some() || !is_idle || !is_free {
        return;
    }
    let known = state.rest.filter(|rest| {
        rest.film == film.id && (view.ui_from_image(rest.at) - pos).length() < STILL
    });
    if let Some(known) = known {
        if known.is_reliable == Some(false) {
            marks::hint(&ui.painter_at(view.rect_in_ui), pos, tools::NO_MASS);
        }
        return;
    }
    let still = ui.input(|input| input.pointer.time_since_last_movement());
    if f64::from(still) >= RESTS {
        commands.push(Command::Rest(at));
    } else {
        let left = std::time::Duration::from_secs_f64(RESTS - f64::from(still) + 0.01);
        ui.ctx().request_repaint_after(left);
    }
}
