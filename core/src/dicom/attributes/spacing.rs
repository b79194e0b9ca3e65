//! How large a pixel is, and what that is worth (PS3.3 10.7.1.3, IHE mammography size display).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::dataset::DataSet;
use crate::dicom::frame::Layout;
use crate::mammogram::{Caution, Spacing, SpacingOrigin};

/// PixelSpacing where calibrated, else ImagerPixelSpacing over the magnification factor, else the
/// pitch of a film scanner, else nothing.
pub(super) fn spacing(
    dataset: &DataSet,
    layout: &Layout,
    cautions: &mut Vec<Caution>,
) -> Option<Spacing> {
    let pixel = pair(dataset, tags::PIXEL_SPACING, cautions);
    let imager = pair(dataset, tags::IMAGER_PIXEL_SPACING, cautions);
    let scanned = pair(dataset, tags::NOMINAL_SCANNED_PIXEL_SPACING, cautions);
    let ermf = magnification(dataset, cautions);
    let spacing = match (pixel, imager, scanned) {
        (Some(pixel), _, _) => of_pixel(dataset, pixel, imager, scanned, ermf, cautions),
        (None, Some(imager), _) => in_breast(imager, ermf),
        (None, None, Some(scanned)) => sized(scanned, SpacingOrigin::FilmScanner),
        (None, None, None) => return None,
    };
    let (height, width) = (
        f64::from(layout.rows) * spacing.row_spacing_mm,
        f64::from(layout.columns) * spacing.column_spacing_mm,
    );
    let aspect = spacing.row_spacing_mm / spacing.column_spacing_mm;
    if width.max(height) > LARGEST_FILM_MM || !(1.0 / MAX_ASPECT..=MAX_ASPECT).contains(&aspect) {
        let text = format!(
            "by its pixel spacing the picture would be {width:.0} x {height:.0} mm; no mammogram \
             is, and the spacing was ignored"
        );
        cautions.push(Caution::new("W-SPACING-INVALID", text));
        return None;
    }
    Some(spacing)
}

/// The largest film and detector are 24 x 30 cm; a sheet with several films is larger.
const LARGEST_FILM_MM: f64 = 700.0;
/// Of the sides of a pixel; one that is binned one way is twice as long as wide.
const MAX_ASPECT: f64 = 4.0;

/// What PixelSpacing says, by what stands beside it.
fn of_pixel(
    dataset: &DataSet,
    pixel: Pair,
    imager: Option<Pair>,
    scanned: Option<Pair>,
    ermf: Option<f64>,
    cautions: &mut Vec<Caution>,
) -> Spacing {
    let calibrated = sized(pixel, SpacingOrigin::Calibrated);
    // PS3.3 C.7.6.16.2.1: there it is the distance in the patient.
    if dataset.is_in_groups(tags::PIXEL_SPACING) {
        return calibrated;
    }
    let is_magnified = ermf.is_some_and(|ermf| ermf > 1.01);
    let calibration = dataset.text(tags::PIXEL_SPACING_CALIBRATION_TYPE);
    let is_calibrated = matches!(calibration.as_deref(), Some("GEOMETRY" | "FIDUCIAL"));
    match (imager, scanned) {
        (Some(imager), _) if is_calibrated => {
            if is_magnified && agree(pixel, imager) {
                conflict(
                    cautions,
                    "PixelSpacing is called calibrated and is still that of the detector, in \
                     spite of a magnification; sizes may be too large",
                );
            }
            calibrated
        }
        (Some(imager), _) => {
            // Equal to the detector's: nobody corrected it. Equal to the estimate: somebody did.
            let estimated = in_breast(imager, ermf);
            let corrected = (estimated.row_spacing_mm, estimated.column_spacing_mm);
            if agree(pixel, imager) {
                return estimated;
            }
            if agree(pixel, corrected) {
                return calibrated;
            }
            conflict(
                cautions,
                "PixelSpacing and ImagerPixelSpacing differ and no calibration is named; the \
                 latter was used",
            );
            estimated
        }
        (None, _) if is_calibrated => calibrated,
        // PS3.3 10.7.1.3: equal to the scanner's pitch, it is that and no calibration.
        (None, Some(scanned)) if agree(pixel, scanned) => sized(pixel, SpacingOrigin::FilmScanner),
        (None, Some(_)) => calibrated,
        (None, None) => {
            // PS3.3 10.7.1.3: whether it is corrected "cannot be determined".
            let text = match ermf.filter(|_| is_magnified) {
                Some(ermf) => format!(
                    "PixelSpacing stands alone beside a magnification of {ermf}: whether it is \
                     of the breast or of the detector is not said"
                ),
                None => "PixelSpacing stands alone: whether it is of the breast or of the \
                         detector is not said"
                    .to_owned(),
            };
            cautions.push(Caution::new("W-SPACING-UNSTATED", text));
            calibrated
        }
    }
}

fn conflict(cautions: &mut Vec<Caution>, text: &str) {
    cautions.push(Caution::new("W-SPACING-CONFLICT", text));
}

/// Row spacing, then column spacing, in mm.
type Pair = (f64, f64);

fn sized((row_spacing_mm, column_spacing_mm): Pair, origin: SpacingOrigin) -> Spacing {
    Spacing { row_spacing_mm, column_spacing_mm, origin }
}

fn in_breast((row, column): Pair, ermf: Option<f64>) -> Spacing {
    let factor = ermf.unwrap_or(1.0);
    let origin = ermf.map_or(SpacingOrigin::Detector, |ermf| SpacingOrigin::Magnified { ermf });
    sized((row / factor, column / factor), origin)
}

/// Within 1 %: decimal strings are rounded.
fn agree(a: Pair, b: Pair) -> bool {
    (a.0 / b.0 - 1.0).abs() < 0.01 && (a.1 / b.1 - 1.0).abs() < 0.01
}

/// A single value stands for both.
fn pair(dataset: &DataSet, tag: Tag, cautions: &mut Vec<Caution>) -> Option<Pair> {
    let numbers = dataset.numbers(tag);
    let (row, column) = match numbers[..] {
        [] => return None,
        [both] if both.is_nan() => return None,
        [both] => (both, both),
        [row, column, ..] => (row, column),
    };
    if Spacing::POSSIBLE_MM.contains(&row) && Spacing::POSSIBLE_MM.contains(&column) {
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
