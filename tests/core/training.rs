//! An encoder learns: from drawn regions, in seconds, to the same weights wherever it was stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use precedent_core::dicom::Reader;
use precedent_core::encoder::backbone::{self, Architecture, Input, Trunk};
use precedent_core::encoder::bundle::Bundle;
use precedent_core::encoder::device::Trial;
use precedent_core::encoder::fixture::Fixture;
use precedent_core::encoder::learnt_from::LearntFrom;
use precedent_core::encoder::make;
use precedent_core::encoder::tensors::{self, TensorFile};
use precedent_core::encoder::views::View;
use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::{MassMargin, Pathology};
use precedent_core::library::{Picture, identity};
use precedent_core::mammogram::Mammogram;
use precedent_core::patch;
use precedent_core::phantom::Phantom;
use precedent_core::progress::Report;
use precedent_core::training::config::Config;
use precedent_core::training::maps::MapCache;
use precedent_core::training::material::{Facts, Label, Material, Outlined};
use precedent_core::training::positives::{Positive, PositiveSource};
use precedent_core::training::{self, Course, Error, Outcome, Start};

use crate::structure_from_motion::{mirrored, turned};

/// A folder with a trunk, a cache of maps, and runs.
struct Workshop {
    dir: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder for the test");
        std::fs::create_dir(dir.path().join("trunks")).expect("a folder");
        let workshop = Self { dir };
        let weights = tensors::to_bytes(&backbone::random_weights(Architecture::Tiny, 7));
        std::fs::write(workshop.path("trunk.safetensors"), weights).expect("a small file");
        let name = make::trunk_file_name(Architecture::Tiny, &workshop.trunk());
        let (from, to) = (workshop.path("trunk.safetensors"), workshop.path("trunks").join(name));
        std::fs::copy(from, to).expect("a small file");
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn trunk(&self) -> TensorFile {
        TensorFile::open(&self.path("trunk.safetensors")).expect("our own weights")
    }

    fn empty(&self, views: &[View]) -> Material {
        let cache = MapCache::open(&self.path("cache"), 64 << 20).expect("a new folder");
        Material::new(self.trunk(), Architecture::Tiny, views, cache).expect("our own weights")
    }

    /// Phantoms: a class each for spiculated masses, smooth masses and tissue without one; the
    /// last few without their label.
    fn material(&self, each: u64, unlabelled: usize) -> Material {
        let mut material = self.empty(&View::FOUR);
        let count = 3 * each as usize;
        for (idx, outlined) in (0..count).map(|idx| (idx, drawn(idx as u64))) {
            let mut outlined = outlined;
            if idx + unlabelled >= count {
                outlined.facts.label = None;
            }
            material.add(vec![outlined]).expect("a region");
        }
        material
    }
}

fn drawn(seed: u64) -> Outlined {
    let class = seed % 3;
    let (margin, pathology) = match class {
        0 => (MassMargin::Spiculated, Pathology::Malignant),
        1 => (MassMargin::Circumscribed, Pathology::Benign),
        _ => (MassMargin::Circumscribed, Pathology::Normal),
    };
    let contrast = if class == 2 { (0.0, 0.0) } else { (1.2, 2.0) };
    shown(seed, margin, pathology, contrast)
}

fn shown(seed: u64, margin: MassMargin, pathology: Pathology, contrast: (f64, f64)) -> Outlined {
    let phantom = Phantom {
        columns: 256,
        rows: 256,
        pixel_mm: 0.2,
        margin: Some(margin),
        radius_mm: (4.0, 7.0),
        contrast,
        ..Phantom::region()
    };
    let drawn = phantom.draw(seed);
    let label = Label { pathology, mass_shape: None, mass_margin: None };
    let facts = Facts {
        name: format!("drawn-{seed}"),
        patients: vec![format!("P{seed}")],
        source: "phantoms".to_owned(),
        film_hash: identity::film_hash(&drawn.mammogram),
        label: Some(label),
    };
    Outlined { film: Arc::new(drawn.mammogram), contour: drawn.mass.contour, facts }
}

/// Small enough for seconds.
fn small() -> Config {
    let text = "clusters = 6\nalpha = 20.0\ntriplet_margin = 0.3\nepochs = 4\nbatch = 5\n\
                learning_rate = 0.001\nmomentum = 0.9\nweight_decay = 0.0\nvalidation_share = 0.3\n\
                pca_dims = 8\npca_whiten = false\nregion_weighted = true\ncheckpoint_every = 2\n";
    Config::paper().with(text).expect("sound numbers")
}

/// On the CPU, without end.
fn course<'a>(config: &'a Config, dir: &'a Path, start: Start) -> Course<'a> {
    let trial = Trial { memory: None, ..Trial::standard() };
    Course { config, dir, start, time_limit: None, device: DeviceChoice::Cpu, trial }
}

fn run(
    material: &Material,
    config: &Config,
    dir: &Path,
    start: Start,
    report: &mut Report,
) -> Result<Outcome, Error> {
    training::train(material, &[], &course(config, dir, start), report)
}

fn go_on(_: precedent_core::progress::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_tiny_training_run_learns_and_its_bundle_describes() {
    let workshop = Workshop::new();
    let mut material = workshop.empty(&[View::Plain]);
    for seed in 0..80 {
        let (pathology, contrast) = match seed % 2 {
            0 => (Pathology::Normal, (0.0, 0.0)),
            _ => (Pathology::Benign, (0.9, 1.5)),
        };
        material
            .add(vec![shown(seed, MassMargin::Circumscribed, pathology, contrast)])
            .expect("a region");
    }
    let dir = workshop.path("run");
    let config = small().with("choose_by = \"recall\"").expect("a sound word");
    let outcome = run(&material, &config, &dir, Start::New, &mut go_on).expect("it trains");
    let untrained = outcome.untrained.expect("regions are kept apart");
    let best = outcome.best.and_then(|best| best.validation).expect("an epoch is done");
    assert!(best.loss < untrained.loss, "{untrained:?} {best:?}");
    assert!(
        best.mean_average_precision > untrained.mean_average_precision,
        "{untrained:?} {best:?}"
    );
    let sum = |recall: [f64; 5]| recall.iter().sum::<f64>();
    assert!(sum(best.recall) > sum(untrained.recall), "{untrained:?} {best:?}");

    // What it leaves beside the weights.
    let curve = std::fs::read_to_string(dir.join("curve.csv")).expect("the curve");
    assert!(curve.lines().count() > 5, "{curve}");
    for name in ["loss.svg", "validation.svg", "training.toml", "log/epoch-0001.csv"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    let log = std::fs::read_to_string(dir.join("log/epoch-0001.csv")).expect("the log");
    assert!(log.lines().skip(1).all(|line| line.split(',').nth(3) == Some("class")), "{log}");
    assert_eq!(outcome.positives.keys().collect::<Vec<_>>(), [&PositiveSource::Class]);

    let bundle = workshop.path("encoders/trained");
    let made = &outcome.made;
    Bundle::write(&bundle, made).expect("a new folder");
    let encoder = Encoder::open(&bundle, DeviceChoice::Cpu).expect("its known answer holds");
    assert_eq!(encoder.dims(), 8);
    let region = drawn(1);
    let described = encoder.describe(&[patch::extract(&region.film, &region.contour)]);
    assert_eq!(described.expect("a sound patch")[0].values().len(), 8);
    let statement = &made.config.training;
    for words in ["Ranking", "seed 1", "by class", "mean average precision"] {
        assert!(statement.contains(words), "{statement}");
    }
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_weights() {
    let workshop = Workshop::new();
    let material = workshop.material(8, 3);
    let config = small().with("epochs = 2\nrefresh_every = 3").expect("sound numbers");
    let whole = run(&material, &config, &workshop.path("whole"), Start::New, &mut go_on);
    let whole = whole.expect("it trains");
    assert!(whole.positives.contains_key(&PositiveSource::Augmentation), "{:?}", whole.positives);

    // Killed again and again, between two checkpoints each time; with another number of threads.
    let dir = workshop.path("killed");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
    let (mut kills, mut start) = (0, Start::New);
    let killed = loop {
        let mut steps = 0;
        let mut kill = |progress: precedent_core::progress::Progress| {
            steps += usize::from(progress.step == "Training");
            // A checkpoint is made every two steps; the fourth begins, and is lost with the third.
            if steps > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match pool.install(|| run(&material, &config, &dir, start, &mut kill)) {
            Ok(outcome) => break outcome,
            Err(Error::Cancelled) => kills += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(kills < 60, "it does not get on");
        start = Start::Resume;
    };
    assert!(kills > 2, "{kills}");
    assert_eq!(killed.parameters, whole.parameters);
    assert_eq!(killed.made.weights, whole.made.weights);
    assert_eq!(killed.positives, whole.positives);
    let curve = |dir: &str| {
        std::fs::read_to_string(workshop.path(dir).join("curve.csv")).expect("the curve")
    };
    assert_eq!(curve("killed"), curve("whole"));
}

#[test]
fn a_graphics_processor_learns_what_the_cpu_learns() {
    let workshop = Workshop::new();
    let trunk = Trunk::load(&workshop.trunk(), Architecture::Tiny, Input::Rgb, &Device::flex());
    let fixture = tensors::to_bytes(&Fixture::of(&trunk.expect("our own weights"), 3));
    let beside = Fixture::path_beside(&workshop.path("trunk.safetensors"), Architecture::Tiny);
    std::fs::write(beside, fixture).expect("a small file");
    let material = workshop.material(4, 0);
    let config = small().with("epochs = 2").expect("a number");
    let train = |name: &str, device: DeviceChoice| {
        let dir = workshop.path(name);
        let program = env!("CARGO_BIN_EXE_precedent-cli").into();
        let course = course(&config, &dir, Start::New);
        let course = Course { device, trial: Trial { program, ..course.trial }, ..course };
        training::train(&material, &[], &course, &mut go_on).expect("it trains")
    };
    let on_cpu = train("cpu", DeviceChoice::Cpu);
    let on_gpu = train("gpu", DeviceChoice::Gpu);
    if on_gpu.device.name == on_cpu.device.name {
        assert!(on_gpu.device.reason.contains("No graphics processor"), "{:?}", on_gpu.device);
        return crate::skipped(format_args!("no graphics adapter here to train on"));
    }
    for (name, known) in &on_cpu.parameters.0 {
        let found = &on_gpu.parameters.0[name].values;
        let norm =
            |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
        let off = norm(&mut known.values.iter().zip(found).map(|(k, f)| k - f));
        assert!(off < 1e-3 * norm(&mut known.values.iter().copied()), "{name}: {off}");
    }
}

#[test]
fn a_run_ends_where_nothing_violates_the_margin() {
    let workshop = Workshop::new();
    // Each region stands there twice, and is known to: nothing is nearer to it than its like.
    let mut material = workshop.empty(&[View::Plain]);
    for seed in 0..6 {
        material.add(vec![drawn(seed), drawn(seed)]).expect("regions");
    }
    let pair = |query| Positive { query, other: query ^ 1, source: PositiveSource::Motion };
    let pairs: Vec<Positive> = (0..12).map(pair).collect();
    let text = "triplet_margin = 0.000001\nepochs = 30\npatience = 0\nvalidation_share = 0.0";
    let config = small().with(text).expect("sound values");
    let dir = workshop.dir.path().join("fitted");
    let train =
        |start| training::train(&material, &pairs, &course(&config, &dir, start), &mut go_on);
    let epochs = train(Start::New).expect("it ends well").epochs;
    assert!(epochs <= 1.0, "{epochs}");
    assert_eq!(train(Start::Resume).expect("there is nothing to go on with").epochs, epochs);
}

#[test]
fn a_run_that_can_make_no_step_says_why() {
    let workshop = Workshop::new();
    let config = small().with("validation_share = 0.0").expect("a share");
    let benign = Label { pathology: Pathology::Benign, mass_shape: None, mass_margin: None };
    let one_outcome = |facts: Facts| Facts { label: Some(benign), ..facts };
    let one_patient = |facts: Facts| Facts { patients: vec!["P".to_owned()], ..facts };
    for (name, change) in
        [("outcome", &one_outcome as &dyn Fn(Facts) -> Facts), ("patient", &one_patient)]
    {
        let mut material = workshop.empty(&View::FOUR);
        for seed in 0..6 {
            let outlined = drawn(seed);
            let facts = change(outlined.facts);
            material.add(vec![Outlined { facts, ..outlined }]).expect("a region");
        }
        let found = run(&material, &config, &workshop.path(name), Start::New, &mut go_on);
        assert!(matches!(found, Err(Error::NoNegatives)), "one {name}: {found:?}");
    }
}

#[test]
fn one_patient_is_on_one_side_under_another_spelling_and_with_her_film_under_another_name() {
    let workshop = Workshop::new();
    let mut material = workshop.material(5, 0);
    let again = |of: u64, seed: u64, change: &dyn Fn(&mut Outlined)| {
        let mut outlined = Outlined { facts: drawn(of).facts, ..drawn(seed) };
        outlined.facts.patients = vec![format!("Q{seed}")];
        outlined.facts.film_hash = drawn(seed).facts.film_hash;
        change(&mut outlined);
        outlined
    };
    let spelt = again(0, 50, &|o| o.facts.patients = vec!["p0 ".to_owned()]);
    let same_pixels = again(1, 51, &|o| o.facts.film_hash = drawn(1).facts.film_hash);
    // Other pixels, in which the same is seen.
    let seen_again = |of: u64,
                      change: &dyn Fn(&Mammogram) -> Mammogram,
                      moved: fn(&ImagePoint) -> ImagePoint| {
        again(of, of, &|o| {
            o.film = Arc::new(change(&o.film));
            o.contour =
                Contour::new(o.contour.points().iter().map(moved).collect()).expect("a line");
            o.facts.film_hash = identity::film_hash(&o.film);
        })
    };
    let same_film = seen_again(2, &turned, |p| ImagePoint::new(256.0 - p.y, p.x));
    let in_a_mirror = seen_again(3, &mirrored, |p| ImagePoint::new(256.0 - p.x, p.y));
    material.add(vec![spelt, same_pixels, same_film, in_a_mirror]).expect("regions");
    let mut apart = 0;
    for seed in 0..6 {
        let text = format!("seed = {seed}\nvalidation_share = 0.5\nmotion_positives = false");
        let config = small().with(&text).expect("sound values");
        let dir = workshop.path(&format!("run{seed}"));
        let course =
            Course { time_limit: Some(Duration::ZERO), ..course(&config, &dir, Start::New) };
        let split = training::train(&material, &[], &course, &mut go_on).expect("it trains").split;
        for (one, other) in [(0, 15), (1, 16), (2, 17), (3, 18)] {
            let sides = [one, other].map(|region| split.validation.contains(&region));
            assert_eq!(sides[0], sides[1], "{one} and {other}, seed {seed}");
            apart += usize::from(sides[0]);
        }
    }
    assert!((1..24).contains(&apart), "{apart}");
}

#[test]
fn weights_that_are_no_longer_numbers_leave_the_last_checkpoint_as_it_was() {
    let workshop = Workshop::new();
    let material = workshop.material(5, 0);
    let config = small().with("epochs = 1\ncheckpoint_every = 1").expect("sound numbers");
    let whole = run(&material, &config, &workshop.path("whole"), Start::New, &mut go_on);
    let dir = workshop.path("diverged");
    // Too large to describe with, though numbers yet; then no numbers any more.
    for (rate, start) in [(1e20, Start::New), (1e38, Start::Resume)] {
        let steep = Config { learning_rate: rate, ..config.clone() };
        let lost = run(&material, &steep, &dir, start, &mut go_on);
        assert!(matches!(lost, Err(Error::Diverged)), "{rate}: {lost:?}");
    }
    let again = run(&material, &config, &dir, Start::Resume, &mut go_on).expect("it goes on");
    assert_eq!(again.parameters, whole.expect("it trains").parameters);
}

#[test]
fn a_run_is_not_begun_twice_nor_resumed_with_other_regions() {
    let workshop = Workshop::new();
    let (material, fewer) = (workshop.material(4, 0), workshop.material(3, 0));
    let config = small().with("epochs = 1").expect("sound numbers");
    let dir = workshop.path("run");
    run(&material, &config, &dir, Start::New, &mut go_on).expect("it trains");
    let again = run(&material, &config, &dir, Start::New, &mut go_on);
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    let other = run(&fewer, &config, &dir, Start::Resume, &mut go_on);
    assert!(matches!(other, Err(Error::OtherRegions { .. })), "{other:?}");
    assert_eq!(training::read_config(&dir).expect("its configuration"), config);
    // What it learnt from is not kept apart afterwards.
    for text in ["seed = 2", "validation_share = 0.5"] {
        let changed = config.with(text).expect("a sound value");
        let found = run(&material, &changed, &dir, Start::Resume, &mut go_on);
        assert!(matches!(found, Err(Error::OtherSplit { .. })), "{text}: {found:?}");
        assert_eq!(training::read_config(&dir).expect("as it was"), config);
    }
    // More epochs than it had: it goes on.
    let more = Config { epochs: 2, ..config };
    let outcome = run(&material, &more, &dir, Start::Resume, &mut go_on).expect("it goes on");
    assert_eq!(outcome.best.map(|best| best.epoch <= 2), Some(true));
    assert!((outcome.epochs - 2.0).abs() < 1e-9);
}

#[test]
fn pairs_found_in_the_pictures_are_positives_and_stay_on_one_side_of_the_split() {
    let workshop = Workshop::new();
    let material = workshop.material(6, 4);
    // Unlabelled regions show the film of one that is labelled.
    let pairs: Vec<Positive> = [(14, 0), (0, 14), (15, 3), (3, 15)]
        .map(|(query, other)| Positive { query, other, source: PositiveSource::Motion })
        .to_vec();
    let text = "epochs = 1\nlabel_positives = \"none\"\naugmented_positives = false";
    let config = small().with(text).expect("sound words");
    let dir = workshop.path("run");
    let course = course(&config, &dir, Start::New);
    let outcome = training::train(&material, &pairs, &course, &mut go_on).expect("it trains");
    let learnt: u64 = outcome.positives.values().sum();
    assert_eq!(outcome.positives, BTreeMap::from([(PositiveSource::Motion, learnt)]));
    assert!(learnt > 0);
    for region in [0, 3, 14, 15] {
        assert!(outcome.split.training.contains(&region), "{:?}", outcome.split);
    }
    let none = small().with("label_positives = \"none\"\naugmented_positives = false");
    let nothing =
        run(&material, &none.expect("sound words"), &workshop.path("none"), Start::New, &mut go_on);
    assert!(matches!(nothing, Err(Error::NoPositives)), "{nothing:?}");
}

#[test]
fn the_verb_trains_ends_in_time_and_goes_on() {
    let workshop = Workshop::new();
    let mut text = "file,patients,pathology,outcome_basis,source,region,crop\n".to_owned();
    let mut films = BTreeSet::new();
    for seed in 0..9 {
        let Outlined { film, contour, facts } = drawn(seed);
        let picture = Picture::png(&film).expect("a phantom is a picture");
        let name = format!("film{seed}.png");
        std::fs::write(workshop.path(&name), &picture.bytes).expect("a small file");
        let whole =
            Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli")).read(&workshop.path(&name));
        films.insert(identity::film_hash(&whole.expect("our own picture")));
        let outcome = facts.label.expect("it is labelled").pathology;
        let (center, radius) = (contour.centroid(), (contour.area() / 3.2).sqrt());
        let circle = format!("circle {:.0} {:.0} {:.0}", center.x, center.y, radius);
        text += &format!("{name},P{seed},{outcome},drawn,phantoms,{circle},0 0 250 250\n");
    }
    std::fs::write(workshop.path("cases.csv"), text).expect("a small file");
    let trunk = make::trunk_file_name(Architecture::Tiny, &workshop.trunk());
    let train = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .current_dir(workshop.dir.path())
            .args(["train", "--manifest", "cases.csv", "--out", "run", "--cache", "maps"])
            .args(["--trunk", &format!("trunks/{trunk}"), "--json"])
            .args(more)
            .output()
            .expect("our own program");
        let printed: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
        (output.status.code(), printed, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let numbers = ["--epochs", "2", "--clusters", "4", "--margin", "0.3", "--set", "alpha=20.0"];
    let (code, printed, said) = train(&[&numbers[..], &["--minutes", "0"]].concat());
    let printed = printed.unwrap_or_else(|| panic!("{code:?} {said}"));
    assert_eq!(printed["epochs"], 0.0, "{printed}");
    let config = training::read_config(&workshop.path("run")).expect("its configuration");
    assert_eq!((config.epochs, config.clusters, config.alpha), (2, 4, Some(20.0)));
    assert_eq!(config.momentum, Config::paper().momentum);
    let (code, _, said) = train(&numbers);
    assert_eq!(code, Some(1), "{said}");

    // Without end, and for longer than a clock can tell.
    let (code, _, said) = train(&["--resume", "--minutes", "nan"]);
    assert!(code == Some(2) && said.contains("number of minutes"), "{said}");
    let (code, printed, said) = train(&["--resume", "--minutes", "inf"]);
    let printed = printed.unwrap_or_else(|| panic!("{code:?} {said}"));
    assert_eq!((&printed["epochs"], &printed["best"]["epoch"].is_u64()), (&2.0.into(), &true));
    let learnt = printed["positives"]["class"].as_u64().expect("a count");
    assert!(learnt > 0, "{printed}");
    for name in ["run/encoder", "run/encoder-1"] {
        Encoder::open(&workshop.path(name), DeviceChoice::Cpu).expect("a sound bundle");
        // The whole films, though a part of each was used.
        let learnt_from = LearntFrom::read(&workshop.path(name)).expect("it tells");
        assert_eq!(learnt_from, LearntFrom { uses_outcomes: true, films: films.clone() });
    }
    // An evaluation shows what the run was made with.
    let output = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
        .current_dir(workshop.dir.path())
        .args(["evaluate", "retrieval", "--manifest", "cases.csv", "--encoder", "run/encoder"])
        .args(["--no-untrained", "--rivals", "none", "--device", "cpu", "--out", "found", "--json"])
        .output()
        .expect("our own program");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let settings = &found["effects"][0]["settings"];
    let told = ["loss", "epochs", "triplet_margin"].map(|name| settings[name].as_str());
    assert_eq!(told, [Some("ranking"), Some("2"), Some("0.3")], "{settings}");
    // Two runs are told apart by their folders.
    assert_eq!(found["methods"][0]["name"], "paper-trained (run)");
    let (code, _, said) = train(&["--resume", "--margin", "0.1"]);
    assert_eq!(code, Some(2), "{said}");
}
