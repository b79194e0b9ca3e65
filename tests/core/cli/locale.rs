//! The same numbers in every language, at every hour, in folders of any name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::dicom::file::File;

const FAKE_CLOCKS: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

/// What `probe` and `outline` say and `render` draws of this file, its path left out.
fn answers(path: &Path, environment: &[(&str, &str)]) -> (String, String, Vec<u8>) {
    let png = path.with_extension("png");
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precedent-cli"));
        command.args(arguments).envs(environment.iter().copied());
        let output = command.output().expect("the program is built");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?} under {environment:?}: {out}{err}");
        let shown = path.to_string_lossy();
        let escaped = serde_json::to_string(&shown).expect("text").trim_matches('"').to_owned();
        out.replace(&escaped, "FILM").replace(&*shown, "FILM")
    };
    let word = std::ffi::OsStr::new;
    let probed = run(&[word("probe"), word("--json"), path.as_os_str()]);
    let mark = ["--center", "36.5,30.25", "--radius-mm", "0.9", "--json"].map(word);
    let outlined = run(&[&[word("outline"), path.as_os_str()], &mark[..]].concat());
    run(&[word("render"), path.as_os_str(), word("--png"), png.as_os_str()]);
    (probed, timeless(&outlined), std::fs::read(png).expect("it was drawn"))
}

/// Without what was measured by the clock.
fn timeless(json: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
    let object = value.as_object_mut().expect("an outline is an object");
    object.retain(|key, _| !key.contains("ms"));
    serde_json::to_string(&value).expect("it was JSON")
}

/// A round mass of 0.9 mm in pixels of 0.07 mm, with a name that no ASCII holds.
fn film() -> Vec<u8> {
    let (rows, columns) = (64_u16, 80_u16);
    let value = |row: u16, column: u16| {
        let (x, y) = (f64::from(column) - 36.0, f64::from(row) - 29.75);
        let grain = (u32::from(row) * 31 + u32::from(column) * 17) % 23;
        let mass = if x.hypot(y) < 12.9 { 1_200 } else { 0 };
        900 + grain as u16 + mass
    };
    let values: Vec<u16> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| value(row, column))).collect();
    let mut file = File::film();
    file.short((0x0028, 0x0010), rows).short((0x0028, 0x0011), columns).pixels(&values);
    file.text((0x0008, 0x0005), "CS", "ISO_IR 192").text((0x0010, 0x0020), "LO", "İIıi-ŞÇ");
    file.bytes()
}

fn write(path: &Path) -> Result<(), std::io::Error> {
    std::fs::create_dir_all(path.parent().expect("it has a folder"))?;
    std::fs::write(path, film())
}

#[test]
fn every_language_hour_and_folder_gives_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("film.dcm");
    write(&plain).expect("the disk takes it");
    let expected = answers(&plain, &[("LC_ALL", "C")]);
    assert!(expected.0.contains("0.07") && expected.1.contains('.'), "{}", expected.1);

    for language in ["de_DE.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8", "C.UTF-8", "no_SUCH"] {
        for name in ["LC_ALL", "LANG"] {
            let environment = [(name, language), ("LANGUAGE", language), ("TZ", "Asia/Kathmandu")];
            assert!(answers(&plain, &environment) == expected, "{name}={language}");
        }
    }

    // Both normal forms of é, a mark of the right-to-left, and more than 300 characters.
    let long: PathBuf = (0..6).map(|i| format!("{i}{}", "å乳".repeat(28))).collect();
    for name in ["øæå 乳腺 \u{e9}", "øæå 乳腺 e\u{301}", "\u{202e}ثدي", "a;b 'c' \"d\" %s $HOME"]
    {
        let path = folder.path().join(name).join("film.dcm");
        write(&path).expect("the disk takes it");
        assert!(answers(&path, &[]) == expected, "{name}");
    }
    let path = folder.path().join(&long).join("film.dcm");
    assert!(path.to_string_lossy().chars().count() > 300);
    write(&path).expect("the disk takes it");
    assert!(answers(&path, &[]) == expected, "a long path");

    // Files of another age, and clocks of one.
    let file = std::fs::File::options().write(true).open(&plain).expect("it is there");
    for years in [0, 130] {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(years * 365 * 86_400 + 1);
        file.set_modified(then).expect("it is ours");
        assert!(answers(&plain, &[]) == expected, "a file of {}", 1970 + years);
    }
    let Some(fake_clock) = FAKE_CLOCKS.into_iter().find(|path| Path::new(path).exists()) else {
        return crate::skipped(format_args!(
            "libfaketime is not installed: clocks were not turned"
        ));
    };
    for then in ["1970-01-01 00:00:01", "2100-02-28 23:59:59"] {
        let environment = [("LD_PRELOAD", fake_clock), ("FAKETIME", then), ("TZ", "UTC")];
        assert!(answers(&plain, &environment) == expected, "{then}");
    }
}
