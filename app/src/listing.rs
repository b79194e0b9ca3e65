//! Which of the files in a folder are films: by their first bytes, or by their name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::state::name;

/// Files found, in the order of their names, and what was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub films: Vec<PathBuf>,
    /// Names of files in a folder that are no pictures.
    pub passed_over: Vec<String>,
}

/// A file named by the user is taken as it is, so that reading it says what is wrong with it; in a
/// folder only what looks like a film is taken. Folders within a folder are looked through as well.
pub fn list(paths: &[PathBuf]) -> Listing {
    let mut listing = Listing::default();
    for path in paths {
        if path.is_dir() {
            list_folder(path, 0, &mut listing);
        } else {
            listing.films.push(path.clone());
        }
    }
    listing
}

fn list_folder(folder: &Path, depth: usize, listing: &mut Listing) {
    // Deeper than any exported study; a link that leads back up ends here too.
    const MAX_DEPTH: usize = 8;
    let Ok(entries) = std::fs::read_dir(folder) else {
        listing.passed_over.push(format!("{} (cannot be opened)", name(folder)));
        return;
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if name(&path).starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if depth < MAX_DEPTH {
                list_folder(&path, depth + 1, listing);
            }
        } else if looks_like_a_film(&path) {
            listing.films.push(path);
        } else {
            listing.passed_over.push(name(&path));
        }
    }
}

fn looks_like_a_film(path: &Path) -> bool {
    let extension = path.extension().map(|ext| ext.to_string_lossy().to_ascii_lowercase());
    if matches!(extension.as_deref(), Some("dcm" | "dicom" | "dic" | "ima")) {
        return true;
    }
    if name(path).eq_ignore_ascii_case("DICOMDIR") {
        return false;
    }
    let mut start = Vec::new();
    let is_read = File::open(path).and_then(|file| file.take(132).read_to_end(&mut start)).is_ok();
    is_read
        && (start.get(128..132) == Some(b"DICM")
            || start.starts_with(b"\x89PNG\r\n\x1a\n")
            || start.starts_with(&[0xff, 0xd8, 0xff]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_films_and_names_the_rest() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let mut dicom = vec![0u8; 128];
        dicom.extend(b"DICM");
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        };
        write("b/IM0001", &dicom);
        write("a.png", b"\x89PNG\r\n\x1a\n....");
        write("report.txt", b"text");
        write("empty.dcm", b"");
        write("DICOMDIR", &dicom);
        write(".hidden", &dicom);
        let listing = list(&[dir.path().to_owned()]);
        assert_eq!(listing.films, ["a.png", "b/IM0001", "empty.dcm"].map(|n| dir.path().join(n)));
        assert_eq!(listing.passed_over, ["DICOMDIR", "report.txt"]);
    }

    #[test]
    fn a_file_named_by_the_user_is_never_passed_over() {
        let listing = list(&[PathBuf::from("nowhere/report.txt")]);
        assert_eq!(listing.films.len(), 1);
    }
}
