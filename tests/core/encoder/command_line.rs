//! `precedent-cli bundle make` and `bundle check`.

use std::process::{Command, Output};

use super::*;

fn cli(args: &[&str], path: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_precedent-cli");
    Command::new(program).args(args).arg(path).output().expect("our own program")
}

/// Six pictures and a manifest that lists them.
fn manifest(dir: &Path, last_row: &str) -> PathBuf {
    let film = film((50.0, 50.0), (0.1, 0.1), |x, y| breast(x, y) / 16.0);
    let mut text = "file,patients,pathology,outcome_basis,source,region,pixel_mm\n".to_owned();
    for number in 0..6 {
        let name = format!("film{number}.png");
        let bytes = film.samples.iter().map(|&s| (s + number) as u8).collect();
        image::GrayImage::from_raw(film.columns, film.rows, bytes)
            .expect("a value a pixel")
            .save(dir.join(&name))
            .expect("a small file");
        text += &format!("{name},p{number},benign,drawn,phantoms,circle 300 250 60,0.1\n");
    }
    let path = dir.join("manifest.csv");
    std::fs::write(&path, text + last_row).expect("a small file");
    path
}

#[test]
fn anyone_can_make_a_bundle_again_and_check_it() {
    let tiny = TinyEncoder::new();
    let list = manifest(tiny.dir.path(), "");
    let make = |out: &str| {
        let out = tiny.dir.path().join("encoders").join(out);
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .args(["bundle", "make", "--recipe", "paper", "--json", "--seed", "4"])
            .arg("--manifest")
            .arg(&list)
            .arg("--trunk")
            .arg(tiny.trunk())
            .arg("--out")
            .arg(&out)
            .output()
            .expect("our own program");
        (out, output)
    };
    let (first, output) = make("first");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (_, again) = make("second");
    assert_eq!(output.stdout, again.stdout, "the same EncoderId");
    let (_, over) = make("first");
    assert_eq!(over.status.code(), Some(1));
    let checked = cli(&["bundle", "check", "--device", "cpu", "--json"], &first);
    let value: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["encoder"], made["encoder"]);
    assert_eq!(made["regions"], 6);
}

#[test]
fn a_row_that_cannot_be_used_makes_no_bundle() {
    let tiny = TinyEncoder::new();
    let list = manifest(tiny.dir.path(), "gone.png,p9,benign,drawn,phantoms,circle 9 9 3,0.1\n");
    let out = tiny.dir.path().join("encoders/none");
    let flags = ["bundle", "make", "--recipe", "paper", "--manifest"];
    let arguments: Vec<&str> = flags.into_iter().chain(list.to_str()).chain(["--out"]).collect();
    let output = cli(&arguments, &out);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("line 8 of the manifest"), "{told}");
    assert!(!out.exists());
}

#[test]
fn a_damaged_bundle_is_refused_in_one_sentence() {
    let tiny = TinyEncoder::new();
    std::fs::write(tiny.bundle().join("weights.safetensors"), b"PK").expect("a small file");
    let output = cli(&["bundle", "check"], &tiny.bundle());
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("damaged") && told.trim().lines().count() == 1, "{told}");
}

#[test]
fn encode_writes_a_descriptor_a_region_in_the_manifests_order() {
    let tiny = TinyEncoder::new();
    let list = manifest(tiny.dir.path(), "gone.png,p9,benign,drawn,phantoms,circle 9 9 3,0.1\n");
    let encode = |name: &str| {
        let out = tiny.dir.path().join(name);
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .args(["encode", "--device", "cpu", "--json", "--encoder"])
            .arg(tiny.bundle())
            .arg("--out")
            .arg(&out)
            .arg(&list)
            .output()
            .expect("our own program");
        (out, output)
    };
    let (tensors, output) = encode("described.safetensors");
    // One row names a file that is not there: told, and the others are described.
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (told["described"].as_u64(), told["faults"][0]["line"].as_u64()),
        (Some(6), Some(8))
    );
    let file = TensorFile::open(&tensors).expect("our own file");
    let dims = usize::try_from(told["dims"].as_u64().expect("a number")).expect("small");
    let descriptors = file.array_of("descriptors", &[6, dims]).expect("six regions");
    let lines = file.array_of("lines", &[6]).expect("six lines");
    assert_eq!(lines.values, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);

    let (table, _) = encode("described.csv");
    let text = std::fs::read_to_string(table).expect("a table");
    let row: Vec<&str> = text.lines().nth(3).expect("a row").split(',').collect();
    assert_eq!((row[0], row[2], row[3]), ("4", "benign", "phantoms"));
    let numbers: Vec<f32> = row[4..].iter().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(numbers, descriptors.values[2 * dims..3 * dims]);
    assert_eq!(encode("described.txt").1.status.code(), Some(1));
}

#[test]
fn an_alexnet_that_a_user_brings_makes_a_bundle() {
    let tiny = TinyEncoder::new();
    let list = manifest(tiny.dir.path(), "");
    let trunks = tiny.dir.path().join("trunks");
    let weights = tensors::to_bytes(&backbone::random_weights(Architecture::AlexNet, 2));
    let brought = trunks.join("alexnet-mine.safetensors");
    std::fs::write(&brought, &weights).expect("a file");
    let file = TensorFile::open(&brought).expect("our own weights");
    let name = make::trunk_file_name(Architecture::AlexNet, &file);
    std::fs::write(trunks.join(name), weights).expect("a file");
    let out = tiny.dir.path().join("encoders/alexnet");
    let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .args(["bundle", "make", "--recipe", "mean", "--json", "--manifest"])
        .arg(&list)
        .arg("--trunk")
        .arg(&brought)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("our own program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(made["dims"], 256);
}
