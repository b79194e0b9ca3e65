//! Which samples of a film are no tissue: padding, and empty background.

use crate::mammogram::Mammogram;

/// Of the grey range, how much above its dark end still counts as empty: JPEG leaves noise there.
const DARK_RANGE: f32 = 0.01;
/// Fewer pixels than this share of the film are dark tissue, not a background.
const LEAST_SHARE: f64 = 0.01;

/// For each of the 65,536 samples whether it is no tissue: padding by its tag, and the darkest
/// hundredth of the grey range where more than a hundredth of the film lies in it (zeros around a
/// region that was cut out, the emptied background of a digital film).
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
    let share = dark.iter().map(|i| counts[*i]).sum::<u64>() as f64 / total.max(1) as f64;
    if share > LEAST_SHARE && share < 1.0 {
        dark.iter().for_each(|i| empty[*i] = true);
    }
    empty
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
