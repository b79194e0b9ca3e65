//! The plain way from a map to a vector: the mean over the outlined region, its square root,
//! length 1. What NetVLAD must beat, and what a small network's map needs no more than.

use super::tensors::Array;

/// Maps before their ReLU, `[views, channels, rows, columns]`, of one patch, with each view's
/// weights: one vector of `channels`, of length 1 (0 where no channel answers).
///
/// The ReLU comes first, so that every number is a sum of answers and has a root; the root tames
/// the few channels that answer to everything (Arandjelović and Zisserman, CVPR 2012, do so with
/// SIFT's histograms).
pub fn rooted_mean(maps: &Array, weights: &[Vec<f32>]) -> Vec<f32> {
    let [_, channels, rows, columns] = maps.dims[..] else {
        unreachable!("a network gives maps of four axes")
    };
    let positions = rows * columns;
    let mut sums = vec![0.0_f64; channels];
    for (map, weights) in maps.values.chunks_exact(channels * positions).zip(weights) {
        let total: f64 = weights.iter().copied().map(f64::from).sum();
        for (sum, channel) in sums.iter_mut().zip(map.chunks_exact(positions)) {
            let answer = |(value, weight): (&f32, &f32)| f64::from(value.max(0.0) * weight);
            *sum += channel.iter().zip(weights).map(answer).sum::<f64>() / total;
        }
    }
    // The sum of the squares of the roots is the sum.
    let length = sums.iter().sum::<f64>().sqrt().max(1e-12);
    sums.iter().map(|sum| (sum.sqrt() / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_two_positions_comes_out_as_by_hand() {
        // Channel 0 answers 4 and 8, channel 1 answers -5 and 2; weights 3/4 and 1/4:
        // means 5 and 1/2, so roots over sqrt(5.5).
        let maps = Array::new([1, 2, 1, 2], vec![4.0, 8.0, -5.0, 2.0]);
        let found = rooted_mean(&maps, &[vec![0.75, 0.25]]);
        let expected = [(5.0_f32 / 5.5).sqrt(), (0.5_f32 / 5.5).sqrt()];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        // Weights have no unit, and a view more that sees the same changes nothing.
        let twice = Array::new([2, 2, 1, 2], maps.values.repeat(2));
        let again = rooted_mean(&twice, &[vec![3.0, 1.0], vec![3.0, 1.0]]);
        assert!(found.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-6), "{again:?}");
        let nothing = Array::new([1, 2, 1, 2], vec![-1.0; 4]);
        assert_eq!(rooted_mean(&nothing, &[vec![1.0, 1.0]]), [0.0, 0.0]);
    }
}
