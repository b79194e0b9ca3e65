//! Entry points for hostile input, each fed with whatever comes: none may panic, and what comes out
//! holds together. The C decoders are fed through the decoding process, in `tests/core/dicom`.

use dicom_core::Tag;
use proptest::collection::vec;
use proptest::prelude::*;

use super::attributes::{self, DataSet};
use super::bytes::Bytes;
use super::codec::{Size, jpeg, rle};
use super::encoding::Encoding;
use super::frame::{self, Layout};
use super::{directory, guard};

/// Code streams of lossless and DCT JPEG from the fixtures.
fn streams() -> Vec<Vec<u8>> {
    ["jpeg_lossless_12_p7_restart7", "jpeg_lossless_16_p4", "jpeg_baseline_8", "jpeg_extended_12"]
        .iter()
        .map(|name| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom");
            let file = std::fs::read(format!("{folder}/{name}.dcm")).expect("it is committed");
            let start = file.windows(3).position(|w| w == [0xFF, 0xD8, 0xFF]);
            file[start.expect("it has a code stream")..].to_vec()
        })
        .collect()
}

/// A data set in explicit VR little endian of wanted attributes with any values.
fn dataset() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "-?[0-9]{1,5}(\\.[0-9]{1,3})?(\\\\-?[0-9]{1,4})?",
        Just("1e999".to_owned()),
        Just("MONOCHROME1".to_owned()),
        Just("SIGMOID".to_owned()),
    ];
    let value = prop_oneof![text.prop_map(String::into_bytes), vec(any::<u8>(), 0..40)];
    let vr = prop_oneof![
        Just(*b"CS"),
        Just(*b"DS"),
        Just(*b"US"),
        Just(*b"SS"),
        Just(*b"OW"),
        Just(*b"UN"),
        Just(*b"LO"),
    ];
    let tag = (0..attributes::WANTED.len()).prop_map(|i| attributes::WANTED[i]);
    vec((tag, vr, value), 0..30).prop_map(|elements| {
        let mut bytes = Vec::new();
        for (tag, vr, mut value) in elements {
            value.resize(value.len().next_multiple_of(2), b' ');
            put(&mut bytes, tag, vr, &value);
        }
        put(
            &mut bytes,
            dicom_dictionary_std::tags::PHOTOMETRIC_INTERPRETATION,
            *b"CS",
            b"MONOCHROME2 ",
        );
        bytes
    })
}

fn put(to: &mut Vec<u8>, tag: Tag, vr: [u8; 2], value: &[u8]) {
    if matches!(&vr, b"OW" | b"UN" | b"SQ") {
        Encoding::ExplicitLittle.put_head(to, tag, vr, value.len() as u32);
    } else {
        to.extend(tag.group().to_le_bytes());
        to.extend(tag.element().to_le_bytes());
        to.extend(vr);
        to.extend((value.len() as u16).to_le_bytes());
    }
    to.extend(value);
}

/// One LUT item in a sequence of this tag.
fn lut(tag: Tag, descriptor: &[u8], data: &[u8]) -> Vec<u8> {
    use dicom_dictionary_std::tags;
    let mut item = Vec::new();
    put(&mut item, tags::LUT_DESCRIPTOR, *b"US", descriptor);
    put(&mut item, tags::LUT_DATA, *b"OW", data);
    let mut items = vec![0xFE, 0xFF, 0x00, 0xE0];
    items.extend((item.len() as u32).to_le_bytes());
    items.extend(item);
    let mut bytes = Vec::new();
    put(&mut bytes, tag, *b"SQ", &items);
    bytes
}

fn layout(bits: u16, is_signed: bool) -> Layout {
    Layout {
        rows: 4,
        columns: 4,
        bits_allocated: 16,
        bits_stored: bits,
        high_bit: bits - 1,
        is_signed,
        frames: 1,
    }
}

proptest! {
    #[test]
    fn the_guard_takes_any_bytes(bytes in vec(any::<u8>(), 0..600), has_header: bool, cut in 0..700_usize) {
        let mut file = if has_header { [vec![0; 128], b"DICM".to_vec()].concat() } else { Vec::new() };
        file.extend(&bytes);
        file.truncate(cut.max(1));
        if let Ok(structure) = guard::inspect(&Bytes::from(file), attributes::is_wanted) {
            let _ = structure.wanted_dataset(0);
            if let Ok(layout) = Layout::of(&structure) {
                let _ = frame::frame(&structure, &layout, layout.frames - 1, &mut Vec::new());
            }
        }
    }

    #[test]
    fn attributes_of_any_value_are_settled_or_refused(
        bytes in dataset(),
        descriptor in vec(any::<u8>(), 6..=6),
        data in vec(any::<u8>(), 0..64),
        bits in 1..=16_u16,
        is_signed: bool,
    ) {
        use dicom_dictionary_std::tags;
        let mut bytes = bytes;
        for tag in [tags::VOILUT_SEQUENCE, tags::MODALITY_LUT_SEQUENCE] {
            bytes.extend(lut(tag, &descriptor, &data));
        }
        let Ok(dataset) = DataSet::parse(&bytes, Encoding::ExplicitLittle, &[]) else { return Ok(()) };
        let Ok(attributes) = attributes::settle(&dataset, &layout(bits, is_signed)) else { return Ok(()) };
        for lut in &attributes.voi_luts {
            for stored in [-32_768, -1, 0, 4095, 65_535] {
                let output = lut.function.output(attributes.modality_lut.apply(stored));
                prop_assert!((0.0..=1.0).contains(&output), "{output} by {lut:?}");
            }
        }
        if let Some(spacing) = attributes.spacing {
            prop_assert!(spacing.row_spacing_mm > 0.0 && spacing.column_spacing_mm > 0.0);
        }
    }

    #[test]
    fn jpeg_of_damaged_streams_gives_all_pixels_or_an_error(
        which in 0..4_usize,
        damage in vec((0..4000_usize, any::<u8>()), 1..6),
        cut in any::<u16>(),
    ) {
        let mut stream = streams().swap_remove(which);
        for (at, byte) in damage {
            let at = at % stream.len();
            stream[at] = byte;
        }
        stream.truncate(usize::from(cut) % stream.len() + 1);
        let size = Size { rows: 37, columns: 45 };
        if let Ok(picture) = jpeg::decode(&stream, size) {
            prop_assert_eq!(picture.samples.len(), 37 * 45);
        }
    }

    #[test]
    fn rle_of_any_bytes_gives_all_pixels_or_an_error(
        planes in 1..=2_usize,
        bytes in vec(any::<u8>(), 0..300),
        offset in 60..200_u32,
    ) {
        let mut frame = vec![0; 64];
        frame[0] = planes as u8;
        frame[4] = 64;
        frame[8..12].copy_from_slice(&offset.to_le_bytes());
        frame.extend(bytes);
        if let Ok(samples) = rle::decode(&frame, 100, planes) {
            prop_assert_eq!(samples.len(), 100);
        }
    }

    #[test]
    fn a_file_id_never_leads_out_of_the_medium(names in vec("[./\\\\:a-c\\x00]{0,4}", 1..5)) {
        let medium = tempfile::tempdir().expect("a temporary folder");
        let root = medium.path().canonicalize().expect("it is there").join("medium");
        std::fs::create_dir_all(root.join("a/b")).expect("made");
        for name in ["a/c", "a/b/c", "../c", "../a"] {
            std::fs::write(root.join(name), b"x").expect("written");
        }
        if let Ok(found) = directory::find(&root, &names) {
            prop_assert!(found.canonicalize().expect("it is there").starts_with(&root));
        }
    }
}
