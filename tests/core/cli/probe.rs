//! `probe`: what a good file is said to be.

use sha2::{Digest, Sha256};

use super::{path_text, run, text};
use crate::dicom::file::{File, pixels};

#[test]
fn a_sound_film_is_described_without_its_patient() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let mut film = File::film();
    film.text((0x0010, 0x0010), "PN", "SECRET^NAME").text((0x0010, 0x0020), "LO", "SECRET7");
    std::fs::write(&path, film.bytes()).expect("the disk takes it");
    let output = run(&["probe", "--json", path_text(&path)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json = text(&output.stdout);
    assert!(!json.contains("SECRET"), "{json}");
    let report = &serde_json::from_str::<serde_json::Value>(&json).expect("it is JSON")[0];
    assert_eq!(report["state"], "shown");
    assert_eq!(report["reason"], serde_json::Value::Null);
    assert_eq!(report["attributes"]["rows"], 6);
    assert_eq!(report["attributes"]["image_laterality"], "R");
    assert_eq!(report["attributes"]["view_position"], "CC");
    assert_eq!(report["attributes"]["unit"], "mm at detector");
    assert_eq!(report["attributes"]["has_patient_id"], true);
    let hex = |bytes: Vec<u8>| -> String {
        Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
    };
    let stored = pixels().iter().flat_map(|v| i32::from(*v).to_le_bytes()).collect();
    assert_eq!(report["stored_sha256"], hex(stored));
    // Centre 2048, width 4096 over 12 bits: the identity, scaled to 8.
    let shown = pixels().iter().map(|v| (f64::from(*v) / 4095.0 * 255.0).round() as u8).collect();
    assert_eq!(report["displayed_sha256"], hex(shown));
    let plain = text(&run(&["probe", path_text(&path)]).stdout);
    assert!(plain.contains(": shown\n") && !plain.contains("SECRET"), "{plain}");
}

#[test]
fn a_doubt_is_a_caution_and_still_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let mut film = File::film();
    film.text((0x0020, 0x0060), "CS", "L");
    std::fs::write(&path, film.bytes()).expect("the disk takes it");
    let output = run(&["probe", path_text(&path)]);
    assert_eq!(output.status.code(), Some(0));
    let out = text(&output.stdout);
    assert!(out.contains(": caution\n") && out.contains("W-LATERALITY-CONFLICT"), "{out}");
}

#[test]
fn every_frame_counts_and_each_is_told_by_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let mut film = File::film();
    let frames: Vec<Vec<u16>> =
        (0..3).map(|i| pixels().iter().map(|value| value + i).collect()).collect();
    film.text((0x0028, 0x0008), "IS", "3").pixels(&frames.concat());
    std::fs::write(&path, film.bytes()).expect("the disk takes it");
    let output = run(&["probe", "--json", path_text(&path)]);
    let json = text(&output.stdout);
    let report = &serde_json::from_str::<serde_json::Value>(&json).expect("it is JSON")[0];
    let hash = |values: &[u16]| -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| i32::from(*v).to_le_bytes()).collect();
        Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
    };
    assert_eq!(report["stored_sha256"], hash(&frames.concat()));
    assert_eq!(report["attributes"]["number_of_frames"], 3);
    for (frame, values) in report["frames"].as_array().expect("a list").iter().zip(&frames) {
        assert_eq!(frame["stored_sha256"], hash(values));
    }
    let plain = text(&run(&["probe", path_text(&path)]).stdout);
    assert!(plain.contains("3 frames of 8 columns x 6 rows"), "{plain}");
}

#[test]
fn a_folder_is_listed_without_naming_anyone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, id) in [("1", "SECRET1"), ("2", "SECRET2"), ("sub/3", "SECRET2")] {
        let mut film = File::film();
        film.text((0x0010, 0x0020), "LO", id).text((0x0010, 0x0010), "PN", "SECRET^NAME");
        film.text((0x0008, 0x0018), "UI", &format!("1.2.{name}").replace("sub/", ""));
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, film.bytes()).expect("the disk takes it");
    }
    std::fs::write(folder.path().join("letter.txt"), b"Dear colleague").expect("it takes it");
    let output = run(&["probe", "--json", path_text(folder.path())]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json = text(&output.stdout);
    assert!(!json.contains("SECRET"), "{json}");
    let listed = &serde_json::from_str::<serde_json::Value>(&json).expect("it is JSON")[0];
    assert_eq!(listed["films"], 3);
    assert_eq!(listed["patients"][1]["studies"][0]["films"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["patients"][0]["studies"][0]["films"][0]["view_position"], "CC");
    let reason = listed["others"][0]["reason"].as_str().expect("a sentence");
    assert!(reason.contains("not a DICOM"), "{reason}");
    let plain = text(&run(&["probe", path_text(folder.path())]).stdout);
    assert!(plain.contains("3 films of 2 patients in 2 studies, 1 other files"), "{plain}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_hides_no_film_and_draws_no_line() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut film = File::film();
    let mut uid = 0;
    let mut write = |name: &[u8], film: &mut File| {
        uid += 1;
        film.text((0x0008, 0x0018), "UI", &format!("1.2.{uid}"));
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, film.bytes()).expect("the disk takes it");
        path
    };
    write(b"a.dcm", &mut film);
    // The window's name draws a line of its own too.
    film.text((0x0028, 0x1055), "LO", "soft\x1b[2J");
    let odd = write(b"\xff\xe4.dcm", &mut film);
    let false_line = write(b"b: shown\nc.dcm\x1b[1A\xc2\x9b", &mut film);
    let run = |arguments: &[&OsStr]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_precedent-cli"));
        command.arg("probe").args(arguments).output().expect("the program is built")
    };
    for (path, films) in [(folder.path(), Some(3)), (&odd, None), (&false_line, None)] {
        let output = run(&[OsStr::new("--json"), path.as_os_str()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let json = text(&output.stdout);
        assert!(!json.contains(|c: char| c.is_control() && c != '\n'), "{json:?}");
        let told: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        match films {
            Some(films) => assert_eq!(told[0]["films"], films),
            None => {
                assert!(["shown", "caution"].contains(&told[0]["state"].as_str().expect("a word")))
            }
        }
        let plain = text(&run(&[path.as_os_str()]).stdout);
        assert!(!plain.contains(|c: char| c.is_control() && c != '\n'), "{plain:?}");
        assert!(!plain.lines().any(|line| line.starts_with("c.dcm")), "{plain}");
    }
    let mark = ["outline", "--center", "4,3", "--radius-px", "2", "--json"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_precedent-cli"));
    let output = command.args(mark).arg(&odd).output().expect("the program is built");
    // Too small to be outlined, or outlined: said as text, or as JSON.
    let told = text(&output.stderr) + &text(&output.stdout);
    assert!(!told.contains("invalid UTF-8") && !told.contains("panicked"), "{told}");
    let gone = folder.path().join(OsStr::from_bytes(b"gone\n\x1b[2J"));
    let output = run(&[gone.as_os_str()]);
    let plain = text(&output.stdout);
    assert!(plain.lines().count() == 1 && plain.contains("gone\\n\\u{1b}[2J"), "{plain:?}");
}
