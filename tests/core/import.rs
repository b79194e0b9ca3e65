//! What a manifest may bring into a library, and what waits for a person.

use std::fs;

use precedent_core::dicom;
use precedent_core::geometry::ImagePoint;
use precedent_core::import::OnFault;
use precedent_core::lexicon::{ImageLaterality, ViewPosition};
use precedent_core::library::Library;

use crate::dicom::file::File;
use crate::library::{Bench, reader};

#[test]
fn a_film_in_doubt_waits_for_a_person() {
    let bench = Bench::new(2);
    // The first film as a DICOM file that says that text is burnt into it.
    let png = reader().read(&bench.film(0)).expect("our own film");
    let film = bench.beside("burnt.dcm");
    dicom::write(&png, &film).expect("a small file");
    let mut bytes = fs::read(&film).expect("it was just written");
    let at = bytes.windows(4).position(|w| w == [0x28, 0, 0x52, 0x10]).expect("it has a rescale");
    bytes.splice(at..at, *b"\x28\0\x01\x03CS\x04\0YES ");
    fs::write(&film, bytes).expect("a small file");
    let rows = fs::read_to_string(bench.manifest()).expect("our own manifest");
    fs::write(bench.manifest(), rows.replace("film0.png", "burnt.dcm")).expect("small");

    let mut library = Library::create(&bench.library()).expect("a new folder");
    let outcome = bench.import_by(&mut library, OnFault::Continue, false).expect("one row waits");
    let reasons: Vec<&str> = outcome.faults.iter().map(|fault| &*fault.reason).collect();
    assert!(reasons.len() == 1 && reasons[0].contains("W-BURNED-IN"), "{reasons:?}");
    // E7: a header that is silent on burnt-in text proves nothing; who looked at it is not known.
    assert_eq!((outcome.added.len(), outcome.unseen), (1, 1));

    // The other is confirmed in its row.
    let rows = fs::read_to_string(bench.manifest()).expect("our own manifest");
    let marked: Vec<String> = rows
        .lines()
        .map(|row| {
            let mark = if row.starts_with("file,") { "confirmed" } else { "" };
            let mark = if row.starts_with("burnt") { "yes" } else { mark };
            format!("{row},{mark}\n")
        })
        .collect();
    fs::write(bench.manifest(), marked.concat()).expect("small");
    let outcome = bench.import_by(&mut library, OnFault::Continue, false).expect("both are in");
    assert_eq!((outcome.added.len(), outcome.already_there, outcome.unseen), (1, 1, 0));
    let case = library.cases().expect("two cases").into_iter().find(|c| c.id == outcome.added[0]);
    let codes: Vec<_> = case.expect("it came in").cautions.into_iter().map(|c| c.code).collect();
    assert!(codes.contains(&"W-BURNED-IN".to_owned()), "{codes:?}");
}

#[test]
fn a_region_of_one_frame_of_a_tomosynthesis_comes_in() {
    let bench = Bench::new(2);
    let films = [0, 1].map(|number| reader().read(&bench.film(number)).expect("our own film"));
    let mut file = File::film();
    file.short((0x0028, 0x0010), 160).short((0x0028, 0x0011), 160);
    file.text((0x0028, 0x0008), "IS", "2").text((0x0010, 0x0020), "LO", "TOMO");
    file.text((0x0018, 0x1164), "DS", "0.25\\0.25").short((0x0028, 0x0101), 16);
    file.short((0x0028, 0x0102), 15);
    let frames: Vec<u16> = films.iter().flat_map(|film| film.samples.to_vec()).collect();
    file.pixels(&frames);
    fs::write(bench.beside("tomo.dcm"), file.bytes()).expect("a small file");
    let rows = "file,patients,pathology,outcome_basis,source,region,frame,confirmed\n\
        tomo.dcm,T,benign,drawn,phantoms,circle 80 80 24,2,yes\n\
        tomo.dcm,T,benign,drawn,phantoms,circle 80 80 20,,no\n\
        tomo.dcm,T,benign,drawn,phantoms,circle 80 80 20,2,no\n\
        tomo.dcm,T,benign,drawn,phantoms,circle 80 80 20,3,yes\n";
    fs::write(bench.manifest(), rows).expect("small");
    let mut library = Library::create(&bench.library()).expect("a new folder");
    let outcome = bench.import_by(&mut library, OnFault::Continue, false).expect("it goes on");
    let reasons: Vec<&str> = outcome.faults.iter().map(|fault| &*fault.reason).collect();
    // A frame that was said is in no doubt, whether or not anybody looked at it.
    assert_eq!((outcome.added.len(), outcome.unseen, reasons.len()), (2, 1, 2), "{reasons:?}");
    assert!(reasons[0].contains("W-MULTIFRAME"), "nobody said which: {reasons:?}");
    assert!(reasons[1].contains("frame 3 was asked for"), "{reasons:?}");
    let case = library.cases().expect("two cases").swap_remove(0);
    assert!(!case.cautions.iter().any(|c| c.code == "W-MULTIFRAME"), "{:?}", case.cautions);
    let picture = library.picture(&case).expect("a sound picture");
    assert_eq!(picture.samples, films[1].samples, "the second frame's own pixels");
}

#[test]
fn a_mask_is_told_by_its_content_and_must_fit_its_film() {
    // E1: CBIS-DDSM has crop and mask under each other's name.
    let bench = Bench::new(2);
    let picture = |name: &str, size: u32, is_mask: bool| {
        let pixel = |x: u32, y: u32| {
            let inside = x.abs_diff(size / 2).pow(2) + y.abs_diff(size / 2).pow(2) < 30 * 30;
            image::Luma([if is_mask { 255 * u8::from(inside) } else { (x + y) as u8 }])
        };
        let path = bench.beside(name);
        image::GrayImage::from_fn(size, size, pixel).save(path).expect("a small file");
    };
    picture("mask.png", 160, false);
    picture("crop.png", 160, true);
    picture("one_percent.png", 161, true);
    picture("another.png", 170, true);
    let rows = "file,patients,pathology,outcome_basis,source,mask,pixel_mm\n\
        film0.png,A,benign,drawn,phantoms,mask.png|crop.png,0.25\n\
        film1.png,B,benign,drawn,phantoms,one_percent.png,0.25\n\
        film1.png,B,benign,drawn,phantoms,another.png,0.25\n\
        film1.png,B,benign,drawn,phantoms,mask.png,0.25\n\
        crop.png,B,benign,drawn,phantoms,film1.png,0.25\n";
    fs::write(bench.manifest(), rows).expect("small");
    let mut library = Library::create(&bench.library()).expect("a new folder");
    let outcome = bench.import(&mut library, OnFault::Continue).expect("it goes on");
    let reasons: Vec<&str> = outcome.faults.iter().map(|fault| &*fault.reason).collect();
    assert_eq!((outcome.added.len(), reasons.len()), (2, 3), "{reasons:?}");
    assert!(reasons[0].contains("170 x 170 pixels does not fit"), "{reasons:?}");
    assert!(reasons[1].contains("0 pictures with two grey values"), "{reasons:?}");
    assert!(reasons[2].contains("it is a mask, not a film"), "{reasons:?}");
    for case in library.cases().expect("two cases") {
        // A disc of radius 30: an area of 2827 pixels of a sixteenth of a square millimetre.
        assert!((case.measures.area / (2827.0 / 16.0) - 1.0).abs() < 0.05, "{:?}", case.measures);
        assert!(case.contour.contains(ImagePoint::new(80.0, 80.0)));
    }
}

/// The reasons of the rows that cannot be used, and of the others each case's codes, by its notes.
fn taken(
    bench: &Bench,
    rows: &[String],
    confirmed: bool,
) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let head = "file,patients,pathology,outcome_basis,source,region,mask,pixel_mm,laterality,view,\
        confirmed,notes\n";
    fs::write(bench.manifest(), head.to_owned() + &rows.concat()).expect("small");
    let library = bench.beside(if confirmed { "confirmed" } else { "unconfirmed" });
    let mut library = Library::create(&library).expect("a new folder");
    let outcome = bench.import_by(&mut library, OnFault::Continue, confirmed).expect("it goes on");
    let reasons = outcome.faults.into_iter().map(|fault| fault.reason).collect();
    let codes = |cautions: Vec<precedent_core::mammogram::Caution>| {
        cautions.into_iter().map(|caution| caution.code).collect()
    };
    let cases = library.cases().expect("its cases");
    let mut cases: Vec<_> =
        cases.into_iter().map(|case| (case.notes, codes(case.cautions))).collect();
    cases.sort();
    (reasons, cases)
}

#[test]
fn side_and_view_that_contradict_the_file_wait_for_a_person() {
    let bench = Bench::new(2);
    let mut film = reader().read(&bench.film(0)).expect("our own film");
    film.image_laterality = Some(ImageLaterality::Right);
    film.view_position = Some(ViewPosition::Cc);
    dicom::write(&film, &bench.beside("rcc.dcm")).expect("a small file");
    let row = |radius: u32, side: &str, view: &str, confirmed: &str| {
        format!(
            "rcc.dcm,A,benign,drawn,phantoms,circle 80 80 {radius},,0.25,{side},{view},{confirmed},\
             {side} {view}\n"
        )
    };
    let rows = [
        row(20, "R", "CC", ""),
        row(21, "L", "CC", ""),
        row(22, "R", "MLO", ""),
        row(23, "L", "MLO", "yes"),
        row(24, "", "", ""),
    ];
    let (reasons, cases) = taken(&bench, &rows, false);
    assert_eq!((reasons.len(), cases.len()), (2, 3), "{reasons:?} {cases:?}");
    assert!(reasons[0].contains("W-LATERALITY-CONFLICT"), "{reasons:?}");
    assert!(reasons[1].contains("W-VIEW-CONFLICT"), "{reasons:?}");
    // What a person confirmed keeps its doubts, and hangs as it is stored.
    let expected = ["W-LATERALITY-CONFLICT", "W-VIEW-CONFLICT"].map(str::to_owned).to_vec();
    assert!(expected.iter().all(|code| cases[1].1.contains(code)), "{cases:?}");
    for sound in [&cases[0].1, &cases[2].1] {
        assert!(!sound.iter().any(|code| code.ends_with("CONFLICT")), "{cases:?}");
    }
    let (reasons, cases) = taken(&bench, &rows, true);
    assert_eq!((reasons.len(), cases.len()), (0, 5), "{reasons:?}");
}

#[test]
fn a_region_that_no_mass_has_is_refused_or_waits_for_a_person() {
    let bench = Bench::new(2);
    let mask = |name: &str, is_marked: &dyn Fn(i32, i32) -> bool| {
        let pixel = |x: u32, y: u32| image::Luma([255 * u8::from(is_marked(x as i32, y as i32))]);
        let path = bench.beside(name);
        image::GrayImage::from_fn(160, 160, pixel).save(path).expect("a small file");
    };
    let disc = |x: i32, y: i32, cx: i32, cy: i32, r: i32| (x - cx).pow(2) + (y - cy).pow(2) < r * r;
    mask("pixel.png", &|x, y| (x, y) == (80, 80));
    mask("inverted.png", &|x, y| !disc(x, y, 80, 80, 30));
    mask("two.png", &|x, y| disc(x, y, 50, 80, 20) || disc(x, y, 110, 80, 20));
    mask("speck.png", &|x, y| disc(x, y, 80, 80, 30) || (x, y) == (3, 3));
    mask("ring.png", &|x, y| disc(x, y, 80, 80, 31) && !disc(x, y, 80, 80, 27));
    let row = |region: &str, mask: &str| {
        let notes = format!("{region}{mask}");
        format!("film0.png,A,benign,drawn,phantoms,{region},{mask},0.25,R,CC,,{notes}\n")
    };
    let faults = [
        ("polygon 40 40 90 90 90 40 40 90", "", "crosses or touches itself"),
        ("polygon 140 40 190 40 190 90 140 90", "", "beyond the picture of 160 x 160"),
        ("polygon 40 40 43 40 43 43 40 43", "", "too few pixels to be a mass (9)"),
        ("", "pixel.png", "too few pixels"),
        ("", "inverted.png", "covers 89 % of the mask and all its corners"),
        ("", "two.png", "several regions, the largest with 50 %"),
    ];
    // 1.3 mm and 80 % of the picture; a drawn line instead of a region.
    let doubts = [
        ("polygon 40 40 45 40 45 45 40 45", "", "W-REGION-SIZE"),
        ("polygon 8 8 152 8 152 152 8 152", "", "W-REGION-SIZE"),
        ("", "ring.png", "W-MASK-HOLES"),
    ];
    let mut rows: Vec<String> =
        faults.iter().chain(&doubts).map(|(region, mask, _)| row(region, mask)).collect();
    rows.push(row("", "speck.png"));
    let (reasons, cases) = taken(&bench, &rows, false);
    let expected: Vec<&str> = faults.iter().chain(&doubts).map(|(.., word)| *word).collect();
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for (reason, word) in reasons.iter().zip(expected) {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    assert!(cases.len() == 1 && cases[0].0 == "speck.png", "{cases:?}");
    // Confirmed, the doubtful come in and say so; what cannot be measured never does.
    let (reasons, cases) = taken(&bench, &rows, true);
    assert_eq!((reasons.len(), cases.len()), (faults.len(), doubts.len() + 1), "{reasons:?}");
    for (region, mask, code) in doubts {
        let case = cases.iter().find(|case| case.0 == format!("{region}{mask}"));
        assert!(case.expect("it came in").1.contains(&code.to_owned()), "{cases:?}");
    }
}

#[test]
fn one_number_for_two_people_of_the_manifest_waits_for_a_person() {
    let bench = Bench::new(2);
    for number in [0, 1] {
        let mut film = reader().read(&bench.film(number)).expect("our own film");
        film.patient_id = Some("ANONYMOUS".to_owned());
        dicom::write(&film, &bench.beside(&format!("{number}.dcm"))).expect("a small file");
    }
    let row = |film: u32, patient: &str, radius: u32| {
        format!(
            "{film}.dcm,{patient},benign,drawn,phantoms,circle 80 80 {radius},,0.25,,,,{patient}\n"
        )
    };
    let rows = [row(0, "A", 20), row(0, "A", 22), row(1, "B", 20)];
    let (reasons, cases) = taken(&bench, &rows, false);
    assert_eq!((reasons.len(), cases.len()), (1, 2), "{reasons:?}");
    assert!(reasons[0].contains("W-PATIENT-CONFLICT"), "{reasons:?}");
    let (_, cases) = taken(&bench, &rows, true);
    let conflicts = |case: &(String, Vec<String>)| case.1.iter().any(|c| c == "W-PATIENT-CONFLICT");
    let conflicts: Vec<(&str, bool)> =
        cases.iter().map(|case| (case.0.as_str(), conflicts(case))).collect();
    assert_eq!(conflicts, [("A", false), ("A", false), ("B", true)]);
}

#[test]
fn another_outcome_for_a_region_that_is_there_is_told() {
    let bench = Bench::new(2);
    let row = |pathology: &str| {
        format!("film0.png,A,{pathology},drawn,phantoms,circle 80 80 20,,0.25,R,CC,,{pathology}\n")
    };
    let rows = ["malignant", "malignant", "benign"].map(row);
    let (reasons, cases) = taken(&bench, &rows, true);
    assert_eq!((reasons.len(), cases.len()), (1, 1), "{reasons:?}");
    assert!(reasons[0].contains("as malignant") && reasons[0].contains("as benign"), "{reasons:?}");
    assert_eq!(cases[0].0, "malignant", "what was there stays");
}
