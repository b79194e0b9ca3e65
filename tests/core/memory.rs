//! What processes hold, as Linux tells it.

use std::fs;
use std::io::Write;
use std::process::Command;

/// A process: this one, or one that it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// The processes that this one started and that still run: decoders.
    pub(crate) fn children() -> Vec<Self> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let own = u64::from(std::process::id());
        pids.map(Self).filter(|process| process.status("PPid") == Some(own)).collect()
    }

    /// This one and its decoders.
    pub(crate) fn family() -> Vec<Self> {
        [vec![Self::own()], Self::children()].concat()
    }

    fn status(self, key: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(self) -> Option<u64> {
        self.status("VmRSS")
    }

    /// The most resident memory in KiB since [`Self::forget_peak`].
    pub(crate) fn peak(self) -> Option<u64> {
        self.status("VmHWM")
    }

    pub(crate) fn forget_peak(self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }

    pub(crate) fn threads(self) -> Option<u64> {
        self.status("Threads")
    }

    /// Open files, pipes and the like.
    pub(crate) fn handles(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).map_or(0, Iterator::count)
    }
}

/// This process and its decoders, looked for again when one of them is gone.
#[derive(Default)]
pub(crate) struct Family(Vec<Process>);

impl Family {
    fn members(&mut self) -> &[Process] {
        let own = u64::from(std::process::id());
        let is_there =
            |process: &Process| *process == Process::own() || process.status("PPid") == Some(own);
        if self.0.len() < 2 || !self.0.iter().all(is_there) {
            self.0 = Process::family();
        }
        &self.0
    }

    /// The most that they held together during some work, in KiB; an upper bound, for each may have
    /// held its most at another time.
    pub(crate) fn peak_during<T>(&mut self, work: impl FnOnce() -> T) -> (T, u64) {
        self.members().iter().for_each(|process| process.forget_peak());
        let done = work();
        (done, self.members().iter().filter_map(|process| process.peak()).sum())
    }
}

/// Runs the test of this name again, in a process of its own, and does the work there: memory is
/// counted by process, and other tests run beside this one. What it [`say`]s is passed on. There,
/// and in its decoders, the allocator gives back at once what was freed (glibc's tunables of
/// mallopt(3)), or its spare pages would drown what is held.
pub(crate) fn alone(test: &str, work: impl FnOnce()) {
    const MARK: &str = "PRECEDENT_ALONE";
    if std::env::var_os(MARK).is_some() {
        return work();
    }
    let mut program = Command::new(std::env::current_exe().expect("it runs"));
    program.args([test, "--exact", "--nocapture"]).env(MARK, "1").envs([
        ("MALLOC_ARENA_MAX", "1"),
        ("MALLOC_MMAP_THRESHOLD_", "65536"),
        ("MALLOC_TRIM_THRESHOLD_", "0"),
    ]);
    let output = program.output().expect("it can be started");
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{words}");
    assert!(words.contains(" 1 passed"), "there is no test {test}");
    let said = |line: &&str| line.starts_with("measured") || line.starts_with("skipped");
    say(&words.lines().filter(said).collect::<Vec<_>>().join("\n"));
}

/// Prints a line that `cargo test` does not swallow.
pub(crate) fn say(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}
