//! The path of one click, by mouse.

use egui::{Modifiers, PointerButton};
use egui_kittest::kittest::Queryable;
use precedent_core::geometry::ImagePoint;
use precedent_core::segmentation::{Correction, Prompt};

use crate::fakes::{
    CENTER, RADIUS, Setup, drag, on_screen, outline_the_mass, press_and_move, shown_film, until,
    until_found,
};

#[test]
fn a_drag_over_a_mass_outlines_it_and_shows_its_ten_cases() {
    let mut window = Setup::default().shown();
    window.get_by_label_contains("Drag over a mass on the film");
    outline_the_mass(&mut window);

    let marked = shown_film(&window).marked().expect("the mass is outlined");
    let truth = std::f64::consts::PI * RADIUS * RADIUS;
    let share = marked.outline.contour.area() / truth;
    assert!((0.75..1.3).contains(&share), "the outline has {share} of the mass's area");
    assert!(marked.outline.contour.centroid().distance(CENTER) < RADIUS / 4.0);
    window.get_by_label("Longest diameter");
    for rank in 1..=10 {
        let cards = window.query_all_by_label_contains(&format!("Case {rank}, ")).count();
        assert_eq!(cards, 1, "card {rank}");
    }
    window.get_by_label_contains("Case 3, malignant, distance 0.360, irregular, spiculated");
}

#[test]
fn the_contour_is_there_while_the_hand_still_drags() {
    let mut window = Setup::default().shown();
    press_and_move(&mut window, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until(&mut window, "the live contour is there", |state| match &state.gesture {
        precedent::state::Gesture::Outlining { live, .. } => matches!(live.answer, Some(Ok(_))),
        _ => false,
    });
    assert!(shown_film(&window).marked().is_none(), "nothing is kept before the hand lets go");
    window.key_press(egui::Key::Escape);
    window.run_steps(3);
    window.drop_at(on_screen(&window, CENTER));
    window.run_steps(5);
    let film = shown_film(&window);
    assert!(film.marked().is_none() && !film.history.can_undo(), "Esc cancels the gesture");
}

#[test]
fn undo_takes_the_outline_and_its_cases_back_and_redo_brings_both() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    let first = shown_film(&window).marked().cloned();

    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
    window.run_steps(3);
    assert!(shown_film(&window).marked().is_none());
    assert_eq!(window.query_all_by_label_contains("Case 1, ").count(), 0);

    window.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), egui::Key::Z);
    window.run_steps(3);
    until_found(&mut window);
    assert_eq!(shown_film(&window).marked().cloned(), first, "the very same value");
    assert_eq!(window.query_all_by_label_contains("Case 1, ").count(), 1);
}

#[test]
fn a_pulled_point_is_where_the_contour_passes_and_is_one_undo_step() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    let before = shown_film(&window).marked().cloned().expect("outlined");
    let edge = before.outline.contour.points()[0];
    let away =
        ImagePoint::new(CENTER.x + (edge.x - CENTER.x) * 1.3, CENTER.y + (edge.y - CENTER.y) * 1.3);
    drag(&mut window, edge, away);
    until(&mut window, "the point is pulled", |state| {
        let marked = state.film().and_then(|film| film.marked());
        marked.is_some_and(|marked| !marked.outline.corrections.is_empty())
    });
    let after = shown_film(&window).marked().cloned().expect("outlined");
    assert!(matches!(after.outline.corrections.as_slice(), [Correction::Through(_)]));
    // A screen point is some 1.1 pixels of this film, and the contour has a vertex every 3 pixels.
    let nearest = after.outline.contour.points().iter().map(|p| p.distance(away));
    let nearest = nearest.fold(f64::INFINITY, f64::min);
    assert!(nearest < 5.0, "the contour misses the pulled point by {nearest} pixels");

    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
    window.run_steps(3);
    assert_eq!(shown_film(&window).marked(), Some(&before), "one gesture, one step");
}

#[test]
fn alt_drag_is_a_box_and_a_click_finds_the_size() {
    let mut window = Setup::default().shown();
    window.event(egui::Event::ModifiersChanged(Modifiers::ALT));
    drag(
        &mut window,
        ImagePoint::new(CENTER.x - RADIUS, CENTER.y - RADIUS),
        ImagePoint::new(CENTER.x + RADIUS, CENTER.y + RADIUS),
    );
    window.event(egui::Event::ModifiersChanged(Modifiers::NONE));
    until_found(&mut window);
    let marked = shown_film(&window).marked().expect("outlined");
    assert!(matches!(marked.outline.prompt, Prompt::Box(_)), "{:?}", marked.outline.prompt);

    let middle = on_screen(&window, CENTER);
    window.hover_at(middle);
    window.step();
    window.drag_at(middle);
    window.drop_at(middle);
    window.run_steps(2);
    until(&mut window, "the click is outlined", |state| {
        let marked = state.film().and_then(|film| film.marked());
        marked.is_some_and(|marked| matches!(marked.outline.prompt, Prompt::Click(_)))
    });
}

#[test]
fn a_card_pressed_stands_beside_the_film_and_goes_again() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    let before = shown_film(&window).viewport;
    window.get_by_label_contains("Case 2, normal").click();
    window.run_steps(3);
    assert_eq!(shown_film(&window).beside().map(|n| n.rank), Some(2));
    window.get_by_label("Next case").click();
    window.run_steps(3);
    assert_eq!(shown_film(&window).beside().map(|n| n.rank), Some(3));
    window.get_by_label("Close").click();
    window.run_steps(3);
    assert!(shown_film(&window).beside().is_none());
    assert_eq!(shown_film(&window).viewport, before, "the film lies as it lay before");
}

#[test]
fn lanes_show_the_nearest_of_each_outcome() {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    window.get_by_label("Lanes by outcome").click();
    window.run_steps(2);
    until_found(&mut window);
    for outcome in ["malignant", "benign", "normal"] {
        window.get_by_label_contains(&format!("Case 1, {outcome}"));
    }
}

#[test]
fn the_right_button_changes_the_window_and_not_the_outline() {
    let mut window = Setup::default().shown();
    let before = shown_film(&window).window.clone().expect("a film has a window");
    let from = on_screen(&window, CENTER);
    window.hover_at(from);
    window.step();
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: PointerButton::Secondary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.event(button(from, true));
    window.step();
    for i in 1..=5 {
        window.hover_at(from + egui::vec2(20.0 * i as f32, 0.0));
        window.step();
    }
    window.event(button(from + egui::vec2(100.0, 0.0), false));
    window.run_steps(2);
    let after = shown_film(&window).window.clone().expect("a film has a window");
    let (center, width) = after.center_width();
    assert!(width > before.center_width().1 * 1.2, "rightwards widens: {width}");
    assert!((center - before.center_width().0).abs() < 1.0, "{center}");
    assert!(shown_film(&window).marked().is_none());
    window.key_press_modifiers(Modifiers::SHIFT, egui::Key::R);
    window.run_steps(2);
    assert_eq!(shown_film(&window).window.as_ref(), Some(&before), "Shift+R brings it back");
}

#[test]
fn space_and_drag_moves_the_film_and_outlines_nothing() {
    let mut window = Setup::default().shown();
    let before = on_screen(&window, CENTER);
    window.key_down(egui::Key::Space);
    window.step();
    window.hover_at(before);
    window.step();
    window.drag_at(before);
    window.step();
    for i in 1..=5 {
        window.hover_at(before + egui::vec2(12.0, 6.0) * i as f32);
        window.step();
    }
    window.drop_at(before + egui::vec2(60.0, 30.0));
    window.key_up(egui::Key::Space);
    window.run_steps(3);
    let moved = on_screen(&window, CENTER) - before;
    // The first few points decide that it is a drag; they are not moved.
    assert!((40.0..=60.5).contains(&moved.x) && (18.0..=30.5).contains(&moved.y), "{moved:?}");
    assert!(shown_film(&window).marked().is_none() && !shown_film(&window).history.can_undo());
}

#[test]
fn the_wheel_zooms_where_the_pointer_is() {
    let mut window = Setup::default().shown();
    let pos = on_screen(&window, CENTER);
    window.hover_at(pos);
    window.step();
    let wheel = egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, 4.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    };
    let zoom = |window: &egui_kittest::Harness<'_, precedent::app::App>| {
        window.state().state().view().expect("shown").zoom
    };
    let before = zoom(&window);
    window.event(wheel);
    window.run_steps(40);
    assert!(zoom(&window) > before * 1.2, "{} after {before}", zoom(&window));
    assert!((on_screen(&window, CENTER) - pos).length() < 1.0, "the mass stays under the pointer");
}
