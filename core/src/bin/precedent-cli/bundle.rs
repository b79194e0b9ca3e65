use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use precedent_core::dicom::Reader;
use precedent_core::encoder::bundle::Bundle;
use precedent_core::encoder::device::Trial;
use precedent_core::encoder::make::{self, Ingredients, Recipe, Region, Source};
use precedent_core::encoder::network::Network;
use precedent_core::encoder::tensors::TensorFile;
use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::import::{self, manifest};
use precedent_core::{places, progress::Progress};

use crate::terminal::{self, tell};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make an encoder from the regions of a manifest; only default-lda looks at labels
    Make(MakeArgs),
    /// Check a bundle's hashes and its known answer
    Check(CheckArgs),
}

#[derive(clap::Args)]
struct MakeArgs {
    /// The regions to learn from: a manifest as `library import` takes it
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// The new bundle's folder; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Which encoder: default (outline-weighted NetVLAD, a small network's look, shape and
    /// margin), default-lda (and a part learnt from the outcomes), paper (plain, whitened), mean
    /// (the baseline), laptop and light (as default, on one small network)
    #[arg(long, value_parser = recipe)]
    recipe: Recipe,
    /// On one kind of processor, regions, trunk and seed decide the bundle to the last bit
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Weights of the network for the texture, NETWORK-….safetensors (vgg16, alexnet,
    /// efficientnet_lite0, squeezenet1_1); what ships for the recipe where left out
    #[arg(long, value_name = "FILE")]
    trunk: Option<PathBuf>,
    /// Weights of the small network for the look; the EfficientNet-Lite0 that ships where left out
    #[arg(long, value_name = "FILE")]
    look: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct CheckArgs {
    /// The bundle's folder
    dir: PathBuf,
    /// What runs the convolutions: auto, gpu (any adapter, a software one too) or cpu
    #[arg(long, value_parser = crate::encoder::device, default_value = "auto")]
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
        Verb::Make(args) => make(&args),
        Verb::Check(args) => check(&args),
    }
}

fn make(args: &MakeArgs) -> anyhow::Result<ExitCode> {
    // Before the work, not after it; the writer asks again.
    ensure!(!args.out.exists(), "there is something at {} already", args.out.display());
    let trunk = args.trunk.clone().map_or_else(|| shipped(args.recipe.trunk()), Ok)?;
    let look = match (args.recipe.look(), &args.look) {
        (None, None) => None,
        (None, Some(_)) => bail!("the recipe {} takes no --look", args.recipe.word()),
        (Some(_), Some(brought)) => Some(brought.clone()),
        (Some(word), None) => Some(shipped(word)?),
    };
    let (trunk_network, look_network) =
        (network_of(&trunk)?, look.as_deref().map(network_of).transpose()?);
    let trunk = TensorFile::open(&trunk)?;
    let look = look.as_deref().map(TensorFile::open).transpose()?;

    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    bar.set_style(style.context("progress bar")?);
    let mut report = |progress: Progress| {
        bar.set_message(progress.step);
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    };
    let (regions, sources) = cut_regions(&args.manifest, &mut report)?;
    let look = look.as_ref().zip(look_network);
    let ingredients = Ingredients {
        recipe: args.recipe,
        trunk: Source { network: trunk_network, file: &trunk },
        look: look.map(|(file, network)| Source { network, file }),
        regions: &regions,
        seed: args.seed,
        sources: &sources,
    };
    let made = make::make(&ingredients, &mut report)?;
    bar.finish_and_clear();
    Bundle::write(&args.out, &made)?;
    let encoder = Encoder::open(&args.out, DeviceChoice::Cpu)
        .context("the bundle was written, but does not open")?;

    let mut out = std::io::stdout().lock();
    if args.json {
        let value = serde_json::json!({
            "encoder": encoder.id(), "dims": encoder.dims(), "regions": regions.len(),
        });
        terminal::json(&mut out, &value)?;
    } else {
        tell!(out, "Made {} from {} regions", args.out.display(), regions.len())?;
        tell!(out, "encoder  {}", encoder.id().0)?;
        tell!(out, "dims     {}", encoder.dims())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every region of the manifest, and the collections they are from. A row that cannot be used
/// stops it: an encoder from other regions than were listed would be another encoder.
fn cut_regions(
    path: &Path,
    report: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> anyhow::Result<(Vec<Region>, Vec<String>)> {
    let manifest = manifest::read(path)?;
    if let Some(fault) = manifest.faults.first() {
        bail!("line {} of the manifest: {}", fault.line, fault.reason);
    }
    let mut reader = Reader::new();
    let mut regions = Vec::new();
    for row in &manifest.rows {
        let total = Some(manifest.rows.len() as u64);
        let _ = report(Progress { step: "Cutting regions", done: regions.len() as u64, total });
        let prepared = import::prepare(&mut reader, &manifest.folder, row)
            .map_err(|reason| anyhow!("line {} of the manifest: {reason}", row.line))?;
        let (film, contour) = (&prepared.film, &prepared.contour);
        regions.push(Region::cut(film, contour, row.pathology, prepared.film_hash));
    }
    let sources: BTreeSet<String> = manifest.rows.iter().map(|row| row.source.clone()).collect();
    Ok((regions, sources.into_iter().collect()))
}

/// The weights of a network in the assets.
pub(crate) fn shipped(word: &str) -> anyhow::Result<PathBuf> {
    let folder = places::assets().join("trunks");
    let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let trunks = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{word}-")) && !name.contains("fixture")
    });
    trunks.min().with_context(|| format!("no weights of {word} in {}", folder.display()))
}

/// A file of weights is named after its network.
pub(crate) fn network_of(file: &Path) -> anyhow::Result<Network> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let word = name.split(['-', '.']).next().unwrap_or_default();
    Network::from_word(word).with_context(|| {
        format!(
            "the file's name must begin with its network (vgg16-, alexnet-, efficientnet_lite0-, \
             squeezenet1_1-): {name}"
        )
    })
}

/// A recipe from its word.
fn recipe(word: &str) -> Result<Recipe, String> {
    Recipe::from_word(word).ok_or_else(|| {
        let words: Vec<_> = Recipe::ALL.into_iter().map(Recipe::word).collect();
        format!("write one of {}", words.join(", "))
    })
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
        terminal::json(&mut out, &value)?;
    } else {
        tell!(out, "Sound: {}", args.dir.display())?;
        tell!(out, "encoder  {}", encoder.id().0)?;
        tell!(out, "device   {} ({})", report.name, report.reason)?;
    }
    Ok(ExitCode::SUCCESS)
}
