//! The few walls that the layout stands on, held by reading the source.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the core from the floor up; a module imports only from its own layer or below.
const LAYERS: &[&[&str]] = &[
    &["geometry", "lexicon", "descriptor", "progress", "places", "files", "terminal"],
    &["mammogram", "background", "region", "phantom", "voi_lut", "hanging", "measures", "case"],
    &["segmentation", "patch", "index", "structure_from_motion"],
    &["encoder", "library", "dicom"],
    &["import", "retrieval", "sheet"],
    &["evaluation", "training"],
];

/// Crates with a strong taste, and the only places that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("dicom_object", &["core/src/dicom"]),
    ("dicom_core", &["core/src/dicom"]),
    ("dicom_pixeldata", &["core/src/dicom"]),
    ("dicom_dictionary_std", &["core/src/dicom"]),
    ("dicom_encoding", &["core/src/dicom"]),
    ("burn", &["core/src/encoder", "core/src/training"]),
    ("kiddo", &["core/src/index.rs", "core/src/index"]),
    ("rusqlite", &["core/src/library.rs", "core/src/library"]),
    ("egui", &["app/src"]),
    ("eframe", &["app/src"]),
    ("wgpu", &["app/src", "core/src/encoder/device.rs"]),
    ("rfd", &["app/src"]),
];

#[test]
fn crates_with_a_strong_taste_stay_at_home() {
    for (path, text) in sources() {
        for (name, homes) in HOMES {
            let at_home = homes.iter().any(|home| path.starts_with(home));
            let named = text.lines().any(|line| names_crate(line, name));
            assert!(at_home || !named, "{} names {name}, whose home is {homes:?}", path.display());
        }
    }
}

#[test]
fn inside_the_core_imports_run_down_only() {
    let layer_of = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    for (path, text) in sources() {
        let Ok(inside) = path.strip_prefix("core/src") else { continue };
        let first = inside.components().next().expect("a source file has a name");
        let own = first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        if own == "bin" || own == "lib" {
            continue;
        }
        let own_layer = layer_of(&own)
            .unwrap_or_else(|| panic!("{own} has no place in LAYERS of tests/core/tidy.rs"));
        for used in text.lines().filter_map(|line| line.trim_start().strip_prefix("use crate::")) {
            let module: String =
                used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if let Some(layer) = layer_of(&module) {
                assert!(layer <= own_layer, "{} imports {module} from above", path.display());
            }
        }
    }
}

#[test]
fn colours_live_in_the_theme() {
    for (path, text) in sources() {
        if path.starts_with("app/src") && path.file_name().is_some_and(|name| name != "theme.rs") {
            for literal in ["Color32::from_rgb(", "Color32::from_gray(", "Color32::from_rgba"] {
                assert!(!text.contains(literal), "{} has a colour of its own", path.display());
            }
        }
    }
}

#[test]
fn the_command_line_prints_nothing_that_a_terminal_would_obey() {
    let home = Path::new("core/src/bin/precedent-cli/terminal.rs");
    for (path, text) in sources() {
        if path.starts_with("core/src/bin") && path != home {
            for word in ["write!(", "writeln!(", "to_writer(", "to_writer_pretty("] {
                assert!(!text.contains(word), "{} prints by {word}", path.display());
            }
        }
    }
}

#[test]
fn nothing_is_left_to_do_or_switched_off() {
    // Spelt in halves so that this file does not find itself.
    let words = [
        concat!("unimple", "mented!("),
        concat!("to", "do!("),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
    ];
    for (path, text) in sources() {
        for word in words {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}

/// Whether a line of code, comments aside, uses the crate `name`.
fn names_crate(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with("//") {
        return false;
    }
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// Every Rust source of the product: path from the repository's root, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("core/src"), root.join("app/src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder can be listed") {
            let path = entry.expect("a source entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).expect("a source is UTF-8");
                let path = path.strip_prefix(&root).expect("it is below the root").to_owned();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}
