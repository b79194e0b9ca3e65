//! What the encoder sees: the square around an outline.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_patch_does_not_see_a_rising_straight_line(
        slope in 0.01_f64..50.0, intercept in -3000.0_f64..3000.0,
    ) {
        let plain = breast_film();
        let mut other = plain.clone();
        other.modality_lut = ModalityLut::Rescale { slope, intercept };
        prop_assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&other).pixels) < 0.2);
    }

    #[test]
    fn weights_cover_the_area_of_the_outline(radius in 1.0_f64..9.0, dx in -3.0_f64..3.0) {
        let film = breast_film();
        let contour = circle_mm(&film, 30.0 + dx, 25.0, radius);
        let weights = patch::extract(&film, &contour).weights;
        let side = (3.0 * radius).max(8.0);
        let cell_mm2 = (side / patch::GRID as f64).powi(2);
        let inside: f64 = weights.iter().map(|w| (f64::from(*w) - 0.02) / 0.98).sum();
        let area = std::f64::consts::PI * radius * radius;
        prop_assert!((inside * cell_mm2 / area - 1.0).abs() < 0.01, "{} {area}", inside * cell_mm2);
    }
}

#[test]
fn stored_values_on_another_scale_give_the_same_patch() {
    let plain = breast_film();
    let mut other = plain.clone();
    other.samples = Arc::new(plain.samples.iter().map(|s| s * 9 + 1234).collect());
    assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&other).pixels) < 0.01);
}

#[test]
fn an_8_bit_film_counts_values_above_8_as_tissue() {
    // A tenth of the square holds 8, the rest a ramp from 105 to 195. Were the 8s tissue, they
    // would be the black to which all is stretched, and the ramp would begin near 130.
    let scene = |x: f64, y: f64| match (x, y) {
        (..1.0, ..14.0) => 255.0,
        (..1.0, _) => 0.0,
        (_, ..14.0) => 8.0,
        (_, _) => 100.0 + x,
    };
    let film = film((100.0, 100.0), (0.1, 0.1), scene);
    let patch = patch::extract(&film, &circle_mm(&film, 50.0, 50.0, 30.0));
    let at = |row: usize, column: usize| patch.pixels[row * patch::SIDE + column];
    assert_eq!(at(10, 112), 0.0);
    assert!(at(200, 5) < 10.0 && at(200, 218) > 245.0, "{} {}", at(200, 5), at(200, 218));
}

#[test]
fn a_turned_monochrome1_film_gives_the_same_patch() {
    let plain = breast_film();
    let mut turned = plain.clone();
    turned.samples = Arc::new(plain.samples.iter().map(|s| 4095 - s).collect());
    turned.photometric_interpretation = PhotometricInterpretation::Monochrome1;
    assert!(farthest(&mass_patch(&plain).pixels, &mass_patch(&turned).pixels) < 0.01);
}

#[test]
fn a_mirrored_film_gives_a_mirrored_patch() {
    let plain = breast_film();
    let mut mirrored = plain.clone();
    let rows = plain.samples.chunks_exact(plain.columns as usize);
    mirrored.samples = Arc::new(rows.flat_map(|row| row.iter().rev().copied()).collect());
    let expected: Vec<f32> = mass_patch(&plain)
        .pixels
        .chunks_exact(patch::SIDE)
        .flat_map(|row| row.iter().rev().copied())
        .collect();
    assert!(farthest(&mass_patch(&mirrored).pixels, &expected) < 0.05);
}

#[test]
fn pixels_that_are_not_square_make_a_square_patch_all_the_same() {
    let square = mass_patch(&film((60.0, 50.0), (0.1, 0.1), breast));
    let oblong = mass_patch(&film((60.0, 50.0), (0.1, 0.2), breast));
    assert!(farthest(&square.pixels, &oblong.pixels) < 8.0);
    assert!(farthest(&square.weights, &oblong.weights) < 1e-3);
}

#[test]
fn a_finer_scanner_shows_no_more() {
    let coarse = mass_patch(&film((60.0, 50.0), (0.1, 0.1), breast));
    let fine = mass_patch(&film((60.0, 50.0), (0.05, 0.05), breast));
    assert!(farthest(&coarse.pixels, &fine.pixels) < 4.0);
}

#[test]
fn outside_the_film_is_black_and_so_is_padding() {
    let scene = |x: f64, _: f64| 1000.0 + 10.0 * x;
    let whole = film((60.0, 50.0), (0.1, 0.1), scene);
    let corner = patch::extract(&whole, &circle_mm(&whole, 0.0, 25.0, 6.0));
    // The square reaches 9 mm to the left of the film: the left half is not there.
    let row = &corner.pixels[100 * patch::SIDE..][..patch::SIDE];
    assert!(row[..108].iter().all(|&v| v == 0.0), "{:?}", &row[..108]);
    assert!(row[200] > 150.0);

    let mut padded =
        film((60.0, 50.0), (0.1, 0.1), |x, y| if x < 28.0 { 5000.0 } else { scene(x, y) });
    padded.padding = Some((5000, 5000));
    let patch = mass_patch(&padded);
    let row = &patch.pixels[100 * patch::SIDE..][..patch::SIDE];
    // The square begins at 21 mm: 7 of 18 mm are padding.
    assert!(row[..80].iter().all(|&v| v == 0.0) && row[200] > 200.0);
}

#[test]
fn a_film_without_size_or_contrast_or_inside_is_no_panic() {
    let mut flat = film((10.0, 10.0), (0.1, 0.1), |_, _| 700.0);
    flat.spacing = None;
    let far = Contour::circle(ImagePoint::new(-4000.0, 9000.0), 2500.0);
    for contour in [far, Contour::circle(ImagePoint::new(50.0, 50.0), 0.0)] {
        let patch = patch::extract(&flat, &contour);
        assert!(patch.pixels.iter().all(|&v| v == 0.0));
        assert!(patch.weights.iter().all(|w| (0.02..=1.0).contains(w)));
    }
}
