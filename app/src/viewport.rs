//! Zoom and pan: where a place of the image lies on the screen, and back.
//!
//! [`Viewport`] is what the doctor chose and is kept; [`View`] is what comes of it for one
//! rectangle of the screen, and holds the two changes of space.

use egui::{Pos2, Rect, Vec2, pos2, vec2};
use precedent_core::geometry::ImagePoint;
use precedent_core::hanging::{self, Pose};
use precedent_core::mammogram::Mammogram;

/// Screen points per image column: the least and the most that is offered.
const ZOOM_RANGE: (f64, f64) = (0.01, 64.0);

/// What is to be seen of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Viewport {
    /// All of it, whatever the size of the window; of a picture that would be a line too thin to
    /// see, as much as leaves it two points wide.
    #[default]
    Fit,
    /// `center` in the middle, `zoom` screen points per column.
    At { center: ImagePoint, zoom: f64 },
}

/// A picture's place on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    pub rect_in_ui: Rect,
    pub center_in_image: ImagePoint,
    /// Screen points per column.
    pub zoom: f64,
    /// Row spacing over column spacing: screen points per row are `zoom * aspect`.
    pub aspect: f64,
    /// How the picture is turned for the eye; places of the image stay those of its pixels.
    pub pose: Pose,
}

/// Row spacing over column spacing, 1 where the film has no size.
pub fn aspect(mammogram: &Mammogram) -> f64 {
    mammogram.spacing.map_or(1.0, |s| s.row_spacing_mm / s.column_spacing_mm)
}

impl Viewport {
    /// The view of this film in this rectangle, hung as its PatientOrientation says.
    pub fn view(&self, rect_in_ui: Rect, mammogram: &Mammogram) -> View {
        let aspect = aspect(mammogram);
        let (columns, rows) = (f64::from(mammogram.columns), f64::from(mammogram.rows));
        let (center_in_image, zoom) = match *self {
            Self::Fit => {
                let across = f64::from(rect_in_ui.width()) / columns;
                let down = f64::from(rect_in_ui.height()) / (rows * aspect);
                (
                    ImagePoint::new(columns / 2.0, rows / 2.0),
                    across.min(down).max(2.0 / columns.min(rows * aspect)),
                )
            }
            Self::At { center, zoom } => (center, zoom),
        };
        View { rect_in_ui, center_in_image, zoom, aspect, pose: hanging::pose(mammogram) }
    }
}

impl View {
    pub fn ui_from_image(&self, point: ImagePoint) -> Pos2 {
        let (across, down) = self.directions();
        let dx = (point.x - self.center_in_image.x) * self.zoom * across;
        let dy = (point.y - self.center_in_image.y) * self.zoom * self.aspect * down;
        self.rect_in_ui.center() + vec2(dx as f32, dy as f32)
    }

    pub fn image_from_ui(&self, pos: Pos2) -> ImagePoint {
        let d = pos - self.rect_in_ui.center();
        let (across, down) = self.directions();
        ImagePoint::new(
            self.center_in_image.x + f64::from(d.x) / self.zoom * across,
            self.center_in_image.y + f64::from(d.y) / (self.zoom * self.aspect) * down,
        )
    }

    /// Which way columns and rows count on the screen: 1 to the right and down, else -1.
    pub fn directions(&self) -> (f64, f64) {
        let sign = |is_turned: bool| if is_turned { -1.0 } else { 1.0 };
        (sign(self.pose.is_mirrored), sign(self.pose.is_upside_down))
    }

    /// Where the whole picture of `columns x rows` would lie.
    pub fn picture_in_ui(&self, columns: u32, rows: u32) -> Rect {
        let a = self.ui_from_image(ImagePoint::new(0.0, 0.0));
        let b = self.ui_from_image(ImagePoint::new(f64::from(columns), f64::from(rows)));
        Rect::from_two_pos(pos2(a.x, a.y), pos2(b.x, b.y))
    }

    /// Zoomed by `factor` so that the place under `pos` stays under it.
    pub fn zoomed_at(&self, pos: Pos2, factor: f64) -> Viewport {
        let held = self.image_from_ui(pos);
        let zoom = (self.zoom * factor).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        let scale = self.zoom / zoom;
        let center = ImagePoint::new(
            held.x + (self.center_in_image.x - held.x) * scale,
            held.y + (self.center_in_image.y - held.y) * scale,
        );
        Viewport::At { center, zoom }
    }

    /// Pulled along with the hand.
    pub fn panned(&self, delta_in_ui: Vec2) -> Viewport {
        let center = self.image_from_ui(self.rect_in_ui.center() - delta_in_ui);
        Viewport::At { center, zoom: self.zoom }
    }

    /// One image column on `1 / pixels_per_point` screen points, about the same centre.
    pub fn actual_size(&self, pixels_per_point: f32) -> Viewport {
        Viewport::At { center: self.center_in_image, zoom: 1.0 / f64::from(pixels_per_point) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(pose: Pose, zoom: f64) -> View {
        View {
            rect_in_ui: Rect::from_min_size(pos2(37.0, 11.0), vec2(640.0, 480.0)),
            center_in_image: ImagePoint::new(1200.5, 900.25),
            zoom,
            aspect: 1.25,
            pose,
        }
    }

    fn poses(is_mirrored: bool) -> [Pose; 2] {
        [false, true].map(|is_upside_down| Pose { is_mirrored, is_upside_down })
    }

    #[test]
    fn image_from_ui_undoes_ui_from_image() {
        for pose in [false, true].into_iter().flat_map(poses) {
            for zoom in [0.05, 0.3, 1.0, 7.0] {
                let view = view(pose, zoom);
                for (x, y) in [(0.0, 0.0), (1200.5, 900.25), (2999.0, 17.5)] {
                    let point = ImagePoint::new(x, y);
                    let back = view.image_from_ui(view.ui_from_image(point));
                    // Screen positions are f32, some 1e-4 points exact at a few thousand points.
                    assert!(back.distance(point) < 0.01 / zoom, "{point:?} came back {back:?}");
                }
            }
        }
    }

    #[test]
    fn zooming_keeps_the_place_under_the_pointer() {
        let view = view(Pose::default(), 0.2);
        let pointer = pos2(100.0, 400.0);
        let held = view.image_from_ui(pointer);
        let Viewport::At { center, zoom } = view.zoomed_at(pointer, 1.7) else {
            panic!("a zoomed viewport has a place")
        };
        let after = View { center_in_image: center, zoom, ..view };
        assert!(after.image_from_ui(pointer).distance(held) < 1e-3);
        assert!((zoom - 0.34).abs() < 1e-12);
    }

    #[test]
    fn panning_moves_the_film_with_the_hand() {
        let view = view(Pose::default(), 0.5);
        let place = view.image_from_ui(pos2(200.0, 200.0));
        let Viewport::At { center, zoom } = view.panned(vec2(30.0, -12.0)) else {
            panic!("a panned viewport has a place")
        };
        let after = View { center_in_image: center, zoom, ..view };
        assert!((after.ui_from_image(place) - pos2(230.0, 188.0)).length() < 1e-3);
    }

    #[test]
    fn mirroring_changes_left_and_right_alone() {
        let is_mirrored = Pose { is_mirrored: true, ..Pose::default() };
        let (plain, mirrored) = (view(Pose::default(), 1.0), view(is_mirrored, 1.0));
        let point = ImagePoint::new(1210.5, 905.25);
        let (a, b) = (plain.ui_from_image(point), mirrored.ui_from_image(point));
        assert_eq!(a.y, b.y);
        assert_eq!(a.x - plain.rect_in_ui.center().x, mirrored.rect_in_ui.center().x - b.x);
    }
}
