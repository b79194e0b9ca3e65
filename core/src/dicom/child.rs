//! The decoding process: what is asked of it, its limits, its reply.

use std::process::ExitCode;

/// The hidden first argument that turns any of our executables into the decoding process.
pub const ARGUMENT: &str = "--decode-child";

/// Call first thing in every `main`: runs the child (decoder or GPU trial) when this process
/// was started as one and says how it ended; `None` in an ordinary start.
pub fn run_if_asked() -> Option<ExitCode> {
    None
}
