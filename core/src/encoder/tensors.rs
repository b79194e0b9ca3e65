//! safetensors in and out: named arrays of numbers, and nothing that could run.
//!
//! A file is believed in nothing: its type, its length, every shape and every number is checked
//! before it reaches a layer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// No file of an encoder is larger: VGG-16's trunk is 29 MB.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the weights file cannot be read: {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "this is a {kind} file, which can run code when it is opened; only safetensors are read: {path}"
    )]
    ForeignFormat { kind: &'static str, path: PathBuf },
    #[error("the weights file is larger than 1 GiB, which no encoder needs: {path}")]
    TooLarge { path: PathBuf },
    #[error("the weights file is damaged ({reason}); fetch it again: {path}")]
    Damaged { reason: String, path: PathBuf },
    #[error("the weights file has no tensor named {name}; it belongs to another network: {path}")]
    MissingTensor { name: String, path: PathBuf },
    #[error("tensor {name} has shape {found:?} where {expected} is needed: {path}")]
    Shape { name: String, found: Vec<usize>, expected: String, path: PathBuf },
    #[error("tensor {name} holds numbers of type {dtype}; F16, F32 and U8 are read: {path}")]
    Type { name: String, dtype: String, path: PathBuf },
    #[error("tensor {name} holds a number that is not finite; the file is damaged: {path}")]
    NotFinite { name: String, path: PathBuf },
}

/// An array of numbers with its shape, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
}

/// How an array is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    F32,
    /// Half the bytes, 11 bits of precision.
    F16,
    /// Whole numbers from 0 to 255.
    U8,
}

/// A safetensors file in memory.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Given instead of the file's own of the same name.
    instead: BTreeMap<String, Array>,
}

impl TensorFile {
    /// Reads a whole file, and refuses by name what is not safetensors.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(read)?.len() > MAX_FILE_BYTES {
            return Err(Error::TooLarge { path: path.to_owned() });
        }
        Self::of(path, std::fs::read(path).map_err(read)?)
    }

    /// A file that was read already; `path` is for messages.
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let file = Self { path: path.to_owned(), bytes, instead: BTreeMap::new() };
        if let Some(kind) = foreign_format(&file.bytes) {
            return Err(Error::ForeignFormat { kind, path: path.to_owned() });
        }
        file.parse()?;
        Ok(file)
    }

    /// The file with these tensors instead of its own of the same names: a trunk whose last block
    /// was trained. [`Self::hash`] stays that of the file.
    pub fn with(mut self, instead: BTreeMap<String, Array>) -> Self {
        self.instead = instead;
        self
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// BLAKE3 of the file's bytes, in hex.
    pub fn hash(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }

    /// The names of its tensors, sorted.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self.parse()?.names().into_iter().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// A tensor as `f32`, every number finite.
    pub fn array(&self, name: &str) -> Result<Array, Error> {
        if let Some(array) = self.instead.get(name) {
            return Ok(array.clone());
        }
        let file = self.parse()?;
        let missing = |_| Error::MissingTensor { name: name.to_owned(), path: self.path.clone() };
        let view = file.tensor(name).map_err(missing)?;
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => {
                let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                view.data().chunks_exact(4).map(word).collect()
            }
            Dtype::F16 => {
                let word = |b: &[u8]| f16::from_le_bytes([b[0], b[1]]).to_f32();
                view.data().chunks_exact(2).map(word).collect()
            }
            Dtype::U8 => view.data().iter().map(|&b| f32::from(b)).collect(),
            other => {
                let (name, dtype) = (name.to_owned(), other.to_string());
                return Err(Error::Type { name, dtype, path: self.path.clone() });
            }
        };
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { name: name.to_owned(), path: self.path.clone() });
        }
        Ok(Array { dims: view.shape().to_vec(), values })
    }

    /// A tensor whose shape must be this one.
    pub fn array_of(&self, name: &str, dims: &[usize]) -> Result<Array, Error> {
        let array = self.array(name)?;
        if array.dims != dims {
            return Err(self.wrong_shape(name, &array, format!("{dims:?}")));
        }
        Ok(array)
    }

    pub(super) fn wrong_shape(&self, name: &str, array: &Array, expected: String) -> Error {
        Error::Shape {
            name: name.to_owned(),
            found: array.dims.clone(),
            expected,
            path: self.path.clone(),
        }
    }

    fn parse(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|error| Error::Damaged { reason: error.to_string(), path: self.path.clone() })
    }
}

/// The bytes of a safetensors file: the same arrays give the same bytes.
pub fn to_bytes(arrays: &BTreeMap<String, (Array, Storage)>) -> Vec<u8> {
    let stored: BTreeMap<&String, (Dtype, &Vec<usize>, Vec<u8>)> = arrays
        .iter()
        .map(|(name, (array, storage))| {
            let values = array.values.iter();
            let (dtype, bytes) = match storage {
                Storage::F32 => (Dtype::F32, values.flat_map(|v| v.to_le_bytes()).collect()),
                Storage::F16 => {
                    (Dtype::F16, values.flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect())
                }
                Storage::U8 => (Dtype::U8, values.map(|v| v.round() as u8).collect()),
            };
            (name, (dtype, &array.dims, bytes))
        })
        .collect();
    let views = stored.iter().map(|(name, (dtype, dims, bytes))| {
        let view = TensorView::new(*dtype, (*dims).clone(), bytes)
            .expect("the bytes were made from as many values as the shape holds");
        (*name, view)
    });
    safetensors::serialize(views, None).expect("the arrays are in memory and their names short")
}

impl Array {
    /// Panics where the values do not fill the shape: that is a mistake in our own code.
    pub fn new(dims: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), values.len(), "values must fill {dims:?}");
        Self { dims, values }
    }
}

/// What the first bytes give away, where it is a format that deep-learning tools write and that
/// we do not read.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        // A safetensors file begins with its header's length, whose bytes can be those of any
        // other format; its header begins at the ninth.
        [_, _, _, 0, 0, 0, 0, 0, b'{', ..] => None,
        [b'P', b'K', 3, 4, ..] => Some("PyTorch or NumPy archive (zip)"),
        [0x80, 2..=5, ..] => Some("Python pickle"),
        [0x89, b'H', b'D', b'F', ..] => Some("HDF5"),
        // An ONNX ModelProto begins with its field 1, ir_version, a small number, and another
        // field.
        [0x08, 1..=30, 1..=u8::MAX, ..] => Some("ONNX"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("weights.safetensors");
        std::fs::write(&path, bytes).expect("a small file");
        (dir, path)
    }

    fn sample() -> Vec<u8> {
        let array = Array::new([2, 2], vec![0.5, -1.0, 2.0, 3.0]);
        let small = Array::new([3], vec![0.0, 7.0, 255.0]);
        to_bytes(&BTreeMap::from([
            ("half".to_owned(), (array.clone(), Storage::F16)),
            ("small".to_owned(), (small, Storage::U8)),
            ("whole".to_owned(), (array, Storage::F32)),
        ]))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (_dir, path) = written(&sample());
        let file = TensorFile::open(&path).expect("our own file");
        assert_eq!(file.names().expect("names"), ["half", "small", "whole"]);
        for name in ["half", "whole"] {
            let array = file.array_of(name, &[2, 2]).expect("the array");
            assert_eq!(array.values, [0.5, -1.0, 2.0, 3.0]);
        }
        assert_eq!(file.array("small").expect("bytes").values, [0.0, 7.0, 255.0]);
    }

    #[test]
    fn a_cut_file_is_refused_wherever_it_is_cut() {
        let whole = sample();
        for length in 0..whole.len() {
            let (_dir, path) = written(&whole[..length]);
            assert!(TensorFile::open(&path).is_err(), "cut after {length} bytes");
        }
    }

    #[test]
    fn other_formats_are_named() {
        for (bytes, kind) in [
            (&b"PK\x03\x04rest"[..], "zip"),
            (b"\x80\x02}q\x00.", "pickle"),
            (b"\x89HDF\r\n", "HDF5"),
            (b"\x08\x07\x12\x07pytorch", "ONNX"),
        ] {
            let (_dir, path) = written(bytes);
            let error = TensorFile::open(&path).expect_err("a foreign format").to_string();
            assert!(error.contains(kind), "{error}");
        }
    }

    #[test]
    fn a_header_as_long_as_a_pickles_first_bytes_say_is_no_pickle() {
        // 0x280 bytes of header: the file begins with 0x80, 2, as pickles do.
        let length_of = |name: usize| {
            let array = Array::new([1], vec![1.0]);
            to_bytes(&BTreeMap::from([("n".repeat(name), (array, Storage::F32))]))
        };
        let file = (1..640).map(length_of).find(|bytes| bytes[..2] == [0x80, 2]);
        TensorFile::of(Path::new("long"), file.expect("some name is long enough")).expect("sound");
    }

    #[test]
    fn a_shape_that_overflows_is_refused() {
        let header =
            br#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(&[0; 4]);
        let (_dir, path) = written(&bytes);
        assert!(matches!(TensorFile::open(&path), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused() {
        let array = Array::new([2], vec![1.0, f32::NAN]);
        let bytes = to_bytes(&BTreeMap::from([("a".to_owned(), (array, Storage::F32))]));
        let (_dir, path) = written(&bytes);
        let file = TensorFile::open(&path).expect("the container is sound");
        assert!(matches!(file.array("a"), Err(Error::NotFinite { .. })));
    }
}
