//! What each reply does to the state; stale ones are dropped unread.

use std::sync::Arc;

use precedent_core::retrieval::Neighbours;

use super::{Effect, cases, films, outline};
use crate::history::History;
use crate::state::{
    CasePicture, Content, Film, FilmId, Library, ReadFilm, Rest, Search, State, Window,
};
use crate::worker::Reply;

const NO_MASS: &str = "there is no reliable mass where you clicked; drag from the centre of the \
                       mass to its edge instead";

/// Takes one reply of a worker thread.
pub fn reply(state: &mut State, reply: Reply, effects: &mut Vec<Effect>) {
    match reply {
        Reply::Listing(progress) => state.listing = state.listing.is_some().then_some(progress),
        Reply::ListingStopped => films::listing_stopped(state),
        Reply::Listed(listing) => films::listed(state, listing, effects),
        Reply::Read { film, frame_idx, result } => read(state, film, frame_idx, result, effects),
        Reply::Stopped { film } => films::stopped(state, film, effects),
        Reply::Outline { generation, is_doubtful, result } => {
            if generation == state.lanes.outline {
                if is_doubtful && result.is_ok() {
                    state.notice(NO_MASS, false);
                }
                outline::answered(state, result, effects);
            }
        }
        Reply::Signal { film, at, is_reliable } => {
            let is_asked = |rest: &&mut Rest| rest.film == film && rest.at == at;
            if let Some(rest) = state.rest.as_mut().filter(is_asked) {
                rest.is_reliable = Some(is_reliable);
            }
        }
        Reply::Texture { contour, texture } => {
            let is_its = |film: &Film| film.marked().is_some_and(|m| m.outline.contour == contour);
            if let Some(film) = state.film_mut()
                && is_its(film)
            {
                film.texture = Some(texture);
            }
        }
        Reply::NotKept(text) => state.notice(text, true),
        Reply::LibraryOpened(Ok(opened)) => {
            state.library = Library::Open {
                counts: opened.counts,
                device_name: opened.device.name,
                device_reason: opened.device.reason,
                open_time: opened.open_time,
                atlas: opened.atlas,
            };
            cases::search(state, effects);
        }
        Reply::LibraryOpened(Err(text)) => {
            state.notice(text.clone(), true);
            state.library = Library::Failed(text);
            cases::search(state, effects);
        }
        Reply::Neighbours { generation, result } => {
            if generation == state.lanes.retrieval {
                neighbours(state, result);
            }
        }
        Reply::Picture { case, result } => {
            let picture = match result {
                Ok(read) => CasePicture::Read(read),
                Err(text) => CasePicture::Failed(text),
            };
            // One no longer wanted was let go of, or belongs to a library that is closed.
            if let Some(place) = state.pictures.get_mut(&case) {
                *place = picture;
            }
            if !state.pictures.values().any(|picture| matches!(picture, CasePicture::Asked)) {
                tracing::debug!(target: "precedent::viewer", "all pictures of cases are there");
            }
        }
    }
}

fn read(
    state: &mut State,
    id: FilmId,
    frame_idx: u32,
    result: Result<ReadFilm, String>,
    effects: &mut Vec<Effect>,
) {
    let Some(film) = state.films.iter_mut().find(|film| film.id == id) else { return };
    if film.frame_idx != frame_idx {
        return;
    }
    match (&film.content, result) {
        (Content::Reading { .. }, result) => first_read(state, id, result, effects),
        (Content::Read(shown), Ok(next)) if shown.mammogram.frame.idx != frame_idx => {
            films::turn_to(state, id, next, effects);
        }
        (Content::Read(shown), Err(text)) if shown.mammogram.frame.idx != frame_idx => {
            film.frame_idx = shown.mammogram.frame.idx;
            state.notice(format!("frame {} cannot be shown: {text}", frame_idx + 1), true);
        }
        _ => {}
    }
}

fn first_read(
    state: &mut State,
    id: FilmId,
    result: Result<ReadFilm, String>,
    effects: &mut Vec<Effect>,
) {
    let Some(film) = state.films.iter_mut().find(|film| film.id == id) else { return };
    match result {
        Ok(mut read) => {
            read.mammogram = films::with_scale(&read.as_read, film.stated_mm);
            if film.window.is_none() {
                film.window = Window::first(&read.mammogram);
            }
            let kept = read.kept.take().filter(|_| film.history == History::new(None));
            let restored = kept.map(|kept| {
                film.history.commit(Some(*kept));
                format!("The outline of {} from last time is back; undo takes it away", film.name())
            });
            film.content = Content::Read(read);
            if let Some(text) = restored {
                state.notice(text, false);
            }
            films::let_go(state);
            if state.shown == Some(id) {
                tracing::debug!(target: "precedent::viewer", "the film is shown");
                outline::resume(state, effects);
            }
        }
        Err(text) => film.content = Content::Failed(text),
    }
}

fn neighbours(state: &mut State, result: Result<Neighbours, String>) {
    let Some(film) = state.film_mut() else { return };
    let Some(hash) = film.read().map(|read| read.mammogram.frame_hash()) else { return };
    match result {
        // Never beside another film, whatever the generations say.
        Ok(neighbours) if neighbours.film_hash != hash => {
            film.search = Search::Empty;
            tracing::error!("an answer for another film was dropped");
        }
        Ok(neighbours) => film.search = Search::Found(Arc::new(neighbours)),
        Err(text) => film.search = Search::Failed(text),
    }
}
