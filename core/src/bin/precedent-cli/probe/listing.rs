//! A folder or DICOMDIR as a list of films by patient and study; people are numbered, not named.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use precedent_core::dicom::Reader;
use precedent_core::dicom::listing::{self, Film};
use precedent_core::lexicon::{ImageLaterality, ViewPosition};
use precedent_core::mammogram::Caution;
use serde::Serialize;

use crate::terminal::{self, tell};

#[derive(Serialize)]
pub(super) struct Listed {
    #[serde(serialize_with = "terminal::path")]
    folder: PathBuf,
    films: usize,
    patients: Vec<Patient>,
    others: Vec<Other>,
}

#[derive(Serialize)]
struct Patient {
    /// A number in this list.
    patient: usize,
    has_patient_id: bool,
    studies: Vec<Study>,
}

#[derive(Serialize)]
struct Study {
    /// A number among this patient's.
    study: usize,
    films: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(serialize_with = "terminal::path")]
    file: PathBuf,
    image_laterality: Option<ImageLaterality>,
    view_position: Option<ViewPosition>,
    number_of_frames: u32,
    cautions: Vec<Caution>,
}

#[derive(Serialize)]
struct Other {
    #[serde(serialize_with = "terminal::path")]
    file: PathBuf,
    reason: String,
}

/// Whether this is listed rather than read: a folder, or a DICOMDIR.
pub(super) fn is_list(reader: &mut Reader, path: &Path) -> bool {
    path.is_dir() || reader.is_directory(path)
}

pub(super) fn of(reader: &mut Reader, path: &Path) -> Listed {
    let paths = [path.to_owned()];
    let listed = match listing::list(reader, &paths, &mut |_| ControlFlow::Continue(())) {
        ControlFlow::Continue(listed) => listed,
        ControlFlow::Break(()) => listing::Listing::default(),
    };
    let patients = listed.patients.iter().zip(1..).map(|(patient, number)| Patient {
        patient: number,
        has_patient_id: patient.patient_id.is_some(),
        studies: patient.studies.iter().zip(1..).map(|(s, n)| study(n, &s.films)).collect(),
    });
    let others = listed.others.iter();
    Listed {
        folder: path.to_owned(),
        films: listed.films().count(),
        patients: patients.collect(),
        others: others.map(|o| Other { file: o.path.clone(), reason: o.reason.clone() }).collect(),
    }
}

fn study(number: usize, films: &[Film]) -> Study {
    let row = |film: &Film| Row {
        file: film.path.clone(),
        image_laterality: film.attributes.image_laterality,
        view_position: film.attributes.view_position,
        number_of_frames: film.attributes.number_of_frames,
        cautions: film.attributes.cautions.clone(),
    };
    Study { study: number, films: films.iter().map(row).collect() }
}

impl Listed {
    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let studies: usize = self.patients.iter().map(|p| p.studies.len()).sum();
        tell!(
            out,
            "{}: {} films of {} patients in {studies} studies, {} other files",
            self.folder.display(),
            self.films,
            self.patients.len(),
            self.others.len()
        )?;
        for patient in &self.patients {
            let unknown = if patient.has_patient_id { "" } else { " (not named)" };
            tell!(out, "  patient {}{unknown}", patient.patient)?;
            for study in &patient.studies {
                tell!(out, "    study {}", study.study)?;
                for film in &study.films {
                    let side = film.image_laterality.map_or("?", ImageLaterality::word);
                    let view = film.view_position.map_or("?", ViewPosition::word);
                    let doubts = film.cautions.iter().filter(|c| c.is_doubt());
                    let doubts: Vec<&str> = doubts.map(|c| c.code.as_str()).collect();
                    let file = film.file.display();
                    tell!(out, "      {side} {view}  {file}  {}", doubts.join(" "))?;
                }
            }
        }
        for other in &self.others {
            tell!(out, "  {}: {}", other.file.display(), other.reason)?;
        }
        Ok(())
    }
}
