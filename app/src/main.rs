//! Arguments, logging, the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = precedent_core::dicom::child::run_if_asked() {
        return code;
    }
    ExitCode::SUCCESS
}
