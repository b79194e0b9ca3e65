//! Descriptors with a learnt part behind them: how an evaluation learns a layer anew for each fold.

use super::join::{Join, Part, spread};
use super::lda;
use super::linear_layer::{Labelled, LinearLayer, Pull};
use crate::descriptor::Descriptor;

/// How a layer is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Lda,
    Linear(Pull),
}

#[derive(Debug, Clone)]
enum Layer {
    Lda(lda::Layer),
    Linear(LinearLayer),
}

/// What needs no labels, and a learnt part that has [`lda::WEIGHT`] of a mean squared distance.
#[derive(Debug, Clone)]
pub struct Appended {
    layer: Layer,
    join: Join,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Lda, Self::Linear(Pull::Any), Self::Linear(Pull::Nearest)];

    pub const fn words(self) -> &'static str {
        match self {
            Self::Lda => "LDA",
            Self::Linear(Pull::Any) => "triplet layer",
            Self::Linear(Pull::Nearest) => "ranking layer",
        }
    }
}

impl Layer {
    fn describe(&self, descriptor: &Descriptor) -> Vec<f32> {
        match self {
            Self::Lda(layer) => layer.describe(descriptor),
            Self::Linear(layer) => layer.describe(descriptor.values()),
        }
    }
}

impl Appended {
    /// Learnt from descriptors without a learnt part, with a class and a patient each; `None` where
    /// the classes teach nothing.
    pub fn fit(
        descriptors: &[Descriptor],
        classes: &[usize],
        patients: &[usize],
        way: Way,
        seed: u64,
    ) -> Option<Self> {
        let plain: Vec<&[f32]> = descriptors.iter().map(Descriptor::values).collect();
        let layer = match way {
            Way::Lda => Layer::Lda(lda::Layer::fit(descriptors, classes)?),
            Way::Linear(pull) => {
                let labelled = Labelled { vectors: &plain, classes, patients };
                Layer::Linear(LinearLayer::train(&labelled, pull, seed)?)
            }
        };
        let learnt: Vec<Vec<f32>> = descriptors.iter().map(|d| layer.describe(d)).collect();
        let learnt: Vec<&[f32]> = learnt.iter().map(Vec::as_slice).collect();
        let part = |name: &str, weight: f32, vectors: &[&[f32]]| Part {
            name: name.to_owned(),
            dims: vectors[0].len(),
            weight,
            spread: spread(vectors),
        };
        let parts = vec![
            part("unsupervised", 1.0 - lda::WEIGHT, &plain),
            part("learnt", lda::WEIGHT, &learnt),
        ];
        Some(Self { layer, join: Join::new(parts)? })
    }

    /// The descriptor with its learnt part, of length 1.
    pub fn describe(&self, descriptor: &Descriptor) -> Descriptor {
        let learnt = self.layer.describe(descriptor);
        self.join.join(&[descriptor.values(), &learnt]).expect("a descriptor is not zero")
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn an_appended_part_pulls_classes_apart_and_leaves_the_rest_as_it_was() {
        // Three classes that one direction of twelve tells apart, in noise; every region of a
        // patient of its own.
        let mut random = Random::new(4);
        let classes: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let descriptors: Vec<Descriptor> = classes
            .iter()
            .map(|class| {
                let mut values: Vec<f32> = (0..12).map(|_| random.unit() as f32 - 0.5).collect();
                values[5] += *class as f32 * 0.3;
                Descriptor::normalized(values).expect("not zero")
            })
            .collect();
        let patients: Vec<usize> = (0..60).collect();
        for way in Way::ALL {
            let appended = Appended::fit(&descriptors, &classes, &patients, way, 1);
            let appended = appended.expect("they differ");
            let whole: Vec<Descriptor> = descriptors.iter().map(|d| appended.describe(d)).collect();
            let ratio = |all: &[Descriptor]| {
                let (mut own, mut other) = ((0.0, 0), (0.0, 0));
                for i in 0..all.len() {
                    for j in 0..i {
                        let sum = if classes[i] == classes[j] { &mut own } else { &mut other };
                        sum.0 += all[i].distance(&all[j]).powi(2);
                        sum.1 += 1;
                    }
                }
                (other.0 / other.1 as f32) / (own.0 / own.1 as f32)
            };
            let (whole_ratio, plain_ratio) = (ratio(&whole), ratio(&descriptors));
            // Where only the nearest positive pulls, one that is near already pulls little.
            let least = if way == Way::Linear(Pull::Nearest) { 1.0 } else { 1.05 };
            assert!(
                whole_ratio > least * plain_ratio,
                "{way:?}: {whole_ratio} after {plain_ratio}"
            );
            // The order by the first part alone is the order it had.
            let plain = |a: &Descriptor, b: &Descriptor| {
                a.values()[..12]
                    .iter()
                    .zip(&b.values()[..12])
                    .map(|(x, y)| (x - y).powi(2))
                    .sum::<f32>()
            };
            let square = |a: usize, b: usize| descriptors[a].distance(&descriptors[b]).powi(2);
            let scale = plain(&whole[0], &whole[1]) / square(0, 1);
            for (a, b) in [(2, 3), (10, 40), (7, 59)] {
                assert!((plain(&whole[a], &whole[b]) / (scale * square(a, b)) - 1.0).abs() < 1e-3);
            }
        }
    }
}
