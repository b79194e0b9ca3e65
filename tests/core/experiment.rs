//! `evaluate retrieval`, as it is called: its questions, its guards, its figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use precedent_core::dicom::Reader;
use precedent_core::encoder::learnt_from::LearntFrom;
use precedent_core::lexicon::MassMargin;
use precedent_core::library::{Picture, identity};
use precedent_core::mammogram::Mammogram;
use precedent_core::phantom::Phantom;
use serde_json::Value;

use crate::encoder::TinyEncoder;
use crate::structure_from_motion::{mirrored, turned};

/// Twelve patients with a film each; their list, in the layout of the public films.
struct Bench {
    tiny: TinyEncoder,
    folder: tempfile::TempDir,
    rows: Vec<String>,
}

const HEAD: &str = "file,dataset,patient_id,class,lesion,center_x,center_y,radius,pixel_mm,\
                    suggested_split\n";

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut bench = Self { tiny: TinyEncoder::new(), folder, rows: Vec::new() };
        for number in 0..12 {
            let (class, margin) = match number % 3 {
                0 => ("malignant", MassMargin::Spiculated),
                1 => ("benign", MassMargin::Circumscribed),
                _ => ("normal", MassMargin::Circumscribed),
            };
            let contrast = if class == "normal" { (0.0, 0.1) } else { (1.2, 2.0) };
            let phantom = Phantom {
                columns: 160,
                rows: 160,
                pixel_mm: 0.25,
                margin: Some(margin),
                contrast,
                ..Phantom::region()
            };
            let drawn = phantom.draw(number);
            let (center, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.25);
            let name = format!("film{number}.png");
            bench.put(&name, &drawn.mammogram);
            let split = if number < 6 { "train" } else { "test" };
            let place = format!("{:.1},{:.1},{radius:.1}", center.x, center.y);
            bench.rows.push(format!("{name},drawn,P{number},{class},mass,{place},0.25,{split}\n"));
        }
        bench
    }

    fn put(&self, name: &str, film: &Mammogram) {
        let picture = Picture::png(film).expect("a phantom is a picture");
        fs::write(self.folder.path().join(name), &picture.bytes).expect("a small file");
    }

    fn film(&self, number: usize) -> Mammogram {
        let path = self.folder.path().join(format!("film{number}.png"));
        Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli")).read(&path).expect("a picture")
    }

    /// The report on the list, and what was printed.
    fn evaluate(&self, more: &[&str]) -> (Value, String) {
        let output = self.run(more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (report(&self.out(more)), said)
    }

    fn out(&self, more: &[&str]) -> PathBuf {
        self.folder.path().join(format!("out{}", more.join("")))
    }

    fn run(&self, more: &[&str]) -> Output {
        let list = self.folder.path().join("list.csv");
        fs::write(&list, format!("{HEAD}{}", self.rows.concat())).expect("a small file");
        Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .args([
                "evaluate",
                "retrieval",
                "--no-untrained",
                "--rivals",
                "none",
                "--device",
                "cpu",
            ])
            .arg("--manifest")
            .arg(&list)
            .arg("--encoder")
            .arg(self.tiny.bundle())
            .arg("--out")
            .arg(self.out(more))
            .args(more)
            .output()
            .expect("the program starts")
    }
}

fn report(out: &Path) -> Value {
    let text = fs::read(out.join("report.json")).expect("the report was written");
    serde_json::from_slice(&text).expect("the report is JSON")
}

fn method<'a>(report: &'a Value, name: &str) -> &'a Value {
    let methods = report["methods"].as_array().expect("methods");
    methods.iter().find(|m| m["name"] == name).unwrap_or_else(|| panic!("no method {name}"))
}

fn figure(method: &Value, key: &str) -> f64 {
    let figures = method["figures"].as_array().expect("figures");
    let figure = figures.iter().find(|f| f["key"] == key).expect("a figure of this name");
    figure["value"]["value"].as_f64().unwrap_or(f64::NAN)
}

#[test]
fn a_split_asks_about_its_part_and_layers_learn_from_the_rest() {
    let bench = Bench::new();
    let (all, _) = bench.evaluate(&[]);
    assert_eq!((&all["set"]["regions"], &all["set"]["queries"]), (&12.into(), &12.into()));
    let (report, said) = bench.evaluate(&["--split", "test"]);
    assert_eq!((&report["set"]["regions"], &report["set"]["queries"]), (&12.into(), &6.into()));
    for name in ["default", "default + LDA", "default + triplet layer", "default + ranking layer"] {
        assert!(figure(method(&report, name), "map") > 0.0, "{name}");
        assert!(said.contains(name), "{name} was not printed");
    }
    // Each lead is compared with what follows it: the encoder, and the first layer behind it.
    let differences = report["differences"].as_array().expect("differences");
    let firsts: BTreeSet<&str> = differences.iter().filter_map(|d| d["first"].as_str()).collect();
    assert_eq!(firsts, BTreeSet::from(["default", "default + LDA"]));
    let page = bench.folder.path().join("out--splittest/report.html");
    let page = fs::read_to_string(page).expect("the page was written");
    for word in ["src=\"http", "<link", "<script", "href=\"http"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default + LDA less each other method"));
}

#[test]
fn within_a_collection_benign_and_malignant_are_told_beside_chance() {
    let mut bench = Bench::new();
    for row in &mut bench.rows[..6] {
        *row = row.replace(",drawn,", ",other,");
    }
    let (report, _) = bench.evaluate(&[]);
    for name in ["default", "shape and margin", "random order"] {
        for scope in ["within_collection", "across_collections"] {
            let figures = method(&report, name)[scope].as_array().expect("figures");
            for key in ["precision_10", "auc_malignant_benign", "map_lesions"] {
                let figure = figures.iter().find(|f| f["key"] == key).expect("a figure");
                let value = figure["value"]["value"].as_f64();
                assert!(value.is_some_and(|v| (0.0..=1.0).contains(&v)), "{name} {scope} {key}");
            }
        }
    }
}

#[test]
fn one_film_under_two_patients_never_answers_itself() {
    let mut bench = Bench::new();
    // The first patient's film once more, turned, under the name of a thirteenth.
    let film = bench.film(0);
    bench.put("again.png", &turned(&film));
    let cells: Vec<f64> = bench.rows[0]
        .split(',')
        .skip(5)
        .take(3)
        .map(|cell| cell.parse().expect("a number"))
        .collect();
    let place = format!("{:.1},{:.1},{}", 160.0 - cells[1], cells[0], cells[2]);
    bench.rows.push(format!("again.png,drawn,P12,malignant,mass,{place},0.25,train\n"));
    // And the second one's in a mirror.
    bench.put("mirror.png", &mirrored(&bench.film(1)));
    let cells: Vec<&str> = bench.rows[1].split(',').collect();
    let x = 160.0 - cells[5].parse::<f64>().expect("a number");
    let place = format!("{x:.1},{},{}", cells[6], cells[7]);
    bench.rows.push(format!("mirror.png,drawn,P13,benign,mass,{place},0.25,train\n"));
    let (report, said) = bench.evaluate(&[]);
    let same = report["set"]["same_films"].as_array().expect("a list");
    assert_eq!(same.len(), 2, "{same:?}");
    for word in ["film0.png", "again.png", "film1.png", "mirror.png"] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!((&report["set"]["regions"], &report["set"]["patients"]), (&14.into(), &12.into()));
    // Four malignant patients: whoever is nearest is of the same class by chance, not for sure,
    // as it would be where the turned film answered.
    assert!(report["set"]["queries"] == 14);
}

#[test]
fn another_region_of_one_film_and_another_spelling_of_a_name_are_of_one_patient() {
    let mut bench = Bench::new();
    // Corners of the films of the first and the second patient, under a stranger's name and
    // under her own as another hand wrote it.
    bench.rows.push("film0.png,drawn,P12,malignant,mass,30,30,10,0.25,train\n".to_owned());
    bench.rows.push("film1.png,drawn, p1 ,malignant,mass,30,30,10,0.25,train\n".to_owned());
    let (report, said) = bench.evaluate(&[]);
    assert_eq!((&report["set"]["regions"], &report["set"]["patients"]), (&14.into(), &12.into()));
    let same = report["set"]["same_films"].as_array().expect("a list");
    assert_eq!(same.len(), 1, "{same:?}");
    assert!(said.contains("film0.png and film0.png show one film"), "{said}");
}

#[test]
fn regions_of_one_patient_are_an_error_in_a_sentence() {
    let mut bench = Bench::new();
    for (number, row) in bench.rows.iter_mut().enumerate() {
        *row = row.replace(&format!(",P{number},"), ",P,");
    }
    for more in [&[][..], &["--folds", "3"], &["--split", "test"]] {
        let output = bench.run(more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{more:?}: {said}");
        assert!(said.contains("every region is of one patient"), "{more:?}: {said}");
        assert!(!said.contains("panicked"), "{more:?}: {said}");
    }
}

#[test]
fn a_list_that_tells_no_kinds_of_lesions_is_not_asked_for_one() {
    let mut bench = Bench::new();
    bench.evaluate(&["--lesion-type", "mass"]);
    bench.rows.iter_mut().for_each(|row| *row = row.replace(",mass,", ",,"));
    let output = bench.run(&["--lesion-type", "calcification"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("--lesion-type"), "{said}");
}

#[test]
fn a_sum_of_what_does_not_exist_is_refused_before_anything_is_described() {
    let bench = Bench::new();
    for (sum, word) in [("default=0.5,shapes=0.5", "shapes"), ("default=-1", "-1")] {
        let output = bench.run(&["--sum", sum]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(word), "{said}");
        let cache = fs::read_dir(bench.out(&["--sum", sum]).join("cache"));
        assert!(cache.is_err() || cache.is_ok_and(|files| files.count() == 0), "{said}");
    }
}

#[test]
fn an_encoder_that_saw_the_films_says_so() {
    let bench = Bench::new();
    let bundle = bench.tiny.bundle();
    let (report, said) = bench.evaluate(&[]);
    assert_eq!(method(&report, "default")["seen"]["queries"], 0);
    assert!(!said.contains("no test of it"), "{said}");
    // Two of the films, and their outcomes: as a training run would write it.
    let films = [1, 5].map(|number| identity::film_hash(&bench.film(number)));
    let lines: String =
        films.iter().map(|f| format!("{}\n", blake3::Hash::from_bytes(*f).to_hex())).collect();
    let head = "# films, by the BLAKE3 of their pixels; outcomes were used: yes\n";
    fs::write(bundle.join("LEARNT_FROM"), format!("{head}{lines}")).expect("a small file");
    assert_eq!(LearntFrom::read(&bundle).map(|l| l.films), Some(BTreeSet::from(films)));
    let sum = "shape and margin=0.5,default=0.5";
    let (report, said) = bench.evaluate(&["--seed", "2", "--sum", sum]);
    for name in ["default", "default + shape", "default + LDA", sum] {
        assert_eq!(method(&report, name)["seen"]["queries"], 2, "{name}");
    }
    assert!(method(&report, "shape and margin")["seen"].is_null());
    assert!(said.contains("default †") && said.contains("no test of it"), "{said}");
    // One that does not tell is not taken for one that knows nothing.
    fs::remove_file(bundle.join("LEARNT_FROM")).expect("it was written");
    let (report, said) = bench.evaluate(&["--seed", "3"]);
    assert!(method(&report, "default")["seen"]["queries"].is_null(), "{report}");
    assert!(said.contains("default ?") && said.contains("does not tell"), "{said}");
}

#[test]
fn what_was_drawn_into_regions_is_found_and_chance_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .args(["evaluate", "retrieval", "--phantoms", "40,40,80", "--out"])
        .arg(&out)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = report(&out);
    let of = |name: &str, key: &str| figure(method(&report, name), key);
    let chance = of("random order", "precision_10");
    assert!((chance - 1.0 / 3.0).abs() < 0.05, "{chance}");
    assert!(of("shape and margin", "precision_10") > chance + 0.2);
    assert!(of("shape and margin", "auc_malignant_benign") > 0.85);
    // Pixels know a mass from none; a layer that learns from outcomes makes more of them.
    assert!(of("pixels", "auc_lesion_normal") > 0.7);
    assert!(of("pixels + LDA", "precision_10") > of("pixels", "precision_10"));
}
