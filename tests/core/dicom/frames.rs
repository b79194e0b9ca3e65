//! Films of several frames: each is read by itself, in the memory of one.

use std::io::Write;

use precedent_core::dicom::{Error, Refusal};
use precedent_core::mammogram::Mammogram;
use precedent_core::voi_lut::VoiFunction;

use super::file::{BIG_ENDIAN, COLUMNS, EXPLICIT, File, IMPLICIT, ROWS, Writing, pixels};
use super::{codes, doubts, reader, stored_values};

/// A film whose frame `i` counts from `i`.
fn film_of(frames: u16, writing: Writing, syntax: &'static str) -> File {
    let mut file = File::film();
    file.writing = writing;
    file.syntax = syntax;
    for (element, value) in [(2, 1), (0x10, ROWS), (0x11, COLUMNS), (0x100, 16), (0x101, 12)] {
        file.short((0x0028, element), value);
    }
    file.short((0x0028, 0x0102), 11).short((0x0028, 0x0103), 0);
    file.text((0x0028, 0x0008), "IS", &frames.to_string());
    let all = (0..frames).flat_map(frame_values).collect::<Vec<_>>();
    file.pixels(&all);
    file
}

fn frame_values(idx: u16) -> Vec<u16> {
    pixels().into_iter().map(|value| value + idx).collect()
}

fn values_of(film: &Mammogram) -> Vec<u16> {
    stored_values(film).into_iter().map(|v| v as u16).collect()
}

/// In memory and piece by piece, with the same reader for all frames.
fn on_disk(
    bytes: &[u8],
    mut look: impl FnMut(&mut precedent_core::dicom::Reader, &std::path::Path),
) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the disk takes it");
    look(&mut reader(), file.path());
    look(&mut reader().with_most_in_memory(0), file.path());
}

#[test]
fn every_frame_is_read_in_any_order() {
    for (writing, syntax) in [
        (Writing::Explicit, EXPLICIT),
        (Writing::Implicit, IMPLICIT),
        (Writing::BigEndian, BIG_ENDIAN),
    ] {
        on_disk(&film_of(5, writing, syntax).bytes(), |reader, path| {
            for idx in [0, 4, 1, 1, 3, 2, 0] {
                let film = reader.read_frame(path, idx).expect("it is there");
                assert_eq!(values_of(&film), frame_values(idx as u16), "{idx}");
                assert_eq!((film.frame.idx, film.frame.count), (idx, 5));
                assert!(codes(&film).is_empty(), "a frame that was chosen is in no doubt");
            }
            let error = reader.read_frame(path, 5).expect_err("there are five");
            assert!(matches!(error, Error::Refused(Refusal::NoSuchFrame { number: 6, frames: 5 })));
        });
    }
}

#[test]
fn a_file_that_changes_between_two_frames_is_opened_anew() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&film_of(3, Writing::Explicit, EXPLICIT).bytes()).expect("the disk takes it");
    let mut reader = reader();
    let before = reader.read_frame(file.path(), 2).expect("it is there");
    std::fs::write(file.path(), film_of(2, Writing::Explicit, EXPLICIT).bytes()).expect("written");
    let error = reader.read_frame(file.path(), 2).expect_err("there are two");
    assert!(matches!(error, Error::Refused(Refusal::NoSuchFrame { .. })), "{error}");
    let after = reader.read_frame(file.path(), 1).expect("it is there");
    assert_ne!(before.content_hash, after.content_hash);
}

#[test]
fn each_frame_has_the_groups_of_its_own() {
    // E10: windows by frame, spacing shared, a window at the root that counts for none.
    let macro_of = |tag, item: &File| {
        let mut group = File::empty();
        group.sequence(tag, item);
        group
    };
    let mut file = film_of(3, Writing::Explicit, EXPLICIT);
    file.remove((0x0018, 0x1164));
    let mut measures = File::empty();
    measures.text((0x0028, 0x0030), "DS", "0.085\\0.09");
    file.sequence((0x5200, 0x9229), &macro_of((0x0028, 0x9110), &measures));
    let mut items = Vec::new();
    for center in ["100", "200", "300"] {
        let mut window = File::empty();
        window.text((0x0028, 0x1050), "DS", center).text((0x0028, 0x1051), "DS", "50");
        items.extend(file.item(&macro_of((0x0028, 0x9132), &window)));
    }
    file.set((0x5200, 0x9230), "SQ", items);
    on_disk(&file.bytes(), |reader, path| {
        for idx in [2, 0, 1] {
            let film = reader.read_frame(path, idx).expect("it is there");
            let center = f64::from(100 * (idx + 1));
            assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center, width: 50.0 });
            let spacing = film.spacing.expect("it is shared");
            assert_eq!((spacing.row_spacing_mm, spacing.column_spacing_mm), (0.085, 0.09));
            assert!(codes(&film).is_empty());
        }
    });
}

#[test]
fn frames_in_fragments_are_told_apart_by_table_or_marks() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom/");
    let frames = |name: &str| {
        let mut reader = reader();
        let path = std::path::PathBuf::from(format!("{folder}{name}.dcm"));
        (0..3).map(|i| values_of(&reader.read_frame(&path, i).expect(name))).collect::<Vec<_>>()
    };
    let by_table = frames("three_frames_in_nine_fragments_table");
    assert_eq!(by_table, frames("three_frames_in_nine_fragments"));
    assert!(by_table[0] != by_table[1] && by_table[1] != by_table[2]);
    // A second offset that is no fragment's: the marks are believed, and it is said.
    let mut bytes = std::fs::read(format!("{folder}three_frames_in_nine_fragments_table.dcm"))
        .expect("it is committed");
    let at = bytes.windows(6).position(|w| w == [0xE0, 0x7F, 0x10, 0, b'O', b'B']);
    let table = at.expect("it has pixels") + 12 + 8;
    bytes[table + 4] ^= 2;
    on_disk(&bytes, |reader, path| {
        let film = reader.read_frame(path, 1).expect("the marks are sound");
        assert_eq!(values_of(&film), by_table[1]);
        assert_eq!(codes(&film), ["W-OFFSET-TABLE"]);
    });
}

#[test]
fn the_first_of_several_frames_is_in_doubt_where_nobody_chose_it() {
    on_disk(&film_of(3, Writing::Explicit, EXPLICIT).bytes(), |reader, path| {
        assert_eq!(doubts(&reader.read(path).expect("it is there")), ["W-MULTIFRAME"]);
        assert!(doubts(&reader.read_frame(path, 0).expect("it is there")).is_empty());
    });
}

/// The frames that can be read, and what the first of the others is refused with.
fn frames_left(bytes: &[u8], count: u32) -> (Vec<Vec<u16>>, String) {
    let (mut frames, mut refusal) = (Vec::new(), None);
    on_disk(bytes, |reader, path| {
        frames.clear();
        for idx in 0..count {
            match reader.read_frame(path, idx) {
                Ok(film) => {
                    let said = film.cautions.iter().find(|c| c.code == "W-FRAMES-MISSING");
                    assert!(said.expect("it is said").is_doubt(), "{:?}", codes(&film));
                    assert!(refusal.is_none() || frames.len() as u32 == idx, "a gap before {idx}");
                    frames.push(values_of(&film));
                }
                Err(error) => drop(refusal.get_or_insert(error.to_string())),
            }
        }
    });
    (frames, refusal.expect("not all are there"))
}

#[test]
fn a_file_that_breaks_off_gives_the_frames_before() {
    // 5 frames of 96 bytes; 150 are gone: the fifth and more than half of the fourth.
    let whole = film_of(5, Writing::Explicit, EXPLICIT).bytes();
    let (frames, refusal) = frames_left(&whole[..whole.len() - 150], 5);
    assert_eq!(frames, [0, 1, 2].map(frame_values));
    assert!(refusal.contains("frame 4 is not all there, only 1 to 3 are"), "{refusal}");
    let film = {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&whole[..whole.len() - 150]).expect("the disk takes it");
        reader().read_frame(file.path(), 0).expect("it is there")
    };
    assert!(film.cautions[0].text.contains("frames 4 to 5 are missing"), "{:?}", film.cautions);
    // Not even the first: attributes alone, as of a film of one.
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&whole[..whole.len() - 400]).expect("the disk takes it");
    let error = reader().read_frame(file.path(), 0).expect_err("nothing is whole");
    assert!(matches!(error, Error::PixelsCut { have: 80, need: 480, .. }), "{error}");
}

#[test]
fn compressed_frames_before_the_break_are_known_by_table_marks_or_end() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom/");
    let read = |name: &str| std::fs::read(format!("{folder}{name}.dcm")).expect("committed");
    let all = {
        let mut reader = reader();
        let path = format!("{folder}three_frames_in_nine_fragments.dcm");
        let path = std::path::Path::new(&path);
        (0..3).map(|i| values_of(&reader.read_frame(path, i).expect("whole"))).collect::<Vec<_>>()
    };
    for name in ["three_frames_in_nine_fragments", "three_frames_in_nine_fragments_table"] {
        let whole = read(name);
        let items = fragments(&whole);
        assert_eq!(items.len(), 9);
        // Inside the eighth fragment, the second of the third frame.
        let (frames, refusal) = frames_left(&whole[..items[7].end - 5], 3);
        assert_eq!(frames, all[..2], "{name}");
        assert!(refusal.contains("frame 3"), "{refusal}");
        // Between the sixth and the seventh: the second frame ends as a code stream does.
        let (frames, _) = frames_left(&whole[..items[5].end], 3);
        assert_eq!(frames, all[..2], "{name}");
        // Noise where the fifth fragment should begin.
        let mut noise = whole[..items[3].end].to_vec();
        noise.extend([0x5A; 4000]);
        let (frames, _) = frames_left(&noise, 3);
        assert_eq!(frames, all[..1], "{name}");
    }
    // RLE has one fragment a frame (PS3.5 A.4.2) and no marks.
    let rle = read("rle_16");
    let items = fragments(&rle);
    let one = &rle[items[0].clone()];
    let mut header = File::film();
    header.short((0x0028, 0x0010), 37).short((0x0028, 0x0011), 45).short((0x0028, 0x0101), 16);
    header.short((0x0028, 0x0102), 15).text((0x0028, 0x0008), "IS", "3");
    let three = header.encapsulated("1.2.840.10008.1.2.5", &[one, one, one]);
    let (frames, refusal) = frames_left(&three[..three.len() - 100], 3);
    assert_eq!((frames.len(), &frames[0]), (2, &frames[1]));
    assert!(refusal.contains("frame 3"), "{refusal}");
}

/// Where the values of the fragments behind the offset table lie.
fn fragments(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let head = [0xE0, 0x7F, 0x10, 0, b'O', b'B'];
    let mut at = file.windows(6).position(|w| w == head).expect("it has pixels") + 12;
    let mut items = Vec::new();
    while file[at..].starts_with(&[0xFE, 0xFF, 0x00, 0xE0]) {
        let length = u32::from_le_bytes([file[at + 4], file[at + 5], file[at + 6], file[at + 7]]);
        items.push(at + 8..at + 8 + length as usize);
        at += 8 + length as usize;
    }
    items.split_off(1)
}
