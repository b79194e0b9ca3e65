//! What is known of the shown film: attributes, window, outline and its numbers, cautions.

use egui::{Button, ComboBox, DragValue, RichText, ScrollArea, Ui};
use precedent_core::lexicon::ImageLaterality;
use precedent_core::mammogram::{Mammogram, PhotometricInterpretation};

use crate::command::{Action, Command};
use crate::state::{Content, Film, State, Window};
use crate::theme;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    super::films::show(ui, state, commands);
    let Some(film) = state.film() else { return };
    if let Content::Failed(text) = &film.content {
        ui.separator();
        ui.label(RichText::new(text).color(theme::ERROR));
    }
    let Some(read) = film.read() else { return };
    ui.separator();
    ScrollArea::vertical().id_salt("inspector").auto_shrink([false, false]).show(ui, |ui| {
        outline(ui, state, film, commands);
        ui.separator();
        if let Some(window) = &film.window {
            look(ui, &read.mammogram, window, commands);
            ui.separator();
        }
        attributes(ui, &read.mammogram);
        cautions(ui, &read.mammogram);
    });
}

fn outline(ui: &mut Ui, state: &State, film: &Film, commands: &mut Vec<Command>) {
    super::section(ui, "Outline", |ui| {
        let buttons = [
            (Action::Redo, "Redo", film.history.can_redo()),
            (Action::Undo, "Undo", film.history.can_undo()),
        ];
        for (action, text, is_enabled) in buttons {
            let response = ui
                .add_enabled(is_enabled, Button::new(text))
                .on_hover_text(super::tooltip(ui, action));
            if response.clicked() {
                commands.push(Command::Do(action));
            }
        }
    });
    if film.marked().is_some() {
        ui.scope(|ui| super::measures::show(ui, state, film, commands));
    } else {
        ui.label(super::second("None yet. Drag from the centre of a mass outwards."));
    }
}

fn look(ui: &mut Ui, film: &Mammogram, window: &Window, commands: &mut Vec<Command>) {
    super::section(ui, "Window", |ui| {
        let inverted = ui
            .selectable_label(window.is_inverted, "Invert")
            .on_hover_text(super::tooltip(ui, Action::Invert));
        if inverted.clicked() {
            commands.push(Command::Do(Action::Invert));
        }
    });
    ComboBox::from_id_salt("window of the file")
        .selected_text(window.voi_lut.explanation.clone())
        .width(ui.available_width())
        .show_ui(ui, |ui| {
            for (idx, voi_lut) in film.voi_luts.iter().enumerate() {
                let is_chosen = window.idx == Some(idx);
                if ui.selectable_label(is_chosen, voi_lut.explanation.clone()).clicked() {
                    commands.push(Command::ChooseWindow(idx));
                }
            }
        })
        .response
        .accessible_name("Windows the file offers")
        .on_hover_text(super::tooltip(ui, Action::NextWindow));
    let (mut center, mut width) = window.center_width();
    let before = (center, width);
    let speed = (width * 0.005).max(0.1);
    ui.horizontal(|ui| {
        let label = ui.label(super::second("Center"));
        ui.add(DragValue::new(&mut center).speed(speed).max_decimals(1)).labelled_by(label.id);
        let label = ui.label(super::second("Width"));
        ui.add(DragValue::new(&mut width).speed(speed).max_decimals(1).range(1.0..=1e6))
            .labelled_by(label.id);
    });
    if before != (center, width) {
        commands.push(Command::SetWindow { center, width });
    }
}

fn attributes(ui: &mut Ui, film: &Mammogram) {
    super::section(ui, "Attributes", |_| {});
    let side = match film.image_laterality {
        Some(ImageLaterality::Right) => "right",
        Some(ImageLaterality::Left) => "left",
        Some(ImageLaterality::Both) => "both",
        None => "not stated",
    };
    row(ui, "Side", "ImageLaterality", side);
    let view = film.view_position.map_or("not stated", |view| view.word());
    row(ui, "View", "ViewPosition", view);
    if film.frame.count > 1 {
        let frame = format!("{} of {}", film.frame.idx + 1, film.frame.count);
        row(ui, "Frame", "NumberOfFrames", &frame);
    }
    row(ui, "Size", "Columns × Rows", &format!("{} × {}", film.columns, film.rows));
    let spacing = match &film.spacing {
        Some(spacing) if spacing.row_spacing_mm == spacing.column_spacing_mm => {
            format!("{} {}", short(spacing.row_spacing_mm), spacing.origin.unit())
        }
        Some(spacing) => format!(
            "{} × {} {}",
            short(spacing.row_spacing_mm),
            short(spacing.column_spacing_mm),
            spacing.origin.unit()
        ),
        None => "not stated".to_owned(),
    };
    row(ui, "Pixel", "PixelSpacing", &spacing);
    row(ui, "Depth", "BitsStored", &format!("{} bits", film.bits_stored));
    let grey = match film.photometric_interpretation {
        PhotometricInterpretation::Monochrome1 => "low is white",
        PhotometricInterpretation::Monochrome2 => "low is black",
    };
    row(ui, "Grey", "PhotometricInterpretation", grey);
    let lossy = if film.lossy { "with loss" } else { "without loss" };
    row(ui, "Compression", "LossyImageCompression", lossy);
    if let Some(patient) = &film.patient_id {
        row(ui, "Patient", "PatientID", patient);
    }
}

fn cautions(ui: &mut Ui, film: &Mammogram) {
    if film.cautions.is_empty() {
        return;
    }
    ui.separator();
    super::section(ui, "Cautions", |_| {});
    for caution in &film.cautions {
        let ink = if caution.is_doubt() { theme::CAUTION } else { theme::TEXT_SECOND };
        ui.label(RichText::new(&caution.text).color(ink)).on_hover_text(caution.code.as_str());
    }
}

/// A plain word with its DICOM keyword under it, and a value at the right edge.
fn row(ui: &mut Ui, word: &str, keyword: &str, value: &str) {
    ui.spacing_mut().item_spacing.y = 3.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.label(super::second(word));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add(egui::Label::new(value).truncate()).on_hover_text(value);
        });
    });
    if !keyword.is_empty() {
        ui.add_space(-4.0);
        ui.label(RichText::new(keyword).size(10.0).color(theme::TEXT_FAINT));
    }
}

/// A length per pixel without trailing zeros.
fn short(mm: f64) -> String {
    let text = format!("{mm:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
