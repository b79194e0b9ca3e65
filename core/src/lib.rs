//! Precedent without a screen: from a DICOM mammogram and a drag over a mass
//! to the ten most similar cases with known outcome.
//!
//! The path, one function a step:
//!
//! ```text
//! dicom::read(path)                          -> Mammogram
//! Outliner::outline(prompt, corrections)     -> Outline (a closed Contour)
//! patch::extract(mammogram, contour)         -> Patch, the square the encoder sees
//! Encoder::describe(patches)                 -> Descriptor, a vector of length 1
//! Index::nearest(descriptor, k, keep)        -> cases and distances
//! Retriever::retrieve(mammogram, contour, …) -> Neighbours (the three above)
//! ```
//!
//! Modules in reading order, and the question each answers:
//!
//! - [`geometry`]: where is it? Points, rectangles, contours, in pixels of the image.
//! - [`lexicon`]: what do we call it? The closed word lists of BI-RADS and DICOM.
//! - [`mammogram`]: what was recorded? One frame, its attributes, its scale.
//! - [`background`]: which of its pixels are no tissue?
//! - `region`: what does a square of it look like, at a handy step?
//! - [`voi_lut`]: what does the eye see? Stored values to 8-bit display values.
//! - [`hanging`]: which way round does it hang on the screen?
//! - [`dicom`]: how does a file become a `Mammogram`, whatever is in the file?
//! - [`segmentation`]: where does this mass end?
//! - [`measures`]: how large, how round, how sharp is it?
//! - [`patch`]: what does the encoder see?
//! - [`structure_from_motion`]: do two pictures show the same thing?
//! - [`descriptor`], [`encoder`]: what does it look like, as a vector?
//! - [`case`], [`index`], [`library`], [`import`]: which cases are known?
//! - [`retrieval`]: which of them are nearest?
//! - [`evaluation`]: how good is it, over many cases?
//! - [`training`]: how does an encoder learn which regions belong together?
//! - [`sheet`]: how does an answer look on one page?
//! - [`places`]: where do the shipped and the user's own things lie?
//! - [`files`]: how does a file appear whole or not at all?
//! - [`terminal`]: how does a file's text reach a terminal that would obey it?
//! - [`phantom`]: films drawn by us, whose truth is known, for tests and scale.
//!
//! What this crate never does: it draws no window, opens no network connection,
//! keeps no global state and starts no thread beyond a parallel loop.

pub mod background;
pub mod case;
pub mod descriptor;
pub mod dicom;
pub mod encoder;
pub mod evaluation;
pub mod files;
pub mod geometry;
pub mod hanging;
pub mod import;
pub mod index;
pub mod lexicon;
pub mod library;
pub mod mammogram;
pub mod measures;
pub mod patch;
pub mod phantom;
pub mod places;
pub mod progress;
mod region;
pub mod retrieval;
pub mod segmentation;
pub mod sheet;
pub mod structure_from_motion;
pub mod terminal;
pub mod training;
pub mod voi_lut;

/// The sentence that stands on the start screen, in About and on every export.
pub const INTENDED_USE: &str = "For research, teaching and reference. Not a medical device, \
    not for primary diagnosis. Similar cases are found by image similarity; they do not predict \
    this patient's outcome.";

/// Call first thing in every `main`: where this process was started as one of our hidden children
/// (the film decoder, the trial of a GPU) it does that work and says how it ended; `None` in an
/// ordinary start.
pub fn run_if_child() -> Option<std::process::ExitCode> {
    dicom::child::run_if_asked().or_else(encoder::device::run_if_asked)
}
