//! Letters, lines and pictures on an image.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use epaint_default_fonts::UBUNTU_LIGHT;
use image::{Rgb, RgbImage, imageops};

pub(super) struct Canvas {
    pub(super) image: RgbImage,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, ground: Rgb<u8>) -> Self {
        Self { image: RgbImage::from_pixel(width, height, ground) }
    }

    pub(super) fn paste(&mut self, picture: &RgbImage, x: u32, y: u32) {
        imageops::overlay(&mut self.image, picture, x.into(), y.into());
    }

    /// Lines of text under one another.
    pub(super) fn lines(&mut self, x: u32, y: u32, width: u32, lines: &[(String, Rgb<u8>)]) {
        for (position, (text, color)) in lines.iter().enumerate() {
            let size = if position == 0 { 16.0 } else { 13.0 };
            self.text(x, y + super::LINE * position as u32, size, *color, text, width);
        }
    }

    /// One line, its top left at `x`, `y`; cut with an ellipsis where it is wider than `width`.
    pub(super) fn text(
        &mut self,
        x: u32,
        y: u32,
        size: f32,
        color: Rgb<u8>,
        text: &str,
        width: u32,
    ) {
        let font = FontRef::try_from_slice(UBUNTU_LIGHT).expect("the font that ships is a font");
        let font = font.as_scaled(PxScale::from(size));
        let advance = |c: char| font.h_advance(font.glyph_id(c));
        let full: f32 = text.chars().map(advance).sum();
        let room = if full > width as f32 { width as f32 - advance('…') } else { full };
        let mut pen = 0.0;
        let mut drawn = String::new();
        for c in text.chars() {
            if pen + advance(c) > room + 0.01 {
                drawn.push('…');
                break;
            }
            pen += advance(c);
            drawn.push(c);
        }
        let mut pen = x as f32;
        let baseline = y as f32 + font.ascent();
        for c in drawn.chars() {
            let glyph =
                font.glyph_id(c).with_scale_and_position(size, ab_glyph::point(pen, baseline));
            pen += advance(c);
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|dx, dy, cover| {
                    let (px, py) =
                        (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                    self.blend(px, py, color, cover);
                });
            }
        }
    }

    /// A straight line with soft edges.
    pub(super) fn stroke(&mut self, from: (f64, f64), to: (f64, f64), width: f64, color: Rgb<u8>) {
        let reach = width / 2.0 + 1.0;
        let range =
            |a: f64, b: f64| ((a.min(b) - reach).floor() as i64, (a.max(b) + reach).ceil() as i64);
        let (x0, x1) = range(from.0, to.0);
        let (y0, y1) = range(from.1, to.1);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let square = (dx * dx + dy * dy).max(1e-12);
        for y in y0..=y1 {
            for x in x0..=x1 {
                let (px, py) = (x as f64 + 0.5 - from.0, y as f64 + 0.5 - from.1);
                let along = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
                let distance = (px - along * dx).hypot(py - along * dy);
                let cover = (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0);
                self.blend(x, y, color, cover as f32);
            }
        }
    }

    /// A bar whose left end is at `x`, `y`.
    pub(super) fn scale_bar(&mut self, x: u32, y: u32, length: f64) {
        let (x, y) = (f64::from(x), f64::from(y));
        self.stroke((x, y), (x + length, y), 5.0, Rgb([0, 0, 0]));
        self.stroke((x, y), (x + length, y), 3.0, Rgb([255, 255, 255]));
    }

    fn blend(&mut self, x: i64, y: i64, color: Rgb<u8>, cover: f32) {
        let inside = |v: i64, size: u32| u32::try_from(v).ok().filter(|v| *v < size);
        let (width, height) = self.image.dimensions();
        let (Some(x), Some(y)) = (inside(x, width), inside(y, height)) else { return };
        let pixel = self.image.get_pixel_mut(x, y);
        for (old, new) in pixel.0.iter_mut().zip(color.0) {
            let mixed = f32::from(*old) * (1.0 - cover) + f32::from(new) * cover;
            *old = mixed.round().clamp(0.0, 255.0) as u8;
        }
    }
}
