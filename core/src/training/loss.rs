//! What a step makes smaller: pure functions of vectors.

use burn::tensor::{Int, Tensor, TensorData};

use super::config::{Distance, Loss};

/// One query with what it is compared with, as rows of the descriptors of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTuple {
    pub query: usize,
    pub positives: Vec<usize>,
    pub negatives: Vec<usize>,
}

/// The mean over tuples of each tuple's loss, from descriptors `[batch, dims]`; `None` where no
/// tuple has both a positive and a negative.
pub fn of_batch(
    descriptors: &Tensor<2>,
    tuples: &[BatchTuple],
    loss: Loss,
    distance: Distance,
    margin: f64,
) -> Option<Tensor<1>> {
    let whole = |t: &&BatchTuple| !t.positives.is_empty() && !t.negatives.is_empty();
    let losses: Vec<Tensor<1>> = tuples
        .iter()
        .filter(whole)
        .map(|tuple| {
            let rows = |rows: &[usize]| select(descriptors, rows);
            let query = rows(&[tuple.query]);
            let positives = distances(&query, &rows(&tuple.positives), distance);
            let negatives = distances(&query, &rows(&tuple.negatives), distance);
            match loss {
                Loss::Ranking => ranking(positives, negatives, margin),
                Loss::Triplet => triplet(positives, negatives, margin),
            }
        })
        .collect();
    let count = losses.len();
    (count > 0).then(|| Tensor::cat(losses, 0).sum() / count as f64)
}

/// The weakly supervised ranking loss (equations 18 and 19; Arandjelović et al., equation 7): the
/// nearest of the potential positives should be nearer than each negative by the margin. Takes
/// the query's distances to both, gives one number.
pub fn ranking(positives: Tensor<1>, negatives: Tensor<1>, margin: f64) -> Tensor<1> {
    hinge(positives.min(), negatives, margin)
}

/// The triplet loss (equation 15), summed over all pairs of a positive and a negative.
pub fn triplet(positives: Tensor<1>, negatives: Tensor<1>, margin: f64) -> Tensor<1> {
    let [count] = positives.dims();
    let each = (0..count).map(|p| {
        let positive = positives.clone().narrow(0, p, 1);
        hinge(positive, negatives.clone(), margin)
    });
    Tensor::cat(each.collect(), 0).sum()
}

/// Distances of a query `[1, dims]` to each of `[others, dims]`.
pub fn distances(query: &Tensor<2>, others: &Tensor<2>, distance: Distance) -> Tensor<1> {
    /// The root of a square below this has no slope to speak of: two equal vectors.
    const SMALLEST_SQUARE: f64 = 1e-12;
    let difference = others.clone() - query.clone();
    let [count, _] = others.dims();
    let squared = difference.square().sum_dim(1).reshape([count]);
    match distance {
        Distance::Squared => squared,
        Distance::Plain => squared.clamp_min(SMALLEST_SQUARE).sqrt(),
    }
}

/// The sum over negatives of `max(0, positive + margin - negative)`.
fn hinge(positive: Tensor<1>, negatives: Tensor<1>, margin: f64) -> Tensor<1> {
    let [count] = negatives.dims();
    (positive.expand([count]) + margin - negatives).clamp_min(0.0).sum()
}

/// The ranking loss of plain numbers, for what is only looked at.
pub fn hinge_of(positive: f64, negatives: impl Iterator<Item = f64>, margin: f64) -> f64 {
    negatives.map(|negative| (positive + margin - negative).max(0.0)).sum()
}

fn select(descriptors: &Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let device = descriptors.device();
    let rows = Tensor::<1, Int>::from_data(TensorData::from(rows.as_slice()), &device);
    descriptors.clone().select(0, rows)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn vectors<const N: usize>(rows: [[f32; 2]; N]) -> Tensor<2> {
        let data = TensorData::new(rows.as_flattened().to_vec(), [N, 2]);
        Tensor::from_data(data, &Device::flex())
    }

    fn number(loss: Tensor<1>) -> f32 {
        loss.into_scalar()
    }

    #[test]
    fn both_losses_come_out_as_by_hand() {
        // Query (0, 0); positives at squared distances 1 and 4; negatives at 2 and 9.
        let all = vectors([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [3.0, 0.0]]);
        let tuple = BatchTuple { query: 0, positives: vec![1, 2], negatives: vec![3, 4] };
        let of = |loss, distance, margin| {
            let tuples = std::slice::from_ref(&tuple);
            number(of_batch(&all, tuples, loss, distance, margin).expect("a whole tuple"))
        };
        // Ranking: 1 + 1.5 - 2 = 0.5, and 1 + 1.5 - 9 < 0.
        assert!((of(Loss::Ranking, Distance::Squared, 1.5) - 0.5).abs() < 1e-6);
        // Triplet adds the other positive: 4 + 1.5 - 2 = 3.5, and 4 + 1.5 - 9 < 0.
        assert!((of(Loss::Triplet, Distance::Squared, 1.5) - 4.0).abs() < 1e-6);
        // Plain: 1 + 0.8 - sqrt 2; the other positive: 2.8 - sqrt 2, and 2.8 - 3 < 0.
        let root = 2.0_f32.sqrt();
        assert!((of(Loss::Ranking, Distance::Plain, 0.8) - (1.8 - root)).abs() < 1e-6);
        assert!((of(Loss::Triplet, Distance::Plain, 0.8) - (4.6 - 2.0 * root)).abs() < 1e-6);
    }

    #[test]
    fn plain_numbers_give_the_same_ranking_loss() {
        let tensor = |values: &[f32]| Tensor::<1>::from_data(values, &Device::flex());
        let (positives, negatives) = ([0.9_f32, 0.4, 0.7], [0.3_f32, 1.1, 2.0, 0.95]);
        let loss = number(ranking(tensor(&positives), tensor(&negatives), 0.6));
        let plain = hinge_of(0.4, negatives.iter().map(|&v| f64::from(v)), 0.6);
        assert!((f64::from(loss) - plain).abs() < 1e-6, "{loss} {plain}");
    }

    #[test]
    fn a_batch_is_the_mean_of_its_tuples_and_half_a_tuple_is_none() {
        let all = vectors([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.5]]);
        let near = BatchTuple { query: 0, positives: vec![1], negatives: vec![2] };
        let far = BatchTuple { query: 0, positives: vec![1], negatives: vec![3] };
        let lonely = BatchTuple { query: 0, positives: vec![], negatives: vec![3] };
        let of = |tuples: &[BatchTuple]| {
            of_batch(&all, tuples, Loss::Ranking, Distance::Squared, 0.1).map(number)
        };
        // 1 + 0.1 - 1 = 0.1; 1 + 0.1 - 0.25 = 0.85.
        let both = of(&[near, lonely.clone(), far]).expect("two whole tuples");
        assert!((both - 0.475).abs() < 1e-6, "{both}");
        assert_eq!(of(&[lonely]), None);
    }
}
