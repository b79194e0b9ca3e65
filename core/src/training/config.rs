//! Every choice of a training run, with the paper's and the reference recipe as named starts.

use serde::{Deserialize, Serialize};

use crate::encoder::views::View;
use crate::structure_from_motion::PAPER_THRESHOLD;

/// What `training.toml` holds; written beside the run, it decides the run to the last bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of the encoder that comes out.
    pub name: String,
    pub seed: u64,

    /// K, the clusters of NetVLAD.
    pub clusters: usize,
    /// Sharpness of the soft assignment at the start; by the 100 : 1 rule where left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alpha: Option<f64>,
    /// Regions drawn for the local descriptors that k-means starts from.
    pub cluster_images: usize,
    /// Whether the outline weights the positions.
    pub region_weighted: bool,
    /// Turns whose vectors the finished encoder averages.
    pub views: Vec<View>,
    /// Whether the trunk's last block learns too, or NetVLAD's parameters alone.
    pub learn_last_block: bool,

    pub loss: Loss,
    pub distance: Distance,
    /// `m` of equations 15 and 18, in units of [`Self::distance`].
    pub triplet_margin: f64,

    pub epochs: usize,
    /// Tuples of a step.
    pub batch: usize,
    pub learning_rate: f64,
    /// The learning rate is halved every so many epochs; 0: never.
    pub halve_every: usize,
    pub momentum: f64,
    pub weight_decay: f64,

    pub label_positives: LabelPositives,
    /// Whether pairs found by structure from motion are positives.
    pub motion_positives: bool,
    /// Points in space that two regions must share to be such a pair.
    pub motion_threshold: usize,
    /// Whether a region without another positive is paired with itself, seen otherwise.
    pub augmented_positives: bool,

    /// Negatives drawn at random, of which the nearest are looked at.
    pub sampled_negatives: usize,
    pub nearest_negatives: usize,
    /// Share of the nearest that are normal regions when the query is a mass.
    pub normal_share: f64,
    /// The hardest of a query, kept for its next turn.
    pub remembered_negatives: usize,
    /// At most so many enter a tuple, the hardest first, and only where they violate the margin.
    pub used_negatives: usize,

    /// Steps after which the cached descriptors are computed anew; each epoch begins with that.
    pub refresh_every: usize,
    pub checkpoint_every: usize,

    /// Share of the patients kept apart to choose the epoch.
    pub validation_share: f64,
    /// Epochs without a better validation after which training ends; 0: never.
    pub patience: usize,
    pub choose_by: ChooseBy,

    /// Dimensions of the finished descriptor; 0: a tenth of the training regions, 128 at most.
    pub pca_dims: usize,
    pub pca_whiten: bool,
}

/// Which loss a tuple has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Equations 18 and 19: the best potential positive against every negative.
    Ranking,
    /// Equation 15: a positive drawn at random against every negative.
    Triplet,
}

/// What lies between two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    Squared,
    Plain,
}

/// Which labels make a potential positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelPositives {
    None,
    /// The same pathology in another patient.
    Class,
    /// The same pathology, and the same margin or shape where a reader stated one.
    ClassAndTerms,
}

/// By which figure of the validation the best epoch is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChooseBy {
    Loss,
    /// The mean of recall@1 to recall@5.
    Recall,
    /// Mean average precision.
    Map,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the training configuration cannot be understood")]
    Toml(#[from] toml::de::Error),
    #[error("the training configuration cannot be used: {0}")]
    Value(&'static str),
}

impl Config {
    /// Table 1 of the paper.
    pub fn paper() -> Self {
        Self {
            name: "paper-trained".to_owned(),
            seed: 1,
            clusters: 50,
            alpha: None,
            cluster_images: 500,
            region_weighted: false,
            views: vec![View::Plain],
            learn_last_block: true,
            loss: Loss::Ranking,
            distance: Distance::Squared,
            triplet_margin: 0.8,
            epochs: 50,
            batch: 5,
            learning_rate: 5e-4,
            halve_every: 0,
            momentum: 0.8,
            weight_decay: 5e-3,
            label_positives: LabelPositives::Class,
            motion_positives: true,
            motion_threshold: PAPER_THRESHOLD,
            augmented_positives: true,
            sampled_negatives: 1000,
            nearest_negatives: 50,
            normal_share: 0.8,
            remembered_negatives: 10,
            used_negatives: 10,
            refresh_every: 500,
            checkpoint_every: 20,
            validation_share: 0.2,
            patience: 10,
            choose_by: ChooseBy::Map,
            pca_dims: 0,
            pca_whiten: true,
        }
    }

    /// The recipe of the authors of NetVLAD, as their code has it.
    pub fn reference() -> Self {
        Self {
            name: "reference-trained".to_owned(),
            clusters: 64,
            triplet_margin: 0.1,
            epochs: 30,
            batch: 4,
            learning_rate: 1e-4,
            halve_every: 5,
            momentum: 0.9,
            weight_decay: 1e-3,
            ..Self::paper()
        }
    }

    /// This configuration with some values taken from a TOML text, such as `epochs = 5`.
    pub fn with(&self, text: &str) -> Result<Self, Error> {
        let given: toml::Table = toml::from_str(text)?;
        let mut table = toml::Table::try_from(self).expect("the configuration is plain values");
        table.extend(given);
        let config: Self = table.try_into()?;
        config.check()?;
        Ok(config)
    }

    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("the configuration is plain values")
    }

    fn check(&self) -> Result<(), Error> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let counts = [
            self.clusters,
            self.cluster_images,
            self.epochs,
            self.batch,
            self.sampled_negatives,
            self.nearest_negatives,
            self.used_negatives,
            self.refresh_every,
            self.checkpoint_every,
            self.views.len(),
        ];
        for (sound, what) in [
            (counts.iter().all(|&n| n > 0), "a count is 0 that must be 1 at least"),
            (positive(self.triplet_margin), "the margin must be above 0"),
            (positive(self.learning_rate), "the learning rate must be above 0"),
            (self.alpha.is_none_or(positive), "alpha must be above 0"),
            ((0.0..1.0).contains(&self.momentum), "the momentum must lie in 0 to 1"),
            (self.weight_decay.is_finite() && self.weight_decay >= 0.0, "weight decay below 0"),
            (share(self.normal_share), "the share of normal regions must lie in 0 to 1"),
            (
                self.validation_share < 0.9 && share(self.validation_share),
                "the share of patients kept apart must lie in 0 to 0.9",
            ),
        ] {
            if !sound {
                return Err(Error::Value(what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_have_the_published_numbers_and_come_back_from_their_text() {
        let paper = Config::paper();
        assert_eq!((paper.clusters, paper.epochs, paper.batch), (50, 50, 5));
        assert_eq!(
            (paper.triplet_margin, paper.momentum, paper.weight_decay, paper.learning_rate),
            (0.8, 0.8, 0.005, 0.0005)
        );
        let reference = Config::reference();
        assert_eq!((reference.clusters, reference.epochs, reference.batch), (64, 30, 4));
        assert_eq!((reference.triplet_margin, reference.halve_every), (0.1, 5));
        for config in [paper, reference] {
            assert_eq!(config.with(&config.to_toml()).expect("our own text"), config);
        }
    }

    #[test]
    fn one_number_changes_alone_and_nonsense_is_refused() {
        let config = Config::paper().with("epochs = 3\nalpha = 40.0").expect("two numbers");
        assert_eq!(config, Config { epochs: 3, alpha: Some(40.0), ..Config::paper() });
        for text in ["epoch = 3", "epochs = 0", "momentum = 1.0", "loss = \"best\"", "margin ="] {
            assert!(Config::paper().with(text).is_err(), "{text}");
        }
    }
}
