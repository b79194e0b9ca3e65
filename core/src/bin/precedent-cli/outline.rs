use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use image::{DynamicImage, Rgb, RgbImage};
use precedent_core::geometry::ImagePoint;
use precedent_core::lexicon::{ImageLaterality, ViewPosition};
use precedent_core::mammogram::{Caution, Mammogram};
use precedent_core::measures::{self, Measures, Texture};
use precedent_core::segmentation::{Correction, DOUBTFUL, Outline, Outliner, Prompt, RELIABLE};
use serde::Serialize;

use crate::terminal::{self, tell};
use crate::{png, prompt};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// DICOM, PNG or JPEG file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    prompt: prompt::PromptArgs,
    /// Print one JSON object for machines
    #[arg(long)]
    json: bool,
    /// Tell the texture inside as well: co-occurrence of greys by IBSI, 32 bins, cells of 0.2 mm
    #[arg(long)]
    texture: bool,
    /// Where to write a picture of the mass with its outline
    #[arg(long, value_name = "OUT")]
    png: Option<PathBuf>,
}

/// Outlines, measures and prints; the picture is written last.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let film = args.prompt.read(&args.file)?;
    let read = start.elapsed();
    let prompt = args.prompt.prompt(&film)?.context("the mass is not pointed at")?;

    let start = Instant::now();
    let film = Arc::new(film);
    let mut outliner = Outliner::new(film.clone());
    let outline = outliner.outline(prompt, &args.prompt.corrections())?;
    let measures = outliner.measure(&outline.contour);
    let mut report = Report::new(&args.file, &film, &outline, measures, read, start.elapsed());
    if let Prompt::Click(place) = prompt {
        report.signal = Some(outliner.signal_at(place)?);
    }
    report.cautions.extend(report.signal.filter(|signal| *signal < RELIABLE).map(|signal| {
        Caution::new(
            "W-NO-MASS",
            format!(
                "around the click the grey falls by {signal:.1} times the noise only: no reliable \
                 mass there; drag from the centre to the edge instead"
            ),
        )
    }));
    if args.texture {
        report.texture = measures::texture(&film, &outline.contour);
    }

    let mut out = std::io::stdout().lock();
    if args.json {
        terminal::json_pretty(&mut out, &report)?;
    } else {
        report.print(&mut out)?;
    }
    if let Some(path) = &args.png {
        png::write(path, &DynamicImage::ImageRgb8(drawn(&film, &outline)))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(serialize_with = "terminal::path")]
    file: &'a Path,
    blake3: String,
    /// From 1.
    frame: u32,
    laterality: Option<ImageLaterality>,
    view: Option<ViewPosition>,
    spacing: Option<SpacingReport>,
    prompt: Prompt,
    corrections: &'a [Correction],
    /// Vertices in pixels, closed without repeating the first.
    outline: Vec<[f64; 2]>,
    /// For each vertex, how much dearer the next best way would be.
    confidence: &'a [f32],
    doubtful_share: f64,
    measures: Measures,
    /// Co-occurrence of greys, where it was asked for and the outline holds enough cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    texture: Option<Texture>,
    /// Of a click: how far the grey falls around it, in standard deviations of the noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<f64>,
    cautions: Vec<Caution>,
    timings_ms: Timings,
}

#[derive(Serialize)]
struct SpacingReport {
    row_mm: f64,
    column_mm: f64,
    origin: String,
}

#[derive(Serialize)]
struct Timings {
    read: f64,
    outline: f64,
}

impl<'a> Report<'a> {
    fn new(
        file: &'a Path,
        film: &'a Mammogram,
        outline: &'a Outline,
        measures: Measures,
        read: Duration,
        outlined: Duration,
    ) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Self {
            file,
            blake3: film.content_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            frame: film.frame.idx + 1,
            laterality: film.image_laterality,
            view: film.view_position,
            spacing: film.spacing.map(|spacing| SpacingReport {
                row_mm: spacing.row_spacing_mm,
                column_mm: spacing.column_spacing_mm,
                origin: spacing.origin.unit(),
            }),
            prompt: outline.prompt,
            corrections: &outline.corrections,
            outline: outline.contour.points().iter().map(|p| [p.x, p.y]).collect(),
            confidence: &outline.confidence,
            doubtful_share: outline.doubtful_share(),
            measures,
            texture: None,
            signal: None,
            cautions: film.cautions.clone(),
            timings_ms: Timings { read: ms(read), outline: ms(outlined) },
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let m = &self.measures;
        let unit = &m.unit;
        let square = unit.replacen("mm", "mm2", 1).replacen("px", "px2", 1);
        tell!(out, "{}", self.file.display())?;
        tell!(
            out,
            "  {:.1} x {:.1} {unit}; area {:.1} {square}",
            m.longest_diameter,
            m.perpendicular_diameter,
            m.area
        )?;
        tell!(out, "  circularity {:.2}, contrast {:.2}", m.circularity, m.contrast)?;
        if let (Some(width), Some(share)) = (m.margin_width, m.well_defined_share) {
            let percent = 100.0 * share;
            tell!(out, "  margin width {width:.1} {unit}; {percent:.0} % of it well defined")?;
        }
        if let Some(angle) = m.spiculation {
            tell!(out, "  gradient angle {angle:.0} degrees (0 even fall, 45 no order)")?;
        }
        if !m.unstable.is_empty() {
            let names = m.unstable.join(", ").replace('_', " ");
            tell!(out, "  moved over 15 % by 0.5 mm of outline: {names}")?;
        }
        if let Some(t) = &self.texture {
            let correlation = t.correlation.map_or("none".to_owned(), |c| format!("{c:.3}"));
            tell!(
                out,
                "  texture of {} cells of {:.2} {unit}, {} bins, distance {}: contrast {:.2}, \
                 correlation {correlation}, cluster tendency {:.2}, joint entropy {:.2}, inverse \
                 difference moment {:.3}, angular second moment {:.4}",
                t.cells,
                t.cell,
                t.bins,
                t.distance,
                t.contrast,
                t.cluster_tendency,
                t.joint_entropy,
                t.inverse_difference_moment,
                t.angular_second_moment
            )?;
        }
        tell!(out, "  doubtful over {:.0} % of the outline", 100.0 * self.doubtful_share)?;
        for caution in &self.cautions {
            tell!(out, "  {}: {}", caution.code, caution.text)?;
        }
        Ok(())
    }
}

/// Longest side of the picture.
const PICTURE_SIDE: f64 = 1000.0;
const OUTLINE: Rgb<u8> = Rgb([0, 230, 118]);
const DOUBT: Rgb<u8> = Rgb([255, 171, 64]);

/// The film around the mass in the file's own window, three times as wide as the mass, with the
/// outline on it; doubtful arcs in another colour.
fn drawn(film: &Mammogram, outline: &Outline) -> RgbImage {
    let bounds = outline.contour.bounds();
    let (width, height) = (f64::from(film.columns), f64::from(film.rows));
    let half = (1.5 * bounds.width().max(bounds.height())).max(8.0);
    let cut = |middle: f64, size: f64| {
        let (low, high) = ((middle - half).max(0.0), (middle + half).min(size));
        (low.floor(), (high.ceil() - low.floor()).max(1.0))
    };
    let (left, columns) = cut(bounds.center().x, width);
    let (top, rows) = cut(bounds.center().y, height);
    let zoom = PICTURE_SIDE / columns.max(rows);
    let table = film.voi_luts[0].display_table(film, false);
    let side = |pixels: f64| ((pixels * zoom).round() as u32).max(1);
    let mut picture = RgbImage::from_fn(side(columns), side(rows), |x, y| {
        let place = |origin: f64, at: u32, size: u32| {
            ((origin + (f64::from(at) + 0.5) / zoom) as u32).min(size - 1)
        };
        let (column, row) = (place(left, x, film.columns), place(top, y, film.rows));
        let sample = film.samples[row as usize * film.columns as usize + column as usize];
        let grey = table[usize::from(sample)];
        Rgb([grey, grey, grey])
    });
    let on_picture = |p: ImagePoint| ((p.x - left) * zoom, (p.y - top) * zoom);
    for (idx, (p, q)) in outline.contour.edges().enumerate() {
        let doubtful = outline.confidence.get(idx).is_some_and(|c| *c < DOUBTFUL);
        let color = if doubtful { DOUBT } else { OUTLINE };
        line(&mut picture, on_picture(p), on_picture(q), color);
    }
    picture
}

/// A line two pixels wide.
fn line(picture: &mut RgbImage, from: (f64, f64), to: (f64, f64), color: Rgb<u8>) {
    let steps = (2.0 * (to.0 - from.0).hypot(to.1 - from.1)).ceil().max(1.0) as u32;
    for step in 0..=steps {
        let share = f64::from(step) / f64::from(steps);
        let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
        for (dx, dy) in [(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)] {
            let (x, y) = (x + dx, y + dy);
            if x >= 0.0
                && y >= 0.0
                && let Some(pixel) = picture.get_pixel_mut_checked(x as u32, y as u32)
            {
                *pixel = color;
            }
        }
    }
}
