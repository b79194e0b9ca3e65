//! Points in space that two pictures show, as far as the pictures alone can tell: up to a
//! projective change of space (Hartley and Zisserman, sections 9.5 and 12.2).

use super::fundamental::Fundamental;
use super::linear::{Matrix3, add_equation, product, scaled, smallest_eigenvector, transposed};
use super::ransac::{Correspondence, normalized};

type Camera = [[f64; 4]; 3];

/// How many pairs are pictures of a point within `tolerance` pixels in both, on the same side of
/// both cameras as most are.
///
/// Depth itself has no meaning in a projective space; but where the true points lie before both
/// cameras, the product of a point's two depths has the same sign for all (chapter 21).
pub fn count(fundamental: &Fundamental, pairs: &[Correspondence], tolerance: f64) -> usize {
    let Some((a, b, normal)) = normalized(pairs) else { return 0 };
    let f = scaled(product(&transposed(&b.inverse()), &product(&fundamental.0, &a.inverse())));
    let (first, second) = cameras(&f);
    let side = |pair: &Correspondence| {
        let point = triangulated(&first, &second, pair);
        let (at_a, at_b) = (seen(&first, &point), seen(&second, &point));
        let miss = |[x, y, w]: [f64; 3], place: [f64; 2], scale: f64| {
            (x / w - place[0]).hypot(y / w - place[1]) / scale
        };
        let fits =
            miss(at_a, pair.a, a.scale) <= tolerance && miss(at_b, pair.b, b.scale) <= tolerance;
        fits.then_some(at_a[2] * at_b[2] > 0.0)
    };
    let sides: Vec<bool> = normal.iter().filter_map(side).collect();
    let before = sides.iter().filter(|before| **before).count();
    before.max(sides.len() - before)
}

/// `[I | 0]` and `[[e]x F | e]`, with e where the first camera is seen in the second picture
/// (result 9.14).
fn cameras(f: &Matrix3) -> (Camera, Camera) {
    let e = smallest_eigenvector(product(f, &transposed(f)));
    let cross = [[0.0, -e[2], e[1]], [e[2], 0.0, -e[0]], [-e[1], e[0], 0.0]];
    let left = product(&cross, f);
    let first = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    let second = std::array::from_fn(|i| [left[i][0], left[i][1], left[i][2], e[i]]);
    (first, second)
}

/// The linear method (section 12.2).
fn triangulated(first: &Camera, second: &Camera, pair: &Correspondence) -> [f64; 4] {
    let mut sums = [[0.0; 4]; 4];
    for (camera, place) in [(first, pair.a), (second, pair.b)] {
        for (axis, v) in place.into_iter().enumerate() {
            let row: [f64; 4] = std::array::from_fn(|k| v * camera[2][k] - camera[axis][k]);
            add_equation(&mut sums, &row);
        }
    }
    smallest_eigenvector(sums)
}

fn seen(camera: &Camera, point: &[f64; 4]) -> [f64; 3] {
    camera.map(|row| row.iter().zip(point).map(|(c, p)| c * p).sum())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Scene, scene};
    use super::*;

    #[test]
    fn every_point_of_a_scene_counts_and_wrong_pairs_do_not() {
        let Scene { pairs, truth } = scene(50, 50, 0.2, 4);
        let right = count(&Fundamental(truth), &pairs[..50], 3.0);
        assert_eq!(right, 50);
        // Some wrong pairs are pictures of a point by chance, as with the lines.
        let all = count(&Fundamental(truth), &pairs, 3.0);
        assert!((50..=56).contains(&all), "{all}");
    }

    #[test]
    fn a_triangulated_point_is_seen_where_it_was() {
        let Scene { pairs, truth } = scene(10, 0, 0.0, 8);
        let (a, b, normal) = normalized(&pairs).expect("they are apart");
        let f = scaled(product(&transposed(&b.inverse()), &product(&truth, &a.inverse())));
        let (first, second) = cameras(&f);
        for pair in &normal {
            let point = triangulated(&first, &second, pair);
            let [x, y, w] = seen(&second, &point);
            assert!((x / w - pair.b[0]).hypot(y / w - pair.b[1]) < 1e-6);
        }
    }
}
