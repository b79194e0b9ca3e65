//! Stored values to 8-bit display values: VOI LUT, presentation LUT shape, padding black.
//!
//! Everything ends in one table over the 65,536 samples ([`VoiLut::display_table`]): the shader,
//! the command line's pictures and `displayed_sha256` all read that table, so they cannot differ.

use serde::{Deserialize, Serialize};

use self::breast::breast_range;
pub use self::breast::{ChestWall, chest_wall, stated_chest_wall};

use crate::mammogram::{Mammogram, PhotometricInterpretation};

mod breast;

/// One way to look at an image, under the name the file gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoiLut {
    /// WindowCenterWidthExplanation or LUTExplanation; "Automatic" for our own.
    pub explanation: String,
    pub function: VoiFunction,
}

/// PS3.3 C.11.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VoiFunction {
    /// C.11.2.1.2.1, the default.
    Linear { center: f64, width: f64 },
    /// C.11.2.1.3.2.
    LinearExact { center: f64, width: f64 },
    /// C.11.2.1.3.1.
    Sigmoid { center: f64, width: f64 },
    /// VOILUTSequence: `first` is the modality value of the first entry, entries scaled by `max`.
    Table { first: i32, entries: Vec<u16>, max: u16 },
}

impl VoiLut {
    /// Display value of each sample, 0 black to 255 white; MONOCHROME1 turned at the end, once;
    /// padding black, `invert` or not, and so is an emptied background without padding's word for it.
    pub fn display_table(&self, mammogram: &Mammogram, invert: bool) -> Vec<u8> {
        let is_monochrome1 =
            mammogram.photometric_interpretation == PhotometricInterpretation::Monochrome1;
        let is_turned = is_monochrome1 != invert;
        (0..=u16::MAX)
            .map(|sample| {
                if mammogram.is_padding(sample) || invert && mammogram.air == Some(sample) {
                    return 0;
                }
                let stored = i32::from(sample) + mammogram.stored_offset;
                let output = self.function.output(mammogram.modality_lut.apply(stored));
                let output = if is_turned { 1.0 - output } else { output };
                (255.0 * output).round() as u8
            })
            .collect()
    }

    /// A window for an image that brings none: from the darkest to nearly the brightest of the
    /// breast, the background left out. LINEAR_EXACT, in modality values.
    pub fn automatic(mammogram: &Mammogram) -> Self {
        let (low, high) = breast_range(mammogram);
        let width = (high - low).max(f64::MIN_POSITIVE);
        let center = low + width / 2.0;
        Self {
            explanation: "Automatic".to_owned(),
            function: VoiFunction::LinearExact { center, width },
        }
    }
}

impl VoiFunction {
    /// The function's value for a modality value, 0 to 1.
    pub fn output(&self, modality: f64) -> f64 {
        match self {
            Self::Linear { center, width } => {
                // C.11.2.1.2.1, equations in the form (x - lower) / (w - 1).
                let lower = center - 0.5 - (width - 1.0) / 2.0;
                let upper = center - 0.5 + (width - 1.0) / 2.0;
                if modality <= lower {
                    0.0
                } else if modality > upper {
                    1.0
                } else {
                    (modality - (center - 0.5)) / (width - 1.0) + 0.5
                }
            }
            Self::LinearExact { center, width } => {
                ((modality - center) / width + 0.5).clamp(0.0, 1.0)
            }
            Self::Sigmoid { center, width } => {
                1.0 / (1.0 + (-4.0 * (modality - center) / width).exp())
            }
            Self::Table { first, entries, max } => {
                let last = entries.len().saturating_sub(1) as f64;
                let idx = (modality - f64::from(*first)).round().clamp(0.0, last);
                let entry = entries.get(idx as usize).copied().unwrap_or(0);
                (f64::from(entry) / f64::from((*max).max(1))).min(1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::mammogram::{Frame, ModalityLut};

    fn film(photometric_interpretation: PhotometricInterpretation, samples: Vec<u16>) -> Mammogram {
        Mammogram {
            frame: Frame::default(),
            rows: 1,
            columns: samples.len() as u32,
            samples: Arc::new(samples),
            stored_offset: 0,
            bits_stored: 16,
            photometric_interpretation,
            modality_lut: ModalityLut::Rescale { slope: 1.0, intercept: 0.0 },
            padding: None,
            air: None,
            voi_luts: Vec::new(),
            spacing: None,
            image_laterality: None,
            view_position: None,
            patient_orientation: None,
            patient_id: None,
            other_patient_ids: Vec::new(),
            sop_instance_uid: None,
            lossy: false,
            content_hash: [0; 32],
            cautions: Vec::new(),
        }
    }

    const MONOCHROME1: PhotometricInterpretation = PhotometricInterpretation::Monochrome1;
    const MONOCHROME2: PhotometricInterpretation = PhotometricInterpretation::Monochrome2;

    fn lut(function: VoiFunction) -> VoiLut {
        VoiLut { explanation: String::new(), function }
    }

    /// The pseudo-code of PS3.3 C.11.2.1.2.1 word for word, y from 0 to 255.
    fn linear_by_the_standard(x: f64, c: f64, w: f64) -> f64 {
        let (y_min, y_max) = (0.0, 255.0);
        if x <= c - 0.5 - (w - 1.0) / 2.0 {
            y_min
        } else if x > c - 0.5 + (w - 1.0) / 2.0 {
            y_max
        } else {
            ((x - (c - 0.5)) / (w - 1.0) + 0.5) * (y_max - y_min) + y_min
        }
    }

    #[test]
    fn linear_is_the_standards_own_example() {
        // C.11.2.1.2.1 note: c = 2048, w = 4096 is the identity over 12 bits, and
        // c = 2048, w = 1 is a threshold: 0 up to 2047, full from 2048 on.
        let film = film(MONOCHROME2, vec![0]);
        let table = lut(VoiFunction::Linear { center: 2048.0, width: 4096.0 });
        let table = table.display_table(&film, false);
        for x in 0..4096_u32 {
            let expected = f64::from(x) / 4095.0 * 255.0;
            assert!((f64::from(table[x as usize]) - expected).abs() <= 0.5, "{x}");
        }
        let step = lut(VoiFunction::Linear { center: 2048.0, width: 1.0 });
        let step = step.display_table(&film, false);
        assert_eq!((step[2047], step[2048]), (0, 255));
    }

    #[test]
    fn sigmoid_and_linear_exact_follow_their_equations() {
        let film = film(MONOCHROME2, vec![0]);
        let (c, w) = (2048.0, 1024.0);
        let sigmoid = lut(VoiFunction::Sigmoid { center: c, width: w }).display_table(&film, false);
        let exact = lut(VoiFunction::LinearExact { center: c, width: w });
        let exact = exact.display_table(&film, false);
        for x in (0..4096_u16).step_by(7) {
            let value = f64::from(x);
            // C.11.2.1.3.1 and C.11.2.1.3.2.
            let s = 255.0 / (1.0 + (-4.0 * (value - c) / w).exp());
            let e = if value <= c - w / 2.0 {
                0.0
            } else if value > c + w / 2.0 {
                255.0
            } else {
                ((value - c) / w + 0.5) * 255.0
            };
            assert!((f64::from(sigmoid[usize::from(x)]) - s).abs() <= 0.5, "{x}");
            assert!((f64::from(exact[usize::from(x)]) - e).abs() <= 0.5, "{x}");
        }
    }

    #[test]
    fn a_table_holds_its_ends_and_is_scaled_by_its_depth() {
        let film = film(MONOCHROME2, vec![0]);
        let table = VoiFunction::Table { first: 100, entries: vec![0, 2047, 4095], max: 4095 };
        let table = lut(table).display_table(&film, false);
        assert_eq!([99, 100, 101, 102, 4000].map(|x: usize| table[x]), [0, 0, 127, 255, 255]);
    }

    #[test]
    fn an_image_with_its_lut_burnt_in_looks_like_the_image_with_the_lut() {
        // IHE mammography test 009001: a table against the same table applied to the pixels.
        let entries: Vec<u16> = (0..4096_u32).map(|x| (x * x / 4096) as u16).collect();
        let plain = film(MONOCHROME2, (0..4096).collect());
        let burnt = film(MONOCHROME2, entries.clone());
        let table = VoiFunction::Table { first: 0, entries, max: 4095 };
        let by_lut = plain.display(&lut(table), false);
        let identity = VoiFunction::Linear { center: 2048.0, width: 4096.0 };
        let by_pixels = burnt.display(&lut(identity), false);
        assert!(by_lut.iter().zip(&by_pixels).all(|(a, b)| a.abs_diff(*b) <= 1));
    }

    #[test]
    fn the_automatic_window_spans_the_breast_and_not_label_or_background() {
        // 400 x 300: background 100 to 110, a half disc of 1000 to 3000, a label of 4095.
        let (rows, columns) = (400_u32, 300_u32);
        let pixel = |row: u32, column: u32| {
            let (y, x) = (f64::from(row) - 200.0, f64::from(column));
            if row < 30 && (200..260).contains(&column) {
                4095
            } else if x.hypot(y) < 140.0 {
                1000 + ((140.0 - x.hypot(y)) / 140.0 * 2000.0) as u16
            } else {
                100 + ((row * 7 + column * 13) % 11) as u16
            }
        };
        let samples: Vec<u16> =
            (0..rows).flat_map(|r| (0..columns).map(move |c| pixel(r, c))).collect();
        let turned = samples.iter().map(|s| 4095 - s).collect();
        let bright = Mammogram { rows, columns, ..film(MONOCHROME2, samples) };
        let dark = Mammogram { rows, columns, ..film(MONOCHROME1, turned) };
        let range = |film: &Mammogram| match VoiLut::automatic(film).function {
            VoiFunction::LinearExact { center, width } => {
                (center - width / 2.0, center + width / 2.0)
            }
            other => panic!("{other:?}"),
        };
        let (low, high) = range(&bright);
        assert!(
            (105.0..1010.0).contains(&low) && (2800.0..=3000.0).contains(&high),
            "{low} {high}"
        );
        let (low_turned, high_turned) = range(&dark);
        assert!((low_turned - (4095.0 - high)).abs() < 1.0, "{low_turned}");
        assert!((high_turned - (4095.0 - low)).abs() < 1.0, "{high_turned}");
        assert_eq!(bright.default_display(), dark.default_display());
    }

    #[test]
    fn one_grey_value_alone_still_gives_a_window() {
        let flat = film(MONOCHROME2, vec![7; 100]);
        let picture = flat.default_display();
        assert_eq!(picture.len(), 100);
        let mut padded = flat.clone();
        padded.padding = Some((7, 7));
        assert_eq!(padded.default_display(), vec![0; 100]);
    }

    proptest! {
        #[test]
        fn any_window_is_within_one_of_the_standard_and_monotone(
            center in -3000.0..70_000.0_f64,
            width in 1.0..80_000.0_f64,
            slope in 0.01..4.0_f64,
            intercept in -2000.0..2000.0_f64,
            is_signed: bool,
        ) {
            let mut film = film(MONOCHROME2, vec![0]);
            film.modality_lut = ModalityLut::Rescale { slope, intercept };
            film.stored_offset = if is_signed { -32_768 } else { 0 };
            let voi = lut(VoiFunction::Linear { center, width });
            let table = voi.display_table(&film, false);
            for sample in (0..=u16::MAX).step_by(251) {
                let x = (f64::from(sample) + f64::from(film.stored_offset)) * slope + intercept;
                let expected = linear_by_the_standard(x, center, width);
                prop_assert!((f64::from(table[usize::from(sample)]) - expected).abs() <= 1.0);
            }
            prop_assert!(table.is_sorted());
            let inverted: Vec<u8> = table.iter().map(|v| 255 - v).collect();
            let close = |a: &[u8], b: &[u8]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1);
            prop_assert!(close(&voi.display_table(&film, true), &inverted));
            film.photometric_interpretation = MONOCHROME1;
            prop_assert!(close(&voi.display_table(&film, false), &inverted));
            prop_assert!(close(&voi.display_table(&film, true), &table));
        }
    }
}
