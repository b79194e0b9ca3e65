//! The decoding process: what is asked of it, its limits, its reply.

use std::process::ExitCode;

/// The hidden first argument that turns any of our executables into the decoding process.
pub const ARGUMENT: &str = "--decode-child";

/// Runs the decoder where this process was started with [`ARGUMENT`].
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    None
}
