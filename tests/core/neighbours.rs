//! How good the neighbours are: whole experiments by the command line, on drawn films.

use std::path::Path;
use std::process::Command;

use precedent_core::evaluation::retrieval::page;
use serde_json::Value;

use crate::library::Bench;

/// Runs `evaluate retrieval` with the tiny encoder; exit code and what was said on each stream.
fn evaluate(bench: &Bench, out: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let rivals: &[&str] = if args.contains(&"--rivals") { &[] } else { &["--rivals", "none"] };
    let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .args(["evaluate", "retrieval", "--no-untrained", "--device", "cpu", "--json"])
        .args(rivals)
        .arg("--encoder")
        .arg(bench.tiny.bundle())
        .arg("--out")
        .arg(out)
        .args(args)
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

/// The report without what a clock wrote into it.
fn json(text: &str) -> Value {
    let mut report: Value = serde_json::from_str(text).expect("the report is JSON");
    for method in report["methods"].as_array_mut().expect("methods") {
        method.as_object_mut().expect("a method").remove("seconds_per_region");
    }
    report
}

fn figure<'a>(method: &'a Value, key: &str) -> &'a Value {
    let figures = method["figures"].as_array().expect("figures");
    figures.iter().find(|figure| figure["key"] == key).expect("a figure of this name")
}

#[test]
fn an_experiment_writes_reports_that_add_up_and_repeats() {
    let bench = Bench::new(24);
    let out = tempfile::tempdir().expect("a folder for the test");
    let manifest = bench.manifest();
    let run = |name: &str, more: &[&str]| {
        let args = [&["--manifest", path(&manifest)], more].concat();
        let (code, said, complaint) = evaluate(&bench, &out.path().join(name), &args);
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{name}");
        json(&said)
    };
    let report = run("first", &[]);
    let set = &report["set"];
    assert_eq!(
        (&set["regions"], &set["patients"], &set["queries"]),
        (&24.into(), &12.into(), &24.into())
    );
    assert_eq!(set["sources"]["phantoms"], serde_json::json!([8, 8, 8]));
    let methods = report["methods"].as_array().expect("methods");
    assert_eq!((&methods[0]["name"], &methods[0]["kind"]), (&"default".into(), &"Encoder".into()));
    assert_eq!(methods.last().expect("some")["kind"], "Random");
    for method in methods {
        for figure in method["figures"].as_array().expect("figures") {
            let Some(value) = figure["value"].as_object() else { continue };
            let [low, mean, high] =
                ["low", "value", "high"].map(|k| value[k].as_f64().expect("a number"));
            assert!(
                0.0 <= low && low <= mean + 1e-9 && mean <= high + 1e-9 && high <= 1.0,
                "{figure}"
            );
        }
        // The first ten of every class hold what P@10 and recall@10 both count: 7 of each class
        // are of other patients, or 6.
        let curve = |key: &str| -> Vec<f64> {
            serde_json::from_value(method[key].clone()).expect("numbers")
        };
        let (found, recall) = (curve("found_within"), curve("recall"));
        assert_eq!((found.len(), recall.len()), (25, 25));
        assert!(found.is_sorted() && recall.is_sorted());
        let all = recall[24];
        assert!((all - 1.0).abs() < 1e-9, "22 of 24 regions are ranked, and 25 are shown: {all}");
    }
    // What is fitted by the draws of patients is a difference of two figures.
    for difference in report["differences"].as_array().expect("differences") {
        let key = difference["key"].as_str().expect("a key");
        let of = |name: &Value| {
            let method = methods.iter().find(|m| m["name"] == *name).expect("a method");
            figure(method, key)["value"]["value"].as_f64().expect("a number")
        };
        let found = of(&difference["first"]) - of(&difference["second"]);
        let told = difference["value"]["value"].as_f64().expect("a number");
        assert!((found - told).abs() < 1e-9, "{difference}");
    }
    let page = std::fs::read_to_string(out.path().join("first/report.html")).expect("a page");
    assert!(page.contains(page::CAVEAT));
    // Nine queries, each with its first ten.
    assert_eq!(page.matches("data:image/png;base64,").count(), 9 * 11);
    for word in ["src=", "<link", "<script", "href=\"http"] {
        assert!(!page.contains(word), "{word}");
    }
    for table in ["figures.csv", "recall.csv", "differences.csv", "chance.csv"] {
        assert!(out.path().join("first").join(table).is_file(), "{table}");
    }

    // From the cache of the first run, and with none: the same to the last digit.
    let cache = out.path().join("first/cache");
    assert_eq!(report, run("again", &["--cache", path(&cache)]));
    assert_eq!(report, run("anew", &[]));
    let other = run("seed", &["--seed", "2", "--cache", path(&cache)]);
    assert_eq!(
        other["methods"][0]["figures"][0]["value"]["value"],
        methods[0]["figures"][0]["value"]["value"]
    );

    let rivals = ["--rivals", "vlad,matching", "--folds", "3", "--cache", path(&cache)];
    let folds = run("folds", &rivals);
    assert_eq!(folds["set"]["queries"], 24);
    let names: Vec<&Value> =
        folds["methods"].as_array().expect("methods").iter().map(|m| &m["name"]).collect();
    assert!(names.contains(&&"SIFT vlad".into()) && names.contains(&&"SIFT matching".into()));
    let lesions = run("lesions", &["--classes", "benign,malignant", "--cache", path(&cache)]);
    assert_eq!(lesions["set"]["sources"]["phantoms"], serde_json::json!([8, 8, 0]));
    assert_eq!(figure(&lesions["methods"][0], "auc_lesion_normal")["value"], Value::Null);
}

#[test]
fn queries_are_asked_of_a_library_that_their_patients_are_left_out_of() {
    let bench = Bench::filled(12);
    let out = tempfile::tempdir().expect("a folder for the test");
    // The films of P0 and P1 again, as a list of the public layout.
    let mut list =
        "file,dataset,patient_id,class,lesion,center_x,center_y,radius,pixel_mm\n".to_owned();
    for number in 0..4 {
        list += &format!("film{number}.png,drawn,P{},benign,mass,80,80,24,0.25\n", number / 2);
    }
    let queries = bench.manifest().with_file_name("queries.csv");
    std::fs::write(&queries, list).expect("a small file");
    let library = bench.library();
    let args = ["--library", path(&library), "--queries", path(&queries)];
    let (code, said, complaint) = evaluate(&bench, out.path(), &args);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let report = json(&said);
    // Twelve cases and four queries; two women are both, so ten patients would be eight.
    assert_eq!((&report["set"]["regions"], &report["set"]["queries"]), (&16.into(), &4.into()));
    assert_eq!(report["set"]["patients"], 6);
    // Of eight cases of other women three are benign or two: recall over all eight is whole.
    assert_eq!(report["methods"][0]["recall"][7], 1.0);
    assert!(report["methods"][0]["recall"][2].as_f64().expect("a number") < 1.0);
}

#[test]
fn drawn_regions_carry_time_memory_and_what_is_there_to_find() {
    let out = tempfile::tempdir().expect("a folder for the test");
    let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .args(["evaluate", "retrieval", "--phantoms", "15,15,50", "--json", "--out"])
        .arg(out.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(report["set"]["sources"]["phantoms"], serde_json::json!([15, 15, 50]));
    let scale = &report["scale"];
    let searches = scale["searches"].as_array().expect("searches");
    assert_eq!(searches.last().expect("some")["cases"], 80);
    assert!(searches.iter().all(|search| search["is_equal"] == true));
    // A drawn mass is there to be found, beyond what chance gives.
    let shape = report["methods"].as_array().expect("methods");
    let shape = shape.iter().find(|m| m["name"] == "shape and margin").expect("the measures");
    let area = &figure(shape, "auc_lesion_normal")["value"];
    assert!(area["low"].as_f64().expect("a number") > 0.7, "{area}");
}

#[test]
fn wrong_usage_and_nothing_to_ask_are_told_in_one_line() {
    let bench = Bench::new(2);
    let out = tempfile::tempdir().expect("a folder for the test");
    let manifest = bench.manifest();
    let (code, _, _) = evaluate(&bench, out.path(), &[]);
    assert_eq!(code, Some(2));
    let nobody = ["--manifest", path(&manifest), "--dataset", "nowhere"];
    let (code, _, complaint) = evaluate(&bench, out.path(), &nobody);
    assert_eq!((code, complaint.lines().count()), (Some(1), 1), "{complaint}");
    let split = ["--manifest", path(&manifest), "--split", "test"];
    let (code, _, complaint) = evaluate(&bench, out.path(), &split);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("asked about"), "{complaint}");
}
