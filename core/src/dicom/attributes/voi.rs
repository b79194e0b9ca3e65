//! Modality LUT and VOI LUTs as the file has them (PS3.3 C.11.1, C.11.2).

use dicom_dictionary_std::tags;

use super::dataset::{DataSet, Item, words};
use crate::dicom::frame::Layout;
use crate::mammogram::{Caution, ModalityLut};
use crate::voi_lut::{VoiFunction, VoiLut};

/// ModalityLUTSequence, else RescaleSlope and RescaleIntercept, absent 1 and 0.
pub(super) fn modality_lut(
    dataset: &DataSet,
    layout: &Layout,
    cautions: &mut Vec<Caution>,
) -> ModalityLut {
    let slope = dataset.number(tags::RESCALE_SLOPE).unwrap_or(1.0);
    let intercept = dataset.number(tags::RESCALE_INTERCEPT).unwrap_or(0.0);
    if let Some(item) = dataset.items(tags::MODALITY_LUT_SEQUENCE).first() {
        let range = stored_range(layout);
        if (slope, intercept) != (1.0, 0.0) {
            cautions.push(Caution::new(
                "W-MODALITY",
                "the file has a modality LUT and a rescale, of which only one can be meant; the LUT \
                 was used",
            ));
        }
        if let Some(table) = Table::read(item, range, cautions) {
            return ModalityLut::Table { first: table.first, entries: table.entries };
        }
        cautions.push(Caution::new(
            "W-MODALITY",
            "the modality LUT cannot be read; stored values were used in its place",
        ));
        return ModalityLut::Rescale { slope: 1.0, intercept: 0.0 };
    }
    if slope.is_finite() && intercept.is_finite() && slope != 0.0 {
        return ModalityLut::Rescale { slope, intercept };
    }
    cautions.push(Caution::new(
        "W-MODALITY",
        format!("a rescale by {slope} and {intercept} is not possible; stored values were used"),
    ));
    ModalityLut::Rescale { slope: 1.0, intercept: 0.0 }
}

/// Every LUT of VOILUTSequence, then every window; empty where the file offers none that is sound.
pub(super) fn voi_luts(
    dataset: &DataSet,
    layout: &Layout,
    modality_lut: &ModalityLut,
    cautions: &mut Vec<Caution>,
) -> Vec<VoiLut> {
    let range = modality_range(modality_lut, layout);
    let mut luts = Vec::new();
    for item in &dataset.items(tags::VOILUT_SEQUENCE) {
        match Table::read(item, range, cautions) {
            Some(table) => luts.push(table.into_voi_lut(dataset, item, cautions)),
            None => cautions.push(Caution::new(
                "W-LUT-INVALID",
                "a VOI LUT of the file cannot be read; it was left out",
            )),
        }
    }
    luts.extend(windows(dataset, cautions));
    luts
}

/// The least and the largest stored value.
fn stored_range(layout: &Layout) -> (f64, f64) {
    let values = f64::from(1_u32 << layout.bits_stored);
    if layout.is_signed { (-values / 2.0, values / 2.0 - 1.0) } else { (0.0, values - 1.0) }
}

/// The least and the largest modality value that these stored values can give.
fn modality_range(modality_lut: &ModalityLut, layout: &Layout) -> (f64, f64) {
    let (low, high) = stored_range(layout);
    let (a, b) = (modality_lut.apply(low as i32), modality_lut.apply(high as i32));
    match modality_lut {
        ModalityLut::Rescale { .. } => (a.min(b), a.max(b)),
        ModalityLut::Table { .. } => (0.0, f64::from(u16::MAX)),
    }
}

fn windows(dataset: &DataSet, cautions: &mut Vec<Caution>) -> Vec<VoiLut> {
    let centers = dataset.numbers(tags::WINDOW_CENTER);
    let widths = dataset.numbers(tags::WINDOW_WIDTH);
    let explanations = dataset.texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let function = dataset.text(tags::VOILUT_FUNCTION);
    let is_known =
        matches!(function.as_deref(), None | Some("LINEAR" | "LINEAR_EXACT" | "SIGMOID"));
    if !is_known && !centers.is_empty() {
        cautions.push(Caution::new(
            "W-VOI-FUNCTION",
            "VOILUTFunction is not one of DICOM's; LINEAR was used",
        ));
    }
    let mut luts = Vec::new();
    let mut is_sound = centers.len() == widths.len();
    for (idx, (&center, &width)) in centers.iter().zip(&widths).enumerate() {
        if !center.is_finite() || !width.is_finite() || width <= 0.0 {
            // An empty value is no window at all, and no fault.
            is_sound &= centers.len() == 1 && dataset.text(tags::WINDOW_CENTER).is_none();
            continue;
        }
        let explanation = explanations.get(idx).filter(|text| !text.is_empty());
        luts.push(VoiLut {
            explanation: explanation.cloned().unwrap_or_else(|| format!("Window {}", idx + 1)),
            function: match function.as_deref() {
                Some("SIGMOID") => VoiFunction::Sigmoid { center, width },
                Some("LINEAR_EXACT") => VoiFunction::LinearExact { center, width },
                // LINEAR is defined from a width of 1 on (C.11.2.1.2.1).
                _ if width < 1.0 => VoiFunction::LinearExact { center, width },
                _ => VoiFunction::Linear { center, width },
            },
        });
    }
    if !is_sound {
        cautions.push(Caution::new(
            "W-WINDOW-INVALID",
            "a window of the file is not a number or not wider than 0; it was left out",
        ));
    }
    luts
}

/// The first input value of a table has the sign of its input (C.11.1.1.1, C.11.2.1.1). The VR is no
/// help: writers confuse US and SS, and the library replaces one by the other.
fn first_input(word: u16, (low, high): (f64, f64)) -> i32 {
    let is_beyond = f64::from(word) > high;
    if low < 0.0 || is_beyond { i32::from(word as i16) } else { i32::from(word) }
}

/// LUTDescriptor and LUTData (C.11.1.1.1, C.11.2.1.1).
struct Table {
    first: i32,
    entries: Vec<u16>,
    /// As the descriptor says.
    bits: u16,
}

impl Table {
    /// `range` is what the table's input can be.
    fn read(item: &Item, range: (f64, f64), cautions: &mut Vec<Caution>) -> Option<Self> {
        let descriptor = item.get(tags::LUT_DESCRIPTOR)?;
        let [count, first, bits] = words(descriptor)?[..] else { return None };
        // The count is unsigned whatever the VR says, and 0 stands for 65,536.
        let count = if count == 0 { 0x1_0000 } else { usize::from(count) };
        let first = first_input(first, range);
        let data = item.get(tags::LUT_DATA)?;
        let mut entries = words(data)?;
        // 8-bit entries stand one a word, or two packed into each.
        if entries.len() == count.div_ceil(2) && count > 1 && bits <= 8 {
            entries = entries.iter().flat_map(|w| w.to_le_bytes()).map(u16::from).collect();
        }
        if entries.len() < count {
            return None;
        }
        // An odd number of bytes is padded by one.
        if entries.len() > count + usize::from(bits <= 8) {
            cautions.push(Caution::new(
                "W-LUT-LENGTH",
                format!(
                    "a LUT of the file has {} entries where it says {count}; the rest was ignored",
                    entries.len()
                ),
            ));
        }
        entries.truncate(count);
        Some(Self { first, entries, bits })
    }

    /// Scales by the depth of the descriptor, or by the real one where that is plainly meant.
    fn into_voi_lut(self, dataset: &DataSet, item: &Item, cautions: &mut Vec<Caution>) -> VoiLut {
        let largest = self.entries.iter().copied().max().unwrap_or(0).max(1);
        let depth = |bits: u16| u16::MAX >> (16 - bits.clamp(1, 16));
        let stated = depth(self.bits);
        let real = depth(16 - largest.leading_zeros() as u16);
        let is_sound = (1..=16).contains(&self.bits) && largest <= stated;
        // A full 12-bit table declared as 16 bits, or one that leaves three quarters unused.
        let is_narrow = largest == real && real < stated || largest < stated / 4;
        let max = if is_sound && !is_narrow { stated } else { real };
        if max != stated {
            cautions.push(Caution::new(
                "W-LUT-DEPTH",
                format!(
                    "a VOI LUT says {} bits, its entries end at {largest}; the latter was used",
                    self.bits
                ),
            ));
        }
        let explanation = dataset.text_in(item, tags::LUT_EXPLANATION);
        VoiLut {
            explanation: explanation.unwrap_or_else(|| "LUT".to_owned()),
            function: VoiFunction::Table { first: self.first, entries: self.entries, max },
        }
    }
}
