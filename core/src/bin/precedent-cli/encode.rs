//! `encode`: the descriptors of the regions that a manifest lists, for other programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use precedent_core::descriptor::Descriptor;
use precedent_core::dicom::Reader;
use precedent_core::encoder::tensors::{self, Array, Storage};
use precedent_core::import::{self, manifest};
use precedent_core::patch;

use crate::encoder::EncoderArgs;
use crate::terminal::{self, tell};

/// Describe the regions of a manifest: one row or one line of numbers a region, in its order
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The regions: a manifest as `library import` takes it
    manifest: PathBuf,
    /// FILE.csv (line, case, pathology, source, numbers) or FILE.safetensors (descriptors, lines)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    encoder: EncoderArgs,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

/// One region that could be described.
struct Described<'a> {
    row: &'a manifest::Row,
    case: String,
    descriptor: Descriptor,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let extension = args.out.extension().unwrap_or_default().to_string_lossy().into_owned();
    ensure!(
        ["csv", "safetensors"].contains(&extension.as_str()),
        "the output must be named .csv or .safetensors: {}",
        args.out.display()
    );
    let manifest = manifest::read(&args.manifest)?;
    let encoder = args.encoder.open()?;
    let mut reader = Reader::new();
    let (mut described, mut faults) = (Vec::new(), manifest.faults.clone());
    for row in &manifest.rows {
        let found = import::prepare(&mut reader, &manifest.folder, row).and_then(|prepared| {
            let patch = patch::extract(&prepared.film, &prepared.contour);
            let descriptors = encoder.describe(&[patch]).map_err(|error| error.to_string())?;
            Ok((prepared.id.0, descriptors))
        });
        match found {
            Ok((case, mut descriptors)) => {
                described.push(Described { row, case, descriptor: descriptors.remove(0) });
            }
            Err(reason) => faults.push(manifest::Fault { line: row.line, reason }),
        }
    }
    faults.sort_by_key(|fault| fault.line);
    ensure!(!described.is_empty(), "no region of the manifest could be described");
    match extension.as_str() {
        "csv" => write_csv(&args.out, &described),
        _ => std::fs::write(&args.out, safetensors(&described)).map_err(Into::into),
    }
    .with_context(|| format!("the descriptors cannot be written: {}", args.out.display()))?;

    let is_whole = faults.is_empty();
    let mut out = std::io::stdout().lock();
    if args.json {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| serde_json::json!({ "line": fault.line, "reason": fault.reason }))
            .collect();
        let value = serde_json::json!({
            "encoder": encoder.id(), "dims": encoder.dims(), "device": encoder.device(),
            "described": described.len(), "faults": faults,
        });
        terminal::json(&mut out, &value)?;
    } else {
        tell!(out, "{} regions described by encoder {}", described.len(), encoder.id().0)?;
        for fault in &faults {
            tell!(out, "line {}: {}", fault.line, fault.reason)?;
        }
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_csv(path: &Path, described: &[Described]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    let dims = described[0].descriptor.values().len();
    let numbers = (0..dims).map(|number| format!("d{number}"));
    let header = ["line", "case", "pathology", "source"].map(str::to_owned);
    writer.write_record(header.into_iter().chain(numbers))?;
    for Described { row, case, descriptor } in described {
        let words =
            [row.line.to_string(), case.clone(), row.pathology.to_string(), row.source.clone()];
        // Shortest text that reads back to the same bits.
        let numbers = descriptor.values().iter().map(f32::to_string);
        writer.write_record(words.into_iter().chain(numbers))?;
    }
    writer.flush()?;
    Ok(())
}

/// `descriptors` `[regions, dims]`; `lines` `[regions]`, the manifest's line of each (exact below
/// 16 million).
fn safetensors(described: &[Described]) -> Vec<u8> {
    let dims = described[0].descriptor.values().len();
    let values = described.iter().flat_map(|d| d.descriptor.values()).copied().collect();
    let lines = described.iter().map(|d| d.row.line as f32).collect();
    let of = |dims: &[usize], values| (Array::new(dims, values), Storage::F32);
    tensors::to_bytes(&BTreeMap::from([
        ("descriptors".to_owned(), of(&[described.len(), dims], values)),
        ("lines".to_owned(), of(&[described.len()], lines)),
    ]))
}
