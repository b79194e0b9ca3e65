//! One film under two patients: a leak between what a library knows and what it is asked, and a
//! sign that names were mixed up.
//!
//! A region that comes in is compared with those of all other patients. Of each case the library
//! keeps a signature of 8 KB; where two look alike, both regions are compared in full. Regions of
//! one film that do not overlap are found by the film's very pixels only.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::prepare::Prepared;
use crate::case::CaseId;
use crate::library::{self, Library, PatientIdx};
use crate::mammogram::Caution;
use crate::progress::{Progress, Report};
use crate::structure_from_motion::{Coded, Feature, same_film, shared_points, sift, signature};

/// Code of the caution on the case that came in later.
pub const CODE: &str = "W-SAME-FILM";

/// Signatures written at a time, where a library has none yet.
const AT_A_TIME: usize = 64;

/// The signatures of all cases of a library.
pub(super) struct KnownFilms {
    signatures: Vec<(CaseId, Vec<u8>)>,
}

impl KnownFilms {
    /// Works out what is missing and keeps it in the library; `None` where the caller asked to
    /// stop. A case whose picture is damaged is passed over.
    pub(super) fn of(
        library: &mut Library,
        report: &mut Report<'_>,
    ) -> Result<Option<Self>, library::Error> {
        let known = library.signatures()?;
        let is_sound = |bytes: &Vec<u8>| signature::from_bytes(bytes).is_some();
        let missing: HashSet<CaseId> = known
            .iter()
            .filter(|(_, bytes)| !bytes.as_ref().is_some_and(is_sound))
            .map(|(id, _)| id.clone())
            .collect();
        let kept = known.into_iter().filter_map(|(id, bytes)| Some((id, bytes?)));
        let mut signatures: Vec<(CaseId, Vec<u8>)> =
            kept.filter(|(id, _)| !missing.contains(id)).collect();
        if missing.is_empty() {
            return Ok(Some(Self { signatures }));
        }
        let (mut cases, pictures) = (library.cases()?, library.pictures()?);
        cases.retain(|case| missing.contains(&case.id));
        for (number, some) in cases.chunks(AT_A_TIME).enumerate() {
            let progress = Progress {
                step: "Learning to know the films",
                done: (number * AT_A_TIME) as u64,
                total: Some(cases.len() as u64),
            };
            if report(progress) == ControlFlow::Break(()) {
                return Ok(None);
            }
            let found: Vec<(CaseId, Vec<u8>)> = some
                .par_iter()
                .filter_map(|case| {
                    let film = pictures.film(case).ok()?;
                    let features = sift::of_region(&film, &case.contour);
                    Some((case.id.clone(), signature::to_bytes(&features)))
                })
                .collect();
            library.set_signatures(&found)?;
            signatures.extend(found);
        }
        Ok(Some(Self { signatures }))
    }

    /// The cases of other patients that show the film of a region with these features.
    pub(super) fn elsewhere(
        &self,
        library: &Library,
        features: &[Feature],
        region: &Prepared,
    ) -> Result<Vec<CaseId>, library::Error> {
        let own: HashSet<PatientIdx> = library.patients_named(&region.patients)?;
        let mut found: Vec<CaseId> = library
            .cases_on_film(&region.film_hash)?
            .into_iter()
            .filter(|(_, patient)| !own.contains(patient))
            .map(|(id, _)| id)
            .collect();
        let all = Coded::of(features).sides();
        let few = Coded::of(&features[..signature::FEATURES.min(features.len())]).sides();
        let alike: Vec<&CaseId> = self
            .signatures
            .par_iter()
            .filter(|(_, bytes)| {
                signature::from_bytes(bytes)
                    .is_some_and(|own| few.iter().any(|few| signature::may_be_same(few, &own)))
            })
            .map(|(id, _)| id)
            .collect();
        for id in alike {
            let Some((case, patient)) = library.case_of(id)? else { continue };
            if own.contains(&patient) || found.contains(id) {
                continue;
            }
            // A damaged picture is named by `verify`; here there is nothing to compare with.
            let Ok(picture) = library.picture(&case) else { continue };
            let other = Coded::of(&sift::of_region(&picture, &case.contour));
            if all.iter().any(|side| same_film(&shared_points(side, &other, 0))) {
                found.push(id.clone());
            }
        }
        Ok(found)
    }

    /// Keeps the signature of a case that was added.
    pub(super) fn remember(
        &mut self,
        library: &mut Library,
        id: &CaseId,
        features: &[Feature],
    ) -> Result<(), library::Error> {
        let signature = (id.clone(), signature::to_bytes(features));
        library.set_signatures(std::slice::from_ref(&signature))?;
        self.signatures.push(signature);
        Ok(())
    }
}

/// Whether a case of the library is that of another patient than these names.
pub(super) fn is_anothers(
    library: &Library,
    id: &CaseId,
    patients: &[String],
) -> Result<bool, library::Error> {
    let own = library.patients_named(patients)?;
    Ok(library.case_of(id)?.is_some_and(|(_, patient)| !own.contains(&patient)))
}

/// What is said on a case whose film these cases of other patients show.
pub(super) fn caution(others: &[CaseId]) -> Option<Caution> {
    let others: Vec<&str> = others.iter().map(|id| id.0.as_str()).collect();
    let text = format!(
        "the library has this film under another patient as well: case {}; they may be one \
         person, or the names may be mixed up",
        others.join(", ")
    );
    (!others.is_empty()).then(|| Caution::new(CODE, text))
}
