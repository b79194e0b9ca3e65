//! The whole path from film and contour to neighbours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::encoder::{DeviceChoice, DeviceReport};
use crate::geometry::Contour;
use crate::lexicon::{BreastDensity, Pathology, ViewPosition};
use crate::mammogram::{Caution, Mammogram};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Ten, by default: in all, or in each lane.
    pub k: usize,
    /// One list, or the nearest of each pathology.
    pub lanes: bool,
    /// Only these; empty means all.
    pub pathologies: Vec<Pathology>,
    pub view_position: Option<ViewPosition>,
    pub breast_density: Option<BreastDensity>,
    pub source: Option<String>,
}

/// One similar case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// From 1, inside its list or lane.
    pub rank: usize,
    pub case: Case,
    /// Between unit vectors, in [0, 2].
    pub distance: f32,
    /// Share of the squared distance by part of the descriptor: ("texture", 1.0) …; sums to 1.
    pub shares: Vec<(String, f32)>,
}

/// The answer to one query; belongs to the film with this hash and to no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    pub film_hash: [u8; 32],
    /// Without lanes: one list. With lanes: malignant, benign, normal.
    pub lists: Vec<(Option<Pathology>, Vec<Neighbour>)>,
    pub cautions: Vec<Caution>,
    pub encode_time: Duration,
    pub search_time: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the library cannot be opened")]
    Library {
        path: PathBuf,
        #[source]
        source: crate::library::Error,
    },
}

/// A library, its encoder and its index, ready for queries.
#[derive(Debug)]
pub struct Retriever {}

/// How many cases a library holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub cases: usize,
    pub malignant: usize,
    pub benign: usize,
    pub normal: usize,
}

impl Retriever {
    /// Opens both; a library described by another encoder is an error, never a wrong neighbour.
    pub fn open(library: &Path, bundle: &Path, device: DeviceChoice) -> Result<Self, Error> {
        let _ = (library, bundle, device);
        unimplemented!("owner: library")
    }

    pub fn counts(&self) -> Counts {
        unimplemented!("owner: library")
    }

    pub fn device(&self) -> &DeviceReport {
        unimplemented!("owner: library")
    }

    /// The stored picture of a case.
    pub fn picture(&self, id: &crate::case::CaseId) -> Result<Mammogram, Error> {
        let _ = id;
        unimplemented!("owner: library")
    }

    /// The nearest cases, never of the film's own patient.
    pub fn retrieve(
        &self,
        mammogram: &Mammogram,
        contour: &Contour,
        query: &Query,
    ) -> Result<Neighbours, Error> {
        let _ = (mammogram, contour, query);
        unimplemented!("owner: library")
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            k: 10,
            lanes: false,
            pathologies: Vec::new(),
            view_position: None,
            breast_density: None,
            source: None,
        }
    }
}
