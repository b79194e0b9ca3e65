//! What is on the screen is what the display table says.

use egui_kittest::Harness;
use precedent::app::App;
use precedent_core::geometry::ImagePoint;
use precedent_core::mammogram::Mammogram;

use crate::fakes::{Setup, Stored, on_screen, shown_film};
use crate::film::film;

/// Blocks of 20 x 20 pixels with values all over the range; the one at (40, 40) is padding.
fn blocks() -> Mammogram {
    let mut film = film(400, 300, |column, row| {
        let (x, y) = (column / 20, row / 20);
        if (x, y) == (2, 2) { 4095 } else { ((x * 977 + y * 1531) % 4000) as u16 }
    });
    film.padding = Some((4095, 4095));
    film
}

#[test]
fn every_block_has_the_grey_of_the_display_table_and_padding_is_black_also_inverted() {
    let films = vec![("blocks.dcm", Stored::Film(Box::new(blocks())))];
    let mut window = Setup { films, ..Setup::default() }.shown();
    for keys in [&[][..], &[egui::Key::I], &[egui::Key::I, egui::Key::A], &[egui::Key::I]] {
        for &key in keys {
            window.key_press(key);
            window.run_steps(2);
        }
        compare(&mut window);
    }
}

fn compare(window: &mut Harness<'_, App>) {
    let screen = window.render().expect("the software driver draws");
    let shown = shown_film(window);
    let (read, look) = (shown.read().expect("read"), shown.window.as_ref().expect("it has one"));
    let table = look.voi_lut.display_table(&read.mammogram, look.is_inverted);
    let mut compared = 0;
    // The outer blocks lie under words and rulers.
    for (x, y) in (1..18).flat_map(|x| (2..13).map(move |y| (x, y))) {
        let (column, row) = (x * 20 + 10, y * 20 + 10);
        let pos = on_screen(window, ImagePoint::new(f64::from(column), f64::from(row)));
        if !window.state().state().viewer_in_ui.shrink(40.0).contains(pos) {
            continue;
        }
        let expected = table[usize::from(read.mammogram.samples[(row * 400 + column) as usize])];
        let pixel = screen.get_pixel(pos.x as u32, pos.y as u32).0;
        let off = pixel[..3].iter().map(|&grey| grey.abs_diff(expected)).max();
        assert!(off <= Some(1), "block ({x}, {y}) shows {pixel:?} where the table says {expected}");
        if (x, y) == (2, 2) {
            assert_eq!(expected, 0, "padding is black");
        }
        compared += 1;
    }
    assert!(compared > 60, "only {compared} blocks are on the screen");
}
