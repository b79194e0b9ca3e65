//! The doors of foreign bytes beside films: a library's manifest, an encoder's weights. For
//! libFuzzer and, from the same kept corpora, for `tests/core/doors.rs`.

use std::path::{Component, Path};

use super::{encoder, import};

pub(crate) fn manifest(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cases.csv");
    std::fs::write(&path, bytes).expect("the disk takes it");
    let Ok(manifest) = import::manifest::read(&path) else { return };
    for row in manifest.rows {
        assert!(
            row.file.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
        );
        assert!(!row.patients.is_empty());
    }
}

pub(crate) fn model_header(bytes: &[u8]) {
    let path = Path::new("weights.safetensors");
    let Ok(file) = encoder::tensors::TensorFile::of(path, bytes.to_vec()) else { return };
    for name in file.names().expect("it was parsed once") {
        if let Ok(array) = file.array(&name) {
            assert_eq!(array.dims.iter().product::<usize>(), array.values.len());
            assert!(array.values.iter().all(|value| value.is_finite()));
        }
    }
}
