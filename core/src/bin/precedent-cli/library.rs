//! `library …`: a case library without a window.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use precedent_core::case::{Case, CaseId};
use precedent_core::dicom::Reader;
use precedent_core::import::{self, OnFault, Rules, manifest};
use precedent_core::library::{Added, Library};
use precedent_core::progress::Progress;

use crate::encoder::EncoderArgs;
use crate::terminal::{self, tell};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make an empty library in a new or empty folder
    Create { dir: PathBuf },
    /// Take in the cases that a manifest (CSV) lists; cases already there stay as they are
    Import(ImportArgs),
    /// List the cases
    List(ReadArgs),
    /// Take a case out
    Remove { dir: PathBuf, case_id: String },
    /// Check the database, every picture and every descriptor; changes nothing
    Verify(ReadArgs),
    /// Describe every case again, by another encoder
    Rebuild(RebuildArgs),
    /// Show what the library's maker says about it, or say it
    Notes(NotesArgs),
}

#[derive(clap::Args)]
#[command(after_long_help = manifest::COLUMNS_HELP)]
struct ImportArgs {
    dir: PathBuf,
    /// One row a region; --help tells its columns
    manifest: PathBuf,
    #[command(flatten)]
    encoder: EncoderArgs,
    /// Import nothing where a row is faulty, and stop at the first file that fails
    #[arg(long)]
    stop: bool,
    /// A person has looked at every picture: no text in it names the patient, and where there is a
    /// doubt about it, it is right; else a picture in doubt comes in where its row says `confirmed`
    #[arg(long)]
    confirmed: bool,
    /// Print "ACK ID" once a case is safely on the disk
    #[arg(long)]
    ack: bool,
    /// Print the outcome as JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct ReadArgs {
    dir: PathBuf,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct RebuildArgs {
    dir: PathBuf,
    #[command(flatten)]
    encoder: EncoderArgs,
}

#[derive(clap::Args)]
struct NotesArgs {
    dir: PathBuf,
    /// A text file whose content becomes the notes
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match args.verb {
        Verb::Create { dir } => {
            Library::create(&dir)?;
            tell!(out, "An empty library is at {}", dir.display())?;
        }
        Verb::Import(args) => return import(&args),
        Verb::List(args) => list(&args)?,
        Verb::Remove { dir, case_id } => {
            Library::open(&dir)?.remove(&CaseId(case_id.clone()))?;
            tell!(out, "Case {case_id} was taken out")?;
        }
        Verb::Verify(args) => {
            drop(out);
            return verify(&args);
        }
        Verb::Rebuild(args) => {
            let encoder = args.encoder.open()?;
            let mut library = Library::open(&args.dir)?;
            let bar = bar();
            let _ = import::rebuild(&mut library, &encoder, &mut |p| shown(&bar, &p))?;
            bar.finish_and_clear();
            tell!(out, "Every case is described by encoder {}", encoder.id().0)?;
        }
        Verb::Notes(NotesArgs { dir, set: None }) => {
            let notes = Library::open_read_only(&dir)?.notes()?;
            terminal::tell_lines(&mut out, notes.trim_end())?;
        }
        Verb::Notes(NotesArgs { dir, set: Some(file) }) => {
            let notes = fs::read_to_string(&file)
                .with_context(|| format!("the notes cannot be read: {}", file.display()))?;
            Library::open(&dir)?.set_notes(notes.trim_end())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn import(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let manifest = manifest::read(&args.manifest)?;
    let mut library = Library::open(&args.dir)?;
    let encoder = args.encoder.open()?;
    let bar = bar();
    let mut unsaid = Ok(());
    let outcome = import::import(
        &mut library,
        &encoder,
        &mut Reader::new(),
        &manifest,
        Rules {
            on_fault: if args.stop { OnFault::Stop } else { OnFault::Continue },
            confirmed: args.confirmed,
        },
        &mut |progress| shown(&bar, &progress),
        &mut |id, added| {
            if args.ack && added == Added::New && unsaid.is_ok() {
                let mut out = std::io::stdout().lock();
                unsaid = tell!(out, "ACK {}", id.0).and_then(|()| out.flush());
            }
        },
    )?;
    bar.finish_and_clear();
    unsaid?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let faults: Vec<_> = outcome
            .faults
            .iter()
            .map(|fault| serde_json::json!({ "line": fault.line, "reason": fault.reason }))
            .collect();
        let value = serde_json::json!({
            "added": outcome.added, "already_there": outcome.already_there, "faults": faults,
            "same_film": outcome.same_film, "unseen": outcome.unseen,
        });
        terminal::json(&mut out, &value)?;
    } else {
        tell!(
            out,
            "{} cases came in, {} were there before, {} rows could not be used",
            outcome.added.len(),
            outcome.already_there,
            outcome.faults.len()
        )?;
        if outcome.unseen > 0 {
            tell!(
                out,
                "For {} of them nobody has said that a person looked at the picture: text burnt into \
                 it may name the patient",
                outcome.unseen
            )?;
        }
    }
    for (case, others) in &outcome.same_film {
        let shown: Vec<&str> = others.iter().map(|id| id.0.as_str()).collect();
        let told = if others.contains(case) {
            "is there under another patient than the manifest names".to_owned()
        } else {
            format!("shows a film that is there under another patient: case {}", shown.join(", "))
        };
        tell!(std::io::stderr(), "case {} {told}", case.0)?;
    }
    for fault in &outcome.faults {
        tell!(std::io::stderr(), "line {}: {}", fault.line, fault.reason)?;
    }
    Ok(if outcome.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(args: &ReadArgs) -> anyhow::Result<()> {
    let cases = Library::open_read_only(&args.dir)?.cases()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        return terminal::json(&mut out, &cases);
    }
    for case in &cases {
        tell!(out, "{}", line(case))?;
    }
    Ok(())
}

/// A case in one line for a terminal.
fn line(case: &Case) -> String {
    let view = case.view_position.map_or("", |view| view.word());
    let side = case.image_laterality.map_or("", |side| side.word());
    format!(
        "{}  {:9}  {side:1} {view:4}  {:6.1} {:16}  {}  {}",
        case.id.0,
        case.pathology,
        case.measures.equivalent_diameter,
        case.measures.unit,
        case.source,
        case.notes
    )
}

fn verify(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    let found = Library::open_read_only(&args.dir)?.verify()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        let value = serde_json::json!({
            "cases": found.cases, "pictures": found.pictures, "faults": found.faults,
            "set_aside": found.set_aside,
        });
        terminal::json(&mut out, &value)?;
    } else {
        for fault in &found.faults {
            tell!(out, "{fault}")?;
        }
        let verdict = if found.faults.is_empty() {
            "sound".to_owned()
        } else {
            format!("{} faults", found.faults.len())
        };
        tell!(out, "{} cases, {} pictures: {verdict}", found.cases, found.pictures)?;
        if found.set_aside > 0 {
            tell!(out, "{} stray pictures lie in quarantine", found.set_aside)?;
        }
    }
    Ok(if found.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A bar on standard error, where a person is watching.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
    ProgressBar::new(0).with_style(style.expect("a template that indicatif takes"))
}

fn shown(bar: &ProgressBar, progress: &Progress) -> ControlFlow<()> {
    bar.set_message(progress.step);
    bar.set_length(progress.total.unwrap_or(0));
    bar.set_position(progress.done);
    ControlFlow::Continue(())
}
