//! The threads behind the window: requests in, replies out, both closed.
//!
//! Three threads, because three waits were measured that must not wait for one another: a film of
//! JPEG 2000 takes seconds, the contour under a moving hand must answer within a frame, and a
//! search waits for the encoder. None knows the window's state: a request carries all it needs,
//! a reply says what it answers, and `update` drops what has become stale.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use precedent_core::case::CaseId;
use precedent_core::dicom::Stop;
use precedent_core::encoder::{DeviceChoice, DeviceReport};
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::mammogram::Mammogram;
use precedent_core::measures::{Atlas, Texture};
use precedent_core::progress::{Progress, Report};
use precedent_core::retrieval::{Counts, Neighbours, Query};
use precedent_core::segmentation::{Correction, Outline, Prompt};

use crate::journal::Journal;
use crate::listing::Listing;
use crate::state::{FilmId, Marked, ReadFilm, ReadPicture};

mod reading;
mod work;

use reading::{Reading, lock};
use work::{cases_reply, films_reply, outline_reply};

/// What is asked of a thread.
#[derive(Debug)]
pub enum Request {
    List {
        paths: Vec<PathBuf>,
    },
    Read {
        film: FilmId,
        path: PathBuf,
        /// From 0.
        frame_idx: u32,
        is_shown: bool,
    },
    Outline {
        generation: u64,
        mammogram: Arc<Mammogram>,
        prompt: Prompt,
        corrections: Vec<Correction>,
    },
    /// Whether a mass stands out around a place.
    Signal {
        film: FilmId,
        mammogram: Arc<Mammogram>,
        at: ImagePoint,
    },
    /// The texture inside a contour.
    Texture {
        mammogram: Arc<Mammogram>,
        contour: Contour,
    },
    /// Writes a film's outline to the journal; `None` forgets it.
    Keep {
        frame_hash: [u8; 32],
        outline: Option<Outline>,
    },
    OpenLibrary {
        library: PathBuf,
        encoder: PathBuf,
        device: DeviceChoice,
    },
    Retrieve {
        generation: u64,
        mammogram: Arc<Mammogram>,
        contour: Contour,
        query: Query,
    },
    Picture {
        case: CaseId,
    },
}

/// What came of it; an error is the sentence to show.
#[derive(Debug)]
pub enum Reply {
    /// How far the looking through files is.
    Listing(Progress),
    Listed(Listing),
    /// It was given up.
    ListingStopped,
    Read {
        film: FilmId,
        frame_idx: u32,
        result: Result<ReadFilm, String>,
    },
    /// Reading was given up for the film that is to be shown.
    Stopped {
        film: FilmId,
    },
    Outline {
        generation: u64,
        /// Around the click is no reliable mass.
        is_doubtful: bool,
        result: Result<Marked, String>,
    },
    Signal {
        film: FilmId,
        at: ImagePoint,
        is_reliable: bool,
    },
    /// Belongs to this very contour and no other.
    Texture {
        contour: Contour,
        texture: Option<Texture>,
    },
    /// An outline could not be written to the journal.
    NotKept(String),
    LibraryOpened(Result<LibraryOpened, String>),
    Neighbours {
        generation: u64,
        result: Result<Neighbours, String>,
    },
    Picture {
        case: CaseId,
        result: Result<ReadPicture, String>,
    },
}

#[derive(Debug, Clone)]
pub struct LibraryOpened {
    pub counts: Counts,
    pub device: DeviceReport,
    pub open_time: Duration,
    pub atlas: Arc<Atlas>,
}

/// The part of the core that opens a file, so that a test can stand in for it.
pub trait ReadFilms: Send {
    /// The films under these paths; `Break` where `report` asked to stop.
    fn list(&mut self, paths: &[PathBuf], report: &mut Report<'_>) -> ControlFlow<(), Listing>;
    /// One frame of a file, from 0.
    fn read(&mut self, path: &Path, frame_idx: u32) -> anyhow::Result<Mammogram>;
    /// What makes a read end at once, from another thread.
    fn stop(&self) -> Stop {
        Stop::default()
    }
}

/// The part of the core that knows cases, so that a test can stand in for it.
pub trait FindCases: Send {
    fn counts(&self) -> Counts;
    fn device(&self) -> DeviceReport;
    fn atlas(&self) -> Atlas;
    fn picture(&self, case: &CaseId) -> anyhow::Result<Mammogram>;
    fn retrieve(
        &self,
        mammogram: &Mammogram,
        contour: &Contour,
        query: &Query,
    ) -> anyhow::Result<Neighbours>;
}

/// How often long work tells how far it is.
const TELL_EVERY: Duration = Duration::from_millis(100);

type OpenCases =
    dyn Fn(&Path, &Path, DeviceChoice) -> anyhow::Result<Box<dyn FindCases>> + Send + 'static;

/// What the threads work with.
pub struct Tools {
    pub reader: Box<dyn ReadFilms>,
    /// `None` keeps no outlines.
    pub journal: Option<Journal>,
    pub open_cases: Box<OpenCases>,
}

/// The window's end of the threads.
pub struct Desk {
    films: Sender<Request>,
    reading: Arc<Mutex<Reading>>,
    stop: Stop,
    outlines: Sender<Request>,
    cases: Sender<Request>,
    replies: Receiver<Reply>,
}

impl Desk {
    /// Starts the threads; `wake` is called after each reply.
    pub fn new(tools: Tools, wake: impl Fn() + Send + Clone + 'static) -> Self {
        let (reply_to, replies) = channel();
        let Tools { mut reader, journal, open_cases } = tools;
        let recalled = journal.clone();
        let (stop, reading) = (reader.stop(), Arc::new(Mutex::new(Reading::default())));
        let (go_on, turn) = (stop.clone(), Arc::clone(&reading));
        let (progress_to, wake_window) = (reply_to.clone(), wake.clone());
        let films = start("films", reply_to.clone(), wake.clone(), move |request| {
            if let Err(film) = lock(&turn).begin(&request, &go_on) {
                return Some(Reply::Stopped { film });
            }
            let mut told = Instant::now();
            let mut report = |progress| {
                if told.elapsed() >= TELL_EVERY {
                    told = Instant::now();
                    if progress_to.send(Reply::Listing(progress)).is_ok() {
                        wake_window();
                    }
                }
                lock(&turn).listing_goes_on()
            };
            let reply = films_reply(reader.as_mut(), recalled.as_ref(), request, &mut report);
            lock(&turn).end();
            reply
        });
        let mut outliner = None;
        let outlines = start("outlines", reply_to.clone(), wake.clone(), move |request| {
            outline_reply(&mut outliner, journal.as_ref(), request)
        });
        let mut cases_open = None;
        let cases = start("cases", reply_to, wake, move |request| {
            cases_reply(open_cases.as_ref(), &mut cases_open, request)
        });
        Self { films, reading, stop, outlines, cases, replies }
    }

    pub fn send(&self, request: Request) {
        lock(&self.reading).want(&request, &self.stop);
        let thread = match &request {
            Request::List { .. } | Request::Read { .. } => &self.films,
            Request::Outline { .. }
            | Request::Signal { .. }
            | Request::Texture { .. }
            | Request::Keep { .. } => &self.outlines,
            Request::OpenLibrary { .. } | Request::Retrieve { .. } | Request::Picture { .. } => {
                &self.cases
            }
        };
        if thread.send(request).is_err() {
            tracing::error!("a worker thread has ended");
        }
    }

    /// Gives up the looking through files.
    pub fn stop_listing(&self) {
        lock(&self.reading).stop_listing(&self.stop);
    }

    /// The replies that have come since the last call.
    pub fn replies(&self) -> Vec<Reply> {
        self.replies.try_iter().collect()
    }
}

/// One thread: takes the most pressing request, skips outdated ones, lives through a panic.
fn start(
    name: &str,
    reply_to: Sender<Reply>,
    wake: impl Fn() + Send + 'static,
    mut work: impl FnMut(Request) -> Option<Reply> + Send + 'static,
) -> Sender<Request> {
    let (sender, requests) = channel();
    let run = move || {
        let mut queue = VecDeque::new();
        while let Some(request) = next(&requests, &mut queue) {
            let failed = failed(&request);
            let reply = match catch_unwind(AssertUnwindSafe(|| work(request))) {
                Ok(reply) => reply,
                Err(_) => Some(failed),
            };
            if let Some(reply) = reply {
                if reply_to.send(reply).is_err() {
                    return;
                }
                wake();
            }
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .expect("the system starts threads, or the window would not have opened");
    sender
}

/// Waits for a request, then looks through all that wait.
fn next(requests: &Receiver<Request>, queue: &mut VecDeque<Request>) -> Option<Request> {
    if queue.is_empty() {
        queue.push_back(requests.recv().ok()?);
    }
    queue.extend(requests.try_iter());
    // What was just opened, then the shown film before the others of its folder; the ten pictures
    // after the next ten.
    let pressing = |request: &Request| match request {
        Request::List { .. } => 3,
        Request::Read { is_shown: true, .. } => 2,
        Request::Picture { .. } | Request::Signal { .. } | Request::Texture { .. } => 0,
        _ => 1,
    };
    let idx = (0..queue.len()).max_by_key(|&i| (pressing(&queue[i]), std::cmp::Reverse(i)))?;
    let request = queue.remove(idx)?;
    if queue.iter().any(|later| outdates(later, &request)) {
        return next(requests, queue);
    }
    Some(request)
}

fn outdates(later: &Request, earlier: &Request) -> bool {
    match (later, earlier) {
        // Of one film the frame that is wanted last.
        (
            Request::Read { film, frame_idx, .. },
            Request::Read { film: other, frame_idx: o, .. },
        ) => film == other && frame_idx != o,
        (Request::Outline { .. }, Request::Outline { .. })
        | (Request::Signal { .. }, Request::Signal { .. })
        | (Request::Texture { .. }, Request::Texture { .. })
        | (Request::Retrieve { .. }, Request::Retrieve { .. })
        | (Request::OpenLibrary { .. }, Request::OpenLibrary { .. }) => true,
        _ => false,
    }
}

/// The reply where the work on a request panicked.
fn failed(request: &Request) -> Reply {
    let fault = |what: &str| {
        format!(
            "{what} met a fault in Precedent itself; nothing was changed, and the log says where"
        )
    };
    match request {
        Request::List { paths } => Reply::Listed(Listing {
            films: Vec::new(),
            passed_over: paths.iter().map(|path| crate::state::name(path)).collect(),
        }),
        Request::Read { film, frame_idx, .. } => Reply::Read {
            film: *film,
            frame_idx: *frame_idx,
            result: Err(fault("reading this film")),
        },
        Request::Outline { generation, .. } => {
            let (generation, result) = (*generation, Err(fault("outlining")));
            Reply::Outline { generation, is_doubtful: false, result }
        }
        // Nothing is claimed that is not known.
        Request::Signal { film, at, .. } => {
            Reply::Signal { film: *film, at: *at, is_reliable: true }
        }
        Request::Texture { contour, .. } => {
            Reply::Texture { contour: contour.clone(), texture: None }
        }
        Request::Keep { .. } => Reply::NotKept(fault("keeping the outline")),
        Request::OpenLibrary { .. } => {
            Reply::LibraryOpened(Err(fault("opening the library and its encoder")))
        }
        Request::Retrieve { generation, .. } => {
            Reply::Neighbours { generation: *generation, result: Err(fault("the search")) }
        }
        Request::Picture { case } => {
            Reply::Picture { case: case.clone(), result: Err(fault("this picture")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline_request(generation: u64) -> Request {
        let film = crate::testing::film(8, 8, |_, _| 0);
        let prompt = Prompt::Click(precedent_core::geometry::ImagePoint::new(1.0, 1.0));
        Request::Outline { generation, mammogram: Arc::new(film), prompt, corrections: Vec::new() }
    }

    #[test]
    fn of_a_burst_only_the_newest_outline_is_worked_on() {
        let (sender, requests) = channel();
        (1..=20).for_each(|generation| {
            sender.send(outline_request(generation)).expect("the receiver lives");
        });
        let mut queue = VecDeque::new();
        let first = next(&requests, &mut queue).expect("one is left");
        assert!(matches!(first, Request::Outline { generation: 20, .. }));
        assert!(queue.is_empty());
    }

    #[test]
    fn the_shown_film_is_read_before_the_others() {
        let (sender, requests) = channel();
        for (id, is_shown) in [(1, false), (2, false), (3, true)] {
            let path = PathBuf::from("x");
            sender
                .send(Request::Read { film: FilmId(id), path, is_shown, frame_idx: 0 })
                .expect("the receiver lives");
        }
        let mut queue = VecDeque::new();
        let order: Vec<u64> = (0..3)
            .map(|_| match next(&requests, &mut queue) {
                Some(Request::Read { film, .. }) => film.0,
                other => panic!("not a read: {other:?}"),
            })
            .collect();
        assert_eq!(order, [3, 1, 2]);
    }

    #[test]
    fn a_panic_is_a_failed_reply_and_the_thread_lives_on() {
        struct Panics;
        impl ReadFilms for Panics {
            fn list(&mut self, _: &[PathBuf], _: &mut Report<'_>) -> ControlFlow<(), Listing> {
                ControlFlow::Continue(Listing::default())
            }

            fn read(&mut self, path: &Path, _: u32) -> anyhow::Result<Mammogram> {
                assert!(path != Path::new("bad"), "as the test wants it");
                anyhow::bail!("not bad")
            }
        }
        let tools = Tools {
            reader: Box::new(Panics),
            journal: None,
            open_cases: Box::new(|_, _, _| anyhow::bail!("no cases here")),
        };
        let desk = Desk::new(tools, || ());
        for (id, path) in [(1, "bad"), (2, "good")] {
            desk.send(Request::Read {
                film: FilmId(id),
                path: path.into(),
                is_shown: false,
                frame_idx: 0,
            });
        }
        let answer = || match desk.replies.recv_timeout(Duration::from_secs(20)) {
            Ok(Reply::Read { film, result: Err(text), .. }) => (film.0, text),
            other => panic!("not a failed read: {other:?}"),
        };
        let (id, text) = answer();
        assert_eq!(id, 1);
        assert!(text.contains("fault in Precedent"), "{text}");
        assert_eq!(answer(), (2, "not bad".to_owned()));
    }
}
