//! From a film and an outline to a descriptor; bundles, sound and damaged; the trial of a GPU.
//!
//! A tiny random network stands in for VGG-16 wherever the claim does not depend on its weights.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use precedent_core::descriptor::Descriptor;
use precedent_core::encoder::backbone::{self, Architecture, Input, Trunk};
use precedent_core::encoder::bundle::{self, Bundle};
use precedent_core::encoder::device::Trial;
use precedent_core::encoder::fixture::Fixture;
use precedent_core::encoder::make::{self, Ingredients, Made, Recipe, Region, Source};
use precedent_core::encoder::small::{self, SmallArchitecture};
use precedent_core::encoder::tensors::{self, TensorFile};
use precedent_core::encoder::{DeviceChoice, Encoder, Error};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::Pathology;
use precedent_core::mammogram::{
    Mammogram, ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin,
};
use precedent_core::patch::{self, Patch};

mod bundles;
mod command_line;
#[cfg(unix)]
mod gpu_trials;
mod parts;
mod patches;
mod small_networks;
mod trunks;

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
        frame: precedent_core::mammogram::Frame::default(),
        rows,
        columns,
        samples: Arc::new(samples),
        stored_offset: 0,
        bits_stored: 16,
        photometric_interpretation: PhotometricInterpretation::Monochrome2,
        modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
        padding: None,
        air: None,
        voi_luts: Vec::new(),
        spacing: Some(Spacing {
            column_spacing_mm: spacing_mm.0,
            row_spacing_mm: spacing_mm.1,
            origin: SpacingOrigin::Calibrated,
        }),
        image_laterality: None,
        view_position: None,
        patient_orientation: None,
        patient_id: None,
        other_patient_ids: Vec::new(),
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

/// A folder with the tiny networks, a fixture, and a bundle made of them.
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
        let weights = tensors::to_bytes(&small::random_tiny_lite(8));
        std::fs::write(tiny.look(), &weights).expect("a small file");
        let file_of_look = TensorFile::open(&tiny.look()).expect("our own weights");
        let name = make::trunk_file_name(SmallArchitecture::TinyLite, &file_of_look);
        std::fs::write(tiny.look().with_file_name(name), weights).expect("a small file");
        let rgb = Trunk::load(&file, Architecture::Tiny, Input::Rgb, &Device::flex());
        let fixture = Fixture::of(&rgb.expect("our own weights"), 3);
        std::fs::write(tiny.fixture(), tensors::to_bytes(&fixture)).expect("a small file");
        let made = tiny.make(Recipe::Default, 1);
        Bundle::write(&tiny.bundle(), &made).expect("a new bundle");
        tiny
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.dir.path().join("encoders/default")
    }

    fn trunk(&self) -> PathBuf {
        self.dir.path().join("trunks/tiny.safetensors")
    }

    fn look(&self) -> PathBuf {
        self.dir.path().join("trunks/tinylite.safetensors")
    }

    fn fixture(&self) -> PathBuf {
        Fixture::path_beside(&self.trunk(), Architecture::Tiny)
    }

    fn make(&self, recipe: Recipe, seed: u64) -> Made {
        let trunk = TensorFile::open(&self.trunk()).expect("our own weights");
        let look = TensorFile::open(&self.look()).expect("our own weights");
        let regions = self.regions();
        let ingredients = Ingredients {
            recipe,
            trunk: Source { network: Architecture::Tiny.into(), file: &trunk },
            look: Some(Source { network: SmallArchitecture::TinyLite.into(), file: &look }),
            regions: &regions,
            seed,
            sources: &["phantoms".to_owned()],
        };
        make::make(&ingredients, &mut |_| ControlFlow::Continue(())).expect("thirty regions")
    }

    /// Thirty regions of one film, of three outcomes.
    fn regions(&self) -> Vec<Region> {
        let film = breast_film();
        (0..30)
            .map(|i| {
                let (x, y) = (12.0 + f64::from(i % 6) * 7.0, 8.0 + f64::from(i / 6) * 8.0);
                let contour = circle_mm(&film, x, y, 2.0 + f64::from(i % 4));
                Region::cut(&film, &contour, Pathology::ALL[i as usize % 3], [7; 32])
            })
            .collect()
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

fn shipped_trunk() -> TensorFile {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/trunks");
    let trunk = folder.join("vgg16-1e86f38309884cd0.safetensors");
    TensorFile::open(&trunk).expect("the trunk that ships")
}
