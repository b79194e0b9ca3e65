//! The menu: every action with its words and keys.

use egui::{Button, MenuBar, Ui};
use precedent_core::encoder::DeviceChoice;

use crate::command::{Action, Command};
use crate::state::{State, name};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let film = state.film();
    let has_film = state.read_film().is_some();
    let has_outline = film.is_some_and(|film| film.marked().is_some());
    MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| {
            item(ui, Action::OpenFiles, true, commands);
            item(ui, Action::OpenFolder, true, commands);
            item(ui, Action::OpenDemonstration, state.places.demonstration.is_dir(), commands);
            recent(ui, state, commands);
            ui.separator();
            item(ui, Action::NextFilm, state.films.len() > 1, commands);
            let has_frames =
                film.and_then(|f| f.read()).is_some_and(|read| read.mammogram.frame.count > 1);
            item(ui, Action::NextFrame, has_frames, commands);
            item(ui, Action::PreviousFrame, has_frames, commands);
            item(ui, Action::PreviousFilm, state.films.len() > 1, commands);
            item(ui, Action::CloseFilm, film.is_some(), commands);
            ui.separator();
            item(ui, Action::Quit, true, commands);
        });
        ui.menu_button("Edit", |ui| {
            item(ui, Action::Undo, film.is_some_and(|film| film.history.can_undo()), commands);
            item(ui, Action::Redo, film.is_some_and(|film| film.history.can_redo()), commands);
            ui.separator();
            item(ui, Action::Crosshair, has_film, commands);
            item(ui, Action::PullToCrosshair, has_outline, commands);
            item(ui, Action::ClearOutline, has_outline, commands);
            ui.separator();
            for action in [Action::OutlineTool, Action::PushBrush, Action::Redraw, Action::LastTool]
            {
                item(ui, action, has_film, commands);
            }
            item(ui, Action::BrushSmaller, has_film, commands);
            item(ui, Action::BrushLarger, has_film, commands);
            ui.separator();
            for action in [
                Action::Smooth,
                Action::KeepLargest,
                Action::DropPoint,
                Action::Resnap,
                Action::Grow,
                Action::Shrink,
            ] {
                item(ui, action, has_outline, commands);
            }
            ui.separator();
            item(ui, Action::StateScale, has_film, commands);
        });
        ui.menu_button("View", |ui| {
            for action in [Action::Fit, Action::ActualSize, Action::ZoomIn, Action::ZoomOut] {
                item(ui, action, has_film, commands);
            }
            ui.separator();
            for action in [Action::Invert, Action::NextWindow, Action::ResetWindow] {
                item(ui, action, has_film, commands);
            }
            ui.separator();
            item(ui, Action::ToggleOutline, has_film, commands);
        });
        ui.menu_button("Find", |ui| {
            item(ui, Action::FindSimilar, has_outline, commands);
            let has_answer = film.is_some_and(|film| film.neighbours().is_some());
            item(ui, Action::Beside, has_answer, commands);
            item(ui, Action::ToggleLanes, true, commands);
            ui.separator();
            item(ui, Action::OpenLibrary, true, commands);
            item(ui, Action::OpenEncoder, true, commands);
            item(ui, Action::UseShipped, true, commands);
            ui.menu_button("Run the encoder on", |ui| device(ui, state, commands));
        });
        ui.menu_button("Help", |ui| {
            item(ui, Action::Shortcuts, true, commands);
            item(ui, Action::About, true, commands);
        });
        if let Some(film) = film {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(super::faint(film.name()));
            });
        }
    });
}

fn item(ui: &mut Ui, action: Action, is_enabled: bool, commands: &mut Vec<Command>) {
    let mut button = Button::new(action.text());
    if let Some(shortcut) = action.shortcuts().first() {
        button = button.shortcut_text(ui.ctx().format_shortcut(shortcut));
    }
    if ui.add_enabled(is_enabled, button).on_hover_text(action.tooltip()).clicked() {
        commands.push(Command::Do(action));
    }
}

fn recent(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let recent = &state.settings.recent;
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for path in recent {
                let response = ui.button(name(path)).on_hover_text(path.display().to_string());
                if response.clicked() {
                    commands.push(Command::OpenPaths(vec![path.clone()]));
                }
            }
            ui.separator();
            if ui.button("Forget these").on_hover_text("Empties this list").clicked() {
                commands.push(Command::ForgetRecent);
            }
        });
    });
}

fn device(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let choices = [
        (DeviceChoice::Auto, "A GPU that proves itself, else the CPU"),
        (DeviceChoice::Gpu, "Any graphics adapter, a software one too"),
        (DeviceChoice::Cpu, "The CPU"),
    ];
    for (choice, text) in choices {
        if ui.radio(state.places.device == choice, text).clicked() {
            commands.push(Command::ChooseDevice(choice));
        }
    }
}
