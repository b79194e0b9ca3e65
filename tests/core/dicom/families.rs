//! Members of the families of wrong files that were met with other writers' files
//! (tests/scripts/independent_families.py), each made here by hand.

use precedent_core::dicom::{Error, Refusal};
use precedent_core::mammogram::Mammogram;
use precedent_core::voi_lut::VoiFunction;

use super::file::{COLUMNS, EXPLICIT, File, PIXEL_DATA, ROWS, pixels};
use super::{codes, doubts, film, read, stored_values};

const CENTER: (u16, u16) = (0x0028, 0x1050);
const VOI_LUT_SEQUENCE: (u16, u16) = (0x0028, 0x3010);
const LUT_HEAD: [u8; 8] = [0x28, 0, 0x10, 0x30, b'U', b'N', 0, 0];

fn assert_refused(bytes: &[u8], words: &str) {
    let sentence = read(bytes).expect_err("it must be refused").to_string();
    assert!(sentence.contains(words), "\"{sentence}\" does not say \"{words}\"");
}

fn true_values() -> Vec<i32> {
    pixels().into_iter().map(i32::from).collect()
}

/// One VOI LUT item, in implicit VR as it stands inside UN.
fn implicit_item() -> Vec<u8> {
    let mut element = File::empty();
    element.writing = super::file::Writing::Implicit;
    element.shorts((0x0028, 0x3002), "US", &[3, 100, 8]);
    element.text((0x0028, 0x3003), "LO", "HARDER");
    element.shorts((0x0028, 0x3006), "OW", &[0, 128, 255]);
    element.item(&element)
}

#[test]
fn a_known_attribute_that_came_as_un_is_what_the_dictionary_says() {
    // A4's kin: systems that do not know an attribute pass it on as UN (PS3.5 6.2.2).
    let film = film(|f| {
        f.set(CENTER, "UN", b"1000".to_vec()).set((0x0028, 0x1051), "UN", b"500 ".to_vec());
        f.set((0x0028, 0x0010), "UN", vec![ROWS as u8, 0]);
        f.set((0x0020, 0x0062), "UN", b"L ".to_vec())
    });
    assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center: 1000.0, width: 500.0 });
    assert_eq!(film.image_laterality.map(|side| side.word()), Some("L"));
    assert_eq!((stored_values(&film), codes(&film)), (true_values(), vec![]));
}

#[test]
fn a_number_of_half_a_value_is_taken_as_bytes() {
    // Text called FD: the library loses its place in what follows, for minutes.
    for vr in ["FD", "UL", "SV", "OD", "AT"] {
        let mut file = File::film();
        let bytes = file.remove((0x0008, 0x0060)).bytes();
        let at = bytes.windows(4).position(|w| w == [8, 0, 0x68, 0]).expect("it has an intent");
        let long = [0, 0, 2, 0, 0, 0];
        let length = if ["SV", "OD"].contains(&vr) { &long[..] } else { &[2, 0] };
        let modality = [&[8, 0, 0x60, 0][..], vr.as_bytes(), length, b"CT"].concat();
        let film = read(&[&bytes[..at], &modality, &bytes[at..]].concat()).expect("it is read");
        assert_eq!(codes(&film), ["W-NOT-MAMMOGRAPHY"], "{vr}");
    }
    let mut item = File::empty();
    item.set((0x0028, 0x3002), "US", vec![1, 0, 0]);
    let mut file = File::film();
    assert_refused(&file.sequence(VOI_LUT_SEQUENCE, &item).bytes(), "does not fit");
}

#[test]
fn a_voi_lut_that_came_as_un_is_not_lost() {
    let item = implicit_item();
    let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let length = (item.len() as u32).to_le_bytes();
    let known = [&LUT_HEAD[..], &length, &item].concat();
    let unknown = [&LUT_HEAD[..], &[0xFF; 4], &item, &end].concat();
    for lut in [known, unknown] {
        let file = File::film();
        let dataset = file.dataset();
        let at = dataset.windows(4).position(|w| w == [0xE0, 0x7F, 0x10, 0]).expect("pixels");
        let film = read(&[&file.header(), &dataset[..at], &lut, &dataset[at..]].concat());
        let film = film.expect("it is sound");
        assert_eq!(film.voi_luts[0].explanation, "HARDER");
        let expected = VoiFunction::Table { first: 100, entries: vec![0, 128, 255], max: 255 };
        assert_eq!(film.voi_luts[0].function, expected);
        assert!(codes(&film).is_empty());
    }
}

#[test]
fn headers_and_deflated_sets_of_other_writers_are_read() {
    let file = File::film();
    // Group 0002 in implicit VR.
    let mut meta = File::empty();
    meta.writing = super::file::Writing::Implicit;
    meta.text((0x0002, 0x0010), "UI", EXPLICIT);
    let implicit = [&[0; 128], &b"DICM"[..], &meta.dataset(), &file.dataset()].concat();
    assert_eq!(stored_values(&read(&implicit).expect("its words are clear")), true_values());
    // Wrapped as zlib does, and not deflated at all.
    let mut named = File::film();
    named.syntax = "1.2.840.10008.1.2.1.99";
    let mut zlib = flate2::write::ZlibEncoder::new(named.header(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, &file.dataset()).expect("a Vec takes it");
    for bytes in [zlib.finish().expect("a Vec"), [named.header(), file.dataset()].concat()] {
        let film = read(&bytes).expect("the data are there");
        assert_eq!((stored_values(&film), codes(&film)), (true_values(), vec!["W-ENCODING"]));
    }
}

#[test]
fn frames_without_compression_in_fragments_are_read() {
    let native: Vec<u8> = pixels().iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut deflate =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut deflate, &native).expect("a Vec takes it");
    let deflated = deflate.finish().expect("a Vec");
    for (syntax, frame) in
        [("1.2.840.10008.1.2.1.98", &native), ("1.2.840.10008.1.2.8.1", &deflated)]
    {
        let film = read(&File::film().encapsulated(syntax, &[frame])).expect(syntax);
        assert_eq!((stored_values(&film), codes(&film)), (true_values(), vec![]));
        let short = &frame[..frame.len() - 4];
        read(&File::film().encapsulated(syntax, &[short])).expect_err("it is cut");
    }
    // The header names a compression, the pixels have none; and the other way round.
    let mut named = File::film();
    named.syntax = "1.2.840.10008.1.2.4.70";
    let film = read(&named.bytes()).expect("they are as long as they must be");
    assert_eq!((stored_values(&film), doubts(&film)), (true_values(), vec!["W-NOT-COMPRESSED"]));
    named.pixels(&pixels()[1..]);
    assert_refused(&named.bytes(), "not compressed although");
}

#[test]
fn more_pictures_than_stated_are_said() {
    let name =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/dicom/jpeg_lossless_12_p1.dcm");
    let fixture = std::fs::read(name).expect("it is committed");
    let start = fixture.windows(3).position(|w| w == [0xFF, 0xD8, 0xFF]).expect("a stream");
    let stream = &fixture[start..fixture.len() - 8];
    let mut file = File::film();
    file.short((0x0028, 0x0010), 37).short((0x0028, 0x0011), 45);
    let syntax = "1.2.840.10008.1.2.4.70";
    let film = read(&file.clone().encapsulated(syntax, &[stream, stream])).expect("the first");
    assert_eq!(doubts(&film), ["W-MORE-FRAMES"]);
    file.text((0x0028, 0x0008), "IS", "3");
    assert_refused(&file.clone().encapsulated(syntax, &[stream, stream]), "cannot be told apart");
    // ExtendedOffsetTable: two fragments a frame.
    let half = stream.len() / 4 * 2;
    let (a, b) = stream.split_at(half);
    let offsets = [0, stream.len() as u64 + 16, 2 * (stream.len() as u64 + 16)];
    file.set((0x7FE0, 0x0001), "OV", offsets.iter().flat_map(|o| o.to_le_bytes()).collect());
    let film = read(&file.encapsulated(syntax, &[a, b, a, b, a, b])).expect("the table is sound");
    assert_eq!(codes(&film), ["W-MULTIFRAME"]);
}

#[test]
fn the_first_value_of_a_lut_has_the_sign_of_what_goes_in() {
    // Signed pixels lifted above zero: 40,000 is 40,000, whatever the VR.
    let lut = |first: u16| {
        let mut item = File::empty();
        item.shorts((0x0028, 0x3002), "US", &[3, first, 8]);
        item.shorts((0x0028, 0x3006), "OW", &[0, 128, 255]);
        item
    };
    let first = |signed: u16, intercept: &str, first: u16| {
        let film = film(|f| {
            f.short((0x0028, 0x0103), signed).text((0x0028, 0x1052), "DS", intercept);
            f.text((0x0028, 0x1053), "DS", "1").sequence(VOI_LUT_SEQUENCE, &lut(first))
        });
        match film.voi_luts[0].function {
            VoiFunction::Table { first, .. } => first,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(first(1, "42048", 40_000), 40_000);
    assert_eq!(first(1, "0", 65_436), -100);
    assert_eq!(first(0, "-2000", 65_436), -100);
    assert_eq!(first(0, "0", 4000), 4000);
    let long = film(|f| {
        let mut item = lut(0);
        item.shorts((0x0028, 0x3006), "OW", &[0, 128, 255, 255, 255, 255]);
        f.sequence(VOI_LUT_SEQUENCE, &item)
    });
    assert_eq!(doubts(&long), ["W-LUT-LENGTH"]);
}

/// A breast that comes from one edge of a 12-bit film, and a label in the far corner.
fn breast(is_left: bool, photometric: &str, change: impl Fn(&mut File)) -> Mammogram {
    let (rows, columns) = (160_u16, 120_u16);
    let pixel = |row: u16, column: u16| {
        let across = f64::from(if is_left { column } else { columns - 1 - column });
        let down = f64::from(row) - f64::from(rows) / 2.0;
        let noise = (row * 7 + column * 13) % 40;
        let value = match (across / 80.0).hypot(down / 60.0) {
            distance if distance < 1.0 => 2000 + noise,
            _ if row < 16 && across > 100.0 => 4000,
            _ => 30 + noise,
        };
        if photometric == "MONOCHROME1" { 4095 - value } else { value }
    };
    let mut file = File::film();
    file.short((0x0028, 0x0010), rows).short((0x0028, 0x0011), columns);
    let all: Vec<u16> = (0..rows).flat_map(|r| (0..columns).map(move |c| pixel(r, c))).collect();
    file.pixels(&all).text((0x0028, 0x0004), "CS", photometric);
    change(&mut file);
    read(&file.bytes()).expect("it is sound")
}

#[test]
fn a_mirrored_film_is_doubted() {
    // D3: the chest wall lies posterior.
    for photometric in ["MONOCHROME1", "MONOCHROME2"] {
        for (is_left, axes, is_doubted) in [
            (true, "A\\R", false),
            (false, "P\\L", false),
            (true, "P\\L", true),
            (false, "A\\R", true),
            (false, "A\\FR", true),
            // Turned by a quarter: the chest wall would be at the bottom.
            (true, "L\\P", true),
            (true, "", false),
            (true, "CC", false),
        ] {
            let film = breast(is_left, photometric, |f| {
                f.text((0x0020, 0x0020), "CS", axes);
            });
            let found = codes(&film).contains(&"W-ORIENTATION");
            assert_eq!(found, is_doubted, "{photometric}, left {is_left}, {axes}");
        }
    }
    let film = breast(false, "MONOCHROME2", |f| {
        f.text((0x0020, 0x0020), "CS", "P\\L");
    });
    assert_eq!(film.patient_orientation, Some(["P".to_owned(), "L".to_owned()]));
}

#[test]
fn an_oblique_view_with_the_axes_of_the_other_breast_is_a_conflict() {
    let side = |axes: &str| {
        let film =
            film(|f| f.text((0x0018, 0x5101), "CS", "MLO").text((0x0020, 0x0020), "CS", axes));
        doubts(&film).contains(&"W-LATERALITY-CONFLICT")
    };
    // The film is of a right breast.
    assert!(!side("P\\FL") && !side("A\\FL") && !side("P\\HR") && !side("P\\L"));
    assert!(side("A\\FR") && side("P\\FR") && side("A\\HL"));
}

#[test]
fn air_stays_black_when_a_film_without_padding_is_inverted() {
    // C13: background 0 in most of the film, tissue that starts above it.
    let air = breast(true, "MONOCHROME2", |f| {
        let (rows, columns) = (160_u16, 120_u16);
        let value = |row: u16, column: u16| if column < 40 { 100 + row } else { 0 };
        let all: Vec<u16> =
            (0..rows).flat_map(|r| (0..columns).map(move |c| value(r, c))).collect();
        f.pixels(&all).text(CENTER, "DS", "128").text((0x0028, 0x1051), "DS", "256");
    });
    let (plain, inverted) =
        (air.display(&air.voi_luts[0], false), air.display(&air.voi_luts[0], true));
    assert_eq!((plain[60], inverted[60]), (0, 0), "air");
    assert_eq!(inverted[0], 255 - plain[0], "tissue");
    // A few zeros are tissue.
    let tissue = film(|f| f.text(CENTER, "DS", "2048"));
    assert_eq!(tissue.display(&tissue.voi_luts[0], true)[0], 255);
}

#[test]
fn what_else_may_mislead_is_said() {
    let one = |change: &dyn Fn(&mut File)| {
        let film = film(|f| {
            change(f);
            f
        });
        codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(one(&|f| _ = f.remove((0x0028, 0x0103))), ["W-NO-SIGN"]);
    assert_eq!(one(&|f| _ = f.text((0x0028, 0x0301), "CS", "YES")), ["W-BURNED-IN"]);
    assert_eq!(one(&|f| _ = f.text((0x0028, 0x0301), "CS", "NO")), Vec::<String>::new());
    let aspect = one(&|f| {
        f.remove((0x0018, 0x1164)).text((0x0028, 0x0034), "IS", "2\\1");
    });
    assert_eq!(aspect, ["W-ASPECT", "W-NO-SPACING"]);
    let described = one(&|f| _ = f.text((0x0008, 0x103E), "LO", "L MLO"));
    assert_eq!(described, ["W-LATERALITY-CONFLICT", "W-VIEW-CONFLICT"]);
    assert!(one(&|f| _ = f.text((0x0008, 0x103E), "LO", "R CC")).is_empty());
    assert_eq!(one(&|f| _ = f.text((0x0008, 0x0060), "CS", "CT")), ["W-NOT-MAMMOGRAPHY"]);
    assert!(one(&|f| _ = f.text((0x0008, 0x0060), "CS", "MG")).is_empty());
    let overlay = one(&|f| _ = f.set((0x6000, 0x3000), "OW", vec![1; 6]));
    assert_eq!(overlay, ["W-OVERLAY"]);
    let charset = one(&|f| {
        f.text((0x0008, 0x0005), "CS", "ISO_IR 999");
    });
    assert_eq!(charset, ["W-CHARSET"]);
    let mut code = File::empty();
    code.text((0x0008, 0x0100), "SH", "127457009").text((0x0008, 0x0104), "LO", "tissue specimen");
    let specimen = film(|f| f.sequence((0x0054, 0x0220), &code));
    assert_eq!(doubts(&specimen), ["W-VIEW-CODE"]);
    assert!(specimen.cautions[0].text.contains("tissue specimen"));
}

#[test]
fn text_with_escapes_is_decoded_in_nested_items_too() {
    let mut item = File::empty();
    item.shorts((0x0028, 0x3002), "US", &[3, 0, 8]);
    item.shorts((0x0028, 0x3006), "OW", &[0, 128, 255]);
    item.set((0x0028, 0x3003), "LO", b"\x1B$B;3ED\x1B(B".to_vec());
    let film = film(|f| {
        f.text((0x0008, 0x0005), "CS", "\\ISO 2022 IR 87");
        f.set((0x0028, 0x1055), "LO", b"\x1B$BBg\x1B(B".to_vec()).sequence(VOI_LUT_SEQUENCE, &item)
    });
    let names: Vec<&str> = film.voi_luts.iter().map(|lut| lut.explanation.as_str()).collect();
    assert_eq!(names, ["山田", "大"]);
}

#[test]
fn what_is_no_film_says_what_it_is() {
    let mut other = File::film();
    other.remove(PIXEL_DATA);
    let class = |file: &mut File, uid: &str| file.text((0x0008, 0x0016), "UI", uid).bytes();
    assert_refused(&class(&mut other, "1.2.840.10008.5.1.4.1.1.104.1"), "PDF");
    assert_refused(&class(&mut other, "1.2.840.10008.5.1.4.1.1.88.50"), "CAD");
    assert_refused(&class(&mut other, "1.2.840.10008.5.1.4.1.1.11.1"), "presentation state");
    other.set((0x7E01, 0x1010), "OB", vec![0; 16]);
    let error = read(&class(&mut other, "1.2.840.10008.5.1.4.1.1.7")).expect_err("a container");
    assert!(matches!(error, Error::Refused(Refusal::VendorContainer)), "{error}");
    let mut colour = File::film();
    colour.short((0x0028, 0x0002), 3).text((0x0028, 0x0004), "CS", "YBR_FULL");
    colour.pixels(&vec![0; usize::from(ROWS * COLUMNS) * 3]);
    assert_refused(&colour.bytes(), "in colour (YBR_FULL)");
}

#[test]
fn an_icon_with_compressed_pixels_of_its_own_is_gone_over() {
    // PS3.5 A.4: pixel data of undefined length inside a sequence, as compressors leave it.
    let mut icon = File::empty();
    icon.short((0x0028, 0x0010), 2).short((0x0028, 0x0011), 2);
    let element = [
        &[0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &[0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0],
        &[0xFE, 0xFF, 0x00, 0xE0, 4, 0, 0, 0, 1, 2, 3, 4],
        &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    ]
    .concat();
    let with_icon = |element: &[u8]| {
        let head = icon.dataset();
        let length = ((head.len() + element.len()) as u32).to_le_bytes();
        let item = [&[0xFE, 0xFF, 0x00, 0xE0][..], &length, &head, element].concat();
        File::film().set((0x0088, 0x0200), "SQ", item).bytes()
    };
    let film = read(&with_icon(&element)).expect("the film is sound");
    assert_eq!((stored_values(&film), codes(&film)), (true_values(), vec![]));
    assert_refused(&with_icon(&element[..element.len() - 8]), "cut inside an element");
}

#[test]
fn what_says_two_things_of_black_and_white_is_refused() {
    let mut two = File::film();
    two.text((0x0028, 0x0004), "CS", "MONOCHROME1\\MONOCHROME2");
    assert_refused(&two.bytes(), "MONOCHROME1\\MONOCHROME2");
}

#[test]
fn padding_that_covers_nearly_all_and_two_scales_at_once_are_said() {
    let padded = film(|f| f.short((0x0028, 0x0120), 0).short((0x0028, 0x0121), 4094));
    assert_eq!((padded.padding, doubts(&padded)), (None, vec!["W-PADDING"]));
    let mut table = File::empty();
    table.shorts((0x0028, 0x3002), "US", &[4096, 0, 16]);
    table.shorts((0x0028, 0x3006), "OW", &(0..4096).collect::<Vec<u16>>());
    let both = film(|f| f.text((0x0028, 0x1053), "DS", "2").sequence((0x0028, 0x3000), &table));
    assert_eq!(doubts(&both), ["W-MODALITY"]);
    let none = film(|f| f.text((0x0028, 0x1053), "DS", "1").sequence((0x0028, 0x3000), &table));
    assert!(doubts(&none).is_empty());
}

/// An element of VR UN and undefined length whose items are implicit (CP 246).
fn un_of_undefined_length(tag: [u8; 4], item: &[u8]) -> Vec<u8> {
    let head = [&tag[..], &[b'U', b'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]].concat();
    let items = [&[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF][..], item].concat();
    let end = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    [head, items, end.to_vec()].concat()
}

#[test]
fn a_private_un_inside_what_is_read_is_gone_over_and_a_known_one_is_read() {
    let private =
        un_of_undefined_length([0x19, 0, 0x10, 0x10], &[0x19, 0, 1, 0x10, 2, 0, 0, 0, 1, 2]);
    let item = |elements: &[&[u8]]| {
        let inside = elements.concat();
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &(inside.len() as u32).to_le_bytes(), &inside].concat()
    };
    let mut window = File::empty();
    window.text(CENTER, "DS", "100").text((0x0028, 0x1051), "DS", "50");
    let mut group = File::empty();
    group.sequence((0x0028, 0x9132), &window);
    // Beside the frame's window, and inside its macro.
    let beside = item(&[&private, &group.dataset()]);
    let mut inside = File::empty();
    inside.set((0x0028, 0x9132), "SQ", item(&[&private, &window.dataset()]));
    // The macro itself as UN, implicit inside.
    let mut implicit = window.clone();
    implicit.writing = super::file::Writing::Implicit;
    let unknown = un_of_undefined_length([0x28, 0, 0x32, 0x91], &implicit.dataset());
    for items in [beside, item(&[&inside.dataset()]), item(&[&unknown])] {
        let film = film(|f| f.set((0x5200, 0x9230), "SQ", items.clone()));
        assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center: 100.0, width: 50.0 });
        assert_eq!((stored_values(&film), codes(&film)), (true_values(), vec![]));
    }
    // The groups of all frames as UN of a known length, explicit or implicit inside.
    let mut implicit_group = File::empty();
    implicit_group.writing = super::file::Writing::Implicit;
    implicit_group.sequence((0x0028, 0x9132), &window);
    for items in [group.item(&group), implicit_group.item(&implicit_group)] {
        let film = film(|f| f.set((0x5200, 0x9230), "UN", items.clone()));
        assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center: 100.0, width: 50.0 });
    }
    // Groups that say nothing of the window leave it to the root.
    let mut empty = File::empty();
    empty.text(CENTER, "DS", "").text((0x0028, 0x1051), "DS", "");
    let mut silent = File::empty();
    silent.sequence((0x0028, 0x9132), &empty);
    let film = film(|f| f.sequence((0x5200, 0x9230), &silent));
    assert_eq!(film.voi_luts[0].function, VoiFunction::Linear { center: 2048.0, width: 4096.0 });
}

#[test]
fn a_picture_of_one_value_is_doubted() {
    let film = film(|f| f.pixels(&vec![7; usize::from(ROWS * COLUMNS)]));
    assert_eq!(doubts(&film), ["W-ONE-VALUE"]);
}

#[test]
fn two_values_where_one_belongs_are_never_cut_to_the_first() {
    let said = |tag, text: &str| {
        let film = film(|f| f.text(tag, "CS", text));
        codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(said((0x0008, 0x0068), "FOR PRESENTATION\\FOR PROCESSING"), ["W-FOR-PROCESSING"]);
    assert_eq!(said((0x0028, 0x2110), "00\\01"), ["W-LOSSY"]);
    assert_eq!(said((0x0028, 0x0301), "NO\\YES"), ["W-BURNED-IN"]);
    assert_eq!(said((0x0018, 0x5101), "CC\\MLO"), ["W-VIEW-TEXT"]);
    assert_eq!(said((0x0028, 0x1056), "LINEAR\\SIGMOID"), ["W-VOI-FUNCTION"]);
    assert_eq!(said((0x0028, 0x1053), "1\\2"), ["W-MODALITY"]);
    let patient = film(|f| f.text((0x0010, 0x0020), "LO", "A\\B"));
    assert_eq!(patient.patient_id.as_deref(), Some("A\\B"));
}
