//! Vectors that were computed once, kept from run to run: by what computed them, and of what.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::examples::Region;
use crate::files;

type Key = [u8; 32];
const MAGIC: &[u8; 8] = b"PRVEC001";
/// New vectors after which the file is written, so that a run that is stopped loses little: at
/// least so many, and a share of those that are known, lest it be written again and again.
const WRITE_AFTER: usize = 16;
const WRITE_AFTER_SHARE: usize = 8;

/// The vectors of one describer: several a region.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
    known: HashMap<Key, Vec<Vec<f32>>>,
    unwritten: usize,
}

impl Cache {
    /// What a describer with this name computed before; a file that is not whole counts as none.
    pub(super) fn open(folder: &Path, name: &str) -> Self {
        let file = format!("{}.vectors", &blake3::hash(name.as_bytes()).to_hex()[..24]);
        let path = folder.join(file);
        let known = fs::read(&path).ok().and_then(|bytes| read(&bytes)).unwrap_or_default();
        Self { path, known, unwritten: 0 }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Vec<Vec<f32>>> {
        self.known.get(key)
    }

    pub(super) fn put(&mut self, key: Key, vectors: Vec<Vec<f32>>) -> Result<(), std::io::Error> {
        self.known.insert(key, vectors);
        self.unwritten += 1;
        let enough = WRITE_AFTER.max(self.known.len() / WRITE_AFTER_SHARE);
        if self.unwritten >= enough { self.write() } else { Ok(()) }
    }

    pub(super) fn write(&mut self) -> Result<(), std::io::Error> {
        if self.unwritten == 0 {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        files::write_whole(&self.path, &bytes(&self.known))?;
        self.unwritten = 0;
        Ok(())
    }
}

/// Names what a describer sees of a region: the square, its weights, the outline and its measures.
pub(super) fn key(region: &Region) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(bytemuck::cast_slice(&region.patch.pixels));
    hasher.update(bytemuck::cast_slice(&region.patch.weights));
    for number in region.patch.shape_margin.numbers() {
        hasher.update(&number.unwrap_or(f32::NAN).to_le_bytes());
    }
    let told = serde_json::to_vec(&(&region.measures, region.contour.points()));
    hasher.update(&told.expect("plain values become JSON"));
    *hasher.finalize().as_bytes()
}

/// Magic; then each key, the number of its vectors and each length with its values; then the
/// BLAKE3 of all that. Little-endian.
fn bytes(known: &HashMap<Key, Vec<Vec<f32>>>) -> Vec<u8> {
    let mut keys: Vec<&Key> = known.keys().collect();
    keys.sort_unstable();
    let mut bytes = MAGIC.to_vec();
    for key in keys {
        let vectors = &known[key];
        bytes.extend(key);
        bytes.extend((vectors.len() as u32).to_le_bytes());
        for vector in vectors {
            bytes.extend((vector.len() as u32).to_le_bytes());
            bytes.extend(vector.iter().flat_map(|v| v.to_le_bytes()));
        }
    }
    let hash = blake3::hash(&bytes);
    bytes.extend(hash.as_bytes());
    bytes
}

fn read(bytes: &[u8]) -> Option<HashMap<Key, Vec<Vec<f32>>>> {
    let (content, hash) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(content).as_bytes() != hash {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let mut known = HashMap::new();
    let number = |rest: &mut &[u8]| -> Option<usize> {
        let (first, after) = rest.split_first_chunk::<4>()?;
        *rest = after;
        Some(u32::from_le_bytes(*first) as usize)
    };
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<32>()?;
        rest = after;
        let mut vectors = Vec::new();
        for _ in 0..number(&mut rest)? {
            let length = number(&mut rest)?.checked_mul(4)?;
            let (values, after) = rest.split_at_checked(length)?;
            let (values, _) = values.as_chunks::<4>();
            vectors.push(values.iter().map(|v| f32::from_le_bytes(*v)).collect());
            rest = after;
        }
        known.insert(*key, vectors);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_and_a_damaged_file_counts_as_none() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut cache = Cache::open(folder.path(), "one");
        let vectors = vec![vec![1.0, -2.5], Vec::new(), vec![f32::MIN_POSITIVE]];
        cache.put([7; 32], vectors.clone()).expect("the folder takes a file");
        cache.put([9; 32], vec![vec![3.0]]).expect("the folder takes a file");
        cache.write().expect("the folder takes a file");
        let again = Cache::open(folder.path(), "one");
        assert_eq!(again.get(&[7; 32]), Some(&vectors));
        assert_eq!(again.get(&[8; 32]), None);
        assert!(Cache::open(folder.path(), "other").get(&[7; 32]).is_none());
        let mut bytes = fs::read(&again.path).expect("it was written");
        bytes[50] ^= 1;
        fs::write(&again.path, bytes).expect("the folder takes a file");
        assert!(Cache::open(folder.path(), "one").get(&[7; 32]).is_none());
    }
}
