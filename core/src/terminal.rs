//! Text of files on a terminal, which obeys some characters instead of showing them.

use std::fmt::Display;

/// The text in one line that a terminal shows as it is: control characters (ECMA-48, C0 and C1) and
/// those that break lines or turn the reading direction come out as escapes, `\u{1b}`. A name or a
/// word of a file can so neither draw a line of its own nor hide another.
pub fn plain(text: impl Display) -> String {
    let text = text.to_string();
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                plain.extend(c.escape_unicode());
            }
            c if c.is_control() => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        assert_eq!(plain("\x1b]0;x\x07"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(
            plain("a.dcm: shown\nb\r\t\x7f\u{9b}2J"),
            "a.dcm: shown\\nb\\r\\t\\u{7f}\\u{9b}2J"
        );
        assert_eq!(plain("a\u{202e}gnp.dcm\u{2028}"), "a\\u{202e}gnp.dcm\\u{2028}");
        let text = "øæå 乳腺 e\u{301} ثدي C:\\films \u{fffd}";
        assert_eq!(plain(text), text);
    }
}
