//! The model card of a bundle: what it is, from what, on what terms, and what it cannot do.

use std::fmt::Write;

use super::assembly::{LEARNT, LOOK, MARGIN_PART, SHAPE_PART, TEXTURE};
use super::bundle::Config;
use super::weights::Weights;
use crate::INTENDED_USE;

/// `MODEL_CARD.md`, in Markdown.
pub(super) fn text(config: &Config, weights: &Weights) -> String {
    let mut card = String::new();
    let mut line = |text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(card, "{text}");
    };
    line(&format!("# Encoder `{}`\n", config.name));
    line(&format!("{INTENDED_USE}\n"));
    line("## What it is\n");
    line(
        "A square around an outlined region of a mammogram becomes a vector of length 1; near \
         vectors belong to regions that look alike. The distance is Euclidean, and each neighbour \
         says how much of its squared distance each part made.\n",
    );
    line("| part | numbers | share of a mean squared distance | what it sees |");
    line("| --- | --- | --- | --- |");
    for part in config.parts.parts() {
        let sees = sees(&part.name, config);
        line(&format!("| {} | {} | {:.3} | {sees} |", part.name, part.dims, part.weight));
    }
    let views: Vec<String> = config.views.iter().map(|view| format!("{view:?}")).collect();
    line(&format!("\nViews averaged: {}.\n", views.join(", ").to_lowercase()));
    line("## From what\n");
    line(&format!("{}\n", config.training));
    line("## Licences and credits\n");
    for licence in &config.licences {
        line(&format!("* {licence}"));
    }
    line("\n## What is known of its limits\n");
    line(
        "* The networks were trained on photographs; their channels know edges and textures, not \
         lesions.\n\
         * What it learnt here, it learnt from as few regions as stand above. One that learnt from \
         film scans knows no digital mammogram; the program says so when it is asked about one.\n\
         * It tells masses from normal tissue. On the films that encoders like it were tried on \
         (DDSM, mini-MIAS), benign from malignant is close to chance for every one of them: a \
         neighbour's outcome is no forecast.\n\
         * Films of one scanner look alike to it. Compare within one source.\n\
         * It sees what is outlined: draw the outline otherwise, and the nearest case may change \
         while most of the ten stay.",
    );
    if weights.layer.is_some() {
        line(
            "* The learnt part was fitted on the labels of these regions. Scores of queries \
             against the same regions flatter it; only folds by patient, refitted for each, are a \
             fair test.",
        );
    }
    line("\n## Its report\n");
    line(
        "`precedent-cli evaluate retrieval` measures it against its rivals over any library or \
         manifest; where its report ships, it lies beside this card. `precedent-cli bundle check` \
         proves that the files are those listed in `BLAKE3SUMS` and give the known answer.",
    );
    card
}

fn sees(part: &str, config: &Config) -> String {
    let trunk = config.trunk.architecture.word();
    match part {
        TEXTURE => match (&config.netvlad, &config.pca) {
            (Some(netvlad), Some(pca)) => format!(
                "NetVLAD of {} clusters on the last map of {trunk}, local descriptors of {} \
                 numbers, {}, PCA {}",
                netvlad.clusters,
                netvlad.dims,
                if netvlad.region_weighted { "weighted by the outline" } else { "unweighted" },
                if pca.whitened { "whitened" } else { "not whitened" },
            ),
            _ => {
                format!("the mean of the last map of {trunk} over the outlined region, square root")
            }
        },
        LOOK => {
            let look = config.look.as_ref().map_or(trunk, |look| look.architecture.word());
            format!("the mean of a middle map of {look} over the outlined region, square root")
        }
        SHAPE_PART => "circularity, radial deviation, solidity, elongation".to_owned(),
        MARGIN_PART => "contrast, edge strength and width, share of well-defined edge, two \
                        measures of spiculation"
            .to_owned(),
        LEARNT => "linear discriminants of the outcomes of the regions it was made from".to_owned(),
        other => other.to_owned(),
    }
}
