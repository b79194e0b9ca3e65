//! Layers learnt from the outcomes of the library, behind descriptors that needed none.
//!
//! A layer is never asked about a patient it learnt from: it is learnt anew for every block of
//! queries, from that block's library alone.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use super::design::{Block, Design};
use super::distances::Distances;
use super::examples::Example;
use super::methods::Method;
use super::report::Kind;
use crate::descriptor::Descriptor;
use crate::encoder::learnt::{Appended, Way};
use crate::evaluation::Error;
use crate::progress::{Progress, Report};

/// The method with each layer behind it; without those that a block of one outcome cannot teach.
pub(super) fn methods(
    method: &Method,
    examples: &[Example],
    learning: &Design,
    seed: u64,
    report: &mut Report<'_>,
) -> Result<Vec<Method>, Error> {
    let Distances::Vectors(vectors) = &*method.distances else { return Ok(Vec::new()) };
    let descriptors: Option<Vec<Descriptor>> =
        vectors.iter().map(|vector| Descriptor::normalized(vector.clone())).collect();
    let Some(descriptors) = descriptors else { return Ok(Vec::new()) };
    let mut space = vec![0; examples.len()];
    for (number, block) in learning.blocks.iter().enumerate() {
        block.queries.iter().for_each(|query| space[*query] = number);
    }
    let total = Some(Way::ALL.len() as u64);
    let mut methods = Vec::new();
    for (done, way) in Way::ALL.into_iter().enumerate() {
        let progress = Progress { step: "Learning layers", done: done as u64, total };
        if report(progress) == ControlFlow::Break(()) {
            return Err(Error::Cancelled);
        }
        let learn = |block: &Block| {
            let library: Vec<Descriptor> =
                block.library.iter().map(|idx| descriptors[*idx].clone()).collect();
            let of = |value: &dyn Fn(&Example) -> usize| -> Vec<usize> {
                block.library.iter().map(|idx| value(&examples[*idx])).collect()
            };
            let (classes, patients) = (of(&|e| e.pathology as usize), of(&|e| e.patient));
            let appended = Appended::fit(&library, &classes, &patients, way, seed)?;
            Some(descriptors.iter().map(|d| appended.describe(d).values().to_vec()).collect())
        };
        let spaces: Option<Vec<Vec<Vec<f32>>>> = learning.blocks.par_iter().map(learn).collect();
        methods.extend(spaces.map(|vectors| Method {
            name: format!("{} + {}", method.name, way.words()),
            kind: Kind::Learnt,
            dims: vectors[0].first().map(Vec::len),
            seconds: None,
            distances: Arc::new(Distances::Spaces { of: space.clone(), vectors }),
        }));
    }
    Ok(methods)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::answers::{Scope, answers};
    use super::super::design::Protocol;
    use super::super::examples::testing::example;
    use super::*;
    use crate::encoder::random::Random;
    use crate::lexicon::Pathology::{Benign, Malignant, Normal};

    fn precision_at_ten(examples: &[Example], vectors: Vec<Vec<f32>>) -> Vec<(String, f64)> {
        let plain = Method {
            name: "plain".to_owned(),
            kind: Kind::Encoder,
            dims: Some(vectors[0].len()),
            seconds: None,
            distances: Arc::new(Distances::Vectors(vectors)),
        };
        let protocol = Protocol::LeaveOnePatientOut;
        let learning = protocol.learning(examples, 1);
        let mut all = methods(&plain, examples, &learning, 1, &mut |_| ControlFlow::Continue(()))
            .expect("not stopped");
        all.push(plain);
        let design = protocol.design(examples, 1);
        all.iter()
            .map(|method| {
                let found = answers(&method.distances, &design, examples, Scope::All, 1);
                let sum: f64 = found.iter().map(|a| a.precision[2]).sum();
                (method.name.clone(), sum / found.len() as f64)
            })
            .collect()
    }

    #[test]
    fn a_layer_finds_what_outcomes_tell_and_nothing_where_they_tell_nothing() {
        // One number of forty goes with the outcome, faintly; then none does. A layer that had
        // seen the queries would find both.
        let mut random = Random::new(5);
        let examples: Vec<Example> =
            (0..120).map(|i| example(i, [Malignant, Benign, Normal][i % 3], "S")).collect();
        let mut drawn = |strength: f32| -> Vec<Vec<f32>> {
            (0..120)
                .map(|i| {
                    let mut vector: Vec<f32> =
                        (0..40).map(|_| random.unit() as f32 - 0.5).collect();
                    vector[7] += strength * (i % 3) as f32;
                    vector
                })
                .collect()
        };
        let told = precision_at_ten(&examples, drawn(0.6));
        let plain = told.last().expect("the method itself").1;
        for (name, precision) in &told[..3] {
            assert!(*precision > plain + 0.05, "{name}: {precision} after {plain}");
        }
        let untold = precision_at_ten(&examples, drawn(0.0));
        for (name, precision) in untold {
            assert!((precision - 1.0 / 3.0).abs() < 0.08, "{name}: {precision}");
        }
    }
}
