//! A source of cases becomes a library: read, outline, cut, describe, add.
//!
//! The same functions as a query calls, in the same order; so what is stored is what a search
//! compares with. A case is described from its stored picture, so that rebuilding the
//! descriptors gives the same ones.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::case::{Case, CaseId};
use crate::descriptor::{Descriptor, EncoderId};
use crate::dicom;
use crate::encoder::{self, Encoder};
use crate::library::{self, Added, Library, NewCase};
use crate::patch;
use crate::progress::{Progress, Report};
use crate::structure_from_motion::{Feature, sift};

mod cells;
mod doubts;
pub mod manifest;
pub(crate) mod mask;
pub(crate) mod prepare;
pub mod public_layout;
pub mod same_film;
mod words;

pub use prepare::{Prepared, prepare};

use doubts::{patient_conflict, refuse_another_outcome, refuse_doubts};
use manifest::{Fault, Manifest, Row};
use prepare::{cut_region, patients, read_row};
use same_film::KnownFilms;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Library(#[from] library::Error),
    #[error("the encoder failed")]
    Encoder(#[from] encoder::Error),
    #[error("line {line} of the manifest: {reason}; nothing after it was imported")]
    Stopped { line: u64, reason: String },
}

/// What to do with a row that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    /// Name it and go on with the next.
    Continue,
    /// Import nothing where the manifest has a faulty row; stop at the first file that fails.
    Stop,
}

/// What an import takes, and what it does where it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub on_fault: OnFault,
    /// A person has looked at every picture of the manifest and stands for it: no text in it names
    /// the patient, and where there is a doubt ([`crate::mammogram::Caution::is_doubt`]) it is right.
    /// Else a picture in doubt whose own row does not say so is a fault of that row.
    pub confirmed: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub added: Vec<CaseId>,
    /// Rows whose region was in the library before.
    pub already_there: usize,
    pub faults: Vec<Fault>,
    /// Cases that came in without anybody's word that a person looked at their picture.
    pub unseen: usize,
    /// Cases whose film the library has under another patient, each with the cases that show it:
    /// others where it came in, itself where it was there before.
    pub same_film: Vec<(CaseId, Vec<CaseId>)>,
    /// The rest was left because the caller asked to stop.
    pub cancelled: bool,
}

/// What an import has in hand of a row.
enum Described {
    /// The region is in the library; the patient as row and file name her.
    Known(CaseId, Vec<String>),
    New(Box<Prepared>, Vec<Descriptor>, Vec<Feature>),
}

/// Imports every row; each case is complete in the library before `acknowledge` hears of it.
pub fn import(
    library: &mut Library,
    encoder: &Encoder,
    reader: &mut dicom::Reader,
    manifest: &Manifest,
    rules: Rules,
    report: &mut Report<'_>,
    acknowledge: &mut dyn FnMut(&CaseId, Added),
) -> Result<Outcome, Error> {
    let Rules { on_fault, confirmed } = rules;
    let mut outcome = Outcome { faults: manifest.faults.clone(), ..Outcome::default() };
    if let (OnFault::Stop, Some(Fault { line, reason })) = (on_fault, manifest.faults.first()) {
        return Err(Error::Stopped { line: *line, reason: reason.clone() });
    }
    let Some(mut films) = KnownFilms::of(library, report)? else {
        return Ok(Outcome { cancelled: true, ..outcome });
    };
    let mut known: HashSet<CaseId> = library.cases()?.into_iter().map(|case| case.id).collect();
    for (done, row) in manifest.rows.iter().enumerate() {
        let progress = Progress {
            step: "Importing cases",
            done: done as u64,
            total: Some(manifest.rows.len() as u64),
        };
        if report(progress) == ControlFlow::Break(()) {
            outcome.cancelled = true;
            break;
        }
        let described = read_row(reader, &manifest.folder, row).and_then(|read| {
            if known.contains(&read.id) {
                refuse_another_outcome(library, row, &read.id)?;
                let patients = patients(row, &read.film);
                return Ok(Described::Known(read.id, patients));
            }
            let mut prepared = cut_region(read, row)?;
            prepared.cautions.extend(patient_conflict(library, row, &prepared.patients)?);
            if !confirmed && !row.is_confirmed {
                refuse_doubts(&prepared, row)?;
            }
            let patch = patch::extract(&prepared.film, &prepared.contour);
            let features = sift::of_patch(&patch);
            let descriptor = encoder.describe(&[patch]).map_err(|error| sentence(&error))?;
            Ok(Described::New(Box::new(prepared), descriptor, features))
        });
        match described {
            Ok(Described::Known(id, patients)) => {
                acknowledge(&id, Added::AlreadyThere);
                if same_film::is_anothers(library, &id, &patients)? {
                    outcome.same_film.push((id.clone(), vec![id]));
                }
                outcome.already_there += 1;
            }
            Ok(Described::New(mut prepared, descriptor, features)) => {
                let others = films.elsewhere(library, &features, &prepared)?;
                prepared.cautions.extend(same_film::caution(&others));
                let added = store(library, encoder.id(), row, &prepared, &descriptor[0])?;
                films.remember(library, &prepared.id, &features)?;
                acknowledge(&prepared.id, added);
                known.insert(prepared.id.clone());
                outcome.unseen += usize::from(!confirmed && !row.is_confirmed);
                if !others.is_empty() {
                    outcome.same_film.push((prepared.id.clone(), others));
                }
                outcome.added.push(prepared.id);
            }
            Err(reason) if on_fault == OnFault::Stop => {
                return Err(Error::Stopped { line: row.line, reason });
            }
            Err(reason) => outcome.faults.push(Fault { line: row.line, reason }),
        }
    }
    outcome.faults.sort_by_key(|fault| fault.line);
    Ok(outcome)
}

/// Describes every case of a library again, by another encoder; all or none.
pub fn rebuild(
    library: &mut Library,
    encoder: &Encoder,
    report: &mut Report<'_>,
) -> Result<ControlFlow<()>, Error> {
    let cases = library.cases()?;
    let pictures = library.pictures()?;
    let mut descriptors = Vec::with_capacity(cases.len());
    for (done, case) in cases.iter().enumerate() {
        let progress = Progress {
            step: "Describing cases",
            done: done as u64,
            total: Some(cases.len() as u64),
        };
        if report(progress) == ControlFlow::Break(()) {
            return Ok(ControlFlow::Break(()));
        }
        let film = pictures.film(case)?;
        descriptors.extend(encoder.describe(&[patch::extract(&film, &case.contour)])?);
    }
    library.replace_descriptors(encoder.id(), &cases, &descriptors)?;
    Ok(ControlFlow::Continue(()))
}

fn store(
    library: &mut Library,
    encoder: &EncoderId,
    row: &Row,
    prepared: &Prepared,
    descriptor: &Descriptor,
) -> Result<Added, library::Error> {
    let case = Case {
        id: prepared.id.clone(),
        pathology: row.pathology,
        outcome_basis: row.outcome_basis.clone(),
        source: row.source.clone(),
        notes: row.notes.clone(),
        terms: row.terms.clone(),
        image_laterality: prepared.film.image_laterality,
        view_position: prepared.film.view_position,
        spacing: prepared.film.spacing,
        contour: prepared.contour.clone(),
        measures: prepared.measures.clone(),
        picture: prepared.picture.hash.clone(),
        cautions: prepared.cautions.clone(),
    };
    library.add(&NewCase {
        case: &case,
        picture: &prepared.picture,
        patients: &prepared.patients,
        film: prepared.film_hash,
        descriptor,
        encoder,
    })
}

/// An error with its causes in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
