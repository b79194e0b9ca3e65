//! What goes wrong is a sentence, and the window lives on.

use egui_kittest::kittest::Queryable;

use crate::fakes::{
    Answers, CENTER, RADIUS, Setup, Stored, drag, is_failed, phantom, shown_film, until,
};
use precedent::command::Command;
use precedent::state::Content;
use precedent_core::geometry::ImagePoint;

#[test]
fn a_film_that_cannot_be_read_says_why_and_the_next_one_opens() {
    let why = "the file ends in the middle of its pixels; copy it again";
    let films =
        vec![("cut.dcm", Stored::Broken(why)), ("whole.dcm", Stored::Film(Box::new(phantom(1))))];
    let mut window = Setup { films, ..Setup::default() }.open();
    until(&mut window, "both are answered", |state| {
        state.films.len() == 2
            && state.films.iter().all(|f| !matches!(f.content, Content::Reading { .. }))
    });
    window.get_by_label("cut.dcm cannot be shown");
    assert!(window.query_all_by_label(why).count() > 0, "the sentence is on the screen");
    window.key_press(egui::Key::PageDown);
    window.run_steps(3);
    assert!(shown_film(&window).read().is_some());
}

#[test]
fn a_fault_while_reading_is_a_failed_film_and_not_the_end() {
    let films =
        vec![("odd.dcm", Stored::Panics), ("whole.dcm", Stored::Film(Box::new(phantom(1))))];
    let mut window = Setup { films, ..Setup::default() }.open();
    until(&mut window, "both are answered", |state| {
        state.films.len() == 2
            && matches!(state.films[0].content, Content::Failed(_))
            && state.films[1].read().is_some()
    });
    assert!(window.query_all_by_label_contains("a fault in Precedent itself").count() > 0);
}

#[test]
fn without_a_library_the_outline_is_kept_and_the_reason_is_shown() {
    let why = "there is no case library at this place";
    let mut window = Setup { library_fails: Some(why), ..Setup::default() }.shown();
    drag(&mut window, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until(&mut window, "the search has failed", |state| {
        state.film().is_some_and(|film| is_failed(&film.search))
    });
    assert!(shown_film(&window).marked().is_some());
    assert!(window.query_all_by_label(why).count() > 0, "the sentence is on the screen");
    window.get_by_label("Your outline is kept.");
}

#[test]
fn a_search_that_fails_can_be_asked_again() {
    let why = "the encoder's weights cannot be read";
    let mut window = Setup { answers: Answers::Never(why), ..Setup::default() }.shown();
    drag(&mut window, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until(&mut window, "the search has failed", |state| {
        state.film().is_some_and(|film| is_failed(&film.search))
    });
    window.get_by_label(why);
    window.get_by_label("Find similar cases").click();
    window.run_steps(1);
    until(&mut window, "it has failed again", |state| {
        state.film().is_some_and(|film| is_failed(&film.search))
    });
}

#[test]
fn a_mark_beside_the_film_is_refused_in_words() {
    let mut window = Setup::default().shown();
    // Zoomed out, there is black beside the film to press on.
    for _ in 0..3 {
        window.key_press(egui::Key::Minus);
        window.run_steps(2);
    }
    drag(&mut window, ImagePoint::new(-60.0, 400.0), ImagePoint::new(-30.0, 400.0));
    until(&mut window, "it is refused", |state| !state.notices.is_empty());
    window.get_by_label_contains("outside the image");
    assert!(shown_film(&window).marked().is_none());
}

#[test]
fn a_film_that_takes_long_is_given_up_for_the_one_that_is_wanted() {
    // E9: nothing waits for a file that never comes to an end.
    let films = vec![
        ("slow.dcm", Stored::Hangs),
        ("two.dcm", Stored::Film(Box::new(phantom(2)))),
        ("three.dcm", Stored::Film(Box::new(phantom(3)))),
    ];
    let mut window = Setup { films, ..Setup::default() }.open();
    until(&mut window, "the first is on its way", |state| {
        matches!(state.film().map(|film| &film.content), Some(Content::Reading { .. }))
    });
    window.key_press(egui::Key::PageDown);
    until(&mut window, "the second is shown", |state| {
        state.film().is_some_and(|film| film.name() == "two.dcm" && film.read().is_some())
    });
    // Wanted again it is read again, and given up again.
    window.key_press(egui::Key::PageUp);
    until(&mut window, "the first is on its way again", |state| {
        matches!(state.film().map(|film| &film.content), Some(Content::Reading { .. }))
    });
    window.key_press(egui::Key::PageUp);
    until(&mut window, "the third is shown", |state| {
        state.film().is_some_and(|film| film.name() == "three.dcm" && film.read().is_some())
    });
}

#[test]
fn what_is_opened_does_not_wait_for_a_film_that_takes_long() {
    let films = vec![("slow.dcm", Stored::Hangs), ("two.dcm", Stored::Film(Box::new(phantom(2))))];
    let mut window = Setup { films, opens: 1, ..Setup::default() }.open();
    until(&mut window, "the first is on its way", |state| {
        matches!(state.film().map(|film| &film.content), Some(Content::Reading { .. }))
    });
    let ctx = window.ctx.clone();
    window.state_mut().run(&ctx, Command::OpenPaths(vec!["two.dcm".into()]));
    until(&mut window, "the second is shown", |state| {
        state.film().is_some_and(|film| film.name() == "two.dcm" && film.read().is_some())
    });
}
