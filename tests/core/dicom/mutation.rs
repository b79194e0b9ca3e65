//! Files damaged at random, by a fixed seed: each is shown with all its pixels, or refused.
//! `PRECEDENT_MUTATIONS` (of each base) and `PRECEDENT_SEED` make it longer and other.

use std::path::PathBuf;

use precedent_core::dicom::{DecoderError, Error, check_structure};

use super::{read_with, reader};

const SEED: u64 = 20_260_301;
const MUTATIONS_OF_EACH: u64 = 1_600;
/// The guard sees every mutation, the decoding process one in so many: each costs two turns of
/// the scheduler, which a busy machine makes long.
const DECODED: u64 = 16;
const BASES: [&str; 14] = [
    "explicit_12_signed",
    "implicit_16",
    "deflated_14",
    "big_endian_16",
    "rle_16",
    "jpeg_lossless_12_p4",
    "jpeg_lossless_16_p6_restart5",
    "jpeg_baseline_8_restart",
    "jpeg_extended_12",
    "dcmtk_jpeg_ls_16",
    // Not the near-lossless one: CharLS takes seconds over some of its damaged streams.
    "dcmtk_jpeg_ls_12_signed",
    "jpeg2000_12",
    "htj2k_16",
    "three_frames_in_nine_fragments_table",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// One to three of: a bit turned, a length-like word set to an extreme, bytes cut, doubled or
/// swapped, a new end.
fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(3) {
        // Mostly where the structure is: behind the preamble.
        let reach = if random.below(3) == 0 { bytes.len() } else { bytes.len().min(1_000) };
        let at = random.below(reach.saturating_sub(8).max(1));
        match random.below(7) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let extremes = [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFE, u32::MAX, bytes.len() as u32];
                let word = extremes[random.below(extremes.len())].to_le_bytes();
                let end = (at + 4).min(bytes.len());
                bytes[at..end].copy_from_slice(&word[..end - at]);
            }
            3 => drop(bytes.drain(at..at + random.below(8).min(bytes.len() - at))),
            4 => {
                let copy = bytes[at..(at + 12).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => {
                let other = random.below(bytes.len());
                bytes.swap(at, other);
            }
            _ => bytes.truncate(random.below(bytes.len()).max(1)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn damaged_files_are_shown_whole_or_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dicom");
    let seed = setting("PRECEDENT_SEED", SEED);
    let mut random = Random(seed);
    let mut reader = reader();
    let (mut shown, mut refused, mut broken) = (0, 0, Vec::new());
    for base in BASES {
        let original = std::fs::read(folder.join(format!("{base}.dcm"))).expect("it is committed");
        for round in 0..setting("PRECEDENT_MUTATIONS", MUTATIONS_OF_EACH) {
            let bytes = mutate(&original, &mut random);
            // The guard alone must never panic, nor let the decoder see what it refuses.
            let is_sound = check_structure(&bytes).is_ok();
            if round % DECODED != 0 {
                continue;
            }
            match read_with(&mut reader, &bytes) {
                Ok(film) => {
                    let is_picture = bytes.starts_with(&[0xFF, 0xD8]);
                    assert!(is_sound || is_picture, "{base} {round}, seed {seed}");
                    assert_eq!(film.samples.len() as u32, film.rows * film.columns);
                    assert!(!film.voi_luts.is_empty());
                    shown += 1;
                }
                Err(Error::Decoder(DecoderError::Crash | DecoderError::TooLong { .. })) => {
                    broken.push(format!("{base} {round}"));
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(broken.is_empty(), "seed {seed}: the decoder broke down over {broken:?}");
    assert!(shown > 100 && refused > 100, "{shown} shown, {refused} refused: too tame or too wild");
}
