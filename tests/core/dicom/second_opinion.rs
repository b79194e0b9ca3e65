//! DCMTK's decoders and encoders against ours, where they are installed: every predictor, depth and
//! restart interval of lossless JPEG, and the other families that it knows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use precedent_core::dicom::Reader;

use super::{reader, stored_values};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/dicom/{name}.dcm"))
}

/// Runs a program of DCMTK; `None` where it is not installed.
fn dcmtk(program: &str, options: &[&str], from: &Path, to: &Path) -> Option<bool> {
    let mut command = Command::new(program);
    command.args(options).args([from, to]).stderr(Stdio::null());
    Some(command.status().ok()?.success())
}

fn values(reader: &mut Reader, path: &Path) -> Vec<i32> {
    stored_values(&reader.read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

#[test]
fn dcmtk_decodes_each_lossless_stream_to_the_same_values() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("plain.dcm");
    let mut reader = reader();
    let mut compared = 0;
    for entry in fixture("x").parent().expect("a folder").read_dir().expect("it is committed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.contains("lossless") || !name.ends_with(".dcm") {
            continue;
        }
        let Some(is_decoded) = dcmtk("dcmdjpeg", &[], &path, &plain) else {
            crate::skipped(format_args!("dcmdjpeg is not installed"));
            return;
        };
        assert!(is_decoded, "dcmdjpeg refuses {name}");
        assert_eq!(values(&mut reader, &path), values(&mut reader, &plain), "{name}");
        compared += 1;
    }
    assert!(compared >= 20, "only {compared}");
}

#[test]
fn what_dcmtk_encodes_comes_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let encoded = folder.path().join("encoded.dcm");
    let mut reader = reader();
    for name in ["explicit_8", "explicit_12_signed", "implicit_16"] {
        let source = fixture(name);
        let expected = values(&mut reader, &source);
        let predictors = ["1", "2", "3", "4", "5", "6", "7"];
        let mut encoders: Vec<(&str, Vec<&str>)> =
            predictors.iter().map(|sv| ("dcmcjpeg", vec!["+el", "+sv", *sv])).collect();
        encoders.push(("dcmcjpeg", vec!["+e1", "-ff"]));
        encoders.push(("dcmcjpeg", vec!["+e1", "+ff", "+fs", "1"]));
        encoders.push(("dcmcjpls", vec!["+el"]));
        encoders.push(("dcmcrle", vec![]));
        for (program, options) in encoders {
            match dcmtk(program, &options, &source, &encoded) {
                None => {
                    crate::skipped(format_args!("{program} is not installed"));
                    return;
                }
                // Its encoder has faults of its own with predictors over 16 bits.
                Some(false) => {}
                Some(true) => {
                    let got = values(&mut reader, &encoded);
                    assert!(got == expected, "{name} by {program} {options:?}");
                }
            }
        }
    }
}

#[test]
fn progressive_dct_is_within_one_of_dcmtk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (encoded, plain) = (folder.path().join("encoded.dcm"), folder.path().join("plain.dcm"));
    let mut reader = reader();
    for (option, source) in [
        ("+es", "explicit_8"),
        ("+ep", "explicit_8"),
        ("+es", "explicit_12"),
        ("+ep", "explicit_12"),
    ] {
        let is_encoded = dcmtk("dcmcjpeg", &[option], &fixture(source), &encoded);
        let (Some(true), Some(true)) = (is_encoded, dcmtk("dcmdjpeg", &[], &encoded, &plain))
        else {
            crate::skipped(format_args!("DCMTK is not installed"));
            return;
        };
        let (ours, theirs) = (values(&mut reader, &encoded), values(&mut reader, &plain));
        let worst = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(ours.len() == theirs.len() && worst <= Some(1), "{option} {source}: {worst:?}");
        // What is lost looks like a softer picture, and is refused: the end mark, the last scan, the
        // second half of the last scan.
        let whole = std::fs::read(&encoded).expect("it was just written");
        let last = |mark: u8| {
            let at = whole.windows(2).rposition(|w| w == [0xFF, mark]);
            at.expect("the stream has one")
        };
        let (scan, end) = (last(0xDA), last(0xD9));
        for (from, mark) in [(end, 0), (scan, 0xD9), (scan.midpoint(end), 0xD9)] {
            let mut cut = whole.clone();
            cut[from..end + 2].fill(0);
            if mark > 0 {
                cut[from..from + 2].copy_from_slice(&[0xFF, mark]);
            }
            std::fs::write(&plain, cut).expect("the disk takes it");
            assert!(reader.read(&plain).is_err(), "{option} {source} from {from} to {end}");
        }
    }
}
