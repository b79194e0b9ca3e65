//! What each command does to the state, and which request it sends.
//!
//! Pure: what must leave the state (requests, dialogs, the end of the program) is handed back as
//! [`Effect`]s, so that a test can press every button without a thread or a screen.

use egui::vec2;
use precedent_core::segmentation::Correction;

use crate::command::{Action, Command};
use crate::state::{Dialog, Film, State};
use crate::tool::Tool;
use crate::viewport::Viewport;
use crate::worker::Request;

mod cases;
mod crosshair;
mod films;
mod outline;
mod replies;

pub use replies::reply;

/// What the state cannot do itself.
#[derive(Debug)]
pub enum Effect {
    Send(Request),
    /// Gives up the looking through files.
    StopListing,
    AskForFiles,
    AskForFolder,
    AskForLibrary,
    AskForEncoder,
    SaveSettings,
    Quit,
}

/// Runs one command.
pub fn run(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    if state.gesture.is_final() && outline::must_wait(&command) {
        state.held.push(command);
        return;
    }
    match command {
        Command::Do(action) => act(state, action, effects),
        Command::OpenPaths(paths) => films::open(state, paths, effects),
        Command::ShowFilm(idx) => films::show(state, idx, effects),
        Command::ShowFrame(idx) => films::show_frame(state, idx, effects),
        Command::StepFrame(by) => films::step_frame(state, by, effects),
        Command::CloseFilm(idx) => films::close(state, idx, effects),
        Command::ReadNamesAs(set) => state.names_read_as = set,
        Command::ForgetRecent => {
            state.settings.recent.clear();
            effects.push(Effect::SaveSettings);
        }
        Command::PlaceViewer(rect) => state.viewer_in_ui = rect,
        Command::PlaceGallery { columns } => state.gallery_columns = columns,
        Command::Look(viewport) => {
            if let Some(film) = state.film_mut() {
                film.viewport = viewport;
            }
        }
        Command::ChooseWindow(idx) => choose_window(state, idx),
        Command::SetWindow { center, width } => {
            if let Some(window) = state.film_mut().and_then(|film| film.window.as_mut()) {
                window.set_center_width(center, width);
            }
        }
        Command::DragWindow(delta) => drag_window(state, delta),
        Command::DragOutline(prompt) => outline::drag(state, prompt, effects),
        Command::CommitOutline(prompt) => outline::commit(state, prompt, effects),
        Command::DragPoint { from, to } => outline::drag_point(state, from, to, effects),
        Command::CommitPoint { from, to } => outline::commit_point(state, from, to, effects),
        Command::DragStroke { stroke, from, to } => {
            outline::drag_stroke(state, stroke, from, to, effects);
        }
        Command::CommitStroke { stroke, from, to } => {
            outline::commit_stroke(state, stroke, from, to, effects);
        }
        Command::ScaleMark(factor) => outline::scale_mark(state, factor, effects),
        Command::CommitMark => outline::commit_mark(state, effects),
        Command::ScaleBrush(factor) => state.hands.scale_brush(factor),
        Command::MoveCrosshair(delta) => crosshair::shift(state, delta, effects),
        Command::ScaleCrosshair(factor) => crosshair::scale(state, factor, effects),
        Command::AcceptCrosshair => crosshair::accept(state, effects),
        Command::StateScale(mm) => films::state_scale(state, mm, effects),
        Command::Filter(pathologies) => {
            state.query.pathologies = pathologies;
            cases::search(state, effects);
        }
        Command::Select(at) => cases::select(state, at),
        Command::SelectNth(nth) => cases::select_nth(state, nth),
        Command::StepCase { across, down } => cases::step(state, across, down),
        Command::OpenBeside(at) => {
            cases::select(state, at);
            cases::open_beside(state);
        }
        Command::WantPicture(case) => cases::want_picture(state, case, effects),
        Command::Rest(at) => outline::rest(state, at, effects),
        Command::ShowTexture(is_open) => {
            state.settings.texture_is_open = is_open;
            effects.push(Effect::SaveSettings);
            outline::ask_texture(state, effects);
        }
        Command::OpenLibrary(path) => {
            state.settings.library = Some(path.clone());
            state.places.library = path;
            cases::open_library(state, effects);
        }
        Command::OpenEncoder(path) => {
            state.settings.encoder = Some(path.clone());
            state.places.encoder = path;
            cases::open_library(state, effects);
        }
        Command::ChooseDevice(device) => {
            state.settings.device = device;
            state.places.device = device;
            cases::open_library(state, effects);
        }
        Command::Show(dialog) => state.dialog = Some(dialog),
        Command::CloseDialog => state.dialog = None,
        Command::FileDialogIsMissing => state.notice(
            "this desktop offers no file dialog; drop the film onto the window, or name it when \
             starting Precedent",
            true,
        ),
        Command::DismissNotice(idx) => {
            if idx < state.notices.len() {
                state.notices.remove(idx);
            }
        }
    }
}

fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::OpenFiles => effects.push(Effect::AskForFiles),
        Action::OpenFolder => effects.push(Effect::AskForFolder),
        Action::OpenLibrary => effects.push(Effect::AskForLibrary),
        Action::OpenEncoder => effects.push(Effect::AskForEncoder),
        Action::UseShipped => {
            (state.settings.library, state.settings.encoder) = (None, None);
            state.places.library = state.places.shipped_library.clone();
            state.places.encoder = state.places.shipped_encoder.clone();
            cases::open_library(state, effects);
        }
        Action::Quit => effects.push(Effect::Quit),
        Action::OpenDemonstration => films::open_demonstration(state, effects),
        Action::CloseFilm => {
            if let Some(idx) = films::shown_idx(state) {
                films::close(state, idx, effects);
            }
        }
        Action::NextFrame => films::step_frame(state, 1, effects),
        Action::PreviousFrame => films::step_frame(state, -1, effects),
        Action::NextFilm => films::step(state, 1, effects),
        Action::PreviousFilm => films::step(state, -1, effects),
        Action::Undo => outline::travel(state, crate::history::History::undo, effects),
        Action::Redo => outline::travel(state, crate::history::History::redo, effects),
        Action::ClearOutline => outline::clear(state, effects),
        Action::Crosshair => crosshair::toggle(state, effects),
        Action::PullToCrosshair => crosshair::pull_here(state, effects),
        Action::OutlineTool => state.hands.take(Tool::Outline),
        Action::PushBrush => state.hands.take(Tool::Push),
        Action::Redraw => state.hands.take(Tool::Redraw),
        Action::LastTool => state.hands.take(state.hands.last),
        Action::BrushSmaller => state.hands.scale_brush(0.8),
        Action::BrushLarger => state.hands.scale_brush(1.25),
        Action::Smooth => outline::correct(state, Correction::Smooth, effects),
        Action::KeepLargest => outline::correct(state, Correction::KeepLargest, effects),
        Action::DropPoint => outline::drop_point(state, effects),
        Action::Resnap => outline::correct(state, Correction::Resnap, effects),
        Action::Grow => outline::step_mark(state, 1.1, effects),
        Action::Shrink => outline::step_mark(state, 1.0 / 1.1, effects),
        Action::StateScale => {
            if state.read_film().is_some() {
                state.dialog = Some(Dialog::StateScale);
            }
        }
        Action::Fit => look(state, |_, _| Viewport::Fit),
        Action::ActualSize => {
            let pixels_per_point = state.pixels_per_point;
            look(state, |view, _| view.actual_size(pixels_per_point));
        }
        Action::ZoomIn => look(state, |view, at| view.zoomed_at(at, 1.25)),
        Action::ZoomOut => look(state, |view, at| view.zoomed_at(at, 1.0 / 1.25)),
        Action::Invert => {
            if let Some(window) = state.film_mut().and_then(|film| film.window.as_mut()) {
                window.is_inverted = !window.is_inverted;
            }
        }
        Action::NextWindow => next_window(state),
        Action::ResetWindow => choose_window(state, 0),
        Action::ToggleOutline => state.outlines_are_hidden = !state.outlines_are_hidden,
        Action::FindSimilar => cases::search(state, effects),
        Action::ToggleLanes => {
            state.query.lanes = !state.query.lanes;
            state.settings.lanes = state.query.lanes;
            effects.push(Effect::SaveSettings);
            cases::search(state, effects);
        }
        Action::Beside => match state.film().map(Film::beside) {
            Some(Some(_)) => cases::close_beside(state),
            _ => cases::open_beside(state),
        },
        Action::Back => back(state, effects),
        Action::Shortcuts => state.dialog = Some(Dialog::Shortcuts),
        Action::About => state.dialog = Some(Dialog::About),
    }
}

/// Leaves what is on top: dialog, the looking through files, gesture, tool, comparison, selection,
/// notices.
fn back(state: &mut State, effects: &mut Vec<Effect>) {
    if state.dialog.take().is_some() {
        return;
    }
    if state.listing.is_some() {
        effects.push(Effect::StopListing);
        return;
    }
    if outline::cancel(state) {
        return;
    }
    if state.hands.tool != Tool::Outline {
        state.hands.take(Tool::Outline);
        return;
    }
    if state.film().is_some_and(|film| film.is_beside) {
        cases::close_beside(state);
        return;
    }
    if let Some(film) = state.film_mut()
        && film.selected.take().is_some()
    {
        return;
    }
    state.notices.clear();
}

fn look(state: &mut State, change: impl FnOnce(&crate::viewport::View, egui::Pos2) -> Viewport) {
    let Some(view) = state.view() else { return };
    if let Some(film) = state.film_mut() {
        film.viewport = change(&view, view.rect_in_ui.center());
    }
}

fn choose_window(state: &mut State, idx: usize) {
    let Some(film) = state.film_mut() else { return };
    let Some(voi_lut) = film.read().and_then(|r| r.mammogram.voi_luts.get(idx).cloned()) else {
        return;
    };
    if let Some(window) = &mut film.window {
        window.voi_lut = voi_lut;
        window.idx = Some(idx);
    }
}

fn next_window(state: &mut State) {
    let Some((film, read)) = state.read_film() else { return };
    let count = read.mammogram.voi_luts.len();
    let idx = film.window.as_ref().and_then(|window| window.idx).map_or(0, |idx| idx + 1);
    if count > 0 {
        choose_window(state, idx % count);
    }
}

/// Rightwards widens, upwards brightens; in proportion to the width, so that 8-bit and 16-bit
/// films answer the hand alike.
fn drag_window(state: &mut State, delta: egui::Vec2) {
    let Some(window) = state.film_mut().and_then(|film| film.window.as_mut()) else { return };
    let (center, width) = window.center_width();
    // A jump of the pointer, as between two screens, must not throw the window away.
    let delta = delta.clamp(vec2(-200.0, -200.0), vec2(200.0, 200.0));
    window.set_center_width(
        center + f64::from(delta.y) * width * 0.0025,
        width * (f64::from(delta.x) * 0.005).exp(),
    );
}
