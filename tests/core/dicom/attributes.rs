//! What the attributes are taken to mean: size, side, view, grey scale, and the doubts about them.

use precedent_core::mammogram::{Mammogram, ModalityLut};
use precedent_core::voi_lut::VoiFunction;

use super::file::{COLUMNS, File, PIXEL_DATA, ROWS};
use super::{codes, doubts, read, read_with, reader, stored_values};

fn film(change: impl for<'a> Fn(&'a mut File) -> &'a mut File) -> Mammogram {
    let mut file = File::film();
    change(&mut file);
    read(&file.bytes()).expect("the film is sound")
}

const PIXEL_SPACING: (u16, u16) = (0x0028, 0x0030);
const CALIBRATION: (u16, u16) = (0x0028, 0x0A02);
const IMAGER_PIXEL_SPACING: (u16, u16) = (0x0018, 0x1164);
const ERMF: (u16, u16) = (0x0018, 0x1114);
const SCANNED_SPACING: (u16, u16) = (0x0018, 0x2010);
const CENTER: (u16, u16) = (0x0028, 0x1050);
const WIDTH: (u16, u16) = (0x0028, 0x1051);
const FUNCTION: (u16, u16) = (0x0028, 0x1056);
const VOI_LUT_SEQUENCE: (u16, u16) = (0x0028, 0x3010);

#[test]
fn a_size_is_worth_what_its_origin_is_worth() {
    // D1: PixelSpacing, calibration, ImagerPixelSpacing, ERMF -> mm, unit, doubts.
    type Case = (&'static str, &'static str, &'static str, &'static str);
    type Worth = (Case, Option<(f64, f64)>, &'static str, &'static [&'static str]);
    let cases: [Worth; 13] = [
        (("", "", "0.07\\0.07", ""), Some((0.07, 0.07)), "mm at detector", &[]),
        (("", "", "0.07\\0.07", "1.8"), Some((0.07 / 1.8, 0.07 / 1.8)), "mm (ERMF 1.80)", &[]),
        (("0.05\\0.05", "", "", ""), Some((0.05, 0.05)), "mm", &[]),
        // Not square: the first value is between rows.
        (("0.05\\0.06", "", "", ""), Some((0.05, 0.06)), "mm", &[]),
        // A copy of the detector's spacing is not the patient's.
        (
            ("0.07\\0.07", "", "0.07\\0.07", "1.07"),
            Some((0.07 / 1.07, 0.07 / 1.07)),
            "mm (ERMF 1.07)",
            &[],
        ),
        (("0.07\\0.07", "", "0.07\\0.07", ""), Some((0.07, 0.07)), "mm at detector", &[]),
        // Already divided by the factor: never twice.
        (("0.065421\\0.065421", "", "0.07\\0.07", "1.07"), Some((0.065421, 0.065421)), "mm", &[]),
        (("0.06\\0.06", "FIDUCIAL", "0.07\\0.07", "1.07"), Some((0.06, 0.06)), "mm", &[]),
        (
            ("0.06\\0.06", "", "0.07\\0.07", ""),
            Some((0.07, 0.07)),
            "mm at detector",
            &["W-SPACING-CONFLICT"],
        ),
        (("", "", "", ""), None, "", &[]),
        (("0\\0", "", "", ""), None, "", &[]),
        (("70\\70", "", "", ""), None, "", &[]),
        (("", "", "0.07\\0.07", "0.2"), Some((0.07, 0.07)), "mm at detector", &[]),
    ];
    for ((pixel, calibration, imager, ermf), expected, unit, doubted) in cases {
        let film = film(|f| {
            f.remove(IMAGER_PIXEL_SPACING);
            for (tag, vr, text) in [
                (PIXEL_SPACING, "DS", pixel),
                (CALIBRATION, "CS", calibration),
                (IMAGER_PIXEL_SPACING, "DS", imager),
                (ERMF, "DS", ermf),
            ] {
                if !text.is_empty() {
                    f.text(tag, vr, text);
                }
            }
            f
        });
        let name = format!("{pixel} {calibration} {imager} {ermf}");
        match (expected, film.spacing) {
            (None, None) => assert!(codes(&film).contains(&"W-NO-SPACING"), "{name}"),
            (Some((row, column)), Some(spacing)) => {
                assert!((spacing.row_spacing_mm - row).abs() < 1e-9, "{name}: {spacing:?}");
                assert!((spacing.column_spacing_mm - column).abs() < 1e-9, "{name}: {spacing:?}");
                assert_eq!(spacing.origin.unit(), unit, "{name}");
            }
            (_, got) => panic!("{name}: {got:?}"),
        }
        assert_eq!(doubts(&film), doubted, "{name}");
    }
}

#[test]
fn a_scale_beside_the_file_is_used_where_the_file_has_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("the disk takes it");
    };
    let mut bare = File::film();
    bare.remove(IMAGER_PIXEL_SPACING);
    std::fs::write(&path, bare.bytes()).expect("the disk takes it");
    let mut reader = reader();
    let mut spacing = || {
        let film = reader.read(&path).expect("it is sound");
        let found = film.spacing.map(|s| (s.row_spacing_mm, s.origin.unit()));
        (found, codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(spacing(), (None, vec!["W-NO-SPACING".to_owned()]));
    write("precedent.toml", "pixel_mm = 0.05\norigin = \"film scanner\"\n");
    assert_eq!(spacing(), (Some((0.05, "mm, film scanner".to_owned())), vec![]));
    // The file's own sidecar goes before its folder's.
    write("film.dcm.precedent.toml", "pixel_mm = 0.042\norigin = \"stated\"\n");
    assert_eq!(spacing(), (Some((0.042, "mm, stated".to_owned())), vec![]));
    for wrong in [
        "pixel_mm = 5.0\norigin = \"stated\"\n",
        "pixel_mm = nan\norigin = \"stated\"\n",
        "pixel_mm = 0.05\n",
        "pixel_mm = 0.05\norigin = \"guess\"\n",
        "pixel_mn = 0.05\norigin = \"stated\"\n",
        "\u{1}",
    ] {
        write("film.dcm.precedent.toml", wrong);
        let (found, codes) = spacing();
        assert_eq!((found, codes), (None, vec!["W-SIDECAR".to_owned(), "W-NO-SPACING".to_owned()]));
    }
    // What the film itself says goes before both; a sidecar that contradicts it is said.
    std::fs::write(&path, File::film().bytes()).expect("the disk takes it");
    write("film.dcm.precedent.toml", "pixel_mm = 0.042\norigin = \"stated\"\n");
    let (found, codes) = spacing();
    assert_eq!(found, Some((0.07, "mm at detector".to_owned())));
    assert_eq!(codes, ["W-SIDECAR-CONFLICT"]);
}

#[test]
fn a_film_scanners_pitch_in_the_file_is_named_as_such() {
    // PS3.3 10.7.1.3: a PixelSpacing equal to it is no calibration, another one is.
    for (own, worth) in [
        ("", (0.05, "mm, film scanner")),
        ("0.05\\0.05", (0.05, "mm, film scanner")),
        ("0.047\\0.047", (0.047, "mm")),
    ] {
        let film = film(|f: &mut File| {
            f.remove(IMAGER_PIXEL_SPACING).text(SCANNED_SPACING, "DS", "0.05\\0.05");
            f.text((0x0028, 0x0030), "DS", own)
        });
        let spacing = film.spacing.expect("it is stated");
        assert_eq!((spacing.row_spacing_mm, spacing.origin.unit().as_str()), worth, "{own}");
    }
}

#[test]
fn the_side_is_image_laterality_first_and_a_conflict_is_doubted() {
    let (image, series) = ((0x0020, 0x0062), (0x0020, 0x0060));
    for (own, other, expected, caution) in [
        ("R", "", Some("R"), None),
        ("", "L", Some("L"), None),
        ("R", "R", Some("R"), None),
        ("R", "L", Some("R"), Some("W-LATERALITY-CONFLICT")),
        ("B", "", Some("B"), None),
        ("", "", None, Some("W-NO-LATERALITY")),
        ("X", "", None, Some("W-LATERALITY-INVALID")),
        ("X", "L", Some("L"), Some("W-LATERALITY-INVALID")),
        ("U", "", None, Some("W-NO-LATERALITY")),
    ] {
        let film = film(|f| f.text(image, "CS", own).text(series, "CS", other));
        assert_eq!(film.image_laterality.map(|l| l.word()), expected, "{own} {other}");
        assert_eq!(codes(&film).first().copied(), caution, "{own} {other}");
    }
    let conflict = film(|f| f.text(series, "CS", "L"));
    assert_eq!(doubts(&conflict), ["W-LATERALITY-CONFLICT"]);
}

/// One item of ViewCodeSequence, with or without a modifier.
fn view_code<'a>(file: &'a mut File, code: &str, modifier: Option<&str>) -> &'a mut File {
    let coded = |value: &str, meaning: &str| {
        let mut item = File::empty();
        item.text((0x0008, 0x0100), "SH", value).text((0x0008, 0x0104), "LO", meaning);
        item
    };
    let mut item = coded(code, "view");
    if let Some(modifier) = modifier {
        item.sequence((0x0054, 0x0222), &coded("399163009", modifier));
    }
    file.sequence((0x0054, 0x0220), &item)
}

#[test]
fn the_view_is_the_code_first_and_ml_is_not_mlo() {
    let position = (0x0018, 0x5101);
    // CID 4014 in SNOMED CT and in SNOMED RT.
    for (code, expected) in [
        ("399162004", "CC"),
        ("R-10242", "CC"),
        ("399368009", "MLO"),
        ("R-10226", "MLO"),
        ("399260004", "ML"),
        ("R-10224", "ML"),
        ("R-10228", "LM"),
        ("399192008", "XCCL"),
    ] {
        let film = film(|f| {
            f.remove(position);
            view_code(f, code, None)
        });
        assert_eq!(film.view_position.map(|v| v.word()), Some(expected), "{code}");
        assert!(codes(&film).is_empty());
    }
    let agreeing = film(|f| view_code(f, "399162004", Some("magnification")));
    assert_eq!(codes(&agreeing), ["W-VIEW-MODIFIER"]);
    assert!(agreeing.cautions[0].text.contains("magnification"));
    let conflict = film(|f| view_code(f, "399368009", None));
    assert_eq!(conflict.view_position.map(|v| v.word()), Some("MLO"));
    assert_eq!(doubts(&conflict), ["W-VIEW-CONFLICT"]);
    let written = film(|f| f.remove(position).text((0x0020, 0x0020), "CS", "MLO"));
    assert_eq!(written.view_position.map(|v| v.word()), Some("MLO"));
    assert_eq!(codes(&written), ["W-VIEW-TEXT"]);
    let standard = film(|f| f.remove(position).text((0x0020, 0x0020), "CS", "A\\FR"));
    assert_eq!((standard.view_position, codes(&standard)[0]), (None, "W-NO-VIEW"));
}

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
    assert!(codes(&flat).is_empty(), "a flat image has nothing to show");
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
    let overlay = film(|f| f.pixels(&vec![0x8001; usize::from(ROWS * COLUMNS)]));
    assert_eq!(doubts(&overlay), ["W-UNUSED-BITS"]);
    assert_eq!(stored_values(&overlay)[0], 1);
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
fn the_first_frames_groups_go_before_the_root() {
    // E10: the window of the first frame, and the laterality shared by all.
    let mut window = File::empty();
    window.text(CENTER, "DS", "100").text(WIDTH, "DS", "50");
    let mut anatomy = File::empty();
    anatomy.text((0x0020, 0x9072), "CS", "L");
    let (mut shared, mut frame) = (File::empty(), File::empty());
    shared.sequence((0x0020, 0x9071), &anatomy);
    frame.sequence((0x0028, 0x9132), &window);
    let film = film(|f| {
        f.remove((0x0020, 0x0062));
        f.sequence((0x5200, 0x9229), &shared).sequence((0x5200, 0x9230), &frame)
    });
    assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center: 100.0, width: 50.0 });
    assert_eq!(film.image_laterality.map(|l| l.word()), Some("L"));
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
