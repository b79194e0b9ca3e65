//! Films made in code, whose pixels are known because we wrote them.

use std::sync::Arc;

use precedent_core::mammogram::{Mammogram, ModalityLut, PhotometricInterpretation};
use precedent_core::voi_lut::{VoiFunction, VoiLut};

/// A 12-bit film with these samples, a linear window over all of them, and nothing else known.
/// Its hash tells apart films of different size or pixels.
pub(crate) fn film(columns: u32, rows: u32, sample: impl Fn(u32, u32) -> u16) -> Mammogram {
    let samples: Vec<u16> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column, row)))
        .map(|(column, row)| sample(column, row))
        .collect();
    let mut content_hash = [0; 32];
    for (i, sample) in samples.iter().enumerate() {
        let place = i % 31;
        content_hash[place] = (content_hash[place] as u16 ^ sample ^ (i as u16 >> 3)) as u8;
    }
    content_hash[31] = (columns ^ rows) as u8;
    let full = VoiFunction::Linear { center: 2048.0, width: 4096.0 };
    Mammogram {
        frame: precedent_core::mammogram::Frame::default(),
        rows,
        columns,
        samples: Arc::new(samples),
        stored_offset: 0,
        bits_stored: 12,
        photometric_interpretation: PhotometricInterpretation::Monochrome2,
        modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
        padding: None,
        air: None,
        voi_luts: vec![VoiLut { explanation: "Full range".to_owned(), function: full }],
        spacing: None,
        image_laterality: None,
        view_position: None,
        patient_orientation: None,
        patient_id: None,
        other_patient_ids: Vec::new(),
        sop_instance_uid: None,
        lossy: false,
        content_hash,
        cautions: Vec::new(),
    }
}
