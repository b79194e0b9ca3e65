//! A file becomes a [`Mammogram`]: guard, then child, then checks.
//!
//! The only folder that names the DICOM crates. The caller's process never parses a pixel
//! stream: a warm child process (the same executable with [`child::ARGUMENT`]) does.

use std::path::{Path, PathBuf};

use crate::mammogram::Mammogram;

pub mod child;

/// Why a file was not shown; each message is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be opened: {path}")]
    Open { path: PathBuf, source: std::io::Error },
}

/// Reads files through one warm child process; keep one for the life of the program.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// A reader whose child is started at the first file.
    pub fn new() -> Self {
        unimplemented!("owner: dicom")
    }

    /// Reads one file: DICOM, or an 8/16-bit grey PNG or JPEG (with a caution that it carries
    /// neither patient nor scale).
    pub fn read(&mut self, path: &Path) -> Result<Mammogram, Error> {
        let _ = path;
        unimplemented!("owner: dicom")
    }
}
