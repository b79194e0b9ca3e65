//! The small networks against another program's activations. `small_networks.py` made them.

use precedent_core::encoder::mean::rooted_mean;
use precedent_core::encoder::small::SmallNetwork;
use precedent_core::encoder::tensors::Array;

use super::*;

fn folder(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(inside)
}

/// The weights of a network in the assets; where they are not, the test says so and passes.
fn shipped(word: &str) -> Option<TensorFile> {
    let trunks = std::fs::read_dir(folder("assets/trunks")).expect("the folder of trunks");
    let found = trunks.map(|entry| entry.expect("an entry").path()).find(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with(word) && !name.contains("fixture")
    });
    if found.is_none() {
        crate::skipped(format_args!("no weights of {word} in assets/trunks"));
    }
    found.map(|path| TensorFile::open(&path).expect("sound weights"))
}

/// Two coloured pictures of side 64, three planes each.
fn pictures(fixture: &TensorFile) -> Vec<Vec<f32>> {
    let pictures = fixture.array_of("pictures", &[2, 3, 64, 64]).expect("two pictures");
    pictures.values.chunks_exact(3 * 64 * 64).map(<[f32]>::to_vec).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f64 {
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn small_networks_give_what_onnx_runtime_gives() {
    let fixture = TensorFile::open(&folder("tests/core/encoder/small_networks.safetensors"));
    let fixture = fixture.expect("the fixture beside the tests");
    for (architecture, side) in
        [(SmallArchitecture::EfficientNetLite0, 4), (SmallArchitecture::SqueezeNet11, 3)]
    {
        let word = architecture.word();
        let dims = [2, architecture.channels(), side, side];
        let expected = fixture.array_of(word, &dims).expect("a map");
        let Some(file) = shipped(word) else { continue };
        let network = SmallNetwork::load(&file, architecture).expect("its own weights");
        let found = network.feature_map(&pictures(&fixture), 64).expect("flex runs everywhere");
        assert_eq!(found.dims, dims);
        // EfficientNet-Lite0's activations are those of the authors' 32 bits; 16 bits ship.
        let off: Vec<f32> = found.values.iter().zip(&expected.values).map(|(a, b)| a - b).collect();
        let length = |v: &[f32]| v.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let error = length(&off) / length(&expected.values);
        assert!(error < 5e-3, "{word} is off by {error}");
        let map = dims[1] * side * side;
        for (found, expected) in found.values.chunks(map).zip(expected.values.chunks(map)) {
            let of = |values: &[f32]| {
                let array = Array::new([1, dims[1], side, side], values.to_vec());
                rooted_mean(&array, &[vec![1.0; side * side]])
            };
            let cosine = cosine(&of(found), &of(expected));
            assert!(cosine > 0.9999, "{word}: {cosine}");
        }
    }
}

#[test]
fn a_grey_picture_is_three_equal_colours_and_a_patch_gives_the_published_shapes() {
    let patch = mass_patch(&breast_film());
    for (architecture, dims) in [
        (SmallArchitecture::EfficientNetLite0, [1, 112, 14, 14]),
        (SmallArchitecture::SqueezeNet11, [1, 512, 13, 13]),
    ] {
        let Some(file) = shipped(architecture.word()) else { continue };
        let network = SmallNetwork::load(&file, architecture).expect("its own weights");
        let grey = network.feature_map(std::slice::from_ref(&patch.pixels), patch::SIDE);
        let colours = network.feature_map(&[patch.pixels.repeat(3)], patch::SIDE);
        let grey = grey.expect("flex runs everywhere");
        assert_eq!(grey.dims, dims);
        assert_eq!(grey, colours.expect("flex runs everywhere"));
    }
}

#[test]
fn a_map_of_a_batch_is_that_of_each_picture_alone() {
    let weights = tensors::to_bytes(&small::random_tiny_lite(3));
    let file = TensorFile::of(Path::new("random"), weights).expect("our own weights");
    let network = SmallNetwork::load(&file, SmallArchitecture::TinyLite).expect("its weights");
    let pictures: Vec<Vec<f32>> =
        (0..3).map(|n| (0..48 * 48).map(|i| ((i * (7 + n)) % 256) as f32).collect()).collect();
    let together = network.feature_map(&pictures, 48).expect("flex runs everywhere");
    assert_eq!(together.dims, [3, 12, 3, 3]);
    for (picture, map) in pictures.iter().zip(together.values.chunks_exact(12 * 9)) {
        let alone = network.feature_map(std::slice::from_ref(picture), 48).expect("flex");
        assert!(farthest(&alone.values, map) < 1e-4);
    }
    assert!(SmallNetwork::load(&shipped_trunk(), SmallArchitecture::SqueezeNet11).is_err());
}
