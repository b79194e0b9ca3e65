//! File to pixels of a real film of 2864 x 4560, against DCMTK's and OpenJPEG's programs on the same
//! file; then the listing of a thousand such films. `tests/bench/rivals/dcmtk` sets the rivals up;
//! they also make the compressed files.
//!
//! Ours is `Reader::read` with a warm decoding process: read, hash, guard, decode, over two pipes
//! into a buffer. A rival is its program from start to end, output written to the same folder. For
//! OpenJPEG, what it calls "decode time" itself stands beside it. Memory is the most that we and the
//! decoding process held, beside what was held before.

use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use precedent_core::dicom::{Reader, listing};

use super::memory::{Family, Process};

const COLUMNS: usize = 2864;
const ROWS: usize = 4560;
const ROUNDS: usize = 7;
/// The most memory beside three times the decoded frame, in KiB.
const MEMORY: u64 = 200 << 10;
const FILMS: usize = 1_000;

pub(crate) fn run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let film = real_film();
    let native = folder.path().join("film.dcm");
    std::fs::write(&native, dicom(EXPLICIT, &native_pixels(&film))).expect("the disk takes it");
    println!("{COLUMNS} x {ROWS}, 16 bits; medians of {ROUNDS} in ms, by turns");
    println!("| transfer syntax | MB | ours | rival | rival's | ratio | MiB |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, encoder, decoder) in [
        ("native", None, ["dcmconv"].as_slice()),
        ("RLE", Some(["dcmcrle"].as_slice()), &["dcmdrle"]),
        ("JPEG lossless SV1", Some(&["dcmcjpeg", "+e1"]), &["dcmdjpeg"]),
        ("JPEG-LS", Some(&["dcmcjpls"]), &["dcmdjpls"]),
    ] {
        let file = folder.path().join(format!("{name}.dcm"));
        let is_made = match encoder {
            None => std::fs::copy(&native, &file).is_ok(),
            Some(encoder) => start(encoder, &[&native, &file]).is_some(),
        };
        let out = folder.path().join("out.dcm");
        let rival = || start(decoder, &[&file, &out]).map(|_| None);
        report(name, is_made.then_some(&file), &film, decoder[0], rival);
    }
    jpeg2000(folder.path(), &film);
    list(folder.path());
}

/// The right CC of the demonstration patient: a scanned film.
fn real_film() -> Vec<u16> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demonstration/RIGHT_CC.dcm");
    let film = Reader::new().read(Path::new(path)).expect("it ships");
    assert_eq!((film.columns as usize, film.rows as usize), (COLUMNS, ROWS));
    film.samples.to_vec()
}

/// Films that are headers before a hole as long as their pixels.
fn list(folder: &Path) {
    let folder = folder.join("films");
    std::fs::create_dir(&folder).expect("a new folder");
    let head = dicom(EXPLICIT, &pixel_head());
    for number in 0..FILMS {
        let mut file = File::create(folder.join(format!("{number}.dcm"))).expect("a new file");
        // Another SOPInstanceUID each.
        let mut head = head.clone();
        let uid = head.windows(8).rposition(|w| w == b"1.2.3.00").expect("it has one");
        head[uid..uid + 8].copy_from_slice(format!("{number:08}").as_bytes());
        file.write_all(&head).expect("the disk takes it");
        file.set_len((head.len() + 2 * ROWS * COLUMNS) as u64).expect("a hole");
    }
    let start = Instant::now();
    let listed = listing::list(&mut Reader::new(), &[folder], &mut |_| ControlFlow::Continue(()));
    let elapsed = start.elapsed();
    let ControlFlow::Continue(listing) = listed else { return };
    assert_eq!(listing.films().count(), FILMS, "{:?}", listing.others.first());
    println!("{FILMS} films listed in {elapsed:.2?}");
    assert!(elapsed < Duration::from_secs(3), "listing took {elapsed:?}");
}

fn jpeg2000(folder: &Path, film: &[u16]) {
    let (pgm, stream) = (folder.join("film.pgm"), folder.join("film.j2k"));
    let mut picture = format!("P5\n{COLUMNS} {ROWS}\n65535\n").into_bytes();
    picture.extend(film.iter().flat_map(|v| v.to_be_bytes()));
    std::fs::write(&pgm, picture).expect("the disk takes it");
    let (i, o) = (Path::new("-i"), Path::new("-o"));
    let is_made = start(&["opj_compress"], &[i, &pgm, o, &stream]).is_some();
    let file = folder.join("jpeg2000.dcm");
    if is_made {
        let stream = std::fs::read(&stream).expect("it was just written");
        std::fs::write(&file, dicom("1.2.840.10008.1.2.4.90", &fragment(&stream)))
            .expect("the disk takes it");
    }
    for threads in ["1", "2"] {
        let out = folder.join("out.pgm");
        let rival = || {
            let text = start(&["opj_decompress", "-threads", threads], &[i, &stream, o, &out])?;
            let own = text.lines().find_map(|line| line.strip_prefix("decode time: "));
            Some(own.map(str::to_owned))
        };
        let name = format!("opj_decompress, {threads} threads");
        report("JPEG 2000", is_made.then_some(&file), film, &name, rival);
    }
}

/// One line of the table; the rival gives what it says of its own time, `None` if it is not there.
fn report(
    name: &str,
    file: Option<&PathBuf>,
    film: &[u16],
    rival_name: &str,
    rival: impl Fn() -> Option<Option<String>>,
) {
    let Some(file) = file else {
        println!("| {name} | | | {rival_name} | rival not installed | | |");
        return;
    };
    let (mut reader, mut family) = (Reader::new(), Family::default());
    let (mut ours, mut theirs, mut own_words, mut most) = (Vec::new(), Vec::new(), None, 0);
    for round in 0..=ROUNDS {
        let before = Process::own().resident().unwrap_or(0);
        let begin = Instant::now();
        let (read, peak) = family.peak_during(|| reader.read(file).expect("the film is sound"));
        let elapsed = begin.elapsed().as_secs_f64() * 1e3;
        most = most.max(peak.saturating_sub(before));
        assert!(read.samples.as_slice() == film, "{name}: other pixels");
        let begin = Instant::now();
        let answer = rival();
        let rivals_elapsed = begin.elapsed().as_secs_f64() * 1e3;
        // The first round starts the decoding process and warms the disk.
        if round > 0 {
            ours.push(elapsed);
            if let Some(words) = answer {
                theirs.push(rivals_elapsed);
                own_words = words;
            }
        }
    }
    let megabytes = file.metadata().map_or(0, |m| m.len()) as f64 / 1e6;
    let ours = median(&mut ours);
    let (theirs, ratio) = if theirs.is_empty() {
        ("rival not installed".to_owned(), String::new())
    } else {
        let theirs = median(&mut theirs);
        let own_words = own_words.map_or(String::new(), |words| format!(" (decode {words})"));
        (format!("{theirs:.0}{own_words}"), format!("{:.2}", ours / theirs))
    };
    let memory = most >> 10;
    println!(
        "| {name} | {megabytes:.1} | {ours:.0} | {rival_name} | {theirs} | {ratio} | {memory} |"
    );
    let limit = MEMORY + 3 * ((2 * film.len() as u64) >> 10);
    assert!(most <= limit, "{name} took {most} KiB, more than {limit}");
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs a program; its output where it is there and succeeds.
fn start(program: &[&str], files: &[&Path]) -> Option<String> {
    let output = Command::new(program[0]).args(&program[1..]).args(files).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A small header before pixel data that are already encoded.
fn dicom(syntax: &str, pixel_data: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    text(&mut meta, (0x0002, 0x0002), b"UI", "1.2.840.10008.5.1.4.1.1.7");
    text(&mut meta, (0x0002, 0x0003), b"UI", "1.2.3");
    text(&mut meta, (0x0002, 0x0010), b"UI", syntax);
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    file.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
    file.extend((meta.len() as u32).to_le_bytes());
    file.extend(meta);
    text(&mut file, (0x0008, 0x0016), b"UI", "1.2.840.10008.5.1.4.1.1.7");
    text(&mut file, (0x0008, 0x0018), b"UI", "1.2.3.00");
    text(&mut file, (0x0010, 0x0020), b"LO", "PHANTOM");
    short(&mut file, 0x0002, 1);
    text(&mut file, (0x0028, 0x0004), b"CS", "MONOCHROME2");
    for (element, value) in [
        (0x0010, ROWS as u16),
        (0x0011, COLUMNS as u16),
        (0x0100, 16),
        (0x0101, 16),
        (0x0102, 15),
        (0x0103, 0),
    ] {
        short(&mut file, element, value);
    }
    text(&mut file, (0x0028, 0x1050), b"DS", "32768");
    text(&mut file, (0x0028, 0x1051), b"DS", "65536");
    file.extend(pixel_data);
    file
}

fn text(to: &mut Vec<u8>, (group, element): (u16, u16), vr: &[u8; 2], value: &str) {
    let mut value = value.as_bytes().to_vec();
    if !value.len().is_multiple_of(2) {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    to.extend(group.to_le_bytes());
    to.extend(element.to_le_bytes());
    to.extend(vr);
    to.extend((value.len() as u16).to_le_bytes());
    to.extend(value);
}

fn short(to: &mut Vec<u8>, element: u16, value: u16) {
    to.extend(0x0028_u16.to_le_bytes());
    to.extend(element.to_le_bytes());
    to.extend([b'U', b'S', 2, 0]);
    to.extend(value.to_le_bytes());
}

fn pixel_head() -> Vec<u8> {
    let mut bytes = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0];
    bytes.extend((2 * ROWS as u32 * COLUMNS as u32).to_le_bytes());
    bytes
}

fn native_pixels(film: &[u16]) -> Vec<u8> {
    let mut bytes = pixel_head();
    bytes.extend(film.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

fn fragment(stream: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0x00, 0xE0]);
    bytes.extend((stream.len().next_multiple_of(2) as u32).to_le_bytes());
    bytes.extend(stream);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    bytes
}
