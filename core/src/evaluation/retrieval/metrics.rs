//! Figures of one ranked list, and of many scores. Nothing here knows a case, a film or a method.
//!
//! A ranked list is given as what is relevant in it, nearest first.

/// Share of the first `n` that is relevant; of a shorter list, of what there is.
pub(super) fn precision_at(relevant: &[bool], n: usize) -> f64 {
    let first = &relevant[..n.min(relevant.len())];
    count(first) as f64 / first.len().max(1) as f64
}

/// Recall as Arandjelovic et al. (NetVLAD, CVPR 2016, section 5.1) mean it: whether at least one of
/// the first `n` is relevant. Chance alone brings it near 1 where there are few classes.
pub(super) fn found_within(relevant: &[bool], n: usize) -> bool {
    relevant.iter().take(n).any(|r| *r)
}

/// The classic recall: the share of all that is relevant that stands among the first `n`; `None`
/// where nothing is.
pub(super) fn recall_at(relevant: &[bool], n: usize) -> Option<f64> {
    let all = count(relevant);
    (all > 0).then(|| count(&relevant[..n.min(relevant.len())]) as f64 / all as f64)
}

/// Mean over the relevant of the precision at their ranks, the whole list being ranked; `None`
/// where nothing is relevant.
pub(super) fn average_precision(relevant: &[bool]) -> Option<f64> {
    let (mut found, mut sum) = (0.0, 0.0);
    for (idx, _) in relevant.iter().enumerate().filter(|(_, relevant)| **relevant) {
        found += 1.0;
        sum += found / (idx + 1) as f64;
    }
    (found > 0.0).then(|| sum / found)
}

/// How similar the nearest `k` are, 1 for the nearest: how far each lies below the distance in the
/// middle of the list. The distances are of the whole list, ascending. It makes no difference in
/// which unit, or from which zero, a method counts.
pub(super) fn similarities(distances: &[f32], k: usize) -> Vec<f64> {
    let Some((nearest, last)) = distances.first().zip(distances.len().checked_sub(1)) else {
        return Vec::new();
    };
    let middle = f64::from(distances[(distances.len() / 2).max(2 * k).min(last)]);
    let range = middle - f64::from(*nearest);
    let similarity = |d: &f32| {
        if range > 0.0 { ((middle - f64::from(*d)) / range).clamp(0.0, 1.0) } else { 1.0 }
    };
    distances.iter().take(k).map(similarity).collect()
}

/// The decision index: the share of positives among the nearest, each counted by its similarity
/// (after Zheng et al., Academic Radiology 2006).
pub(super) fn decision_index(similarities: &[f64], positive: &[bool]) -> f64 {
    let (sum, all) = similarities
        .iter()
        .zip(positive)
        .fold((0.0, 0.0), |(sum, all), (s, p)| (sum + if *p { *s } else { 0.0 }, all + s));
    if all > 0.0 { sum / all } else { 0.5 }
}

/// A score, whether it is of a positive, and how often it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scored {
    pub(super) score: f64,
    pub(super) positive: bool,
    pub(super) weight: f64,
}

/// Area under the ROC curve, the chance that a positive scores above a negative, equal scores
/// counted half (Mann and Whitney 1947); `None` without both kinds. `sorted` ascends by score.
pub(super) fn area_under_roc(sorted: impl IntoIterator<Item = Scored>) -> Option<f64> {
    let (mut below, mut positives, mut sum) = (0.0, 0.0, 0.0);
    // Positives and negatives of the score in hand.
    let (mut score, mut here) = (f64::NEG_INFINITY, (0.0, 0.0));
    let mut close = |(p, n): (f64, f64)| {
        sum += p * (below + 0.5 * n);
        below += n;
        positives += p;
    };
    for next in sorted {
        if next.score > score {
            close(std::mem::take(&mut here));
            score = next.score;
        }
        if next.positive {
            here.0 += next.weight;
        } else {
            here.1 += next.weight;
        }
    }
    close(here);
    (below > 0.0 && positives > 0.0).then(|| sum / (below * positives))
}

/// Points of the ROC curve, (1 - specificity, sensitivity), from the strictest threshold on.
pub(super) fn roc(scores: &[(f64, bool)]) -> Vec<(f64, f64)> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = sorted.iter().filter(|s| s.1).count().max(1) as f64;
    let negatives = sorted.iter().filter(|s| !s.1).count().max(1) as f64;
    let mut points = vec![(0.0, 0.0)];
    let (mut hits, mut alarms) = (0.0, 0.0);
    for (idx, (score, positive)) in sorted.iter().enumerate() {
        if *positive {
            hits += 1.0
        } else {
            alarms += 1.0
        }
        if sorted.get(idx + 1).is_none_or(|next| next.0 < *score) {
            points.push((alarms / negatives, hits / positives));
        }
    }
    points
}

fn count(relevant: &[bool]) -> usize {
    relevant.iter().filter(|r| **r).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [bool; 6] = [false, true, true, false, false, true];

    #[test]
    fn a_list_of_six_has_the_figures_worked_out_by_hand() {
        assert_eq!([1, 2, 5, 6].map(|n| precision_at(&LIST, n)), [0.0, 0.5, 0.4, 0.5]);
        // Ten of a list of six are six.
        assert_eq!(precision_at(&LIST, 10), 0.5);
        assert_eq!([1, 2, 25].map(|n| found_within(&LIST, n)), [false, true, true]);
        assert_eq!(
            [1, 2, 3, 25].map(|n| recall_at(&LIST, n)),
            [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0].map(Some)
        );
        // Relevant at ranks 2, 3 and 6: (1/2 + 2/3 + 3/6) / 3.
        let expected = (0.5 + 2.0 / 3.0 + 0.5) / 3.0;
        assert!((average_precision(&LIST).expect("three are relevant") - expected).abs() < 1e-12);
        assert_eq!((average_precision(&[false]), recall_at(&[false], 1)), (None, None));
        assert_eq!((precision_at(&[], 10), found_within(&[], 10)), (0.0, false));
    }

    #[test]
    fn similarity_knows_no_unit_and_no_zero() {
        // Twenty-one distances 0 to 20: the one in the middle is 10, and two of k stand before it.
        let plain: Vec<f32> = (0..21).map(|d| d as f32).collect();
        let expected = [1.0, 0.9, 0.8];
        let other: Vec<f32> = plain.iter().map(|d| 0.25 * d - 3.0).collect();
        for distances in [plain, other] {
            let found = similarities(&distances, 3);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        }
        assert_eq!(similarities(&[2.0; 5], 2), [1.0, 1.0]);
        assert!(similarities(&[], 10).is_empty());
    }

    #[test]
    fn the_index_counts_each_neighbour_by_its_similarity() {
        assert!((decision_index(&[1.0, 0.5, 0.5], &[true, false, true]) - 0.75).abs() < 1e-12);
        assert_eq!(decision_index(&[0.0], &[true]), 0.5);
    }

    #[test]
    fn the_area_counts_pairs_and_halves_ties() {
        let area = |scores: &[(f64, bool, f64)]| {
            let mut sorted: Vec<Scored> = scores
                .iter()
                .map(|&(score, positive, weight)| Scored { score, positive, weight })
                .collect();
            sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
            area_under_roc(sorted)
        };
        // Positives 3 and 1, negatives 1 and 0: pairs won 1, 1, 1/2, 1.
        let scores = [(3.0, true, 1.0), (1.0, true, 1.0), (1.0, false, 1.0), (0.0, false, 1.0)];
        assert_eq!(area(&scores), Some(3.5 / 4.0));
        // The tied positive counted three times: 2 + 3 * 1.5 of 4 * 2 pairs.
        let mut weighted = scores;
        weighted[1].2 = 3.0;
        assert_eq!(area(&weighted), Some(6.5 / 8.0));
        // Drawn not at all, a kind is missing.
        weighted[2].2 = 0.0;
        weighted[3].2 = 0.0;
        assert_eq!(area(&weighted), None);
        assert_eq!(area(&[(1.0, true, 1.0)]), None);
    }

    #[test]
    fn the_curve_goes_from_corner_to_corner_and_bounds_the_area() {
        let scores = [(3.0, true), (1.0, true), (1.0, false), (0.0, false)];
        let points = roc(&scores);
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        let trapezia: f64 =
            points.windows(2).map(|p| 0.5 * (p[1].0 - p[0].0) * (p[1].1 + p[0].1)).sum();
        assert!((trapezia - 3.5 / 4.0).abs() < 1e-12);
    }
}
