//! One axis of a separable resampling: which inputs make an output, and with what weight.
//!
//! The kernel is a triangle as wide as the coarser of the two grids, so that shrinking averages
//! (no aliases) and enlarging interpolates linearly.

/// Weights of one axis. An input beyond the ends has its weight too, but no index: what is
/// missing from the sum of an output's weights lies outside.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// First input of each output, and its weights from there on.
    taps: Vec<(i64, Vec<f32>)>,
}

impl Axis {
    /// `outputs` cells of `cell` inputs each, the first beginning at input coordinate `start`.
    /// Input `i` covers `[i, i + 1)`. The weights of an output sum to 1.
    pub(super) fn over(start: f64, cell: f64, outputs: usize) -> Self {
        let reach = cell.max(1.0);
        let taps = (0..outputs)
            .map(|output| {
                let center = start + (output as f64 + 0.5) * cell;
                let first = (center - reach - 0.5).floor() as i64;
                let last = (center + reach - 0.5).ceil() as i64;
                let weight = |input| (1.0 - (input as f64 + 0.5 - center).abs() / reach).max(0.0);
                let total: f64 = (first..=last).map(weight).sum();
                (first, (first..=last).map(|i| (weight(i) / total) as f32).collect())
            })
            .collect();
        Self { taps }
    }

    /// From `inputs` to `outputs` over the same length; what lies beyond the ends repeats them.
    pub(super) fn resize(inputs: usize, outputs: usize) -> Self {
        let mut axis = Self::over(0.0, inputs as f64 / outputs as f64, outputs);
        for (first, weights) in &mut axis.taps {
            let last = inputs as i64 - 1;
            let (from, to) =
                ((*first).clamp(0, last), (*first + weights.len() as i64 - 1).min(last));
            let mut kept = vec![0.0; (to - from + 1) as usize];
            for (input, weight) in (*first..).zip(weights.iter()) {
                kept[(input.clamp(from, to) - from) as usize] += weight;
            }
            (*first, *weights) = (from, kept);
        }
        axis
    }

    pub(super) fn outputs(&self) -> usize {
        self.taps.len()
    }

    /// For one output: the inputs below `len` with their weights.
    pub(super) fn taps(&self, output: usize, len: usize) -> impl Iterator<Item = (usize, f32)> {
        let (first, weights) = &self.taps[output];
        let inside = move |&(input, _): &(i64, f32)| (0..len as i64).contains(&input);
        (*first..)
            .zip(weights.iter().copied())
            .filter(inside)
            .map(|(input, weight)| (input as usize, weight))
    }

    /// The range of inputs below `len` that any output needs.
    pub(super) fn needed(&self, len: usize) -> std::ops::Range<usize> {
        let clamp = |input: i64| input.clamp(0, len as i64) as usize;
        let first = self.taps.iter().map(|(first, _)| *first).min().unwrap_or(0);
        let end = self.taps.iter().map(|(first, w)| *first + w.len() as i64).max().unwrap_or(0);
        clamp(first)..clamp(end).max(clamp(first))
    }
}

/// Resamples a picture of `columns` inputs a row.
pub(super) fn apply(picture: &[f32], columns: usize, across: &Axis, down: &Axis) -> Vec<f32> {
    let rows = picture.len() / columns;
    let mut narrowed = Vec::with_capacity(rows * across.outputs());
    for row in picture.chunks_exact(columns) {
        for output in 0..across.outputs() {
            narrowed.push(across.taps(output, columns).map(|(i, w)| row[i] * w).sum::<f32>());
        }
    }
    let mut result = vec![0.0; down.outputs() * across.outputs()];
    for (output, line) in result.chunks_exact_mut(across.outputs()).enumerate() {
        for (row, weight) in down.taps(output, rows) {
            let source = &narrowed[row * across.outputs()..][..across.outputs()];
            line.iter_mut().zip(source).for_each(|(v, s)| *v += s * weight);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_a_ramp_keeps_it_a_ramp() {
        // Cells of two inputs: the triangle (1, 3, 3, 1) / 8 leaves a straight line straight.
        let ramp: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let axis = Axis::over(0.0, 2.0, 4);
        let one = Axis::over(0.0, 1.0, 1);
        let halved = apply(&ramp, 8, &axis, &one);
        assert!((halved[1] - 2.5).abs() < 1e-6 && (halved[2] - 4.5).abs() < 1e-6, "{halved:?}");
    }

    #[test]
    fn doubling_interpolates_and_repeats_the_ends() {
        let doubled = apply(&[0.0, 4.0], 2, &Axis::resize(2, 4), &Axis::resize(1, 1));
        assert_eq!(doubled, vec![0.0, 1.0, 3.0, 4.0]);
    }
}
