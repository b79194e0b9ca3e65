//! What a film is by the file's own words: which breast, seen how, whose, and of what kind.

use precedent_core::voi_lut::VoiFunction;

use super::file::File;
use super::{codes, doubts, film};

const LATERALITY: (u16, u16) = (0x0020, 0x0060);
const IMAGE_LATERALITY: (u16, u16) = (0x0020, 0x0062);
const VIEW_POSITION: (u16, u16) = (0x0018, 0x5101);
const VIEW_CODE_SEQUENCE: (u16, u16) = (0x0054, 0x0220);
const CENTER: (u16, u16) = (0x0028, 0x1050);
const WIDTH: (u16, u16) = (0x0028, 0x1051);
const SHARED: (u16, u16) = (0x5200, 0x9229);
const PER_FRAME: (u16, u16) = (0x5200, 0x9230);

/// A coded concept (PS3.3 table 8.8-1).
fn coded(value: &str, scheme: &str, meaning: &str) -> File {
    let mut item = File::empty();
    item.text((0x0008, 0x0100), "SH", value).text((0x0008, 0x0104), "LO", meaning);
    if !scheme.is_empty() {
        item.text((0x0008, 0x0102), "SH", scheme);
    }
    item
}

/// These attributes in a macro of this sequence.
fn in_macro(sequence: (u16, u16), attributes: &File) -> File {
    let mut groups = File::empty();
    groups.sequence(sequence, attributes);
    groups
}

#[test]
fn the_side_is_image_laterality_first_and_a_conflict_is_doubted() {
    let (image, series) = (IMAGE_LATERALITY, LATERALITY);
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
    let mut item = coded(code, "", "view");
    if let Some(modifier) = modifier {
        item.sequence((0x0054, 0x0222), &coded("399163009", "", modifier));
    }
    file.sequence(VIEW_CODE_SEQUENCE, &item)
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
fn a_side_that_is_told_elsewhere_is_held_against_it() {
    let region = |code: &File, modifier: Option<&File>| {
        let mut region = code.clone();
        modifier.map(|modifier| region.sequence((0x0008, 0x2220), modifier));
        film(move |f| f.sequence((0x0008, 0x2218), &region))
    };
    let breast = coded("76752008", "SCT", "Breast");
    for (code, modifier) in [
        (coded("80248007", "SCT", "Left breast"), None),
        (coded("T-04030", "SRT", "Left breast"), None),
        (breast.clone(), Some(coded("7771000", "SCT", "Left"))),
        (coded("T-04000", "SNM3", "Breast"), Some(coded("G-A101", "SNM3", "Left"))),
    ] {
        let film = region(&code, modifier.as_ref());
        assert_eq!(film.image_laterality.map(|l| l.word()), Some("R"));
        assert_eq!(doubts(&film), ["W-LATERALITY-CONFLICT"]);
    }
    assert!(codes(&region(&breast, Some(&coded("24028007", "SCT", "Right")))).is_empty());
    // Alone it tells the side.
    let only = film(|f| {
        f.remove(IMAGE_LATERALITY);
        f.sequence((0x0008, 0x2218), &coded("80248007", "SCT", "Left breast"))
    });
    assert_eq!((only.image_laterality.map(|l| l.word()), codes(&only)), (Some("L"), vec![]));
    // One value (VM 1): two are none.
    let two = film(|f| f.text(IMAGE_LATERALITY, "CS", "R\\L"));
    assert_eq!(two.image_laterality, None);
    assert_eq!(doubts(&two), ["W-LATERALITY-INVALID"]);
}

#[test]
fn a_code_of_another_scheme_is_no_view() {
    for (value, scheme, expected) in [
        ("R-10242", "SRT", "CC"),
        ("R-10226", "SNM3", "MLO"),
        ("399368009", "SCT", "MLO"),
        ("399368009", "", "MLO"),
        ("R-10226", "99ACME", ""),
        ("399368009", "SRT", ""),
        ("R-10226", "SCT", ""),
    ] {
        let film = film(|f| {
            f.remove(VIEW_POSITION);
            f.sequence(VIEW_CODE_SEQUENCE, &coded(value, scheme, "a view"))
        });
        let view = film.view_position.map_or("", |view| view.word());
        assert_eq!(view, expected, "{value} {scheme}");
        let doubted = if expected.is_empty() { vec!["W-VIEW-CODE"] } else { vec![] };
        assert_eq!(codes(&film), doubted, "{value} {scheme}");
    }
    let two = film(|f| {
        let views = [coded("399162004", "SCT", "cc"), coded("399368009", "SCT", "mlo")];
        let items = views.iter().flat_map(|view| f.item(view)).collect();
        f.set(VIEW_CODE_SEQUENCE, "SQ", items)
    });
    assert_eq!(
        (two.view_position.map(|v| v.word()), doubts(&two)),
        (Some("CC"), vec!["W-VIEW-CONFLICT"])
    );
}

#[test]
fn a_view_that_is_written_with_more_is_read_and_said() {
    for (text, view, doubted) in [
        ("RMLO", "MLO", &["W-VIEW-TEXT"][..]),
        ("MLO ID", "MLO", &["W-VIEW-TEXT"]),
        ("LMLO", "MLO", &["W-LATERALITY-CONFLICT", "W-VIEW-TEXT"]),
        ("LM", "LM", &[]),
        ("LATERAL", "", &["W-VIEW-TEXT"]),
        ("AT", "", &["W-VIEW-TEXT"]),
        ("", "", &["W-NO-VIEW"]),
    ] {
        let film = film(|f| f.text(VIEW_POSITION, "CS", text));
        assert_eq!(film.view_position.map_or("", |view| view.word()), view, "{text}");
        assert_eq!(codes(&film), doubted, "{text}");
        let told =
            film.cautions.iter().any(|caution| caution.text.contains(&format!("\"{text}\"")));
        assert!(told || view == text, "{text}: {:?}", film.cautions);
    }
}

#[test]
fn an_orientation_that_is_damaged_is_said_and_a_view_in_its_place_is_not() {
    let orientation = |text: &str| {
        let film = film(|f| f.text((0x0020, 0x0020), "CS", text));
        (film.patient_orientation.is_some(), codes(&film).join(" "))
    };
    for damaged in ["a\\r", "A", "A\\R\\F", "left\\feet", "A\\", "A\\P"] {
        assert_eq!(orientation(damaged), (false, "W-ORIENTATION-INVALID".to_owned()), "{damaged}");
    }
    for nothing in ["", "\\", "CC", "MLO"] {
        assert_eq!(orientation(nothing), (false, String::new()), "{nothing}");
    }
    assert_eq!(orientation("P\\L"), (true, String::new()));
}

#[test]
fn what_is_no_mammogram_by_its_own_word_is_said() {
    let (class, modality, part) = ((0x0008, 0x0016), (0x0008, 0x0060), (0x0018, 0x0015));
    let said = |uid: &str, word: &str, body: &str, view: &str| {
        let uid = format!("1.2.840.10008.5.1.4.1.1.{uid}");
        let film = film(|f| {
            f.text(class, "UI", &uid).text(modality, "CS", word).text(part, "CS", body);
            f.text(VIEW_POSITION, "CS", view)
        });
        codes(&film).contains(&"W-NOT-MAMMOGRAPHY")
    };
    // Class, Modality, BodyPartExamined, ViewPosition.
    for (uid, word, body, view, is_foreign) in [
        ("1.1", "DX", "CHEST", "PA", true),
        ("1", "CR", "HAND", "", true),
        ("1.1", "DX", "", "", true),
        ("1.2", "MG", "ABDOMEN", "CC", true),
        ("481.2", "RTDOSE", "", "", true),
        ("481.1", "RTIMAGE", "", "", true),
        ("66.4", "SEG", "BREAST", "", true),
        ("77.1.5.4", "OPT", "", "", true),
        ("2", "", "", "CC", true),
        ("6.1", "MG", "BREAST", "CC", true),
        ("1.2", "MG", "BREAST", "CC", false),
        ("1.2", "", "", "", false),
        ("13.1.3", "MG", "", "", false),
        ("1.1", "DX", "BREAST", "", false),
        ("1", "CR", "", "MLO", false),
        ("7", "OT", "", "", false),
    ] {
        assert_eq!(said(uid, word, body, view), is_foreign, "{uid} {word} {body}");
    }
}

#[test]
fn what_is_raw_by_class_or_intent_is_raw() {
    let (class, intent) = ((0x0008, 0x0016), (0x0008, 0x0068));
    for (uid, word, is_raw) in [
        ("1.2", "FOR PRESENTATION", false),
        ("1.2.1", "FOR PRESENTATION", true),
        ("1.2.1", "", true),
        ("1.1.1", "", true),
        ("13.1.5", "", true),
        ("1.2", "FOR PROCESSING", true),
        ("1.2", "for processing", true),
        ("1.2", "FOR_PROCESSING", true),
        ("13.1.4", "", false),
    ] {
        let uid = format!("1.2.840.10008.5.1.4.1.1.{uid}");
        let film = film(|f| f.text(class, "UI", &uid).text(intent, "CS", word));
        assert_eq!(codes(&film).contains(&"W-FOR-PROCESSING"), is_raw, "{uid} {word}");
    }
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

#[test]
fn a_macro_is_taken_whole_and_the_patient_from_the_root() {
    // A frame's window without a function is LINEAR, whatever function and tables the root has left.
    let mut window = File::empty();
    window.text(CENTER, "DS", "2000").text(WIDTH, "DS", "1000");
    let mut table = File::empty();
    table.shorts((0x0028, 0x3002), "US", &[3, 0, 8]).shorts((0x0028, 0x3006), "OW", &[0, 128, 255]);
    // Another patient, side, polarity and intent in a macro of converted attributes.
    let mut converted = File::empty();
    converted.text((0x0010, 0x0020), "LO", "SECOND").text((0x0008, 0x0018), "UI", "9.9");
    converted.text((0x0028, 0x0004), "CS", "MONOCHROME1");
    converted.text((0x0008, 0x0068), "CS", "FOR PROCESSING").text(IMAGE_LATERALITY, "CS", "L");
    let film = film(|f| {
        f.text((0x0028, 0x1056), "CS", "SIGMOID").sequence((0x0028, 0x3010), &table);
        f.sequence(SHARED, &in_macro((0x0020, 0x9170), &converted));
        f.sequence(PER_FRAME, &in_macro((0x0028, 0x9132), &window))
    });
    let functions: Vec<_> = film.voi_luts.iter().map(|lut| &lut.function).collect();
    assert_eq!(functions, [&VoiFunction::Linear { center: 2000.0, width: 1000.0 }]);
    assert_eq!(film.patient_id.as_deref(), Some("PHANTOM"));
    assert_eq!(film.image_laterality.map(|l| l.word()), Some("R"));
    assert!(codes(&film).is_empty(), "{:?}", codes(&film));
}

#[test]
fn what_a_reader_should_know_of_a_picture_is_said() {
    let said = |tag, words: &str| {
        let film = film(|f| f.text(tag, "CS", words));
        codes(&film).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let image_type = |words: &str| said((0x0008, 0x0008), words);
    assert_eq!(image_type("DERIVED\\PRIMARY\\TOMO\\GENERATED_2D"), ["W-SYNTHETIC"]);
    assert_eq!(image_type("DERIVED\\PRIMARY\\POST_CONTRAST\\SUBTRACTION"), ["W-CONTRAST"]);
    assert!(image_type("ORIGINAL\\PRIMARY").is_empty());
    assert_eq!(said((0x0028, 0x1350), "YES"), ["W-PARTIAL-VIEW"]);
    assert!(said((0x0028, 0x1350), "NO").is_empty());
    assert_eq!(said((0x0028, 0x1300), "YES"), ["W-IMPLANT"]);
    let beside =
        film(|f| f.sequence((0x0054, 0x0222), &coded("399163009", "SCT", "Magnification")));
    assert_eq!(codes(&beside), ["W-VIEW-MODIFIER"]);
    let chest = film(|f| f.sequence((0x0008, 0x2218), &coded("51185008", "SCT", "Chest")));
    assert_eq!(doubts(&chest), ["W-NOT-MAMMOGRAPHY"]);
    let flat = film(|f| f.text((0x0028, 0x0034), "IS", "2\\1"));
    assert_eq!(doubts(&flat), ["W-ASPECT"]);
    let lateral = film(|f| f.text(VIEW_POSITION, "CS", "ML").text((0x0020, 0x0020), "CS", "P\\L"));
    assert_eq!(doubts(&lateral), ["W-ORIENTATION"]);
}
