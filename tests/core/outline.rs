//! From a prompt to a contour: what must hold whatever the film, the prompt and the corrections.

use std::sync::{Arc, OnceLock};

use precedent_core::dicom::Reader;
use precedent_core::geometry::{Contour, ImagePoint, ImageRect};
use precedent_core::lexicon::MassMargin;
use precedent_core::mammogram::{
    Mammogram, ModalityLut, PhotometricInterpretation, Spacing, SpacingOrigin,
};
use precedent_core::phantom::{Drawn, Phantom, Random};
use precedent_core::segmentation::{Correction, Error, Outline, Outliner, Prompt, RELIABLE};
use proptest::prelude::*;

mod hard_places;

/// A few regions of 512 x 512 at 0.1 mm, drawn once.
fn drawn(idx: usize) -> &'static Drawn {
    static DRAWN: OnceLock<Vec<Drawn>> = OnceLock::new();
    let drawn = DRAWN.get_or_init(|| (100..108).map(|seed| Phantom::region().draw(seed)).collect());
    &drawn[idx % drawn.len()]
}

fn outline(film: &Mammogram, prompt: Prompt, corrections: &[Correction]) -> Outline {
    Outliner::new(Arc::new(film.clone())).outline(prompt, corrections).expect("the mark is inside")
}

/// A drag as a hurried hand does it: the centre up to 15 % of the radius off, the radius up to 20 %.
fn hurried_drag(drawn: &Drawn, random: &mut Random) -> (ImagePoint, f64) {
    let radius = drawn.mass.radius_mm / 0.1;
    let (angle, off) = (random.uniform(0.0, 6.3), 0.15 * radius * random.uniform(0.0, 1.0).sqrt());
    let center = drawn.mass.center;
    let center = ImagePoint::new(center.x + off * angle.cos(), center.y + off * angle.sin());
    (center, radius * random.uniform(0.8, 1.2))
}

fn drag(drawn: &Drawn) -> Prompt {
    Prompt::Drag { center: drawn.mass.center, radius: drawn.mass.radius_mm / 0.1 }
}

#[test]
fn a_hurried_drag_snaps_to_the_mass() {
    let (mut snapped, mut circle, mut spiculated) = (Vec::new(), Vec::new(), Vec::new());
    let mut random = Random::new(7);
    for seed in 0..80 {
        let drawn = Phantom::region().draw(seed);
        let (center, radius) = hurried_drag(&drawn, &mut random);
        let outline = outline(&drawn.mammogram, Prompt::Drag { center, radius }, &[]);
        let dice = outline.contour.dice(&drawn.mass.contour);
        snapped.push(dice);
        circle.push(Contour::circle(center, radius).dice(&drawn.mass.contour));
        if drawn.mass.margin == MassMargin::Spiculated {
            spiculated.push(dice);
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (snapped, circle, spiculated) = (mean(&snapped), mean(&circle), mean(&spiculated));
    let told = format!("mean Dice {snapped:.3}, spiculated {spiculated:.3}, circle {circle:.3}");
    assert!(snapped >= 0.90 && snapped >= circle + 0.04, "{told}");
    assert!(spiculated >= 0.85, "{told}");
}

#[test]
fn a_box_and_a_click_find_the_mass_too() {
    let (mut boxed, mut clicked) = (Vec::new(), Vec::new());
    let phantom = Phantom { contrast: (1.5, 2.5), ..Phantom::region() };
    for seed in 200..220 {
        let drawn = phantom.draw(seed);
        let bounds = drawn.mass.contour.bounds();
        let dice =
            |prompt| outline(&drawn.mammogram, prompt, &[]).contour.dice(&drawn.mass.contour);
        boxed.push(dice(Prompt::Box(bounds)));
        clicked.push(dice(Prompt::Click(drawn.mass.center)));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&boxed) > 0.93, "box {:.3}", mean(&boxed));
    assert!(mean(&clicked) > 0.85, "click {:.3}", mean(&clicked));
}

#[test]
fn a_radius_is_looked_for_inside_its_bounds_only() {
    for idx in 0..4 {
        let mut outliner = Outliner::new(Arc::new(drawn(idx).mammogram.clone()));
        for (low, high) in [(20.0, 124.0), (20.0, 22.0), (110.0, 124.0)] {
            let radius = outliner.radius_within(drawn(idx).mass.center, low..=high);
            let radius = radius.expect("the centre is inside");
            assert!((low - 1e-9..=high + 1e-9).contains(&radius), "{radius}");
        }
    }
}

#[test]
fn the_same_question_has_the_same_answer_whatever_was_asked_before() {
    let drawn = drawn(0);
    let prompt = drag(drawn);
    let far = ImagePoint::new(drawn.mass.center.x + 200.0, 250.0);
    let near = ImagePoint::new(drawn.mass.center.x, 200.0);
    let through = |points: &[ImagePoint]| -> Vec<Correction> {
        points.iter().map(|point| Correction::Through(*point)).collect()
    };
    let fresh = outline(&drawn.mammogram, prompt, &through(&[near]));
    let mut used = Outliner::new(Arc::new(drawn.mammogram.clone()));
    for radius in [5.0, 80.0, 300.0, 81.0] {
        let prompt = Prompt::Drag { center: drawn.mass.center, radius };
        for points in [&[][..], &[far], &[far, near], &[near, far]] {
            // What cannot be done must leave no trace either.
            let _ = used.outline(prompt, &through(points));
        }
    }
    used.outline(prompt, &through(&[near, far])).expect("the mark is inside");
    let beyond = Correction::Redraw(vec![far, near]);
    assert!(used.outline(prompt, &[through(&[near]), vec![beyond]].concat()).is_err());
    assert_eq!(used.outline(prompt, &through(&[near])), Ok(fresh));
}

#[test]
fn marks_that_point_at_nothing_are_refused() {
    let mut outliner = Outliner::new(Arc::new(drawn(0).mammogram.clone()));
    let at = |x: f64, y: f64, radius: f64| Prompt::Drag { center: ImagePoint::new(x, y), radius };
    for prompt in [at(-1.0, 5.0, 9.0), at(5.0, 512.5, 9.0), at(f64::NAN, 5.0, 9.0)] {
        assert_eq!(outliner.outline(prompt, &[]), Err(Error::OutsideImage));
    }
    for radius in [0.0, 0.5, -3.0, f64::NAN] {
        assert_eq!(outliner.outline(at(256.0, 256.0, radius), &[]), Err(Error::TooSmall));
    }
    for radius in [2049.0, 1e300, f64::INFINITY] {
        assert_eq!(outliner.outline(at(256.0, 256.0, radius), &[]), Err(Error::TooLarge));
    }
    let center = ImagePoint::new(256.0, 256.0);
    let prompt = at(256.0, 256.0, 40.0);
    let on_center = [Correction::Through(center)];
    assert_eq!(outliner.outline(prompt, &on_center), Err(Error::AtCenter));
    let far_away = [Correction::Through(ImagePoint::new(500.0, 256.0))];
    assert_eq!(outliner.outline(at(256.0, 256.0, 4.0), &far_away), Err(Error::TooFar));
    let path = vec![center];
    let endless = [Correction::Push { path, radius: f64::INFINITY }];
    assert_eq!(outliner.outline(prompt, &endless), Err(Error::TooLarge));
    let outside = [Correction::Through(ImagePoint::new(600.0, 256.0))];
    assert_eq!(outliner.outline(prompt, &outside), Err(Error::OutsideImage));
}

#[test]
fn a_film_without_contrast_keeps_the_drawn_circle() {
    for sample in [0, 1000] {
        let mut film = drawn(0).mammogram.clone();
        film.samples = Arc::new(vec![sample; film.samples.len()]);
        let center = ImagePoint::new(250.0, 260.0);
        let outline = outline(&film, Prompt::Drag { center, radius: 60.0 }, &[]);
        assert!(outline.contour.dice(&Contour::circle(center, 60.0)) > 0.98);
    }
}

#[test]
fn the_contour_of_a_mass_at_the_edge_stays_on_the_film() {
    let drawn = drawn(1);
    let (width, height) = (512.0, 512.0);
    for (x, y) in [(0.0, 0.0), (512.0, 256.0), (3.0, 300.0), (256.0, 511.0)] {
        let prompt = Prompt::Drag { center: ImagePoint::new(x, y), radius: 70.0 };
        let outline = outline(&drawn.mammogram, prompt, &[]);
        assert!(outline.contour.area() > 100.0);
        for p in outline.contour.points() {
            assert!((0.0..=width).contains(&p.x) && (0.0..=height).contains(&p.y), "{p:?}");
        }
    }
}

#[test]
fn zeros_around_a_cut_out_region_are_no_border_of_the_mass() {
    // The right third of the film is emptied, 60 pixels beyond a mass's centre.
    let phantom = Phantom { radius_mm: (4.0, 5.0), contrast: (1.5, 2.0), ..Phantom::region() };
    for seed in 300..304 {
        let drawn = phantom.draw(seed);
        let mut film = drawn.mammogram.clone();
        let cut = (drawn.mass.center.x + 60.0) as usize;
        let samples = film.samples.iter().enumerate();
        film.samples =
            Arc::new(samples.map(|(i, s)| if i % 512 >= cut { 0 } else { *s }).collect());
        let whole = outline(&drawn.mammogram, drag(&drawn), &[]);
        let dice = outline(&film, drag(&drawn), &[]).contour.dice(&whole.contour);
        assert!(dice > 0.95, "seed {seed}: Dice {dice:.3}");
    }
}

#[test]
fn a_film_without_a_pixel_size_is_outlined_as_well() {
    for idx in 0..8 {
        let drawn = drawn(idx);
        let mut film = drawn.mammogram.clone();
        let sized = outline(&film, drag(drawn), &[]);
        film.spacing = None;
        let unsized_ = outline(&film, drag(drawn), &[]);
        let dice = unsized_.contour.dice(&sized.contour);
        assert!(dice > 0.9, "Dice {dice:.3}");
    }
}

/// The film after one of the eight moves of a square, and where a point of it goes.
fn moved(
    film: &Mammogram,
    turns: usize,
    mirror: bool,
) -> (Mammogram, impl Fn(ImagePoint) -> ImagePoint) {
    let side = f64::from(film.columns);
    let to = move |p: ImagePoint| {
        let mut p = if mirror { ImagePoint::new(side - p.x, p.y) } else { p };
        for _ in 0..turns {
            p = ImagePoint::new(side - p.y, p.x);
        }
        p
    };
    let mut samples = vec![0; film.samples.len()];
    for (idx, sample) in film.samples.iter().enumerate() {
        let (column, row) = (idx % film.columns as usize, idx / film.columns as usize);
        let p = to(ImagePoint::new(column as f64 + 0.5, row as f64 + 0.5));
        samples[p.y as usize * film.columns as usize + p.x as usize] = *sample;
    }
    (Mammogram { samples: Arc::new(samples), ..film.clone() }, to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn brighter_steeper_or_turned_grey_scales_change_nothing(
        idx in 0_usize..8, slope in 0.01_f64..50.0, intercept in -5000.0_f64..5000.0,
    ) {
        let drawn = drawn(idx);
        let plain = outline(&drawn.mammogram, drag(drawn), &[]);
        let mut film = drawn.mammogram.clone();
        film.modality_lut = ModalityLut::Rescale { slope, intercept };
        let rescaled = outline(&film, drag(drawn), &[]);
        prop_assert!(rescaled.contour.dice(&plain.contour) > 0.999);

        film.photometric_interpretation = PhotometricInterpretation::Monochrome1;
        film.samples = Arc::new(film.samples.iter().map(|s| 4095 - s).collect());
        let turned = outline(&film, drag(drawn), &[]);
        prop_assert!(turned.contour.dice(&plain.contour) > 0.999);
    }

    #[test]
    fn turning_or_mirroring_the_film_moves_the_contour_along(
        idx in 0_usize..8, turns in 0_usize..4, mirror: bool, dx in -9.0_f64..9.0, dy in -9.0_f64..9.0,
    ) {
        let drawn = drawn(idx);
        let center = ImagePoint::new(drawn.mass.center.x + dx, drawn.mass.center.y + dy);
        let radius = drawn.mass.radius_mm / 0.1;
        let through = ImagePoint::new(center.x + 0.8 * radius, center.y + 0.6 * radius);
        prop_assume!(through.x < 512.0 && through.y < 512.0);
        let corrections = [Correction::Through(through)];
        let plain = outline(&drawn.mammogram, Prompt::Drag { center, radius }, &corrections);

        let (film, to) = moved(&drawn.mammogram, turns, mirror);
        let prompt = Prompt::Drag { center: to(center), radius };
        let there = outline(&film, prompt, &[Correction::Through(to(through))]);
        let expected: Vec<_> = plain.contour.points().iter().map(|p| to(*p)).collect();
        let expected = Contour::new(expected).expect("as many finite points as before");
        let dice = there.contour.dice(&expected);
        prop_assert!(dice > 0.995, "Dice {dice}");
    }

    #[test]
    fn every_pull_is_honoured_and_nothing_far_from_it_moves(
        idx in 0_usize..8,
        pulls in prop::collection::vec((0.0_f64..std::f64::consts::TAU, 0.3_f64..2.6), 1..7),
    ) {
        let drawn = drawn(idx);
        let (center, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.1);
        let mut outliner = Outliner::new(Arc::new(drawn.mammogram.clone()));
        let points: Vec<(f64, ImagePoint)> = pulls
            .iter()
            .map(|(angle, r)| {
                let (dx, dy) = (r * radius * angle.cos(), r * radius * angle.sin());
                (*angle, ImagePoint::new(center.x + dx, center.y + dy))
            })
            .filter(|(_, p)| (0.0..=512.0).contains(&p.x) && (0.0..=512.0).contains(&p.y))
            .collect();
        let prompt = Prompt::Drag { center, radius };
        let mut before = outliner.outline(prompt, &[]).expect("the mark is inside");
        let mut corrections = Vec::new();
        for (n, (angle, point)) in points.iter().enumerate() {
            corrections.push(Correction::Through(*point));
            let after = outliner.outline(prompt, &corrections).expect("the point is inside");
            prop_assert!(after.contour.is_simple());
            // A ray is 1/128 of a turn; a later pull takes the place of one on its own ray.
            for (m, (other, held)) in points[..=n].iter().enumerate() {
                let replaced = points[m + 1..=n].iter().any(|(a, _)| apart(*a, *other) < 0.06);
                let is_vertex = after.contour.points().contains(held);
                prop_assert!(is_vertex || replaced, "pull {m} of {n} is not on the contour");
            }
            // Row steps are 0.0216 radii. What is farther than 60 degrees keeps its row; smoothing
            // reaches eight rays farther and moves a vertex by at most half a row either way.
            for (p, q) in before.contour.points().iter().zip(after.contour.points()) {
                let away = apart((p.y - center.y).atan2(p.x - center.x), *angle);
                if away > 60.0_f64.to_radians() + 0.03 {
                    prop_assert!(p.distance(*q) <= 0.023 * radius, "moved {}", p.distance(*q));
                }
                if away > (60.0_f64 + 9.0 * 360.0 / 128.0).to_radians() {
                    prop_assert_eq!(p, q);
                }
            }
            before = after;
        }
    }

    #[test]
    fn any_prompt_gives_a_simple_contour_on_the_film(
        idx in 0_usize..8, x in 0.0_f64..512.0, y in 0.0_f64..512.0,
        w in 1.0_f64..900.0, h in 1.0_f64..900.0, kind in 0..3,
    ) {
        let center = ImagePoint::new(x, y);
        let prompt = match kind {
            0 => Prompt::Drag { center, radius: w },
            1 => Prompt::Click(center),
            _ => {
                let corner = ImagePoint::new((x + w).min(512.0), (y + h).min(512.0));
                prop_assume!(corner.x - x > 3.0 && corner.y - y > 3.0);
                Prompt::Box(ImageRect::from_corners(center, corner))
            }
        };
        let outline = outline(&drawn(idx).mammogram, prompt, &[]);
        prop_assert!(outline.contour.is_simple());
        prop_assert_eq!(outline.confidence.len(), outline.contour.points().len());
        for p in outline.contour.points() {
            prop_assert!((0.0..=512.0).contains(&p.x) && (0.0..=512.0).contains(&p.y));
        }
    }
}

/// Angle between two directions, 0 to pi.
fn apart(a: f64, b: f64) -> f64 {
    let turn = std::f64::consts::TAU;
    let distance = (a - b).rem_euclid(turn);
    distance.min(turn - distance)
}

#[test]
fn the_demonstration_patients_mass_is_enclosed() {
    let film = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demonstration/RIGHT_CC.dcm");
    let mut reader = Reader::with_program(env!("CARGO_BIN_EXE_precedent-cli"));
    let mut film = reader.read(film.as_ref()).expect("the demonstration film ships");
    film.spacing = Some(Spacing::square(0.05, SpacingOrigin::Stated));
    let center = ImagePoint::new(2640.0, 2590.0);
    for (dx, dy, radius_mm) in [(0.0, 0.0, 8.0), (15.0, -15.0, 7.0), (-15.0, 15.0, 9.0)] {
        let center = ImagePoint::new(center.x + dx, center.y + dy);
        let prompt = Prompt::Drag { center, radius: radius_mm / 0.05 };
        let outline = outline(&film, prompt, &[]);
        let area_mm2 = outline.contour.area() * 0.0025;
        assert!((40.0..=400.0).contains(&area_mm2), "{area_mm2} mm2");
        // The bright middle of the mass, read off the film by eye.
        for (x, y) in [(2640.0, 2590.0), (2660.0, 2640.0), (2700.0, 2640.0)] {
            assert!(outline.contour.contains(ImagePoint::new(x, y)), "{x}, {y} is left out");
        }
    }
}

#[test]
fn a_click_tells_a_mass_from_tissue_without_one() {
    // A disc twenty deviations of the noise above even tissue, and the tissue beside it.
    let mut random = Random::new(11);
    let mut film = drawn(0).mammogram.clone();
    let sample = |idx: usize| {
        let (x, y) = ((idx % 512) as f64 - 150.0, (idx / 512) as f64 - 150.0);
        let mass = if x.hypot(y) < 60.0 { 400.0 } else { 0.0 };
        (1500.0 + mass + 20.0 * random.normal()) as u16
    };
    film.samples = Arc::new((0..512 * 512).map(sample).collect());
    let mut outliner = Outliner::new(Arc::new(film.clone()));
    let mut signal = |x, y| outliner.signal_at(ImagePoint::new(x, y)).expect("it is on the film");
    assert!(signal(150.5, 150.5) > 5.0 * RELIABLE);
    assert!(signal(390.0, 400.0) < RELIABLE);
    // Dark things are no mass, and a film without any grey has none.
    film.samples = Arc::new(film.samples.iter().map(|s| 4095 - s).collect());
    let place = ImagePoint::new(150.5, 150.5);
    let signal = |film: Mammogram| Outliner::new(Arc::new(film)).signal_at(place);
    assert!(signal(film.clone()).expect("it is on the film") < RELIABLE);
    film.samples = Arc::new(vec![900; 512 * 512]);
    assert!(signal(film).expect("it is on the film") < RELIABLE);
}
