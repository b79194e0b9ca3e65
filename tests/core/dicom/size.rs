//! How large a pixel is and what that is worth: in the breast, at the detector, on film.

use super::file::File;
use super::{codes, doubts, film, reader};

const PIXEL_SPACING: (u16, u16) = (0x0028, 0x0030);
const CALIBRATION: (u16, u16) = (0x0028, 0x0A02);
const IMAGER_PIXEL_SPACING: (u16, u16) = (0x0018, 0x1164);
const ERMF: (u16, u16) = (0x0018, 0x1114);
const SCANNED_SPACING: (u16, u16) = (0x0018, 0x2010);

#[test]
fn a_size_is_worth_what_its_origin_is_worth() {
    // D1: PixelSpacing, calibration, ImagerPixelSpacing, ERMF -> mm, unit, doubts.
    type Case = (&'static str, &'static str, &'static str, &'static str);
    type Worth = (Case, Option<(f64, f64)>, &'static str, &'static [&'static str]);
    let cases: [Worth; 18] = [
        (("", "", "0.07\\0.07", ""), Some((0.07, 0.07)), "mm at detector", &[]),
        (("", "", "0.07\\0.07", "1.8"), Some((0.07 / 1.8, 0.07 / 1.8)), "mm (ERMF 1.80)", &[]),
        (("0.05\\0.05", "GEOMETRY", "", ""), Some((0.05, 0.05)), "mm", &[]),
        // Not square: the first value is between rows.
        (("0.05\\0.06", "FIDUCIAL", "", ""), Some((0.05, 0.06)), "mm", &[]),
        // Alone it may be either (PS3.3 10.7.1.3).
        (("0.05\\0.05", "", "", ""), Some((0.05, 0.05)), "mm", &["W-SPACING-UNSTATED"]),
        (("0.05\\0.05", "NONE", "", "1.8"), Some((0.05, 0.05)), "mm", &["W-SPACING-UNSTATED"]),
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
        // A word that is no calibration is none.
        (
            ("0.07\\0.07", "NONE", "0.07\\0.07", "1.8"),
            Some((0.07 / 1.8, 0.07 / 1.8)),
            "mm (ERMF 1.80)",
            &[],
        ),
        // Called calibrated, and still the detector's in spite of the factor.
        (
            ("0.07\\0.07", "GEOMETRY", "0.07\\0.07", "1.8"),
            Some((0.07, 0.07)),
            "mm",
            &["W-SPACING-CONFLICT"],
        ),
        (("0.07\\0.07", "FIDUCIAL", "0.07\\0.07", "1.0"), Some((0.07, 0.07)), "mm", &[]),
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
fn the_spacing_of_a_frames_measures_is_that_of_the_breast() {
    // PS3.3 C.7.6.16.2.1: whatever the root says of the detector and of magnification.
    for (own, imager, ermf) in
        [("0.085", "0.085", "1.07"), ("0.1", "0.14", "1.4"), ("0.09", "", "")]
    {
        let mut measures = File::empty();
        measures.text(PIXEL_SPACING, "DS", &format!("{own}\\{own}"));
        let mut shared = File::empty();
        shared.sequence((0x0028, 0x9110), &measures);
        let film = film(|f| {
            f.text(IMAGER_PIXEL_SPACING, "DS", imager).text(ERMF, "DS", ermf);
            f.sequence((0x5200, 0x9229), &shared)
        });
        let spacing = film.spacing.expect("it is stated");
        assert_eq!(format!("{}", spacing.row_spacing_mm), own);
        assert_eq!((spacing.origin.unit().as_str(), doubts(&film)), ("mm", vec![]));
    }
}

#[test]
fn a_picture_of_a_size_that_no_mammogram_has_is_without_size() {
    // 3 x 2 thousand pixels: 2.1 m, a film of 21 mm, pixels ten times as long as wide.
    for spacing in ["0.7\\0.7", "0.007\\0.007", "0.07\\0.7"] {
        let (rows, columns) = (3000_u16, 2000_u16);
        let film = film(|f| {
            f.short((0x0028, 0x0010), rows).short((0x0028, 0x0011), columns);
            f.text(IMAGER_PIXEL_SPACING, "DS", spacing);
            f.pixels(&vec![0; usize::from(rows) * usize::from(columns)])
        });
        assert_eq!(film.spacing, None, "{spacing}");
        assert!(codes(&film).contains(&"W-SPACING-INVALID"), "{spacing}");
    }
}
