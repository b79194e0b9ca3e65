use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use precedent_core::lexicon::{MassMargin, Pathology};
use precedent_core::mammogram::PhotometricInterpretation;
use precedent_core::phantom::{Drawn, Phantom};
use precedent_core::{dicom, files};
use rayon::prelude::*;
use serde::Serialize;

use crate::terminal::tell;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder for the films, the truth beside each, and a manifest of all; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of films
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Seed of the first film; each has the seed after the one before
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[arg(long, default_value_t = Phantom::default().columns, value_parser = clap::value_parser!(u32).range(64..=16_384))]
    columns: u32,
    #[arg(long, default_value_t = Phantom::default().rows, value_parser = clap::value_parser!(u32).range(64..=16_384))]
    rows: u32,
    /// Side of a pixel in mm
    #[arg(long, value_name = "V", default_value_t = Phantom::default().pixel_mm, value_parser = pixel_mm)]
    pixel_mm: f64,
    /// Bits of a stored value
    #[arg(long, default_value_t = Phantom::default().bits_stored, value_parser = clap::value_parser!(u16).range(10..=16))]
    bits: u16,
    /// The smallest stored value is white
    #[arg(long)]
    monochrome1: bool,
    /// Tissue from edge to edge instead of a breast against air
    #[arg(long)]
    region: bool,
    /// Margin of every mass: circumscribed, microlobulated, indistinct or spiculated; by the seed
    /// where left out
    #[arg(long, value_parser = margin)]
    margin: Option<MassMargin>,
}

fn pixel_mm(text: &str) -> Result<f64, String> {
    let value = text.parse().map_err(|_| "a number is wanted".to_owned())?;
    (0.01..=1.0).contains(&value).then_some(value).ok_or_else(|| "0.01 to 1 mm".to_owned())
}

fn margin(text: &str) -> Result<MassMargin, String> {
    MassMargin::from_word(text)
        .filter(|margin| *margin != MassMargin::Obscured)
        .ok_or_else(|| "circumscribed, microlobulated, indistinct or spiculated".to_owned())
}

/// Draws the films; what exists under their names is replaced by the same.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let phantom = Phantom {
        columns: args.columns,
        rows: args.rows,
        pixel_mm: args.pixel_mm,
        bits_stored: args.bits,
        photometric_interpretation: if args.monochrome1 {
            PhotometricInterpretation::Monochrome1
        } else {
            PhotometricInterpretation::Monochrome2
        },
        breast: !args.region,
        margin: args.margin,
        ..Phantom::default()
    };
    let last = args.seed.checked_add(u64::from(args.count) - 1);
    let last = last.context("the seeds go beyond the largest number of 64 bits")?;
    let room = phantom.pixel_mm * f64::from(phantom.columns.min(phantom.rows));
    ensure!(room >= 30.0, "{room:.0} mm of film have no room for a mass; 30 mm are needed");
    let cannot = || format!("cannot write to {}", args.out.display());
    std::fs::create_dir_all(&args.out).with_context(cannot)?;

    let bar = ProgressBar::new(u64::from(args.count));
    let truths: Vec<Truth> = (args.seed..=last)
        .into_par_iter()
        .map(|seed| {
            let truth = draw(&phantom, seed, &args.out);
            bar.inc(1);
            truth
        })
        .collect::<anyhow::Result<_>>()
        .with_context(cannot)?;
    bar.finish_and_clear();
    let manifest = args.out.join("manifest.csv");
    write_manifest(&truths, &manifest).with_context(cannot)?;
    tell!(
        std::io::stdout().lock(),
        "{} films of {} x {} pixels in {}, with manifest.csv",
        truths.len(),
        phantom.columns,
        phantom.rows,
        args.out.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// What is known about a film because we drew it.
#[derive(Serialize)]
struct Truth {
    file: String,
    seed: u64,
    pathology: Pathology,
    margin: MassMargin,
    center: [f64; 2],
    radius_mm: f64,
    pixel_mm: f64,
    /// In standard deviations of the tissue.
    contrast: f64,
    /// Vertices in pixels, closed without repeating the first.
    outline: Vec<[f64; 2]>,
}

fn draw(phantom: &Phantom, seed: u64, folder: &Path) -> anyhow::Result<Truth> {
    let Drawn { mammogram, mass } = phantom.draw(seed);
    let file = format!("phantom-{seed:06}.dcm");
    dicom::write(&mammogram, &folder.join(&file))?;
    let truth = Truth {
        seed,
        pathology: mass.pathology,
        margin: mass.margin,
        center: [mass.center.x, mass.center.y],
        radius_mm: mass.radius_mm,
        pixel_mm: phantom.pixel_mm,
        contrast: mass.contrast,
        outline: mass.contour.points().iter().map(|p| [p.x, p.y]).collect(),
        file,
    };
    let beside = folder.join(&truth.file).with_extension("json");
    files::write_whole(&beside, &serde_json::to_vec_pretty(&truth)?)?;
    Ok(truth)
}

/// The films as `library import` takes them.
fn write_manifest(truths: &[Truth], path: &Path) -> anyhow::Result<()> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record([
        "file",
        "patients",
        "pathology",
        "outcome_basis",
        "source",
        "region",
        "margin",
    ])?;
    for truth in truths {
        let region = truth.outline.iter().fold("polygon".to_owned(), |mut text, [x, y]| {
            text.push_str(&format!(" {x:.2} {y:.2}"));
            text
        });
        rows.write_record([
            truth.file.as_str(),
            &format!("PHANTOM-{}", truth.seed),
            truth.pathology.word(),
            "drawn",
            "phantom",
            &region,
            truth.margin.word(),
        ])?;
    }
    files::write_whole(path, &rows.into_inner()?)?;
    Ok(())
}
