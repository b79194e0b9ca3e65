//! The whole path from film and contour to neighbours.
//!
//! The film's own patient never answers: she is known by the name the film carries and by the
//! film's very pixels. What a search cannot vouch for stands beside its answer as a caution.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::case::{Case, CaseId};
use crate::descriptor::{Descriptor, EncoderId};
use crate::encoder::{self, DeviceChoice, DeviceReport, Encoder};
use crate::geometry::Contour;
use crate::index::{Hit, Index};
use crate::lexicon::{BreastDensity, Pathology, ViewPosition};
use crate::library::{self, Contents, Library, Pictures, identity};
use crate::mammogram::{Caution, Mammogram, SpacingOrigin};
use crate::measures::Atlas;
use crate::patch;

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
    /// [`Mammogram::frame_hash`] of the frame that was asked about.
    pub film_hash: [u8; 32],
    /// Without lanes: one list. With lanes: malignant, benign, normal.
    pub lists: Vec<(Option<Pathology>, Vec<Neighbour>)>,
    /// Cases of the film's own patient, which were left out.
    pub num_own_cases: usize,
    pub cautions: Vec<Caution>,
    pub encode_time: Duration,
    pub search_time: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the library cannot be opened: {path}")]
    Library {
        path: PathBuf,
        #[source]
        source: library::Error,
    },
    #[error("the encoder cannot be used")]
    Encoder(#[from] encoder::Error),
    #[error("the library is empty; import cases first: {path}")]
    Empty { path: PathBuf },
    #[error(
        "this is a raw image (FOR PROCESSING); it cannot be compared with images made for reading"
    )]
    Raw,
    #[error("the picture cannot be shown")]
    Picture(#[source] library::Error),
}

/// A library, its encoder and its index, ready for queries.
#[derive(Debug)]
pub struct Retriever {
    encoder: Encoder,
    contents: Contents,
    pictures: Pictures,
    notes: String,
    index: Index,
}

/// How many cases a library holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub cases: usize,
    pub malignant: usize,
    pub benign: usize,
    pub normal: usize,
}

impl Retriever {
    /// Opens both; a library described by another encoder is an error, never a wrong neighbour.
    /// The library is read and let go: it may be written to while this answers from what it read.
    pub fn open(library: &Path, bundle: &Path, device: DeviceChoice) -> Result<Self, Error> {
        let in_library = |source| Error::Library { path: library.to_owned(), source };
        let opened = Library::open_read_only(library).map_err(in_library)?;
        let described_by = opened.encoder().map_err(in_library)?;
        let described_by = described_by.ok_or_else(|| Error::Empty { path: library.to_owned() })?;
        let encoder = Encoder::open(bundle, device)?;
        if described_by != *encoder.id() {
            return Err(in_library(library::Error::OtherEncoder {
                library: described_by.0,
                encoder: encoder.id().0.clone(),
            }));
        }
        let contents = opened.contents().map_err(in_library)?;
        if contents.cases.is_empty() {
            return Err(Error::Empty { path: library.to_owned() });
        }
        let pictures = opened.pictures().map_err(in_library)?;
        let notes = opened.notes().map_err(in_library)?;
        let index = Index::build(&contents.descriptors);
        Ok(Self { encoder, contents, pictures, notes, index })
    }

    pub fn counts(&self) -> Counts {
        let count = |pathology| {
            self.contents.cases.iter().filter(|case| case.pathology == pathology).count()
        };
        Counts {
            cases: self.contents.cases.len(),
            malignant: count(Pathology::Malignant),
            benign: count(Pathology::Benign),
            normal: count(Pathology::Normal),
        }
    }

    /// Every case that can answer, in the library's order.
    pub fn cases(&self) -> &[Case] {
        &self.contents.cases
    }

    /// How the measures of its masses are spread, normal regions aside.
    pub fn atlas(&self) -> Atlas {
        let masses = self.contents.cases.iter().filter(|case| case.pathology != Pathology::Normal);
        Atlas::of(masses.map(|case| &case.measures))
    }

    pub fn encoder_id(&self) -> &EncoderId {
        self.encoder.id()
    }

    pub fn device(&self) -> DeviceReport {
        self.encoder.device()
    }

    /// What the maker of the library says about it.
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// The stored picture of a case.
    pub fn picture(&self, id: &CaseId) -> Result<Mammogram, Error> {
        let case = self.contents.cases.iter().find(|case| case.id == *id);
        let case = case.ok_or_else(|| library::Error::NoCase { id: id.0.clone() });
        case.and_then(|case| self.pictures.film(case)).map_err(Error::Picture)
    }

    /// The nearest cases, never of the film's own patient.
    pub fn retrieve(
        &self,
        mammogram: &Mammogram,
        contour: &Contour,
        query: &Query,
    ) -> Result<Neighbours, Error> {
        if mammogram.cautions.iter().any(|caution| caution.code == "W-FOR-PROCESSING") {
            return Err(Error::Raw);
        }
        let start = Instant::now();
        let descriptors = self.encoder.describe(&[patch::extract(mammogram, contour)])?;
        let descriptor = descriptors.first().expect("one descriptor a patch");
        let encode_time = start.elapsed();

        let start = Instant::now();
        let own = self.own_cases(mammogram);
        let search = |pathology: Option<Pathology>| {
            let keep = |case_idx: usize| {
                let case = &self.contents.cases[case_idx];
                !own[case_idx]
                    && pathology.is_none_or(|p| p == case.pathology)
                    && query.admits(case)
            };
            let hits = self.index.nearest(descriptor, query.k, &keep);
            (pathology, self.neighbours(descriptor, &hits))
        };
        let lists = if query.lanes {
            Pathology::ALL.iter().map(|&pathology| search(Some(pathology))).collect()
        } else {
            vec![search(None)]
        };
        let search_time = start.elapsed();

        Ok(Neighbours {
            film_hash: mammogram.frame_hash(),
            lists,
            num_own_cases: own.iter().filter(|own| **own).count(),
            cautions: self.cautions(mammogram),
            encode_time,
            search_time,
        })
    }

    /// For each case, whether the film may be of the same patient.
    fn own_cases(&self, mammogram: &Mammogram) -> Vec<bool> {
        let own = self.contents.identities.patients_of(mammogram);
        let content = blake3::Hash::from_bytes(mammogram.content_hash).to_hex();
        // A stored picture opened as a film is its own patient's too.
        let shown = self
            .contents
            .cases
            .iter()
            .zip(&self.contents.patients)
            .filter(|(case, _)| case.picture == content.as_str())
            .map(|(_, patient)| *patient);
        let own: std::collections::HashSet<_> = own.into_iter().chain(shown).collect();
        self.contents.patients.iter().map(|patient| own.contains(patient)).collect()
    }

    fn neighbours(&self, query: &Descriptor, hits: &[Hit]) -> Vec<Neighbour> {
        let ranked = hits.iter().enumerate();
        ranked
            .map(|(position, hit)| Neighbour {
                rank: position + 1,
                case: self.contents.cases[hit.case_idx].clone(),
                distance: hit.distance,
                shares: self.encoder.shares(query, &self.contents.descriptors[hit.case_idx]),
            })
            .collect()
    }

    fn cautions(&self, mammogram: &Mammogram) -> Vec<Caution> {
        let mut cautions = Vec::new();
        if mammogram.patient_id.as_deref().and_then(identity::known_as).is_none() {
            let told = "the film does not say whose it is: cases of the same patient can be among \
                the neighbours";
            cautions.push(Caution::new("W-NO-PATIENT", told));
        }
        if mammogram.spacing.is_none() {
            let told = "the film carries no pixel size: the region is compared as if a pixel were \
                0.2 mm wide, and pictures are not at one scale";
            cautions.push(Caution::new("W-NO-SCALE", told));
        }
        let is_film = |case: &Case| {
            case.spacing.is_none_or(|s| {
                matches!(s.origin, SpacingOrigin::FilmScanner | SpacingOrigin::Stated)
            })
        };
        if is_digital(mammogram) && self.contents.cases.iter().all(is_film) {
            let told = "this image is from a digital detector, and every case of the library is a \
                digitised film: the neighbours may be like it in little but brightness";
            cautions.push(Caution::new("W-DIGITAL-QUERY", told));
        }
        if !self.contents.damaged.is_empty() {
            let told = format!(
                "{} damaged cases are left out; precedent-cli library verify names them",
                self.contents.damaged.len()
            );
            cautions.push(Caution::new("W-DAMAGED-CASES", told));
        }
        cautions
    }
}

impl Query {
    /// Whether the filters let this case answer; a case that does not say is not what was asked.
    fn admits(&self, case: &Case) -> bool {
        (self.pathologies.is_empty() || self.pathologies.contains(&case.pathology))
            && self.view_position.is_none_or(|view| case.view_position == Some(view))
            && self.breast_density.is_none_or(|d| case.terms.breast_density == Some(d))
            && self.source.as_deref().is_none_or(|source| case.source == source)
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

/// Only a detector records its own spacing (ImagerPixelSpacing, PS3.3 C.8.11.3).
fn is_digital(mammogram: &Mammogram) -> bool {
    mammogram.spacing.is_some_and(|spacing| {
        matches!(spacing.origin, SpacingOrigin::Detector | SpacingOrigin::Magnified { .. })
    })
}
