//! What changes a library: each change is whole, and on the disk when it is acknowledged.

use std::fs;
use std::io::Write;

use rusqlite::OptionalExtension;

use super::{Access, Added, Error, Library, NewCase, PICTURES, PatientIdx, Picture, TEMPORARY};
use super::{identity, rows, set_property, sync_dir};
use crate::case::{Case, CaseId};
use crate::descriptor::{Descriptor, EncoderId};

impl Library {
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
    /// order of [`super::Contents::cases`], which must be all the cases.
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

    pub fn set_notes(&mut self, notes: &str) -> Result<(), Error> {
        self.require_write()?;
        set_property(&self.db, "notes", notes).map_err(Error::database(&self.dir))
    }

    pub(super) fn require_write(&self) -> Result<(), Error> {
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
        let keys: Vec<_> =
            names.iter().filter_map(|n| identity::patient_key(&self.salt, n)).collect();
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
}
