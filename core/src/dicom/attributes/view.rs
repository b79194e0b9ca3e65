//! Which breast, seen how.

use dicom_dictionary_std::tags;

use super::dataset::{DataSet, Item, items};
use crate::hanging;
use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::mammogram::Caution;

/// ImageLaterality or FrameLaterality before Laterality; a conflict is said.
pub(super) fn image_laterality(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<ImageLaterality> {
    let mut stated: Vec<ImageLaterality> = Vec::new();
    for tag in [tags::IMAGE_LATERALITY, tags::FRAME_LATERALITY, tags::LATERALITY] {
        let Some(word) = dataset.text(tag) else { continue };
        match ImageLaterality::from_word(&word) {
            Some(side) => stated.push(side),
            // U (unpaired) says nothing of a breast, and nothing wrong.
            None if word == "U" => {}
            None => cautions.push(Caution::new(
                "W-LATERALITY-INVALID",
                format!("the laterality \"{word}\" is none of R, L and B; it was left out"),
            )),
        }
    }
    let first = stated.first().copied();
    if stated.iter().any(|side| Some(*side) != first) {
        cautions.push(Caution::new(
            "W-LATERALITY-CONFLICT",
            format!("the file names both sides (ImageLaterality, Laterality: {})", join(&stated)),
        ));
    }
    let described = only_side_in(&dataset.texts(tags::SERIES_DESCRIPTION).join(" "));
    if let (Some(first), Some(described)) = (first, described)
        && first != described
        && first != ImageLaterality::Both
    {
        let text = format!("the side is {first}, SeriesDescription says {described}");
        cautions.push(Caution::new("W-LATERALITY-CONFLICT", text));
    }
    if first.is_none() {
        cautions
            .push(Caution::new("W-NO-LATERALITY", "the file does not say which breast it shows"));
    }
    first
}

/// PatientOrientation (0020,0020): the directions of rows and of columns. Film collections keep
/// the view in its place, which is no orientation and no fault.
pub(super) fn patient_orientation(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<[String; 2]> {
    let values = dataset.texts(tags::PATIENT_ORIENTATION);
    let is_letters = |text: &String| text.len() <= 3 && text.chars().all(|c| "ALPRHF".contains(c));
    let axes: [String; 2] = values.try_into().ok()?;
    if !axes.iter().all(is_letters) || axes.iter().all(String::is_empty) {
        return None;
    }
    if hanging::is_possible(&axes) {
        return Some(axes);
    }
    let [row, column] = axes;
    let text = format!(
        "PatientOrientation \"{row}\\{column}\" is none: rows and columns cannot both run so"
    );
    cautions.push(Caution::new("W-ORIENTATION-INVALID", text));
    None
}

/// ViewCodeSequence, then ViewPosition, then a view that stands in PatientOrientation or in
/// SeriesDescription, as film collections have it.
pub(super) fn view_position(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<ViewPosition> {
    let codes = dataset.items(tags::VIEW_CODE_SEQUENCE);
    let code = codes.first();
    let coded = code.and_then(|item| view_of_code(&code_value(dataset, item)?));
    let positioned = dataset.text(tags::VIEW_POSITION).and_then(|t| ViewPosition::from_word(&t));
    if let Some(item) = code {
        if coded.is_none() {
            let meaning = meaning(dataset, item);
            let text = format!("the coded view ({meaning}) is not one that is known here");
            cautions.push(Caution::new("W-VIEW-CODE", text));
        }
        for modifier in items(item, tags::VIEW_MODIFIER_CODE_SEQUENCE) {
            let meaning = meaning(dataset, &modifier);
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
    if let Some(view) = view {
        let described = only_view_in(&dataset.texts(tags::SERIES_DESCRIPTION).join(" "));
        let is_common = |v: &ViewPosition| matches!(v, ViewPosition::Cc | ViewPosition::Mlo);
        if let Some(described) = described.filter(is_common)
            && described != view
            && is_common(&view)
        {
            let text = format!("the view is {view}, SeriesDescription says {described}");
            cautions.push(Caution::new("W-VIEW-CONFLICT", text));
        }
        return Some(view);
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

/// The one side named in a text, alone or before a view (R, RIGHT, RCC, R-MLO); both are none.
fn only_side_in(text: &str) -> Option<ImageLaterality> {
    let upper = text.to_uppercase();
    let side = |word: &str| {
        let (first, rest) = (word.chars().next()?, &word[word.chars().next()?.len_utf8()..]);
        let is_view = rest.is_empty() || ["CC", "MLO", "ML", "LM", "XCCL", "XCCM"].contains(&rest);
        match (word, first) {
            ("RIGHT", _) => Some(ImageLaterality::Right),
            ("LEFT", _) => Some(ImageLaterality::Left),
            // LM is a view.
            ("LM" | "LMO", _) => None,
            (_, 'R') if is_view => Some(ImageLaterality::Right),
            (_, 'L') if is_view => Some(ImageLaterality::Left),
            _ => None,
        }
    };
    let mut sides = upper.split(|c: char| !c.is_alphanumeric()).filter_map(side);
    let first = sides.next()?;
    sides.all(|other| other == first).then_some(first)
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

fn code_value(dataset: &DataSet, item: &Item) -> Option<String> {
    dataset.text_in(item, tags::CODE_VALUE).or_else(|| dataset.text_in(item, tags::LONG_CODE_VALUE))
}

/// What a code means in words, or which code it is.
fn meaning(dataset: &DataSet, item: &Item) -> String {
    dataset
        .text_in(item, tags::CODE_MEANING)
        .or_else(|| code_value(dataset, item))
        .unwrap_or_else(|| "unnamed".to_owned())
}

fn join(sides: &[ImageLaterality]) -> String {
    sides.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_in_free_text_counts_only_where_it_is_the_only_one() {
        let right = Some(ImageLaterality::Right);
        for text in ["R MLO", "RMLO", "right cc", "R-CC screening", "RCC RMLO", "R"] {
            assert_eq!(only_side_in(text), right, "{text}");
        }
        for text in ["L/R", "routine", "LM", "raw", "bilateral", "RCC LCC", "", "ЛЕВАЯ", "LIB"]
        {
            assert_eq!(only_side_in(text), None, "{text}");
        }
        assert_eq!(only_side_in("LML left"), Some(ImageLaterality::Left));
    }

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
