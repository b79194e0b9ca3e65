//! The kept corpora of `tests/fuzz`, and what damage makes of them.

use std::path::{Path, PathBuf};

use crate::dicom::mutate::Random;

/// The kept files of a door: name and bytes.
pub(crate) fn kept(door: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(door);
    let entries = folder.read_dir().expect("it is committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.strip_prefix(folder.parent()?).ok()?.display().to_string();
        Some((name, std::fs::read(path).expect("it is committed")))
    };
    paths.into_iter().filter_map(named).collect()
}

/// Bits turned, bytes set, taken out or doubled, the end cut off: mostly near the start, where the
/// structure is.
pub(crate) fn damaged(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let reach = if random.below(2) == 0 { bytes.len() } else { bytes.len().min(160) };
        let at = random.below(reach.max(1));
        let end = (at + 1 + random.below(6)).min(bytes.len());
        if at >= end {
            break;
        }
        match random.below(7) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.next() as u8,
            3 => drop(bytes.drain(at..end)),
            4 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => bytes[at..end].fill(0xFF),
            _ => bytes.truncate(at),
        }
    }
    bytes
}
