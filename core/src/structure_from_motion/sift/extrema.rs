//! Places that stand out (Lowe, sections 3.1 and 4): extrema of the differences among their 26
//! neighbours, brought to a fraction of a pixel, without weak ones and edges.

use super::scale_space::{Octave, Plane, SCALES};

/// Largest ratio of the curvatures along and across (section 4.1).
const EDGE: f32 = 10.0;
/// Pixels along the frame, whose neighbourhood lies half outside.
const BORDER: usize = 4;
/// Moves to a neighbour before a place is given up.
const MAX_MOVES: usize = 5;

/// An extremum, in pixels and scales of its octave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) scale: f32,
    pub(super) response: f32,
}

pub(super) fn find(octave: &Octave, contrast: f32) -> Vec<Place> {
    let (columns, rows) = (octave.differences[0].columns, octave.differences[0].rows);
    let mut places = Vec::new();
    for scale in 1..=SCALES {
        let three: [&Plane; 3] = std::array::from_fn(|i| &octave.differences[scale + i - 1]);
        for row in BORDER..rows.saturating_sub(BORDER) {
            let line = three[1].row(row);
            let inner = line.iter().enumerate().take(columns - BORDER).skip(BORDER);
            for (column, value) in inner {
                // The parabola adds to the pixel's own value, seldom more than this.
                if value.abs() > 0.8 * contrast && is_extremum(three, column, row) {
                    places.extend(refined(octave, contrast, (column, row, scale)));
                }
            }
        }
    }
    // Two pixels may lead to one extremum.
    let key = |p: &Place| (p.scale.to_bits(), p.y.to_bits(), p.x.to_bits());
    places.sort_by_key(key);
    places.dedup_by_key(|p| key(p));
    places
}

fn is_extremum(three: [&Plane; 3], column: usize, row: usize) -> bool {
    let value = three[1].row(row)[column];
    let mut around = three.iter().enumerate().flat_map(|(depth, plane)| {
        (row - 1..=row + 1).flat_map(move |r| {
            let line = &plane.row(r)[column - 1..=column + 1];
            line.iter().enumerate().filter_map(move |(i, v)| {
                let is_itself = depth == 1 && r == row && i == 1;
                (!is_itself).then_some(*v)
            })
        })
    });
    if value > 0.0 { around.all(|v| value > v) } else { around.all(|v| value < v) }
}

/// The extremum of the parabola through a pixel and its neighbours (Brown and Lowe 2002), unless
/// it is weak, an edge, or runs away.
fn refined(octave: &Octave, contrast: f32, start: (usize, usize, usize)) -> Option<Place> {
    let (mut column, mut row, mut scale) = start;
    let (columns, rows) = (octave.differences[0].columns, octave.differences[0].rows);
    for _ in 0..MAX_MOVES {
        let at = |dx: i32, dy: i32, ds: i32| {
            let plane = &octave.differences[(scale as i32 + ds) as usize];
            plane.row((row as i32 + dy) as usize)[(column as i32 + dx) as usize]
        };
        let middle = at(0, 0, 0);
        let gradient = [
            0.5 * (at(1, 0, 0) - at(-1, 0, 0)),
            0.5 * (at(0, 1, 0) - at(0, -1, 0)),
            0.5 * (at(0, 0, 1) - at(0, 0, -1)),
        ];
        let xx = at(1, 0, 0) + at(-1, 0, 0) - 2.0 * middle;
        let yy = at(0, 1, 0) + at(0, -1, 0) - 2.0 * middle;
        let ss = at(0, 0, 1) + at(0, 0, -1) - 2.0 * middle;
        let xy = 0.25 * (at(1, 1, 0) - at(-1, 1, 0) - at(1, -1, 0) + at(-1, -1, 0));
        let xs = 0.25 * (at(1, 0, 1) - at(-1, 0, 1) - at(1, 0, -1) + at(-1, 0, -1));
        let ys = 0.25 * (at(0, 1, 1) - at(0, -1, 1) - at(0, 1, -1) + at(0, -1, -1));
        let offset = solved([[xx, xy, xs], [xy, yy, ys], [xs, ys, ss]], gradient)?;
        if offset.iter().all(|o| o.abs() <= 0.5) {
            let rise: f32 = gradient.iter().zip(&offset).map(|(g, o)| g * o).sum();
            let response = (middle + 0.5 * rise).abs();
            let (trace, determinant) = (xx + yy, xx * yy - xy * xy);
            let is_blob = determinant > 0.0
                && trace * trace * EDGE < (EDGE + 1.0) * (EDGE + 1.0) * determinant;
            return (response >= contrast && is_blob).then_some(Place {
                x: column as f32 + offset[0],
                y: row as f32 + offset[1],
                scale: scale as f32 + offset[2],
                response,
            });
        }
        // Far beyond a pixel the parabola says nothing; a step at a time.
        let moved = |v: usize, by: f32, first: usize, end: usize| {
            let next = v as i64 + by.clamp(-1.0, 1.0).round() as i64;
            (first as i64..end as i64).contains(&next).then_some(next as usize)
        };
        column = moved(column, offset[0], BORDER, columns - BORDER)?;
        row = moved(row, offset[1], BORDER, rows - BORDER)?;
        scale = moved(scale, offset[2], 1, SCALES + 1)?;
    }
    None
}

/// `x` in `matrix * x = -right`, by Cramer's rule; `None` where there is no single one.
fn solved(matrix: [[f32; 3]; 3], right: [f32; 3]) -> Option<[f32; 3]> {
    let determinant = |m: [[f32; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = determinant(matrix);
    let found: [f32; 3] = std::array::from_fn(|column| {
        let mut replaced = matrix;
        replaced.iter_mut().zip(right).for_each(|(row, v)| row[column] = -v);
        determinant(replaced) / whole
    });
    found.iter().all(|v| v.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_equations_are_solved_as_by_hand() {
        // 2x = -2, 4y = -8, x + z = 0.
        let found = solved([[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [1.0, 0.0, 1.0]], [2.0, 8.0, 0.0]);
        assert_eq!(found, Some([-1.0, -2.0, 1.0]));
        assert_eq!(solved([[0.0; 3]; 3], [1.0, 0.0, 0.0]), None);
    }
}
