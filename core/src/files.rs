//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

/// Writes beside the place first and renames when all is on the disk; what stood there stays
/// until then, and after a failure.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there_and_nothing_beside() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("film.png");
        write_whole(&file, b"first").expect("the folder takes files");
        write_whole(&file, b"second").expect("the folder takes files");
        assert_eq!(fs::read(&file).expect("it was written"), b"second");

        // A folder stands where the file should go.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).expect("the folder takes folders");
        fs::write(taken.join("kept"), b"kept").expect("the folder takes files");
        assert!(write_whole(&taken, b"third").is_err());
        assert!(taken.join("kept").is_file());
        assert_eq!(fs::read_dir(folder.path()).expect("it can be listed").count(), 2);
        assert!(write_whole(&folder.path().join("missing/film.png"), b"").is_err());
    }
}
