//! Ten nearest of 12,000, 100,000 and 1,000,000 cases, against FAISS's flat index on the same
//! vectors with the same threads. `tests/bench/rivals/faiss` sets the rival up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use precedent_core::descriptor::Descriptor;
use precedent_core::index::{Hit, Index};

const DIMS: usize = 128;
const K: usize = 10;
const QUERIES: usize = 21;

pub(crate) fn run() {
    println!("{DIMS} dimensions, {K} nearest, one query at a time; median in ms");
    println!("| cases | variance of component i | threads | bound | ours | FAISS flat | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for count in [12_000, 100_000, 1_000_000] {
        // Whitened descriptors do not decay at all; PCA without whitening decays.
        for decay in [0.0, 1.0, 2.0] {
            let cases = draw(count, decay, 1);
            let queries = draw(QUERIES, decay, 2);
            let index = Index::build(&cases);
            let files = write(&cases, &queries);
            drop(cases);
            for threads in [1, 2] {
                let (ours, hits) = time(&index, &queries, threads);
                let (theirs, ratio) = match faiss(&files, threads, &hits) {
                    Some(theirs) => (format!("{theirs:.2}"), format!("{:.2}", ours / theirs)),
                    None => ("not set up".to_owned(), String::new()),
                };
                let bound = if index.uses_tree() { "tree" } else { "codes" };
                println!(
                    "| {count} | i^-{decay} | {threads} | {bound} | {ours:.2} | {theirs} | {ratio} |"
                );
            }
        }
    }
}

fn time(index: &Index, queries: &[Descriptor], threads: usize) -> (f64, Vec<Vec<Hit>>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.expect("a pool of a few threads");
    let mut elapsed = Vec::new();
    let mut found = Vec::new();
    pool.install(|| {
        index.nearest(&queries[0], K, &|_| true);
        for round in 0..3 {
            for query in queries {
                let start = Instant::now();
                let hits = index.nearest(query, K, &|_| true);
                elapsed.push(start.elapsed().as_secs_f64() * 1e3);
                if round == 0 {
                    found.push(hits);
                }
            }
        }
    });
    elapsed.sort_by(f64::total_cmp);
    (elapsed[elapsed.len() / 2], found)
}

/// The rival's median, after its distances were compared with ours; `None` where it is not there.
fn faiss(files: &Files, threads: usize, ours: &[Vec<Hit>]) -> Option<f64> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let output = Command::new(target.join("rivals/faiss/bin/python"))
        .arg(root.join("tests/bench/rivals/faiss_flat.py"))
        .args([files.cases(), files.queries()])
        .args([DIMS, K, threads].map(|number| number.to_string()))
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).expect("the script prints numbers");
    let mut lines = text.lines();
    let median = lines.next().and_then(|line| line.parse().ok());
    for (hits, line) in ours.iter().zip(lines) {
        for (hit, theirs) in hits.iter().zip(line.split(' ')) {
            let theirs: f32 = theirs.parse().expect("the script prints numbers");
            // FAISS takes |a|^2 + |b|^2 - 2ab, which cancels near zero.
            assert!((hit.distance - theirs).abs() < 2e-3, "{} is not {theirs}", hit.distance);
        }
    }
    median
}

struct Files(tempfile::TempDir);

impl Files {
    fn cases(&self) -> PathBuf {
        self.0.path().join("cases.f32")
    }

    fn queries(&self) -> PathBuf {
        self.0.path().join("queries.f32")
    }
}

fn write(cases: &[Descriptor], queries: &[Descriptor]) -> Files {
    let files = Files(tempfile::tempdir().expect("a temporary folder"));
    for (path, vectors) in [(files.cases(), cases), (files.queries(), queries)] {
        let bytes: Vec<u8> =
            vectors.iter().flat_map(|v| v.values()).flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path, bytes).expect("the temporary folder takes the vectors");
    }
    files
}

/// Unit vectors about 200 centres whose component `i` varies as `i^-decay`.
fn draw(count: usize, decay: f64, seed: u64) -> Vec<Descriptor> {
    let mut centers = Normal(77);
    let spread: Vec<f64> = (1..=DIMS).map(|i| (i as f64).powf(-decay / 2.0)).collect();
    let centers: Vec<Vec<f64>> =
        (0..200).map(|_| spread.iter().map(|s| s * centers.next()).collect()).collect();
    let mut random = Normal(seed);
    (0..count)
        .map(|i| {
            let center = &centers[i % centers.len()];
            let values = spread.iter().zip(center).map(|(s, c)| (s * random.next() + c) as f32);
            Descriptor::normalized(values.collect()).expect("not zero")
        })
        .collect()
}

/// Nearly normal numbers: the sum of four uniform ones from SplitMix64, scaled to variance 1.
struct Normal(u64);

impl Normal {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        let sum: u64 = (0..4).map(|i| (z >> (16 * i)) & 0xffff).sum();
        (sum as f64 / 65_536.0 - 2.0) * 3.0f64.sqrt()
    }
}
