//! `render`: the display path as a picture file.

use std::path::{Path, PathBuf};

use super::{path_text, run, text};
use crate::dicom::file::{File, pixels};

fn film_in(folder: &Path) -> PathBuf {
    let path = folder.join("film.dcm");
    std::fs::write(&path, File::film().bytes()).expect("the disk takes it");
    path
}

fn picture(path: &Path) -> Vec<u8> {
    let image = image::open(path).expect("a whole picture");
    assert_eq!((image.width(), image.height()), (8, 6));
    image.as_luma8().expect("it is 8-bit grey").as_raw().clone()
}

#[test]
fn the_picture_is_the_film_through_its_window() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let film = film_in(folder.path());
    let png = folder.path().join("out.png");
    let render = |options: &[&str]| {
        let arguments = [&["render", path_text(&film), "--png", path_text(&png)], options].concat();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        picture(&png)
    };
    let own = render(&[]);
    let identity = |v: &u16| (f64::from(*v) / 4095.0 * 255.0).round() as u8;
    assert_eq!(own, pixels().iter().map(identity).collect::<Vec<_>>());
    assert_eq!(render(&["--invert"]), own.iter().map(|v| 255 - v).collect::<Vec<_>>());
    // Width 1: a threshold at the centre.
    let step = |v: &u16| if *v >= 800 { 255 } else { 0 };
    assert_eq!(render(&["--window", "800,1"]), pixels().iter().map(step).collect::<Vec<_>>());
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it is ours").collect();
    assert_eq!(left.len(), 2, "the film, the picture and nothing else");
}

#[test]
fn a_film_stored_the_other_way_round_is_turned_where_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (film, png) = (folder.path().join("film.dcm"), folder.path().join("out.png"));
    let render = |axes: &str, option: &[&str]| {
        let mut file = File::film();
        file.text((0x0020, 0x0062), "CS", "R").text((0x0020, 0x0020), "CS", axes);
        std::fs::write(&film, file.bytes()).expect("the disk takes it");
        let paths = ["render", path_text(&film), "--png", path_text(&png)];
        let output = run(&[&paths[..], option].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        picture(&png)
    };
    let stored = render("P\\L", &[]);
    let rows = stored.chunks(8);
    let mirrored: Vec<u8> = rows.clone().flat_map(|row| row.iter().rev()).copied().collect();
    let upside_down: Vec<u8> = rows.rev().flatten().copied().collect();
    assert_eq!(render("A\\L", &[]), stored);
    assert_eq!(render("P\\L", &["--hung"]), stored);
    assert_eq!(render("A\\L", &["--hung"]), mirrored);
    assert_eq!(render("P\\R", &["--hung"]), upside_down);
}

#[test]
fn a_film_that_cannot_be_read_leaves_the_old_picture_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (bad, png) = (folder.path().join("bad.dcm"), folder.path().join("out.png"));
    std::fs::write(&bad, b"bad").expect("the disk takes it");
    std::fs::write(&png, b"old").expect("the disk takes it");
    let output = run(&["render", path_text(&bad), "--png", path_text(&png)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not a DICOM, PNG or JPEG"));
    assert_eq!(std::fs::read(&png).expect("it is there"), b"old");
}

#[test]
fn wrong_usage_is_exit_code_2_and_a_missing_folder_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let film = film_in(folder.path());
    let png = folder.path().join("none").join("out.png");
    let output = run(&["render", path_text(&film), "--png", path_text(&png)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not exist"));
    for window in ["1", "a,b", "1,0", "1,-5", "nan,5"] {
        let arguments = ["render", path_text(&film), "--png", "x.png", "--window", window];
        assert_eq!(run(&arguments).status.code(), Some(2), "{window}");
    }
    assert_eq!(run(&["render", path_text(&film)]).status.code(), Some(2));
    assert_eq!(run(&["probe"]).status.code(), Some(2));
}

#[test]
fn a_frame_and_a_window_are_chosen_by_their_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("film.dcm");
    let mut film = File::film();
    let second: Vec<u16> = pixels().iter().map(|value| value + 200).collect();
    film.text((0x0028, 0x0008), "IS", "2").pixels(&[pixels(), second.clone()].concat());
    film.text((0x0028, 0x1050), "DS", "2048\\800").text((0x0028, 0x1051), "DS", "4096\\1");
    std::fs::write(&path, film.bytes()).expect("the disk takes it");
    let png = folder.path().join("out.png");
    let render = |options: &[&str]| {
        let arguments = [&["render", path_text(&path), "--png", path_text(&png)], options].concat();
        run(&arguments).status.code()
    };
    assert_eq!(render(&["--frame", "2", "--own-window", "2"]), Some(0));
    let step = |v: &u16| if *v >= 800 { 255 } else { 0 };
    assert_eq!(picture(&png), second.iter().map(step).collect::<Vec<_>>());
    assert_eq!(render(&["--frame", "3"]), Some(1));
    assert_eq!(render(&["--own-window", "3"]), Some(1));
    assert_eq!(render(&["--frame", "0"]), Some(2));
}
