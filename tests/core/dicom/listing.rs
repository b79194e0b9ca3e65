//! Folders and media: films by patient and study, everything else named, nothing outside opened.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use precedent_core::dicom::listing::{Listing, list};

use super::file::{File, PIXEL_DATA};
use super::reader;

pub(super) fn listed(path: &Path) -> Listing {
    match list(&mut reader(), &[path.to_owned()], &mut |_| ControlFlow::Continue(())) {
        ControlFlow::Continue(listing) => listing,
        ControlFlow::Break(()) => panic!("nobody stopped it"),
    }
}

pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("made");
    std::fs::write(&path, bytes).expect("written");
    path
}

pub(super) fn film(id: &str, name: &str, date: &str, uid: &str) -> File {
    let mut file = File::film();
    file.text((0x0010, 0x0020), "LO", id).text((0x0010, 0x0010), "PN", name);
    file.text((0x0008, 0x0020), "DA", date).text((0x0008, 0x0018), "UI", uid);
    file.text((0x0020, 0x000D), "UI", &format!("1.2.{id}.{date}"));
    file
}

fn reasons(listing: &Listing, root: &Path) -> Vec<(String, String)> {
    let name = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    listing.others.iter().map(|other| (name(&other.path), other.reason.clone())).collect()
}

#[test]
fn films_are_sorted_by_patient_and_study_and_the_rest_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    write(root, "z/1", &film("2", "B^B", "20200101", "1.1").bytes());
    write(root, "a/b/c/2.dcm", &film("1", "A^A", "20210101", "1.2").bytes());
    write(root, "a/3.ima", &film("1", "A^A", "20190101", "1.3").bytes());
    // Odd names: other scripts, both normal forms, spaces, a long path.
    write(root, "øæå 乳腺 é/e\u{301} (1).dcm", &film("1", "A^A", "20210101", "1.4").bytes());
    let long = ["a-folder-with-a-rather-long-name"; 8].join("/");
    write(root, &format!("{long}/film"), &film("2", "B^B", "20200101", "1.5").bytes());
    write(root, "letter.txt", b"Dear colleague");
    write(root, "empty", b"");
    let mut report = File::film();
    report.remove(PIXEL_DATA).text((0x0008, 0x0016), "UI", "1.2.840.10008.5.1.4.1.1.88.33");
    write(root, "report.dcm", &report.bytes());
    write(root, "precedent.toml", b"pixel_mm = 0.05\norigin = \"stated\"\n");

    let listing = listed(root);
    let of = |patient: usize| -> Vec<(Option<&str>, usize)> {
        let studies = &listing.patients[patient].studies;
        studies.iter().map(|s| (s.study.study_date.as_deref(), s.films.len())).collect()
    };
    assert_eq!(listing.patients.len(), 2);
    assert_eq!(listing.patients[0].patient_name.as_deref(), Some("A^A"));
    assert_eq!(of(0), [(Some("20190101"), 1), (Some("20210101"), 2)]);
    assert_eq!(of(1), [(Some("20200101"), 2)]);
    let others = reasons(&listing, root);
    let names: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["empty", "letter.txt", "report.dcm"]);
    assert!(others[0].1.contains("empty") && others[2].1.contains("structured report"));
}

#[test]
fn one_uid_twice_and_one_id_of_two_people_are_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let one = film("1", "A^A", "20200101", "1.1").bytes();
    write(root, "1", &one);
    write(root, "1 again", &one);
    write(
        root,
        "2",
        &film("1", "A^A", "20200101", "1.1").text((0x0018, 0x5101), "CS", "MLO").bytes(),
    );
    write(root, "3", &film("9", "C^C", "20200101", "1.3").bytes());
    write(root, "4", &film("9", "D^D", "20200101", "1.4").bytes());
    let listing = listed(root);
    let codes: Vec<(String, Vec<&str>)> = listing
        .films()
        .map(|film| {
            let name = film.path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, film.attributes.cautions.iter().map(|c| c.code.as_str()).collect())
        })
        .collect();
    let expected = [
        ("1", "W-SAME-UID"),
        ("2", "W-SAME-UID"),
        ("3", "W-PATIENT-CONFLICT"),
        ("4", "W-PATIENT-CONFLICT"),
    ];
    assert_eq!(codes.len(), 4);
    for ((name, codes), (expected_name, code)) in codes.iter().zip(expected) {
        assert_eq!((name.as_str(), codes.as_slice()), (expected_name, [code].as_slice()));
    }
    assert_eq!(listing.patients.len(), 3, "two people are never made one");
    let others = reasons(&listing, root);
    assert!(others.len() == 1 && others[0].1.contains("the same file as"), "{others:?}");
}

#[cfg(unix)]
#[test]
fn links_lead_neither_out_of_the_folder_nor_in_circles() {
    use std::os::unix::fs::symlink;
    let (folder, outside) =
        (tempfile::tempdir().expect("made"), tempfile::tempdir().expect("made"));
    let root = folder.path();
    let secret = write(outside.path(), "secret", &film("7", "S^S", "20200101", "7.7").bytes());
    write(root, "a/1", &film("1", "A^A", "20200101", "1.1").bytes());
    symlink(&secret, root.join("link")).expect("a link");
    symlink(outside.path(), root.join("folder")).expect("a link");
    symlink(root, root.join("a/up")).expect("a link");
    symlink("nowhere", root.join("broken")).expect("a link");
    let listing = listed(root);
    assert_eq!(listing.films().count(), 1);
    let names: Vec<String> = reasons(&listing, root).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["broken", "folder", "link"]);
}

/// Each film's codes, and how many people they are.
fn told(films: &[File]) -> (Vec<Vec<String>>, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, film) in films.iter().enumerate() {
        let mut film = film.clone();
        film.text((0x0008, 0x0018), "UI", &format!("1.{number}"));
        write(folder.path(), &number.to_string(), &film.bytes());
    }
    let listing = listed(folder.path());
    let mut films: Vec<_> = listing.films().collect();
    films.sort_by(|a, b| a.path.cmp(&b.path));
    let codes = films.iter().map(|film| {
        film.attributes.cautions.iter().map(|c| format!("{} {}", c.code, c.text)).collect()
    });
    (codes.collect(), listing.patients.len())
}

#[test]
fn two_people_under_one_number_and_name_are_two_and_it_is_said() {
    // PS3.3 C.7.1.1: PatientID is unique within IssuerOfPatientID; birth date and sex are hers.
    let (issuer, born, sex) = ((0x0010, 0x0021), (0x0010, 0x0030), (0x0010, 0x0040));
    let film = || film("1", "A^A", "20200101", "");
    let with = |of: &[((u16, u16), &'static str, &str)]| {
        let mut film = film();
        for (tag, vr, text) in of {
            film.text(*tag, vr, text);
        }
        film
    };
    for (one, other, word) in [
        (with(&[(issuer, "LO", "North")]), with(&[(issuer, "LO", "South")]), "IssuerOfPatientID"),
        (with(&[(born, "DA", "19500101")]), with(&[(born, "DA", "19600101")]), "PatientBirthDate"),
        (with(&[(sex, "CS", "F")]), with(&[(sex, "CS", "M")]), "PatientSex"),
    ] {
        // One that does not tell may be either's, and is made nobody's.
        let (codes, people) = told(&[one, other, film()]);
        assert_eq!(people, 3, "{word}");
        for codes in codes {
            assert!(codes.len() == 1 && codes[0].contains(word), "{codes:?}");
            assert!(codes[0].starts_with("W-PATIENT-CONFLICT"), "{codes:?}");
        }
    }
    // An anonymiser's word for everybody.
    let nameless = ["19500101", "19600101", "19700101"].map(|day| {
        let mut film = with(&[(born, "DA", day)]);
        film.text((0x0010, 0x0020), "LO", "ANONYMOUS").text((0x0010, 0x0010), "PN", "ANONYMOUS");
        film
    });
    assert_eq!(told(&nameless).1, 3);
}

#[test]
fn one_person_is_not_made_two_for_what_a_writer_may_leave_out() {
    let film = |name: &str| film("1", name, "20200101", "");
    let sound = |films: &[File]| {
        let (codes, people) = told(films);
        assert!(people == 1 && codes.iter().all(Vec::is_empty), "{people}: {codes:?}");
    };
    // PS3.5 6.2.1.1.
    sound(&["Meier^Anna", "Meier^Anna^^^", "Meier^Anna==", "Meier ^ANNA"].map(film));
    let mut one = film("A^A");
    one.text((0x0010, 0x0021), "LO", "North").text((0x0010, 0x0030), "DA", "19500102");
    let mut other = film("A^A");
    other.text((0x0010, 0x0040), "CS", "F");
    // PS3.5 6.2, DA: the form of ACR-NEMA.
    let mut old = film("A^A");
    old.text((0x0010, 0x0030), "DA", "1950.01.02");
    sound(&[one, other, old]);
}

#[test]
fn a_number_is_one_value_with_all_that_stands_in_it() {
    // PatientID has VM 1: 5C is the second byte of a letter in Shift-JIS, or nobody's separator.
    for ids in [[&b"K1\\7 "[..], b"K1\\8 "], [b"\x83\\01", b"\x83\\02"]] {
        let films = ids.map(|id| {
            let mut film = film("", "A^A", "20200101", "");
            film.set((0x0010, 0x0020), "LO", id.to_vec());
            film.remove((0x0020, 0x000D));
            film
        });
        assert_eq!(told(&films), (vec![Vec::new(), Vec::new()], 2), "{ids:?}");
    }
}

#[test]
fn earlier_numbers_and_those_of_others_are_read() {
    // PS3.3 C.7.1.1: OtherPatientIDsSequence, and OtherPatientIDs of older files (VM 1-n).
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut film = film("1", "A^A", "20200101", "1.1");
    let mut item = File::empty();
    item.text((0x0010, 0x0020), "LO", "ID-A").text((0x0010, 0x0022), "CS", "TEXT");
    film.sequence((0x0010, 0x1002), &item).text((0x0010, 0x1000), "LO", "OLD 1\\OLD 2");
    let path = write(folder.path(), "1", &film.bytes());
    let read = reader().read(&path).expect("a sound film");
    assert_eq!(read.patient_ids().collect::<Vec<_>>(), ["1", "ID-A", "OLD 1", "OLD 2"]);
}

#[test]
fn a_film_without_its_day_is_of_its_study() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut silent = film("1", "A^A", "20200101", "1.2");
    silent.remove((0x0008, 0x0020));
    write(folder.path(), "1", &film("1", "A^A", "20200101", "1.1").bytes());
    write(folder.path(), "2", &silent.bytes());
    let listing = listed(folder.path());
    let studies = &listing.patients[0].studies;
    assert_eq!((studies.len(), studies[0].films.len()), (1, 2));
    assert_eq!(studies[0].study.study_date.as_deref(), Some("20200101"));
}

#[test]
fn one_study_under_two_numbers_is_said() {
    let films = ["1", "2", "3"].map(|id| {
        let mut film = film(id, "A^A", "20200101", "");
        film.text((0x0020, 0x000D), "UI", if id == "3" { "1.2.4" } else { "1.2.3" });
        film
    });
    let (codes, people) = told(&films);
    assert_eq!(people, 3);
    assert!(codes[0][0].contains("StudyInstanceUID") && codes[1] == codes[0], "{codes:?}");
    assert!(codes[2].is_empty(), "another study: {codes:?}");
}

#[test]
fn a_thousand_films_are_listed_without_reading_their_pixels() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 0..1000 {
        let (id, uid) = ((number / 8).to_string(), format!("1.{number}"));
        write(folder.path(), &number.to_string(), &film(&id, "A^A", "20200101", &uid).bytes());
    }
    let listing = listed(folder.path());
    assert_eq!((listing.films().count(), listing.patients.len()), (1000, 125));
}
