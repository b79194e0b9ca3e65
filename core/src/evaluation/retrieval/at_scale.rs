//! Drawn regions in the numbers of a large collection: time, memory, and whether a pipeline finds
//! what is there to find. No evidence of accuracy on patients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use super::distances::Distances;
use super::examples::{Region, measured};
use super::methods::Method;
use super::report::Kind;
use crate::descriptor::Descriptor;
use crate::index::{Hit, Index};
use crate::lexicon::{MassMargin, Pathology};
use crate::phantom::Phantom;

/// How many of each are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub malignant: usize,
    pub benign: usize,
    pub normal: usize,
}

/// What a run of this size took.
#[derive(Debug, Clone, Serialize)]
pub struct Scale {
    pub counts: Counts,
    pub threads: usize,
    /// Drawing, outlines, measures, squares and vectors together.
    pub describe_seconds: f64,
    /// Asking every method about every region, with all intervals.
    pub ask_seconds: f64,
    /// The most memory that the process held; `None` where the system does not tell.
    pub peak_bytes: Option<u64>,
    pub searches: Vec<Search>,
}

/// The ten nearest among so many.
#[derive(Debug, Clone, Serialize)]
pub struct Search {
    pub method: String,
    pub cases: usize,
    pub dims: usize,
    pub build_seconds: f64,
    /// Median over the queries, in milliseconds: by the index; by looking at every descriptor.
    pub index_ms: f64,
    pub scan_ms: f64,
    pub uses_tree: bool,
    /// Whether both gave the same cases at the same distances for every query.
    pub is_equal: bool,
}

/// A film large enough for a mass and what surrounds it, at the pixel size of mini-MIAS.
const PIXELS: u32 = 256;
const PIXEL_MM: f64 = 0.2;
/// Drawn at a time, so that memory does not grow with their number.
pub(super) const BATCH: usize = 128;
/// Queries of one measurement of a search.
const QUERIES: usize = 64;
const NEAREST: usize = 10;

impl Counts {
    pub fn total(self) -> usize {
        self.malignant + self.benign + self.normal
    }

    /// The class of the region with this number.
    pub(super) fn pathology(self, number: usize) -> Pathology {
        match number {
            n if n < self.malignant => Pathology::Malignant,
            n if n < self.malignant + self.benign => Pathology::Benign,
            _ => Pathology::Normal,
        }
    }
}

/// Regions `first` to `last`, whose seeds follow each other. A normal one is tissue in which the
/// outline of some mass is drawn and no mass: its outline gives nothing away.
pub(super) fn draw(
    counts: Counts,
    numbers: std::ops::Range<usize>,
    seed: u64,
) -> Vec<(Pathology, Region)> {
    numbers
        .into_par_iter()
        .map(|number| {
            let pathology = counts.pathology(number);
            let margins = margins(pathology);
            let mut phantom = Phantom {
                columns: PIXELS,
                rows: PIXELS,
                pixel_mm: PIXEL_MM,
                margin: Some(margins[number % margins.len()]),
                ..Phantom::region()
            };
            if pathology == Pathology::Normal {
                phantom.contrast = (0.0, 0.0);
            }
            let drawn = phantom.draw(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
            (pathology, measured(Arc::new(drawn.mammogram), drawn.mass.contour))
        })
        .collect()
}

/// Those that are drawn of each class.
fn margins(pathology: Pathology) -> &'static [MassMargin] {
    match pathology {
        Pathology::Malignant => &[MassMargin::Spiculated, MassMargin::Indistinct],
        Pathology::Benign => &[MassMargin::Circumscribed, MassMargin::Microlobulated],
        Pathology::Normal => &[
            MassMargin::Spiculated,
            MassMargin::Circumscribed,
            MassMargin::Indistinct,
            MassMargin::Microlobulated,
        ],
    }
}

/// Times the search of every method that has vectors, in libraries of an eighth to all of them.
pub(super) fn searches(methods: &[Method]) -> Vec<Search> {
    let mut searches = Vec::new();
    for method in methods {
        let Distances::Vectors(vectors) = &*method.distances else { continue };
        if method.kind == Kind::Measures {
            continue;
        }
        let descriptors: Vec<Descriptor> =
            vectors.iter().filter_map(|v| Descriptor::normalized(v.clone())).collect();
        // Every so-manieth, so that all classes are in each part.
        for share in [8, 4, 2, 1] {
            let part: Vec<Descriptor> = descriptors.iter().step_by(share).cloned().collect();
            searches.push(search(&method.name, &part));
        }
    }
    searches
}

fn search(method: &str, descriptors: &[Descriptor]) -> Search {
    let start = Instant::now();
    let index = Index::build(descriptors);
    let build_seconds = start.elapsed().as_secs_f64();
    let (mut by_index, mut by_scan, mut is_equal) = (Vec::new(), Vec::new(), true);
    for query in descriptors.iter().step_by((descriptors.len() / QUERIES).max(1)) {
        let start = Instant::now();
        let found = index.nearest(query, NEAREST, &|_| true);
        by_index.push(start.elapsed());
        let start = Instant::now();
        let scanned = scan(query, descriptors);
        by_scan.push(start.elapsed());
        is_equal &= found == scanned;
    }
    Search {
        method: method.to_owned(),
        cases: descriptors.len(),
        dims: index.dims(),
        build_seconds,
        index_ms: median_ms(by_index),
        scan_ms: median_ms(by_scan),
        uses_tree: index.uses_tree(),
        is_equal,
    }
}

/// Looks at every descriptor; what the index must equal.
fn scan(query: &Descriptor, descriptors: &[Descriptor]) -> Vec<Hit> {
    let mut hits: Vec<Hit> = descriptors
        .iter()
        .enumerate()
        .map(|(case_idx, other)| Hit { case_idx, distance: query.distance(other) })
        .collect();
    let order =
        |a: &Hit, b: &Hit| a.distance.total_cmp(&b.distance).then(a.case_idx.cmp(&b.case_idx));
    let kept = NEAREST.min(hits.len());
    if kept < hits.len() {
        hits.select_nth_unstable_by(kept, order);
    }
    hits.truncate(kept);
    hits.sort_by(order);
    hits
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The most memory this process has held, where the system has a file that tells (Linux).
pub(super) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_in_the_numbers_asked_for_and_repeat() {
        let counts = Counts { malignant: 3, benign: 2, normal: 4 };
        let drawn = draw(counts, 0..counts.total(), 5);
        let of = |class| drawn.iter().filter(|(own, _)| *own == class).count();
        let classes = [Pathology::Malignant, Pathology::Benign, Pathology::Normal];
        assert_eq!(classes.map(of), [3, 2, 4]);
        let again = draw(counts, 4..6, 5);
        assert_eq!(again[0].1.patch, drawn[4].1.patch);
        assert_eq!(again[1].1.patch, drawn[5].1.patch);
        // A drawn mass stands out, tissue does not.
        let contrast = |class| {
            let own = drawn.iter().filter(|(own, _)| *own == class);
            own.map(|(_, region)| region.measures.contrast).sum::<f64>() / of(class) as f64
        };
        assert!(contrast(Pathology::Benign) > contrast(Pathology::Normal) + 0.5);
    }

    #[test]
    fn a_timed_search_agrees_with_a_plain_scan() {
        let vector = |i: usize| vec![(i as f32).sin(), (1.7 * i as f32).cos(), 1.0];
        let method = Method {
            name: "x".to_owned(),
            kind: Kind::Encoder,
            dims: Some(3),
            seconds: None,
            distances: Arc::new(Distances::Vectors((0..400).map(vector).collect())),
        };
        let searches = searches(&[method]);
        assert_eq!(searches.iter().map(|s| s.cases).collect::<Vec<_>>(), [50, 100, 200, 400]);
        assert!(searches.iter().all(|s| s.is_equal && s.dims == 3 && !s.uses_tree));
    }
}
