//! The encoders that can be made: which networks, which parts, how much each counts.

use super::bundle::PcaConfig;
use super::views::View;

/// Which encoder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// NetVLAD's texture weighted by the outline (local PCA to 128, 64 clusters, the mean of four
    /// views, PCA to 64 without whitening), the look of a small network, shape and margin: what
    /// came out best on real films.
    Default,
    /// [`Self::Default`] and a part learnt from the regions' outcomes.
    DefaultLda,
    /// The paper's: 50 clusters on the raw local descriptors, plain pooling, one view, PCA with
    /// whitening. Whitening blows up what few regions cannot settle, so at most a tenth as many
    /// dimensions are kept as there are regions.
    Paper,
    /// The baseline that NetVLAD must beat: the mean of the trunk's map over the outline.
    Mean,
    /// [`Self::Default`] on one small network's map alone, for a machine without a GPU.
    Laptop,
    /// The same on a network smaller on disk.
    Light,
}

/// What of a descriptor a recipe has beside the texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) look: bool,
    pub(super) shape_margin: bool,
    pub(super) learnt: bool,
}

impl Recipe {
    pub const ALL: [Self; 6] =
        [Self::Default, Self::DefaultLda, Self::Paper, Self::Mean, Self::Laptop, Self::Light];

    /// Its word on the command line, and the name of its bundle.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::DefaultLda => "default-lda",
            Self::Paper => "paper",
            Self::Mean => "mean",
            Self::Laptop => "laptop",
            Self::Light => "light",
        }
    }

    /// The recipe with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|recipe| recipe.word() == word)
    }

    /// The word of the network whose map it takes unless another is brought.
    pub const fn trunk(self) -> &'static str {
        match self {
            Self::Default | Self::DefaultLda | Self::Paper | Self::Mean => "vgg16",
            Self::Laptop => "efficientnet_lite0",
            Self::Light => "squeezenet1_1",
        }
    }

    /// The word of the second network, for the look; `None` where it needs none.
    pub const fn look(self) -> Option<&'static str> {
        match self {
            Self::Default | Self::DefaultLda => Some("efficientnet_lite0"),
            Self::Paper | Self::Mean | Self::Laptop | Self::Light => None,
        }
    }

    pub(super) const fn beside(self) -> Beside {
        match self {
            Self::Default | Self::Laptop | Self::Light => {
                Beside { look: true, shape_margin: true, learnt: false }
            }
            Self::DefaultLda => Beside { look: true, shape_margin: true, learnt: true },
            Self::Paper | Self::Mean => Beside { look: false, shape_margin: false, learnt: false },
        }
    }

    /// NetVLAD's clusters; `None` where the map is pooled plainly.
    pub(super) const fn clusters(self) -> Option<usize> {
        match self {
            Self::Default | Self::DefaultLda | Self::Laptop | Self::Light => Some(64),
            Self::Paper => Some(50),
            Self::Mean => None,
        }
    }

    pub(super) const fn local_dims(self) -> Option<usize> {
        match self {
            Self::Default | Self::DefaultLda | Self::Light => Some(128),
            Self::Laptop => Some(64),
            Self::Paper | Self::Mean => None,
        }
    }

    pub(super) const fn region_weighted(self) -> bool {
        !matches!(self, Self::Paper)
    }

    pub(super) const fn views(self) -> &'static [View] {
        match self {
            Self::Paper => &[View::Plain],
            _ => &View::FOUR,
        }
    }

    pub(super) fn pca(self, regions: usize) -> PcaConfig {
        match self {
            Self::Paper => PcaConfig { dims: (regions / 10).clamp(2, 128), whitened: true },
            _ => PcaConfig { dims: 64, whitened: false },
        }
    }
}

/// Shares of a mean squared distance: texture, look, and shape and margin together, a third each
/// where all are there (row Q of the trials on DDSM and mini-MIAS, which no single part and no
/// other weighting beat beyond its interval).
pub(super) const TEXTURE_WEIGHT: f32 = 1.0;
pub(super) const LOOK_WEIGHT: f32 = 1.0;
pub(super) const SHAPE_MARGIN_WEIGHT: f32 = 1.0;
