//! Masks: the border of a region as a picture of two values (CBIS-DDSM and the like).
//!
//! There crop and mask often stand under each other's name, and either may be given for the film:
//! what a picture is, its content tells, never its name.

use std::path::Path;

use super::sentence;
use crate::dicom::Reader;
use crate::geometry::Contour;
use crate::mammogram::Mammogram;

/// A mask that is larger or smaller than its film by more than this share belongs to another.
const SAME_SIZE: f64 = 0.01;

/// The border of the one candidate with two grey values, in pixels of the film.
pub(crate) fn border_among<'a>(
    reader: &mut Reader,
    candidates: impl IntoIterator<Item = &'a Path>,
    film: &Mammogram,
) -> Result<Contour, String> {
    let mut masks = Vec::new();
    for path in candidates {
        let picture = reader.read(path).map_err(|error| sentence(&error))?;
        if let Some(bright) = bright_of_two(&picture) {
            masks.push((picture, bright));
        }
    }
    let [(mask, bright)] = &masks[..] else {
        return Err(format!("{} pictures with two grey values, one is wanted", masks.len()));
    };
    let across = f64::from(film.columns) / f64::from(mask.columns);
    let down = f64::from(film.rows) / f64::from(mask.rows);
    if (across - 1.0).abs() > SAME_SIZE || (down - 1.0).abs() > SAME_SIZE {
        return Err(format!(
            "the mask of {} x {} pixels does not fit the film of {} x {}",
            mask.columns, mask.rows, film.columns, film.rows
        ));
    }
    let inside: Vec<bool> = mask.samples.iter().map(|sample| sample == bright).collect();
    let border = Contour::around(mask.columns as usize, &inside);
    // Within a hundredth, the mask is the film's at another size.
    border.map(|border| border.scaled(across, down)).ok_or_else(|| "the mask is empty".to_owned())
}

/// The larger sample of a picture that has exactly two.
pub(super) fn bright_of_two(picture: &Mammogram) -> Option<u16> {
    let samples = || picture.samples.iter().copied();
    let first = samples().next()?;
    let other = samples().find(|sample| *sample != first)?;
    samples().all(|sample| sample == first || sample == other).then_some(first.max(other))
}
