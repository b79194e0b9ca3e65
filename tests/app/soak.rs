//! What many films in a row leave behind: nothing. Real files through the real decoding process, in
//! a test process of their own, for memory is counted by process.
//!
//! `PRECEDENT_FILMS=1000 cargo test --release --test app soak` is the long form, whose stack is
//! scrolled through 200 times; with `PRECEDENT_REAL_CASES=1` every film asks the library that ships,
//! which takes a second and more each.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use egui::vec2;
use egui_kittest::Harness;
use precedent::app::{App, Launch, tools};
use precedent::command::Command;
use precedent::journal::Journal;
use precedent::listing::Listing;
use precedent::state::Content;
use precedent::worker::{ReadFilms, Tools};
use precedent_core::dicom::{Reader, listing};
use precedent_core::encoder::DeviceChoice;
use precedent_core::geometry::ImagePoint;
use precedent_core::mammogram::Mammogram;
use precedent_core::progress::Report;
use precedent_core::segmentation::Prompt;

use crate::fakes::{answering_at_once, hash, until, until_found};

#[path = "../core/dicom/file.rs"]
#[expect(dead_code, reason = "the core's tests use the rest of it")]
mod file;
#[path = "../core/memory.rs"]
#[expect(dead_code, reason = "the core's tests use the rest of it")]
mod memory;

use file::{EXPLICIT, File, IMPLICIT, PIXEL_DATA, Writing};
use memory::{Process, alone, say};

/// More than this many make it the long form.
const LONG: usize = 300;
/// What a process may come to hold for other reasons, in KiB: the pages of code that it came to.
const SLACK: u64 = 8 << 10;

fn num_films() -> usize {
    std::env::var("PRECEDENT_FILMS").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

struct ChildReader(Reader);

impl ReadFilms for ChildReader {
    fn list(&mut self, paths: &[PathBuf], report: &mut Report<'_>) -> ControlFlow<(), Listing> {
        listing::list(&mut self.0, paths, report).map_continue(|found| Listing::of(paths, found))
    }

    fn read(&mut self, path: &Path, frame_idx: u32) -> anyhow::Result<Mammogram> {
        Ok(self.0.read_frame(path, frame_idx)?)
    }
}

/// A window without films whose reader has a decoding process.
fn open<'a>(user_data: &Path, has_real_cases: bool) -> Harness<'a, App> {
    let once = Mutex::new(Some(answering_at_once()));
    let tools = Tools {
        reader: Box::new(ChildReader(Reader::with_program(env!("CARGO_BIN_EXE_precedent")))),
        journal: Some(Journal::new(user_data)),
        open_cases: if has_real_cases {
            tools().open_cases
        } else {
            Box::new(move |_, _, _| {
                Ok(once.lock().expect("opened by one thread").take().expect("opened once"))
            })
        },
    };
    let launch = Launch { device: Some(DeviceChoice::Cpu), ..Launch::default() };
    Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .wgpu()
        .build_eframe(|cc| App::new(cc, launch, tools))
}

fn run(window: &mut Harness<'_, App>, command: Command) {
    let ctx = window.ctx.clone();
    window.state_mut().run(&ctx, command);
    window.run_steps(2);
}

fn open_film(window: &mut Harness<'_, App>, path: &Path) {
    run(window, Command::OpenPaths(vec![path.to_owned()]));
    until(window, "the film is read", |state| match state.film().map(|film| &film.content) {
        Some(Content::Failed(why)) => panic!("{}: {why}", path.display()),
        content => matches!(content, Some(Content::Read(_))),
    });
}

/// The mass of film `number`, in pixels of 0.1 mm.
fn mass(rows: u16, columns: u16) -> Prompt {
    let center = ImagePoint::new(0.55 * f64::from(columns), 0.5 * f64::from(rows));
    Prompt::Drag { center, radius: 50.0 }
}

/// Films of three sizes in four transfer syntaxes, no two the same.
fn write(path: &Path, number: usize) -> (u16, u16) {
    let (rows, columns) = [(800, 600), (1200, 900), (1000, 1400)][number % 3];
    let Prompt::Drag { center, radius } = mass(rows, columns) else { unreachable!("drawn so") };
    let value = |row: u16, column: u16| {
        let at = ImagePoint::new(f64::from(column) + 0.5, f64::from(row) + 0.5);
        let edge = ((radius - at.distance(center)) / 10.0 + 0.5).clamp(0.0, 1.0);
        let grain = hash(column.into(), row.into(), number as u32) % 60;
        (if column > 80 { 900 } else { 40 }) + grain as u16 + (edge * 900.0) as u16
    };
    let values: Vec<u16> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| value(row, column))).collect();
    let mut film = head(rows, columns, number);
    let bytes = match number % 4 {
        0 => film.pixels(&values).bytes(),
        1 => {
            film.writing = Writing::Implicit;
            film.syntax = IMPLICIT;
            head_values(&mut film, rows, columns).pixels(&values).bytes()
        }
        2 => film.encapsulated("1.2.840.10008.1.2.5", &[&run_lengths(&values)]),
        _ => {
            let frame: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            film.encapsulated("1.2.840.10008.1.2.1.98", &[&frame])
        }
    };
    std::fs::write(path, bytes).expect("the disk takes it");
    (rows, columns)
}

fn head(rows: u16, columns: u16, number: usize) -> File {
    let mut film = File::film();
    film.syntax = EXPLICIT;
    film.text((0x0008, 0x0018), "UI", &format!("1.2.3.{number}"));
    film.text((0x0018, 0x1164), "DS", "0.1\\0.1").text((0x0028, 0x0008), "IS", "1");
    head_values(&mut film, rows, columns);
    film
}

/// The numbers that are written anew where the writing changes.
fn head_values(film: &mut File, rows: u16, columns: u16) -> &mut File {
    for (element, value) in [
        (0x0002, 1),
        (0x0010, rows),
        (0x0011, columns),
        (0x0100, 16),
        (0x0101, 12),
        (0x0102, 11),
        (0x0103, 0),
    ] {
        film.short((0x0028, element), value);
    }
    film
}

/// RLE Lossless without a single run (PS3.5 annex G).
fn run_lengths(values: &[u16]) -> Vec<u8> {
    let plane = |shift: u32| -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().map(|value| (value >> shift) as u8).collect();
        bytes.chunks(128).flat_map(|c| [&[c.len() as u8 - 1][..], c].concat()).collect()
    };
    let (high, low) = (plane(8), plane(0));
    let mut frame = vec![0; 64];
    let second = 64 + high.len() as u32;
    for (at, word) in [(0, 2), (4, 64), (8, second)] {
        frame[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
    }
    [frame, high, low].concat()
}

/// What this process and its decoder hold: KiB, handles, threads.
fn held() -> (u64, usize, u64) {
    let family = Process::family();
    let resident = family.iter().filter_map(|process| process.resident()).sum();
    let threads = family.iter().filter_map(|process| process.threads()).sum();
    (resident, family.iter().map(|process| process.handles()).sum(), threads)
}

/// KiB a film, by least squares over `samples` of (number, KiB).
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|s| s.0), mean(|s| s.1));
    let (mut xy, mut xx) = (0.0, 0.0);
    for sample in samples {
        xy += (sample.0 - x) * (sample.1 - y);
        xx += (sample.0 - x).powi(2);
    }
    xy / xx
}

/// Holds what is held up to `warm` turns against what is held at the end. Of each, the least: at any
/// moment a thread may still have a film in its hands.
fn assert_flat(what: &str, turns: usize, warm: usize, mut turn: impl FnMut(usize)) {
    let samples: Vec<(u64, usize, u64)> = (1..=turns)
        .map(|number| {
            turn(number - 1);
            let held = held();
            if number.is_multiple_of((turns / 10).max(1)) {
                say(&format!("measured: {what} {number}: {held:?}"));
            }
            held
        })
        .collect();
    let least = |part: &[(u64, usize, u64)]| {
        let least = |of: fn(&(u64, usize, u64)) -> u64| part.iter().map(of).min().unwrap_or(0);
        (least(|held| held.0), least(|held| held.1 as u64), least(|held| held.2))
    };
    let window = warm.div_ceil(2);
    let (before, after) = (least(&samples[warm - window..warm]), least(&samples[turns - window..]));
    let line: Vec<_> = (warm..turns).map(|idx| (idx as f64, samples[idx].0 as f64)).collect();
    let slope = slope(&line);
    say(&format!(
        "measured: {what}: {before:?} up to {warm}, {after:?} up to {turns}; {slope:.1} KiB each"
    ));
    assert!(after.0 <= before.0 + SLACK, "{before:?} became {after:?}");
    assert!(turns < LONG || slope <= 20.0, "{slope} KiB with each of the {what}");
    assert!(after.1 <= before.1 + 2, "handles: {before:?} became {after:?}");
    assert!(after.2 <= before.2 + 1, "threads: {before:?} became {after:?}");
}

#[test]
fn hundreds_of_films_in_a_row_leave_nothing_behind() {
    alone("soak::hundreds_of_films_in_a_row_leave_nothing_behind", || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let films = num_films();
        let has_real_cases = std::env::var_os("PRECEDENT_REAL_CASES").is_some();
        let mut window = open(&folder.path().join("user"), has_real_cases);
        let fixtures = fixtures();
        let warm = if films >= LONG { films / 10 } else { films / 2 };
        assert_flat("films", films, warm, |number| {
            let path = folder.path().join(format!("{number}.dcm"));
            let (rows, columns) = write(&path, number);
            open_film(&mut window, &path);
            run(&mut window, Command::SetWindow { center: 1200.0, width: 1500.0 });
            run(&mut window, Command::CommitOutline(mass(rows, columns)));
            until_found(&mut window);
            if number.is_multiple_of(4) {
                window.render().expect("the software driver draws");
            }
            run(&mut window, Command::CloseFilm(0));
            std::fs::remove_file(&path).expect("it is ours");
            // And one of each decoder in turn.
            open_film(&mut window, &fixtures[number % fixtures.len()]);
            run(&mut window, Command::CloseFilm(0));
            assert!(window.state().state().films.is_empty());
        });
    });
}

/// Films of the compressed transfer syntaxes.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dicom");
    let names = [
        "jpeg_lossless_16_p4",
        "jpeg_extended_12",
        "dcmtk_jpeg_ls_16",
        "jpeg2000_16",
        "htj2k_16",
        "rle_16",
        "deflated_14",
    ];
    names.iter().map(|name| folder.join(format!("{name}.dcm"))).collect()
}

#[test]
fn a_stack_scrolled_through_again_and_again_leaves_nothing_behind() {
    alone("soak::a_stack_scrolled_through_again_and_again_leaves_nothing_behind", || {
        const FRAMES: u32 = 70;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cycles = if num_films() >= LONG { num_films() / 5 } else { 4 };
        let path = stack(folder.path(), 320, 256, FRAMES).expect("the disk takes it");
        let mut window = open(&folder.path().join("user"), false);
        open_film(&mut window, &path);
        assert_flat("cycles", cycles, cycles.div_ceil(10).max(2), |_| {
            for frame in (1..FRAMES).chain([0]) {
                run(&mut window, Command::ShowFrame(frame));
                until(&mut window, "the frame is there", |state| {
                    state.read_film().is_some_and(|(_, read)| read.mammogram.frame.idx == frame)
                });
            }
            window.render().expect("the software driver draws");
        });
    });
}

/// A film of so many frames, all but its head a hole.
fn stack(folder: &Path, rows: u16, columns: u16, frames: u32) -> std::io::Result<PathBuf> {
    let mut film = head(rows, columns, 0);
    film.text((0x0028, 0x0008), "IS", &frames.to_string()).remove(PIXEL_DATA);
    let length = u32::from(rows) * u32::from(columns) * 2 * frames;
    let bytes = [film.bytes(), film.element_head(PIXEL_DATA, "OW", length)].concat();
    let path = folder.join("stack.dcm");
    let mut disk = std::fs::File::create(&path)?;
    disk.write_all(&bytes)?;
    disk.set_len(bytes.len() as u64 + u64::from(length))?;
    Ok(path)
}

#[test]
fn the_window_answers_while_a_gibibyte_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Ok(path) = stack(folder.path(), 2457, 1890, 116) else {
        return say("skipped: there is no room for a hole of 1 GiB");
    };
    let mut window = open(&folder.path().join("user"), false);
    let frame = |window: &mut Harness<'_, App>| {
        let start = Instant::now();
        window.step();
        start.elapsed()
    };
    // Nine frames of ten; and three tries, for a machine that is busy with other tests makes
    // anything slow once.
    let most = |times: &mut [Duration]| {
        times.sort();
        times[times.len() * 9 / 10]
    };
    let tries = [(); 3].map(|()| {
        for _ in 0..10 {
            frame(&mut window);
        }
        let mut idle: Vec<Duration> = (0..30).map(|_| frame(&mut window)).collect();
        let ctx = window.ctx.clone();
        window.state_mut().run(&ctx, Command::OpenPaths(vec![path.clone()]));
        let mut busy = Vec::new();
        while window.state().state().read_film().is_none() {
            busy.push(frame(&mut window));
            assert!(busy.iter().sum::<Duration>() < Duration::from_secs(60), "it is never read");
        }
        window.state_mut().run(&ctx, Command::CloseFilm(0));
        (most(&mut idle), most(&mut busy))
    });
    let answers =
        |&(idle, busy): &(Duration, Duration)| busy < Duration::from_millis(100).max(3 * idle);
    assert!(tries.iter().any(answers), "idle, and while it reads: {tries:?}");
}
