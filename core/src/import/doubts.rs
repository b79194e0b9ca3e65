//! What a row and its film say against each other, and regions that no mass is: refused, or left
//! until a person has looked.

use std::f64::consts::PI;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::manifest::Row;
use super::prepare::Prepared;
use super::sentence;
use crate::case::CaseId;
use crate::geometry::{Contour, Mask};
use crate::library::Library;
use crate::mammogram::{Caution, Mammogram, Spacing};

/// A region of fewer pixels is none.
const FEWEST_PIXELS: usize = 20;
/// A region larger than this share of its picture is doubted …
const LARGEST_SHARE: f64 = 0.6;
/// … and one of another diameter than these: masses below 2 mm are not seen on a film.
const MASS_MM: RangeInclusive<f64> = 2.0..=150.0;

/// A film whose picture, side, size or patient may be wrong waits for a person. That a picture file
/// says nothing of itself is no doubt here: the manifest speaks for it.
pub(super) fn refuse_doubts(prepared: &Prepared, row: &Row) -> Result<(), String> {
    let own = prepared.cautions.iter().filter(|caution| !row.cautions.contains(caution));
    let mut doubts = own.filter(|caution| caution.is_doubt() && caution.code != "W-PICTURE");
    match doubts.next() {
        None => Ok(()),
        Some(Caution { code, text }) => {
            Err(format!("a person must look at this film and confirm it first ({code}: {text})"))
        }
    }
}

/// Two people are never made one unsaid: what the file's PatientID brings together although the
/// manifest names them apart. An anonymiser's word for everybody does so.
pub(super) fn patient_conflict(
    library: &Library,
    row: &Row,
    names: &[String],
) -> Result<Option<Caution>, String> {
    let known = |names: &[String]| library.patients_named(names).map_err(|e| sentence(&e));
    let named = known(&row.patients)?;
    let text = "the library knows the file's PatientID as another patient's than the manifest \
                names; both become one";
    Ok((!known(names)?.is_subset(&named)).then(|| Caution::new("W-PATIENT-CONFLICT", text)))
}

/// A region that is there stays as it is; a row that contradicts its outcome is a correction, or a
/// mistake, and nothing to be passed over.
pub(super) fn refuse_another_outcome(
    library: &Library,
    row: &Row,
    id: &CaseId,
) -> Result<(), String> {
    let Some((case, _)) = library.case_of(id).map_err(|e| sentence(&e))? else { return Ok(()) };
    let (had, has) = (case.terms.assessment, row.terms.assessment);
    let is_assessed_otherwise = had.is_some() && has.is_some() && had != has;
    if case.pathology == row.pathology && !is_assessed_otherwise {
        return Ok(());
    }
    let assessed = |category: Option<_>| {
        category.map_or_else(String::new, |category| format!(", assessment {category}"))
    };
    Err(format!(
        "the library has this region as {}{} (case {}), the manifest as {}{}; take the case out \
         first if that is wrong",
        case.pathology,
        assessed(had),
        id.0,
        row.pathology,
        assessed(has)
    ))
}

/// The film with the scale, side and view that file and row tell together.
pub(super) fn completed(mut film: Mammogram, row: &Row) -> Result<Mammogram, String> {
    film.spacing = agreed_spacing(film.spacing, row.spacing)?;
    let sides = (film.image_laterality, row.image_laterality);
    let (side, conflict) = agreed("W-LATERALITY-CONFLICT", sides);
    film.image_laterality = side;
    film.cautions.extend(conflict);
    let views = (film.view_position, row.view_position);
    let (view, conflict) = agreed("W-VIEW-CONFLICT", views);
    film.view_position = view;
    film.cautions.extend(conflict);
    Ok(film)
}

/// The film's own word, else the manifest's. Of two the film's, which a person must confirm: the row
/// may belong to another film.
fn agreed<T: Copy + PartialEq + Display>(
    code: &str,
    (own, stated): (Option<T>, Option<T>),
) -> (Option<T>, Option<Caution>) {
    let conflict = own.zip(stated).filter(|(own, stated)| own != stated);
    let conflict = conflict.map(|(own, stated)| {
        let text = format!(
            "the file says {own} where the manifest says {stated}; the file was followed, but the \
             row may be another film's"
        );
        Caution::new(code, text)
    });
    (own.or(stated), conflict)
}

/// The film's own spacing, else the manifest's; two that differ by more than 1 % are refused.
fn agreed_spacing(
    own: Option<Spacing>,
    stated: Option<Spacing>,
) -> Result<Option<Spacing>, String> {
    if let (Some(own), Some(stated)) = (own, stated)
        && (own.mean_mm() / stated.mean_mm() - 1.0).abs() > 0.01
    {
        return Err(format!(
            "the file says {:.4} mm a pixel where the manifest says {:.4}",
            own.mean_mm(),
            stated.mean_mm()
        ));
    }
    Ok(own.or(stated))
}

/// A drawn region, which must lie on the picture but for a pixel's width.
pub(super) fn drawn(film: &Mammogram, contour: &Contour) -> Result<Contour, String> {
    let (columns, rows) = (f64::from(film.columns), f64::from(film.rows));
    let (min, max) = (contour.bounds().min, contour.bounds().max);
    let is_on = min.x >= -1.0 && min.y >= -1.0 && max.x <= columns + 1.0 && max.y <= rows + 1.0;
    is_on.then(|| contour.clone()).ok_or_else(|| {
        format!("the region reaches beyond the picture of {columns} x {rows} pixels")
    })
}

/// What a mass is hardly ever, so that a person must look: a stray mark, or most of the picture. On
/// fewer than [`FEWEST_PIXELS`] nothing can be measured.
pub(super) fn doubtful_size(
    film: &Mammogram,
    contour: &Contour,
) -> Result<Option<Caution>, String> {
    let pixels = Mask::of(contour).count();
    if pixels < FEWEST_PIXELS {
        return Err(format!(
            "the region has too few pixels to be a mass ({pixels}): a stray mark?"
        ));
    }
    let share = pixels as f64 / (f64::from(film.columns) * f64::from(film.rows));
    let diameter_mm =
        film.spacing.map(|spacing| 2.0 * (contour.area() / PI).sqrt() * spacing.mean_mm());
    let text = match diameter_mm {
        _ if share > LARGEST_SHARE => {
            format!("the region covers {:.0} % of the picture; masses do not", 100.0 * share)
        }
        Some(mm) if !MASS_MM.contains(&mm) => {
            format!("the region is {mm:.1} mm across; masses are hardly ever so small or so large")
        }
        _ => return Ok(None),
    };
    Ok(Some(Caution::new("W-REGION-SIZE", text)))
}
