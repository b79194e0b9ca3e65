//! DICOMDIR: the files that a medium lists, found on the medium and nowhere else (PS3.10 clause 8).
//!
//! A file id is a list of names, not a path. Each is matched inside the folder of the one before
//! it, whatever its letter case and whether or not something added an extension; a name that could
//! lead elsewhere is refused.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

use super::attributes::{DataSet, Item};

/// One directory record that names a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// DirectoryRecordType (0004,1430): IMAGE, SR DOCUMENT …
    pub(super) kind: String,
    /// ReferencedFileID (0004,1500), from the medium's root down.
    pub(super) file_id: Vec<String>,
}

/// The records in use that name a file. Runs in the decoding process.
pub(super) fn records(dataset: &DataSet) -> Vec<Record> {
    let record = |item: &Item| {
        let file_id = dataset.texts_of(item.get(tags::REFERENCED_FILE_ID)?);
        let kind = dataset.text_in(item, tags::DIRECTORY_RECORD_TYPE).unwrap_or_default();
        Some(Record { kind, file_id }).filter(|record| record.file_id.iter().any(|n| !n.is_empty()))
    };
    dataset.items(tags::DIRECTORY_RECORD_SEQUENCE).iter().filter_map(record).collect()
}

/// Why a listed file was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfound {
    #[error("the DICOMDIR lists it with a name that leads outside its folder")]
    Outside,
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
        for name in file_id {
            let is_plain = !name.is_empty()
                && name != "."
                && name != ".."
                && !name.contains(['/', '\\', ':', '\0'])
                && Path::new(name).components().count() == 1;
            if !is_plain {
                return Err(Unfound::Outside);
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
