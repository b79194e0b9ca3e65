//! Which breast, seen how.

use std::borrow::Cow;

use dicom_dictionary_std::tags;

use super::dataset::{DataSet, Item, items};
use crate::hanging;
use crate::lexicon::{ImageLaterality, ViewPosition};
use crate::mammogram::Caution;

/// ImageLaterality or FrameLaterality before Laterality, then the coded anatomic region; a conflict
/// is said.
pub(super) fn image_laterality(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<ImageLaterality> {
    let mut stated: Vec<ImageLaterality> = Vec::new();
    for tag in [tags::IMAGE_LATERALITY, tags::FRAME_LATERALITY, tags::LATERALITY] {
        let word = dataset.text(tag).unwrap_or_default();
        match ImageLaterality::from_word(&word) {
            Some(side) => stated.push(side),
            // U (unpaired) says nothing of a breast, and nothing wrong.
            None if word.is_empty() || word == "U" => {}
            None => cautions.push(Caution::new(
                "W-LATERALITY-INVALID",
                format!("the laterality \"{word}\" is none of R, L and B; it was left out"),
            )),
        }
    }
    stated.extend(side_of_region(dataset));
    let first = stated.first().copied();
    if stated.iter().any(|side| Some(*side) != first) {
        let text = format!(
            "the file names both sides (ImageLaterality, Laterality, AnatomicRegion: {})",
            join(&stated)
        );
        cautions.push(Caution::new("W-LATERALITY-CONFLICT", text));
    }
    for (name, tag) in
        [("SeriesDescription", tags::SERIES_DESCRIPTION), ("ViewPosition", tags::VIEW_POSITION)]
    {
        let written = only_side_in(&dataset.texts(tag).join(" "));
        if let (Some(first), Some(written)) = (first, written)
            && first != written
            && first != ImageLaterality::Both
        {
            let text = format!("the side is {first}, {name} says {written}");
            cautions.push(Caution::new("W-LATERALITY-CONFLICT", text));
        }
    }
    if first.is_none() {
        cautions
            .push(Caution::new("W-NO-LATERALITY", "the file does not say which breast it shows"));
    }
    first
}

/// The side in AnatomicRegionSequence: of the breast that is named, or of the modifier (PS3.16 CID 2,
/// CID 244).
fn side_of_region(dataset: &DataSet) -> Option<ImageLaterality> {
    let region = dataset.items(tags::ANATOMIC_REGION_SEQUENCE).into_iter().next()?;
    let side = |item: &Item| {
        let code = code(dataset, item)?;
        side_of_breast(&code).or(match code.as_str() {
            "24028007" | "G-A100" => Some(ImageLaterality::Right),
            "7771000" | "G-A101" => Some(ImageLaterality::Left),
            "51440002" | "G-A102" => Some(ImageLaterality::Both),
            _ => None,
        })
    };
    let modifiers = items(&region, tags::ANATOMIC_REGION_MODIFIER_SEQUENCE);
    side(&region).or_else(|| modifiers.iter().find_map(|modifier| side(modifier)))
}

/// Whether AnatomicRegionSequence names the breast, a side of it or the axilla (PS3.16 CID 4, CID
/// 4013); `None` where it names nothing that is known by its scheme.
pub(super) fn is_of_breast(dataset: &DataSet) -> Option<bool> {
    let region = dataset.items(tags::ANATOMIC_REGION_SEQUENCE).into_iter().next()?;
    let code = code(dataset, &region)?;
    let others = ["76752008", "T-04000", "91470000", "T-D8104", "T-D8100"];
    Some(side_of_breast(&code).is_some() || others.contains(&code.as_str()))
}

/// PS3.16 CID 4.
fn side_of_breast(code: &str) -> Option<ImageLaterality> {
    match code {
        "73056007" | "T-04020" => Some(ImageLaterality::Right),
        "80248007" | "T-04030" => Some(ImageLaterality::Left),
        "63762007" | "T-04080" => Some(ImageLaterality::Both),
        _ => None,
    }
}

/// PatientOrientation (0020,0020): the directions of rows and of columns. Film collections keep
/// the view in its place, which is no orientation and no fault.
pub(super) fn patient_orientation(
    dataset: &DataSet,
    cautions: &mut Vec<Caution>,
) -> Option<[String; 2]> {
    let values = dataset.texts(tags::PATIENT_ORIENTATION);
    let written = values.join("\\");
    if values.iter().all(String::is_empty) || only_view_in(&written).is_some() {
        return None;
    }
    let is_letters = |text: &String| text.len() <= 3 && text.chars().all(|c| "ALPRHF".contains(c));
    if let Ok(axes) = <[String; 2]>::try_from(values)
        && axes.iter().all(is_letters)
        && hanging::is_possible(&axes)
    {
        return Some(axes);
    }
    let text = format!(
        "PatientOrientation \"{written}\" is none: it should name two directions, of rows and of \
         columns, by the letters A, P, R, L, H and F; the film hangs as it is stored"
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
    let view_of = |item: &Item| view_of_code(&code(dataset, item)?);
    let coded = codes.first().and_then(view_of);
    let position = dataset.text(tags::VIEW_POSITION);
    let positioned = position.as_deref().and_then(|text| read_position(text, cautions));
    for item in &codes {
        let words = || meaning(dataset, item);
        match view_of(item) {
            Some(view) if Some(view) == coded => {}
            // One item (VM 1).
            Some(_) => cautions.push(Caution::new(
                "W-VIEW-CONFLICT",
                format!("ViewCodeSequence names more than one view; another is {}", words()),
            )),
            None => cautions.push(Caution::new(
                "W-VIEW-CODE",
                format!("the coded view ({}) is not one that is known here", words()),
            )),
        }
    }
    // In the view's item, or beside it.
    let modifiers = codes.iter().flat_map(|item| items(item, tags::VIEW_MODIFIER_CODE_SEQUENCE));
    let beside = dataset.items(tags::VIEW_MODIFIER_CODE_SEQUENCE);
    for modifier in modifiers.map(Cow::into_owned).chain(beside) {
        let text = format!("the view is modified: {}", meaning(dataset, &modifier));
        cautions.push(Caution::new("W-VIEW-MODIFIER", text));
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
        let is_common =
            |v: &ViewPosition| matches!(v, ViewPosition::Cc | ViewPosition::Mlo | ViewPosition::Ml);
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
        // A view that is not known here was told.
        None if position.is_some() || !codes.is_empty() => {}
        None => cautions.push(Caution::new("W-NO-VIEW", "the file does not say which view it is")),
    }
    written
}

/// ViewPosition, which some write with the side before it or words behind it.
fn read_position(text: &str, cautions: &mut Vec<Caution>) -> Option<ViewPosition> {
    if let Some(view) = ViewPosition::from_word(text) {
        return Some(view);
    }
    let view = only_view_in(&text.to_uppercase());
    let text = match view {
        Some(view) => format!("ViewPosition \"{text}\" was read as {view}"),
        None => format!("ViewPosition \"{text}\" is not a view that is known here"),
    };
    cautions.push(Caution::new("W-VIEW-TEXT", text));
    view
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

/// The one view named in a text, alone or behind a side (CC, RMLO); two different ones are none.
fn only_view_in(text: &str) -> Option<ViewPosition> {
    let view = |word: &str| {
        ViewPosition::from_word(word)
            .or_else(|| ViewPosition::from_word(word.strip_prefix(['R', 'L'])?))
    };
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.chars().all(|c| c.is_ascii_uppercase()))
        .filter_map(view);
    let first = words.next()?;
    words.all(|other| other == first).then_some(first)
}

/// PS3.16 CID 4014.
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

/// A code of SNOMED CT, or of SNOMED RT as older files have it (PS3.16 8.1); another scheme may mean
/// anything by the same letters.
fn code(dataset: &DataSet, item: &Item) -> Option<String> {
    let value = code_value(dataset, item)?;
    let scheme = dataset.text_in(item, tags::CODING_SCHEME_DESIGNATOR);
    let is_rt = value.contains('-');
    let is_known = match scheme.as_deref() {
        None => true,
        Some("SRT" | "SNM3" | "99SDM") => is_rt,
        Some("SCT" | "SNOMED-CT" | "2.16.840.1.113883.6.96") => !is_rt,
        Some(_) => false,
    };
    is_known.then_some(value)
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
        assert_eq!(only_view_in("RMLO"), Some(ViewPosition::Mlo));
        assert_eq!(only_view_in("LLM"), Some(ViewPosition::Lm));
        assert_eq!(only_view_in("CC and MLO"), None);
        assert_eq!(only_view_in("A F"), None);
        assert_eq!(only_view_in("full mammogram images"), None);
        assert_eq!(only_view_in("iso centre, 3 ml contrast"), None, "words are no views");
    }
}
