//! The report for a person: one page that needs no other file.

use std::fmt::Write;

use super::chance::Value;
use super::figures::Task;
use super::report::{Difference, Experiment, Figure, Kind, Method, Seen};
use crate::evaluation::page::html_table;
use crate::evaluation::plot::escaped;

mod plots;

/// Stands over every report.
pub const CAVEAT: &str = "These figures compare methods on the regions named below. They are no \
    claim of accuracy: the regions are few, from film scanners of the 1990s, and chosen by those \
    who gathered them. An interval in brackets is where a figure would lie in 95 of 100 samples of \
    as many patients; where two intervals overlap, look at the paired difference. Similar cases are \
    found by image similarity; they do not predict a patient's outcome.";

/// Stands over a report on drawn regions instead.
const DRAWN_CAVEAT: &str = "These regions were drawn by this program. They measure time, memory and \
    whether a pipeline finds differences that were put there; they are no evidence of accuracy on \
    patients, and no default is chosen by them.";

/// Columns of the first table.
const MAIN: [&str; 9] = [
    "precision_1",
    "precision_5",
    "precision_10",
    "map",
    "recall_10",
    "found_5",
    "auc_lesion_normal",
    "auc_lesion_matched_normal",
    "auc_malignant_benign",
];
const MORE: [&str; 5] =
    ["found_1", "found_10", "map_lesion_normal", "precision_10_lesions", "map_lesions"];
const MICRO_AND_CLASSES: [&str; 8] = [
    "precision_10_micro",
    "map_micro",
    "precision_10_malignant",
    "map_malignant",
    "precision_10_benign",
    "map_benign",
    "precision_10_normal",
    "map_normal",
];

/// The page.
pub fn html(experiment: &Experiment) -> String {
    let mut page = String::from(HEAD);
    let caveat = if experiment.scale.is_some() { DRAWN_CAVEAT } else { CAVEAT };
    let _ = write!(page, "<p class=\"caveat\">{}</p>", escaped(caveat));
    set(&mut page, experiment);
    main_table(&mut page, experiment);
    differences(&mut page, experiment);
    plots::curves(&mut page, experiment);
    plots::decisions(&mut page, experiment);
    classes(&mut page, experiment);
    collections(&mut page, experiment);
    effects(&mut page, experiment);
    scale(&mut page, experiment);
    plots::loss(&mut page, experiment);
    plots::strips(&mut page, experiment);
    not_used(&mut page, experiment);
    page.push_str("</body></html>\n");
    page
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>How good are the neighbours?</title><style>\
    body{font-family:sans-serif;max-width:1400px;margin:2em auto;padding:0 1em;color:#212121}\
    table{border-collapse:collapse;font-size:11.5px;margin:.5em 0 1em}\
    td,th{border:1px solid #ccc;padding:2px 6px;text-align:right;white-space:nowrap}\
    th{background:#f5f5f5;white-space:normal;vertical-align:bottom}\
    td:first-child,th:first-child{text-align:left}\
    .caveat{background:#fff3e0;padding:1em}.note{color:#555;font-size:14px;max-width:70em}\
    figure{display:inline-block;margin:2px;text-align:center}figcaption{font-size:11px}\
    .strip{white-space:nowrap;overflow-x:auto}h3{margin-bottom:.2em}\
    .pair>svg{margin-right:1em}</style></head><body><h1>How good are the neighbours?</h1>";

fn set(page: &mut String, experiment: &Experiment) {
    let set = &experiment.set;
    let _ = write!(
        page,
        "<h2>What was asked</h2><p>{} regions of {} patients; {} of them are asked about: {}. No \
         region of a patient answers a question about her. Seed {}; {} draws of patients an \
         interval, {} permutations a null.</p>",
        set.regions,
        set.patients,
        set.queries,
        escaped(&experiment.protocol),
        experiment.seed,
        experiment.bootstrap_draws,
        experiment.permutations
    );
    let mut table = vec![row(&["source", "malignant", "benign", "normal"])];
    for (source, counts) in &set.sources {
        let mut cells = vec![source.clone()];
        cells.extend(counts.map(|count| count.to_string()));
        table.push(cells);
    }
    html_table(page, &table);
}

fn main_table(page: &mut String, experiment: &Experiment) {
    let _ = write!(
        page,
        "<h2>All methods</h2><p class=\"note\">P@N: share of the first N that have the query's \
         class; mAP: mean average precision; these, and both recalls, are means over classes, so \
         that a random order gives one over their number. \"At least one in N\" is what place \
         recognition calls recall@N: with so few classes a random order reaches it nearly always. \
         AUC: of the decision index, the similarity-weighted share of positives among the ten \
         nearest. Contrast-matched: asked only about lesions and about the {} normal regions whose \
         contrast lies between the lesions' lowest and highest tenth, which are those that a \
         reader would doubt. The last row is the mean of random orders, and where 95 of 100 of \
         them lie.</p>",
        experiment.set.matched_normals
    );
    figure_table(page, &experiment.methods, &MAIN, |method| Some(&method.figures));
    marks(page, experiment);
    page.push_str(
        "<h3>What chance gives</h3><p class=\"note\">The same area with labels dealt out anew, \
         those of one patient's regions together: mean and standard deviation, and the share of the permutations that reach what was \
         found. The mean lies below 0.5, since a region that asks is missing from its own \
         class. A layer learnt from outcomes is not learnt anew from the dealt ones.</p>",
    );
    let mut table = vec![row(&["method"])];
    table[0].extend(Task::ALL.map(|task| format!("{}: null", task.words())));
    for method in experiment.methods.iter().filter(|method| !method.nulls.is_empty()) {
        let mut cells = vec![method.marked_name()];
        cells.extend(Task::ALL.map(|task| {
            let told = method.nulls.iter().find(|told| told.key == task.key());
            let value = method.value(task.key());
            told.zip(value).map_or_else(String::new, |(told, value)| {
                format!(
                    "{:.2}; null {:.2} ± {:.2}, p {:.3}",
                    value.value, told.null.mean, told.null.standard_deviation, told.null.p
                )
            })
        }));
        table.push(cells);
    }
    html_table(page, &table);
}

fn differences(page: &mut String, experiment: &Experiment) {
    let leads = experiment.methods.iter().map(|method| &method.name);
    let of = |lead: &str| -> Vec<&Difference> {
        experiment.differences.iter().filter(|d| d.first == lead).collect()
    };
    for (lead, own) in leads.map(|lead| (lead, of(lead))).filter(|(_, own)| !own.is_empty()) {
        let _ = write!(
            page,
            "<h2>{} less each other method</h2><p class=\"note\">On the same draws of patients. \
             Bold: the interval leaves out zero. No correction is made for the number of \
             comparisons: of twenty without any difference, one is bold by chance.</p>",
            escaped(lead)
        );
        let mut keys: Vec<(&str, &str)> = Vec::new();
        for difference in &own {
            if !keys.iter().any(|(key, _)| *key == difference.key) {
                keys.push((&difference.key, &difference.title));
            }
        }
        page.push_str("<table><tr><th>less</th>");
        keys.iter().for_each(|(_, title)| {
            let _ = write!(page, "<th>{}</th>", escaped(title));
        });
        page.push_str("</tr>");
        for method in &experiment.methods {
            let own: Vec<_> = own.iter().filter(|d| d.second == method.name).collect();
            if own.is_empty() {
                continue;
            }
            let _ = write!(page, "<tr><td>{}</td>", escaped(&method.marked_name()));
            for (key, _) in &keys {
                let cell = own.iter().find(|d| d.key == *key).map_or_else(String::new, |d| {
                    let (open, close) = if d.is_beyond_noise { ("<b>", "</b>") } else { ("", "") };
                    format!("{open}{}{close}", signed(&d.value))
                });
                let _ = write!(page, "<td>{cell}</td>");
            }
            page.push_str("</tr>");
        }
        page.push_str("</table>");
    }
}

/// What the marks behind names mean, and what a learnt layer's figures are worth.
fn marks(page: &mut String, experiment: &Experiment) {
    let mut lines: Vec<String> = Vec::new();
    for method in &experiment.methods {
        let Some(Seen { queries, uses_outcomes }) = method.seen else { continue };
        let made_from = match queries {
            Some(0) => continue,
            Some(queries) => {
                format!("made from films of the patients of {queries} of these queries")
            }
            None => "does not tell what it was made from".to_owned(),
        };
        let outcomes = match (queries, uses_outcomes) {
            (None, _) => ". It may know the answers.",
            (_, true) => ", and from their outcomes. Its figures are no test of it.",
            (_, false) => ", without their outcomes.",
        };
        lines.push(format!("{}: {made_from}{outcomes}", method.marked_name()));
    }
    if experiment.methods.iter().any(|method| method.kind == Kind::Learnt) {
        lines.push(
            "A method \"… + LDA\", \"… + triplet layer\" or \"… + ranking layer\" has a linear \
             layer behind it that learnt from the outcomes of the library, never from those of the \
             patient asked about. It gathers each class, so P@N and mAP rise; inside a class its \
             order says nothing, and look-alikes become no more alike. The area of a decision says \
             whether it found anything that was not there before."
                .to_owned(),
        );
    }
    for line in lines {
        let _ = write!(page, "<p class=\"note\">{}</p>", escaped(&line));
    }
}

fn classes(page: &mut String, experiment: &Experiment) {
    page.push_str(
        "<h2>By class, and over all queries</h2><p class=\"note\">Micro: every query counts alike, \
         so the largest class decides; compare with the row of random order. Among lesions: the \
         normal regions neither ask nor answer.</p>",
    );
    figure_table(page, &experiment.methods, &MORE, |method| Some(&method.figures));
    figure_table(page, &experiment.methods, &MICRO_AND_CLASSES, |method| Some(&method.figures));
}

fn collections(page: &mut String, experiment: &Experiment) {
    let keys = ["precision_10", "map", "auc_lesion_normal", "auc_malignant_benign"];
    if experiment.methods.iter().any(|m| m.within_collection.is_some()) {
        page.push_str(
            "<h2>Within a collection, and across</h2><p class=\"note\">Each query answered by its \
             own collection alone, then by the others alone. A method that knows a scanner instead \
             of a mass does better with a mixed library than with either. Where the others have \
             nothing of a query's class its precision is 0, in a random order too.</p><h3>Own collection \
             alone</h3>",
        );
        figure_table(page, &experiment.methods, &keys, |m| m.within_collection.as_deref());
        page.push_str("<h3>Other collections alone</h3>");
        figure_table(page, &experiment.methods, &keys, |m| m.across_collections.as_deref());
    }
    if experiment.source_probe.is_empty() {
        return;
    }
    page.push_str(
        "<h3>Does a descriptor give the source away?</h3><p class=\"note\">Mean over sources of \
         the share of regions for which most of the ten nearest are of the same source; the same \
         under sources dealt out anew. Classes and sources go together in most sets, so among \
         lesions is the fairer question.</p>",
    );
    let mut table = vec![row(&["method", "among", "sources", "told right", "by chance", "p"])];
    for probe in &experiment.source_probe {
        table.push(vec![
            probe.method.clone(),
            probe.among.to_owned(),
            probe.sources.to_string(),
            format!("{:.2}", probe.accuracy),
            format!("{:.2} ± {:.2}", probe.chance, probe.chance_deviation),
            format!("{:.3}", probe.p),
        ]);
    }
    html_table(page, &table);
}

fn effects(page: &mut String, experiment: &Experiment) {
    if experiment.effects.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Effect of the settings</h2><p class=\"note\">Each encoder as it is, and with its \
         vectors shortened to their first dimensions, which a PCA ordered by variance.</p>",
    );
    let mut names: Vec<&String> =
        experiment.effects.iter().flat_map(|e| e.settings.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut table = vec![row(&["encoder"])];
    table[0].extend(names.iter().map(|name| (*name).clone()));
    let figures: Vec<&Figure> =
        experiment.effects[0].figures.iter().filter(|f| f.value.is_some()).collect();
    table[0].extend(figures.iter().map(|f| f.title.clone()));
    for effect in &experiment.effects {
        let mut cells = vec![effect.name.clone()];
        cells.extend(
            names.iter().map(|name| effect.settings.get(*name).cloned().unwrap_or_default()),
        );
        cells.extend(figures.iter().map(|figure| {
            let own = effect.figures.iter().find(|f| f.key == figure.key);
            own.and_then(|f| f.value).map_or_else(String::new, |v| shown(&v))
        }));
        table.push(cells);
    }
    html_table(page, &table);
}

fn scale(page: &mut String, experiment: &Experiment) {
    let Some(scale) = &experiment.scale else { return };
    let counts = scale.counts;
    let peak = scale.peak_bytes.map_or_else(String::new, |bytes| {
        format!(" The process held {:.0} MB at most.", bytes as f64 / 1e6)
    });
    let _ = write!(
        page,
        "<h2>At this size</h2><p>{} malignant, {} benign and {} normal regions, drawn by this \
         program: no evidence of accuracy on patients. {} threads; drawing, measuring and \
         describing took {:.0} s ({:.1} ms a region), asking every method about every region {:.1} \
         s.{peak}</p><h3>The ten nearest</h3><p class=\"note\">Median of one search: by the index, \
         and by looking at every descriptor; and whether both gave the same ten.</p>",
        counts.malignant,
        counts.benign,
        counts.normal,
        scale.threads,
        scale.describe_seconds,
        1e3 * scale.describe_seconds / counts.total().max(1) as f64,
        scale.ask_seconds
    );
    let head = [
        "method",
        "cases",
        "dims",
        "index built in s",
        "index ms",
        "scan ms",
        "tree",
        "the same ten",
    ];
    let mut table = vec![row(&head)];
    let word = |yes: bool| (if yes { "yes" } else { "no" }).to_owned();
    for search in &scale.searches {
        table.push(vec![
            search.method.clone(),
            search.cases.to_string(),
            search.dims.to_string(),
            format!("{:.3}", search.build_seconds),
            format!("{:.3}", search.index_ms),
            format!("{:.3}", search.scan_ms),
            word(search.uses_tree),
            word(search.is_equal),
        ]);
    }
    html_table(page, &table);
}

fn not_used(page: &mut String, experiment: &Experiment) {
    let set = &experiment.set;
    let lists = [("One film under two names", &set.same_films), ("Not used", &set.skipped)];
    for (title, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = write!(page, "<h2>{title}</h2><ul class=\"note\">");
        for line in lines {
            let _ = write!(page, "<li>{}</li>", escaped(line));
        }
        page.push_str("</ul>");
    }
}

/// A row a method, a column a figure that any method has.
fn figure_table<'a>(
    page: &mut String,
    methods: &'a [Method],
    keys: &[&str],
    figures: impl Fn(&'a Method) -> Option<&'a [Figure]>,
) {
    let find = |method: &'a Method, key: &str| {
        figures(method)?.iter().find(|f| f.key == key).filter(|f| f.value.is_some())
    };
    let columns: Vec<(&str, &str)> = keys
        .iter()
        .filter_map(|key| {
            let title = methods.iter().find_map(|m| find(m, key))?.title.as_str();
            Some((*key, title))
        })
        .collect();
    let mut table = vec![row(&["method"])];
    table[0].extend(columns.iter().map(|(_, title)| (*title).to_owned()));
    for method in methods.iter().filter(|m| figures(m).is_some()) {
        let mut cells = vec![method.marked_name()];
        cells.extend(columns.iter().map(|(key, _)| {
            let value = find(method, key).and_then(|figure| figure.value);
            value.map_or_else(|| "–".to_owned(), |value| shown(&value))
        }));
        table.push(cells);
    }
    html_table(page, &table);
}

fn shown(value: &Value) -> String {
    format!("{:.3} [{:.2}, {:.2}]", value.value, value.low, value.high)
}

fn signed(value: &Value) -> String {
    format!("{:+.3} [{:+.2}, {:+.2}]", value.value, value.low, value.high)
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
