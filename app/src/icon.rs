//! The program's sign, drawn here so that no picture file has to be read at the start: a bright
//! point with a contour around it. `assets/icon/precedent.svg` is the same for desktops.

use egui::IconData;

use crate::theme;

const SIDE: u32 = 64;

/// 64 x 64 pixels for the window's frame and the task bar.
pub fn icon() -> IconData {
    let rgba = (0..SIDE * SIDE).flat_map(|i| pixel(i % SIDE, i / SIDE)).collect();
    IconData { rgba, width: SIDE, height: SIDE }
}

fn pixel(column: u32, row: u32) -> [u8; 4] {
    let (x, y) = (column as f32 - 31.5, row as f32 - 31.5);
    // Inside a square with rounded corners of 14 pixels.
    let beyond = |v: f32| (v.abs() - 18.0).max(0.0);
    if beyond(x).hypot(beyond(y)) > 14.0 {
        return [0; 4];
    }
    let (radius, angle) = (x.hypot(y), y.atan2(x));
    let contour = 19.0 + 1.6 * (3.0 * angle).sin() + 0.9 * (5.0 * angle + 1.0).cos();
    let ink = if radius < 6.0 {
        theme::TEXT
    } else if (radius - contour).abs() < 2.2 {
        theme::ACCENT
    } else if radius < contour {
        theme::ACCENT_DEEP
    } else {
        theme::PANEL
    };
    ink.to_array()
}
