//! DICOMDIRs: the files that they list and nothing outside, each held against what is listed.

use std::path::Path;

use super::file::{EXPLICIT, File};
use super::listing::{film, listed, write};

fn record(kind: &str, file_id: &str) -> File {
    let mut record = File::empty();
    record.text((0x0004, 0x1430), "CS", kind);
    if !file_id.is_empty() {
        record.text((0x0004, 0x1500), "CS", file_id);
    }
    record
}

/// A DICOMDIR of these records, and where each begins in it.
fn directory_of(records: &[File]) -> (Vec<u8>, Vec<u32>) {
    let mut file = File::empty();
    file.syntax = EXPLICIT;
    let (mut items, mut starts) = (Vec::new(), Vec::new());
    for record in records {
        // Behind the header and the head of the sequence, of 12 bytes.
        starts.push((file.header().len() + 12 + items.len()) as u32);
        items.extend(file.item(record));
    }
    file.set((0x0004, 0x1220), "SQ", items);
    (file.bytes(), starts)
}

/// A DICOMDIR of these records: type, file id.
fn directory(records: &[(&str, &str)]) -> Vec<u8> {
    let records: Vec<File> = records.iter().map(|(kind, id)| record(kind, id)).collect();
    directory_of(&records).0
}

/// The same with a tree (PS3.3 F.3.2.2): each record's next one and first one below, from 1; 0 for
/// none.
fn directory_with(records: &[(File, usize, usize)]) -> Vec<u8> {
    let linked = |starts: &[u32]| -> Vec<File> {
        let at = |number: &usize| number.checked_sub(1).map_or(0, |idx| starts[idx]);
        let record = |(record, next, lower): &(File, usize, usize)| {
            let mut record = record.clone();
            record.set((0x0004, 0x1400), "UL", at(next).to_le_bytes().to_vec());
            record.set((0x0004, 0x1420), "UL", at(lower).to_le_bytes().to_vec());
            record
        };
        records.iter().map(record).collect()
    };
    let (_, starts) = directory_of(&linked(&vec![0; records.len()]));
    directory_of(&linked(&starts)).0
}

fn patient(id: &str) -> File {
    let mut record = record("PATIENT", "");
    record.text((0x0010, 0x0020), "LO", id);
    record
}

/// Each film's name and codes, and the reasons of the others.
fn told_of(medium: &Path, directory: &[u8]) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let listing = listed(&write(medium, "DICOMDIR", directory));
    let name = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    let codes = listing.films().map(|film| {
        let cautions = &film.attributes.cautions;
        (name(&film.path), cautions.iter().map(|c| format!("{} {}", c.code, c.text)).collect())
    });
    let mut codes: Vec<_> = codes.collect();
    codes.sort();
    (codes, listing.others.iter().map(|other| other.reason.clone()).collect())
}

#[test]
fn what_a_dicomdir_has_taken_off_its_list_is_no_film_of_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, id, uid) in [("A1", "A", "1.1"), ("A2", "A", "1.2"), ("B1", "B", "1.3")] {
        write(folder.path(), name, &film(id, id, "20200101", uid).bytes());
    }
    let off = |mut record: File| {
        record.short((0x0004, 0x1410), 0);
        record
    };
    let mut kept = record("IMAGE", "A1");
    kept.short((0x0004, 0x1410), 0xFFFF);
    let records = [
        (patient("A"), 2, 3),
        (off(patient("B")), 0, 5),
        (kept, 4, 0),
        (off(record("IMAGE", "A2")), 6, 0),
        (record("IMAGE", "B1"), 0, 0),
        (off(record("IMAGE", "GONE")), 0, 0),
    ];
    let (films, reasons) = told_of(folder.path(), &directory_with(&records));
    assert_eq!(films, [("A1".to_owned(), Vec::new())]);
    // A2 itself, and B1 below a patient who was taken off.
    assert!(
        reasons.len() == 2 && reasons.iter().all(|r| r.contains("RecordInUseFlag")),
        "{reasons:?}"
    );
}

#[test]
fn a_film_under_another_patient_or_instance_of_a_dicomdir_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (id, uid) in [("A", "1.1"), ("B", "1.2")] {
        write(folder.path(), id, &film(id, id, "20200101", uid).bytes());
    }
    let conflict = |(_, codes): &(String, Vec<String>)| -> Vec<bool> {
        codes.iter().map(|code| code.starts_with("W-DICOMDIR-CONFLICT")).collect()
    };
    let image = |name: &str, uid: &str| {
        let mut record = record("IMAGE", name);
        record.text((0x0004, 0x1511), "UI", uid);
        record
    };
    // B's film was added last, and A's is listed behind B: only the tree tells whose they are.
    let (a, b) = ((image("A", "1.1"), 0, 0), (image("B", "1.2"), 0, 0));
    let sound = directory_with(&[(patient("A"), 2, 3), (patient("B"), 0, 4), a.clone(), b.clone()]);
    let (films, _) = told_of(folder.path(), &sound);
    assert!(films.len() == 2 && films.iter().all(|film| film.1.is_empty()), "{films:?}");
    let swapped = directory_with(&[(patient("A"), 2, 4), (patient("B"), 0, 3), a, b]);
    let (films, _) = told_of(folder.path(), &swapped);
    assert!(films.iter().all(|film| conflict(film) == [true]), "{films:?}");
    // Without a tree, nobody of the medium.
    let (bytes, _) = directory_of(&[patient("C"), image("A", "9.9")]);
    let (films, _) = told_of(folder.path(), &bytes);
    assert_eq!(conflict(&films[0]), [true, true], "{films:?}");
    // In a circle.
    let circle = directory_with(&[(patient("A"), 1, 1), (image("A", "1.1"), 2, 1)]);
    assert_eq!(told_of(folder.path(), &circle).0.len(), 1);
}

#[test]
fn what_a_dicomdir_writes_in_its_own_way_is_found_or_has_its_true_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, uid) in [("SUB/IM1", "1.1"), ("IM2", "1.2"), ("IM3", "1.3"), ("IM4", "1.4")] {
        write(folder.path(), name, &film("A", "A", "20200101", uid).bytes());
    }
    let bytes = directory(&[
        ("IMAGE", "SUB/IM1"),
        ("IMAGE", "IM2\\"),
        ("image", "IM3"),
        // A record that others refer to, retired since 2004.
        ("MRDR", "IM4"),
        ("IMAGE", ".\\IM4"),
        ("", "IM4"),
        ("IMAGE", "/IM4"),
    ]);
    let (films, reasons) = told_of(folder.path(), &bytes);
    let codes: Vec<(&str, usize)> =
        films.iter().map(|(name, codes)| (name.as_str(), codes.len())).collect();
    assert_eq!(codes, [("IM1", 1), ("IM2", 1), ("IM3", 1), ("IM4", 0)]);
    assert!(films[..3].iter().all(|film| film.1[0].starts_with("W-DICOMDIR ")), "{films:?}");
    let expected = ["outside its folder", "no file's", "does not say what it is"];
    for word in expected {
        assert_eq!(reasons.iter().filter(|r| r.contains(word)).count(), 1, "{word}: {reasons:?}");
    }
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
