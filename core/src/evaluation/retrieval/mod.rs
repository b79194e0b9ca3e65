//! Neighbours against known outcomes: our encoders, their rivals and chance, on any library or list.
//!
//! ```text
//! gather.rs, normals.rs: rows -> regions (examples.rs), one after the other
//!   -> Describer (describers.rs, cache.rs), hand.rs: a region's pixels -> vectors
//! Protocol (design.rs): who is asked about, who may answer
//! methods.rs, learnt.rs, distances.rs: what each method says
//!   -> answers.rs, metrics.rs: what it ranked first, and what that is worth
//!   -> figures.rs, chance.rs: figures, their intervals, their null
//! experiment.rs, effects.rs, source_probe.rs -> report.rs: all of it as plain values
//!   -> page.rs, pictures.rs, tables.rs: for a person, and for a spreadsheet
//! at_scale.rs: drawn regions in the numbers of a large collection
//! ```
//!
//! Nothing here learns from an outcome but learnt.rs, fold by fold. A figure is printed with its interval over patients, beside
//! what a random order gives.

mod answers;
pub mod at_scale;
mod cache;
mod chance;
mod describers;
mod design;
mod distances;
mod effects;
mod examples;
mod experiment;
mod figures;
mod gather;
mod hand;
mod learnt;
mod methods;
mod metrics;
mod normals;
pub mod page;
mod pictures;
mod report;
mod source_probe;
pub mod tables;

pub use self::chance::{DRAWS, Null, PERMUTATIONS, Value};
pub use self::describers::Describer;
pub use self::design::Protocol;
pub use self::examples::{Example, Region};
pub use self::experiment::{Plan, run};
pub use self::figures::Task;
pub use self::gather::{Gathered, Outlines, Request, Selection, Source, Visit, gather};
pub use self::report::{Experiment, Kind, Method};
