//! Which device runs the trunk: a GPU that has proved itself in a child process, else the CPU.
//!
//! A driver can answer wrongly, hang, or take its process with it, and none of that can be caught
//! from inside. So a child process (the same executable with [`ARGUMENT`]) finds the adapter, runs
//! the trunk's fixture on it and prints the activations; the parent compares them with the stored
//! ones before it touches any driver. A pass is remembered by adapter, driver and trunk.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::wgpu::WgpuInitError;
use burn::tensor::{Device, DeviceKind};
use serde::{Deserialize, Serialize};

use super::backbone::{Architecture, Input, Trunk};
use super::fixture::Fixture;
use super::tensors::TensorFile;
use super::{DeviceChoice, DeviceReport};
use crate::files;

/// The hidden first argument that turns any of our executables into the trial of a GPU.
pub const ARGUMENT: &str = "--gpu-trial";

/// Makes the child answer wrongly (`wrong`), abort (`crash`) or never answer (`hang`): how tests
/// see that each of them leads to the CPU.
pub const MISBEHAVE: &str = "PRECEDENT_GPU_TRIAL";

/// A passing answer's distance from the stored activations, over their length. Weights of 16 bits
/// alone are 0.0005 off.
const TOLERANCE: f64 = 2e-3;

/// How a trial is held.
#[derive(Debug, Clone)]
pub struct Trial {
    /// An executable of ours, whose `main` begins with [`crate::run_if_child`].
    pub program: PathBuf,
    /// Where passes are remembered; `None`: nowhere.
    pub memory: Option<PathBuf>,
    /// After this the child is ended and the GPU not used.
    pub time_limit: Duration,
}

impl Trial {
    /// This executable, the user's cache folder, half a minute.
    pub fn standard() -> Self {
        let project = directories::ProjectDirs::from("", "", "precedent");
        Self {
            program: std::env::current_exe().unwrap_or_default(),
            memory: project.map(|dirs| dirs.cache_dir().join("gpu-trials.json")),
            time_limit: Duration::from_secs(30),
        }
    }
}

/// One adapter, as the driver describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Adapter {
    name: String,
    driver: String,
    kind: Kind,
}

/// The first adapter of its kind; the order of trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Discrete,
    Integrated,
    Virtual,
    /// A graphics driver that computes on the CPU: never chosen unless asked for.
    Software,
}

/// What the child prints: one line.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    /// No adapter that may be used; `software` names one that was passed over.
    NoAdapter { software: Option<String> },
    /// This adapter passed before, with this driver and this trunk.
    Remembered(Adapter),
    /// What the fixture's pictures became.
    Answered { adapter: Adapter, answer: Vec<f32> },
    /// The adapter was found and gave no answer.
    Failed { adapter: Adapter, reason: String },
}

/// Passes, the newest last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    passed: Vec<String>,
}

/// The CPU, and why.
pub(super) fn cpu(reason: impl Into<String>) -> (Device, DeviceReport) {
    let report = DeviceReport { name: "CPU (flex)".to_owned(), reason: reason.into() };
    (Device::flex(), report)
}

/// The device for this choice. Never fails: whatever is wrong with a GPU, the CPU is left.
pub(crate) fn choose(
    choice: DeviceChoice,
    trunk: &TensorFile,
    architecture: Architecture,
    trial: &Trial,
) -> (Device, DeviceReport) {
    if choice == DeviceChoice::Cpu {
        return cpu("The CPU was asked for");
    }
    let fixture = Fixture::path_beside(trunk.path(), architecture);
    match Fixture::open(&fixture, architecture) {
        Ok(fixture) => match hold(choice, trunk, architecture, trial, &fixture) {
            Ok(adapter) => start(&adapter).unwrap_or_else(cpu),
            Err(sentence) => cpu(sentence),
        },
        Err(_) => cpu(format!(
            "No fixture to try a graphics processor with lies beside the trunk ({}), so the CPU \
             is used",
            fixture.file_name().unwrap_or_default().display()
        )),
    }
}

/// Whether a device of ours is the CPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// Holds the trial in a child; the adapter that passed, or a sentence.
fn hold(
    choice: DeviceChoice,
    trunk: &TensorFile,
    architecture: Architecture,
    trial: &Trial,
    fixture: &Fixture,
) -> Result<Adapter, String> {
    let unusable =
        |what: &str| format!("The graphics processor's trial {what}, so the CPU is used");
    let printed = run_child(choice, trunk, architecture, trial).map_err(|what| unusable(&what))?;
    // The last line: some drivers print lines of their own.
    let reply: Reply = serde_json::from_str(printed.lines().last().unwrap_or_default())
        .map_err(|_| unusable("gave no answer that can be read"))?;
    match reply {
        Reply::NoAdapter { software: None } => {
            Err("No graphics processor was found, so the CPU is used".to_owned())
        }
        Reply::NoAdapter { software: Some(name) } => Err(format!(
            "The only graphics driver found computes on the CPU itself ({name}), so the CPU is \
             used directly"
        )),
        Reply::Failed { adapter, reason } => {
            Err(format!("{} failed its trial ({reason}), so the CPU is used", adapter.name))
        }
        Reply::Remembered(adapter) => Ok(adapter),
        Reply::Answered { adapter, answer } => {
            let error = fixture.error(&answer);
            if error.is_nan() || error > TOLERANCE {
                return Err(format!(
                    "{} answered wrongly in its trial (off by {:.2} %), so the CPU is used",
                    adapter.name,
                    error * 100.0
                ));
            }
            if let Some(memory) = &trial.memory {
                remember(memory, adapter.key(trunk));
            }
            Ok(adapter)
        }
    }
}

/// Runs the child to its end or to the time limit; what it printed, or what went wrong.
fn run_child(
    choice: DeviceChoice,
    trunk: &TensorFile,
    architecture: Architecture,
    trial: &Trial,
) -> Result<String, String> {
    // A file, not a pipe: nobody has to read along, and a child that hangs holds up nothing.
    let output = tempfile::NamedTempFile::new().map_err(|_| "could not be started".to_owned())?;
    let stdout = output.reopen().map_err(|_| "could not be started".to_owned())?;
    let mut child = Command::new(&trial.program)
        .arg(ARGUMENT)
        .arg(if choice == DeviceChoice::Gpu { "gpu" } else { "auto" })
        .arg(architecture.word())
        .arg(trunk.path())
        .args(trial.memory.as_deref())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| "could not be started".to_owned())?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < trial.time_limit => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = trial.time_limit.as_secs_f32();
                return Err(format!("did not end within {seconds:.0} s"));
            }
        }
    };
    if !status.success() {
        return Err(format!("ended badly ({status})"));
    }
    std::fs::read_to_string(output.path()).map_err(|_| "gave no answer that can be read".to_owned())
}

/// Starts a trusted adapter in this process; a sentence where that fails.
fn start(trusted: &Adapter) -> Result<(Device, DeviceReport), String> {
    let failed = |reason: String| {
        format!(
            "{} passed its trial but could not be started ({reason}), so the CPU is used",
            trusted.name
        )
    };
    let (device, adapter) = std::panic::catch_unwind(|| trusted.kind.open())
        .map_err(|_| failed("its driver gave up".to_owned()))?
        .map_err(failed)?;
    if adapter.is_some_and(|adapter| adapter != *trusted) {
        return Err(failed("another one answered to its name".to_owned()));
    }
    let reason = "It passed its trial".to_owned();
    Ok((device, DeviceReport { name: trusted.name.clone(), reason }))
}

impl Kind {
    const GPUS: [Self; 3] = [Self::Discrete, Self::Integrated, Self::Virtual];

    fn device_kind(self) -> DeviceKind {
        match self {
            Self::Discrete => DeviceKind::DiscreteGpu(0),
            Self::Integrated => DeviceKind::IntegratedGpu(0),
            Self::Virtual => DeviceKind::VirtualGpu(0),
            Self::Software => DeviceKind::Cpu,
        }
    }

    /// The device and what its driver says of it; `None` for one that this process runs already.
    fn open(self) -> Result<(Device, Option<Adapter>), String> {
        let options = Device::wgpu_options().device_kind(self.device_kind());
        match options.init_with_setup() {
            Ok((device, setup)) => {
                let info = setup.adapter.get_info();
                let driver = format!(
                    "{} {} {} {:04x}:{:04x}",
                    info.backend, info.driver, info.driver_info, info.vendor, info.device
                );
                Ok((device, Some(Adapter { name: info.name, driver, kind: self })))
            }
            Err(WgpuInitError::Registration { .. }) => Ok((Device::wgpu(self.device_kind()), None)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Adapter {
    /// By what a pass is remembered: another driver, trunk or program must pass anew.
    fn key(&self, trunk: &TensorFile) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("{} | {} | {} | {version}", self.name, self.driver, trunk.hash())
    }
}

fn recall(memory: &Path) -> Memory {
    std::fs::read(memory)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Writes a pass down. Where that fails the trial is held again next time: nothing is lost.
fn remember(memory: &Path, key: String) {
    const KEPT: usize = 32;
    let mut passes = recall(memory);
    passes.passed.retain(|k| *k != key);
    passes.passed.push(key);
    let surplus = passes.passed.len().saturating_sub(KEPT);
    passes.passed.drain(..surplus);
    let Some(dir) = memory.parent() else { return };
    let _ = std::fs::create_dir_all(dir)
        .and_then(|()| files::write_whole(memory, &serde_json::to_vec(&passes)?));
}

/// Runs the trial where this process was started with [`ARGUMENT`].
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != ARGUMENT {
        return None;
    }
    end_in_time();
    let args: Vec<PathBuf> = args.map(PathBuf::from).collect();
    let [choice, architecture, trunk, memory @ ..] = &args[..] else {
        return Some(ExitCode::from(2));
    };
    let architecture = Architecture::from_word(&architecture.to_string_lossy());
    let software_too = choice.as_os_str() == "gpu";
    let reply = architecture.ok_or(()).and_then(|architecture| {
        let trunk = TensorFile::open(trunk).map_err(drop)?;
        sit(software_too, architecture, &trunk, memory.first().map(PathBuf::as_path))
    });
    let printed = reply.and_then(|reply| {
        use std::io::Write;
        let line = serde_json::to_string(&reply).map_err(drop)?;
        writeln!(std::io::stdout().lock(), "{line}").map_err(drop)
    });
    Some(if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The parent ends a child that hangs. One whose parent is gone ends itself.
fn end_in_time() {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(300));
        std::process::exit(3);
    });
}

/// The child's side: finds the adapter and runs the fixture on it.
fn sit(
    software_too: bool,
    architecture: Architecture,
    trunk: &TensorFile,
    memory: Option<&Path>,
) -> Result<Reply, ()> {
    let misbehaviour = std::env::var(MISBEHAVE).unwrap_or_default();
    match misbehaviour.as_str() {
        "crash" => std::process::abort(),
        "hang" => std::thread::sleep(Duration::from_secs(3600)),
        _ => {}
    }
    let gpu = Kind::GPUS.iter().find_map(|kind| kind.open().ok());
    let Some((device, Some(adapter))) =
        gpu.or_else(|| software_too.then(|| Kind::Software.open().ok()).flatten())
    else {
        let software = Kind::Software.open().ok().and_then(|(_, adapter)| adapter);
        return Ok(Reply::NoAdapter { software: software.map(|adapter| adapter.name) });
    };
    let passed = memory.map(recall).unwrap_or_default().passed;
    if misbehaviour.is_empty() && passed.contains(&adapter.key(trunk)) {
        return Ok(Reply::Remembered(adapter));
    }
    let fixture = Fixture::path_beside(trunk.path(), architecture);
    let fixture = Fixture::open(&fixture, architecture).map_err(drop)?;
    let trunk = Trunk::load(trunk, architecture, Input::Rgb, &device).map_err(drop)?;
    Ok(match fixture.answer(&trunk) {
        Ok(mut answer) => {
            if misbehaviour == "wrong" {
                answer.iter_mut().step_by(7).for_each(|v| *v *= 1.05);
            }
            Reply::Answered { adapter, answer }
        }
        Err(failure) => Reply::Failed { adapter, reason: failure.to_string() },
    })
}
