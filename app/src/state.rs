//! All that the window shows, as plain values and `Arc`s of big ones.
//!
//! Panels read it, `update` alone changes it. What belongs to one film (its viewport, window,
//! outline, neighbours) lives with that film, so nothing of one can be shown beside another.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use egui::Rect;
use precedent_core::case::CaseId;
use precedent_core::dicom::NameSet;
use precedent_core::encoder::DeviceChoice;
use precedent_core::geometry::ImagePoint;
use precedent_core::lexicon::Pathology;
use precedent_core::mammogram::{Caution, Mammogram};
use precedent_core::measures::{Atlas, Measures, Texture};
use precedent_core::retrieval::{Counts, Neighbour, Neighbours, Query};
use precedent_core::segmentation::{Correction, Outline, Prompt};
use precedent_core::voi_lut::{VoiFunction, VoiLut};

use crate::command::Command;
use crate::history::History;
use crate::listing::{Listed, Visit};
use crate::pyramid::Pyramid;
use crate::settings::Settings;
use crate::tool::Hands;
use crate::viewport::{View, Viewport};

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
    /// Whether anything is being listed from disk.
    pub is_listing: bool,
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

#[derive(Debug)]
pub struct Film {
    pub id: FilmId,
    pub path: PathBuf,
    pub visit: Visit,
    /// "R CC" by the file's attributes, before its pixels are read.
    pub side_and_view: String,
    /// What only the films of its folder together tell of it.
    pub cautions: Vec<Caution>,
    /// The frame that is wanted, from 0: the one shown once it is read.
    pub frame_idx: u32,
    /// What was done on the file's other frames.
    pub other_frames: HashMap<u32, FrameWork>,
    pub content: Content,
    /// Millimetres per pixel as the user states them.
    pub stated_mm: Option<f64>,
    pub viewport: Viewport,
    /// The viewport from before the comparison, given back when it ends.
    pub viewport_before: Option<Viewport>,
    pub window: Option<Window>,
    pub history: History<Option<Marked>>,
    pub search: Search,
    /// Inside the outline, once it was asked for; `None` inside where there is too little to tell.
    pub texture: Option<Option<Texture>>,
    pub selected: Option<CaseAt>,
    pub is_beside: bool,
}

/// What belongs to one frame of a film with several.
#[derive(Debug)]
pub struct FrameWork {
    pub history: History<Option<Marked>>,
    pub search: Search,
}

#[derive(Debug)]
pub enum Content {
    /// Not asked for yet, or let go to save memory.
    Listed,
    /// On its way; `is_first` before all others of its folder.
    Reading {
        is_first: bool,
    },
    Read(ReadFilm),
    /// A sentence that says why it cannot be shown.
    Failed(String),
}

/// A film as the worker hands it over.
#[derive(Debug, Clone)]
pub struct ReadFilm {
    /// As it is used: with the size that the user stated, where one was stated.
    pub mammogram: Arc<Mammogram>,
    /// As the file has it; the samples are shared.
    pub as_read: Arc<Mammogram>,
    pub pyramid: Arc<Pyramid>,
    pub read_time: Duration,
    /// The outline of last time, where the journal has one.
    pub kept: Option<Box<Marked>>,
}

/// How the film is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub voi_lut: VoiLut,
    /// Which of the file's windows it is; `None` once changed by hand.
    pub idx: Option<usize>,
    pub is_inverted: bool,
}

/// An outline and its numbers: the value that undo keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    pub outline: Outline,
    pub measures: Measures,
}

/// Where the search for one film stands.
#[derive(Debug, Clone, Default)]
pub enum Search {
    #[default]
    Empty,
    Running,
    Found(Arc<Neighbours>),
    Failed(String),
}

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
            is_listing: false,
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

impl Film {
    pub fn new(id: FilmId, listed: Listed) -> Self {
        Self {
            id,
            path: listed.path,
            visit: listed.visit,
            side_and_view: listed.side_and_view,
            cautions: listed.cautions,
            frame_idx: 0,
            other_frames: HashMap::new(),
            content: Content::Listed,
            stated_mm: None,
            viewport: Viewport::Fit,
            viewport_before: None,
            window: None,
            history: History::new(None),
            search: Search::Empty,
            texture: None,
            selected: None,
            is_beside: false,
        }
    }

    pub fn name(&self) -> String {
        name(&self.path)
    }

    pub fn read(&self) -> Option<&ReadFilm> {
        match &self.content {
            Content::Read(read) => Some(read),
            Content::Listed | Content::Reading { .. } | Content::Failed(_) => None,
        }
    }

    pub fn marked(&self) -> Option<&Marked> {
        self.history.now().as_ref()
    }

    /// The answer that belongs to this very film; an answer for other pixels is no answer.
    pub fn neighbours(&self) -> Option<&Neighbours> {
        let hash = self.read()?.mammogram.frame_hash();
        match &self.search {
            Search::Found(neighbours) if neighbours.film_hash == hash => Some(neighbours),
            _ => None,
        }
    }

    pub fn neighbour(&self, at: CaseAt) -> Option<&Neighbour> {
        self.neighbours()?.lists.get(at.list)?.1.get(at.place)
    }

    pub fn selected(&self) -> Option<&Neighbour> {
        self.neighbour(self.selected?)
    }

    /// The case that stands beside the film.
    pub fn beside(&self) -> Option<&Neighbour> {
        if self.is_beside { self.selected() } else { None }
    }
}

impl Window {
    /// The file's first window.
    pub fn first(mammogram: &Mammogram) -> Option<Self> {
        let voi_lut = mammogram.voi_luts.first()?.clone();
        Some(Self { voi_lut, idx: Some(0), is_inverted: false })
    }

    /// Center and width, of a table the middle and extent of its input.
    pub fn center_width(&self) -> (f64, f64) {
        match &self.voi_lut.function {
            VoiFunction::Linear { center, width }
            | VoiFunction::LinearExact { center, width }
            | VoiFunction::Sigmoid { center, width } => (*center, *width),
            VoiFunction::Table { first, entries, .. } => {
                let width = entries.len() as f64;
                (f64::from(*first) + width / 2.0, width)
            }
        }
    }

    /// Another center and width under the same function; a table becomes a straight line.
    pub fn set_center_width(&mut self, center: f64, width: f64) {
        let width = width.max(1.0);
        self.voi_lut.function = match self.voi_lut.function {
            VoiFunction::Sigmoid { .. } => VoiFunction::Sigmoid { center, width },
            VoiFunction::LinearExact { .. } => VoiFunction::LinearExact { center, width },
            VoiFunction::Linear { .. } | VoiFunction::Table { .. } => {
                VoiFunction::Linear { center, width }
            }
        };
        "By hand".clone_into(&mut self.voi_lut.explanation);
        self.idx = None;
    }
}

/// The last part of a path, for the screen.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Cases by outcome in one answer, in the order of the lexicon.
pub fn count_by_pathology(neighbours: &Neighbours) -> Vec<(Pathology, usize)> {
    let all = || neighbours.lists.iter().flat_map(|(_, list)| list);
    Pathology::ALL
        .iter()
        .map(|&pathology| (pathology, all().filter(|n| n.case.pathology == pathology).count()))
        .collect()
}
