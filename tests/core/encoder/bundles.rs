//! Bundles: sound, made again, damaged, forged.

use super::*;
use crate::corpus::damaged;
use crate::dicom::mutate::Random;

#[test]
fn a_descriptor_has_length_one_and_comes_out_the_same_alone_or_among_others() {
    let tiny = TinyEncoder::new();
    let encoder = tiny.open().expect("a sound bundle");
    let together = describe(&encoder);
    assert_eq!(together, describe(&encoder));
    for (patch, descriptor) in some_patches().iter().zip(&together) {
        assert_eq!(descriptor.values().len(), encoder.dims());
        assert!((descriptor.cosine(descriptor) - 1.0).abs() < 1e-5);
        let alone = encoder.describe(std::slice::from_ref(patch)).expect("a sound patch");
        assert_eq!(&alone[0], descriptor);
    }
    let shares = encoder.shares(&together[0], &together[1]);
    let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["texture", "look", "shape", "margin"]);
    assert!((shares.iter().map(|(_, share)| share).sum::<f32>() - 1.0).abs() < 1e-5);
}

#[test]
fn the_same_regions_and_seed_make_the_same_encoder_on_any_number_of_threads() {
    let tiny = TinyEncoder::new();
    for recipe in [Recipe::DefaultLda, Recipe::Paper] {
        let write = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let made = pool.expect("a pool").install(|| tiny.make(recipe, seed));
            let dir = tempfile::tempdir().expect("a temporary folder");
            let path = dir.path().join("bundle");
            Bundle::write(&path, &made).expect("a new bundle");
            std::fs::read(path.join("BLAKE3SUMS")).expect("the hash list")
        };
        assert_eq!(write(1, 5), write(3, 5), "{recipe:?}");
        assert_ne!(write(2, 5), write(2, 6), "{recipe:?}");
    }
}

#[test]
fn the_paper_recipe_whitens_at_most_a_tenth_as_many_dimensions_as_regions() {
    let made = TinyEncoder::new().make(Recipe::Paper, 1);
    let pca = made.config.pca.expect("a PCA");
    let netvlad = made.config.netvlad.expect("NetVLAD");
    assert!(pca.whitened && !netvlad.region_weighted);
    assert_eq!((pca.dims, netvlad.clusters, netvlad.dims), (3, 50, 16));
    assert_eq!(made.config.parts.parts().len(), 1);
}

#[test]
fn too_few_regions_or_a_cancel_make_no_encoder() {
    let tiny = TinyEncoder::new();
    let trunk = TensorFile::open(&tiny.trunk()).expect("our own weights");
    let film = breast_film();
    let region = Region::cut(&film, &circle_mm(&film, 30.0, 25.0, 6.0), Pathology::Benign, [7; 32]);
    let trunk = Source { network: Architecture::Tiny.into(), file: &trunk };
    let make_of = |recipe: Recipe, regions: &[Region], answer: ControlFlow<()>| {
        let ingredients = Ingredients {
            recipe,
            trunk,
            look: recipe.look().map(|_| trunk),
            regions,
            seed: 1,
            sources: &[],
        };
        make::make(&ingredients, &mut |_| answer).expect_err("no encoder")
    };
    let make = |count: usize, answer: ControlFlow<()>| {
        make_of(Recipe::Default, &vec![region.clone(); count], answer)
    };
    let too_few = make(2, ControlFlow::Continue(()));
    assert!(matches!(too_few, make::Error::TooFew { needed: 3, found: 2 }));
    assert!(matches!(make(5, ControlFlow::Break(())), make::Error::Cancelled));
    let of_one_outcome: Vec<Region> = (2..8)
        .map(|radius| circle_mm(&film, 30.0, 25.0, f64::from(radius)))
        .map(|contour| Region::cut(&film, &contour, Pathology::Benign, [7; 32]))
        .collect();
    let go_on = ControlFlow::Continue(());
    let one_outcome = make_of(Recipe::DefaultLda, &of_one_outcome, go_on);
    assert!(matches!(one_outcome, make::Error::OneOutcome), "{one_outcome}");
    let no_look = make::make(
        &Ingredients {
            recipe: Recipe::Default,
            trunk,
            look: None,
            regions: &of_one_outcome,
            seed: 1,
            sources: &[],
        },
        &mut |_| go_on,
    );
    assert!(matches!(no_look, Err(make::Error::NoLook)));
}

#[test]
fn a_bundle_is_never_written_over_another() {
    let tiny = TinyEncoder::new();
    let made = tiny.make(Recipe::Paper, 1);
    let before = tiny.read("encoder.toml");
    let again = Bundle::write(&tiny.bundle(), &made);
    assert!(matches!(again, Err(bundle::Error::Exists { .. })));
    assert_eq!(tiny.read("encoder.toml"), before);
    let left: Vec<_> =
        std::fs::read_dir(tiny.dir.path().join("encoders")).expect("the folder").collect();
    assert_eq!(left.len(), 1, "nothing half written is left");
}

#[test]
fn any_changed_or_cut_file_is_refused_in_one_sentence() {
    let tiny = TinyEncoder::new();
    for file in ["encoder.toml", "known_answer.safetensors", "weights.safetensors"] {
        let sound = tiny.read(file);
        for place in (0..sound.len()).step_by(sound.len() / 9) {
            let mut changed = sound.clone();
            changed[place] ^= 0x10;
            for bytes in [&changed[..], &sound[..place]] {
                std::fs::write(tiny.bundle().join(file), bytes).expect("a small file");
                let error = tiny.open().expect_err("damaged").to_string();
                assert!(error.contains("damaged") && error.contains(file), "{error}");
                assert!(!error.contains('\n'));
            }
        }
        std::fs::remove_file(tiny.bundle().join(file)).expect("a file of the bundle");
        assert!(tiny.open().is_err(), "without {file}");
        std::fs::write(tiny.bundle().join(file), &sound).expect("a small file");
    }
    tiny.open().expect("whole again");
}

#[test]
fn no_folder_and_no_trunk_are_told_apart() {
    let tiny = TinyEncoder::new();
    let nowhere = Encoder::open(&tiny.dir.path().join("nothing"), DeviceChoice::Cpu);
    assert!(matches!(nowhere, Err(Error::Bundle(bundle::Error::Missing { .. }))));
    let trunks = tiny.dir.path().join("trunks");
    let bundle = Bundle::open(&tiny.bundle()).expect("a sound bundle");
    let trunk = trunks.join(&bundle.config.trunk.file);
    let mut bytes = std::fs::read(&trunk).expect("the trunk");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&trunk, bytes).expect("a small file");
    let changed = tiny.open();
    assert!(matches!(changed, Err(Error::Bundle(bundle::Error::DamagedTrunk { .. }))));
    std::fs::remove_file(&trunk).expect("the trunk");
    let missing = tiny.open();
    assert!(matches!(missing, Err(Error::Bundle(bundle::Error::MissingTrunk { .. }))));
}

#[test]
fn a_forged_hash_list_does_not_help_what_is_wrong_inside() {
    let tiny = TinyEncoder::new();
    let weights = tiny.read("weights.safetensors");

    tiny.forge("weights.safetensors", b"\x80\x02}q\x00X\x04\x00\x00\x00");
    let error = tiny.open().expect_err("a pickle").to_string();
    assert!(error.contains("pickle"), "{error}");

    let mut not_a_number = weights.clone();
    let end = not_a_number.len();
    not_a_number[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    tiny.forge("weights.safetensors", &not_a_number);
    let error = tiny.open().expect_err("not a number").to_string();
    assert!(error.contains("not finite"), "{error}");

    tiny.forge("weights.safetensors", &tiny.read("known_answer.safetensors"));
    assert!(tiny.open().is_err());
    tiny.forge("weights.safetensors", &weights);
    tiny.open().expect("sound again");

    let text = String::from_utf8(tiny.read("encoder.toml")).expect("text");
    for (from, to) in [
        ("format = 2", "format = 3"),
        ("half_side_radii = 1.5", "half_side_radii = 2.0"),
        ("clusters = 64", "clusters = 32"),
        ("name = \"shape\"", "name = \"form\""),
        ("weight = 0.3", "weight = -0.3"),
        ("architecture = \"tiny\"", "architecture = \"vgg16\""),
        ("name = \"default\"", "name = 4"),
        ("region_weighted = true", ""),
    ] {
        assert!(text.contains(from), "{from}");
        tiny.forge("encoder.toml", text.replace(from, to).as_bytes());
        assert!(tiny.open().is_err(), "{to}");
    }
    tiny.forge("encoder.toml", text.as_bytes());

    // Another encoder's weights, of the same shapes: only the known answer tells.
    let other = tensors::to_bytes(&tiny.make(Recipe::Default, 99).weights.to_arrays());
    tiny.forge("weights.safetensors", &other);
    assert!(matches!(tiny.open(), Err(Error::KnownAnswer { .. })));
}

#[test]
fn whatever_is_forged_a_bundle_opens_sound_or_is_refused_in_a_sentence() {
    let tiny = TinyEncoder::new();
    let mut random = Random(20_260_304);
    let mut opened = 0;
    for file in ["encoder.toml", "weights.safetensors", "known_answer.safetensors"] {
        let sound = tiny.read(file);
        for _ in 0..250 {
            tiny.forge(file, &damaged(&sound, &mut random));
            match Bundle::open(&tiny.bundle()) {
                Ok(bundle) => {
                    let descriptors = &bundle.known_answer.descriptors;
                    assert!(descriptors.iter().flat_map(|d| d.values()).all(|v| v.is_finite()));
                    opened += 1;
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        tiny.forge(file, &sound);
    }
    assert!(opened > 0, "damage to numbers alone is the known answer's to find");
    tiny.open().expect("whole again");
}

#[test]
fn a_bundle_may_bring_the_last_block_that_it_trained() {
    let tiny = TinyEncoder::new();
    let names = Architecture::Tiny.last_block();
    assert_eq!(names[0], ("features.12.weight".to_owned(), vec![16, 8, 3, 3]));
    let trunk = TensorFile::open(&tiny.trunk()).expect("our own weights");
    let mut made = tiny.make(Recipe::Default, 1);
    let mut block = std::collections::BTreeMap::new();
    for (name, _) in &names {
        let mut array = trunk.array(name).expect("the trunk has it");
        array.values.iter_mut().step_by(3).for_each(|v| *v = -*v);
        block.insert(name.clone(), array);
    }
    made.weights.texture.as_mut().expect("NetVLAD").last_block = block;
    let write = |file: &str, bytes: &[u8]| tiny.forge(file, bytes);
    write("weights.safetensors", &tensors::to_bytes(&made.weights.to_arrays()));
    // The known answer is the old trunk's: the block is used, and it is another.
    assert!(matches!(tiny.open(), Err(Error::KnownAnswer { .. })));
    let bundle = Bundle::open(&tiny.bundle()).expect("its files are sound");
    let learnt = bundle.weights.texture.as_ref().expect("NetVLAD");
    assert_eq!(learnt.last_block.len(), names.len());
    assert_eq!(bundle.trunk.hash(), trunk.hash());

    let moved = Trunk::load(&bundle.trunk, Architecture::Tiny, Input::Grey, &Device::flex());
    let moved = moved.expect("shapes are checked");
    let plain = Trunk::load(&trunk, Architecture::Tiny, Input::Grey, &Device::flex());
    let plain = plain.expect("our own weights");
    let patch = &some_patches()[0];
    let map = |trunk: &Trunk| {
        let map = trunk.feature_map(std::slice::from_ref(&patch.pixels), patch.side());
        map.expect("flex runs everywhere").values
    };
    assert_ne!(map(&moved), map(&plain));

    // Half a block is refused.
    made.weights.texture.as_mut().expect("NetVLAD").last_block.pop_last();
    write("weights.safetensors", &tensors::to_bytes(&made.weights.to_arrays()));
    let error = tiny.open().expect_err("a part is missing").to_string();
    assert!(error.contains("features.12.weight"), "{error}");
}

#[test]
fn a_patch_of_another_shape_is_an_error() {
    let tiny = TinyEncoder::new();
    let encoder = tiny.open().expect("a sound bundle");
    let sound = some_patches().remove(0);
    let short = Patch { pixels: sound.pixels[1..].to_vec(), ..sound.clone() };
    let coarse = Patch { weights: vec![1.0; 9], ..sound.clone() };
    let empty = Patch { pixels: Vec::new(), weights: Vec::new(), ..sound };
    for patch in [short, coarse, empty] {
        assert!(matches!(encoder.describe(&[patch]), Err(Error::Patch)));
    }
}
