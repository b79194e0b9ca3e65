//! The frames of a film with several: where one is, and a way to any other.

use egui::{Align2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::marks;
use crate::command::Command;
use crate::state::{Film, ReadFilm};
use crate::theme;

/// Width of the strip at the right edge of the film, in points.
const STRIP: f32 = 18.0;

pub(super) fn show(ui: &Ui, film: &Film, read: &ReadFilm, rect: Rect, commands: &mut Vec<Command>) {
    let frame = read.mammogram.frame;
    if frame.count <= 1 {
        return;
    }
    let strip = Rect::from_min_max(
        pos2(rect.right() - STRIP, rect.top() + 48.0),
        pos2(rect.right(), rect.bottom() - 40.0),
    );
    let last = (frame.count - 1) as f32;
    let response = ui.interact(strip, egui::Id::unique("frames"), Sense::click_and_drag());
    let words = format!("Frame {} of {}", frame.idx + 1, frame.count);
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &words));
    if let Some(pos) = response.interact_pointer_pos()
        && (response.dragged() || response.clicked())
    {
        let share = ((pos.y - strip.top()) / strip.height()).clamp(0.0, 1.0);
        commands.push(Command::ShowFrame((share * last).round() as u32));
    }
    let painter = ui.painter_at(rect);
    let at = |idx: u32| strip.top() + strip.height() * idx as f32 / last;
    let x = strip.center().x;
    painter.vline(x, strip.y_range(), Stroke::new(3.0, theme::UNDERLAY));
    painter.vline(x, strip.y_range(), Stroke::new(1.0, theme::TEXT_FAINT));
    for idx in film.other_frames.iter().filter(|(_, work)| work.history.now().is_some()) {
        painter.circle_filled(pos2(x, at(*idx.0)), 3.0, theme::ACCENT_DEEP);
    }
    // Where one is going, then where one is.
    if film.frame_idx != frame.idx {
        painter.circle_stroke(pos2(x, at(film.frame_idx)), 5.0, Stroke::new(1.0, theme::ACCENT));
    }
    painter.circle_filled(pos2(x, at(frame.idx)), 5.0, theme::ACCENT);
    let place = rect.right_bottom() - vec2(14.0, 28.0);
    let font = theme::plain(12.0);
    marks::words(&painter, place, Align2::RIGHT_BOTTOM, &words, font, theme::TEXT);
    response.on_hover_text("Frames: the wheel or , and . go through them; Ctrl and wheel zoom");
}
