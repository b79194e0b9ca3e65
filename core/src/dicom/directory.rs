//! DICOMDIR: the files that a medium lists, found on the medium and nowhere else (PS3.10 clause 8).
//!
//! A file id is a list of names, not a path. Each is matched inside the folder of the one before
//! it, whatever its letter case and whether or not something added an extension; a name that could
//! lead elsewhere is refused.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

use super::attributes::{Attributes, DataSet, Item};
use crate::mammogram::Caution;

/// One directory record (PS3.3 F.3.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// DirectoryRecordType (0004,1430): PATIENT, IMAGE, SR DOCUMENT …
    kind: String,
    /// ReferencedFileID (0004,1500), from the medium's root down; empty where it names no file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    file_id: Vec<String>,
    /// RecordInUseFlag (0004,1410) is not 0.
    is_in_use: bool,
    /// Where the next record of its level begins, as a byte of the file; 0 for none.
    next: u32,
    /// Where the first record below it begins.
    lower: u32,
    /// Of a PATIENT record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    /// ReferencedSOPInstanceUIDInFile (0004,1511).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sop_instance_uid: Option<String>,
}

/// All records, in the order of the file. Runs in the decoding process.
pub(super) fn records(dataset: &DataSet) -> Vec<Record> {
    let record = |item: &Item| {
        let texts =
            |tag| item.get(tag).map(|element| dataset.texts_of(element)).unwrap_or_default();
        let one = |tag| Some(texts(tag).join("\\")).filter(|text| !text.is_empty());
        let number = |tag| item.get(tag).and_then(|element| element.to_int::<u32>().ok());
        let file_id = texts(tags::REFERENCED_FILE_ID);
        let is_named = file_id.iter().any(|name| !name.is_empty());
        Record {
            kind: one(tags::DIRECTORY_RECORD_TYPE).unwrap_or_default(),
            file_id: if is_named { file_id } else { Vec::new() },
            is_in_use: number(tags::RECORD_IN_USE_FLAG) != Some(0),
            next: number(tags::OFFSET_OF_THE_NEXT_DIRECTORY_RECORD).unwrap_or(0),
            lower: number(tags::OFFSET_OF_REFERENCED_LOWER_LEVEL_DIRECTORY_ENTITY).unwrap_or(0),
            patient_id: one(tags::PATIENT_ID),
            sop_instance_uid: one(tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE),
        }
    };
    dataset.items(tags::DIRECTORY_RECORD_SEQUENCE).iter().map(record).collect()
}

/// A file that a medium lists, and what it says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// DirectoryRecordType in capitals; empty where the record has none.
    kind: String,
    /// Names from the medium's root down.
    pub(super) file_id: Vec<String>,
    pub(super) is_in_use: bool,
    /// The patient whose record the file's stands under; all patients of the medium where the
    /// records do not say whose it is.
    patient_ids: Arc<[String]>,
    sop_instance_uid: Option<String>,
    /// Written in a way that DICOM does not have, and taken as meant.
    is_odd: bool,
}

/// The files that these records name, which begin at these bytes of the DICOMDIR.
pub(super) fn entries(records: &[Record], starts: &[u64]) -> Vec<Entry> {
    let below = Below { records, by_start: starts.iter().copied().zip(0..records.len()).collect() };
    let is_patient = |record: &Record| record.kind.eq_ignore_ascii_case("PATIENT");
    // What stands below a record that is not in use is not in use either.
    let unused = below.of_each(|record| !record.is_in_use);
    let patients = below.of_each(is_patient);
    let ids = |record: &Record| record.patient_id.clone();
    let all: Arc<[String]> = records.iter().filter(|r| is_patient(r)).filter_map(ids).collect();
    let named = records.iter().enumerate().filter(|(_, record)| !record.file_id.is_empty());
    let entry = |(idx, record): (usize, &Record)| {
        let (file_id, kind) = (meant(&record.file_id), record.kind.to_ascii_uppercase());
        Entry {
            is_odd: file_id != record.file_id || kind != record.kind,
            kind,
            file_id,
            is_in_use: record.is_in_use && !unused.contains_key(&idx),
            patient_ids: match patients.get(&idx) {
                Some(patient) => ids(&records[*patient]).into_iter().collect(),
                None => Arc::clone(&all),
            },
            sop_instance_uid: record.sop_instance_uid.clone(),
        }
    };
    named.map(entry).collect()
}

/// Names with a slash between them for a backslash, or with one too many at the end.
fn meant(file_id: &[String]) -> Vec<String> {
    let mut names: Vec<String> =
        file_id.iter().flat_map(|part| part.split('/')).map(str::to_owned).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// The tree of records, by their offsets: PS3.3 F.3.2.2.
struct Below<'a> {
    records: &'a [Record],
    by_start: HashMap<u64, usize>,
}

impl Below<'_> {
    /// For each record below one of these, which one that is: the first that leads there.
    fn of_each(&self, is_top: impl Fn(&Record) -> bool) -> HashMap<usize, usize> {
        let mut tops = HashMap::new();
        for (top, record) in self.records.iter().enumerate().filter(|(_, record)| is_top(record)) {
            let mut starts = vec![record.lower];
            while let Some(start) = starts.pop() {
                let Some(&idx) = self.by_start.get(&u64::from(start)) else { continue };
                // Offsets of a damaged file may lead in a circle.
                if tops.contains_key(&idx) {
                    continue;
                }
                tops.insert(idx, top);
                starts.extend([self.records[idx].next, self.records[idx].lower]);
            }
        }
        tops
    }
}

impl Entry {
    /// Why it is no film to be looked at.
    pub(super) fn why_not(&self) -> Option<String> {
        match self.kind.as_str() {
            _ if !self.is_in_use => {
                Some("the DICOMDIR has taken it off its list (RecordInUseFlag 0)".to_owned())
            }
            // A record that several others refer to (retired); what its file is, the file tells.
            "IMAGE" | "MRDR" => None,
            "" => Some("the DICOMDIR does not say what it is".to_owned()),
            kind => Some(format!("the DICOMDIR calls it {kind}, not an image")),
        }
    }

    /// What is to be said of the film that was found in this place.
    pub(super) fn doubts(&self, found: &Attributes) -> Vec<Caution> {
        let mut doubts = Vec::new();
        let differs = |listed: &String, own: &Option<String>| {
            own.as_ref().is_some_and(|own| own != listed && listed.is_ascii() && own.is_ascii())
        };
        if self.sop_instance_uid.iter().any(|uid| differs(uid, &found.sop_instance_uid)) {
            doubts.push(Caution::new(
                "W-DICOMDIR-CONFLICT",
                "the DICOMDIR lists another image in this file's place (ReferencedSOPInstanceUIDInFile)",
            ));
        }
        let ids = &self.patient_ids;
        if !ids.is_empty() && ids.iter().all(|id| differs(id, &found.patient_id)) {
            doubts.push(Caution::new(
                "W-DICOMDIR-CONFLICT",
                "the DICOMDIR lists this film under another patient (PatientID); it may be of \
                 somebody else",
            ));
        }
        if self.is_odd {
            doubts.push(Caution::new(
                "W-DICOMDIR",
                "the DICOMDIR writes this file's name or kind in a way that DICOM does not have; it \
                 was found all the same",
            ));
        }
        doubts
    }
}

/// Why a listed file was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfound {
    #[error("the DICOMDIR lists it with a name that leads outside its folder")]
    Outside,
    #[error("the DICOMDIR lists it with a name that is no file's (PS3.10 8.2)")]
    NoFileId,
    #[error("the DICOMDIR lists it, but it is not there")]
    Missing,
}

/// A medium from its root down; a folder in which a name is not found as it is written is listed
/// once, however many names are looked for.
#[derive(Debug)]
pub(super) struct Medium {
    /// Resolved: no links in it.
    root: PathBuf,
    folders: HashMap<PathBuf, Names>,
}

/// Paths by each name under which a folder's entry may be meant, in small letters.
type Names = HashMap<String, PathBuf>;

impl Medium {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, folders: HashMap::new() }
    }

    /// The file with this id.
    pub(super) fn find(&mut self, file_id: &[String]) -> Result<PathBuf, Unfound> {
        let mut path = self.root.clone();
        for (depth, name) in file_id.iter().enumerate() {
            // Upwards, from a root, from a drive.
            if name == ".." || name.contains(':') || depth == 0 && name.is_empty() {
                return Err(Unfound::Outside);
            }
            let is_plain = !name.is_empty()
                && name != "."
                && !name.contains(['/', '\\', '\0'])
                && Path::new(name).components().count() == 1;
            if !is_plain {
                return Err(Unfound::NoFileId);
            }
            path = self.entry(path, name).ok_or(Unfound::Missing)?;
        }
        // A link on the medium may still lead away.
        let real = path.canonicalize().map_err(|_| Unfound::Missing)?;
        if !real.starts_with(&self.root) {
            return Err(Unfound::Outside);
        }
        if real.is_file() { Ok(path) } else { Err(Unfound::Missing) }
    }

    /// The entry of a folder with this name, letter case and extension aside; an exact one first.
    fn entry(&mut self, folder: PathBuf, name: &str) -> Option<PathBuf> {
        let exact = folder.join(name);
        if exact.symlink_metadata().is_ok() {
            return Some(exact);
        }
        let names = self.folders.entry(folder).or_insert_with_key(|folder| names(folder));
        names.get(&name.to_ascii_lowercase()).cloned()
    }
}

fn names(folder: &Path) -> Names {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut names = Names::new();
    for path in paths {
        let text = |part: Option<&OsStr>| {
            part.map(|part| part.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
        };
        let (whole, stem) = (text(path.file_name()), text(path.file_stem()));
        // ISO 9660 adds ";1", others ".dcm".
        let versionless = whole.rsplit_once(';').map(|(name, _)| name.trim_end_matches('.'));
        let versionless = versionless.unwrap_or_default().to_owned();
        for name in [whole, stem, versionless] {
            names.entry(name).or_insert_with(|| path.clone());
        }
    }
    names
}
