//! What each thread does for a request.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use precedent_core::dicom::{self, DecoderError};
use precedent_core::geometry::ImagePoint;
use precedent_core::mammogram::Mammogram;
use precedent_core::measures;
use precedent_core::progress::Report;
use precedent_core::segmentation::{Correction, Outliner, Prompt, RELIABLE};

use super::{FindCases, LibraryOpened, OpenCases, ReadFilms, Reply, Request};
use crate::journal::Journal;
use crate::pyramid::Pyramid;
use crate::state::{Marked, ReadFilm, ReadPicture};

pub(super) fn films_reply(
    reader: &mut dyn ReadFilms,
    journal: Option<&Journal>,
    request: Request,
    report: &mut Report<'_>,
) -> Option<Reply> {
    match request {
        Request::List { paths } => Some(match reader.list(&paths, report) {
            ControlFlow::Continue(listing) => Reply::Listed(listing),
            ControlFlow::Break(()) => Reply::ListingStopped,
        }),
        Request::Read { film, path, frame_idx, .. } => {
            let start = Instant::now();
            let read = reader.read(&path, frame_idx);
            if read.as_ref().is_err_and(is_stopped) {
                return Some(Reply::Stopped { film });
            }
            let result = read.map_err(sentence).map(|mammogram| {
                let pyramid = Arc::new(Pyramid::new(&mammogram));
                let kept = journal.and_then(|journal| journal.recall(&mammogram)).map(|outline| {
                    let measures = measures::measure(&mammogram, &outline.contour);
                    Marked { outline, measures }
                });
                let read_time = start.elapsed();
                let mammogram = Arc::new(mammogram);
                let as_read = Arc::clone(&mammogram);
                ReadFilm { as_read, mammogram, pyramid, read_time, kept: kept.map(Box::new) }
            });
            Some(Reply::Read { film, frame_idx, result })
        }
        _ => None,
    }
}

fn is_stopped(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<dicom::Error>();
    matches!(error, Some(dicom::Error::Decoder(DecoderError::Stopped)))
}

pub(super) fn outline_reply(
    outliner: &mut Option<(Arc<Mammogram>, Outliner)>,
    journal: Option<&Journal>,
    request: Request,
) -> Option<Reply> {
    match request {
        Request::Outline { generation, mammogram, prompt, corrections } => {
            let (is_doubtful, result) = with_outliner(outliner, &mammogram, |solver| {
                outlined(solver, prompt, &corrections)
            });
            Some(Reply::Outline { generation, is_doubtful, result })
        }
        Request::Signal { film, mammogram, at } => {
            let is_reliable = with_outliner(outliner, &mammogram, |solver| is_reliable(solver, at));
            Some(Reply::Signal { film, at, is_reliable })
        }
        Request::Texture { mammogram, contour } => {
            let texture = measures::texture(&mammogram, &contour);
            Some(Reply::Texture { contour, texture })
        }
        Request::Keep { frame_hash, outline } => {
            let kept = journal?.keep(&frame_hash, outline.as_ref());
            kept.err().map(|error| {
                let why =
                    "this outline would be lost in a crash, for the journal cannot be written";
                Reply::NotKept(format!("{why}: {error}"))
            })
        }
        _ => None,
    }
}

/// Works with the film's outliner, the one of last time where it is the same film.
fn with_outliner<T>(
    outliner: &mut Option<(Arc<Mammogram>, Outliner)>,
    mammogram: &Arc<Mammogram>,
    work: impl FnOnce(&mut Outliner) -> T,
) -> T {
    // Taken out while it works: after a panic a new one is made.
    let kept = outliner.take().filter(|(film, _)| Arc::ptr_eq(film, mammogram));
    let (film, mut solver) =
        kept.unwrap_or_else(|| (Arc::clone(mammogram), Outliner::new(Arc::clone(mammogram))));
    let done = work(&mut solver);
    *outliner = Some((film, solver));
    done
}

/// The outline with its numbers; first, whether around a click is no reliable mass.
fn outlined(
    solver: &mut Outliner,
    prompt: Prompt,
    corrections: &[Correction],
) -> (bool, Result<Marked, String>) {
    let result = solver
        .outline(prompt, corrections)
        .map(|outline| Marked { measures: solver.measure(&outline.contour), outline })
        .map_err(|error| sentence(error.into()));
    let is_doubtful = match prompt {
        // Asked where an outline begins, not again with each thing that mends it.
        Prompt::Click(place) if corrections.is_empty() => !is_reliable(solver, place),
        _ => false,
    };
    (is_doubtful, result)
}

fn is_reliable(solver: &mut Outliner, place: ImagePoint) -> bool {
    solver.signal_at(place).is_ok_and(|signal| signal >= RELIABLE)
}

pub(super) fn cases_reply(
    open: &OpenCases,
    cases: &mut Option<Box<dyn FindCases>>,
    request: Request,
) -> Option<Reply> {
    const NONE_OPEN: &str = "no case library is open; choose one with Find, Open library";
    match request {
        Request::OpenLibrary { library, encoder, device } => {
            *cases = None;
            let start = Instant::now();
            let result = open(&library, &encoder, device).map_err(sentence).map(|opened| {
                let (counts, device) = (opened.counts(), opened.device());
                let atlas = Arc::new(opened.atlas());
                *cases = Some(opened);
                LibraryOpened { counts, device, open_time: start.elapsed(), atlas }
            });
            Some(Reply::LibraryOpened(result))
        }
        Request::Retrieve { generation, mammogram, contour, query } => {
            let result = match cases {
                Some(cases) => cases.retrieve(&mammogram, &contour, &query).map_err(sentence),
                None => Err(NONE_OPEN.to_owned()),
            };
            Some(Reply::Neighbours { generation, result })
        }
        Request::Picture { case } => {
            let result = match cases {
                Some(cases) => cases.picture(&case).map_err(sentence).map(|mammogram| {
                    let pyramid = Arc::new(Pyramid::new(&mammogram));
                    ReadPicture { mammogram: Arc::new(mammogram), pyramid }
                }),
                None => Err(NONE_OPEN.to_owned()),
            };
            Some(Reply::Picture { case, result })
        }
        _ => None,
    }
}

/// The whole chain of an error as one sentence; a link that only repeats the one above is left out.
fn sentence(error: anyhow::Error) -> String {
    let mut text = String::new();
    for link in error.chain().map(ToString::to_string) {
        if !text.contains(&link) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&link);
        }
    }
    text
}
