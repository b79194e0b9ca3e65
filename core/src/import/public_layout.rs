//! Lists of regions in either of two layouts: our own manifest, and the one in which the public
//! films were gathered (a row a lesion or a normal film, centre and radius in columns of their own).
//!
//! The second holds what an experiment needs and a library does not: the kind of lesion, a split,
//! and normal films on which no region is marked.

use std::path::{Component, Path, PathBuf};

use super::cells::{self, Cells};
use super::manifest::{self, Error, Fault, Region, Row};
use super::words;
use crate::case::Terms;
use crate::geometry::ImagePoint;
use crate::lexicon::{Assessment, ViewPosition};
use crate::mammogram::{Spacing, SpacingOrigin};

/// The rows that can be used, and what is wrong with the others.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The list's own folder; every file lies below it.
    pub folder: PathBuf,
    pub rows: Vec<Listed>,
    pub faults: Vec<Fault>,
}

/// A row with what only an experiment asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub row: Row,
    /// "mass", "calcification" …; `None` where the list does not tell, and of normal films.
    pub lesion: Option<String>,
    /// "train", "test" …, as the list suggests.
    pub split: Option<String>,
    /// Whether the row says where its region is; a film without may still be normal all over.
    pub is_placed: bool,
}

const REQUIRED: [&str; 4] = ["file", "dataset", "patient_id", "class"];

/// Reads a list of either layout; a faulty row is in [`Listing::faults`], not an error.
pub fn read(path: &Path) -> Result<Listing, Error> {
    let (reader, header) = cells::open(path)?;
    let has = |column: &str| header.iter().any(|h| h == column);
    if !has("patient_id") || has("patients") {
        return manifest::read(path).map(own_layout);
    }
    if let Some(column) = REQUIRED.into_iter().find(|column| !has(column)) {
        return Err(Error::MissingColumn { column });
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let (rows, faults) = cells::parsed(path, reader, &header, parse)?;
    Ok(Listing { folder, rows, faults })
}

fn own_layout(manifest: manifest::Manifest) -> Listing {
    let listed = |row| Listed { row, lesion: None, split: None, is_placed: true };
    Listing {
        folder: manifest.folder,
        rows: manifest.rows.into_iter().map(listed).collect(),
        faults: manifest.faults,
    }
}

fn parse(line: u64, cells: &Cells<'_>) -> Result<Listed, String> {
    let mut cautions = Vec::new();
    let file = PathBuf::from(cells.require("file")?);
    if !file.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Err("`file` must be a path below the list's folder".to_owned());
    }
    let pathology = words::pathology(cells.require("class")?, &mut cautions)?;
    // "NA" and "N/A" say that nobody told.
    let term = |column| cells.get(column).filter(|text| !["NA", "N/A"].contains(text));
    let terms = Terms {
        mass_shape: words::mass_shape(term("shape"), &mut cautions)?,
        mass_margin: words::mass_margin(term("margin"), &mut cautions)?,
        // mini-MIAS writes F, G and D here, which are no BI-RADS categories.
        breast_density: cells.get("density").and_then(cells::breast_density),
        assessment: cells.parse("birads", Assessment::from_word)?,
        age: cells.parse("age", |text| text.parse().ok().filter(|age| *age <= 130))?,
    };
    let number = |column| cells.parse(column, finite);
    let center = number("center_x")?.zip(number("center_y")?);
    let center = center.map(|(x, y)| ImagePoint::new(x, y));
    let radius = cells.parse("radius", cells::positive)?;
    let region = match (center, radius) {
        (Some(center), Some(radius)) => Region::Circle { center, radius },
        (Some(center), None) => Region::Point(center),
        (None, _) => Region::Middle,
    };
    let pixel_mm = cells.parse("pixel_mm", cells::pixel_mm)?;
    let dataset = cells.require("dataset")?;
    let source = match cells.get("digitizer") {
        Some(digitizer) => format!("{dataset}, {digitizer}"),
        None => dataset.to_owned(),
    };
    Ok(Listed {
        row: Row {
            line,
            file,
            frame: cells.parse("frame", cells::frame)?,
            crop: None,
            region,
            masks: Vec::new(),
            patients: vec![cells.require("patient_id")?.to_owned()],
            pathology,
            outcome_basis: format!("as stated by {dataset}"),
            source,
            terms,
            image_laterality: cells.parse("laterality", cells::laterality)?,
            view_position: cells.parse("view", ViewPosition::from_word)?,
            spacing: pixel_mm.map(|mm| Spacing::square(mm, SpacingOrigin::FilmScanner)),
            notes: cells.get("notes").unwrap_or_default().to_owned(),
            is_confirmed: false,
            cautions,
        },
        lesion: cells.get("lesion").filter(|word| *word != "none").map(str::to_owned),
        split: cells.get("suggested_split").map(str::to_owned),
        is_placed: center.is_some(),
    })
}

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::{BreastDensity, Pathology};

    fn listing(text: &str) -> Result<Listing, Error> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("list.csv");
        std::fs::write(&path, text).expect("the temporary folder takes a file");
        read(&path)
    }

    #[test]
    fn a_row_of_the_public_layout_says_kind_place_and_split() {
        let text = "file,dataset,patient_id,class,lesion,center_x,center_y,radius,density,birads,\
            shape,margin,age,digitizer,pixel_mm,suggested_split\n\
            a.png,mini-MIAS,MIAS:1,benign,mass,535,599,197,G (fatty),,,NA,,Joyce,0.2,train\n\
            b.jpg,DDSM,DDSM:2,malignant,mass,500,501,,3,5,LOBULATED,SPICULATED,52,LUMISYS,0.05,test\n\
            c.png,mini-MIAS,MIAS:2,normal,none,,,,,,,,,Joyce,0.2,\n\
            d.png,mini-MIAS,MIAS:2,odd,none,,,,,,,,,Joyce,0.2,\n";
        let listing = listing(text).expect("a good list");
        let [circle, point, film] = &listing.rows[..] else { panic!("{listing:?}") };
        let center = ImagePoint::new(535.0, 599.0);
        assert_eq!(circle.row.region, Region::Circle { center, radius: 197.0 });
        assert_eq!(
            (circle.lesion.as_deref(), circle.split.as_deref()),
            (Some("mass"), Some("train"))
        );
        assert_eq!((circle.row.source.as_str(), circle.is_placed), ("mini-MIAS, Joyce", true));
        assert_eq!((circle.row.terms.breast_density, circle.row.terms.mass_margin), (None, None));
        assert_eq!(point.row.region, Region::Point(ImagePoint::new(500.0, 501.0)));
        assert_eq!(point.row.terms.breast_density, Some(BreastDensity::C));
        assert_eq!((film.row.pathology, film.is_placed), (Pathology::Normal, false));
        assert_eq!((film.lesion.as_ref(), film.split.as_ref()), (None, None));
        assert_eq!(listing.faults.len(), 1);
        assert_eq!(listing.faults[0].line, 5);
    }

    #[test]
    fn a_row_with_a_cell_too_many_is_a_fault_and_shifts_nothing() {
        let text = "file,dataset,patient_id,class\n\
            a.png,mini-MIAS, also known as MIAS,P,benign\n\
            b.png,mini-MIAS,P,benign\n";
        let listing = listing(text).expect("a list");
        assert_eq!(listing.rows.len(), 1);
        assert_eq!((listing.faults.len(), listing.faults[0].line), (1, 2));
        assert!(listing.faults[0].reason.contains("5 cells where 4 belong"), "{listing:?}");
    }

    #[test]
    fn our_own_manifest_is_read_as_it_always_was() {
        let text = "file,patients,pathology,outcome_basis,source\nx.png,P,benign,biopsy,S\n";
        let listing = listing(text).expect("a good manifest");
        assert!(listing.rows[0].is_placed);
        assert_eq!(listing.rows[0].row.region, Region::Middle);
        let missing = super::tests::listing("file,patient_id,class\nx.png,P,benign\n");
        assert!(matches!(missing, Err(Error::MissingColumn { column: "dataset" })));
    }
}
