//! The tool in hand on the canvas: its chip, its hint at the cursor, what the modifiers make of it.

use egui::{Modifiers, Rect, Ui, vec2};

use crate::command::{Action, Command};
use crate::state::{Film, ReadFilm, State};
use crate::theme;
use crate::tool::{Stroke, Tool};

/// Said where the pointer rests and nothing stands out.
pub(super) const NO_MASS: &str =
    "nothing stands out here for a click; drag from the centre of a mass to its edge";

/// The line that a drag draws with this tool and these keys; `None`: it draws none.
pub(super) fn stroke(tool: Tool, modifiers: Modifiers) -> Option<Stroke> {
    match tool {
        _ if modifiers.command || modifiers.ctrl => Some(Stroke::Exclude),
        _ if modifiers.shift => Some(Stroke::Include),
        Tool::Push => Some(Stroke::Push),
        Tool::Redraw => Some(Stroke::Redraw),
        Tool::Outline => None,
    }
}

/// Whether there is an outline to see and to mend.
pub(super) fn can_mend(state: &State, film: &Film) -> bool {
    film.marked().is_some() && !state.outlines_are_hidden
}

/// What the next drag does, below the film's side and view; pressed, the last tool comes back.
pub(super) fn chip(
    ui: &mut Ui,
    state: &State,
    read: &ReadFilm,
    rect: Rect,
    commands: &mut Vec<Command>,
) {
    let modifiers = ui.input(|input| input.modifiers);
    let tool = state.hands.tool;
    let text = match stroke(tool, modifiers) {
        _ if modifiers.alt => "Alt: box".to_owned(),
        Some(Stroke::Exclude) => "Ctrl: this is not mass".to_owned(),
        Some(Stroke::Include) => "Shift: this is mass".to_owned(),
        Some(Stroke::Push) => {
            format!("{} {} · [ ]", tool.name(), state.hands.brush_words(&read.mammogram))
        }
        Some(Stroke::Redraw) | None => tool.name().to_owned(),
    };
    let place = Rect::from_min_size(rect.left_top() + vec2(12.0, 40.0), vec2(260.0, 24.0));
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(place).layout(layout));
    let explanation = format!("Tool in hand: {text}; Space takes {}", state.hands.last.name());
    let (ink, ground) = match tool {
        Tool::Outline if modifiers.is_none() => (theme::TEXT_SECOND, theme::RAISED),
        _ => (theme::LIVE, theme::ACCENT_DEEP),
    };
    if super::chip(&mut ui, &text, &explanation, ink, ground).clicked() {
        commands.push(Command::Do(Action::LastTool));
    }
}

/// Why what the hand does, or is about to do, cannot be.
pub(super) fn hint<'a>(state: &'a State, film: &Film, is_refused: bool) -> Option<&'a str> {
    if let Some(Err(text)) = state.gesture.answer() {
        return Some(text);
    }
    let is_wanted = is_refused || state.hands.tool != Tool::Outline;
    (is_wanted && !can_mend(state, film)).then(|| match film.marked() {
        Some(_) => "the outline is hidden; H shows it",
        None => "there is no outline to mend yet; O, then drag from the centre of a mass",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modifier_means_the_same_with_every_tool() {
        for tool in [Tool::Outline, Tool::Push, Tool::Redraw] {
            assert_eq!(stroke(tool, Modifiers::SHIFT), Some(Stroke::Include));
            assert_eq!(stroke(tool, Modifiers::COMMAND), Some(Stroke::Exclude));
        }
        assert_eq!(stroke(Tool::Outline, Modifiers::NONE), None);
        assert_eq!(stroke(Tool::Push, Modifiers::NONE), Some(Stroke::Push));
    }
}
