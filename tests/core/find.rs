//! The whole path: from a film and a contour to neighbours, in the program and through it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use precedent_core::encoder::DeviceChoice;
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::{BreastDensity, Pathology, ViewPosition};
use precedent_core::mammogram::{Mammogram, Spacing, SpacingOrigin};
use precedent_core::retrieval::{Neighbour, Neighbours, Query, Retriever};
use precedent_core::{patch, places};
use serde_json::Value;

use crate::library::{Bench, reader};

const CASES: usize = 12;

fn open(bench: &Bench) -> Retriever {
    Retriever::open(&bench.library(), &bench.tiny.bundle(), DeviceChoice::Cpu)
        .expect("a library and its encoder")
}

/// A film that is in no library, and a contour on it.
fn stranger(bench: &Bench) -> (Mammogram, Contour) {
    let mut film = reader().read(&bench.film(0)).expect("our own film");
    let mut samples = film.samples.to_vec();
    samples[0] ^= 1;
    film.samples = samples.into();
    film.content_hash = [7; 32];
    film.spacing = Some(Spacing::square(0.25, SpacingOrigin::FilmScanner));
    (film, Contour::circle(ImagePoint::new(80.0, 80.0), 20.0))
}

fn all(neighbours: &Neighbours) -> Vec<&Neighbour> {
    neighbours.lists.iter().flat_map(|(_, list)| list).collect()
}

fn codes(neighbours: &Neighbours) -> Vec<&str> {
    neighbours.cautions.iter().map(|caution| caution.code.as_str()).collect()
}

#[test]
fn the_nearest_are_those_that_describing_each_picture_again_finds() {
    let bench = Bench::filled(CASES);
    let retriever = open(&bench);
    let (film, contour) = stranger(&bench);
    let found = retriever.retrieve(&film, &contour, &Query::default()).expect("an answer");
    assert_eq!(found.film_hash, film.content_hash, "an answer belongs to its film");
    assert_eq!(found.num_own_cases, 0);

    let encoder = bench.encoder();
    let describe = |film: &Mammogram, contour: &Contour| {
        encoder.describe(&[patch::extract(film, contour)]).expect("a described region").remove(0)
    };
    let asked = describe(&film, &contour);
    let mut expected: Vec<(f32, usize)> = retriever
        .cases()
        .iter()
        .enumerate()
        .map(|(case_idx, case)| {
            let picture = retriever.picture(&case.id).expect("a sound picture");
            (asked.distance(&describe(&picture, &case.contour)), case_idx)
        })
        .collect();
    expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let list = all(&found);
    assert_eq!(list.len(), 10);
    for (rank, (neighbour, (distance, case_idx))) in list.iter().zip(expected).enumerate() {
        assert_eq!(neighbour.rank, rank + 1);
        assert_eq!(neighbour.case, retriever.cases()[case_idx]);
        assert_eq!(neighbour.distance, distance);
        let shares: f32 = neighbour.shares.iter().map(|(_, share)| share).sum();
        assert!((shares - 1.0).abs() < 1e-5);
    }
    let again = retriever.retrieve(&film, &contour, &Query::default()).expect("an answer");
    assert_eq!(again.lists, found.lists);
}

#[test]
fn a_patients_own_cases_never_answer_by_any_of_her_names_or_by_the_film_itself() {
    let bench = Bench::filled(CASES);
    let retriever = open(&bench);
    let (mut film, contour) = stranger(&bench);
    let everything = Query { k: CASES, ..Query::default() };
    let found =
        |film: &Mammogram| retriever.retrieve(film, &contour, &everything).expect("an answer");

    let unnamed = found(&film);
    assert_eq!(all(&unnamed).len(), CASES);
    assert!(codes(&unnamed).contains(&"W-NO-PATIENT"));

    // Films 2 and 3 are of the patient known as P1, "study 2" and "study 3".
    let ids: Vec<_> = retriever.cases()[2..4].iter().map(|case| case.id.clone()).collect();
    for name in ["P1", " p1 ", "study 2", "study 3"] {
        film.patient_id = Some(name.to_owned());
        let named = found(&film);
        assert_eq!((named.num_own_cases, all(&named).len()), (2, CASES - 2), "{name}");
        assert!(all(&named).iter().all(|n| !ids.contains(&n.case.id)));
        assert!(!codes(&named).contains(&"W-NO-PATIENT"));
    }
    film.patient_id = Some("somebody else".to_owned());
    assert_eq!(found(&film).num_own_cases, 0);
    film.other_patient_ids = vec!["OLD".to_owned(), "P1".to_owned()];
    assert_eq!(found(&film).num_own_cases, 2, "by an earlier number");
    film.other_patient_ids.clear();
    film.patient_id = Some("  ".to_owned());
    assert!(codes(&found(&film)).contains(&"W-NO-PATIENT"));

    let own_film = reader().read(&bench.film(3)).expect("our own film");
    assert_eq!(found(&own_film).num_own_cases, 2, "known by its pixels");
    let stored = retriever.picture(&ids[0]).expect("a sound picture");
    assert_eq!(found(&stored).num_own_cases, 2, "known as a stored picture");
}

#[test]
fn filters_and_lanes_admit_exactly_what_was_asked() {
    let bench = Bench::filled(CASES);
    let retriever = open(&bench);
    let (film, contour) = stranger(&bench);
    let ask = |query: &Query| retriever.retrieve(&film, &contour, query).expect("an answer");
    let k = CASES;

    let lanes = ask(&Query { k: 2, lanes: true, ..Query::default() });
    let names: Vec<_> = lanes.lists.iter().map(|(pathology, _)| *pathology).collect();
    assert_eq!(names, Pathology::ALL.iter().copied().map(Some).collect::<Vec<_>>());
    for (pathology, list) in &lanes.lists {
        assert_eq!(list.iter().map(|n| n.rank).collect::<Vec<_>>(), [1, 2]);
        assert!(list.iter().all(|n| Some(n.case.pathology) == *pathology));
    }

    let benign = ask(&Query { k, pathologies: vec![Pathology::Benign], ..Query::default() });
    assert_eq!(all(&benign).len(), CASES / 3);
    let mlo = ask(&Query { k, view_position: Some(ViewPosition::Mlo), ..Query::default() });
    assert_eq!(all(&mlo).len(), CASES / 2);
    let density = BreastDensity::B;
    let dense = ask(&Query { k, breast_density: Some(density), ..Query::default() });
    assert_eq!(all(&dense).len(), CASES / 4);
    assert!(all(&dense).iter().all(|n| n.case.terms.breast_density == Some(density)));
    let elsewhere = ask(&Query { k, source: Some("elsewhere".to_owned()), ..Query::default() });
    assert!(all(&elsewhere).is_empty());
}

#[test]
fn a_query_that_the_library_is_unlike_says_so() {
    let bench = Bench::filled(CASES);
    let retriever = open(&bench);
    let (mut film, contour) = stranger(&bench);
    let ask = |film: &Mammogram| {
        retriever.retrieve(film, &contour, &Query::default()).expect("an answer")
    };
    film.patient_id = Some("somebody".to_owned());
    assert!(codes(&ask(&film)).is_empty());
    film.spacing = Some(Spacing::square(0.07, SpacingOrigin::Magnified { ermf: 1.07 }));
    assert_eq!(codes(&ask(&film)), ["W-DIGITAL-QUERY"]);
    film.spacing = None;
    assert_eq!(codes(&ask(&film)), ["W-NO-SCALE"]);
}

#[test]
fn a_library_of_another_encoder_or_of_no_case_is_a_sentence() {
    let bench = Bench::filled(6);
    let other = bench.tiny.dir.path().join("encoders/other");
    let made = cli()
        .args(["bundle", "make", "--recipe", "paper", "--manifest"])
        .arg(bench.manifest())
        .arg("--trunk")
        .arg(bench.tiny.dir.path().join("trunks/tiny.safetensors"))
        .arg("--out")
        .arg(&other)
        .output()
        .expect("our own program");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = error(&Retriever::open(&bench.library(), &other, DeviceChoice::Cpu));
    assert!(told.contains("must be rebuilt"), "{told}");

    let rebuilt = library(&["rebuild"], &bench.library(), &other);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    Retriever::open(&bench.library(), &other, DeviceChoice::Cpu).expect("the encoder it has now");

    let empty = bench.tiny.dir.path().join("empty");
    precedent_core::library::Library::create(&empty).expect("a new folder");
    let told = error(&Retriever::open(&empty, &bench.tiny.bundle(), DeviceChoice::Cpu));
    assert!(told.contains("the library is empty"), "{told}");
}

fn error<T, E: std::error::Error>(result: &Result<T, E>) -> String {
    let Err(error) = result else { panic!("it was taken") };
    format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
}

fn cli() -> Command {
    Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
}

fn library(verb: &[&str], dir: &Path, bundle: &Path) -> Output {
    let mut command = cli();
    command.arg("library").args(verb).arg(dir).args(["--device", "cpu", "--encoder"]).arg(bundle);
    command.output().expect("our own program")
}

#[test]
fn find_prints_what_the_design_says_and_draws_the_sheet() {
    let bench = Bench::filled(CASES);
    let sheet = bench.tiny.dir.path().join("sheet.png");
    let find = |arguments: &[&str]| {
        let mut command = cli();
        command.arg("find").arg(bench.film(0)).args(arguments);
        command.args(["--pixel-mm", "0.25", "--device", "cpu"]);
        command.arg("--library").arg(bench.library());
        command.arg("--encoder").arg(bench.tiny.bundle());
        command.output().expect("our own program")
    };
    let mark = ["--center", "80,80", "--radius-mm", "5", "--json"];
    let output = find(&[&mark[..], &["--sheet", sheet.to_str().expect("a plain name")]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let hash = blake3::hash(&std::fs::read(bench.film(0)).expect("our own film"));
    assert_eq!(found["query"]["blake3"], hash.to_hex().as_str());
    assert_eq!(found["query"]["spacing"]["origin"], "mm, stated");
    assert!(found["query"]["measures"]["area"].as_f64().is_some_and(|area| area > 0.0));
    assert_eq!(found["library"]["cases"], CASES);
    assert_eq!(found["own_cases_left_out"], 2);
    let list = found["neighbours"].as_array().expect("a list");
    assert_eq!(list.len(), 10);
    for (position, neighbour) in list.iter().enumerate() {
        assert_eq!(neighbour["rank"], position + 1);
        let distance = neighbour["distance"].as_f64().expect("a number");
        let similarity = neighbour["similarity"].as_f64().expect("a number");
        assert!((similarity - (1.0 - distance * distance / 2.0)).abs() < 1e-6);
        for key in ["case_id", "pathology", "source", "view", "terms"] {
            assert!(!neighbour[key].is_null(), "{key} of {neighbour}");
        }
    }
    for step in ["read", "outline", "encode", "search"] {
        assert!(found["timings_ms"][step].is_number());
    }
    assert_eq!(found["cautions"].as_array().map(|list| !list.is_empty()), Some(true));
    let drawn = image::open(&sheet).expect("a picture");
    assert!(drawn.width() > 1000 && drawn.height() > 500);

    // The outline that was printed, given back, finds the same.
    let outline = bench.tiny.dir.path().join("outline.json");
    std::fs::write(&outline, found["query"].to_string()).expect("a small file");
    let given = ["--outline", outline.to_str().expect("a plain name"), "--json"];
    let again: Value = serde_json::from_slice(&find(&given).stdout).expect("JSON");
    assert_eq!(again["neighbours"], found["neighbours"]);
    // On another film it is refused.
    let other = cli().arg("find").arg(bench.film(1)).args(given).output().expect("our own program");
    assert_eq!(other.status.code(), Some(1));
    let told = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(told.contains("another film"), "{told}");
}

#[test]
fn the_demonstration_film_finds_ten_cases_of_others_the_same_each_time() {
    let film = places::assets().join("demonstration/RIGHT_CC.dcm");
    let sheet = tempfile::tempdir().expect("a temporary folder");
    let sheet = sheet.path().join("sheet.png");
    let find = || {
        let output = cli()
            .arg("find")
            .arg(&film)
            .args(["--center", "2640,2590", "--radius-mm", "8", "--pixel-mm", "0.05"])
            .args(["--device", "cpu", "--json", "--sheet"])
            .arg(&sheet)
            .output()
            .expect("our own program");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let found = find();
    let area = found["query"]["measures"]["area"].as_f64().expect("a number");
    assert!((40.0..=400.0).contains(&area), "{area} mm2");
    let list = found["neighbours"].as_array().expect("a list");
    assert_eq!(list.len(), 10);
    let classes: std::collections::BTreeSet<_> =
        list.iter().map(|n| n["pathology"].as_str().expect("a word")).collect();
    assert!(classes.len() >= 2, "{classes:?}");
    assert!(found["own_cases_left_out"].as_u64().is_some_and(|count| count >= 1));
    let hers = |n: &Value| n["notes"].as_str().is_some_and(|notes| notes.contains("C-0386"));
    assert!(!list.iter().any(hers));
    assert_eq!(find()["neighbours"], found["neighbours"]);
    assert!(sheet_is_drawn(&sheet));
}

fn sheet_is_drawn(path: &PathBuf) -> bool {
    image::open(path).is_ok_and(|drawn| drawn.width() > 1000)
}
