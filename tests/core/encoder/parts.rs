//! What the parts of a descriptor hold to: each recipe's parts, mirroring, grey scales, films
//! without a size, and bundles of the first format.

use super::*;

/// Writes a bundle of a recipe into the tiny encoder's folder and opens it.
fn made(tiny: &TinyEncoder, recipe: Recipe) -> (Made, Encoder) {
    let made = tiny.make(recipe, 3);
    let path = tiny.bundle().with_file_name(recipe.word().to_owned() + "-made");
    Bundle::write(&path, &made).expect("a new bundle");
    let encoder = Encoder::open(&path, DeviceChoice::Cpu).expect("a sound bundle");
    (made, encoder)
}

fn parts_of(made: &Made) -> Vec<(&str, usize)> {
    made.config.parts.parts().iter().map(|part| (part.name.as_str(), part.dims)).collect()
}

#[test]
fn each_recipe_has_its_parts_and_opens_again() {
    let tiny = TinyEncoder::new();
    let beside = [("look", 12), ("shape", 8), ("margin", 12)];
    for recipe in [Recipe::Default, Recipe::DefaultLda, Recipe::Mean] {
        let (made, encoder) = made(&tiny, recipe);
        let parts = parts_of(&made);
        match recipe {
            Recipe::Mean => assert_eq!(parts, [("texture", 16)]),
            Recipe::Default => assert_eq!(parts[1..], beside),
            _ => {
                assert_eq!(parts[1..4], beside);
                // Three outcomes are told apart by two numbers, each on its arc.
                assert_eq!(parts[4..], [("learnt", 4)]);
            }
        }
        let weights: f32 = made.config.parts.parts().iter().map(|part| part.weight).sum();
        assert!((weights - 1.0).abs() < 1e-5, "{recipe:?}: {weights}");
        assert_eq!(encoder.dims(), parts.iter().map(|(_, dims)| dims).sum::<usize>());
        let card = std::fs::read_to_string(
            tiny.bundle().with_file_name(recipe.word().to_owned() + "-made").join("MODEL_CARD.md"),
        );
        let card = card.expect("a model card");
        assert!(card.contains(&made.config.training), "{card}");
        assert!(parts.iter().all(|(name, dims)| card.contains(&format!("| {name} | {dims} |"))));
        assert_eq!(card.contains("learnt part was fitted"), recipe == Recipe::DefaultLda);
    }
}

#[test]
fn one_small_network_serves_for_texture_and_look() {
    let tiny = TinyEncoder::new();
    let file = TensorFile::open(&tiny.look()).expect("our own weights");
    let regions = tiny.regions();
    let ingredients = Ingredients {
        recipe: Recipe::Laptop,
        trunk: Source { network: SmallArchitecture::TinyLite.into(), file: &file },
        look: None,
        regions: &regions,
        seed: 1,
        sources: &[],
    };
    let made = make::make(&ingredients, &mut |_| ControlFlow::Continue(())).expect("regions");
    assert_eq!(made.config.look.as_ref(), Some(&made.config.trunk));
    let path = tiny.bundle().with_file_name("laptop");
    Bundle::write(&path, &made).expect("a new bundle");
    let encoder = Encoder::open(&path, DeviceChoice::Auto).expect("a sound bundle");
    assert_eq!(encoder.device().name, "CPU (flex)");
    assert_eq!(describe(&encoder).len(), 3);
}

#[test]
fn neither_mirroring_nor_grey_scale_nor_a_missing_size_changes_what_is_near() {
    let tiny = TinyEncoder::new();
    let encoder = tiny.open().expect("a sound bundle");
    let plain = breast_film();
    let contour = circle_mm(&plain, 30.0, 25.0, 6.0);
    let of = |film: &Mammogram, contour: &Contour| {
        encoder.describe(&[patch::extract(film, contour)]).expect("a sound patch").remove(0)
    };
    let expected = of(&plain, &contour);

    let mut scaled = plain.clone();
    scaled.modality_lut = ModalityLut::Rescale { slope: 2.5, intercept: -300.0 };
    assert!(of(&scaled, &contour).cosine(&expected) > 0.9999);

    // Shape and margin do not see it at all, the texture and the look by a view of four.
    let mut mirrored = plain.clone();
    let rows = plain.samples.chunks_exact(plain.columns as usize);
    mirrored.samples = Arc::new(rows.flat_map(|row| row.iter().rev().copied()).collect());
    let width = f64::from(plain.columns);
    let turned = contour.points().iter().map(|p| ImagePoint::new(width - p.x, p.y));
    let turned = Contour::new(turned.collect()).expect("as many points");
    let found = of(&mirrored, &turned);
    assert!(found.cosine(&expected) > 0.99, "{}", found.cosine(&expected));
    let dims: usize = encoder.dims();
    let numbers = &found.values()[dims - 20..];
    assert!(farthest(numbers, &expected.values()[dims - 20..]) < 0.01);

    // Without a size a pixel counts as 0.2 mm, and the mass as 8 mm wide in radius: near the truth.
    let mut sizeless = plain.clone();
    sizeless.spacing = None;
    let found = of(&sizeless, &contour);
    let other = of(&plain, &circle_mm(&plain, 45.0, 12.0, 3.0));
    assert!(found.distance(&expected) < other.distance(&expected));
}

#[test]
fn a_bundle_of_format_1_describes_as_it_did() {
    // Format 1 is format 2 without what it had not: one texture, no measures in the known answer.
    let tiny = TinyEncoder::new();
    let made = tiny.make(Recipe::Paper, 1);
    let path = tiny.bundle().with_file_name("paper");
    Bundle::write(&path, &made).expect("a new bundle");
    let expected = describe(&Encoder::open(&path, DeviceChoice::Cpu).expect("a sound bundle"));

    let names = ["encoder.toml", "known_answer.safetensors", "weights.safetensors"];
    let text = std::fs::read_to_string(path.join(names[0])).expect("the configuration");
    std::fs::write(path.join(names[0]), text.replace("format = 2", "format = 1")).expect("a file");
    let known = TensorFile::open(&path.join(names[1])).expect("the known answer");
    let kept = [
        ("pixels", tensors::Storage::U8),
        ("weights", tensors::Storage::F32),
        ("descriptors", tensors::Storage::F32),
    ]
    .map(|(name, storage)| (name.to_owned(), (known.array(name).expect("an array"), storage)));
    std::fs::write(path.join(names[1]), tensors::to_bytes(&kept.into())).expect("a file");
    let list: String = names
        .iter()
        .map(|name| {
            let bytes = std::fs::read(path.join(name)).expect("a small file");
            format!("{}  {name}\n", blake3::hash(&bytes))
        })
        .collect();
    std::fs::write(path.join("BLAKE3SUMS"), list).expect("a small file");
    std::fs::remove_file(path.join("MODEL_CARD.md")).expect("the card");
    let encoder = Encoder::open(&path, DeviceChoice::Cpu).expect("format 1 is read");
    assert_eq!(describe(&encoder), expected);
}
