//! The films that an encoder was made from, so that an evaluation can say which of its questions
//! the encoder has seen: answers about those flatter it.
//!
//! ```text
//! # films, by the BLAKE3 of their pixels; outcomes were used: yes
//! 0123…ef
//! ```

use std::collections::BTreeSet;
use std::path::Path;

/// Name of its file in a bundle; like the card no part of the encoder, so in no hash list.
pub(super) const FILE: &str = "LEARNT_FROM";
const HEAD: &str = "# films, by the BLAKE3 of their pixels; outcomes were used: ";

/// Films, and what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearntFrom {
    /// Whether it learnt from what the regions turned out to be, to fit or to choose.
    pub uses_outcomes: bool,
    /// [`film_hash`](crate::library::identity::film_hash) of each.
    pub films: BTreeSet<[u8; 32]>,
}

impl LearntFrom {
    /// Of the bundle in a folder; `None` where it does not tell, as bundles of old do not.
    pub fn read(dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(dir.join(FILE)).ok()?;
        let mut lines = text.lines();
        let uses_outcomes = match lines.next()?.strip_prefix(HEAD)? {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        let hash =
            |line: &str| blake3::Hash::from_hex(line.trim()).ok().map(|hash| *hash.as_bytes());
        let films: Option<BTreeSet<[u8; 32]>> = lines.map(hash).collect();
        Some(Self { uses_outcomes, films: films? })
    }

    pub(super) fn text(&self) -> String {
        let word = if self.uses_outcomes { "yes" } else { "no" };
        let lines = self.films.iter().map(|film| blake3::Hash::from_bytes(*film).to_hex());
        lines.fold(format!("{HEAD}{word}\n"), |text, line| text + &line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_unknown() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(LearntFrom::read(dir.path()), None);
        for uses_outcomes in [true, false] {
            let learnt_from =
                LearntFrom { uses_outcomes, films: BTreeSet::from([[7; 32], [9; 32]]) };
            std::fs::write(dir.path().join(FILE), learnt_from.text()).expect("it is written");
            assert_eq!(LearntFrom::read(dir.path()), Some(learnt_from));
        }
        for broken in ["", "0707\n", &format!("{HEAD}perhaps\n"), &format!("{HEAD}yes\n0707\n")] {
            std::fs::write(dir.path().join(FILE), broken).expect("it is written");
            assert_eq!(LearntFrom::read(dir.path()), None, "{broken}");
        }
    }
}
