//! Which patients are kept apart to choose the epoch.

use std::collections::BTreeMap;

use super::material::Region;
use crate::encoder::random::Random;
use crate::lexicon::Pathology;

/// Regions by their place in the material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To learn from, the unlabelled among them.
    pub training: Vec<usize>,
    pub validation: Vec<usize>,
}

/// Keeps a share of the patients of each class apart. Whoever is linked, by a name of a patient or
/// by a pair that shows one film (`same`), stays together; who has an unlabelled region learns.
pub fn by_patient(regions: &[Region], same: &[(usize, usize)], share: f64, seed: u64) -> Split {
    let groups = groups(regions, same);
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

/// Regions that belong together, each group and all of them in order.
fn groups(regions: &[Region], same: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..regions.len()).collect();
    let mut first_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut links = same.to_vec();
    for (idx, region) in regions.iter().enumerate() {
        for patient in &region.facts.patients {
            links.push((*first_of.entry(patient).or_insert(idx), idx));
        }
    }
    for (a, b) in links {
        let (a, b) = (root(&leader, a), root(&leader, b));
        leader[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for idx in 0..regions.len() {
        groups.entry(root(&leader, idx)).or_default().push(idx);
    }
    groups.into_values().collect()
}

fn root(leader: &[usize], mut idx: usize) -> usize {
    while leader[idx] != idx {
        idx = leader[idx];
    }
    idx
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
        for seed in 0..20 {
            let split = by_patient(&regions, &[(0, 59)], 0.25, seed);
            assert_eq!(split.training.len() + split.validation.len(), regions.len());
            for &a in &split.validation {
                assert!(split.training.iter().all(|&b| !regions[a].shares_patient(&regions[b])));
            }
            assert!(!split.validation.contains(&60) && !split.validation.contains(&7));
            assert_eq!(split.validation.contains(&0), split.validation.contains(&59));
            for class in classes {
                let apart = |&&r: &&usize| regions[r].pathology() == Some(class);
                assert!(split.validation.iter().filter(apart).count() >= 2, "seed {seed}");
            }
            assert_eq!(by_patient(&regions, &[(0, 59)], 0.25, seed), split);
        }
        let nobody = by_patient(&regions, &[], 0.0, 1);
        assert!(nobody.validation.is_empty());
    }
}
