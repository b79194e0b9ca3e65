//! The parent's side of the decoding process: start it, ask it, kill it where it takes too long.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::child::ARGUMENT;
use super::wire::{self, Reply, Request};

/// The longest that one file may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What went wrong with the process rather than with the file's form.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the decoder cannot be started from {program}")]
    Start { program: PathBuf, source: std::io::Error },
    #[error("the decoder broke down over this file, which is damaged or made to do harm")]
    Crash,
    #[error("the decoder did not finish within {limit:?}; the file is damaged or made to do harm")]
    TooLong { limit: Duration },
    #[error("the decoder answered with other pixels than it announced; the file is not shown")]
    BadReply,
}

/// One warm decoding process, started when first asked and again after it broke down.
#[derive(Debug)]
pub(super) struct Decoder {
    program: PathBuf,
    pub(super) limit: Duration,
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
        Self { program, limit, process: None }
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
            match process.ask(request, body, self.limit) {
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

    /// One exchange, watched by a thread that kills the process at the time limit.
    fn ask(
        &mut self,
        request: &Request,
        body: &[&[u8]],
        limit: Duration,
    ) -> Result<(Reply, Vec<u16>), Error> {
        let Self { child, input, output, .. } = self;
        std::thread::scope(|scope| {
            let (done, watch) = mpsc::channel::<()>();
            let watchman = scope.spawn(move || {
                let is_late = watch.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
                if is_late {
                    let _ = child.kill();
                }
                is_late
            });
            let answer = wire::write(input, request, body)
                .map_err(|_| Error::Crash)
                .and_then(|()| receive(output));
            drop(done);
            match watchman.join() {
                Ok(true) => Err(Error::TooLong { limit }),
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
