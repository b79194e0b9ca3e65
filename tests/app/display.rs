//! What is on the screen is what the display table says.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use precedent::app::App;
use precedent::command::Command;
use precedent::viewport::Viewport;
use precedent_core::geometry::ImagePoint;
use precedent_core::lexicon::ImageLaterality;
use precedent_core::mammogram::{Caution, Mammogram};

use crate::fakes::{CENTER, RADIUS, Setup, Stored, drag, on_screen, phantom, shown_film, until};
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

/// A film of this side with these directions of rows and columns.
fn turned(film: Mammogram, side: ImageLaterality, row: &str, column: &str) -> Mammogram {
    Mammogram {
        image_laterality: Some(side),
        patient_orientation: Some([row.to_owned(), column.to_owned()]),
        ..film
    }
}

#[test]
fn a_film_stored_the_other_way_round_hangs_by_its_orientation_alone() {
    use ImageLaterality::{Left, Right};
    // PS3.3 C.7.6.1.1.1: how a right and a left CC film hang is P\L and A\R.
    for (side, row, column, mirrored, upside_down, words) in [
        (Right, "P", "L", false, false, "Film R"),
        (Right, "A", "L", true, false, "mirrored to hang"),
        (Right, "P", "R", false, true, "turned over to hang"),
        (Left, "P", "L", true, true, "turned round to hang"),
        (Left, "R", "P", false, false, "Film L"),
    ] {
        let film = Stored::Film(Box::new(turned(blocks(), side, row, column)));
        let films = vec![("blocks.dcm", film)];
        let mut window = Setup { films, ..Setup::default() }.shown();
        let (first, last) = (ImagePoint::new(0.0, 0.0), ImagePoint::new(400.0, 300.0));
        let (first, last) = (on_screen(&window, first), on_screen(&window, last));
        assert_eq!((first.x > last.x, first.y > last.y), (mirrored, upside_down), "{words}");
        assert!(window.query_all_by_label_contains(words).count() > 0, "{words}");
        compare(&mut window);
    }
    // In doubt it stays as it is stored.
    let mut film = turned(blocks(), Right, "A", "L");
    film.cautions.push(Caution::new("W-ORIENTATION", "a test"));
    let films = vec![("blocks.dcm", Stored::Film(Box::new(film)))];
    let mut window = Setup { films, ..Setup::default() }.shown();
    assert_eq!(window.query_all_by_label_contains("to hang").count(), 0);
    compare(&mut window);
}

#[test]
fn what_is_marked_on_a_mirrored_film_lies_where_its_pixels_are_stored() {
    let film = turned(phantom(1), ImageLaterality::Right, "A", "L");
    let films = vec![("mirrored.dcm", Stored::Film(Box::new(film)))];
    let mut window = Setup { films, ..Setup::default() }.shown();
    drag(&mut window, CENTER, ImagePoint::new(CENTER.x + RADIUS, CENTER.y));
    until(&mut window, "it is outlined", |state| {
        state.film().is_some_and(|film| film.marked().is_some())
    });
    let contour = &shown_film(&window).marked().expect("outlined").outline.contour;
    assert!(contour.centroid().distance(CENTER) < 0.2 * RADIUS, "{:?}", contour.centroid());
}

#[test]
fn a_film_beyond_the_largest_texture_is_shown_all_over() {
    // D6: two real sizes, and one that no texture can hold in any direction.
    for (columns, rows) in [(4095, 5625), (8192, 8192), (65_535, 1), (1, 65_535)] {
        let large =
            film(columns, rows, |c, r| ((c / 20 * 977 + r / 20 * 1531) % 3900 + 100) as u16);
        let films = vec![("large.dcm", Stored::Film(Box::new(large)))];
        let mut window = Setup { films, ..Setup::default() }.shown();
        let middle = |part: u32, whole: u32| f64::from(whole * part / 8) + 0.5;
        for (x, y) in [(0, 0), (1, 7), (4, 4), (7, 1), (7, 7)] {
            let place = ImagePoint::new(middle(x, columns), middle(y, rows));
            let ctx = window.ctx.clone();
            let look = Command::Look(Viewport::At { center: place, zoom: 30.0 });
            window.state_mut().run(&ctx, look);
            window.run_steps(2);
            assert_shown(&mut window, place);
        }
        // All of it, each pixel on the screen a mean of many.
        let ctx = window.ctx.clone();
        window.state_mut().run(&ctx, Command::Look(Viewport::Fit));
        window.run_steps(2);
        let pos =
            on_screen(&window, ImagePoint::new(f64::from(columns) / 2.0, f64::from(rows) / 2.0));
        let screen = window.render().expect("the software driver draws");
        assert!(
            screen.get_pixel(pos.x as u32, pos.y as u32).0[0] > 5,
            "{columns} x {rows} is black"
        );
    }
}

/// The pixel at a place has the grey of the display table.
fn assert_shown(window: &mut Harness<'_, App>, place: ImagePoint) {
    let screen = window.render().expect("the software driver draws");
    let shown = shown_film(window);
    let (read, look) = (shown.read().expect("read"), shown.window.as_ref().expect("it has one"));
    let film = &read.mammogram;
    let sample = film.samples[place.y as usize * film.columns as usize + place.x as usize];
    let expected = look.voi_lut.display_table(film, false)[usize::from(sample)];
    let pos = on_screen(window, place);
    let grey = screen.get_pixel(pos.x as u32, pos.y as u32).0[0];
    assert!(grey.abs_diff(expected) <= 1, "{place:?} is {grey} where the table says {expected}");
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
