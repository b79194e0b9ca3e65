//! Which pairs of places agree with one geometry (Fischler and Bolles, CACM 1981), with as many
//! draws as the share of agreeing pairs asks for (Hartley and Zisserman, Multiple View Geometry,
//! algorithm 4.5).

use crate::phantom::Random;

/// Places in two pictures that are taken for one, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correspondence {
    pub a: [f64; 2],
    pub b: [f64; 2],
}

/// What a geometry of two pictures must be able to do.
pub(super) trait Model<const SAMPLE: usize>: Sized {
    /// From as few pairs as there can be; `None` where they do not settle it.
    fn of_sample(sample: &[Correspondence; SAMPLE]) -> Option<Self>;
    /// From more, by least squares.
    fn of_all(pairs: &[Correspondence]) -> Option<Self>;
    /// In pixels of the pictures; infinite or not a number where it is undefined.
    fn error(&self, pair: &Correspondence) -> f64;
}

/// A geometry and the positions of the pairs that agree with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Consensus<M> {
    pub(super) model: M,
    pub(super) inliers: Vec<usize>,
}

/// Chance that one draw at least was free of wrong pairs.
const CONFIDENCE: f64 = 0.99;
/// Strangers would ask for more than this.
const MAX_DRAWS: usize = 1000;
/// Rounds of fitting to all that agree; they seldom change after the second.
const REFITS: usize = 3;

/// The model with most pairs within `tolerance` pixels; the seed decides the draws.
pub(super) fn consensus<const SAMPLE: usize, M: Model<SAMPLE>>(
    pairs: &[Correspondence],
    tolerance: f64,
    seed: u64,
) -> Option<Consensus<M>> {
    if pairs.len() < SAMPLE {
        return None;
    }
    let agreeing = |model: M| {
        let agrees = |i: &usize| model.error(&pairs[*i]) <= tolerance;
        let inliers: Vec<usize> = (0..pairs.len()).filter(agrees).collect();
        Consensus { model, inliers }
    };
    let mut random = Random::new(seed);
    let mut best: Option<Consensus<M>> = None;
    let mut wanted = MAX_DRAWS;
    let mut draw = 0;
    while draw < wanted {
        draw += 1;
        let Some(model) = M::of_sample(&drawn(pairs, &mut random)) else { continue };
        let found = agreeing(model);
        if best.as_ref().is_none_or(|best| found.inliers.len() > best.inliers.len()) {
            wanted = draws(found.inliers.len(), pairs.len(), SAMPLE);
            best = Some(found);
        }
    }
    let mut best = best?;
    for _ in 0..REFITS {
        let agreed: Vec<_> = best.inliers.iter().map(|&i| pairs[i]).collect();
        let Some(refitted) = M::of_all(&agreed).map(&agreeing) else { break };
        if refitted.inliers.len() < best.inliers.len() {
            break;
        }
        let settled = refitted.inliers == best.inliers;
        best = refitted;
        if settled {
            break;
        }
    }
    Some(best)
}

/// Different pairs, each with the same chance.
fn drawn<const SAMPLE: usize>(
    pairs: &[Correspondence],
    random: &mut Random,
) -> [Correspondence; SAMPLE] {
    let mut chosen = [usize::MAX; SAMPLE];
    let mut count = 0;
    while count < SAMPLE {
        let candidate = random.uniform(0.0, pairs.len() as f64) as usize;
        if !chosen[..count].contains(&candidate) {
            chosen[count] = candidate;
            count += 1;
        }
    }
    chosen.map(|i| pairs[i])
}

/// Draws after which one free of wrong pairs has been met by [`CONFIDENCE`].
fn draws(inliers: usize, pairs: usize, sample: usize) -> usize {
    let clean = (inliers as f64 / pairs as f64).powi(sample as i32);
    // Written so that a share near nothing asks for endless draws, and all for one.
    let wanted = (1.0 - CONFIDENCE).ln() / (-clean).ln_1p();
    wanted.clamp(1.0, MAX_DRAWS as f64) as usize
}

/// The middle of all places and the scale that brings them to a mean distance of the root of two
/// from it (Hartley, In defence of the 8-point algorithm, ICCV 1995).
#[derive(Debug, Clone, Copy)]
pub(super) struct Normal {
    middle: [f64; 2],
    pub(super) scale: f64,
}

impl Normal {
    pub(super) fn of(places: impl ExactSizeIterator<Item = [f64; 2]> + Clone) -> Option<Self> {
        let count = places.len() as f64;
        let sum = places.clone().fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
        let middle = sum.map(|v| v / count);
        let spread: f64 = places.map(|p| (p[0] - middle[0]).hypot(p[1] - middle[1])).sum();
        let scale = std::f64::consts::SQRT_2 * count / spread;
        scale.is_finite().then_some(Self { middle, scale })
    }

    pub(super) fn apply(&self, place: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|i| (place[i] - self.middle[i]) * self.scale)
    }

    /// As a matrix, from pixels.
    pub(super) fn matrix(&self) -> [[f64; 3]; 3] {
        let [x, y] = self.middle.map(|v| -v * self.scale);
        [[self.scale, 0.0, x], [0.0, self.scale, y], [0.0, 0.0, 1.0]]
    }

    /// As a matrix, to pixels.
    pub(super) fn inverse(&self) -> [[f64; 3]; 3] {
        let s = self.scale.recip();
        [[s, 0.0, self.middle[0]], [0.0, s, self.middle[1]], [0.0, 0.0, 1.0]]
    }
}

/// Both pictures' places brought to their normal scale.
pub(super) fn normalized(
    pairs: &[Correspondence],
) -> Option<(Normal, Normal, Vec<Correspondence>)> {
    let a = Normal::of(pairs.iter().map(|pair| pair.a))?;
    let b = Normal::of(pairs.iter().map(|pair| pair.b))?;
    let pairs = pairs.iter().map(|p| Correspondence { a: a.apply(p.a), b: b.apply(p.b) });
    Some((a, b, pairs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_draws_as_the_share_asks_for() {
        // Half of the pairs wrong, four drawn: ln 0.01 / ln (1 - 1 / 16) = 71.4.
        assert_eq!(draws(50, 100, 4), 71);
        assert_eq!(draws(100, 100, 4), 1);
        assert_eq!(draws(8, 100, 8), MAX_DRAWS);
        assert_eq!(draws(8, 100_000, 8), MAX_DRAWS);
        assert_eq!(draws(0, 100, 4), MAX_DRAWS);
    }

    #[test]
    fn normal_places_have_their_middle_at_zero_and_the_root_of_two_as_mean_distance() {
        let places = [[10.0, 20.0], [14.0, 20.0], [12.0, 26.0], [12.0, 14.0]];
        let normal = Normal::of(places.iter().copied()).expect("they are apart");
        let moved = places.map(|p| normal.apply(p));
        let mean = moved.iter().map(|p| p[0].hypot(p[1])).sum::<f64>() / 4.0;
        assert!((mean - 2.0_f64.sqrt()).abs() < 1e-12);
        assert!(moved.iter().map(|p| p[0] + p[1]).sum::<f64>().abs() < 1e-12);
        assert!(Normal::of([[1.0, 2.0]; 3].iter().copied()).is_none());
    }
}
