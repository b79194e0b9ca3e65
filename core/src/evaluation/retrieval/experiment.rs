//! One experiment from the rows to the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use super::answers::{Answer, Scope, TOP, answers};
use super::at_scale::{self, Scale};
use super::chance::{DRAWS, Null, PERMUTATIONS, Resampled, Resamples, Value};
use super::describers::Describer;
use super::design::{Design, Protocol};
use super::distances::Distances;
use super::examples::{Example, Region};
use super::figures::{Figure, Task, figures};
use super::gather::{Gathered, Request, Selection, Source, gather};
use super::methods::{self, Described, Method};
use super::pictures;
use super::report::{self, Difference, Experiment, Gated, Kind, Seen};
use super::{effects, learnt, metrics, source_probe};
use crate::dicom::Reader;
use crate::evaluation::Error;
use crate::evaluation::rivals::Rival;
use crate::lexicon::Pathology;
use crate::progress::{Progress, Report};

/// Recall at each rank: at least one, and classic.
type Curves = (Vec<f64>, Vec<f64>);

/// What is to be done.
#[derive(Debug)]
pub struct Plan<'a> {
    pub source: Source<'a>,
    /// A list whose regions are asked about.
    pub queries: Option<&'a Path>,
    pub selection: Selection,
    pub protocol: Protocol,
    pub describers: Vec<Describer>,
    /// By SIFT.
    pub rivals: Vec<Rival>,
    /// Sums beside the usual ones: `default=0.5,shape and margin=0.5`.
    pub sums: Vec<String>,
    pub seed: u64,
}

/// Questions that the row of chance asks at least; a few orders of many questions are as good as
/// many of a few.
const RANDOM_QUESTIONS: usize = 8000;
/// Orders that it draws, from and to.
const RANDOM_ORDERS: [usize; 2] = [3, 40];
/// The figures that are compared between methods.
pub(super) const COMPARED: [&str; 6] = [
    "precision_10",
    "map",
    "auc_lesion_normal",
    "auc_lesion_matched_normal",
    "auc_malignant_benign",
    "recall_10",
];

/// The figures that are told of one collection alone, and of the others alone.
const BY_COLLECTION: [&str; 5] =
    ["precision_10", "map", "auc_lesion_normal", "auc_malignant_benign", "map_lesions"];

/// Reads, describes, asks and sums up. The first describer is the method that others are compared
/// with; beside it the first that learns.
pub fn run(
    mut plan: Plan<'_>,
    reader: &mut Reader,
    report: &mut Report<'_>,
) -> Result<Experiment, Error> {
    // A name that nothing bears is told before the work, not after it.
    let names = methods::names(&plan.describers, &plan.rivals);
    plan.sums.iter().try_for_each(|sum| methods::weights(sum, &names).map(drop))?;
    let start = Instant::now();
    // Drawn regions are each of a film of its own.
    let with_features = !matches!(plan.source, Source::Drawn(_)) || !plan.rivals.is_empty();
    let mut described = Described::new(&plan.describers, with_features);
    let known = plan.describers.iter().filter_map(Describer::learnt_from);
    let films = known.flat_map(|known| known.films.iter().copied()).collect();
    let describers = &mut plan.describers;
    let request = Request {
        source: &plan.source,
        queries: plan.queries,
        selection: &plan.selection,
        films: &films,
        seed: plan.seed,
    };
    let visit = &mut |region: &Region| described.take(region, describers);
    let gathered = gather(request, reader, visit, report);
    // What was described is kept even where this run ends here.
    plan.describers.iter_mut().try_for_each(Describer::finish)?;
    let mut gathered = gathered?;
    let describe_seconds = start.elapsed().as_secs_f64();
    let pairs = described.same_films(&gathered.examples, plan.seed, report)?;
    gathered.join_same_films(pairs.iter().map(|pair| (pair.i, pair.j)));
    let Gathered { examples, skipped, same_films, seen } = gathered;
    let asked = Asked::new(examples, &plan.protocol, plan.seed)?;
    let rivals = described.rivals(&plan.rivals, &asked.design, plan.seed, report)?;
    let mut methods = described.methods(&plan.describers, &asked.design);
    let learning = plan.protocol.learning(&asked.examples, plan.seed);
    let learnt = learnt::methods(&methods[0], &asked.examples, &learning, plan.seed, report)?;
    let encoders = methods.iter().filter(|m| m.kind == Kind::Encoder).count();
    let behind = encoders.max(1);
    methods.splice(behind..behind, learnt);
    methods.extend(rivals);
    let sums: Vec<Method> =
        plan.sums.iter().map(|sum| methods::asked_sum(sum, &methods)).collect::<Result<_, _>>()?;
    methods.extend(sums);
    let start = Instant::now();
    let mut experiment = asked.sum_up(&plan, &methods, report)?;
    experiment.set.skipped = skipped;
    experiment.set.same_films = same_films;
    for describer in &plan.describers {
        let (name, own) = (&describer.names()[0], asked.seen(describer, &seen));
        // The bundle's own method, and those that are built on it, sums that were asked for too.
        let built_on = |other: &str| {
            methods::terms(other).any(|(term, _)| {
                let rest = term.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" + "))
            })
        };
        let Some(own) = own else { continue };
        for method in experiment.methods.iter_mut().filter(|m| built_on(&m.name)) {
            method.seen = Some(method.seen.map_or(own, |known| known.worse(own)));
        }
    }
    if let Source::Drawn(counts) = plan.source {
        experiment.scale = Some(Scale {
            counts,
            threads: rayon::current_num_threads(),
            describe_seconds,
            ask_seconds: start.elapsed().as_secs_f64(),
            searches: at_scale::searches(&methods),
            peak_bytes: at_scale::peak_bytes(),
        });
    }
    Ok(experiment)
}

/// Examples, and who of them is asked about.
pub(super) struct Asked {
    pub(super) examples: Vec<Example>,
    pub(super) design: Design,
    seed: u64,
    has_collections: bool,
}

/// One method's answers and what follows from them.
pub(super) struct Scored {
    all: Vec<Answer>,
    lesions: Vec<Answer>,
    pub(super) figures: Vec<Figure>,
}

impl Asked {
    pub(super) fn new(
        examples: Vec<Example>,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Self, Error> {
        let design = protocol.design(&examples, seed);
        let queries = design.blocks.iter().map(|b| b.queries.len()).sum::<usize>();
        if queries == 0 {
            return Err(Error::Design("no region is asked about".to_owned()));
        }
        if examples.iter().all(|example| example.patient == examples[0].patient) {
            let why = "every region is of one patient: nobody else can answer";
            return Err(Error::Design(why.to_owned()));
        }
        let is_answered =
            design.blocks.iter().all(|b| b.queries.is_empty() || !b.library.is_empty());
        if !is_answered {
            return Err(Error::Design("a library of no regions has no neighbours".to_owned()));
        }
        let collections: BTreeSet<&str> = examples.iter().map(Example::collection).collect();
        let has_collections = collections.len() > 1;
        Ok(Self { examples, design, seed, has_collections })
    }

    pub(super) fn sum_up(
        &self,
        plan: &Plan<'_>,
        methods: &[Method],
        report: &mut Report<'_>,
    ) -> Result<Experiment, Error> {
        let examples = &self.examples;
        let mut resamples = None;
        let mut leads: Vec<(&str, Vec<(String, Resampled)>)> = Vec::new();
        let mut experiment = Experiment {
            set: self.set(),
            protocol: plan.protocol.words(),
            seed: plan.seed,
            bootstrap_draws: DRAWS,
            permutations: PERMUTATIONS,
            methods: Vec::new(),
            differences: Vec::new(),
            effects: Vec::new(),
            source_probe: Vec::new(),
            loss: None,
            scale: None,
            strips: Vec::new(),
        };
        let total = Some(methods.len() as u64 + 1);
        for (done, method) in methods.iter().enumerate() {
            let progress = Progress { step: "Asking", done: done as u64, total };
            if report(progress) == ControlFlow::Break(()) {
                return Err(Error::Cancelled);
            }
            let scored = self.score(&method.distances, Scope::All, plan.seed);
            let resamples =
                resamples.get_or_insert_with(|| Resamples::new(&scored.all, examples, plan.seed));
            let mut drawn = Vec::new();
            let mut told = Vec::new();
            for figure in &scored.figures {
                let resampled = resamples.of(figure, examples);
                told.push(shown(figure, resampled.as_ref().map(Resampled::value)));
                if let Some(resampled) = resampled {
                    drawn.push((figure.key.clone(), resampled));
                }
            }
            for (name, first) in &leads {
                experiment.differences.extend(differences(name, first, method, &drawn, &told));
            }
            if done == 0 {
                experiment.strips = pictures::strips(&scored.all, &self.examples);
            }
            // The first method, and what a learnt layer makes of it.
            let learns = |method: &Method| method.kind == Kind::Learnt;
            if done == 0 || methods.iter().position(learns) == Some(done) {
                leads.push((&method.name, drawn));
            }
            if matches!(method.kind, Kind::Encoder | Kind::Untrained | Kind::Measures) {
                experiment.source_probe.extend(self.probes(&method.name, &scored));
            }
            experiment.methods.push(self.method(method, &scored, told, resamples));
        }
        experiment.methods.push(self.random());
        if let Some(resamples) = &resamples {
            experiment.effects = effects::effects(self, plan, methods, resamples);
        }
        Ok(experiment)
    }

    pub(super) fn score(&self, distances: &Distances, scope: Scope, seed: u64) -> Scored {
        let ask = |scope| answers(distances, &self.design, &self.examples, scope, seed);
        let (all, lesions) = (ask(scope), ask(scope.of_lesions()));
        let figures = figures(&all, &lesions, &self.examples);
        Scored { all, lesions, figures }
    }

    /// Of what is asked about, that which a bundle was made from.
    fn seen(&self, describer: &Describer, seen: &BTreeMap<[u8; 32], usize>) -> Option<Seen> {
        let Some(learnt_from) = describer.learnt_from() else {
            let untold = Seen { queries: None, uses_outcomes: false };
            return describer.is_bundle().then_some(untold);
        };
        let known = learnt_from.films.iter().filter_map(|film| seen.get(film));
        let patients: BTreeSet<usize> = known.copied().collect();
        let queries = self.design.blocks.iter().flat_map(|block| &block.queries);
        let queries =
            queries.filter(|idx| patients.contains(&self.examples[**idx].patient)).count();
        Some(Seen { queries: Some(queries), uses_outcomes: learnt_from.uses_outcomes })
    }

    fn set(&self) -> report::Set {
        let mut sources: BTreeMap<String, [usize; 3]> = BTreeMap::new();
        for example in &self.examples {
            sources.entry(example.source.clone()).or_default()[example.pathology as usize] += 1;
        }
        let patients: BTreeSet<usize> = self.examples.iter().map(|e| e.patient).collect();
        report::Set {
            regions: self.examples.len(),
            patients: patients.len(),
            queries: self.design.blocks.iter().map(|b| b.queries.len()).sum(),
            matched_normals: self.examples.iter().filter(|e| e.is_matched).count(),
            sources,
            skipped: Vec::new(),
            same_films: Vec::new(),
        }
    }

    fn method(
        &self,
        method: &Method,
        scored: &Scored,
        told: Vec<report::Figure>,
        resamples: &Resamples,
    ) -> report::Method {
        let examples = &self.examples;
        let of_task = |task: Task| {
            if task.is_among_lesions() { &scored.lesions } else { &scored.all }
        };
        let null = |task: Task| {
            let null = Null::of(task, of_task(task), examples, self.seed)?;
            Some(report::TaskNull { key: task.key(), null })
        };
        let scope = |scope| {
            let scored = self.score(&method.distances, scope, self.seed);
            let kept = scored.figures.iter().filter(|f| BY_COLLECTION.contains(&f.key.as_str()));
            kept.map(|f| shown(f, resamples.of(f, examples).map(|r| r.value()))).collect()
        };
        let (found_within, recall) = self.curves(&scored.all);
        report::Method {
            name: method.name.clone(),
            kind: method.kind,
            dims: method.dims,
            seen: None,
            seconds_per_region: method.seconds,
            figures: told,
            nulls: Task::ALL.into_iter().filter_map(null).collect(),
            found_within,
            recall,
            decisions: Task::ALL.map(|task| self.decision(task, of_task(task))).into(),
            within_collection: self.has_collections.then(|| scope(Scope::OwnCollection)),
            across_collections: self.has_collections.then(|| scope(Scope::OtherCollections)),
        }
    }

    /// Macro means of both recalls, by rank.
    fn curves(&self, all: &[Answer]) -> Curves {
        let by_class = |value: &dyn Fn(&Answer) -> Option<f64>| {
            let classes = Pathology::ALL.iter().filter_map(|class| {
                let own = all.iter().filter(|a| self.examples[a.query].pathology == *class);
                crate::evaluation::statistics::mean(own.filter_map(value))
            });
            crate::evaluation::statistics::mean(classes).unwrap_or_default()
        };
        let found = |n: usize| by_class(&|a| Some(if a.found[n] { 1.0 } else { 0.0 }));
        let recall = |n: usize| by_class(&|a| Some(a.recall.as_ref()?[n]));
        ((0..TOP).map(found).collect(), (0..TOP).map(recall).collect())
    }

    fn decision(&self, task: Task, answers: &[Answer]) -> report::Decision {
        let scores = task.scores(answers, &self.examples);
        let plain: Vec<(f64, bool)> = scores.iter().map(|(_, s, p)| (*s, *p)).collect();
        let remote: BTreeMap<usize, f64> =
            answers.iter().map(|a| (a.query, a.remoteness())).collect();
        let mut nearest_first = scores;
        nearest_first.sort_by(|a, b| remote[&a.0].total_cmp(&remote[&b.0]));
        let gated = (3..=10).rev().map(|tenths| {
            let kept = &nearest_first[..nearest_first.len() * tenths / 10];
            let mut sorted: Vec<metrics::Scored> = kept
                .iter()
                .map(|&(_, score, positive)| metrics::Scored { score, positive, weight: 1.0 })
                .collect();
            sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
            Gated {
                coverage: tenths as f64 / 10.0,
                positives: sorted.iter().filter(|s| s.positive).count(),
                negatives: sorted.iter().filter(|s| !s.positive).count(),
                area: metrics::area_under_roc(sorted),
            }
        });
        report::Decision { key: task.key(), gated: gated.collect(), roc: metrics::roc(&plain) }
    }

    /// The row of chance: many random orders, their mean, and where 95 of 100 of them lie.
    fn random(&self) -> report::Method {
        let queries = self.design.blocks.iter().map(|b| b.queries.len()).sum::<usize>().max(1);
        let orders = (RANDOM_QUESTIONS / queries).clamp(RANDOM_ORDERS[0], RANDOM_ORDERS[1]);
        let runs_in = |scope| -> Vec<Scored> {
            let order = |run| Distances::Random(self.seed.wrapping_mul(1009) + run);
            (1..=orders as u64).map(|run| self.score(&order(run), scope, run)).collect()
        };
        let figures = |runs: &[Scored]| -> Vec<report::Figure> {
            let figure = |idx: usize| {
                let values = runs.iter().filter_map(|run| run.figures[idx].value(|_| 1.0));
                shown(&runs[0].figures[idx], Value::of_runs(values.collect()))
            };
            (0..runs[0].figures.len()).map(figure).collect()
        };
        let scope = |scope| -> Vec<report::Figure> {
            let kept = |figure: &report::Figure| BY_COLLECTION.contains(&figure.key.as_str());
            figures(&runs_in(scope)).into_iter().filter(kept).collect()
        };
        let runs = runs_in(Scope::All);
        let curves: Vec<Curves> = runs.iter().map(|run| self.curves(&run.all)).collect();
        let mean = |pick: &dyn Fn(&Curves) -> f64| {
            curves.iter().map(pick).sum::<f64>() / curves.len() as f64
        };
        report::Method {
            name: "random order".to_owned(),
            kind: Kind::Random,
            dims: None,
            seen: None,
            seconds_per_region: None,
            figures: figures(&runs),
            nulls: Vec::new(),
            found_within: (0..TOP).map(|n| mean(&|c| c.0[n])).collect(),
            recall: (0..TOP).map(|n| mean(&|c| c.1[n])).collect(),
            decisions: Vec::new(),
            within_collection: self.has_collections.then(|| scope(Scope::OwnCollection)),
            across_collections: self.has_collections.then(|| scope(Scope::OtherCollections)),
        }
    }

    fn probes(&self, name: &str, scored: &Scored) -> Vec<report::SourceProbe> {
        let probe =
            |among, answers| source_probe::probe(name, among, answers, &self.examples, self.seed);
        let all = probe("all regions", &scored.all);
        all.into_iter().chain(probe("lesions", &scored.lesions)).collect()
    }
}

pub(super) fn shown(figure: &Figure, value: Option<Value>) -> report::Figure {
    let (key, title) = (figure.key.clone(), figure.title.clone());
    report::Figure { key, title, value, queries: figure.count() }
}

fn differences(
    name: &str,
    first: &[(String, Resampled)],
    method: &Method,
    drawn: &[(String, Resampled)],
    told: &[report::Figure],
) -> Vec<Difference> {
    COMPARED
        .iter()
        .filter_map(|key| {
            let of = |drawn: &'_ [(String, Resampled)]| drawn.iter().position(|(k, _)| k == key);
            let (a, b) = (&first[of(first)?].1, &drawn[of(drawn)?].1);
            let value = a.minus(b);
            Some(Difference {
                first: name.to_owned(),
                second: method.name.clone(),
                key: (*key).to_owned(),
                title: told.iter().find(|f| f.key == *key)?.title.clone(),
                value,
                is_beyond_noise: value.is_beyond_noise(),
            })
        })
        .collect()
}
