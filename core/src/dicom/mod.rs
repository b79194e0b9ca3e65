//! A file becomes a [`Mammogram`]: guard, then child, then checks.
//!
//! The only folder that names the DICOM crates. The caller's process never parses attributes nor a
//! compressed frame: a warm child process (the same executable with [`child::ARGUMENT`]) does.
//! Uncompressed pixels need no parser; shifting and masking them here saves two trips of a whole
//! film through a pipe.
//!
//! In the caller's process:
//! - `bytes`: where do the file's bytes lie, in memory or on the disk?
//! - `header`, `encoding`, `walk`, `guard`: is the structure of the file sound?
//! - `frame`: which bytes are one frame, and are they all there?
//! - `pixels`: what are the stored values? Uncompressed ones here, compressed ones in the child.
//! - `process`, `wire`: how is the child asked, watched and replaced?
//! - `sidecar`: does a person state a scale beside the film?
//! - `whole`: what do pixels and attributes say together?
//! - `listing`, `directory`: which films are in a folder or on a medium?
//! - `patients`: whose are they, and of which visit?
//!
//! In the child:
//! - [`child`], `limits`: what may it use?
//! - `attributes`: which breast, which view, what size, which grey scale?
//! - `codec`: what does the code stream hold?
//! - `picture`: and where the file is a PNG or a JPEG?
//!
//! The other way: [`mod@write`] makes an uncompressed file of a film.
//!
//! Every file ends in one of four states: shown, shown with a caution that matters
//! ([`Caution::is_doubt`]), attributes only ([`Error::PixelsCut`]), refused.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use dicom_dictionary_std::tags;

use self::bytes::Bytes;
use self::frame::{Frame, Layout};
use self::guard::Structure;
use self::pixels::Which;
use self::process::Decoder;
use self::whole::{mammogram, settle_spacing};
use self::wire::{Reply, Request};
use crate::mammogram::{Caution, Mammogram};

mod attributes;
mod bytes;
pub mod child;
mod codec;
mod directory;
#[cfg(any(test, fuzzing))]
pub mod doors;
mod encoding;
mod frame;
mod guard;
mod head;
mod header;
#[cfg(test)]
mod hostile;
mod limits;
pub mod listing;
mod patients;
mod picture;
mod pixels;
mod process;
mod sidecar;
mod walk;
mod whole;
mod wire;
mod write;

pub use self::attributes::{Attributes, NameSet, Person, Study, read_as};
pub use self::guard::Refusal;
pub use self::process::{Error as DecoderError, Stop};
pub use self::write::{WriteError, write};

/// Why a file was not shown; each message is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be opened: {path}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a file")]
    NotAFile { path: PathBuf },
    /// Its structure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The attributes are sound, the pixels are not all there.
    #[error(
        "the file is cut: {have} of {need} bytes of pixel data are there; copy it again from its source"
    )]
    PixelsCut { have: u64, need: u64, attributes: Box<Attributes> },
    /// Its content: the decoding process's own sentence.
    #[error("{0}")]
    Undecodable(String),
    #[error(transparent)]
    Decoder(#[from] DecoderError),
}

/// Files above this many bytes are read piece by piece.
const IN_MEMORY: u64 = 64 << 20;

/// Reads files through one warm child process; keep one for the life of the program.
#[derive(Debug)]
pub struct Reader {
    decoder: Decoder,
    in_memory: u64,
    /// The last file with several frames, so that scrolling does not begin anew.
    opened: Option<Opened>,
}

/// A file whose structure is known; no pixel of it has been read.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    file: Bytes,
    /// `None`: a PNG or JPEG picture.
    dicom: Option<(Structure, Layout)>,
    /// BLAKE3 of the whole file, once it is known.
    hash: Option<[u8; 32]>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader whose child, this executable, is started at the first file.
    pub fn new() -> Self {
        // Where the system cannot name the executable, starting it fails with a sentence.
        Self::with_program(std::env::current_exe().unwrap_or_default())
    }

    /// A reader whose child is another executable that calls [`crate::run_if_child`] first.
    pub fn with_program(program: impl Into<PathBuf>) -> Self {
        let decoder = Decoder::new(program.into(), process::TIME_LIMIT);
        Self { decoder, in_memory: IN_MEMORY, opened: None }
    }

    /// The longest that one file may take; a minute unless set.
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.decoder.limit = limit;
        self
    }

    /// Ends a read from another thread, at once: it fails as [`DecoderError::Stopped`], and so does
    /// every later one until it is told to go on.
    pub fn stop(&self) -> Stop {
        self.decoder.stop.clone()
    }

    /// Files above this many bytes are read piece by piece, 64 MiB unless set; what comes out is
    /// the same.
    pub fn with_most_in_memory(mut self, bytes: u64) -> Self {
        self.in_memory = bytes;
        self
    }

    /// Reads one file, its first frame: DICOM, or an 8/16-bit grey PNG or JPEG (with a caution
    /// that it carries neither patient nor scale). A scale may stand in a sidecar, see `sidecar.rs`.
    /// Of a film with several frames it is in doubt whether the first was meant.
    pub fn read(&mut self, path: &Path) -> Result<Mammogram, Error> {
        let mut film = self.read_frame(path, 0)?;
        if film.frame.count > 1 {
            let text = format!(
                "the file has {} frames and nobody said which; this is the first",
                film.frame.count
            );
            film.cautions.push(Caution::new("W-MULTIFRAME", text));
        }
        Ok(film)
    }

    /// Reads the frame that somebody chose, counted from 0, with its own windows, scale and side.
    /// One after the other costs the memory of one; [`Mammogram::frame`] says how many there are.
    pub fn read_frame(&mut self, path: &Path, frame_idx: u32) -> Result<Mammogram, Error> {
        let mut opened = self.open(path)?;
        let known = opened.hash;
        let stop = self.stop();
        let mut decode = || match &opened.dicom {
            Some((structure, layout)) => self.read_dicom(structure, layout, frame_idx),
            None if frame_idx == 0 => {
                let file = opened.file.whole().map_err(Refusal::Read)?;
                self.ask(&Request::Picture { has_pixels: true }, &[&file])
            }
            None => {
                Err(Refusal::NoSuchFrame { number: u64::from(frame_idx) + 1, frames: 1 }.into())
            }
        };
        // The hash of a film takes as long as the pipe does; that of a small file is not worth a thread.
        let is_refused = AtomicBool::new(false);
        let (decoded, hash) = match known {
            Some(hash) => (decode(), Ok(hash)),
            None if opened.length < 1 << 20 => (decode(), hash_of(&opened, &|| stop.is_asked())),
            None => rayon::join(
                || decode().inspect_err(|_| is_refused.store(true, Ordering::Relaxed)),
                || hash_of(&opened, &|| stop.is_asked() || is_refused.load(Ordering::Relaxed)),
            ),
        };
        let (mut attributes, samples) = decoded?;
        let hash = hash?;
        settle_spacing(&mut attributes, path);
        if attributes.number_of_frames > 1 {
            opened.hash = Some(hash);
            self.opened = Some(opened);
        }
        Ok(mammogram(attributes, frame_idx, samples, hash))
    }

    /// What a file says about its image, without a pixel of it; the first frame's where it has several.
    pub fn attributes(&mut self, path: &Path) -> Result<Attributes, Error> {
        let in_memory = std::mem::replace(&mut self.in_memory, 0);
        let opened = self.open(path);
        self.in_memory = in_memory;
        let opened = opened?;
        let mut attributes = match &opened.dicom {
            Some((structure, layout)) => {
                frame::frame_exists(structure)?;
                let (attributes, _) = self.ask_attributes(structure, layout, 0)?;
                with_cautions(structure.cautions.clone(), attributes)
            }
            None => {
                // A picture's size stands in its first bytes.
                let start = opened.file.range(0..opened.file.len().min(1 << 20));
                let start = start.map_err(Refusal::Read)?;
                self.ask(&Request::Picture { has_pixels: false }, &[&start])?.0
            }
        };
        settle_spacing(&mut attributes, path);
        Ok(attributes)
    }

    /// Opens a file as far as its structure goes, or takes it as it was opened last.
    fn open(&mut self, path: &Path) -> Result<Opened, Error> {
        let last = self.opened.take();
        let open = |source| Error::Open { path: path.to_owned(), source };
        let handle = open_file(path)?;
        let metadata = handle.metadata().map_err(open)?;
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        if let Some(last) = last
            && (&*last.path, last.length, last.modified) == (path, length, modified)
        {
            return Ok(last);
        }
        if length > guard::MAX_FILE {
            return Err(Refusal::TooLarge { bytes: length }.into());
        }
        let file = if length > self.in_memory {
            Bytes::on_disk(handle, length as usize)
        } else {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(length as usize).map_err(|e| open(e.into()))?;
            handle.take(self.in_memory).read_to_end(&mut bytes).map_err(open)?;
            Bytes::from(bytes)
        };
        let dicom = if picture::is_picture(&file) {
            None
        } else {
            let structure = guard::inspect(&file, attributes::is_wanted)?;
            let layout = Layout::of(&structure)?;
            Some((structure, layout))
        };
        Ok(Opened { path: path.to_owned(), length, modified, file, dicom, hash: None })
    }

    fn read_dicom(
        &mut self,
        structure: &Structure,
        layout: &Layout,
        frame_idx: u32,
    ) -> Result<(Attributes, Vec<u16>), Error> {
        let mut cautions = structure.cautions.clone();
        let groups = structure.frame_groups.len();
        if groups > 0 && groups != layout.frames as usize {
            let text = format!(
                "the file describes {groups} frames and has {}; which belongs to which is uncertain",
                layout.frames
            );
            cautions.push(Caution::new("W-FRAME-GROUPS", text));
        }
        match frame::frame(structure, layout, frame_idx, &mut cautions)? {
            Frame::Encapsulated { bytes, pictures } => {
                let picture = if pictures > 1 { frame_idx } else { 0 };
                let which = Some(Which { picture, pictures });
                let dataset = structure.wanted_dataset(frame_idx)?;
                let request = request(structure, layout, dataset.len(), which);
                let (attributes, samples) = self.ask(&request, &[&dataset, &bytes])?;
                if (attributes.rows, attributes.columns) != (layout.rows, layout.columns) {
                    return Err(DecoderError::BadReply.into());
                }
                Ok((with_cautions(cautions, attributes), samples))
            }
            Frame::Native { bytes, words } => {
                let (attributes, _) = self.ask_attributes(structure, layout, frame_idx)?;
                let mut attributes = with_cautions(cautions, attributes);
                let stored = pixels::unpack_native(&bytes, words, structure.encoding, layout);
                attributes.take(&stored);
                Ok((attributes, stored.samples))
            }
            Frame::Cut { have, need } => {
                let (attributes, _) = self.ask_attributes(structure, layout, frame_idx)?;
                let attributes = Box::new(with_cautions(cautions, attributes));
                Err(Error::PixelsCut { have, need, attributes })
            }
        }
    }

    fn ask_attributes(
        &mut self,
        structure: &Structure,
        layout: &Layout,
        frame_idx: u32,
    ) -> Result<(Attributes, Vec<u16>), Error> {
        let dataset = structure.wanted_dataset(frame_idx)?;
        self.ask(&request(structure, layout, dataset.len(), None), &[&dataset])
    }

    fn ask(&mut self, request: &Request, body: &[&[u8]]) -> Result<(Attributes, Vec<u16>), Error> {
        match self.decoder.ask(request, body)? {
            (Reply::Shown(attributes) | Reply::Attributes(attributes), samples) => {
                Ok((*attributes, samples))
            }
            (Reply::Refused(sentence), _) => Err(Error::Undecodable(sentence)),
            (Reply::Directory(_), _) => Err(DecoderError::BadReply.into()),
        }
    }

    /// Whether a file is a DICOMDIR, which [`listing::list`] reads.
    pub fn is_directory(&mut self, path: &Path) -> bool {
        matches!(self.directory(path), Ok(Some(_)) | Err(Error::Undecodable(_)))
    }

    /// The files that a DICOMDIR lists; `None` where the file is not one.
    fn directory(&mut self, path: &Path) -> Result<Option<Vec<directory::Entry>>, Error> {
        let handle = open_file(path)?;
        let open = |source| Error::Open { path: path.to_owned(), source };
        let length = handle.metadata().map_err(open)?.len();
        let file = Bytes::on_disk(handle, length as usize);
        let is_directory = |tag| tag == tags::DIRECTORY_RECORD_SEQUENCE;
        let structure = guard::inspect(&file, is_directory)?;
        if structure.value(tags::DIRECTORY_RECORD_SEQUENCE).is_none() {
            return Ok(None);
        }
        let dataset = structure.wanted_dataset(0)?;
        let request = Request::Directory { encoding: structure.encoding };
        match self.decoder.ask(&request, &[&dataset])? {
            (Reply::Directory(records), _) => {
                Ok(Some(directory::entries(&records, &structure.directory_records(length))))
            }
            (Reply::Refused(sentence), _) => Err(Error::Undecodable(sentence)),
            _ => Err(DecoderError::BadReply.into()),
        }
    }
}

/// Opens a plain file; a pipe would be waited for without end.
fn open_file(path: &Path) -> Result<File, Error> {
    let open = |source| Error::Open { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(open)?.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    File::open(path).map_err(open)
}

fn request(
    structure: &Structure,
    layout: &Layout,
    dataset_length: usize,
    frame: Option<Which>,
) -> Request {
    Request::Dicom {
        syntax: structure.syntax.clone(),
        encoding: structure.encoding,
        charset: structure.texts(tags::SPECIFIC_CHARACTER_SET),
        layout: *layout,
        dataset_length,
        frame,
    }
}

/// BLAKE3 of the whole file; one that stays on the disk is read once more, by a handle of its own,
/// until it is for nothing.
fn hash_of(opened: &Opened, is_stopped: &dyn Fn() -> bool) -> Result<[u8; 32], Error> {
    if opened.file.is_in_memory() {
        let file = opened.file.whole().map_err(Refusal::Read)?;
        return Ok(*blake3::hash(&file).as_bytes());
    }
    let failed = |source| Error::Open { path: opened.path.clone(), source };
    let mut file = File::open(&opened.path).map_err(failed)?.take(opened.length);
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        if is_stopped() {
            return Err(DecoderError::Stopped.into());
        }
        match file.read(&mut piece).map_err(failed)? {
            0 => return Ok(*hasher.finalize().as_bytes()),
            count => hasher.update(&piece[..count]),
        };
    }
}

/// Whether the structure of these bytes is sound enough for the decoding process; for tests of
/// the guard alone.
pub fn check_structure(file: &[u8]) -> Result<(), Refusal> {
    let structure = guard::inspect(&Bytes::from(file.to_vec()), attributes::is_wanted)?;
    let layout = Layout::of(&structure)?;
    frame::frame(&structure, &layout, 0, &mut Vec::new())?;
    match frame::frame(&structure, &layout, layout.frames - 1, &mut Vec::new()) {
        // Those before it are sound.
        Ok(_) | Err(Refusal::FrameMissing { .. }) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn with_cautions(mut met: Vec<Caution>, mut attributes: Attributes) -> Attributes {
    met.append(&mut attributes.cautions);
    attributes.cautions = met;
    attributes
}
