//! Hostile files, many thousands by a fixed seed, through the same reader and decoding process that
//! the window has: each must be shown whole or refused in a sentence, soon and in little memory, that
//! of the decoding process counted in.
//!
//! `PRECEDENT_MUTATIONS` (20,000 unless set), `PRECEDENT_SEED`. What fails is written to
//! `target/battery`, and the program ends with a panic that counts it.

#[path = "../core/dicom/file.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod file;
#[path = "../core/dicom/mutate.rs"]
mod mutate;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use precedent_core::dicom::{DecoderError, Error, Reader};

use self::file::{File, PIXEL_DATA};
use self::mutate::{BASES, Random, base, film_with_lut, mutate};
use super::memory::Family;

/// The longest that any file may take.
const LIMIT: Duration = Duration::from_secs(2);
/// The most memory beside three times the decoded picture, in KiB.
const MEMORY: u64 = 200 << 10;

pub(crate) fn run() {
    let setting = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (mutations, seed) =
        (setting("PRECEDENT_MUTATIONS", 20_000), setting("PRECEDENT_SEED", 20_260_301));
    let bases: Vec<(String, Vec<u8>)> = BASES
        .iter()
        .map(|name| ((*name).to_owned(), base(name)))
        .chain([("lut".to_owned(), film_with_lut())])
        .collect();
    let mut battery = Battery::new();
    let mut random = Random(seed);
    for number in 0..mutations {
        let (name, original) = &bases[number as usize % bases.len()];
        let bytes = mutate(original, &mut random);
        battery.file(&format!("{name}, mutation {number} of seed {seed}"), &bytes);
    }
    battery.report("mutated");
    for depth in [16, 64, 65, 1_000, 100_000] {
        battery.file(&format!("nested {depth} deep"), &nested(depth));
    }
    battery.report("nested");
    grids(&mut battery);
    battery.report("absurd grids");
    for (name, original) in &bases {
        let step = (original.len() / 200).max(1);
        let cuts = (0..original.len().min(4096)).chain((4096..original.len()).step_by(step));
        for length in cuts {
            battery.file(&format!("{name}, cut at {length}"), &original[..length]);
        }
    }
    battery.report("cut");
    battery.end();
}

struct Battery {
    reader: Reader,
    family: Family,
    path: PathBuf,
    _folder: tempfile::TempDir,
    shown: usize,
    refused: usize,
    slowest: (Duration, String),
    /// KiB beside three times the picture.
    largest: (u64, String),
    failed: usize,
}

impl Battery {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            reader: Reader::new(),
            family: Family::default(),
            path: folder.path().join("film"),
            _folder: folder,
            shown: 0,
            refused: 0,
            slowest: (Duration::ZERO, String::new()),
            largest: (0, String::new()),
            failed: 0,
        }
    }

    fn file(&mut self, name: &str, bytes: &[u8]) {
        std::fs::write(&self.path, bytes).expect("the disk takes it");
        let start = Instant::now();
        let (read, peak) = self.family.peak_during(|| self.reader.read(&self.path));
        let mut elapsed = start.elapsed();
        let picture = read.as_ref().map_or(0, |film| 2 * film.samples.len() as u64);
        let peak = peak.saturating_sub((3 * picture) >> 10);
        if peak > self.largest.0 {
            self.largest = (peak, name.to_owned());
        }
        if peak > MEMORY {
            self.fail(name, bytes, &format!("it took {} MiB", peak >> 10));
        }
        match read {
            Ok(film) => {
                let pixels = film.rows as usize * film.columns as usize;
                if film.samples.len() != pixels || film.voi_luts.is_empty() {
                    self.fail(name, bytes, "shown with other than its pixels");
                }
                self.shown += 1;
            }
            Err(Error::Decoder(error @ (DecoderError::Crash | DecoderError::TooLong { .. }))) => {
                self.fail(name, bytes, &error.to_string());
            }
            Err(_) => self.refused += 1,
        }
        // A busy machine makes anything slow once.
        for _ in 0..3 {
            if elapsed > LIMIT {
                let start = Instant::now();
                let _ = self.reader.read(&self.path);
                elapsed = elapsed.min(start.elapsed());
            }
        }
        if elapsed > LIMIT {
            self.fail(name, bytes, &format!("it took {elapsed:.1?}"));
        }
        if elapsed > self.slowest.0 {
            self.slowest = (elapsed, name.to_owned());
        }
    }

    fn fail(&mut self, name: &str, bytes: &[u8], why: &str) {
        self.failed += 1;
        println!("FAILED {name}: {why}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/battery");
        let _ = std::fs::create_dir_all(&folder);
        let _ = std::fs::write(folder.join(format!("{}.dcm", self.failed)), bytes);
    }

    fn report(&mut self, what: &str) {
        let (slowest, name) = std::mem::take(&mut self.slowest);
        let (largest, of) = std::mem::take(&mut self.largest);
        println!(
            "{what}: {} shown, {} refused, {} failed so far; slowest {slowest:.1?} ({name}); \
             most memory {} MiB ({of})",
            self.shown,
            self.refused,
            self.failed,
            largest >> 10
        );
        (self.shown, self.refused) = (0, 0);
    }

    fn end(self) {
        assert!(self.failed == 0, "{} files failed", self.failed);
    }
}

fn nested(depth: usize) -> Vec<u8> {
    let open = [
        &[0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    .concat();
    let close = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let mut file = File::film();
    let whole = file.dataset();
    file.remove(PIXEL_DATA);
    let tail = whole[file.dataset().len()..].to_vec();
    [file.bytes(), open.repeat(depth), close.repeat(depth), tail].concat()
}

fn grids(battery: &mut Battery) {
    let sizes = [0, 1, 6, 8, 65_535];
    for (rows, columns) in sizes.iter().flat_map(|r| sizes.iter().map(move |c| (*r, *c))) {
        for (allocated, stored, high) in
            [(1, 1, 0), (8, 0, 7), (8, 8, 7), (8, 12, 11), (16, 12, 15), (16, 17, 16), (32, 32, 31)]
        {
            for frames in ["0", "1", "2", "65536", "2147483648", "-1"] {
                for samples in [0, 1, 3, 65_535] {
                    let mut file = File::film();
                    file.short((0x0028, 0x0010), rows)
                        .short((0x0028, 0x0011), columns)
                        .short((0x0028, 0x0100), allocated)
                        .short((0x0028, 0x0101), stored)
                        .short((0x0028, 0x0102), high)
                        .short((0x0028, 0x0002), samples)
                        .text((0x0028, 0x0008), "IS", frames);
                    let name = format!(
                        "{columns} x {rows}, {allocated}/{stored}/{high}, {frames} frames, {samples} samples"
                    );
                    battery.file(&name, &file.bytes());
                }
            }
        }
    }
}
