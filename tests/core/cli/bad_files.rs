//! A bad file is one sentence and exit code 1, whatever is wrong with it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{path_text, run, text};
use crate::dicom::file::{File, PIXEL_DATA};

/// Asks for the file; checks exit code, one sentence, no panic. Returns the sentence.
fn sentence_about(file: &Path) -> String {
    let output = run(&["probe", path_text(file)]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(err.is_empty(), "{err}");
    assert!(!out.contains("panicked"), "{out}");
    let first = out.lines().next().expect("a line").to_owned();
    assert!(first.starts_with(path_text(file)), "{first}");
    first
}

fn sentence_about_bytes(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("film.dcm");
    std::fs::write(&file, bytes).expect("the disk takes it");
    sentence_about(&file)
}

#[test]
fn empty_text_cut_and_foreign_files_are_told_apart() {
    assert!(sentence_about_bytes(b"").contains("the file is empty"));
    let letter = sentence_about_bytes(b"Dear colleague, thank you for the referral.");
    assert!(letter.contains("not a DICOM, PNG or JPEG file"), "{letter}");
    let whole = File::film().bytes();
    let cut = sentence_about_bytes(&whole[..whole.len() - 10]);
    assert!(cut.contains("metadata: the file is cut: 86 of 96 bytes"), "{cut}");
    let deeper = sentence_about_bytes(&whole[..200]);
    assert!(deeper.contains("the file is cut"), "{deeper}");
    let pdf = sentence_about_bytes(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<<>>\nendobj\n");
    assert!(pdf.contains("not a DICOM"), "{pdf}");
}

#[test]
fn what_is_no_file_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = sentence_about(&folder.path().join("missing.dcm"));
    assert!(missing.contains("cannot be opened"), "{missing}");
    // A pipe that nobody writes to is not waited for.
    let pipe = folder.path().join("pipe.dcm");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("a program of every Unix");
    assert!(made.success());
    let refused = sentence_about(&pipe);
    assert!(refused.contains("not a file"), "{refused}");
    let listed = run(&["probe", path_text(folder.path())]);
    assert!(text(&listed.stdout).contains("pipe.dcm"), "{}", text(&listed.stdout));
}

#[test]
fn a_claim_of_4_gib_and_a_deep_nest_are_refused_at_once() {
    let mut file = File::film();
    file.remove(PIXEL_DATA);
    let mut claim = file.bytes();
    claim.extend(file.element_head(PIXEL_DATA, "OW", 0xFFFF_FFF0));
    claim.resize(64 << 10, 7);
    let start = Instant::now();
    let sentence = sentence_about_bytes(&claim);
    assert!(sentence.contains("claim 4294967280 bytes"), "{sentence}");
    // Some milliseconds on a quiet machine; this one may be busy.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let open = [
        &[0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat();
    for depth in [2_000, 100_000] {
        let nest = sentence_about_bytes(&[file.bytes(), open.repeat(depth)].concat());
        assert!(nest.contains("nested more than 64 deep"), "{nest}");
    }
}

#[test]
fn one_bad_file_does_not_hide_the_good_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (good, bad) = (folder.path().join("good.dcm"), folder.path().join("bad.dcm"));
    std::fs::write(&good, File::film().bytes()).expect("the disk takes it");
    std::fs::write(&bad, b"bad").expect("the disk takes it");
    let output = run(&["probe", "--json", path_text(&bad), path_text(&good)]);
    assert_eq!(output.status.code(), Some(1));
    let reports: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!((&reports[0]["state"], &reports[1]["state"]), (&"refused".into(), &"shown".into()));
}
