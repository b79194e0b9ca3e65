//! What the hand does to an outline: each gesture is honoured, stays near its place, and leaves one
//! closed line without crossings.

use std::f64::consts::TAU;
use std::sync::{Arc, OnceLock};

use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::phantom::{Drawn, Phantom, Random};
use precedent_core::segmentation::{Correction, Error, Outliner, Prompt};
use proptest::prelude::*;

/// A mass of 6 mm in the middle of 51 mm of tissue; a pixel is 0.1 mm.
fn drawn() -> &'static Drawn {
    static DRAWN: OnceLock<Drawn> = OnceLock::new();
    DRAWN.get_or_init(|| {
        let phantom = Phantom { radius_mm: (6.0, 6.0), ..Phantom::region() };
        (0..)
            .map(|seed| phantom.draw(seed))
            .find(|d| d.mass.center.distance(ImagePoint::new(256.0, 256.0)) < 80.0)
            .expect("masses lie in the middle often")
    })
}

const RADIUS: f64 = 60.0;

struct Hand {
    outliner: Outliner,
    prompt: Prompt,
    done: Vec<Correction>,
    contour: Contour,
}

impl Hand {
    fn new() -> Self {
        let mut outliner = Outliner::new(Arc::new(drawn().mammogram.clone()));
        let prompt = Prompt::Drag { center: drawn().mass.center, radius: RADIUS };
        let contour = outliner.outline(prompt, &[]).expect("the mark is inside").contour;
        Self { outliner, prompt, done: Vec::new(), contour }
    }

    /// Does it, or leaves all as it was and tells why not.
    fn try_to(&mut self, correction: Correction) -> Result<&Contour, Error> {
        self.done.push(correction);
        match self.outliner.outline(self.prompt, &self.done) {
            Ok(outline) => {
                assert_eq!(outline.confidence.len(), outline.contour.points().len());
                self.contour = outline.contour;
                Ok(&self.contour)
            }
            Err(error) => {
                self.done.pop();
                Err(error)
            }
        }
    }

    fn go(mut self, correction: Correction) -> Self {
        self.try_to(correction).expect("the gesture can be done");
        self
    }

    /// A place at this angle and distance from the centre, in radii.
    fn at(angle: f64, radii: f64) -> ImagePoint {
        let center = drawn().mass.center;
        let radius = RADIUS * radii;
        ImagePoint::new(center.x + radius * angle.cos(), center.y + radius * angle.sin())
    }
}

/// Distance of a place from the line of a contour.
fn distance(contour: &Contour, to: ImagePoint) -> f64 {
    contour
        .edges()
        .map(|(p, q)| {
            let (dx, dy) = (q.x - p.x, q.y - p.y);
            let along = ((to.x - p.x) * dx + (to.y - p.y) * dy) / (dx * dx + dy * dy).max(1e-12);
            let along = along.clamp(0.0, 1.0);
            (p.x + along * dx - to.x).hypot(p.y + along * dy - to.y)
        })
        .fold(f64::INFINITY, f64::min)
}

/// Vertices of `new` that lie off the line of `old`, and how far they are from the nearest of `marks`.
fn moved(old: &Contour, new: &Contour, tolerance: f64, marks: &[ImagePoint]) -> Vec<f64> {
    new.points()
        .iter()
        .filter(|p| distance(old, **p) > tolerance)
        .map(|p| marks.iter().map(|m| m.distance(*p)).fold(f64::INFINITY, f64::min))
        .collect()
}

/// Points a pixel apart along a line.
fn dense(line: &[ImagePoint]) -> Vec<ImagePoint> {
    line.windows(2)
        .flat_map(|pair| {
            let steps = pair[0].distance(pair[1]).ceil().max(1.0);
            (0..=steps as usize).map(move |i| {
                let share = i as f64 / steps;
                let (p, q) = (pair[0], pair[1]);
                ImagePoint::new(p.x + share * (q.x - p.x), p.y + share * (q.y - p.y))
            })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn all_of_an_include_stroke_is_inside_and_of_an_exclude_stroke_outside(
        from in 0.0..TAU, turn in -0.8_f64..0.8, start in 0.3_f64..1.8, end in 0.3_f64..1.8,
        belongs: bool, after_brush: bool,
    ) {
        let mut hand = Hand::new();
        if after_brush {
            let path = vec![Hand::at(1.0, 0.6), Hand::at(1.0, 0.9)];
            hand = hand.go(Correction::Push { path, radius: 15.0 });
        }
        let before = hand.contour.clone();
        let line = vec![Hand::at(from, start), Hand::at(from + turn, end)];
        let stroke = if belongs {
            Correction::Include(line.clone())
        } else {
            Correction::Exclude(line.clone())
        };
        // What would reach the centre or leave nothing of the mass is refused.
        let Ok(after) = hand.try_to(stroke) else { return Ok(()) };
        prop_assert!(after.is_simple());
        for p in dense(&line) {
            prop_assert_eq!(after.contains(p), belongs, "{:?}", p);
        }
        let reach = dense(&line).iter().map(|p| distance(&before, *p)).fold(0.0, f64::max);
        for far in moved(&before, after, 0.5, &dense(&line)) {
            prop_assert!(far < 1.5 * reach + 1.2 * RADIUS, "moved {far} pixels from the stroke");
        }
    }

    #[test]
    fn the_brush_pushes_out_from_inside_and_in_from_outside(
        angle in 0.0..TAU, outwards: bool, radius in 5.0_f64..25.0, far in 0.0_f64..0.3,
    ) {
        let hand = Hand::new();
        let before = hand.contour.clone();
        let (from, to) = if outwards { (0.5, 1.0 + far) } else { (1.8, 1.0 - far) };
        let path = vec![Hand::at(angle, from), Hand::at(angle, to)];
        prop_assume!(before.contains(path[0]) == outwards);
        let after = hand.go(Correction::Push { path: path.clone(), radius }).contour;
        prop_assert!(after.is_simple());
        for p in dense(&path) {
            prop_assert_eq!(after.contains(p), outwards);
            prop_assert!(distance(&after, p) > radius - 1.5, "the line runs under the brush");
        }
        // A step of the field is 0.02 radii, 1.2 pixels; the brush ends at its radius.
        for far in moved(&before, &after, 0.3, &dense(&path)) {
            prop_assert!(far < radius + 2.5, "moved {far} pixels from the brush");
        }
    }

    #[test]
    fn a_pull_after_free_hand_edits_is_honoured_and_stays_near(
        brush in 0.0..TAU, angle in 0.0..TAU, radii in 0.4_f64..1.8,
    ) {
        let path = vec![Hand::at(brush, 0.6), Hand::at(brush, 1.3)];
        let mut hand = Hand::new().go(Correction::Push { path, radius: 15.0 });
        let before = hand.contour.clone();
        let point = Hand::at(angle, radii);
        let reach = 3.0 * distance(&before, point).max(0.25 * RADIUS * 1.3);
        let Ok(after) = hand.try_to(Correction::Through(point)) else {
            return Err(TestCaseError::fail("the pull was refused"));
        };
        prop_assert!(after.is_simple());
        prop_assert!(distance(after, point) < 1e-6, "{} off", distance(after, point));
        for far in moved(&before, after, 1.0, &[point]) {
            prop_assert!(far < reach, "moved {far} pixels from the point");
        }
    }
}

#[test]
fn a_line_from_inside_to_inside_adds_what_it_goes_around() {
    let hand = Hand::new();
    let before = hand.contour.clone();
    // Out at one side, along 1.6 radii, and back in.
    let line = vec![Hand::at(0.3, 0.5), Hand::at(0.3, 1.6), Hand::at(0.8, 1.6), Hand::at(0.8, 0.5)];
    let after = hand.go(Correction::Redraw(line.clone())).contour;
    assert!(after.is_simple());
    assert!(after.contains(Hand::at(0.55, 1.4)));
    for far in moved(&before, &after, 0.3, &dense(&line)) {
        assert!(far < 2.5, "moved {far} pixels from the line");
    }
}

#[test]
fn a_line_from_outside_to_outside_cuts_off_the_smaller_part() {
    let hand = Hand::new();
    let before = hand.contour.clone();
    let line = vec![Hand::at(1.2, 1.8), Hand::at(0.0, 0.5), Hand::at(-1.2, 1.8)];
    let after = hand.go(Correction::Redraw(line.clone())).contour;
    assert!(after.is_simple());
    assert!(!after.contains(Hand::at(0.0, 0.7)));
    assert!(after.contains(Hand::at(0.0, 0.3)) && after.contains(Hand::at(3.1, 0.7)));
    assert!(after.area() < before.area());
    for far in moved(&before, &after, 0.3, &dense(&line)) {
        assert!(far < 2.5, "moved {far} pixels from the line");
    }
}

#[test]
fn lines_that_tell_nothing_are_refused_with_a_sentence() {
    let mut hand = Hand::new();
    let untouched = hand.contour.clone();
    let beside = vec![Hand::at(0.0, 2.0), Hand::at(1.0, 2.0)];
    assert_eq!(hand.try_to(Correction::Redraw(beside)), Err(Error::LineMisses));
    let half = vec![Hand::at(0.0, 0.2), Hand::at(0.0, 2.0)];
    assert_eq!(hand.try_to(Correction::Redraw(half)), Err(Error::LineEndsElsewhere));
    assert_eq!(hand.try_to(Correction::Redraw(Vec::new())), Err(Error::LineMisses));
    let all = vec![Hand::at(0.0, 2.5), Hand::at(0.0, 0.0)];
    let all = Correction::Push { path: all, radius: 200.0 };
    assert_eq!(hand.try_to(all), Err(Error::NothingLeft));
    let through_center = vec![Hand::at(0.0, 1.5), Hand::at(0.0, 0.0)];
    assert_eq!(hand.try_to(Correction::Exclude(through_center)), Err(Error::AtCenter));
    assert_eq!(hand.contour, untouched);
}

#[test]
fn smoothing_rounds_a_notch_and_keeps_the_size() {
    let notch = vec![Hand::at(2.0, 1.5), Hand::at(2.0, 0.8)];
    let hand = Hand::new().go(Correction::Push { path: notch, radius: 4.0 });
    let (area, roundness) = (hand.contour.area(), hand.contour.circularity());
    let after = hand.go(Correction::Smooth).contour;
    assert!(after.is_simple());
    assert!(after.circularity() > roundness + 0.02);
    assert!((after.area() / area - 1.0).abs() < 0.05);
}

#[test]
fn what_hangs_on_by_a_neck_is_cut_off_and_the_rest_stays() {
    // A knob beyond a neck: 0.1 radii wide, a dab of 0.3 radii at its end.
    let neck = vec![Hand::at(0.5, 0.8), Hand::at(0.5, 1.7)];
    let hand = Hand::new();
    let before = hand.contour.clone();
    let hand = hand.go(Correction::Push { path: neck, radius: 0.05 * RADIUS });
    let knob = vec![Hand::at(0.5, 1.68), Hand::at(0.5, 1.7)];
    let hand = hand.go(Correction::Push { path: knob, radius: 0.3 * RADIUS });
    assert!(hand.contour.contains(Hand::at(0.5, 1.85)));
    let with_knob = hand.contour.clone();
    let after = hand.go(Correction::KeepLargest).contour;
    assert!(after.is_simple());
    assert!(!after.contains(Hand::at(0.5, 1.7)), "the knob is gone");
    assert!(after.area() < with_knob.area());
    // Away from the neck nothing moves but sharp tips.
    assert!(after.dice(&before) > 0.97, "{}", after.dice(&before));
}

#[test]
fn snapping_again_brings_a_sloppy_line_to_the_mass_and_keeps_pulled_points() {
    let mut better = 0;
    let mut random = Random::new(5);
    for seed in 0..10 {
        let phantom = Phantom { contrast: (1.2, 2.0), radius_mm: (5.0, 8.0), ..Phantom::region() };
        let drawn = phantom.draw(seed);
        let (center, radius) = (drawn.mass.center, drawn.mass.radius_mm / 0.1);
        let mut outliner = Outliner::new(Arc::new(drawn.mammogram));
        let prompt = Prompt::Drag { center, radius };
        // Six careless dabs at the border.
        let mut corrections: Vec<Correction> = (0..6)
            .map(|_| {
                let angle = random.uniform(0.0, TAU);
                let at = |r: f64| {
                    let (x, y) =
                        (center.x + r * radius * angle.cos(), center.y + r * radius * angle.sin());
                    ImagePoint::new(x.clamp(0.0, 512.0), y.clamp(0.0, 512.0))
                };
                let path = vec![at(0.8), at(random.uniform(0.85, 0.98))];
                Correction::Push { path, radius: 0.15 * radius }
            })
            .collect();
        let pin = {
            let sloppy = outliner.outline(prompt, &corrections).expect("it can be done").contour;
            sloppy.points()[sloppy.points().len() / 3]
        };
        corrections.push(Correction::Through(pin));
        let sloppy = outliner.outline(prompt, &corrections).expect("it can be done").contour;
        corrections.push(Correction::Resnap);
        let snapped = outliner.outline(prompt, &corrections).expect("it can be done").contour;
        assert!(snapped.is_simple());
        assert!(distance(&snapped, pin) < 0.02 * radius, "{}", distance(&snapped, pin));
        let gain = snapped.dice(&drawn.mass.contour) - sloppy.dice(&drawn.mass.contour);
        better += i32::from(gain > 0.0);
    }
    assert!(better >= 7, "only {better} of 10 got better");
}

/// A gesture as it comes, sensible or not.
fn any_gesture(random: &mut Random) -> Correction {
    let mut place = || {
        let p = Hand::at(random.uniform(0.0, TAU), 2.2 * random.uniform(0.0, 1.0).sqrt());
        ImagePoint::new(p.x.clamp(0.0, 512.0), p.y.clamp(0.0, 512.0))
    };
    let line = [place(), place(), place()];
    let count = 1 + random.uniform(0.0, 2.99) as usize;
    let line = line[..count].to_vec();
    match random.uniform(0.0, 10.0) as usize {
        0..=2 => Correction::Through(line[0]),
        3 => Correction::Include(line),
        4 => Correction::Exclude(line),
        5 => Correction::Push { path: line, radius: random.uniform(0.0, 40.0) },
        6 => Correction::Redraw(line),
        7 => Correction::Smooth,
        8 => Correction::KeepLargest,
        _ => Correction::Resnap,
    }
}

#[test]
fn no_sequence_of_gestures_crosses_the_line_or_leaves_the_film() {
    let mut random = Random::new(11);
    let gestures = std::env::var("PRECEDENT_GESTURES").ok().and_then(|text| text.parse().ok());
    for _ in 0..gestures.unwrap_or(GESTURES) / 50 {
        let mut hand = Hand::new();
        for _ in 0..50 {
            let gesture = any_gesture(&mut random);
            if hand.try_to(gesture.clone()).is_ok() {
                assert!(hand.contour.is_simple(), "{:?}", hand.done);
                for p in hand.contour.points() {
                    assert!((0.0..=512.0).contains(&p.x) && (0.0..=512.0).contains(&p.y));
                }
            }
        }
        // Going back by one and forth again ends where it was.
        let (last, contour) = (hand.done.pop(), hand.contour.clone());
        hand.outliner.outline(hand.prompt, &hand.done).expect("it could be done before");
        hand.done.extend(last);
        let again = hand.outliner.outline(hand.prompt, &hand.done);
        assert_eq!(again.expect("it could be done before").contour, contour);
    }
}

/// These keep watch; `PRECEDENT_GESTURES=10000` tries more.
const GESTURES: usize = 500;
