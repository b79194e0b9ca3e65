//! The doors by which foreign bytes come in, each a function of bytes: none may panic or take long,
//! and what comes out holds together.
//!
//! libFuzzer pushes at them (`tests/fuzz`), and so does proptest, from the same kept corpora
//! (`hostile.rs`; the C decoders' in `tests/core/dicom/streams.rs`, through the decoding process).

use std::io::Write;

use dicom_dictionary_std::tags;

use super::attributes::{self, Attributes, DataSet};
use super::bytes::Bytes;
use super::codec::{Error, Picture, Size, jpeg, jpeg_ls, jpeg_xl, jpeg2000, rle};
use super::directory::{self, Medium};
use super::encoding::Encoding;
use super::frame::{self, Frame, Layout};
use super::guard::Structure;
use super::pixels::{Which, unpack_native};
use super::{guard, picture};

/// Its name, and what takes the bytes.
pub type Door = (&'static str, fn(&[u8]));

/// By the names of the programs and corpora in `tests/fuzz`.
pub const DOORS: [Door; 10] = [
    ("guard", guard),
    ("data_set", data_set),
    ("voi_lut", voi_lut),
    ("directory", directory),
    ("picture", picture),
    ("rle", rle),
    ("jpeg", jpeg),
    ("jpeg_ls", jpeg_ls),
    ("jpeg2000", jpeg2000),
    ("jpeg_xl", jpeg_xl),
];

/// A file, in memory and piece by piece: both ways must see the same.
fn guard(file: &[u8]) {
    let mut handle = tempfile::tempfile().expect("a temporary file");
    handle.write_all(file).expect("the disk takes it");
    let seen = [Bytes::from(file.to_vec()), Bytes::on_disk(handle, file.len())].map(|bytes| {
        let structure = guard::inspect(&bytes, attributes::is_wanted)?;
        let layout = Layout::of(&structure)?;
        let mut cautions = Vec::new();
        for idx in [0, layout.frames / 2, layout.frames - 1] {
            structure.wanted_dataset(idx)?;
            if let Frame::Native { bytes, .. } =
                frame::frame(&structure, &layout, idx, &mut cautions)?
            {
                assert_eq!(bytes.len(), layout.bytes());
            }
        }
        Ok::<_, guard::Refusal>((layout, cautions))
    });
    let [memory, disk] = seen.map(|seen| seen.map_err(|refusal| refusal.to_string()));
    assert_eq!(memory, disk);
}

/// A file, as far as its attributes.
fn data_set(file: &[u8]) {
    if let Some((structure, dataset)) = parsed(file)
        && let Ok(layout) = Layout::of(&structure)
        && let Ok(attributes) = attributes::settle(&dataset, &layout)
    {
        check(&attributes);
    }
}

/// What the guard lets pass, as the decoding process gets it.
fn parsed(file: &[u8]) -> Option<(Structure, DataSet)> {
    let structure = guard::inspect(&Bytes::from(file.to_vec()), attributes::is_wanted).ok()?;
    let charset = structure.texts(tags::SPECIFIC_CHARACTER_SET);
    let dataset = structure.wanted_dataset(0).ok()?;
    let dataset = DataSet::parse(&dataset, structure.encoding, &charset).ok()?;
    Some((structure, dataset))
}

fn check(attributes: &Attributes) {
    for lut in &attributes.voi_luts {
        for stored in [-32_768, -1, 0, 4095, 65_535] {
            let output = lut.function.output(attributes.modality_lut.apply(stored));
            assert!((0.0..=1.0).contains(&output), "{output} by {lut:?}");
        }
    }
    if let Some(spacing) = attributes.spacing {
        assert!(spacing.row_spacing_mm > 0.0 && spacing.column_spacing_mm > 0.0);
    }
}

/// BitsStored and PixelRepresentation, sixteen pixels, then a data set in explicit VR: to the eye.
fn voi_lut(bytes: &[u8]) {
    let Some((&[bits, is_signed, ref pixels @ ..], dataset)) = bytes.split_first_chunk::<34>()
    else {
        return;
    };
    let layout = Layout {
        rows: 4,
        columns: 4,
        bits_allocated: 16,
        bits_stored: 1 + u16::from(bits % 16),
        high_bit: u16::from(bits % 16),
        is_signed: is_signed % 2 == 1,
        frames: 1,
    };
    let file =
        [&[0; 128], &b"DICM\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"[..], dataset].concat();
    let Some((_, dataset)) = parsed(&file) else { return };
    let Ok(mut attributes) = attributes::settle(&dataset, &layout) else { return };
    check(&attributes);
    let stored = unpack_native(pixels, true, Encoding::ExplicitLittle, &layout);
    attributes.take(&stored);
    let film = super::whole::mammogram(attributes, 0, stored.samples, [0; 32]);
    assert_eq!(film.default_display().len(), 16);
}

/// A DICOMDIR, as far as where its names lead.
fn directory(file: &[u8]) {
    let Some((structure, dataset)) = parsed(file) else { return };
    let starts = structure.directory_records(file.len() as u64);
    let entries = directory::entries(&directory::records(&dataset), &starts);
    if entries.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().canonicalize().expect("it is there").join("medium");
    std::fs::create_dir(&root).expect("made");
    let mut medium = Medium::new(root);
    for entry in entries {
        assert!(medium.find(&entry.file_id).is_err(), "the medium is empty");
    }
}

/// A PNG or JPEG picture.
fn picture(file: &[u8]) {
    if !picture::is_picture(&Bytes::from(file.to_vec())) {
        return;
    }
    let _ = picture::attributes(file);
    if let Ok((attributes, samples)) = picture::decode(file) {
        assert_eq!(samples.len(), attributes.rows as usize * attributes.columns as usize);
    }
}

/// The size that the header says, then the code stream of a frame.
fn head_and_stream(bytes: &[u8]) -> Option<(Size, u8, &[u8])> {
    let (&[rows, columns, more], stream) = bytes.split_first_chunk::<3>()?;
    Some((Size { rows: rows.into(), columns: columns.into() }, more, stream))
}

fn check_picture(picture: Result<Picture, Error>, size: Size) {
    if let Ok(picture) = picture {
        assert_eq!(picture.samples.len(), size.rows as usize * size.columns as usize);
        assert!((1..=16).contains(&picture.precision));
    }
}

fn rle(bytes: &[u8]) {
    let Some((size, planes, frame)) = head_and_stream(bytes) else { return };
    let pixels = size.rows as usize * size.columns as usize;
    if let Ok(samples) = rle::decode(frame, pixels, 1 + usize::from(planes % 2)) {
        assert_eq!(samples.len(), pixels);
    }
}

fn jpeg(bytes: &[u8]) {
    let Some((size, _, stream)) = head_and_stream(bytes) else { return };
    check_picture(jpeg::decode(stream, size), size);
}

fn jpeg_ls(bytes: &[u8]) {
    let Some((size, _, stream)) = head_and_stream(bytes) else { return };
    check_picture(jpeg_ls::decode(stream, size), size);
}

fn jpeg2000(bytes: &[u8]) {
    let Some((size, pictures, stream)) = head_and_stream(bytes) else { return };
    let pictures = 1 + u32::from(pictures % 4);
    check_picture(jpeg2000::decode(stream, size, Which { picture: pictures - 1, pictures }), size);
}

fn jpeg_xl(bytes: &[u8]) {
    let Some((size, _, stream)) = head_and_stream(bytes) else { return };
    check_picture(jpeg_xl::decode(stream, size), size);
}
