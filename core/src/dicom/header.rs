//! Preamble and file meta information (PS3.10 clause 7.1), or their absence.

use super::bytes::Bytes;
use super::encoding::Syntax;
use super::guard::Refusal;
use crate::mammogram::Caution;

/// What stands before the data set.
pub(super) struct Header {
    /// `None` where the file does not say: the encoding must be guessed.
    pub(super) syntax: Option<Syntax>,
    /// First byte of the data set.
    pub(super) end: usize,
    pub(super) cautions: Vec<Caution>,
}

const PREAMBLE: usize = 128;
/// PS3.5 9.1 has 64 characters; some writers pad.
const LONGEST_UID: usize = 128;
const MAGIC: [u8; 4] = *b"DICM";

/// Reads group 0002 by its tags; the group length is compared, never trusted.
pub(super) fn read(file: &Bytes) -> Result<Header, Refusal> {
    let mut cautions = Vec::new();
    let start = if file.chunk::<4>(PREAMBLE, usize::MAX) == Some(MAGIC) {
        PREAMBLE + 4
    } else {
        cautions.push(Caution::new(
            "W-NO-HEADER",
            "the file header is missing; the encoding was guessed from the data",
        ));
        if file.chunk::<4>(0, usize::MAX) == Some(MAGIC) { MAGIC.len() } else { 0 }
    };
    let mut at = start;
    let mut syntax = None;
    let mut stated_end = None;
    while let Some(element) = next_meta_element(file, at)? {
        match (element.number, element.end - element.value) {
            (0x0000, 4) => {
                let length = file.chunk::<4>(element.value, element.end).map(u32::from_le_bytes);
                stated_end = Some(element.end as u64 + u64::from(length.unwrap_or(0)));
            }
            (0x0010, ..=LONGEST_UID) => {
                let uid = file.range(element.value..element.end).map_err(Refusal::Read)?;
                let uid = String::from_utf8_lossy(&uid);
                let uid = uid.trim_matches([' ', '\0']);
                syntax = Some(Syntax(uid.to_owned())).filter(|_| !uid.is_empty());
            }
            _ => {}
        }
        at = element.end;
    }
    if stated_end.is_some_and(|end| end != at as u64) {
        cautions.push(Caution::new(
            "W-GROUP-LENGTH",
            "the length of the file header is stated wrongly; its elements were counted instead",
        ));
    }
    if syntax.is_none() && start >= PREAMBLE {
        cautions.push(Caution::new(
            "W-NO-HEADER",
            "the file header names no transfer syntax; the encoding was guessed from the data",
        ));
    }
    Ok(Header { syntax, end: at, cautions })
}

struct MetaElement {
    number: u16,
    value: usize,
    end: usize,
}

/// The element of group 0002 at `at`: explicit VR little endian, or implicit as some writers have it.
fn next_meta_element(file: &Bytes, at: usize) -> Result<Option<MetaElement>, Refusal> {
    let Some(head) = file.chunk::<8>(at, usize::MAX) else { return Ok(None) };
    if head[..2] != [2, 0] {
        return Ok(None);
    }
    let number = u16::from_le_bytes([head[2], head[3]]);
    let is_explicit = head[4].is_ascii_uppercase() && head[5].is_ascii_uppercase();
    let is_long = matches!(&head[4..6], b"OB" | b"OW" | b"UN" | b"SQ" | b"UT");
    let (value, length) = match (is_explicit, is_long) {
        (false, _) => (at + 8, u32::from_le_bytes([head[4], head[5], head[6], head[7]])),
        (true, false) => (at + 8, u32::from(u16::from_le_bytes([head[6], head[7]]))),
        (true, true) => {
            let long = file.chunk::<4>(at + 8, usize::MAX);
            let long = long.ok_or(Refusal::CutHeader { offset: at })?;
            (at + 12, u32::from_le_bytes(long))
        }
    };
    let left = (file.len() - value) as u64;
    if u64::from(length) > left {
        let tag = dicom_core::Tag(2, number);
        return Err(Refusal::Cut { tag, claimed: u64::from(length), left });
    }
    Ok(Some(MetaElement { number, value, end: value + length as usize }))
}
