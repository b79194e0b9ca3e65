//! Small drawings for the report, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
/// Room for the axes.
const LEFT: f64 = 48.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 150.0;
const COLORS: [&str; 4] = ["#00897b", "#ef6c00", "#5e35b1", "#546e7a"];

/// A line with its name.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over two axes from `x.0` to `x.1` and `y.0` to `y.1`.
pub(crate) fn lines(lines: &[Line], x: (f64, f64), y: (f64, f64), titles: (&str, &str)) -> String {
    let mut svg = open();
    axes(&mut svg, x, y, titles);
    for (idx, line) in lines.iter().enumerate() {
        let color = COLORS[idx % COLORS.len()];
        let points = line.points.iter().fold(String::new(), |mut text, (px, py)| {
            let _ = write!(text, "{:.1},{:.1} ", across(*px, x), down(*py, y));
            text
        });
        let _ = write!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"{color}\">{}</text>",
            WIDTH - RIGHT + 10.0,
            TOP + 14.0 + 18.0 * idx as f64,
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

fn open() -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
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
