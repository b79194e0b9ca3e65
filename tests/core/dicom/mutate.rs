//! Files damaged by a fixed seed: bits, lengths, value representations, elements, ends.

use super::file::File;

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// The files that are damaged: one a transfer syntax, frames, a LUT.
pub(crate) const BASES: [&str; 17] = [
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
    "dcmtk_jpeg_ls_12_signed",
    "dcmtk_jpeg_ls_12_near3",
    "jpeg2000_12",
    "htj2k_16",
    "jpeg_xl_16",
    "jpeg_baseline_8_recompressed",
    "three_frames_in_nine_fragments_table",
];

pub(crate) fn base(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom");
    std::fs::read(format!("{folder}/{name}.dcm")).expect("it is committed")
}

/// A film with a VOI LUT and functional groups.
pub(crate) fn film_with_lut() -> Vec<u8> {
    let mut item = File::empty();
    item.shorts((0x0028, 0x3002), "US", &[256, 0, 12]).shorts(
        (0x0028, 0x3006),
        "OW",
        &(0..256).map(|i| i * 16).collect::<Vec<u16>>(),
    );
    let mut group = File::empty();
    group.sequence((0x0028, 0x9132), &item);
    let mut file = File::film();
    file.sequence((0x0028, 0x3010), &item).sequence((0x5200, 0x9230), &group);
    file.bytes()
}

/// One to three damages.
pub(crate) fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(3) {
        if random.below(2) == 0 {
            damage_element(&mut bytes, random);
        } else {
            damage_bytes(&mut bytes, random);
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// A bit turned, a length-like word set to an extreme, bytes cut, doubled or swapped, a new end.
fn damage_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    // Mostly where the structure is: behind the preamble.
    let reach = if random.below(3) == 0 { bytes.len() } else { bytes.len().min(1_000) };
    let at = random.below(reach.saturating_sub(8).max(1));
    match random.below(7) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => {
            let word = extreme(bytes.len(), random).to_le_bytes();
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
}

fn extreme(length: usize, random: &mut Random) -> u32 {
    let extremes = [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFE, u32::MAX, length as u32, length as u32 + 1];
    extremes[random.below(extremes.len())]
}

/// An element of a data set in explicit VR little endian.
struct Place {
    start: usize,
    /// Of its length, and how many bytes that has.
    length: (usize, usize),
    end: usize,
}

/// The elements from the header on, as far as they can be followed.
fn places(bytes: &[u8]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut start = 132;
    while let Some(head) = bytes.get(start..start + 12) {
        if !head[4].is_ascii_uppercase() || !head[5].is_ascii_uppercase() {
            break;
        }
        let is_long = matches!(&head[4..6], b"OB" | b"OW" | b"SQ" | b"UN" | b"UT");
        let (length, value) = if is_long {
            (u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize, start + 12)
        } else {
            (usize::from(u16::from_le_bytes([head[6], head[7]])), start + 8)
        };
        let end = value.saturating_add(length).min(bytes.len());
        let length = if is_long { (start + 8, 4) } else { (start + 6, 2) };
        places.push(Place { start, length, end });
        start = end;
    }
    places
}

/// A length set to an extreme, a value representation exchanged, an element doubled, dropped or moved.
fn damage_element(bytes: &mut Vec<u8>, random: &mut Random) {
    let places = places(bytes);
    if places.is_empty() {
        return damage_bytes(bytes, random);
    }
    let place = &places[random.below(places.len())];
    let whole = bytes[place.start..place.end].to_vec();
    match random.below(6) {
        0 | 1 => {
            let word = extreme(bytes.len() - place.start, random).to_le_bytes();
            let (at, size) = place.length;
            bytes[at..at + size].copy_from_slice(&word[..size]);
        }
        2 => {
            let vrs = [*b"OB", *b"OW", *b"SQ", *b"UN", *b"US", *b"DS", *b"PN", *b"FD", *b"ZZ"];
            let vr = vrs[random.below(vrs.len())];
            bytes[place.start + 4..place.start + 6].copy_from_slice(&vr);
        }
        3 => drop(bytes.splice(place.end..place.end, whole)),
        4 => drop(bytes.drain(place.start..place.end)),
        _ => {
            let to = places[random.below(places.len())].start;
            bytes.splice(to..to, whole);
        }
    }
}
