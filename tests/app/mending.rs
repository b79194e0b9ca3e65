//! Gestures that mend the outline, by mouse and by keys.

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use precedent::app::App;
use precedent::state::{Gesture, Marked};
use precedent::tool::Tool;
use precedent_core::geometry::ImagePoint;
use precedent_core::segmentation::{Correction, Prompt};

use crate::fakes::{
    CENTER, RADIUS, Setup, drag, on_screen, outline_the_mass, press_and_move, shown_film, until,
};

/// A place this many radii right of and below the centre of the mass.
fn place(x: f64, y: f64) -> ImagePoint {
    ImagePoint::new(CENTER.x + x * RADIUS, CENTER.y + y * RADIUS)
}

fn outlined<'a>() -> Harness<'a, App> {
    let mut window = Setup::default().shown();
    outline_the_mass(&mut window);
    window
}

fn marked(window: &Harness<'_, App>) -> Marked {
    shown_film(window).marked().cloned().expect("the mass is outlined")
}

fn until_mended(window: &mut Harness<'_, App>, times: usize) {
    until(window, "the outline is mended", |state| {
        let marked = state.film().and_then(|film| film.marked());
        marked.is_some_and(|marked| marked.outline.corrections.len() == times)
    });
}

fn with_key_held(window: &mut Harness<'_, App>, modifiers: Modifiers, points: [ImagePoint; 2]) {
    window.event(egui::Event::ModifiersChanged(modifiers));
    drag(window, points[0], points[1]);
    window.event(egui::Event::ModifiersChanged(Modifiers::NONE));
}

fn undo(window: &mut Harness<'_, App>) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run_steps(3);
}

#[test]
fn a_stroke_with_shift_is_mass_and_with_ctrl_is_none_and_each_is_one_step() {
    let mut window = outlined();
    let first = marked(&window);
    let outside = place(1.3, 0.0);
    assert!(!first.outline.contour.contains(outside));
    with_key_held(&mut window, Modifiers::SHIFT, [place(0.8, 0.0), place(1.35, 0.0)]);
    until_mended(&mut window, 1);
    let second = marked(&window);
    assert!(second.outline.contour.contains(outside), "what was stroked belongs to the mass");

    let inside = place(0.0, 0.7);
    assert!(second.outline.contour.contains(inside));
    with_key_held(&mut window, Modifiers::COMMAND, [place(0.0, 1.2), place(0.0, 0.65)]);
    until_mended(&mut window, 2);
    let third = marked(&window);
    assert!(!third.outline.contour.contains(inside), "what was stroked away is none");
    assert!(matches!(
        third.outline.corrections.as_slice(),
        [Correction::Include(_), Correction::Exclude(_)]
    ));

    undo(&mut window);
    assert_eq!(marked(&window), second);
    undo(&mut window);
    assert_eq!(marked(&window), first);
}

#[test]
fn the_brush_pushes_the_contour_live_and_undo_survives_a_change_of_tool() {
    let mut window = outlined();
    let first = marked(&window);
    window.key_press(Key::B);
    window.run_steps(2);
    window.get_by_label_contains("Tool in hand: Push brush 6.0 mm");
    let outside = place(1.5, 0.0);
    press_and_move(&mut window, place(0.8, 0.0), outside);
    until(
        &mut window,
        "the pushed contour is there while the hand moves",
        |state| matches!(&state.gesture, Gesture::Mending { live, .. } if matches!(live.answer, Some(Ok(_)))),
    );
    assert_eq!(marked(&window), first, "nothing is kept before the hand lets go");
    let end = on_screen(&window, outside);
    window.drop_at(end);
    window.run_steps(2);
    until_mended(&mut window, 1);
    assert!(marked(&window).outline.contour.contains(outside), "from inside it pushes out");
    window.key_press(Key::D);
    window.run_steps(2);
    undo(&mut window);
    assert_eq!(marked(&window), first);
    assert_eq!(window.state().state().hands.tool, Tool::Redraw);
}

#[test]
fn undo_inside_an_unfinished_stroke_takes_back_that_stroke_alone() {
    let mut window = outlined();
    let first = marked(&window);
    window.key_press(Key::B);
    window.run_steps(2);
    press_and_move(&mut window, place(0.8, 0.0), place(1.5, 0.0));
    until(
        &mut window,
        "the pushed contour is there while the hand moves",
        |state| matches!(&state.gesture, Gesture::Mending { live, .. } if matches!(live.answer, Some(Ok(_)))),
    );
    undo(&mut window);
    let end = on_screen(&window, place(1.5, 0.0));
    window.drop_at(end);
    window.run_steps(5);
    assert_eq!(marked(&window), first, "the step before stays");
    assert!(shown_film(&window).history.can_undo());
}

#[test]
fn one_line_from_outside_to_outside_cuts_off_and_one_that_leads_nowhere_says_so() {
    let mut window = outlined();
    let first = marked(&window);
    window.key_press(Key::D);
    window.run_steps(2);
    drag(&mut window, place(0.6, -1.4), place(0.6, 1.4));
    until_mended(&mut window, 1);
    let after = marked(&window);
    assert!(!after.outline.contour.contains(place(0.85, 0.0)), "the smaller part is cut off");
    assert!(after.outline.contour.contains(place(-0.5, 0.0)));
    undo(&mut window);

    drag(&mut window, place(0.0, 0.0), place(0.0, 1.6));
    until(&mut window, "it is said why", |state| !state.notices.is_empty());
    window.get_by_label_contains("the line starts inside and ends outside");
    assert_eq!(marked(&window), first, "a refused line changes nothing");
}

#[test]
fn smooth_and_snap_again_are_single_keys_and_no_quick_hand_loses_a_step() {
    let mut window = outlined();
    let first = marked(&window);
    for key in [Key::S, Key::R, Key::S] {
        window.key_press(key);
    }
    window.run_steps(1);
    until_mended(&mut window, 3);
    let expected = [Correction::Smooth, Correction::Resnap, Correction::Smooth];
    assert_eq!(marked(&window).outline.corrections, expected);
    for _ in 0..3 {
        undo(&mut window);
    }
    assert_eq!(marked(&window), first);
}

#[test]
fn space_takes_the_last_tool_and_escape_the_first() {
    let mut window = outlined();
    let tool = |window: &Harness<'_, App>| window.state().state().hands.tool;
    for (key, expected) in [
        (Key::B, Tool::Push),
        (Key::D, Tool::Redraw),
        (Key::Space, Tool::Push),
        (Key::Space, Tool::Redraw),
        (Key::Escape, Tool::Outline),
    ] {
        window.key_press(key);
        window.run_steps(2);
        assert_eq!(tool(&window), expected, "after {key:?}");
    }
    let before = window.state().state().hands.brush_mm;
    window.key_press(Key::CloseBracket);
    window.run_steps(2);
    assert!(window.state().state().hands.brush_mm > before);
}

#[test]
fn escape_cancels_a_stroke_and_enter_accepts_it_before_the_hand_lets_go() {
    let mut window = outlined();
    let first = marked(&window);
    window.key_press(Key::B);
    window.run_steps(2);
    for (key, corrections) in [(Key::Escape, 0), (Key::Enter, 1)] {
        press_and_move(&mut window, place(0.8, 0.0), place(1.4, 0.0));
        window.key_press(key);
        window.run_steps(2);
        until(&mut window, "the gesture has ended", |state| state.gesture == Gesture::Idle);
        let end = on_screen(&window, place(1.6, 0.0));
        window.hover_at(end);
        window.step();
        window.drop_at(end);
        window.run_steps(3);
        assert_eq!(marked(&window).outline.corrections.len(), corrections, "after {key:?}");
        window.key_press(Key::B);
        window.run_steps(2);
    }
    undo(&mut window);
    assert_eq!(marked(&window), first, "one gesture, one step");
}

#[test]
fn without_an_outline_a_stroke_changes_nothing() {
    let mut window = Setup::default().shown();
    with_key_held(&mut window, Modifiers::SHIFT, [place(0.0, 0.0), place(1.0, 0.0)]);
    for key in [Key::S, Key::R, Key::B] {
        window.key_press(key);
    }
    window.run_steps(2);
    drag(&mut window, place(0.0, 0.0), place(1.0, 0.0));
    window.run_steps(5);
    assert!(shown_film(&window).marked().is_none() && !shown_film(&window).history.can_undo());
}

#[test]
fn the_wheel_with_alt_and_a_key_mark_the_mass_larger_in_one_step_and_keep_the_zoom() {
    let mut window = outlined();
    let zoom = window.state().state().view().expect("shown").zoom;
    let radius = |window: &Harness<'_, App>| match marked(window).outline.prompt {
        Prompt::Drag { radius, .. } => radius,
        other => panic!("the mark was a drag: {other:?}"),
    };
    let before = radius(&window);
    let middle = on_screen(&window, CENTER);
    window.hover_at(middle);
    window.event(egui::Event::ModifiersChanged(Modifiers::ALT));
    window.step();
    window.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, 3.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::ALT,
    });
    window.run_steps(10);
    until(&mut window, "the wheel has come to rest", |state| state.gesture == Gesture::Idle);
    window.event(egui::Event::ModifiersChanged(Modifiers::NONE));
    window.run_steps(2);
    let after = radius(&window);
    assert!(after > before * 1.1, "{after} after {before}");
    assert_eq!(window.state().state().view().expect("shown").zoom, zoom);
    undo(&mut window);
    assert_eq!(radius(&window), before, "one turn of the wheel, one step");

    window.key_press_modifiers(Modifiers::ALT, Key::Minus);
    window.run_steps(2);
    until(&mut window, "the smaller mark is solved", |state| state.gesture == Gesture::Idle);
    assert!((radius(&window) - before / 1.1).abs() < 1e-9);
    assert_eq!(window.state().state().view().expect("shown").zoom, zoom);
}

#[test]
fn an_outline_comes_back_when_its_film_is_opened_again_and_undo_takes_it_away() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let open = || {
        let user_data = Some(folder.path().to_owned());
        Setup { user_data, ..Setup::default() }.shown()
    };
    // Each window is let go of without a word, as in a crash.
    let mut window = open();
    outline_the_mass(&mut window);
    window.key_press(Key::S);
    until_mended(&mut window, 1);
    let before = marked(&window);
    let is_written = |what: &str| {
        let files = std::fs::read_dir(folder.path().join("outlines")).into_iter().flatten();
        // Not those that are being written.
        let whole = files.flatten().filter(|f| f.path().extension().is_some_and(|e| e == "json"));
        let texts = whole.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.into_iter().any(|text| text.contains(what))
    };
    until(&mut window, "the mended outline is written", |_| is_written("Smooth"));
    drop(window);

    let mut window = open();
    window.get_by_label_contains("The outline of phantom.dcm from last time is back");
    let after = marked(&window).outline;
    assert_eq!(after.corrections, before.outline.corrections);
    assert_eq!(after.confidence.len(), before.outline.confidence.len());
    let (points, again) = (before.outline.contour.points(), after.contour.points());
    assert_eq!(points.len(), again.len());
    // Decimal numbers are read back to the last digit but one.
    assert!(points.iter().zip(again).all(|(p, q)| p.distance(*q) < 1e-9), "the very same contour");
    crate::fakes::until_found(&mut window);
    undo(&mut window);
    assert!(shown_film(&window).marked().is_none());
    until(&mut window, "the outline is forgotten", |_| !is_written("prompt"));
    drop(window);

    let window = open();
    assert!(shown_film(&window).marked().is_none() && !shown_film(&window).history.can_undo());
}

#[test]
fn a_click_on_plain_tissue_says_that_there_is_no_mass_and_one_on_a_mass_does_not() {
    let mut window = Setup::default().shown();
    let says = |window: &Harness<'_, App>| {
        window.query_all_by_label_contains("no reliable mass where you clicked").count()
    };
    for (at, times) in [(CENTER, 0), (ImagePoint::new(340.0, 160.0), 1)] {
        let pos = on_screen(&window, at);
        window.hover_at(pos);
        window.step();
        window.drag_at(pos);
        window.drop_at(pos);
        window.run_steps(2);
        until(&mut window, "the click is outlined", |state| {
            let marked = state.film().and_then(|film| film.marked());
            let is_there = |prompt| matches!(prompt, Prompt::Click(p) if at.distance(p) < 3.0);
            marked.is_some_and(|marked| is_there(marked.outline.prompt))
        });
        assert_eq!(says(&window), times, "{at:?}");
    }
}

#[test]
fn backspace_lets_go_of_the_last_pulled_point_and_keeps_what_came_after() {
    let mut window = outlined();
    let first = marked(&window);
    let contour = &first.outline.contour;
    let right = contour.points().iter().max_by(|a, b| a.x.total_cmp(&b.x)).copied();
    let right = right.expect("a contour has points");
    drag(&mut window, right, ImagePoint::new(right.x + 0.3 * RADIUS, right.y));
    until_mended(&mut window, 1);
    window.key_press(Key::S);
    until_mended(&mut window, 2);
    let mended = marked(&window);
    window.key_press(Key::Backspace);
    window.run_steps(2);
    until_mended(&mut window, 1);
    assert_eq!(marked(&window).outline.corrections, [Correction::Smooth]);
    undo(&mut window);
    assert_eq!(marked(&window), mended, "one step");

    window.key_press(Key::K);
    until_mended(&mut window, 3);
    assert_eq!(marked(&window).outline.corrections.last(), Some(&Correction::KeepLargest));
    for _ in 0..3 {
        undo(&mut window);
    }
    assert_eq!(marked(&window), first);
    window.key_press(Key::Backspace);
    window.run_steps(2);
    window.get_by_label_contains("no point of this outline was pulled");
    assert_eq!(marked(&window), first);
}

#[test]
fn where_the_pointer_rests_on_plain_tissue_it_is_said_and_on_a_mass_it_is_not() {
    let mut window = Setup::default().shown();
    for (at, stands_out) in [(CENTER, true), (ImagePoint::new(340.0, 160.0), false)] {
        let pos = on_screen(&window, at);
        window.hover_at(pos);
        window.run_steps(60);
        until(&mut window, "it is known whether a mass is there", |state| {
            state.rest.is_some_and(|r| r.at.distance(at) < 3.0 && r.is_reliable.is_some())
        });
        let rest = window.state().state().rest.expect("just seen");
        assert_eq!(rest.is_reliable, Some(stands_out), "{at:?}");
    }
}

#[test]
fn the_numbers_stand_beside_the_selected_case_and_doubtful_ones_say_so() {
    let mut window = outlined();
    window.get_by_label("Longest diameter");
    assert_eq!(window.query_all_by_label("case 2").count(), 0);
    window.key_press(Key::Num2);
    window.run_steps(2);
    window.get_by_label("case 2");
    // The fake library's cases are circles of 12 mm.
    assert!(window.query_all_by_label("12.0 mm").count() >= 2, "both diameters of the case");
}

#[test]
fn the_texture_comes_when_its_fold_is_opened_and_follows_the_outline() {
    let mut window = outlined();
    let texture = |window: &Harness<'_, App>| shown_film(window).texture.clone();
    assert_eq!(texture(&window), None, "nobody asked");
    window.get_by_label("Texture, for experts").click();
    window.run_steps(3);
    until(&mut window, "the texture is measured", |state| {
        state.film().is_some_and(|film| matches!(film.texture, Some(Some(_))))
    });
    let before = texture(&window);
    window.get_by_label("Joint entropy");
    window.key_press_modifiers(Modifiers::ALT, Key::Minus);
    window.run_steps(2);
    until(&mut window, "the texture of the smaller outline is measured", |state| {
        state.film().is_some_and(|film| matches!(film.texture, Some(Some(_))))
            && state.gesture == Gesture::Idle
    });
    assert_ne!(texture(&window), before);
}
