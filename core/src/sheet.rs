//! The answer on one page: the query and its neighbours at one scale, as a picture. They hang as in
//! the window.
//!
//! Colours never stand alone: the outcome is a word in its colour. What a page must not leave out
//! is on it: source, distance, cautions, and what this is not for.

use image::{Rgb, RgbImage, imageops};

use crate::case::Case;
use crate::geometry::{Contour, ImagePoint};
use crate::hanging::{self, Pose};
use crate::lexicon::Pathology;
use crate::mammogram::{Mammogram, Spacing, SpacingOrigin};
use crate::retrieval::{Error, Neighbour, Neighbours, Retriever};

mod canvas;

use canvas::Canvas;

/// Side of a picture and of the cell around it, in pixels of the page.
const PICTURE: u32 = 280;
const CELL: (u32, u32) = (PICTURE + 16, PICTURE + 92);
const MARGIN: u32 = 16;
const HEADER: u32 = 56;
const LINE: u32 = 18;
/// Cells in a row, beside the query.
const COLUMNS: u32 = 5;
/// Widest field of view: a region larger than this is shown in part.
const LARGEST_FIELD_MM: f64 = 60.0;
const SMALLEST_FIELD_MM: f64 = 20.0;
const FIELD_OVER_OUTLINE: f64 = 1.5;
const SCALE_BAR_MM: f64 = 10.0;
/// A film without a size is drawn as if a pixel were this wide, as the encoder takes it.
const UNSIZED: Spacing = Spacing::square(0.2, SpacingOrigin::Stated);

const PAPER: Rgb<u8> = Rgb([0x16, 0x19, 0x1c]);
const INK: Rgb<u8> = Rgb([0xe4, 0xe7, 0xea]);
const FAINT: Rgb<u8> = Rgb([0x9a, 0xa3, 0xab]);
const QUERY: Rgb<u8> = Rgb([0x5c, 0xc8, 0xd7]);
const CAUTION: Rgb<u8> = Rgb([0xe6, 0xb9, 0x5f]);
const BESIDE_FILM: Rgb<u8> = Rgb([0x26, 0x2b, 0x30]);

/// Draws the page.
pub fn draw(
    retriever: &Retriever,
    film: &Mammogram,
    contour: &Contour,
    neighbours: &Neighbours,
) -> Result<RgbImage, Error> {
    let listed: Vec<&Neighbour> = neighbours.lists.iter().flat_map(|(_, list)| list).collect();
    let field_mm = field_mm(film, contour, &listed);
    let rows: u32 = neighbours.lists.iter().map(|(_, list)| rows_of(list)).sum::<u32>().max(1);
    let num_cautions = neighbours.cautions.len() as u32;
    let width = 2 * MARGIN + (COLUMNS + 1) * CELL.0;
    let height = 2 * MARGIN + HEADER + rows * CELL.1 + (num_cautions + 1) * LINE;
    let mut page = Canvas::new(width, height, PAPER);

    let counts = retriever.counts();
    page.text(MARGIN, MARGIN, 20.0, INK, "Precedent: cases that look like this one", width);
    let library = format!(
        "{} cases with known outcome: {} malignant, {} benign, {} normal; {} of this patient left \
         out. All pictures are {:.0} mm wide.",
        counts.cases,
        counts.malignant,
        counts.benign,
        counts.normal,
        neighbours.num_own_cases,
        field_mm
    );
    page.text(MARGIN, MARGIN + 28, 14.0, FAINT, &library, width - 2 * MARGIN);

    let top = MARGIN + HEADER;
    page.paste(&view(film, contour, field_mm, hanging::pose(film), QUERY), MARGIN, top);
    let lines = [
        ("The region asked about".to_owned(), QUERY),
        (about_film(film), FAINT),
        (format!("bar: {SCALE_BAR_MM:.0} mm"), FAINT),
    ];
    page.lines(MARGIN, top + PICTURE + 6, PICTURE, &lines);
    page.scale_bar(MARGIN + 8, top + PICTURE - 10, SCALE_BAR_MM / field_mm * f64::from(PICTURE));

    let mut row = 0;
    for (_, list) in &neighbours.lists {
        for (position, neighbour) in list.iter().enumerate() {
            let position = position as u32;
            let x = MARGIN + CELL.0 * (1 + position % COLUMNS);
            let y = top + CELL.1 * (row + position / COLUMNS);
            let case = &neighbour.case;
            let color = pathology(case.pathology);
            let picture = retriever.picture(&case.id)?;
            let (pose, is_mirrored) = hanging::pose_beside(film, &picture);
            page.paste(&view(&picture, &case.contour, field_mm, pose, color), x, y);
            page.lines(x, y + PICTURE + 6, PICTURE, &about(neighbour, is_mirrored, color));
        }
        row += rows_of(list);
    }

    let mut y = height - MARGIN - (num_cautions + 1) * LINE;
    for caution in &neighbours.cautions {
        page.text(MARGIN, y, 13.0, CAUTION, &caution.text, width - 2 * MARGIN);
        y += LINE;
    }
    page.text(MARGIN, y, 13.0, FAINT, crate::INTENDED_USE, width - 2 * MARGIN);
    Ok(page.image)
}

/// What readers said of a case, in a few words: "oval, circumscribed, density b, BI-RADS 4, age 61".
pub fn terms(case: &Case) -> String {
    let terms = &case.terms;
    let words = [
        terms.mass_shape.map(|word| word.to_string()),
        terms.mass_margin.map(|word| word.to_string()),
        terms.breast_density.map(|word| format!("density {word}")),
        terms.assessment.map(|word| format!("BI-RADS {word}")),
        terms.age.map(|years| format!("age {years}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const fn pathology(pathology: Pathology) -> Rgb<u8> {
    match pathology {
        Pathology::Malignant => Rgb([0xf2, 0x7f, 0x7a]),
        Pathology::Benign => Rgb([0x7b, 0xcf, 0x8f]),
        Pathology::Normal => Rgb([0x8a, 0xb4, 0xf0]),
    }
}

fn about(neighbour: &Neighbour, is_mirrored: bool, color: Rgb<u8>) -> [(String, Rgb<u8>); 4] {
    let case = &neighbour.case;
    let mirrored = if is_mirrored { "  (mirrored)" } else { "" };
    let rank = neighbour.rank;
    [
        (format!("{rank}  {}  at {:.3}{mirrored}", case.pathology, neighbour.distance), color),
        (terms(case), INK),
        (format!("{}; {}", case.source, case.outcome_basis), FAINT),
        (case.notes.clone(), FAINT),
    ]
}

fn about_film(film: &Mammogram) -> String {
    let side = film.image_laterality.map(|side| side.to_string());
    let view = film.view_position.map(|view| view.to_string());
    let unit = film.spacing.map_or("no scale".to_owned(), |spacing| spacing.origin.unit());
    [side, view, Some(unit)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn rows_of(list: &[Neighbour]) -> u32 {
    (list.len() as u32).div_ceil(COLUMNS).max(1)
}

/// One field of view for all: the largest outline and what is around it.
fn field_mm(film: &Mammogram, contour: &Contour, listed: &[&Neighbour]) -> f64 {
    let extent = |contour: &Contour, spacing: Option<Spacing>| {
        let spacing = spacing.unwrap_or(UNSIZED);
        let bounds = contour.bounds();
        (bounds.width() * spacing.column_spacing_mm).max(bounds.height() * spacing.row_spacing_mm)
    };
    let cases = listed.iter().map(|n| extent(&n.case.contour, n.case.spacing));
    let largest = cases.fold(extent(contour, film.spacing), f64::max);
    (FIELD_OVER_OUTLINE * largest).clamp(SMALLEST_FIELD_MM, LARGEST_FIELD_MM)
}

/// The square of `field_mm` around a region, with its outline, hung in this pose.
fn view(
    film: &Mammogram,
    contour: &Contour,
    field_mm: f64,
    pose: Pose,
    color: Rgb<u8>,
) -> RgbImage {
    let spacing = film.spacing.unwrap_or(UNSIZED);
    let bounds = contour.bounds();
    let center = bounds.center();
    let columns = (field_mm / spacing.column_spacing_mm).round().max(1.0);
    let rows = (field_mm / spacing.row_spacing_mm).round().max(1.0);
    let (left, top) = ((center.x - columns / 2.0).round(), (center.y - rows / 2.0).round());

    let table = film.voi_luts.first().map(|voi| voi.display_table(film, false));
    let shown = RgbImage::from_fn(columns as u32, rows as u32, |x, y| {
        let (column, row) = (left + f64::from(x), top + f64::from(y));
        let on_film = (0.0..f64::from(film.columns)).contains(&column)
            && (0.0..f64::from(film.rows)).contains(&row);
        match &table {
            Some(table) if on_film => {
                let position = row as usize * film.columns as usize + column as usize;
                let grey = table[usize::from(film.samples[position])];
                Rgb([grey; 3])
            }
            _ => BESIDE_FILM,
        }
    });
    let shown = imageops::resize(&shown, PICTURE, PICTURE, imageops::FilterType::Triangle);
    let mut canvas = Canvas { image: shown };
    let scale = (f64::from(PICTURE) / columns, f64::from(PICTURE) / rows);
    let on_page = |p: ImagePoint| ((p.x - left) * scale.0, (p.y - top) * scale.1);
    for (from, to) in contour.edges() {
        canvas.stroke(on_page(from), on_page(to), 1.6, color);
    }
    pose.turn(&mut canvas.image);
    canvas.image
}
