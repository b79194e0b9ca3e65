//! Descriptor to nearest cases: exact Euclidean search.
//!
//! A cheap lower bound proposes, the whole descriptor disposes; the answer equals a plain scan bit
//! for bit, ties by position. Two bounds: kiddo's tree over the leading components of a rotation
//! that orders them by variance, where the variance decays fast enough for the tree to leave most
//! cases unseen ([`tree`]); else one byte a component, scanned ([`codes`]), four times less memory
//! to read than the descriptors themselves.

use std::collections::BinaryHeap;

use rayon::prelude::*;

use crate::descriptor::{Descriptor, distance};

mod codes;
mod tree;

/// One hit: position in the order of building, and distance in [0, 2].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub case_idx: usize,
    pub distance: f32,
}

/// Searchable descriptors of one library; derived data, built at opening.
#[derive(Debug)]
pub struct Index {
    dims: usize,
    /// Row by row, `dims` each.
    values: Vec<f32>,
    codes: codes::Codes,
    tree: Option<tree::Tree>,
}

/// Cases a task scans at a time; a library of fewer is scanned by one thread.
const BLOCK: usize = 1 << 16;
/// A library of fewer cases is scanned in less time than a person or a frame can notice.
const TREE_PAYS_FROM: usize = 20_000;
/// The tree is used where it leaves at least all but this share of the cases unseen: a case that
/// it proposes costs some fifty times as much as one that is scanned (measured, 128 dimensions).
const TREE_PAYS_BELOW: f64 = 0.01;

impl Index {
    /// All descriptors must have the same dimension.
    pub fn build(descriptors: &[Descriptor]) -> Self {
        let dims = descriptors.first().map_or(0, |d| d.values().len());
        assert!(descriptors.iter().all(|d| d.values().len() == dims), "one dimension a library");
        let values: Vec<f32> = descriptors.iter().flat_map(|d| d.values()).copied().collect();
        let codes = codes::Codes::new(&values, dims);
        let mut index = Self { dims, values, codes, tree: None };
        if index.len() >= TREE_PAYS_FROM && dims > tree::LEADING {
            let tree = tree::Tree::new(&index.values, dims);
            index.tree = tree.filter(|tree| index.share_seen(tree) < TREE_PAYS_BELOW);
        }
        index
    }

    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dims).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Components of a descriptor; 0 in an empty index.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Whether the tree proposes, or every code is looked at; the answer is the same.
    pub fn uses_tree(&self) -> bool {
        self.tree.is_some()
    }

    /// The `k` nearest cases that `keep` admits, nearest first; equal distances by `case_idx`.
    ///
    /// # Panics
    /// Where the query has another dimension than the index.
    pub fn nearest(
        &self,
        query: &Descriptor,
        k: usize,
        keep: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<Hit> {
        let query = query.values();
        if k == 0 || self.is_empty() {
            return Vec::new();
        }
        assert_eq!(query.len(), self.dims, "the query's dimension is the index's");
        let by_tree = self.tree.as_ref().and_then(|tree| self.search_tree(tree, query, k, keep));
        by_tree.unwrap_or_else(|| self.scan(query, k, keep)).into_hits()
    }

    /// Looks at every code. The first block yields a distance that the others must beat.
    fn scan(&self, query: &[f32], k: usize, keep: &(dyn Fn(usize) -> bool + Sync)) -> Nearest {
        let coded = self.codes.encode(query);
        let scan_block = |first: usize, farthest: f32| {
            let mut nearest = Nearest::new(k, farthest);
            let last = (first + BLOCK).min(self.len());
            let mut limit = self.codes.limit(&coded, self.padded(nearest.farthest));
            let mut scores = [0; codes::BATCH];
            for batch in (first..last).step_by(codes::BATCH) {
                let scores = &mut scores[..codes::BATCH.min(last - batch)];
                self.codes.scores(&coded, batch, scores);
                for (case_idx, &score) in (batch..).zip(scores.iter()) {
                    if score <= limit
                        && keep(case_idx)
                        && nearest.offer(case_idx, distance(query, self.row(case_idx)))
                    {
                        limit = self.codes.limit(&coded, self.padded(nearest.farthest));
                    }
                }
            }
            nearest
        };
        let first = scan_block(0, f32::INFINITY);
        let farthest = first.farthest;
        (1..self.len().div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| scan_block(block * BLOCK, farthest))
            .reduce(|| Nearest::new(k, f32::INFINITY), Nearest::merge)
            .merge(first)
    }

    /// Lets the tree propose; `None` where `keep` leaves too few of its nearest to bound the rest.
    fn search_tree(
        &self,
        tree: &tree::Tree,
        query: &[f32],
        k: usize,
        keep: &(dyn Fn(usize) -> bool + Sync),
    ) -> Option<Nearest> {
        let place = tree.project(query);
        let mut seeds = Nearest::new(k, f32::INFINITY);
        for case_idx in tree.nearest(&place, 4 * k + 64).filter(|&idx| keep(idx)) {
            seeds.offer(case_idx, distance(query, self.row(case_idx)));
        }
        if seeds.farthest.is_infinite() {
            return None;
        }
        let mut nearest = Nearest::new(k, seeds.farthest);
        for case_idx in tree.within(&place, self.padded(seeds.farthest)).filter(|&idx| keep(idx)) {
            nearest.offer(case_idx, distance(query, self.row(case_idx)));
        }
        Some(nearest)
    }

    /// The share of cases that a query through `tree` has to look at, over a few stored cases.
    fn share_seen(&self, tree: &tree::Tree) -> f64 {
        let step = (self.len() / 16).max(1);
        let seen: usize = (0..self.len())
            .step_by(step)
            .map(|case_idx| {
                let query = self.row(case_idx);
                let farthest = self.scan(query, 10, &|_| true).farthest;
                tree.within(&tree.project(query), self.padded(farthest)).count()
            })
            .sum();
        seen as f64 / (self.len().div_ceil(step) * self.len()) as f64
    }

    /// A distance that no true distance of a case computed as at most `computed` exceeds: each of
    /// the `dims` roundings of the sum errs by at most 2^-24 of it, and squares may underflow.
    fn padded(&self, computed: f32) -> f64 {
        let relative = (self.dims + 32) as f64 * f64::from(f32::EPSILON);
        f64::from(computed) * (1.0 + relative) + 1e-12
    }

    fn row(&self, case_idx: usize) -> &[f32] {
        &self.values[case_idx * self.dims..][..self.dims]
    }
}

/// The nearest cases so far, at most `k`.
struct Nearest {
    k: usize,
    /// What a case must not exceed to enter: the k-th distance, once there are k.
    farthest: f32,
    heap: BinaryHeap<Ranked>,
}

/// Orders hits by distance, then position.
#[derive(PartialEq)]
struct Ranked(Hit);

impl Nearest {
    fn new(k: usize, farthest: f32) -> Self {
        Self { k, farthest, heap: BinaryHeap::new() }
    }

    /// Whether the case entered.
    fn offer(&mut self, case_idx: usize, distance: f32) -> bool {
        let ranked = Ranked(Hit { case_idx, distance });
        if distance > self.farthest {
            return false;
        }
        if self.heap.len() == self.k {
            match self.heap.peek_mut() {
                Some(mut worst) if ranked < *worst => *worst = ranked,
                _ => return false,
            }
        } else {
            self.heap.push(ranked);
        }
        if self.heap.len() == self.k {
            self.farthest = self.heap.peek().map_or(self.farthest, |worst| worst.0.distance);
        }
        true
    }

    fn merge(mut self, other: Self) -> Self {
        for Ranked(hit) in other.heap {
            self.offer(hit.case_idx, hit.distance);
        }
        self
    }

    fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_distance = self.0.distance.total_cmp(&other.0.distance);
        by_distance.then(self.0.case_idx.cmp(&other.0.case_idx))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
