//! The numbers of an outline: beside those of the selected case, and where each lies among the
//! masses of the library.

use egui::{
    Align, CollapsingHeader, Color32, Label, Layout, Rect, RichText, Sense, Ui, pos2, vec2,
};
use precedent_core::measures::{Measure, Measures, Texture};

use crate::command::Command;
use crate::state::{Film, State};
use crate::theme;

/// Widths of the columns, in points.
const VALUE: f32 = 62.0;
const TRACK: f32 = 44.0;
/// Height of a row.
const ROW: f32 = 19.0;

/// The table, and the texture folded below it.
pub(super) fn show(ui: &mut Ui, state: &State, film: &Film, commands: &mut Vec<Command>) {
    let Some(marked) = film.marked() else { return };
    let measures = &marked.measures;
    let case = film.selected();
    if !measures.unit.chars().all(char::is_alphabetic) {
        ui.label(super::faint(format!("Lengths in {}", measures.unit)));
    }
    ui.spacing_mut().item_spacing.y = 1.0;
    head(ui, state, case.map(|neighbour| neighbour.rank));
    let case = case.map(|neighbour| (&neighbour.case.measures, neighbour.case.pathology));
    for measure in Measure::ALL {
        let Some(value) = measure.text(measures) else { continue };
        let ink = if measure.is_unstable(measures) { theme::TEXT_FAINT } else { theme::TEXT };
        let theirs = case.map(|(theirs, pathology)| (theirs, theme::pathology(pathology)));
        let words = if theirs.is_some() { measure.brief() } else { measure.words() };
        let row = row(
            ui,
            words,
            &[
                Some((value, ink)),
                theirs.and_then(|(theirs, ink)| Some((measure.text(theirs)?, ink))),
            ],
            theirs.is_some(),
        );
        track(ui, state, measure, row, measures, theirs);
        let rect = row.with_max_x(row.right() + TRACK);
        let id = ui.scope_id().with(("measure", measure.field()));
        ui.interact(rect, id, Sense::hover())
            .on_hover_ui(|ui| explain(ui, state, measure, measures, theirs.map(|(m, _)| m)));
    }
    texture(ui, state, film, commands);
}

/// What stands over the columns, where there is more than one.
fn head(ui: &mut Ui, state: &State, rank: Option<usize>) {
    let words = |text: &str| Some((text.to_owned(), theme::TEXT_FAINT));
    if let Some(rank) = rank {
        let _ = row(ui, "", &[words("film"), words(&format!("case {rank}"))], true);
    } else if state.atlas().is_none() {
        ui.label(super::faint("Percentiles come with the library"));
    }
}

/// A word and its values, right-aligned; gives the row without the room for the track.
fn row(ui: &mut Ui, word: &str, values: &[Option<(String, Color32)>; 2], two: bool) -> Rect {
    let whole = ui.available_rect_before_wrap();
    let rect = Rect::from_min_size(whole.min, vec2(whole.width(), ROW));
    ui.allocate_rect(rect, Sense::hover());
    let columns = if two { 2 } else { 1 };
    let row = rect.with_max_x(rect.right() - TRACK - 6.0);
    let first = row.right() - columns as f32 * VALUE;
    let mut cell = |rect: Rect, layout: Layout, text: RichText| {
        let mut cell = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout));
        cell.add(Label::new(text).truncate());
    };
    let left = Layout::left_to_right(Align::Center);
    cell(row.with_max_x(first), left, super::second(word));
    for (idx, value) in values.iter().take(columns).enumerate() {
        let Some((text, ink)) = value else { continue };
        let start = first + idx as f32 * VALUE;
        let place = Rect::from_x_y_ranges(start..=start + VALUE, rect.y_range());
        let size = if two { theme::SMALL } else { theme::BODY };
        let right = Layout::right_to_left(Align::Center);
        cell(place, right, RichText::new(text).size(size).color(*ink));
    }
    row
}

/// From the smallest to the largest mass of the library: a mark for the film, one for the case.
fn track(
    ui: &Ui,
    state: &State,
    measure: Measure,
    row: Rect,
    film: &Measures,
    case: Option<(&Measures, Color32)>,
) {
    let Some(atlas) = state.atlas() else { return };
    let (left, right) = (row.right() + 6.0, row.right() + TRACK);
    let at = |percentile: f64| left + (right - left) * percentile as f32 / 100.0;
    let middle = row.center().y;
    let painter = ui.painter();
    let marks =
        [(Some(film), theme::ACCENT), (case.map(|c| c.0), case.map_or(theme::LINE, |c| c.1))];
    let marks: Vec<(f32, Color32)> = marks
        .into_iter()
        .filter_map(|(measures, ink)| Some((at(atlas.percentile(measure, measures?)?), ink)))
        .collect();
    if marks.is_empty() {
        return;
    }
    painter.hline(left..=right, middle, egui::Stroke::new(2.0, theme::LINE));
    painter.vline(at(50.0), middle - 2.0..=middle + 2.0, egui::Stroke::new(1.0, theme::TEXT_FAINT));
    // The film's mark last, on top.
    for (x, ink) in marks.into_iter().rev() {
        painter.circle_filled(pos2(x, middle), 3.5, ink);
    }
}

/// What the number is, where it lies, and whether it holds.
fn explain(ui: &mut Ui, state: &State, measure: Measure, film: &Measures, case: Option<&Measures>) {
    ui.set_max_width(320.0);
    ui.label(RichText::new(measure.words()).strong());
    ui.label(format!("{}.", capital(measure.explanation())));
    if let Some(text) = among(state, measure, film) {
        ui.label(format!("The film's: {text}."));
    }
    if let Some(text) = case.and_then(|case| among(state, measure, case)) {
        ui.label(format!("The case's: {text}."));
    }
    if measure.is_unstable(film) {
        let text = "It moves by more than 15 % where the outline is drawn 0.5 mm farther out or \
            in, as two readers may: do not lean on it.";
        ui.label(RichText::new(text).color(theme::CAUTION));
    }
}

/// "larger than that of 62 in 100 masses of the library (61 compared)".
pub(super) fn among(state: &State, measure: Measure, measures: &Measures) -> Option<String> {
    let atlas = state.atlas()?;
    let percentile = atlas.percentile(measure, measures)?;
    Some(format!(
        "larger than {percentile:.0} in 100 masses of the library ({} compared)",
        atlas.masses(measure)
    ))
}

/// Co-occurrence of greys, for those who know how to read it.
fn texture(ui: &mut Ui, state: &State, film: &Film, commands: &mut Vec<Command>) {
    ui.add_space(4.0);
    let is_open = state.settings.texture_is_open;
    let fold = CollapsingHeader::new(super::second("Texture, for experts"))
        .id_salt("texture")
        .open(Some(is_open))
        .show(ui, |ui| match &film.texture {
            Some(Some(texture)) => numbers(ui, texture),
            Some(None) => {
                ui.label(super::faint("Too few cells inside the outline"));
            }
            None => super::working(ui, "Measuring"),
        });
    let response = fold.header_response.on_hover_text(
        "Grey-level co-occurrence inside the outline, named as the IBSI does. Not shown to mean \
         anything for malignancy: on the films that ship it sorts no better than chance",
    );
    if response.clicked() {
        commands.push(Command::ShowTexture(!is_open));
    }
}

fn numbers(ui: &mut Ui, texture: &Texture) {
    ui.label(super::faint(format!(
        "{} bins, distance {}, {} cells of {:.2}",
        texture.bins, texture.distance, texture.cells, texture.cell
    )));
    let correlation = texture.correlation.map_or("–".to_owned(), |value| format!("{value:.3}"));
    for (word, value, code) in [
        ("Contrast", format!("{:.2}", texture.contrast), "ACUI"),
        ("Correlation", correlation, "NI2N"),
        ("Cluster tendency", format!("{:.2}", texture.cluster_tendency), "DG8W"),
        ("Joint entropy", format!("{:.2}", texture.joint_entropy), "TU9B"),
        ("Inverse difference moment", format!("{:.3}", texture.inverse_difference_moment), "WF0Z"),
        ("Angular second moment", format!("{:.4}", texture.angular_second_moment), "8ZQL"),
    ] {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 16.0;
            ui.label(super::second(word));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(super::faint(code));
                ui.label(value);
            });
        });
    }
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
}
