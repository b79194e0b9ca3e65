//! The report for a person: a text of tables, and a page with plots and pictures that needs no
//! other file.

use std::fmt::Write;

use image::{GrayImage, ImageFormat, Luma};

use super::cases::Case;
use super::corrections::TOLD;
use super::plot::{self, Bar, Line, escaped};
use super::report::{ControlRow, CorrectionRow, Report, Row};
use super::statistics::Estimate;
use crate::geometry::Contour;

/// Stands over every report.
pub const CAVEAT: &str = "Phantoms are masses drawn by this program into normal tissue: they choose \
    defaults and show faults, and are no evidence of accuracy on patients. The circles of \
    mini-MIAS are rough marks, not outlines, and a drawn circle fits them by its form alone. Only \
    outlines drawn by readers, on cases that no setting was chosen on, are evidence.";

/// A case as it is shown: its film around the mass, and three contours on it.
#[derive(Debug, Clone)]
pub struct Outlined {
    name: String,
    stratum: String,
    dice: f64,
    png: Vec<u8>,
    side: u32,
    /// Truth, drawn shape, program; in pixels of the picture.
    contours: [Contour; 3],
}

const PICTURE: u32 = 260;
const CONTOUR_COLORS: [&str; 3] = ["#40c4ff", "#ff9100", "#00e676"];

impl Outlined {
    pub(super) fn new(case: &Case, found: &Contour, drawn: &Contour) -> Self {
        let film = &case.film;
        let bounds = case.truth.bounds();
        let half = 1.1 * bounds.width().max(bounds.height()).max(4.0);
        let (left, top) = (bounds.center().x - half, bounds.center().y - half);
        let zoom = f64::from(PICTURE) / (2.0 * half);
        let (columns, rows) = (i64::from(film.columns), i64::from(film.rows));
        let sample = |x: u32, y: u32| {
            let column = (left + (f64::from(x) + 0.5) / zoom).floor() as i64;
            let row = (top + (f64::from(y) + 0.5) / zoom).floor() as i64;
            let inside = (0..columns).contains(&column) && (0..rows).contains(&row);
            inside.then(|| film.samples[(row * columns + column) as usize])
        };
        // From the second to the last but second hundredth of what is seen.
        let grey = film.grey_table();
        let pixels = || (0..PICTURE).flat_map(|y| (0..PICTURE).map(move |x| (x, y)));
        let mut seen: Vec<f32> =
            pixels().filter_map(|(x, y)| sample(x, y)).map(|s| grey[usize::from(s)]).collect();
        seen.sort_by(f32::total_cmp);
        let at = |share: usize| seen.get(seen.len() * share / 100).copied().unwrap_or_default();
        let (low, range) = (at(2), (at(98) - at(2)).max(f32::MIN_POSITIVE));
        let picture = GrayImage::from_fn(PICTURE, PICTURE, |x, y| {
            let shown = sample(x, y).map_or(0.0, |s| (grey[usize::from(s)] - low) / range);
            Luma([(255.0 * shown).clamp(0.0, 255.0) as u8])
        });
        let mut png = std::io::Cursor::new(Vec::new());
        let written = picture.write_to(&mut png, ImageFormat::Png);
        written.expect("memory takes a small picture");
        let placed = |c: &Contour| c.moved(-left, -top).scaled(zoom, zoom);
        Self {
            name: case.name.clone(),
            stratum: case.stratum.clone(),
            dice: found.dice(&case.truth),
            png: png.into_inner(),
            side: PICTURE,
            contours: [placed(&case.truth), placed(drawn), placed(found)],
        }
    }

    fn svg(&self) -> String {
        let side = self.side;
        let mut svg = format!(
            "<figure><svg viewBox=\"0 0 {side} {side}\" width=\"{side}\" height=\"{side}\">\
             <image href=\"data:image/png;base64,{}\" width=\"{side}\" height=\"{side}\"/>",
            base64(&self.png)
        );
        for (contour, color) in self.contours.iter().zip(CONTOUR_COLORS) {
            let points = contour.points().iter().fold(String::new(), |mut text, p| {
                let _ = write!(text, "{:.1},{:.1} ", p.x, p.y);
                text
            });
            let _ = write!(
                svg,
                "<polygon points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>"
            );
        }
        let _ = write!(
            svg,
            "</svg><figcaption>{}, {}, Dice {:.2}</figcaption></figure>",
            escaped(&self.name),
            escaped(&self.stratum),
            self.dice
        );
        svg
    }
}

/// Every report as one text of tables.
pub fn markdown(reports: &[Report]) -> String {
    let mut text = format!("# How well masses are outlined\n\n{CAVEAT}\n");
    for report in reports {
        let _ = write!(text, "\n## {}\n\n{}\n\n", report.collection, introduction(report));
        let tables = [
            row_table(&report.rows),
            control_table(&report.controls),
            correction_table(&report.corrections),
        ];
        for table in tables {
            let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
            text.push_str(&line(&table[0]));
            text.push_str(&line(&vec!["---".to_owned(); table[0].len()]));
            table[1..].iter().for_each(|cells| text.push_str(&line(cells)));
            text.push('\n');
        }
        for skipped in &report.skipped {
            let _ = writeln!(text, "- not used: {skipped}");
        }
    }
    text
}

/// Every report as one page, with plots and the best and worst outlines.
pub fn html(reports: &[Report]) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>How well masses are \
         outlined</title><style>body{{font-family:sans-serif;max-width:1400px;margin:2em auto;\
         padding:0 1em}}table{{border-collapse:collapse;font-size:13px}}td,th{{border:1px solid \
         #ccc;padding:2px 6px;text-align:right}}td:first-child,td:nth-child(2){{text-align:left}}\
         figure{{display:inline-block;margin:4px}}figcaption{{font-size:12px}}.caveat{{background:\
         #fff3e0;padding:1em}}</style><h1>How well masses are outlined</h1><p \
         class=\"caveat\">{}</p>",
        escaped(CAVEAT)
    );
    for report in reports {
        let _ = write!(
            page,
            "<h2>{}</h2><p>{}</p>",
            escaped(&report.collection),
            escaped(&introduction(report))
        );
        plots(&mut page, report);
        html_table(&mut page, &row_table(&report.rows));
        page.push_str("<h3>Beside other ways to a contour</h3>");
        html_table(&mut page, &control_table(&report.controls));
        page.push_str("<h3>After corrections</h3>");
        html_table(&mut page, &correction_table(&report.corrections));
        page.push_str(
            "<h3>The best outlines, then the worst</h3><p>By the mean Dice of the first way; the \
             first prompt is shown. Blue the truth, orange the drawn shape, green the program.</p>",
        );
        report.pictures.iter().for_each(|picture| page.push_str(&picture.svg()));
        if !report.skipped.is_empty() {
            page.push_str("<h3>Not used</h3><ul>");
            for skipped in &report.skipped {
                let _ = write!(page, "<li>{}</li>", escaped(skipped));
            }
            page.push_str("</ul>");
        }
    }
    page.push_str("</html>\n");
    page
}

fn introduction(report: &Report) -> String {
    let times = &report.times;
    format!(
        "{} cases of {} patients, {} prompts of each way on each case, seed {}; {} prompts \
         refused. In brackets: 95 % intervals, drawn by patient (of a phantom: of its tissue). \
         First outline on an open film: {:.1} ms, p95 {:.1} ms ({} of them); a pull: {:.1} ms, p95 \
         {:.1} ms ({} of them).",
        report.cases,
        report.patients,
        report.prompts_per_case,
        report.seed,
        report.refused,
        times.outline_p50,
        times.outline_p95,
        times.outlines,
        times.correction_p50,
        times.correction_p95,
        times.corrections
    )
}

fn estimate(value: &Estimate, digits: usize) -> String {
    format!("{:.digits$} [{:.digits$}, {:.digits$}]", value.mean, value.low, value.high)
}

fn row_table(rows: &[Row]) -> Vec<Vec<String>> {
    let head = [
        "way",
        "cases of",
        "n",
        "Dice",
        "drawn shape",
        "gain",
        "IoU",
        "HD95 mm",
        "mean distance mm",
        "IoU ≥ 0.6 (drawn)",
        "IoU ≥ 0.8 (drawn)",
        "worst tenth",
        "SD over prompts",
        "centre inside",
        "area ratio",
    ];
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let both = |found: f64, drawn: f64| format!("{} ({})", percent(found), percent(drawn));
    let line = |row: &Row| {
        vec![
            row.way.clone(),
            row.stratum.clone(),
            row.cases.to_string(),
            estimate(&row.dice, 3),
            estimate(&row.control_dice, 3),
            estimate(&row.gain, 3),
            estimate(&row.iou, 3),
            estimate(&row.hd95, 2),
            estimate(&row.mean_distance, 2),
            both(row.share_iou_60, row.control_share_iou_60),
            both(row.share_iou_80, row.control_share_iou_80),
            format!("{:.3}", row.worst_decile),
            row.spread.map_or("–".to_owned(), |spread| format!("{spread:.3}")),
            percent(row.center_inside_share),
            format!("{:.2}", row.median_area_ratio),
        ]
    };
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows.iter().map(line)).collect()
}

fn control_table(rows: &[ControlRow]) -> Vec<Vec<String>> {
    let head = ["compared with", "cases of", "n", "its Dice", "gain of the program", "found"];
    let line = |row: &ControlRow| {
        vec![
            row.control.words().to_owned(),
            row.stratum.clone(),
            row.cases.to_string(),
            estimate(&row.dice, 3),
            estimate(&row.gain, 3),
            format!("{:.0} %", 100.0 * row.found_share),
        ]
    };
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows.iter().map(line)).collect()
}

fn correction_table(rows: &[CorrectionRow]) -> Vec<Vec<String>> {
    let head = [
        "way",
        "cases of",
        "mends",
        "n",
        "Dice after 0",
        "1",
        "3",
        "5",
        "pulls to IoU 0.80",
        "0.85",
        "0.90",
        "not reached",
        "done at 0",
    ];
    let line = |row: &CorrectionRow| {
        let three = |shares: [f64; 3]| shares.map(|s| format!("{:.0} %", 100.0 * s)).join(" / ");
        let mut cells = vec![
            row.way.clone(),
            row.stratum.clone(),
            row.hand.words().to_owned(),
            row.cases.to_string(),
        ];
        cells.extend(row.dice_after.map(|dice| format!("{dice:.3}")));
        cells.extend(row.pulls.map(|pulls| format!("{pulls:.2}")));
        cells.extend([three(row.not_reached_share), three(row.done_at_once_share)]);
        cells
    };
    std::iter::once(head.map(str::to_owned).to_vec()).chain(rows.iter().map(line)).collect()
}

pub(super) fn html_table(page: &mut String, table: &[Vec<String>]) {
    page.push_str("<table>");
    for (idx, cells) in table.iter().enumerate() {
        let tag = if idx == 0 { "th" } else { "td" };
        page.push_str("<tr>");
        for cell in cells {
            let _ = write!(page, "<{tag}>{}</{tag}>", escaped(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

fn plots(page: &mut String, report: &Report) {
    let below = |name: &str, mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let count = values.len().max(1) as f64;
        let step = |(idx, value): (usize, &f64)| (*value, (idx + 1) as f64 / count);
        Line { name: name.to_owned(), points: values.iter().enumerate().map(step).collect() }
    };
    // Down to the tenth below what is shown.
    let floor = |values: &mut dyn Iterator<Item = f64>| {
        (10.0 * values.fold(0.8, f64::min) - 1e-9).floor() / 10.0
    };
    let low = floor(&mut report.dice.iter().flat_map(|(found, drawn)| [*found, *drawn]));
    let found = below("program", report.dice.iter().map(|(found, _)| *found).collect());
    let drawn = below("drawn shape", report.dice.iter().map(|(_, drawn)| *drawn).collect());
    let first = report.rows.first().map_or_else(String::new, |row| row.way.clone());
    let _ = write!(page, "<h3>Dice of the cases: {}</h3>", escaped(&first));
    page.push_str(&plot::lines(
        &[found, drawn],
        (low, 1.0),
        (0.0, 1.0),
        ("mean Dice of a case", "share of cases at or below"),
    ));
    let bars: Vec<Bar> = report
        .rows
        .iter()
        .filter(|row| row.way == first)
        .map(|row| Bar {
            name: row.stratum.clone(),
            pairs: [&row.dice, &row.control_dice].map(|e| (e.low, e.mean, e.high)),
        })
        .collect();
    let low = floor(&mut bars.iter().flat_map(|bar| bar.pairs.map(|(low, ..)| low)));
    page.push_str(&plot::intervals(
        &bars,
        (low, 1.0),
        ["program", "drawn shape"],
        "mean Dice, 95 % interval",
    ));
    let pulled: Vec<Line> = report
        .corrections
        .iter()
        .filter(|row| row.stratum == "all")
        .map(|row| Line {
            name: format!("{}, {:?}", row.way.split(',').next().unwrap_or_default(), row.hand),
            points: TOLD.iter().map(|n| *n as f64).zip(row.dice_after).collect(),
        })
        .collect();
    page.push_str("<h3>Dice after pulls</h3>");
    let low = floor(&mut pulled.iter().flat_map(|line| line.points.iter().map(|(_, dice)| *dice)));
    page.push_str(&plot::lines(&pulled, (0.0, 5.0), (low, 1.0), ("pulls", "mean Dice")));
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |idx: usize| u32::from(chunk.get(idx).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for sign in 0..4 {
            let six = bits >> (18 - 6 * sign) & 63;
            let is_there = sign <= chunk.len();
            text.push(if is_there { char::from(SIGNS[six as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standards_examples() {
        // RFC 4648, section 10.
        let examples =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (plain, coded) in examples {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
