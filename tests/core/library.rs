//! The case library: what goes in comes out, whatever is killed, damaged or held by another.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use precedent_core::case::CaseId;
use precedent_core::dicom::Reader;
use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::import::{self, OnFault, Outcome, Rules, manifest};
use precedent_core::library::{Error, Library, Picture};
use precedent_core::phantom::Phantom;

use crate::encoder::TinyEncoder;
use crate::index::Random;

/// Drawn films, a manifest of their masses, and an encoder small enough for a test.
pub(crate) struct Bench {
    pub(crate) tiny: TinyEncoder,
    dir: tempfile::TempDir,
}

impl Bench {
    /// `count` films; every two are of one patient, known as `P0`, `P1` …
    pub(crate) fn new(count: usize) -> Self {
        let bench = Self { tiny: TinyEncoder::new(), dir: tempdir() };
        let phantom = Phantom { pixel_mm: 0.25, columns: 160, rows: 160, ..Phantom::region() };
        let mut rows = "file,patients,pathology,outcome_basis,source,region,pixel_mm,\
            pixel_origin,view,breast_density,shape\n"
            .to_owned();
        for number in 0..count {
            let drawn = phantom.draw(number as u64);
            let picture = Picture::png(&drawn.mammogram).expect("a phantom is a picture");
            fs::write(bench.film(number), &picture.bytes).expect("a small file");
            let mass = &drawn.mass;
            rows += &format!(
                "film{number}.png,P{} | study {number},{},drawn,phantoms,circle {:.1} {:.1} {:.1},\
                 0.25,scanner,{},{},oval\n",
                number / 2,
                ["malignant", "benign", "normal"][number % 3],
                mass.center.x,
                mass.center.y,
                mass.radius_mm / 0.25,
                ["CC", "MLO"][number % 2],
                1 + number % 4,
            );
        }
        fs::write(bench.manifest(), rows).expect("a small file");
        bench
    }

    pub(crate) fn film(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("film{number}.png"))
    }

    /// A file in the folder of the manifest.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.dir.path().join("manifest.csv")
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.dir.path().join("library")
    }

    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::open(&self.tiny.bundle(), DeviceChoice::Cpu).expect("our own bundle")
    }

    /// A library of every film.
    pub(crate) fn filled(count: usize) -> Self {
        let bench = Self::new(count);
        let mut library = Library::create(&bench.library()).expect("a new folder");
        let outcome = bench.import(&mut library, OnFault::Stop);
        assert_eq!(outcome.expect("good rows").added.len(), count);
        bench
    }

    pub(crate) fn import(
        &self,
        library: &mut Library,
        on_fault: OnFault,
    ) -> Result<Outcome, import::Error> {
        self.import_by(library, on_fault, true)
    }

    pub(crate) fn import_by(
        &self,
        library: &mut Library,
        on_fault: OnFault,
        confirmed: bool,
    ) -> Result<Outcome, import::Error> {
        import::import(
            library,
            &self.encoder(),
            &mut reader(),
            &manifest::read(&self.manifest()).expect("our own manifest"),
            Rules { on_fault, confirmed },
            &mut |_| std::ops::ControlFlow::Continue(()),
            &mut |_, _| {},
        )
    }
}

/// The test's own program cannot be the decoding child, the command line's can.
pub(crate) fn reader() -> Reader {
    Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli"))
}

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Every file below a folder with the hash of its bytes.
fn tree(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder of ours") {
            let path = entry.expect("an entry of ours").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file of ours");
                found.insert(path, blake3::hash(&bytes).to_hex().to_string());
            }
        }
    }
    found
}

#[test]
fn what_goes_in_comes_out_and_a_second_import_changes_nothing() {
    let bench = Bench::filled(4);
    let read = |library: &Library| library.contents().expect("a sound library");
    let before = read(&Library::open_read_only(&bench.library()).expect("a library"));
    assert_eq!(before.cases.len(), 4);
    assert_eq!(before.patients[0], before.patients[1], "two films of one patient");
    assert_ne!(before.patients[1], before.patients[2]);
    assert_eq!(before.cases[0].source, "phantoms");
    assert_eq!(before.cases[0].measures.unit, "mm, film scanner");

    let mut library = Library::open(&bench.library()).expect("a library");
    let film = reader().read(&bench.film(1)).expect("our own film");
    let stored = library.picture(&before.cases[1]).expect("a sound picture");
    assert_eq!(stored.samples, film.samples);
    assert_eq!(stored.spacing.map(|s| s.row_spacing_mm), Some(0.25));
    assert_eq!(stored.patient_id, None);

    let again = bench.import(&mut library, OnFault::Stop).expect("good rows");
    assert_eq!((again.added.len(), again.already_there), (0, 4));
    library.set_notes("Drawn.\nNot real.").expect("room for a note");
    drop(library);
    let after = Library::open_read_only(&bench.library()).expect("a library");
    assert_eq!(after.notes().expect("notes"), "Drawn.\nNot real.");
    assert_eq!(read(&after).cases, before.cases);
    assert_eq!(read(&after).descriptors, before.descriptors);
    assert_eq!(after.verify().expect("it can be read").faults, Vec::<String>::new());
}

#[test]
fn describing_again_gives_the_same_descriptors_to_the_last_bit() {
    let bench = Bench::filled(3);
    let mut library = Library::open(&bench.library()).expect("a library");
    let before = library.contents().expect("a sound library");
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let done = import::rebuild(&mut library, &bench.encoder(), go_on).expect("sound pictures");
    assert!(done.is_continue());
    let after = library.contents().expect("a sound library");
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(after.encoder, before.encoder);
}

#[test]
fn a_faulty_row_is_named_and_the_others_come_in_or_none_as_asked() {
    let bench = Bench::new(3);
    let rows = fs::read_to_string(bench.manifest()).expect("our own manifest");
    let faulty = rows.replace("film1.png", "gone.png") + "film0.png,,benign,x,y,,,,,,\n";
    fs::write(bench.manifest(), faulty).expect("a small file");
    let mut library = Library::create(&bench.library()).expect("a new folder");

    let stopped = bench.import(&mut library, OnFault::Stop);
    assert!(matches!(stopped, Err(import::Error::Stopped { line: 5, .. })), "{stopped:?}");
    assert!(library.cases().expect("an empty library").is_empty());

    let outcome = bench.import(&mut library, OnFault::Continue).expect("two good rows");
    let lines: Vec<u64> = outcome.faults.iter().map(|fault| fault.line).collect();
    assert_eq!((outcome.added.len(), lines), (2, vec![3, 5]));
    assert!(outcome.faults[0].reason.contains("gone.png"), "{:?}", outcome.faults);
    assert!(library.verify().expect("it can be read").faults.is_empty());
}

#[test]
fn a_link_out_of_the_manifests_folder_is_not_followed() {
    let bench = Bench::new(1);
    let outside = tempdir();
    fs::copy(bench.film(0), outside.path().join("film.png")).expect("a small file");
    fs::remove_file(bench.film(0)).expect("our own file");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("film.png"), bench.film(0)).expect("a link");
    let mut library = Library::create(&bench.library()).expect("a new folder");
    let outcome = bench.import(&mut library, OnFault::Continue).expect("one faulty row");
    assert_eq!((outcome.added.len(), outcome.faults.len()), (0, 1));
}

#[test]
fn a_case_taken_out_leaves_nothing_of_itself() {
    let bench = Bench::filled(4);
    let mut library = Library::open(&bench.library()).expect("a library");
    let case = library.cases().expect("four cases").swap_remove(2);
    library.remove(&case.id).expect("it is there");
    assert!(matches!(library.remove(&case.id), Err(Error::NoCase { .. })));
    assert_eq!(library.cases().expect("three cases").len(), 3);
    assert!(!bench.library().join("pictures").join(&case.picture).exists());
    let found = library.verify().expect("it can be read");
    assert_eq!((found.faults, found.pictures), (Vec::new(), 3));
}

#[test]
fn nothing_in_the_folder_names_a_patient() {
    let bench = Bench::new(2);
    let rows = fs::read_to_string(bench.manifest()).expect("our own manifest");
    fs::write(bench.manifest(), rows.replace("P0 |", "ZZ-NAME-OF-A-PATIENT |")).expect("small");
    let mut library = Library::create(&bench.library()).expect("a new folder");
    bench.import(&mut library, OnFault::Stop).expect("good rows");
    drop(library);
    for path in tree(&bench.library()).keys() {
        let bytes = fs::read(path).expect("a file of ours");
        for token in ["ZZ-NAME-OF-A-PATIENT", "study 1", "film1.png"] {
            assert!(!bytes.windows(token.len()).any(|w| w == token.as_bytes()), "{token}");
        }
    }
}

#[test]
fn a_reader_changes_no_byte_even_after_a_crash() {
    let bench = Bench::filled(3);
    let read = || {
        let library = Library::open_read_only(&bench.library()).expect("a library");
        let contents = library.contents().expect("a sound library");
        library.picture(&contents.cases[0]).expect("a sound picture");
        assert!(matches!(
            Library::open_read_only(&bench.library()).expect("a second reader").set_notes("x"),
            Err(Error::ReadOnly { .. })
        ));
        contents.cases.len()
    };
    let before = tree(&bench.library());
    assert_eq!(read(), 3);
    assert_eq!(tree(&bench.library()), before);

    // A writer that died after its commit left the case in the log alone.
    let crashed = bench.dir.path().join("crashed");
    let mut writer = Library::open(&bench.library()).expect("a library");
    writer.set_notes("only in the log").expect("room for a note");
    copy(&bench.library(), &crashed);
    drop(writer);
    assert!(crashed.join("library.sqlite-wal").metadata().expect("a log").len() > 0);
    let before = tree(&crashed);
    let library = Library::open_read_only(&crashed).expect("a library");
    assert_eq!(library.notes().expect("notes"), "only in the log");
    drop(library);
    assert_eq!(tree(&crashed), before);
}

fn copy(from: &Path, to: &Path) {
    for path in tree(from).keys() {
        let target = to.join(path.strip_prefix(from).expect("it is below"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a new folder");
        fs::copy(path, target).expect("a small file");
    }
}

#[test]
fn there_is_one_writer_and_readers_read_beside_it() {
    let bench = Bench::filled(2);
    let mut writer = Library::open(&bench.library()).expect("a library");
    assert!(matches!(Library::open(&bench.library()), Err(Error::InUse { .. })));
    writer.set_notes("seen beside the writer").expect("room for a note");
    let reader = Library::open_read_only(&bench.library()).expect("a reader");
    assert_eq!(reader.notes().expect("notes"), "seen beside the writer");
    assert_eq!(reader.contents().expect("a sound library").cases.len(), 2);
    drop(writer);
    Library::open(&bench.library()).expect("the next writer, at once");
}

#[test]
fn what_is_no_library_or_too_new_is_refused_and_left_as_it_is() {
    let bench = Bench::filled(1);
    let dir = bench.library();
    assert!(matches!(Library::create(&dir), Err(Error::Exists { .. })));
    assert!(matches!(Library::open(Path::new("no such folder")), Err(Error::Missing { .. })));

    let database = rusqlite::Connection::open(dir.join("library.sqlite")).expect("SQLite");
    database.pragma_update(None, "user_version", 99).expect("a pragma");
    drop(database);
    let before = tree(&dir);
    assert!(matches!(Library::open(&dir), Err(Error::Newer { found: 99, .. })));
    assert!(matches!(Library::open_read_only(&dir), Err(Error::Newer { found: 99, .. })));
    assert_eq!(tree(&dir), before);

    for bytes in [&b"a text, and no database at all, though long enough to be one"[..], b""] {
        fs::write(dir.join("library.sqlite"), bytes).expect("a small file");
        assert!(matches!(Library::open(&dir), Err(Error::NotALibrary { .. })));
        assert!(matches!(Library::open_read_only(&dir), Err(Error::NotALibrary { .. })));
    }
}

#[test]
fn damage_is_named_and_the_sound_cases_still_answer() {
    let bench = Bench::filled(5);
    let dir = bench.library();
    let cases = Library::open_read_only(&dir).expect("a library").cases().expect("five cases");
    let picture = |case: usize| dir.join("pictures").join(&cases[case].picture);
    let mut bytes = fs::read(picture(0)).expect("a picture");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(picture(0), bytes).expect("a small file");
    fs::remove_file(picture(1)).expect("a picture");
    let database = rusqlite::Connection::open(dir.join("library.sqlite")).expect("SQLite");
    let damage = [
        "UPDATE cases SET pathology = 'maligant' WHERE case_idx = 3",
        "UPDATE descriptor SET vector = x'0000803f' WHERE case_idx = 4",
    ];
    for sql in damage {
        assert_eq!(database.execute(sql, []).expect("SQL"), 1);
    }
    drop(database);
    fs::write(dir.join("pictures/stray"), "stray").expect("a small file");

    let library = Library::open_read_only(&dir).expect("it still opens");
    let contents = library.contents().expect("it can be read");
    let sound: Vec<&CaseId> = contents.cases.iter().map(|case| &case.id).collect();
    assert_eq!(sound, [&cases[0].id, &cases[4].id]);
    assert_eq!(contents.damaged.len(), 3, "{:?}", contents.damaged);
    assert!(matches!(library.picture(&cases[0]), Err(Error::Damaged { .. })));
    let faults = library.verify().expect("it can be read").faults.join("\n");
    for told in ["has changed", "cannot be read", "maligant", "in row 4", "belongs to no case"] {
        assert!(faults.contains(told), "{told} is not in\n{faults}");
    }
    drop(library);
    let opened = Library::open(&dir).expect("it still opens");
    assert!(!dir.join("pictures/stray").exists());
    assert_eq!(opened.verify().expect("it can be read").set_aside, 1);
}

#[test]
fn a_database_cut_or_overwritten_anywhere_is_a_sentence_never_a_panic() {
    let bench = Bench::filled(3);
    let file = bench.library().join("library.sqlite");
    let whole = fs::read(&file).expect("a database");
    let mut random = Random(5);
    for round in 0..60 {
        let mut bytes = whole.clone();
        let place = (random.unit() * bytes.len() as f64) as usize;
        if round % 2 == 0 {
            bytes.truncate(place);
        } else {
            let end = (place + 400).min(bytes.len());
            bytes[place..end].iter_mut().for_each(|b| *b = (random.unit() * 256.0) as u8);
        }
        fs::write(&file, bytes).expect("a small file");
        if let Ok(library) = Library::open_read_only(&bench.library()) {
            let _ = (library.contents(), library.verify(), library.notes());
        }
    }
}

#[test]
fn fifty_kills_during_imports_lose_no_acknowledged_case_and_leave_no_half_one() {
    let bench = Bench::new(12);
    let mut random = Random(50);
    let mut library = bench.dir.path().join("killed-0");
    let mut acknowledged: Vec<CaseId> = Vec::new();
    let (mut num_kills, mut num_libraries, mut num_acknowledged) = (0, 0, 0);
    while num_kills < 50 {
        if !library.exists() {
            Library::create(&library).expect("a new folder");
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_precedent-cli"))
            .args(["library", "import", "--ack", "--confirmed", "--device", "cpu", "--encoder"])
            .args([&bench.tiny.bundle(), &library, &bench.manifest()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("our own program");
        // From before the first commit to some commits later.
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let wanted = (random.unit() * 4.0) as usize;
        for line in lines.by_ref().take(wanted) {
            acknowledged.extend(acknowledgement(line));
        }
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros((random.unit() * 30_000.0) as u64) {
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().expect("it is ours");
        acknowledged.extend(lines.filter_map(acknowledgement));
        let status = child.wait().expect("it is ours");
        num_kills += usize::from(!status.success());

        check(&Library::open_read_only(&library).expect("a reader opens it"), &acknowledged);
        check(&Library::open(&library).expect("a writer opens it"), &acknowledged);
        assert!(!library.join("library.sqlite-wal").exists(), "the log was taken in");
        if acknowledged.len() >= 11 || status.success() {
            num_acknowledged += acknowledged.len();
            num_libraries += 1;
            library = bench.dir.path().join(format!("killed-{num_libraries}"));
            acknowledged.clear();
        }
    }
    assert!(num_acknowledged + acknowledged.len() > 20, "the kills came too early to tell");
}

fn acknowledgement(line: std::io::Result<String>) -> Option<CaseId> {
    line.ok()?.strip_prefix("ACK ").map(|id| CaseId(id.to_owned()))
}

/// Each acknowledged case is there with its picture, nothing is half there.
fn check(library: &Library, acknowledged: &[CaseId]) {
    let contents = library.contents().expect("it can be read");
    assert_eq!(contents.damaged, Vec::<String>::new());
    for id in acknowledged {
        let case = contents.cases.iter().find(|case| case.id == *id);
        let case = case.expect("an acknowledged case is there");
        library.picture(case).expect("its picture is whole");
    }
    // Strays may lie in `pictures` until a writer sweeps; nothing else may be wrong.
    let faults = library.verify().expect("it can be read").faults;
    let stray = |fault: &String| fault.contains("unfinished") || fault.contains("no case");
    assert!(faults.iter().all(stray), "{faults:?}");
}
