//! The window. It shows and computes nothing: every number on it comes from `precedent_core`.
//!
//! ```text
//! click, key, menu  ->  Command  ->  update  ->  State  ->  ui draws it
//!                                      |  ^
//!                              Request v  | Reply
//!                                    worker threads  ->  precedent_core
//! ```
//!
//! Modules in reading order, and the question each answers:
//!
//! - [`command`]: what can a user ask for?
//! - [`state`]: what is shown? Plain values; what belongs to one film lives with that film.
//! - [`update`]: what does each command and each reply change, and what does it ask of a thread?
//! - [`worker`]: who does the work meanwhile? Three threads, requests in, replies out.
//! - [`listing`]: which files of a folder are films?
//! - [`tool`]: what lies in the hand?
//! - [`history`]: undo and redo of the outline.
//! - [`journal`]: what brings an outline back after a crash?
//! - [`viewport`]: where does a place of the film lie on the screen?
//! - [`pyramid`], [`textures`]: how do 16-bit pixels get there?
//! - [`theme`], [`icon`]: every colour, spacing and font; the program's sign.
//! - [`ui`]: the panels; each reads the state and pushes commands.
//! - [`settings`]: what is kept between runs?
//! - [`app`]: one frame: replies, keys, panels, commands.
//!
//! What is deliberately absent: no mode that is not seen on the canvas, no work on the user
//! interface's thread that takes longer than a frame, no picture of one film beside another's.

pub mod app;
pub mod command;
mod dialogs;
pub mod history;
pub mod icon;
pub mod journal;
pub mod listing;
pub mod pyramid;
pub mod settings;
pub mod state;
pub mod textures;
pub mod theme;
pub mod tool;
pub mod ui;
pub mod update;
pub mod viewport;
pub mod worker;

#[cfg(test)]
#[path = "../../tests/app/film.rs"]
mod testing;
