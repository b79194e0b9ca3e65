//! From a file to a film: every transfer syntax, every way a file can be wrong, and the process
//! that decodes it.

mod attributes;
#[cfg(target_os = "linux")]
mod big;
mod decoder;
mod directory;
mod families;
pub(crate) mod file;
mod fixtures;
mod frames;
mod grey_scale;
mod listing;
mod malformed;
pub(crate) mod mutate;
mod mutation;
mod second_opinion;
mod size;
mod streams;
mod words;

use std::io::Write;

use precedent_core::dicom::{Error, Reader};
use precedent_core::mammogram::Mammogram;

/// A reader whose decoding process is the program that ships.
fn reader() -> Reader {
    Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli"))
}

fn read(bytes: &[u8]) -> Result<Mammogram, Error> {
    read_with(&mut reader(), bytes)
}

/// A sound film after a change that leaves it sound.
fn film(change: impl for<'a> Fn(&'a mut file::File) -> &'a mut file::File) -> Mammogram {
    let mut file = file::File::film();
    change(&mut file);
    read(&file.bytes()).expect("the film is sound")
}

fn read_with(reader: &mut Reader, bytes: &[u8]) -> Result<Mammogram, Error> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the disk takes it");
    reader.read(file.path())
}

fn codes(film: &Mammogram) -> Vec<&str> {
    film.cautions.iter().map(|caution| caution.code.as_str()).collect()
}

fn stored_values(film: &Mammogram) -> Vec<i32> {
    film.samples.iter().map(|sample| i32::from(*sample) + film.stored_offset).collect()
}

fn doubts(film: &Mammogram) -> Vec<&str> {
    film.cautions.iter().filter(|c| c.is_doubt()).map(|c| c.code.as_str()).collect()
}
