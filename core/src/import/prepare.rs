//! From a row of a manifest to a region ready to be described: read, outlined, cut.
//!
//! Masses and normal regions take the same road, so that neither contour nor cut gives a class
//! away.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::doubts::{completed, doubtful_size, drawn};
use super::manifest::{Crop, Region, Row};
use super::{mask, sentence};
use crate::case::CaseId;
use crate::dicom;
use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::lexicon::Pathology;
use crate::library::{Picture, identity};
use crate::mammogram::{Caution, Mammogram};
use crate::measures::{self, Measures};
use crate::patch;
use crate::segmentation::{Outliner, Prompt};
use crate::voi_lut::{VoiFunction, VoiLut};

/// A click finds no mass smaller than this radius …
const SMALLEST_RADIUS_MM: f64 = 2.0;
/// … and none larger: of the radii that readers drew on DDSM, 95 % lie below it.
const LARGEST_RADIUS_MM: f64 = 12.4;
/// A film larger than this is stored as the surroundings of its region.
const LARGEST_WHOLE_PICTURE: u32 = 2048;
/// Half side of those surroundings: of the region's own extent, and at least.
const SURROUNDINGS: f64 = 2.0;
/// Half side of the square whose tissue sets a picture's window, of the region's own extent.
const SHOWN_AROUND: f64 = 1.2;
const SURROUNDINGS_MM: f64 = 25.0;
const SURROUNDINGS_PIXELS: f64 = 512.0;

/// A region of a manifest, outlined and cut: what goes into a library, and what an encoder is
/// made from.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub id: CaseId,
    /// The film as it is to be stored: whole, cropped, or the region's surroundings.
    pub film: Arc<Mammogram>,
    /// In pixels of [`Self::film`].
    pub contour: Contour,
    pub measures: Measures,
    pub picture: Picture,
    /// Every name of the patient: the row's, and the file's own.
    pub patients: Vec<String>,
    /// [`identity::film_hash`] of the whole film.
    pub film_hash: [u8; 32],
    pub cautions: Vec<Caution>,
}

/// A row's file, before its region is outlined.
pub(super) struct ReadRow {
    pub(super) id: CaseId,
    path: PathBuf,
    pub(super) film: Mammogram,
    film_hash: [u8; 32],
    /// In pixels of the file.
    region: Region,
}

/// Reads a row's file, outlines its region and cuts what is to be stored. The error is a sentence
/// for the row's line.
pub fn prepare(reader: &mut dicom::Reader, folder: &Path, row: &Row) -> Result<Prepared, String> {
    cut_region(read_row(reader, folder, row)?, row)
}

/// Every name of a row's patient: what the file says of itself counts as well.
pub(super) fn patients(row: &Row, film: &Mammogram) -> Vec<String> {
    row.patients.iter().chain(film.patient_ids()).cloned().collect()
}

/// The row's whole film with the scale, side and view that file and row tell together.
pub(crate) fn film(
    reader: &mut dicom::Reader,
    folder: &Path,
    row: &Row,
) -> Result<Mammogram, String> {
    completed(read_row(reader, folder, row)?.film, row)
}

pub(super) fn read_row(
    reader: &mut dicom::Reader,
    folder: &Path,
    row: &Row,
) -> Result<ReadRow, String> {
    let path = inside(folder, &row.file)?;
    let film = match row.frame {
        Some(number) => reader.read_frame(&path, number - 1),
        None => reader.read(&path),
    };
    let mut film = film.map_err(|error| sentence(&error))?;
    if mask::bright_of_two(&film).is_some() {
        return Err("the picture has only two grey values: it is a mask, not a film".to_owned());
    }
    let region = if row.masks.is_empty() {
        row.region.clone()
    } else {
        let masks = row.masks.iter().map(|mask| inside(folder, mask));
        let masks: Vec<PathBuf> = masks.collect::<Result<_, _>>()?;
        let masks = masks.iter().map(PathBuf::as_path);
        let (border, doubt) = mask::border_among(reader, masks, &film)?;
        film.cautions.extend(doubt);
        Region::Polygon(border)
    };
    let film_hash = identity::film_hash(&film);
    let id = case_id(&film_hash, row.crop, &region);
    Ok(ReadRow { id, path, film, film_hash, region })
}

pub(super) fn cut_region(read: ReadRow, row: &Row) -> Result<Prepared, String> {
    let ReadRow { id, path, film, film_hash, region } = read;
    let patients = patients(row, &film);
    let mut film = completed(film, row)?;
    film = match row.crop {
        Some(crop) => cut(&film, crop)?,
        None => film,
    };
    let film = Arc::new(film);
    let offset = row.crop.map_or(ImagePoint::default(), corner);

    let region = shifted(&region, offset);
    let contour = match (row.pathology, &region) {
        (Pathology::Normal, Region::Circle { center, radius }) => {
            outline_normal(&film, *center, *radius)?
        }
        _ => outline(&film, &region)?,
    };
    let doubt = doubtful_size(&film, &contour)?;
    let measures = measures::measure(&film, &contour);
    let (film, contour) = if film.rows.max(film.columns) > LARGEST_WHOLE_PICTURE {
        let around = surroundings(&film, &contour);
        let corner = corner(around);
        (Arc::new(cut(&film, around)?), moved(&contour, |p| minus(p, corner)))
    } else {
        (film, contour)
    };
    // Short numbers, which a database of text gives back to the last bit.
    let short = |v: f64| (v * 1024.0).round() / 1024.0;
    let contour = moved(&contour, |p| ImagePoint::new(short(p.x), short(p.y)));

    let film = Arc::new(shown_around(&film, &contour));
    let picture = match keep(&path, &film) {
        Some(picture) => picture,
        None => Picture::png(&film).map_err(|error| sentence(&error))?,
    };
    let own = film.cautions.iter().filter(|caution| !is_answered(&caution.code, &film));
    let cautions = own.chain(&row.cautions).cloned().chain(doubt).collect();
    Ok(Prepared { id, film, contour, measures, picture, patients, film_hash, cautions })
}

/// The file as a path that leads nowhere outside the manifest's folder, links included.
fn inside(folder: &Path, file: &Path) -> Result<PathBuf, String> {
    let resolve = |path: &Path| {
        path.canonicalize().map_err(|error| format!("{} cannot be opened: {error}", file.display()))
    };
    let folder = resolve(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    let path = resolve(&folder.join(file))?;
    if !path.starts_with(&folder) {
        return Err(format!("{} leads outside the manifest's folder", file.display()));
    }
    Ok(path)
}

/// The region's contour: drawn ones as they are, the others by the prompt a reader would use.
/// Masses and normal regions take the same road, so that a contour does not give a class away.
fn outline(film: &Arc<Mammogram>, region: &Region) -> Result<Contour, String> {
    let mut outliner = Outliner::new(Arc::clone(film));
    let prompt = match region {
        Region::Polygon(contour) => return drawn(film, contour),
        Region::Circle { center, radius } => Prompt::Drag { center: *center, radius: *radius },
        Region::Box(rect) => Prompt::Box(*rect),
        Region::Point(point) => sized(&mut outliner, film, *point)?,
        Region::Middle => {
            let (width, height) = (f64::from(film.columns), f64::from(film.rows));
            sized(&mut outliner, film, ImagePoint::new(width / 2.0, height / 2.0))?
        }
    };
    outliner.outline(prompt, &[]).map(|outline| outline.contour).map_err(|e| sentence(&e))
}

/// A normal region's contour: by the prompt that a mass gets, and small enough for the encoder's
/// square to lie on the picture. Normal tissue has no size of its own, so the circle gives way;
/// black beyond the edge of a picture would tell the encoder which pictures were cut for being
/// normal.
fn outline_normal(
    film: &Arc<Mammogram>,
    center: ImagePoint,
    radius: f64,
) -> Result<Contour, String> {
    const SHRINK: f64 = 0.93;
    const TRIES: i32 = 15;
    let (width, height) = (f64::from(film.columns), f64::from(film.rows));
    let mut outliner = Outliner::new(Arc::clone(film));
    for attempt in 0..TRIES {
        let radius = radius * SHRINK.powi(attempt);
        let outlined = outliner.outline(Prompt::Drag { center, radius }, &[]);
        let contour = outlined.map_err(|e| sentence(&e))?.contour;
        let square = patch::square(film, &contour);
        if square.min.x.min(square.min.y) >= 0.0 && square.max.x <= width && square.max.y <= height
        {
            return Ok(contour);
        }
    }
    Err("the normal region lies too near the picture's edge: what is around it, half its radius \
         wide and 8 mm at least, must be on the picture"
        .to_owned())
}

/// A drag of the size that suits the place, within the sizes that lesions have; a click where the
/// film has no size.
pub(crate) fn sized(
    outliner: &mut Outliner,
    film: &Mammogram,
    center: ImagePoint,
) -> Result<Prompt, String> {
    let Some(spacing) = film.spacing else { return Ok(Prompt::Click(center)) };
    let pixels = |mm: f64| (mm / spacing.mean_mm()).max(1.0);
    let radius = outliner
        .radius_within(center, pixels(SMALLEST_RADIUS_MM)..=pixels(LARGEST_RADIUS_MM))
        .map_err(|e| sentence(&e))?;
    Ok(Prompt::Drag { center, radius })
}

/// The part of a film, as a film.
pub(crate) fn cut(film: &Mammogram, crop: Crop) -> Result<Mammogram, String> {
    let Crop { column, row, columns, rows } = crop;
    let fits =
        |first: u32, count: u32, size: u32| first.checked_add(count).is_some_and(|end| end <= size);
    if !fits(column, columns, film.columns) || !fits(row, rows, film.rows) {
        return Err(format!(
            "the crop reaches beyond the picture of {} x {} pixels",
            film.columns, film.rows
        ));
    }
    let samples = (row..row + rows)
        .flat_map(|r| {
            let start = r as usize * film.columns as usize + column as usize;
            film.samples[start..start + columns as usize].iter().copied()
        })
        .collect();
    Ok(Mammogram { rows, columns, samples: Arc::new(samples), ..film.clone() })
}

/// A square around the outline, as far as the film goes.
fn surroundings(film: &Mammogram, contour: &Contour) -> Crop {
    let bounds = contour.bounds();
    let least = film.spacing.map_or(SURROUNDINGS_PIXELS, |s| SURROUNDINGS_MM / s.mean_mm());
    let half = (SURROUNDINGS * bounds.width().max(bounds.height())).max(least);
    let center = bounds.center();
    let range = |middle: f64, size: u32| {
        let first = (middle - half).floor().clamp(0.0, f64::from(size) - 1.0) as u32;
        let end = (middle + half).ceil().clamp(f64::from(first) + 1.0, f64::from(size)) as u32;
        (first, end - first)
    };
    let (column, columns) = range(center.x, film.columns);
    let (row, rows) = range(center.y, film.rows);
    Crop { column, row, columns, rows }
}

/// Whether the manifest, or this import, tells what the file left open.
fn is_answered(code: &str, film: &Mammogram) -> bool {
    match code {
        "W-NO-PATIENT" | "W-AUTO-WINDOW" => true,
        "W-NO-SPACING" => film.spacing.is_some(),
        "W-PICTURE" => film.image_laterality.is_some() && film.view_position.is_some(),
        _ => false,
    }
}

/// A film that brings no window of its own gets one from the tissue around its region, so that a
/// picture without air or with much of it is as legible as the next.
fn shown_around(film: &Mammogram, contour: &Contour) -> Mammogram {
    let is_automatic = film.voi_luts.iter().all(|voi| voi.explanation == "Automatic");
    let bounds = contour.bounds();
    let half = SHOWN_AROUND * bounds.width().max(bounds.height());
    let center = bounds.center();
    let range = |middle: f64, size: u32| {
        let clamped = |v: f64| v.clamp(0.0, f64::from(size)) as usize;
        clamped(middle - half)..clamped(middle + half)
    };
    let mut values: Vec<u16> = range(center.y, film.rows)
        .flat_map(|row| {
            let start = row * film.columns as usize;
            range(center.x, film.columns).map(move |column| start + column)
        })
        .map(|position| film.samples[position])
        .filter(|&sample| sample != 0 && !film.is_padding(sample))
        .collect();
    values.sort_unstable();
    let (Some(low), Some(high)) = (
        values.get(values.len() / 200),
        values.get(values.len().saturating_sub(values.len() / 200 + 1)),
    ) else {
        return film.clone();
    };
    if !is_automatic || low == high {
        return film.clone();
    }
    let value = |sample: u16| film.modality_lut.apply(i32::from(sample) + film.stored_offset);
    let (low, high) = (value(*low), value(*high));
    let voi = VoiLut {
        explanation: "Around the region".to_owned(),
        function: VoiFunction::LinearExact {
            center: (low + high) / 2.0,
            width: (high - low).abs().max(f64::MIN_POSITIVE),
        },
    };
    Mammogram { voi_luts: vec![voi], ..film.clone() }
}

fn corner(crop: Crop) -> ImagePoint {
    ImagePoint::new(f64::from(crop.column), f64::from(crop.row))
}

fn minus(point: ImagePoint, offset: ImagePoint) -> ImagePoint {
    ImagePoint::new(point.x - offset.x, point.y - offset.y)
}

fn moved(contour: &Contour, to: impl Fn(ImagePoint) -> ImagePoint) -> Contour {
    let points = contour.points().iter().copied().map(to).collect();
    Contour::new(points).expect("a film's pixels are far from where numbers end")
}

/// The region in pixels of a crop whose top left corner is at `offset`.
fn shifted(region: &Region, offset: ImagePoint) -> Region {
    let shift = |p: ImagePoint| minus(p, offset);
    match region {
        Region::Circle { center, radius } => {
            Region::Circle { center: shift(*center), radius: *radius }
        }
        Region::Point(point) => Region::Point(shift(*point)),
        Region::Box(rect) => Region::Box(ImageRect { min: shift(rect.min), max: shift(rect.max) }),
        Region::Polygon(contour) => Region::Polygon(moved(contour, shift)),
        Region::Middle => Region::Middle,
    }
}

/// The file's own bytes where they are the film's and safe to keep.
fn keep(path: &Path, film: &Mammogram) -> Option<Picture> {
    let bytes = std::fs::read(path).ok()?;
    (*blake3::hash(&bytes).as_bytes() == film.content_hash)
        .then(|| Picture::keep(bytes, film))
        .flatten()
}

/// A case is named after its content: the film's pixels, and what the manifest marks on them.
fn case_id(film_hash: &[u8; 32], crop: Option<Crop>, region: &Region) -> CaseId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(film_hash);
    let marked = serde_json::to_vec(&(crop, region)).expect("plain values become JSON");
    hasher.update(&marked);
    CaseId(hasher.finalize().to_hex()[..12].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::Phantom;

    #[test]
    fn the_encoders_square_around_a_normal_region_lies_on_the_picture() {
        for seed in 0..12 {
            let film = Arc::new(Phantom::region().draw(seed).mammogram);
            let (width, height) = (f64::from(film.columns), f64::from(film.rows));
            // As near to a corner as the circle's own square allows.
            let radius = 0.2 * width;
            let center = ImagePoint::new(1.5 * radius, height - 1.5 * radius);
            let contour =
                outline_normal(&film, center, radius).expect("there is room for a square");
            let square = patch::square(&film, &contour);
            assert!(square.min.x >= 0.0 && square.min.y >= 0.0, "seed {seed}: {square:?}");
            assert!(square.max.x <= width && square.max.y <= height, "seed {seed}: {square:?}");
        }
    }

    #[test]
    fn a_normal_region_on_the_very_edge_is_refused() {
        let film = Arc::new(Phantom::region().draw(1).mammogram);
        let refused = outline_normal(&film, ImagePoint::new(10.0, 10.0), 60.0);
        assert!(refused.expect_err("no square fits there").contains("too near"));
    }
}
