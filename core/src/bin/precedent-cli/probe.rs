use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use precedent_core::dicom::{Attributes, Error, Reader};
use precedent_core::lexicon::{ImageLaterality, ViewPosition};
use precedent_core::mammogram::{Caution, Mammogram, PhotometricInterpretation, Spacing};
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// DICOM, PNG or JPEG files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON list for machines
    #[arg(long)]
    json: bool,
}

/// Prints what each file is; no name and no number of a patient is among it.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::new();
    let mut out = std::io::stdout().lock();
    let mut reports = Vec::new();
    let mut is_any_refused = false;
    for file in &args.files {
        let report = Report::of(file, reader.read(file));
        is_any_refused |= matches!(report.state, State::Refused | State::Metadata);
        if args.json {
            reports.push(report);
        } else {
            report.print(&mut out)?;
        }
    }
    if args.json {
        serde_json::to_writer_pretty(&mut out, &reports)?;
        writeln!(out)?;
    }
    Ok(if is_any_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Shown,
    /// Shown, and something about it may be wrong.
    Caution,
    Refused,
    /// Attributes alone: the pixels are not all there.
    Metadata,
}

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    state: State,
    /// Why it was not shown.
    reason: Option<String>,
    cautions: Vec<Caution>,
    attributes: Option<Summary>,
    /// SHA-256 of the stored values as little-endian 32-bit integers, row by row.
    stored_sha256: Option<String>,
    /// SHA-256 of the 8-bit values of the default display, row by row.
    displayed_sha256: Option<String>,
}

/// The attributes that name nobody.
#[derive(Serialize)]
struct Summary {
    rows: u32,
    columns: u32,
    bits_stored: u16,
    is_signed: bool,
    photometric_interpretation: PhotometricInterpretation,
    image_laterality: Option<ImageLaterality>,
    view_position: Option<ViewPosition>,
    spacing: Option<Spacing>,
    /// What a length on it is in.
    unit: String,
    windows: Vec<String>,
    lossy: bool,
    has_patient_id: bool,
}

impl Report {
    fn of(file: &Path, outcome: Result<Mammogram, Error>) -> Self {
        let mut report = Self {
            file: file.to_owned(),
            state: State::Shown,
            reason: None,
            cautions: Vec::new(),
            attributes: None,
            stored_sha256: None,
            displayed_sha256: None,
        };
        match outcome {
            Ok(film) => {
                let is_doubtful = film.cautions.iter().any(Caution::is_doubt);
                report.state = if is_doubtful { State::Caution } else { State::Shown };
                report.stored_sha256 = Some(stored_sha256(&film));
                report.displayed_sha256 = Some(displayed_sha256(&film));
                report.attributes = Some(Summary::of_film(&film));
                report.cautions = film.cautions;
            }
            Err(error) => {
                report.state = State::Refused;
                if let Error::PixelsCut { attributes, .. } = &error {
                    report.state = State::Metadata;
                    report.cautions = attributes.cautions.clone();
                    report.attributes = Some(Summary::of_attributes(attributes));
                }
                report.reason = Some(format!("{:#}", anyhow::Error::new(error)));
            }
        }
        report
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let state = match self.state {
            State::Shown => "shown",
            State::Caution => "caution",
            State::Refused => "refused",
            State::Metadata => "metadata",
        };
        write!(out, "{}: {state}", self.file.display())?;
        match &self.reason {
            Some(reason) => writeln!(out, ": {reason}")?,
            None => writeln!(out)?,
        }
        if let Some(summary) = &self.attributes {
            summary.print(out)?;
        }
        for caution in &self.cautions {
            writeln!(out, "  {}: {}", caution.code, caution.text)?;
        }
        if let (Some(stored), Some(displayed)) = (&self.stored_sha256, &self.displayed_sha256) {
            writeln!(out, "  stored_sha256 {stored}\n  displayed_sha256 {displayed}")?;
        }
        Ok(())
    }
}

impl Summary {
    fn of_film(film: &Mammogram) -> Self {
        Self {
            rows: film.rows,
            columns: film.columns,
            bits_stored: film.bits_stored,
            is_signed: film.stored_offset != 0,
            photometric_interpretation: film.photometric_interpretation,
            image_laterality: film.image_laterality,
            view_position: film.view_position,
            spacing: film.spacing,
            unit: film.spacing.map_or_else(|| "px".to_owned(), |s| s.origin.unit()),
            windows: film.voi_luts.iter().map(|lut| lut.explanation.clone()).collect(),
            lossy: film.lossy,
            has_patient_id: film.patient_id.is_some(),
        }
    }

    fn of_attributes(attributes: &Attributes) -> Self {
        Self {
            rows: attributes.rows,
            columns: attributes.columns,
            bits_stored: attributes.bits_stored,
            is_signed: attributes.stored_offset != 0,
            photometric_interpretation: attributes.photometric_interpretation,
            image_laterality: attributes.image_laterality,
            view_position: attributes.view_position,
            spacing: attributes.spacing,
            unit: attributes.spacing.map_or_else(|| "px".to_owned(), |s| s.origin.unit()),
            windows: attributes.voi_luts.iter().map(|lut| lut.explanation.clone()).collect(),
            lossy: attributes.lossy,
            has_patient_id: attributes.patient_id.is_some(),
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let polarity = match self.photometric_interpretation {
            PhotometricInterpretation::Monochrome1 => "MONOCHROME1",
            PhotometricInterpretation::Monochrome2 => "MONOCHROME2",
        };
        let sign = if self.is_signed { "signed" } else { "unsigned" };
        writeln!(
            out,
            "  {} columns x {} rows, {} bits {sign}, {polarity}{}",
            self.columns,
            self.rows,
            self.bits_stored,
            if self.lossy { ", lossy" } else { "" }
        )?;
        let side = self.image_laterality.map_or("unknown", ImageLaterality::word);
        let view = self.view_position.map_or("unknown", ViewPosition::word);
        writeln!(out, "  laterality {side}, view {view}")?;
        match &self.spacing {
            Some(s) => writeln!(
                out,
                "  pixel {} x {} {}",
                s.row_spacing_mm, s.column_spacing_mm, self.unit
            )?,
            None => writeln!(out, "  pixel of unknown size")?,
        }
        writeln!(out, "  windows: {}", self.windows.join(", "))
    }
}

fn stored_sha256(film: &Mammogram) -> String {
    let mut hash = Sha256::new();
    let mut line = Vec::with_capacity(film.columns as usize * 4);
    for samples in film.samples.chunks_exact(film.columns as usize) {
        line.clear();
        for sample in samples {
            line.extend((i32::from(*sample) + film.stored_offset).to_le_bytes());
        }
        hash.update(&line);
    }
    hex(&hash.finalize())
}

fn displayed_sha256(film: &Mammogram) -> String {
    let mut hash = Sha256::new();
    for line in film.default_display().chunks_exact(film.columns as usize) {
        hash.update(line);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
