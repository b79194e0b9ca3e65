//! The ways in which one patch is looked at: a mass has no up and no left.

use serde::{Deserialize, Serialize};

/// A turn or reflection of a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    Plain,
    /// Left and right exchanged.
    Mirrored,
    /// A quarter turn, clockwise.
    Quarter,
    /// A half turn.
    Half,
}

impl View {
    /// The four whose descriptors are averaged.
    pub const FOUR: [Self; 4] = [Self::Plain, Self::Mirrored, Self::Quarter, Self::Half];

    /// Turns a square picture, row by row.
    pub fn of(self, square: &[f32]) -> Vec<f32> {
        let side = square.len().isqrt();
        let last = side.wrapping_sub(1);
        let from = |row: usize, column: usize| match self {
            Self::Plain => (row, column),
            Self::Mirrored => (row, last - column),
            Self::Quarter => (last - column, row),
            Self::Half => (last - row, last - column),
        };
        (0..side * side)
            .map(|place| {
                let (row, column) = from(place / side, place % side);
                square[row * side + column]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_of_four_turns_as_drawn() {
        let square = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(View::Plain.of(&square), square);
        assert_eq!(View::Mirrored.of(&square), [2.0, 1.0, 4.0, 3.0]);
        assert_eq!(View::Quarter.of(&square), [3.0, 1.0, 4.0, 2.0]);
        assert_eq!(View::Half.of(&square), [4.0, 3.0, 2.0, 1.0]);
    }
}
