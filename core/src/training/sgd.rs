//! Stochastic gradient descent with momentum and weight decay, on plain numbers.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::config::Config;
use super::network::Parameters;
use crate::encoder::tensors::Array;

/// The velocity of each parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Momentum(pub BTreeMap<String, Array>);

impl Momentum {
    pub fn still(parameters: &Parameters) -> Self {
        let zero = |(name, array): (&String, &Array)| {
            (name.clone(), Array::new(array.dims.clone(), vec![0.0; array.values.len()]))
        };
        Self(parameters.0.iter().map(zero).collect())
    }

    /// One step: `v = momentum * v + gradient + decay * w`, then `w = w - rate * v`. What must not
    /// learn stays as it is.
    pub fn step(&mut self, parameters: &mut Parameters, gradient: &Parameters, step: &Step) {
        for (name, weights) in &mut parameters.0 {
            if !step.last_block && name.starts_with("features.") {
                continue;
            }
            let velocity = self.0.get_mut(name).expect("made from the same parameters");
            let gradient = &gradient.0[name].values;
            weights
                .values
                .par_iter_mut()
                .zip(&mut velocity.values)
                .zip(gradient)
                .with_min_len(1 << 14)
                .for_each(|((w, v), g)| {
                    *v = step.momentum * *v + g + step.weight_decay * *w;
                    *w -= step.rate * *v;
                });
        }
    }
}

/// The numbers of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub rate: f32,
    pub momentum: f32,
    pub weight_decay: f32,
    /// Whether the trunk's last block learns too.
    pub last_block: bool,
}

impl Step {
    /// Of an epoch, from 0.
    pub fn of(config: &Config, epoch: usize) -> Self {
        let halvings = epoch.checked_div(config.halve_every).unwrap_or(0);
        Self {
            rate: (config.learning_rate * 0.5_f64.powi(halvings as i32)) as f32,
            momentum: config.momentum as f32,
            weight_decay: config.weight_decay as f32,
            last_block: config.learn_last_block,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_come_out_as_by_hand() {
        let one = |name: &str, value: f32| {
            let array = Array::new([1], vec![value]);
            Parameters(BTreeMap::from([(name.to_owned(), array)]))
        };
        let (mut weights, gradient) = (one("netvlad.bias", 2.0), one("netvlad.bias", 1.0));
        let mut momentum = Momentum::still(&weights);
        let step = Step { rate: 0.5, momentum: 0.5, weight_decay: 0.25, last_block: false };
        // v = 1 + 0.25 * 2 = 1.5; w = 2 - 0.75 = 1.25.
        momentum.step(&mut weights, &gradient, &step);
        assert_eq!(weights, one("netvlad.bias", 1.25));
        // v = 0.75 + 1 + 0.3125 = 2.0625; w = 1.25 - 1.03125.
        momentum.step(&mut weights, &gradient, &step);
        assert_eq!(weights, one("netvlad.bias", 0.21875));

        let (mut frozen, gradient) = (one("features.24.bias", 2.0), one("features.24.bias", 1.0));
        Momentum::still(&frozen).step(&mut frozen, &gradient, &step);
        assert_eq!(frozen, one("features.24.bias", 2.0));
    }

    #[test]
    fn the_rate_halves_every_so_many_epochs_or_never() {
        let reference = Config::reference();
        let rates = [0, 4, 5, 14].map(|epoch| Step::of(&reference, epoch).rate);
        assert_eq!(rates, [1e-4, 1e-4, 5e-5, 2.5e-5]);
        assert_eq!(Step::of(&Config::paper(), 49).rate, 5e-4);
    }
}
