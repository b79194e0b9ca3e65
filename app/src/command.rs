//! All that a click, a key or the menu can ask for.
//!
//! What has a name in the menu is an [`Action`] and carries its text, tooltip and shortcut;
//! everything else is a [`Command`] with its values.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers, Rect, Vec2};
use precedent_core::case::CaseId;
use precedent_core::dicom::NameSet;
use precedent_core::encoder::DeviceChoice;
use precedent_core::geometry::ImagePoint;
use precedent_core::lexicon::Pathology;
use precedent_core::segmentation::Prompt;

use crate::state::{CaseAt, Dialog, Gesture};
use crate::tool::Stroke;
use crate::viewport::Viewport;

/// One wish of the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Do(Action),
    /// Files and folders, from an argument, a drop, a dialog or the recent list.
    OpenPaths(Vec<PathBuf>),
    ShowFilm(usize),
    /// A frame of the shown film, from 0.
    ShowFrame(u32),
    StepFrame(i32),
    CloseFilm(usize),
    /// Patients' names on the screen are read in this set; `None` as declared.
    ReadNamesAs(Option<NameSet>),
    ForgetRecent,
    /// The viewer's place on the screen, for what is reckoned from its size.
    PlaceViewer(Rect),
    /// How many cards stand side by side, for what the arrow keys mean.
    PlaceGallery {
        columns: usize,
    },
    Look(Viewport),
    /// The file's window with this number.
    ChooseWindow(usize),
    SetWindow {
        center: f64,
        width: f64,
    },
    /// Pointer movement while the right button is held.
    DragWindow(Vec2),
    /// The pointer moved while outlining: the prompt as it would be now.
    DragOutline(Prompt),
    /// The hand let go: this prompt counts.
    CommitOutline(Prompt),
    /// The pointer moved while a point of the contour is pulled; `from` is where it was taken.
    DragPoint {
        from: ImagePoint,
        to: ImagePoint,
    },
    /// The hand let go of the point.
    CommitPoint {
        from: ImagePoint,
        to: ImagePoint,
    },
    /// A line that began at `from` has come to `to`.
    DragStroke {
        stroke: Stroke,
        from: ImagePoint,
        to: ImagePoint,
    },
    /// The hand let go of the line.
    CommitStroke {
        stroke: Stroke,
        from: ImagePoint,
        to: ImagePoint,
    },
    /// The mass is marked larger or smaller by this factor, as the wheel turns.
    ScaleMark(f64),
    /// The wheel has come to rest.
    CommitMark,
    ScaleBrush(f64),
    /// The keyboard's crosshair, in screen points.
    MoveCrosshair(Vec2),
    ScaleCrosshair(f64),
    AcceptCrosshair,
    /// Millimetres per pixel, stated by the user; `None` takes the statement back.
    StateScale(Option<f64>),
    Filter(Vec<Pathology>),
    Select(CaseAt),
    /// By the digit keys: 0 is the first.
    SelectNth(usize),
    /// Across and down in the gallery.
    StepCase {
        across: i32,
        down: i32,
    },
    OpenBeside(CaseAt),
    /// A card came on the screen and its picture is not there yet.
    WantPicture(CaseId),
    /// The pointer rests on a place of the film where an outline could begin.
    Rest(ImagePoint),
    /// The fold with the texture is opened or closed.
    ShowTexture(bool),
    OpenLibrary(PathBuf),
    OpenEncoder(PathBuf),
    ChooseDevice(DeviceChoice),
    Show(Dialog),
    CloseDialog,
    DismissNotice(usize),
    /// The desktop answered a file dialog with nothing, at once.
    FileDialogIsMissing,
}

/// Words, tooltip and keys of one action.
struct Words {
    text: &'static str,
    tooltip: &'static str,
    shortcuts: &'static [KeyboardShortcut],
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

const fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $text:literal, $tooltip:literal, [$($shortcut:expr),*];)+) => {
        /// An entry of the menu.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name),+ }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            const fn words(self) -> Words {
                match self {
                    $(Self::$name => Words {
                        text: $text, tooltip: $tooltip, shortcuts: const { &[$($shortcut),*] },
                    }),+
                }
            }
        }
    };
}

actions! {
    OpenFiles: "Open film…", "Choose DICOM, PNG or JPEG films", [ctrl(Key::O)];
    OpenFolder: "Open folder…", "Open every film in a folder", [ctrl_shift(Key::O)];
    OpenDemonstration: "Open the demonstration patient",
        "Four films of one patient from CBIS-DDSM, with a benign mass on the right side", [];
    CloseFilm: "Close film", "Take the shown film off the list; the file is not touched", [ctrl(Key::W)];
    NextFilm: "Next film", "Show the next film of the list", [key(Key::PageDown)];
    PreviousFilm: "Previous film", "Show the film before this one", [key(Key::PageUp)];
    NextFrame: "Next frame", "Of a tomosynthesis film, the frame after this one", [key(Key::Period)];
    PreviousFrame: "Previous frame", "Of a tomosynthesis film, the frame before this one",
        [key(Key::Comma)];
    Quit: "Quit", "Close Precedent", [ctrl(Key::Q)];
    Undo: "Undo outline", "Take back the last change of the outline", [ctrl(Key::Z)];
    Redo: "Redo outline", "Make the last change of the outline again", [ctrl_shift(Key::Z), ctrl(Key::Y)];
    ClearOutline: "Remove outline", "Remove the outline; undo brings it back", [key(Key::Delete)];
    Crosshair: "Outline by keyboard",
        "Shows a crosshair: arrow keys move it, + and − change the radius, Enter outlines, P pulls the contour to it",
        [key(Key::C)];
    PullToCrosshair: "Pull the contour to the crosshair", "The contour will pass through the crosshair",
        [key(Key::P)];
    OutlineTool: "Outline or pull", "A drag outlines a mass, or pulls the contour where it is taken",
        [key(Key::O)];
    PushBrush: "Push brush",
        "A drag from inside pushes the contour out, from outside pushes it in", [key(Key::B)];
    Redraw: "Redraw a stretch",
        "A line from inside to inside adds what it goes around, from outside to outside cuts off",
        [key(Key::D)];
    LastTool: "Last tool", "Back to the tool that was in hand before", [key(Key::Space)];
    BrushSmaller: "Smaller brush", "The push brush gets smaller", [key(Key::OpenBracket)];
    BrushLarger: "Larger brush", "The push brush gets larger", [key(Key::CloseBracket)];
    Smooth: "Smooth the contour", "Small bumps of the contour are rounded off", [key(Key::S)];
    KeepLargest: "Keep the largest part", "What hangs on by a narrow neck is cut off", [key(Key::K)];
    DropPoint: "Drop the last point", "The point that was pulled last is let go; what came after it stays",
        [key(Key::Backspace)];
    Resnap: "Snap the contour again",
        "The contour moves to the nearest border; points that were pulled stay", [key(Key::R)];
    Grow: "Mark the mass larger", "The contour is sought a tenth farther out",
        [alt(Key::Plus), alt(Key::Equals)];
    Shrink: "Mark the mass smaller", "The contour is sought a tenth farther in", [alt(Key::Minus)];
    StateScale: "State the pixel size…", "Millimetres per pixel, for a film that does not carry them",
        [key(Key::M)];
    Fit: "Whole film", "Fit the film into the window", [key(Key::F)];
    ActualSize: "Actual pixels", "One pixel of the film on one pixel of the screen", [key(Key::A)];
    ZoomIn: "Zoom in", "Larger, about the middle", [key(Key::Plus), key(Key::Equals)];
    ZoomOut: "Zoom out", "Smaller, about the middle", [key(Key::Minus)];
    Invert: "Invert grey", "Black becomes white; the background stays black", [key(Key::I)];
    NextWindow: "Next window of the file", "Go through the windows the file offers", [key(Key::W)];
    ResetWindow: "Reset window", "Back to the file's first window", [shift(Key::R)];
    ToggleOutline: "Hide outlines", "Show or hide all outlines", [key(Key::H)];
    FindSimilar: "Find similar cases", "Search again for the cases nearest to this outline",
        [key(Key::G)];
    ToggleLanes: "Lanes by outcome", "The nearest malignant, benign and normal cases side by side",
        [key(Key::L)];
    Beside: "Compare side by side", "Film and selected case at one scale, side by side", [key(Key::Enter)];
    OpenLibrary: "Open library…", "Choose the folder of another case library", [];
    UseShipped: "Use what ships", "Back to the library and the encoder that came with Precedent", [];
    OpenEncoder: "Choose encoder…", "Choose the folder of another encoder bundle", [];
    Back: "Back", "Cancel the gesture, close what is open on top", [key(Key::Escape)];
    Shortcuts: "Keys and gestures", "Everything the keyboard and the mouse can do",
        [key(Key::F1), key(Key::Questionmark)];
    About: "About Precedent", "Version, intended use, credits", [];
}

impl Action {
    /// The words on menu and button.
    pub const fn text(self) -> &'static str {
        self.words().text
    }

    /// One sentence more.
    pub const fn tooltip(self) -> &'static str {
        self.words().tooltip
    }

    /// Its keys, the one shown in the menu first.
    pub const fn shortcuts(self) -> &'static [KeyboardShortcut] {
        self.words().shortcuts
    }
}

/// The commands whose keys were pressed, taken out of the input.
///
/// The crosshair takes the arrow keys, Enter, + and −; Enter accepts what a hand is drawing, so it
/// is left to the canvas; otherwise arrows, digits and Enter belong to the control that has the
/// focus, if one has.
pub fn pressed(ctx: &egui::Context, gesture: &Gesture, has_dialog: bool) -> Vec<Command> {
    let has_crosshair = matches!(gesture, Gesture::Crosshair { .. });
    let is_drawing = matches!(gesture, Gesture::Outlining { .. } | Gesture::Mending { .. });
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let canvas = crate::ui::viewer::id();
    let widget_has_focus = ctx.memory(|m| m.focused()).is_some_and(|id| id != canvas);
    let mut commands = Vec::new();
    if space_was_tapped(ctx) && !widget_has_focus && !has_dialog {
        commands.push(Command::Do(Action::LastTool));
    }
    ctx.input_mut(|input| {
        let mut taken = |modifiers, key| input.consume_key(modifiers, key);
        if has_dialog {
            if taken(Modifiers::NONE, Key::Escape) {
                commands.push(Command::CloseDialog);
            }
            return;
        }
        if has_crosshair {
            crosshair_keys(&mut taken, &mut commands);
        } else if !widget_has_focus {
            gallery_keys(&mut taken, &mut commands);
        }
        // Those with more modifiers first: egui lets Ctrl+Z match while Shift or Alt is held too.
        let mut all: Vec<(Action, KeyboardShortcut)> = Action::ALL
            .iter()
            .flat_map(|&action| action.shortcuts().iter().map(move |&shortcut| (action, shortcut)))
            .collect();
        all.sort_by_key(|(_, shortcut)| !(shortcut.modifiers.shift || shortcut.modifiers.alt));
        for (action, shortcut) in all {
            let is_elsewhere = match shortcut.logical_key {
                Key::Enter => widget_has_focus || is_drawing,
                Key::Space => true,
                _ => false,
            };
            if !is_elsewhere && taken(shortcut.modifiers, shortcut.logical_key) {
                commands.push(Command::Do(action));
            }
        }
    });
    commands
}

/// Whether the space bar was let go and no button was pressed with it: with one it moves the film.
fn space_was_tapped(ctx: &egui::Context) -> bool {
    let memory = egui::Id::unique("space moved the film");
    let (is_down, is_released, has_button) = ctx.input(|input| {
        let keys = (input.key_down(Key::Space), input.key_released(Key::Space));
        (keys.0, keys.1, input.pointer.any_down())
    });
    if is_down && has_button {
        ctx.data_mut(|data| data.insert_temp(memory, true));
    }
    let has_moved = is_released && ctx.data_mut(|data| data.remove_temp::<bool>(memory)).is_some();
    is_released && !has_moved && !has_button
}

const ARROWS: [(Key, f32, f32); 4] = [
    (Key::ArrowLeft, -1.0, 0.0),
    (Key::ArrowRight, 1.0, 0.0),
    (Key::ArrowUp, 0.0, -1.0),
    (Key::ArrowDown, 0.0, 1.0),
];

fn crosshair_keys(taken: &mut impl FnMut(Modifiers, Key) -> bool, commands: &mut Vec<Command>) {
    for (key, x, y) in ARROWS {
        for (modifiers, points) in [(Modifiers::SHIFT, 40.0), (Modifiers::NONE, 6.0)] {
            if taken(modifiers, key) {
                commands.push(Command::MoveCrosshair(egui::vec2(x, y) * points));
            }
        }
    }
    for (key, factor) in [(Key::Plus, 1.1), (Key::Equals, 1.1), (Key::Minus, 1.0 / 1.1)] {
        if taken(Modifiers::NONE, key) {
            commands.push(Command::ScaleCrosshair(factor));
        }
    }
    if taken(Modifiers::NONE, Key::Enter) {
        commands.push(Command::AcceptCrosshair);
    }
}

fn gallery_keys(taken: &mut impl FnMut(Modifiers, Key) -> bool, commands: &mut Vec<Command>) {
    const DIGITS: [Key; 10] = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
        Key::Num0,
    ];
    for (key, x, y) in ARROWS {
        if taken(Modifiers::NONE, key) {
            commands.push(Command::StepCase { across: x as i32, down: y as i32 });
        }
    }
    for (nth, key) in DIGITS.into_iter().enumerate() {
        if taken(Modifiers::NONE, key) {
            commands.push(Command::SelectNth(nth));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_two_actions_share_a_key() {
        let mut owners = HashMap::new();
        for &action in Action::ALL {
            for shortcut in action.shortcuts() {
                if let Some(other) = owners.insert(*shortcut, action) {
                    panic!("{action:?} and {other:?} both want {shortcut:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_words_and_a_sentence() {
        for action in Action::ALL {
            assert!(!action.text().is_empty() && !action.tooltip().is_empty(), "{action:?}");
            assert!(!action.tooltip().ends_with('.'), "{action:?} ends in a full stop");
        }
    }
}
