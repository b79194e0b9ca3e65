//! Opening films: lists, scale, memory.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use crate::fakes::{
    CENTER, Setup, Stored, on_screen, outline_the_mass, phantom, shown_film, until,
};
use precedent::app::App;
use precedent::command::Command;
use precedent_core::mammogram::{Spacing, SpacingOrigin};

#[test]
fn several_films_stand_in_a_list_and_are_shown_by_a_click() {
    let films = vec![
        ("one.dcm", Stored::Film(Box::new(phantom(1)))),
        ("two.dcm", Stored::Film(Box::new(phantom(2)))),
    ];
    let mut window = Setup { films, ..Setup::default() }.shown();
    until(&mut window, "both are read", |state| state.films.iter().all(|f| f.read().is_some()));
    window.get_by_label("2 films");
    window.get_by_label("R CC two.dcm").click();
    window.run_steps(3);
    assert_eq!(shown_film(&window).name(), "two.dcm");
}

#[test]
fn a_film_dropped_onto_the_window_is_opened() {
    #[derive(Debug)]
    struct Dropped(std::path::PathBuf);
    impl egui::DroppedFile for Dropped {
        fn path(&self) -> &std::path::Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("the window reads paths, not bytes".to_owned())
        }
    }
    let films = vec![
        ("one.dcm", Stored::Film(Box::new(phantom(1)))),
        ("two.dcm", Stored::Film(Box::new(phantom(2)))),
    ];
    let mut window = Setup { films, opens: 1, ..Setup::default() }.shown();
    assert_eq!(window.state().state().films.len(), 1);
    window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped("two.dcm".into())));
    window.step();
    until(&mut window, "the dropped film is shown", |state| {
        state.film().is_some_and(|film| film.name() == "two.dcm" && film.read().is_some())
    });
}

#[test]
fn a_film_without_a_size_is_measured_in_pixels_until_one_is_stated() {
    let mut film = phantom(1);
    film.spacing = None;
    let films = vec![("bare.png", Stored::Film(Box::new(film)))];
    let mut window = Setup { films, ..Setup::default() }.shown();
    outline_the_mass(&mut window);
    let pixels = shown_film(&window).marked().expect("outlined").measures.clone();
    assert_eq!(pixels.unit, "px");

    assert!(window.query_all_by_label_contains("The film does not say how large").count() > 0);
    window.key_press(egui::Key::M);
    window.run_steps(3);
    window.get_by_label("Pixel size");
    let ctx = window.ctx.clone();
    window.state_mut().run(&ctx, Command::StateScale(Some(0.05)));
    window.key_press(egui::Key::Escape);
    until(&mut window, "it is measured again", |state| {
        let marked = state.film().and_then(|film| film.marked());
        marked.is_some_and(|marked| marked.measures.unit == "mm, stated")
    });
    let film = shown_film(&window);
    let spacing = film.read().expect("read").mammogram.spacing.expect("stated");
    assert_eq!(spacing.origin, SpacingOrigin::Stated);
    let stated = &film.marked().expect("outlined").measures;
    let ratio = stated.longest_diameter / pixels.longest_diameter;
    assert!((0.04..0.06).contains(&ratio), "0.05 mm a pixel, but {ratio}");
}

#[test]
fn a_films_own_size_is_not_replaced_by_a_stated_one() {
    let films = vec![("sized.dcm", Stored::Film(Box::new(phantom(1))))];
    let mut window = Setup { films, ..Setup::default() }.shown();
    let ctx = window.ctx.clone();
    window.state_mut().run(&ctx, Command::StateScale(Some(0.05)));
    window.run_steps(2);
    let film = &shown_film(&window).read().expect("read").mammogram;
    // The phantom's own 0.1 mm.
    assert_eq!(film.spacing, Some(Spacing::square(0.1, SpacingOrigin::Calibrated)));
    assert!(film.cautions.iter().any(|caution| caution.code == "W-SCALE-CONFLICT"));
    window.key_press(egui::Key::M);
    window.run_steps(3);
    assert!(window.query_all_by_label_contains("only for a film that has none").count() > 0);
}

#[test]
fn many_large_films_are_not_all_kept_in_memory() {
    let names: Vec<&'static str> = vec!["1", "2", "3", "4", "5", "6"];
    // Each of 36 MB: the first four are read ahead, and not more than 140 MB are kept.
    let large = |seed: u16| {
        Stored::Film(Box::new(crate::film::film(4000, 4500, |x, y| {
            seed.wrapping_add((x ^ y) as u16) & 4095
        })))
    };
    let films = names.iter().zip(1..).map(|(&name, seed)| (name, large(seed))).collect();
    let mut window = Setup { films, ..Setup::default() }.shown();
    for _ in 0..6 {
        window.key_press(egui::Key::PageDown);
        window.run_steps(2);
        until(&mut window, "the film is read", |state| {
            state.film().is_some_and(|film| film.read().is_some())
        });
        let kept = window.state().state().films.iter().filter(|f| f.read().is_some()).count();
        assert!(kept <= 4, "{kept} films of 36 MB are kept");
    }
}

/// A film of five frames, each with its own mass: it lies farther right frame by frame.
fn tomosynthesis() -> Setup {
    let draw = |idx: u32| {
        let mut film = phantom(1);
        let shift = 20 * idx as usize;
        let columns = film.columns as usize;
        let samples = film.samples.iter().enumerate().map(|(i, _)| {
            let (column, row) = (i % columns, i / columns);
            film.samples[row * columns + column.saturating_sub(shift)]
        });
        film.samples = std::sync::Arc::new(samples.collect());
        film
    };
    Setup { films: vec![("frames.dcm", Stored::Frames(draw, 5))], ..Setup::default() }
}

fn until_frame(window: &mut egui_kittest::Harness<'_, precedent::app::App>, idx: u32) {
    until(window, "the frame is shown", |state| {
        let read = state.film().and_then(|film| film.read());
        read.is_some_and(|read| read.mammogram.frame.idx == idx)
    });
}

#[test]
fn frames_turn_by_key_wheel_and_strip_and_each_keeps_its_own_outline() {
    let mut window = tomosynthesis().shown();
    window.get_by_label("Frame 1 of 5");
    outline_the_mass(&mut window);
    let first = shown_film(&window).marked().expect("outlined").outline.clone();

    window.key_press(egui::Key::Period);
    window.run_steps(2);
    until_frame(&mut window, 1);
    assert!(shown_film(&window).marked().is_none(), "an outline of another frame");
    assert!(shown_film(&window).neighbours().is_none(), "neighbours of another frame");
    assert!(!shown_film(&window).history.can_undo());

    let middle = on_screen(&window, CENTER);
    window.hover_at(middle);
    window.step();
    let zoom = window.state().state().view().expect("shown").zoom;
    window.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, -2.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: egui::Modifiers::NONE,
    });
    window.run_steps(20);
    until(&mut window, "the wheel has turned frames", |state| {
        state.film().is_some_and(|film| film.frame_idx > 1)
    });
    assert_eq!(window.state().state().view().expect("shown").zoom, zoom, "it does not zoom too");

    for _ in 0..6 {
        window.key_press(egui::Key::Period);
        window.run_steps(1);
    }
    until_frame(&mut window, 4);
    window.get_by_label("Frame 5 of 5");
    let ctx = window.ctx.clone();
    window.state_mut().run(&ctx, Command::ShowFrame(0));
    until_frame(&mut window, 0);
    assert_eq!(shown_film(&window).marked().expect("it is back").outline, first);
    assert!(shown_film(&window).neighbours().is_some(), "and its neighbours");
}

#[test]
fn what_only_films_together_tell_stands_on_each_of_them() {
    let films = vec![
        ("two names/a.dcm", Stored::Film(Box::new(phantom(1)))),
        ("b.dcm", Stored::Film(Box::new(phantom(2)))),
    ];
    let mut window = Setup { films, ..Setup::default() }.shown();
    assert!(window.query_all_by_label_contains("different names, one PatientID").count() > 0);
    window.key_press(egui::Key::PageDown);
    window.run_steps(3);
    assert_eq!(window.query_all_by_label_contains("different names, one PatientID").count(), 0);
}

#[test]
fn looking_through_an_endless_folder_tells_how_far_it_is_and_is_given_up() {
    let mut window = Setup::default().shown();
    let films = window.state().state().films.len();
    let open = |window: &mut Harness<'_, App>, path: &str| {
        let ctx = window.ctx.clone();
        window.state_mut().run(&ctx, Command::OpenPaths(vec![path.into()]));
    };
    for by_key in [true, false] {
        open(&mut window, "endless");
        until(&mut window, "it tells how far it is", |state| {
            state.listing.as_ref().is_some_and(|progress| progress.done > 0)
        });
        window.get_by_label_contains("of 100,000");
        if by_key {
            window.key_press(egui::Key::Escape);
        } else {
            window.get_by_label("Cancel").click();
        }
        until(&mut window, "it is given up", |state| state.listing.is_none());
        assert_eq!(window.state().state().films.len(), films);
        window.run_steps(2);
        window.get_by_label_contains("nothing was opened");
    }
    // What is opened next is opened.
    open(&mut window, "one.dcm");
    until(&mut window, "it is listed", |state| state.listing.is_none());
    assert!(window.state().state().films.iter().any(|film| film.path.ends_with("one.dcm")));
}
