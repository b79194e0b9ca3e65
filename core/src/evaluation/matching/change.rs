//! Pictures changed in a known way, so that where each place comes to lie is known.

use super::Kind;
use crate::phantom::Random;

/// A known change of a square picture: a similarity about its middle, then its grey values.
pub(super) struct Change {
    /// Of the changed picture.
    pub(super) side: usize,
    middle: f64,
    /// Cosine and sine of the turn, times the enlargement.
    turn: (f64, f64),
    shift: [f64; 2],
    gamma: f32,
    noise: f64,
}

impl Change {
    pub(super) fn of(kind: Kind, side: usize) -> Self {
        let middle = side as f64 / 2.0;
        if kind == Kind::Coarser {
            let side = side / 2;
            let shift = [side as f64 / 2.0 - middle; 2];
            return Self { side, middle, turn: (0.5, 0.0), shift, gamma: 1.0, noise: 4.0 };
        }
        let (sine, cosine) = 15.0_f64.to_radians().sin_cos();
        let turn = (1.15 * cosine, 1.15 * sine);
        Self { side, middle, turn, shift: [7.0, -5.0], gamma: 1.3, noise: 0.0 }
    }

    /// Where a place of the picture comes to lie.
    pub(super) fn there(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let ((c, s), (x, y)) = (self.turn, (x - self.middle, y - self.middle));
        [c * x - s * y + self.middle + self.shift[0], s * x + c * y + self.middle + self.shift[1]]
    }

    fn back(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let ((c, s), square) = (self.turn, self.turn.0.powi(2) + self.turn.1.powi(2));
        let (x, y) = (x - self.middle - self.shift[0], y - self.middle - self.shift[1]);
        [(c * x + s * y) / square + self.middle, (c * y - s * x) / square + self.middle]
    }

    /// The changed picture; black where nothing of the picture lies.
    pub(super) fn apply(&self, pixels: &[f32], seed: u64) -> Vec<f32> {
        let from = pixels.len().isqrt();
        let mut random = Random::new(seed);
        let at = |column: i64, row: i64| {
            let inside = |v: i64| (0..from as i64).contains(&v);
            if inside(column) && inside(row) {
                pixels[row as usize * from + column as usize]
            } else {
                0.0
            }
        };
        // A pixel that is two wide is the mean of what it covers; bilinear in between.
        let covered = (self.turn.0.hypot(self.turn.1)).recip().round().max(1.0) as usize;
        let value = |column: usize, row: usize| {
            let mut sum = 0.0;
            for part in 0..covered * covered {
                let within = |part: usize| (part as f64 + 0.5) / covered as f64;
                let place =
                    [column as f64 + within(part % covered), row as f64 + within(part / covered)];
                let [x, y] = self.back(place).map(|v| v - 0.5);
                let (left, top) = (x.floor() as i64, y.floor() as i64);
                let (fx, fy) = ((x - x.floor()) as f32, (y - y.floor()) as f32);
                let line = |row| at(left, row) * (1.0 - fx) + at(left + 1, row) * fx;
                sum += line(top) * (1.0 - fy) + line(top + 1) * fy;
            }
            sum / (covered * covered) as f32
        };
        (0..self.side * self.side)
            .map(|i| {
                let grey = (value(i % self.side, i / self.side) / 255.0).powf(self.gamma) * 255.0;
                (grey + (self.noise * random.normal()) as f32).clamp(0.0, 255.0)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_undone_is_none() {
        for kind in [Kind::Turned, Kind::Coarser] {
            let change = Change::of(kind, 224);
            for place in [[0.0, 0.0], [10.0, 200.0], [112.0, 112.0]] {
                let back = change.back(change.there(place));
                assert!((back[0] - place[0]).hypot(back[1] - place[1]) < 1e-9);
            }
        }
        // Half the resolution: the corner of the picture stays its corner.
        assert_eq!(Change::of(Kind::Coarser, 224).there([224.0, 0.0]), [112.0, 0.0]);
    }

    #[test]
    fn half_the_resolution_is_the_mean_of_four() {
        let pixels: Vec<f32> = (0..16).map(|i| (i % 4 * 20) as f32).collect();
        let change = Change { noise: 0.0, ..Change::of(Kind::Coarser, 4) };
        let found = change.apply(&pixels, 1);
        assert_eq!(found.len(), 4);
        assert!((found[0] - 10.0).abs() < 1e-3 && (found[1] - 50.0).abs() < 1e-3, "{found:?}");
    }
}
