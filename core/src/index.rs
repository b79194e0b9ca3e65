//! Descriptor to nearest cases: exact Euclidean search.
//!
//! kiddo's tree over the leading rotated components proposes by a lower bound, the whole
//! descriptor disposes; the answer equals a plain scan bit for bit, ties by position.

use crate::descriptor::Descriptor;

/// One hit: position in the order of building, and distance in [0, 2].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub case_idx: usize,
    pub distance: f32,
}

/// Searchable descriptors of one library; derived data, built at opening.
#[derive(Debug)]
pub struct Index {}

impl Index {
    /// All descriptors must have the same dimension.
    pub fn build(descriptors: &[Descriptor]) -> Self {
        let _ = descriptors;
        unimplemented!("owner: library")
    }

    /// The `k` nearest cases that `keep` admits, nearest first; equal distances by `case_idx`.
    pub fn nearest(&self, query: &Descriptor, k: usize, keep: &dyn Fn(usize) -> bool) -> Vec<Hit> {
        let _ = (query, k, keep);
        unimplemented!("owner: library")
    }
}
