//! The manifest: a CSV with one row a region of known outcome, beside the pictures it names.
//!
//! Parsed strictly: an unknown column or word is told with its line, never guessed. Words of older
//! BI-RADS editions are mapped here (LOBULATED -> oval, ILL_DEFINED -> indistinct) and leave a
//! caution on the case. [`COLUMNS_HELP`] says what each column holds.

use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::case::Terms;
use crate::geometry::{Contour, ImagePoint, ImageRect};
use crate::import::cells::{
    Cells, breast_density, frame, laterality, open, parsed, pixel_mm, pixel_origin, yes_or_no,
};
use crate::import::words;
use crate::lexicon::{Assessment, ImageLaterality, Pathology, ViewPosition};
use crate::library::identity;
use crate::mammogram::{Caution, Spacing, SpacingOrigin};

/// What the columns hold, for a person; `file` to `source` are required.
pub const COLUMNS_HELP: &str = "\
The manifest is a CSV file with a header; columns may come in any order:
  file            picture below the manifest's folder: DICOM, or grey PNG or JPEG
  patients        every name of this patient, separated by |; kept as keyed hashes only
  pathology       malignant, benign or normal
  outcome_basis   how the outcome is known: biopsy, follow-up ...
  source          collection and scanner: DDSM, HOWTEK 43.5
and, where they are known:
  region          circle X Y R | point X Y | box X0 Y0 X1 Y1 | polygon X Y X Y X Y ...
                  in pixels of the file; left out: a point in the middle
  mask            instead of a region: a picture of the film's size in two values, of which the
                  brighter is the region; of several, separated by |, the one that is a mask
  frame           which frame of a file that has several, from 1
  crop            X Y WIDTH HEIGHT: the part of the file that is the picture
  pixel_mm        side of a pixel, 0.01 to 1, for a file that does not tell
  pixel_origin    scanner (of the film), or stated
  laterality      R or L
  view            CC, MLO ...; side or view that contradicts the file waits for a person
  shape           oval, round, irregular; lobulated is read as oval
  margin          circumscribed, obscured, microlobulated, indistinct, spiculated
  breast_density  a to d, or 1 to 4
  assessment      BI-RADS category, 0 to 6
  age             in years
  confirmed       yes: a person has looked at this picture, no text in it names the patient, and
                  what is doubted about it is right
  notes           free text, shown with the case: nothing that names the patient";

/// The rows that can be used, and what is wrong with the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// The manifest's own folder; every `file` lies below it.
    pub folder: PathBuf,
    pub rows: Vec<Row>,
    pub faults: Vec<Fault>,
}

/// One region of one picture, with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Of the manifest, from 1.
    pub line: u64,
    /// Below [`Manifest::folder`].
    pub file: PathBuf,
    /// From 1, as DICOM counts; `None` where the list does not say.
    pub frame: Option<u32>,
    pub crop: Option<Crop>,
    pub region: Region,
    /// Below [`Manifest::folder`]: pictures one of which is the region's mask; else none.
    pub masks: Vec<PathBuf>,
    /// Every name of the patient, never empty.
    pub patients: Vec<String>,
    pub pathology: Pathology,
    pub outcome_basis: String,
    pub source: String,
    pub terms: Terms,
    pub image_laterality: Option<ImageLaterality>,
    pub view_position: Option<ViewPosition>,
    pub spacing: Option<Spacing>,
    pub notes: String,
    /// A person has looked at this picture and stands for it.
    pub is_confirmed: bool,
    /// What had to be mapped.
    pub cautions: Vec<Caution>,
}

/// The part of a file that is the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Crop {
    pub column: u32,
    pub row: u32,
    pub columns: u32,
    pub rows: u32,
}

/// Where the region is, in pixels of the file (not of the crop).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Region {
    Circle {
        center: ImagePoint,
        radius: f64,
    },
    Point(ImagePoint),
    Box(ImageRect),
    Polygon(Contour),
    /// A point in the middle of the picture.
    Middle,
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the manifest cannot be read: {path}")]
    Open { path: PathBuf, source: csv::Error },
    #[error("the manifest has no column `{column}`; it needs {}", REQUIRED.join(", "))]
    MissingColumn { column: &'static str },
    #[error("the manifest's column `{column}` is unknown; there are {}", COLUMNS.join(", "))]
    UnknownColumn { column: String },
    #[error("the manifest has two columns `{column}`")]
    RepeatedColumn { column: String },
}

const REQUIRED: [&str; 5] = ["file", "patients", "pathology", "outcome_basis", "source"];
const COLUMNS: [&str; 20] = [
    "file",
    "patients",
    "pathology",
    "outcome_basis",
    "source",
    "region",
    "mask",
    "frame",
    "crop",
    "pixel_mm",
    "pixel_origin",
    "laterality",
    "view",
    "shape",
    "margin",
    "breast_density",
    "assessment",
    "age",
    "confirmed",
    "notes",
];

/// Columns that a list may leave out, or empty, where nobody asks for outcomes.
const OUTCOME: [&str; 2] = ["pathology", "outcome_basis"];

/// Reads a manifest; a faulty row is in [`Manifest::faults`], not an error.
pub fn read(path: &Path) -> Result<Manifest, Error> {
    read_by(path, &REQUIRED, |line, cells| parse_row(line, cells, true))
}

/// Reads one whose outcomes will not be looked at, and may be left out. What is left out stands as
/// benign, by which the region is outlined as a mass is.
pub fn read_unlabelled(path: &Path) -> Result<Manifest, Error> {
    let required = REQUIRED.into_iter().filter(|c| !OUTCOME.contains(c));
    read_by(path, &required.collect::<Vec<_>>(), |line, cells| parse_row(line, cells, false))
}

fn read_by(
    path: &Path,
    required: &[&'static str],
    parse: impl Fn(u64, &Cells<'_>) -> Result<Row, String>,
) -> Result<Manifest, Error> {
    let (reader, header) = open(path)?;
    if let Some(column) = header.iter().find(|c| !COLUMNS.contains(c)) {
        return Err(Error::UnknownColumn { column: column.to_owned() });
    }
    if let Some(column) = required.iter().find(|c| !header.iter().any(|h| h == **c)) {
        return Err(Error::MissingColumn { column });
    }

    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let (rows, faults) = parsed(path, reader, &header, parse)?;
    Ok(Manifest { folder, rows, faults })
}

fn parse_row(line: u64, cells: &Cells<'_>, is_labelled: bool) -> Result<Row, String> {
    let mut cautions = Vec::new();
    let file = below(cells.require("file")?, "file")?;
    let masks =
        cells.get("mask").map(|masks| masks.split('|').map(|mask| below(mask.trim(), "mask")));
    let masks: Vec<PathBuf> = masks.into_iter().flatten().collect::<Result<_, _>>()?;
    if !masks.is_empty() && cells.get("region").is_some() {
        return Err("`region` and `mask` both say where the region is".to_owned());
    }
    let patients: Vec<String> = cells
        .require("patients")?
        .split('|')
        .map(|name| name.trim().to_owned())
        .filter(|name| identity::known_as(name).is_some())
        .collect();
    if patients.is_empty() {
        return Err("`patients` names nobody".to_owned());
    }
    let (pathology, outcome_basis) = match cells.get("pathology") {
        None if !is_labelled => (Pathology::Benign, ""),
        _ => {
            let pathology = words::pathology(cells.require("pathology")?, &mut cautions)?;
            (pathology, cells.require("outcome_basis")?)
        }
    };
    let terms = Terms {
        mass_shape: words::mass_shape(cells.get("shape"), &mut cautions)?,
        mass_margin: words::mass_margin(cells.get("margin"), &mut cautions)?,
        breast_density: cells.parse("breast_density", breast_density)?,
        assessment: cells.parse("assessment", Assessment::from_word)?,
        age: cells.parse("age", |text| text.parse().ok().filter(|age| *age <= 130))?,
    };
    let region = cells.parse("region", region)?.unwrap_or(Region::Middle);
    if let Region::Polygon(contour) = &region
        && !contour.is_simple()
    {
        return Err("the polygon of `region` crosses or touches itself: what lies inside it is \
                    uncertain"
            .to_owned());
    }
    let origin = cells.parse("pixel_origin", pixel_origin)?.unwrap_or(SpacingOrigin::Stated);
    let spacing = cells.parse("pixel_mm", pixel_mm)?.map(|mm| Spacing::square(mm, origin));
    Ok(Row {
        line,
        file,
        frame: cells.parse("frame", frame)?,
        crop: cells.parse("crop", crop)?,
        region,
        masks,
        patients,
        pathology,
        outcome_basis: outcome_basis.to_owned(),
        source: cells.require("source")?.to_owned(),
        terms,
        image_laterality: cells.parse("laterality", laterality)?,
        view_position: cells.parse("view", ViewPosition::from_word)?,
        spacing,
        notes: cells.get("notes").unwrap_or_default().to_owned(),
        is_confirmed: cells.parse("confirmed", yes_or_no)?.unwrap_or(false),
        cautions,
    })
}

/// A path that leads nowhere but down.
fn below(path: &str, column: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Ok(path);
    }
    Err(format!("`{column}` must be a path below the manifest's folder"))
}

fn crop(text: &str) -> Option<Crop> {
    let numbers: Vec<u32> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let &[column, row, columns, rows] = numbers.as_slice() else { return None };
    (columns > 0 && rows > 0).then_some(Crop { column, row, columns, rows })
}

fn region(text: &str) -> Option<Region> {
    let (word, rest) = text.split_once(char::is_whitespace)?;
    let numbers: Vec<f64> =
        rest.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    if numbers.iter().any(|v| !v.is_finite()) {
        return None;
    }
    match (word, numbers.as_slice()) {
        ("circle", &[x, y, radius]) if radius > 0.0 => {
            Some(Region::Circle { center: ImagePoint::new(x, y), radius })
        }
        ("point", &[x, y]) => Some(Region::Point(ImagePoint::new(x, y))),
        ("box", &[x0, y0, x1, y1]) if x0 != x1 && y0 != y1 => Some(Region::Box(
            ImageRect::from_corners(ImagePoint::new(x0, y0), ImagePoint::new(x1, y1)),
        )),
        ("polygon", numbers) if numbers.len() % 2 == 0 => {
            let points = numbers.chunks_exact(2).map(|p| ImagePoint::new(p[0], p[1])).collect();
            Contour::new(points).map(Region::Polygon)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lexicon::{BreastDensity, MassMargin, MassShape};

    fn parse(text: &str) -> Result<Manifest, Error> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("manifest.csv");
        std::fs::write(&path, text).expect("the temporary folder takes a file");
        read(&path)
    }

    const HEAD: &str = "file,patients,pathology,outcome_basis,source,region,crop,pixel_mm,pixel_origin,laterality,view,shape,margin,breast_density,assessment,age,notes,frame,confirmed\n";

    #[test]
    fn every_column_arrives_where_it_belongs() {
        let row = "a/b.png,X 1 | Y-2,malignant,biopsy,\"S, T\",circle 10 20.5 3,1 2 30 40,0.05,scanner,RIGHT,mlo,Round,SPICULATED,3,5,61,seen twice,3,yes\n";
        let manifest = parse(&format!("{HEAD}{row}")).expect("a good manifest");
        assert!(manifest.faults.is_empty(), "{:?}", manifest.faults);
        let row = &manifest.rows[0];
        assert_eq!(row.line, 2);
        assert_eq!(row.patients, ["X 1", "Y-2"]);
        assert_eq!(row.source, "S, T");
        assert_eq!(row.region, Region::Circle { center: ImagePoint::new(10.0, 20.5), radius: 3.0 });
        assert_eq!(row.crop, Some(Crop { column: 1, row: 2, columns: 30, rows: 40 }));
        assert_eq!(row.spacing, Some(Spacing::square(0.05, SpacingOrigin::FilmScanner)));
        assert_eq!(row.image_laterality, Some(ImageLaterality::Right));
        assert_eq!(row.view_position, Some(ViewPosition::Mlo));
        assert_eq!(
            row.terms,
            Terms {
                mass_shape: Some(MassShape::Round),
                mass_margin: Some(MassMargin::Spiculated),
                breast_density: Some(BreastDensity::C),
                assessment: Some(Assessment::HighlySuggestive),
                age: Some(61),
            }
        );
        assert_eq!(row.notes, "seen twice");
        assert_eq!((row.frame, row.is_confirmed), (Some(3), true));
        assert!(row.cautions.is_empty());
    }

    #[test]
    fn a_region_is_marked_once_and_frames_count_from_one() {
        let text = "file,patients,pathology,outcome_basis,source,region,mask,frame,confirmed\n\
            x.dcm,P,benign,b,s,,a.png | b.png,1,no\n\
            x.dcm,P,benign,b,s,point 1 2,a.png,,\n\
            x.dcm,P,benign,b,s,,../a.png,,\n\
            x.dcm,P,benign,b,s,,,0,\n\
            x.dcm,P,benign,b,s,,,,perhaps\n";
        let manifest = parse(text).expect("the header is good");
        let [row] = &manifest.rows[..] else { panic!("{manifest:?}") };
        assert_eq!(row.masks, [PathBuf::from("a.png"), PathBuf::from("b.png")]);
        assert_eq!((row.frame, row.is_confirmed), (Some(1), false));
        let lines: Vec<u64> = manifest.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
    }

    #[test]
    fn each_bad_row_is_named_with_its_line_and_the_others_stay() {
        let text = "file,patients,pathology,outcome_basis,source,region,age\n\
            ../x.png,P,benign,b,s,,\n\
            /x.png,P,benign,b,s,,\n\
            x.png,P,odd,b,s,,\n\
            x.png,|,benign,b,s,,\n\
            x.png,P,benign,,s,,\n\
            x.png,P,benign,b,s,circle 1 2,\n\
            x.png,P,benign,b,s,box 1 2 1 3,\n\
            x.png,P,benign,b,s,polygon 1 2 3 4,\n\
            x.png,P,benign,b,s,polygon 1 2 9 8 9 2 1 8,\n\
            x.png,P,benign,b,s,point 1 inf,\n\
            x.png,P,benign,b,s,,-1\n\
            x.png,P,benign,b\n\
            x.png,P,benign,b,s,,50\n";
        let manifest = parse(text).expect("the header is good");
        let lines: Vec<u64> = manifest.faults.iter().map(|f| f.line).collect();
        assert_eq!(lines, (2..=13).collect::<Vec<_>>());
        assert!(manifest.faults[8].reason.contains("crosses"), "{:?}", manifest.faults[8]);
        assert_eq!(manifest.rows.len(), 1);
        assert_eq!(manifest.rows[0].region, Region::Middle);
        assert!(manifest.faults[2].reason.contains("odd"), "{:?}", manifest.faults[2]);
    }

    #[test]
    fn an_outcome_may_be_left_out_where_nobody_asks_for_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("manifest.csv");
        let bare = "file,patients,source\nx.png,P,s\n";
        let told = "file,patients,pathology,outcome_basis,source\nx.png,P,,,s\nx.png,P,normal,b,s\n\
                    x.png,P,odd,b,s\nx.png,P,normal,,s\n";
        for (text, pathologies, faults) in [
            (bare, &[Pathology::Benign][..], &[][..]),
            (told, &[Pathology::Benign, Pathology::Normal], &[4, 5]),
        ] {
            std::fs::write(&path, text).expect("the temporary folder takes a file");
            let manifest = read_unlabelled(&path).expect("a good manifest");
            let read: Vec<Pathology> = manifest.rows.iter().map(|row| row.pathology).collect();
            let lines: Vec<u64> = manifest.faults.iter().map(|fault| fault.line).collect();
            assert_eq!((&read[..], &lines[..]), (pathologies, faults));
        }
        assert!(matches!(parse(bare), Err(Error::MissingColumn { column: "pathology" })));
    }

    #[test]
    fn lines_are_counted_alike_whatever_ends_them() {
        let text = "file,patients,pathology,outcome_basis,source,notes\n\
            x.png,P,odd,b,s,\n\
            x.png,P,benign,b,s,\"one\ntwo\"\n\
            x.png,P,odd,b,s,\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let manifest = parse(&text).expect("the header is good");
            let lines: Vec<u64> = manifest.faults.iter().map(|fault| fault.line).collect();
            assert_eq!((lines, manifest.rows[0].line), (vec![2, 5], 3), "{text:?}");
        }
    }

    #[test]
    fn a_misspelt_or_missing_column_is_an_error_not_a_silence() {
        let unknown = parse("file,patients,pathology,outcome_basis,source,magrin\n");
        assert!(matches!(unknown, Err(Error::UnknownColumn { column }) if column == "magrin"));
        let twice = parse("file,patients,pathology,outcome_basis,source,pathology\n");
        assert!(matches!(twice, Err(Error::RepeatedColumn { column }) if column == "pathology"));
        let missing = parse("file,pathology,outcome_basis,source\n");
        assert!(matches!(missing, Err(Error::MissingColumn { column: "patients" })));
    }

    proptest! {
        #[test]
        fn any_text_is_a_manifest_or_an_error(
            has_header: bool,
            text in "([a-z0-9 .|\"\n\r,;/\\\\-]|circle|polygon|nan|1e999|\u{0}|é){0,80}",
        ) {
            let head = if has_header { HEAD } else { "" };
            if let Ok(manifest) = parse(&format!("{head}{text}")) {
                for row in manifest.rows {
                    prop_assert!(!row.patients.is_empty() && row.file.is_relative());
                }
            }
        }
    }
}
