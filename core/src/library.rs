//! The reference cases on disk: `library.sqlite`, and `pictures/` named by content hash.
//!
//! Write order: picture to a temporary file, fsync, rename, fsync of the folder, then the commit;
//! so a case that is in the database has its picture, whenever the power went. One writer at a
//! time, held by a lock that dies with its process; a reader changes no byte.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};
use tempfile::TempDir;

use crate::case::{Case, CaseId};
use crate::descriptor::{Descriptor, EncoderId};
use crate::mammogram::Mammogram;

mod error;
pub mod identity;
pub mod picture;
mod rows;
mod schema;
mod verify;

pub use error::Error;
pub use identity::{Identities, PatientIdx};
pub use picture::Picture;
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
/// Commits that SQLite has not yet taken into the database; there after a crash, or beside a writer.
const LOG: &str = "library.sqlite-wal";
const LOCK: &str = "library.lock";
const PICTURES: &str = "pictures";
/// Pictures that no case names, found at opening; for a person to look at and delete.
const QUARANTINE: &str = "quarantine";
const TEMPORARY: &str = ".part";
/// How long a writer waits for readers that are just opening.
const PATIENCE: Duration = Duration::from_secs(1);

impl Library {
    /// Makes an empty library in a folder that is new or empty, and opens it for writing.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        if dir.exists() && !dir.read_dir().is_ok_and(|mut entries| entries.next().is_none()) {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(Error::io("the folder cannot be made", dir))?;
        // Made beside its place and moved there whole: a half-made library is never seen.
        let made = tempfile::Builder::new()
            .prefix(".precedent-library-")
            .tempdir_in(parent)
            .map_err(Error::io("the folder cannot be made", dir))?;
        let salt = *blake3::hash(&random_bytes(dir)?).as_bytes();
        schema::create(&made.path().join(DATABASE), &salt).map_err(Error::database(dir))?;
        fs::create_dir(made.path().join(PICTURES))
            .map_err(Error::io("the folder cannot be made", dir))?;
        File::create(made.path().join(LOCK))
            .map_err(Error::io("the lock file cannot be made", dir))?;
        sync_dir(made.path()).map_err(Error::io("the folder cannot be written", dir))?;
        if dir.exists() {
            fs::remove_dir(dir).map_err(Error::io("the empty folder cannot be replaced", dir))?;
        }
        fs::rename(made.keep(), dir)
            .map_err(Error::io("the library cannot be moved into place", dir))?;
        sync_dir(parent).map_err(Error::io("the folder cannot be written", dir))?;
        Self::open(dir)
    }

    /// For reading and writing; one writer at a time. Sweeps up what a crash left behind.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let file = existing(dir)?;
        let lock = lock_for_writing(dir)?;
        {
            // A newer library or another program's file is left exactly as it is.
            let probe = if has_log(dir) {
                schema::open_beside_writer(&file)
            } else {
                schema::open_immutable(&file)
            };
            schema::check(&probe.map_err(Error::database(dir))?, dir)?;
        }
        let db = schema::open(&file).map_err(Error::database(dir))?;
        let salt = read_salt(&db, dir)?;
        let library =
            Self { dir: dir.to_owned(), db, access: Access::Write, salt, _lock: Some(lock) };
        library.sweep()?;
        Ok(library)
    }

    /// Changes no byte in the folder; works on a read-only medium. Holds writers off while it is
    /// open, unless one was there first: then it reads beside it.
    pub fn open_read_only(dir: &Path) -> Result<Self, Error> {
        let file = existing(dir)?;
        let lock = File::open(dir.join(LOCK)).ok();
        let writer_is_there = lock
            .as_ref()
            .is_some_and(|l| matches!(l.try_lock_shared(), Err(TryLockError::WouldBlock)));
        let (db, access) = if writer_is_there {
            (schema::open_beside_writer(&file), Access::Read)
        } else if has_log(dir) {
            let copy = tempfile::tempdir().map_err(Error::io("no temporary folder", dir))?;
            let copied = copy.path().join(DATABASE);
            fs::copy(&file, &copied).map_err(Error::io("the database cannot be copied", dir))?;
            fs::copy(dir.join(LOG), copy.path().join(LOG))
                .map_err(Error::io("the database's log cannot be copied", dir))?;
            (schema::open(&copied), Access::ReadCopy { _copy: copy })
        } else {
            (schema::open_immutable(&file), Access::Read)
        };
        let db = db.map_err(Error::database(dir))?;
        schema::check(&db, dir)?;
        let salt = read_salt(&db, dir)?;
        Ok(Self { dir: dir.to_owned(), db, access, salt, _lock: lock })
    }

    /// Adds one case: all of it is there afterwards and survives a power cut, or nothing is.
    pub fn add(&mut self, new: &NewCase<'_>) -> Result<Added, Error> {
        self.require_write()?;
        if self.position(&new.case.id)?.is_some() {
            return Ok(Added::AlreadyThere);
        }
        if let Some(encoder) = self.encoder()?
            && encoder != *new.encoder
        {
            return Err(Error::OtherEncoder { library: encoder.0, encoder: new.encoder.0.clone() });
        }
        self.write_picture(new.picture)?;
        self.insert(new).map_err(Error::database(&self.dir))?;
        Ok(Added::New)
    }

    /// Takes a case out; its picture goes with it where no other case shows it.
    pub fn remove(&mut self, id: &CaseId) -> Result<(), Error> {
        self.require_write()?;
        let case_idx = self.position(id)?.ok_or_else(|| Error::NoCase { id: id.0.clone() })?;
        let orphan = self.delete(case_idx).map_err(Error::database(&self.dir))?;
        if let Some(hash) = orphan {
            // The case is gone either way; a picture left behind is swept up at the next opening.
            let _ = fs::remove_file(self.picture_path(&hash));
        }
        Ok(())
    }

    /// Replaces every descriptor by one of another encoder, all or none; `descriptors` in the
    /// order of [`Contents::cases`], which must be all the cases.
    pub fn replace_descriptors(
        &mut self,
        encoder: &EncoderId,
        cases: &[Case],
        descriptors: &[Descriptor],
    ) -> Result<(), Error> {
        self.require_write()?;
        let replace = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            transaction.execute("DELETE FROM descriptor", [])?;
            for (case, descriptor) in cases.iter().zip(descriptors) {
                transaction.execute(
                    "INSERT INTO descriptor SELECT case_idx, ?2 FROM cases WHERE id = ?1",
                    (&case.id.0, rows::vector_to_bytes(descriptor.values())),
                )?;
            }
            set_property(&transaction, "encoder", &encoder.0)?;
            transaction.commit()
        };
        replace().map_err(Error::database(&self.dir))
    }

    /// Everything a search needs.
    pub fn contents(&self) -> Result<Contents, Error> {
        let database = Error::database(&self.dir);
        let mut contents = Contents {
            encoder: self.encoder()?,
            identities: self.identities().map_err(&database)?,
            ..Contents::default()
        };
        let mut statement = self.db.prepare(rows::SELECT).map_err(&database)?;
        let mut found = statement.query([]).map_err(&database)?;
        while let Some(row) = found.next().map_err(&database)? {
            match self.usable(rows::record(row), &contents.descriptors) {
                Ok((record, descriptor)) => {
                    contents.cases.push(record.case);
                    contents.patients.push(record.patient_idx);
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

    pub fn set_notes(&mut self, notes: &str) -> Result<(), Error> {
        self.require_write()?;
        set_property(&self.db, "notes", notes).map_err(Error::database(&self.dir))
    }

    /// Checks everything that can be checked without an encoder; changes nothing.
    pub fn verify(&self) -> Result<Verification, Error> {
        verify::verify(self)
    }

    fn require_write(&self) -> Result<(), Error> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read | Access::ReadCopy { .. } => {
                Err(Error::ReadOnly { path: self.dir.clone() })
            }
        }
    }

    fn position(&self, id: &CaseId) -> Result<Option<i64>, Error> {
        self.db
            .query_row("SELECT case_idx FROM cases WHERE id = ?1", [&id.0], |row| row.get(0))
            .optional()
            .map_err(Error::database(&self.dir))
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

    fn identities(&self) -> rusqlite::Result<Identities> {
        let pairs = |sql: &str| {
            let mut statement = self.db.prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        Ok(Identities {
            salt: self.salt,
            aliases: pairs("SELECT key, patient_idx FROM alias")?,
            films: pairs("SELECT film, patient_idx FROM cases")?,
        })
    }

    fn formats(&self) -> Result<std::collections::HashMap<String, String>, Error> {
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.db.prepare("SELECT hash, format FROM picture")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(Error::database(&self.dir))
    }

    fn insert(&self, new: &NewCase<'_>) -> rusqlite::Result<()> {
        let transaction = self.db.unchecked_transaction()?;
        transaction.execute(
            "INSERT OR IGNORE INTO picture VALUES (?1, ?2)",
            (&new.picture.hash, rows::to_json(&new.picture.format)),
        )?;
        let patient_idx = self.patient(new.patients)?;
        let film = identity::film_key(&self.salt, &new.film);
        let case_idx = rows::insert(&transaction, new.case, patient_idx, &film)?;
        transaction.execute(
            "INSERT INTO descriptor VALUES (?1, ?2)",
            (case_idx, rows::vector_to_bytes(new.descriptor.values())),
        )?;
        set_property(&transaction, "encoder", &new.encoder.0)?;
        transaction.commit()
    }

    /// The patient with any of these names, made where there is none; two that turn out to be one
    /// become one.
    fn patient(&self, names: &[String]) -> rusqlite::Result<PatientIdx> {
        let keys: Vec<_> = names.iter().map(|n| identity::patient_key(&self.salt, n)).collect();
        let mut known = std::collections::BTreeSet::new();
        for key in &keys {
            let found = self
                .db
                .query_row("SELECT patient_idx FROM alias WHERE key = ?1", [key], |r| r.get(0))
                .optional()?;
            known.extend(found.into_iter().collect::<Vec<PatientIdx>>());
        }
        let mut known = known.into_iter();
        let patient_idx = match known.next() {
            Some(patient_idx) => patient_idx,
            None => {
                self.db.execute("INSERT INTO patient DEFAULT VALUES", [])?;
                self.db.last_insert_rowid()
            }
        };
        for other in known {
            for table in ["cases", "alias"] {
                let sql = format!("UPDATE {table} SET patient_idx = ?1 WHERE patient_idx = ?2");
                self.db.execute(&sql, [patient_idx, other])?;
            }
            self.db.execute("DELETE FROM patient WHERE patient_idx = ?1", [other])?;
        }
        for key in &keys {
            let sql = "INSERT OR IGNORE INTO alias VALUES (?1, ?2)";
            self.db.execute(sql, (key.as_slice(), patient_idx))?;
        }
        Ok(patient_idx)
    }

    /// Deletes a case and whatever nothing else refers to; gives the picture to delete.
    fn delete(&self, case_idx: i64) -> rusqlite::Result<Option<String>> {
        let transaction = self.db.unchecked_transaction()?;
        let (picture, patient_idx): (String, PatientIdx) = transaction.query_row(
            "DELETE FROM cases WHERE case_idx = ?1 RETURNING picture, patient_idx",
            [case_idx],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let used = |sql: &str, value: &dyn rusqlite::ToSql| {
            transaction.query_row(sql, [value], |row| row.get::<_, bool>(0))
        };
        if !used("SELECT EXISTS (SELECT 1 FROM cases WHERE patient_idx = ?1)", &patient_idx)? {
            transaction.execute("DELETE FROM alias WHERE patient_idx = ?1", [patient_idx])?;
            transaction.execute("DELETE FROM patient WHERE patient_idx = ?1", [patient_idx])?;
        }
        let orphan = !used("SELECT EXISTS (SELECT 1 FROM cases WHERE picture = ?1)", &picture)?;
        if orphan {
            transaction.execute("DELETE FROM picture WHERE hash = ?1", [&picture])?;
        }
        transaction.commit()?;
        Ok(orphan.then_some(picture))
    }

    fn write_picture(&self, picture: &Picture) -> Result<(), Error> {
        let pictures = self.dir.join(PICTURES);
        let mut part = tempfile::Builder::new()
            .suffix(TEMPORARY)
            .tempfile_in(&pictures)
            .map_err(Error::io("the picture cannot be written", &pictures))?;
        part.write_all(&picture.bytes)
            .map_err(Error::io("the picture cannot be written", &pictures))?;
        part.as_file().sync_all().map_err(Error::io("the picture cannot be written", &pictures))?;
        part.persist(self.picture_path(&picture.hash))
            .map_err(|error| Error::io("the picture cannot be written", &pictures)(error.error))?;
        sync_dir(&pictures).map_err(Error::io("the picture cannot be written", &pictures))
    }

    fn picture_path(&self, hash: &str) -> PathBuf {
        self.dir.join(PICTURES).join(hash)
    }

    /// Removes unfinished files and sets pictures without a case aside: a crash leaves these.
    fn sweep(&self) -> Result<(), Error> {
        for name in self.picture_files()? {
            let path = self.picture_path(&name);
            if name.ends_with(TEMPORARY) {
                fs::remove_file(&path)
                    .map_err(Error::io("an unfinished file cannot be removed", &self.dir))?;
            } else if !self.names_picture(&name)? {
                let quarantine = self.dir.join(QUARANTINE);
                fs::create_dir_all(&quarantine)
                    .map_err(Error::io("the folder cannot be made", &self.dir))?;
                fs::rename(&path, quarantine.join(&name))
                    .map_err(Error::io("a stray picture cannot be set aside", &self.dir))?;
            }
        }
        Ok(())
    }

    fn picture_files(&self) -> Result<Vec<String>, Error> {
        let pictures = self.dir.join(PICTURES);
        let entries = pictures.read_dir().and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(Error::io("the pictures cannot be listed", &pictures))?;
        Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn names_picture(&self, hash: &str) -> Result<bool, Error> {
        self.db
            .query_row("SELECT EXISTS (SELECT 1 FROM picture WHERE hash = ?1)", [hash], |row| {
                row.get(0)
            })
            .map_err(Error::database(&self.dir))
    }
}

/// The pictures of a library, without its database.
#[derive(Debug, Clone)]
pub struct Pictures {
    dir: PathBuf,
    /// JSON of each picture's [`picture::Format`], by hash.
    formats: std::collections::HashMap<String, String>,
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

fn existing(dir: &Path) -> Result<PathBuf, Error> {
    let file = dir.join(DATABASE);
    if file.is_file() {
        // SQLite's URI wants a whole path.
        return std::path::absolute(&file).map_err(Error::io("the folder cannot be read", dir));
    }
    Err(Error::Missing { path: dir.to_owned() })
}

fn has_log(dir: &Path) -> bool {
    fs::metadata(dir.join(LOG)).is_ok_and(|log| log.len() > 0)
}

fn lock_for_writing(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|source| {
            match source.kind() {
                io::ErrorKind::PermissionDenied => Error::ReadOnly { path: dir.to_owned() },
                _ => Error::io("the lock file cannot be opened", dir)(source),
            }
        })?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: dir.to_owned() }),
            Err(TryLockError::Error(source)) => {
                return Err(Error::io("this folder cannot be locked for writing", dir)(source));
            }
        }
    }
}

fn read_salt(db: &Connection, dir: &Path) -> Result<identity::Key, Error> {
    db.query_row("SELECT value FROM property WHERE name = 'salt'", [], |row| row.get(0))
        .map_err(Error::database(dir))
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

/// Bytes that nobody can guess, from the generator that SQLite seeds from the system.
fn random_bytes(dir: &Path) -> Result<Vec<u8>, Error> {
    let draw =
        || Connection::open_in_memory()?.query_row("SELECT randomblob(32)", [], |r| r.get(0));
    draw().map_err(Error::database(dir))
}

/// Makes a rename in this folder survive a power cut; elsewhere the file system does it itself.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
