//! DICOMDIR: the files that a medium lists, found on the medium and nowhere else (PS3.10 clause 8).
//!
//! A file id is a list of names, not a path. Each is matched inside the folder of the one before
//! it, whatever its letter case and whether or not something added an extension; a name that could
//! lead elsewhere is refused.

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

/// The file with this id below `root`, which must be resolved (no links in it).
pub(super) fn find(root: &Path, file_id: &[String]) -> Result<PathBuf, Unfound> {
    let mut path = root.to_owned();
    for name in file_id {
        let is_plain = !name.is_empty()
            && name != "."
            && name != ".."
            && !name.contains(['/', '\\', ':', '\0'])
            && Path::new(name).components().count() == 1;
        if !is_plain {
            return Err(Unfound::Outside);
        }
        path = entry(&path, name).ok_or(Unfound::Missing)?;
    }
    // A link on the medium may still lead away.
    let real = path.canonicalize().map_err(|_| Unfound::Missing)?;
    if !real.starts_with(root) {
        return Err(Unfound::Outside);
    }
    if real.is_file() { Ok(path) } else { Err(Unfound::Missing) }
}

/// The entry of a folder with this name, letter case and extension aside; an exact one first.
fn entry(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    if exact.symlink_metadata().is_ok() {
        return Some(exact);
    }
    let mut alike: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let is = |part: Option<&std::ffi::OsStr>| {
                part.is_some_and(|part| part.to_string_lossy().eq_ignore_ascii_case(name))
            };
            // ISO 9660 adds ";1", others ".dcm".
            let stem = path.file_name().map(|n| n.to_string_lossy().into_owned());
            let versionless = stem.as_deref().and_then(|s| s.rsplit_once(';')).map(|(s, _)| s);
            is(path.file_name())
                || is(path.file_stem())
                || versionless.is_some_and(|s| s.trim_end_matches('.').eq_ignore_ascii_case(name))
        })
        .collect();
    alike.sort();
    alike.into_iter().next()
}
