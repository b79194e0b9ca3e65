//! The empty window: what this is, what it is not for, and the ways in.

use egui::{Align, Button, Layout, RichText, Ui, vec2};
use precedent_core::INTENDED_USE;

use crate::command::{Action, Command};
use crate::state::{Library, State, name};
use crate::theme;

/// Width of the column in the middle.
const COLUMN: f32 = 520.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.set_max_width(COLUMN.min(ui.available_width()));
        ui.add_space((height * 0.16).max(12.0));
        ui.label(RichText::new("Precedent").font(theme::strong(40.0)).color(theme::TEXT));
        ui.add_space(4.0);
        let line = "What did the masses that looked like this one turn out to be?";
        ui.label(RichText::new(line).size(16.0).color(theme::TEXT_SECOND));
        ui.add_space(28.0);
        ways_in(ui, state, commands);
        ui.add_space(28.0);
        recent(ui, state, commands);
        ui.add_space(20.0);
        library(ui, state);
        ui.add_space(28.0);
        ui.label(super::faint(INTENDED_USE));
    });
}

fn ways_in(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let size = vec2(COLUMN.min(ui.available_width()), 40.0);
    if let Some(progress) = &state.listing {
        super::listing(ui, progress, commands);
        return;
    }
    let has_demonstration = state.places.demonstration.is_dir();
    let first = Button::new(RichText::new(Action::OpenDemonstration.text()).size(15.0))
        .fill(theme::ACCENT_DEEP)
        .min_size(size);
    let missing = "The demonstration films were not found beside the program";
    let response = ui
        .add_enabled(has_demonstration, first)
        .on_hover_text(Action::OpenDemonstration.tooltip())
        .on_disabled_hover_text(missing);
    if response.clicked() {
        commands.push(Command::Do(Action::OpenDemonstration));
    }
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        let half = vec2((size.x - theme::GAP) / 2.0, 36.0);
        for action in [Action::OpenFiles, Action::OpenFolder] {
            let response = ui
                .add(Button::new(action.text()).min_size(half))
                .on_hover_text(super::tooltip(ui, action));
            if response.clicked() {
                commands.push(Command::Do(action));
            }
        }
    });
    ui.label(super::faint("or drop films or a folder onto this window"));
}

fn recent(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if state.settings.recent.is_empty() {
        return;
    }
    ui.label(super::second("Recent"));
    for path in state.settings.recent.iter().take(5) {
        let response =
            ui.add(Button::new(name(path)).frame(false)).on_hover_text(path.display().to_string());
        if response.clicked() {
            commands.push(Command::OpenPaths(vec![path.clone()]));
        }
    }
}

fn library(ui: &mut Ui, state: &State) {
    match &state.library {
        Library::Opening => {
            ui.label(super::second("Opening the case library and its encoder …"));
        }
        Library::Open { counts, .. } => {
            let text = format!(
                "{} cases with known outcome: {} malignant, {} benign, {} normal",
                super::thousands(counts.cases),
                super::thousands(counts.malignant),
                super::thousands(counts.benign),
                super::thousands(counts.normal),
            );
            ui.label(super::second(text));
        }
        Library::Failed(text) => {
            ui.label(RichText::new(format!("No cases to search: {text}")).color(theme::ERROR));
        }
    }
}
