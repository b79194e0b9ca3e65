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

    /// Where an attribute may stand: the frame's groups, the shared ones, the root
    /// (PS3.3 C.7.6.16). The guard hands on one frame's groups alone.
    fn places(&self) -> Vec<Cow<'_, Item>> {
        let mut places = Vec::new();
        for tag in
            [tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE]
        {
            let Some(groups) = items(&self.root, tag).into_iter().next() else { continue };
            let macros: Vec<Tag> = groups.iter().map(|element| element.header().tag).collect();
            let firsts = macros.into_iter().filter_map(|m| items(&groups, m).into_iter().next());
            places.extend(firsts.map(|first| Cow::Owned(first.into_owned())));
        }
        places.push(Cow::Borrowed(&self.root));
        places
    }

    fn element(&self, tag: Tag) -> Option<InMemElement> {
        self.places().into_iter().find_map(|place| place.get(tag).cloned())
    }

    /// The first value as text, trimmed; `None` where it is absent or empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|text| !text.is_empty())
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

    /// The first value as a number.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag).first().copied()
    }

    pub(super) fn words(&self, tag: Tag) -> Option<Vec<u16>> {
        words(&self.element(tag)?)
    }

    /// The items of a sequence, none where it is absent.
    pub(in crate::dicom) fn items(&self, tag: Tag) -> Vec<Item> {
        let places = self.places();
        let found = places.iter().map(|place| items(place, tag)).find(|items| !items.is_empty());
        found.unwrap_or_default().into_iter().map(Cow::into_owned).collect()
    }
}

fn parse(bytes: &[u8], encoding: Encoding) -> Result<Item, Error> {
    let syntax = match encoding {
        Encoding::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax)
        .map_err(|source| Error::Parse(source.to_string()))
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
