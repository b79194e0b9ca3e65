//! The last line: what runs, on which device, over how many cases, and how long it took; above
//! it, when there is something to say, the notices.

use std::time::Duration;

use egui::{Align, Layout, RichText, Ui};
use precedent_core::INTENDED_USE;

use crate::command::Command;
use crate::state::{Content, Library, Search, State};
use crate::theme;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        if let Some(progress) = &state.listing {
            super::listing(ui, progress, commands);
        } else if let Some(what) = running(state) {
            super::working(ui, &what);
        }
        library(ui, state);
        timings(ui, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let short = super::faint("Research and teaching; not for primary diagnosis");
            let response =
                ui.add(egui::Button::new(short).frame(false).small()).on_hover_text(INTENDED_USE);
            if response.clicked() {
                commands.push(Command::Show(crate::state::Dialog::About));
            }
            pointer(ui, state);
        });
    });
}

pub(super) fn notices(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    for (idx, notice) in state.notices.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = ui.button("Dismiss").on_hover_text("Close this notice (Esc)");
                if close.clicked() {
                    commands.push(Command::DismissNotice(idx));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let ink = if notice.is_error { theme::ERROR } else { theme::CAUTION };
                    ui.add(egui::Label::new(RichText::new(&notice.text).color(ink)).wrap());
                });
            });
        });
    }
}

/// What is being worked on, in words.
fn running(state: &State) -> Option<String> {
    let reading: Vec<String> = state
        .films
        .iter()
        .filter(|film| matches!(film.content, Content::Reading { .. }))
        .map(crate::state::Film::name)
        .collect();
    match reading.as_slice() {
        [] => {}
        [one] => return Some(format!("Reading {one}")),
        [one, rest @ ..] => return Some(format!("Reading {one} and {} more", rest.len())),
    }
    if state.gesture.is_final() {
        return Some("Outlining".to_owned());
    }
    if matches!(state.library, Library::Opening) {
        return Some("Opening the case library and its encoder".to_owned());
    }
    let is_searching = state.film().is_some_and(|film| matches!(film.search, Search::Running));
    is_searching.then(|| "Describing the region and searching".to_owned())
}

fn library(ui: &mut Ui, state: &State) {
    match &state.library {
        Library::Opening => {}
        Library::Open { counts, device_name, device_reason, open_time, .. } => {
            ui.label(super::second(device_name).size(theme::SMALL)).on_hover_text(device_reason);
            let text = format!(
                "{} cases: {} malignant · {} benign · {} normal",
                super::thousands(counts.cases),
                super::thousands(counts.malignant),
                super::thousands(counts.benign),
                super::thousands(counts.normal),
            );
            let path = state.places.library.display();
            ui.label(super::second(text).size(theme::SMALL)).on_hover_text(format!(
                "{path}\nencoder {}\nopened and checked in {}",
                state.places.encoder.display(),
                milliseconds(*open_time)
            ));
        }
        Library::Failed(text) => {
            let short = RichText::new("No case library").size(theme::SMALL).color(theme::ERROR);
            ui.label(short).on_hover_text(text);
        }
    }
}

fn timings(ui: &mut Ui, state: &State) {
    let Some((film, read)) = state.read_film() else { return };
    let mut text = format!("read {}", milliseconds(read.read_time));
    if let Some(neighbours) = film.neighbours() {
        text += &format!(
            " · describe {} · search {}",
            milliseconds(neighbours.encode_time),
            milliseconds(neighbours.search_time)
        );
    }
    ui.label(super::faint(text)).on_hover_text("How long the last steps took");
}

/// Place and stored value under the pointer.
fn pointer(ui: &mut Ui, state: &State) {
    let Some(pos) = ui.input(|input| input.pointer.hover_pos()) else { return };
    let (Some(view), Some((_, read))) = (state.view(), state.read_film()) else { return };
    if !state.query_in_ui().contains(pos) {
        return;
    }
    let at = view.image_from_ui(pos);
    let film = &read.mammogram;
    let inside =
        at.x >= 0.0 && at.y >= 0.0 && at.x < f64::from(film.columns) && at.y < f64::from(film.rows);
    if inside {
        let (column, row) = (at.x as u32, at.y as u32);
        let text = format!("column {column}, row {row}: {}", film.stored(column, row));
        ui.label(super::faint(text));
    }
}

fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms >= 10_000.0 {
        format!("{:.0} s", ms / 1e3)
    } else if ms >= 1000.0 {
        format!("{:.1} s", ms / 1e3)
    } else if ms >= 10.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}
