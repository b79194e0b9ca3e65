//! Whose films these are, and of which visit: which of them are one person's.
//!
//! PatientID is unique only within IssuerOfPatientID, and anonymisers give one to many (PS3.3
//! C.7.1.1). So two people are never made one unsaid: a patient is an ID and a name together, whose
//! films agree in issuer, birth date and sex as far as they tell them. Nor is one person made two
//! for what a writer may leave out.

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{Attributes, Person, Study};
use super::listing::{Film, Patient, StudyFilms};
use crate::mammogram::Caution;

/// Films by patient and study, in the order of names and dates; where it is in doubt whose a film
/// is, it says so.
pub(super) fn sorted(mut films: Vec<Film>) -> Vec<Patient> {
    tell_names(&mut films);
    tell_studies(&mut films);
    let mut by_name: BTreeMap<(Option<String>, Option<String>), Vec<Film>> = BTreeMap::new();
    for film in films {
        let Attributes { patient_name, patient_id, .. } = &film.attributes;
        let key = (patient_name.as_deref().and_then(key_of), patient_id.clone());
        by_name.entry(key).or_default().push(film);
    }
    let patients = by_name.into_iter().flat_map(|((_, patient_id), films)| {
        let patient_name = films[0].attributes.patient_name.as_deref().and_then(full_name);
        people(films).into_iter().map(move |(person, films)| Patient {
            patient_id: patient_id.clone(),
            patient_name: patient_name.clone(),
            person,
            studies: studies(films),
        })
    });
    patients.collect()
}

/// A name without what it may leave out: blanks around a component, components and groups of
/// components that are empty up to its end (PS3.5 6.2.1.1).
fn full_name(name: &str) -> Option<String> {
    let group = |group: &str| {
        let components: Vec<&str> = group.split('^').map(str::trim).collect();
        components.join("^").trim_end_matches('^').to_owned()
    };
    let groups: Vec<String> = name.split('=').map(group).collect();
    Some(groups.join("=").trim_end_matches('=').to_owned()).filter(|name| !name.is_empty())
}

/// As names are compared: some writers have capitals alone.
fn key_of(name: &str) -> Option<String> {
    full_name(name).map(|name| name.to_uppercase())
}

/// The people with one ID and name: one, unless their films contradict each other.
fn people(mut films: Vec<Film>) -> Vec<(Person, Vec<Film>)> {
    let persons: Vec<Person> = films.iter().map(|film| plain(&film.attributes.person)).collect();
    let told = persons.iter().cloned().fold(Person::default(), |all, own| Person {
        issuer_of_patient_id: all.issuer_of_patient_id.or(own.issuer_of_patient_id),
        patient_birth_date: all.patient_birth_date.or(own.patient_birth_date),
        patient_sex: all.patient_sex.or(own.patient_sex),
    });
    let differs = |of: fn(&Person) -> &Option<String>| {
        persons.iter().any(|person| of(person).is_some() && of(person) != of(&told))
    };
    let differences = [
        ("IssuerOfPatientID", differs(|person| &person.issuer_of_patient_id)),
        ("PatientBirthDate", differs(|person| &person.patient_birth_date)),
        ("PatientSex", differs(|person| &person.patient_sex)),
    ];
    let differences: Vec<&str> =
        differences.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    if differences.is_empty() {
        return vec![(told, films)];
    }
    let Attributes { patient_id, patient_name, .. } = &films[0].attributes;
    let what = match (patient_id, patient_name) {
        (Some(_), _) => "films with this PatientID and name",
        (None, Some(_)) => "films with this name and no PatientID",
        (None, None) => "films that name nobody",
    };
    let differences = differences.join(" and ");
    let text = format!("{what} differ in {differences}; they may be of different people");
    tell(films.iter_mut(), &text);
    let mut people: BTreeMap<Person, Vec<Film>> = BTreeMap::new();
    for (person, film) in persons.into_iter().zip(films) {
        people.entry(person).or_default().push(film);
    }
    people.into_iter().collect()
}

/// As it is compared: dates without the dots of ACR-NEMA (PS3.5 6.2, DA), letters in capitals.
fn plain(person: &Person) -> Person {
    Person {
        issuer_of_patient_id: person.issuer_of_patient_id.clone(),
        patient_birth_date: person.patient_birth_date.as_ref().map(|date| date.replace('.', "")),
        patient_sex: person.patient_sex.as_ref().map(|sex| sex.to_uppercase()),
    }
}

/// One PatientID under two names.
fn tell_names(films: &mut [Film]) {
    let text = "films with this PatientID bear different names; they may be of different people";
    let of = |attributes: &Attributes| {
        let name = attributes.patient_name.as_deref().and_then(key_of);
        Some((attributes.patient_id.clone()?, name))
    };
    tell_shared(films, of, text);
}

/// One StudyInstanceUID, which no two studies share, under two PatientIDs.
fn tell_studies(films: &mut [Film]) {
    let text = "films of this study (one StudyInstanceUID) bear different PatientIDs; one of them is \
                wrong, or the films are of different people";
    let of = |attributes: &Attributes| {
        Some((attributes.study.study_instance_uid.clone()?, attributes.patient_id.clone()?))
    };
    tell_shared(films, of, text);
}

/// Says it on each film whose first value stands with several second ones.
fn tell_shared<T: Ord>(
    films: &mut [Film],
    of: impl Fn(&Attributes) -> Option<(String, T)>,
    text: &str,
) {
    let mut values: BTreeMap<String, BTreeSet<T>> = BTreeMap::new();
    for (key, value) in films.iter().filter_map(|film| of(&film.attributes)) {
        values.entry(key).or_default().insert(value);
    }
    let is_shared = |film: &&mut Film| {
        of(&film.attributes).is_some_and(|(key, _)| values.get(&key).is_some_and(|v| v.len() > 1))
    };
    tell(films.iter_mut().filter(is_shared), text);
}

fn tell<'a>(films: impl Iterator<Item = &'a mut Film>, text: &str) {
    for film in films {
        film.attributes.cautions.push(Caution::new("W-PATIENT-CONFLICT", text));
    }
}

fn studies(films: Vec<Film>) -> Vec<StudyFilms> {
    let mut studies: BTreeMap<(Option<String>, Option<String>), Vec<Film>> = BTreeMap::new();
    let mut days: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
    for Study { study_instance_uid, study_date } in films.iter().map(|f| &f.attributes.study) {
        days.entry(study_instance_uid.clone()).or_default().extend(study_date.clone());
    }
    for film in films {
        let Study { mut study_date, study_instance_uid } = film.attributes.study.clone();
        // A film that does not tell its day is of its study's, where that has one.
        if study_date.is_none()
            && study_instance_uid.is_some()
            && let Some(days) = days.get(&study_instance_uid).filter(|days| days.len() == 1)
        {
            study_date = days.first().cloned();
        }
        studies.entry((study_date, study_instance_uid)).or_default().push(film);
    }
    let study = |((study_date, study_instance_uid), mut films): (_, Vec<Film>)| {
        films.sort_by(|a, b| a.path.cmp(&b.path));
        StudyFilms { study: Study { study_instance_uid, study_date }, films }
    };
    studies.into_iter().map(study).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_without_its_empty_end() {
        // PS3.5 6.2.1.1: trailing null components and component groups may be left out.
        for name in ["Meier^Anna", "Meier^Anna^^^", "Meier^Anna==", "Meier ^ Anna^^^="] {
            assert_eq!(full_name(name).as_deref(), Some("Meier^Anna"), "{name}");
        }
        assert_eq!(full_name("Meier^^Anna").as_deref(), Some("Meier^^Anna"), "a middle name");
        assert_eq!(full_name("=山田^太郎").as_deref(), Some("=山田^太郎"), "ideographs alone");
        assert_eq!((full_name("^^^^"), full_name("==")), (None, None));
    }
}
