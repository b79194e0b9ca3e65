//! Small drawings for the report, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 670.0;
const HEIGHT: f64 = 320.0;
/// Room for the axes.
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 240.0;
/// Step of the legend's lines.
const LEGEND: f64 = 16.0;
const COLORS: [&str; 8] =
    ["#00897b", "#ef6c00", "#5e35b1", "#546e7a", "#c2185b", "#1e88e5", "#827717", "#6d4c41"];
/// Once the colours are used up, lines are dashed.
const DASHES: [&str; 3] = ["", "6 3", "2 3"];

/// A line with its name.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over two axes from `x.0` to `x.1` and `y.0` to `y.1`.
pub(crate) fn lines(lines: &[Line], x: (f64, f64), y: (f64, f64), titles: (&str, &str)) -> String {
    let mut svg = open(HEIGHT.max(TOP + LEGEND * (lines.len() + 1) as f64));
    axes(&mut svg, x, y, titles);
    for (idx, line) in lines.iter().enumerate() {
        let color = COLORS[idx % COLORS.len()];
        let dash = DASHES[idx / COLORS.len() % DASHES.len()];
        let legend = TOP + 12.0 + LEGEND * idx as f64;
        let points = line.points.iter().fold(String::new(), |mut text, (px, py)| {
            let _ = write!(text, "{:.1},{:.1} ", across(*px, x), down(*py, y));
            text
        });
        let _ = write!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" \
             stroke-dasharray=\"{dash}\"/><line x1=\"{:.0}\" x2=\"{:.0}\" y1=\"{:.0}\" y2=\"{:.0}\" \
             stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>\
             <text x=\"{:.0}\" y=\"{legend:.0}\">{}</text>",
            WIDTH - RIGHT + 10.0,
            WIDTH - RIGHT + 30.0,
            legend - 4.0,
            legend - 4.0,
            WIDTH - RIGHT + 36.0,
            escaped(&line.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A mean with its interval.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) pairs: [(f64, f64, f64); 2],
}

/// For each name two intervals beside each other, `low, mean, high`, named as `kinds` say.
pub(super) fn intervals(bars: &[Bar], x: (f64, f64), kinds: [&str; 2], title: &str) -> String {
    let height = TOP + BOTTOM + 40.0 * bars.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" font-size=\"12\" font-family=\"sans-serif\">"
    );
    let place = |value: f64| {
        let share = ((value - x.0) / (x.1 - x.0)).clamp(0.0, 1.0);
        120.0 + share * (WIDTH - 120.0 - RIGHT)
    };
    for step in 0..=5 {
        let value = x.0 + (x.1 - x.0) * f64::from(step) / 5.0;
        let at = place(value);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{:.0}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{value:.2}</text>",
            height - BOTTOM,
            height - BOTTOM + 15.0
        );
    }
    for (idx, bar) in bars.iter().enumerate() {
        let middle = TOP + 20.0 + 40.0 * idx as f64;
        let _ =
            write!(svg, "<text x=\"0\" y=\"{:.0}\">{}</text>", middle + 4.0, escaped(&bar.name));
        for (kind, (low, mean, high)) in bar.pairs.iter().enumerate() {
            let (at, color) = (middle - 6.0 + 12.0 * kind as f64, COLORS[kind]);
            let _ = write!(
                svg,
                "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{at}\" y2=\"{at}\" stroke=\"{color}\" \
                 stroke-width=\"2\"/><circle cx=\"{:.1}\" cy=\"{at}\" r=\"4\" fill=\"{color}\"/>",
                place(*low),
                place(*high),
                place(*mean)
            );
        }
    }
    for (idx, kind) in kinds.iter().enumerate() {
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{}\">{}</text>",
            WIDTH - RIGHT + 16.0,
            TOP + 14.0 + 18.0 * idx as f64,
            COLORS[idx],
            escaped(kind)
        );
    }
    let _ =
        write!(svg, "<text x=\"120\" y=\"{:.0}\">{}</text></svg>", height - 4.0, escaped(title));
    svg
}

/// A row each: name, and `low, mean, high`. A dashed line marks what chance gives.
pub(super) fn whiskers(
    rows: &[(String, (f64, f64, f64))],
    x: (f64, f64),
    chance: Option<f64>,
    title: &str,
) -> String {
    const NAMES: f64 = 260.0;
    const STEP: f64 = 20.0;
    let height = TOP + BOTTOM + STEP * rows.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" font-size=\"12\" font-family=\"sans-serif\">"
    );
    let place = |value: f64| {
        let share = ((value - x.0) / (x.1 - x.0)).clamp(0.0, 1.0);
        NAMES + share * (WIDTH - NAMES - 30.0)
    };
    let bottom = height - BOTTOM;
    for step in 0..=5 {
        let value = x.0 + (x.1 - x.0) * f64::from(step) / 5.0;
        let at = place(value);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom:.0}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{value:.2}</text>",
            bottom + 15.0
        );
    }
    if let Some(chance) = chance {
        let at = place(chance);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom:.0}\" stroke=\"#555\" \
             stroke-dasharray=\"4 3\"/>"
        );
    }
    for (idx, (name, (low, mean, high))) in rows.iter().enumerate() {
        let at = TOP + STEP * (idx as f64 + 0.5);
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text><line x1=\"{:.1}\" \
             x2=\"{:.1}\" y1=\"{at}\" y2=\"{at}\" stroke=\"{color}\" stroke-width=\"2\"/>\
             <circle cx=\"{:.1}\" cy=\"{at}\" r=\"4\" fill=\"{color}\"/>",
            NAMES - 10.0,
            at + 4.0,
            escaped(name),
            place(*low),
            place(*high),
            place(*mean),
            color = COLORS[0]
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{NAMES}\" y=\"{:.0}\">{}</text></svg>",
        height - 4.0,
        escaped(title)
    );
    svg
}

fn open(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" font-size=\"12\" font-family=\"sans-serif\">"
    )
}

fn across(value: f64, (low, high): (f64, f64)) -> f64 {
    LEFT + ((value - low) / (high - low)).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

fn down(value: f64, (low, high): (f64, f64)) -> f64 {
    HEIGHT - BOTTOM - ((value - low) / (high - low)).clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
}

fn axes(svg: &mut String, x: (f64, f64), y: (f64, f64), titles: (&str, &str)) {
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let (vx, vy) = (x.0 + share * (x.1 - x.0), y.0 + share * (y.1 - y.0));
        let (px, py) = (across(vx, x), down(vy, y));
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{py:.1}\" y2=\"{py:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{vy:.2}</text>\
             <text x=\"{px:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 5.0,
            py + 4.0,
            HEIGHT - BOTTOM + 15.0,
            (vx * 100.0).round() / 100.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\
         <text x=\"{LEFT}\" y=\"10\">{}</text>",
        0.5 * (LEFT + WIDTH - RIGHT),
        HEIGHT - 4.0,
        escaped(titles.0),
        escaped(titles.1)
    );
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
