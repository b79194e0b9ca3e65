//! The reference cases on disk: `library.sqlite`, and `pictures/` named by content hash.
//!
//! Write order: picture to a temporary file, fsync, rename, fsync of the folder, then the commit.

use std::path::{Path, PathBuf};

use crate::case::{Case, CaseId};
use crate::descriptor::{Descriptor, EncoderId};
use crate::mammogram::Mammogram;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no case library at {path}")]
    Missing { path: PathBuf },
}

/// An open library.
#[derive(Debug)]
pub struct Library {}

impl Library {
    pub fn create(dir: &Path) -> Result<Self, Error> {
        let _ = dir;
        unimplemented!("owner: library")
    }

    /// For reading and writing; one writer at a time.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let _ = dir;
        unimplemented!("owner: library")
    }

    /// Changes no byte in the folder; works on a read-only medium.
    pub fn open_read_only(dir: &Path) -> Result<Self, Error> {
        let _ = dir;
        unimplemented!("owner: library")
    }

    /// Every case, in a stable order.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        unimplemented!("owner: library")
    }

    /// The stored picture of a case, as a film of its own (scale and side included).
    pub fn picture(&self, id: &CaseId) -> Result<Mammogram, Error> {
        let _ = id;
        unimplemented!("owner: library")
    }

    /// Descriptors by case, in the order of [`Self::cases`], and the encoder that made them.
    pub fn descriptors(&self) -> Result<(EncoderId, Vec<Descriptor>), Error> {
        unimplemented!("owner: library")
    }

    /// What the maker of the library says about it, in plain text.
    pub fn notes(&self) -> Result<String, Error> {
        unimplemented!("owner: library")
    }
}
