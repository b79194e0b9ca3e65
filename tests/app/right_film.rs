//! An answer is only ever shown beside the film it was computed for.

use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::Queryable;
use precedent::command::{Action, Command};
use precedent::listing::{Listed, Listing};
use precedent::pyramid::Pyramid;
use precedent::settings::Settings;
use precedent::state::{Marked, Places, ReadFilm, Search, State};
use precedent::update::{self, Effect};
use precedent::worker::{LibraryOpened, Reply, Request};
use precedent_core::encoder::{DeviceChoice, DeviceReport};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::retrieval::Counts;
use precedent_core::segmentation::{Outline, Prompt};

use crate::fakes::{
    CENTER, RADIUS, Setup, Stored, circle_measures, drag, gate, neighbours, phantom, shown_film,
    until,
};

#[test]
fn an_answer_that_comes_after_another_film_was_opened_is_dropped() {
    let (token, answers) = gate();
    let films = vec![
        ("one.dcm", Stored::Film(Box::new(phantom(1)))),
        ("two.dcm", Stored::Film(Box::new(phantom(2)))),
    ];
    let mut window = Setup { films, answers, ..Setup::default() }.shown();
    until(&mut window, "both are read", |state| state.films.iter().all(|f| f.read().is_some()));
    drag(&mut window, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until(&mut window, "the search runs", |state| {
        matches!(state.film().map(|film| &film.search), Some(Search::Running))
    });
    window.key_press(egui::Key::PageDown);
    window.run_steps(3);
    token.send(()).expect("the search waits for it");
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
    assert_eq!(window.query_all_by_label_contains("Case 1, ").count(), 0);
    assert!(shown_film(&window).neighbours().is_none());

    // Back on the first film the search runs again and its own answer is shown.
    token.send(()).expect("the search will wait for it");
    window.key_press(egui::Key::PageUp);
    window.run_steps(3);
    crate::fakes::until_found(&mut window);
    let hash = shown_film(&window).read().expect("read").mammogram.content_hash;
    let case = &shown_film(&window).neighbours().expect("found").lists[0].1[0].case;
    assert!(case.id.0.starts_with(&format!("{:02x}{:02x}", hash[0], hash[1])), "{:?}", case.id);
}

#[test]
fn five_hundred_random_steps_with_late_answers_never_mix_two_films() {
    for seed in 1..=20 {
        random_walk(seed);
    }
}

/// Films change, outlines come and go, replies arrive late and out of order.
fn random_walk(seed: u64) {
    let mut random = Random(seed);
    let mut state = with_three_films();
    let mut pending: Vec<Reply> = Vec::new();
    for _ in 0..500 {
        let mut effects = Vec::new();
        match random.below(9) {
            0 => run(&mut state, Command::ShowFilm(random.below(3)), &mut effects),
            1 | 2 => {
                let prompt =
                    Prompt::Drag { center: CENTER, radius: 20.0 + random.below(60) as f64 };
                run(&mut state, Command::CommitOutline(prompt), &mut effects);
            }
            3 => run(&mut state, Command::Do(Action::Undo), &mut effects),
            4 => run(&mut state, Command::Do(Action::Redo), &mut effects),
            5 => run(&mut state, Command::Do(Action::ToggleLanes), &mut effects),
            _ if !pending.is_empty() => {
                let late = pending.swap_remove(random.below(pending.len()));
                update::reply(&mut state, late, &mut effects);
            }
            _ => {}
        }
        pending.extend(effects.into_iter().filter_map(answer));
        for film in &state.films {
            let hash = film.read().expect("all are read").mammogram.content_hash;
            if let Search::Found(found) = &film.search {
                assert_eq!(found.film_hash, hash, "seed {seed}: a list beside another film");
                assert!(film.marked().is_some(), "seed {seed}: cases without an outline");
            }
        }
    }
}

fn run(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    update::run(state, command, effects);
}

/// What the threads would answer, to be handed in whenever the walk likes.
fn answer(effect: Effect) -> Option<Reply> {
    match effect {
        Effect::Send(Request::Outline { generation, prompt, corrections, .. }) => {
            let Prompt::Drag { center, radius } = prompt else { return None };
            let contour = Contour::circle(center, radius);
            let outline = Outline { prompt, corrections, contour, confidence: vec![1.0; 128] };
            Some(Reply::Outline {
                generation,
                is_doubtful: false,
                result: Ok(Marked { outline, measures: circle_measures() }),
            })
        }
        Effect::Send(Request::Retrieve { generation, mammogram, query, .. }) => {
            let found = neighbours(mammogram.frame_hash(), query.lanes);
            Some(Reply::Neighbours { generation, result: Ok(found) })
        }
        _ => None,
    }
}

fn with_three_films() -> State {
    let places = Places {
        library: "library".into(),
        encoder: "encoder".into(),
        device: DeviceChoice::Cpu,
        shipped_library: "library".into(),
        shipped_encoder: "encoder".into(),
        demonstration: "demonstration".into(),
    };
    let mut state = State::new(Settings::default(), places);
    let films = ["a", "b", "c"].map(|path| Listed::unread(path.into())).to_vec();
    let mut effects = Vec::new();
    let listed = Reply::Listed(Listing { films, passed_over: Vec::new() });
    update::reply(&mut state, listed, &mut effects);
    let reads: Vec<_> = effects
        .drain(..)
        .filter_map(|effect| match effect {
            Effect::Send(Request::Read { film, .. }) => Some(film),
            _ => None,
        })
        .collect();
    assert_eq!(reads.len(), 3, "a small study is read at once");
    for (seed, film) in (1..).zip(reads) {
        let mammogram = Arc::new(phantom(seed));
        let pyramid = Arc::new(Pyramid::new(&mammogram));
        let read = ReadFilm {
            as_read: Arc::clone(&mammogram),
            mammogram,
            pyramid,
            read_time: Duration::ZERO,
            kept: None,
        };
        update::reply(
            &mut state,
            Reply::Read { film, frame_idx: 0, result: Ok(read) },
            &mut effects,
        );
    }
    let opened = LibraryOpened {
        counts: Counts { cases: 30, malignant: 10, benign: 10, normal: 10 },
        device: DeviceReport { name: "none".to_owned(), reason: "a test".to_owned() },
        open_time: Duration::ZERO,
        atlas: Arc::default(),
    };
    update::reply(&mut state, Reply::LibraryOpened(Ok(opened)), &mut effects);
    state
}

/// A small linear congruential generator (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}
