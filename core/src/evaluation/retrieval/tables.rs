//! The figures as CSV, for a spreadsheet; and a training run's curve from one.

use std::path::Path;

use super::report::{Experiment, Figure, Loss};
use crate::evaluation::Error;
use crate::import::manifest;

/// File name and content of each table.
pub fn csv(experiment: &Experiment) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("figures.csv", figures(experiment)),
        ("recall.csv", recall(experiment)),
        ("differences.csv", differences(experiment)),
        ("chance.csv", chance(experiment)),
    ]
}

/// A training run's curve: the first column is the iteration, every other one that holds numbers is
/// a line; a cell without a number is left out.
pub fn loss(path: &Path) -> Result<Loss, Error> {
    let open = |source| manifest::Error::Open { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(open)?;
    let header = reader.headers().map_err(open)?.clone();
    let mut lines: Vec<(String, Vec<(f64, f64)>)> =
        header.iter().skip(1).map(|name| (name.to_owned(), Vec::new())).collect();
    for record in reader.records() {
        let record = record.map_err(open)?;
        let number =
            |idx: usize| record.get(idx)?.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        let Some(x) = number(0) else { continue };
        for (idx, (_, points)) in lines.iter_mut().enumerate() {
            points.extend(number(idx + 1).map(|y| (x, y)));
        }
    }
    lines.retain(|(_, points)| points.len() > 1);
    let x = header.get(0).unwrap_or_default().to_owned();
    if lines.is_empty() {
        return Err(Error::Design(format!("{} holds no curve", path.display())));
    }
    Ok(Loss { x, lines })
}

fn figures(experiment: &Experiment) -> Vec<u8> {
    let mut rows = Rows::new(&["method", "scope", "figure", "value", "low", "high", "queries"]);
    for method in &experiment.methods {
        let mut put = |scope: &str, figures: &[Figure]| {
            for figure in figures {
                let Some(value) = figure.value else { continue };
                let numbers = [value.value, value.low, value.high].map(|v| format!("{v:.6}"));
                let [value, low, high] = numbers;
                let queries = figure.queries.to_string();
                let cells = [&method.name, scope, &figure.key, &value, &low, &high, &queries];
                rows.put(&cells.map(str::to_owned));
            }
        };
        put("all", &method.figures);
        put("own collection", method.within_collection.as_deref().unwrap_or_default());
        put("other collections", method.across_collections.as_deref().unwrap_or_default());
    }
    rows.done()
}

fn recall(experiment: &Experiment) -> Vec<u8> {
    let mut rows = Rows::new(&["method", "rank", "at_least_one", "classic_recall"]);
    for method in &experiment.methods {
        for (idx, (found, recall)) in method.found_within.iter().zip(&method.recall).enumerate() {
            let rank = (idx + 1).to_string();
            rows.put(&[method.name.clone(), rank, format!("{found:.6}"), format!("{recall:.6}")]);
        }
    }
    rows.done()
}

fn differences(experiment: &Experiment) -> Vec<u8> {
    let mut rows =
        Rows::new(&["first", "less", "figure", "difference", "low", "high", "beyond_noise"]);
    for difference in &experiment.differences {
        let value = difference.value;
        rows.put(&[
            difference.first.clone(),
            difference.second.clone(),
            difference.key.clone(),
            format!("{:.6}", value.value),
            format!("{:.6}", value.low),
            format!("{:.6}", value.high),
            difference.is_beyond_noise.to_string(),
        ]);
    }
    rows.done()
}

fn chance(experiment: &Experiment) -> Vec<u8> {
    let mut rows = Rows::new(&["method", "figure", "null_mean", "null_sd", "p"]);
    for method in &experiment.methods {
        for told in &method.nulls {
            rows.put(&[
                method.name.clone(),
                told.key.to_owned(),
                format!("{:.6}", told.null.mean),
                format!("{:.6}", told.null.standard_deviation),
                format!("{:.6}", told.null.p),
            ]);
        }
    }
    rows.done()
}

struct Rows(csv::Writer<Vec<u8>>);

impl Rows {
    fn new(head: &[&str]) -> Self {
        let mut rows = Self(csv::Writer::from_writer(Vec::new()));
        rows.put(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        rows
    }

    fn put(&mut self, cells: &[String]) {
        self.0.write_record(cells).expect("memory takes a row of as many cells");
    }

    fn done(self) -> Vec<u8> {
        self.0.into_inner().expect("memory is never full here")
    }
}
