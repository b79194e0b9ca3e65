//! The program as a user starts it: what it prints, what it leaves behind, its exit code.

mod bad_files;
mod locale;
mod outline;
mod probe;
mod render;

use std::path::Path;
use std::process::{Command, Output};

/// Runs `precedent-cli` with these arguments.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .args(arguments)
        .output()
        .expect("the program is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it prints UTF-8")
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("the temporary folder has a plain name")
}
