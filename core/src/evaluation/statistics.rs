//! Means with intervals that know which values belong to one patient.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::phantom::Random;

/// A mean over cases, and where it would lie in 95 of 100 samples of as many patients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

const SAMPLES: usize = 1000;

impl Estimate {
    /// Of one value a case, each with its patient: patients are drawn with replacement, a patient's
    /// cases stay together (percentile bootstrap, a fixed seed). `None` of nothing.
    pub fn of(values: &[(&str, f64)]) -> Option<Self> {
        let mut patients: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (patient, value) in values {
            let (sum, count) = patients.entry(patient).or_default();
            *sum += value;
            *count += 1.0;
        }
        let patients: Vec<(f64, f64)> = patients.into_values().collect();
        let mean = |drawn: &mut dyn Iterator<Item = (f64, f64)>| {
            let (sum, count) = drawn.fold((0.0, 0.0), |(s, c), (sum, count)| (s + sum, c + count));
            sum / count
        };
        let all = mean(&mut patients.iter().copied());
        let mut random = Random::new(0x5EED);
        let count = patients.len();
        let mut draw = || patients[(random.uniform(0.0, count as f64) as usize).min(count - 1)];
        if count == 0 {
            return None;
        }
        let mut means: Vec<f64> =
            (0..SAMPLES).map(|_| mean(&mut (0..count).map(|_| draw()))).collect();
        Some(Self {
            mean: all,
            low: quantile(&mut means, 0.025)?,
            high: quantile(&mut means, 0.975)?,
        })
    }
}

pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(s, c), value| (s + value, c + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// Standard deviation with n - 1; `None` of fewer than two values.
pub(super) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values.iter().copied())?;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// The value below which this share lies, the nearest one there is. Sorts.
pub(super) fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    values.get((share * last as f64).round() as usize).copied()
}

/// Mean of the lowest tenth, of one value at least.
pub(super) fn worst_decile(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    mean(values[..values.len().div_ceil(10)].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_widens_where_cases_share_their_patients() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let own: Vec<String> = (0..100).map(|i| format!("{i}")).collect();
        let shared: Vec<String> = (0..100).map(|i| format!("{}", i % 10)).collect();
        let estimate = |names: &[String]| {
            let named: Vec<_> = names.iter().map(String::as_str).zip(values.clone()).collect();
            Estimate::of(&named).expect("there are values")
        };
        let (own, shared) = (estimate(&own), estimate(&shared));
        assert_eq!((own.mean, shared.mean), (4.5, 4.5));
        // Standard error of 100 values: 2.87 / 10; of 10 patients: 2.87 / sqrt 10. Times 3.92.
        assert!((own.high - own.low - 1.126).abs() < 0.15, "{own:?}");
        assert!((shared.high - shared.low - 3.56).abs() < 0.4, "{shared:?}");
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn small_samples_have_the_numbers_worked_out_by_hand() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0, 5.0], 0.5), Some(3.0));
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0, 5.0], 0.95), Some(5.0));
        assert_eq!(quantile(&mut [], 0.5), None);
        let mut twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(worst_decile(&mut twenty), Some(1.5));
        // 2, 4, 4, 4, 5, 5, 7, 9: squares about 5 sum to 32.
        let spread = standard_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert!((spread.expect("eight values") - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(standard_deviation(&[1.0]), None);
    }
}
