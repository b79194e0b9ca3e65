//! Opening, showing, closing films; the pixel size a user states.

use std::path::PathBuf;
use std::sync::Arc;

use precedent_core::mammogram::Mammogram;
use precedent_core::progress::Progress;

use super::{Effect, outline};
use crate::history::History;
use crate::listing::Listing;
use crate::state::{Content, Film, FilmId, FrameWork, Gesture, ReadFilm, Search, State};
use crate::worker::Request;

/// Bytes of decoded samples that are kept: four large films and some small ones.
const KEPT_BYTES: usize = 140 << 20;
/// Films of a folder read without being asked for, so that a study is there at once.
const READ_AHEAD: usize = 4;

/// Nothing was looked at yet.
const STARTED: Progress = Progress { step: "Looking through the files", done: 0, total: None };

pub(super) fn open(state: &mut State, paths: Vec<PathBuf>, effects: &mut Vec<Effect>) {
    if paths.is_empty() {
        return;
    }
    state.listing = Some(STARTED);
    for path in &paths {
        state.settings.remember(path);
    }
    effects.push(Effect::SaveSettings);
    effects.push(Effect::Send(Request::List { paths }));
}

/// The demonstration films in the order in which a study is hung.
pub(super) fn open_demonstration(state: &mut State, effects: &mut Vec<Effect>) {
    let dir = &state.places.demonstration;
    let mut films: Vec<PathBuf> = ["RIGHT_CC", "LEFT_CC", "RIGHT_MLO", "LEFT_MLO"]
        .iter()
        .map(|name| dir.join(format!("{name}.dcm")))
        .filter(|path| path.is_file())
        .collect();
    if films.is_empty() {
        films.push(dir.clone());
    }
    state.listing = Some(STARTED);
    effects.push(Effect::Send(Request::List { paths: films }));
}

/// New films join the list; the first of them is shown.
pub(super) fn listed(state: &mut State, listing: Listing, effects: &mut Vec<Effect>) {
    state.listing = None;
    state.passed_over = listing.passed_over;
    let mut first = None;
    let mut num_reading = 0;
    for listed in listing.films {
        let known = state.films.iter().position(|film| film.path == listed.path);
        let idx = known.unwrap_or_else(|| {
            let id = FilmId(state.next_film_id);
            state.next_film_id += 1;
            state.films.push(Film::new(id, listed));
            state.films.len() - 1
        });
        first.get_or_insert(idx);
        if num_reading < READ_AHEAD {
            // A film opened again is read again: the file may have changed, or been mended.
            if matches!(state.films[idx].content, Content::Failed(_)) {
                state.films[idx].content = Content::Listed;
            }
            num_reading += 1;
            read(&mut state.films[idx], Some(idx) == first, effects);
        }
    }
    match first {
        Some(idx) => show(state, idx, effects),
        None => {
            let passed_over = state.passed_over.len();
            let text = match passed_over {
                0 => "the folder is empty; choose one with DICOM, PNG or JPEG films".to_owned(),
                1 => "the one file there is no film; DICOM, PNG and JPEG can be opened".to_owned(),
                n => format!("none of the {n} files is a film; DICOM, PNG and JPEG can be opened"),
            };
            state.notice(text, true);
        }
    }
}

/// Nothing of what was looked through is opened.
pub(super) fn listing_stopped(state: &mut State) {
    state.listing = None;
    state.notice("opening was cancelled; nothing was opened", false);
}

pub(super) fn shown_idx(state: &State) -> Option<usize> {
    state.films.iter().position(|film| Some(film.id) == state.shown)
}

pub(super) fn show(state: &mut State, idx: usize, effects: &mut Vec<Effect>) {
    let Some(film) = state.films.get_mut(idx) else { return };
    read(film, true, effects);
    let id = film.id;
    if state.shown == Some(id) {
        return;
    }
    leave(state);
    state.shown = Some(id);
    outline::resume(state, effects);
}

/// What was on its way for the film shown so far is stale.
fn leave(state: &mut State) {
    state.lanes.raise_outline();
    state.gesture = Gesture::Idle;
    state.rest = None;
    state.held.clear();
    if let Some(film) = state.film_mut()
        && matches!(film.search, Search::Running)
    {
        film.search = Search::Empty;
    }
}

pub(super) fn step(state: &mut State, by: isize, effects: &mut Vec<Effect>) {
    let count = state.films.len();
    if let Some(idx) = shown_idx(state) {
        let next = (idx as isize + by).rem_euclid(count as isize) as usize;
        show(state, next, effects);
    }
}

pub(super) fn close(state: &mut State, idx: usize, effects: &mut Vec<Effect>) {
    if idx >= state.films.len() {
        return;
    }
    let was_shown = state.shown == Some(state.films[idx].id);
    if was_shown {
        leave(state);
    }
    state.films.remove(idx);
    if was_shown {
        state.shown = None;
        if let Some(next) = state.films.len().checked_sub(1).map(|last| idx.min(last)) {
            show(state, next, effects);
        }
    }
    if state.films.is_empty() {
        state.passed_over.clear();
    }
}

fn read(film: &mut Film, is_shown: bool, effects: &mut Vec<Effect>) {
    match film.content {
        Content::Listed => {}
        // It waits behind its folder: asked again, it overtakes, and the later answer is dropped.
        Content::Reading { is_first: false } if is_shown => {}
        Content::Reading { .. } | Content::Read(_) | Content::Failed(_) => return,
    }
    film.content = Content::Reading { is_first: is_shown };
    let (film_id, path, frame_idx) = (film.id, film.path.clone(), film.frame_idx);
    effects.push(Effect::Send(Request::Read { film: film_id, path, frame_idx, is_shown }));
}

/// Another film was to be shown first; it is read again when it is wanted, which may be now.
pub(super) fn stopped(state: &mut State, id: FilmId, effects: &mut Vec<Effect>) {
    let is_shown = state.shown == Some(id);
    let Some(film) = state.films.iter_mut().find(|film| film.id == id) else { return };
    match &film.content {
        Content::Reading { .. } => {
            film.content = Content::Listed;
            if is_shown {
                read(film, true, effects);
            }
        }
        // A frame that was wanted: the one that is there stays.
        Content::Read(read) => film.frame_idx = read.mammogram.frame.idx,
        Content::Listed | Content::Failed(_) => {}
    }
}

/// Another frame of the shown film is wanted; the one shown stays until it is there.
pub(super) fn show_frame(state: &mut State, frame_idx: u32, effects: &mut Vec<Effect>) {
    let Some((_, read)) = state.read_film() else { return };
    let last = read.mammogram.frame.count.saturating_sub(1);
    let Some(film) = state.film_mut() else { return };
    let wanted = frame_idx.min(last);
    if wanted != film.frame_idx {
        film.frame_idx = wanted;
        let (film, path) = (film.id, film.path.clone());
        effects.push(Effect::Send(Request::Read { film, path, frame_idx: wanted, is_shown: true }));
    }
}

pub(super) fn step_frame(state: &mut State, by: i32, effects: &mut Vec<Effect>) {
    if let Some(film) = state.film() {
        show_frame(state, film.frame_idx.saturating_add_signed(by), effects);
    }
}

/// The frame that was wanted is there: pixels, outline and neighbours change together.
pub(super) fn turn_to(state: &mut State, id: FilmId, read: ReadFilm, effects: &mut Vec<Effect>) {
    let is_shown = state.shown == Some(id);
    if is_shown {
        leave(state);
    }
    let Some(film) = state.films.iter_mut().find(|film| film.id == id) else { return };
    let Content::Read(before) = std::mem::replace(&mut film.content, Content::Listed) else {
        return;
    };
    let frame = read.mammogram.frame;
    let work = film.other_frames.remove(&frame.idx);
    let work = work.unwrap_or_else(|| FrameWork {
        history: History::new(read.kept.as_deref().cloned()),
        search: Search::Empty,
    });
    let left = FrameWork {
        history: std::mem::replace(&mut film.history, work.history),
        search: std::mem::replace(&mut film.search, work.search),
    };
    film.other_frames.insert(before.mammogram.frame.idx, left);
    (film.texture, film.selected, film.is_beside) = (None, None, false);
    // A window of the file is the new frame's own; one by hand stays.
    if let Some(window) = &mut film.window
        && let Some(idx) = window.idx
        && let Some(own) = read.mammogram.voi_luts.get(idx).or(read.mammogram.voi_luts.first())
    {
        window.voi_lut = own.clone();
    }
    let mammogram = with_scale(&read.as_read, film.stated_mm);
    film.content = Content::Read(ReadFilm { mammogram, kept: None, ..read });
    if is_shown {
        outline::resume(state, effects);
    }
}

/// Lets go of the pixels of films not shown, the longest unseen first by their order, until what
/// is kept is small enough; they are read again when shown.
pub(super) fn let_go(state: &mut State) {
    let bytes = |film: &Film| film.read().map_or(0, |read| read.mammogram.samples.len() * 2);
    let mut kept: usize = state.films.iter().map(bytes).sum();
    let shown = shown_idx(state).unwrap_or(0);
    let mut by_distance: Vec<usize> = (0..state.films.len()).collect();
    by_distance.sort_by_key(|&idx| std::cmp::Reverse(idx.abs_diff(shown)));
    for idx in by_distance {
        if kept <= KEPT_BYTES || idx == shown {
            continue;
        }
        let film = &mut state.films[idx];
        if film.read().is_some() {
            kept -= bytes(film);
            film.content = Content::Listed;
        }
    }
}

/// The user says how large a pixel is, or takes it back. Never guessed.
pub(super) fn state_scale(state: &mut State, mm: Option<f64>, effects: &mut Vec<Effect>) {
    let Some(film) = state.film_mut() else { return };
    film.stated_mm = mm;
    if let Content::Read(read) = &mut film.content {
        read.mammogram = with_scale(&read.as_read, mm);
    }
    outline::again(state, effects);
}

/// What the user states of a film that carries no scale ([`Mammogram::state_scale`]).
pub(super) fn with_scale(as_read: &Arc<Mammogram>, stated_mm: Option<f64>) -> Arc<Mammogram> {
    let Some(mm) = stated_mm else { return Arc::clone(as_read) };
    let mut mammogram = (**as_read).clone();
    mammogram.state_scale(mm);
    Arc::new(mammogram)
}
