//! Which device runs the trunk: a GPU that has proved itself in a child process, else the CPU.

use std::process::ExitCode;

/// The hidden first argument that turns any of our executables into the trial of a GPU.
pub const ARGUMENT: &str = "--gpu-trial";

/// Runs the trial where this process was started with [`ARGUMENT`].
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    None
}
