//! What is printed: lines in which nothing of a file can move the cursor, and JSON that is always JSON.

use std::io::Write;
use std::path::Path;

use serde::{Serialize, Serializer};

/// Writes one line, made as by `writeln!`; the only way by which text is printed.
macro_rules! tell {
    ($out:expr) => {
        writeln!($out)
    };
    ($out:expr, $($text:tt)*) => {
        writeln!($out, "{}", precedent_core::terminal::plain(format_args!($($text)*)))
    };
}
pub(crate) use tell;

/// Writes text of several lines.
pub(crate) fn tell_lines(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    text.lines().try_for_each(|line| tell!(out, "{line}"))
}

/// Writes a value as JSON in one line.
pub(crate) fn json(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", escaped(&serde_json::to_string(value)?))?)
}

/// Writes a value as JSON of a line a field.
pub(crate) fn json_pretty(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", escaped(&serde_json::to_string_pretty(value)?))?)
}

/// The control characters that JSON allows in a string, as its escapes.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7F}'..='\u{9F}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// A path in JSON, which has no bytes: what is no UTF-8 in it becomes U+FFFD.
pub(crate) fn path<P: AsRef<Path>, S: Serializer>(path: &P, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.as_ref().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_any_text_is_json_that_no_terminal_obeys() {
        let text = "\x1b\n\x7f\u{9b}ä\"\\";
        let mut printed = Vec::new();
        json(&mut printed, &[text]).expect("a Vec takes it");
        let read: Vec<String> = serde_json::from_slice(&printed).expect("it is JSON");
        assert_eq!(read, [text]);
        let printed = String::from_utf8(printed).expect("it is UTF-8");
        assert!(!printed.trim_end().contains(char::is_control), "{printed:?}");
    }
}
