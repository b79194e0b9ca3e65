//! Who is the same patient, without keeping who she is.
//!
//! A patient's names are stored as BLAKE3 hashes keyed with 32 random bytes of the library. This
//! keeps names out of the folder and lets one query by name; whoever holds the folder and guesses
//! a name can still test the guess, so a library of patients is guarded like the films.
//!
//! [`known_as`] says when two names are one, and [`Patients`] who is one patient, for library,
//! training and evaluation alike: what one of them took for two, another would leak.

use std::collections::{HashMap, HashSet};

use crate::mammogram::Mammogram;

pub(super) type Key = [u8; 32];

/// The same patient in one library; the number means nothing outside it.
pub type PatientIdx = i64;

/// Who is known, by keyed hash.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    pub(super) salt: Key,
    pub(super) aliases: HashMap<Key, PatientIdx>,
    pub(super) films: HashMap<Key, PatientIdx>,
}

impl Identities {
    /// The patients this film may belong to: by the name it carries, and by its very pixels.
    pub fn patients_of(&self, mammogram: &Mammogram) -> HashSet<PatientIdx> {
        let ids: Vec<String> = mammogram.patient_ids().cloned().collect();
        let by_name = self.patients_named(&ids);
        by_name.into_iter().chain(self.patient_on(&film_hash(mammogram))).collect()
    }

    /// The patient of a film with these very pixels ([`film_hash`]).
    pub fn patient_on(&self, film: &[u8; 32]) -> Option<PatientIdx> {
        self.films.get(&film_key(&self.salt, film)).copied()
    }

    /// The patients known by any of these names.
    pub fn patients_named(&self, names: &[String]) -> HashSet<PatientIdx> {
        let keys = names.iter().filter_map(|name| patient_key(&self.salt, name));
        keys.filter_map(|key| self.aliases.get(&key).copied()).collect()
    }
}

/// What tells that two regions are one patient's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mark {
    /// As [`known_as`] gives it.
    Name(String),
    /// A whole film: [`film_hash`], or its keyed hash in a library.
    Film([u8; 32]),
    Stored(PatientIdx),
}

impl Mark {
    pub fn names(names: &[String]) -> impl Iterator<Item = Self> {
        names.iter().filter_map(|name| known_as(name)).map(Self::Name)
    }
}

/// Regions by patient: who has a mark in common, straight or through others, is one.
#[derive(Debug, Default)]
pub struct Patients {
    first_with: HashMap<Mark, usize>,
    /// For each region an earlier one of the same patient, or itself.
    same_as: Vec<usize>,
}

impl Patients {
    /// Takes the next region; its number counts from 0. One without a mark is a patient's of its
    /// own.
    pub fn add(&mut self, marks: impl IntoIterator<Item = Mark>) -> usize {
        let own = self.same_as.len();
        self.same_as.push(own);
        for mark in marks {
            let first = *self.first_with.entry(mark).or_insert(own);
            self.join(first, own);
        }
        own
    }

    /// Two regions turn out to be one patient's.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first_of(a), self.first_of(b));
        self.same_as[a.max(b)] = a.min(b);
    }

    /// The first region of a region's patient.
    pub fn first_of(&self, mut region: usize) -> usize {
        while self.same_as[region] != region {
            region = self.same_as[region];
        }
        region
    }

    /// [`Self::first_of`] each region.
    pub fn firsts(&self) -> Vec<usize> {
        (0..self.same_as.len()).map(|region| self.first_of(region)).collect()
    }
}

/// The name that a patient is known by, whoever wrote it: case, outer blanks and padding are
/// ignored; `None` where it names nobody. Of two women taken for one, one answers too little; of
/// one taken for two, her own film answers her.
pub fn known_as(patient_id: &str) -> Option<String> {
    let name = patient_id.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!name.is_empty()).then(|| name.to_uppercase())
}

/// The keyed hash of a patient's name; `None` where it names nobody.
pub(super) fn patient_key(salt: &Key, name: &str) -> Option<Key> {
    Some(*blake3::keyed_hash(salt, known_as(name)?.as_bytes()).as_bytes())
}

pub(super) fn film_key(salt: &Key, film_hash: &Key) -> Key {
    *blake3::keyed_hash(salt, film_hash).as_bytes()
}

/// The hash of a film's pixels, whatever file or transfer syntax they came in.
pub fn film_hash(mammogram: &Mammogram) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&mammogram.rows.to_le_bytes());
    hasher.update(&mammogram.columns.to_le_bytes());
    hasher.update(&mammogram.stored_offset.to_le_bytes());
    hasher.update(bytemuck::cast_slice(mammogram.samples.as_slice()));
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_patient_however_it_is_written_and_a_blank_one_names_nobody() {
        for written in ["p 1", " P 1", "P 1\0", "\tp 1 \0\0"] {
            assert_eq!(known_as(written).as_deref(), Some("P 1"), "{written:?}");
            assert_eq!(patient_key(&[7; 32], written), patient_key(&[7; 32], "P 1"));
        }
        for written in ["", "  ", "\0", " \0\t"] {
            assert_eq!((known_as(written), patient_key(&[7; 32], written)), (None, None));
        }
    }

    #[test]
    fn a_mark_in_common_makes_one_patient_also_through_others() {
        let mut patients = Patients::default();
        for names in [&["A"][..], &["B"], &["a ", "B"], &["C"], &[""], &["\0"]] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            patients.add(Mark::names(&names));
        }
        // Nobody's two rows are two patients: each may answer the other only by mistake of the list.
        assert_eq!(patients.firsts(), [0, 0, 0, 3, 4, 5]);
        patients.add([Mark::Name("D".to_owned()), Mark::Film([1; 32])]);
        patients.add([Mark::Name("C".to_owned()), Mark::Film([1; 32])]);
        assert_eq!(patients.firsts()[6..], [3, 3]);
        patients.join(5, 7);
        assert_eq!(patients.firsts(), [0, 0, 0, 3, 4, 3, 3, 3]);
    }
}
