//! Which samples of a film are no tissue: padding, and empty background.

use crate::mammogram::{Mammogram, PhotometricInterpretation};

/// Of the grey range, how much above its dark end still counts as empty: JPEG leaves noise there.
const DARK_RANGE: f32 = 0.01;
/// Fewer pixels than this share of the film are dark tissue, not a background.
const LEAST_SHARE: f64 = 0.01;

/// For each of the 65,536 samples whether it is no tissue: padding by its tag, and, where the film
/// reaches the dark end of its bits, the darkest hundredth of its grey range if more than a
/// hundredth of the film lies in it (zeros around a region that was cut out, the emptied
/// background of a digital film).
///
/// The air around a breast on film is not found: it has noise like tissue.
pub fn empty_samples(mammogram: &Mammogram) -> Vec<bool> {
    let grey = mammogram.grey_table();
    let mut empty: Vec<bool> = (0..=u16::MAX).map(|s| mammogram.is_padding(s)).collect();
    let counts = counts(&mammogram.samples);
    let present = || (0..grey.len()).filter(|i| counts[*i] > 0 && !empty[*i]);
    let total: u64 = present().map(|i| counts[i]).sum();
    let (low, high) = present().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), i| {
        (low.min(grey[i]), high.max(grey[i]))
    });
    let limit = low + DARK_RANGE * (high - low);
    let dark: Vec<usize> = present().filter(|i| grey[*i] <= limit).collect();
    let reaches_end = dark.iter().any(|i| *i == dark_end(mammogram));
    let share = dark.iter().map(|i| counts[*i]).sum::<u64>() as f64 / total.max(1) as f64;
    if reaches_end && share > LEAST_SHARE && share < 1.0 {
        dark.iter().for_each(|i| empty[*i] = true);
    }
    empty
}

/// The sample of an emptied background of which the file says nothing: as dark as the film's bits
/// allow, in an eighth of the film and a quarter of its edge at least. None where padding is
/// declared.
pub fn undeclared_air(mammogram: &Mammogram) -> Option<u16> {
    const SHARE: usize = 8;
    const EDGE_SHARE: usize = 4;
    // Every so many pixels: a film's air is seen by a few thousand of them.
    const STRIDE: usize = 61;
    let dark = u16::try_from(dark_end(mammogram)).ok()?;
    let (samples, columns) = (&mammogram.samples, mammogram.columns as usize);
    if mammogram.padding.is_some() || samples.is_empty() {
        return None;
    }
    let share = |seen: &mut dyn Iterator<Item = u16>| {
        seen.fold((0, 0), |(dark_ones, all), s| (dark_ones + usize::from(s == dark), all + 1))
    };
    let (dark_ones, all) = share(&mut samples.iter().step_by(STRIDE.min(samples.len())).copied());
    if dark_ones * SHARE < all {
        return None;
    }
    let sides = samples.chunks_exact(columns).flat_map(|row| [row[0], row[columns - 1]]);
    let ends = samples[..columns].iter().chain(&samples[samples.len() - columns..]).copied();
    let (dark_ones, all) = share(&mut sides.chain(ends));
    (dark_ones * EDGE_SHARE >= all).then_some(dark)
}

/// The sample that is as dark as the film's bits allow.
fn dark_end(mammogram: &Mammogram) -> usize {
    let values = 1_i32 << mammogram.bits_stored.clamp(1, 16);
    // Signed values lie around the middle of the samples.
    let lowest =
        if mammogram.stored_offset == 0 { 0 } else { -mammogram.stored_offset - values / 2 };
    let end = match mammogram.photometric_interpretation {
        PhotometricInterpretation::Monochrome1 => lowest + values - 1,
        PhotometricInterpretation::Monochrome2 => lowest,
    };
    end as usize
}

/// How often each sample stands in the film.
fn counts(samples: &[u16]) -> Vec<u64> {
    // Neighbours are often equal: two tables, so that one count need not wait for the last.
    let mut counts = vec![[0_u32; 2]; usize::from(u16::MAX) + 1];
    for pair in samples.chunks(2) {
        for (count, sample) in pair.iter().enumerate() {
            counts[usize::from(*sample)][count] += 1;
        }
    }
    counts.iter().map(|[a, b]| u64::from(*a) + u64::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::Phantom;

    /// Share of a film's pixels that are no tissue.
    fn empty_share(film: &Mammogram) -> f64 {
        let empty = empty_samples(film);
        let count = film.samples.iter().filter(|s| empty[usize::from(**s)]).count();
        count as f64 / film.samples.len() as f64
    }

    fn tissue() -> Mammogram {
        Phantom::region().draw(1).mammogram
    }

    fn with_top_rows(film: &Mammogram, rows: usize, sample: u16) -> Mammogram {
        let mut samples = film.samples.to_vec();
        samples[..rows * film.columns as usize].fill(sample);
        Mammogram { samples: samples.into(), ..film.clone() }
    }

    #[test]
    fn zeros_that_fill_a_part_of_the_film_are_no_tissue() {
        assert_eq!(empty_share(&tissue()), 0.0);
        // 128 of 512 rows.
        assert_eq!(empty_share(&with_top_rows(&tissue(), 128, 0)), 0.25);
        // Two rows are less than a hundredth.
        assert_eq!(empty_share(&with_top_rows(&tissue(), 2, 0)), 0.0);
        // A flat part that is not the end of the bits is a part of the picture.
        assert_eq!(empty_share(&with_top_rows(&tissue(), 128, 100)), 0.0);
    }

    #[test]
    fn the_dark_end_of_monochrome1_and_of_signed_values_is_found() {
        let mut film = with_top_rows(&tissue(), 128, 4095);
        film.photometric_interpretation = PhotometricInterpretation::Monochrome1;
        assert_eq!(empty_share(&film), 0.25);
        // 12 bits signed: -2048 is sample 30720.
        let samples = film.samples.iter().map(|s| 30_720 + (4095 - s)).collect::<Vec<_>>();
        film.photometric_interpretation = PhotometricInterpretation::Monochrome2;
        (film.samples, film.stored_offset) = (samples.into(), -32_768);
        assert_eq!(empty_share(&film), 0.25);
    }

    #[test]
    fn padding_is_no_tissue_whatever_its_share() {
        let mut film = with_top_rows(&tissue(), 1, 3000);
        film.padding = Some((3000, 3000));
        assert!(empty_share(&film) >= 1.0 / 512.0);
    }
}
