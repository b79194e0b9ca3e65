//! The closed word lists: pathology, BI-RADS mass terms, laterality, view.
//!
//! Older words of a data set (LOBULATED, ILL_DEFINED …) are mapped by its importer, never here.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants each have one word for people and files.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of the lexicon.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The one word for it, on screen and in files.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value with this word, whatever its letter case; `None` for any other text.
            pub fn from_word(text: &str) -> Option<Self> {
                let text = text.trim();
                Self::ALL.iter().copied().find(|v| v.word().eq_ignore_ascii_case(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What a case turned out to be.
    Pathology { Malignant = "malignant", Benign = "benign", Normal = "normal" }
}
words! {
    /// BI-RADS mass shape (ACR BI-RADS Atlas, 5th edition).
    MassShape { Oval = "oval", Round = "round", Irregular = "irregular" }
}
words! {
    /// BI-RADS mass margin (ACR BI-RADS Atlas, 5th edition).
    MassMargin {
        Circumscribed = "circumscribed", Obscured = "obscured",
        Microlobulated = "microlobulated", Indistinct = "indistinct", Spiculated = "spiculated",
    }
}
words! {
    /// BI-RADS breast composition, a to d; data sets write 1 to 4.
    BreastDensity { A = "a", B = "b", C = "c", D = "d" }
}
words! {
    /// BI-RADS assessment category.
    Assessment {
        Incomplete = "0", Negative = "1", Benign = "2", ProbablyBenign = "3",
        Suspicious = "4", HighlySuggestive = "5", KnownMalignancy = "6",
    }
}
words! {
    /// ImageLaterality (0020,0062).
    ImageLaterality { Right = "R", Left = "L", Both = "B" }
}
words! {
    /// ViewPosition (0018,5101) / ViewCodeSequence, the mammographic views (PS3.16 CID 4014).
    ViewPosition {
        Cc = "CC", Mlo = "MLO", Ml = "ML", Lm = "LM", Lmo = "LMO", Fb = "FB", Sio = "SIO",
        Xccl = "XCCL", Xccm = "XCCM", Iso = "ISO",
    }
}
