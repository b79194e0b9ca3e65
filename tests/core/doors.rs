//! Foreign bytes beside films: manifests and weights. No damage may make them panic, nor let a
//! number in that is none.

use precedent_core::{encoder, import};

use crate::corpus::{damaged, kept};
use crate::dicom::mutate::Random;

#[path = "../fuzz/other_doors.rs"]
mod other_doors;

#[test]
fn damaged_manifests_and_weights_are_read_or_refused() {
    let mut random = Random(20_260_303);
    for (door, push) in [
        ("manifest", other_doors::manifest as fn(&[u8])),
        ("model_header", other_doors::model_header),
    ] {
        for (_, seed) in kept(door) {
            push(&seed);
            (0..1_000).for_each(|_| push(&damaged(&seed, &mut random)));
        }
    }
}
