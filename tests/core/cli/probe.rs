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
