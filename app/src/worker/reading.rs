//! Whose turn it is to be read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use precedent_core::dicom::Stop;

use super::Request;
use crate::state::FilmId;

/// Which film is being read and which is to be shown: what is opened or shown waits for no other.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) now: Option<FilmId>,
    wanted: Option<FilmId>,
}

impl Reading {
    /// Something new is asked for: what is in its way ends.
    pub(super) fn want(&mut self, request: &Request, stop: &Stop) {
        self.wanted = match request {
            Request::Read { film, is_shown: true, .. } => Some(*film),
            Request::List { .. } => None,
            _ => return,
        };
        if self.now.is_some() && self.now != self.wanted {
            stop.now();
        }
    }

    /// The thread takes up a request; an error is the film that is no longer the one to be shown.
    pub(super) fn begin(&mut self, request: &Request, stop: &Stop) -> Result<(), FilmId> {
        self.now = None;
        if let Request::Read { film, is_shown, .. } = request {
            if *is_shown && self.wanted != Some(*film) {
                return Err(*film);
            }
            self.now = Some(*film);
        }
        stop.go_on();
        Ok(())
    }
}

pub(super) fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}
