//! Arguments, logging, the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = precedent_core::run_if_child() {
        return code;
    }
    ExitCode::SUCCESS
}
