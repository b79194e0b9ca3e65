//! Is everything there, and as it was written?

use super::{Error, Library, PICTURES, QUARANTINE, TEMPORARY, rows};
use crate::descriptor::Descriptor;

/// What a check of a whole library found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    pub cases: usize,
    pub pictures: usize,
    /// Each a sentence; empty in a sound library.
    pub faults: Vec<String>,
    /// Pictures without a case that an earlier opening set aside; no fault.
    pub set_aside: usize,
}

pub(super) fn verify(library: &Library) -> Result<Verification, Error> {
    let mut found = Verification::default();
    check_database(library, &mut found)?;
    check_cases(library, &mut found)?;
    check_pictures(library, &mut found)?;
    found.set_aside = library.dir.join(QUARANTINE).read_dir().map_or(0, Iterator::count);
    Ok(found)
}

/// SQLite's own checks of its pages and of every reference.
fn check_database(library: &Library, found: &mut Verification) -> Result<(), Error> {
    let database = Error::database(&library.dir);
    let mut statement = library.db.prepare("PRAGMA integrity_check").map_err(&database)?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(&database)?;
    for line in lines {
        let line = line.map_err(&database)?;
        if line != "ok" {
            found.faults.push(format!("the database is damaged: {line}"));
        }
    }
    let mut statement = library.db.prepare("PRAGMA foreign_key_check").map_err(&database)?;
    let broken = statement.query_map([], |row| row.get::<_, String>(0)).map_err(&database)?;
    for table in broken {
        let table = table.map_err(&database)?;
        found.faults.push(format!("a row of {table} refers to nothing"));
    }
    Ok(())
}

/// Each case's words, outline and descriptor.
fn check_cases(library: &Library, found: &mut Verification) -> Result<(), Error> {
    let database = Error::database(&library.dir);
    let encoder = library.encoder()?;
    let mut statement = library.db.prepare(rows::SELECT).map_err(&database)?;
    let mut records = statement.query([]).map_err(&database)?;
    let mut dims = None;
    while let Some(row) = records.next().map_err(&database)? {
        found.cases += 1;
        let case_idx: i64 = row.get("case_idx").map_err(&database)?;
        let mut fault =
            |reason: &str| found.faults.push(format!("case in row {case_idx}: {reason}"));
        match rows::record(row) {
            Err(reason) => fault(&reason),
            Ok(record) => match record.vector.as_deref().map(rows::vector_from_bytes) {
                None => fault("it has no descriptor"),
                Some(values) => match values.and_then(Descriptor::from_unit) {
                    None => fault("its descriptor is damaged"),
                    Some(d) if *dims.get_or_insert(d.values().len()) != d.values().len() => {
                        fault("its descriptor is longer or shorter than the others");
                    }
                    Some(_) if encoder.is_none() => fault("its descriptor is nobody's"),
                    Some(_) => {}
                },
            },
        }
    }
    Ok(())
}

/// Each picture's bytes, and files that no case names.
fn check_pictures(library: &Library, found: &mut Verification) -> Result<(), Error> {
    let formats = library.formats()?;
    found.pictures = formats.len();
    for (hash, format) in &formats {
        match std::fs::read(library.dir.join(PICTURES).join(hash)) {
            Err(error) => found.faults.push(format!("picture {hash:.12} cannot be read: {error}")),
            Ok(bytes) if blake3::hash(&bytes).to_hex().as_str() != hash => {
                found.faults.push(format!("picture {hash:.12} has changed"));
            }
            Ok(_) => {}
        }
        if serde_json::from_str::<super::picture::Format>(format).is_err() {
            found.faults.push(format!("picture {hash:.12} has a damaged description"));
        }
    }
    for name in library.picture_files()? {
        if name.ends_with(TEMPORARY) {
            found.faults.push("an unfinished file lies in pictures; open for writing".to_owned());
        } else if !formats.contains_key(&name) {
            found.faults.push(format!("picture {name:.12} belongs to no case"));
        }
    }
    found.faults.sort();
    Ok(())
}
