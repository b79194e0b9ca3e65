//! The search for neighbours, the choice among them, the comparison side by side.

use std::sync::Arc;

use precedent_core::case::CaseId;

use super::Effect;
use crate::state::{CaseAt, CasePicture, Library, Search, State};
use crate::viewport::Viewport;
use crate::worker::Request;

/// Pictures of cases that are kept beyond those shown: three lanes of ten, some 3 MB each.
const KEPT_PICTURES: usize = 32;
/// What a comparison shows of the query: this many of its diameters, and at least this many mm.
const BESIDE_DIAMETERS: f64 = 3.0;
const BESIDE_MM: f64 = 40.0;

pub(super) fn open_library(state: &mut State, effects: &mut Vec<Effect>) {
    state.library = Library::Opening;
    state.pictures.clear();
    state.lanes.raise_retrieval();
    for film in &mut state.films {
        film.search = Search::Empty;
        film.selected = None;
        film.is_beside = false;
    }
    effects.push(Effect::SaveSettings);
    let places = &state.places;
    effects.push(Effect::Send(Request::OpenLibrary {
        library: places.library.clone(),
        encoder: places.encoder.clone(),
        device: places.device,
    }));
    search(state, effects);
}

/// Seeks the neighbours of the shown film's outline, where there is one.
pub(super) fn search(state: &mut State, effects: &mut Vec<Effect>) {
    state.lanes.raise_retrieval();
    let generation = state.lanes.retrieval;
    let query = state.query.clone();
    let failure = match &state.library {
        Library::Failed(text) => Some(text.clone()),
        Library::Opening | Library::Open { .. } => None,
    };
    let is_open = matches!(state.library, Library::Open { .. });
    let Some(film) = state.film_mut() else { return };
    film.selected = None;
    let (Some(read), Some(marked)) = (film.read(), film.marked()) else {
        film.search = Search::Empty;
        return;
    };
    let mammogram = Arc::clone(&read.mammogram);
    let contour = marked.outline.contour.clone();
    if let Some(text) = failure {
        film.search = Search::Failed(text);
        return;
    }
    film.search = Search::Running;
    // A library still on its way calls again when it is open.
    if is_open {
        let request = Request::Retrieve { generation, mammogram, contour, query };
        effects.push(Effect::Send(request));
    }
}

pub(super) fn select(state: &mut State, at: CaseAt) {
    if let Some(film) = state.film_mut()
        && film.neighbour(at).is_some()
    {
        film.selected = Some(at);
    }
}

pub(super) fn select_nth(state: &mut State, nth: usize) {
    let list = state.film().and_then(|film| film.selected).map_or(0, |at| at.list);
    select(state, CaseAt { list, place: nth });
}

/// The next case in this direction; the first where none is chosen yet.
pub(super) fn step(state: &mut State, across: i32, down: i32) {
    let Some(film) = state.film() else { return };
    let Some(at) = film.selected else {
        select(state, CaseAt { list: 0, place: 0 });
        return;
    };
    let has_lanes = film.neighbours().is_some_and(|neighbours| neighbours.lists.len() > 1);
    let moved = |position: usize, by: i32| position.saturating_add_signed(by as isize);
    let next = if has_lanes {
        CaseAt { list: moved(at.list, across), place: moved(at.place, down) }
    } else if film.is_beside {
        CaseAt { list: at.list, place: moved(at.place, across + down) }
    } else {
        let down = down * state.gallery_columns as i32;
        CaseAt { list: at.list, place: moved(at.place, across + down) }
    };
    select(state, next);
}

/// Film and selected case side by side, the film's mass in the middle of its half.
pub(super) fn open_beside(state: &mut State) {
    let Some((film, read)) = state.read_film() else { return };
    let Some(marked) = film.marked() else { return };
    if film.selected.is_none() && film.neighbour(CaseAt { list: 0, place: 0 }).is_none() {
        return;
    }
    let contour = &marked.outline.contour;
    let diameter = 2.0 * (contour.area() / std::f64::consts::PI).sqrt();
    let least = read.mammogram.spacing.map_or(0.0, |spacing| BESIDE_MM / spacing.mean_mm());
    let seen = (BESIDE_DIAMETERS * diameter).max(least).max(1.0);
    let half = state.viewer_in_ui.split_left_right_at_fraction(0.5).0;
    let zoom = f64::from(half.width().min(half.height())) / seen;
    let viewport = Viewport::At { center: contour.centroid(), zoom };
    if let Some(film) = state.film_mut() {
        film.selected.get_or_insert(CaseAt { list: 0, place: 0 });
        if !film.is_beside {
            film.is_beside = true;
            film.viewport_before = Some(std::mem::replace(&mut film.viewport, viewport));
        }
    }
}

pub(super) fn close_beside(state: &mut State) {
    if let Some(film) = state.film_mut() {
        film.is_beside = false;
        if let Some(before) = film.viewport_before.take() {
            film.viewport = before;
        }
    }
}

pub(super) fn want_picture(state: &mut State, case: CaseId, effects: &mut Vec<Effect>) {
    if state.pictures.contains_key(&case) {
        return;
    }
    if state.pictures.len() >= KEPT_PICTURES {
        let needed: Vec<CaseId> = state
            .film()
            .and_then(|film| film.neighbours())
            .map(|neighbours| {
                let all = neighbours.lists.iter().flat_map(|(_, list)| list);
                all.map(|neighbour| neighbour.case.id.clone()).collect()
            })
            .unwrap_or_default();
        state.pictures.retain(|id, _| needed.contains(id));
    }
    state.pictures.insert(case.clone(), CasePicture::Asked);
    effects.push(Effect::Send(Request::Picture { case }));
}
