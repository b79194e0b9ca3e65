//! The decoding process: what it costs when it breaks, and that it never outlives its parent.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use precedent_core::dicom::{DecoderError, Error, Reader};

use super::file::File;
use super::read_with;

const PROGRAM: &str = env!("CARGO_BIN_EXE_precedent-cli");

fn script(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("decoder");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("the disk takes it");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("it is ours");
    path
}

#[test]
fn a_process_that_hangs_is_killed_at_the_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = script(folder.path(), "exec sleep 60");
    let mut reader = Reader::with_program(program).with_time_limit(Duration::from_millis(200));
    let start = Instant::now();
    let error = read_with(&mut reader, &File::film().bytes()).expect_err("it never answers");
    assert!(matches!(error, Error::Decoder(DecoderError::TooLong { .. })), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_read_that_is_stopped_ends_at_once_and_goes_on_when_told() {
    // E9: the limit is a minute, nobody waits for it.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let body = format!(
        "if [ ! -e {0}/sound ]; then touch {0}/1; exec sleep 60; fi\nexec {PROGRAM} \"$@\"",
        folder.path().display()
    );
    let mut reader = Reader::with_program(script(folder.path(), &body));
    let stop = reader.stop();
    let film = File::film().bytes();
    let asked = std::thread::spawn({
        let (stop, started) = (stop.clone(), folder.path().join("1"));
        move || {
            while !started.exists() {
                std::thread::sleep(Duration::from_millis(2));
            }
            let asked = Instant::now();
            stop.now();
            asked
        }
    });
    let error = read_with(&mut reader, &film).expect_err("it was stopped");
    let asked = asked.join().expect("it asks once");
    assert!(matches!(error, Error::Decoder(DecoderError::Stopped)), "{error}");
    read_with(&mut reader, &film).expect_err("nobody told it to go on");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    stop.go_on();
    std::fs::write(folder.path().join("sound"), "").expect("the disk takes it");
    read_with(&mut reader, &film).expect("a new process is sound");
}

#[test]
fn a_process_that_breaks_down_or_talks_nonsense_costs_one_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let body = format!(
        "if [ ! -e {0}/1 ]; then touch {0}/1; kill -SEGV $$; fi\n\
         if [ ! -e {0}/2 ]; then touch {0}/2; cat; fi\n\
         if [ ! -e {0}/3 ]; then touch {0}/3; head -c 99999 /dev/zero; fi\n\
         exec {PROGRAM} \"$@\"",
        folder.path().display()
    );
    let mut reader =
        Reader::with_program(script(folder.path(), &body)).with_time_limit(Duration::from_secs(20));
    let film = File::film().bytes();
    for _ in 0..3 {
        let error = read_with(&mut reader, &film).expect_err("the process is broken");
        assert!(matches!(error, Error::Decoder(_)), "{error}");
    }
    read_with(&mut reader, &film).expect("the fourth process is sound");
}

#[test]
fn a_warm_process_that_was_killed_is_replaced_unnoticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pid_file = folder.path().join("pid");
    let body = format!("echo $$ > {}\nexec {PROGRAM} \"$@\"", pid_file.display());
    let mut reader = Reader::with_program(script(folder.path(), &body));
    let film = File::film().bytes();
    read_with(&mut reader, &film).expect("a first time");
    let pid = std::fs::read_to_string(&pid_file).expect("the script wrote it");
    let killed = Command::new("kill").args(["-9", pid.trim()]).status().expect("kill is there");
    assert!(killed.success());
    read_with(&mut reader, &film).expect("a second time, by a new process");
}

#[test]
fn a_missing_program_is_one_sentence() {
    let mut reader = Reader::with_program("/nowhere/decoder");
    let error = read_with(&mut reader, &File::film().bytes()).expect_err("it is not there");
    assert!(error.to_string().contains("/nowhere/decoder"), "{error}");
}

#[test]
fn the_process_ends_when_its_parent_does() {
    let mut child = Command::new(PROGRAM)
        .arg("--decode-child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is built");
    // The end of its input is all that it sees of a parent's death.
    drop(child.stdin.take());
    let start = Instant::now();
    while child.try_wait().expect("it is ours").is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "it lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}
