//! The arrangement: menu above, status below, inspector left, cases right, the film in the middle.
//!
//! A panel is a function of the state that pushes commands; it changes nothing itself.

use egui::{
    Align, CentralPanel, Frame, Layout, Margin, Panel, Response, Role, Stroke, Ui, WidgetInfo,
};

use precedent_core::progress::Progress;

use crate::command::{Action, Command};
use crate::settings::WindowLayout;
use crate::state::State;
use crate::theme;

mod beside;
mod card;
mod dialogs;
mod films;
mod frames;
mod gallery;
mod hand;
mod inspector;
mod marks;
mod measures;
mod menu;
mod start;
mod status_bar;
mod tools;
pub mod viewer;

/// Of a small window, the cases take no more than this at first; the film needs its room.
const LARGEST_SHARE: f32 = 0.5;

/// Draws everything.
pub fn show(ui: &mut Ui, state: &State, layout: &mut WindowLayout, commands: &mut Vec<Command>) {
    let bar = Frame::new().fill(theme::PANEL).inner_margin(Margin::symmetric(8, 3));
    Panel::top("menu").frame(bar).show(ui, |ui| menu::show(ui, state, commands));
    Panel::bottom("status").frame(bar).show(ui, |ui| status_bar::show(ui, state, commands));
    if !state.notices.is_empty() {
        let frame = Frame::new().fill(theme::CAUTION_GROUND).inner_margin(Margin::symmetric(10, 5));
        Panel::bottom("notices")
            .frame(frame)
            .show(ui, |ui| status_bar::notices(ui, state, commands));
    }
    if state.films.is_empty() {
        let frame = Frame::new().fill(theme::GROUND).inner_margin(Margin::same(24));
        CentralPanel::no_frame().frame(frame).show(ui, |ui| start::show(ui, state, commands));
    } else {
        let side = Frame::new().fill(theme::PANEL).inner_margin(Margin::same(12));
        let inspector = Panel::left("inspector")
            .frame(side)
            .default_size(layout.inspector_width)
            .size_range(220.0..=420.0)
            .show(ui, |ui| inspector::show(ui, state, commands));
        layout.inspector_width = inspector.response.rect.width();
        let gallery = Panel::right("cases")
            .frame(side)
            .default_size(layout.gallery_width.min(ui.available_width() * LARGEST_SHARE))
            .size_range(250.0..=900.0)
            .show(ui, |ui| gallery::show(ui, state, commands));
        layout.gallery_width = gallery.response.rect.width();
        let frame = Frame::new().fill(theme::FILM_GROUND);
        CentralPanel::no_frame().frame(frame).show(ui, |ui| viewer::show(ui, state, commands));
    }
    dialogs::show(ui, state, commands);
    drop_hint(ui);
}

/// While files hover over the window.
fn drop_hint(ui: &Ui) {
    if ui.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let rect = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(rect, 0, theme::UNDERLAY);
    painter.rect_stroke(
        rect.shrink(12.0),
        10,
        Stroke::new(2.0, theme::ACCENT),
        egui::StrokeKind::Inside,
    );
    let text = "Drop to open";
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        text,
        theme::strong(24.0),
        theme::TEXT,
    );
}

/// A button for an action, with its tooltip and first key.
fn action_button(ui: &mut Ui, action: Action, commands: &mut Vec<Command>) -> Response {
    let response = ui.button(action.text()).on_hover_text(tooltip(ui, action));
    if response.clicked() {
        commands.push(Command::Do(action));
    }
    response
}

/// An action's sentence and its key.
fn tooltip(ui: &Ui, action: Action) -> String {
    match action.shortcuts().first() {
        Some(shortcut) => {
            format!("{} ({})", action.tooltip(), ui.ctx().format_shortcut(shortcut))
        }
        None => action.tooltip().to_owned(),
    }
}

/// A heading inside a side panel, and room for something at its right end.
fn section(ui: &mut Ui, title: &str, at_the_end: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new(title).font(theme::strong(14.0)));
        ui.with_layout(Layout::right_to_left(Align::Center), at_the_end);
    });
}

/// A small filled label; `explanation` on hover and for a screen reader.
fn chip(
    ui: &mut Ui,
    text: &str,
    explanation: &str,
    ink: egui::Color32,
    ground: egui::Color32,
) -> Response {
    let text = egui::RichText::new(text).size(theme::SMALL).color(ink);
    let response = ui.add(
        egui::Button::new(text)
            .fill(ground)
            .stroke(Stroke::NONE)
            .corner_radius(10)
            .min_size(egui::vec2(0.0, 20.0)),
    );
    let words = response.clone().on_hover_text(explanation);
    words.widget_info(|| WidgetInfo::labeled(Role::Button, true, explanation));
    words
}

fn faint(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).size(theme::SMALL).color(theme::TEXT_FAINT)
}

fn second(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).color(theme::TEXT_SECOND)
}

/// A spinner with what is being done beside it.
fn working(ui: &mut Ui, what: &str) {
    ui.horizontal(|ui| {
        spinner(ui, 14.0, theme::ACCENT);
        ui.label(second(what));
    });
}

/// How far the looking through files is, and the way to give it up.
fn listing(ui: &mut Ui, progress: &Progress, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        spinner(ui, 14.0, theme::ACCENT);
        let count = |number: u64| thousands(usize::try_from(number).unwrap_or(usize::MAX));
        let how_far = match progress.total {
            Some(total) => {
                format!("{}: {} of {}", progress.step, count(progress.done), count(total))
            }
            None => progress.step.to_owned(),
        };
        ui.label(second(how_far));
        if ui.button("Cancel").on_hover_text("Open nothing of it (Esc)").clicked() {
            commands.push(Command::Do(Action::Back));
        }
    });
}

/// Turns eight times a second, not with every frame of the screen: without a GPU each frame costs
/// the very cores that do the work one waits for.
fn spinner(ui: &mut Ui, size: f32, ink: egui::Color32) {
    const STEP_SECS: f64 = 0.125;
    let (rect, response) = ui.allocate_exact_size(egui::vec2(size, size), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, "working"));
    let turn = (ui.input(|input| input.time) / STEP_SECS).floor() * 0.7;
    let arc = (0..=16)
        .map(|i| {
            let angle = (turn + f64::from(i) * 0.25) as f32;
            rect.center() + egui::vec2(angle.cos(), angle.sin()) * (size / 2.0 - 1.5)
        })
        .collect();
    ui.painter().line(arc, Stroke::new(2.0, ink));
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(STEP_SECS));
}

/// 12345 as "12,345".
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(super::thousands(number), text);
        }
    }
}
