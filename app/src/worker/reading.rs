//! Whose turn it is to be read.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use precedent_core::dicom::Stop;

use super::Request;
use crate::state::FilmId;

/// Which film is being read and which is to be shown: what is opened or shown waits for no other.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) now: Option<FilmId>,
    wanted: Option<FilmId>,
    /// Files are being looked through, or are waiting for it.
    is_list_wanted: bool,
    is_listing: bool,
}

impl Reading {
    /// Something new is asked for: what is in its way ends.
    pub(super) fn want(&mut self, request: &Request, stop: &Stop) {
        self.wanted = match request {
            Request::Read { film, is_shown: true, .. } => Some(*film),
            Request::List { .. } => {
                self.is_list_wanted = true;
                None
            }
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
        self.is_listing = matches!(request, Request::List { .. });
        stop.go_on();
        Ok(())
    }

    /// The thread has done what it took up.
    pub(super) fn end(&mut self) {
        self.now = None;
        self.is_listing = false;
    }

    pub(super) fn listing_goes_on(&self) -> ControlFlow<()> {
        if self.is_list_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Ends the looking through files, also in the middle of a slow one.
    pub(super) fn stop_listing(&mut self, stop: &Stop) {
        self.is_list_wanted = false;
        if self.is_listing {
            stop.now();
        }
    }
}

pub(super) fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}
