//! Values of a parsed data set, as plain Rust values.

use std::borrow::Cow;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries;

use super::Error;
use super::text::{self, Charset};
use crate::dicom::bytes::Bytes;
use crate::dicom::encoding::Encoding;
use crate::dicom::walk::walk;

/// The wanted attributes, and those of one frame where the image has functional groups.
#[derive(Debug)]
pub(in crate::dicom) struct DataSet {
    root: Item,
    charset: Charset,
    /// SpecificCharacterSet names a set that DICOM does not have.
    pub(super) is_charset_unknown: bool,
}

/// One item of a sequence, or the data set itself.
pub(in crate::dicom) type Item = InMemDicomObject;

impl DataSet {
    /// Parses a data set that the guard has checked and left without SpecificCharacterSet, whose
    /// terms are given here: the library would decode by the first of them alone.
    pub(in crate::dicom) fn parse(
        bytes: &[u8],
        encoding: Encoding,
        charset: &[String],
    ) -> Result<Self, Error> {
        let known = text::charset(charset);
        Ok(Self {
            root: parse(bytes, encoding)?,
            is_charset_unknown: known.is_none(),
            charset: known.unwrap_or_else(text::undeclared),
        })
    }

    /// Where an attribute of this frame stands: in the macro that is its own, of the frame or
    /// shared by all, else in the root. A macro is taken whole: of two windows, not the center of
    /// one and the function of the other. What belongs to no macro, such as the patient, is of the
    /// root alone, whatever a group repeats (PS3.3 C.7.6.16).
    fn place(&self, tag: Tag) -> Cow<'_, Item> {
        let of_macro = |&(sequence, members): &(Tag, &[Tag])| {
            if !members.contains(&tag) {
                return None;
            }
            let found = GROUPS.into_iter().find_map(|groups| {
                let groups = items(&self.root, groups).into_iter().next()?;
                let own = items(&groups, sequence).into_iter().next()?.into_owned();
                members.iter().any(|member| is_filled(&own, *member)).then_some(own)
            });
            found.map(Cow::Owned)
        };
        MACROS.iter().find_map(of_macro).unwrap_or(Cow::Borrowed(&self.root))
    }

    /// Whether an attribute stands in the frame's or the shared functional groups.
    pub(super) fn is_in_groups(&self, tag: Tag) -> bool {
        matches!(self.place(tag), Cow::Owned(_))
    }

    fn element(&self, tag: Tag) -> Option<InMemElement> {
        self.place(tag).get(tag).cloned()
    }

    /// An attribute of one value (VM 1) as text, trimmed; `None` where it is absent or empty. Two
    /// values stay two, "A\\B", which is no word of any list: one of them is not better known.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        Some(self.texts(tag).join("\\")).filter(|text| !text.is_empty())
    }

    /// All values as text, decoded and trimmed.
    pub(super) fn texts(&self, tag: Tag) -> Vec<String> {
        self.element(tag).map(|element| self.texts_of(&element)).unwrap_or_default()
    }

    /// All values of an element, decoded and trimmed.
    pub(in crate::dicom) fn texts_of(&self, element: &InMemElement) -> Vec<String> {
        let is_name = element.header().tag == tags::PATIENT_NAME;
        text::values(&raw_text(element), &self.charset, is_name)
    }

    /// The first value of an attribute of an item.
    pub(in crate::dicom) fn text_in(&self, item: &Item, tag: Tag) -> Option<String> {
        let values = self.texts_of(item.get(tag)?);
        values.into_iter().next().filter(|text| !text.is_empty())
    }

    /// All values as numbers; one that is no number is NaN.
    pub(super) fn numbers(&self, tag: Tag) -> Vec<f64> {
        self.texts(tag).iter().map(|text| text.parse().unwrap_or(f64::NAN)).collect()
    }

    /// An attribute of one value as a number; NaN where it is none, or more than one.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        self.text(tag).map(|text| text.parse().unwrap_or(f64::NAN))
    }

    /// Whether one of these words is among the values of an attribute, whatever its letter case.
    pub(super) fn names(&self, tag: Tag, words: &[&str]) -> bool {
        let values = self.texts(tag).into_iter().map(|text| text.replace('_', " "));
        values.into_iter().any(|value| words.iter().any(|word| value.eq_ignore_ascii_case(word)))
    }

    pub(super) fn words(&self, tag: Tag) -> Option<Vec<u16>> {
        words(&self.element(tag)?)
    }

    /// The items of a sequence, none where it is absent.
    pub(in crate::dicom) fn items(&self, tag: Tag) -> Vec<Item> {
        items(&self.place(tag), tag).into_iter().map(Cow::into_owned).collect()
    }
}

/// The frame's own functional groups, of which the guard hands on one frame's, and the shared ones.
const GROUPS: [Tag; 2] =
    [tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE];

/// The macros that are read, with the attributes that stand in them (PS3.3 C.7.6.16.2, C.8.19.6).
const MACROS: [(Tag, &[Tag]); 7] = [
    (tags::PIXEL_MEASURES_SEQUENCE, &[tags::PIXEL_SPACING]),
    (
        tags::FRAME_VOILUT_SEQUENCE,
        &[
            tags::WINDOW_CENTER,
            tags::WINDOW_WIDTH,
            tags::WINDOW_CENTER_WIDTH_EXPLANATION,
            tags::VOILUT_FUNCTION,
            tags::VOILUT_SEQUENCE,
        ],
    ),
    (
        tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
        &[tags::RESCALE_SLOPE, tags::RESCALE_INTERCEPT, tags::MODALITY_LUT_SEQUENCE],
    ),
    (tags::FRAME_ANATOMY_SEQUENCE, &[tags::FRAME_LATERALITY, tags::ANATOMIC_REGION_SEQUENCE]),
    (tags::PATIENT_ORIENTATION_IN_FRAME_SEQUENCE, &[tags::PATIENT_ORIENTATION]),
    (tags::FRAME_PIXEL_DATA_PROPERTIES_SEQUENCE, &[tags::IMAGER_PIXEL_SPACING]),
    (tags::X_RAY_GEOMETRY_SEQUENCE, &[tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR]),
];

fn parse(bytes: &[u8], encoding: Encoding) -> Result<Item, Error> {
    let syntax = match encoding {
        Encoding::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax)
        .map_err(|source| Error::Parse(source.to_string()))
}

/// Whether an attribute is there with a value or an item.
fn is_filled(item: &Item, tag: Tag) -> bool {
    item.get(tag).is_some_and(|element| {
        element.items().is_some_and(|items| !items.is_empty())
            || element.to_bytes().is_ok_and(|bytes| !bytes.is_empty())
    })
}

/// The items of a sequence inside an item. One that came as UN is parsed here, by the dictionary.
pub(super) fn items(item: &Item, tag: Tag) -> Vec<Cow<'_, Item>> {
    let Some(element) = item.get(tag) else { return Vec::new() };
    if let Some(items) = element.items() {
        return items.iter().map(Cow::Borrowed).collect();
    }
    let is_sequence =
        || StandardDataDictionary.by_tag(tag).is_some_and(|e| e.vr().relaxed() == VR::SQ);
    if element.vr() != VR::UN || !is_sequence() {
        return Vec::new();
    }
    let value = element.to_bytes().unwrap_or_default();
    [Encoding::ImplicitLittle, Encoding::ExplicitLittle]
        .into_iter()
        .find_map(|encoding| sequence_in(tag, &value, encoding))
        .unwrap_or_default()
        .into_iter()
        .map(Cow::Owned)
        .collect()
}

/// The items in the value of a sequence, where it holds together in this encoding.
fn sequence_in(tag: Tag, value: &[u8], encoding: Encoding) -> Option<Vec<Item>> {
    const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let is_delimited = value.ends_with(&END);
    let mut bytes = Vec::new();
    let length = if is_delimited { u32::MAX } else { value.len() as u32 };
    encoding.put_head(&mut bytes, tag, *b"SQ", length);
    bytes.extend_from_slice(value);
    walk(&Bytes::from(bytes.clone()), encoding, |_| true).ok()?;
    let parsed = parse(&bytes, encoding).ok()?;
    Some(parsed.get(tag)?.items()?.to_vec())
}

/// The bytes of a text as they stand in the file.
fn raw_text(element: &InMemElement) -> Vec<u8> {
    if matches!(element.vr(), VR::UN | VR::OB) {
        return element.to_bytes().map(Cow::into_owned).unwrap_or_default();
    }
    // Without a character set the library reads every byte as one character, and splits.
    let parts = element.to_multi_str().map(Cow::into_owned).unwrap_or_default();
    let byte = |c: char| u8::try_from(u32::from(c)).unwrap_or(b'?');
    parts.iter().map(|part| part.chars().map(byte).collect()).collect::<Vec<Vec<u8>>>().join(&b'\\')
}

/// The values of a US, SS or OW element as 16-bit words, sign not interpreted.
pub(super) fn words(element: &InMemElement) -> Option<Vec<u16>> {
    if matches!(element.vr(), VR::UN | VR::OB) {
        let bytes = element.to_bytes().ok()?;
        return Some(bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect());
    }
    let values = element.to_multi_int::<i32>().ok()?;
    Some(values.iter().map(|v| *v as u16).collect())
}
