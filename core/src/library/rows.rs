//! A row of the database becomes a [`Case`], and back.

use rusqlite::{Row, ToSql, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::identity::PatientIdx;
use crate::case::{Case, CaseId, Terms};
use crate::geometry::Contour;
use crate::lexicon::{
    Assessment, BreastDensity, ImageLaterality, MassMargin, MassShape, Pathology, ViewPosition,
};

pub(super) const SELECT: &str = "SELECT case_idx, id, patient_idx, picture, pathology, \
    outcome_basis, source, notes, image_laterality, view_position, mass_shape, mass_margin, \
    breast_density, assessment, age, spacing, contour, measures, cautions, vector \
    FROM cases LEFT JOIN descriptor USING (case_idx) ORDER BY case_idx";

/// The columns that [`SELECT`] reads, before the case's own values are trusted.
pub(super) struct Record {
    pub(super) patient_idx: PatientIdx,
    pub(super) case: Case,
    pub(super) vector: Option<Vec<u8>>,
}

/// Reads a row; the message says which column has no meaning.
pub(super) fn record(row: &Row<'_>) -> Result<Record, String> {
    let word = |column: &'static str| -> Result<Option<String>, String> { get(row, column) };
    let case = Case {
        id: CaseId(get(row, "id")?),
        pathology: required(Pathology::from_word, "pathology", &get::<String>(row, "pathology")?)?,
        outcome_basis: get(row, "outcome_basis")?,
        source: get(row, "source")?,
        notes: get(row, "notes")?,
        terms: Terms {
            mass_shape: optional(MassShape::from_word, "mass_shape", word("mass_shape")?)?,
            mass_margin: optional(MassMargin::from_word, "mass_margin", word("mass_margin")?)?,
            breast_density: optional(
                BreastDensity::from_word,
                "breast_density",
                word("breast_density")?,
            )?,
            assessment: optional(Assessment::from_word, "assessment", word("assessment")?)?,
            age: get(row, "age")?,
        },
        image_laterality: optional(
            ImageLaterality::from_word,
            "image_laterality",
            word("image_laterality")?,
        )?,
        view_position: optional(ViewPosition::from_word, "view_position", word("view_position")?)?,
        spacing: json(row, "spacing")?,
        contour: Contour::new(json(row, "contour")?)
            .ok_or("`contour` is no closed line".to_owned())?,
        measures: json(row, "measures")?,
        picture: get(row, "picture")?,
        cautions: json(row, "cautions")?,
    };
    Ok(Record { patient_idx: get(row, "patient_idx")?, case, vector: get(row, "vector")? })
}

/// Writes a case and gives its position.
pub(super) fn insert(
    db: &rusqlite::Connection,
    case: &Case,
    patient_idx: PatientIdx,
    film: &[u8; 32],
) -> rusqlite::Result<i64> {
    let terms = &case.terms;
    db.prepare_cached(
        "INSERT INTO cases (id, patient_idx, film, picture, pathology, outcome_basis, source, \
         notes, image_laterality, view_position, mass_shape, mass_margin, breast_density, \
         assessment, age, spacing, contour, measures, cautions) VALUES (:id, :patient_idx, :film, \
         :picture, :pathology, :outcome_basis, :source, :notes, :image_laterality, \
         :view_position, :mass_shape, :mass_margin, :breast_density, :assessment, :age, \
         :spacing, :contour, :measures, :cautions)",
    )?
    .execute(named_params! {
        ":id": case.id.0,
        ":patient_idx": patient_idx,
        ":film": film.as_slice(),
        ":picture": case.picture,
        ":pathology": case.pathology.word(),
        ":outcome_basis": case.outcome_basis,
        ":source": case.source,
        ":notes": case.notes,
        ":image_laterality": case.image_laterality.map(ImageLaterality::word),
        ":view_position": case.view_position.map(ViewPosition::word),
        ":mass_shape": terms.mass_shape.map(MassShape::word),
        ":mass_margin": terms.mass_margin.map(MassMargin::word),
        ":breast_density": terms.breast_density.map(BreastDensity::word),
        ":assessment": terms.assessment.map(Assessment::word),
        ":age": terms.age,
        ":spacing": to_json(&case.spacing),
        ":contour": to_json(&case.contour.points()),
        ":measures": to_json(&case.measures),
        ":cautions": to_json(&case.cautions),
    })?;
    Ok(db.last_insert_rowid())
}

/// A vector as little-endian 32-bit floats.
pub(super) fn vector_to_bytes(values: &[f32]) -> impl ToSql + use<> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()
}

pub(super) fn vector_from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (values, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| values.iter().map(|v| f32::from_le_bytes(*v)).collect())
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values without maps become JSON")
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: &'static str) -> Result<T, String> {
    row.get(column).map_err(|error| format!("`{column}` cannot be read: {error}"))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T, String> {
    let text: String = get(row, column)?;
    serde_json::from_str(&text).map_err(|error| format!("`{column}` cannot be read: {error}"))
}

fn required<T>(
    from_word: impl Fn(&str) -> Option<T>,
    column: &str,
    word: &str,
) -> Result<T, String> {
    from_word(word).ok_or_else(|| format!("`{column}` has the unknown word \"{word}\""))
}

fn optional<T>(
    from_word: impl Fn(&str) -> Option<T>,
    column: &str,
    word: Option<String>,
) -> Result<Option<T>, String> {
    word.map(|word| required(from_word, column, &word)).transpose()
}
