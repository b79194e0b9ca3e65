//! The convolutions against published activations and shapes.

use super::*;

#[test]
fn vgg16_gives_the_published_activations_on_the_cpu() {
    let file = shipped_trunk();
    let vgg = Architecture::Vgg16;
    let fixture = Fixture::open(&Fixture::path_beside(file.path(), vgg), vgg);
    let fixture = fixture.expect("the fixture that ships");
    let trunk = Trunk::load(&file, vgg, Input::Rgb, &Device::flex()).expect("the trunk");
    let error = fixture.error(&fixture.answer(&trunk).expect("flex runs everywhere"));
    assert!(error < 1e-3, "off by {error}");
}

/// Folding must be exact to the last row and column, where zero padding meets the means.
fn grey_is_three_equal_colours(architecture: Architecture, file: &TensorFile, side: usize) {
    let load = |input| Trunk::load(file, architecture, input, &Device::flex());
    let grey: Vec<f32> = (0..side * side).map(|i| (i * 37 % 256) as f32).collect();
    let rgb = grey.repeat(3);
    let folded = load(Input::Grey).expect("weights").feature_map(&[grey], side);
    let whole = load(Input::Rgb).expect("weights").feature_map(&[rgb], side);
    let (folded, whole) = (folded.expect("flex"), whole.expect("flex"));
    assert_eq!(folded.dims, whole.dims);
    let largest = whole.values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    assert!(farthest(&folded.values, &whole.values) < 1e-4 * largest);
}

fn random_file(architecture: Architecture) -> (tempfile::TempDir, TensorFile) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("random.safetensors");
    let weights = backbone::random_weights(architecture, 11);
    std::fs::write(&path, tensors::to_bytes(&weights)).expect("a file");
    let file = TensorFile::open(&path).expect("our own weights");
    (dir, file)
}

#[test]
fn grey_pictures_give_what_three_equal_colours_give() {
    let (_dir, tiny) = random_file(Architecture::Tiny);
    grey_is_three_equal_colours(Architecture::Tiny, &tiny, 48);
    let (_dir, alexnet) = random_file(Architecture::AlexNet);
    grey_is_three_equal_colours(Architecture::AlexNet, &alexnet, 224);
    grey_is_three_equal_colours(Architecture::Vgg16, &shipped_trunk(), 64);
}

#[test]
fn the_last_maps_have_the_published_shapes() {
    let (_dir, alexnet) = random_file(Architecture::AlexNet);
    let picture = mass_patch(&breast_film()).pixels;
    let shape = |architecture, file: &TensorFile| {
        let trunk = Trunk::load(file, architecture, Input::Grey, &Device::flex());
        let pictures = std::slice::from_ref(&picture);
        trunk.expect("weights").feature_map(pictures, patch::SIDE).expect("flex").dims
    };
    assert_eq!(shape(Architecture::AlexNet, &alexnet), [1, 256, 13, 13]);
    assert_eq!(shape(Architecture::Vgg16, &shipped_trunk()), [1, 512, 14, 14]);
}

#[test]
fn another_networks_weights_are_refused() {
    let (_dir, alexnet) = random_file(Architecture::AlexNet);
    let loaded = Trunk::load(&alexnet, Architecture::Vgg16, Input::Grey, &Device::flex());
    let error = loaded.expect_err("AlexNet is not VGG-16").to_string();
    assert!(error.contains("features.0.weight"), "{error}");
}
