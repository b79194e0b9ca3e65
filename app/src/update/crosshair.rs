//! Outlining by the keyboard alone: the crosshair's place and radius.

use std::sync::Arc;

use egui::Vec2;
use precedent_core::segmentation::Prompt;

use super::Effect;
use super::outline::{ask, begin, clamp, commit, commit_point, has_outline};
use crate::state::{Gesture, Live, State};

/// The crosshair's first radius where the film has a size, in mm: half of a palpable mass.
const CROSSHAIR_MM: f64 = 8.0;

/// Shows the crosshair on the outline, or in the middle of what is seen; or puts it away.
pub(super) fn toggle(state: &mut State, effects: &mut Vec<Effect>) {
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

pub(super) fn shift(state: &mut State, delta_in_ui: Vec2, effects: &mut Vec<Effect>) {
    let Some(view) = state.view() else { return };
    let Some(mammogram) = state.read_film().map(|(_, read)| Arc::clone(&read.mammogram)) else {
        return;
    };
    if let Gesture::Crosshair { at, radius, live } = &mut state.gesture {
        let moved = view.image_from_ui(view.ui_from_image(*at) + delta_in_ui);
        *at = clamp(&mammogram, moved);
        live.wish(Prompt::Drag { center: *at, radius: *radius });
    }
    ask(state, effects);
}

pub(super) fn scale(state: &mut State, factor: f64, effects: &mut Vec<Effect>) {
    if let Gesture::Crosshair { at, radius, live } = &mut state.gesture {
        *radius = (*radius * factor).max(2.0);
        live.wish(Prompt::Drag { center: *at, radius: *radius });
    }
    ask(state, effects);
}

pub(super) fn accept(state: &mut State, effects: &mut Vec<Effect>) {
    if let Gesture::Crosshair { at, radius, .. } = state.gesture {
        commit(state, Prompt::Drag { center: at, radius }, effects);
    }
}

/// The contour shall pass through the crosshair.
pub(super) fn pull_here(state: &mut State, effects: &mut Vec<Effect>) {
    if let Gesture::Crosshair { at, .. } = state.gesture
        && has_outline(state)
    {
        commit_point(state, at, at, effects);
    }
}
