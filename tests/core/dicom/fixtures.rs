//! Files of encoders that are not ours (tests/scripts/make_dicom_fixtures.py).

use std::path::PathBuf;

use precedent_core::mammogram::Mammogram;
use sha2::{Digest, Sha256};

use super::{codes, reader, stored_values};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dicom")
}

/// File name, expected SHA-256 of the stored values, whether lossy.
fn expected() -> Vec<(String, String, bool)> {
    let table = std::fs::read_to_string(folder().join("expected.txt")).expect("it is committed");
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().expect("three words a line");
        (word(), word(), word() == "1")
    };
    table.lines().map(line).collect()
}

fn stored_sha256(film: &Mammogram) -> String {
    let bytes: Vec<u8> = stored_values(film).iter().flat_map(|v| v.to_le_bytes()).collect();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// DCT decoders may round differently; they are held to a tolerance below.
fn is_dct(name: &str) -> bool {
    ["jpeg_baseline", "jpeg_extended", "jpeg_xl_12_lossy"].iter().any(|dct| name.starts_with(dct))
}

#[test]
fn every_transfer_syntax_gives_the_very_values_that_were_encoded() {
    let mut reader = reader();
    let mut count = 0;
    for (name, sha256, lossy) in expected().into_iter().filter(|(name, ..)| !is_dct(name)) {
        let film = reader.read(&folder().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(stored_sha256(&film), sha256, "{name}");
        assert_eq!(film.lossy, lossy, "{name}");
        assert_eq!(codes(&film).contains(&"W-LOSSY"), lossy, "{name}");
        assert_eq!(codes(&film).contains(&"W-MULTIFRAME"), name.starts_with("three"), "{name}");
        count += 1;
    }
    assert!(count >= 50, "only {count} fixtures");
}

#[test]
fn dct_of_8_and_12_bits_is_within_one_of_libjpeg_turbo_or_libjxl() {
    let mut reader = reader();
    for (name, _, lossy) in expected().into_iter().filter(|(name, ..)| is_dct(name)) {
        let film = reader.read(&folder().join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let reference = std::fs::read(folder().join(name.replace(".dcm", ".ref")));
        let reference = reference.expect("it is committed");
        let (pairs, _) = reference.as_chunks::<2>();
        assert_eq!(pairs.len(), film.samples.len(), "{name}");
        let worst = pairs
            .iter()
            .zip(film.samples.iter())
            .map(|(bytes, sample)| u16::from_le_bytes(*bytes).abs_diff(*sample))
            .max();
        assert!(worst <= Some(1), "{name} differs by {worst:?}");
        assert!(film.lossy && lossy, "{name}");
    }
}

/// The real films beside the repository, where they are there.
#[test]
fn the_demonstration_films_open_as_what_they_are() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/demonstration");
    let mut reader = reader();
    for (name, side, view) in [
        ("LEFT_CC", "L", "CC"),
        ("LEFT_MLO", "L", "MLO"),
        ("RIGHT_CC", "R", "CC"),
        ("RIGHT_MLO", "R", "MLO"),
    ] {
        let film = reader.read(&folder.join(format!("{name}.dcm"))).expect("it ships");
        assert_eq!(film.image_laterality.map(|l| l.word()), Some(side));
        assert_eq!(film.view_position.map(|v| v.word()), Some(view));
        let spacing = film.spacing.expect("the sidecar states it");
        assert_eq!((spacing.row_spacing_mm, spacing.column_spacing_mm), (0.05, 0.05));
        assert_eq!(spacing.origin.unit(), "mm, film scanner");
        assert_eq!(codes(&film), ["W-VIEW-TEXT", "W-AUTO-WINDOW"]);
        let picture = film.default_display();
        let share = |keep: fn(&u8) -> bool| {
            picture.iter().filter(|v| keep(v)).count() as f64 / picture.len() as f64
        };
        assert!(share(|v| *v < 20) > 0.4, "{name}: the background is dark");
        assert!(share(|v| *v > 60 && *v < 250) > 0.08, "{name}: the breast has tones");
    }
}
