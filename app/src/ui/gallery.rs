//! The neighbours: one list of ten, or three lanes by outcome.

use egui::{Align, ComboBox, Label, Layout, RichText, ScrollArea, Ui, vec2};
use precedent_core::lexicon::Pathology;
use precedent_core::retrieval::{Neighbour, Neighbours};

use super::card::{self, Shape};
use crate::command::{Action, Command};
use crate::state::{CaseAt, Film, Library, Search, State, count_by_pathology};
use crate::theme;

/// Side of a card's picture, in points.
const PICTURE: std::ops::RangeInclusive<f32> = 104.0..=190.0;
/// Narrower than this, cards stand in one column.
const TWO_COLUMNS: f32 = 440.0;
const GAP: f32 = 6.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    head(ui, state, commands);
    let Some(film) = state.film() else { return };
    match &film.search {
        Search::Empty => empty(ui, state, film),
        Search::Running => {
            ui.add_space(12.0);
            match &state.library {
                Library::Opening => super::working(ui, "Opening the case library and its encoder"),
                Library::Open { .. } | Library::Failed(_) => {
                    super::working(ui, "Describing the region and searching");
                }
            }
        }
        Search::Failed(text) => {
            ui.add_space(8.0);
            ui.label(RichText::new(text).color(theme::ERROR));
            ui.label(super::second("Your outline is kept."));
            ui.horizontal(|ui| {
                super::action_button(ui, Action::FindSimilar, commands);
                super::action_button(ui, Action::OpenLibrary, commands);
                if state.places.library != state.places.shipped_library {
                    super::action_button(ui, Action::UseShipped, commands);
                }
            });
        }
        Search::Found(_) => match film.neighbours() {
            Some(neighbours) => found(ui, state, film, neighbours, commands),
            None => empty(ui, state, film),
        },
    }
}

fn head(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Nearest cases").font(theme::strong(14.0)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let lanes = ui
                .selectable_label(state.query.lanes, Action::ToggleLanes.text())
                .on_hover_text(super::tooltip(ui, Action::ToggleLanes));
            if lanes.clicked() {
                commands.push(Command::Do(Action::ToggleLanes));
            }
            if !state.query.lanes {
                filter(ui, state, commands);
            }
        });
    });
}

fn filter(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let chosen = state.query.pathologies.as_slice();
    let text = match chosen {
        [] => "All outcomes".to_owned(),
        some => some.iter().map(|p| p.word()).collect::<Vec<_>>().join(", "),
    };
    let response =
        ComboBox::from_id_salt("outcomes").selected_text(text).width(124.0).show_ui(ui, |ui| {
            if ui.selectable_label(chosen.is_empty(), "All outcomes").clicked() {
                commands.push(Command::Filter(Vec::new()));
            }
            for &pathology in Pathology::ALL {
                let text = format!("Only {pathology}");
                if ui.selectable_label(chosen == [pathology], text).clicked() {
                    commands.push(Command::Filter(vec![pathology]));
                }
            }
        });
    response.response.accessible_name("Outcomes sought").on_hover_text("Which cases are sought");
}

fn empty(ui: &mut Ui, state: &State, film: &Film) {
    ui.add_space(12.0);
    let text = match film.marked() {
        Some(_) => "No search yet.",
        None => {
            "Drag over a mass on the film: press at its centre, pull to its edge, let go. Its ten \
             nearest cases with known outcome appear here."
        }
    };
    ui.add(Label::new(super::second(text)).wrap());
    ui.add_space(8.0);
    match &state.library {
        Library::Opening => super::working(ui, "Opening the case library and its encoder"),
        Library::Failed(text) => {
            ui.label(RichText::new(text).color(theme::ERROR));
        }
        Library::Open { .. } => {}
    }
}

fn found(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    neighbours: &Neighbours,
    commands: &mut Vec<Command>,
) {
    summary(ui, neighbours);
    match neighbours.num_own_cases {
        0 => {}
        1 => {
            ui.label(super::faint("One case of this patient herself is left out"));
        }
        n => {
            ui.label(super::faint(format!("{n} cases of this patient herself are left out")));
        }
    }
    for caution in &neighbours.cautions {
        ui.add(
            Label::new(RichText::new(&caution.text).size(theme::SMALL).color(theme::CAUTION))
                .wrap(),
        );
    }
    ui.add_space(2.0);
    let height = ui.available_height();
    if neighbours.lists.iter().all(|(_, list)| list.is_empty()) {
        ui.label(super::second("No case of the library meets these wishes."));
        return;
    }
    ScrollArea::vertical().id_salt("cases").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(GAP, GAP);
        match neighbours.lists.as_slice() {
            [(_, list)] => one_list(ui, state, film, list, height, commands),
            lanes => three_lanes(ui, state, film, lanes, commands),
        }
    });
}

/// "Of these ten: 6 malignant, 3 benign, 1 normal", each in its colour.
fn summary(ui: &mut Ui, neighbours: &Neighbours) {
    if neighbours.lists.len() > 1 {
        ui.label(super::second("The ten nearest of each outcome; distances compare across lanes"));
        return;
    }
    let counts = count_by_pathology(neighbours);
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(super::second(format!("Of these {total}")));
        for (pathology, count) in counts {
            let text = format!("{count} {pathology}");
            ui.label(RichText::new(text).color(theme::pathology(pathology)));
        }
    })
    .response
    .on_hover_text(
        "How many of the shown cases had each outcome; no probability. The number beside an \
         outcome is the distance between descriptors: 0 is the same region, 2 the furthest",
    );
}

fn one_list(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    list: &[Neighbour],
    height: f32,
    commands: &mut Vec<Command>,
) {
    let width = ui.available_width();
    let columns = if width >= TWO_COLUMNS { 2 } else { 1 };
    if columns != state.gallery_columns {
        commands.push(Command::PlaceGallery { columns });
    }
    // As large as lets five rows stand without scrolling, within reason.
    let by_height = height / 5.0 - GAP - 12.0;
    let card_width = (width - GAP * (columns as f32 - 1.0)) / columns as f32;
    let side = by_height.clamp(*PICTURE.start(), *PICTURE.end()).min(card_width * 0.5);
    let shrink = card::shrink(state, film, list.iter(), side);
    let shape = Shape { size: vec2(card_width, side + 12.0), side, is_row: true, shrink };
    scale(ui, shrink);
    for (row, pair) in list.chunks(columns).enumerate() {
        ui.horizontal(|ui| {
            for (i, neighbour) in pair.iter().enumerate() {
                let at = CaseAt { list: 0, place: row * columns + i };
                card::show(ui, state, film, at, neighbour, shape, commands);
            }
        });
    }
}

/// Says at which scale all the cards are.
fn scale(ui: &mut Ui, shrink: f64) {
    ui.label(super::faint(if shrink < 1.0 {
        format!("All at one scale, {:.0} % of the film's", 100.0 * shrink)
    } else {
        "All at the film's scale".to_owned()
    }));
}

fn three_lanes(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    lanes: &[(Option<Pathology>, Vec<Neighbour>)],
    commands: &mut Vec<Command>,
) {
    let count = lanes.len() as f32;
    let width = (ui.available_width() - GAP * (count - 1.0)) / count;
    let side = (width - 12.0).clamp(80.0, 200.0);
    let shrink = card::shrink(state, film, lanes.iter().flat_map(|(_, list)| list), side);
    let shape = Shape { size: vec2(width, side + 104.0), side, is_row: false, shrink };
    scale(ui, shrink);
    let rows = lanes.iter().map(|(_, list)| list.len()).max().unwrap_or(0);
    for place in 0..rows {
        ui.horizontal(|ui| {
            for (list, (_, neighbours)) in lanes.iter().enumerate() {
                match neighbours.get(place) {
                    Some(neighbour) => {
                        let at = CaseAt { list, place };
                        card::show(ui, state, film, at, neighbour, shape, commands);
                    }
                    None => {
                        ui.allocate_space(shape.size);
                    }
                }
            }
        });
    }
}
