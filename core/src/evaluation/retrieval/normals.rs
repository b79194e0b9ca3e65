//! Regions of normal tissue on films that mark none.
//!
//! Each is as large as some lesion, and what is breast in its square is as large a share as in some
//! lesion's, so that neither size nor black border gives it away. One film in two gets a hard one:
//! where a blob of its size stands out most. The pectoral muscle is left out by a rough triangle.

use crate::geometry::{Contour, ImagePoint};
use crate::lexicon::ViewPosition;
use crate::library::identity;
use crate::mammogram::Mammogram;
use crate::patch;
use crate::phantom::Random;

/// A circle on a film, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Circle {
    pub(super) center: ImagePoint,
    pub(super) radius: f64,
}

/// What lesions are like, where normal regions should be the same.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    radii_mm: Vec<f64>,
    tissue_shares: Vec<f64>,
}

/// Side of a cell of the coarse picture.
const CELL_MM: f64 = 0.8;
/// Of the film's grey range, how much above its dark end the breast begins.
const AIR_SHARE: f32 = 0.08;
/// The muscle's triangle: along the film's upper edge and down the chest wall, of the breast's size.
const MUSCLE: (f64, f64) = (0.55, 0.6);
/// A share of tissue as near as this is the same.
const SAME_SHARE: f64 = 0.02;
const TRIES: usize = 30;

impl Wanted {
    /// Takes a lesion's size and tissue as an example.
    pub(super) fn add(&mut self, film: &Mammogram, contour: &Contour) {
        let (Some(spacing), Some(breast)) = (film.spacing, Breast::find(film)) else { return };
        let radius = (contour.area() / std::f64::consts::PI).sqrt() * spacing.mean_mm();
        self.radii_mm.push(radius);
        let square = patch::square(film, contour);
        self.tissue_shares.push(breast.share(square.center(), 0.5 * square.width()));
    }
}

/// A region of a normal film; the seed and the film decide.
pub(super) fn draw(film: &Mammogram, wanted: &Wanted, seed: u64) -> Result<Circle, String> {
    let spacing = film.spacing.ok_or("a normal film without a scale needs a marked region")?;
    if wanted.radii_mm.is_empty() {
        return Err("no lesion tells how large a normal region should be".to_owned());
    }
    let breast = Breast::find(film).ok_or("no breast is found on the film")?;
    let mut random = random_of(film, seed);
    let is_hard = random.uniform(0.0, 1.0) < 0.5;
    for _ in 0..TRIES {
        let radius = pick(&wanted.radii_mm, &mut random) / spacing.mean_mm();
        let share = pick(&wanted.tissue_shares, &mut random);
        let half = (patch::Recipe::STANDARD.half_side_radii * radius)
            .max(0.5 * patch::Recipe::STANDARD.min_side_mm / spacing.mean_mm());
        let places = breast.places(radius, half, share);
        if places.is_empty() {
            continue;
        }
        let center = if is_hard {
            let blob = |p: &&ImagePoint| breast.blob(**p, radius);
            *places.iter().max_by(|a, b| blob(a).total_cmp(&blob(b))).expect("there are places")
        } else {
            places[index(places.len(), &mut random)]
        };
        return Ok(Circle { center, radius });
    }
    Err("no place on the film has tissue as lesions have it".to_owned())
}

/// A draw that this seed gives this film, whatever else is in the list.
fn random_of(film: &Mammogram, seed: u64) -> Random {
    let mut first = [0; 8];
    first.copy_from_slice(&identity::film_hash(film)[..8]);
    Random::new(seed ^ u64::from_le_bytes(first))
}

fn index(count: usize, random: &mut Random) -> usize {
    (random.uniform(0.0, count as f64) as usize).min(count - 1)
}

fn pick(values: &[f64], random: &mut Random) -> f64 {
    values[index(values.len(), random)]
}

/// A film in coarse cells, with what of it is breast.
struct Breast {
    columns: usize,
    rows: usize,
    /// Side of a cell in pixels.
    cell: f64,
    tissue: Vec<bool>,
    /// Sums of tissue above and to the left: `(columns + 1) * (rows + 1)`.
    sums: Vec<u32>,
    /// Sums of grey along each row: `(columns + 1) * rows`.
    grey_sums: Vec<f64>,
    /// Corners of the muscle's triangle, in cells; `None` where a view shows none.
    muscle: Option<[(f64, f64); 3]>,
}

impl Breast {
    /// `None` where the film has no scale or nothing brighter than air.
    fn find(film: &Mammogram) -> Option<Self> {
        let cell = (CELL_MM / film.spacing?.mean_mm()).round().max(1.0) as usize;
        let (columns, rows) = (film.columns as usize / cell, film.rows as usize / cell);
        if columns < 4 || rows < 4 {
            return None;
        }
        let table = film.grey_table();
        let mut grey = vec![0.0_f32; columns * rows];
        for (row, line) in grey.chunks_exact_mut(columns).enumerate() {
            for (column, value) in line.iter_mut().enumerate() {
                let mut sum = 0.0;
                for y in row * cell..(row + 1) * cell {
                    let first = y * film.columns as usize + column * cell;
                    let samples = &film.samples[first..first + cell];
                    sum += samples.iter().map(|s| table[usize::from(*s)]).sum::<f32>();
                }
                *value = sum / (cell * cell) as f32;
            }
        }
        let mut sorted = grey.clone();
        sorted.sort_by(f32::total_cmp);
        let (low, high) =
            (sorted[sorted.len() / 1000], sorted[sorted.len() - 1 - sorted.len() / 1000]);
        let air = low + AIR_SHARE * (high - low);
        let bright: Vec<bool> = grey.iter().map(|v| *v > air).collect();
        let tissue = largest_piece(&bright, columns);
        let mut sums = vec![0; (columns + 1) * (rows + 1)];
        let mut grey_sums = vec![0.0; (columns + 1) * rows];
        for row in 0..rows {
            let mut line = 0;
            for column in 0..columns {
                line += u32::from(tissue[row * columns + column]);
                let at = (row + 1) * (columns + 1) + column + 1;
                sums[at] = sums[at - columns - 1] + line;
                let at = row * (columns + 1) + column + 1;
                grey_sums[at] = grey_sums[at - 1] + f64::from(grey[row * columns + column]);
            }
        }
        let mut breast =
            Self { columns, rows, cell: cell as f64, tissue, sums, grey_sums, muscle: None };
        let shows_muscle = film.view_position.is_none_or(|view| {
            matches!(
                view,
                ViewPosition::Mlo | ViewPosition::Ml | ViewPosition::Lmo | ViewPosition::Lm
            )
        });
        if shows_muscle {
            breast.muscle = breast.triangle();
        }
        Some(breast)
    }

    /// The corner between the upper edge and the chest wall, which is the side with more tissue
    /// along it.
    fn triangle(&self) -> Option<[(f64, f64); 3]> {
        let places = || (0..self.tissue.len()).filter(|i| self.tissue[*i]);
        let (mut left, mut right, mut top, mut bottom) = (self.columns, 0, self.rows, 0);
        for place in places() {
            let (column, row) = (place % self.columns, place / self.columns);
            (left, right) = (left.min(column), right.max(column));
            (top, bottom) = (top.min(row), bottom.max(row));
        }
        let (width, height) = ((right + 1).checked_sub(left)?, (bottom + 1).checked_sub(top)?);
        let edge = (width / 10).max(1);
        let along = |columns: std::ops::Range<usize>| {
            places().filter(|i| columns.contains(&(i % self.columns))).count()
        };
        let is_left = along(left..left + edge) >= along(right + 1 - edge..right + 1);
        let wall = if is_left { left as f64 } else { (right + 1) as f64 };
        let inwards = MUSCLE.0 * width as f64 * if is_left { 1.0 } else { -1.0 };
        let top = top as f64;
        Some([(wall, top), (wall + inwards, top), (wall, top + MUSCLE.1 * height as f64)])
    }

    /// Centres at which a circle of `radius` lies on tissue beside the muscle, and the square of
    /// `half` a side holds as large a share of tissue as wanted, or as near to it as there is; in
    /// pixels.
    fn places(&self, radius: f64, half: f64, wanted: f64) -> Vec<ImagePoint> {
        let mut found: Vec<(f64, ImagePoint)> = Vec::new();
        for row in 0..self.rows {
            for column in 0..self.columns {
                let center = ImagePoint::new(
                    (column as f64 + 0.5) * self.cell,
                    (row as f64 + 0.5) * self.cell,
                );
                if self.tissue[row * self.columns + column]
                    && self.is_beside_muscle(center, radius)
                    && self.share(center, 0.7 * radius) > 0.99
                {
                    found.push(((self.share(center, half) - wanted).abs(), center));
                }
            }
        }
        let best = found.iter().map(|(off, _)| *off).fold(f64::INFINITY, f64::min);
        found.retain(|(off, _)| *off <= best.max(SAME_SHARE) + 1e-9);
        // Far from what was wanted, the film has no such place.
        if best > 0.15 { Vec::new() } else { found.into_iter().map(|(_, center)| center).collect() }
    }

    fn is_beside_muscle(&self, center: ImagePoint, radius: f64) -> bool {
        let Some([corner, across, down]) = self.muscle else { return true };
        // Distance from the triangle's long side, positive on the breast's side of it.
        let (x, y) = (center.x / self.cell, center.y / self.cell);
        let (run, fall) = (across.0 - corner.0, down.1 - corner.1);
        let beyond = (x - corner.0) / run + (y - corner.1) / fall - 1.0;
        let per_cell = (1.0 / run).hypot(1.0 / fall);
        beyond / per_cell > 0.5 * radius / self.cell
    }

    /// Share of a square that is breast; what lies beyond the film is none. In pixels.
    fn share(&self, center: ImagePoint, half: f64) -> f64 {
        let side = (2.0 * half / self.cell).round().max(1.0);
        let first = |middle: f64| (middle / self.cell - 0.5 * side).round();
        let clamp = |v: f64, size: usize| v.clamp(0.0, size as f64) as usize;
        let (x, y) = (first(center.x), first(center.y));
        let columns = (clamp(x, self.columns), clamp(x + side, self.columns));
        let rows = (clamp(y, self.rows), clamp(y + side, self.rows));
        let at =
            |column: usize, row: usize| f64::from(self.sums[row * (self.columns + 1) + column]);
        let sum = at(columns.1, rows.1) + at(columns.0, rows.0)
            - at(columns.0, rows.1)
            - at(columns.1, rows.0);
        sum / (side * side)
    }

    /// Mean grey of a disc less that of the ring around it with as large an area.
    fn blob(&self, center: ImagePoint, radius: f64) -> f64 {
        let disc = |radius: f64| {
            let (cx, cy, r) = (center.x / self.cell, center.y / self.cell, radius / self.cell);
            let (mut sum, mut count) = (0.0, 0.0);
            let rows = |v: f64| v.clamp(0.0, self.rows as f64) as usize;
            for row in rows(cy - r)..rows(cy + r + 1.0) {
                let off = row as f64 + 0.5 - cy;
                let half = (r * r - off * off).max(0.0).sqrt();
                let column = |v: f64| v.round().clamp(0.0, self.columns as f64) as usize;
                let (first, last) = (column(cx - half), column(cx + half));
                let line = &self.grey_sums[row * (self.columns + 1)..];
                sum += line[last] - line[first];
                count += (last - first) as f64;
            }
            (sum, count)
        };
        let (inner, whole) = (disc(radius), disc(std::f64::consts::SQRT_2 * radius));
        inner.0 / inner.1.max(1.0) - (whole.0 - inner.0) / (whole.1 - inner.1).max(1.0)
    }
}

/// The largest set of cells that touch along their sides.
fn largest_piece(cells: &[bool], columns: usize) -> Vec<bool> {
    let mut piece = vec![0_usize; cells.len()];
    let (mut largest, mut size, mut number) = (0, 0, 0);
    for start in 0..cells.len() {
        if !cells[start] || piece[start] > 0 {
            continue;
        }
        number += 1;
        piece[start] = number;
        let (mut open, mut count) = (vec![start], 0);
        while let Some(place) = open.pop() {
            count += 1;
            let column = place % columns;
            let near = [
                (column > 0).then(|| place - 1),
                (column + 1 < columns).then_some(place + 1),
                place.checked_sub(columns),
                (place + columns < cells.len()).then_some(place + columns),
            ];
            for next in near.into_iter().flatten() {
                if cells[next] && piece[next] == 0 {
                    piece[next] = number;
                    open.push(next);
                }
            }
        }
        if count > size {
            (largest, size) = (number, count);
        }
    }
    piece.into_iter().map(|own| own > 0 && own == largest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::Phantom;

    fn wanted() -> Wanted {
        Wanted { radii_mm: vec![5.0, 6.0, 8.0], tissue_shares: vec![1.0, 0.95] }
    }

    #[test]
    fn a_normal_region_lies_on_tissue_beside_the_muscle_and_repeats() {
        for seed in 0..6 {
            let mut film = Phantom::default().draw(seed).mammogram;
            film.view_position = Some(ViewPosition::Mlo);
            let breast = Breast::find(&film).expect("a breast against air");
            let [corner, across, down] = breast.muscle.expect("an oblique view");
            // The phantom's chest wall is on the left.
            assert!(corner.0 < 3.0 && across.0 > corner.0 && down.1 > corner.1, "{corner:?}");
            let drawn = draw(&film, &wanted(), 7).expect("there is room");
            assert_eq!(draw(&film, &wanted(), 7), Ok(drawn));
            let radius_mm = drawn.radius * 0.1;
            assert!([5.0, 6.0, 8.0].iter().any(|r| (r - radius_mm).abs() < 1e-9), "{radius_mm}");
            assert!(breast.share(drawn.center, 1.5 * drawn.radius) > 0.78, "seed {seed}");
            assert!(breast.is_beside_muscle(drawn.center, drawn.radius), "seed {seed}");
        }
    }

    #[test]
    fn a_blob_stands_out_at_its_middle_and_at_its_size() {
        let drawn = Phantom { contrast: (4.0, 4.0), radius_mm: (7.0, 7.0), ..Phantom::region() };
        let drawn = drawn.draw(3);
        let breast = Breast::find(&drawn.mammogram).expect("tissue");
        let radius = drawn.mass.radius_mm / 0.1;
        let at = |dx: f64| {
            let center = ImagePoint::new(drawn.mass.center.x + dx, drawn.mass.center.y);
            breast.blob(center, radius)
        };
        assert!(at(0.0) > at(radius) && at(0.0) > at(-radius));
    }

    #[test]
    fn what_lies_beyond_the_film_is_no_tissue() {
        let film = Phantom::region().draw(1).mammogram;
        let breast = Breast::find(&film).expect("tissue");
        let (width, height) = (f64::from(film.columns), f64::from(film.rows));
        let inside = breast.share(ImagePoint::new(0.5 * width, 0.5 * height), 60.0);
        let corner = breast.share(ImagePoint::new(0.0, 0.0), 60.0);
        assert!((corner - 0.25 * inside).abs() < 0.06, "{corner} of {inside}");
    }

    #[test]
    fn without_scale_or_lesions_there_is_nothing_to_match() {
        let mut film = Phantom::region().draw(1).mammogram;
        assert!(draw(&film, &Wanted::default(), 1).expect_err("no lesion").contains("no lesion"));
        film.spacing = None;
        assert!(draw(&film, &wanted(), 1).expect_err("no scale").contains("scale"));
    }
}
