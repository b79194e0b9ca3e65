//! How a library is made, opened for writing by one program, and read without a trace.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Access, DATABASE, Error, Library, PICTURES, QUARANTINE, TEMPORARY};
use super::{identity, schema, sync_dir};

/// Commits that SQLite has not yet taken into the database; there after a crash, or beside a writer.
const LOG: &str = "library.sqlite-wal";
const LOCK: &str = "library.lock";
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
        schema::migrate(&db).map_err(Error::database(dir))?;
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

    fn names_picture(&self, hash: &str) -> Result<bool, Error> {
        self.db
            .query_row("SELECT EXISTS (SELECT 1 FROM picture WHERE hash = ?1)", [hash], |row| {
                row.get(0)
            })
            .map_err(Error::database(&self.dir))
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

/// Bytes that nobody can guess, from the generator that SQLite seeds from the system.
fn random_bytes(dir: &Path) -> Result<Vec<u8>, Error> {
    let draw =
        || Connection::open_in_memory()?.query_row("SELECT randomblob(32)", [], |r| r.get(0));
    draw().map_err(Error::database(dir))
}
