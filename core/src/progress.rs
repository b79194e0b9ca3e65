//! How long work tells how far it is and learns that it should stop.

use std::ops::ControlFlow;

/// One report from inside a long function.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done, in words for a person ("Describing regions").
    pub step: &'static str,
    /// Units finished.
    pub done: u64,
    /// Units in all, where that is known.
    pub total: Option<u64>,
}

/// Takes reports; `Break` asks the work to stop at the next safe place.
pub type Report<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;
