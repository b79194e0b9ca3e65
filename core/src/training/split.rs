//! Whose a region is, and which patients are kept apart to choose the epoch.

use std::collections::BTreeMap;

use super::material::Region;
use crate::encoder::random::Random;
use crate::lexicon::Pathology;
use crate::library::identity::{Mark, Patients};

/// Regions by their place in the material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To learn from, the unlabelled among them.
    pub training: Vec<usize>,
    pub validation: Vec<usize>,
}

/// For each region the first one of its patient. A name, a whole film or a pair that shows one film
/// (`same`) in common makes one patient, straight or through others.
pub fn patients(regions: &[Region], same: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut patients = Patients::default();
    for Region { facts, .. } in regions {
        patients.add(Mark::names(&facts.patients).chain([Mark::Film(facts.film_hash)]));
    }
    same.into_iter().for_each(|(a, b)| patients.join(a, b));
    patients.firsts()
}

/// Keeps a share of the patients of each class apart; `patients` as [`patients`] gives them. Who
/// has an unlabelled region learns.
pub fn by_patient(regions: &[Region], patients: &[usize], share: f64, seed: u64) -> Split {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (region, patient) in patients.iter().enumerate() {
        groups.entry(*patient).or_default().push(region);
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    let mut by_class: BTreeMap<Pathology, Vec<usize>> = BTreeMap::new();
    for (idx, group) in groups.iter().enumerate() {
        let labels: Option<Vec<Pathology>> =
            group.iter().map(|&r| regions[r].pathology()).collect();
        if let Some(class) = labels.and_then(|labels| labels.into_iter().min()) {
            by_class.entry(class).or_default().push(idx);
        }
    }
    let mut random = Random::new(seed ^ 0x5711);
    let mut apart = vec![false; groups.len()];
    for of_class in by_class.values_mut() {
        let kept = (of_class.len() as f64 * share).round() as usize;
        for place in 0..kept {
            let left = of_class.len() - place;
            of_class.swap(place, place + random.below(left));
            apart[of_class[place]] = true;
        }
    }
    let members = |wanted: bool| {
        let chosen = groups.iter().zip(&apart).filter(|(_, apart)| **apart == wanted);
        let mut members: Vec<usize> = chosen.flat_map(|(group, _)| group.clone()).collect();
        members.sort_unstable();
        members
    };
    Split { training: members(false), validation: members(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(patients: &[&str], pathology: Option<Pathology>) -> Region {
        Region::bare(patients, pathology)
    }

    #[test]
    fn no_patient_is_on_both_sides_and_every_class_is() {
        let classes = [Pathology::Malignant, Pathology::Benign, Pathology::Normal];
        // Patient i has a region under her own name, and each third one under another as well.
        let mut regions: Vec<Region> = (0..60)
            .map(|i| region(&[&format!("P{i}"), &format!("Q{}", i / 2)], Some(classes[i % 3])))
            .collect();
        regions.push(region(&["P7"], None));
        let patients = super::patients(&regions, [(0, 59)]);
        for seed in 0..20 {
            let split = by_patient(&regions, &patients, 0.25, seed);
            assert_eq!(split.training.len() + split.validation.len(), regions.len());
            for &a in &split.validation {
                assert!(split.training.iter().all(|&b| patients[a] != patients[b]));
            }
            assert!(!split.validation.contains(&60) && !split.validation.contains(&7));
            assert_eq!(split.validation.contains(&0), split.validation.contains(&59));
            for class in classes {
                let apart = |&&r: &&usize| regions[r].pathology() == Some(class);
                assert!(split.validation.iter().filter(apart).count() >= 2, "seed {seed}");
            }
            assert_eq!(by_patient(&regions, &patients, 0.25, seed), split);
        }
        let nobody = by_patient(&regions, &patients, 0.0, 1);
        assert!(nobody.validation.is_empty());
    }
    #[test]
    fn one_patient_is_told_by_any_spelling_by_her_film_and_by_a_picture_of_it() {
        let benign = Some(Pathology::Benign);
        let mut regions: Vec<Region> = [&["P1"][..], &["p1 "], &["Q"], &["R", "\0"], &["S", ""]]
            .into_iter()
            .map(|names| region(names, benign))
            .collect();
        // A blank name is nobody's.
        assert_eq!(patients(&regions, []), [0, 0, 2, 3, 4]);
        regions[3].facts.film_hash = regions[1].facts.film_hash;
        assert_eq!(patients(&regions, []), [0, 0, 2, 0, 4]);
        assert_eq!(patients(&regions, [(4, 3)]), [0, 0, 2, 0, 0]);
    }
}
