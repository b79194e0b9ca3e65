//! A film of the list, and all that was done on it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use precedent_core::mammogram::{Caution, Mammogram};
use precedent_core::measures::{Measures, Texture};
use precedent_core::retrieval::{Neighbour, Neighbours};
use precedent_core::segmentation::Outline;
use precedent_core::voi_lut::{VoiFunction, VoiLut};

use super::{CaseAt, FilmId};
use crate::history::History;
use crate::listing::{Listed, Visit};
use crate::pyramid::Pyramid;
use crate::viewport::Viewport;

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
