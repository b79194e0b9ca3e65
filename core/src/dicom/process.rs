//! The parent's side of the decoding process: start it, ask it, kill it where it takes too long.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::child::ARGUMENT;
use super::wire::{self, Reply, Request};

/// The longest that one file may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How soon a wish to stop is seen.
const TICK: Duration = Duration::from_millis(20);

/// Ends what a reader is doing, from any thread, and all that it is asked until it may go on.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn go_on(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What went wrong with the process rather than with the file's form.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the decoder cannot be started from {program}")]
    Start { program: PathBuf, source: std::io::Error },
    #[error("the decoder broke down over this file, which is damaged or made to do harm")]
    Crash,
    #[error("the decoder did not finish within {limit:?}; the file is damaged or made to do harm")]
    TooLong { limit: Duration },
    #[error("reading was stopped before its end")]
    Stopped,
    #[error("the decoder answered with other pixels than it announced; the file is not shown")]
    BadReply,
}

/// One warm decoding process, started when first asked and again after it broke down.
#[derive(Debug)]
pub(super) struct Decoder {
    program: PathBuf,
    pub(super) limit: Duration,
    pub(super) stop: Stop,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    has_answered: bool,
}

impl Decoder {
    pub(super) fn new(program: PathBuf, limit: Duration) -> Self {
        Self { program, limit, stop: Stop::default(), process: None }
    }

    /// Asks for one file. A breakdown of a process that has served before may be its own fault:
    /// then a fresh one is asked once more.
    pub(super) fn ask(
        &mut self,
        request: &Request,
        body: &[&[u8]],
    ) -> Result<(Reply, Vec<u16>), Error> {
        loop {
            let mut process = match self.process.take() {
                Some(process) => process,
                None => Process::start(&self.program)?,
            };
            match process.ask(request, body, self.limit, &self.stop) {
                Ok(answer) => {
                    process.has_answered = true;
                    self.process = Some(process);
                    return Ok(answer);
                }
                Err(Error::Crash) if process.has_answered => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Process {
    fn start(program: &Path) -> Result<Self, Error> {
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Start { program: program.to_owned(), source })?;
        let input = child.stdin.take().expect("its input is piped");
        let output = child.stdout.take().expect("its output is piped");
        Ok(Self { child, input, output, has_answered: false })
    }

    /// One exchange, watched by a thread that kills the process at the time limit or when asked to.
    fn ask(
        &mut self,
        request: &Request,
        body: &[&[u8]],
        limit: Duration,
        stop: &Stop,
    ) -> Result<(Reply, Vec<u16>), Error> {
        let Self { child, input, output, .. } = self;
        std::thread::scope(|scope| {
            let (done, watch) = mpsc::channel::<()>();
            let watchman = scope.spawn(move || {
                let start = Instant::now();
                while watch.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    let is_late = start.elapsed() >= limit;
                    if is_late || stop.is_asked() {
                        let _ = child.kill();
                        return Some(if is_late {
                            Error::TooLong { limit }
                        } else {
                            Error::Stopped
                        });
                    }
                }
                None
            });
            let answer = wire::write(input, request, body)
                .map_err(|_| Error::Crash)
                .and_then(|()| receive(output));
            drop(done);
            match watchman.join() {
                Ok(Some(error)) => Err(error),
                _ => answer,
            }
        })
    }
}

/// The reply, with as many samples as its rows and columns call for.
fn receive(output: &mut ChildStdout) -> Result<(Reply, Vec<u16>), Error> {
    let answer = wire::read::<Reply>(output);
    let (reply, length) = answer.ok().flatten().ok_or(Error::Crash)?;
    let pixels = match &reply {
        Reply::Shown(attributes) => u64::from(attributes.rows) * u64::from(attributes.columns),
        _ => 0,
    };
    if length != 2 * pixels || pixels > super::guard::MAX_PIXELS {
        return Err(Error::BadReply);
    }
    let mut samples = vec![0_u16; pixels as usize];
    output.read_exact(bytemuck::cast_slice_mut(&mut samples)).map_err(|_| Error::Crash)?;
    Ok((reply, samples))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
