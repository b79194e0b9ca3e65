//! A run under way: its state, a step, the end of an epoch, the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::f16;

use super::checkpoint::{self, Best, Checkpoint, Place};
use super::config::Config;
use super::curve::{self, Point};
use super::loss::BatchTuple;
use super::material::Material;
use super::network::Judge;
use super::positives::{self, Positive};
use super::sgd::{Momentum, Step};
use super::split::{self, Split};
use super::tuples::{Pool, Sight, Tuple};
use super::validation::{self, Validation};
use super::{CONFIG, Course, DESCRIBED_AT_ONCE, Error, Outcome, Start, clusters, device, finish};
use crate::encoder::random::Random;
use crate::encoder::tensors::Array;
use crate::progress::{Progress, Report};
use crate::structure_from_motion;

/// Points of the learning curve in an epoch, at most.
const POINTS_PER_EPOCH: usize = 20;

/// A run under way.
pub(super) struct Run<'a> {
    material: &'a Material,
    config: &'a Config,
    dir: &'a Path,
    /// Of each region ([`split::patients`]).
    patients: Vec<usize>,
    split: Split,
    place: device::Place,
    /// Potential positives of each query that has any, or may be its own.
    potential: BTreeMap<usize, Vec<Positive>>,
    state: Checkpoint,
    /// Of the training and validation regions, by the weights of the last refresh.
    descriptors: BTreeMap<usize, Vec<f32>>,
    /// The queries of the epoch under way, in order.
    order: Vec<usize>,
    /// Sum and count of losses, queries with something to learn and without, since the last point.
    since: Since,
}

#[derive(Default)]
struct Since {
    loss: f64,
    steps: usize,
    active: usize,
    queries: usize,
}

impl<'a> Run<'a> {
    pub(super) fn open(
        material: &'a Material,
        found: &[Positive],
        course: &Course<'a>,
        report: &mut Report,
    ) -> Result<Self, Error> {
        let Course { config, dir, start, .. } = *course;
        let error = |source| checkpoint::Error::Write { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir.join("log")).map_err(error)?;
        let regions = &material.regions;
        let patients = patients(material, found, config, report)?;
        let split = split::by_patient(regions, &patients, config.validation_share, config.seed);
        let needed = 3;
        if split.training.len() < needed {
            return Err(Error::TooFew { needed, found: split.training.len() });
        }
        let potential = queries(material, &patients, &split, found, config);
        if potential.is_empty() {
            return Err(Error::NoPositives);
        }
        let (training, descriptors) = (&split.training, &BTreeMap::new());
        let pool = Pool { material, config, patients: &patients, training, descriptors };
        if !potential.iter().any(|(query, potential)| pool.has_negative(*query, potential)) {
            return Err(Error::NoNegatives);
        }

        let read = Checkpoint::read(dir)?;
        let state = match (start, read) {
            (Start::New, Some(_)) => return Err(Error::Exists { path: dir.to_owned() }),
            (Start::Resume, Some(read)) => {
                if read.place.material != material.fingerprint() {
                    return Err(Error::OtherRegions { path: dir.to_owned() });
                }
                if read.place.kept_apart != split.validation {
                    return Err(Error::OtherSplit { path: dir.to_owned() });
                }
                Some(read)
            }
            (_, None) => None,
        };
        checkpoint::write(&dir.join(CONFIG), config.to_toml().as_bytes())?;
        let is_new = state.is_none();
        let state = match state {
            Some(state) => state,
            None => fresh(material, &split, config, report)?,
        };
        let mut run = Self {
            material,
            config,
            dir,
            patients,
            split,
            place: device::Place::choose(course.device, &course.trial, material),
            potential,
            state,
            descriptors: BTreeMap::new(),
            order: Vec::new(),
            since: Since::default(),
        };
        run.descriptors = run.describe(report)?;
        run.order = run.order_of(run.state.place.epoch);
        if is_new {
            run.state.place.untrained = run.validate();
            let validation = run.state.place.untrained;
            run.state.place.curve.push(Point { epoch: 0.0, loss: None, active: None, validation });
            run.save()?;
        }
        Ok(run)
    }

    /// Whether every step of the epoch under way is done.
    pub(super) fn is_epoch_over(&self) -> bool {
        self.state.place.step == self.steps()
    }

    fn steps(&self) -> usize {
        self.order.len().div_ceil(self.config.batch)
    }

    pub(super) fn is_done(&self) -> bool {
        let place = &self.state.place;
        let patience = self.config.patience;
        let since_best = place.epoch - place.best.map_or(0, |best| best.epoch).min(place.epoch);
        place.is_fitted
            || place.epoch >= self.config.epochs
            || (patience > 0 && since_best >= patience)
    }

    pub(super) fn progress(&self) -> Progress {
        let place = &self.state.place;
        let done = place.epoch * self.steps() + place.step;
        let total = self.config.epochs * self.steps();
        Progress { step: "Training", done: done as u64, total: Some(total as u64) }
    }

    /// One step: tuples of a few queries, a gradient, new weights.
    pub(super) fn step(&mut self, report: &mut Report) -> Result<(), Error> {
        let Place { epoch, step, .. } = self.state.place;
        if step > 0 && step % self.config.refresh_every == 0 {
            self.refresh(report)?;
        }
        let queries = self.order.chunks(self.config.batch).nth(step).unwrap_or_default().to_vec();
        let tuples = self.tuples(&queries, epoch);
        self.since.queries += queries.len();
        self.since.active += tuples.len();
        if let Some(batch) = Batch::of(&tuples) {
            let maps = self.material.load(&batch.sights, self.config.region_weighted)?;
            let judge = judge(self.config);
            let parameters = &self.state.parameters;
            let found =
                self.place.gradients(self.material, parameters, &maps, &batch.tuples, judge);
            if let Some((loss, gradient)) = found {
                if !loss.is_finite() {
                    return Err(Error::Diverged);
                }
                let rates = Step::of(self.config, epoch);
                self.state.momentum.step(&mut self.state.parameters, &gradient, &rates);
                self.since.loss += loss;
                self.since.steps += 1;
            }
        }
        for tuple in &tuples {
            *self.state.place.positives.entry(tuple.source).or_default() += 1;
            let line = self.log_line(step, tuple);
            self.state.place.log.push(line);
        }
        self.state.place.step += 1;
        let point_every = self.steps().div_ceil(POINTS_PER_EPOCH);
        if self.state.place.step.is_multiple_of(point_every) {
            self.add_point(None);
        }
        // The sums since the last point are not in a checkpoint: it is written where they are
        // empty, so that a curve taken up again is the same curve.
        if self.state.place.step.is_multiple_of(self.config.checkpoint_every) {
            self.add_point(None);
            self.save()?;
        }
        Ok(())
    }

    /// Refreshes, validates, keeps the weights where they are the best, writes all down.
    pub(super) fn end_epoch(&mut self, report: &mut Report) -> Result<(), Error> {
        self.refresh(report)?;
        let validation = self.validate();
        self.add_point(validation);
        let (config, dir) = (self.config, self.dir);
        let place = &mut self.state.place;
        let log = std::mem::take(&mut place.log);
        place.is_fitted = log.is_empty();
        let name = format!("log/epoch-{:04}.csv", place.epoch + 1);
        let text = format!("step,query,positive,source,negatives\n{}", log.concat());
        checkpoint::write(&dir.join(name), text.as_bytes())?;
        place.epoch += 1;
        place.step = 0;
        let best = Best { epoch: place.epoch, validation };
        let score = |v: Option<Validation>| v.map(|v| v.score(config.choose_by));
        let is_better = match (score(validation), score(place.best.and_then(|b| b.validation))) {
            (Some(new), Some(old)) => new > old,
            _ => true,
        };
        if is_better {
            self.state.keep_best(dir, best)?;
        }
        self.order = self.order_of(self.state.place.epoch);
        self.save()
    }

    /// The bundle of the best epoch, or of the weights at hand where none is done.
    pub(super) fn finish(mut self, report: &mut Report) -> Result<Outcome, Error> {
        self.add_point(None);
        self.save()?;
        let parameters = self.state.best(self.dir)?;
        let place = &self.state.place;
        let made =
            finish::bundle(self.material, self.config, &self.split, place, &parameters, report)?;
        Ok(Outcome {
            made,
            parameters,
            epochs: place.curve.last().map_or(0.0, |point| point.epoch),
            untrained: place.untrained,
            best: place.best,
            positives: place.positives.clone(),
            split: self.split,
            device: self.place.report,
        })
    }

    fn tuples(&mut self, queries: &[usize], epoch: usize) -> Vec<Tuple> {
        let mut remembered = std::mem::take(&mut self.state.place.remembered);
        let pool = self.pool();
        let mut tuples = Vec::new();
        for query in queries {
            let known = remembered.entry(*query).or_default();
            let (tuple, remember) = pool.tuple(*query, &self.potential[query], known, epoch);
            *known = remember;
            tuples.extend(tuple);
        }
        self.state.place.remembered = remembered;
        tuples
    }

    fn pool(&self) -> Pool<'_> {
        Pool {
            material: self.material,
            config: self.config,
            patients: &self.patients,
            training: &self.split.training,
            descriptors: &self.descriptors,
        }
    }

    fn validate(&self) -> Option<Validation> {
        validation::validate(&self.pool(), &self.split.validation, judge(self.config))
    }

    fn refresh(&mut self, report: &mut Report) -> Result<(), Error> {
        self.check()?;
        self.state.refreshed = self.state.parameters.clone();
        self.descriptors = self.describe(report)?;
        Ok(())
    }

    /// Every region in its first look, by the weights of the last refresh.
    fn describe(&self, report: &mut Report) -> Result<BTreeMap<usize, Vec<f32>>, Error> {
        let network = self.place.network(self.material, &self.state.refreshed);
        let all: BTreeSet<usize> =
            self.split.training.iter().chain(&self.split.validation).copied().collect();
        let all: Vec<usize> = all.into_iter().collect();
        let mut descriptors = BTreeMap::new();
        for chunk in all.chunks(DESCRIBED_AT_ONCE) {
            let progress = Progress { step: "Refreshing descriptors", ..self.progress() };
            if report(progress).is_break() {
                return Err(Error::Cancelled);
            }
            let sights: Vec<Sight> = chunk.iter().map(|&region| (region, 0)).collect();
            let maps = self.material.load(&sights, self.config.region_weighted)?;
            descriptors.extend(chunk.iter().copied().zip(network.describe(&maps)));
        }
        Ok(descriptors)
    }

    /// The queries of an epoch, shuffled by its own seed.
    fn order_of(&self, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = self.potential.keys().copied().collect();
        let mut random =
            Random::new(self.config.seed ^ (epoch as u64 + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        for place in 0..order.len() {
            let left = order.len() - place;
            order.swap(place, place + random.below(left));
        }
        order
    }

    fn add_point(&mut self, validation: Option<Validation>) {
        let since = std::mem::take(&mut self.since);
        if since.queries == 0 && validation.is_none() {
            return;
        }
        let place = &mut self.state.place;
        let steps = self.order.len().div_ceil(self.config.batch).max(1);
        place.curve.push(Point {
            epoch: place.epoch as f64 + place.step as f64 / steps as f64,
            loss: (since.steps > 0).then(|| since.loss / since.steps as f64),
            active: (since.queries > 0).then(|| since.active as f64 / since.queries as f64),
            validation,
        });
    }

    /// Whether the weights still describe a region and fit a bundle, which keeps the last block in
    /// half precision: what is too large for either is a number yet.
    fn check(&self) -> Result<(), Error> {
        let weights = &self.state.parameters;
        let is_finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        let maps =
            self.material.load(&[(self.split.training[0], 0)], self.config.region_weighted)?;
        let described = self.place.network(self.material, weights).describe(&maps);
        let fits = |(name, array): (&String, &Array)| {
            let is_half = name.starts_with("features.");
            is_finite(&array.values)
                && (!is_half || array.values.iter().all(|v| f16::from_f32(*v).is_finite()))
        };
        let is_sound = weights.0.iter().all(fits) && described.iter().all(|v| is_finite(v));
        if is_sound { Ok(()) } else { Err(Error::Diverged) }
    }

    /// What is no longer a number is not written over what a run can be taken up from.
    fn save(&self) -> Result<(), Error> {
        self.check()?;
        curve::write(self.dir, &self.state.place.curve)?;
        Ok(self.state.write(self.dir)?)
    }

    fn log_line(&self, step: usize, tuple: &Tuple) -> String {
        let name = |region: usize| &self.material.regions[region].facts.name;
        let negatives: Vec<&str> = tuple.negatives.iter().map(|&n| name(n).as_str()).collect();
        let (query, positive) = (name(tuple.query), name(tuple.positive.0));
        format!("{step},{query},{positive},{},{}\n", tuple.source.word(), negatives.join(" "))
    }
}

/// The maps of a batch, each once, and its tuples by their place among them.
struct Batch {
    sights: Vec<Sight>,
    tuples: Vec<BatchTuple>,
}

impl Batch {
    fn of(tuples: &[Tuple]) -> Option<Self> {
        let mut sights: Vec<Sight> = Vec::new();
        let mut place_of = |sight: Sight| {
            sights.iter().position(|s| *s == sight).unwrap_or_else(|| {
                sights.push(sight);
                sights.len() - 1
            })
        };
        let tuples: Vec<BatchTuple> = tuples
            .iter()
            .map(|tuple| BatchTuple {
                query: place_of((tuple.query, 0)),
                positives: vec![place_of(tuple.positive)],
                negatives: tuple.negatives.iter().map(|&n| place_of((n, 0))).collect(),
            })
            .collect();
        (!tuples.is_empty()).then_some(Self { sights, tuples })
    }
}

/// Whose each region is. One film under two patients, which their names and its pixels need not
/// tell, is looked for in the pictures: it would be on both sides of the split.
fn patients(
    material: &Material,
    found: &[Positive],
    config: &Config,
    report: &mut Report,
) -> Result<Vec<usize>, Error> {
    let found = || found.iter().map(|pair| (pair.query, pair.other));
    let known = split::patients(&material.regions, found());
    let leaks = structure_from_motion::leaks(&material.features, &known, config.seed, report);
    let leaks = leaks.map_err(|_| Error::Cancelled)?;
    let leaks = leaks.iter().map(|pair| (pair.i, pair.j));
    Ok(split::patients(&material.regions, found().chain(leaks)))
}

/// Training regions that can be queries, with their potential positives.
fn queries(
    material: &Material,
    patients: &[usize],
    split: &Split,
    found: &[Positive],
    config: &Config,
) -> BTreeMap<usize, Vec<Positive>> {
    let of = |&query: &usize| {
        let (regions, training) = (&material.regions, &split.training);
        let potential = positives::potential(regions, patients, training, found, config, query);
        let may_be_its_own = config.augmented_positives && material.looks.len() > 1;
        (!potential.is_empty() || may_be_its_own).then_some((query, potential))
    };
    split.training.iter().filter_map(of).collect()
}

fn fresh(
    material: &Material,
    split: &Split,
    config: &Config,
    report: &mut Report,
) -> Result<Checkpoint, Error> {
    let (parameters, alpha) = clusters::start(material, &split.training, config, report)?;
    let place = Place {
        material: material.fingerprint(),
        kept_apart: split.validation.clone(),
        epoch: 0,
        step: 0,
        remembered: BTreeMap::new(),
        positives: BTreeMap::new(),
        log: Vec::new(),
        curve: Vec::new(),
        untrained: None,
        best: None,
        is_fitted: false,
        alpha,
    };
    let momentum = Momentum::still(&parameters);
    Ok(Checkpoint { place, momentum, refreshed: parameters.clone(), parameters })
}

fn judge(config: &Config) -> Judge {
    Judge { loss: config.loss, distance: config.distance, margin: config.triplet_margin }
}
