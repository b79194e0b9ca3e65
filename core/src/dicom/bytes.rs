//! The bytes of a file or data set: in memory, or read from the disk piece by piece.
//!
//! A tomosynthesis of a gigabyte must cost no more memory than one of its frames: the walk looks
//! at element headers through [`Bytes::chunk`], and only what is asked for is read whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Cheap to clone; all positions count from its own start.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    store: Store,
    /// Where it starts in the store.
    start: usize,
    length: usize,
}

#[derive(Debug, Clone)]
enum Store {
    Memory(Arc<Vec<u8>>),
    Disk(Arc<Mutex<Disk>>),
}

/// An open file and the piece of it that was read last.
#[derive(Debug)]
struct Disk {
    file: File,
    page: Vec<u8>,
    page_start: usize,
}

const PAGE: usize = 64 << 10;

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        Self { store: Store::Memory(Arc::new(bytes)), start: 0, length }
    }
}

impl Bytes {
    /// A file that stays on the disk; `length` as the system tells it.
    pub(super) fn on_disk(file: File, length: usize) -> Self {
        let disk = Disk { file, page: Vec::new(), page_start: 0 };
        Self { store: Store::Disk(Arc::new(Mutex::new(disk))), start: 0, length }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.store, Store::Memory(_))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What lies behind `at`.
    pub(super) fn behind(&self, at: usize) -> Self {
        let at = at.min(self.length);
        Self { store: self.store.clone(), start: self.start + at, length: self.length - at }
    }

    /// The `N` bytes from `at` on, where all of them lie before `limit` and can be read.
    pub(super) fn chunk<const N: usize>(&self, at: usize, limit: usize) -> Option<[u8; N]> {
        let end = at.checked_add(N)?;
        if end > limit.min(self.length) {
            return None;
        }
        let (at, end) = (self.start + at, self.start + end);
        match &self.store {
            Store::Memory(bytes) => bytes.get(at..end)?.first_chunk().copied(),
            Store::Disk(disk) => {
                let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
                let disk = &mut *disk;
                if at < disk.page_start || end > disk.page_start + disk.page.len() {
                    let size = PAGE.min(self.start + self.length - at);
                    disk.page = read(&disk.file, at, size).ok()?;
                    disk.page_start = at;
                }
                disk.page[at - disk.page_start..].first_chunk().copied()
            }
        }
    }

    /// A range that lies within; an error where the disk gives less than it promised.
    pub(super) fn range(&self, range: Range<usize>) -> io::Result<Cow<'_, [u8]>> {
        if range.start > range.end || range.end > self.length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let at = self.start + range.start;
        match &self.store {
            Store::Memory(bytes) => Ok(Cow::Borrowed(&bytes[at..at + range.len()])),
            Store::Disk(disk) => {
                let disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(Cow::Owned(read(&disk.file, at, range.len())?))
            }
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> io::Result<Cow<'_, [u8]>> {
        self.range(0..self.length)
    }
}

fn read(mut file: &File, at: usize, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size)?;
    file.seek(SeekFrom::Start(at as u64))?;
    file.take(size as u64).read_to_end(&mut bytes)?;
    if bytes.len() == size { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_on_the_disk_gives_what_it_gives_in_memory() {
        let content: Vec<u8> = (0..200_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut file = tempfile::tempfile().expect("a temporary file");
        io::Write::write_all(&mut file, &content).expect("the disk takes it");
        let (memory, disk) = (Bytes::from(content.clone()), Bytes::on_disk(file, content.len()));
        for bytes in [memory.behind(100), disk.behind(100)] {
            assert_eq!(bytes.len(), content.len() - 100);
            for at in [0, 5, PAGE - 3, PAGE, 150_000, 40, content.len() - 108] {
                let expected = content[100 + at..].first_chunk::<8>().copied();
                assert_eq!(bytes.chunk::<8>(at, usize::MAX), expected, "{at}");
            }
            assert_eq!(bytes.chunk::<8>(content.len() - 107, usize::MAX), None);
            assert_eq!(bytes.chunk::<8>(0, 7), None, "the limit counts");
            assert_eq!(&*bytes.range(7..90_000).expect("inside"), &content[107..90_100]);
            assert!(bytes.range(0..content.len()).is_err(), "100 bytes too many");
        }
    }
}
