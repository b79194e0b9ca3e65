//! Drawn films: the same each time, and read back from DICOM as they were.

use std::sync::Arc;

use precedent_core::dicom::{self, Reader};
use precedent_core::mammogram::{ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin};
use precedent_core::phantom::Phantom;

#[test]
fn the_same_seed_draws_the_same_phantom_and_another_seed_another() {
    let phantom = Phantom::region();
    let (first, again, other) = (phantom.draw(5), phantom.draw(5), phantom.draw(6));
    assert_eq!(first.mammogram.samples, again.mammogram.samples);
    assert_eq!(first.mass, again.mass);
    assert_ne!(first.mammogram.samples, other.mammogram.samples);
    for seed in 0..12 {
        let mass = phantom.draw(seed).mass;
        assert!((3.0..=11.0).contains(&mass.radius_mm), "{}", mass.radius_mm);
        assert!(mass.contour.is_simple());
        assert!(mass.contour.contains(mass.center));
    }
}

#[test]
fn a_phantom_written_as_dicom_is_read_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut reader = Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli"));
    let small = Phantom { columns: 300, rows: 340, breast: false, ..Phantom::default() };
    let twelve = small.draw(1).mammogram;
    let sixteen = Phantom {
        bits_stored: 16,
        photometric_interpretation: PhotometricInterpretation::Monochrome1,
        ..small
    };
    let sixteen = sixteen.draw(2).mammogram;
    let mut signed = twelve.clone();
    signed.stored_offset = -32_768;
    signed.samples = Arc::new(signed.samples.iter().map(|s| s + 32_768 - 2048).collect());
    signed.modality_lut = ModalityLut::Rescale { slope: 2.0, intercept: -100.5 };
    signed.spacing = Some(Spacing::square(0.07, SpacingOrigin::Detector));
    for film in [twelve, sixteen, signed] {
        let path = folder.path().join("film.dcm");
        dicom::write(&film, &path).expect("the folder takes files");
        let read = reader.read(&path).expect("we wrote it");
        assert_eq!(read.samples, film.samples);
        assert_eq!((read.rows, read.columns), (film.rows, film.columns));
        assert_eq!(read.stored_offset, film.stored_offset);
        assert_eq!(read.bits_stored, film.bits_stored);
        assert_eq!(read.photometric_interpretation, film.photometric_interpretation);
        assert_eq!(read.modality_lut, film.modality_lut);
        assert_eq!(read.spacing, film.spacing);
        assert_eq!(read.image_laterality, film.image_laterality);
        assert_eq!(read.view_position, film.view_position);
        assert_eq!(read.patient_id, film.patient_id);
        assert_eq!(read.voi_luts, film.voi_luts);
    }
}
