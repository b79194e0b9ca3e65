//! Masks: the border of a region as a picture of two values (CBIS-DDSM and the like).
//!
//! There crop and mask often stand under each other's name, and either may be given for the film:
//! what a picture is, its content tells, never its name.

use std::path::Path;

use super::sentence;
use crate::dicom::Reader;
use crate::geometry::{Contour, Mask};
use crate::mammogram::{Caution, Mammogram};

/// Of a mask's region, as shares: more outside the largest piece are several regions …
const SEVERAL: f64 = 0.02;
/// … and more of that piece dark is told: a drawn line, or a hole.
const HOLES: f64 = 0.05;
/// A mask that is larger or smaller than its film by more than this share belongs to another.
const SAME_SIZE: f64 = 0.01;

/// The border of the one candidate with two grey values, in pixels of the film, and what is
/// doubted about it. A row is one region, so a mask of several is refused: which of them the
/// outcome belongs to, only the reader knows.
pub(crate) fn border_among<'a>(
    reader: &mut Reader,
    candidates: impl IntoIterator<Item = &'a Path>,
    film: &Mammogram,
) -> Result<(Contour, Option<Caution>), String> {
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
    let columns = mask.columns as usize;
    let border = Contour::around(columns, &inside).ok_or("the mask is empty")?;
    let caution = checked(columns, &inside, &border)?;
    // Within a hundredth, the mask is the film's at another size.
    Ok((border.scaled(across, down), caution))
}

/// Whether the border of a mask's largest piece stands for the mask.
fn checked(columns: usize, inside: &[bool], border: &Contour) -> Result<Option<Caution>, String> {
    let marked = inside.iter().filter(|inside| **inside).count() as f64;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let corners = [0, columns - 1, inside.len() - columns, inside.len() - 1];
    if corners.iter().all(|corner| inside[*corner]) {
        let share = percent(marked / inside.len() as f64);
        return Err(format!(
            "the brighter value covers {share} of the mask and all its corners: it is the \
             background, and the region must be the brighter"
        ));
    }
    let piece = Mask::of(border);
    let is_marked = |(column, row): &(i64, i64)| inside[*row as usize * columns + *column as usize];
    let (size, shared) = (piece.count() as f64, piece.pixels().filter(is_marked).count() as f64);
    if shared < (1.0 - SEVERAL) * marked {
        return Err(format!(
            "the mask shows several regions, the largest with {} of what is marked: each needs a \
             row and a mask of its own",
            percent(shared / marked)
        ));
    }
    let holes = 1.0 - shared / size;
    Ok((holes > HOLES).then(|| {
        let text = format!(
            "{} of the region inside the mask's border is not marked; all of it was taken",
            percent(holes)
        );
        Caution::new("W-MASK-HOLES", text)
    }))
}

/// The larger sample of a picture that has exactly two.
pub(super) fn bright_of_two(picture: &Mammogram) -> Option<u16> {
    let samples = || picture.samples.iter().copied();
    let first = samples().next()?;
    let other = samples().find(|sample| *sample != first)?;
    samples().all(|sample| sample == first || sample == other).then_some(first.max(other))
}
