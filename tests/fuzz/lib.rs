//! The doors of foreign bytes for libFuzzer: what `core/src/dicom/doors.rs` names, and those of
//! `other_doors.rs`.
//!
//! The modules are the core's own sources, by their paths: the whole core would bring burn, whose
//! build under the sanitizers takes an hour and adds no door.

#![allow(dead_code, unused_imports, reason = "the rest of the core uses the rest of them")]

#[path = "../../core/src/background.rs"]
mod background;
#[path = "../../core/src/case.rs"]
mod case;
#[path = "../../core/src/dicom/mod.rs"]
mod dicom;
#[path = "../../core/src/encoder"]
mod encoder {
    pub(crate) mod tensors;
}
#[path = "../../core/src/files.rs"]
mod files;
#[path = "../../core/src/geometry/mod.rs"]
mod geometry;
#[path = "../../core/src/import"]
mod import {
    pub(crate) mod manifest;
    pub(crate) mod words;
}
#[path = "../../core/src/lexicon.rs"]
mod lexicon;
#[path = "../../core/src/mammogram.rs"]
mod mammogram;
#[path = "../../core/src/measures/mod.rs"]
mod measures;
#[path = "../../core/src/progress.rs"]
mod progress;
#[path = "../../core/src/region.rs"]
mod region;
#[path = "../../core/src/hanging.rs"]
mod hanging;
#[path = "../../core/src"]
mod with_folder {
    pub(crate) mod voi_lut;
}
use with_folder::voi_lut;

mod other_doors;

/// Pushes at the door of this name.
pub fn push(door: &str, bytes: &[u8]) {
    match door {
        "manifest" => other_doors::manifest(bytes),
        "model_header" => other_doors::model_header(bytes),
        _ => {
            let found = dicom::doors::DOORS.iter().find(|(name, _)| *name == door);
            found.expect("each program is named after a door").1(bytes);
        }
    }
}
