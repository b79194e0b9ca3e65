//! Gestures that make and mend the outline, and its undo.

use std::sync::Arc;

use egui::Vec2;
use precedent_core::geometry::ImagePoint;
use precedent_core::segmentation::{Correction, Prompt};

use super::{Effect, cases};
use crate::history::History;
use crate::state::{Gesture, Live, Marked, Search, State};
use crate::worker::Request;

/// The crosshair's first radius where the film has a size, in mm: half of a palpable mass.
const CROSSHAIR_MM: f64 = 8.0;

/// The hand moves while it outlines.
pub(super) fn drag(state: &mut State, prompt: Prompt, effects: &mut Vec<Effect>) {
    if let Gesture::Outlining(live) = &mut state.gesture {
        live.wish = prompt;
        live.has_changed = true;
    } else {
        begin(state, Gesture::Outlining(Live::new(prompt)));
    }
    ask(state, effects);
}

/// The hand lets go.
pub(super) fn commit(state: &mut State, prompt: Prompt, effects: &mut Vec<Effect>) {
    if !matches!(state.gesture, Gesture::Outlining(_)) {
        begin(state, Gesture::Outlining(Live::new(prompt)));
    }
    if let Gesture::Outlining(live) = &mut state.gesture {
        finish(live, prompt);
    }
    ask(state, effects);
}

pub(super) fn drag_point(
    state: &mut State,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    if let Gesture::Pulling { live, .. } = &mut state.gesture {
        live.wish = to;
        live.has_changed = true;
    } else {
        begin(state, Gesture::Pulling { from, live: Live::new(to) });
    }
    ask(state, effects);
}

pub(super) fn commit_point(
    state: &mut State,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    if !matches!(state.gesture, Gesture::Pulling { .. }) {
        begin(state, Gesture::Pulling { from, live: Live::new(to) });
    }
    if let Gesture::Pulling { live, .. } = &mut state.gesture {
        finish(live, to);
    }
    ask(state, effects);
}

/// Shows the crosshair on the outline, or in the middle of what is seen; or puts it away.
pub(super) fn toggle_crosshair(state: &mut State, effects: &mut Vec<Effect>) {
    if matches!(state.gesture, Gesture::Crosshair { .. }) {
        begin(state, Gesture::Idle);
        return;
    }
    let (Some(view), Some((film, read))) = (state.view(), state.read_film()) else { return };
    let at = film.marked().map_or(view.center_in_image, |m| m.outline.contour.centroid());
    let at = clamp(&read.mammogram, at);
    let radius = read.mammogram.spacing.map_or(40.0 / view.zoom, |s| CROSSHAIR_MM / s.mean_mm());
    let live = Live::new(Prompt::Drag { center: at, radius });
    begin(state, Gesture::Crosshair { at, radius, live });
    ask(state, effects);
}

pub(super) fn move_crosshair(state: &mut State, delta_in_ui: Vec2, effects: &mut Vec<Effect>) {
    let Some(view) = state.view() else { return };
    let Some(mammogram) = state.read_film().map(|(_, read)| Arc::clone(&read.mammogram)) else {
        return;
    };
    if let Gesture::Crosshair { at, radius, live } = &mut state.gesture {
        let moved = view.image_from_ui(view.ui_from_image(*at) + delta_in_ui);
        *at = clamp(&mammogram, moved);
        live.wish = Prompt::Drag { center: *at, radius: *radius };
        live.has_changed = true;
    }
    ask(state, effects);
}

pub(super) fn scale_crosshair(state: &mut State, factor: f64, effects: &mut Vec<Effect>) {
    if let Gesture::Crosshair { at, radius, live } = &mut state.gesture {
        *radius = (*radius * factor).max(2.0);
        live.wish = Prompt::Drag { center: *at, radius: *radius };
        live.has_changed = true;
    }
    ask(state, effects);
}

pub(super) fn accept_crosshair(state: &mut State, effects: &mut Vec<Effect>) {
    if let Gesture::Crosshair { at, radius, .. } = state.gesture {
        commit(state, Prompt::Drag { center: at, radius }, effects);
    }
}

/// The contour shall pass through the crosshair.
pub(super) fn pull_to_crosshair(state: &mut State, effects: &mut Vec<Effect>) {
    let has_outline = state.film().is_some_and(|film| film.marked().is_some());
    if let Gesture::Crosshair { at, .. } = state.gesture
        && has_outline
    {
        commit_point(state, at, at, effects);
    }
}

pub(super) fn clear(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(film) = state.film_mut() else { return };
    if film.marked().is_some() {
        film.history.commit(None);
        changed(state, effects);
    }
}

/// Undo or redo.
pub(super) fn travel(
    state: &mut State,
    step: fn(&mut History<Option<Marked>>) -> bool,
    effects: &mut Vec<Effect>,
) {
    begin(state, Gesture::Idle);
    if state.film_mut().is_some_and(|film| step(&mut film.history)) {
        changed(state, effects);
    }
}

/// The pixel size changed: what is outlined is solved and measured again, and its history begins
/// anew, for the steps before are in another unit.
pub(super) fn again(state: &mut State, effects: &mut Vec<Effect>) {
    state.lanes.raise_outline();
    let Some(film) = state.film_mut() else { return };
    let Some(marked) = film.marked().cloned() else { return };
    film.history = History::new(None);
    film.search = Search::Empty;
    let mut live = Live::new(marked.outline.prompt);
    live.is_final = true;
    state.gesture = Gesture::Outlining(live);
    let corrections = marked.outline.corrections;
    ask_with(state, corrections, effects);
}

/// A film comes back on the screen: its neighbours are sought where they are missing.
pub(super) fn resume(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((film, _)) = state.read_film() else { return };
    if film.marked().is_some() && matches!(film.search, Search::Empty) {
        cases::search(state, effects);
    }
}

/// The answer to the question on its way.
pub(super) fn answered(
    state: &mut State,
    result: Result<Marked, String>,
    effects: &mut Vec<Effect>,
) {
    let is_done = match &mut state.gesture {
        Gesture::Idle => return,
        Gesture::Outlining(live) | Gesture::Crosshair { live, .. } => take(live, &result),
        Gesture::Pulling { live, .. } => take(live, &result),
    };
    if !is_done {
        ask(state, effects);
        return;
    }
    state.gesture = Gesture::Idle;
    match result {
        Ok(marked) => {
            if let Some(film) = state.film_mut() {
                film.history.commit(Some(marked));
            }
            changed(state, effects);
        }
        Err(text) => state.notice(text, true),
    }
}

/// The outline is another one: its neighbours are sought at once.
fn changed(state: &mut State, effects: &mut Vec<Effect>) {
    state.lanes.raise_retrieval();
    let Some(film) = state.film_mut() else { return };
    film.search = Search::Empty;
    film.selected = None;
    if film.is_beside {
        cases::close_beside(state);
    }
    cases::search(state, effects);
}

/// Another gesture begins, and with it another generation of outlines.
fn begin(state: &mut State, gesture: Gesture) {
    state.lanes.outline += 1;
    state.gesture = gesture;
}

fn finish<T>(live: &mut Live<T>, wish: T) {
    live.wish = wish;
    live.has_changed = true;
    live.is_final = true;
}

/// Whether this answer ends the gesture.
fn take<T>(live: &mut Live<T>, result: &Result<Marked, String>) -> bool {
    live.is_asked = false;
    live.answer = Some(result.clone());
    live.is_final && !live.has_changed
}

/// Sends the newest wish unless a question is on its way.
fn ask(state: &mut State, effects: &mut Vec<Effect>) {
    let corrections = match &state.gesture {
        Gesture::Pulling { from, live } => {
            let Some(marked) = state.film().and_then(|film| film.marked()) else { return };
            through(&marked.outline.corrections, *from, live.wish)
        }
        _ => Vec::new(),
    };
    ask_with(state, corrections, effects);
}

fn ask_with(state: &mut State, corrections: Vec<Correction>, effects: &mut Vec<Effect>) {
    let Some((film, read)) = state.read_film() else { return };
    let mammogram = Arc::clone(&read.mammogram);
    let base = film.marked().map(|marked| marked.outline.prompt);
    let generation = state.lanes.outline;
    let prompt = match &mut state.gesture {
        Gesture::Idle => return,
        Gesture::Outlining(live) | Gesture::Crosshair { live, .. } => due(live),
        Gesture::Pulling { live, .. } => due(live).and(base),
    };
    if let Some(prompt) = prompt {
        let request = Request::Outline { generation, mammogram, prompt, corrections };
        effects.push(Effect::Send(request));
    }
}

/// The wish, where it is time to ask for it.
fn due<T: Copy>(live: &mut Live<T>) -> Option<T> {
    if live.is_asked || !live.has_changed {
        return None;
    }
    live.is_asked = true;
    live.has_changed = false;
    Some(live.wish)
}

/// The corrections with a point pulled: one pulled before is moved on, else one is added.
fn through(corrections: &[Correction], from: ImagePoint, to: ImagePoint) -> Vec<Correction> {
    let mut corrections = corrections.to_vec();
    let pulled = Correction::Through(to);
    let known = corrections
        .iter()
        .position(|correction| matches!(correction, Correction::Through(at) if *at == from));
    match known {
        Some(idx) => corrections[idx] = pulled,
        None => corrections.push(pulled),
    }
    corrections
}

fn clamp(mammogram: &precedent_core::mammogram::Mammogram, point: ImagePoint) -> ImagePoint {
    ImagePoint::new(
        point.x.clamp(0.0, f64::from(mammogram.columns)),
        point.y.clamp(0.0, f64::from(mammogram.rows)),
    )
}
