use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use precedent_core::encoder::device::Trial;
use precedent_core::encoder::{DeviceChoice, Encoder};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Check a bundle's hashes and its known answer
    Check(CheckArgs),
}

#[derive(clap::Args)]
struct CheckArgs {
    /// The bundle's folder
    dir: PathBuf,
    /// What runs the convolutions: auto, gpu (any adapter, a software one too) or cpu
    #[arg(long, value_parser = device, default_value = "auto")]
    device: DeviceChoice,
    /// Seconds after which a silent graphics processor is given up
    #[arg(long, default_value_t = 30)]
    trial_seconds: u64,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Check(args) => check(&args),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let time_limit = std::time::Duration::from_secs(args.trial_seconds);
    let trial = Trial { time_limit, ..Trial::standard() };
    let encoder = Encoder::open_with(&args.dir, args.device, &trial)?;
    let report = encoder.device();
    let mut out = std::io::stdout().lock();
    if args.json {
        let value = serde_json::json!({
            "encoder": encoder.id(), "dims": encoder.dims(), "device": report,
        });
        writeln!(out, "{value}")?;
    } else {
        writeln!(out, "Sound: {}", args.dir.display())?;
        writeln!(out, "encoder  {}", encoder.id().0)?;
        writeln!(out, "device   {} ({})", report.name, report.reason)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn device(word: &str) -> Result<DeviceChoice, String> {
    match word {
        "auto" => Ok(DeviceChoice::Auto),
        "gpu" => Ok(DeviceChoice::Gpu),
        "cpu" => Ok(DeviceChoice::Cpu),
        _ => Err("write auto, gpu or cpu".to_owned()),
    }
}
