//! The learning curve: a table for machines and two drawings for people.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checkpoint::{self, Error};
use super::validation::Validation;
use crate::evaluation::plot::{self, Line};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Epochs done, as a fraction.
    pub epoch: f64,
    /// Mean of the loss over the steps since the last point; `None` where none had a tuple.
    pub loss: Option<f64>,
    /// Share of queries since the last point that had something to learn; `None` without queries.
    pub active: Option<f64>,
    /// At the end of an epoch, and before the first.
    pub validation: Option<Validation>,
}

/// Writes `curve.csv`, `loss.svg` and `validation.svg` whole.
pub(super) fn write(dir: &Path, points: &[Point]) -> Result<(), Error> {
    checkpoint::write(&dir.join("curve.csv"), table(points).as_bytes())?;
    let epochs = points.last().map_or(1.0, |p| p.epoch).max(1.0);
    let series = |of: &dyn Fn(&Point) -> Option<f64>| -> Vec<(f64, f64)> {
        points.iter().filter_map(|p| Some((p.epoch, of(p)?))).collect()
    };
    let validated = |of: &'static dyn Fn(&Validation) -> f64| {
        series(&move |p: &Point| p.validation.as_ref().map(of))
    };
    let losses = [
        Line { name: "training".to_owned(), points: series(&|p| p.loss) },
        Line { name: "validation".to_owned(), points: validated(&|v| v.loss) },
    ];
    let highest = losses.iter().flat_map(|l| &l.points).map(|p| p.1).fold(1e-3, f64::max);
    let drawing = plot::lines(&losses, (0.0, epochs), (0.0, highest), ("epoch", "loss"));
    checkpoint::write(&dir.join("loss.svg"), drawing.as_bytes())?;
    let figures = [
        Line { name: "recall@1".to_owned(), points: validated(&|v| v.recall[0]) },
        Line { name: "recall@5".to_owned(), points: validated(&|v| v.recall[4]) },
        Line { name: "mAP".to_owned(), points: validated(&|v| v.mean_average_precision) },
    ];
    let drawing = plot::lines(&figures, (0.0, epochs), (0.0, 1.0), ("epoch", "validation"));
    checkpoint::write(&dir.join("validation.svg"), drawing.as_bytes())
}

fn table(points: &[Point]) -> String {
    let mut text =
        "epoch,loss,active,validation_loss,recall_1,recall_2,recall_3,recall_4,recall_5,\
                    mean_average_precision\n"
            .to_owned();
    for point in points {
        let loss = point.loss.map(|loss| format!("{loss:.6}")).unwrap_or_default();
        let active = point.active.map(|active| format!("{active:.3}")).unwrap_or_default();
        let _ = write!(text, "{:.4},{loss},{active},", point.epoch);
        match &point.validation {
            Some(v) => {
                let recall = v.recall.map(|r| format!("{r:.4}")).join(",");
                let _ = writeln!(text, "{:.6},{recall},{:.4}", v.loss, v.mean_average_precision);
            }
            None => text.push_str(",,,,,,\n"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_has_a_cell_for_each_column() {
        let validation = Validation {
            loss: 0.5,
            recall: [0.1, 0.2, 0.3, 0.4, 0.5],
            mean_average_precision: 0.6,
        };
        let points = [
            Point { epoch: 0.0, loss: None, active: None, validation: Some(validation) },
            Point { epoch: 0.5, loss: Some(1.25), active: Some(0.75), validation: None },
        ];
        let table = table(&points);
        assert!(table.lines().all(|line| line.split(',').count() == 10), "{table}");
        assert_eq!(
            table.lines().nth(1),
            Some("0.0000,,,0.500000,0.1000,0.2000,0.3000,0.4000,0.5000,0.6000")
        );
        assert_eq!(table.lines().nth(2), Some("0.5000,1.250000,0.750,,,,,,,"));
    }
}
