//! Who is the same patient, without keeping who she is.
//!
//! A patient's names are stored as BLAKE3 hashes keyed with 32 random bytes of the library. This
//! keeps names out of the folder and lets one query by name; whoever holds the folder and guesses
//! a name can still test the guess, so a library of patients is guarded like the films.

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
        let by_name = mammogram
            .patient_id
            .as_deref()
            .filter(|name| is_name(name))
            .and_then(|name| self.aliases.get(&patient_key(&self.salt, name)));
        let by_film = self.patient_on(&film_hash(mammogram));
        by_name.copied().into_iter().chain(by_film).collect()
    }

    /// The patient of a film with these very pixels ([`film_hash`]).
    pub fn patient_on(&self, film: &[u8; 32]) -> Option<PatientIdx> {
        self.films.get(&film_key(&self.salt, film)).copied()
    }

    /// The patients known by any of these names.
    pub fn patients_named(&self, names: &[String]) -> HashSet<PatientIdx> {
        let known = names.iter().filter(|name| is_name(name));
        known.filter_map(|name| self.aliases.get(&patient_key(&self.salt, name)).copied()).collect()
    }
}

/// Whether this PatientID can name anybody.
pub fn is_name(patient_id: &str) -> bool {
    !patient_id.trim_matches(['\0', ' ']).is_empty()
}

/// The keyed hash of a patient's name. Case and outer blanks are ignored: of two women taken for
/// one, one answers too little; of one taken for two, her own film answers her.
pub(super) fn patient_key(salt: &Key, name: &str) -> Key {
    let name = name.trim_matches(['\0', ' ']).to_uppercase();
    *blake3::keyed_hash(salt, name.as_bytes()).as_bytes()
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
