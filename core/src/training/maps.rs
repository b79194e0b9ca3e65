//! Maps below the last block, kept on disk: computed once for a picture and a trunk.
//!
//! A file is named after what it was made from and ends with its own hash, so one that was cut
//! short or changed is not believed but made anew. The folder is held below a size: files of
//! other runs go first, the oldest before the others.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use half::f16;

use crate::encoder::backbone::Architecture;
use crate::encoder::tensors::Array;
use crate::encoder::views::View;
use crate::files;

const MAGIC: &[u8; 8] = b"PRECMAP1";
const HASH_BYTES: usize = 32;
const EXTENSION: &str = "map";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder for cached maps cannot be used: {path}")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "the maps of these regions do not fit into the cache's {limit_mb} MB; allow it more, or \
         train on fewer regions or without augmented positives"
    )]
    Full { limit_mb: u64 },
    #[error("a cached map is gone or damaged; run again, and it is made anew: {path}")]
    Lost { path: PathBuf },
}

/// The name of a map: a hash of the trunk, the patch and the view.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    pub fn new(trunk_hash: &str, architecture: Architecture, pixels: &[f32], view: View) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{trunk_hash} {} {view:?} ", architecture.word()).as_bytes());
        pixels.iter().for_each(|v| {
            hasher.update(&v.to_le_bytes());
        });
        Self(hasher.finalize().to_hex().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A folder of maps.
#[derive(Debug)]
pub struct MapCache {
    dir: PathBuf,
    limit_bytes: u64,
    /// Bytes of every map in the folder, and when it was written.
    files: BTreeMap<Key, (SystemTime, u64)>,
    /// Those that this run needs and that must stay.
    needed: HashSet<Key>,
}

impl MapCache {
    /// Opens a folder, which is made where there is none.
    pub fn open(dir: &Path, limit_bytes: u64) -> Result<Self, Error> {
        let error = |source| Error::Folder { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(error)?;
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(error)? {
            let path = entry.map_err(error)?.path();
            let Ok(metadata) = path.metadata() else { continue };
            if path.extension().is_some_and(|e| e == EXTENSION) && metadata.is_file() {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.insert(Key(name), (written, metadata.len()));
            }
        }
        Ok(Self { dir: dir.to_owned(), limit_bytes, files, needed: HashSet::new() })
    }

    /// A map `[rows, columns, channels]`; `None` where there is none that can be believed.
    pub fn get(&self, key: &Key) -> Option<Array> {
        parse(&std::fs::read(self.path(key)).ok()?)
    }

    /// A map that was put there in this run.
    pub fn expect(&self, key: &Key) -> Result<Array, Error> {
        self.get(key).ok_or_else(|| Error::Lost { path: self.path(key) })
    }

    /// This run needs the map with this key: it is not to be removed.
    pub fn need(&mut self, key: &Key) {
        self.needed.insert(key.clone());
    }

    /// Keeps a map `[rows, columns, channels]` in half precision.
    pub fn put(&mut self, key: &Key, map: &Array) -> Result<(), Error> {
        let bytes = to_bytes(map);
        let size = bytes.len() as u64;
        self.make_room(size)?;
        files::write_whole(&self.path(key), &bytes)
            .map_err(|source| Error::Folder { path: self.dir.clone(), source })?;
        self.files.insert(key.clone(), (SystemTime::now(), size));
        self.need(key);
        Ok(())
    }

    fn make_room(&mut self, size: u64) -> Result<(), Error> {
        let mut total: u64 = self.files.values().map(|(_, bytes)| bytes).sum();
        if total + size <= self.limit_bytes {
            return Ok(());
        }
        let spare = self.files.iter().filter(|(key, _)| !self.needed.contains(key));
        let mut spare: Vec<(SystemTime, Key, u64)> =
            spare.map(|(key, &(written, bytes))| (written, key.clone(), bytes)).collect();
        spare.sort();
        for (_, key, bytes) in spare {
            if total + size <= self.limit_bytes {
                break;
            }
            // Another run may have removed it before us.
            let _ = std::fs::remove_file(self.path(&key));
            self.files.remove(&key);
            total -= bytes;
        }
        if total + size > self.limit_bytes {
            return Err(Error::Full { limit_mb: self.limit_bytes >> 20 });
        }
        Ok(())
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(&key.0).with_extension(EXTENSION)
    }
}

/// Magic, three lengths, the numbers in half precision, the hash of all before.
fn to_bytes(map: &Array) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for &length in &map.dims {
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
    }
    bytes.extend(map.values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()));
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<Array> {
    let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if blake3::hash(body).as_bytes() != hash {
        return None;
    }
    let (head, numbers) = body.strip_prefix(MAGIC)?.split_at_checked(12)?;
    let length =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let dims = [length(0), length(4), length(8)].map(|length| length as usize);
    let values: Vec<f32> =
        numbers.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
    (values.len() == dims.iter().product::<usize>()).then(|| Array::new(dims, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: f32) -> Array {
        Array::new([2, 2, 3], (0..12).map(|i| value + i as f32).collect())
    }

    fn key(n: u8) -> Key {
        Key::new("hash", Architecture::Tiny, &[f32::from(n)], View::Plain)
    }

    #[test]
    fn a_map_comes_back_and_a_damaged_one_does_not() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut cache = MapCache::open(folder.path(), 1 << 20).expect("an empty folder");
        assert_eq!(cache.get(&key(1)), None);
        cache.put(&key(1), &map(0.5)).expect("room");
        assert_eq!(cache.expect(&key(1)).expect("it was put there"), map(0.5));
        assert_ne!(key(1), Key::new("hash", Architecture::Tiny, &[1.0], View::Half));

        let path = cache.path(&key(1));
        let whole = std::fs::read(&path).expect("the file");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("a small file");
            assert_eq!(cache.get(&key(1)), None, "cut after {length} bytes");
        }
        let mut changed = whole;
        changed[30] ^= 1;
        std::fs::write(&path, changed).expect("a small file");
        assert!(matches!(cache.expect(&key(1)), Err(Error::Lost { .. })));
    }

    #[test]
    fn the_folder_stays_below_its_limit_and_keeps_what_this_run_needs() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let size = to_bytes(&map(0.0)).len() as u64;
        {
            let mut old = MapCache::open(folder.path(), 10 * size).expect("an empty folder");
            old.put(&key(1), &map(1.0)).expect("room");
            old.put(&key(2), &map(2.0)).expect("room");
        }
        let mut cache = MapCache::open(folder.path(), 2 * size).expect("two maps");
        cache.need(&key(2));
        cache.put(&key(3), &map(3.0)).expect("the first map makes room");
        assert_eq!((cache.get(&key(1)), cache.get(&key(2))), (None, Some(map(2.0))));
        assert!(matches!(cache.put(&key(4), &map(4.0)), Err(Error::Full { .. })));
        assert_eq!(cache.get(&key(3)), Some(map(3.0)));
    }
}
