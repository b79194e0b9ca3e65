//! How good is it? Measured over many cases, always beside what needs no program.
//!
//! [`outline`]: contours against known borders. [`cases`]: where those come from. [`page`]: the
//! report for a person. [`retrieval`]: neighbours against known outcomes. [`rivals`]: what those
//! are compared with. [`matching`]: what structure from motion labels.

use std::path::PathBuf;

pub use self::controls::Control;
pub use self::corrections::Hand;
pub use self::overlap::Overlap;
pub use self::report::{ControlRow, CorrectionRow, Report, Row, Times};
pub use self::statistics::Estimate;

pub mod cases;
mod controls;
mod corrections;
pub mod matching;
pub mod outline;
mod overlap;
pub mod page;
pub(crate) mod plot;
mod report;
pub mod retrieval;
pub mod rivals;
mod statistics;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} cannot be read")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("the list of regions cannot be used")]
    Manifest(#[from] crate::import::manifest::Error),
    #[error("{0}")]
    Tissue(String),
    #[error(
        "{0} has no list of mini-MIAS (a name that ends in Info.txt) with its pictures; name it"
    )]
    NoList(PathBuf),
    #[error("{0} holds no picture with its mask: name them film.png and film_mask.png")]
    NoMasks(PathBuf),
    #[error("there is no case to outline{}", .0.first().map(|w| format!("; {w}")).unwrap_or_default())]
    NoCases(Vec<String>),
    #[error("the library cannot be used: {path}")]
    Library { path: PathBuf, source: Box<crate::library::Error> },
    #[error("the encoder cannot be used: {path}")]
    Encoder { path: PathBuf, source: Box<crate::encoder::Error> },
    #[error("described regions cannot be kept for the next run")]
    Cache(#[source] std::io::Error),
    #[error("{0}")]
    Design(String),
    #[error("stopped")]
    Cancelled,
}
