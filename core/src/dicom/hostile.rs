//! The doors of foreign bytes (`doors.rs`), pushed at with the kept corpora of `tests/fuzz` and with
//! what becomes of them: bytes changed, taken out, doubled, joined to another's. The C decoders are
//! fed through the decoding process, in `tests/core/dicom/streams.rs`.

use std::path::Path;

use dicom_core::Tag;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::attributes;
use super::directory::Medium;
use super::doors::DOORS;

/// Whose decoders are C: what they do must be seen from outside.
const IN_THE_CHILD: [&str; 2] = ["jpeg_ls", "jpeg2000"];

fn doors() -> impl Iterator<Item = (&'static str, fn(&[u8]))> {
    DOORS.into_iter().filter(|(name, _)| !IN_THE_CHILD.contains(name))
}

fn corpus(door: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(door);
    let mut paths: Vec<_> = folder
        .read_dir()
        .expect("each door has a corpus")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("it is committed")).collect()
}

/// One change: where, what kind, how far, which byte.
type Damage = (Index, u8, Index, u8);

fn damage(bytes: &mut Vec<u8>, other: &[u8], (at, kind, length, byte): Damage) {
    if bytes.is_empty() {
        return;
    }
    let at = at.index(bytes.len());
    let end = (at + 1 + length.index(16)).min(bytes.len());
    match kind % 6 {
        0 => bytes[at] = byte,
        1 => bytes[at] ^= 1 << (byte % 8),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => bytes[at..end].fill(if byte % 2 == 0 { 0xFF } else { 0 }),
        _ => {
            bytes.truncate(at);
            bytes.extend(other.iter().skip(at));
        }
    }
}

#[test]
fn every_door_stands_against_its_kept_corpus() {
    for (name, door) in doors() {
        for bytes in corpus(name) {
            door(&bytes);
        }
    }
}

#[test]
fn every_door_stands_against_damaged_files() {
    for (name, door) in doors() {
        let corpus = corpus(name);
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        let damages = vec((any::<Index>(), any::<u8>(), any::<Index>(), any::<u8>()), 1..8);
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome =
            runner.run(&(any::<Index>(), any::<Index>(), damages), |(one, two, damages)| {
                let (mut bytes, other): (_, &Vec<u8>) =
                    (one.get(&corpus).clone(), two.get(&corpus));
                for change in damages {
                    damage(&mut bytes, other, change);
                }
                door(&bytes);
                Ok(())
            });
        outcome.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
}

/// Bits, sign and pixels, then wanted attributes with any values: what the door `voi_lut` takes.
fn film_of_any_values() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "-?[0-9]{1,5}(\\.[0-9]{1,3})?(\\\\-?[0-9]{1,4})?",
        Just("1e999".to_owned()),
        Just("MONOCHROME1".to_owned()),
        Just("SIGMOID".to_owned()),
    ];
    let value = prop_oneof![text.prop_map(String::into_bytes), vec(any::<u8>(), 0..40)];
    let vr = proptest::sample::select(vec![*b"CS", *b"DS", *b"US", *b"SS", *b"OW", *b"UN", *b"LO"]);
    let tag = proptest::sample::select(attributes::WANTED);
    let elements = vec((tag, vr, value), 0..30);
    let lut = (vec(any::<u8>(), 6..=6), vec(any::<u8>(), 0..64));
    (vec(any::<u8>(), 34..=34), elements, lut).prop_map(|(head, elements, (descriptor, data))| {
        use dicom_dictionary_std::tags;
        let mut bytes = head;
        for (tag, vr, value) in elements {
            put(&mut bytes, tag, vr, &value);
        }
        put(&mut bytes, tags::PHOTOMETRIC_INTERPRETATION, *b"CS", b"MONOCHROME2");
        let mut item = Vec::new();
        put(&mut item, tags::LUT_DESCRIPTOR, *b"US", &descriptor);
        put(&mut item, tags::LUT_DATA, *b"OW", &data);
        let head = [&[0xFE, 0xFF, 0x00, 0xE0][..], &(item.len() as u32).to_le_bytes()].concat();
        for tag in [tags::VOILUT_SEQUENCE, tags::MODALITY_LUT_SEQUENCE] {
            put(&mut bytes, tag, *b"SQ", &[&head[..], &item].concat());
        }
        bytes
    })
}

/// An element in explicit VR little endian.
fn put(to: &mut Vec<u8>, tag: Tag, vr: [u8; 2], value: &[u8]) {
    let length = value.len().next_multiple_of(2);
    to.extend([tag.group(), tag.element()].iter().flat_map(|word| word.to_le_bytes()));
    to.extend(vr);
    if matches!(&vr, b"OW" | b"UN" | b"SQ") {
        to.extend([0, 0]);
        to.extend((length as u32).to_le_bytes());
    } else {
        to.extend((length as u16).to_le_bytes());
    }
    to.extend(value);
    to.resize(to.len() + length - value.len(), b' ');
}

proptest! {
    #[test]
    fn the_guard_takes_any_bytes(bytes in vec(any::<u8>(), 0..600), has_header: bool) {
        let (_, guard) = DOORS[0];
        guard(&if has_header { [vec![0; 128], b"DICM".to_vec(), bytes].concat() } else { bytes });
    }

    #[test]
    fn attributes_of_any_value_are_settled_or_refused(film in film_of_any_values()) {
        let (_, voi_lut) = DOORS[2];
        voi_lut(&film);
    }

    #[test]
    fn a_file_id_never_leads_out_of_the_medium(names in vec("[./\\\\:a-c\\x00]{0,4}", 1..5)) {
        let medium = tempfile::tempdir().expect("a temporary folder");
        let root = medium.path().canonicalize().expect("it is there").join("medium");
        std::fs::create_dir_all(root.join("a/b")).expect("made");
        for name in ["a/c", "a/b/c", "../c", "../a"] {
            std::fs::write(root.join(name), b"x").expect("written");
        }
        if let Ok(found) = Medium::new(root.clone()).find(&names) {
            prop_assert!(found.canonicalize().expect("it is there").starts_with(&root));
        }
    }
}
