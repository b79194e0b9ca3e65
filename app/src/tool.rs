//! What lies in the hand: the tool, the one before it, the size of the brush.

use precedent_core::geometry::ImagePoint;
use precedent_core::mammogram::Mammogram;
use precedent_core::segmentation::Correction;

/// What a plain drag on the film does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// Outlines a mass, or pulls the contour where it is taken.
    #[default]
    Outline,
    /// A round brush that pushes the contour.
    Push,
    /// One line that adds a region or cuts one off.
    Redraw,
}

/// A line drawn over the film to mend the outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Include,
    Exclude,
    Push,
    Redraw,
}

/// The tools at hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hands {
    pub tool: Tool,
    /// The one in hand before.
    pub last: Tool,
    /// Diameter of the push brush; on a film without a size a pixel counts as 0.1 mm.
    pub brush_mm: f64,
}

/// Brushes from a calcification to a large mass, in mm.
const BRUSHES_MM: std::ops::RangeInclusive<f64> = 0.5..=60.0;
const PIXEL_WITHOUT_SIZE_MM: f64 = 0.1;

impl Default for Hands {
    fn default() -> Self {
        Self { tool: Tool::Outline, last: Tool::Push, brush_mm: 6.0 }
    }
}

impl Hands {
    /// Takes a tool in hand; the one in hand is remembered.
    pub fn take(&mut self, tool: Tool) {
        if tool != self.tool {
            self.last = std::mem::replace(&mut self.tool, tool);
        }
    }

    pub fn scale_brush(&mut self, factor: f64) {
        self.brush_mm = (self.brush_mm * factor).clamp(*BRUSHES_MM.start(), *BRUSHES_MM.end());
    }

    /// The brush's radius in mean pixels of this film.
    pub fn brush_radius(&self, film: &Mammogram) -> f64 {
        let pixel = film.spacing.map_or(PIXEL_WITHOUT_SIZE_MM, |spacing| spacing.mean_mm());
        0.5 * self.brush_mm / pixel
    }

    /// The brush's diameter in words.
    pub fn brush_words(&self, film: &Mammogram) -> String {
        match film.spacing {
            Some(spacing) => format!("{:.1} {}", self.brush_mm, spacing.origin.unit()),
            None => format!("{:.0} px", 2.0 * self.brush_radius(film)),
        }
    }
}

impl Tool {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outline => "Outline",
            Self::Push => "Push brush",
            Self::Redraw => "Redraw a stretch",
        }
    }
}

impl Stroke {
    /// The correction that this line makes; `radius` is the brush's, in mean pixels.
    pub fn correction(self, line: Vec<ImagePoint>, radius: f64) -> Correction {
        match self {
            Self::Include => Correction::Include(line),
            Self::Exclude => Correction::Exclude(line),
            Self::Push => Correction::Push { path: line, radius },
            Self::Redraw => Correction::Redraw(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tool_is_the_one_before_this_one() {
        let mut hands = Hands::default();
        hands.take(Tool::Redraw);
        hands.take(Tool::Redraw);
        assert_eq!((hands.tool, hands.last), (Tool::Redraw, Tool::Outline));
        hands.take(hands.last);
        assert_eq!((hands.tool, hands.last), (Tool::Outline, Tool::Redraw));
    }

    #[test]
    fn a_brush_stays_within_its_sizes() {
        let mut hands = Hands::default();
        (0..100).for_each(|_| hands.scale_brush(1.25));
        assert_eq!(hands.brush_mm, 60.0);
        (0..100).for_each(|_| hands.scale_brush(0.8));
        assert_eq!(hands.brush_mm, 0.5);
    }
}
