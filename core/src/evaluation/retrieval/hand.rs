//! What a hand could measure, as vectors: shape and margin, and texture.

use super::examples::Region;
use crate::measures::{self, Texture};

/// Numbers of one region; `None` where one cannot be told.
pub(super) type Numbers = Vec<Option<f32>>;

/// Shape and margin of the outline: the ten numbers that an encoder sees.
pub(super) fn shape(region: &Region) -> Numbers {
    region.patch.shape_margin.numbers().to_vec()
}

/// Texture inside the outline.
pub(super) fn texture(region: &Region) -> Numbers {
    let Some(texture) = measures::texture(&region.film, &region.contour) else {
        return vec![None; 6];
    };
    let Texture { contrast, correlation, cluster_tendency, joint_entropy, .. } = texture;
    [
        Some(contrast),
        correlation,
        Some(cluster_tendency),
        Some(joint_entropy),
        Some(texture.inverse_difference_moment),
        Some(texture.angular_second_moment),
    ]
    .map(|v| v.map(|v| v as f32))
    .to_vec()
}

/// Brings every number to its median and its middle half's width over `library`, and bounds it at
/// three of them; what cannot be told becomes the median. Divided by the root of their number, so
/// that a Euclidean distance is a root mean square.
pub(super) fn scaled(numbers: &[Numbers], library: &[usize]) -> Vec<Vec<f32>> {
    const BOUND: f32 = 3.0;
    let dims = numbers.first().map_or(0, Vec::len);
    let scales: Vec<(f32, f32)> = (0..dims)
        .map(|dim| {
            let mut known: Vec<f32> = library
                .iter()
                .filter_map(|idx| numbers[*idx][dim])
                .filter(|v| v.is_finite())
                .collect();
            known.sort_by(f32::total_cmp);
            let at = |quarter: usize| known.get((known.len().saturating_sub(1)) * quarter / 4);
            let (low, middle, high) = (at(1), at(2), at(3));
            match (low, middle, high) {
                // 1.349 standard deviations lie between the quarters of a normal curve.
                (Some(low), Some(middle), Some(high)) if high > low => {
                    (*middle, (high - low) / 1.349)
                }
                (_, Some(middle), _) => (*middle, f32::INFINITY),
                _ => (0.0, f32::INFINITY),
            }
        })
        .collect();
    let root = (dims.max(1) as f32).sqrt();
    numbers
        .iter()
        .map(|numbers| {
            numbers
                .iter()
                .zip(&scales)
                .map(|(value, (middle, spread))| {
                    let value = value.filter(|v| v.is_finite()).unwrap_or(*middle);
                    ((value - middle) / spread).clamp(-BOUND, BOUND) / root
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_unit_are_brought_to_the_librarys_scale() {
        // Quarters 1, 2, 3: a spread of 2 / 1.349.
        let mut numbers: Vec<Numbers> = (0..5)
            .map(|v| vec![Some(v as f32), Some(7.0), None, Some(1000.0 * v as f32)])
            .collect();
        numbers.push(vec![Some(1e9), None, Some(1.0), Some(f32::NAN)]);
        let found = scaled(&numbers, &[0, 1, 2, 3, 4]);
        let one = 0.5 * 1.349 / 2.0;
        assert!((found[3][0] - one).abs() < 1e-6, "{:?}", found[3]);
        assert!((found[3][0] - found[3][3]).abs() < 1e-6, "{:?}", found[3]);
        // Alike in all, or known of none: no distance.
        assert!(found.iter().all(|v| v[1] == 0.0 && v[2] == 0.0));
        assert_eq!((found[5][0], found[5][3]), (1.5, 0.0));
    }
}
