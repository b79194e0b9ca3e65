//! Which regions should lie near a query, and how that is known.

use serde::{Deserialize, Serialize};

use super::config::{Config, LabelPositives};
use super::material::{Label, Region};

/// How it is known that two regions belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositiveSource {
    /// The same pathology.
    Class,
    /// The same pathology, and the same margin or shape.
    Terms,
    /// Structure from motion found enough of one in the other.
    Motion,
    /// It is the same region, in another window or turn.
    Augmentation,
}

impl PositiveSource {
    pub const ALL: [Self; 4] = [Self::Class, Self::Terms, Self::Motion, Self::Augmentation];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Terms => "terms",
            Self::Motion => "motion",
            Self::Augmentation => "augmentation",
        }
    }
}

/// A pair that should lie near each other; both are places in the material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Positive {
    pub query: usize,
    pub other: usize,
    pub source: PositiveSource,
}

/// The potential positives of a query among `training`: by its label, never of its own patient
/// ([`patients`](super::split::patients)), and by the pairs that were found in the pictures.
pub fn potential(
    regions: &[Region],
    patients: &[usize],
    training: &[usize],
    found: &[Positive],
    config: &Config,
    query: usize,
) -> Vec<Positive> {
    let own = &regions[query];
    let mut positives: Vec<Positive> = Vec::new();
    if config.motion_positives {
        let of_query = found.iter().filter(|pair| pair.query == query && pair.other != query);
        positives.extend(of_query.filter(|pair| training.contains(&pair.other)));
    }
    for &other in training {
        let known = positives.iter().any(|positive| positive.other == other);
        if other == query || known || patients[other] == patients[query] {
            continue;
        }
        if let (Some(a), Some(b)) = (own.facts.label, regions[other].facts.label)
            && let Some(source) = by_label(&a, &b, config.label_positives)
        {
            positives.push(Positive { query, other, source });
        }
    }
    positives
}

/// Whether two labels make a pair. Normal regions have no terms: their class is all there is.
fn by_label(a: &Label, b: &Label, rule: LabelPositives) -> Option<PositiveSource> {
    if a.pathology != b.pathology {
        return None;
    }
    let terms = [a, b].iter().any(|l| l.mass_margin.is_some() || l.mass_shape.is_some());
    match rule {
        LabelPositives::None => None,
        LabelPositives::Class => Some(PositiveSource::Class),
        LabelPositives::ClassAndTerms if !terms => Some(PositiveSource::Class),
        LabelPositives::ClassAndTerms => {
            let margin = a.mass_margin.is_some() && a.mass_margin == b.mass_margin;
            let shape = a.mass_shape.is_some() && a.mass_shape == b.mass_shape;
            (margin || shape).then_some(PositiveSource::Terms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::{MassMargin, MassShape, Pathology};

    fn regions() -> Vec<Region> {
        let mut regions: Vec<Region> = [
            (&["A"][..], Some(Pathology::Benign)),
            (&["A"], Some(Pathology::Benign)),
            (&["B"], Some(Pathology::Benign)),
            (&["C"], Some(Pathology::Benign)),
            (&["D"], Some(Pathology::Malignant)),
            (&["E"], None),
            (&["F"], Some(Pathology::Normal)),
            (&["G"], Some(Pathology::Normal)),
        ]
        .into_iter()
        .map(|(patients, pathology)| Region::bare(patients, pathology))
        .collect();
        let mut say = |idx: usize, shape, margin| {
            let label = regions[idx].facts.label.as_mut().expect("it is labelled");
            (label.mass_shape, label.mass_margin) = (shape, margin);
        };
        say(0, Some(MassShape::Oval), None);
        say(2, Some(MassShape::Oval), Some(MassMargin::Obscured));
        say(3, Some(MassShape::Round), Some(MassMargin::Obscured));
        regions
    }

    fn found(query: usize, config: &Config) -> Vec<(usize, PositiveSource)> {
        let motion = [Positive { query: 5, other: 4, source: PositiveSource::Motion }];
        let (regions, training) = (regions(), (0..8).collect::<Vec<usize>>());
        let patients = crate::training::split::patients(&regions, []);
        let positives = potential(&regions, &patients, &training, &motion, config, query);
        positives.into_iter().map(|p| (p.other, p.source)).collect()
    }

    #[test]
    fn a_class_is_shared_by_other_patients_alone() {
        let config = Config::paper();
        assert_eq!(found(0, &config), [(2, PositiveSource::Class), (3, PositiveSource::Class)]);
        assert_eq!(found(4, &config), []);
        assert_eq!(found(5, &config), [(4, PositiveSource::Motion)]);
        assert_eq!(found(5, &Config { motion_positives: false, ..config }), []);
    }

    #[test]
    fn terms_narrow_a_class_where_a_reader_stated_them() {
        let config = Config { label_positives: LabelPositives::ClassAndTerms, ..Config::paper() };
        assert_eq!(found(0, &config), [(2, PositiveSource::Terms)]);
        assert_eq!(found(3, &config), [(2, PositiveSource::Terms)]);
        assert_eq!(found(6, &config), [(7, PositiveSource::Class)]);
        let none = Config { label_positives: LabelPositives::None, ..Config::paper() };
        assert_eq!(found(0, &none), []);
    }
}
