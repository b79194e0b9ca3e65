//! A list of regions as a table: its rows, their cells, and what a cell says.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;

use super::manifest::{Error, Fault};
use crate::lexicon::{BreastDensity, ImageLaterality};
use crate::mammogram::{Spacing, SpacingOrigin};

/// A list's text.
pub(super) type Reader = csv::Reader<Cursor<Vec<u8>>>;

/// A list and its header.
pub(super) fn open(path: &Path) -> Result<(Reader, csv::StringRecord), Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut text = std::fs::read(path).map_err(|source| failed(source.into()))?;
    // The reader counts the line feed behind a carriage return with the record after it.
    let mut next = text.clone().into_iter().skip(1);
    text.retain(|byte| !(next.next() == Some(b'\n') && *byte == b'\r'));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(Cursor::new(text));
    let header = reader.headers().map_err(failed)?.clone();
    let mut columns = HashSet::new();
    match header.iter().find(|column| !columns.insert(*column)) {
        Some(column) => Err(Error::RepeatedColumn { column: column.to_owned() }),
        None => Ok((reader, header)),
    }
}

/// Every row of a list, and what is wrong with those that cannot be used.
pub(super) fn parsed<T>(
    path: &Path,
    reader: Reader,
    header: &csv::StringRecord,
    parse: impl Fn(u64, &Cells<'_>) -> Result<T, String>,
) -> Result<(Vec<T>, Vec<Fault>), Error> {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        let (line, row) = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let row = if record.len() == header.len() {
                    parse(line, &Cells { header, record: &record })
                } else {
                    Err(format!("it has {} cells where {} belong", record.len(), header.len()))
                };
                (line, row)
            }
            Err(source) if source.is_io_error() => {
                return Err(Error::Open { path: path.to_owned(), source });
            }
            Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
        };
        match row {
            Ok(row) => rows.push(row),
            Err(reason) => faults.push(Fault { line, reason }),
        }
    }
    Ok((rows, faults))
}

/// The cells of one row, by column.
pub(super) struct Cells<'a> {
    pub(super) header: &'a csv::StringRecord,
    pub(super) record: &'a csv::StringRecord,
}

impl<'a> Cells<'a> {
    /// The cell, `None` where it is empty or the column is absent.
    pub(super) fn get(&self, column: &str) -> Option<&'a str> {
        let position = self.header.iter().position(|h| h == column)?;
        self.record.get(position).filter(|cell| !cell.is_empty())
    }

    pub(super) fn require(&self, column: &str) -> Result<&'a str, String> {
        self.get(column).ok_or_else(|| format!("`{column}` is empty"))
    }

    /// The cell as a value; `parse` gives `None` for a text that has no meaning.
    pub(super) fn parse<T>(
        &self,
        column: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        self.get(column)
            .map(|cell| parse(cell).ok_or_else(|| format!("`{column}` cannot be \"{cell}\"")))
            .transpose()
    }
}

/// A frame's number, from 1.
pub(super) fn frame(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

pub(super) fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// `a` to `d`, or 1 to 4.
pub(super) fn breast_density(text: &str) -> Option<BreastDensity> {
    let digit = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    digit.map_or_else(|| BreastDensity::from_word(text), |idx| BreastDensity::ALL.get(idx).copied())
}

pub(super) fn laterality(text: &str) -> Option<ImageLaterality> {
    match text.to_ascii_uppercase().as_str() {
        "RIGHT" => Some(ImageLaterality::Right),
        "LEFT" => Some(ImageLaterality::Left),
        word => ImageLaterality::from_word(word),
    }
}

pub(super) fn pixel_origin(text: &str) -> Option<SpacingOrigin> {
    match text {
        "scanner" => Some(SpacingOrigin::FilmScanner),
        "stated" => Some(SpacingOrigin::Stated),
        _ => None,
    }
}

/// The side of a pixel in mm.
pub(super) fn pixel_mm(text: &str) -> Option<f64> {
    positive(text).filter(|mm| Spacing::POSSIBLE_MM.contains(mm))
}

pub(super) fn positive(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0)
}
