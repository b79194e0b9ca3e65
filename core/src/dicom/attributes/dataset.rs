//! Values of a parsed data set, as plain Rust values.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries;

use super::Error;
use crate::dicom::encoding::Encoding;

/// The wanted attributes, and those of the first frame where the image has functional groups.
#[derive(Debug)]
pub(in crate::dicom) struct DataSet {
    root: InMemDicomObject,
}

/// One item of a sequence, or the data set itself.
pub(super) type Item = InMemDicomObject;

impl DataSet {
    /// Parses a data set that the guard has checked.
    pub(in crate::dicom) fn parse(bytes: &[u8], encoding: Encoding) -> Result<Self, Error> {
        let syntax = match encoding {
            Encoding::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
            Encoding::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
            Encoding::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        };
        let root = InMemDicomObject::read_dataset_with_ts(bytes, &syntax)
            .map_err(|source| Error::Parse(source.to_string()))?;
        Ok(Self { root })
    }

    /// Where an attribute may stand: the first frame's groups, the shared ones, the root
    /// (PS3.3 C.7.6.16).
    fn places(&self) -> Vec<&Item> {
        let mut places = Vec::new();
        for tag in
            [tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE]
        {
            let groups = items(&self.root, tag).first();
            let macros = groups.into_iter().flat_map(|g| g.iter());
            places.extend(macros.filter_map(|m| m.items()?.first()));
        }
        places.push(&self.root);
        places
    }

    fn element(&self, tag: Tag) -> Option<&InMemElement> {
        self.places().into_iter().find_map(|place| place.get(tag))
    }

    /// The first value as text, trimmed; `None` where it is absent or empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|text| !text.is_empty())
    }

    /// All values as text, trimmed.
    pub(super) fn texts(&self, tag: Tag) -> Vec<String> {
        self.element(tag).map(texts).unwrap_or_default()
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
        words(self.element(tag)?)
    }

    /// The items of a sequence, none where it is absent.
    pub(super) fn items(&self, tag: Tag) -> &[Item] {
        let places = self.places();
        places.into_iter().map(|place| items(place, tag)).find(|i| !i.is_empty()).unwrap_or(&[])
    }
}

/// The items of a sequence inside an item.
pub(super) fn items(item: &Item, tag: Tag) -> &[Item] {
    item.get(tag).and_then(|element| element.items()).unwrap_or(&[])
}

/// All values of an element as text, trimmed.
pub(super) fn texts(element: &InMemElement) -> Vec<String> {
    let values = element.to_multi_str().map(|v| v.into_owned()).unwrap_or_default();
    values.iter().map(|v| v.trim_matches([' ', '\0']).to_owned()).collect()
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
