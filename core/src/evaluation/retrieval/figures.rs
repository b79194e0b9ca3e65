//! From answers to figures that can be drawn again with other patients.

use serde::Serialize;

use super::answers::{Answer, NEAREST, PRECISION_RANKS};
use super::examples::Example;
use super::metrics::{self, Scored};
use crate::lexicon::Pathology;

/// A figure with the terms it is made of.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    pub(super) key: String,
    pub(super) title: String,
    terms: Terms,
}

#[derive(Debug, Clone)]
enum Terms {
    /// The mean over classes of each class's mean: query, class, value.
    Macro(Vec<(usize, usize, f64)>),
    /// The mean: query, value.
    Mean(Vec<(usize, f64)>),
    /// The area under the ROC curve: query, score, whether it is positive; ascending.
    Area(Vec<(usize, f64, bool)>),
}

/// A decision that the index is put to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Task {
    /// A lesion, or normal tissue?
    LesionOrNormal,
    /// The same, asked only about lesions and about normal regions of a lesion's contrast.
    LesionOrMatched,
    /// Among lesions: malignant, or benign?
    MalignantOrBenign,
}

impl Task {
    pub const ALL: [Self; 3] =
        [Self::LesionOrNormal, Self::LesionOrMatched, Self::MalignantOrBenign];

    pub fn key(self) -> &'static str {
        match self {
            Self::LesionOrNormal => "auc_lesion_normal",
            Self::LesionOrMatched => "auc_lesion_matched_normal",
            Self::MalignantOrBenign => "auc_malignant_benign",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::LesionOrNormal => "lesion or normal, AUC",
            Self::LesionOrMatched => "the same, contrast-matched normals",
            Self::MalignantOrBenign => "malignant or benign, AUC",
        }
    }

    /// Whether it is answered by the lesions of the library alone.
    pub(super) fn is_among_lesions(self) -> bool {
        self == Self::MalignantOrBenign
    }

    pub(super) fn is_positive(self, example: &Example) -> bool {
        match self {
            Self::LesionOrNormal | Self::LesionOrMatched => example.is_lesion(),
            Self::MalignantOrBenign => example.pathology == Pathology::Malignant,
        }
    }

    pub(super) fn asks(self, example: &Example) -> bool {
        match self {
            Self::LesionOrNormal => true,
            Self::LesionOrMatched => example.is_lesion() || example.is_matched,
            Self::MalignantOrBenign => example.is_lesion(),
        }
    }

    /// The index of every query that is asked, with the truth.
    pub(super) fn scores(
        self,
        answers: &[Answer],
        examples: &[Example],
    ) -> Vec<(usize, f64, bool)> {
        answers
            .iter()
            .filter(|answer| self.asks(&examples[answer.query]))
            .map(|answer| {
                let index = answer.index(|idx| self.is_positive(&examples[idx]));
                (answer.query, index, self.is_positive(&examples[answer.query]))
            })
            .collect()
    }
}

impl Figure {
    /// With each query counted as often as `weight` says; `None` where nothing is left to count.
    pub(super) fn value(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        match &self.terms {
            Terms::Mean(values) => mean(values.iter().map(|(query, v)| (weight(*query), *v))),
            Terms::Macro(values) => {
                let of = |class| {
                    mean(
                        values
                            .iter()
                            .filter(|(_, own, _)| *own == class)
                            .map(|(query, _, v)| (weight(*query), *v)),
                    )
                };
                let means: Vec<f64> = (0..Pathology::ALL.len()).filter_map(of).collect();
                (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
            }
            Terms::Area(scores) => {
                metrics::area_under_roc(scores.iter().map(|&(query, score, positive)| Scored {
                    score,
                    positive,
                    weight: weight(query),
                }))
            }
        }
    }

    /// Queries that it is made of.
    pub(super) fn count(&self) -> usize {
        match &self.terms {
            Terms::Macro(values) => values.len(),
            Terms::Mean(values) => values.len(),
            Terms::Area(scores) => scores.len(),
        }
    }
}

fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, all) = values.fold((0.0, 0.0), |(sum, all), (w, v)| (sum + w * v, all + w));
    (all > 0.0).then(|| sum / all)
}

/// All figures of one method, from its answers and from those of the lesions alone.
pub(super) fn figures(all: &[Answer], lesions: &[Answer], examples: &[Example]) -> Vec<Figure> {
    let mut found = Vec::new();
    let mut put = |key: String, title: String, terms: Terms| {
        found.push(Figure { key, title, terms });
    };
    let class = |answer: &Answer| examples[answer.query].pathology as usize;
    let by_class = |answers: &[Answer], value: &dyn Fn(&Answer) -> Option<f64>| {
        let term = |a: &Answer| value(a).map(|v| (a.query, class(a), v));
        Terms::Macro(answers.iter().filter_map(term).collect())
    };
    let plain = |answers: &[Answer],
                 keep: &dyn Fn(&Answer) -> bool,
                 value: &dyn Fn(&Answer) -> Option<f64>| {
        let kept = answers.iter().filter(|a| keep(a));
        Terms::Mean(kept.filter_map(|a| value(a).map(|v| (a.query, v))).collect())
    };
    for (place, rank) in PRECISION_RANKS.into_iter().enumerate() {
        let terms = by_class(all, &|a| Some(a.precision[place]));
        put(format!("precision_{rank}"), format!("P@{rank}"), terms);
    }
    put("map".into(), "mAP".into(), by_class(all, &|a| a.average_precision));
    let recall = |n: usize| move |a: &Answer| a.recall.as_ref().map(|recall| recall[n - 1]);
    put("recall_10".into(), "classic recall@10".into(), by_class(all, &recall(NEAREST)));
    for n in [1, 5, 10] {
        let value = move |a: &Answer| Some(if a.found[n - 1] { 1.0 } else { 0.0 });
        put(format!("found_{n}"), format!("at least one in {n}"), by_class(all, &value));
    }
    for task in Task::ALL {
        let answers = if task.is_among_lesions() { lesions } else { all };
        let mut scores = task.scores(answers, examples);
        scores.sort_by(|a, b| a.1.total_cmp(&b.1));
        put(task.key().into(), task.words().into(), Terms::Area(scores));
    }
    let sides = |a: &Answer| {
        a.side_average_precision.map(|v| (a.query, usize::from(examples[a.query].is_lesion()), v))
    };
    // Of one side alone every answer is right.
    let has_normals = examples.iter().any(|example| !example.is_lesion());
    let sides = all.iter().filter(|_| has_normals).filter_map(sides);
    let sides = Terms::Macro(sides.collect());
    put("map_lesion_normal".into(), "mAP, lesion or normal".into(), sides);
    put(
        "precision_10_lesions".into(),
        "P@10 among lesions".into(),
        by_class(lesions, &|a| Some(a.precision[2])),
    );
    put(
        "map_lesions".into(),
        "mAP among lesions".into(),
        by_class(lesions, &|a| a.average_precision),
    );
    let every = |_: &Answer| true;
    put(
        "precision_10_micro".into(),
        "P@10, micro".into(),
        plain(all, &every, &|a| Some(a.precision[2])),
    );
    put("map_micro".into(), "mAP, micro".into(), plain(all, &every, &|a| a.average_precision));
    for pathology in Pathology::ALL {
        let own = |a: &Answer| examples[a.query].pathology == *pathology;
        let word = pathology.word();
        put(
            format!("precision_10_{word}"),
            format!("P@10, {word}"),
            plain(all, &own, &|a| Some(a.precision[2])),
        );
        put(
            format!("map_{word}"),
            format!("mAP, {word}"),
            plain(all, &own, &|a| a.average_precision),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::answers::{Scope, answers};
    use super::super::design::Protocol;
    use super::super::distances::Distances;
    use super::super::examples::testing::example;
    use super::*;
    use crate::lexicon::Pathology::{Benign, Malignant, Normal};

    #[test]
    fn macro_figures_count_every_class_alike_and_areas_every_pair() {
        // On a line: three malignant, then one benign, then eight normal regions, all apart.
        let classes = [[Malignant; 3].as_slice(), &[Benign; 1], &[Normal; 8]].concat();
        let mut examples: Vec<Example> =
            classes.iter().enumerate().map(|(i, class)| example(i, *class, "S")).collect();
        examples[11].is_matched = true;
        let distances = Distances::Vectors((0..12).map(|i| vec![i as f32]).collect());
        let design = Protocol::LeaveOnePatientOut.design(&examples, 0);
        let of = |scope| answers(&distances, &design, &examples, scope, 0);
        let figures = figures(&of(Scope::All), &of(Scope::Lesions), &examples);
        let value = |key: &str| {
            let figure = figures.iter().find(|f| f.key == key).expect("a figure of this name");
            figure.value(|_| 1.0)
        };
        // The nearest of every malignant and normal region is its like, or may be by the draw of
        // a tie (the third malignant and first normal regions lie between two); the benign one has
        // no like.
        let p1 = value("precision_1").expect("twelve answers");
        assert!((p1 - (1.0 + 1.0) / 3.0).abs() < (1.0 / 3.0 + 1.0 / 8.0) / 3.0 + 1e-9, "{p1}");
        assert_eq!(value("precision_10_benign"), Some(0.0));
        assert_eq!(value("map_benign"), None);
        assert!(value("auc_lesion_normal").expect("both kinds") > 0.9);
        // Among four lesions: the benign one has malignant neighbours alone, an index of 1, which
        // two malignant ones reach and one does not.
        let area = value("auc_malignant_benign").expect("both kinds");
        assert!((area - (0.5 + 0.5) / 3.0).abs() < 1e-9, "{area}");
        // Drawn without the normal regions there is no area to tell.
        let area = figures.iter().find(|f| f.key == "auc_lesion_normal").expect("there is one");
        assert_eq!(area.value(|query| if query < 4 { 1.0 } else { 0.0 }), None);
        let matched = figures.iter().find(|f| f.key == "auc_lesion_matched_normal");
        assert_eq!(matched.map(Figure::count), Some(5));
    }
}
