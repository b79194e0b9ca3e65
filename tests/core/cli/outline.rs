//! `outline` and `phantom`.

use std::process::Command;

use precedent_core::dicom;
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::MassMargin;
use precedent_core::mammogram::{Spacing, SpacingOrigin};
use precedent_core::phantom::{Drawn, Phantom};
use precedent_core::segmentation::Correction;

#[test]
fn outline_and_phantom_work_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .current_dir(folder.path())
            .args(args)
            .output()
            .expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let size = ["--columns", "600", "--rows", "700", "--margin", "circumscribed"];
    let (code, ..) =
        run(&[&["phantom", "--out", ".", "--count", "2", "--seed", "3"], &size[..]].concat());
    assert_eq!(code, Some(0));
    let truth = std::fs::read_to_string(folder.path().join("phantom-000004.json"));
    let truth: serde_json::Value =
        serde_json::from_str(&truth.expect("the truth is beside it")).expect("the truth is JSON");
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    let [x, y] = [0, 1].map(|i| number(&truth["center"][i]));
    let radius = number(&truth["radius_mm"]);

    let (center, radius_mm) = (format!("{x},{y}"), format!("{radius}"));
    let pointed = ["outline", "phantom-000004.dcm", "--center", &center, "--radius-mm", &radius_mm];
    let (code, json, _) = run(&[&pointed[..], &["--json", "--png", "out.png"]].concat());
    assert_eq!(code, Some(0));
    let report: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    let area = number(&report["measures"]["area"]);
    let expected = std::f64::consts::PI * radius * radius;
    assert!((0.8..1.2).contains(&(area / expected)), "area {area}, drawn {expected}");
    assert_eq!(report["measures"]["unit"], "mm");
    assert_eq!(report["outline"].as_array().map(Vec::len), Some(128));
    let picture = image::open(folder.path().join("out.png")).expect("a PNG was written").to_rgb8();
    assert!(picture.pixels().any(|p| p.0[1] > p.0[0] && p.0[1] > p.0[2]), "no outline is drawn");
    assert_eq!(run(&[&pointed[..], &["--json"]].concat()).1.lines().count(), json.lines().count());

    let (code, _, said) = run(&["outline", "phantom-000004.dcm", "--click", "9999,1"]);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    let (code, _, said) = run(&["outline", "missing.dcm", "--click", "9,1"]);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    let (code, ..) = run(&["outline", "phantom-000004.dcm"]);
    assert_eq!(code, Some(2));
    let (code, ..) = run(&["phantom"]);
    assert_eq!(code, Some(2));
}

#[test]
fn strokes_smoothing_and_texture_work_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let phantom = Phantom { margin: Some(MassMargin::Circumscribed), ..Phantom::region() };
    let Drawn { mammogram, mass } = Phantom { contrast: (2.0, 2.0), ..phantom }.draw(21);
    dicom::write(&mammogram, &folder.path().join("film.dcm")).expect("the folder takes files");
    let run = |more: &[&str]| {
        let (center, radius) = (mass.center, mass.radius_mm);
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .current_dir(folder.path())
            .args(["outline", "film.dcm", "--json", "--radius-mm", &format!("{radius}")])
            .args(["--center", &format!("{},{}", center.x, center.y)])
            .args(more)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("one JSON object")
    };
    let contour = |report: &serde_json::Value| {
        let points: Vec<[f64; 2]> =
            serde_json::from_value(report["outline"].clone()).expect("pairs of numbers");
        let points = points.into_iter().map(|[x, y]| ImagePoint::new(x, y)).collect();
        Contour::new(points).expect("many finite points")
    };
    let plain = run(&[]);
    assert!(plain["measures"]["unstable"].is_array() && plain.get("texture").is_none());

    let radius = mass.radius_mm / 0.1;
    let beside = ImagePoint::new(mass.center.x + 1.15 * radius, mass.center.y);
    let within = ImagePoint::new(mass.center.x - 0.8 * radius, mass.center.y);
    let stroke = |p: ImagePoint| format!("{},{} {},{}", p.x, p.y - 2.0, p.x, p.y + 2.0);
    let include = run(&["--include", &stroke(beside)]);
    assert!(contour(&include).contains(beside) && !contour(&plain).contains(beside));
    let exclude = run(&["--exclude", &stroke(within)]);
    assert!(!contour(&exclude).contains(within) && contour(&plain).contains(within));

    let all = ["--smooth", "--keep-largest", "--resnap", "--texture", "--include", &stroke(beside)];
    let all = run(&all);
    let kinds = serde_json::from_value::<Vec<Correction>>(all["corrections"].clone());
    let kinds = kinds.expect("corrections are read back");
    assert!(
        matches!(
            kinds[..],
            [
                Correction::Include(_),
                Correction::Smooth,
                Correction::KeepLargest,
                Correction::Resnap
            ]
        ),
        "{kinds:?}"
    );
    assert_eq!(all["texture"]["bins"], 32);
    assert!(all["texture"]["joint_entropy"].as_f64().is_some_and(|e| e > 1.0));
}

#[test]
fn a_stated_size_does_not_replace_the_films_own() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let Drawn { mut mammogram, mass } =
        Phantom { columns: 400, rows: 400, radius_mm: (4.0, 4.5), ..Phantom::default() }.draw(3);
    let path = folder.path().join("film.dcm");
    let measured = |pixel_mm: &str| {
        let ImagePoint { x, y } = mass.center;
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .args(["outline", "--json", "--radius-px", "40", "--pixel-mm", pixel_mm])
            .args(["--center", &format!("{x},{y}")])
            .arg(&path)
            .output()
            .expect("the program starts");
        (output.status.code(), serde_json::from_slice::<serde_json::Value>(&output.stdout).ok())
    };
    let codes = |report: &serde_json::Value| -> Vec<String> {
        let cautions = report["cautions"].as_array().expect("a list").iter();
        cautions.map(|caution| caution["code"].as_str().expect("a code").to_owned()).collect()
    };
    // The detector's 0.1 mm stands (PS3.3 C.8.11.3), whatever is said beside it.
    mammogram.spacing = Some(Spacing::square(0.1, SpacingOrigin::Detector));
    dicom::write(&mammogram, &path).expect("a small file");
    let (_, own) = measured("0.1");
    let (_, other) = measured("0.05");
    let (own, other) = (own.expect("a report"), other.expect("a report"));
    assert_eq!(other["measures"]["area"], own["measures"]["area"]);
    assert_eq!(other["spacing"]["origin"], "mm at detector");
    let conflict = "W-SCALE-CONFLICT".to_owned();
    assert!(codes(&other).contains(&conflict) && !codes(&own).contains(&conflict));
    // A film that brings none takes it.
    mammogram.spacing = None;
    dicom::write(&mammogram, &path).expect("a small file");
    let stated = measured("0.05").1.expect("a report");
    assert_eq!(stated["spacing"]["origin"], "mm, stated");
    assert!(!codes(&stated).contains(&"W-NO-SPACING".to_owned()));
    // What no mammogram has is no size, as in a sidecar.
    assert_eq!(measured("1.5").0, Some(2));
}
