//! From a film and an outline to a descriptor; bundles, sound and damaged; the trial of a GPU.
//!
//! A tiny random network stands in for VGG-16 wherever the claim does not depend on its weights.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use precedent_core::descriptor::Descriptor;
use precedent_core::encoder::backbone::{self, Architecture, Fixture, Input, Trunk};
use precedent_core::encoder::bundle::{self, Bundle};
use precedent_core::encoder::device::Trial;
use precedent_core::encoder::make::{self, Ingredients, Made, Recipe, Region};
use precedent_core::encoder::tensors::{self, TensorFile};
use precedent_core::encoder::{DeviceChoice, Encoder, Error};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::mammogram::{
    Mammogram, ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin,
};
use precedent_core::patch::{self, Patch};

/// A film whose stored values are `scene(x_mm, y_mm)`, from the top left corner.
pub(crate) fn film(
    size_mm: (f64, f64),
    spacing_mm: (f64, f64),
    scene: impl Fn(f64, f64) -> f64,
) -> Mammogram {
    let columns = (size_mm.0 / spacing_mm.0).round() as u32;
    let rows = (size_mm.1 / spacing_mm.1).round() as u32;
    let samples = (0..rows * columns)
        .map(|place| {
            let x = (f64::from(place % columns) + 0.5) * spacing_mm.0;
            let y = (f64::from(place / columns) + 0.5) * spacing_mm.1;
            scene(x, y).round() as u16
        })
        .collect();
    Mammogram {
        rows,
        columns,
        samples: Arc::new(samples),
        stored_offset: 0,
        bits_stored: 16,
        photometric_interpretation: PhotometricInterpretation::Monochrome2,
        modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
        padding: None,
        voi_luts: Vec::new(),
        spacing: Some(Spacing {
            column_spacing_mm: spacing_mm.0,
            row_spacing_mm: spacing_mm.1,
            origin: SpacingOrigin::Calibrated,
        }),
        image_laterality: None,
        view_position: None,
        patient_id: None,
        sop_instance_uid: None,
        lossy: false,
        content_hash: [0; 32],
        cautions: Vec::new(),
    }
}

/// Air on the left, tissue with waves in it, and a bright mass at (30, 25) mm.
pub(crate) fn breast(x: f64, y: f64) -> f64 {
    if x < 6.0 {
        return 0.0;
    }
    let waves = 300.0 * (x * 0.9).sin() * (y * 0.7).cos() + 150.0 * (x * 0.31 + y * 0.53).sin();
    let mass = 1200.0 * (-((x - 30.0).powi(2) + (y - 25.0).powi(2)) / 40.0).exp();
    1500.0 + waves + mass
}

fn breast_film() -> Mammogram {
    film((60.0, 50.0), (0.1, 0.1), breast)
}

fn circle_mm(mammogram: &Mammogram, x: f64, y: f64, radius: f64) -> Contour {
    let spacing = mammogram.spacing.expect("the films here have a size");
    let (sx, sy) = (spacing.column_spacing_mm, spacing.row_spacing_mm);
    let points = Contour::circle(ImagePoint::new(x, y), radius);
    let in_image = points.points().iter().map(|p| ImagePoint::new(p.x / sx, p.y / sy));
    Contour::new(in_image.collect()).expect("a circle has many vertices")
}

fn mass_patch(mammogram: &Mammogram) -> Patch {
    patch::extract(mammogram, &circle_mm(mammogram, 30.0, 25.0, 6.0))
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

mod patches {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_patch_does_not_see_a_rising_straight_line(
            slope in 0.01_f64..50.0, intercept in -3000.0_f64..3000.0,
        ) {
            let plain = breast_film();
            let mut other = plain.clone();
            other.modality_lut = ModalityLut::Rescale { slope, intercept };
            prop_assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&other).pixels) < 0.2);
        }

        #[test]
        fn weights_cover_the_area_of_the_outline(radius in 1.0_f64..9.0, dx in -3.0_f64..3.0) {
            let film = breast_film();
            let contour = circle_mm(&film, 30.0 + dx, 25.0, radius);
            let weights = patch::extract(&film, &contour).weights;
            let side = (3.0 * radius).max(8.0);
            let cell_mm2 = (side / patch::GRID as f64).powi(2);
            let inside: f64 = weights.iter().map(|w| (f64::from(*w) - 0.02) / 0.98).sum();
            let area = std::f64::consts::PI * radius * radius;
            prop_assert!((inside * cell_mm2 / area - 1.0).abs() < 0.01, "{} {area}", inside * cell_mm2);
        }
    }

    #[test]
    fn stored_values_on_another_scale_give_the_same_patch() {
        let plain = breast_film();
        let mut other = plain.clone();
        other.samples = Arc::new(plain.samples.iter().map(|s| s * 9 + 1234).collect());
        assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&other).pixels) < 0.01);
    }

    #[test]
    fn an_8_bit_film_counts_values_above_8_as_tissue() {
        // A tenth of the square holds 8, the rest a ramp from 105 to 195. Were the 8s tissue, they
        // would be the black to which all is stretched, and the ramp would begin near 130.
        let scene = |x: f64, y: f64| match (x, y) {
            (..1.0, ..14.0) => 255.0,
            (..1.0, _) => 0.0,
            (_, ..14.0) => 8.0,
            (_, _) => 100.0 + x,
        };
        let film = film((100.0, 100.0), (0.1, 0.1), scene);
        let patch = patch::extract(&film, &circle_mm(&film, 50.0, 50.0, 30.0));
        let at = |row: usize, column: usize| patch.pixels[row * patch::SIDE + column];
        assert_eq!(at(10, 112), 0.0);
        assert!(at(200, 5) < 10.0 && at(200, 218) > 245.0, "{} {}", at(200, 5), at(200, 218));
    }

    #[test]
    fn a_turned_monochrome1_film_gives_the_same_patch() {
        let plain = breast_film();
        let mut turned = plain.clone();
        turned.samples = Arc::new(plain.samples.iter().map(|s| 4095 - s).collect());
        turned.photometric_interpretation = PhotometricInterpretation::Monochrome1;
        assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&turned).pixels) < 0.01);
    }

    #[test]
    fn a_mirrored_film_gives_a_mirrored_patch() {
        let plain = breast_film();
        let mut mirrored = plain.clone();
        let rows = plain.samples.chunks_exact(plain.columns as usize);
        mirrored.samples = Arc::new(rows.flat_map(|row| row.iter().rev().copied()).collect());
        let expected: Vec<f32> = mass_patch(&plain)
            .pixels
            .chunks_exact(patch::SIDE)
            .flat_map(|row| row.iter().rev().copied())
            .collect();
        assert!(farthest(&mass_patch(&mirrored).pixels, &expected) < 0.05);
    }

    #[test]
    fn pixels_that_are_not_square_make_a_square_patch_all_the_same() {
        let square = mass_patch(&film((60.0, 50.0), (0.1, 0.1), breast));
        let oblong = mass_patch(&film((60.0, 50.0), (0.1, 0.2), breast));
        assert!(farthest(&square.pixels, &oblong.pixels) < 8.0);
        assert!(farthest(&square.weights, &oblong.weights) < 1e-3);
    }

    #[test]
    fn a_finer_scanner_shows_no_more() {
        let coarse = mass_patch(&film((60.0, 50.0), (0.1, 0.1), breast));
        let fine = mass_patch(&film((60.0, 50.0), (0.05, 0.05), breast));
        assert!(farthest(&coarse.pixels, &fine.pixels) < 4.0);
    }

    #[test]
    fn outside_the_film_is_black_and_so_is_padding() {
        let scene = |x: f64, _: f64| 1000.0 + 10.0 * x;
        let whole = film((60.0, 50.0), (0.1, 0.1), scene);
        let corner = patch::extract(&whole, &circle_mm(&whole, 0.0, 25.0, 6.0));
        // The square reaches 9 mm to the left of the film: the left half is not there.
        let row = &corner.pixels[100 * patch::SIDE..][..patch::SIDE];
        assert!(row[..108].iter().all(|&v| v == 0.0), "{:?}", &row[..108]);
        assert!(row[200] > 150.0);

        let mut padded =
            film((60.0, 50.0), (0.1, 0.1), |x, y| if x < 28.0 { 5000.0 } else { scene(x, y) });
        padded.padding = Some((5000, 5000));
        let patch = mass_patch(&padded);
        let row = &patch.pixels[100 * patch::SIDE..][..patch::SIDE];
        // The square begins at 21 mm: 7 of 18 mm are padding.
        assert!(row[..80].iter().all(|&v| v == 0.0) && row[200] > 200.0);
    }

    #[test]
    fn a_film_without_size_or_contrast_or_inside_is_no_panic() {
        let mut flat = film((10.0, 10.0), (0.1, 0.1), |_, _| 700.0);
        flat.spacing = None;
        let far = Contour::circle(ImagePoint::new(-4000.0, 9000.0), 2500.0);
        for contour in [far, Contour::circle(ImagePoint::new(50.0, 50.0), 0.0)] {
            let patch = patch::extract(&flat, &contour);
            assert!(patch.pixels.iter().all(|&v| v == 0.0));
            assert!(patch.weights.iter().all(|w| (0.02..=1.0).contains(w)));
        }
    }
}

/// A folder with the tiny network, its fixture, and a bundle made of it.
pub(crate) struct TinyEncoder {
    pub(crate) dir: tempfile::TempDir,
}

impl TinyEncoder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let tiny = Self { dir };
        std::fs::create_dir_all(tiny.trunk().parent().expect("a parent")).expect("a folder");
        let weights = backbone::random_weights(Architecture::Tiny, 7);
        std::fs::write(tiny.trunk(), tensors::to_bytes(&weights)).expect("a small file");
        let file = TensorFile::open(&tiny.trunk()).expect("our own weights");
        let name = make::trunk_file_name(Architecture::Tiny, &file);
        std::fs::copy(tiny.trunk(), tiny.trunk().with_file_name(name)).expect("a small file");
        let rgb = Trunk::load(&file, Architecture::Tiny, Input::Rgb, &Device::flex());
        let fixture = Fixture::of(&rgb.expect("our own weights"), 3);
        std::fs::write(tiny.fixture(), tensors::to_bytes(&fixture)).expect("a small file");
        let made = tiny.make(Recipe::Default, 1);
        Bundle::write(&tiny.bundle(), &made.config, &made.learnt, &made.known_answer)
            .expect("a new bundle");
        tiny
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.dir.path().join("encoders/default")
    }

    fn trunk(&self) -> PathBuf {
        self.dir.path().join("trunks/tiny.safetensors")
    }

    fn fixture(&self) -> PathBuf {
        Fixture::path_beside(&self.trunk(), Architecture::Tiny)
    }

    fn make(&self, recipe: Recipe, seed: u64) -> Made {
        let trunk = TensorFile::open(&self.trunk()).expect("our own weights");
        let film = breast_film();
        let regions: Vec<Region> = (0..30)
            .map(|i| {
                let (x, y) = (12.0 + f64::from(i % 6) * 7.0, 8.0 + f64::from(i / 6) * 8.0);
                Region::cut(&film, &circle_mm(&film, x, y, 2.0 + f64::from(i % 4)))
            })
            .collect();
        let ingredients = Ingredients {
            recipe,
            architecture: Architecture::Tiny,
            trunk: &trunk,
            regions: &regions,
            seed,
            sources: &["phantoms".to_owned()],
        };
        make::make(&ingredients, &mut |_| ControlFlow::Continue(())).expect("thirty regions")
    }

    fn open(&self) -> Result<Encoder, Error> {
        Encoder::open(&self.bundle(), DeviceChoice::Cpu)
    }

    /// Rewrites one file of the bundle and the hash list with it: what a skilled hand could do.
    fn forge(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.bundle().join(file), bytes).expect("a small file");
        let names = ["encoder.toml", "known_answer.safetensors", "weights.safetensors"];
        let list: String = names
            .iter()
            .map(|name| {
                let bytes = std::fs::read(self.bundle().join(name)).expect("a small file");
                format!("{}  {name}\n", blake3::hash(&bytes))
            })
            .collect();
        std::fs::write(self.bundle().join("BLAKE3SUMS"), list).expect("a small file");
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.bundle().join(file)).expect("a file of the bundle")
    }
}

fn some_patches() -> Vec<Patch> {
    let film = breast_film();
    [(30.0, 25.0, 6.0), (20.0, 30.0, 4.0), (45.0, 12.0, 3.0)]
        .map(|(x, y, r)| patch::extract(&film, &circle_mm(&film, x, y, r)))
        .to_vec()
}

fn describe(encoder: &Encoder) -> Vec<Descriptor> {
    encoder.describe(&some_patches()).expect("sound patches")
}

mod bundles {
    use super::*;

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
        assert_eq!(shares, [("texture".to_owned(), 1.0)]);
    }

    #[test]
    fn the_same_regions_and_seed_make_the_same_encoder_on_any_number_of_threads() {
        let tiny = TinyEncoder::new();
        for recipe in [Recipe::Default, Recipe::Paper] {
            let write = |threads: usize, seed: u64| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let made = pool.expect("a pool").install(|| tiny.make(recipe, seed));
                let dir = tempfile::tempdir().expect("a temporary folder");
                let path = dir.path().join("bundle");
                Bundle::write(&path, &made.config, &made.learnt, &made.known_answer)
                    .expect("a new bundle");
                std::fs::read(path.join("BLAKE3SUMS")).expect("the hash list")
            };
            assert_eq!(write(1, 5), write(3, 5), "{recipe:?}");
            assert_ne!(write(2, 5), write(2, 6), "{recipe:?}");
        }
    }

    #[test]
    fn the_paper_recipe_whitens_at_most_a_tenth_as_many_dimensions_as_regions() {
        let made = TinyEncoder::new().make(Recipe::Paper, 1);
        assert!(made.config.pca.whitened && !made.config.netvlad.region_weighted);
        assert_eq!(made.config.pca.dims, 3);
        assert_eq!(made.config.netvlad.clusters, 50);
        assert_eq!(made.config.netvlad.dims, 16);
    }

    #[test]
    fn too_few_regions_or_a_cancel_make_no_encoder() {
        let tiny = TinyEncoder::new();
        let trunk = TensorFile::open(&tiny.trunk()).expect("our own weights");
        let film = breast_film();
        let region = Region::cut(&film, &circle_mm(&film, 30.0, 25.0, 6.0));
        let make = |count: usize, answer: ControlFlow<()>| {
            let ingredients = Ingredients {
                recipe: Recipe::Default,
                architecture: Architecture::Tiny,
                trunk: &trunk,
                regions: &vec![region.clone(); count],
                seed: 1,
                sources: &[],
            };
            make::make(&ingredients, &mut |_| answer).expect_err("no encoder")
        };
        let too_few = make(2, ControlFlow::Continue(()));
        assert!(matches!(too_few, make::Error::TooFew { needed: 3, found: 2 }));
        assert!(matches!(make(5, ControlFlow::Break(())), make::Error::Cancelled));
    }

    #[test]
    fn a_bundle_is_never_written_over_another() {
        let tiny = TinyEncoder::new();
        let made = tiny.make(Recipe::Paper, 1);
        let before = tiny.read("encoder.toml");
        let again = Bundle::write(&tiny.bundle(), &made.config, &made.learnt, &made.known_answer);
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
            ("format = 1", "format = 2"),
            ("half_side_radii = 1.5", "half_side_radii = 2.0"),
            ("clusters = 64", "clusters = 32"),
            ("weight = 1.0", "weight = -1.0"),
            ("architecture = \"tiny\"", "architecture = \"vgg16\""),
            ("name = \"default\"", "name = 4"),
        ] {
            assert!(text.contains(from), "{from}");
            tiny.forge("encoder.toml", text.replace(from, to).as_bytes());
            assert!(tiny.open().is_err(), "{to}");
        }
        tiny.forge("encoder.toml", text.as_bytes());

        // Another encoder's weights, of the same shapes: only the known answer tells.
        let other = tensors::to_bytes(&tiny.make(Recipe::Default, 99).learnt.to_arrays());
        tiny.forge("weights.safetensors", &other);
        assert!(matches!(tiny.open(), Err(Error::KnownAnswer { .. })));
    }

    #[test]
    fn a_patch_of_another_shape_is_an_error() {
        let tiny = TinyEncoder::new();
        let encoder = tiny.open().expect("a sound bundle");
        let sound = some_patches().remove(0);
        let short = Patch { pixels: sound.pixels[1..].to_vec(), ..sound.clone() };
        let coarse = Patch { weights: vec![1.0; 9], ..sound.clone() };
        let empty = Patch { pixels: Vec::new(), weights: Vec::new() };
        for patch in [short, coarse, empty] {
            assert!(matches!(encoder.describe(&[patch]), Err(Error::Patch)));
        }
    }
}

mod command_line {
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
        let list =
            manifest(tiny.dir.path(), "gone.png,p9,benign,drawn,phantoms,circle 9 9 3,0.1\n");
        let out = tiny.dir.path().join("encoders/none");
        let flags = ["bundle", "make", "--recipe", "default", "--manifest"];
        let arguments: Vec<&str> =
            flags.into_iter().chain(list.to_str()).chain(["--out"]).collect();
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
}

fn shipped_trunk() -> TensorFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/trunks");
    let trunk = folder.join("vgg16-1e86f38309884cd0.safetensors");
    TensorFile::open(&trunk).expect("the trunk that ships")
}

mod trunks {
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
}

#[cfg(unix)]
mod gpu_trials {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const CLI: &str = env!("CARGO_BIN_EXE_precedent-cli");

    fn trial(program: &Path) -> Trial {
        let time_limit = Duration::from_secs(120);
        Trial { program: program.to_owned(), memory: None, time_limit }
    }

    /// A program that stands in for the child.
    fn script(dir: &Path, body: &str) -> PathBuf {
        let path = dir.join("child.sh");
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a small file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    fn misbehaving(dir: &Path, how: &str) -> PathBuf {
        script(dir, &format!("PRECEDENT_GPU_TRIAL={how} exec '{CLI}' \"$@\""))
    }

    /// Whether this machine has an adapter for burn, a software one included.
    fn an_adapter_exists(tiny: &TinyEncoder) -> bool {
        let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial(CLI.as_ref()));
        let report = encoder.expect("a sound bundle").device();
        let found = report.name != "CPU (flex)";
        if !found {
            assert!(report.reason.contains("No graphics processor"), "{report:?}");
        }
        found
    }

    fn skipped(what: &str) {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no graphics adapter here, not even a software one: {what}"
        );
    }

    #[test]
    fn a_child_that_fails_in_any_way_leads_to_the_cpu_and_to_the_same_descriptors() {
        let tiny = TinyEncoder::new();
        let expected = describe(&tiny.open().expect("a sound bundle"));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let adapter = r#"{"name":"Some GPU","driver":"1","kind":"Discrete"}"#;
        let failures = [
            ("exit 3", "ended badly"),
            ("kill -SEGV $$", "ended badly"),
            ("sleep 60", "did not end within"),
            ("echo nonsense", "no answer that can be read"),
            ("exit 0", "no answer that can be read"),
            (
                &format!(r#"echo '{{"Answered":{{"adapter":{adapter},"answer":[0.0,1.0]}}}}'"#),
                "wrongly",
            ),
            (&format!(r#"echo '{{"Remembered":{adapter}}}'"#), "could not be started"),
            (r#"echo '{"NoAdapter":{"software":null}}'"#, "No graphics processor"),
            (r#"echo '{"NoAdapter":{"software":"llvmpipe"}}'"#, "llvmpipe"),
        ];
        for (body, sentence) in failures {
            let mut trial = trial(&script(dir.path(), body));
            if body.starts_with("sleep") {
                trial.time_limit = Duration::from_millis(300);
            }
            let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Auto, &trial);
            let encoder = encoder.expect("a sound bundle");
            let report = encoder.device();
            assert_eq!(report.name, "CPU (flex)", "{body}");
            assert!(report.reason.contains(sentence), "{body}: {}", report.reason);
            assert_eq!(describe(&encoder), expected, "{body}");
        }
        let nothing = trial(&dir.path().join("nothing"));
        let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &nothing);
        assert!(encoder.expect("a sound bundle").device().reason.contains("could not be started"));
    }

    #[test]
    fn a_trunk_that_answers_wrongly_or_crashes_on_a_real_driver_leads_to_the_cpu() {
        let tiny = TinyEncoder::new();
        if !an_adapter_exists(&tiny) {
            return skipped("a trunk that answers wrongly");
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (how, sentence) in [("wrong", "wrongly"), ("crash", "ended badly")] {
            let trial = trial(&misbehaving(dir.path(), how));
            let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial);
            let report = encoder.expect("a sound bundle").device();
            assert_eq!(report.name, "CPU (flex)");
            assert!(report.reason.contains(sentence), "{}", report.reason);
        }
    }

    #[test]
    fn a_driver_that_passes_gives_the_same_descriptors_and_is_remembered() {
        let tiny = TinyEncoder::new();
        if !an_adapter_exists(&tiny) {
            return skipped("descriptors from wgpu");
        }
        let memory = tiny.dir.path().join("cache/trials.json");
        let trial = Trial { memory: Some(memory.clone()), ..trial(CLI.as_ref()) };
        let open = |trial: &Trial| {
            Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, trial).expect("a sound bundle")
        };
        let encoder = open(&trial);
        assert_ne!(encoder.device().name, "CPU (flex)", "{:?}", encoder.device());
        let on_cpu = describe(&tiny.open().expect("a sound bundle"));
        for (gpu, cpu) in describe(&encoder).iter().zip(&on_cpu) {
            assert!(gpu.cosine(cpu) > 0.999, "{}", gpu.cosine(cpu));
        }
        let passes = std::fs::read_to_string(&memory).expect("the pass was written down");
        assert!(passes.contains(&encoder.device().name), "{passes}");
        assert_eq!(open(&trial).device(), encoder.device());
    }

    #[test]
    fn a_software_adapter_is_never_chosen_of_itself() {
        let tiny = TinyEncoder::new();
        let auto = Encoder::open_with(&tiny.bundle(), DeviceChoice::Auto, &trial(CLI.as_ref()));
        let report = auto.expect("a sound bundle").device();
        assert!(!report.name.contains("llvmpipe"), "{report:?}");
    }

    #[test]
    fn vgg16_passes_its_trial_on_whatever_driver_there_is() {
        let tiny = TinyEncoder::new();
        if !an_adapter_exists(&tiny) {
            return skipped("VGG-16 on wgpu against the published activations and flex");
        }
        let output = std::process::Command::new(CLI)
            .args(["--gpu-trial", "gpu", "vgg16"])
            .arg(shipped_trunk().path())
            .output()
            .expect("our own program");
        assert!(output.status.success(), "{output:?}");
        let reply: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one line of JSON");
        let answer: Vec<f32> =
            serde_json::from_value(reply["Answered"]["answer"].clone()).expect("an answer");
        let (file, vgg) = (shipped_trunk(), Architecture::Vgg16);
        let fixture = Fixture::open(&Fixture::path_beside(file.path(), vgg), vgg);
        let fixture = fixture.expect("the fixture that ships");
        assert!(fixture.error(&answer) < 1e-3, "off by {}", fixture.error(&answer));
        let flex = Trunk::load(&file, vgg, Input::Rgb, &Device::flex()).expect("the trunk");
        let on_flex = fixture.answer(&flex).expect("flex runs everywhere");
        let unit = |values: &[f32]| Descriptor::normalized(values.to_vec()).expect("not zero");
        assert!(unit(&answer).cosine(&unit(&on_flex)) > 0.9999);
    }

    #[test]
    fn without_a_vulkan_loader_the_cpu_is_used_and_nothing_panics() {
        let tiny = TinyEncoder::new();
        let dir = tempfile::tempdir().expect("a temporary folder");
        // No driver to be found stands for no loader: the loader then offers nothing.
        let body = format!(
            "VK_ICD_FILENAMES=/nowhere.json VK_DRIVER_FILES=/nowhere.json __EGL_VENDOR_LIBRARY_FILENAMES=/nowhere.json exec '{CLI}' \"$@\""
        );
        let program = script(dir.path(), &body);
        let encoder = Encoder::open_with(&tiny.bundle(), DeviceChoice::Gpu, &trial(&program));
        let report = encoder.expect("a sound bundle").device();
        assert_eq!(report.name, "CPU (flex)");
        assert!(report.reason.contains("No graphics processor"), "{}", report.reason);
    }
}
