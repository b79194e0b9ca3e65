//! What many outlines come to: means with intervals, shares, pulls.

use serde::Serialize;

use super::controls::Control;
use super::corrections::{Corrected, GOALS, Hand, LIMIT, TOLD};
use super::outline::{CORRECTED_WAYS, Outcome, Settings, WAYS};
use super::overlap::Overlap;
use super::page;
use super::statistics::{self, Estimate};

/// All that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub collection: String,
    pub seed: u64,
    pub prompts_per_case: usize,
    pub cases: usize,
    pub patients: usize,
    /// For each way: over all cases first, then each stratum.
    pub rows: Vec<Row>,
    /// By the prompts of the first way.
    pub controls: Vec<ControlRow>,
    pub corrections: Vec<CorrectionRow>,
    /// With one thread at work and nothing kept from before.
    pub times: Times,
    /// Of the first way, best first: case and mean Dice.
    pub ranking: Vec<(String, f64)>,
    /// Cases that could not be used, and why.
    pub skipped: Vec<String>,
    /// Prompts that the program refused.
    pub refused: usize,
    /// Means over the prompts of each case, by the first way: program, drawn shape.
    #[serde(skip)]
    pub dice: Vec<(f64, f64)>,
    #[serde(skip)]
    pub pictures: Vec<page::Outlined>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub way: String,
    pub stratum: String,
    pub cases: usize,
    pub dice: Estimate,
    /// The drawn circle or ellipse as it is; of a click, the circle of the size that was found.
    pub control_dice: Estimate,
    pub gain: Estimate,
    pub iou: Estimate,
    /// In mm (pixels where a film has no size).
    pub hd95: Estimate,
    pub mean_distance: Estimate,
    pub share_iou_60: f64,
    pub share_iou_80: f64,
    pub control_share_iou_60: f64,
    pub control_share_iou_80: f64,
    /// Mean Dice of the worst tenth of all prompts.
    pub worst_decile: f64,
    /// Mean over cases of the standard deviation of Dice over one case's prompts.
    pub spread: Option<f64>,
    pub center_inside_share: f64,
    pub median_area_ratio: f64,
}

/// What the program is compared with; where a control found nothing, its overlap is 0.
#[derive(Debug, Clone, Serialize)]
pub struct ControlRow {
    pub control: Control,
    pub stratum: String,
    pub cases: usize,
    pub dice: Estimate,
    /// Dice of the program less that of the control.
    pub gain: Estimate,
    pub found_share: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct CorrectionRow {
    pub way: String,
    pub hand: Hand,
    pub stratum: String,
    pub cases: usize,
    /// After 0, 1, 3 and 5 pulls.
    pub dice_after: [f64; TOLD.len()],
    /// Mean pulls to an IoU of 0.80, 0.85, 0.90; 20 where it was not reached.
    pub pulls: [f64; GOALS.len()],
    pub not_reached_share: [f64; GOALS.len()],
    pub done_at_once_share: [f64; GOALS.len()],
}

/// In milliseconds, on the machine that made the report.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    pub outline_p50: f64,
    pub outline_p95: f64,
    pub correction_p50: f64,
    pub correction_p95: f64,
    pub outlines: usize,
    pub corrections: usize,
}

/// Best and worst outlines that are shown, of each.
const SHOWN: usize = 6;

/// Over all cases, and over each stratum where there are several.
pub(super) fn summed_up(
    collection: &str,
    outcomes: Vec<(String, Outcome)>,
    settings: Settings,
    skipped: Vec<String>,
    times: Times,
) -> Report {
    let mut strata: Vec<&str> = outcomes.iter().map(|(_, o)| o.stratum.as_str()).collect();
    strata.sort_unstable();
    strata.dedup();
    let mut patients: Vec<&str> = outcomes.iter().map(|(_, o)| o.patient.as_str()).collect();
    patients.sort_unstable();
    patients.dedup();
    let of = |stratum: Option<&str>| -> Vec<&Outcome> {
        let all = outcomes.iter().map(|(_, outcome)| outcome);
        all.filter(|o| stratum.is_none_or(|stratum| o.stratum == stratum)).collect()
    };
    let groups: Vec<Option<&str>> = std::iter::once(None)
        .chain(strata.iter().copied().map(Some).filter(|_| strata.len() > 1))
        .collect();
    let mut rows = Vec::new();
    for way in 0..WAYS.len() {
        rows.extend(
            groups.iter().filter_map(|stratum| row(way, stratum.unwrap_or("all"), &of(*stratum))),
        );
    }
    let mut corrections = Vec::new();
    for (idx, way) in CORRECTED_WAYS.iter().enumerate() {
        for (hand_idx, hand) in Hand::ALL.iter().enumerate() {
            let place = idx * Hand::ALL.len() + hand_idx;
            corrections.extend(groups.iter().filter_map(|stratum| {
                let corrected: Vec<&Corrected> =
                    of(*stratum).into_iter().filter_map(|o| o.corrected[place].as_ref()).collect();
                correction_row(*way, *hand, stratum.unwrap_or("all"), &corrected)
            }));
        }
    }
    let controls = (0..Control::ALL.len())
        .flat_map(|idx| {
            let of = &of;
            groups.iter().filter_map(move |s| control_row(idx, s.unwrap_or("all"), &of(*s)))
        })
        .collect();
    let mean_dice = |o: &Outcome| {
        let program = statistics::mean(o.ways[0].iter().map(|(found, _)| found.dice))?;
        Some((program, statistics::mean(o.ways[0].iter().map(|(_, drawn)| drawn.dice))?))
    };
    let mut ranked: Vec<(usize, f64)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(idx, (_, o))| Some((idx, mean_dice(o)?.0)))
        .collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let shown = |(idx, _): &(usize, f64)| outcomes[*idx].1.picture.clone();
    let worst = ranked.iter().skip(SHOWN.max(ranked.len().saturating_sub(SHOWN)));
    let pictures = ranked.iter().take(SHOWN).chain(worst).filter_map(shown).collect();
    Report {
        collection: collection.to_owned(),
        seed: settings.seed,
        prompts_per_case: settings.prompts,
        cases: outcomes.len(),
        patients: patients.len(),
        controls,
        corrections,
        times,
        ranking: ranked.iter().map(|(idx, dice)| (outcomes[*idx].0.clone(), *dice)).collect(),
        skipped,
        refused: outcomes.iter().map(|(_, o)| o.refused).sum(),
        dice: outcomes.iter().filter_map(|(_, o)| mean_dice(o)).collect(),
        pictures,
        rows,
    }
}

/// `None` where every prompt was refused.
fn row(way: usize, stratum: &str, outcomes: &[&Outcome]) -> Option<Row> {
    let outcomes: Vec<&Outcome> =
        outcomes.iter().copied().filter(|o| !o.ways[way].is_empty()).collect();
    let estimate = |value: &dyn Fn(&(Overlap, Overlap)) -> f64| {
        let means: Vec<(&str, f64)> = outcomes
            .iter()
            .filter_map(|o| Some((&*o.patient, statistics::mean(o.ways[way].iter().map(value))?)))
            .collect();
        Estimate::of(&means)
    };
    let all = || outcomes.iter().flat_map(|o| &o.ways[way]);
    let share = |holds: &dyn Fn(&(Overlap, Overlap)) -> bool| {
        statistics::mean(all().map(|pair| if holds(pair) { 1.0 } else { 0.0 }))
    };
    let spreads = outcomes.iter().filter_map(|o| {
        let dice: Vec<f64> = o.ways[way].iter().map(|(found, _)| found.dice).collect();
        statistics::standard_deviation(&dice)
    });
    let mut dice: Vec<f64> = all().map(|(found, _)| found.dice).collect();
    let mut ratios: Vec<f64> = all().map(|(found, _)| found.area_ratio).collect();
    Some(Row {
        way: WAYS[way].words(),
        stratum: stratum.to_owned(),
        cases: outcomes.len(),
        dice: estimate(&|(found, _)| found.dice)?,
        control_dice: estimate(&|(_, drawn)| drawn.dice)?,
        gain: estimate(&|(found, drawn)| found.dice - drawn.dice)?,
        iou: estimate(&|(found, _)| found.iou)?,
        hd95: estimate(&|(found, _)| found.hd95)?,
        mean_distance: estimate(&|(found, _)| found.mean_distance)?,
        share_iou_60: share(&|(found, _)| found.iou >= 0.6)?,
        share_iou_80: share(&|(found, _)| found.iou >= 0.8)?,
        control_share_iou_60: share(&|(_, drawn)| drawn.iou >= 0.6)?,
        control_share_iou_80: share(&|(_, drawn)| drawn.iou >= 0.8)?,
        worst_decile: statistics::worst_decile(&mut dice)?,
        spread: statistics::mean(spreads),
        center_inside_share: share(&|(found, _)| found.center_inside)?,
        median_area_ratio: statistics::quantile(&mut ratios, 0.5)?,
    })
}

/// `None` where nothing was compared.
fn control_row(control: usize, stratum: &str, outcomes: &[&Outcome]) -> Option<ControlRow> {
    let dice_of = |found: &Option<Overlap>| found.map_or(0.0, |overlap| overlap.dice);
    let outcomes: Vec<&Outcome> =
        outcomes.iter().copied().filter(|o| !o.controls[control].is_empty()).collect();
    let dice: Vec<(&str, f64)> = outcomes
        .iter()
        .filter_map(|o| {
            Some((&*o.patient, statistics::mean(o.controls[control].iter().map(dice_of))?))
        })
        .collect();
    let gains: Vec<(&str, f64)> = outcomes
        .iter()
        .filter_map(|o| {
            let pairs = o.ways[0].iter().zip(&o.controls[control]);
            let gains = pairs.map(|((program, _), found)| program.dice - dice_of(found));
            Some((&*o.patient, statistics::mean(gains)?))
        })
        .collect();
    let found = outcomes.iter().flat_map(|o| &o.controls[control]);
    Some(ControlRow {
        control: Control::ALL[control],
        stratum: stratum.to_owned(),
        cases: outcomes.len(),
        dice: Estimate::of(&dice)?,
        gain: Estimate::of(&gains)?,
        found_share: statistics::mean(found.map(|f| if f.is_some() { 1.0 } else { 0.0 }))?,
    })
}

fn correction_row(
    way: usize,
    hand: Hand,
    stratum: &str,
    corrected: &[&Corrected],
) -> Option<CorrectionRow> {
    let mean = |value: &dyn Fn(&Corrected) -> f64| {
        statistics::mean(corrected.iter().map(|corrected| value(corrected))).unwrap_or_default()
    };
    let share = |holds: bool| if holds { 1.0 } else { 0.0 };
    (!corrected.is_empty()).then(|| CorrectionRow {
        way: WAYS[way].words(),
        hand,
        stratum: stratum.to_owned(),
        cases: corrected.len(),
        dice_after: TOLD.map(|pulls| mean(&|c| c.dice_after(pulls))),
        pulls: GOALS.map(|goal| mean(&|c| c.pulls_to(goal).unwrap_or(LIMIT) as f64)),
        not_reached_share: GOALS.map(|goal| mean(&|c| share(c.pulls_to(goal).is_none()))),
        done_at_once_share: GOALS.map(|goal| mean(&|c| share(c.pulls_to(goal) == Some(0)))),
    })
}
