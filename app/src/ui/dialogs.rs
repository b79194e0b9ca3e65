//! What opens on top: About, keys and gestures, the pixel size.

use egui::{Grid, Id, Modal, RichText, ScrollArea, Ui};
use precedent_core::INTENDED_USE;
use precedent_core::mammogram::Spacing;

use crate::command::{Action, Command};
use crate::state::{Dialog, State};
use crate::theme;

/// What the mouse and the unnamed keys do.
const GESTURES: &[(&str, &str)] = &[
    ("Drag from the centre of a mass", "Outline it; the contour follows while you drag"),
    ("Alt and drag", "Outline what is in the box"),
    ("Click", "Outline with automatic size"),
    ("Drag the contour", "Pull it to where it should be"),
    ("Shift and drag", "All along this stroke is mass"),
    ("Ctrl and drag", "Nothing along this stroke is mass"),
    ("Drag with the push brush", "From inside it pushes the contour out, from outside in"),
    ("Drag with redraw", "A line from inside to inside adds, from outside to outside cuts off"),
    ("Alt and wheel, over the mass", "Mark it larger or smaller"),
    ("Shift and wheel, with the push brush", "Size of the brush"),
    ("Drag with the right button", "Window: across for width, up and down for brightness"),
    ("Drag with the middle button, or Space and drag", "Move the film"),
    ("Wheel", "Zoom at the pointer; of a film with frames, the next or the one before"),
    ("Ctrl and wheel", "Zoom, also where there are frames"),
    ("Esc, Enter, while drawing", "Cancel, or accept as it is"),
    ("Arrow keys", "Step through the cases"),
    (
        "Arrow keys, + and −, Enter, P",
        "With the crosshair: move it (Shift: further), radius, outline, pull",
    ),
    ("1 … 9, 0", "Choose that case"),
    ("Tab", "Go from control to control"),
];

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(dialog) = state.dialog else { return };
    let frame = egui::Frame::window(ui.style()).inner_margin(egui::Margin::same(22));
    let modal = Modal::new(Id::unique("dialog")).frame(frame);
    let response = modal.show(ui.ctx(), |ui| match dialog {
        Dialog::About => about(ui, commands),
        Dialog::Shortcuts => shortcuts(ui, commands),
        Dialog::StateScale => state_scale(ui, state, commands),
    });
    if response.should_close() {
        commands.push(Command::CloseDialog);
    }
}

fn about(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.set_width(460.0);
    ui.heading("Precedent");
    ui.label(super::second(format!("Version {}", env!("CARGO_PKG_VERSION"))));
    ui.add_space(8.0);
    ui.label(INTENDED_USE);
    ui.add_space(8.0);
    ui.label(super::second(
        "Distances compare pictures of film scans; they are no probabilities. Outcome, terms and \
         source of each case are as its collection states them.",
    ));
    ui.add_space(8.0);
    ui.label(super::faint(
        "Precedent: MIT or Apache-2.0. Films, regions, weights and fonts keep their own terms, \
         named in assets/ATTRIBUTION.md.",
    ));
    close(ui, commands);
}

fn shortcuts(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.set_width(720.0);
    ui.heading("Keys and gestures");
    ui.add_space(6.0);
    let height = (ui.ctx().content_rect().height() - 220.0).max(200.0);
    ScrollArea::vertical().max_height(height).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        Grid::new("gestures").num_columns(2).spacing([24.0, 6.0]).show(ui, |ui| {
            for (what, does) in GESTURES {
                ui.label(RichText::new(*what).color(theme::ACCENT));
                ui.label(*does);
                ui.end_row();
            }
            for action in Action::ALL {
                if action.shortcuts().is_empty() {
                    continue;
                }
                let keys: Vec<String> =
                    action.shortcuts().iter().map(|s| ui.ctx().format_shortcut(s)).collect();
                ui.label(RichText::new(keys.join(" or ")).color(theme::ACCENT));
                ui.label(action.text().trim_end_matches('…')).on_hover_text(action.tooltip());
                ui.end_row();
            }
        });
    });
    close(ui, commands);
}

/// The number being typed lives in the window's memory until it is accepted.
fn state_scale(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.set_width(420.0);
    ui.heading("Pixel size");
    let Some((film, read)) = state.read_film() else { return };
    let own = read.as_read.spacing;
    let says = match &own {
        Some(spacing) => format!(
            "The film says {:.4} {} between columns.",
            spacing.column_spacing_mm,
            spacing.origin.unit()
        ),
        None => "The film says nothing about its size, so lengths are in pixels.".to_owned(),
    };
    ui.label(says);
    let stands = read.as_read.own_scale().is_some();
    ui.label(super::second(if stands {
        "Its own size is used: one can be stated only for a film that has none."
    } else {
        "What you state here is marked \"mm, stated\" behind every length. The outline is measured \
         again and its undo steps begin anew."
    }));
    ui.add_space(6.0);
    let id = Id::unique(("stated scale", film.id));
    let mut mm = ui
        .data(|data| data.get_temp::<f64>(id))
        .or(film.stated_mm)
        .or(own.map(|spacing| spacing.column_spacing_mm))
        .unwrap_or(0.0);
    ui.horizontal(|ui| {
        let label = ui.label("Millimetres per pixel");
        let range = 0.0..=*Spacing::POSSIBLE_MM.end();
        let field = egui::DragValue::new(&mut mm).range(range).speed(0.001).max_decimals(5);
        ui.add_enabled(!stands, field).labelled_by(label.id);
    });
    ui.data_mut(|data| data.insert_temp(id, mm));
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let is_a_size = Spacing::POSSIBLE_MM.contains(&mm) && !stands;
        let accept = ui
            .add_enabled(is_a_size, egui::Button::new("State this size"))
            .on_disabled_hover_text(if stands {
                "The film has a size of its own"
            } else {
                "A mammogram's pixel is between 0.01 and 1 mm"
            });
        if accept.clicked() {
            commands.push(Command::StateScale(Some(mm)));
            commands.push(Command::CloseDialog);
        }
        if film.stated_mm.is_some() && ui.button("Take it back").clicked() {
            ui.data_mut(|data| data.remove::<f64>(id));
            commands.push(Command::StateScale(None));
            commands.push(Command::CloseDialog);
        }
        if ui.button("Cancel").clicked() {
            commands.push(Command::CloseDialog);
        }
    });
}

fn close(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.add_space(12.0);
    if ui.button("Close").clicked() {
        commands.push(Command::CloseDialog);
    }
}
