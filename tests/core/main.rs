//! The integration tests of the core, one binary: whole paths, no window, no network.

mod cli;
mod corpus;
mod dicom;
mod doors;
mod encoder;
mod evaluation;
mod experiment;
mod find;
mod gestures;
mod import;
mod index;
mod library;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "the benches and the app's tests use the rest of it")]
mod memory;
mod neighbours;
mod outline;
mod phantom;
mod same_film;
mod structure_from_motion;
mod tidy;
mod training;

/// Says that a test could not be held here, and why; it passes.
fn skipped(why: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
