//! The options that point at a mass, shared by `outline` and `find`.
//!
//! Exactly one way of pointing is asked for; a verb with another way (`find --outline FILE`) puts
//! that option into the group `mark`.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, ensure};
use precedent_core::dicom::Reader;
use precedent_core::geometry::{ImagePoint, ImageRect};
use precedent_core::mammogram::{Mammogram, Spacing};
use precedent_core::segmentation::{Correction, Prompt};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("mark").required(true)))]
#[command(group(clap::ArgGroup::new("radius")))]
pub(crate) struct PromptArgs {
    /// Which frame of a file that has several, from 1; the first, in doubt, where left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frame: Option<u32>,
    /// Centre of the mass, in pixels from the top left of the film; needs a radius
    #[arg(
        long,
        value_name = "X,Y",
        group = "mark",
        requires = "radius",
        allow_hyphen_values = true
    )]
    center: Option<Numbers<2>>,
    /// Radius about the centre, in mm
    #[arg(long, value_name = "R", group = "radius", requires = "center")]
    radius_mm: Option<Length>,
    /// Radius about the centre, in pixels
    #[arg(long, value_name = "R", group = "radius", requires = "center")]
    radius_px: Option<Length>,
    /// Two opposite corners of a box around the mass, in pixels
    #[arg(long = "box", value_name = "X0,Y0,X1,Y1", group = "mark", allow_hyphen_values = true)]
    rect: Option<Numbers<4>>,
    /// One point inside the mass, in pixels; the size is found
    #[arg(long, value_name = "X,Y", group = "mark", allow_hyphen_values = true)]
    click: Option<Numbers<2>>,
    /// A point the outline must pass through, in pixels; may be given again
    #[arg(long, value_name = "X,Y", requires = "mark", allow_hyphen_values = true)]
    through: Vec<Numbers<2>>,
    /// A stroke over what belongs to the mass: points in pixels with blanks between them, quoted;
    /// may be given again
    #[arg(
        long,
        value_name = "X,Y X,Y …",
        requires = "mark",
        allow_hyphen_values = true,
        value_parser = stroke
    )]
    include: Vec<Stroke>,
    /// A stroke over what does not belong to the mass, in the same way
    #[arg(
        long,
        value_name = "X,Y X,Y …",
        requires = "mark",
        allow_hyphen_values = true,
        value_parser = stroke
    )]
    exclude: Vec<Stroke>,
    /// Round off small bumps, after every point and stroke
    #[arg(long, requires = "mark")]
    smooth: bool,
    /// Then cut off what hangs on by a narrow neck
    #[arg(long)]
    keep_largest: bool,
    /// Move the outline to the nearest border, last of all; points to pass through stay
    #[arg(long, requires = "mark")]
    resnap: bool,
    /// State the size of a pixel, in mm, for a film that carries none; lengths are then marked
    /// "stated"
    #[arg(long, value_name = "V")]
    pixel_mm: Option<PixelSize>,
}

impl PromptArgs {
    /// The film that is pointed at, with the scale that was stated.
    pub(crate) fn read(&self, file: &Path) -> anyhow::Result<Mammogram> {
        let mut reader = Reader::new();
        let read = match self.frame {
            Some(number) => reader.read_frame(file, number - 1),
            None => reader.read(file),
        };
        let mut film = read.with_context(|| file.display().to_string())?;
        if let Some(PixelSize(pixel_mm)) = self.pixel_mm {
            film.state_scale(pixel_mm);
        }
        Ok(film)
    }

    /// The prompt in pixels of this film; `None` where none was given.
    pub(crate) fn prompt(&self, mammogram: &Mammogram) -> anyhow::Result<Option<Prompt>> {
        if let Some(center) = self.center {
            let radius = match (self.radius_mm, self.radius_px) {
                (Some(Length(radius_mm)), _) => {
                    let spacing = mammogram.spacing.context(
                        "the film carries no pixel size: state it with --pixel-mm, or give the \
                         radius in pixels with --radius-px",
                    )?;
                    radius_mm / spacing.mean_mm()
                }
                (None, radius_px) => radius_px.context("the centre needs a radius")?.0,
            };
            return Ok(Some(Prompt::Drag { center: center.point(), radius }));
        }
        if let Some(Numbers([x0, y0, x1, y1])) = self.rect {
            let rect = ImageRect::from_corners(ImagePoint::new(x0, y0), ImagePoint::new(x1, y1));
            ensure!(rect.width() > 0.0 && rect.height() > 0.0, "the box is empty");
            return Ok(Some(Prompt::Box(rect)));
        }
        Ok(self.click.map(|click| Prompt::Click(click.point())))
    }

    /// The points to pass through in the order given, then the strokes over the mass, those beside
    /// it, smoothing, keeping the largest part, and snapping again.
    pub(crate) fn corrections(&self) -> Vec<Correction> {
        let through = self.through.iter().map(|point| Correction::Through(point.point()));
        let include = self.include.iter().map(|Stroke(line)| Correction::Include(line.clone()));
        let exclude = self.exclude.iter().map(|Stroke(line)| Correction::Exclude(line.clone()));
        let smooth = self.smooth.then_some(Correction::Smooth);
        let keep_largest = self.keep_largest.then_some(Correction::KeepLargest);
        let resnap = self.resnap.then_some(Correction::Resnap);
        through
            .chain(include)
            .chain(exclude)
            .chain(smooth)
            .chain(keep_largest)
            .chain(resnap)
            .collect()
    }
}

/// A line over the film, of one point or more.
#[derive(Debug, Clone, PartialEq)]
struct Stroke(Vec<ImagePoint>);

fn stroke(text: &str) -> Result<Stroke, String> {
    let points: Vec<ImagePoint> = text
        .split_whitespace()
        .map(|point| point.parse().map(Numbers::<2>::point))
        .collect::<Result<_, _>>()?;
    let is_some = !points.is_empty();
    is_some.then_some(Stroke(points)).ok_or_else(|| "at least one point X,Y is wanted".to_owned())
}

/// `N` finite numbers with commas between them.
#[derive(Debug, Clone, Copy)]
struct Numbers<const N: usize>([f64; N]);

/// The side of a pixel in mm.
#[derive(Debug, Clone, Copy)]
struct PixelSize(f64);

impl FromStr for PixelSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Length(mm) = text.parse()?;
        let range = Spacing::POSSIBLE_MM;
        let (least, most) = (range.start(), range.end());
        let is_one = range.contains(&mm).then_some(Self(mm));
        is_one.ok_or_else(|| format!("a pixel of a mammogram has {least} to {most} mm"))
    }
}

/// A positive finite length.
#[derive(Debug, Clone, Copy)]
struct Length(f64);

impl Numbers<2> {
    fn point(self) -> ImagePoint {
        ImagePoint::new(self.0[0], self.0[1])
    }
}

impl<const N: usize> FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<f64> =
            text.split(',').map_while(|part| part.trim().parse().ok()).collect();
        let wanted = || format!("{N} numbers with commas between them are wanted");
        let numbers: [f64; N] = numbers.try_into().map_err(|_| wanted())?;
        let complete = text.split(',').count() == N && numbers.iter().all(|n| n.is_finite());
        complete.then_some(Self(numbers)).ok_or_else(wanted)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.trim().parse().map_err(|_| "a number is wanted".to_owned())?;
        let fits = f64::is_finite(length) && length > 0.0;
        fits.then_some(Self(length)).ok_or_else(|| "a positive number is wanted".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_many_finite_numbers_as_wanted_are_taken() {
        let read = |text: &str| text.parse::<Numbers<2>>().map(|n| n.0);
        assert_eq!(read("2640, 2590.5"), Ok([2640.0, 2590.5]));
        for wrong in ["", "1", "1,", "1,2,3", "1,x", "1,inf", "nan,2"] {
            assert!(read(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_stroke_is_points_with_blanks_between_them() {
        let line = [ImagePoint::new(1.0, 2.5), ImagePoint::new(-3.0, 4.0)];
        assert_eq!(stroke(" 1,2.5  -3,4 "), Ok(Stroke(line.to_vec())));
        for wrong in ["", " ", "1,2 3", "1 2", "1,2,3"] {
            assert!(stroke(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_length_is_positive_and_finite() {
        for wrong in ["0", "-1", "inf", "nan", "8mm", ""] {
            assert!(wrong.parse::<Length>().is_err(), "{wrong:?} was taken");
        }
    }
}
