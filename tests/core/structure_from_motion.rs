//! Two pictures of one thing, and of two: on drawn films whose truth is known, and on a real one
//! that two collections digitised.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::Pathology;
use precedent_core::library::Library;
use precedent_core::mammogram::{Mammogram, Spacing, SpacingOrigin};
use precedent_core::patch;
use precedent_core::phantom::Phantom;
use precedent_core::places;
use precedent_core::structure_from_motion::sift::{self, Feature, Settings};
use precedent_core::structure_from_motion::{
    Coded, PAPER_THRESHOLD, SAME_FILM, registered, same_film, shared_points,
};

use crate::library::reader;

/// The features of what the encoder sees of a circle, in mm.
fn seen(film: &Mammogram, center: (f64, f64), radius_mm: f64) -> Vec<Feature> {
    let spacing = film.spacing.expect("the film has a scale").mean_mm();
    let circle = Contour::circle(ImagePoint::new(center.0, center.1), radius_mm / spacing);
    sift::of_patch(&patch::extract(film, &circle))
}

fn drawn(seed: u64) -> Mammogram {
    Phantom::region().draw(seed).mammogram
}

/// Turned by a quarter, at another grey scale and depth.
pub(crate) fn turned(film: &Mammogram) -> Mammogram {
    let (columns, rows) = (film.columns as usize, film.rows as usize);
    let samples = (0..columns * rows)
        .map(|i| {
            let (column, row) = (i % rows, i / rows);
            film.samples[(rows - 1 - column) * columns + row] * 3 + 7
        })
        .collect();
    Mammogram {
        rows: film.columns,
        columns: film.rows,
        samples: Arc::new(samples),
        bits_stored: 16,
        ..film.clone()
    }
}

/// As in a mirror.
pub(crate) fn mirrored(film: &Mammogram) -> Mammogram {
    let columns = film.columns as usize;
    let samples = film.samples.chunks(columns).flat_map(|row| row.iter().rev().copied());
    Mammogram { samples: Arc::new(samples.collect()), ..film.clone() }
}

#[test]
fn a_film_turned_and_cut_otherwise_is_the_same_and_strangers_are_not() {
    let film = drawn(1);
    let (width, height) = (f64::from(film.columns), f64::from(film.rows));
    let here = (width * 0.5, height * 0.5);
    let one = seen(&film, here, 8.0);
    // A quarter turn takes (x, y) to (height - y, x); the circle is larger and a little aside.
    let there = (height - here.1 + 6.0, here.0 - 9.0);
    let other = seen(&turned(&film), there, 9.5);
    let [a, b] = [&one, &other].map(|features| Coded::of(features));
    let shared = shared_points(&a, &b, 3);
    assert!(same_film(&shared), "{shared:?}");

    // Where the middle of one patch lies in the other, in pixels of 24 and 28.5 mm over 224.
    let spacing = film.spacing.expect("a phantom has a scale").mean_mm();
    let (homography, agreed) = registered(&a, &b, 3).expect("it is one film");
    assert!(agreed.len() >= SAME_FILM);
    let scale = 224.0 / 28.5 * spacing;
    let expected = [112.0 - 6.0 * scale, 112.0 + 9.0 * scale];
    let m = homography.there;
    let [x, y, w] = [0, 1, 2].map(|i| m[i][0] * 112.0 + m[i][1] * 112.0 + m[i][2]);
    let miss = (x / w - expected[0]).hypot(y / w - expected[1]);
    assert!(miss < 1.0, "{miss} pixels from where it is");

    for seed in 2..6 {
        let stranger = Coded::of(&seen(&drawn(seed), here, 8.0));
        let shared = shared_points(&a, &stranger, 3);
        assert!(!same_film(&shared) && shared.triangulated < PAPER_THRESHOLD, "{shared:?}");
    }
}

#[test]
fn a_whole_film_is_known_again() {
    let film = drawn(7);
    let features = |film: &Mammogram| Coded::of(&sift::of_film(film, &Settings::STANDARD));
    let [a, b, c] = [film.clone(), turned(&film), drawn(8)].map(|film| features(&film));
    let shared = shared_points(&a, &b, 1);
    assert!(same_film(&shared), "{shared:?}");
    assert!(!same_film(&shared_points(&a, &c, 1)));
}

#[test]
fn a_real_film_is_known_again_in_the_other_collections_copy() {
    let assets = places::assets();
    let roi = assets.join("starter/films/ddsm_roi/usf0386_RCC_L1_MS_B.jpg");
    let mut reader = reader();
    let mut read = |path: &Path| {
        let film = reader.read(path).expect("it ships with the program");
        let spacing = Spacing::square(0.05, SpacingOrigin::FilmScanner);
        Mammogram { spacing: Some(spacing), ..film }
    };
    // The same mass, in pixels of either file; one circle is drawn larger.
    let ddsm = Coded::of(&seen(&read(&roi), (500.0, 500.0), 7.0));
    let cbis = read(&assets.join("demonstration/RIGHT_CC.dcm"));
    let cbis = Coded::of(&seen(&cbis, (2640.0, 2590.0), 8.0));
    let shared = shared_points(&ddsm, &cbis, 0);
    assert!(same_film(&shared) && shared.triangulated >= PAPER_THRESHOLD, "{shared:?}");

    let stranger = read(&assets.join("starter/films/ddsm_roi/usf0380_LMLO_L1_MS_B.jpg"));
    let stranger = Coded::of(&seen(&stranger, (500.0, 500.0), 7.0));
    let shared = shared_points(&ddsm, &stranger, 0);
    assert!(shared.homography < 15 && shared.triangulated < 20, "{shared:?}");
}

#[test]
fn what_it_labels_is_measured_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut rows = "file,patients,pathology,outcome_basis,source,region,pixel_mm\n".to_owned();
    for (number, class) in ["malignant", "benign", "malignant"].into_iter().enumerate() {
        let film = drawn(number as u64);
        let picture = precedent_core::library::Picture::png(&film).expect("it is a picture");
        fs::write(folder.path().join(format!("{number}.png")), picture.bytes).expect("room");
        let (x, y) = (f64::from(film.columns) / 2.0, f64::from(film.rows) / 2.0);
        let spacing = film.spacing.expect("a phantom has a scale").mean_mm();
        let circle = format!("circle {x} {y} {}", 8.0 / spacing);
        rows += &format!("{number}.png,P{number},{class},drawn,phantoms,{circle},{spacing}\n");
    }
    // The first film again, under another name.
    rows += &rows.lines().nth(1).expect("a row").replace("P0", "P9");
    fs::write(folder.path().join("manifest.csv"), rows + "\n").expect("room");
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .current_dir(folder.path())
            .args(["evaluate", "matching", "--manifest", "manifest.csv", "--out", "found.json"])
            .output()
            .expect("the program starts");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        fs::read(folder.path().join("found.json")).expect("it was written")
    };
    let bytes = run();
    let found: serde_json::Value = serde_json::from_slice(&bytes).expect("it is JSON");
    let row = |kind: &str| {
        let rows = found["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["kind"] == kind).expect("every kind has a row").clone()
    };
    for kind in ["turned", "coarser"] {
        assert_eq!(
            (row(kind)["pairs"].as_u64(), row(kind)["same_film"].as_u64()),
            (Some(4), Some(4))
        );
        let right = row(kind)["rightly_placed"].as_f64().expect("it is known");
        assert!(right > 0.97, "{kind}: {right}");
    }
    // The first and the last are one film; of the five other pairs two are of one class.
    let pairs = |kind: &str| row(kind)["pairs"].as_u64().expect("a count");
    assert_eq!([pairs("same-film"), pairs("same-class"), pairs("other-class")], [1, 2, 3]);
    assert_eq!(
        [row("same-class"), row("other-class")].map(|r| r["same_film"].as_u64()),
        [Some(0); 2]
    );
    let leaks = found["leaks"].as_array().expect("a list");
    assert_eq!(leaks.len(), 1);
    assert_eq!((&leaks[0]["same_film"], &leaks[0]["same_patient"]), (&true.into(), &false.into()));
    assert_eq!(run(), bytes, "the seed decides everything");
}

#[test]
fn the_shipped_library_has_no_film_twice() {
    let library = Library::open_read_only(&places::assets().join("library")).expect("it ships");
    let pictures = library.pictures().expect("it is sound");
    let contents = library.contents().expect("it is sound");
    let masses = contents.cases.iter().zip(&contents.patients);
    let (features, patients): (Vec<_>, Vec<_>) = masses
        .filter(|(case, _)| case.pathology == Pathology::Malignant)
        .map(|(case, patient)| {
            let film = pictures.film(case).expect("it is sound");
            (sift::of_patch(&patch::extract(&film, &case.contour)), *patient)
        })
        .unzip();
    let go_on = &mut |_| ControlFlow::Continue(());
    let leaks = precedent_core::structure_from_motion::leaks(&features, &patients, 0, go_on);
    assert_eq!(leaks, Ok(Vec::new()));
}
