//! The list of open films, each with a small picture, at the top of the inspector.

use egui::{Align2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use precedent_core::mammogram::Mammogram;

use crate::command::Command;
use crate::listing::Visit;
use crate::state::{Content, Film, State};
use crate::textures::{Painting, paint};
use crate::theme;
use crate::viewport::Viewport;

const ROW: f32 = 52.0;
/// Rows shown before the list scrolls.
const ROWS: f32 = 4.5;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let title = match state.films.len() {
        1 => "Film".to_owned(),
        n => format!("{n} films"),
    };
    super::section(ui, &title, |_| {});
    egui::ScrollArea::vertical()
        .id_salt("films")
        .max_height(ROW * ROWS)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let visits: Vec<&Visit> = state.films.iter().map(|film| &film.visit).collect();
            let by_visit = is_sorted_by_visit(&visits);
            let mut before = None;
            for (idx, film) in state.films.iter().enumerate() {
                if by_visit && before != Some(&film.visit) {
                    visit(ui, state, &film.visit, commands);
                }
                before = Some(&film.visit);
                row(ui, state, idx, film, commands);
            }
        });
    if !state.passed_over.is_empty() {
        let count = state.passed_over.len();
        let files = if count == 1 { "file is" } else { "files are" };
        let names = state.passed_over.iter().take(30).cloned().collect::<Vec<_>>().join("\n");
        let more = if count > 30 { format!("\nand {} more", count - 30) } else { String::new() };
        ui.label(super::faint(format!("{count} {files} no film and left out")))
            .on_hover_text(format!("{names}{more}"));
    }
}

/// Whether naming visits tells more than it takes: there are several, and one has several films, or
/// two are of different people.
fn is_sorted_by_visit(visits: &[&Visit]) -> bool {
    let any_two =
        |differ: fn(&Visit, &Visit) -> bool| visits.windows(2).any(|pair| differ(pair[0], pair[1]));
    visits.iter().any(|visit| **visit != Visit::default())
        && any_two(|a, b| a != b)
        && (any_two(|a, b| a == b) || any_two(|a, b| a.patient(None) != b.patient(None)))
}

/// Whose films follow, and of which day; a name that may be meant in another character set than
/// its file declares can be read in that.
fn visit(ui: &mut Ui, state: &State, visit: &Visit, commands: &mut Vec<Command>) {
    let patient = visit.patient(state.names_read_as);
    let patient = patient.as_deref().unwrap_or("Nobody is named");
    let day = visit.study_date.as_deref().map_or_else(String::new, |day| format!("{day} · "));
    let text = format!("{day}{patient}");
    // Whole: what tells two people apart may stand last.
    ui.add(egui::Label::new(super::faint(text)).wrap());
    let sets = visit.name_sets();
    if sets.is_empty() {
        return;
    }
    ui.menu_button(super::faint("Read names as…"), |ui| {
        let choices = sets.into_iter().map(|set| (set.words(), Some(set)));
        for (words, set) in std::iter::once(("As declared", None)).chain(choices) {
            if ui.selectable_label(state.names_read_as == set, words).clicked() {
                commands.push(Command::ReadNamesAs(set));
                ui.close();
            }
        }
    });
}

fn row(ui: &mut Ui, state: &State, idx: usize, film: &Film, commands: &mut Vec<Command>) {
    let is_shown = state.shown == Some(film.id);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let label = match film.read() {
        Some(read) => format!("{} {}", side_and_view(&read.mammogram), film.name()),
        None => film.name(),
    };
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_shown, label.trim()));
    if response.clicked() {
        commands.push(Command::ShowFilm(idx));
    }
    if response.middle_clicked() {
        commands.push(Command::CloseFilm(idx));
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
    let ground = if is_shown {
        theme::ACCENT_DEEP
    } else if response.hovered() {
        theme::HOVERED
    } else {
        theme::PANEL
    };
    ui.painter().rect_filled(rect, theme::CORNER, ground);
    if response.has_focus() {
        let line = Stroke::new(1.5, theme::ACCENT);
        ui.painter().rect_stroke(rect, theme::CORNER, line, StrokeKind::Inside);
    }
    let thumb = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(36.0, ROW - 8.0));
    ui.painter().rect_filled(thumb, 3, theme::FILM_GROUND);
    let text_at = pos2(thumb.right() + 10.0, rect.top() + 8.0);
    let (first, second, ink) = match &film.content {
        Content::Read(read) => {
            if let Some(window) = &film.window {
                let painting = Painting {
                    mammogram: read.mammogram.clone(),
                    pyramid: read.pyramid.clone(),
                    voi_lut: window.voi_lut.clone(),
                    is_inverted: window.is_inverted,
                };
                paint(ui, thumb, Viewport::Fit.view(thumb, &read.mammogram), painting);
            }
            let view = side_and_view(&read.mammogram);
            let marked = if film.marked().is_some() { " · outlined" } else { "" };
            match view.is_empty() {
                true => (film.name(), marked.trim_start_matches(" · ").to_owned(), theme::TEXT),
                false => (view, format!("{}{marked}", film.name()), theme::TEXT),
            }
        }
        Content::Listed | Content::Reading { .. } => {
            let reading = match film.content {
                Content::Listed => "",
                _ => "reading …",
            };
            let words = [film.name(), reading.to_owned()].map(|w| w.trim().to_owned());
            match film.side_and_view.is_empty() {
                true => (words[0].clone(), words[1].clone(), theme::TEXT_SECOND),
                false => (film.side_and_view.clone(), words.join(" "), theme::TEXT_SECOND),
            }
        }
        Content::Failed(_) => (film.name(), "cannot be shown".to_owned(), theme::ERROR),
    };
    let painter = ui.painter().with_clip_rect(rect.shrink2(vec2(6.0, 0.0)));
    painter.text(text_at, Align2::LEFT_TOP, first, theme::plain(theme::BODY), ink);
    let below = text_at + vec2(0.0, 18.0);
    painter.text(below, Align2::LEFT_TOP, second, theme::plain(theme::SMALL), theme::TEXT_SECOND);
    match &film.content {
        Content::Failed(text) => response.on_hover_text(text),
        _ => response.on_hover_text(film.path.display().to_string()),
    };
}

/// "R CC", as much of it as is known.
pub(super) fn side_and_view(mammogram: &Mammogram) -> String {
    let side = mammogram.image_laterality.map_or("", |laterality| laterality.word());
    let view = mammogram.view_position.map_or("", |position| position.word());
    format!("{side} {view}").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_of_two_people_never_stand_together_unnamed() {
        let visit = |id: &str, day: &str| Visit {
            patient_id: Some(id.to_owned()),
            study_date: Some(day.to_owned()),
            ..Visit::default()
        };
        let (one, later, other) =
            (visit("A", "2024-01-02"), visit("A", "2025-01-02"), visit("B", "2024-01-02"));
        let unknown = Visit::default();
        assert!(is_sorted_by_visit(&[&one, &other]));
        assert!(is_sorted_by_visit(&[&one, &unknown]));
        assert!(is_sorted_by_visit(&[&one, &one, &later]));
        for quiet in [&[&one, &one][..], &[&one, &later], &[&one], &[&unknown, &unknown], &[]] {
            assert!(!is_sorted_by_visit(quiet), "{quiet:?}");
        }
    }
}
