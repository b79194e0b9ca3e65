//! `evaluate outline`: contours against known borders.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use precedent_core::dicom::Reader;
use precedent_core::evaluation::outline::{Settings, run as evaluate};
use precedent_core::evaluation::{Report, cases, page};
use precedent_core::{files, places};

use crate::terminal::tell;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder for report.md, report.html and report.json; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Masses drawn into normal tissue; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    phantoms: u32,
    /// Seed of masses, prompts and corrections
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Tries of each way of pointing on each case
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    prompts: u32,
    /// Pictures of normal tissue, with manifest.csv or each with its pixel size; the starter
    /// library's where left out
    #[arg(long, value_name = "FOLDER")]
    normals: Option<PathBuf>,
    /// Pictures of mini-MIAS with its Info.txt: circles, a weak reference
    #[arg(long, value_name = "FOLDER")]
    mias: Option<PathBuf>,
    /// The list of mini-MIAS where it lies elsewhere
    #[arg(long, value_name = "FILE", requires = "mias")]
    mias_list: Option<PathBuf>,
    /// Pictures with masks: film.png with film_mask.png, or the layout of CBIS-DDSM
    #[arg(long, value_name = "FOLDER")]
    images: Option<PathBuf>,
}

/// Outlines and writes the three reports, which appear when all is done; stopped before, there
/// are none.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let cannot = || format!("cannot write to {}", args.out.display());
    std::fs::create_dir_all(&args.out).with_context(cannot)?;
    let settings = Settings { prompts: args.prompts as usize, seed: args.seed };
    let mut reader = Reader::new();
    let mut collections = Vec::new();
    if args.phantoms > 0 {
        let folder = args.normals.clone().unwrap_or_else(|| places::assets().join("starter/films"));
        let tissues = cases::normals(&mut reader, &folder)?;
        let listed = cases::phantoms(&tissues, args.phantoms as usize, args.seed);
        ensure!(
            listed.len() == args.phantoms as usize,
            "only {} of {} masses find room in the normal tissue of {}; give larger pictures",
            listed.len(),
            args.phantoms,
            folder.display()
        );
        collections.push(("Phantoms in normal tissue", listed));
    }
    if let Some(folder) = &args.mias {
        let listed = cases::mini_mias(folder, args.mias_list.as_deref())?;
        collections.push(("Circles of mini-MIAS (a weak reference)", listed));
    }
    if let Some(folder) = &args.images {
        collections.push(("Pictures with masks", cases::masked(folder)?));
    }
    ensure!(!collections.is_empty(), "nothing to evaluate: give --phantoms, --mias or --images");

    let bar = super::bar();
    let mut shown = super::shown_on(&bar);
    let reports: Vec<Report> = collections
        .iter()
        .map(|(name, listed)| evaluate(name, listed, settings, &mut reader, &mut shown))
        .collect::<Result<_, _>>()?;
    bar.finish_and_clear();

    let text = page::markdown(&reports);
    let write = |name: &str, bytes: &[u8]| files::write_whole(&args.out.join(name), bytes);
    write("report.json", &serde_json::to_vec_pretty(&reports)?).with_context(cannot)?;
    write("report.html", page::html(&reports).as_bytes()).with_context(cannot)?;
    write("report.md", text.as_bytes()).with_context(cannot)?;
    let mut out = std::io::stdout().lock();
    for report in &reports {
        let first = &report.rows[0];
        tell!(
            out,
            "{}: {} cases; {}: Dice {:.3}, drawn shape {:.3}",
            report.collection,
            report.cases,
            first.way,
            first.dice.mean,
            first.control_dice.mean
        )?;
    }
    tell!(out, "{}", page::CAVEAT)?;
    tell!(out, "report.md, report.html and report.json are in {}", args.out.display())?;
    Ok(ExitCode::SUCCESS)
}
