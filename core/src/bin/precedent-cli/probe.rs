use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use precedent_core::dicom::{Attributes, Error, Reader};
use precedent_core::hanging::{self, Edges, Pose};
use precedent_core::lexicon::{ImageLaterality, ViewPosition};
use precedent_core::mammogram::{Caution, Mammogram, PhotometricInterpretation, Spacing};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::terminal::{self, tell};

mod listing;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// DICOM, PNG or JPEG files, each decoded; or folders and DICOMDIRs, listed without decoding
    #[arg(required = true, value_name = "PATH")]
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
    let (lists, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        args.files.iter().partition(|path| listing::is_list(&mut reader, path));
    let mut listings = Vec::new();
    for path in lists {
        let listed = listing::of(&mut reader, path);
        if args.json {
            listings.push(listed);
        } else {
            listed.print(&mut out)?;
        }
    }
    for file in files {
        let report = Report::of(&mut reader, file);
        is_any_refused |= matches!(report.state, State::Refused | State::Metadata);
        if args.json {
            reports.push(report);
        } else {
            report.print(&mut out)?;
        }
    }
    if args.json {
        let listings = listings.iter().map(serde_json::to_value);
        let reports = reports.iter().map(serde_json::to_value);
        let all: Vec<_> = listings.chain(reports).collect::<Result<_, _>>()?;
        terminal::json_pretty(&mut out, &all)?;
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
    #[serde(serialize_with = "terminal::path")]
    file: PathBuf,
    state: State,
    /// Why it was not shown, or why its first lost frame was not.
    reason: Option<String>,
    cautions: Vec<Caution>,
    attributes: Option<Summary>,
    /// SHA-256 of the stored values as little-endian 32-bit integers, row by row, frame by frame.
    stored_sha256: Option<String>,
    /// SHA-256 of the 8-bit values of the default display, row by row, frame by frame.
    displayed_sha256: Option<String>,
    /// Each frame by itself, where there are several.
    frames: Vec<FrameReport>,
}

/// One frame of several.
#[derive(Serialize)]
struct FrameReport {
    /// Why it was not shown.
    reason: Option<String>,
    stored_sha256: Option<String>,
    displayed_sha256: Option<String>,
    windows: Vec<String>,
    spacing: Option<Spacing>,
    cautions: Vec<Caution>,
}

/// The attributes that name nobody.
#[derive(Serialize)]
struct Summary {
    rows: u32,
    columns: u32,
    number_of_frames: u32,
    bits_stored: u16,
    is_signed: bool,
    photometric_interpretation: PhotometricInterpretation,
    image_laterality: Option<ImageLaterality>,
    view_position: Option<ViewPosition>,
    patient_orientation: Option<[String; 2]>,
    /// How the window turns it for the eye, and what lies at its edges then.
    pose: Option<Pose>,
    edges: Option<Edges>,
    spacing: Option<Spacing>,
    /// What a length on it is in.
    unit: String,
    windows: Vec<String>,
    lossy: bool,
    has_patient_id: bool,
}

impl Report {
    /// Reads a file, frame after frame.
    fn of(reader: &mut Reader, file: &Path) -> Self {
        let mut report = Self {
            file: file.to_owned(),
            state: State::Shown,
            reason: None,
            cautions: Vec::new(),
            attributes: None,
            stored_sha256: None,
            displayed_sha256: None,
            frames: Vec::new(),
        };
        if let Err(error) = report.read(reader) {
            report.state = State::Refused;
            if let Error::PixelsCut { attributes, .. } = &error {
                report.state = State::Metadata;
                report.cautions = attributes.cautions.clone();
                report.attributes = Some(Summary::of_attributes(attributes));
            }
            report.reason = Some(format!("{:#}", anyhow::Error::new(error)));
        }
        report
    }

    fn read(&mut self, reader: &mut Reader) -> Result<(), Error> {
        let (mut stored, mut displayed) = (Sha256::new(), Sha256::new());
        let (mut idx, mut count) = (0, 1);
        while idx < count {
            let read = reader.read_frame(&self.file, idx);
            idx += 1;
            let film = match read {
                Ok(film) => film,
                // The frames before it are sound, and those behind it may be.
                Err(error) if !self.frames.is_empty() => {
                    let reason = format!("frame {idx}: {:#}", anyhow::Error::new(error));
                    self.frames.push(FrameReport::lost(reason.clone()));
                    self.reason.get_or_insert(reason);
                    continue;
                }
                Err(error) => return Err(error),
            };
            count = film.frame.count;
            put_stored(&film, &mut stored);
            put_displayed(&film, &mut displayed);
            if count > 1 {
                self.frames.push(FrameReport::of(&film));
            }
            if idx == 1 {
                self.attributes = Some(Summary::of_film(&film));
            }
            // What every frame has is said once; what one frame alone has, too.
            for caution in film.cautions {
                if !self.cautions.contains(&caution) {
                    self.cautions.push(caution);
                }
            }
        }
        let is_doubtful = self.cautions.iter().any(Caution::is_doubt) || self.reason.is_some();
        self.state = if is_doubtful { State::Caution } else { State::Shown };
        if self.reason.is_none() {
            self.stored_sha256 = Some(hex(&stored.finalize()));
            self.displayed_sha256 = Some(hex(&displayed.finalize()));
        }
        Ok(())
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let state = match self.state {
            State::Shown => "shown",
            State::Caution => "caution",
            State::Refused => "refused",
            State::Metadata => "metadata",
        };
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        tell!(out, "{}: {state}{reason}", self.file.display())?;
        if let Some(summary) = &self.attributes {
            summary.print(out)?;
        }
        for caution in &self.cautions {
            tell!(out, "  {}: {}", caution.code, caution.text)?;
        }
        if let (Some(stored), Some(displayed)) = (&self.stored_sha256, &self.displayed_sha256) {
            tell!(out, "  stored_sha256 {stored}")?;
            tell!(out, "  displayed_sha256 {displayed}")?;
        }
        Ok(())
    }
}

impl FrameReport {
    fn lost(reason: String) -> Self {
        Self {
            reason: Some(reason),
            stored_sha256: None,
            displayed_sha256: None,
            windows: Vec::new(),
            spacing: None,
            cautions: Vec::new(),
        }
    }

    fn of(film: &Mammogram) -> Self {
        let (mut stored, mut displayed) = (Sha256::new(), Sha256::new());
        put_stored(film, &mut stored);
        put_displayed(film, &mut displayed);
        Self {
            reason: None,
            stored_sha256: Some(hex(&stored.finalize())),
            displayed_sha256: Some(hex(&displayed.finalize())),
            windows: film.voi_luts.iter().map(|lut| lut.explanation.clone()).collect(),
            spacing: film.spacing,
            cautions: film.cautions.clone(),
        }
    }
}

impl Summary {
    fn of_film(film: &Mammogram) -> Self {
        Self {
            rows: film.rows,
            columns: film.columns,
            number_of_frames: film.frame.count,
            bits_stored: film.bits_stored,
            is_signed: film.stored_offset != 0,
            photometric_interpretation: film.photometric_interpretation,
            image_laterality: film.image_laterality,
            view_position: film.view_position,
            patient_orientation: film.patient_orientation.clone(),
            pose: Some(hanging::pose(film)),
            edges: hanging::edges(film, hanging::pose(film)),
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
            number_of_frames: attributes.number_of_frames,
            bits_stored: attributes.bits_stored,
            is_signed: attributes.stored_offset != 0,
            photometric_interpretation: attributes.photometric_interpretation,
            image_laterality: attributes.image_laterality,
            view_position: attributes.view_position,
            patient_orientation: attributes.patient_orientation.clone(),
            pose: None,
            edges: None,
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
        tell!(
            out,
            "  {}{} columns x {} rows, {} bits {sign}, {polarity}{}",
            if self.number_of_frames > 1 {
                format!("{} frames of ", self.number_of_frames)
            } else {
                String::new()
            },
            self.columns,
            self.rows,
            self.bits_stored,
            if self.lossy { ", lossy" } else { "" }
        )?;
        let side = self.image_laterality.map_or("unknown", ImageLaterality::word);
        let view = self.view_position.map_or("unknown", ViewPosition::word);
        let axes = match &self.patient_orientation {
            Some([row, column]) => format!(", rows run to {row}, columns to {column}"),
            None => String::new(),
        };
        let turned = match self.pose.unwrap_or_default() {
            Pose { is_mirrored: true, is_upside_down: true } => ", turned round to hang",
            Pose { is_mirrored: true, .. } => ", mirrored to hang",
            Pose { is_upside_down: true, .. } => ", turned over to hang",
            _ => "",
        };
        tell!(out, "  laterality {side}, view {view}{axes}{turned}")?;
        match &self.spacing {
            Some(s) => {
                tell!(out, "  pixel {} x {} {}", s.row_spacing_mm, s.column_spacing_mm, self.unit)?
            }
            None => tell!(out, "  pixel of unknown size")?,
        }
        tell!(out, "  windows: {}", self.windows.join(", "))
    }
}

fn put_stored(film: &Mammogram, hash: &mut Sha256) {
    let mut line = Vec::with_capacity(film.columns as usize * 4);
    for samples in film.samples.chunks_exact(film.columns as usize) {
        line.clear();
        for sample in samples {
            line.extend((i32::from(*sample) + film.stored_offset).to_le_bytes());
        }
        hash.update(&line);
    }
}

fn put_displayed(film: &Mammogram, hash: &mut Sha256) {
    for line in film.default_display().chunks_exact(film.columns as usize) {
        hash.update(line);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
