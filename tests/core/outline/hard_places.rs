//! Masses at the muscle, at the chest wall, tiny, larger than what is shown.

use super::*;

/// A film with each grey value put through `grey(value, x, y)`.
fn repainted(film: &Mammogram, grey: impl Fn(f64, f64, f64) -> f64) -> Mammogram {
    let columns = film.columns as usize;
    let samples = film.samples.iter().enumerate().map(|(i, s)| {
        let (x, y) = ((i % columns) as f64 + 0.5, (i / columns) as f64 + 0.5);
        grey(f64::from(*s), x, y).round().clamp(0.0, 4095.0) as u16
    });
    Mammogram { samples: Arc::new(samples.collect()), ..film.clone() }
}

/// The square of this half side around a place, as far as it lies on the film; where its corner was.
fn cropped(film: &Mammogram, at: ImagePoint, half: f64) -> (Mammogram, ImagePoint) {
    let (columns, rows) = (film.columns as usize, film.rows as usize);
    let bounds = |middle: f64, size: usize| {
        ((middle - half).max(0.0) as usize, ((middle + half) as usize).min(size))
    };
    let ((left, right), (top, bottom)) = (bounds(at.x, columns), bounds(at.y, rows));
    let samples = (top..bottom).flat_map(|row| film.samples[row * columns..][left..right].to_vec());
    let film = Mammogram {
        columns: (right - left) as u32,
        rows: (bottom - top) as u32,
        samples: Arc::new(samples.collect()),
        ..film.clone()
    };
    (film, ImagePoint::new(left as f64, top as f64))
}

/// Mean Dice of hurried drags over ten seeds, on films made from phantoms: the film, where its corner
/// lies on the phantom.
fn mean_dice(phantom: &Phantom, make: impl Fn(&Drawn) -> (Mammogram, ImagePoint)) -> f64 {
    let mut random = Random::new(3);
    let dice = (600..610).map(|seed| {
        let drawn = phantom.draw(seed);
        let (film, corner) = make(&drawn);
        let (center, radius) = hurried_drag(&drawn, &mut random);
        let place = |p: ImagePoint| {
            let (width, height) = (f64::from(film.columns), f64::from(film.rows));
            ImagePoint::new((p.x - corner.x).clamp(0.0, width), (p.y - corner.y).clamp(0.0, height))
        };
        let found = outline(&film, Prompt::Drag { center: place(center), radius }, &[]);
        // What of the truth lies on the film.
        let truth = drawn.mass.contour.points().iter().map(|p| place(*p)).collect();
        found.contour.dice(&Contour::new(truth).expect("as many points as before"))
    });
    dice.sum::<f64>() / 10.0
}

#[test]
fn hard_places_keep_the_mass() {
    let whole = |drawn: &Drawn| (drawn.mammogram.clone(), ImagePoint::default());
    let phantom = Phantom { contrast: (1.4, 2.2), ..Phantom::region() };
    let of_radius = |mm: f64| Phantom { radius_mm: (mm, mm), ..phantom.clone() };
    let ordinary = mean_dice(&phantom, whole);
    let small = mean_dice(&of_radius(2.0), whole);
    let tiny = mean_dice(&of_radius(1.0), whole);
    // The muscle: bright above a slope whose edge, 1 mm soft, passes 1.4 radii below the mass.
    let muscle = mean_dice(&phantom, |drawn| {
        let (at, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.1);
        let edge = |x: f64, y: f64| (0.7 * (x - at.x) + 0.7 * (y - at.y) - 1.4 * radius) / 10.0;
        let film = repainted(&drawn.mammogram, |v, x, y| v + 500.0 / (1.0 + edge(x, y).exp()));
        (film, ImagePoint::default())
    });
    let eight_bits = mean_dice(&phantom, |drawn| {
        (repainted(&drawn.mammogram, |v, _, _| (v / 16.0).floor()), ImagePoint::default())
    });
    // The film ends half a radius from the middle of the mass.
    let chest_wall = mean_dice(&phantom, |drawn| {
        let (at, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.1);
        let far = ImagePoint::new(at.x - 0.5 * radius + 600.0, at.y);
        cropped(&drawn.mammogram, far, 600.0)
    });
    let larger_than_the_roi = mean_dice(&phantom, |drawn| {
        cropped(&drawn.mammogram, drawn.mass.center, 0.9 * drawn.mass.radius_mm / 0.1)
    });
    let told = format!(
        "ordinary {ordinary:.3}, 2 mm {small:.3}, 1 mm {tiny:.3}, muscle {muscle:.3}, 8 bits \
         {eight_bits:.3}, chest wall {chest_wall:.3}, larger than the ROI {larger_than_the_roi:.3}"
    );
    assert!(ordinary.min(muscle).min(eight_bits) > 0.93 && small.min(chest_wall) > 0.9, "{told}");
    assert!(tiny.min(larger_than_the_roi) > 0.85, "{told}");
}

#[test]
fn pixels_that_are_not_square_change_no_outline_in_mm() {
    for idx in 0..4 {
        let drawn = drawn(idx);
        let square = outline(&drawn.mammogram, drag(drawn), &[]);
        // Every other row: 0.2 mm between rows, 0.1 mm between columns.
        let mut film = drawn.mammogram.clone();
        film.rows /= 2;
        let pairs = film.samples.chunks_exact(1024);
        film.samples =
            Arc::new(pairs.flat_map(|p| (0..512).map(|i| p[i].midpoint(p[512 + i]))).collect());
        film.spacing = Some(Spacing {
            row_spacing_mm: 0.2,
            column_spacing_mm: 0.1,
            origin: SpacingOrigin::Calibrated,
        });
        let center = ImagePoint::new(drawn.mass.center.x, drawn.mass.center.y / 2.0);
        // The radius counts mean pixels, whose side is the root of 0.1 * 0.2 mm.
        let radius = drawn.mass.radius_mm / 0.02_f64.sqrt();
        let flat = outline(&film, Prompt::Drag { center, radius }, &[]);
        let dice = flat.contour.scaled(1.0, 2.0).dice(&square.contour);
        assert!(dice > 0.97, "Dice {dice:.3}");
    }
}
