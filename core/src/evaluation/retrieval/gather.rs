//! The regions of an experiment: read, placed, outlined and cut by the very functions that fill a
//! library, one after the other, so that memory does not grow with their pictures.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::at_scale::{self, Counts};
use super::examples::{Example, Region, match_contrast};
use super::normals::{self, Wanted};
use super::pictures::Thumbnail;
use crate::dicom::Reader;
use crate::evaluation::Error;
use crate::geometry::{Contour, ImagePoint};
use crate::import::manifest::Region as Place;
use crate::import::public_layout::{self, Listed, Listing};
use crate::import::{self, sentence};
use crate::lexicon::Pathology;
use crate::library::identity::{Mark, Patients};
use crate::library::{self, Library};
use crate::mammogram::Mammogram;
use crate::progress::{Progress, Report};
use crate::segmentation::{Outliner, Prompt};

/// Where the regions come from.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// A case library; its stored pictures and outlines.
    Library(&'a Path),
    /// A list of either layout.
    Manifest(&'a Path),
    /// Regions drawn by us, each of a patient of its own.
    Drawn(Counts),
}

/// Which of the rows take part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// The source holds one of these words, in any letter case; empty: all.
    pub sources: Vec<String>,
    /// Kinds of lesion; empty: all. Normal regions, and lesions of a list that does not tell, stay.
    pub lesions: Vec<String>,
    /// Outcomes; empty: all.
    pub classes: Vec<Pathology>,
    /// Rows of this split are asked about, the others answer.
    pub asked_split: Option<String>,
    pub outline: Outlines,
}

/// How a marked place becomes an outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outlines {
    /// By the program, as a reader's drag or click would be.
    #[default]
    Program,
    /// A circle: as marked, or of the size that a click finds.
    Circles,
}

/// All regions, and why others are not among them.
#[derive(Debug, Default)]
pub struct Gathered {
    pub examples: Vec<Example>,
    pub skipped: Vec<String>,
    /// Pairs that show one film under two patients, who are one here.
    pub same_films: Vec<String>,
    /// The patients of those films that were asked for, as [`Example::patient`] numbers them.
    pub seen: BTreeMap<[u8; 32], usize>,
}

/// Takes a region's pixels before they are let go; a sentence says why it cannot be used.
pub type Visit<'a> = dyn FnMut(&Region) -> Result<(), String> + 'a;

/// What is to be gathered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub source: &'a Source<'a>,
    /// A second list, whose regions are asked about.
    pub queries: Option<&'a Path>,
    pub selection: &'a Selection,
    /// Whose patients are wanted, by [`film_hash`](library::identity::film_hash).
    pub films: &'a BTreeSet<[u8; 32]>,
    /// Of the places of normal regions that are not given.
    pub seed: u64,
}

/// Reads all; `visit` sees each region once, in the order of the examples.
pub fn gather(
    request: Request<'_>,
    reader: &mut Reader,
    visit: &mut Visit<'_>,
    report: &mut Report<'_>,
) -> Result<Gathered, Error> {
    let Request { source, queries, .. } = request;
    let mut work = Work {
        request,
        reader,
        visit,
        report,
        gathered: Gathered::default(),
        patients: Patients::default(),
        wanted: Wanted::default(),
    };
    match source {
        Source::Library(dir) => work.library(dir, queries)?,
        Source::Drawn(counts) => work.drawn(*counts)?,
        Source::Manifest(path) => {
            let listing = public_layout::read(path)?;
            work.list(&listing, false)?;
            if let Some(queries) = queries {
                work.list(&public_layout::read(queries)?, true)?;
            }
        }
    }
    let Work { mut gathered, patients, .. } = work;
    for patient in gathered.patients() {
        *patient = patients.first_of(*patient);
    }
    gathered.join_same_films(gathered.on_one_film());
    match_contrast(&mut gathered.examples);
    if gathered.examples.is_empty() {
        let why = gathered.skipped.first().map(|w| format!("; {w}")).unwrap_or_default();
        return Err(Error::Design(format!("no region can be used{why}")));
    }
    Ok(gathered)
}

struct Work<'a, 'b> {
    request: Request<'a>,
    reader: &'a mut Reader,
    visit: &'a mut Visit<'b>,
    report: &'a mut Report<'b>,
    gathered: Gathered,
    patients: Patients,
    /// Of the lesions of the library's list: what normal regions are drawn to match.
    wanted: Wanted,
}

/// What is known of a region beside its pixels.
struct Facts {
    name: String,
    pathology: Pathology,
    source: String,
    is_query: bool,
}

impl Work<'_, '_> {
    /// Lesions first: normal regions are drawn in their sizes.
    fn list(&mut self, listing: &Listing, are_queries: bool) -> Result<(), Error> {
        let fault = |f: &import::manifest::Fault| format!("line {}: {}", f.line, f.reason);
        self.gathered.skipped.extend(listing.faults.iter().map(fault));
        let told = |listed: &Listed| listed.lesion.is_some();
        if !self.request.selection.lesions.is_empty() && !listing.rows.iter().any(told) {
            return Err(no_kinds());
        }
        let (lesions, normals): (Vec<&Listed>, Vec<&Listed>) = listing
            .rows
            .iter()
            .filter(|listed| self.request.selection.admits(listed))
            .partition(|listed| listed.row.pathology != Pathology::Normal);
        let total = (lesions.len() + normals.len()) as u64;
        for (done, listed) in lesions.into_iter().chain(normals).enumerate() {
            self.tell("Describing regions", done as u64, total)?;
            let asked = |split: &String| Some(split) == listed.split.as_ref();
            let facts = Facts {
                name: listed.row.file.display().to_string(),
                pathology: listed.row.pathology,
                source: listed.row.source.clone(),
                is_query: are_queries
                    || self.request.selection.asked_split.as_ref().is_some_and(asked),
            };
            let region = self.region(&listing.folder, listed, facts.is_query);
            self.keep(facts, region);
        }
        Ok(())
    }

    fn region(&mut self, folder: &Path, listed: &Listed, is_query: bool) -> Result<Region, String> {
        let mut row = listed.row.clone();
        let is_normal = row.pathology == Pathology::Normal;
        if !listed.is_placed && !is_normal {
            return Err("no place is given".to_owned());
        }
        let circles = self.request.selection.outline == Outlines::Circles;
        if !listed.is_placed || (circles && !matches!(row.region, Place::Polygon(_))) {
            let film = import::prepare::film(self.reader, folder, &row)?;
            if !listed.is_placed {
                let drawn = normals::draw(&film, &self.wanted, self.request.seed)?;
                row.region = Place::Circle { center: drawn.center, radius: drawn.radius };
            }
            if circles {
                row.region = Place::Polygon(circle(film, &row.region)?);
            }
        }
        let prepared = import::prepare(self.reader, folder, &row)?;
        let region = Region::new(prepared.film, prepared.contour, prepared.measures);
        let film_hash = Some(prepared.film_hash);
        let region = Region { patients: prepared.patients, film_hash, ..region };
        if !is_normal && !is_query {
            self.wanted.add(&region.film, &region.contour);
        }
        Ok(region)
    }

    fn keep(&mut self, facts: Facts, region: Result<Region, String>) {
        match region.and_then(|region| (self.visit)(&region).map(|()| region)) {
            Ok(region) => {
                let patient = self.patients.add(Mark::names(&region.patients));
                let wanted = region.film_hash.filter(|film| self.request.films.contains(film));
                self.gathered.seen.extend(wanted.map(|film| (film, patient)));
                self.gathered.examples.push(Example {
                    name: facts.name,
                    patient,
                    pathology: facts.pathology,
                    source: facts.source,
                    thumbnail: Thumbnail::of(&region.film, &region.contour),
                    measures: region.measures,
                    film_hash: region.film_hash,
                    is_query: facts.is_query,
                    is_matched: false,
                });
            }
            Err(reason) => self.gathered.skipped.push(format!("{}: {reason}", facts.name)),
        }
    }

    /// The library's cases; a query's patient is known by her names, and by her films.
    fn library(&mut self, dir: &Path, queries: Option<&Path>) -> Result<(), Error> {
        if !self.request.selection.lesions.is_empty() {
            return Err(no_kinds());
        }
        let unread = |source| Error::Library { path: dir.to_owned(), source: Box::new(source) };
        let library = Library::open_read_only(dir).map_err(unread)?;
        let contents = library.contents().map_err(unread)?;
        let pictures = library.pictures().map_err(unread)?;
        let total = contents.cases.len() as u64;
        self.gathered.skipped.extend(contents.damaged.iter().cloned());
        let known = |idx: library::PatientIdx| format!("patient {idx} of the library");
        for (done, (case, patient)) in contents.cases.iter().zip(&contents.patients).enumerate() {
            self.tell("Describing cases", done as u64, total)?;
            let selection = self.request.selection;
            if !selection.admits_source(&case.source) || !selection.admits_class(case.pathology) {
                continue;
            }
            let region = pictures.film(case).map_err(|error| sentence(&error)).map(|film| {
                let measures = case.measures.clone();
                let region = Region::new(Arc::new(film), case.contour.clone(), measures);
                Region { patients: vec![known(*patient)], ..region }
            });
            if let (Ok(region), true) = (&region, case.pathology != Pathology::Normal) {
                self.wanted.add(&region.film, &region.contour);
            }
            let facts = Facts {
                name: case.id.0.clone(),
                pathology: case.pathology,
                source: case.source.clone(),
                is_query: false,
            };
            self.keep(facts, region);
        }
        for film in self.request.films {
            if let Some(patient) = contents.identities.patient_on(film) {
                self.gathered.seen.insert(*film, self.patients.add(Mark::names(&[known(patient)])));
            }
        }
        let Some(queries) = queries else { return Ok(()) };
        let mut listing = public_layout::read(queries)?;
        for listed in &mut listing.rows {
            let named = contents.identities.patients_named(&listed.row.patients);
            let film = import::prepare::film(self.reader, &listing.folder, &listed.row).ok();
            let shown = film.map(|film| contents.identities.patients_of(&film)).unwrap_or_default();
            listed.row.patients.extend(named.into_iter().chain(shown).map(known));
        }
        self.list(&listing, true)
    }

    fn drawn(&mut self, counts: Counts) -> Result<(), Error> {
        let total = counts.total();
        for first in (0..total).step_by(at_scale::BATCH) {
            self.tell("Drawing and describing", first as u64, total as u64)?;
            let numbers = first..total.min(first + at_scale::BATCH);
            let drawn = at_scale::draw(counts, numbers.clone(), self.request.seed);
            for (number, (pathology, region)) in numbers.zip(drawn) {
                let facts = Facts {
                    name: format!("phantom {number}"),
                    pathology,
                    source: "phantoms".to_owned(),
                    is_query: false,
                };
                self.keep(facts, Ok(region));
            }
        }
        Ok(())
    }

    fn tell(&mut self, step: &'static str, done: u64, total: u64) -> Result<(), Error> {
        match (self.report)(Progress { step, done, total: Some(total) }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }
}

impl Selection {
    fn admits(&self, listed: &Listed) -> bool {
        let is_kind = |lesion: &String| {
            self.lesions.is_empty() || self.lesions.iter().any(|l| l.eq_ignore_ascii_case(lesion))
        };
        self.admits_source(&listed.row.source)
            && self.admits_class(listed.row.pathology)
            && listed.lesion.as_ref().is_none_or(is_kind)
    }

    fn admits_class(&self, pathology: Pathology) -> bool {
        self.classes.is_empty() || self.classes.contains(&pathology)
    }

    fn admits_source(&self, source: &str) -> bool {
        let source = source.to_lowercase();
        self.sources.is_empty() || self.sources.iter().any(|s| source.contains(&s.to_lowercase()))
    }
}

/// A selection of lesions that cannot be made.
fn no_kinds() -> Error {
    let why = "only a list with a column `lesion` tells kinds of lesions; leave --lesion-type out";
    Error::Design(why.to_owned())
}

/// The circle as marked, or of the size that a click finds.
fn circle(film: Mammogram, place: &Place) -> Result<Contour, String> {
    let middle = ImagePoint::new(f64::from(film.columns) / 2.0, f64::from(film.rows) / 2.0);
    let center = match place {
        Place::Circle { center, radius } => return Ok(Contour::circle(*center, *radius)),
        Place::Polygon(contour) => return Ok(contour.clone()),
        Place::Box(rect) => {
            let radius = (rect.width() * rect.height() / std::f64::consts::PI).sqrt();
            return Ok(Contour::circle(rect.center(), radius));
        }
        Place::Point(center) => *center,
        Place::Middle => middle,
    };
    let film = Arc::new(film);
    let prompt = import::prepare::sized(&mut Outliner::new(Arc::clone(&film)), &film, center)?;
    match prompt {
        Prompt::Drag { center, radius } => Ok(Contour::circle(center, radius)),
        _ => Err("the film has no scale, so a click has no size".to_owned()),
    }
}

impl Gathered {
    /// Takes the patients of pictures that show one film for one, and says which: two of these
    /// would answer each other's questions with themselves.
    pub(super) fn join_same_films(&mut self, pairs: impl IntoIterator<Item = (usize, usize)>) {
        for (i, j) in pairs {
            let (a, b) = (self.examples[i].patient, self.examples[j].patient);
            let names = [&self.examples[i].name, &self.examples[j].name];
            let said = format!("{} and {} show one film: one patient here", names[0], names[1]);
            self.same_films.push(said);
            self.patients().filter(|patient| **patient == b).for_each(|patient| *patient = a);
        }
        self.number_from_zero();
    }

    /// Regions of one film under two patients, each with the film's first.
    fn on_one_film(&self) -> Vec<(usize, usize)> {
        let mut first_on = HashMap::new();
        let mut pairs = Vec::new();
        for (idx, example) in self.examples.iter().enumerate() {
            let Some(film) = example.film_hash else { continue };
            let first: usize = *first_on.entry(film).or_insert(idx);
            if self.examples[first].patient != example.patient {
                pairs.push((first, idx));
            }
        }
        pairs
    }

    fn patients(&mut self) -> impl Iterator<Item = &mut usize> {
        self.examples.iter_mut().map(|example| &mut example.patient).chain(self.seen.values_mut())
    }

    fn number_from_zero(&mut self) {
        let mut numbers = HashMap::new();
        for patient in self.patients() {
            let next = numbers.len();
            *patient = *numbers.entry(*patient).or_insert(next);
        }
    }
}
