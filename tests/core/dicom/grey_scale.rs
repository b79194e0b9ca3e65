//! The way from stored values to the eye, every step of it against the standard's own words, in all
//! combinations: VOI function, sign, rescale, polarity, padding.

use super::file::{COLUMNS, File, ROWS};
use super::reader;

const CENTER: f64 = 310.0;
const WIDTH: f64 = 900.0;
/// LUTDescriptor: 900 entries from here on, 12 bits.
const FIRST: i32 = -140;
const ENTRIES: u16 = 900;

#[derive(Debug, Clone, Copy)]
enum Voi {
    Linear,
    LinearExact,
    Sigmoid,
    Table,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    voi: Voi,
    is_signed: bool,
    slope: f64,
    intercept: f64,
    is_monochrome1: bool,
    /// PixelPaddingValue and PixelPaddingRangeLimit, both inside.
    padding: Option<(i32, i32)>,
}

/// PS3.3 C.7.5.1.1.2 (padding), C.11.1.1.2 (rescale), C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2 and
/// C.11.2.1.1 (VOI), C.7.6.3.1.2 (polarity).
fn by_the_standard(stored: i32, case: Case) -> f64 {
    if case.padding.is_some_and(|(low, high)| (low..=high).contains(&stored)) {
        return 0.0;
    }
    let x = case.slope * f64::from(stored) + case.intercept;
    let (c, w, y_min, y_max) = (CENTER, WIDTH, 0.0, 255.0);
    let y = match case.voi {
        Voi::Linear if x <= c - 0.5 - (w - 1.0) / 2.0 => y_min,
        Voi::Linear if x > c - 0.5 + (w - 1.0) / 2.0 => y_max,
        Voi::Linear => ((x - (c - 0.5)) / (w - 1.0) + 0.5) * (y_max - y_min) + y_min,
        Voi::LinearExact if x <= c - w / 2.0 => y_min,
        Voi::LinearExact if x > c + w / 2.0 => y_max,
        Voi::LinearExact => ((x - c) / w + 0.5) * (y_max - y_min) + y_min,
        Voi::Sigmoid => (y_max - y_min) / (1.0 + (-4.0 * (x - c) / w).exp()) + y_min,
        Voi::Table => {
            let idx = (x.round() as i32 - FIRST).clamp(0, i32::from(ENTRIES) - 1);
            f64::from(entry(idx as u16)) / 4095.0 * (y_max - y_min) + y_min
        }
    };
    if case.is_monochrome1 { y_max - y } else { y }
}

/// A curve with a bend, from 0 to 4095.
fn entry(idx: u16) -> u16 {
    let share = f64::from(idx) / f64::from(ENTRIES - 1);
    (4095.0 * share * share).round() as u16
}

fn stored(is_signed: bool) -> Vec<i32> {
    let low = if is_signed { -1_000 } else { 0 };
    (0..i32::from(ROWS * COLUMNS)).map(|i| low + 41 * i).collect()
}

fn file(case: Case) -> File {
    let mut file = File::film();
    let values: Vec<u16> = stored(case.is_signed).iter().map(|v| *v as u16 & 0x0FFF).collect();
    file.pixels(&values).short((0x0028, 0x0103), case.is_signed.into());
    let photometric = if case.is_monochrome1 { "MONOCHROME1" } else { "MONOCHROME2" };
    file.text((0x0028, 0x0004), "CS", photometric);
    file.text((0x0028, 0x1052), "DS", &case.intercept.to_string());
    file.text((0x0028, 0x1053), "DS", &case.slope.to_string());
    if let Some((low, high)) = case.padding {
        let vr = if case.is_signed { "SS" } else { "US" };
        file.shorts((0x0028, 0x0120), vr, &[low as u16]);
        file.shorts((0x0028, 0x0121), vr, &[high as u16]);
    }
    let function = match case.voi {
        Voi::Linear => "LINEAR",
        Voi::LinearExact => "LINEAR_EXACT",
        Voi::Sigmoid => "SIGMOID",
        Voi::Table => {
            file.remove((0x0028, 0x1050)).remove((0x0028, 0x1051));
            let mut item = File::empty();
            item.shorts((0x0028, 0x3002), "SS", &[ENTRIES, FIRST as u16, 12]);
            let entries: Vec<u16> = (0..ENTRIES).map(entry).collect();
            item.shorts((0x0028, 0x3006), "OW", &entries);
            file.sequence((0x0028, 0x3010), &item);
            return file;
        }
    };
    file.text((0x0028, 0x1050), "DS", &CENTER.to_string());
    file.text((0x0028, 0x1051), "DS", &WIDTH.to_string());
    file.text((0x0028, 0x1056), "CS", function);
    file
}

#[test]
fn every_combination_is_shown_within_one_of_the_standards_words() {
    let mut reader = reader();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let mut count = 0;
    for voi in [Voi::Linear, Voi::LinearExact, Voi::Sigmoid, Voi::Table] {
        for is_signed in [false, true] {
            // With an intercept below zero what goes into the VOI LUT is signed in each case.
            for (slope, intercept) in [(1.0, -200.0), (0.5, -150.0), (2.0, -1024.0)] {
                for is_monochrome1 in [false, true] {
                    for padding in [None, Some((0, 0)), Some((0, 205))] {
                        let case =
                            Case { voi, is_signed, slope, intercept, is_monochrome1, padding };
                        std::fs::write(&path, file(case).bytes()).expect("the disk takes it");
                        let film = reader.read(&path).unwrap_or_else(|e| panic!("{case:?}: {e}"));
                        let shown = film.default_display();
                        for (value, shown) in stored(is_signed).into_iter().zip(shown) {
                            let expected = by_the_standard(value, case);
                            assert!(
                                (f64::from(shown) - expected).abs() <= 1.0,
                                "{value} is shown as {shown}, not {expected}: {case:?}"
                            );
                        }
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 144);
}
