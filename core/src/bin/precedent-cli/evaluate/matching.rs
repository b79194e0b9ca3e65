//! `evaluate matching`: what structure from motion labels, against the truth.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use precedent_core::dicom::Reader;
use precedent_core::evaluation::matching::{self, Region, Settings};
use precedent_core::import::{manifest, prepare};
use precedent_core::progress::Progress;
use precedent_core::structure_from_motion::PAPER_THRESHOLD;
use precedent_core::{files, patch};

use crate::terminal::{self, tell};

#[derive(clap::Args)]
#[command(after_long_help = manifest::COLUMNS_HELP)]
pub(crate) struct Args {
    /// One row a region, as for `library import`
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Write every figure as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Pairs of each kind, at most
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pairs: u32,
    /// Shared points from which two regions count as showing the same
    #[arg(long, value_name = "N", default_value_t = PAPER_THRESHOLD as u32, value_parser = clap::value_parser!(u32).range(8..=10_000))]
    threshold: u32,
    /// Seed of the pairs and of RANSAC's draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let manifest = manifest::read(&args.manifest)?;
    let bar = super::bar();
    let mut shown = super::shown_on(&bar);
    let mut reader = Reader::new();
    let mut faults: Vec<String> =
        manifest.faults.iter().map(|f| format!("line {}: {}", f.line, f.reason)).collect();
    let mut regions = Vec::with_capacity(manifest.rows.len());
    for (done, row) in manifest.rows.iter().enumerate() {
        let total = Some(manifest.rows.len() as u64);
        let _ = shown(Progress { step: "Reading regions", done: done as u64, total });
        match prepare(&mut reader, &manifest.folder, row) {
            Ok(region) => regions.push(Region {
                name: format!("{} (line {})", row.file.display(), row.line),
                patients: region.patients,
                film: region.film_hash,
                pathology: row.pathology,
                patch: patch::extract(&region.film, &region.contour),
            }),
            Err(reason) => faults.push(format!("line {}: {reason}", row.line)),
        }
    }
    ensure!(regions.len() > 1, "there are no two regions to match in {}", args.manifest.display());
    let settings = Settings {
        pairs: args.pairs as usize,
        threshold: args.threshold as usize,
        seed: args.seed,
    };
    let found = matching::run(&regions, settings, &mut shown)?;
    bar.finish_and_clear();
    for fault in faults {
        tell!(std::io::stderr(), "{fault}")?;
    }
    if let Some(path) = &args.out {
        files::write_whole(path, &serde_json::to_vec_pretty(&found)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal::tell_lines(&mut std::io::stdout().lock(), &matching::text(&found))?;
    Ok(ExitCode::SUCCESS)
}
