//! The reference cases on disk: `library.sqlite`, and `pictures/` named by content hash.
//!
//! Write order: picture to a temporary file, fsync, rename, fsync of the folder, then the commit;
//! so a case that is in the database has its picture, whenever the power went. One writer at a
//! time, held by a lock that dies with its process; a reader changes no byte.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use tempfile::TempDir;

use crate::case::Case;
use crate::descriptor::{Descriptor, EncoderId};
use crate::mammogram::Mammogram;

mod error;
pub mod identity;
mod opening;
pub mod picture;
mod rows;
mod schema;
mod signatures;
mod verify;
mod writing;

pub use error::Error;
pub use identity::{Identities, PatientIdx};
pub use picture::Picture;
pub use signatures::Signed;
pub use verify::Verification;

/// An open library.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
    db: Connection,
    access: Access,
    salt: identity::Key,
    /// Held until the library is closed; `None` where the medium has no lock file to hold.
    _lock: Option<File>,
}

#[derive(Debug)]
enum Access {
    Write,
    Read,
    /// A reader of a library that was not closed: it reads a copy of the database, in which
    /// SQLite may recover what the log holds.
    ReadCopy {
        _copy: TempDir,
    },
}

/// All that a search needs, in memory. Cases, descriptors and patients are in one order.
#[derive(Debug, Default)]
pub struct Contents {
    pub cases: Vec<Case>,
    pub descriptors: Vec<Descriptor>,
    /// Of each case; patients who were listed with one film are one.
    pub patients: Vec<PatientIdx>,
    /// What made the descriptors; `None` in an empty library.
    pub encoder: Option<EncoderId>,
    pub identities: Identities,
    /// Rows that cannot be used, each with a sentence; they are in none of the above.
    pub damaged: Vec<String>,
}

/// A case on its way into a library.
#[derive(Debug)]
pub struct NewCase<'a> {
    /// Its `picture` is the hash of the next field.
    pub case: &'a Case,
    pub picture: &'a Picture,
    /// Every name of the patient.
    pub patients: &'a [String],
    /// [`identity::film_hash`] of the whole film.
    pub film: [u8; 32],
    pub descriptor: &'a Descriptor,
    pub encoder: &'a EncoderId,
}

/// What became of a [`NewCase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    New,
    /// The same region of the same film is there; nothing was changed.
    AlreadyThere,
}

const DATABASE: &str = "library.sqlite";
const PICTURES: &str = "pictures";
/// Pictures that no case names, found at opening; for a person to look at and delete.
const QUARANTINE: &str = "quarantine";
const TEMPORARY: &str = ".part";

impl Library {
    /// Everything a search needs.
    pub fn contents(&self) -> Result<Contents, Error> {
        let database = Error::database(&self.dir);
        let same = self.same_patients().map_err(&database)?;
        let first_of = |patient: PatientIdx| same.get(&patient).copied().unwrap_or(patient);
        let mut contents = Contents {
            encoder: self.encoder()?,
            identities: self.identities(first_of).map_err(&database)?,
            ..Contents::default()
        };
        let mut statement = self.db.prepare(rows::SELECT).map_err(&database)?;
        let mut found = statement.query([]).map_err(&database)?;
        while let Some(row) = found.next().map_err(&database)? {
            match self.usable(rows::record(row), &contents.descriptors) {
                Ok((record, descriptor)) => {
                    contents.cases.push(record.case);
                    contents.patients.push(first_of(record.patient_idx));
                    contents.descriptors.push(descriptor);
                }
                Err(reason) => {
                    let case_idx: i64 = row.get("case_idx").unwrap_or_default();
                    contents.damaged.push(format!("case in row {case_idx}: {reason}"));
                }
            }
        }
        Ok(contents)
    }

    /// Every case, in a stable order, without its descriptor.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        let database = Error::database(&self.dir);
        let mut statement = self.db.prepare(rows::SELECT).map_err(&database)?;
        let mut found = statement.query([]).map_err(&database)?;
        let mut cases = Vec::new();
        while let Some(row) = found.next().map_err(&database)? {
            cases.push(rows::record(row).map_err(|what| Error::Damaged { what })?.case);
        }
        Ok(cases)
    }

    /// The stored picture of a case, as a film of its own (scale and side included).
    pub fn picture(&self, case: &Case) -> Result<Mammogram, Error> {
        Pictures { dir: self.dir.join(PICTURES), formats: self.formats()? }.film(case)
    }

    /// The pictures alone, which can be read after the library is closed.
    pub fn pictures(&self) -> Result<Pictures, Error> {
        Ok(Pictures { dir: self.dir.join(PICTURES), formats: self.formats()? })
    }

    /// The encoder that made the descriptors; `None` as long as there is none.
    pub fn encoder(&self) -> Result<Option<EncoderId>, Error> {
        let text = property(&self.db, "encoder").map_err(Error::database(&self.dir))?;
        Ok(text.map(EncoderId))
    }

    /// What the maker of the library says about it, in plain text.
    pub fn notes(&self) -> Result<String, Error> {
        let text = property(&self.db, "notes").map_err(Error::database(&self.dir))?;
        Ok(text.unwrap_or_default())
    }

    /// Checks everything that can be checked without an encoder; changes nothing.
    pub fn verify(&self) -> Result<Verification, Error> {
        verify::verify(self)
    }

    /// A record whose descriptor can stand beside the others.
    fn usable(
        &self,
        record: Result<rows::Record, String>,
        others: &[Descriptor],
    ) -> Result<(rows::Record, Descriptor), String> {
        let mut record = record?;
        let bytes = record.vector.take().ok_or("it has no descriptor")?;
        let descriptor = rows::vector_from_bytes(&bytes)
            .and_then(Descriptor::from_unit)
            .ok_or("its descriptor is damaged")?;
        if others.first().is_some_and(|d| d.values().len() != descriptor.values().len()) {
            return Err("its descriptor is longer or shorter than the others".to_owned());
        }
        if !self.picture_path(&record.case.picture).is_file() {
            return Err("its picture is missing".to_owned());
        }
        Ok((record, descriptor))
    }

    /// For each patient the first of those who share a film with her, straight or through others:
    /// a film is of one woman, whoever it was listed under.
    fn same_patients(&self) -> rusqlite::Result<HashMap<PatientIdx, PatientIdx>> {
        let mut statement =
            self.db.prepare("SELECT film, patient_idx FROM cases ORDER BY case_idx")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows: Vec<([u8; 32], PatientIdx)> = rows.collect::<rusqlite::Result<_>>()?;
        let mut patients = identity::Patients::default();
        for (film, patient) in &rows {
            patients.add([identity::Mark::Film(*film), identity::Mark::Stored(*patient)]);
        }
        let first = |(row, (_, patient)): (usize, &(_, PatientIdx))| {
            (*patient, rows[patients.first_of(row)].1)
        };
        Ok(rows.iter().enumerate().map(first).collect())
    }

    fn identities(
        &self,
        first_of: impl Fn(PatientIdx) -> PatientIdx,
    ) -> rusqlite::Result<Identities> {
        let pairs = |sql: &str| {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, first_of(row.get(1)?))))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        Ok(Identities {
            salt: self.salt,
            aliases: pairs("SELECT key, patient_idx FROM alias")?,
            films: pairs("SELECT film, patient_idx FROM cases")?,
        })
    }

    fn formats(&self) -> Result<HashMap<String, String>, Error> {
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.db.prepare("SELECT hash, format FROM picture")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(Error::database(&self.dir))
    }

    fn picture_path(&self, hash: &str) -> PathBuf {
        self.dir.join(PICTURES).join(hash)
    }

    fn picture_files(&self) -> Result<Vec<String>, Error> {
        let pictures = self.dir.join(PICTURES);
        let entries = pictures.read_dir().and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(Error::io("the pictures cannot be listed", &pictures))?;
        Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }
}

/// The pictures of a library, without its database.
#[derive(Debug, Clone)]
pub struct Pictures {
    dir: PathBuf,
    /// JSON of each picture's [`picture::Format`], by hash.
    formats: HashMap<String, String>,
}

impl Pictures {
    /// Reads a picture, checking its hash.
    pub fn film(&self, case: &Case) -> Result<Mammogram, Error> {
        let damaged = |what: &str| Error::Damaged { what: format!("case {}: {what}", case.id.0) };
        let path = self.dir.join(&case.picture);
        let bytes = fs::read(&path).map_err(Error::io("the picture cannot be read", &path))?;
        if blake3::hash(&bytes).to_hex().as_str() != case.picture {
            return Err(damaged("the picture's bytes have changed"));
        }
        let format = self.formats.get(&case.picture).ok_or_else(|| damaged("picture unknown"))?;
        let format = serde_json::from_str(format)
            .map_err(|_| damaged("the picture's description cannot be read"))?;
        picture::film(&bytes, &format, case)
            .map_err(|source| Error::Picture { id: case.id.0.clone(), source })
    }
}

fn property(db: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT CAST(value AS TEXT) FROM property WHERE name = ?1";
    db.query_row(sql, [name], |row| row.get(0)).optional()
}

fn set_property(db: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO property VALUES (?1, ?2) \
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.execute(sql, (name, value.as_bytes())).map(drop)
}

/// Makes a rename in this folder survive a power cut; elsewhere the file system does it itself.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
