//! What goes wrong with a library, each as one sentence for a person.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no case library at {path}")]
    Missing { path: PathBuf },
    #[error("something is already there; choose a new or an empty folder: {path}")]
    Exists { path: PathBuf },
    #[error("this is not a case library: {path}")]
    NotALibrary { path: PathBuf },
    #[error(
        "this library was made by a newer program (format {found}, this one knows {known}); \
         nothing was changed: {path}"
    )]
    Newer { path: PathBuf, found: i32, known: i32 },
    #[error("another program is using this library; close it there and try again: {path}")]
    InUse { path: PathBuf },
    #[error("this library can only be read: {path}")]
    ReadOnly { path: PathBuf },
    #[error("the disk is full; make room and try again, nothing was lost or half written: {path}")]
    DiskFull { path: PathBuf },
    #[error(
        "the library's descriptors were made by another encoder ({library:.12}, not \
         {encoder:.12}); they must be rebuilt: precedent-cli library rebuild"
    )]
    OtherEncoder { library: String, encoder: String },
    #[error("the library has no case {id}")]
    NoCase { id: String },
    #[error("{what}; precedent-cli library verify tells the whole damage")]
    Damaged { what: String },
    #[error("the picture of case {id} is damaged")]
    Picture { id: String, source: super::picture::Error },
    #[error("{what}: {path}")]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("the library's database failed: {path}")]
    Database { path: PathBuf, source: rusqlite::Error },
}

impl Error {
    /// An error of the file system while doing `what` at `path`.
    pub(super) fn io(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Self::DiskFull { path }
                }
                io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
                _ => Self::Io { what, path, source },
            }
        }
    }

    /// An error of the database of the library at `path`.
    pub(super) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull { path },
                Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly { path },
                Some(rusqlite::ErrorCode::DatabaseBusy) => Self::InUse { path },
                Some(rusqlite::ErrorCode::NotADatabase) => Self::NotALibrary { path },
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                    Self::Damaged { what: "the library's database is damaged".to_owned() }
                }
                _ => Self::Database { path, source },
            }
        }
    }
}
