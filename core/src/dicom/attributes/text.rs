//! Text in every character set of DICOM, code extensions included (PS3.5 6.1 and annexes H to J).
//!
//! The DICOM library decodes a text as one set and shows escape sequences as they are. Here the
//! escapes are followed; the library's decoders do the tables. A code that has no meaning becomes
//! U+FFFD; bytes of which no set is declared are Latin-1, as other programs have it.

use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

/// Sets in which names are often written although another one, or none, is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameSet {
    Chinese,
    Korean,
    Cyrillic,
    Greek,
    Unicode,
}

impl NameSet {
    pub const ALL: [Self; 5] =
        [Self::Chinese, Self::Korean, Self::Cyrillic, Self::Greek, Self::Unicode];

    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Chinese => "Chinese (GB18030)",
            Self::Korean => "Korean (KS X 1001)",
            Self::Cyrillic => "Cyrillic (ISO 8859-5)",
            Self::Greek => "Greek (ISO 8859-7)",
            Self::Unicode => "Unicode (UTF-8)",
        }
    }

    fn term(self) -> &'static str {
        match self {
            Self::Chinese => "GB18030",
            Self::Korean => "ISO_IR 149",
            Self::Cyrillic => "ISO_IR 144",
            Self::Greek => "ISO_IR 126",
            Self::Unicode => "ISO_IR 192",
        }
    }
}

/// A name that was read a byte a letter, as declared or for want of a declaration, read in another
/// set; `None` where it was not read so or its bytes are no text there. For the eye alone: whose
/// film it is, the name as declared tells.
pub fn read_as(name: &str, set: NameSet) -> Option<String> {
    let bytes: Vec<u8> = name.chars().map(u8::try_from).collect::<Result<_, _>>().ok()?;
    let read = whole(&bytes, set.term());
    (!bytes.is_ascii() && !read.contains('\u{FFFD}')).then_some(read)
}

/// SpecificCharacterSet (0008,0005): the set that a text starts with, or one for all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Charset {
    /// ISO 2022: two halves, which escapes exchange.
    Extended { low: Low, high: High },
    /// UTF-8, GB18030, GBK: no escapes.
    Whole(&'static str),
}

/// What bytes below 80 mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Low {
    Ascii,
    /// JIS X 0201 romaji: yen and overline for backslash and tilde.
    Romaji,
    /// JIS X 0208, two bytes.
    Kanji,
    /// JIS X 0212, two bytes.
    SupplementaryKanji,
}

/// What bytes from 80 on mean: the defined term that the library knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum High {
    Undeclared,
    Set(&'static str),
    /// ISO 8859-15 differs from 8859-1 in eight places.
    Latin9,
}

/// What holds where nothing is declared, or nothing that is known.
pub(super) fn undeclared() -> Charset {
    Charset::Extended { low: Low::Ascii, high: High::Undeclared }
}

/// The set that a text starts with; `None` where a term is not one of DICOM's.
pub(super) fn charset(terms: &[String]) -> Option<Charset> {
    let first = terms.first().map_or("", String::as_str);
    let term = first.replace("ISO 2022 IR", "ISO_IR").replace("ISO_IR_", "ISO_IR ");
    let high = |set| Charset::Extended { low: Low::Ascii, high: set };
    Some(match term.as_str() {
        "" | "ISO_IR 6" | "ISO_IR 87" | "ISO_IR 159" => high(High::Undeclared),
        "ISO_IR 13" => Charset::Extended { low: Low::Romaji, high: High::Set("ISO_IR 13") },
        "ISO_IR 203" => high(High::Latin9),
        "ISO_IR 58" => high(High::Set("GBK")),
        "ISO_IR 192" => Charset::Whole("ISO_IR 192"),
        "GB18030" => Charset::Whole("GB18030"),
        "GBK" => Charset::Whole("GBK"),
        other => {
            let known = [
                "ISO_IR 100",
                "ISO_IR 101",
                "ISO_IR 109",
                "ISO_IR 110",
                "ISO_IR 126",
                "ISO_IR 127",
                "ISO_IR 138",
                "ISO_IR 144",
                "ISO_IR 148",
                "ISO_IR 149",
                "ISO_IR 166",
            ];
            high(High::Set(known.into_iter().find(|known| *known == other)?))
        }
    })
}

/// The values of a text element: decoded, split at backslashes, trimmed. `is_name` where `^` and
/// `=` too bring the first set back (PN).
pub(super) fn values(bytes: &[u8], start: &Charset, is_name: bool) -> Vec<String> {
    let text = match start {
        Charset::Whole(term) => whole(bytes, term),
        Charset::Extended { low, high } => Halves { low: *low, high: *high }.text(bytes, is_name),
    };
    text.split('\\').map(|value| value.trim_matches([' ', '\0']).to_owned()).collect()
}

fn whole(bytes: &[u8], term: &str) -> String {
    if term == "ISO_IR 192" {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let codec = SpecificCharacterSet::from_code(term);
    let text = codec.and_then(|codec| codec.decode(bytes).ok());
    // It writes a byte that has no meaning as a backslash and three digits.
    let backslashes = bytes.iter().filter(|byte| **byte == b'\\').count();
    text.filter(|text| text.matches('\\').count() <= backslashes)
        .unwrap_or_else(|| "\u{FFFD}".repeat(bytes.len()))
}

/// The state of a decoder that follows escapes.
#[derive(Clone, Copy)]
struct Halves {
    low: Low,
    high: High,
}

impl Halves {
    fn text(self, bytes: &[u8], is_name: bool) -> String {
        let mut now = self;
        let mut text = String::new();
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if byte == 0x1B {
                let length = now.escape(rest);
                rest = &rest[length..];
                continue;
            }
            let is_two = byte < 0x80 && matches!(now.low, Low::Kanji | Low::SupplementaryKanji);
            // A delimiter brings the first set back (6.1.2.5.3), but is no part of a two-byte code.
            let is_delimiter = matches!(byte, b'\\' | b'\r' | b'\n' | 0x0C | b'\t')
                || is_name && matches!(byte, b'^' | b'=');
            if byte < 0x21 || is_delimiter && !is_two {
                text.push(char::from(byte));
                if is_delimiter {
                    now = self;
                }
                rest = &rest[1..];
                continue;
            }
            let is_low = byte < 0x80;
            let run = rest
                .iter()
                .take_while(|b| {
                    let ends = **b == 0x1B
                        || **b < 0x21
                        || !is_two
                            && (matches!(**b, b'\\') || is_name && matches!(**b, b'^' | b'='));
                    !ends && (**b < 0x80) == is_low
                })
                .count()
                .max(1);
            let (part, behind) = rest.split_at(run);
            text.push_str(&if is_low { now.low_text(part) } else { now.high_text(part) });
            rest = behind;
        }
        text
    }

    /// Takes an escape sequence (PS3.3 tables C.12-3 and C.12-4); returns its length.
    fn escape(&mut self, bytes: &[u8]) -> usize {
        let high = |this: &mut Self, set| this.high = set;
        match bytes {
            [_, b'(', b'B', ..] => self.low = Low::Ascii,
            [_, b'(', b'J', ..] => self.low = Low::Romaji,
            [_, b')', b'I', ..] => high(self, High::Set("ISO_IR 13")),
            [_, b'-', set, ..] => match set {
                b'A' => high(self, High::Set("ISO_IR 100")),
                b'B' => high(self, High::Set("ISO_IR 101")),
                b'C' => high(self, High::Set("ISO_IR 109")),
                b'D' => high(self, High::Set("ISO_IR 110")),
                b'F' => high(self, High::Set("ISO_IR 126")),
                b'G' => high(self, High::Set("ISO_IR 127")),
                b'H' => high(self, High::Set("ISO_IR 138")),
                b'L' => high(self, High::Set("ISO_IR 144")),
                b'M' => high(self, High::Set("ISO_IR 148")),
                b'T' => high(self, High::Set("ISO_IR 166")),
                b'b' => high(self, High::Latin9),
                _ => return 1,
            },
            [_, b'$', b'B', ..] => self.low = Low::Kanji,
            [_, b'$', b'(', b'D', ..] => {
                self.low = Low::SupplementaryKanji;
                return 4;
            }
            [_, b'$', b')', b'C', ..] => {
                high(self, High::Set("ISO_IR 149"));
                return 4;
            }
            [_, b'$', b')', b'A', ..] => {
                high(self, High::Set("GBK"));
                return 4;
            }
            _ => return 1,
        }
        3
    }

    fn low_text(&self, bytes: &[u8]) -> String {
        let with_escape = |escape: &[u8]| whole(&[escape, bytes, b"\x1B(B"].concat(), "ISO_IR 87");
        match self.low {
            Low::Ascii => bytes.iter().map(|b| char::from(*b)).collect(),
            Low::Romaji => {
                let letter = |b: &u8| match b {
                    b'\\' => '¥',
                    b'~' => '‾',
                    other => char::from(*other),
                };
                bytes.iter().map(letter).collect()
            }
            Low::Kanji => with_escape(b"\x1B$B"),
            Low::SupplementaryKanji => with_escape(b"\x1B$(D"),
        }
    }

    fn high_text(&self, bytes: &[u8]) -> String {
        match self.high {
            High::Undeclared => bytes.iter().map(|b| char::from(*b)).collect(),
            // JIS X 0201 katakana: A1 to DF follow U+FF61 to U+FF9F.
            High::Set("ISO_IR 13") => {
                let letter = |b: &u8| match b {
                    0xA1..=0xDF => char::from_u32(0xFF61 + u32::from(*b) - 0xA1),
                    _ => None,
                };
                bytes.iter().map(|b| letter(b).unwrap_or('\u{FFFD}')).collect()
            }
            High::Set("ISO_IR 148") => bytes.iter().map(latin5).collect(),
            High::Set(term) => whole(bytes, term),
            High::Latin9 => bytes.iter().map(latin9).collect(),
        }
    }
}

/// ISO 8859-9: 8859-1 but for six Turkish letters.
fn latin5(byte: &u8) -> char {
    match byte {
        0xD0 => 'Ğ',
        0xDD => 'İ',
        0xDE => 'Ş',
        0xF0 => 'ğ',
        0xFD => 'ı',
        0xFE => 'ş',
        other => char::from(*other),
    }
}

/// ISO 8859-15: 8859-1 but for eight places.
fn latin9(byte: &u8) -> char {
    match byte {
        0xA4 => '€',
        0xA6 => 'Š',
        0xA8 => 'š',
        0xB4 => 'Ž',
        0xB8 => 'ž',
        0xBC => 'Œ',
        0xBD => 'œ',
        0xBE => 'Ÿ',
        other => char::from(*other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(terms: &str, bytes: &[u8]) -> String {
        let terms: Vec<String> = terms.split('\\').map(str::to_owned).collect();
        values(bytes, &charset(&terms).expect("a known set"), true).join("\\")
    }

    #[test]
    fn the_standards_own_examples_come_out_as_printed() {
        // PS3.5 H.3.1.
        let mut name = b"Yamada^Tarou=".to_vec();
        name.extend(b"\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=");
        name.extend(b"\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B");
        assert_eq!(decoded("\\ISO 2022 IR 87", &name), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        // PS3.5 H.3.2: half-width katakana first.
        let mut name = vec![0xD4, 0xCF, 0xC0, 0xDE, b'^', 0xC0, 0xDB, 0xB3, b'='];
        name.extend(b"\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=");
        name.extend(b"\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J");
        assert_eq!(
            decoded("ISO 2022 IR 13\\ISO 2022 IR 87", &name),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
        );
        // PS3.5 I.2: Korean.
        let mut name = b"Hong^Gildong=".to_vec();
        name.extend(b"\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=");
        name.extend(b"\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF");
        assert_eq!(decoded("\\ISO 2022 IR 149", &name), "Hong^Gildong=洪^吉洞=홍^길동");
        // PS3.5 K.2: Chinese with escapes.
        let mut name = b"Zhang^XiaoDong=".to_vec();
        name.extend(b"\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=");
        assert_eq!(decoded("\\ISO 2022 IR 58", &name), "Zhang^XiaoDong=张^小东=");
        // PS3.5 J.1 and J.3: UTF-8 and GB18030.
        let text = "Wang^XiaoDong=王^小東=";
        assert_eq!(decoded("ISO_IR 192", text.as_bytes()), text);
        let mut name = b"Wang^XiaoDong=".to_vec();
        name.extend(b"\xCD\xF5^\xD0\xA1\xB6\xAB=");
        assert_eq!(decoded("GB18030", &name), "Wang^XiaoDong=王^小东=");
    }

    #[test]
    fn single_byte_sets_and_changes_between_them() {
        assert_eq!(decoded("ISO_IR 100", b"Buc^J\xE9r\xF4me"), "Buc^Jérôme");
        assert_eq!(decoded("ISO_IR 144", b"\xBB\xEEce"), "Люce");
        assert_eq!(decoded("ISO_IR 148", b"\xDE\xFD"), "Şı");
        assert_eq!(decoded("ISO_IR 203", b"\xA4"), "€");
        // Latin to Greek and back at the delimiter.
        let mixed = b"\xE9\x1B-F\xE1\xE2^\xE9";
        assert_eq!(decoded("ISO 2022 IR 100\\ISO 2022 IR 126", mixed), "éαβ^é");
        assert_eq!(decoded("", b"J\xE9"), "Jé", "undeclared");
        assert_eq!(decoded("GB18030", b"a\xFF"), "\u{FFFD}\u{FFFD}", "not a code");
        assert_eq!(charset(&["ISO_IR 999".to_owned()]), None);
    }

    #[test]
    fn a_name_under_a_wrong_declaration_is_shown_as_declared_and_can_be_read_as_it_was_meant() {
        // GBK under ISO_IR 100: 王^小东 is CD F5 ^ D0 A1 B6 AB.
        let name = decoded("ISO_IR 100", b"\xCD\xF5^\xD0\xA1\xB6\xAB");
        assert_eq!(name, "Íõ^Ð¡¶«");
        assert_eq!(read_as(&name, NameSet::Chinese).as_deref(), Some("王^小东"));
        // Letters below A0 too: 丂 is 81 40.
        assert_eq!(
            read_as(&decoded("ISO_IR 100", b"\x81\x40"), NameSet::Chinese).as_deref(),
            Some("丂")
        );
        let korean = decoded("", b"\xC8\xAB^\xB1\xE6\xB5\xBF");
        assert_eq!(read_as(&korean, NameSet::Korean).as_deref(), Some("홍^길동"));
        let russian = decoded("", "Иванов".as_bytes());
        assert_eq!(read_as(&russian, NameSet::Unicode).as_deref(), Some("Иванов"));
        // Nothing to choose: plain letters, and what was read in a set of its own.
        for name in ["DOE^JANE", "王^小东"] {
            assert!(NameSet::ALL.iter().all(|set| read_as(name, *set).is_none()), "{name}");
        }
        assert_eq!(read_as(&decoded("ISO_IR 100", b"J\xE9"), NameSet::Unicode), None);
    }

    #[test]
    fn a_backslash_inside_a_code_does_not_split_it() {
        // GB18030 has 5C as a second byte: 乗 is 81 5C.
        let terms = [String::from("GB18030")];
        let set = charset(&terms).expect("a known set");
        assert_eq!(values(b"\x81\x5C\\b", &set, false), ["乗", "b"]);
        // JIS X 0208 has it too: 3B 5C.
        let set = charset(&[String::new(), "ISO 2022 IR 87".to_owned()]).expect("a known set");
        assert_eq!(values(b"\x1B$B;\\\x1B(B\\b", &set, false).len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_in_any_set(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            which in 0..9_usize,
            is_name: bool,
        ) {
            let terms = [
                "", "ISO_IR 13", "ISO 2022 IR 87", "ISO_IR 100", "ISO 2022 IR 149",
                "ISO 2022 IR 58", "ISO_IR 192", "GB18030", "ISO_IR 166",
            ];
            let set = charset(&[terms[which].to_owned()]).expect("a known set");
            prop_assert!(!values(&bytes, &set, is_name).is_empty());
        }
    }
}
