//! Files damaged at random, by a fixed seed: each is shown with all its pixels, or refused.
//! `PRECEDENT_MUTATIONS` (of each base) and `PRECEDENT_SEED` make it longer and other; the whole
//! battery is `cargo bench -- battery`.

use precedent_core::dicom::{DecoderError, Error, check_structure};

use super::mutate::{BASES, Random, base, film_with_lut, mutate};
use super::{read_with, reader};

const SEED: u64 = 20_260_301;
const MUTATIONS_OF_EACH: u64 = 1_600;
/// The guard sees every mutation, the decoding process one in so many: each costs two turns of
/// the scheduler, which a busy machine makes long.
const DECODED: u64 = 16;
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn damaged_files_are_shown_whole_or_refused() {
    let seed = setting("PRECEDENT_SEED", SEED);
    let mut random = Random(seed);
    let mut reader = reader();
    let (mut shown, mut refused, mut broken) = (0, 0, Vec::new());
    let bases = BASES.iter().map(|name| (*name, base(name)));
    for (base, original) in bases.chain([("lut", film_with_lut())]) {
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
