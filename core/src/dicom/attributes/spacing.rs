//! How large a pixel is, and what that is worth (PS3.3 10.7.1.3, IHE mammography size display).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::dataset::DataSet;
use crate::mammogram::{Caution, Spacing, SpacingOrigin};

/// PixelSpacing where calibrated, else ImagerPixelSpacing over the magnification factor, else the
/// pitch of a film scanner, else nothing.
pub(super) fn spacing(dataset: &DataSet, cautions: &mut Vec<Caution>) -> Option<Spacing> {
    let pixel = pair(dataset, tags::PIXEL_SPACING, cautions);
    let imager = pair(dataset, tags::IMAGER_PIXEL_SPACING, cautions);
    let scanned = pair(dataset, tags::NOMINAL_SCANNED_PIXEL_SPACING, cautions);
    let is_calibrated = dataset.text(tags::PIXEL_SPACING_CALIBRATION_TYPE).is_some();
    let estimated = imager.map(|imager| in_breast(imager, magnification(dataset, cautions)));
    let calibrated = |(row, column)| Spacing {
        row_spacing_mm: row,
        column_spacing_mm: column,
        origin: SpacingOrigin::Calibrated,
    };
    let on_film = |(row, column)| Spacing {
        row_spacing_mm: row,
        column_spacing_mm: column,
        origin: SpacingOrigin::FilmScanner,
    };
    match (pixel, imager, estimated) {
        (Some(pixel), Some(imager), Some(estimated)) if !is_calibrated => {
            // Equal to the detector's: nobody corrected it. Equal to the estimate: somebody did.
            let corrected = (estimated.row_spacing_mm, estimated.column_spacing_mm);
            if agree(pixel, imager) {
                return Some(estimated);
            }
            if agree(pixel, corrected) {
                return Some(calibrated(pixel));
            }
            cautions.push(Caution::new(
                "W-SPACING-CONFLICT",
                "PixelSpacing and ImagerPixelSpacing differ and no calibration is named; the latter was used",
            ));
            Some(estimated)
        }
        // PS3.3 10.7.1.3: equal to the scanner's pitch, it is that and no calibration.
        (Some(pixel), None, _)
            if !is_calibrated && scanned.is_some_and(|scanned| agree(pixel, scanned)) =>
        {
            Some(on_film(pixel))
        }
        (Some(pixel), _, _) => Some(calibrated(pixel)),
        (None, _, Some(estimated)) => Some(estimated),
        (None, _, None) => scanned.map(on_film),
    }
}

fn in_breast((row, column): (f64, f64), ermf: Option<f64>) -> Spacing {
    let factor = ermf.unwrap_or(1.0);
    Spacing {
        row_spacing_mm: row / factor,
        column_spacing_mm: column / factor,
        origin: ermf.map_or(SpacingOrigin::Detector, |ermf| SpacingOrigin::Magnified { ermf }),
    }
}

/// Within 1 %: decimal strings are rounded.
fn agree(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 / b.0 - 1.0).abs() < 0.01 && (a.1 / b.1 - 1.0).abs() < 0.01
}

/// Row spacing, then column spacing, in mm; a single value stands for both.
fn pair(dataset: &DataSet, tag: Tag, cautions: &mut Vec<Caution>) -> Option<(f64, f64)> {
    let numbers = dataset.numbers(tag);
    let (row, column) = match numbers[..] {
        [] => return None,
        [both] if both.is_nan() => return None,
        [both] => (both, both),
        [row, column, ..] => (row, column),
    };
    // From a hundredth to ten times the 0.05 to 0.1 mm of any mammogram.
    let is_possible = |mm: f64| (0.001..=1.0).contains(&mm);
    if is_possible(row) && is_possible(column) {
        return Some((row, column));
    }
    let text = format!("a pixel spacing of {row} x {column} mm is not possible; it was ignored");
    cautions.push(Caution::new("W-SPACING-INVALID", text));
    None
}

/// EstimatedRadiographicMagnificationFactor, 1.0 on contact to about 2 on a stand.
fn magnification(dataset: &DataSet, cautions: &mut Vec<Caution>) -> Option<f64> {
    let ermf = dataset.number(tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR)?;
    if (1.0..=4.0).contains(&ermf) {
        return Some(ermf);
    }
    let text = format!("a magnification factor of {ermf} is not possible; it was ignored");
    cautions.push(Caution::new("W-ERMF", text));
    None
}
