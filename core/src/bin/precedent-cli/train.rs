use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use precedent_core::dicom::Reader;
use precedent_core::encoder::backbone::Architecture;
use precedent_core::encoder::bundle::{self, Bundle};
use precedent_core::encoder::device::Trial;
use precedent_core::encoder::network::Network;
use precedent_core::encoder::tensors::TensorFile;
use precedent_core::encoder::views::View;
use precedent_core::encoder::{DeviceChoice, Encoder};
use precedent_core::import::manifest;
use precedent_core::progress::{Progress, Report};
use precedent_core::training::config::{Config, LabelPositives};
use precedent_core::training::maps::MapCache;
use precedent_core::training::material::{Material, cache_folder};
use precedent_core::training::positives::PositiveSource;
use precedent_core::training::{self, Course, Outcome, Start, motion};

use crate::terminal::{self, tell};

/// Of the run's folder: its bundle.
const ENCODER: &str = "encoder";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The regions to learn from: a manifest as `library import` takes it
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Regions that take part without their outcome, which the list may leave out: in clusters,
    /// PCA and augmented positives
    #[arg(long, value_name = "FILE")]
    unlabelled: Vec<PathBuf>,
    /// The run's folder: configuration, curve, log and checkpoint, and at the end the bundle in
    /// DIR/encoder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The paper's numbers, or those of the authors of NetVLAD
    #[arg(long, value_enum, default_value = "paper", conflicts_with = "resume")]
    preset: Preset,
    /// A training.toml whose values replace the preset's
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// One value of training.toml, such as learning_rate=0.001; may be given often
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "resume")]
    set: Vec<String>,
    #[command(flatten)]
    numbers: Numbers,
    /// Weights of the convolutions, NETWORK-….safetensors; the VGG-16 that ships where left out
    #[arg(long, value_name = "FILE")]
    trunk: Option<PathBuf>,
    /// Go on with the run in DIR from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// End after so many minutes, as after the last epoch; --resume goes on from there
    #[arg(long, value_name = "N", value_parser = minutes)]
    minutes: Option<Duration>,
    /// Folder for maps below the last block, which are computed once; the user's cache where left
    /// out
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Largest size of that folder
    #[arg(long, value_name = "MB", default_value_t = 8192)]
    cache_mb: u64,
    /// What computes the steps: auto, gpu (any adapter, a software one too) or cpu
    #[arg(long, value_parser = crate::encoder::device, default_value = "auto")]
    device: DeviceChoice,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Numbers {
    /// On one kind of processor, regions, configuration and seed decide the weights to the last bit
    #[arg(long, conflicts_with = "resume")]
    seed: Option<u64>,
    /// How often each region is a query
    #[arg(long)]
    epochs: Option<usize>,
    /// Tuples of a step
    #[arg(long, conflicts_with = "resume")]
    batch: Option<usize>,
    /// m of the ranking loss
    #[arg(long, conflicts_with = "resume")]
    margin: Option<f64>,
    #[arg(long, conflicts_with = "resume")]
    learning_rate: Option<f64>,
    #[arg(long, conflicts_with = "resume")]
    momentum: Option<f64>,
    #[arg(long, conflicts_with = "resume")]
    weight_decay: Option<f64>,
    /// K, the clusters of NetVLAD
    #[arg(long, conflicts_with = "resume")]
    clusters: Option<usize>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Preset {
    Paper,
    Reference,
}

const AFTER_HELP: &str = "\
Every value can be changed: --config FILE, --set KEY=VALUE, or its own option, the later before the
earlier. DIR/training.toml says what a run was made with. DIR/curve.csv, loss.svg and
validation.svg show how it goes while it runs; DIR/log has each tuple with the source of its
positive. A run that was killed goes on with --resume and ends at the same weights.";

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let encoder = args.out.join(ENCODER);
    // Before the work, not after it; the writer asks again.
    ensure!(
        args.resume || !encoder.exists(),
        "there is a finished encoder at {} already",
        encoder.display()
    );
    let (config, start) = configuration(&args)?;
    let trunk = args.trunk.clone().map_or_else(|| crate::bundle::shipped("vgg16"), Ok)?;
    let Network::Trunk(architecture) = crate::bundle::network_of(&trunk)? else {
        bail!("only the last block of a trunk (VGG-16, AlexNet) can be trained");
    };

    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}, {eta} left");
    bar.set_style(style.context("progress bar")?);
    let mut report = |progress: Progress| {
        if bar.message() != progress.step {
            bar.set_message(progress.step);
            bar.set_length(progress.total.unwrap_or(progress.done));
            if progress.step != "Refreshing descriptors" {
                bar.reset_eta();
            }
        }
        bar.set_position(progress.done);
        std::ops::ControlFlow::Continue(())
    };
    let material = gather(&args, &config, &trunk, architecture, &mut report)?;
    let found = if config.motion_positives {
        motion::positives(&material.features, config.motion_threshold, config.seed, &mut report)?
    } else {
        Vec::new()
    };
    let course = Course {
        config: &config,
        dir: &args.out,
        start,
        time_limit: args.minutes,
        device: args.device,
        trial: Trial::standard(),
    };
    let outcome = training::train(&material, &found, &course, &mut report)?;
    bar.finish_and_clear();

    let made = &outcome.made;
    set_aside(&encoder)?;
    Bundle::write(&encoder, made)?;
    if matches!(Bundle::open(&encoder), Err(bundle::Error::MissingTrunk { .. })) {
        std::fs::copy(&trunk, encoder.join(&made.config.trunk.file))
            .context("the trunk cannot be put beside the bundle")?;
    }
    let opened = Encoder::open(&encoder, DeviceChoice::Cpu)
        .context("the bundle was written, but does not open")?;
    say(&args, &outcome, &opened, &encoder)?;
    Ok(ExitCode::SUCCESS)
}

/// Longer than any clock can tell is no limit.
fn minutes(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(|minutes: f64| minutes * 60.0).ok().filter(|s| *s >= 0.0);
    let seconds = seconds.ok_or("write a number of minutes, such as 30 or 0.5")?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The preset with every value that was given; of a run that goes on, its own.
fn configuration(args: &Args) -> anyhow::Result<(Config, Start)> {
    if args.resume {
        let config = training::read_config(&args.out)?;
        let epochs = args.numbers.epochs.unwrap_or(config.epochs);
        return Ok((Config { epochs, ..config }, Start::Resume));
    }
    let mut config = match args.preset {
        Preset::Paper => Config::paper(),
        Preset::Reference => Config::reference(),
    };
    if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        config = config.with(&text)?;
    }
    for pair in &args.set {
        let Some((key, value)) = pair.split_once('=') else {
            bail!("--set takes KEY=VALUE, not {pair}");
        };
        // A word needs no quotes on the command line.
        let quoted = format!("{key} = {value:?}");
        let plain = format!("{key} = {value}");
        config = config.with(&plain).or_else(|error| config.with(&quoted).map_err(|_| error))?;
    }
    let Numbers { seed, epochs, batch, margin, learning_rate, momentum, weight_decay, clusters } =
        &args.numbers;
    let mut text = String::new();
    let mut put = |key: &str, value: Option<String>| {
        text.extend(value.map(|value| format!("{key} = {value}\n")));
    };
    let float = |value: &Option<f64>| value.map(|value| format!("{value:?}"));
    put("seed", seed.map(|v| v.to_string()));
    put("epochs", epochs.map(|v| v.to_string()));
    put("batch", batch.map(|v| v.to_string()));
    put("clusters", clusters.map(|v| v.to_string()));
    put("triplet_margin", float(margin));
    put("learning_rate", float(learning_rate));
    put("momentum", float(momentum));
    put("weight_decay", float(weight_decay));
    Ok((config.with(&text)?, Start::New))
}

/// The bundle that the run wrote before it was resumed gets a number.
fn set_aside(encoder: &Path) -> anyhow::Result<()> {
    if encoder.exists() {
        let numbered = (1..).map(|n: u32| encoder.with_file_name(format!("{ENCODER}-{n}")));
        let free = numbered.into_iter().find(|path| !path.exists()).expect("numbers do not end");
        std::fs::rename(encoder, &free).with_context(|| free.display().to_string())?;
    }
    Ok(())
}

fn gather(
    args: &Args,
    config: &Config,
    trunk: &Path,
    architecture: Architecture,
    report: &mut Report,
) -> anyhow::Result<Material> {
    let folder = args.cache.clone().or_else(cache_folder).context("name a folder with --cache")?;
    let cache = MapCache::open(&folder, args.cache_mb.saturating_mul(1 << 20))?;
    // Turns cost maps: they are made where a region may have to be its own positive.
    let by_label = config.label_positives != LabelPositives::None && args.unlabelled.is_empty();
    let turned = config.augmented_positives && !by_label;
    let views: &[View] = if turned { &View::FOUR } else { &config.views };
    let mut material = Material::new(TensorFile::open(trunk)?, architecture, views, cache)?;
    let mut reader = Reader::new();
    let labelled = std::iter::once((&args.manifest, true));
    for (path, labelled) in labelled.chain(args.unlabelled.iter().map(|path| (path, false))) {
        let read = if labelled { manifest::read } else { manifest::read_unlabelled };
        let manifest = read(path).with_context(|| path.display().to_string())?;
        material
            .add_manifest(&mut reader, &manifest, labelled, report)
            .with_context(|| path.display().to_string())?;
    }
    Ok(material)
}

fn say(args: &Args, outcome: &Outcome, encoder: &Encoder, path: &Path) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let positives = PositiveSource::ALL
        .map(|source| (source.word(), outcome.positives.get(&source).copied().unwrap_or(0)));
    if args.json {
        let value = serde_json::json!({
            "encoder": encoder.id(),
            "dims": encoder.dims(),
            "bundle": path.to_string_lossy(),
            "training_regions": outcome.split.training.len(),
            "validation_regions": outcome.split.validation.len(),
            "epochs": outcome.epochs,
            "untrained": outcome.untrained,
            "best": outcome.best,
            "device": outcome.device,
            "positives": positives.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        });
        terminal::json(&mut out, &value)?;
        return Ok(());
    }
    tell!(
        out,
        "Trained {} for {:.2} epochs on {} regions; {} kept apart",
        path.display(),
        outcome.epochs,
        outcome.split.training.len(),
        outcome.split.validation.len()
    )?;
    tell!(out, "encoder    {}", encoder.id().0)?;
    tell!(out, "dims       {}", encoder.dims())?;
    tell!(out, "device     {}: {}", outcome.device.name, outcome.device.reason)?;
    for (word, count) in positives.into_iter().filter(|(_, count)| *count > 0) {
        tell!(out, "positives  {count} by {word}")?;
    }
    if outcome.positives.is_empty() && outcome.epochs > 0.0 {
        tell!(out, "positives  none: no tuple violated the margin, so nothing was learnt")?;
    }
    let best = outcome.best.and_then(|best| Some((best.epoch, best.validation?)));
    if let (Some(before), Some((epoch, after))) = (outcome.untrained, best) {
        tell!(out)?;
        tell!(out, "of patients kept apart  untrained  after epoch {epoch}")?;
        for (name, before, after) in [
            ("mean average precision", before.mean_average_precision, after.mean_average_precision),
            ("recall@1", before.recall[0], after.recall[0]),
            ("recall@5", before.recall[4], after.recall[4]),
            ("loss", before.loss, after.loss),
        ] {
            tell!(out, "{name:<22}  {before:>9.4}  {after:>9.4}")?;
        }
    }
    Ok(())
}
