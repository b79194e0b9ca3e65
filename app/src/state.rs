//! All that the window shows, as plain values and `Arc`s of big ones.
//!
//! Panels read it, `update` alone changes it. What belongs to one film (its viewport, window,
//! outline, neighbours) lives with that film, so nothing of one can be shown beside another.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::Rect;
use precedent_core::case::CaseId;
use precedent_core::dicom::NameSet;
use precedent_core::encoder::DeviceChoice;
use precedent_core::geometry::ImagePoint;
use precedent_core::lexicon::Pathology;
use precedent_core::mammogram::Mammogram;
use precedent_core::measures::Atlas;
use precedent_core::progress::Progress;
use precedent_core::retrieval::{Counts, Neighbours, Query};
use precedent_core::segmentation::{Correction, Prompt};

use crate::command::Command;
use crate::pyramid::Pyramid;
use crate::settings::Settings;
use crate::tool::Hands;
use crate::viewport::View;

mod film;

pub use film::{Content, Film, FrameWork, Marked, ReadFilm, Search, Window, name};

#[derive(Debug)]
pub struct State {
    /// In the order of opening.
    pub films: Vec<Film>,
    pub shown: Option<FilmId>,
    /// Files of the last opening that are no films.
    pub passed_over: Vec<String>,
    pub lanes: Lanes,
    pub gesture: Gesture,
    /// What was asked while the last gesture still waits for its answer: done right after it.
    pub held: Vec<Command>,
    pub hands: Hands,
    pub rest: Option<Rest>,
    pub library: Library,
    pub pictures: HashMap<CaseId, CasePicture>,
    pub query: Query,
    pub notices: Vec<Notice>,
    pub dialog: Option<Dialog>,
    pub outlines_are_hidden: bool,
    pub settings: Settings,
    pub places: Places,
    /// Where the film is drawn: known after the first frame.
    pub viewer_in_ui: Rect,
    /// Cards that stand side by side where there are no lanes.
    pub gallery_columns: usize,
    pub pixels_per_point: f32,
    pub next_film_id: u64,
    /// How far the looking through files is, while one is under way.
    pub listing: Option<Progress>,
    /// The set in which patients' names are read for the eye; `None` as the files declare.
    pub names_read_as: Option<NameSet>,
}

/// Which library and encoder are in use: by argument, else by the settings, else what ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub library: PathBuf,
    pub encoder: PathBuf,
    pub device: DeviceChoice,
    pub shipped_library: PathBuf,
    pub shipped_encoder: PathBuf,
    pub demonstration: PathBuf,
}

/// Names a film of the list for as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilmId(pub u64);

/// Where the pointer rests, and whether a mass stands out there; `None` until it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rest {
    pub film: FilmId,
    pub at: ImagePoint,
    pub is_reliable: Option<bool>,
}

/// What the hand is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Gesture {
    #[default]
    Idle,
    /// An outline is being drawn; of an older one these corrections are kept.
    Outlining { live: Live<Prompt>, kept: Vec<Correction> },
    /// The outline is being mended; `from` is where a point that is pulled was taken.
    Mending { from: Option<ImagePoint>, live: Live<Correction> },
    /// The keyboard's crosshair: its place, and the radius in pixels.
    Crosshair { at: ImagePoint, radius: f64, live: Live<Prompt> },
}

/// A wish that changes faster than it is answered: one question is on its way, the newest wish
/// waits, the newest answer is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Live<T> {
    pub wish: T,
    pub is_asked: bool,
    /// The wish has changed since it was asked.
    pub has_changed: bool,
    /// The hand has let go: the answer to this wish is committed.
    pub is_final: bool,
    pub answer: Option<Result<Marked, String>>,
}

impl Gesture {
    /// Whether the hand is done and the answer is still on its way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Idle => false,
            Self::Outlining { live, .. } | Self::Crosshair { live, .. } => live.is_final,
            Self::Mending { live, .. } => live.is_final,
        }
    }

    /// What came of the newest wish that was answered.
    pub fn answer(&self) -> Option<&Result<Marked, String>> {
        match self {
            Self::Idle => None,
            Self::Outlining { live, .. } | Self::Crosshair { live, .. } => live.answer.as_ref(),
            Self::Mending { live, .. } => live.answer.as_ref(),
        }
    }
}

impl<T> Live<T> {
    pub fn new(wish: T) -> Self {
        Self { wish, is_asked: false, has_changed: true, is_final: false, answer: None }
    }
}

/// Lanes in the order of the path, each with its generation: a reply of an older one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lanes {
    pub outline: u64,
    pub retrieval: u64,
}

impl Lanes {
    /// Another film is shown: outlines and neighbours on their way are stale.
    pub fn raise_outline(&mut self) {
        self.outline += 1;
        self.raise_retrieval();
    }

    /// The outline changed: neighbours on their way are stale.
    pub fn raise_retrieval(&mut self) {
        self.retrieval += 1;
    }
}

#[derive(Debug, Clone)]
pub enum Library {
    Opening,
    Open {
        counts: Counts,
        device_name: String,
        device_reason: String,
        open_time: Duration,
        /// How the measures of its masses are spread.
        atlas: Arc<Atlas>,
    },
    Failed(String),
}

/// The stored picture of a case.
#[derive(Debug, Clone)]
pub enum CasePicture {
    Asked,
    Read(ReadPicture),
    Failed(String),
}

/// A case's picture as the worker hands it over.
#[derive(Debug, Clone)]
pub struct ReadPicture {
    pub mammogram: Arc<Mammogram>,
    pub pyramid: Arc<Pyramid>,
}

/// A position in the answer: which list, which place in it, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseAt {
    pub list: usize,
    pub place: usize,
}

/// One thing the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub is_error: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    About,
    Shortcuts,
    StateScale,
}

impl State {
    pub fn new(settings: Settings, places: Places) -> Self {
        Self {
            films: Vec::new(),
            shown: None,
            passed_over: Vec::new(),
            lanes: Lanes::default(),
            gesture: Gesture::Idle,
            held: Vec::new(),
            hands: Hands::default(),
            rest: None,
            library: Library::Opening,
            pictures: HashMap::new(),
            query: Query { lanes: settings.lanes, ..Query::default() },
            notices: Vec::new(),
            dialog: None,
            outlines_are_hidden: false,
            settings,
            places,
            viewer_in_ui: Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(800.0, 800.0)),
            gallery_columns: 2,
            pixels_per_point: 1.0,
            next_film_id: 0,
            listing: None,
            names_read_as: None,
        }
    }

    pub fn film(&self) -> Option<&Film> {
        self.films.iter().find(|film| Some(film.id) == self.shown)
    }

    pub fn film_mut(&mut self) -> Option<&mut Film> {
        self.films.iter_mut().find(|film| Some(film.id) == self.shown)
    }

    /// The shown film with its pixels, once they are read.
    pub fn read_film(&self) -> Option<(&Film, &ReadFilm)> {
        let film = self.film()?;
        Some((film, film.read()?))
    }

    /// The spread of measures in the library, once it is open.
    pub fn atlas(&self) -> Option<&Atlas> {
        match &self.library {
            Library::Open { atlas, .. } => Some(atlas),
            Library::Opening | Library::Failed(_) => None,
        }
    }

    /// Where the shown film lies on the screen.
    pub fn view(&self) -> Option<View> {
        let (film, read) = self.read_film()?;
        Some(film.viewport.view(self.query_in_ui(), &read.mammogram))
    }

    /// The part of the viewer that the query's film has: half of it while comparing.
    pub fn query_in_ui(&self) -> Rect {
        match self.film() {
            Some(film) if film.beside().is_some() => {
                self.viewer_in_ui.split_left_right_at_fraction(0.5).0
            }
            _ => self.viewer_in_ui,
        }
    }

    /// Says something that the user should know.
    pub fn notice(&mut self, text: impl Into<String>, is_error: bool) {
        let notice = Notice { text: text.into(), is_error };
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
        let excess = self.notices.len().saturating_sub(4);
        self.notices.drain(..excess);
    }
}

/// Cases by outcome in one answer, in the order of the lexicon.
pub fn count_by_pathology(neighbours: &Neighbours) -> Vec<(Pathology, usize)> {
    let all = || neighbours.lists.iter().flat_map(|(_, list)| list);
    Pathology::ALL
        .iter()
        .map(|&pathology| (pathology, all().filter(|n| n.case.pathology == pathology).count()))
        .collect()
}
