//! How far is each cell of a grid from a line?

use super::ImagePoint;

/// Distance of each cell's centre from the nearest of these segments, row by row, all in cells;
/// infinite where it is more than `limit`.
pub fn distances(
    segments: impl Iterator<Item = (ImagePoint, ImagePoint)>,
    columns: usize,
    rows: usize,
    limit: f64,
) -> Vec<f64> {
    let mut distances = vec![f64::INFINITY; columns * rows];
    let cells = |low: f64, high: f64, size: usize| {
        let cell = |v: f64| v.clamp(0.0, size as f64) as usize;
        cell((low - limit).floor())..cell((high + limit).ceil())
    };
    for (p, q) in segments {
        let (dx, dy) = (q.x - p.x, q.y - p.y);
        let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        for row in cells(p.y.min(q.y), p.y.max(q.y), rows) {
            for column in cells(p.x.min(q.x), p.x.max(q.x), columns) {
                let (x, y) = (column as f64 + 0.5 - p.x, row as f64 + 0.5 - p.y);
                let along = ((x * dx + y * dy) / length).clamp(0.0, 1.0);
                let distance = (x - along * dx).hypot(y - along * dy);
                let nearest = &mut distances[row * columns + column];
                if distance < *nearest && distance <= limit {
                    *nearest = distance;
                }
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_beside_a_segment_and_beyond_its_end_have_their_distance() {
        let segment = (ImagePoint::new(2.5, 2.5), ImagePoint::new(6.5, 2.5));
        let found = distances(std::iter::once(segment), 12, 8, 4.0);
        assert_eq!(found[2 * 12 + 4], 0.0);
        assert_eq!(found[5 * 12 + 4], 3.0);
        // Three across and three up from the end at 6.5, 2.5 is farther than 4.
        assert_eq!(found[5 * 12 + 9], f64::INFINITY);
        assert_eq!(found[2 * 12 + 10], 4.0);
        // Two and two: the root of eight.
        assert!((found[4 * 12 + 8] - 8.0_f64.sqrt()).abs() < 1e-12);
    }
}
