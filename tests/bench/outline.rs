//! Outlining on a film of 13.6 million pixels: the first answer at a place, every move of a live
//! drag, every move of a pulled point; then time and overlap against scikit-image's random walker
//! and morphological geodesic contour on the same regions. `tests/bench/rivals/scikit-image` sets the rivals up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use precedent_core::geometry::{Contour, ImagePoint, ImageRect};
use precedent_core::phantom::{Phantom, Random};
use precedent_core::segmentation::{Correction, Outliner, Prompt};

pub(crate) fn run() {
    speed();
    rivals();
}

fn speed() {
    let phantom = Phantom {
        columns: 3328,
        rows: 4096,
        pixel_mm: 0.05,
        radius_mm: (8.0, 8.5),
        ..Phantom::default()
    };
    let drawn = phantom.draw(1);
    let center = drawn.mass.center;
    let film = Arc::new(drawn.mammogram);
    println!("film of 3328 x 4096 pixels of 0.05 mm, mass of 8 mm; one thread, ms");
    println!("| step | p50 | p95 | most |");
    println!("| --- | --- | --- | --- |");
    row("film prepared, once", 9, |_| {
        Outliner::new(film.clone());
    });
    let mut outliner = Outliner::new(film.clone());
    // Never the same place twice: nothing of the last answer can be used.
    let elsewhere = |i: usize| ImagePoint::new(center.x + 0.37 * i as f64, center.y);
    let cold = row("drag, cold", 200, |i| {
        let prompt = Prompt::Drag { center: elsewhere(i), radius: 160.0 };
        outliner.outline(prompt, &[]).expect("the mark is inside");
    });
    row("drag, cold, 30 mm", 50, |i| {
        let prompt = Prompt::Drag { center: elsewhere(i), radius: 600.0 };
        outliner.outline(prompt, &[]).expect("the mark is inside");
    });
    let live = row("drag, live: 20 to 320 pixels", 300, |i| {
        let prompt = Prompt::Drag { center, radius: 20.0 + i as f64 };
        outliner.outline(prompt, &[]).expect("the mark is inside");
    });
    row("box, live", 200, |i| {
        let corner = ImagePoint::new(center.x + 40.0 + i as f64, center.y + 60.0 + i as f64);
        let start = ImagePoint::new(center.x - 150.0, center.y - 160.0);
        let prompt = Prompt::Box(ImageRect::from_corners(start, corner));
        outliner.outline(prompt, &[]).expect("the mark is inside");
    });
    row("click, cold", 100, |i| {
        outliner.outline(Prompt::Click(elsewhere(i)), &[]).expect("the mark is inside");
    });
    let prompt = Prompt::Drag { center, radius: 160.0 };
    let settled: Vec<Correction> = (0..6)
        .map(|i| {
            let angle = f64::from(i);
            let (x, y) = (center.x + 170.0 * angle.cos(), center.y + 150.0 * angle.sin());
            Correction::Through(ImagePoint::new(x, y))
        })
        .collect();
    row("pulling a seventh point, live", 200, |i| {
        let pulled = ImagePoint::new(center.x + 120.0 + 0.5 * i as f64, center.y - 30.0);
        let corrections = [&settled[..], &[Correction::Through(pulled)]].concat();
        outliner.outline(prompt, &corrections).expect("the points are inside");
    });
    let contour = outliner.outline(prompt, &[]).expect("the mark is inside").contour;
    row("measures", 50, |_| {
        outliner.measure(&contour);
    });
    println!("live drag takes {:.2} of a cold one", live / cold);
}

/// Times `count` calls, prints a row of the table, and tells the median.
fn row(step: &str, count: usize, mut call: impl FnMut(usize)) -> f64 {
    let mut elapsed: Vec<f64> = (0..count)
        .map(|i| {
            let start = Instant::now();
            call(i);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    elapsed.sort_by(f64::total_cmp);
    let at = |share: f64| elapsed[((count - 1) as f64 * share).round() as usize];
    println!("| {step} | {:.2} | {:.2} | {:.2} |", at(0.5), at(0.95), at(1.0));
    at(0.5)
}

/// Regions on which the rivals run as well.
const REGIONS: u64 = 24;

fn rivals() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut random = Random::new(7);
    let (mut ours, mut circle, mut elapsed) = (Vec::new(), Vec::new(), Vec::new());
    let mut truths = Vec::new();
    let mut list = String::new();
    for seed in 0..REGIONS {
        let drawn = Phantom::region().draw(seed);
        let mass = drawn.mass;
        let radius = mass.radius_mm / 0.1;
        let (angle, off) =
            (random.uniform(0.0, 6.3), 0.15 * radius * random.uniform(0.0, 1.0).sqrt());
        let center =
            ImagePoint::new(mass.center.x + off * angle.cos(), mass.center.y + off * angle.sin());
        let radius = radius * random.uniform(0.8, 1.2);
        let file = folder.path().join(format!("{seed}.u16"));
        let bytes: Vec<u8> = drawn.mammogram.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        std::fs::write(&file, bytes).expect("the temporary folder takes the regions");
        list.push_str(&format!("{} {} {} {radius}\n", file.display(), center.x, center.y));

        let mut outliner = Outliner::new(Arc::new(drawn.mammogram));
        let start = Instant::now();
        let outline = outliner.outline(Prompt::Drag { center, radius }, &[]);
        elapsed.push(start.elapsed().as_secs_f64() * 1e3);
        ours.push(outline.expect("the mark is inside").contour.dice(&mass.contour));
        circle.push(Contour::circle(center, radius).dice(&mass.contour));
        truths.push(mass.contour);
    }
    let names = folder.path().join("regions.txt");
    std::fs::write(&names, list).expect("the temporary folder takes the list");

    println!("\n{REGIONS} phantom regions of 512 x 512, drag 15 % off centre, radius 20 % off");
    println!("| method | mean Dice | cold, median ms | ours / theirs |");
    println!("| --- | --- | --- | --- |");
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let own = median(elapsed);
    println!("| ours | {:.3} | {own:.2} | |", mean(&ours));
    println!("| the circle as drawn | {:.3} | | |", mean(&circle));
    for method in ["random-walker", "geodesic"] {
        match scikit_image(method, &names, &truths) {
            Some((dice, theirs)) => {
                println!("| {method} | {dice:.3} | {theirs:.1} | {:.3} |", own / theirs);
            }
            None => println!("| {method} | not set up | | |"),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean Dice and median ms of a rival; `None` where it is not there.
fn scikit_image(method: &str, list: &Path, truths: &[Contour]) -> Option<(f64, f64)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let output = Command::new(target.join("rivals/scikit-image/bin/python"))
        .arg(root.join("tests/bench/rivals/scikit_image.py"))
        .arg(method)
        .arg(list)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).expect("the script prints numbers");
    let mut lines = text.lines();
    let median = lines.next()?.parse().ok()?;
    let dice: Vec<f64> = lines
        .zip(truths)
        .map(|(line, truth)| {
            let numbers: Vec<f64> = line.split(' ').filter_map(|n| n.parse().ok()).collect();
            let points = numbers.chunks_exact(2).map(|p| ImagePoint::new(p[0], p[1])).collect();
            Contour::new(points).map_or(0.0, |contour| contour.dice(truth))
        })
        .collect();
    Some((mean(&dice), median))
}
