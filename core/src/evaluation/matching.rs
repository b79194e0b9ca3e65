//! What structure from motion labels, against the truth: how many points pairs of regions share
//! whose relation is known.
//!
//! Training may take two pictures that share many points for the same thing. Whether that finds a
//! lesion again, or the film alone, is what this measures.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::Serialize;

use super::Error;
use crate::lexicon::Pathology;
use crate::library::identity::{Mark, Patients};
use crate::patch::Patch;
use crate::phantom::Random;
use crate::progress::{Progress, Report};
use crate::structure_from_motion::sift::{self, Feature, Picture};
use crate::structure_from_motion::{
    Coded, PLACE_TOLERANCE, Pair, Shared, label, leaks, pair_seed, registered, same_film,
    shared_points,
};

mod change;

use change::Change;

/// A region whose patient, film and class are known.
#[derive(Debug, Clone)]
pub struct Region {
    /// For the report: the file, never the patient.
    pub name: String,
    /// Every name of the patient; two regions are one patient's where they share one.
    pub patients: Vec<String>,
    /// The same for two regions of one film.
    pub film: [u8; 32],
    pub pathology: Pathology,
    pub patch: Patch,
}

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Pairs of each kind, at most.
    pub pairs: usize,
    /// Shared points from which training would take two regions for one.
    pub threshold: usize,
    pub seed: u64,
}

/// How two regions of a pair are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The patch turned by 15 degrees, enlarged by 1.15, shifted, its grey values by gamma 1.3.
    Turned,
    /// The patch of half the resolution, with noise of 4 grey values.
    Coarser,
    /// Another region of the same film.
    SameFilm,
    /// Another film of the same patient.
    SamePatient,
    SameClass,
    OtherClass,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Turned,
        Self::Coarser,
        Self::SameFilm,
        Self::SamePatient,
        Self::SameClass,
        Self::OtherClass,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Turned => "same region, turned 15 degrees, x 1.15, shifted, gamma 1.3",
            Self::Coarser => "same region, half the resolution, noise of 4",
            Self::SameFilm => "same film, another region",
            Self::SamePatient => "same patient, another film",
            Self::SameClass => "other patients, same class",
            Self::OtherClass => "other patients, other class",
        }
    }
}

/// How a count is spread over the pairs of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    pub median: usize,
    /// 95th percentile.
    pub p95: usize,
    pub largest: usize,
}

/// All pairs of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub kind: Kind,
    pub pairs: usize,
    pub putative: Spread,
    pub fundamental: Spread,
    pub homography: Spread,
    pub triangulated: Spread,
    /// Pairs that share as many points as the threshold asks for.
    pub labelled: usize,
    /// Pairs taken for one film.
    pub same_film: usize,
    /// Of the places that agree with a homography, those that lie where the known change of the
    /// patch takes them; where it is known.
    pub rightly_placed: Option<f64>,
}

/// A pair that the threshold labels, or a leak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    pub a: String,
    pub b: String,
    pub same_patient: bool,
    pub same_film: bool,
    pub same_class: bool,
    pub shared: Shared,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matching {
    pub regions: usize,
    pub patients: usize,
    pub features: Spread,
    pub threshold: usize,
    pub seed: u64,
    pub rows: Vec<Row>,
    /// Every pair of regions that structure from motion would label as showing the same.
    pub labelled: Vec<Found>,
    /// Every pair of regions of different patients that is one film.
    pub leaks: Vec<Found>,
}

/// Measures pairs of every kind, and labels all pairs as training would.
pub fn run(
    regions: &[Region],
    settings: Settings,
    report: &mut Report<'_>,
) -> Result<Matching, Error> {
    let Settings { threshold, seed, .. } = settings;
    let features = features(regions, report)?;
    let coded: Vec<Coded> = features.par_iter().map(|f| Coded::of(f)).collect();
    let patients = patients(regions);
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let step = "Matching pairs of a known kind";
        tell(step, rows.len(), Kind::ALL.len(), report)?;
        let row = match kind {
            Kind::Turned | Kind::Coarser => changed_row(kind, regions, &coded, settings),
            _ => {
                let shared: Vec<Shared> = pairs(kind, regions, &patients, settings)
                    .into_par_iter()
                    .map(|(i, j)| shared_points(&coded[i], &coded[j], pair_seed(seed, i, j)))
                    .collect();
                row(kind, &shared, None, threshold)
            }
        };
        rows.push(row);
    }
    let found = |pair: &Pair| {
        let (a, b) = (&regions[pair.i], &regions[pair.j]);
        Found {
            a: a.name.clone(),
            b: b.name.clone(),
            same_patient: patients[pair.i] == patients[pair.j],
            same_film: a.film == b.film,
            same_class: a.pathology == b.pathology,
            shared: pair.shared,
        }
    };
    let labelled = label(&features, threshold, seed, report).map_err(|_| Error::Cancelled)?;
    let mut leaks = leaks(&features, &patients, seed, report).map_err(|_| Error::Cancelled)?;
    for (i, j) in on_one_film(regions, &patients) {
        if !leaks.iter().any(|leak| (leak.i, leak.j) == (i, j)) {
            let shared = shared_points(&coded[i], &coded[j], pair_seed(seed, i, j));
            leaks.push(Pair { i, j, shared });
        }
    }
    Ok(Matching {
        regions: regions.len(),
        patients: patients.iter().collect::<HashSet<_>>().len(),
        features: spread(features.iter().map(Vec::len)),
        threshold,
        seed,
        rows,
        labelled: labelled.iter().map(found).collect(),
        leaks: leaks.iter().map(found).collect(),
    })
}

/// The table for a terminal.
pub fn text(matching: &Matching) -> String {
    let mut lines = vec![format!(
        "{} regions of {} patients, {} features in the median; median/95th percentile/largest:",
        matching.regions, matching.patients, matching.features.median
    )];
    lines.push(format!(
        "{:58} {:>5}  {:>13} {:>13} {:>13} {:>13}  {:>8} {:>9}",
        "pairs", "n", "alike", "fundamental", "homography", "triangulated", "labelled", "same film"
    ));
    for row in &matching.rows {
        let cell = |s: &Spread| format!("{}/{}/{}", s.median, s.p95, s.largest);
        lines.push(format!(
            "{:58} {:>5}  {:>13} {:>13} {:>13} {:>13}  {:>8} {:>9}",
            row.kind.title(),
            row.pairs,
            cell(&row.putative),
            cell(&row.fundamental),
            cell(&row.homography),
            cell(&row.triangulated),
            row.labelled,
            row.same_film
        ));
    }
    let own = matching.labelled.iter().filter(|pair| pair.same_film).count();
    let patient = matching.labelled.iter().filter(|pair| pair.same_patient).count() - own;
    lines.push(format!(
        "Of all pairs, {} share at least {} points: {own} of one film, {patient} of one patient's \
         other films, {} of two patients",
        matching.labelled.len(),
        matching.threshold,
        matching.labelled.len() - own - patient
    ));
    for leak in &matching.leaks {
        let why = match leak.same_film {
            true => "the same pixels".to_owned(),
            false => format!("{} places agree", leak.shared.homography),
        };
        lines.push(format!("{} and {} are one film under two patients ({why})", leak.a, leak.b));
    }
    lines.join("\n")
}

fn tell(
    step: &'static str,
    done: usize,
    total: usize,
    report: &mut Report<'_>,
) -> Result<(), Error> {
    match report(Progress { step, done: done as u64, total: Some(total as u64) }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

/// Of all regions, some at a time so that a stop is heard.
fn features(regions: &[Region], report: &mut Report<'_>) -> Result<Vec<Vec<Feature>>, Error> {
    const AT_A_TIME: usize = 16;
    let mut features = Vec::with_capacity(regions.len());
    for some in regions.chunks(AT_A_TIME) {
        tell("Finding features", features.len(), regions.len(), report)?;
        features.par_extend(some.par_iter().map(|region| sift::of_patch(&region.patch)));
    }
    Ok(features)
}

/// For each region the first region of the same patient, by her names alone: a film under two
/// patients is what is looked for.
fn patients(regions: &[Region]) -> Vec<usize> {
    let mut patients = Patients::default();
    for region in regions {
        patients.add(Mark::names(&region.patients));
    }
    patients.firsts()
}

/// Regions of one film under two patients, whose patches need have nothing in common.
fn on_one_film(regions: &[Region], patients: &[usize]) -> Vec<(usize, usize)> {
    let all = (0..regions.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
    all.filter(|&(i, j)| regions[i].film == regions[j].film && patients[i] != patients[j]).collect()
}

/// Pairs of a kind: all, or as many as are wanted, each with the same chance.
fn pairs(
    kind: Kind,
    regions: &[Region],
    patients: &[usize],
    settings: Settings,
) -> Vec<(usize, usize)> {
    let is_kind = |&(i, j): &(usize, usize)| {
        let same_film = regions[i].film == regions[j].film;
        let same_patient = patients[i] == patients[j];
        let same_class = regions[i].pathology == regions[j].pathology;
        match kind {
            Kind::SameFilm => same_film,
            Kind::SamePatient => same_patient && !same_film,
            Kind::SameClass => !same_patient && !same_film && same_class,
            Kind::OtherClass => !same_patient && !same_film && !same_class,
            Kind::Turned | Kind::Coarser => false,
        }
    };
    let all = (0..regions.len()).flat_map(|j| (0..j).map(move |i| (i, j))).filter(is_kind);
    // A reservoir (Knuth, The Art of Computer Programming, 3.4.2, algorithm R).
    let mut random = Random::new(settings.seed);
    let mut kept = Vec::new();
    for (seen, pair) in all.enumerate() {
        if kept.len() < settings.pairs {
            kept.push(pair);
        } else {
            let place = random.uniform(0.0, (seen + 1) as f64) as usize;
            if let Some(kept) = kept.get_mut(place) {
                *kept = pair;
            }
        }
    }
    kept
}

/// Regions against themselves as a known change shows them.
fn changed_row(kind: Kind, regions: &[Region], coded: &[Coded], settings: Settings) -> Row {
    let Settings { pairs, threshold, seed } = settings;
    let step = regions.len().div_ceil(pairs.max(1)).max(1);
    let chosen: Vec<usize> = (0..regions.len()).step_by(step).collect();
    let measured: Vec<(Shared, usize, usize)> = chosen
        .par_iter()
        .map(|&idx| {
            let change = Change::of(kind, regions[idx].patch.side());
            let pixels = change.apply(&regions[idx].patch.pixels, seed ^ idx as u64);
            let picture = Picture { values: &pixels, columns: change.side };
            let changed = Coded::of(&sift::features(picture, &sift::Settings::STANDARD));
            let shared = shared_points(&coded[idx], &changed, seed);
            let agreed = registered(&coded[idx], &changed, seed).map_or(Vec::new(), |r| r.1);
            let right = agreed.iter().filter(|pair| {
                let place = change.there(pair.a);
                (place[0] - pair.b[0]).hypot(place[1] - pair.b[1]) <= PLACE_TOLERANCE
            });
            (shared, right.count(), agreed.len())
        })
        .collect();
    let shared: Vec<Shared> = measured.iter().map(|m| m.0).collect();
    let right: usize = measured.iter().map(|m| m.1).sum();
    let agreed: usize = measured.iter().map(|m| m.2).sum();
    row(kind, &shared, (agreed > 0).then(|| right as f64 / agreed as f64), threshold)
}

fn row(kind: Kind, shared: &[Shared], rightly_placed: Option<f64>, threshold: usize) -> Row {
    Row {
        kind,
        pairs: shared.len(),
        putative: spread(shared.iter().map(|s| s.putative)),
        fundamental: spread(shared.iter().map(|s| s.fundamental)),
        homography: spread(shared.iter().map(|s| s.homography)),
        triangulated: spread(shared.iter().map(|s| s.triangulated)),
        labelled: shared.iter().filter(|s| s.triangulated >= threshold).count(),
        same_film: shared.iter().filter(|s| same_film(s)).count(),
        rightly_placed,
    }
}

fn spread(counts: impl Iterator<Item = usize>) -> Spread {
    let mut counts: Vec<usize> = counts.collect();
    counts.sort_unstable();
    let Some(last) = counts.len().checked_sub(1) else { return Spread::default() };
    Spread { median: counts[last / 2], p95: counts[last * 95 / 100], largest: counts[last] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::ShapeMargin;

    fn region(patients: &[&str], film: u8, pathology: Pathology) -> Region {
        Region {
            name: format!("film {film}"),
            patients: patients.iter().map(|name| (*name).to_owned()).collect(),
            film: [film; 32],
            pathology,
            patch: Patch {
                pixels: Vec::new(),
                weights: Vec::new(),
                shape_margin: ShapeMargin::default(),
            },
        }
    }

    #[test]
    fn names_join_patients_and_pairs_are_of_their_kind() {
        use Pathology::{Benign, Malignant};
        let regions = [
            region(&["A"], 1, Benign),
            region(&["B"], 2, Malignant),
            region(&["C"], 3, Benign),
            region(&["a ", "b"], 4, Malignant),
            region(&["B"], 2, Malignant),
        ];
        let patients = patients(&regions);
        assert_eq!(patients, [0, 0, 2, 0, 0]);
        let settings = Settings { pairs: 100, threshold: 100, seed: 1 };
        let of = |kind| pairs(kind, &regions, &patients, settings);
        assert_eq!(of(Kind::SameFilm), [(1, 4)]);
        assert_eq!(of(Kind::SamePatient), [(0, 1), (0, 3), (1, 3), (0, 4), (3, 4)]);
        assert_eq!(of(Kind::SameClass), [(0, 2)]);
        assert_eq!(of(Kind::OtherClass), [(1, 2), (2, 3), (2, 4)]);
        assert_eq!(on_one_film(&regions, &patients), []);
        // The same film, of a stranger by name.
        let strange = [&regions[..], &[region(&["Z"], 3, Malignant)]].concat();
        assert_eq!(on_one_film(&strange, &super::patients(&strange)), [(2, 5)]);
        let two = Settings { pairs: 2, ..settings };
        assert_eq!(pairs(Kind::SamePatient, &regions, &patients, two).len(), 2);
    }

    #[test]
    fn a_spread_is_of_the_counts_themselves() {
        let found = spread([5, 1, 9, 3, 7].into_iter());
        assert_eq!(found, Spread { median: 5, p95: 7, largest: 9 });
        assert_eq!(spread([].into_iter()), Spread::default());
    }
}
