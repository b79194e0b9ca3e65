//! What `library.sqlite` holds, and how a connection to it is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::Error;

/// "PREC", in the header of every library file.
pub(super) const APPLICATION_ID: i32 = 0x5052_4543;
/// The format this program writes; an older one is migrated at opening, a newer one refused.
pub(super) const VERSION: i32 = 2;

/// Patients are keyed hashes only ([`super::identity`]); nothing here is named by patient or UID.
const TABLES: &str = "
CREATE TABLE property (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE picture (
    hash TEXT PRIMARY KEY CHECK (length(hash) = 64),
    format TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE patient (patient_idx INTEGER PRIMARY KEY) STRICT;
CREATE TABLE alias (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    patient_idx INTEGER NOT NULL REFERENCES patient
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_patient ON alias (patient_idx);
CREATE TABLE cases (
    case_idx INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    patient_idx INTEGER NOT NULL REFERENCES patient,
    film BLOB NOT NULL CHECK (length(film) = 32),
    picture TEXT NOT NULL REFERENCES picture,
    pathology TEXT NOT NULL,
    outcome_basis TEXT NOT NULL,
    source TEXT NOT NULL,
    notes TEXT NOT NULL,
    image_laterality TEXT,
    view_position TEXT,
    mass_shape TEXT,
    mass_margin TEXT,
    breast_density TEXT,
    assessment TEXT,
    age INTEGER,
    spacing TEXT NOT NULL,
    contour TEXT NOT NULL,
    measures TEXT NOT NULL,
    cautions TEXT NOT NULL
) STRICT;
CREATE INDEX cases_patient ON cases (patient_idx);
CREATE INDEX cases_picture ON cases (picture);
CREATE TABLE descriptor (
    case_idx INTEGER PRIMARY KEY REFERENCES cases ON DELETE CASCADE,
    vector BLOB NOT NULL
) STRICT;
";

/// Since version 2: what is kept of each case to know its film again ([`super::signatures`]).
const SIGNATURES: &str = "
CREATE TABLE signature (
    case_idx INTEGER PRIMARY KEY REFERENCES cases ON DELETE CASCADE,
    features BLOB NOT NULL
) STRICT;
";

/// Makes the file of an empty library.
pub(super) fn create(file: &Path, salt: &[u8; 32]) -> rusqlite::Result<()> {
    let db = Connection::open(file)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.execute_batch(&format!(
        "BEGIN; {TABLES} {SIGNATURES} PRAGMA user_version = {VERSION}; COMMIT;"
    ))?;
    db.execute("INSERT INTO property VALUES ('salt', ?1)", [salt.as_slice()])?;
    db.close().map_err(|(_, error)| error)
}

/// For reading and writing.
pub(super) fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(db)
}

/// Brings an older library to this program's format, whole or not at all.
pub(super) fn migrate(db: &Connection) -> rusqlite::Result<()> {
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version >= VERSION {
        return Ok(());
    }
    // The version stands in the file's first page, and is part of the transaction.
    let transaction = db.unchecked_transaction()?;
    transaction.execute_batch(SIGNATURES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// For reading beside a writer, through its write-ahead log.
pub(super) fn open_beside_writer(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(2))?;
    Ok(db)
}

/// For reading where nobody writes: not a byte of the folder changes, no log is looked for.
pub(super) fn open_immutable(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(uri(file), flags)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}

/// Refuses what is not a library, or one of a newer program.
pub(super) fn check(db: &Connection, dir: &Path) -> Result<(), Error> {
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id =
        number("application_id").map_err(|source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Error::NotALibrary { path: dir.to_owned() },
            _ => Error::database(dir)(source),
        })?;
    if application_id != APPLICATION_ID {
        return Err(Error::NotALibrary { path: dir.to_owned() });
    }
    let version = number("user_version").map_err(Error::database(dir))?;
    if version > VERSION {
        return Err(Error::Newer { path: dir.to_owned(), found: version, known: VERSION });
    }
    Ok(())
}

/// SQLite's URI for a file, with the characters that mean something in it escaped.
fn uri(file: &Path) -> String {
    let path = file.to_string_lossy().replace('\\', "/");
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let root = if escaped.starts_with('/') || !file.is_absolute() { "" } else { "/" };
    format!("file:{root}{escaped}?immutable=1")
}
