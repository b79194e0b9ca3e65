//! Small dense matrices: what the geometry of two pictures is solved with.

pub(super) type Matrix3 = [[f64; 3]; 3];

pub(super) fn product(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

pub(super) fn transposed(a: &Matrix3) -> Matrix3 {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

pub(super) fn applied(a: &Matrix3, [x, y]: [f64; 2]) -> [f64; 3] {
    std::array::from_fn(|i| a[i][0] * x + a[i][1] * y + a[i][2])
}

/// The inverse but for a factor; not finite or zero where there is none.
pub(super) fn adjugate(a: &Matrix3) -> Matrix3 {
    let minor = |i: usize, j: usize| {
        let (r, s) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        a[r][c] * a[s][d] - a[r][d] * a[s][c]
    };
    std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i)))
}

/// To length 1 of all entries together, so that a threshold on what follows means something.
pub(super) fn scaled(a: Matrix3) -> Matrix3 {
    let length = a.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
    a.map(|row| row.map(|v| v / length))
}

/// The vector that eight equations leave free, by elimination with pivots from all that is left
/// (Golub and Van Loan, section 3.4.8); `None` where they leave more than one.
pub(super) fn free_vector(mut rows: [[f64; 9]; 8]) -> Option<[f64; 9]> {
    const NOTHING: f64 = 1e-9;
    let mut order: [usize; 9] = std::array::from_fn(|i| i);
    let scale = rows.iter().flatten().fold(0.0, |m: f64, v| m.max(v.abs()));
    for step in 0..8 {
        let left = (step..8).flat_map(|row| (step..9).map(move |column| (row, column)));
        let size = |&(row, column): &(usize, usize)| rows[row][column].abs();
        let best = left.max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if rows[best.0][best.1].abs() <= NOTHING * scale {
            return None;
        }
        rows.swap(step, best.0);
        rows.iter_mut().for_each(|row| row.swap(step, best.1));
        order.swap(step, best.1);
        let pivot = rows[step];
        for row in &mut rows[step + 1..] {
            let factor = row[step] / pivot[step];
            row.iter_mut().zip(&pivot).skip(step).for_each(|(v, p)| *v -= factor * p);
        }
    }
    let mut solution = [0.0; 9];
    solution[8] = 1.0;
    for step in (0..8).rev() {
        let sum: f64 = (step + 1..9).map(|column| rows[step][column] * solution[column]).sum();
        solution[step] = -sum / rows[step][step];
    }
    let mut vector = [0.0; 9];
    for (place, value) in order.into_iter().zip(solution) {
        vector[place] = value;
    }
    Some(vector)
}

/// Adds an equation to the sums `A^T A` of a least-squares problem.
pub(super) fn add_equation<const N: usize>(sums: &mut [[f64; N]; N], equation: &[f64; N]) {
    for (line, factor) in sums.iter_mut().zip(equation) {
        line.iter_mut().zip(equation).for_each(|(sum, v)| *sum += factor * v);
    }
}

/// The eigenvector of a symmetric matrix's smallest eigenvalue, of length 1, by cyclic Jacobi
/// rotations (Golub and Van Loan, section 8.5): the least-squares solution of `A x = 0` for `A^T A`.
pub(super) fn smallest_eigenvector<const N: usize>(mut a: [[f64; N]; N]) -> [f64; N] {
    const MAX_SWEEPS: usize = 30;
    let mut vectors: [[f64; N]; N] =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    let scale = a.iter().flatten().map(|v| v * v).sum::<f64>();
    for _ in 0..MAX_SWEEPS {
        let above = (0..N).flat_map(|i| (0..i).map(move |j| (i, j)));
        let rest: f64 = above.map(|(i, j)| a[i][j] * a[i][j]).sum();
        if rest <= scale * 1e-30 {
            break;
        }
        for p in 0..N {
            for q in p + 1..N {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    let smallest = (0..N).min_by(|&i, &j| a[i][i].total_cmp(&a[j][j])).unwrap_or(0);
    vectors[smallest]
}

/// The rotation in the plane of `p` and `q` that makes their entry zero; rows of `vectors` turn
/// with it.
fn rotate<const N: usize>(a: &mut [[f64; N]; N], vectors: &mut [[f64; N]; N], p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = tangent.hypot(1.0).recip();
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in a.iter_mut() {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    for matrix in [a, vectors] {
        // p < q in every sweep.
        let (above, below) = matrix.split_at_mut(q);
        for (x, y) in above[p].iter_mut().zip(&mut below[0]) {
            (*x, *y) = turn(*x, *y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_eigenvector_is_the_one_by_hand() {
        // [[2, 1], [1, 2]]: eigenvalue 1 along (1, -1).
        let found = smallest_eigenvector([[2.0, 1.0], [1.0, 2.0]]);
        assert!((found[0] + found[1]).abs() < 1e-12 && (found[0].abs() - 0.5_f64.sqrt()) < 1e-12);
        let diagonal = smallest_eigenvector([[3.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 7.0]]);
        assert_eq!(diagonal.map(f64::abs), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn eight_equations_leave_one_vector_and_seven_leave_none() {
        // x[i] = 2 x[i + 1]: 256, 128 ... 1.
        let mut rows = [[0.0; 9]; 8];
        for (i, row) in rows.iter_mut().enumerate() {
            (row[i], row[i + 1]) = (1.0, -2.0);
        }
        let found = free_vector(rows).expect("one vector is free");
        for (i, value) in found.iter().enumerate() {
            assert!((value / found[8] - f64::from(1 << (8 - i))).abs() < 1e-9, "{found:?}");
        }
        rows[7] = rows[6];
        assert_eq!(free_vector(rows), None);
    }

    #[test]
    fn a_matrix_times_its_adjugate_is_its_determinant() {
        let a = [[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 1.0]];
        // 2 * 3 + 1 * 1 = 7.
        assert_eq!(product(&a, &adjugate(&a)), [[7.0, 0.0, 0.0], [0.0, 7.0, 0.0], [0.0, 0.0, 7.0]]);
    }
}
