//! Each family of wrong file from the field, and the state it must end in.

use precedent_core::dicom::{Error, Refusal, check_structure};

use super::file::{
    BIG_ENDIAN, COLUMNS, EXPLICIT, File, IMPLICIT, JPEG_LOSSLESS, PIXEL_DATA, ROWS, Writing, pixels,
};
use super::{codes, doubts, read, read_with, reader, stored_values};

/// Shown, with these codes and the true pixels.
fn assert_shown(bytes: &[u8], expected: &[&str]) {
    let film = read(bytes).expect("it must be shown");
    assert_eq!(codes(&film), expected);
    assert_eq!(stored_values(&film), pixels().iter().map(|v| i32::from(*v)).collect::<Vec<_>>());
}

/// Refused, with a sentence that holds these words.
fn assert_refused(bytes: &[u8], words: &str) {
    let sentence = read(bytes).expect_err("it must be refused").to_string();
    assert!(sentence.contains(words), "\"{sentence}\" does not say \"{words}\"");
}

fn with(change: impl for<'a> Fn(&'a mut File) -> &'a mut File) -> Vec<u8> {
    let mut file = File::film();
    change(&mut file);
    file.bytes()
}

fn in_writing(writing: Writing, syntax: &'static str) -> File {
    // Built again so that the numbers are written in the right byte order.
    let mut file = File::film();
    file.writing = writing;
    file.syntax = syntax;
    for (tag, value) in [
        ((0x0028, 0x0002), 1),
        ((0x0028, 0x0010), ROWS),
        ((0x0028, 0x0011), COLUMNS),
        ((0x0028, 0x0100), 16),
        ((0x0028, 0x0101), 12),
        ((0x0028, 0x0102), 11),
        ((0x0028, 0x0103), 0),
    ] {
        file.short(tag, value);
    }
    file.pixels(&pixels());
    file
}

#[test]
fn a_sound_film_is_shown_without_a_word() {
    assert_shown(&File::film().bytes(), &[]);
    assert_shown(&in_writing(Writing::Implicit, IMPLICIT).bytes(), &[]);
    assert_shown(&in_writing(Writing::BigEndian, BIG_ENDIAN).bytes(), &[]);
}

#[test]
fn what_is_no_image_is_refused_in_a_sentence() {
    assert_refused(b"", "empty");
    assert_refused(b"Dear colleague,\n\nplease find enclosed", "not a DICOM, PNG or JPEG");
    assert_refused(&[0; 4096], "not a DICOM, PNG or JPEG");
    assert_refused(b"\x89PNG\r\n\x1A\nnothing", "picture cannot be decoded");
    assert_refused(&with(|f| f.remove(PIXEL_DATA)), "no PixelData");
    assert_refused(&with(|f| f.remove((0x0028, 0x0010))), "no Rows");
    let error = read(&File::film().header()).expect_err("a header alone");
    assert!(matches!(error, Error::Refused(Refusal::NoImage { .. })), "{error}");
}

#[test]
fn a_missing_file_header_is_made_up_for() {
    // A1: preamble, magic and group 0002 gone, in all three encodings.
    assert_shown(&File::film().dataset(), &["W-NO-HEADER"]);
    assert_shown(&in_writing(Writing::Implicit, IMPLICIT).dataset(), &["W-NO-HEADER"]);
    assert_shown(&in_writing(Writing::BigEndian, BIG_ENDIAN).dataset(), &["W-NO-HEADER"]);
    // Only the preamble gone.
    assert_shown(&File::film().bytes()[132..], &["W-NO-HEADER"]);
}

#[test]
fn what_stands_in_the_preamble_does_not_matter() {
    // PS3.10 7.1 leaves its 128 bytes free; a picture's or a program's head may stand there.
    for start in [&b"\x89PNG\r\n\x1A\n"[..], &[0xFF, 0xD8, 0xFF, 0xE0], b"MZ", b"II*\0"] {
        let mut bytes = File::film().bytes();
        bytes[..start.len()].copy_from_slice(start);
        assert_shown(&bytes, &[]);
    }
}

#[test]
fn a_wrong_group_length_is_not_believed() {
    // A2: the value of (0002,0000) stands at 140.
    for length in [0, 10, 1000, u32::MAX] {
        let mut bytes = File::film().bytes();
        bytes[140..144].copy_from_slice(&length.to_le_bytes());
        assert_shown(&bytes, &["W-GROUP-LENGTH"]);
    }
}

#[test]
fn data_in_another_encoding_than_the_header_says_are_read_as_they_are() {
    // A3, both ways, and little for big endian.
    assert_shown(&in_writing(Writing::Implicit, EXPLICIT).bytes(), &["W-ENCODING"]);
    assert_shown(&in_writing(Writing::Explicit, IMPLICIT).bytes(), &["W-ENCODING"]);
    assert_shown(&in_writing(Writing::BigEndian, EXPLICIT).bytes(), &["W-ENCODING"]);
}

#[test]
fn private_values_are_opaque_whatever_they_look_like() {
    // A4: UN of undefined length, implicit inside (CP 246).
    let mut bytes = vec![0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
    bytes.extend([0x19, 0x00, 0x02, 0x10, 2, 0, 0, 0, b'a', b'b']);
    bytes.extend([0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    let file = File::film();
    let dataset = file.dataset();
    let head = [0x19, 0x00, 0x01, 0x10, b'U', b'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    // Between ViewPosition (0018) and ImageLaterality (0020).
    let at = dataset.windows(4).position(|w| w == [0x20, 0, 0x62, 0]).expect("it has a side");
    let whole = [&file.header(), &dataset[..at], &head, &bytes, &dataset[at..]].concat();
    assert_shown(&whole, &[]);
    // A5: a known length and a first item tag, then rubbish.
    let value = [&[0xFE, 0xFF, 0x00, 0xE0][..], &[0x77; 12]].concat();
    assert_shown(&with(|f| f.set((0x0019, 0x1001), "UN", value.clone())), &[]);
    let mut implicit = in_writing(Writing::Implicit, IMPLICIT);
    implicit.set((0x0019, 0x1001), "UN", value);
    assert_shown(&implicit.bytes(), &[]);
}

#[test]
fn what_follows_the_pixels_is_ignored_and_said() {
    // A6: zeros, noise, a cut element.
    for tail in [vec![0; 4096], (0..992).map(|i| (i * 37 % 251) as u8).collect(), vec![0xFC; 5]] {
        assert_shown(&[File::film().bytes(), tail].concat(), &["W-TRAILING"]);
    }
    // DataSetTrailingPadding (FFFC,FFFC) is sound.
    let padding = [0xFC, 0xFF, 0xFC, 0xFF, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 0];
    assert_shown(&[File::film().bytes(), padding.to_vec()].concat(), &[]);
}

#[test]
fn an_odd_number_of_8_bit_pixels_needs_no_padding() {
    // A7: 3 x 3 pixels in 9 or 10 bytes.
    for length in [9, 10] {
        let film = read(&with(|f| {
            f.short((0x0028, 0x0010), 3).short((0x0028, 0x0011), 3);
            f.short((0x0028, 0x0100), 8).short((0x0028, 0x0101), 8).short((0x0028, 0x0102), 7);
            f.set(PIXEL_DATA, "OB", (1..=length).collect())
        }))
        .expect("both are legal");
        assert_eq!(stored_values(&film), (1..=9).collect::<Vec<i32>>());
        assert!(codes(&film).is_empty());
    }
}

#[test]
fn a_cut_film_gives_its_attributes_and_no_pixels() {
    // A8: 96 bytes of pixels, the last 20 and 21 dropped.
    let whole = File::film().bytes();
    for dropped in [20, 21] {
        match read(&whole[..whole.len() - dropped]) {
            Err(Error::PixelsCut { have, need, attributes }) => {
                assert_eq!((have, need), (96 - dropped as u64, 96));
                assert_eq!((attributes.rows, attributes.columns), (ROWS.into(), COLUMNS.into()));
                assert_eq!(attributes.patient_id.as_deref(), Some("PHANTOM"));
            }
            other => panic!("{dropped} bytes dropped: {other:?}"),
        }
    }
    let error = read(&whole[..whole.len() - 20]).expect_err("it is cut");
    assert!(error.to_string().contains("76 of 96 bytes"), "{error}");
}

#[test]
fn cut_anywhere_a_file_is_refused_without_a_panic() {
    let whole = File::film().bytes();
    for length in 0..whole.len() {
        let outcome = check_structure(&whole[..length]);
        // Only the pixels may be missing in part.
        assert!(outcome.is_err() || length >= whole.len() - 96, "{length} bytes");
    }
}

#[test]
fn a_missing_or_damaged_end_mark_costs_nothing() {
    // A9, on lossless JPEG made by an independent encoder.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom/rle_16.dcm");
    let whole = std::fs::read(path).expect("it is committed");
    let expected = stored_values(&read(&whole).expect("it is sound"));
    let without = &whole[..whole.len() - 8];
    let mut damaged = whole.clone();
    let end = damaged.len();
    damaged[end - 4..].fill(0xFF);
    for bytes in [without, &damaged] {
        let film = read(bytes).expect("all fragments are there");
        assert_eq!(codes(&film), ["W-NO-END"]);
        assert_eq!(stored_values(&film), expected);
    }
    let in_fragment = read(&whole[..whole.len() - 100]);
    assert!(matches!(in_fragment, Err(Error::PixelsCut { .. })), "{in_fragment:?}");
}

#[test]
fn a_length_that_the_file_does_not_have_is_refused_at_once() {
    // A10: 64 KB that claim 4 GiB, as pixels and as an attribute.
    let mut file = File::film();
    file.remove(PIXEL_DATA);
    for tag in [PIXEL_DATA, (0x0028, 0x3006)] {
        let mut bytes = file.bytes();
        bytes.extend(file.element_head(tag, "OW", 0xFFFF_FFF0));
        bytes.resize(64 << 10, 7);
        let start = std::time::Instant::now();
        assert!(check_structure(&bytes).is_err());
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
        assert_refused(&bytes, "4294967280");
    }
}

#[test]
fn nesting_ends_at_64() {
    // A11: undefined lengths, closed properly.
    let nested = |depth: usize| {
        let open = [
            &[0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
        .concat();
        let close = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
        let mut file = File::film();
        let pixels = file.clone().dataset();
        file.remove(PIXEL_DATA);
        let tail = pixels[file.dataset().len()..].to_vec();
        [file.bytes(), open.repeat(depth), close.repeat(depth), tail].concat()
    };
    assert_shown(&nested(1), &[]);
    assert_shown(&nested(64), &[]);
    for depth in [65, 500, 2_000, 100_000] {
        assert_refused(&nested(depth), "nested");
    }
    // The same depth by items whose sequences are all of one known length.
    let mut inner = File::empty();
    for _ in 0..70 {
        let mut outer = File::empty();
        outer.sequence((0x0040, 0xA730), &inner);
        inner = outer;
    }
    assert_refused(&with(|f| f.sequence((0x0040, 0xA730), &inner)), "nested");
}

#[test]
fn a_deflated_bomb_is_refused() {
    // A12: 300 MB of zeros in an attribute, some 300 KB deflated.
    use std::io::Write;
    let mut file = File::film();
    file.syntax = "1.2.840.10008.1.2.1.99";
    let mut deflated =
        flate2::write::DeflateEncoder::new(file.header(), flate2::Compression::fast());
    deflated.write_all(&file.element_head((0x0009, 0x1001), "OB", 300_000_000)).expect("a Vec");
    let zeros = vec![0; 1_000_000];
    for _ in 0..300 {
        deflated.write_all(&zeros).expect("a Vec");
    }
    assert_refused(&deflated.finish().expect("a Vec"), "deflated data set grows");
}

#[test]
fn absurd_layouts_are_refused_by_name() {
    // B11 and the attributes beside it.
    for (tag, value, keyword) in [
        ((0x0028, 0x0101), 0, "BitsStored"),
        ((0x0028, 0x0101), 17, "BitsStored"),
        ((0x0028, 0x0100), 0, "BitsAllocated"),
        ((0x0028, 0x0100), 1, "BitsAllocated"),
        ((0x0028, 0x0100), 12, "BitsAllocated"),
        ((0x0028, 0x0100), 32, "BitsAllocated"),
        ((0x0028, 0x0102), 16, "HighBit"),
        ((0x0028, 0x0102), 3, "HighBit"),
        ((0x0028, 0x0010), 0, "Rows"),
        ((0x0028, 0x0011), 0, "Columns"),
        ((0x0028, 0x0002), 3, "SamplesPerPixel"),
        ((0x0028, 0x0103), 2, "PixelRepresentation"),
    ] {
        assert_refused(&with(|f| f.short(tag, value)), keyword);
    }
    for frames in ["0", "-1"] {
        assert_refused(&with(|f| f.text((0x0028, 0x0008), "IS", frames)), "NumberOfFrames");
    }
    let huge = with(|f| f.short((0x0028, 0x0010), 65_535).short((0x0028, 0x0011), 65_535));
    assert_refused(&huge, "Rows x Columns");
}

#[test]
fn pixel_data_of_another_length_than_the_header_needs_are_refused_or_said() {
    let short = with(|f| f.pixels(&pixels()[..40]));
    assert_refused(&short, "80 bytes where 96 are needed");
    let long = with(|f| f.pixels(&[pixels(), vec![9; 10]].concat()));
    assert_shown(&long, &["W-PIXEL-LENGTH"]);
    assert_eq!(doubts(&read(&long).expect("it is shown")), ["W-PIXEL-LENGTH"]);
    assert_refused(&with(|f| f.text((0x0028, 0x0008), "IS", "7")), "96 bytes where 672");
}

#[test]
fn polarity_is_never_guessed() {
    assert_refused(&with(|f| f.remove((0x0028, 0x0004))), "PhotometricInterpretation");
    for value in ["RGB", "PALETTE COLOR", "MONOCHROME", "MONOCHROME3", "monochrome2"] {
        assert_refused(&with(|f| f.text((0x0028, 0x0004), "CS", value)), value);
    }
}

/// The code stream of a one-fragment fixture.
fn stream_of(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/fixtures/dicom/{name}.dcm", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(path).expect("it is committed");
    let soi = file.windows(3).position(|w| w == [0xFF, 0xD8, 0xFF] || w == [0xFF, 0x4F, 0xFF]);
    file[soi.expect("it has a code stream")..file.len() - 8].to_vec()
}

/// A header for the fixtures' 45 columns and 37 rows.
fn fixture_header(rows: u16, columns: u16, allocated: u16, stored: u16) -> File {
    let mut file = File::film();
    file.short((0x0028, 0x0010), rows)
        .short((0x0028, 0x0011), columns)
        .short((0x0028, 0x0100), allocated)
        .short((0x0028, 0x0101), stored)
        .short((0x0028, 0x0102), stored - 1);
    file
}

#[test]
fn a_stream_of_another_size_is_refused_not_padded() {
    // B2, for each codec: larger, smaller, and turned on its side.
    for name in ["jpeg_lossless_12_p1", "dcmtk_jpeg_ls_12_signed", "jpeg2000_12"] {
        let stream = stream_of(name);
        for (rows, columns) in [(30, 45), (37, 40), (60, 45), (37, 90), (45, 37)] {
            let file =
                fixture_header(rows, columns, 16, 12).encapsulated(JPEG_LOSSLESS, &[&stream]);
            assert_refused(&file, "do not match the header");
        }
    }
}

#[test]
fn an_8_bit_stream_under_a_12_bit_header_is_widened_and_doubted() {
    // B3.
    let stream = stream_of("jpeg_lossless_8_p1");
    let file = fixture_header(37, 45, 16, 12).encapsulated(JPEG_LOSSLESS, &[&stream]);
    let film = read(&file).expect("its values are known");
    assert_eq!(doubts(&film), ["W-STREAM-DEPTH"]);
    let own = read(&fixture_header(37, 45, 8, 8).encapsulated(JPEG_LOSSLESS, &[&stream]));
    assert_eq!(stored_values(&film), stored_values(&own.expect("it is sound")));
    assert_eq!(film.bits_stored, 8);
}

#[test]
fn a_lossy_stream_under_a_lossless_header_is_marked() {
    // B4.
    let stream = stream_of("jpeg_baseline_8");
    let film = read(&fixture_header(37, 45, 8, 8).encapsulated(JPEG_LOSSLESS, &[&stream]));
    let film = film.expect("it can be decoded");
    assert!(film.lossy);
    assert_eq!(codes(&film), ["W-LOSSY", "W-LOSSY-STREAM"]);
}

#[test]
fn zeros_around_the_end_of_a_stream_change_nothing() {
    // B6 (after EOI) and B7 (a zero before EOI of JPEG-LS).
    let header = || fixture_header(37, 45, 16, 12);
    let lossless = stream_of("jpeg_lossless_12_p1");
    let padded = [&lossless[..], &[0; 6]].concat();
    let (a, b) = (
        read(&header().encapsulated(JPEG_LOSSLESS, &[&lossless])).expect("sound"),
        read(&header().encapsulated(JPEG_LOSSLESS, &[&padded])).expect("padded"),
    );
    assert_eq!(a.samples, b.samples);
    let mut file = header();
    file.short((0x0028, 0x0103), 1);
    let ls = stream_of("dcmtk_jpeg_ls_12_signed");
    let eoi = ls.windows(2).rposition(|w| w == [0xFF, 0xD9]).expect("it ends");
    let padded = [&ls[..eoi], &[0], &ls[eoi..]].concat();
    let syntax = "1.2.840.10008.1.2.4.80";
    let (a, b) = (
        read(&file.clone().encapsulated(syntax, &[&ls])).expect("sound"),
        read(&file.encapsulated(syntax, &[&padded])).expect("padded"),
    );
    assert_eq!(a.samples, b.samples);
}

#[test]
fn a_cut_stream_is_refused_by_every_codec() {
    for (name, stored, representation) in [
        ("jpeg_lossless_12_p7", 12, 0),
        ("jpeg_baseline_8", 8, 0),
        ("dcmtk_jpeg_ls_12_signed", 12, 1),
        ("jpeg2000_12", 12, 0),
    ] {
        let stream = stream_of(name);
        let mut header = fixture_header(37, 45, if stored == 8 { 8 } else { 16 }, stored);
        header.short((0x0028, 0x0103), representation);
        let half = &stream[..stream.len() / 2];
        let error = read(&header.encapsulated(JPEG_LOSSLESS, &[half])).expect_err(name);
        assert!(matches!(error, Error::Undecodable(_)), "{name}: {error}");
    }
}

#[test]
fn no_combination_of_layout_attributes_shows_other_than_a_whole_frame() {
    let mut reader = reader();
    let (mut shown, mut refused) = (0, 0);
    let sizes = [0, 1, 6, 8, 65_535];
    for (rows, columns) in sizes.iter().flat_map(|r| sizes.iter().map(move |c| (*r, *c))) {
        for (allocated, stored, high) in [
            (8, 8, 7),
            (8, 1, 0),
            (8, 12, 11),
            (16, 8, 7),
            (16, 12, 15),
            (16, 16, 15),
            (16, 16, 16),
            (16, 17, 16),
            (24, 8, 7),
            (0, 0, 65_535),
        ] {
            for (frames, representation) in [("1", 0), ("1", 1), ("2", 0), ("2147483648", 0)] {
                let mut file = File::film();
                file.short((0x0028, 0x0010), rows)
                    .short((0x0028, 0x0011), columns)
                    .short((0x0028, 0x0100), allocated)
                    .short((0x0028, 0x0101), stored)
                    .short((0x0028, 0x0102), high)
                    .short((0x0028, 0x0103), representation)
                    .text((0x0028, 0x0008), "IS", frames);
                let bytes = file.bytes();
                if check_structure(&bytes).is_err() {
                    refused += 1;
                    continue;
                }
                match read_with(&mut reader, &bytes) {
                    Ok(film) => {
                        assert_eq!(film.samples.len(), usize::from(rows) * usize::from(columns));
                        shown += 1;
                    }
                    Err(Error::Decoder(error)) => panic!("{error}"),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(shown > 20 && refused > 500, "{shown} shown, {refused} refused");
}

#[test]
fn a_picture_that_claims_a_huge_size_is_refused() {
    // A PNG header of 60,000 x 60,000 pixels, its checksum right (PNG clause 5.5).
    let checksum = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xEDB8_8320 * (c & 1)))
        })
    };
    let mut png = b"\x89PNG\r\n\x1A\n".to_vec();
    for (kind, data) in [
        (
            b"IHDR",
            [&60_000_u32.to_be_bytes()[..], &60_000_u32.to_be_bytes(), &[16, 0, 0, 0, 0]].concat(),
        ),
        (b"IDAT", vec![0x78, 0x9C, 0x03, 0x00]),
    ] {
        let body = [&kind[..], &data].concat();
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(&body);
        png.extend(checksum(&body).to_be_bytes());
    }
    assert_refused(&png, "60000 x 60000 pixels, which is not a mammogram");
}
