//! How good it is, measured: the cases are what they say, and the report adds up.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use image::{GrayImage, Luma};
use precedent_core::dicom::{self, Reader};
use precedent_core::evaluation::outline::{self, Settings, WAYS};
use precedent_core::evaluation::{Error, cases, page};
use precedent_core::geometry::ImagePoint;
use precedent_core::phantom::Phantom;

fn reader() -> Reader {
    Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli"))
}

/// Two pictures of tissue, 51 mm across.
fn tissue_in(folder: &Path) {
    for seed in [1, 2] {
        let film = Phantom::region().draw(seed).mammogram;
        let path = folder.join(format!("tissue-{seed}.dcm"));
        dicom::write(&film, &path).expect("the folder takes files");
    }
}

#[test]
fn a_small_evaluation_writes_reports_that_add_up() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    tissue_in(folder.path());
    let run = |out: &str, normals: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .current_dir(folder.path())
            .args(["evaluate", "outline", "--out", out, "--normals", normals])
            .args(["--phantoms", "4", "--prompts", "2", "--seed", "5"])
            .output()
            .expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(run("first", "."), (Some(0), String::new()));
    let text = |name: &str| {
        std::fs::read_to_string(folder.path().join(name)).expect("the report was written")
    };
    let report = |name: &str| -> serde_json::Value {
        let mut reports: serde_json::Value =
            serde_json::from_str(&text(name)).expect("the report is JSON");
        reports[0].as_object_mut().expect("one collection").remove("times");
        reports
    };
    let first = report("first/report.json");
    assert_eq!((&first[0]["cases"], &first[0]["patients"]), (&4.into(), &2.into()));
    let rows = first[0]["rows"].as_array().expect("rows");
    // Each way over all cases and over each of four margins.
    assert_eq!(rows.len(), 5 * WAYS.len());
    for row in rows {
        let number = |value: &serde_json::Value| value.as_f64().expect("a number");
        let (dice, iou) = (number(&row["dice"]["mean"]), number(&row["iou"]["mean"]));
        assert!(0.0 <= iou && iou <= dice && dice <= 1.0, "{row}");
        let gain = dice - number(&row["control_dice"]["mean"]);
        assert!((gain - number(&row["gain"]["mean"])).abs() < 1e-9, "{row}");
        assert!(number(&row["share_iou_80"]) <= number(&row["share_iou_60"]), "{row}");
        assert!(number(&row["dice"]["low"]) <= dice && dice <= number(&row["dice"]["high"]));
    }
    // Each control over all cases and each margin; the truth moved by half a millimetre is near it.
    let controls = first[0]["controls"].as_array().expect("controls");
    assert_eq!(controls.len(), 5 * 5);
    for row in controls {
        let dice = row["dice"]["mean"].as_f64().expect("a number");
        let gain = row["gain"]["mean"].as_f64().expect("a number");
        let of_program = rows.iter().find(|r| r["stratum"] == row["stratum"]).expect("a stratum");
        let program = of_program["dice"]["mean"].as_f64().expect("a number");
        assert!((program - dice - gain).abs() < 1e-9, "{row}");
        if row["control"].as_str().expect("a word").starts_with("Truth") {
            assert!((0.75..1.0).contains(&dice), "{row}");
        }
    }
    // Two ways are corrected by three hands; pulls to a higher goal are never fewer.
    let corrections = first[0]["corrections"].as_array().expect("corrections");
    assert_eq!(corrections.len(), 2 * 3 * 5);
    for row in corrections {
        let pulls: [f64; 3] = serde_json::from_value(row["pulls"].clone()).expect("three");
        assert!(pulls.is_sorted() && pulls[2] <= 20.0, "{row}");
    }
    for name in ["first/report.md", "first/report.html"] {
        assert!(text(name).contains(page::CAVEAT), "{name} does not say what phantoms are");
    }
    assert!(text("first/report.html").matches("data:image/png;base64,").count() >= 4);
    // It needs no other file: nothing is linked, loaded or run.
    for word in ["src=", "<link", "<script", "href=\"http"] {
        assert!(!text("first/report.html").contains(word), "{word}");
    }

    assert_eq!(run("second", ".").0, Some(0));
    assert_eq!(first, report("second/report.json"));

    std::fs::create_dir(folder.path().join("empty")).expect("the folder takes folders");
    let (code, said) = run("third", "empty");
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
}

#[test]
fn an_evaluation_stops_when_asked() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    tissue_in(folder.path());
    let tissues = cases::normals(&mut reader(), folder.path()).expect("two pictures");
    let listed = cases::phantoms(&tissues, 4, 1);
    assert_eq!(listed.len(), 4);
    let settings = Settings { prompts: 1, seed: 1 };
    let stopped =
        outline::run("x", &listed, settings, &mut reader(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

/// A grey picture in which a rectangle is the mass, or its mask.
fn picture(path: &Path, size: (u32, u32), mask: bool) {
    std::fs::create_dir_all(path.parent().expect("below a folder")).expect("folders are made");
    let grey = |x: u32, y: u32| {
        let inside = (40..80).contains(&x) && (30..60).contains(&y);
        let tissue = 60 + ((7 * x + 13 * y) % 11) as u8;
        Luma([match (mask, inside) {
            (true, true) => 255,
            (true, false) => 0,
            (false, true) => tissue + 85,
            (false, false) => tissue,
        }])
    };
    GrayImage::from_fn(size.0, size.1, grey).save(path).expect("the folder takes files");
}

#[test]
fn masks_are_found_by_name_or_among_swapped_files_and_sizes_must_fit() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let at = |name: &str| folder.path().join(name);
    picture(&at("a.png"), (200, 150), false);
    picture(&at("a_mask.png"), (200, 150), true);
    picture(&at("b.png"), (200, 150), false);
    picture(&at("masks/b.png"), (200, 150), true);
    // CBIS-DDSM: the crop stands under the name of the mask and the other way round.
    picture(&at("Mass-Test_P_00001_LEFT_CC/1/1-1.png"), (200, 150), false);
    picture(&at("Mass-Test_P_00001_LEFT_CC_1/1/1-1.png"), (200, 150), true);
    picture(&at("Mass-Test_P_00001_LEFT_CC_1/1/1-2.png"), (60, 50), false);
    picture(&at("Mass-Test_P_00002_LEFT_CC/1/1-1.png"), (200, 150), false);
    picture(&at("Mass-Test_P_00002_LEFT_CC_1/1/1-1.png"), (210, 150), true);
    let listed = cases::masked(folder.path()).expect("there are masks");
    let mut reader = reader();
    let mut read = |name: &str| {
        let listed = listed.iter().find(|l| l.name == name).expect("it is listed");
        listed.load(&mut reader)
    };
    assert_eq!(listed.len(), 4);
    for name in ["a", "b", "Mass-Test_P_00001_LEFT_CC_1"] {
        let case = read(name).expect("film and mask fit");
        // 40 x 30 pixels; marching squares cut an eighth of a pixel off each corner.
        assert!((case.truth.area() - (1200.0 - 4.0 * 0.125)).abs() < 1e-6, "{name}");
        assert!(case.truth.centroid().distance(ImagePoint::new(60.0, 45.0)) < 1e-6);
    }
    assert_eq!(read("Mass-Test_P_00001_LEFT_CC_1").expect("it fits").patient, "00001");
    let refused = read("Mass-Test_P_00002_LEFT_CC_1").expect_err("210 is not 200");
    assert!(refused.contains("210 x 150") && refused.contains("200 x 150"), "{refused}");
    let empty = tempfile::tempdir().expect("a folder for the test");
    assert!(matches!(cases::masked(empty.path()), Err(Error::NoMasks(_))));
}

#[test]
fn circles_of_mini_mias_count_from_the_bottom_and_pairs_are_one_patient() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for name in ["mdb001.png", "mdb002.png"] {
        picture(&folder.path().join(name), (200, 150), false);
    }
    let list = "Some words first\nmdb001 G CIRC B 60 105 20\nmdb002 G SPIC M 100 100 12\n\
                mdb002 F NORM\nmdb003 G CIRC B 5 5 5\nmdb002 G CALC M 1 1 1\n";
    std::fs::write(folder.path().join("Info.txt"), list).expect("the folder takes files");
    let listed = cases::mini_mias(folder.path(), None).expect("a list with pictures");
    // Calcifications are no masses, and of mdb003 there is no picture.
    assert_eq!(listed.len(), 2);
    let cases: Vec<_> = listed.iter().map(|l| l.load(&mut reader()).expect("it is read")).collect();
    assert!(cases[0].truth.centroid().distance(ImagePoint::new(60.0, 45.0)) < 1e-6);
    assert_eq!(cases[0].patient, cases[1].patient);
    assert_eq!(cases[0].film.spacing.map(|s| s.mean_mm()), Some(0.2));
}
