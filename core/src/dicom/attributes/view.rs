//! Which breast, seen how.

use dicom_dictionary_std::tags;

use super::dataset::{DataSet, Item, items, texts};
use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::mammogram::Caution;

/// ImageLaterality or FrameLaterality before Laterality; a conflict is said.
pub(super) fn image_laterality(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<ImageLaterality> {
    let read = |tag| ImageLaterality::from_word(&dataset.text(tag)?);
    let stated: Vec<ImageLaterality> =
        [tags::IMAGE_LATERALITY, tags::FRAME_LATERALITY, tags::LATERALITY]
            .into_iter()
            .filter_map(read)
            .collect();
    let first = stated.first().copied();
    if stated.iter().any(|side| Some(*side) != first) {
        cautions.push(Caution::new(
            "W-LATERALITY-CONFLICT",
            format!("the file names both sides (ImageLaterality, Laterality: {})", join(&stated)),
        ));
    }
    if first.is_none() {
        cautions
            .push(Caution::new("W-NO-LATERALITY", "the file does not say which breast it shows"));
    }
    first
}

/// ViewCodeSequence, then ViewPosition, then a view that stands in PatientOrientation or in
/// SeriesDescription, as film collections have it.
pub(super) fn view_position(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<ViewPosition> {
    let code = dataset.items(tags::VIEW_CODE_SEQUENCE).first();
    let coded = code.and_then(|item| view_of_code(&code_value(item)?));
    let positioned = dataset.text(tags::VIEW_POSITION).and_then(|t| ViewPosition::from_word(&t));
    if let Some(item) = code {
        for modifier in items(item, tags::VIEW_MODIFIER_CODE_SEQUENCE) {
            let meaning = meaning(modifier).unwrap_or_else(|| "unknown".to_owned());
            let text = format!("the view is modified: {meaning}");
            cautions.push(Caution::new("W-VIEW-MODIFIER", text));
        }
    }
    if let (Some(coded), Some(positioned)) = (coded, positioned)
        && coded != positioned
    {
        let text = format!("ViewCodeSequence says {coded}, ViewPosition says {positioned}");
        cautions.push(Caution::new("W-VIEW-CONFLICT", text));
    }
    let view = coded.or(positioned);
    if view.is_some() {
        return view;
    }
    let written = [tags::PATIENT_ORIENTATION, tags::SERIES_DESCRIPTION]
        .into_iter()
        .find_map(|tag| only_view_in(&dataset.texts(tag).join(" ")));
    match written {
        Some(view) => {
            let text = format!("the view {view} was taken from free text");
            cautions.push(Caution::new("W-VIEW-TEXT", text));
        }
        None => cautions.push(Caution::new("W-NO-VIEW", "the file does not say which view it is")),
    }
    written
}

/// The one view named in a text; two different ones are none.
fn only_view_in(text: &str) -> Option<ViewPosition> {
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.chars().all(|c| c.is_ascii_uppercase()))
        .filter_map(ViewPosition::from_word);
    let first = words.next()?;
    words.all(|other| other == first).then_some(first)
}

/// PS3.16 CID 4014: SNOMED CT codes, and the SNOMED RT ones of older files.
fn view_of_code(code: &str) -> Option<ViewPosition> {
    Some(match code {
        "399162004" | "R-10242" => ViewPosition::Cc,
        "399368009" | "R-10226" => ViewPosition::Mlo,
        "399260004" | "R-10224" => ViewPosition::Ml,
        "399352003" | "R-10228" => ViewPosition::Lm,
        "399099002" | "R-10230" => ViewPosition::Lmo,
        "399196006" | "R-10244" => ViewPosition::Fb,
        "399188001" | "R-102D0" => ViewPosition::Sio,
        "441555000" | "R-40AAA" => ViewPosition::Iso,
        "399192008" | "R-1024A" => ViewPosition::Xccl,
        "399101009" | "R-1024B" => ViewPosition::Xccm,
        _ => return None,
    })
}

fn code_value(item: &Item) -> Option<String> {
    texts(item.get(tags::CODE_VALUE)?).into_iter().next()
}

fn meaning(item: &Item) -> Option<String> {
    texts(item.get(tags::CODE_MEANING)?).into_iter().next()
}

fn join(sides: &[ImageLaterality]) -> String {
    sides.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_in_free_text_counts_only_where_it_is_the_only_one() {
        assert_eq!(only_view_in("CC"), Some(ViewPosition::Cc));
        assert_eq!(only_view_in("R MLO screening"), Some(ViewPosition::Mlo));
        assert_eq!(only_view_in("CC and MLO"), None);
        assert_eq!(only_view_in("A F"), None);
        assert_eq!(only_view_in("full mammogram images"), None);
        assert_eq!(only_view_in("iso centre, 3 ml contrast"), None, "words are no views");
    }
}
