//! One and eight patches to descriptors; the trunk, which is nearly all of the time, against ONNX
//! Runtime on the same weights, pictures and threads. `tests/bench/rivals/onnxruntime` sets the
//! rival up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use burn::tensor::Device;
use precedent_core::encoder::backbone::{Architecture, Input, Trunk};
use precedent_core::encoder::tensors::TensorFile;
use precedent_core::encoder::views::View;
use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::measures::ShapeMargin;
use precedent_core::patch::{self, Patch};
use precedent_core::places;

const ROUNDS: usize = 3;
/// Both engines get as many.
const THREADS: usize = 2;
const TRUNK: &str = "vgg16-1e86f38309884cd0.safetensors";

pub(crate) fn run() {
    let path = places::assets().join("trunks").join(TRUNK);
    let file = TensorFile::open(&path).expect("the trunk that ships");
    let flex = Device::flex();
    let trunk = Trunk::load(&file, Architecture::Vgg16, Input::Grey, &flex).expect("the trunk");
    let encoder = Encoder::open(&places::default_bundle(), DeviceChoice::Cpu);
    if let Err(error) = &encoder {
        println!("the default bundle does not open ({error}): only the trunk is timed");
    }
    println!("VGG-16 to conv5_3, four views a patch; median of {ROUNDS} in ms");
    println!("| patches | threads | describe | trunk | ONNX Runtime | ratio | maps differ by |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for count in [1, 8] {
        let patches: Vec<Patch> = (0..count).map(draw).collect();
        let pictures: Vec<Vec<Vec<f32>>> = patches
            .iter()
            .map(|patch| View::FOUR.iter().map(|view| view.of(&patch.pixels)).collect())
            .collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build();
        let pool = pool.expect("a pool of a few threads");
        let describe = match &encoder {
            Ok(encoder) => format!(
                "{:.0}",
                pool.install(|| median(|| {
                    encoder.describe(&patches).expect("sound patches");
                }))
            ),
            Err(_) => "-".to_owned(),
        };
        let mut maps = Vec::new();
        let ours = pool.install(|| {
            median(|| {
                maps.clear();
                for views in &pictures {
                    let map = trunk.feature_map(views, patch::SIDE).expect("flex runs everywhere");
                    maps.extend(map.values);
                }
            })
        });
        let rival = match onnxruntime(&path, &pictures, THREADS) {
            Some((theirs, answer)) => {
                format!("{theirs:.0} | {:.2} | {:.1e}", ours / theirs, difference(&maps, &answer))
            }
            None => "not set up | | ".to_owned(),
        };
        println!("| {count} | {THREADS} | {describe} | {ours:.0} | {rival} |");
    }
}

/// A patch with waves in it; its content does not matter to the time.
fn draw(number: usize) -> Patch {
    let wave = |place: usize| {
        let (x, y) = ((place % patch::SIDE) as f32, (place / patch::SIDE) as f32);
        127.0
            + 80.0 * (x * 0.09 + number as f32).sin() * (y * 0.07).cos()
            + 40.0 * (x * y * 0.01).sin()
    };
    Patch {
        pixels: (0..patch::SIDE * patch::SIDE).map(wave).collect(),
        weights: vec![1.0; patch::GRID * patch::GRID],
        shape_margin: ShapeMargin::default(),
    }
}

fn median(mut work: impl FnMut()) -> f64 {
    work();
    let mut elapsed: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    elapsed.sort_by(f64::total_cmp);
    elapsed[ROUNDS / 2]
}

/// Length of the difference over the length; ours come over 64, which scaling takes out.
fn difference(ours: &[f32], theirs: &[f32]) -> f64 {
    let square = |v: f32| f64::from(v) * f64::from(v);
    let difference: f64 = ours.iter().zip(theirs).map(|(a, b)| square(a * 64.0 - b)).sum();
    (difference / theirs.iter().map(|&b| square(b)).sum::<f64>()).sqrt()
}

fn onnxruntime(
    trunk: &Path,
    pictures: &[Vec<Vec<f32>>],
    threads: usize,
) -> Option<(f64, Vec<f32>)> {
    let build = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join(build).join("rivals/onnxruntime/bin/python");
    if !python.exists() {
        return None;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (input, answer) = (dir.path().join("pictures"), dir.path().join("answer"));
    let values: Vec<f32> = pictures.iter().flatten().flatten().copied().collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(&input, bytes).expect("a temporary file");
    let output = Command::new(python)
        .arg(root.join("tests/bench/rivals/onnx_trunk.py"))
        .arg(trunk)
        .arg(&input)
        .arg((pictures.len() * View::FOUR.len()).to_string())
        .arg(threads.to_string())
        .arg(ROUNDS.to_string())
        .arg(&answer)
        .output()
        .expect("the rival's own Python");
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let theirs = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    let bytes = std::fs::read(&answer).expect("the rival wrote it");
    let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    Some((theirs, bytes.chunks_exact(4).map(word).collect()))
}
