//! Folders and media: films by patient and study, everything else named, nothing outside opened.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use precedent_core::dicom::listing::{Listing, list};

use super::file::{EXPLICIT, File, PIXEL_DATA};
use super::reader;

fn listed(path: &Path) -> Listing {
    match list(&mut reader(), &[path.to_owned()], &mut |_| ControlFlow::Continue(())) {
        ControlFlow::Continue(listing) => listing,
        ControlFlow::Break(()) => panic!("nobody stopped it"),
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("made");
    std::fs::write(&path, bytes).expect("written");
    path
}

fn film(id: &str, name: &str, date: &str, uid: &str) -> File {
    let mut file = File::film();
    file.text((0x0010, 0x0020), "LO", id).text((0x0010, 0x0010), "PN", name);
    file.text((0x0008, 0x0020), "DA", date).text((0x0008, 0x0018), "UI", uid);
    file.text((0x0020, 0x000D), "UI", date);
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

/// A DICOMDIR of these records: type, file id.
fn directory(records: &[(&str, &str)]) -> Vec<u8> {
    let mut file = File::empty();
    file.syntax = EXPLICIT;
    let mut items = Vec::new();
    for (kind, file_id) in records {
        let mut record = File::empty();
        record.text((0x0004, 0x1430), "CS", kind);
        if !file_id.is_empty() {
            record.text((0x0004, 0x1500), "CS", file_id);
        }
        items.extend(file.item(&record));
    }
    file.set((0x0004, 0x1220), "SQ", items);
    file.bytes()
}

#[test]
fn a_dicomdir_gives_its_files_and_nothing_outside_its_root() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("medium");
    let sound = |uid| film("1", "A^A", "20200101", uid).bytes();
    // Written in lower case, with an extension, with a version: E3.
    write(&root, "DICOM/IM1", &sound("1.1"));
    write(&root, "dicom2/im2", &sound("1.2"));
    write(&root, "DICOM/IM3.dcm", &sound("1.3"));
    write(&root, "DICOM/IM4.;1", &sound("1.4"));
    write(&root, "DICOM/SR1", b"report");
    write(folder.path(), "SECRET", &sound("6.6"));
    let absolute = folder.path().join("SECRET").to_string_lossy().replace('/', "\\");
    let path = write(
        &root,
        "DICOMDIR",
        &directory(&[
            ("PATIENT", ""),
            ("IMAGE", "DICOM\\IM1"),
            ("IMAGE", "DICOM2\\IM2"),
            ("IMAGE", "DICOM\\IM3"),
            ("IMAGE", "DICOM\\IM4"),
            ("IMAGE", "DICOM\\IM1"),
            ("IMAGE", "DICOM\\GONE"),
            ("SR DOCUMENT", "DICOM\\SR1"),
            ("IMAGE", "..\\SECRET"),
            ("IMAGE", "DICOM\\..\\..\\SECRET"),
            ("IMAGE", "../SECRET"),
            ("IMAGE", &absolute),
        ]),
    );
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("SECRET"), root.join("LINK")).expect("a link");
    let listing = listed(&path);
    assert_eq!(listing.films().count(), 4, "{:?}", listing.others);
    let reasons: Vec<String> = listing.others.into_iter().map(|other| other.reason).collect();
    assert_eq!(reasons.iter().filter(|r| r.contains("outside")).count(), 4, "{reasons:?}");
    assert_eq!(reasons.iter().filter(|r| r.contains("not there")).count(), 1);
    assert_eq!(reasons.iter().filter(|r| r.contains("SR DOCUMENT")).count(), 1);
    // In a folder that is listed the directory is one of the others.
    let others: Vec<String> = listed(&root).others.into_iter().map(|o| o.reason).collect();
    assert!(others.iter().any(|reason| reason.contains("DICOMDIR")), "{others:?}");
    #[cfg(unix)]
    {
        let linked = write(&root, "DICOMDIR", &directory(&[("IMAGE", "LINK")]));
        let reasons: Vec<String> = listed(&linked).others.into_iter().map(|o| o.reason).collect();
        assert!(reasons.len() == 1 && reasons[0].contains("outside"), "{reasons:?}");
    }
}

#[test]
fn ten_thousand_records_are_looked_for_in_one_listing_of_their_folder() {
    const RECORDS: usize = 10_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    // Every fifth is there, in small letters; the others are missing, or lead out.
    let id = |number: usize| match number % 5 {
        4 => format!("..\\IM{number}"),
        _ => format!("DICOM\\IM{number}"),
    };
    let there: Vec<usize> = (0..RECORDS).step_by(5).collect();
    for number in &there {
        let uid = format!("1.{number}");
        let film = film("1", "A^A", "20200101", &uid).bytes();
        write(root, &format!("dicom/im{number}"), &film);
    }
    let ids: Vec<String> = (0..RECORDS).map(id).collect();
    let records: Vec<(&str, &str)> = ids.iter().map(|id| ("IMAGE", id.as_str())).collect();
    let path = write(root, "DICOMDIR", &directory(&records));
    let start = std::time::Instant::now();
    let listing = listed(&path);
    assert_eq!(listing.films().count(), there.len());
    let count = |word: &str| listing.others.iter().filter(|o| o.reason.contains(word)).count();
    assert_eq!((count("not there"), count("outside")), (RECORDS * 3 / 5, RECORDS / 5));
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
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
