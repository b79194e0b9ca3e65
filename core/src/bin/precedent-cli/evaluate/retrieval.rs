//! `evaluate retrieval`: neighbours against known outcomes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use precedent_core::dicom::Reader;
use precedent_core::encoder::DeviceChoice;
use precedent_core::encoder::backbone::Architecture;
use precedent_core::evaluation::retrieval::at_scale::Counts;
use precedent_core::evaluation::retrieval::{
    Describer, Experiment, Kind, Method, Outlines, Plan, Protocol, Selection, Source, Task, page,
    run as experiment, tables,
};
use precedent_core::evaluation::rivals::Rival;
use precedent_core::lexicon::Pathology;
use precedent_core::{files, places};

use crate::bundle::shipped;
use crate::terminal::{self, tell};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("cases").required(true).args(["library", "manifest", "phantoms"])))]
pub(crate) struct Args {
    /// The cases: a library
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// The cases: a manifest as `library import` takes it, or a list with the columns file,
    /// dataset, patient_id, class, lesion, center_x, center_y, radius, pixel_mm, suggested_split
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Instead: so many malignant, benign and normal regions, drawn, to measure time, memory and
    /// whether what differs is found. With encoders only where named
    #[arg(long, value_name = "M,B,N", value_parser = counts)]
    phantoms: Option<Counts>,
    /// A second list whose regions are asked about; their patients are left out of the library
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folds", "split"])]
    queries: Option<PathBuf>,
    /// Ask about the rows whose suggested_split is this, of the others
    #[arg(long, value_name = "WORD", conflicts_with = "folds")]
    split: Option<String>,
    /// Folds by patient; without, each region is asked of those of all other patients
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100))]
    folds: Option<u32>,
    /// Only rows whose collection or scanner holds this word; may be given again
    #[arg(long, value_name = "WORD")]
    dataset: Vec<String>,
    /// Only lesions of this kind (mass, calcification …), and normal regions; may be given again
    #[arg(long, value_name = "WORD")]
    lesion_type: Vec<String>,
    /// Only rows with these outcomes, separated by commas: malignant,benign
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = pathology)]
    classes: Vec<Pathology>,
    /// How a marked place becomes an outline
    #[arg(long, value_enum, default_value = "program")]
    outlines: OutlinesName,
    /// Encoder bundles, the first is compared with the rest; the ones that ship where left out
    #[arg(long, value_name = "DIR")]
    encoder: Vec<PathBuf>,
    /// What runs the convolutions: auto, gpu (any adapter, a software one too) or cpu
    #[arg(long, value_parser = crate::encoder::device, default_value = "auto")]
    device: DeviceChoice,
    /// Leave out the plain pooling of the untrained network
    #[arg(long)]
    no_untrained: bool,
    /// Rivals by SIFT: all, none, or words of bag-of-words, vocabulary-tree, matching, verification,
    /// vlad and fisher, separated by commas; all where left out, but none of drawn regions
    #[arg(long, value_name = "WORDS")]
    rivals: Option<String>,
    /// A sum of methods: NAME=WEIGHT,NAME=WEIGHT, each standardised by query; may be given again
    #[arg(long, value_name = "SUM")]
    sum: Vec<String>,
    /// A training run's curve, to be drawn
    #[arg(long, value_name = "FILE")]
    curve: Option<PathBuf>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for report.html, report.json and tables; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where described regions are kept for the next run; `cache` in --out where left out
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum OutlinesName {
    /// Outlined by the program, as a reader's drag or click would be
    Program,
    /// Circles as marked, or of the size that a click finds
    Circles,
}

fn pathology(word: &str) -> Result<Pathology, String> {
    Pathology::from_word(word).ok_or_else(|| "write malignant, benign or normal".to_owned())
}

fn counts(text: &str) -> Result<Counts, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[malignant, benign, normal])
            if (2..1_000_000)
                .contains(&malignant.saturating_add(benign).saturating_add(normal)) =>
        {
            Ok(Counts { malignant, benign, normal })
        }
        _ => Err("write three numbers, as 1273,1127,9217".to_owned()),
    }
}

/// Writes the reports, which appear when all is done.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let cannot = || format!("cannot write to {}", args.out.display());
    std::fs::create_dir_all(&args.out).with_context(cannot)?;
    let cache = args.cache.clone().unwrap_or_else(|| args.out.join("cache"));
    let loss = args.curve.as_deref().map(tables::loss).transpose()?;
    let plan = Plan {
        source: match (&args.library, &args.manifest, args.phantoms) {
            (Some(dir), ..) => Source::Library(dir),
            (_, Some(file), _) => Source::Manifest(file),
            (.., Some(counts)) => Source::Drawn(counts),
            (None, None, None) => anyhow::bail!("give --library, --manifest or --phantoms"),
        },
        queries: args.queries.as_deref(),
        selection: Selection {
            sources: args.dataset.clone(),
            lesions: args.lesion_type.clone(),
            classes: args.classes.clone(),
            asked_split: args.split.clone(),
            outline: match args.outlines {
                OutlinesName::Program => Outlines::Program,
                OutlinesName::Circles => Outlines::Circles,
            },
        },
        protocol: match (&args.queries, &args.split, args.folds) {
            (Some(_), ..) | (_, Some(_), _) => Protocol::Queries,
            (None, None, Some(count)) => Protocol::Folds(count as usize),
            (None, None, None) => Protocol::LeaveOnePatientOut,
        },
        describers: describers(&args, &cache)?,
        rivals: rivals(&args)?,
        sums: args.sum.clone(),
        seed: args.seed,
    };
    let bar = super::bar();
    let mut found = experiment(plan, &mut Reader::new(), &mut super::shown_on(&bar))?;
    bar.finish_and_clear();
    found.loss = loss;

    let json = serde_json::to_vec_pretty(&found)?;
    let write = |name: &str, bytes: &[u8]| files::write_whole(&args.out.join(name), bytes);
    for (name, table) in tables::csv(&found) {
        write(name, &table).with_context(cannot)?;
    }
    write("report.json", &json).with_context(cannot)?;
    write("report.html", page::html(&found).as_bytes()).with_context(cannot)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        terminal::json_pretty(&mut out, &found)?;
    } else {
        print(&mut out, &found, &args.out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rivals(args: &Args) -> anyhow::Result<Vec<Rival>> {
    let usual = if args.phantoms.is_some() { "none" } else { "all" };
    match args.rivals.as_deref().unwrap_or(usual) {
        "all" => Ok(Rival::ALL.to_vec()),
        "none" => Ok(Vec::new()),
        words => words
            .split(',')
            .map(|word| {
                let known = || Rival::ALL.map(Rival::word).join(", ");
                let rival = Rival::from_word(word.trim());
                rival.with_context(|| format!("no rival is called {word}; there are {}", known()))
            })
            .collect(),
    }
}

fn describers(args: &Args, cache: &Path) -> anyhow::Result<Vec<Describer>> {
    let is_drawn = args.phantoms.is_some();
    let bundles = if args.encoder.is_empty() && !is_drawn {
        vec![places::default_bundle(), places::assets().join("encoders/paper")]
    } else {
        args.encoder.clone()
    };
    let mut describers = Vec::new();
    for dir in bundles {
        let describer = Describer::bundle(&dir, args.device, Some(cache))?;
        ensure!(
            describers.iter().all(|other: &Describer| other.names() != describer.names()),
            "two encoders are called {}; name their folders otherwise",
            describer.names().join(", ")
        );
        describers.push(describer);
    }
    if is_drawn {
        describers.push(Describer::pixels());
    } else if !args.no_untrained {
        let architecture = Architecture::Vgg16;
        let trunk = shipped(architecture.word())?;
        describers.push(Describer::pooled(&trunk, architecture, Some(cache))?);
    }
    Ok(describers)
}

fn print(out: &mut impl Write, found: &Experiment, folder: &Path) -> anyhow::Result<()> {
    let set = &found.set;
    tell!(
        out,
        "{} regions of {} patients, {} asked about, {} left out",
        set.regions,
        set.patients,
        set.queries,
        set.skipped.len()
    )?;
    let keys = ["precision_1", "precision_10", "map"].into_iter().chain(Task::ALL.map(Task::key));
    let keys: Vec<&str> = keys.collect();
    tell!(
        out,
        "{:30} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8}",
        "",
        "P@1",
        "P@10",
        "mAP",
        "les/nor",
        "matched",
        "mal/ben"
    )?;
    for method in &found.methods {
        let mut line = format!("{:30}", method.marked_name());
        for key in &keys {
            let width = if key.starts_with("auc") { 9 } else { 8 };
            line += &match method.value(key) {
                Some(value) => format!("{:width$.3}", value.value),
                None => format!("{:>width$}", "-"),
            };
        }
        tell!(out, "{line}{}", if method.kind == Kind::Random { "  (chance)" } else { "" })?;
    }
    for same in &set.same_films {
        tell!(out, "{same}")?;
    }
    for legend in [
        "† made from some of these patients and their outcomes: no test of it",
        "* made from some of these patients' films, without their outcomes",
        "? does not tell what it was made from, and may know the answers",
    ] {
        let mark = legend.split(' ').next();
        let is_marked = |m: &Method| m.seen.is_some_and(|seen| Some(seen.mark().trim()) == mark);
        if found.methods.iter().any(is_marked) {
            tell!(out, "{legend}")?;
        }
    }
    tell!(out, "{}", page::CAVEAT)?;
    tell!(out, "report.html, report.json and tables are in {}", folder.display())?;
    Ok(())
}
