//! Words that data sets write for today's BI-RADS terms.
//!
//! DDSM and CBIS-DDSM use the third edition (1998): LOBULATED became a kind of oval in the fifth
//! (2013), ILL_DEFINED is indistinct. What has no single term today is left open with a caution.

use crate::lexicon::{MassMargin, MassShape, Pathology};
use crate::mammogram::Caution;

/// The code of every mapped or unmapped word.
const CODE: &str = "W-TERM";

/// What older editions allow as a "shape" although it is no mass shape.
const NO_SHAPE: [&str; 5] = [
    "N/A",
    "ARCHITECTURAL_DISTORTION",
    "ASYMMETRIC_BREAST_TISSUE",
    "FOCAL_ASYMMETRIC_DENSITY",
    "LYMPH_NODE",
];

/// The outcome; CBIS-DDSM's BENIGN_WITHOUT_CALLBACK is benign without a biopsy.
pub(super) fn pathology(text: &str, cautions: &mut Vec<Caution>) -> Result<Pathology, String> {
    if text.eq_ignore_ascii_case("BENIGN_WITHOUT_CALLBACK") {
        let told = "benign without call-back: the outcome rests on the reading alone";
        cautions.push(Caution::new("W-NO-BIOPSY", told));
        return Ok(Pathology::Benign);
    }
    Pathology::from_word(text).ok_or_else(|| format!("`pathology` cannot be \"{text}\""))
}

/// The mass shape, where the text gives exactly one.
pub(super) fn mass_shape(
    text: Option<&str>,
    cautions: &mut Vec<Caution>,
) -> Result<Option<MassShape>, String> {
    one_term("shape", text, cautions, |word| match word {
        "LOBULATED" => Some(Some(MassShape::Oval)),
        word if NO_SHAPE.contains(&word) => Some(None),
        word => MassShape::from_word(word).map(Some),
    })
}

/// The mass margin, where the text gives exactly one.
pub(super) fn mass_margin(
    text: Option<&str>,
    cautions: &mut Vec<Caution>,
) -> Result<Option<MassMargin>, String> {
    one_term("margin", text, cautions, |word| match word {
        "ILL_DEFINED" => Some(Some(MassMargin::Indistinct)),
        "N/A" => Some(None),
        word => MassMargin::from_word(word).map(Some),
    })
}

/// Reads `A`, `A-B` or `A | B`. `term` gives `None` for a word it does not know and `Some(None)`
/// for one without a term of today.
fn one_term<T: PartialEq + Copy + std::fmt::Display>(
    column: &str,
    text: Option<&str>,
    cautions: &mut Vec<Caution>,
    term: impl Fn(&str) -> Option<Option<T>>,
) -> Result<Option<T>, String> {
    let Some(text) = text else { return Ok(None) };
    let mut terms = Vec::new();
    for word in text.split(['-', '|']).map(|word| word.trim().to_ascii_uppercase()) {
        let term = term(&word).ok_or_else(|| format!("`{column}` cannot be \"{text}\""))?;
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    let found = match terms.as_slice() {
        [one] => *one,
        _ => None,
    };
    match found {
        Some(term) if term.to_string().eq_ignore_ascii_case(text) => {}
        Some(term) => {
            cautions.push(Caution::new(CODE, format!("the {column} \"{text}\" is read as {term}")));
        }
        None => cautions.push(Caution::new(
            CODE,
            format!("the {column} \"{text}\" has no single term in today's lexicon"),
        )),
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_words_are_mapped_with_a_caution_and_plain_ones_without() {
        let mut cautions = Vec::new();
        assert_eq!(mass_shape(Some("LOBULATED"), &mut cautions), Ok(Some(MassShape::Oval)));
        assert_eq!(
            mass_margin(Some("ILL_DEFINED"), &mut cautions),
            Ok(Some(MassMargin::Indistinct))
        );
        assert_eq!(cautions.len(), 2);
        assert_eq!(mass_shape(Some("OVAL"), &mut cautions), Ok(Some(MassShape::Oval)));
        assert_eq!(mass_shape(None, &mut cautions), Ok(None));
        assert_eq!(cautions.len(), 2);
    }

    #[test]
    fn several_terms_are_left_open_and_a_typing_error_is_refused() {
        let mut cautions = Vec::new();
        assert_eq!(mass_margin(Some("CIRCUMSCRIBED-OBSCURED"), &mut cautions), Ok(None));
        assert_eq!(mass_shape(Some("LYMPH_NODE"), &mut cautions), Ok(None));
        let oval_twice = mass_shape(Some("OVAL | LOBULATED"), &mut cautions);
        assert_eq!(oval_twice, Ok(Some(MassShape::Oval)));
        assert_eq!(cautions.len(), 3);
        assert!(mass_margin(Some("SPICULTED"), &mut cautions).is_err());
    }
}
