//! Which films are in a folder or on a medium: sorted into patients and studies, not decoded.
//!
//! Whatever is no film is named with its reason. Whose the others are, `patients.rs` tells.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::attributes::{Attributes, Person, Study};
use super::directory::{Entry, Medium};
use super::{Error, Reader, patients};
use crate::mammogram::Caution;
use crate::progress::{Progress, Report};

/// Films by patient and study, in the order of names and dates, and all that is not one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    pub patients: Vec<Patient>,
    pub others: Vec<Other>,
}

/// One ID with one name, borne by one person as far as its films tell. Both `None`: the files name
/// nobody, and may be of several people.
#[derive(Debug, Clone, PartialEq)]
pub struct Patient {
    pub patient_id: Option<String>,
    pub patient_name: Option<String>,
    pub person: Person,
    pub studies: Vec<StudyFilms>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StudyFilms {
    pub study: Study,
    /// In the order of their paths.
    pub films: Vec<Film>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    pub path: PathBuf,
    /// Its cautions too.
    pub attributes: Attributes,
}

/// What a film does not tell of itself, but films together do, and the list of a medium: two under
/// one SOPInstanceUID, two people under one PatientID, another film than the one that is listed.
pub const AMONG_FILMS: [&str; 4] =
    ["W-SAME-UID", "W-PATIENT-CONFLICT", "W-DICOMDIR", "W-DICOMDIR-CONFLICT"];

/// A file to be looked at, and what a DICOMDIR says of it.
struct Candidate {
    path: PathBuf,
    entry: Option<Entry>,
}

/// A file that is no film, or none that can be read, or one that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub path: PathBuf,
    /// One sentence for a person.
    pub reason: String,
}

impl Listing {
    pub fn films(&self) -> impl Iterator<Item = &Film> {
        let studies = self.patients.iter().flat_map(|patient| &patient.studies);
        studies.flat_map(|study| &study.films)
    }
}

/// Lists files, folders with all folders in them, and DICOMDIRs with the files they name. `Break`
/// where the caller asked to stop.
pub fn list(
    reader: &mut Reader,
    paths: &[PathBuf],
    report: &mut Report<'_>,
) -> ControlFlow<(), Listing> {
    let mut listing = Listing::default();
    let mut candidates = Vec::new();
    for path in paths {
        if path.is_dir() {
            Scan::of(path, &mut candidates, &mut listing.others);
        } else {
            of_file(reader, path, &mut candidates, &mut listing.others);
        }
    }
    let mut seen = HashSet::new();
    candidates.retain(|candidate| seen.insert(candidate.path.clone()));
    let mut films = Vec::new();
    let total = Some(candidates.len() as u64);
    for (done, Candidate { path, entry }) in candidates.into_iter().enumerate() {
        report(Progress { step: "Looking at files", done: done as u64, total })?;
        match reader.attributes(&path) {
            Ok(mut attributes) => {
                let doubts = entry.iter().flat_map(|entry| entry.doubts(&attributes));
                let doubts: Vec<Caution> = doubts.collect();
                attributes.cautions.extend(doubts);
                films.push(Film { path, attributes });
            }
            Err(error) => listing.others.push(Other { path, reason: error.to_string() }),
        }
    }
    tell_twins(&mut films, &mut listing.others);
    listing.patients = patients::sorted(films);
    listing.others.sort_by(|a, b| a.path.cmp(&b.path));
    ControlFlow::Continue(listing)
}

/// A file that was named: a DICOMDIR stands for what it lists, any other for itself.
fn of_file(
    reader: &mut Reader,
    path: &Path,
    candidates: &mut Vec<Candidate>,
    others: &mut Vec<Other>,
) {
    let entries = match reader.directory(path) {
        Ok(Some(entries)) => entries,
        Err(Error::Undecodable(sentence)) => {
            let reason = format!("the DICOMDIR cannot be read: {sentence}");
            others.push(Other { path: path.to_owned(), reason });
            return;
        }
        Ok(None) | Err(_) => {
            candidates.push(Candidate { path: path.to_owned(), entry: None });
            return;
        }
    };
    let root =
        path.parent().map(|root| if root.as_os_str().is_empty() { Path::new(".") } else { root });
    let Some(root) = root.and_then(|root| root.canonicalize().ok()) else { return };
    let mut medium = Medium::new(root);
    for entry in entries {
        let named = || path.with_file_name(entry.file_id.join("/"));
        match medium.find(&entry.file_id) {
            Ok(path) => match entry.why_not() {
                None => candidates.push(Candidate { path, entry: Some(entry) }),
                Some(reason) => others.push(Other { path, reason }),
            },
            // What was taken off the list need not be there.
            Err(_) if !entry.is_in_use => {}
            Err(unfound) => others.push(Other { path: named(), reason: unfound.to_string() }),
        }
    }
}

/// A walk through folders that follows no link out of the first one, nor in a circle.
struct Scan<'a> {
    root: PathBuf,
    entered: HashSet<PathBuf>,
    candidates: &'a mut Vec<Candidate>,
    others: &'a mut Vec<Other>,
}

impl<'a> Scan<'a> {
    fn of(folder: &Path, candidates: &'a mut Vec<Candidate>, others: &'a mut Vec<Other>) {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut scan = Self { root, entered: HashSet::new(), candidates, others };
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            folders.extend(scan.folder(&folder).into_iter().rev());
        }
    }

    /// Takes the files of one folder; gives the folders in it.
    fn folder(&mut self, folder: &Path) -> Vec<PathBuf> {
        let real = folder.canonicalize();
        if real.is_ok_and(|real| !self.entered.insert(real)) {
            return Vec::new();
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.other(folder, format!("the folder cannot be opened: {error}"));
                return Vec::new();
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        let mut folders = Vec::new();
        for path in paths {
            let is_link = path.symlink_metadata().is_ok_and(|m| m.file_type().is_symlink());
            if is_link && !path.canonicalize().is_ok_and(|real| real.starts_with(&self.root)) {
                self.other(&path, "a link that leads outside the folder, or nowhere".to_owned());
            } else if path.is_dir() {
                folders.push(path);
            } else if !is_sidecar(&path) {
                self.candidates.push(Candidate { path, entry: None });
            }
        }
        folders
    }

    fn other(&mut self, path: &Path, reason: String) {
        self.others.push(Other { path: path.to_owned(), reason });
    }
}

/// What a person wrote beside a film speaks for the film.
fn is_sidecar(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("precedent.toml"))
}

/// Files with one SOPInstanceUID: the same bytes once more are left out, others are doubted.
fn tell_twins(films: &mut Vec<Film>, others: &mut Vec<Other>) {
    let mut by_uid: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (idx, film) in films.iter().enumerate() {
        if let Some(uid) = &film.attributes.sop_instance_uid {
            by_uid.entry(uid.clone()).or_default().push(idx);
        }
    }
    let mut repeated = HashSet::new();
    for twins in by_uid.into_values().filter(|twins| twins.len() > 1) {
        // Only files that look alike at both ends are read whole: a bad anonymiser may have given
        // one UID to a thousand films.
        let ends: Vec<_> = twins.iter().map(|idx| ends(&films[*idx].path).ok()).collect();
        let mut first_by_hash: BTreeMap<Option<[u8; 32]>, usize> = BTreeMap::new();
        for (idx, own) in twins.into_iter().zip(&ends) {
            let is_alone = ends.iter().filter(|other| *other == own).count() == 1;
            let hash = if is_alone { *own } else { content_hash(&films[idx].path).ok() };
            if let (Some(first), true) = (first_by_hash.get(&hash), hash.is_some()) {
                let reason = format!("the same file as {}", films[*first].path.display());
                others.push(Other { path: films[idx].path.clone(), reason });
                repeated.insert(idx);
            } else {
                first_by_hash.insert(hash, idx);
            }
        }
        if first_by_hash.len() > 1 {
            for idx in first_by_hash.into_values() {
                films[idx].attributes.cautions.push(Caution::new(
                    "W-SAME-UID",
                    "another file with other content bears the same SOPInstanceUID",
                ));
            }
        }
    }
    let mut idx = 0;
    films.retain(|_| {
        idx += 1;
        !repeated.contains(&(idx - 1))
    });
}

/// A hash of a file's length, its first and its last bytes.
fn ends(path: &Path) -> std::io::Result<[u8; 32]> {
    const END: u64 = 64 << 10;
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length.to_le_bytes());
    std::io::copy(&mut (&file).take(END), &mut hasher)?;
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    std::io::copy(&mut file.take(END), &mut hasher)?;
    Ok(*hasher.finalize().as_bytes())
}

fn content_hash(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(*hasher.finalize().as_bytes())
}
