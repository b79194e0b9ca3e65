//! What the attributes are taken to mean: grey scale and padding, and the doubts about them.

use precedent_core::mammogram::ModalityLut;
use precedent_core::voi_lut::VoiFunction;

use super::file::{COLUMNS, File, PIXEL_DATA, ROWS};
use super::{codes, doubts, film, read, read_with, reader, stored_values};

const CENTER: (u16, u16) = (0x0028, 0x1050);
const WIDTH: (u16, u16) = (0x0028, 0x1051);
const FUNCTION: (u16, u16) = (0x0028, 0x1056);
const VOI_LUT_SEQUENCE: (u16, u16) = (0x0028, 0x3010);

#[test]
fn every_window_is_offered_and_only_sound_ones() {
    let windows = |center: &str, width: &str, function: &str| {
        let film = film(|f| {
            f.text(CENTER, "DS", center).text(WIDTH, "DS", width).text(FUNCTION, "CS", function)
        });
        let codes = codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>();
        (film.voi_luts.into_iter().map(|lut| lut.function).collect::<Vec<_>>(), codes)
    };
    let linear = |center, width| VoiFunction::Linear { center, width };
    let exact = |center, width| VoiFunction::LinearExact { center, width };
    let none: Vec<String> = Vec::new();
    // C6: an empty function is LINEAR.
    assert_eq!(windows("40", "400", ""), (vec![linear(40.0, 400.0)], none.clone()));
    // C4: all of them, in order.
    assert_eq!(
        windows("40\\50\\60", "400\\500\\600", ""),
        (vec![linear(40.0, 400.0), linear(50.0, 500.0), linear(60.0, 600.0)], none.clone())
    );
    // C5.
    assert_eq!(
        windows("2048", "1024", "SIGMOID"),
        (vec![VoiFunction::Sigmoid { center: 2048.0, width: 1024.0 }], none.clone())
    );
    assert_eq!(windows("1", "2", "LINEAR_EXACT"), (vec![exact(1.0, 2.0)], none.clone()));
    // C3 and C10: below 1 exactly, exponents are numbers.
    assert_eq!(windows("0.4", "0.913", ""), (vec![exact(0.4, 0.913)], none));
    assert_eq!(windows("1e3", "+4E2", "").0, [linear(1000.0, 400.0)]);
    let (luts, codes) = windows("40", "400", "BANANA");
    assert_eq!((luts, codes), (vec![linear(40.0, 400.0)], vec!["W-VOI-FUNCTION".to_owned()]));
    for (center, width) in [("NaN", "400"), ("40", "0"), ("40", "-100"), ("inf", "1"), ("x", "y")] {
        let (luts, codes) = windows(center, width, "");
        assert!(matches!(luts[..], [VoiFunction::LinearExact { .. }]), "{center} {width}");
        assert_eq!(codes, ["W-WINDOW-INVALID", "W-AUTO-WINDOW"], "{center} {width}");
    }
    let (luts, codes) = windows("40\\NaN", "400\\1", "");
    assert_eq!((luts, codes), (vec![linear(40.0, 400.0)], vec!["W-WINDOW-INVALID".to_owned()]));
    let (_, codes) = windows("", "", "");
    assert_eq!(codes, ["W-AUTO-WINDOW"], "no window is no fault");
}

#[test]
fn a_window_that_shows_nothing_is_doubted_and_another_offered() {
    for (center, photometric) in [("60000", "MONOCHROME2"), ("-9000", "MONOCHROME1")] {
        let film = film(|f| {
            f.text(CENTER, "DS", center).text(WIDTH, "DS", "100");
            f.text((0x0028, 0x0004), "CS", photometric)
        });
        assert_eq!(doubts(&film), ["W-WINDOW-BLANK"]);
        assert_eq!(film.voi_luts.len(), 2);
        let picture = film.display(&film.voi_luts[1], false);
        assert!(picture.contains(&0) && picture.contains(&255));
    }
    let flat = film(|f| f.pixels(&[5; 48]).text(CENTER, "DS", "9000"));
    assert_eq!(doubts(&flat), ["W-ONE-VALUE"], "no window shows anything of it");
}

/// One VOI LUT: descriptor, data, VR of each.
fn lut_item(descriptor: [u16; 3], vr: &'static str, data: Vec<u8>) -> File {
    let mut item = File::empty();
    item.shorts((0x0028, 0x3002), vr, &descriptor).text((0x0028, 0x3003), "LO", "HARDER").set(
        (0x0028, 0x3006),
        "OW",
        data,
    );
    item
}

fn le(values: impl Iterator<Item = u16>) -> Vec<u8> {
    values.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn voi_luts_are_read_in_every_form_that_is_met() {
    let table = |item: File, representation: u16| {
        let film =
            film(|f| f.short((0x0028, 0x0103), representation).sequence(VOI_LUT_SEQUENCE, &item));
        assert_eq!(film.voi_luts.len(), 2, "the LUT, then the window");
        assert_eq!(film.voi_luts[0].explanation, "HARDER");
        let codes = codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>();
        match film.voi_luts[0].function.clone() {
            VoiFunction::Table { first, entries, max } => (first, entries, max, codes),
            other => panic!("{other:?}"),
        }
    };
    let none: Vec<String> = Vec::new();
    // 12-bit entries in words.
    let ramp = || (0..4096_u16).map(|i| 4095 - i);
    let got = table(lut_item([4096, 0, 12], "US", le(ramp())), 0);
    assert_eq!(got, (0, ramp().collect(), 4095, none.clone()));
    // C8: 8-bit entries, one a word and two packed in each.
    let bytes: Vec<u8> = (0..4096).map(|i| (i / 16) as u8).collect();
    let entries: Vec<u16> = bytes.iter().map(|b| u16::from(*b)).collect();
    let words = le(entries.iter().copied());
    assert_eq!(
        table(lut_item([4096, 0, 8], "US", words), 0),
        (0, entries.clone(), 255, none.clone())
    );
    assert_eq!(table(lut_item([4096, 0, 8], "US", bytes), 0), (0, entries, 255, none.clone()));
    // C7: SS, the first value below zero, the count above 32,767.
    let first = (-2048_i16) as u16;
    let got = table(lut_item([4096, first, 12], "SS", le(ramp())), 1);
    assert_eq!((got.0, got.3), (-2048, none.clone()));
    let long = (0..40_000_u32).map(|i| i as u16);
    let got = table(lut_item([40_000, first, 16], "SS", le(long)), 1);
    assert_eq!((got.0, got.1.len(), got.2), (-2048, 40_000, 65_535));
    // 0 entries stands for 65,536.
    let got = table(lut_item([0, 0, 16], "US", le(0..=u16::MAX)), 0);
    assert_eq!((got.1.len(), got.3), (65_536, none));
    // C9: 12 bits of entries declared as 16.
    let got = table(lut_item([4096, 0, 16], "US", le(0..4096)), 0);
    assert_eq!((got.2, got.3), (4095, vec!["W-LUT-DEPTH".to_owned()]));
    // Too short for what it declares: left out, and said.
    let broken = film(|f| f.sequence(VOI_LUT_SEQUENCE, &lut_item([4096, 0, 12], "US", le(0..100))));
    assert_eq!(doubts(&broken), ["W-LUT-INVALID"]);
    assert_eq!(broken.voi_luts.len(), 1);
}

#[test]
fn rescale_keeps_fractions_and_a_slope_of_zero_is_doubted() {
    // C11.
    let (intercept, slope) = ((0x0028, 0x1052), (0x0028, 0x1053));
    let rescale = |i: &str, s: &str| film(|f| f.text(intercept, "DS", i).text(slope, "DS", s));
    let small = rescale("-1.5", "0.01");
    assert_eq!(small.modality_lut, ModalityLut::Rescale { slope: 0.01, intercept: -1.5 });
    assert_eq!(small.modality_lut.apply(80), 80.0 * 0.01 - 1.5);
    let zero = rescale("0", "0");
    assert_eq!(zero.modality_lut, ModalityLut::Rescale { slope: 1.0, intercept: 0.0 });
    assert_eq!(doubts(&zero), ["W-MODALITY"]);
    assert_eq!(doubts(&rescale("x", "1")), ["W-MODALITY"]);
    let table = film(|f| {
        f.sequence((0x0028, 0x3000), &lut_item([3, 100, 16], "US", le([5, 6, 7].into_iter())))
    });
    let values = [0, 100, 101, 5000].map(|stored| table.modality_lut.apply(stored));
    assert_eq!(values, [5.0, 5.0, 6.0, 7.0]);
}

#[test]
fn padding_is_a_range_of_stored_values_and_black_on_both_sides() {
    // C13: value 0, limit 160: the first three pixels of the film.
    let (value, limit) = ((0x0028, 0x0120), (0x0028, 0x0121));
    for photometric in ["MONOCHROME1", "MONOCHROME2"] {
        let film =
            film(|f| f.short(value, 0).short(limit, 160).text((0x0028, 0x0004), "CS", photometric));
        assert_eq!(film.padding, Some((0, 160)));
        for invert in [false, true] {
            let picture = film.display(&film.voi_luts[0], invert);
            assert_eq!(picture[..3], [0, 0, 0], "{photometric} {invert}");
            assert!(picture[3..].iter().any(|v| *v > 100), "{photometric} {invert}");
        }
    }
    // Signed, and without its sign extension: 800 in 12 bits is -2048.
    let signed =
        film(|f| f.short((0x0028, 0x0103), 1).shorts(value, "SS", &[0x0800]).pixels(&[0x0800; 48]));
    assert_eq!(signed.padding, Some((-2048, -2048)));
    assert_eq!(stored_values(&signed)[0], -2048);
    let all = film(|f| f.short(value, 0).short(limit, 4095));
    assert_eq!((all.padding, doubts(&all)), (None, vec!["W-PADDING"]));
}

#[test]
fn what_may_mislead_is_doubted() {
    let raw = film(|f| f.text((0x0008, 0x0068), "CS", "FOR PROCESSING"));
    assert_eq!(doubts(&raw), ["W-FOR-PROCESSING"]);
    let shape = film(|f| f.text((0x2050, 0x0020), "CS", "INVERSE"));
    assert_eq!(doubts(&shape), ["W-POLARITY"]);
    let nobody = film(|f| f.text((0x0010, 0x0020), "LO", ""));
    assert_eq!((nobody.patient_id.clone(), doubts(&nobody)), (None, vec!["W-NO-PATIENT"]));
    let overlay = film(|f| {
        let values = (0..ROWS * COLUMNS).map(|value| 0x8000 | value);
        f.pixels(&values.collect::<Vec<_>>())
    });
    assert_eq!(doubts(&overlay), ["W-UNUSED-BITS"]);
    assert_eq!(stored_values(&overlay)[1], 1);
    let twice = {
        let file = File::film();
        let mut bytes = file.header();
        bytes.extend(file.element_head((0x0020, 0x0062), "CS", 2));
        bytes.extend(b"L ");
        bytes.extend(file.dataset());
        read(&bytes).expect("the first is taken")
    };
    assert_eq!(twice.image_laterality.map(|l| l.word()), Some("L"));
    assert_eq!(doubts(&twice), ["W-DUPLICATE"]);
}

#[test]
fn half_a_picture_file_is_refused_whatever_end_mark_stands_behind_it() {
    use image::{GrayImage, ImageFormat, Luma};
    let grey = GrayImage::from_fn(64, 48, |x, y| Luma([(x * 37 % 97 + y * 91 % 150) as u8]));
    let jpeg = png(grey.into(), ImageFormat::Jpeg);
    let whole = read(&jpeg).expect("a grey picture");
    assert_eq!((whole.rows, whole.columns), (48, 64));
    // Value for value what the decoder of pictures gives: libraries know films by them.
    let values = image::load_from_memory(&jpeg).expect("a picture").into_luma8().into_raw();
    assert_eq!(*whole.samples, values.into_iter().map(u16::from).collect::<Vec<_>>());
    let half = &jpeg[..jpeg.len() * 3 / 4];
    // Cut with an end mark, with another picture behind; fewer and more lines declared.
    let sof = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).expect("it is baseline");
    let of_rows = |rows: u8| {
        let mut other = jpeg.clone();
        other[sof + 6] = rows;
        other
    };
    // One that is to be turned by its EXIF block (orientation 6) is shown as stored, and says so.
    let exif = [
        &[0xFF, 0xE1, 0, 34][..],
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
    ];
    let turned = [&jpeg[..2], &exif.concat(), &jpeg[2..]].concat();
    let turned = read(&turned).expect("a grey picture");
    assert_eq!((turned.rows, turned.columns), (48, 64));
    assert!(codes(&turned).contains(&"W-ORIENTATION"));
    for damaged in
        [[half, &[0xFF, 0xD9]].concat(), [half, &jpeg].concat(), of_rows(24), of_rows(96)]
    {
        assert!(read(&damaged).is_err());
    }
}

/// A picture file as the `image` crate writes it.
fn png(image: image::DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("a Vec takes it");
    bytes.into_inner()
}

#[test]
fn grey_pictures_are_read_and_coloured_ones_refused() {
    use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, Rgba};
    let grey8 = GrayImage::from_fn(20, 10, |x, y| Luma([(x * 12 + y) as u8]));
    let film = read(&png(grey8.clone().into(), ImageFormat::Png)).expect("a grey picture");
    assert_eq!((film.rows, film.columns, film.bits_stored), (10, 20, 8));
    assert!(film.samples.iter().zip(grey8.as_raw()).all(|(a, b)| *a == u16::from(*b)));
    assert_eq!(doubts(&film), ["W-NO-PATIENT", "W-PICTURE"]);
    let grey16 = ImageBuffer::from_fn(20, 10, |x, y| Luma([(x * 3000 + y) as u16]));
    let film = read(&png(DynamicImage::ImageLuma16(grey16.clone()), ImageFormat::Png));
    let film = film.expect("a grey picture");
    assert_eq!((&*film.samples, film.bits_stored), (grey16.as_raw(), 16));
    let jpeg = read(&png(grey8.clone().into(), ImageFormat::Jpeg)).expect("a grey picture");
    assert!(jpeg.lossy && codes(&jpeg).contains(&"W-LOSSY"));
    let as_colour = ImageBuffer::from_fn(20, 10, |x, y| Rgb([grey8.get_pixel(x, y).0[0]; 3]));
    let film = read(&png(as_colour.into(), ImageFormat::Png)).expect("all its pixels are grey");
    assert!(codes(&film).contains(&"W-COLOUR-AS-GREY"));
    assert!(film.samples.iter().zip(grey8.as_raw()).all(|(a, b)| *a == u16::from(*b)));
    let colour = ImageBuffer::from_fn(20, 10, |x, _| Rgb([x as u8, 0, 9]));
    let transparent = ImageBuffer::from_fn(20, 10, |x, _| Rgba([5, 5, 5, x as u8]));
    for (image, word) in
        [(DynamicImage::from(colour), "colour"), (transparent.into(), "transparent")]
    {
        let error = read(&png(image, ImageFormat::Png)).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let whole = png(grey8.clone().into(), format);
        for length in [whole.len() / 2, whole.len() - 12, whole.len() - 30] {
            assert!(read(&whole[..length]).is_err(), "{format:?}, {length} bytes");
        }
    }
}

#[test]
fn one_reader_reads_good_and_bad_files_in_turn() {
    let mut reader = reader();
    for _ in 0..20 {
        read_with(&mut reader, &File::film().bytes()).expect("a sound film");
        read_with(&mut reader, b"text").expect_err("text");
        let mut file = File::film();
        file.remove((0x0028, 0x0004));
        read_with(&mut reader, &file.bytes()).expect_err("no polarity");
        file.remove(PIXEL_DATA);
        read_with(&mut reader, &file.bytes()).expect_err("no pixels");
    }
}
