//! Damaged code streams of every family under sound headers, through the decoding process: where a
//! decoder breaks down, aborts or loops, the reader says so. The corpora are those of `tests/fuzz`.

use std::time::Duration;

use precedent_core::dicom::{DecoderError, Error, Reader};

use super::file::File;
use super::mutate::Random;
use crate::corpus::{damaged, kept};

/// As many of each seed.
const DAMAGES: usize = 60;

/// Rows, columns, one byte more, then the stream: as `doors.rs` takes them.
fn film(syntax: &'static str, bytes: &[u8]) -> Option<Vec<u8>> {
    let (&[rows, columns, planes], stream) = bytes.split_first_chunk::<3>()?;
    let is_narrow = syntax.ends_with("1.2.5") && planes.is_multiple_of(2);
    let bits = if is_narrow { 8 } else { 16 };
    let mut file = File::film();
    file.short((0x0028, 0x0010), rows.into()).short((0x0028, 0x0011), columns.into());
    for (element, value) in [(0x0100, bits), (0x0101, bits), (0x0102, bits - 1)] {
        file.short((0x0028, element), value);
    }
    Some(file.encapsulated(syntax, &[stream]))
}

#[test]
fn damaged_code_streams_cost_no_decoder() {
    let mut random = Random(20_260_302);
    let mut reader = super::reader().with_time_limit(Duration::from_secs(20));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let (mut shown, mut refused, mut broken) = (0, 0, Vec::new());
    let mut push = |reader: &mut Reader, name: &str, film: &[u8]| {
        std::fs::write(&path, film).expect("the disk takes it");
        match reader.read(&path) {
            Ok(film) => {
                assert_eq!(film.samples.len() as u32, film.rows * film.columns, "{name}");
                shown += 1;
            }
            Err(Error::Decoder(DecoderError::Crash | DecoderError::TooLong { .. })) => {
                broken.push(name.to_owned());
            }
            Err(_) => refused += 1,
        }
    };
    for (door, syntax) in [
        ("rle", "1.2.840.10008.1.2.5"),
        ("jpeg", "1.2.840.10008.1.2.4.70"),
        ("jpeg_ls", "1.2.840.10008.1.2.4.80"),
        ("jpeg2000", "1.2.840.10008.1.2.4.90"),
        ("jpeg_xl", "1.2.840.10008.1.2.4.110"),
    ] {
        for (name, seed) in kept(door) {
            if let Some(film) = film(syntax, &seed) {
                push(&mut reader, &name, &film);
            }
            for number in 0..DAMAGES {
                if let Some(film) = film(syntax, &damaged(&seed, &mut random)) {
                    push(&mut reader, &format!("{name}, damage {number}"), &film);
                }
            }
        }
    }
    assert!(broken.is_empty(), "the decoder broke down over {broken:?}");
    assert!(shown > 30 && refused > 100, "{shown} shown, {refused} refused: too tame or too wild");
}
