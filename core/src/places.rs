//! Where things lie: what ships with the program, and what belongs to the user.

use std::path::{Path, PathBuf};

/// The folder of what ships: `$PRECEDENT_ASSETS`, else `assets` or `share/precedent` beside the
/// executable (or one folder up), else the source tree this program was built from.
pub fn assets() -> PathBuf {
    if let Some(dir) = std::env::var_os("PRECEDENT_ASSETS") {
        return PathBuf::from(dir);
    }
    let executable = std::env::current_exe().ok();
    let beside = executable.as_deref().and_then(Path::parent);
    let candidates = beside.into_iter().chain(beside.and_then(Path::parent)).flat_map(|dir| {
        [dir.join("assets"), dir.join("share/precedent"), dir.join("Resources/assets")]
    });
    candidates
        .into_iter()
        .find(|dir| dir.join("encoders").is_dir())
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("assets"))
}

/// The encoder bundle used unless another is named.
pub fn default_bundle() -> PathBuf {
    assets().join("encoders/default")
}

/// The library of real cases that ships; opened read-only.
pub fn starter_library() -> PathBuf {
    assets().join("library")
}

/// The platform's folder for the user's libraries, bundles and journals; `None` without a home.
pub fn user_data() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "precedent").map(|dirs| dirs.data_dir().to_owned())
}

/// The platform's folder for settings, recent files and window layout.
pub fn user_config() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "precedent").map(|dirs| dirs.config_dir().to_owned())
}
