//! The comparison: the selected case in the right half, at the film's scale and moved with it.

use egui::{Align2, Frame, Layout, Margin, Rect, Sense, Ui, vec2};
use precedent_core::retrieval::Neighbour;

use super::{card, marks};
use crate::command::{Action, Command};
use crate::state::{CasePicture, Film, ReadFilm, State};
use crate::theme;

pub(super) fn show(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    read: &ReadFilm,
    neighbour: &Neighbour,
    commands: &mut Vec<Command>,
) {
    let half = state.viewer_in_ui.split_left_right_at_fraction(0.5).1;
    let rect = half.with_min_x(half.left() + 1.0);
    ui.painter().rect_filled(half, 0, theme::LINE);
    ui.painter().rect_filled(rect, 0, theme::FILM_GROUND);
    card::want_picture(state, neighbour, commands);
    wheel(ui, state, film, read, rect, commands);
    let placed = card::draw(
        ui,
        state,
        film,
        neighbour,
        rect,
        card::Framing::Beside { off_center_in_mm: off_center(state, film, read) },
    );
    let painter = ui.painter_at(rect);
    if let Some(placed) = &placed {
        let mut notes = Vec::new();
        if placed.is_mirrored {
            notes.push("mirrored to the film's side");
        }
        notes.push(if placed.is_to_scale { "same scale" } else { "not to scale" });
        // Above the scale bar where there is no room beside it.
        let rise = if rect.width() < 420.0 { 36.0 } else { 8.0 };
        let at = rect.right_bottom() - vec2(14.0, rise);
        let font = theme::plain(12.0);
        marks::words(
            &painter,
            at,
            Align2::RIGHT_BOTTOM,
            &notes.join(" · "),
            font,
            theme::TEXT_SECOND,
        );
        if placed.is_to_scale
            && let Some(CasePicture::Read(picture)) = state.pictures.get(&neighbour.case.id)
        {
            marks::scale_bar(&painter, &placed.view, &picture.mammogram, rect.left_bottom());
        }
    }
    caption(ui, state, rect, neighbour, commands);
}

/// How far the middle of the screen is from the middle of the query's mass, in mm to the right and
/// down as the film hangs.
fn off_center(state: &State, film: &Film, read: &ReadFilm) -> Option<(f64, f64)> {
    let spacing = read.mammogram.spacing?;
    let middle = film.marked()?.outline.contour.centroid();
    let view = film.viewport.view(state.query_in_ui(), &read.mammogram);
    let (center, (across, down)) = (view.center_in_image, view.directions());
    Some((
        (center.x - middle.x) * spacing.column_spacing_mm * across,
        (center.y - middle.y) * spacing.row_spacing_mm * down,
    ))
}

/// The wheel zooms both; a drag here moves both.
fn wheel(
    ui: &mut Ui,
    state: &State,
    film: &Film,
    read: &ReadFilm,
    rect: Rect,
    commands: &mut Vec<Command>,
) {
    let response = ui.interact(rect, egui::Id::unique("case beside"), Sense::drag());
    let view = film.viewport.view(state.query_in_ui(), &read.mammogram);
    if response.dragged() {
        commands.push(Command::Look(view.panned(response.drag_delta())));
    }
    if response.hovered() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
        let factor = f64::from(pinch) * f64::from(scroll.y * 0.004).exp();
        if factor != 1.0 {
            // The place under the pointer here is as far from the middle as its twin there.
            let pos = view.rect_in_ui.center()
                + (response.hover_pos().unwrap_or(rect.center()) - rect.center());
            commands.push(Command::Look(view.zoomed_at(pos, factor)));
        }
    }
}

fn caption(
    ui: &mut Ui,
    state: &State,
    rect: Rect,
    neighbour: &Neighbour,
    commands: &mut Vec<Command>,
) {
    let bar = Rect::from_min_max(rect.left_top(), egui::pos2(rect.right(), rect.top() + 64.0))
        .shrink2(vec2(10.0, 8.0));
    let mut ui = ui
        .new_child(egui::UiBuilder::new().max_rect(bar).layout(Layout::top_down(egui::Align::Min)));
    let frame = Frame::new()
        .fill(theme::PANEL)
        .corner_radius(theme::CORNER)
        .inner_margin(Margin::symmetric(8, 4));
    frame.show(&mut ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(
                egui::RichText::new(format!("Case {}", neighbour.rank)).font(theme::strong(14.0)),
            );
            card::outcome(ui, neighbour.case.pathology);
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button("Close").on_hover_text(super::tooltip(ui, Action::Back)).clicked() {
                    commands.push(Command::Do(Action::Back));
                }
                let steps = [("Next case", 1, "→"), ("Previous case", -1, "←")];
                for (name, across, sign) in steps {
                    let hint = format!("{name} (arrow keys)");
                    let button = ui.button(sign).on_hover_text(hint);
                    button
                        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
                    if button.clicked() {
                        commands.push(Command::StepCase { across, down: 0 });
                    }
                }
            });
        });
        let mut words = vec![format!("distance {:.3}", neighbour.distance)];
        words.extend(card::terms(&neighbour.case.terms));
        words.push(neighbour.case.source.clone());
        words.push(format!("known by {}", neighbour.case.outcome_basis));
        ui.add(egui::Label::new(super::faint(words.join(" · "))).truncate())
            .on_hover_ui(|ui| card::details(ui, state, neighbour));
    });
}
