//! Everything without a mouse.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use precedent::command::Action;
use precedent::state::{CaseAt, Gesture};

use crate::fakes::{CENTER, RADIUS, Setup, outline_the_mass, shown_film, until_found};

#[test]
fn a_mass_is_outlined_and_its_cases_are_read_by_keys_alone() {
    let mut window = Setup::default().shown();
    window.key_press(Key::C);
    window.run_steps(2);
    window.get_by_label_contains("Crosshair: arrows move it");

    // The crosshair begins in the middle of the film and is walked to the mass.
    for _ in 0..200 {
        let Gesture::Crosshair { at, .. } = window.state().state().gesture.clone() else {
            panic!("the crosshair is shown")
        };
        let (dx, dy) = (CENTER.x - at.x, CENTER.y - at.y);
        if dx.abs().max(dy.abs()) < 8.0 {
            break;
        }
        let key = match (dx.abs() > dy.abs(), dx > 0.0, dy > 0.0) {
            (true, true, _) => Key::ArrowRight,
            (true, false, _) => Key::ArrowLeft,
            (false, _, true) => Key::ArrowDown,
            (false, _, false) => Key::ArrowUp,
        };
        window.key_press(key);
        window.step();
    }
    window.key_press(Key::Minus);
    window.key_press(Key::Minus);
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(2);
    until_found(&mut window);
    let marked = shown_film(&window).marked().expect("the mass is outlined");
    let share = marked.outline.contour.area() / (std::f64::consts::PI * RADIUS * RADIUS);
    assert!((0.7..1.4).contains(&share), "{share}");

    window.key_press(Key::Num4);
    window.run_steps(2);
    assert_eq!(shown_film(&window).selected, Some(CaseAt { list: 0, place: 3 }));
    for (key, place) in
        [(Key::ArrowRight, 4), (Key::ArrowDown, 6), (Key::ArrowLeft, 5), (Key::ArrowUp, 3)]
    {
        window.key_press(key);
        window.run_steps(2);
        assert_eq!(shown_film(&window).selected, Some(CaseAt { list: 0, place }), "{key:?}");
    }
    window.key_press(Key::Enter);
    window.run_steps(2);
    assert_eq!(shown_film(&window).beside().map(|n| n.rank), Some(4));
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert!(shown_film(&window).beside().is_none());
}

#[test]
fn the_contour_is_pulled_to_the_crosshair_by_a_key() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    window.key_press(Key::C);
    window.run_steps(2);
    for _ in 0..12 {
        window.key_press(Key::ArrowRight);
        window.step();
    }
    let Gesture::Crosshair { at, .. } = window.state().state().gesture.clone() else {
        panic!("the crosshair is shown")
    };
    window.key_press(Key::P);
    window.run_steps(2);
    crate::fakes::until(&mut window, "the contour is pulled", |state| {
        let marked = state.film().and_then(|film| film.marked());
        marked.is_some_and(|marked| !marked.outline.corrections.is_empty())
    });
    let marked = shown_film(&window).marked().expect("outlined");
    let nearest = marked.outline.contour.points().iter().map(|p| p.distance(at));
    assert!(nearest.fold(f64::INFINITY, f64::min) < 5.0);
}

#[test]
fn keys_change_how_the_film_is_seen_and_never_its_outline() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    let outline = shown_film(&window).marked().cloned();
    for key in [Key::I, Key::A, Key::Plus, Key::Minus, Key::F, Key::W, Key::H, Key::H] {
        window.key_press(key);
        window.run_steps(2);
    }
    assert_eq!(shown_film(&window).marked().cloned(), outline);
    assert!(shown_film(&window).window.as_ref().expect("it has one").is_inverted);
}

#[test]
fn the_overview_of_keys_names_every_action_that_has_one() {
    let mut window = Setup { films: Vec::new(), ..Setup::default() }.open();
    window.run_steps(3);
    window.key_press(Key::F1);
    window.run_steps(4);
    window.get_by_label("Drag from the centre of a mass");
    for action in Action::ALL.iter().filter(|action| !action.shortcuts().is_empty()) {
        let text = action.text().trim_end_matches('…');
        assert!(window.query_all_by_label(text).count() > 0, "{text} is not in the overview");
    }
    window.key_press(Key::Escape);
    window.run_steps(4);
    assert_eq!(window.query_all_by_label("Drag from the centre of a mass").count(), 0);
}

#[test]
fn letters_typed_into_a_field_are_no_commands() {
    let mut window = Setup::default().shown();
    let before = shown_film(&window).window.clone();
    window.get_by_role_and_label(egui::Role::SpinButton, "Center").click();
    window.run_steps(3);
    window.key_press(Key::I);
    window.key_press_modifiers(Modifiers::NONE, Key::F);
    window.run_steps(2);
    assert_eq!(
        shown_film(&window).window.as_ref().map(|w| w.is_inverted),
        before.as_ref().map(|w| w.is_inverted)
    );
}
