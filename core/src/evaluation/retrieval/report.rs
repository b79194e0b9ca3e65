//! All that an experiment found, as plain values: what the JSON holds and the page draws.

use std::collections::BTreeMap;

use serde::Serialize;

use super::at_scale::Scale;
use super::chance::{Null, Value};
use super::pictures::Strip;

/// One experiment.
#[derive(Debug, Clone, Serialize)]
pub struct Experiment {
    pub set: Set,
    /// How questions and answers were drawn, in words.
    pub protocol: String,
    pub seed: u64,
    /// Draws of every interval.
    pub bootstrap_draws: usize,
    pub permutations: usize,
    /// The first is the one that the others are compared with; random order is the last.
    pub methods: Vec<Method>,
    /// The first method less each other one, on the same draws of patients.
    pub differences: Vec<Difference>,
    /// Bundles and shortened descriptors by what they were made with.
    pub effects: Vec<Effect>,
    pub source_probe: Vec<SourceProbe>,
    /// A training run's loss, as its file gives it.
    pub loss: Option<Loss>,
    /// Of drawn regions: time and memory.
    pub scale: Option<Scale>,
    #[serde(skip)]
    pub strips: Vec<Strip>,
}

/// What was asked about.
#[derive(Debug, Clone, Serialize)]
pub struct Set {
    pub regions: usize,
    pub patients: usize,
    pub queries: usize,
    /// Normal regions with a lesion's contrast.
    pub matched_normals: usize,
    /// By source: malignant, benign, normal.
    pub sources: BTreeMap<String, [usize; 3]>,
    pub skipped: Vec<String>,
    /// Regions of differently named patients that show one film.
    pub same_films: Vec<String>,
}

/// What kind of thing a method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// An encoder bundle, as the product uses it.
    Encoder,
    /// An encoder bundle with a layer behind it that was learnt from the library's outcomes.
    Learnt,
    /// A sum of others.
    Fused,
    /// A network that learnt nothing of this, pooled plainly.
    Untrained,
    /// By SIFT, as before networks.
    Sift,
    /// Measured numbers.
    Measures,
    /// No method.
    Random,
}

#[derive(Debug, Clone, Serialize)]
pub struct Method {
    pub name: String,
    pub kind: Kind,
    /// Length of its vectors, where it has any.
    pub dims: Option<usize>,
    /// What of the queries it was made from.
    pub seen: Option<Seen>,
    /// To describe one region, in this run.
    pub seconds_per_region: Option<f64>,
    pub figures: Vec<Figure>,
    pub nulls: Vec<TaskNull>,
    /// Macro means for ranks 1, 2 … 25: at least one relevant found; the share of the relevant.
    pub found_within: Vec<f64>,
    pub recall: Vec<f64>,
    pub decisions: Vec<Decision>,
    /// With the library of the query's own collection alone, and of the others alone.
    pub within_collection: Option<Vec<Figure>>,
    pub across_collections: Option<Vec<Figure>>,
}

/// Queries of patients whose films a method was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// `None` where an encoder does not tell what it was made from.
    pub queries: Option<usize>,
    /// Whether it learnt from their outcomes: then its figures are no test of it.
    pub uses_outcomes: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub key: String,
    pub title: String,
    /// `None` where there is nothing to count.
    pub value: Option<Value>,
    /// Queries that it is made of.
    pub queries: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct TaskNull {
    pub key: &'static str,
    pub null: Null,
}

/// How the decision index separates two kinds.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    pub key: &'static str,
    /// 1 - specificity, sensitivity.
    pub roc: Vec<(f64, f64)>,
    /// What is left when only queries with close precedents are answered.
    pub gated: Vec<Gated>,
}

/// The area over the queries with the closest precedents.
#[derive(Debug, Clone, Serialize)]
pub struct Gated {
    /// Share of the queries that are answered.
    pub coverage: f64,
    pub area: Option<f64>,
    pub positives: usize,
    pub negatives: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    pub first: String,
    pub second: String,
    pub key: String,
    pub title: String,
    pub value: Value,
    pub is_beyond_noise: bool,
}

/// One setting and what it gave.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    pub name: String,
    /// What varies: "clusters", "dims" …, with its value.
    pub settings: BTreeMap<String, String>,
    pub figures: Vec<Figure>,
}

/// Whether the ten nearest give away which source a region is from.
#[derive(Debug, Clone, Serialize)]
pub struct SourceProbe {
    pub method: String,
    /// All regions, or lesions alone.
    pub among: &'static str,
    pub sources: usize,
    /// Mean over sources of the share of their regions for which most of the ten nearest are of
    /// the same source.
    pub accuracy: f64,
    /// The same under sources dealt out anew.
    pub chance: f64,
    pub chance_deviation: f64,
    pub p: f64,
}

/// Columns of a training run's curve.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    pub x: String,
    /// Name, and points.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Seen {
    /// Stands behind the name of a method that knows some of the queries.
    pub fn mark(self) -> &'static str {
        ["", " *", " ?", " †"][self.weight()]
    }

    /// What stands against a method that is built on both.
    pub(super) fn worse(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    /// The more, the less its figures say.
    fn weight(self) -> usize {
        match self {
            Self { queries: Some(0), .. } => 0,
            Self { queries: None, .. } => 2,
            Self { uses_outcomes: false, .. } => 1,
            Self { uses_outcomes: true, .. } => 3,
        }
    }
}

impl Method {
    /// Its name, marked where it was made from what is asked about.
    pub fn marked_name(&self) -> String {
        format!("{}{}", self.name, self.seen.map_or("", Seen::mark))
    }

    pub fn value(&self, key: &str) -> Option<Value> {
        self.figures.iter().find(|figure| figure.key == key)?.value
    }
}
