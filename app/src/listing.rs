//! The films of what the user named, whose they are and of which visit: known before one is read.

use std::path::{Path, PathBuf};

use precedent_core::dicom::listing::{self, Other};
use precedent_core::dicom::{NameSet, Person, read_as};
use precedent_core::mammogram::Caution;

use crate::state::name;

/// Films in the order in which they are shown, and what was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub films: Vec<Listed>,
    /// Files that are no films, each with its reason.
    pub passed_over: Vec<String>,
}

/// A film that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: PathBuf,
    pub visit: Visit,
    /// "R CC", as much of it as is known.
    pub side_and_view: String,
    /// What only the films together tell of this one ([`listing::AMONG_FILMS`]).
    pub cautions: Vec<Caution>,
}

/// Whose film it is, and of which visit, as the file says it. For the screen alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// As the file declares it.
    pub patient_name: Option<String>,
    pub patient_id: Option<String>,
    pub person: Person,
    /// YYYY-MM-DD where the file has a date.
    pub study_date: Option<String>,
    pub study_instance_uid: Option<String>,
}

impl Visit {
    /// Name, number and day of birth, the name read in another set than declared where that was wished and can be.
    pub fn patient(&self, names: Option<NameSet>) -> Option<String> {
        let declared = self.patient_name.as_deref();
        let other = declared.zip(names).and_then(|(name, set)| read_as(name, set));
        let name = other.as_deref().or(declared).map(person);
        let born =
            self.person.patient_birth_date.as_deref().map(|day| format!("born {}", date(day)));
        let known: Vec<String> =
            [name, self.patient_id.clone(), born].into_iter().flatten().collect();
        (!known.is_empty()).then(|| known.join(" · "))
    }

    /// The sets in which the name may be meant.
    pub fn name_sets(&self) -> Vec<NameSet> {
        let name = self.patient_name.as_deref().unwrap_or_default();
        NameSet::ALL.into_iter().filter(|set| read_as(name, *set).is_some()).collect()
    }
}

impl Listed {
    /// A film of which nothing is known but its place.
    pub fn unread(path: PathBuf) -> Self {
        Self { path, visit: Visit::default(), side_and_view: String::new(), cautions: Vec::new() }
    }
}

impl Listing {
    /// What was found under these paths: files as the user named them, folders by patient and study.
    /// A file named by the user is never passed over, so that reading it says what is wrong with it.
    pub fn of(paths: &[PathBuf], found: listing::Listing) -> Self {
        let listed = found.patients.iter().flat_map(|patient| {
            patient.studies.iter().flat_map(move |study| {
                let visit = Visit {
                    patient_name: patient.patient_name.clone(),
                    patient_id: patient.patient_id.clone(),
                    person: patient.person.clone(),
                    study_date: study.study.study_date.as_deref().map(date),
                    study_instance_uid: study.study.study_instance_uid.clone(),
                };
                study.films.iter().map(move |film| {
                    let side = film.attributes.image_laterality.map_or("", |l| l.word());
                    let view = film.attributes.view_position.map_or("", |v| v.word());
                    let side_and_view = format!("{side} {view}").trim().to_owned();
                    let cautions = film.attributes.cautions.iter();
                    let is_among = |c: &&Caution| listing::AMONG_FILMS.contains(&&*c.code);
                    let cautions = cautions.filter(is_among).cloned().collect();
                    let (path, visit) = (film.path.clone(), visit.clone());
                    Listed { path, visit, side_and_view, cautions }
                })
            })
        });
        let mut films: Vec<Listed> = listed.collect();
        let is_named = |other: &Other| paths.contains(&other.path) && !other.path.is_dir();
        let (named, others): (Vec<Other>, Vec<Other>) =
            found.others.into_iter().partition(is_named);
        films.extend(named.into_iter().map(|other| Listed::unread(other.path)));
        // As the user named them; below one folder, by patient and study.
        films.sort_by_key(|film| paths.iter().position(|path| lies_under(&film.path, path)));
        let passed_over = others
            .into_iter()
            .map(|other| format!("{}: {}", name(&other.path), other.reason))
            .collect();
        Self { films, passed_over }
    }
}

/// Whether a film was found by a path: itself, its folder, or the DICOMDIR beside it.
fn lies_under(film: &Path, named: &Path) -> bool {
    if named.is_file() {
        let is_directory = name(named).eq_ignore_ascii_case("DICOMDIR");
        return film == named
            || is_directory && named.parent().is_some_and(|p| film.starts_with(p));
    }
    film.starts_with(named)
}

/// "DOE^JANE^^DR" as one reads it: PS3.5 6.2, family name first, parts by carets.
fn person(name: &str) -> String {
    let parts: Vec<&str> =
        name.split(['^', '=']).map(str::trim).filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        [] => name.to_owned(),
        [family] => (*family).to_owned(),
        [family, given, ..] => format!("{family}, {given}"),
    }
}

/// YYYYMMDD with its dashes; anything else as it is.
fn date(text: &str) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..8), text.len()) {
        (Some(year), Some(month), Some(day), 8) => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use precedent_core::dicom::Reader;

    use super::*;

    fn list(paths: &[PathBuf]) -> Listing {
        // What is no film at all needs no child to say so.
        let mut reader = Reader::with_program("there is no child here");
        match listing::list(&mut reader, paths, &mut |_| ControlFlow::Continue(())) {
            ControlFlow::Continue(found) => Listing::of(paths, found),
            ControlFlow::Break(()) => panic!("nobody asked to stop"),
        }
    }

    #[test]
    fn a_file_named_by_the_user_is_never_passed_over_and_stands_where_it_was_named() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let report = dir.path().join("report.txt");
        std::fs::write(&report, "text").expect("written");
        let missing = dir.path().join("missing.dcm");
        let listing = list(&[missing.clone(), report.clone()]);
        let paths: Vec<_> = listing.films.iter().map(|film| film.path.clone()).collect();
        assert_eq!(paths, [missing, report.clone()]);

        let folder = list(&[dir.path().to_owned()]);
        assert!(folder.films.is_empty());
        assert!(folder.passed_over[0].starts_with("report.txt: "), "{:?}", folder.passed_over);
    }

    #[test]
    fn names_and_dates_read_as_people_write_them() {
        assert_eq!(person("DOE^JANE^^DR"), "DOE, JANE");
        assert_eq!(person("Yamada^Tarou=山田^太郎"), "Yamada, Tarou");
        assert_eq!(person("DOE"), "DOE");
        let wrong = Visit {
            patient_name: Some("Íõ^Ð¡¶«".to_owned()),
            patient_id: Some("P1".to_owned()),
            ..Visit::default()
        };
        assert_eq!(wrong.patient(None).as_deref(), Some("Íõ, Ð¡¶« · P1"), "as declared");
        // Two people of one name and number are told apart.
        let person =
            Person { patient_birth_date: Some("19500102".to_owned()), ..Person::default() };
        let one = Visit { person, ..wrong.clone() };
        assert_eq!(one.patient(None).as_deref(), Some("Íõ, Ð¡¶« · P1 · born 1950-01-02"));
        assert_ne!(one, wrong);
        assert!(wrong.name_sets().contains(&NameSet::Chinese));
        assert_eq!(wrong.patient(Some(NameSet::Chinese)).as_deref(), Some("王, 小东 · P1"));
        let plain = Visit { patient_name: Some("DOE^JANE".to_owned()), ..Visit::default() };
        assert!(plain.name_sets().is_empty());
        assert_eq!(plain.patient(Some(NameSet::Chinese)).as_deref(), Some("DOE, JANE"));
        assert_eq!(date("20260102"), "2026-01-02");
        assert_eq!(date("2026.01.02"), "2026.01.02");
    }
}
