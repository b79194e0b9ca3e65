//! The cheapest closed path around a table of costs: circular dynamic programming.
//!
//! The table is a ring of columns (angles), each with the same rows (radii). A path takes one row
//! a column; a change of row costs `penalty` a row and is at most `reach` rows. The last column
//! is the neighbour of the first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Costs of every row of every column, column by column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CostTable {
    rows: usize,
    values: Vec<f32>,
}

/// How a path may go from one column to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    /// Cost of a change by one row.
    pub(super) penalty: f32,
    /// Most rows by which neighbours may differ.
    pub(super) reach: usize,
}

impl CostTable {
    /// A table of `values.len() / rows` columns.
    pub(super) fn new(rows: usize, values: Vec<f32>) -> Self {
        assert!(rows > 0 && !values.is_empty() && values.len().is_multiple_of(rows));
        Self { rows, values }
    }

    pub(super) fn columns(&self) -> usize {
        self.values.len() / self.rows
    }

    pub(super) fn column(&self, column: usize) -> &[f32] {
        &self.values[column * self.rows..][..self.rows]
    }

    pub(super) fn column_mut(&mut self, column: usize) -> &mut [f32] {
        &mut self.values[column * self.rows..][..self.rows]
    }

    /// Row of each column on the cheapest closed path.
    ///
    /// Branch and bound on the row of the first column: a path that starts and ends anywhere in an
    /// interval is at most as dear as any closed one through it, so the first closed path that
    /// leaves the heap is the best of all. Most rings need one or two trials.
    pub(super) fn closed_path(&self, steps: Steps) -> Vec<usize> {
        let mut heap = BinaryHeap::new();
        heap.push(Reverse(self.trial(0, self.rows - 1, steps)));
        loop {
            let Reverse(trial) =
                heap.pop().expect("each split leaves two intervals that have rows");
            let (start, end) = (trial.path[0], trial.path[self.columns()]);
            if start == end {
                let mut path = trial.path;
                path.pop();
                return path;
            }
            let middle = start.midpoint(end);
            heap.push(Reverse(self.trial(trial.low, middle, steps)));
            heap.push(Reverse(self.trial(middle + 1, trial.high, steps)));
        }
    }

    /// For each column, how much dearer a path becomes that must leave the row of `path` by more
    /// than `apart` rows there; low is doubtful. Taken on three laps of the ring, whose middle lap
    /// the ends hardly reach.
    pub(super) fn margins(&self, path: &[usize], apart: usize, steps: Steps) -> Vec<f32> {
        let columns = self.columns();
        // Two laps each way: the second of them has forgotten where it began.
        let lap = |order: &mut dyn Iterator<Item = usize>| {
            let mut sums = vec![0.0; columns * self.rows];
            let mut reached = vec![0.0; self.rows];
            let mut next = vec![0.0; self.rows];
            for column in order {
                steps.advance(&reached, &mut next);
                let to = &mut sums[column * self.rows..][..self.rows];
                for ((to, from), cost) in to.iter_mut().zip(&next).zip(self.column(column)) {
                    *to = from + cost;
                }
                reached.copy_from_slice(to);
            }
            sums
        };
        let forward = lap(&mut (0..columns).chain(0..columns));
        let backward = lap(&mut (0..columns).rev().chain((0..columns).rev()));
        (0..columns)
            .map(|column| {
                let at = |row: usize| {
                    let idx = column * self.rows + row;
                    forward[idx] + backward[idx] - self.values[idx]
                };
                let best = at(path[column]);
                let other = (0..self.rows)
                    .filter(|row| row.abs_diff(path[column]) > apart)
                    .map(at)
                    .fold(f32::INFINITY, f32::min);
                (other - best).max(0.0)
            })
            .collect()
    }

    /// The cheapest path of `columns + 1` rows, once around, that starts and ends in `low..=high`.
    fn trial(&self, low: usize, high: usize, steps: Steps) -> Trial {
        let columns = self.columns();
        let inside = |row: usize| (low..=high).contains(&row);
        let mut sums = vec![f32::INFINITY; (columns + 1) * self.rows];
        sums[low..=high].copy_from_slice(&self.column(0)[low..=high]);
        for column in 1..=columns {
            let (before, after) = sums.split_at_mut(column * self.rows);
            let to = &mut after[..self.rows];
            steps.advance(&before[(column - 1) * self.rows..], to);
            if column < columns {
                for (to, cost) in to.iter_mut().zip(self.column(column)) {
                    *to += cost;
                }
            }
        }
        let sums_of = |column: usize| &sums[column * self.rows..][..self.rows];
        let mut row = (0..self.rows)
            .filter(|row| inside(*row))
            .min_by(|a, b| sums_of(columns)[*a].total_cmp(&sums_of(columns)[*b]))
            .expect("the interval has rows");
        let cost = sums_of(columns)[row];
        let mut path = vec![row; columns + 1];
        for column in (0..columns).rev() {
            row = steps.back(sums_of(column), row);
            path[column] = row;
        }
        Trial { cost, low, high, path }
    }
}

impl Steps {
    /// The cheapest way into each row from the column before.
    fn advance(self, from: &[f32], to: &mut [f32]) {
        let rows = to.len();
        to.copy_from_slice(&from[..rows]);
        for step in 1..=self.reach.min(rows - 1) {
            let penalty = self.penalty * step as f32;
            for (to, from) in to[step..].iter_mut().zip(from) {
                *to = to.min(from + penalty);
            }
            for (to, from) in to.iter_mut().zip(&from[step..]) {
                *to = to.min(from + penalty);
            }
        }
    }

    /// The row before `row` on the cheapest way; the nearest where several are as cheap.
    fn back(self, from: &[f32], row: usize) -> usize {
        let mut best = (from[row], row);
        for step in 1..=self.reach {
            let penalty = self.penalty * step as f32;
            let below = row.checked_sub(step);
            let above = (row + step < from.len()).then_some(row + step);
            for other in below.into_iter().chain(above) {
                if from[other] + penalty < best.0 {
                    best = (from[other] + penalty, other);
                }
            }
        }
        best.1
    }
}

/// A path that closes only to within an interval of rows, and so a lower bound for that interval.
#[derive(Debug)]
struct Trial {
    cost: f32,
    low: usize,
    high: usize,
    path: Vec<usize>,
}

impl Ord for Trial {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.cost.total_cmp(&other.cost).then(self.low.cmp(&other.low))
    }
}

impl PartialOrd for Trial {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Trial {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Trial {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cost_of(table: &CostTable, path: &[usize], steps: Steps) -> f32 {
        (0..path.len())
            .map(|column| {
                let next = path[(column + 1) % path.len()];
                let step = path[column].abs_diff(next);
                assert!(step <= steps.reach, "a step of {step} rows");
                table.column(column)[path[column]] + steps.penalty * step as f32
            })
            .sum()
    }

    /// One trial for each row of the first column: no bound, no split.
    fn exhaustive(table: &CostTable, steps: Steps) -> f32 {
        (0..table.rows).map(|row| table.trial(row, row, steps).cost).fold(f32::INFINITY, f32::min)
    }

    /// The usual short cut: go round twice, keep the lap between the two half laps.
    fn two_laps(table: &CostTable, steps: Steps) -> Vec<usize> {
        let columns = table.columns();
        let doubled = CostTable::new(table.rows, [&table.values[..], &table.values].concat());
        let path = doubled.trial(0, table.rows - 1, steps).path;
        let middle = &path[columns / 2..columns / 2 + columns];
        (0..columns).map(|c| middle[(c + columns - columns / 2) % columns]).collect()
    }

    #[test]
    fn a_ditch_is_followed_all_the_way_round() {
        // Row 2 costs nothing, all others 1; the start of the ditch is not given away by the edge.
        let values = (0..40).map(|i| if i % 5 == 2 { 0.0 } else { 1.0 }).collect();
        let table = CostTable::new(5, values);
        let path = table.closed_path(Steps { penalty: 0.06, reach: 1 });
        assert_eq!(path, vec![2; 8]);
    }

    proptest! {
        #[test]
        fn the_closed_path_is_the_cheapest_of_all(
            values in prop::collection::vec(0.0_f32..1.0, 24 * 9),
            penalty in 0.0_f32..0.3,
            reach in 1_usize..4,
        ) {
            let (table, steps) = (CostTable::new(9, values), Steps { penalty, reach });
            let path = table.closed_path(steps);
            let (found, best) = (cost_of(&table, &path, steps), exhaustive(&table, steps));
            prop_assert!((found - best).abs() < 1e-4, "{found} is not {best}");
        }

        #[test]
        fn two_laps_never_beat_it(values in prop::collection::vec(0.0_f32..1.0, 64 * 9)) {
            let (table, steps) = (CostTable::new(9, values), Steps { penalty: 0.06, reach: 3 });
            let laps = two_laps(&table, steps);
            let closes = (0..64).all(|c| laps[c].abs_diff(laps[(c + 1) % 64]) <= steps.reach);
            prop_assume!(closes);
            let exact = cost_of(&table, &table.closed_path(steps), steps);
            prop_assert!(cost_of(&table, &laps, steps) >= exact - 1e-4);
        }

        #[test]
        fn where_the_ring_begins_does_not_matter(
            values in prop::collection::vec(0.0_f32..1.0, 24 * 9),
            shift in 0_usize..24,
        ) {
            let steps = Steps { penalty: 0.1, reach: 2 };
            let turned = [&values[shift * 9..], &values[..shift * 9]].concat();
            let (table, turned) = (CostTable::new(9, values), CostTable::new(9, turned));
            let (path, other) = (table.closed_path(steps), turned.closed_path(steps));
            let difference = cost_of(&table, &path, steps) - cost_of(&turned, &other, steps);
            prop_assert!(difference.abs() < 1e-4);
        }
    }

    #[test]
    fn a_second_ditch_makes_its_columns_doubtful() {
        // Row 2 is free everywhere; row 8 is nearly as cheap from column 10 to 19.
        let mut table = CostTable::new(11, vec![1.0; 11 * 40]);
        for column in 0..40 {
            table.column_mut(column)[2] = 0.0;
            if (10..20).contains(&column) {
                table.column_mut(column)[8] = 0.01;
            }
        }
        let steps = Steps { penalty: 0.02, reach: 6 };
        let path = table.closed_path(steps);
        let margins = table.margins(&path, 2, steps);
        assert_eq!(path, vec![2; 40]);
        // Over to row 8 for one column and back: 0.01 + 2 * 6 * 0.02.
        assert!((margins[15] - 0.25).abs() < 1e-5, "{}", margins[15]);
        // Three rows aside and back, at the price of that row: 1 + 2 * 3 * 0.02.
        assert!((margins[35] - 1.12).abs() < 1e-5, "{}", margins[35]);
    }
}
