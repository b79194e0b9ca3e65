//! What the guard against one film under two patients keeps of each case: a few features of its
//! region, as bytes that mean nothing here.
//!
//! Derived data: where a case has none, it is worked out from the picture and kept.

use std::collections::HashSet;

use rusqlite::OptionalExtension;

use super::{Error, Library, PatientIdx, identity};
use crate::case::CaseId;

/// A case, and its signature where one is kept.
pub type Signed = (CaseId, Option<Vec<u8>>);

impl Library {
    /// Every case in a stable order, with its signature where one is kept. For a library that is
    /// open for writing, whose format is this program's.
    pub fn signatures(&self) -> Result<Vec<Signed>, Error> {
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.db.prepare(
                "SELECT id, features FROM cases LEFT JOIN signature USING (case_idx) \
                 ORDER BY case_idx",
            )?;
            let rows = statement.query_map([], |row| Ok((CaseId(row.get(0)?), row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(Error::database(&self.dir))
    }

    /// Keeps these signatures, all or none; of a case that is not there none is kept.
    pub fn set_signatures(&mut self, signatures: &[(CaseId, Vec<u8>)]) -> Result<(), Error> {
        self.require_write()?;
        let write = || -> rusqlite::Result<()> {
            let transaction = self.db.unchecked_transaction()?;
            for (id, features) in signatures {
                transaction.execute(
                    "INSERT OR REPLACE INTO signature \
                     SELECT case_idx, ?2 FROM cases WHERE id = ?1",
                    (&id.0, features),
                )?;
            }
            transaction.commit()
        };
        write().map_err(Error::database(&self.dir))
    }

    /// The patients that are known by any of these names.
    pub fn patients_named(&self, names: &[String]) -> Result<HashSet<PatientIdx>, Error> {
        let keys = names.iter().filter_map(|name| identity::patient_key(&self.salt, name));
        let find = |key| {
            self.db
                .query_row("SELECT patient_idx FROM alias WHERE key = ?1", [key], |row| row.get(0))
                .optional()
        };
        let found: rusqlite::Result<Vec<Option<PatientIdx>>> = keys.map(find).collect();
        Ok(found.map_err(Error::database(&self.dir))?.into_iter().flatten().collect())
    }

    /// The cases on a film of exactly these pixels ([`identity::film_hash`]), with their patients.
    pub fn cases_on_film(&self, film: &[u8; 32]) -> Result<Vec<(CaseId, PatientIdx)>, Error> {
        let key = identity::film_key(&self.salt, film);
        let read = || -> rusqlite::Result<_> {
            let sql = "SELECT id, patient_idx FROM cases WHERE film = ?1 ORDER BY case_idx";
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map([key], |row| Ok((CaseId(row.get(0)?), row.get(1)?)))?;
            rows.collect()
        };
        read().map_err(Error::database(&self.dir))
    }

    /// A case with its patient; `None` where the library does not have it.
    pub fn case_of(&self, id: &CaseId) -> Result<Option<(crate::case::Case, PatientIdx)>, Error> {
        let database = Error::database(&self.dir);
        let sql = super::rows::SELECT.replace("ORDER BY", "WHERE id = ?1 ORDER BY");
        let mut statement = self.db.prepare_cached(&sql).map_err(&database)?;
        let mut found = statement.query([&id.0]).map_err(&database)?;
        let Some(row) = found.next().map_err(&database)? else { return Ok(None) };
        let record = super::rows::record(row).map_err(|what| Error::Damaged { what })?;
        Ok(Some((record.case, record.patient_idx)))
    }
}
