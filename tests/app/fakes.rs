//! A window with films made in code and a library that answers at once, or when it is told to.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use egui::{Pos2, vec2};
use egui_kittest::Harness;
use precedent::app::{App, Launch};
use precedent::journal::Journal;
use precedent::listing::{Listed, Listing};
use precedent::state::{Content, Film, Search, State};
use precedent::worker::{FindCases, ReadFilms, Tools};
use precedent_core::case::{Case, CaseId, Terms};
use precedent_core::dicom::{self, DecoderError, Stop};
use precedent_core::encoder::DeviceReport;
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::{
    Assessment, BreastDensity, ImageLaterality, MassMargin, MassShape, Pathology, ViewPosition,
};
use precedent_core::mammogram::{Caution, Frame, Mammogram, Spacing, SpacingOrigin};
use precedent_core::measures::{Atlas, Measures};
use precedent_core::progress::{Progress, Report};
use precedent_core::retrieval::{Counts, Neighbour, Neighbours, Query};

use crate::film::film;

/// Where the phantom's mass lies, in pixels of 0.1 mm.
pub(crate) const CENTER: ImagePoint = ImagePoint::new(340.0, 420.0);
pub(crate) const RADIUS: f64 = 60.0;

/// A right breast's CC film of 600 x 800 pixels with one round mass, `seed` in its grain; a seed
/// of 0 draws a faint checker instead.
pub(crate) fn phantom(seed: u32) -> Mammogram {
    let mut film = film(600, 800, |column, row| {
        let checker = 20 + 20 * ((column / 8 + row / 8) % 2);
        let grain = if seed == 0 { checker } else { hash(column, row, seed) % 60 };
        let at = ImagePoint::new(f64::from(column) + 0.5, f64::from(row) + 0.5);
        let breast = if column > 80 { 900 } else { 40 };
        // A mass whose edge falls over ten pixels.
        let edge = ((RADIUS - at.distance(CENTER)) / 10.0 + 0.5).clamp(0.0, 1.0);
        breast + grain as u16 + (edge * 900.0) as u16
    });
    film.spacing = Some(Spacing::square(0.1, SpacingOrigin::Calibrated));
    film.image_laterality = Some(ImageLaterality::Right);
    film.view_position = Some(ViewPosition::Cc);
    film
}

pub(crate) fn hash(x: u32, y: u32, seed: u32) -> u32 {
    let mut h = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed;
    h ^= h >> 15;
    h = h.wrapping_mul(0xc2b2_ae3d);
    h ^ (h >> 13)
}

/// What a fake reader does with a path.
pub(crate) enum Stored {
    Film(Box<Mammogram>),
    /// This many frames, each drawn by its number from 0.
    Frames(fn(u32) -> Mammogram, u32),
    Broken(&'static str),
    Panics,
    /// Is read until it is stopped.
    Hangs,
}

pub(crate) struct FakeReader(HashMap<PathBuf, Stored>, Stop);

impl ReadFilms for FakeReader {
    fn list(&mut self, paths: &[PathBuf], report: &mut Report<'_>) -> ControlFlow<(), Listing> {
        // A folder that goes on until it is stopped.
        let is_endless = paths.iter().any(|path| path.starts_with("endless"));
        for done in 0.. {
            report(Progress { step: "Looking at files", done, total: Some(100_000) })?;
            if !is_endless {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut films: Vec<Listed> = paths.iter().cloned().map(Listed::unread).collect();
        // What the core's listing says of films under one PatientID.
        for film in films.iter_mut().filter(|film| film.path.starts_with("two names")) {
            film.cautions
                .push(Caution::new("W-PATIENT-CONFLICT", "different names, one PatientID"));
        }
        ControlFlow::Continue(Listing { films, passed_over: Vec::new() })
    }

    fn read(&mut self, path: &Path, frame_idx: u32) -> anyhow::Result<Mammogram> {
        match self.0.get(path) {
            Some(Stored::Film(film)) => Ok((**film).clone()),
            Some(Stored::Frames(draw, count)) => {
                let frame = Frame { idx: frame_idx, count: *count };
                Ok(Mammogram { frame, ..draw(frame_idx) })
            }
            Some(Stored::Broken(why)) => anyhow::bail!("{why}"),
            Some(Stored::Panics) => panic!("as the test wants it"),
            Some(Stored::Hangs) => {
                while !self.1.is_asked() {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(dicom::Error::Decoder(DecoderError::Stopped).into())
            }
            None => anyhow::bail!("there is no such file"),
        }
    }

    fn stop(&self) -> Stop {
        self.1.clone()
    }
}

/// How the fake library answers a search.
pub(crate) enum Answers {
    AtOnce,
    /// One for each token that the test sends.
    When(Receiver<()>),
    Never(&'static str),
}

struct FakeCases(Mutex<Answers>);

impl FindCases for FakeCases {
    fn counts(&self) -> Counts {
        Counts { cases: 135, malignant: 26, benign: 35, normal: 74 }
    }

    fn atlas(&self) -> Atlas {
        Atlas::of([&circle_measures()])
    }

    fn device(&self) -> DeviceReport {
        DeviceReport { name: "CPU (fake)".to_owned(), reason: "it is a test".to_owned() }
    }

    fn picture(&self, _: &CaseId) -> anyhow::Result<Mammogram> {
        let mut picture = phantom(0);
        picture.image_laterality = Some(ImageLaterality::Left);
        Ok(picture)
    }

    fn retrieve(&self, film: &Mammogram, _: &Contour, query: &Query) -> anyhow::Result<Neighbours> {
        match &*self.0.lock().expect("no test thread panics while it answers") {
            Answers::AtOnce => {}
            Answers::When(token) => token.recv_timeout(Duration::from_secs(60))?,
            Answers::Never(why) => anyhow::bail!("{why}"),
        }
        Ok(neighbours(film.frame_hash(), query.lanes))
    }
}

/// A library that answers every search.
pub(crate) fn answering_at_once() -> Box<dyn FindCases> {
    Box::new(FakeCases(Mutex::new(Answers::AtOnce)))
}

/// Ten neighbours, or ten in each lane, whose ids tell the film they were found for.
pub(crate) fn neighbours(film_hash: [u8; 32], lanes: bool) -> Neighbours {
    let list = |only: Option<Pathology>| {
        let all = Pathology::ALL;
        let pathology = |rank: usize| only.unwrap_or(all[rank % all.len()]);
        (1..=10).map(|rank| neighbour(film_hash, rank, pathology(rank))).collect()
    };
    let lists = if lanes {
        Pathology::ALL.iter().map(|&p| (Some(p), list(Some(p)))).collect()
    } else {
        vec![(None, list(None))]
    };
    Neighbours {
        film_hash,
        lists,
        num_own_cases: 0,
        cautions: Vec::new(),
        encode_time: Duration::from_millis(640),
        search_time: Duration::from_micros(180),
    }
}

fn neighbour(film_hash: [u8; 32], rank: usize, pathology: Pathology) -> Neighbour {
    let contour = Contour::circle(CENTER, RADIUS);
    let terms = match pathology {
        Pathology::Malignant => (Some(MassShape::Irregular), Some(MassMargin::Spiculated)),
        Pathology::Benign => (Some(MassShape::Oval), Some(MassMargin::Circumscribed)),
        Pathology::Normal => (None, None),
    };
    let case = Case {
        id: CaseId(format!("{:02x}{:02x}-{pathology}-{rank}", film_hash[0], film_hash[1])),
        pathology,
        outcome_basis: "biopsy".to_owned(),
        source: "phantom, drawn in code".to_owned(),
        terms: Terms {
            mass_shape: terms.0,
            mass_margin: terms.1,
            breast_density: Some(BreastDensity::B),
            assessment: Some(Assessment::Suspicious),
            age: Some(50 + rank as u16),
        },
        image_laterality: Some(ImageLaterality::Left),
        view_position: Some(ViewPosition::Cc),
        spacing: Some(Spacing::square(0.1, SpacingOrigin::FilmScanner)),
        measures: circle_measures(),
        contour,
        picture: String::new(),
        notes: String::new(),
        cautions: Vec::new(),
    };
    let distance = 0.3 + 0.02 * rank as f32;
    Neighbour { rank, case, distance, shares: vec![("texture".to_owned(), 1.0)] }
}

pub(crate) fn circle_measures() -> Measures {
    Measures {
        unit: "mm".to_owned(),
        area: 113.0,
        equivalent_diameter: 12.0,
        longest_diameter: 12.0,
        perpendicular_diameter: 12.0,
        circularity: 1.0,
        contrast: 3.0,
        margin_width: Some(1.2),
        well_defined_share: Some(0.8),
        spiculation: Some(0.4),
        unstable: Vec::new(),
    }
}

/// A window in the making.
pub(crate) struct Setup {
    pub(crate) films: Vec<(&'static str, Stored)>,
    /// How many of the films are opened at the start.
    pub(crate) opens: usize,
    pub(crate) answers: Answers,
    pub(crate) library_fails: Option<&'static str>,
    pub(crate) size: egui::Vec2,
    /// Where outlines are kept.
    pub(crate) user_data: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            films: vec![("phantom.dcm", Stored::Film(Box::new(phantom(1))))],
            opens: usize::MAX,
            answers: Answers::AtOnce,
            library_fails: None,
            size: vec2(1280.0, 800.0),
            user_data: None,
        }
    }
}

/// The tokens' other end, and the answers that wait for them.
pub(crate) fn gate() -> (Sender<()>, Answers) {
    let (sender, receiver) = channel();
    (sender, Answers::When(receiver))
}

impl Setup {
    /// The window with its films on the way.
    pub(crate) fn open<'a>(self) -> Harness<'a, App> {
        let paths = self.films.iter().take(self.opens);
        let paths = paths.map(|(path, _)| PathBuf::from(path)).collect();
        let stored = self.films.into_iter().map(|(path, film)| (PathBuf::from(path), film));
        let reader = Box::new(FakeReader(stored.collect(), Stop::default()));
        let answers = Mutex::new(Some(self.answers));
        let library_fails = self.library_fails;
        let tools = Tools {
            reader,
            journal: self.user_data.as_deref().map(Journal::new),
            open_cases: Box::new(move |_, _, _| {
                if let Some(why) = library_fails {
                    anyhow::bail!("{why}");
                }
                let answers = answers.lock().expect("opened by one thread").take();
                let cases = FakeCases(Mutex::new(answers.unwrap_or(Answers::AtOnce)));
                Ok(Box::new(cases) as Box<dyn FindCases>)
            }),
        };
        let launch = Launch { paths, ..Launch::default() };
        Harness::builder()
            .with_size(self.size)
            .with_render_cursor(false)
            .wgpu()
            .build_eframe(|cc| App::new(cc, launch, tools))
    }

    /// The window with its first film shown.
    pub(crate) fn shown<'a>(self) -> Harness<'a, App> {
        let mut harness = self.open();
        until(&mut harness, "a film is read", |state| {
            matches!(state.film().map(|film| &film.content), Some(Content::Read(_)))
        });
        harness.run_steps(3);
        harness
    }
}

/// Draws frames until the state is as wished; threads need their time, so the limit is generous.
pub(crate) fn until(harness: &mut Harness<'_, App>, what: &str, is_so: impl Fn(&State) -> bool) {
    let start = Instant::now();
    while !is_so(harness.state().state()) {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
        harness.step();
    }
    harness.run_steps(2);
}

pub(crate) fn until_found(harness: &mut Harness<'_, App>) {
    until(harness, "cases are found", |state| {
        state.film().is_some_and(|film| film.neighbours().is_some())
    });
    until(harness, "their pictures are there", |state| {
        state.pictures.values().all(|p| !matches!(p, precedent::state::CasePicture::Asked))
    });
}

/// Where a place of the shown film lies on the screen.
pub(crate) fn on_screen(harness: &Harness<'_, App>, place: ImagePoint) -> Pos2 {
    harness.state().state().view().expect("a film is shown").ui_from_image(place)
}

/// Presses at one place of the film, moves in steps, lets go at another.
pub(crate) fn drag(harness: &mut Harness<'_, App>, from: ImagePoint, to: ImagePoint) {
    press_and_move(harness, from, to);
    harness.drop_at(on_screen(harness, to));
    harness.run_steps(2);
}

/// The same without letting go.
pub(crate) fn press_and_move(harness: &mut Harness<'_, App>, from: ImagePoint, to: ImagePoint) {
    let (from, to) = (on_screen(harness, from), on_screen(harness, to));
    harness.hover_at(from);
    harness.step();
    harness.drag_at(from);
    harness.step();
    for i in 1..=8 {
        harness.hover_at(from + (to - from) * (i as f32 / 8.0));
        harness.step();
    }
}

/// Outlines the phantom's mass as a doctor would, and waits for its cases.
pub(crate) fn outline_the_mass(harness: &mut Harness<'_, App>) {
    drag(harness, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until_found(harness);
}

pub(crate) fn shown_film<'a>(harness: &'a Harness<'_, App>) -> &'a Film {
    harness.state().state().film().expect("a film is shown")
}

pub(crate) fn is_failed(search: &Search) -> bool {
    matches!(search, Search::Failed(_))
}
