//! `find`: the cases most similar to an outlined mass.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use precedent_core::case::Case;
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::lexicon::{BreastDensity, Pathology, ViewPosition};
use precedent_core::mammogram::{Mammogram, Spacing};
use precedent_core::measures::{self, Atlas, Measure, Measures};
use precedent_core::places;
use precedent_core::retrieval::{Neighbour, Neighbours, Query, Retriever};
use precedent_core::segmentation::Outliner;
use precedent_core::sheet;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::encoder::EncoderArgs;
use crate::prompt::PromptArgs;
use crate::terminal::{self, tell};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// DICOM, PNG or JPEG file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    prompt: PromptArgs,
    /// An outline of this very film, as `outline --json` prints it
    #[arg(long, value_name = "FILE", group = "mark")]
    outline: Option<PathBuf>,
    /// How many neighbours, in all or in each lane
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    /// The nearest of each pathology instead of the nearest of all
    #[arg(long)]
    lanes: bool,
    /// Only cases of this pathology (malignant, benign, normal); may be given again
    #[arg(long, value_parser = |text: &str| word(text, Pathology::from_word))]
    pathology: Vec<Pathology>,
    /// Only cases of this view (CC, MLO …)
    #[arg(long, value_parser = |text: &str| word(text, ViewPosition::from_word))]
    view: Option<ViewPosition>,
    /// Only cases of this breast density (a to d)
    #[arg(long, value_parser = |text: &str| word(text, BreastDensity::from_word))]
    density: Option<BreastDensity>,
    /// Only cases of this source, as `library list` names it
    #[arg(long)]
    source: Option<String>,
    /// Folder of the case library; the starter library unless named
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    #[command(flatten)]
    encoder: EncoderArgs,
    /// Print one JSON object for machines
    #[arg(long)]
    json: bool,
    /// Where to write a picture of the query and its neighbours, a PNG
    #[arg(long, value_name = "OUT")]
    sheet: Option<PathBuf>,
}

/// The film with its outline, and how long it took to come by them.
struct Asked {
    film: Arc<Mammogram>,
    contour: Contour,
    measures: Measures,
    read_time: Duration,
    outline_time: Duration,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let asked = ask(&args)?;
    let library = args.library.clone().unwrap_or_else(places::starter_library);
    let retriever = Retriever::open(&library, &args.encoder.bundle(), args.encoder.device)?;
    let query = Query {
        k: args.k.into(),
        lanes: args.lanes,
        pathologies: args.pathology.clone(),
        view_position: args.view,
        breast_density: args.density,
        source: args.source.clone(),
    };
    let neighbours = retriever.retrieve(&asked.film, &asked.contour, &query)?;

    let mut out = std::io::stdout().lock();
    if args.json {
        let report = report(&args.file, &asked, &retriever, &neighbours);
        terminal::json_pretty(&mut out, &report)?;
    } else {
        print(&mut out, &retriever, &neighbours)?;
    }
    if let Some(path) = &args.sheet {
        let sheet = sheet::draw(&retriever, &asked.film, &asked.contour, &neighbours)?;
        sheet
            .save_with_format(path, image::ImageFormat::Png)
            .with_context(|| format!("the picture cannot be written: {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(args: &Args) -> anyhow::Result<Asked> {
    let start = Instant::now();
    let film = Arc::new(args.prompt.read(&args.file)?);
    let read_time = start.elapsed();

    let start = Instant::now();
    let contour = match &args.outline {
        Some(path) => drawn_before(path, &film)?,
        None => {
            let prompt = args.prompt.prompt(&film)?.context("the mass is not pointed at")?;
            let mut outliner = Outliner::new(Arc::clone(&film));
            outliner.outline(prompt, &args.prompt.corrections())?.contour
        }
    };
    let outline_time = start.elapsed();
    let measures = measures::measure(&film, &contour);
    Ok(Asked { film, contour, measures, read_time, outline_time })
}

/// The part of `outline --json` that is asked with.
#[derive(Deserialize)]
struct Drawn {
    blake3: String,
    #[serde(default = "first_frame")]
    frame: u32,
    outline: Vec<[f64; 2]>,
}

fn first_frame() -> u32 {
    1
}

/// An outline from a file, which must belong to this film.
fn drawn_before(path: &Path, film: &Mammogram) -> anyhow::Result<Contour> {
    let unusable = || format!("the outline cannot be used: {}", path.display());
    let text = std::fs::read_to_string(path).with_context(unusable)?;
    let drawn: Drawn = serde_json::from_str(&text).with_context(unusable)?;
    ensure!(drawn.blake3 == hex(film), "this outline was drawn on another film");
    let frame = film.frame.idx + 1;
    ensure!(drawn.frame == frame, "this outline was drawn on frame {}", drawn.frame);
    let points: Vec<_> = drawn.outline.iter().map(|[x, y]| ImagePoint::new(*x, *y)).collect();
    let (columns, rows) = (f64::from(film.columns), f64::from(film.rows));
    let inside = |p: &ImagePoint| (0.0..=columns).contains(&p.x) && (0.0..=rows).contains(&p.y);
    ensure!(points.iter().all(inside), "the outline leaves the image");
    let contour = Contour::new(points).with_context(unusable)?;
    ensure!(contour.area() > 0.0, "the outline encloses nothing");
    Ok(contour)
}

fn report(file: &Path, asked: &Asked, retriever: &Retriever, found: &Neighbours) -> Value {
    let film = &asked.film;
    let milliseconds = |time: Duration| (time.as_secs_f64() * 1e5).round() / 1e2;
    let outline: Vec<_> = asked.contour.points().iter().map(|p| [p.x, p.y]).collect();
    // The search says better what the reader noticed too.
    let own = film.cautions.iter().filter(|own| found.cautions.iter().all(|c| c.code != own.code));
    let cautions: Vec<_> = own.chain(&found.cautions).collect();
    let atlas = retriever.atlas();
    let listed = found.lists.iter().flat_map(|(_, list)| list);
    json!({
        "query": {
            "file": file.to_string_lossy(),
            "blake3": hex(film),
            "frame": film.frame.idx + 1,
            "laterality": film.image_laterality,
            "view": film.view_position,
            "spacing": film.spacing.as_ref().map(spacing),
            "outline": outline,
            "measures": asked.measures,
            "percentiles": percentiles(&atlas, &asked.measures),
        },
        "encoder": retriever.encoder_id(),
        "device": retriever.device(),
        "library": retriever.counts(),
        "own_cases_left_out": found.num_own_cases,
        "neighbours": listed.map(|n| neighbour(n, &atlas)).collect::<Vec<_>>(),
        "cautions": cautions,
        "timings_ms": {
            "read": milliseconds(asked.read_time),
            "outline": milliseconds(asked.outline_time),
            "encode": milliseconds(found.encode_time),
            "search": milliseconds(found.search_time),
        },
        "intended_use": precedent_core::INTENDED_USE,
    })
}

fn spacing(spacing: &Spacing) -> Value {
    json!({
        "row_mm": spacing.row_spacing_mm,
        "column_mm": spacing.column_spacing_mm,
        "origin": spacing.origin.unit(),
    })
}

/// Where each measure lies among the masses of the library, in percent; those that can be compared.
fn percentiles(atlas: &Atlas, measures: &Measures) -> Value {
    let of = |measure: Measure| {
        let percentile = atlas.percentile(measure, measures)?.round();
        Some((measure.field().to_owned(), json!(percentile)))
    };
    Value::Object(Measure::ALL.into_iter().filter_map(of).collect())
}

fn neighbour(neighbour: &Neighbour, atlas: &Atlas) -> Value {
    let case = &neighbour.case;
    let shares: serde_json::Map<_, _> =
        neighbour.shares.iter().map(|(part, share)| (part.clone(), json!(share))).collect();
    json!({
        "rank": neighbour.rank,
        "case_id": case.id,
        "pathology": case.pathology,
        "outcome_basis": case.outcome_basis,
        "distance": neighbour.distance,
        // Of unit vectors: the cosine of the angle between them.
        "similarity": 1.0 - neighbour.distance * neighbour.distance / 2.0,
        "shares": shares,
        "view": case.view_position,
        "laterality": case.image_laterality,
        "source": case.source,
        "terms": case.terms,
        "measures": case.measures,
        "percentiles": percentiles(atlas, &case.measures),
        "picture_blake3": case.picture,
        "notes": case.notes,
        "cautions": case.cautions,
    })
}

fn print(out: &mut impl Write, retriever: &Retriever, found: &Neighbours) -> std::io::Result<()> {
    let counts = retriever.counts();
    let device = retriever.device();
    tell!(
        out,
        "{} cases: {} malignant, {} benign, {} normal; {} of this patient left out",
        counts.cases,
        counts.malignant,
        counts.benign,
        counts.normal,
        found.num_own_cases
    )?;
    tell!(out, "Described on {}: {}", device.name, device.reason)?;
    for (pathology, list) in &found.lists {
        tell!(out)?;
        if let Some(pathology) = pathology {
            tell!(out, "Nearest {pathology}")?;
        }
        for neighbour in list {
            tell!(out, "{}", line(neighbour))?;
        }
    }
    tell!(out)?;
    for caution in &found.cautions {
        tell!(out, "{}: {}", caution.code, caution.text)?;
    }
    tell!(out, "{}", precedent_core::INTENDED_USE)
}

fn line(neighbour: &Neighbour) -> String {
    let case: &Case = &neighbour.case;
    let terms = sheet::terms(case);
    format!(
        "{:3}  {:9}  {:.3}  {}  {}{}{terms}",
        neighbour.rank,
        case.pathology,
        neighbour.distance,
        case.id.0,
        case.source,
        if terms.is_empty() { "" } else { "; " },
    )
}

fn hex(film: &Mammogram) -> String {
    film.content_hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn word<T>(text: &str, from_word: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    from_word(text).ok_or_else(|| format!("\"{text}\" is not a word of the lexicon"))
}
