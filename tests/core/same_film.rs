//! One film under two patients is seen when it comes in, in a library of any age.

use std::fs;
use std::ops::ControlFlow;

use precedent_core::geometry::ImagePoint;
use precedent_core::import::{self, OnFault, Outcome, Rules, manifest, same_film};
use precedent_core::library::{Library, Picture};
use precedent_core::mammogram::Mammogram;
use precedent_core::phantom::Phantom;

use crate::library::{Bench, reader};
use crate::structure_from_motion::{mirrored, turned};

/// Puts a film beside the bench's own and gives its row.
fn row(
    bench: &Bench,
    number: usize,
    film: &Mammogram,
    patient: &str,
    circle: (f64, f64, f64),
) -> String {
    let picture = Picture::png(film).expect("a phantom is a picture");
    fs::write(bench.film(number), &picture.bytes).expect("a small file");
    let (x, y, radius) = circle;
    format!("film{number}.png,{patient},benign,drawn,phantoms,circle {x} {y} {radius},0.25\n")
}

/// The film that the bench has under this number, with its mass in pixels.
fn film(number: u64) -> (Mammogram, ImagePoint, f64) {
    let phantom = Phantom { pixel_mm: 0.25, columns: 160, rows: 160, ..Phantom::region() };
    let drawn = phantom.draw(number);
    (drawn.mammogram, drawn.mass.center, drawn.mass.radius_mm / 0.25)
}

/// Where the mass of a film lies after its quarter turn, drawn a little larger.
fn turned_row(bench: &Bench, number: usize, of: u64, patient: &str) -> String {
    let (film, center, radius) = film(of);
    let circle = (160.0 - center.y, center.x, 1.1 * radius);
    row(bench, number, &turned(&film), patient, circle)
}

fn import(bench: &Bench, library: &mut Library, rows: &str) -> Outcome {
    let head = "file,patients,pathology,outcome_basis,source,region,pixel_mm\n";
    import_manifest(bench, library, &format!("{head}{rows}"))
}

fn import_manifest(bench: &Bench, library: &mut Library, text: &str) -> Outcome {
    let path = bench.film(0).with_file_name("second.csv");
    fs::write(&path, text).expect("a small file");
    import::import(
        library,
        &bench.encoder(),
        &mut reader(),
        &manifest::read(&path).expect("our own manifest"),
        Rules { on_fault: OnFault::Stop, confirmed: true },
        &mut |_| ControlFlow::Continue(()),
        &mut |_, _| {},
    )
    .expect("good rows")
}

#[test]
fn the_film_of_another_patient_is_named_however_it_was_turned_and_her_own_is_not() {
    let bench = Bench::filled(4);
    let mut library = Library::open(&bench.library()).expect("a library");
    let before = library.cases().expect("a sound library");
    let (stranger, center, radius) = film(50);
    let corner = (30.0, 30.0, 10.0);
    let (third, at, size) = film(3);
    let in_mirror = (160.0 - at.x, at.y, 1.1 * size);
    let rows = [
        turned_row(&bench, 90, 0, "Q"),
        // Films 0 and 1 are of patient P0.
        turned_row(&bench, 91, 1, "P0"),
        // Another region of the very film 2.
        row(&bench, 92, &film(2).0, "R", corner),
        row(&bench, 93, &stranger, "S", (center.x, center.y, radius)),
        row(&bench, 94, &mirrored(&third), "T", in_mirror),
    ];
    let outcome = import(&bench, &mut library, &rows.concat());
    let added = &outcome.added;
    assert_eq!(added.len(), 5);
    assert_eq!(
        outcome.same_film,
        [
            (added[0].clone(), vec![before[0].id.clone()]),
            (added[2].clone(), vec![before[2].id.clone()]),
            (added[4].clone(), vec![before[3].id.clone()]),
        ]
    );
    let cases = library.cases().expect("a sound library");
    let cautioned: Vec<_> = cases
        .iter()
        .filter(|case| case.cautions.iter().any(|caution| caution.code == same_film::CODE))
        .map(|case| case.id.clone())
        .collect();
    assert_eq!(cautioned, [0, 2, 4].map(|idx| added[idx].clone()));
    // Its cases answer for neither: whose film it is, nobody can tell.
    let contents = library.contents().expect("a sound library");
    assert_eq!(contents.patients[6], contents.patients[2]);
    assert_eq!(contents.identities.patients_of(&film(2).0), [contents.patients[2]].into());
    let doubt = cases[4].cautions.iter().find(|caution| caution.code == same_film::CODE);
    assert!(doubt.is_some_and(|doubt| doubt.is_doubt() && doubt.text.contains(&before[0].id.0)));
}

#[test]
fn a_list_that_gives_a_known_region_to_another_patient_is_told_so() {
    let bench = Bench::filled(3);
    let mut library = Library::open(&bench.library()).expect("a library");
    let cases = library.cases().expect("a sound library");
    let own = fs::read_to_string(bench.manifest()).expect("our own manifest");
    let again = import_manifest(&bench, &mut library, &own);
    assert_eq!((again.already_there, again.same_film), (3, Vec::new()));
    // One of her names is enough; a strange one alone is not.
    let other = own.replace("P0 | study 0", "P0").replace("P1 | study 2", "T");
    let again = import_manifest(&bench, &mut library, &other);
    assert_eq!(again.already_there, 3);
    assert_eq!(again.same_film, [(cases[2].id.clone(), vec![cases[2].id.clone()])]);
    assert_eq!(library.cases().expect("a sound library"), cases);
}

#[test]
fn a_library_of_the_first_format_is_read_as_it_is_and_migrated_when_it_is_written() {
    let bench = Bench::filled(2);
    let database = bench.library().join("library.sqlite");
    let old = rusqlite::Connection::open(&database).expect("SQLite");
    old.execute_batch("DROP TABLE signature; PRAGMA user_version = 1;").expect("it is ours");
    old.close().expect("nobody else has it open");
    let bytes = fs::read(&database).expect("a file of ours");
    let reading = Library::open_read_only(&bench.library()).expect("an old library");
    let before = reading.contents().expect("a sound library").cases;
    assert_eq!(before.len(), 2);
    drop(reading);
    assert_eq!(fs::read(&database).expect("a file of ours"), bytes);

    let mut library = Library::open(&bench.library()).expect("an old library");
    let outcome = import(&bench, &mut library, &turned_row(&bench, 90, 1, "Q"));
    assert_eq!(outcome.same_film, [(outcome.added[0].clone(), vec![before[1].id.clone()])]);
    assert!(library.verify().expect("it can be read").faults.is_empty());
    let signatures = library.signatures().expect("they can be read");
    assert_eq!(signatures.len(), 3);
    assert!(signatures.iter().all(|(_, bytes)| bytes.is_some()));
    drop(library);
    let new = rusqlite::Connection::open(&database).expect("SQLite");
    let version: i32 =
        new.pragma_query_value(None, "user_version", |r| r.get(0)).expect("a number");
    assert_eq!(version, 2);
}
