//! The few features of a picture that stand out most, small enough to keep with every case: a
//! library of ten thousand is looked through for the same film in under a second.
//!
//! A signature only finds candidates. Whether they are one film is then told from all features of
//! both pictures ([`super::same_film`]).

use super::matching::{self, Coded};
use super::sift::{DIMS, Feature};

/// Features kept.
pub const FEATURES: usize = 64;
/// Features that agree with one homography below which two signatures are of different films. By
/// trial on 20 patches of DDSM: strangers reach 5, a patch turned and enlarged 17 to 43.
const LEAST_AGREEING: usize = 7;
/// Steps to 1 of a descriptor's number; few are larger than half.
const STEPS: f32 = 512.0;
/// Steps to a pixel of a place, and bytes of one feature.
const PLACE_STEPS: f32 = 64.0;
const BYTES: usize = 4 + DIMS;

/// A picture's signature as bytes: for each feature x and y in 64ths of a pixel (u16, little
/// endian), then its descriptor in 512ths (u8).
pub fn to_bytes(features: &[Feature]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FEATURES * BYTES);
    for feature in features.iter().take(FEATURES) {
        for v in [feature.x, feature.y] {
            bytes.extend(((v * PLACE_STEPS).round() as u16).to_le_bytes());
        }
        bytes.extend(feature.descriptor.map(|v| (v * STEPS).round() as u8));
    }
    bytes
}

/// `None` where these are no signature's bytes.
pub fn from_bytes(bytes: &[u8]) -> Option<Coded> {
    let (features, rest) = bytes.as_chunks::<BYTES>();
    if !rest.is_empty() || features.len() > FEATURES {
        return None;
    }
    let place = |f: &[u8; BYTES]| {
        [[f[0], f[1]], [f[2], f[3]]]
            .map(|v| f64::from(u16::from_le_bytes(v)) / f64::from(PLACE_STEPS))
    };
    let code = |f: &[u8; BYTES]| std::array::from_fn(|i| f[4 + i]);
    let codes: Vec<[u8; DIMS]> = features.iter().map(code).collect();
    Some(Coded::from_codes(features.iter().map(place).collect(), &codes, STEPS))
}

/// Whether two pictures may be of one film, by their signatures.
pub fn may_be_same(a: &Coded, b: &Coded) -> bool {
    // Most strangers end here, before any draw.
    matching::matches(a, b).len() >= LEAST_AGREEING
        && super::flat_points(a, b, 0).1 >= LEAST_AGREEING
}

#[cfg(test)]
mod tests {
    use super::super::matching::matches;
    use super::*;

    #[test]
    fn a_signature_comes_back_from_its_bytes() {
        let feature = |i: usize| {
            let mut descriptor = [0.0; DIMS];
            descriptor[i..i + 16].fill(0.25);
            let (x, y) = (i as f32 + 0.25, 200.5 - i as f32);
            Feature { x, y, scale: 1.0, angle: 0.0, response: 1.0, descriptor }
        };
        let features: Vec<Feature> = (0..100).map(feature).collect();
        let bytes = to_bytes(&features);
        assert_eq!(bytes.len(), 64 * 132);
        let coded = from_bytes(&bytes).expect("our own bytes");
        assert_eq!(coded.len(), FEATURES);
        assert_eq!(coded.places[7], [7.25, 193.5]);
        // Each finds itself again among the coarser codes.
        let whole = Coded::of(&features[..FEATURES]);
        assert_eq!(matches(&whole, &coded), (0..64).map(|i| (i, i)).collect::<Vec<_>>());
        assert_eq!(from_bytes(&bytes[1..]), None);
        assert_eq!(from_bytes(&[]).map(|none| none.len()), Some(0));
    }
}
