//! Three pictures: the empty window, a film with its contour and cases, and one turned to hang.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test … snapshots` accepts new ones; look at them first.

use egui::{Rect, pos2, vec2};

use crate::fakes::{Setup, Stored, outline_the_mass, phantom};

/// The status line tells how long things took, which no two runs agree on.
fn mask_timings(window: &mut egui_kittest::Harness<'_, precedent::app::App>, size: egui::Vec2) {
    window.remove_cursor();
    window.run_steps(4);
    window.mask(Rect::from_min_size(pos2(0.0, size.y - 34.0), vec2(size.x, 34.0)));
}

#[test]
fn the_start_screen() {
    let size = vec2(900.0, 560.0);
    let mut window = Setup { films: Vec::new(), size, ..Setup::default() }.open();
    crate::fakes::until(&mut window, "the library is open", |state| {
        matches!(state.library, precedent::state::Library::Open { .. })
    });
    mask_timings(&mut window, size);
    window.snapshot("start");
}

#[test]
fn a_film_with_its_contour_and_cases() {
    let size = vec2(1100.0, 640.0);
    // Without random grain, which no picture format can make small.
    let films = vec![("phantom.dcm", Stored::Film(Box::new(phantom(0))))];
    let mut window = Setup { films, size, ..Setup::default() }.shown();
    outline_the_mass(&mut window);
    mask_timings(&mut window, size);
    window.snapshot("found");
}

#[test]
fn a_film_stored_mirrored_hangs_with_letters_at_its_edges() {
    let size = vec2(760.0, 480.0);
    let mut film = phantom(0);
    film.patient_orientation = Some(["A".to_owned(), "L".to_owned()]);
    let films = vec![("mirrored.dcm", Stored::Film(Box::new(film)))];
    let mut window = Setup { films, size, ..Setup::default() }.shown();
    mask_timings(&mut window, size);
    window.snapshot("hung");
}
