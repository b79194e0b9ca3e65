//! Which way round a film hangs: turned for the eye by PatientOrientation, and by nothing else.
//!
//! A right breast hangs with its chest wall at the right and a left one at the left, so that two
//! films of one view stand back to back; the outer half of a CC is up, the head of any other view.
//! Only the display asks: outlines, descriptors, journal and library are in pixels as stored.
//!
//! Nothing is turned where the file contradicts itself, for a film with a wrong side must not be
//! made to look right; nor where rows run to head or feet: the letters at its edges say so.

use image::{GenericImage, imageops};
use serde::{Deserialize, Serialize};

use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::mammogram::Mammogram;

/// What is done to a picture between its pixels and the eye; both together turn it by half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pose {
    /// Left and right are changed.
    pub is_mirrored: bool,
    /// Top and bottom are changed.
    pub is_upside_down: bool,
}

impl Pose {
    /// Turns a drawn picture.
    pub fn turn(self, picture: &mut impl GenericImage) {
        if self.is_mirrored {
            imageops::flip_horizontal_in_place(picture);
        }
        if self.is_upside_down {
            imageops::flip_vertical_in_place(picture);
        }
    }
}

/// What lies at a picture's edges as it hangs, in DICOM's letters: A(nterior), P, R, L, H(ead), F.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edges {
    pub left: String,
    pub top: String,
    pub right: String,
    pub bottom: String,
    /// Picture and PatientOrientation, or two of the file's words on the side, contradict another.
    pub is_doubted: bool,
}

/// How rows and columns of a breast run where it hangs (PS3.3 C.7.6.1.1.1): `P\L` or `P\F` of a
/// right one, `A\R` or `A\F` of a left one.
fn home(side: ImageLaterality) -> Option<(char, char)> {
    match side {
        ImageLaterality::Right => Some(('P', 'L')),
        ImageLaterality::Left => Some(('A', 'R')),
        ImageLaterality::Both => None,
    }
}

/// How this film hangs; as stored where orientation or side is unknown or in doubt.
pub fn pose(film: &Mammogram) -> Pose {
    let home = film.image_laterality.and_then(home);
    let (Some([row, column]), Some((home_row, home_column)), false) =
        (&film.patient_orientation, home, is_doubted(film))
    else {
        return Pose::default();
    };
    match (first(row), first(column)) {
        (row @ ('A' | 'P'), column @ ('L' | 'R' | 'H' | 'F')) => Pose {
            is_mirrored: row != home_row,
            is_upside_down: column == 'H' || column == opposite(home_column),
        },
        _ => Pose::default(),
    }
}

/// How a case hangs beside a film: as its own orientation has it, then, where they are of the two
/// breasts, mirrored to the film's side; and whether it is.
pub fn pose_beside(film: &Mammogram, case: &Mammogram) -> (Pose, bool) {
    use ImageLaterality::{Left, Right};
    let sides = (film.image_laterality, case.image_laterality);
    let is_mirrored = matches!(sides, (Some(Left), Some(Right)) | (Some(Right), Some(Left)));
    let mut pose = pose(case);
    pose.is_mirrored ^= is_mirrored;
    (pose, is_mirrored)
}

/// The letters at the edges of a film that hangs in this pose; `None` where it has no orientation.
pub fn edges(film: &Mammogram, pose: Pose) -> Option<Edges> {
    let [row, column] = film.patient_orientation.as_ref()?;
    let turned = |axis: &str| axis.chars().map(opposite).collect::<String>();
    let mut edges = Edges {
        left: turned(row),
        top: turned(column),
        right: row.clone(),
        bottom: column.clone(),
        is_doubted: is_doubted(film),
    };
    if pose.is_mirrored {
        std::mem::swap(&mut edges.left, &mut edges.right);
    }
    if pose.is_upside_down {
        std::mem::swap(&mut edges.top, &mut edges.bottom);
    }
    Some(edges)
}

fn is_doubted(film: &Mammogram) -> bool {
    let is_it = |code: &str| ["W-ORIENTATION", "W-LATERALITY-CONFLICT"].contains(&code);
    film.cautions.iter().any(|caution| is_it(&caution.code))
}

/// The breast whose orientation this is, where it is not that of `side`: an oblique view tells by
/// its axes alone, for towards the feet it goes towards the middle; any other by hanging just as
/// the other breast does. Then the side is wrong or the picture is turned, and nothing says which.
pub(crate) fn other_breast(
    side: ImageLaterality,
    view: Option<ViewPosition>,
    [row, column]: &[String; 2],
) -> Option<ImageLaterality> {
    let (_, across) = home(side)?;
    if matches!(view, Some(ViewPosition::Sio | ViewPosition::Iso)) {
        return None;
    }
    let other = match side {
        ImageLaterality::Right => ImageLaterality::Left,
        _ => ImageLaterality::Right,
    };
    let (other_row, other_across) = home(other)?;
    let is_oblique = matches!(view, Some(ViewPosition::Mlo | ViewPosition::Lmo));
    // Feet and the own middle, or head and the other's.
    let is_of = |axis: &String, across: char| {
        let has = |letter| axis.contains(letter);
        has('F') && has(across) && !has('H') || has('H') && has(opposite(across)) && !has('F')
    };
    let is_others_oblique = || {
        [row, column].iter().find_map(|axis| {
            is_of(axis, other_across).then_some(true).or(is_of(axis, across).then_some(false))
        }) == Some(true)
    };
    let hangs_like_other = first(row) == other_row
        && (first(column) == 'F' || first(column) == other_across)
        && !column.contains(across);
    (is_oblique && is_others_oblique() || hangs_like_other).then_some(other)
}

/// Whether a view from above or from the side has the axes of the other: a CC has neither head nor
/// feet along an edge, a lateral view neither right nor left.
pub(crate) fn is_of_another_view(view: ViewPosition, axes: &[String; 2]) -> bool {
    use ViewPosition::{Cc, Fb, Lm, Ml, Xccl, Xccm};
    match view {
        Cc | Xccl | Xccm | Fb => axes.iter().any(|axis| ['H', 'F'].contains(&first(axis))),
        Ml | Lm => axes.iter().any(|axis| axis.contains(['R', 'L'])),
        _ => false,
    }
}

/// Whether these are directions of rows and columns: letters of the body, no two of one axis in
/// either, and the two along different axes.
pub(crate) fn is_possible([row, column]: &[String; 2]) -> bool {
    let axis = |letter: char| "APRLHF".find(letter).map(|at| at / 2);
    let is_direction = |text: &str| {
        let axes: Option<Vec<usize>> = text.chars().map(axis).collect();
        axes.is_some_and(|axes| {
            !axes.is_empty() && (1..axes.len()).all(|i| !axes[..i].contains(&axes[i]))
        })
    };
    is_direction(row) && is_direction(column) && axis(first(row)) != axis(first(column))
}

fn first(axis: &str) -> char {
    axis.chars().next().unwrap_or(' ')
}

fn opposite(letter: char) -> char {
    match letter {
        'A' => 'P',
        'P' => 'A',
        'R' => 'L',
        'L' => 'R',
        'H' => 'F',
        'F' => 'H',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mammogram::Caution;
    use crate::phantom::Phantom;

    fn film(side: &str, view: &str, axes: &str) -> Mammogram {
        let film = Phantom::region().draw(1).mammogram;
        let axes = axes.split_once('\\').map(|(row, column)| [row.to_owned(), column.to_owned()]);
        Mammogram {
            image_laterality: ImageLaterality::from_word(side),
            view_position: ViewPosition::from_word(view),
            patient_orientation: axes,
            ..film
        }
    }

    #[test]
    fn every_flip_of_a_film_hangs_as_the_standard_has_that_breast() {
        // Mirrored, upside down; then what the edges are once it hangs.
        for (side, view, axes, expected, hung) in [
            ("R", "CC", "P\\L", (false, false), "A R P L"),
            ("L", "CC", "A\\R", (false, false), "P L A R"),
            ("R", "MLO", "P\\FL", (false, false), "A HR P FL"),
            ("L", "MLO", "A\\FR", (false, false), "P HL A FR"),
            ("R", "CC", "A\\L", (true, false), "A R P L"),
            ("R", "CC", "P\\R", (false, true), "A R P L"),
            ("L", "CC", "P\\L", (true, true), "P L A R"),
            ("R", "MLO", "A\\FL", (true, false), "A HR P FL"),
            ("L", "MLO", "A\\HL", (false, true), "P HL A FR"),
            ("R", "ML", "P\\H", (false, true), "A H P F"),
            // On its side, or of both breasts: as stored.
            ("R", "CC", "L\\P", (false, false), "R A L P"),
            ("B", "CC", "A\\R", (false, false), "P L A R"),
            ("", "CC", "P\\R", (false, false), "A L P R"),
        ] {
            let film = film(side, view, axes);
            let pose = pose(&film);
            assert_eq!((pose.is_mirrored, pose.is_upside_down), expected, "{side} {view} {axes}");
            let edges = edges(&film, pose).expect("it has an orientation");
            let all = [edges.left, edges.top, edges.right, edges.bottom].join(" ");
            assert_eq!(all, hung, "{side} {view} {axes}");
        }
        assert_eq!(edges(&film("R", "CC", ""), Pose::default()), None);
    }

    #[test]
    fn a_film_in_doubt_hangs_as_it_is_stored() {
        for code in ["W-ORIENTATION", "W-LATERALITY-CONFLICT"] {
            let mut film = film("R", "CC", "A\\L");
            film.cautions.push(Caution::new(code, "a test"));
            assert_eq!(pose(&film), Pose::default());
            assert!(edges(&film, Pose::default()).is_some_and(|edges| edges.is_doubted));
        }
    }

    #[test]
    fn a_case_of_the_other_breast_is_mirrored_to_the_films_side() {
        let right = film("R", "CC", "P\\L");
        for (side, axes, expected) in [
            ("R", "P\\L", (Pose::default(), false)),
            ("L", "A\\R", (Pose { is_mirrored: true, is_upside_down: false }, true)),
            // Stored the other way round: so it lies as the film does.
            ("L", "P\\R", (Pose::default(), true)),
            ("R", "A\\L", (Pose { is_mirrored: true, is_upside_down: false }, false)),
            ("", "", (Pose::default(), false)),
            ("B", "", (Pose::default(), false)),
        ] {
            assert_eq!(pose_beside(&right, &film(side, "CC", axes)), expected, "{side} {axes}");
        }
    }

    #[test]
    fn the_other_breasts_orientation_is_known_as_such() {
        let other = |side: &str, view: &str, axes: &str| {
            let film = film(side, view, axes);
            let axes = film.patient_orientation.expect("two axes");
            other_breast(film.image_laterality.expect("a side"), film.view_position, &axes)
        };
        let left = Some(ImageLaterality::Left);
        for (view, axes) in [("CC", "A\\R"), ("ML", "A\\F"), ("MLO", "A\\FR"), ("MLO", "P\\FR")] {
            assert_eq!(other("R", view, axes), left, "{view} {axes}");
        }
        for (view, axes) in
            [("CC", "P\\L"), ("CC", "A\\L"), ("CC", "P\\R"), ("MLO", "A\\FL"), ("CC", "L\\P")]
        {
            assert_eq!(other("R", view, axes), None, "{view} {axes}");
        }
        assert_eq!(other("L", "CC", "P\\L"), Some(ImageLaterality::Right));
        assert_eq!(other("B", "CC", "P\\L"), None);
        // The film of an oblique from above outside runs the other way.
        assert_eq!(other("R", "SIO", "A\\FR"), None);
    }

    #[test]
    fn axes_of_another_view_are_known_as_such() {
        let is = |view: &str, axes: &str| {
            let film = film("R", view, axes);
            let axes = film.patient_orientation.expect("two axes");
            is_of_another_view(film.view_position.expect("a view"), &axes)
        };
        for (view, axes) in [("CC", "P\\F"), ("CC", "F\\L"), ("XCCL", "P\\F"), ("ML", "P\\FL")] {
            assert!(is(view, axes), "{view} {axes}");
        }
        for (view, axes) in [("CC", "P\\L"), ("CC", "L\\A"), ("ML", "P\\F"), ("MLO", "P\\FL")] {
            assert!(!is(view, axes), "{view} {axes}");
        }
    }

    #[test]
    fn two_directions_along_one_axis_are_no_orientation() {
        let is = |row: &str, column: &str| is_possible(&[row.to_owned(), column.to_owned()]);
        assert!(is("A", "R") && is("P", "FL") && is("AFR", "L") && is("L", "P"));
        for (row, column) in
            [("A", "A"), ("A", "P"), ("L", "R"), ("", "L"), ("AP", "F"), ("X", "F")]
        {
            assert!(!is(row, column), "{row}\\{column}");
        }
    }
}
