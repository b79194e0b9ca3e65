//! Numbers of any unit as a vector of fixed length: each on an arc of its own.
//!
//! A number is measured from the median of the regions an encoder was made from, in their
//! interquartile range over 1.349 (a normal distribution's deviation), clipped at three, and
//! becomes a point on a half circle: `(cos, sin)` of at most a quarter turn to either side. So
//! near numbers lie apart in proportion, far ones less and less, as robust distances do; and the
//! vector of any region has the same length, so that scaling a whole descriptor to length 1 does
//! not trade one part for another.

use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_2;

use super::tensors::{Array, Error, Storage, TensorFile};

/// Beyond this many deviations a number counts as no farther.
const CLIP: f64 = 3.0;
/// Of a normal distribution: interquartile range over deviation.
const IQR_OF_DEVIATION: f64 = 1.349;

/// Where the middle of each number lies and how far it spreads, frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Arcs {
    /// `[numbers]`.
    pub median: Array,
    /// `[numbers]`: interquartile ranges, each above 0.
    pub iqr: Array,
}

impl Arcs {
    /// Fitted on regions' numbers; a number that cannot be told takes no part. One that does not
    /// vary has a range of 1.
    pub fn fit<T: AsRef<[Option<f32>]>>(regions: &[T]) -> Self {
        let numbers = regions.first().map_or(0, |region| region.as_ref().len());
        let (median, iqr) = (0..numbers)
            .map(|number| {
                let mut known: Vec<f32> =
                    regions.iter().filter_map(|region| region.as_ref()[number]).collect();
                known.sort_by(f32::total_cmp);
                let range = quantile(&known, 0.75) - quantile(&known, 0.25);
                (quantile(&known, 0.5), if range > 0.0 { range } else { 1.0 })
            })
            .unzip();
        Self { median: Array::new([numbers], median), iqr: Array::new([numbers], iqr) }
    }

    /// Two values a number. What cannot be told stands in the middle: as far from all as can be
    /// said of it.
    pub fn describe(&self, numbers: &[Option<f32>]) -> Vec<f32> {
        assert_eq!(numbers.len(), self.median.values.len(), "one middle a number");
        let middles = self.median.values.iter().zip(&self.iqr.values);
        numbers
            .iter()
            .zip(middles)
            .flat_map(|(number, (median, iqr))| {
                let off = number.map_or(0.0, |number| f64::from(number) - f64::from(*median));
                let deviations = (off / f64::from(*iqr) * IQR_OF_DEVIATION).clamp(-CLIP, CLIP);
                let (sin, cos) = (deviations / CLIP * FRAC_PI_2).sin_cos();
                [cos as f32, sin as f32]
            })
            .collect()
    }

    /// As a weights file holds it, below a name.
    pub fn put(&self, name: &str, arrays: &mut BTreeMap<String, (Array, Storage)>) {
        for (part, array) in [("median", &self.median), ("iqr", &self.iqr)] {
            arrays.insert(format!("{name}.{part}"), (array.clone(), Storage::F32));
        }
    }

    /// Reads it back, so many numbers.
    pub fn from_file(file: &TensorFile, name: &str, numbers: usize) -> Result<Self, Error> {
        let median = file.array_of(&format!("{name}.median"), &[numbers])?;
        let iqr = file.array_of(&format!("{name}.iqr"), &[numbers])?;
        if iqr.values.iter().any(|v| *v <= 0.0) {
            return Err(file.wrong_shape(
                &format!("{name}.iqr"),
                &iqr,
                "positive ranges".to_owned(),
            ));
        }
        Ok(Self { median, iqr })
    }
}

/// Of sorted values, linear between ranks; 0 where there is none.
fn quantile(sorted: &[f32], share: f32) -> f32 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let rank = share * last as f32;
    let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * rank.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arcs() -> Arcs {
        Arcs::fit(&[[Some(1.0), Some(9.0)], [Some(2.0), None], [Some(5.0), Some(9.0)]])
    }

    #[test]
    fn middle_and_range_are_those_worked_out_by_hand() {
        // 1, 2, 5: median 2, quartiles 1.5 and 3.5. A number that is always 9 has a range of 1.
        assert_eq!((arcs().median.values, arcs().iqr.values), (vec![2.0, 9.0], vec![2.0, 1.0]));
        // Two deviations above the middle is a sixth of a turn.
        let two = 2.0 + 2.0 * 2.0 / 1.349;
        let found = arcs().describe(&[Some(two), None]);
        let expected = [0.5, 0.75_f32.sqrt(), 1.0, 0.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    proptest! {
        #[test]
        fn farther_apart_is_never_nearer_and_the_length_is_always_the_same(
            a in -50.0_f32..50.0, step in 0.0_f32..9.0, more in 0.0_f32..9.0,
        ) {
            let at = |v: f32| arcs().describe(&[Some(v), Some(9.0)]);
            let distance = |x: &[f32], y: &[f32]| {
                x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f32>()
            };
            let (near, far) = (at(a + step), at(a + step + more));
            prop_assert!(distance(&at(a), &far) >= distance(&at(a), &near) - 1e-5);
            let length: f32 = far.iter().map(|v| v * v).sum();
            prop_assert!((length - 2.0).abs() < 1e-5);
        }
    }
}
