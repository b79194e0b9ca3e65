//! Gestures that make and mend the outline, and its undo.

use std::sync::Arc;

use precedent_core::geometry::{ImagePoint, ImageRect};
use precedent_core::segmentation::{Correction, Outline, Prompt};

use super::{Effect, cases};
use crate::command::{Action, Command};
use crate::history::History;
use crate::state::{Gesture, Live, Marked, Rest, Search, State};
use crate::tool::Stroke;
use crate::worker::Request;

/// Where a line bends no finer than this many screen points, it is drawn well enough.
const STROKE_STEP: f64 = 2.0;

/// Whether a command changes the outline, so that it is done after the answer on its way: no
/// gesture that was completed is lost to a quicker hand.
pub(super) fn must_wait(command: &Command) -> bool {
    match command {
        Command::DragOutline(_)
        | Command::CommitOutline(_)
        | Command::DragPoint { .. }
        | Command::CommitPoint { .. }
        | Command::DragStroke { .. }
        | Command::CommitStroke { .. }
        | Command::ScaleMark(_)
        | Command::CommitMark => true,
        Command::Do(action) => matches!(
            action,
            Action::Undo
                | Action::Redo
                | Action::ClearOutline
                | Action::Smooth
                | Action::KeepLargest
                | Action::DropPoint
                | Action::Resnap
                | Action::Grow
                | Action::Shrink
                | Action::Crosshair
        ),
        _ => false,
    }
}

/// The hand moves while it outlines.
pub(super) fn drag(state: &mut State, prompt: Prompt, effects: &mut Vec<Effect>) {
    if let Gesture::Outlining { live, .. } = &mut state.gesture {
        live.wish(prompt);
    } else {
        begin(state, Gesture::Outlining { live: Live::new(prompt), kept: Vec::new() });
    }
    ask(state, effects);
}

/// The hand lets go.
pub(super) fn commit(state: &mut State, prompt: Prompt, effects: &mut Vec<Effect>) {
    if !matches!(state.gesture, Gesture::Outlining { .. }) {
        begin(state, Gesture::Outlining { live: Live::new(prompt), kept: Vec::new() });
    }
    if let Gesture::Outlining { live, .. } = &mut state.gesture {
        live.finish(prompt);
    }
    ask(state, effects);
}

pub(super) fn drag_point(
    state: &mut State,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    mend(state, Some(from), |_| Correction::Through(to), effects);
}

pub(super) fn commit_point(
    state: &mut State,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    mend(state, Some(from), |_| Correction::Through(to), effects);
    let_go(state, effects);
}

/// A line over the film has come to `to`.
pub(super) fn drag_stroke(
    state: &mut State,
    stroke: Stroke,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    let (Some(view), Some((_, read))) = (state.view(), state.read_film()) else { return };
    let (from, to) = (clamp(&read.mammogram, from), clamp(&read.mammogram, to));
    let radius = state.hands.brush_radius(&read.mammogram);
    let step = STROKE_STEP / view.zoom;
    let longer = |drawn: Option<&Correction>| {
        let mut line = drawn.map_or_else(|| vec![from], |drawn| drawn.points().to_vec());
        // The last place is the hand's; the ones before are kept a step apart.
        if line.len() > 1 && line[line.len() - 1].distance(line[line.len() - 2]) < step {
            line.pop();
        }
        line.push(to);
        stroke.correction(line, radius)
    };
    mend(state, None, longer, effects);
}

pub(super) fn commit_stroke(
    state: &mut State,
    stroke: Stroke,
    from: ImagePoint,
    to: ImagePoint,
    effects: &mut Vec<Effect>,
) {
    drag_stroke(state, stroke, from, to, effects);
    let_go(state, effects);
}

/// A correction of one key press.
pub(super) fn correct(state: &mut State, correction: Correction, effects: &mut Vec<Effect>) {
    if has_outline(state) {
        begin(state, Gesture::Mending { from: None, live: Live::new(correction) });
        let_go(state, effects);
    }
}

/// The point that was pulled last is let go; what came after it stays.
pub(super) fn drop_point(state: &mut State, effects: &mut Vec<Effect>) {
    if state.gesture != Gesture::Idle {
        return;
    }
    let Some(marked) = state.film().and_then(|film| film.marked()) else { return };
    let Outline { prompt, corrections, .. } = &marked.outline;
    let is_point = |correction: &Correction| matches!(correction, Correction::Through(_));
    let Some(last) = corrections.iter().rposition(is_point) else {
        state.notice("no point of this outline was pulled; undo takes back the last step", false);
        return;
    };
    let (prompt, mut kept) = (*prompt, corrections.clone());
    kept.remove(last);
    begin(state, Gesture::Outlining { live: Live::new(prompt), kept });
    let_go(state, effects);
}

/// The pointer rests where an outline could begin: is there a mass?
pub(super) fn rest(state: &mut State, at: ImagePoint, effects: &mut Vec<Effect>) {
    let Some((film, read)) = state.read_film() else { return };
    let (film, mammogram) = (film.id, Arc::clone(&read.mammogram));
    state.rest = Some(Rest { film, at, is_reliable: None });
    effects.push(Effect::Send(Request::Signal { film, mammogram, at }));
}

/// Asks for the texture inside the outline, where its fold is open.
pub(super) fn ask_texture(state: &mut State, effects: &mut Vec<Effect>) {
    if !state.settings.texture_is_open {
        return;
    }
    let Some((film, read)) = state.read_film() else { return };
    let Some(marked) = film.marked() else { return };
    let mammogram = Arc::clone(&read.mammogram);
    let contour = marked.outline.contour.clone();
    effects.push(Effect::Send(Request::Texture { mammogram, contour }));
}

/// The wheel turns over the mass: its mark grows or shrinks, and what was mended stays.
pub(super) fn scale_mark(state: &mut State, factor: f64, effects: &mut Vec<Effect>) {
    let Some((film, read)) = state.read_film() else { return };
    let Some(marked) = film.marked() else { return };
    let smallest = 2.0;
    let largest = f64::from(read.mammogram.columns.max(read.mammogram.rows));
    let outline = marked.outline.clone();
    match &mut state.gesture {
        Gesture::Outlining { live, .. } => {
            let wish = scaled(live.wish, &outline, factor, smallest..=largest);
            live.wish(wish);
        }
        _ => {
            let wish = scaled(outline.prompt, &outline, factor, smallest..=largest);
            let kept = outline.corrections;
            begin(state, Gesture::Outlining { live: Live::new(wish), kept });
        }
    }
    ask(state, effects);
}

/// The wheel has come to rest.
pub(super) fn commit_mark(state: &mut State, effects: &mut Vec<Effect>) {
    if matches!(state.gesture, Gesture::Outlining { .. }) {
        let_go(state, effects);
    }
}

/// The mark grows or shrinks by one press of a key.
pub(super) fn step_mark(state: &mut State, factor: f64, effects: &mut Vec<Effect>) {
    if state.gesture == Gesture::Idle {
        scale_mark(state, factor, effects);
        commit_mark(state, effects);
    }
}

pub(super) fn clear(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(film) = state.film_mut() else { return };
    if film.marked().is_some() {
        film.history.commit(None);
        changed(state, effects);
    }
}

/// Drops the gesture in hand; whether there was one.
pub(super) fn cancel(state: &mut State) -> bool {
    let had_one = state.gesture != Gesture::Idle;
    if had_one {
        state.gesture = Gesture::Idle;
        state.held.clear();
        // The answer that may be on its way belongs to a gesture that is no more.
        state.lanes.outline += 1;
    }
    had_one
}

/// Undo or redo; inside an unfinished gesture, that gesture alone is taken back.
pub(super) fn travel(
    state: &mut State,
    step: fn(&mut History<Option<Marked>>) -> bool,
    effects: &mut Vec<Effect>,
) {
    // The crosshair is a tool that waits, not a stroke that is under way.
    let is_under_way = !matches!(state.gesture, Gesture::Crosshair { .. });
    if cancel(state) && is_under_way {
        return;
    }
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
    let live = Live::new(marked.outline.prompt);
    state.gesture = Gesture::Outlining { live, kept: marked.outline.corrections };
    let_go(state, effects);
}

/// A film comes back on the screen: its neighbours are sought where they are missing.
pub(super) fn resume(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((film, _)) = state.read_film() else { return };
    if film.marked().is_some() && matches!(film.search, Search::Empty) {
        cases::search(state, effects);
    }
    ask_texture(state, effects);
}

/// The answer to the question on its way.
pub(super) fn answered(
    state: &mut State,
    result: Result<Marked, String>,
    effects: &mut Vec<Effect>,
) {
    let is_done = match &mut state.gesture {
        Gesture::Idle => return,
        Gesture::Outlining { live, .. } | Gesture::Crosshair { live, .. } => live.take(&result),
        Gesture::Mending { live, .. } => live.take(&result),
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
    for command in std::mem::take(&mut state.held) {
        super::run(state, command, effects);
    }
}

/// The outline is another one: its neighbours are sought at once.
fn changed(state: &mut State, effects: &mut Vec<Effect>) {
    state.lanes.raise_retrieval();
    let Some(film) = state.film_mut() else { return };
    if let Some(read) = film.read() {
        let frame_hash = read.mammogram.frame_hash();
        let outline = film.marked().map(|marked| marked.outline.clone());
        effects.push(Effect::Send(Request::Keep { frame_hash, outline }));
    }
    film.search = Search::Empty;
    film.texture = None;
    film.selected = None;
    if film.is_beside {
        cases::close_beside(state);
    }
    ask_texture(state, effects);
    cases::search(state, effects);
}

/// Another gesture begins, and with it another generation of outlines.
pub(super) fn begin(state: &mut State, gesture: Gesture) {
    state.lanes.outline += 1;
    state.gesture = gesture;
}

pub(super) fn has_outline(state: &State) -> bool {
    state.film().is_some_and(|film| film.marked().is_some())
}

/// Goes on mending with another wish, or begins to.
fn mend(
    state: &mut State,
    from: Option<ImagePoint>,
    wish: impl FnOnce(Option<&Correction>) -> Correction,
    effects: &mut Vec<Effect>,
) {
    if !has_outline(state) {
        return;
    }
    if let Gesture::Mending { live, .. } = &mut state.gesture {
        let next = wish(Some(&live.wish));
        live.wish(next);
    } else {
        begin(state, Gesture::Mending { from, live: Live::new(wish(None)) });
    }
    ask(state, effects);
}

/// The hand is done: the answer to its last wish is kept.
fn let_go(state: &mut State, effects: &mut Vec<Effect>) {
    match &mut state.gesture {
        Gesture::Idle => {}
        Gesture::Outlining { live, .. } | Gesture::Crosshair { live, .. } => {
            live.finish(live.wish);
        }
        Gesture::Mending { live, .. } => live.finish(live.wish.clone()),
    }
    ask(state, effects);
}

/// Sends the newest wish unless a question is on its way.
pub(super) fn ask(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((film, read)) = state.read_film() else { return };
    let mammogram = Arc::clone(&read.mammogram);
    let base = film.marked().map(|marked| marked.outline.clone());
    let generation = state.lanes.outline;
    let due = match &mut state.gesture {
        Gesture::Idle => None,
        Gesture::Crosshair { live, .. } => live.due().map(|prompt| (prompt, Vec::new())),
        Gesture::Outlining { live, kept } => live.due().map(|prompt| (prompt, kept.clone())),
        Gesture::Mending { from, live } => base
            .and_then(|base| Some((base.prompt, corrected(&base.corrections, *from, live.due()?)))),
    };
    if let Some((prompt, corrections)) = due {
        let request = Request::Outline { generation, mammogram, prompt, corrections };
        effects.push(Effect::Send(request));
    }
}

impl<T: Clone> Live<T> {
    pub(super) fn wish(&mut self, wish: T) {
        self.wish = wish;
        self.has_changed = true;
    }

    fn finish(&mut self, wish: T) {
        self.wish(wish);
        self.is_final = true;
    }

    /// Takes an answer; whether it ends the gesture.
    fn take(&mut self, result: &Result<Marked, String>) -> bool {
        self.is_asked = false;
        self.answer = Some(result.clone());
        self.is_final && !self.has_changed
    }

    /// The wish, where it is time to ask for it.
    fn due(&mut self) -> Option<T> {
        if self.is_asked || !self.has_changed {
            return None;
        }
        self.is_asked = true;
        self.has_changed = false;
        Some(self.wish.clone())
    }
}

/// A mark of another size about the same centre; a click becomes a drag of the size it found.
fn scaled(
    prompt: Prompt,
    outline: &Outline,
    factor: f64,
    radii: std::ops::RangeInclusive<f64>,
) -> Prompt {
    let within = |radius: f64| radius.clamp(*radii.start(), *radii.end());
    match prompt {
        Prompt::Drag { center, radius } => Prompt::Drag { center, radius: within(radius * factor) },
        Prompt::Click(center) => {
            let radius = (outline.contour.area() / std::f64::consts::PI).sqrt();
            Prompt::Drag { center, radius: within(radius * factor) }
        }
        Prompt::Box(rect) => {
            let center = rect.center();
            let (x, y) =
                (within(rect.width() / 2.0 * factor), within(rect.height() / 2.0 * factor));
            Prompt::Box(ImageRect::from_corners(
                ImagePoint::new(center.x - x, center.y - y),
                ImagePoint::new(center.x + x, center.y + y),
            ))
        }
    }
}

/// The corrections and one more; a point that was pulled before is moved on instead.
fn corrected(
    corrections: &[Correction],
    from: Option<ImagePoint>,
    newest: Correction,
) -> Vec<Correction> {
    let mut corrections = corrections.to_vec();
    let known = corrections
        .iter()
        .position(|correction| matches!(correction, Correction::Through(at) if Some(*at) == from));
    match known {
        Some(idx) => corrections[idx] = newest,
        None => corrections.push(newest),
    }
    corrections
}

pub(super) fn clamp(
    mammogram: &precedent_core::mammogram::Mammogram,
    point: ImagePoint,
) -> ImagePoint {
    ImagePoint::new(
        point.x.clamp(0.0, f64::from(mammogram.columns)),
        point.y.clamp(0.0, f64::from(mammogram.rows)),
    )
}
