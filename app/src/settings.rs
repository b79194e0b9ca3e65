//! What is kept between runs: recent films, library, encoder, device, the window's layout.
//!
//! A damaged or missing file is an empty one: settings never keep the program from starting.

use std::path::{Path, PathBuf};

use precedent_core::encoder::DeviceChoice;
use precedent_core::files;
use serde::{Deserialize, Serialize};

const FILE: &str = "settings.toml";
const NUM_RECENT: usize = 12;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Newest first.
    pub recent: Vec<PathBuf>,
    /// `None`: the starter library.
    #[serde(skip_serializing_if = "is_no_text")]
    pub library: Option<PathBuf>,
    /// `None`: the encoder that ships.
    #[serde(skip_serializing_if = "is_no_text")]
    pub encoder: Option<PathBuf>,
    pub device: DeviceChoice,
    pub lanes: bool,
    /// The fold with the texture inside the outline.
    pub texture_is_open: bool,
    pub window: Option<WindowLayout>,
}

/// The program's window, in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowLayout {
    pub width: f32,
    pub height: f32,
    pub is_maximized: bool,
    pub inspector_width: f32,
    pub gallery_width: f32,
}

impl Settings {
    /// From the folder's file; the default where there is none that can be read.
    pub fn load(dir: &Path) -> Self {
        let Ok(text) = std::fs::read_to_string(dir.join(FILE)) else { return Self::default() };
        toml::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!("the settings cannot be read and start afresh: {error}");
            Self::default()
        })
    }

    /// Into the folder, whole or not at all.
    pub fn save(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let text = toml::to_string_pretty(self).map_err(std::io::Error::other)?;
        files::write_whole(&dir.join(FILE), text.as_bytes())
    }

    pub fn remember(&mut self, path: &Path) {
        // With one name that is no text nothing could be saved any more.
        if path.to_str().is_none() {
            return;
        }
        self.recent.retain(|known| known != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(NUM_RECENT);
    }
}

/// Whether a path cannot stand in a file of text, or there is none.
fn is_no_text(path: &Option<PathBuf>) -> bool {
    path.as_ref().is_none_or(|path| path.to_str().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_does_not_keep_the_others_from_being_saved() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"/films/\xff\xe4.dcm"));
        let library = Some(odd.to_owned());
        let mut settings = Settings { lanes: true, library, ..Settings::default() };
        settings.remember(odd);
        settings.remember(Path::new("/films/one.dcm"));
        settings.save(dir.path()).expect("the folder can be written");
        let loaded = Settings::load(dir.path());
        assert_eq!((loaded.recent.len(), loaded.lanes, loaded.library), (1, true, None));
    }

    #[test]
    fn what_is_saved_is_loaded_again() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let mut settings = Settings { lanes: true, ..Settings::default() };
        settings.remember(Path::new("/films/é one.dcm"));
        settings.window = Some(WindowLayout {
            width: 1280.0,
            height: 800.5,
            is_maximized: false,
            inspector_width: 250.0,
            gallery_width: 500.0,
        });
        settings.save(dir.path()).expect("the folder can be written");
        assert_eq!(Settings::load(dir.path()), settings);
        assert_eq!(std::fs::read_dir(dir.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_damaged_file_is_an_empty_one() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(dir.path().join(FILE), "recent = [3, ").expect("it can be written");
        assert_eq!(Settings::load(dir.path()), Settings::default());
    }

    #[test]
    fn a_film_opened_again_moves_to_the_top() {
        let mut settings = Settings::default();
        for name in ["a", "b", "c", "a"] {
            settings.remember(Path::new(name));
        }
        assert_eq!(settings.recent, ["a", "c", "b"].map(PathBuf::from));
    }
}
