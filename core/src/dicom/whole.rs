//! A film from its attributes and its samples, and what they say together: which way round it is,
//! whether its own window shows anything, what stands in for a window it lacks.

use std::path::Path;
use std::sync::Arc;

use super::attributes::Attributes;
use super::sidecar;
use crate::mammogram::{Caution, Frame, Mammogram};
use crate::voi_lut::VoiLut;
use crate::{background, voi_lut};

/// The file's own scale, else the one stated beside it, else none; said in each case.
pub(super) fn settle_spacing(attributes: &mut Attributes, path: &Path) {
    match sidecar::spacing_beside(path) {
        Ok(None) => {}
        Ok(Some(beside)) => match attributes.spacing {
            None => attributes.spacing = Some(beside),
            Some(own) if (own.mean_mm() / beside.mean_mm() - 1.0).abs() < 0.01 => {}
            Some(_) => attributes.cautions.push(Caution::new(
                "W-SIDECAR-CONFLICT",
                "the scale stated beside the file differs from the file's own, which was used",
            )),
        },
        Err(caution) => attributes.cautions.push(caution),
    }
    if attributes.spacing.is_none() {
        attributes.cautions.push(Caution::new(
            "W-NO-SPACING",
            "the file does not say how large a pixel is; lengths are in pixels",
        ));
    }
}

/// The film, with what only its pixels and its attributes together tell.
pub(super) fn mammogram(
    attributes: Attributes,
    frame_idx: u32,
    samples: Vec<u16>,
    content_hash: [u8; 32],
) -> Mammogram {
    let mut mammogram = Mammogram {
        frame: Frame { idx: frame_idx, count: attributes.number_of_frames },
        rows: attributes.rows,
        columns: attributes.columns,
        samples: Arc::new(samples),
        stored_offset: attributes.stored_offset,
        bits_stored: attributes.bits_stored,
        photometric_interpretation: attributes.photometric_interpretation,
        modality_lut: attributes.modality_lut,
        padding: attributes.padding,
        voi_luts: attributes.voi_luts,
        spacing: attributes.spacing,
        image_laterality: attributes.image_laterality,
        view_position: attributes.view_position,
        patient_orientation: attributes.patient_orientation,
        air: None,
        patient_id: attributes.patient_id,
        other_patient_ids: attributes.other_patient_ids,
        sop_instance_uid: attributes.sop_instance_uid,
        lossy: attributes.lossy,
        content_hash,
        cautions: attributes.cautions,
    };
    mammogram.air = background::undeclared_air(&mammogram);
    check_orientation(&mut mammogram);
    if mammogram.samples.windows(2).all(|pair| pair[0] == pair[1]) {
        mammogram.cautions.push(Caution::new(
            "W-ONE-VALUE",
            "every pixel has the same value: nothing is to be seen, and the file may be damaged",
        ));
    }
    if mammogram.voi_luts.is_empty() {
        mammogram.voi_luts.push(VoiLut::automatic(&mammogram));
        mammogram.cautions.push(Caution::new(
            "W-AUTO-WINDOW",
            "the file offers no window; one was chosen from the breast's grey values",
        ));
    } else if is_blank(&mammogram) {
        mammogram.voi_luts.push(VoiLut::automatic(&mammogram));
        mammogram.cautions.push(Caution::new(
            "W-WINDOW-BLANK",
            "the file's own window shows nothing but black or white; the automatic one is offered too",
        ));
    }
    mammogram
}

/// The side on which the breast meets the picture's edge, against what PatientOrientation says.
fn check_orientation(mammogram: &mut Mammogram) {
    let Some([row, column]) = &mammogram.patient_orientation else { return };
    let (Some(stated), Some(seen)) =
        (voi_lut::stated_chest_wall(row, column), voi_lut::chest_wall(mammogram))
    else {
        return;
    };
    if stated.is_contradicted_by(seen) {
        let text = format!(
            "PatientOrientation puts the chest wall {}, the picture has it {}; it may be mirrored or turned",
            stated.words(),
            seen.words()
        );
        mammogram.cautions.push(Caution::new("W-ORIENTATION", text));
    }
}

/// Whether the first window leaves a picture of one value, black or white, of pixels that differ.
fn is_blank(mammogram: &Mammogram) -> bool {
    let table = mammogram.voi_luts[0].display_table(mammogram, false);
    let mut samples = mammogram.samples.iter().filter(|sample| !mammogram.is_padding(**sample));
    let Some(first) = samples.next() else { return false };
    let shown = table[usize::from(*first)];
    let is_end = shown == 0 || shown == 255;
    is_end
        && samples.clone().any(|sample| sample != first)
        && samples.all(|sample| table[usize::from(*sample)] == shown)
}
