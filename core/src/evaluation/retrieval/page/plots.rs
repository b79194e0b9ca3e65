//! The page's drawings.

use std::fmt::Write;

use super::super::figures::Task;
use super::super::report::{Decision, Experiment, Kind, Method};
use crate::evaluation::plot::{self, Line, escaped};

const RIGHT: &str = "#2e7d32";
const WRONG: &str = "#c62828";
const QUERY: &str = "#37474f";

pub(super) fn curves(page: &mut String, experiment: &Experiment) {
    page.push_str("<h2>Recall by rank, and mean average precision</h2><div class=\"pair\">");
    let lines = |pick: &dyn Fn(&Method) -> &[f64]| -> Vec<Line> {
        let by_rank = |values: &[f64]| {
            values.iter().enumerate().map(|(idx, value)| ((idx + 1) as f64, *value)).collect()
        };
        drawn(experiment).map(|m| Line { name: m.name.clone(), points: by_rank(pick(m)) }).collect()
    };
    let classic = lines(&|m| &m.recall);
    let found = lines(&|m| &m.found_within);
    let top = |lines: &[Line]| {
        let most = lines.iter().flat_map(|l| &l.points).map(|p| p.1).fold(0.05, f64::max);
        (20.0 * most).ceil() / 20.0
    };
    page.push_str(&plot::lines(
        &classic,
        (0.0, 25.0),
        (0.0, top(&classic)),
        ("N", "classic recall@N"),
    ));
    page.push_str(&plot::lines(
        &found,
        (0.0, 25.0),
        (0.0, 1.0),
        ("N", "at least one relevant in N"),
    ));
    page.push_str("</div>");
    whiskers(page, experiment, "map", "mAP, mean over classes, 95 % interval");
}

/// Methods that a line is drawn for: of sums the first alone, lest colours run out.
fn drawn(experiment: &Experiment) -> impl Iterator<Item = &Method> {
    let is_sum = |method: &Method| method.kind == Kind::Fused;
    let first = experiment.methods.iter().position(is_sum);
    let methods = experiment.methods.iter().enumerate();
    methods.filter(move |(idx, m)| !is_sum(m) || Some(*idx) == first).map(|(_, method)| method)
}

/// A row a method: the figure with its interval, and chance as a dashed line.
fn whiskers(page: &mut String, experiment: &Experiment, key: &str, title: &str) {
    let told: Vec<(String, (f64, f64, f64))> = experiment
        .methods
        .iter()
        .filter_map(|m| m.value(key).map(|v| (m.name.clone(), (v.low, v.value, v.high))))
        .collect();
    if told.is_empty() {
        return;
    }
    let low = told.iter().map(|(_, v)| v.0).fold(1.0, f64::min);
    let high = told.iter().map(|(_, v)| v.2).fold(0.0, f64::max);
    // Five even steps from a tenth, as short as hold all; none of these figures exceeds 1.
    let start = (10.0 * low).floor() / 10.0;
    let fits = |step: &f64| start + 5.0 * step >= high - 1e-9;
    let length = 5.0 * [0.05, 0.1, 0.2].into_iter().find(fits).unwrap_or(0.2);
    let start = start.min(1.0 - length);
    let range = (start, start + length);
    let chance = experiment.methods.iter().find(|m| m.kind == Kind::Random);
    let chance = chance.and_then(|m| m.value(key)).map(|v| v.value);
    page.push_str(&plot::whiskers(&told, range, chance, title));
}

pub(super) fn decisions(page: &mut String, experiment: &Experiment) {
    page.push_str("<h2>The decision index</h2>");
    for task in Task::ALL {
        let told = |method: &Method| method.decisions.iter().find(|d| d.key == task.key()).cloned();
        let told: Vec<(&Method, Decision)> = drawn(experiment)
            .filter(|m| m.value(task.key()).is_some())
            .filter_map(|m| told(m).map(|d| (m, d)))
            .collect();
        if told.is_empty() {
            continue;
        }
        let _ = write!(page, "<h3>{}</h3><div class=\"pair\">", escaped(task.words()));
        let curves: Vec<Line> = told
            .iter()
            .map(|(m, d)| Line { name: m.name.clone(), points: d.roc.clone() })
            .collect();
        page.push_str(&plot::lines(
            &curves,
            (0.0, 1.0),
            (0.0, 1.0),
            ("1 - specificity", "sensitivity"),
        ));
        let gated: Vec<Line> = told
            .iter()
            .map(|(m, d)| Line {
                name: m.name.clone(),
                points: d
                    .gated
                    .iter()
                    .filter(|g| g.positives >= 5 && g.negatives >= 5)
                    .filter_map(|g| g.area.map(|area| (g.coverage, area)))
                    .collect(),
            })
            .collect();
        page.push_str(&plot::lines(
            &gated,
            (0.0, 1.0),
            (0.0, 1.0),
            ("share of queries answered, closest precedents first", "AUC"),
        ));
        page.push_str("</div>");
        whiskers(page, experiment, task.key(), &format!("{}, 95 % interval", task.words()));
    }
}

pub(super) fn loss(page: &mut String, experiment: &Experiment) {
    let Some(loss) = &experiment.loss else { return };
    page.push_str("<h2>A training run</h2>");
    // What is a loss has one scale, what is a share another.
    for is_loss in [true, false] {
        let lines: Vec<Line> = loss
            .lines
            .iter()
            .filter(|(name, _)| name.contains("loss") == is_loss)
            .map(|(name, points)| Line { name: name.clone(), points: points.clone() })
            .collect();
        if lines.is_empty() {
            continue;
        }
        let points = || lines.iter().flat_map(|line| &line.points);
        let right = points().map(|p| p.0).fold(1.0, f64::max);
        let most = points().map(|p| p.1).fold(0.0, f64::max);
        let top = if most > 0.0 { (20.0 * most).ceil() / 20.0 } else { 1.0 };
        let title = if is_loss { "loss" } else { "validation" };
        page.push_str(&plot::lines(&lines, (0.0, right), (0.0, top), (&loss.x, title)));
    }
}

pub(super) fn strips(page: &mut String, experiment: &Experiment) {
    if experiment.strips.is_empty() {
        return;
    }
    let first = experiment.methods.first().map(|m| m.name.as_str()).unwrap_or_default();
    let _ = write!(
        page,
        "<h2>The first ten</h2><p class=\"note\">By {}: of each class the queries with the best, \
         the median and the worst average precision. Left the query; green has its class, red has \
         not. Every picture shows the encoder's square, so sizes are not to scale.</p>",
        escaped(first)
    );
    for strip in &experiment.strips {
        let _ = write!(
            page,
            "<h3>{} (average precision {:.2})</h3><div class=\"strip\">",
            escaped(&strip.title),
            strip.average_precision
        );
        let mut figure = |picture: &str, caption: &str| {
            let _ = write!(
                page,
                "<figure>{picture}<figcaption>{}</figcaption></figure>",
                escaped(caption)
            );
        };
        figure(&strip.query.1.svg(QUERY), &strip.query.0);
        for (name, picture, is_right) in &strip.nearest {
            figure(&picture.svg(if *is_right { RIGHT } else { WRONG }), name);
        }
        page.push_str("</div>");
    }
}
