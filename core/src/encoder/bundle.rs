//! One folder is one encoder: what it is, what it learnt, and a known answer to prove it.
//!
//! ```text
//! encoder.toml              networks, patch recipe, views, dimensions, training statement, licences
//! weights.safetensors       what was learnt
//! known_answer.safetensors  three small patches and their descriptors
//! BLAKE3SUMS                the hash of each of the three; its own hash is the EncoderId
//! MODEL_CARD.md             the same for people; no part of the encoder, so in no hash list
//! LEARNT_FROM               the films it was made from; in no hash list either
//! ```
//!
//! The networks are files of their own, shared by bundles: `encoder.toml` names them by hash. Where
//! the trunk's last block was trained too, `weights.safetensors` holds that block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use super::known_answer::KnownAnswer;
pub use super::weights::Weights;

use super::join::Join;
use super::make::Made;
use super::network::Network;
use super::tensors::{self, TensorFile};
use super::views::View;
use super::{assembly, card, learnt_from, weights};
use crate::descriptor::EncoderId;
use crate::patch;
use crate::places;

/// The layout of the folder that this program writes. It reads format 1 as well, which had
/// NetVLAD's texture alone: what such an encoder described stays comparable.
const FORMAT: u32 = 2;
const OLDEST_FORMAT: u32 = 1;
/// Raised when stored values become grey values in another way: see [`crate::mammogram`].
pub const PIXEL_PATH: u32 = 1;

const CONFIG: &str = "encoder.toml";
const WEIGHTS: &str = "weights.safetensors";
const KNOWN_ANSWER: &str = "known_answer.safetensors";
const HASHES: &str = "BLAKE3SUMS";
const CARD: &str = "MODEL_CARD.md";

/// Why a bundle was not opened or not written; each message is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no encoder here (no {CONFIG}): {path}")]
    Missing { path: PathBuf },
    #[error("the encoder cannot be read: {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "the encoder is damaged (its {file} is not the one in its hash list); copy it anew: {path}"
    )]
    Damaged { file: String, path: PathBuf },
    #[error("the encoder's {CONFIG} cannot be understood: {path}")]
    Config { path: PathBuf, source: Box<toml::de::Error> },
    #[error(
        "this encoder is of another kind ({what}); use the program version it was made with: {path}"
    )]
    OtherVersion { what: String, path: PathBuf },
    #[error("the encoder needs the trunk {file}, which was not found; put it into {expected}")]
    MissingTrunk { file: String, expected: PathBuf },
    #[error(
        "the trunk is damaged (its hash is not the one the encoder names); fetch it again: {path}"
    )]
    DamagedTrunk { path: PathBuf },
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    #[error("the encoder's {CONFIG} and {WEIGHTS} do not belong together ({what}): {path}")]
    Disagree { what: String, path: PathBuf },
    #[error("there is something at {path} already; name a new folder")]
    Exists { path: PathBuf },
    #[error("the encoder cannot be written: {path}")]
    Write { path: PathBuf, source: std::io::Error },
}

/// `encoder.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub format: u32,
    pub name: String,
    /// What it learnt from, in words: regions, films, seed, and whether labels were used.
    pub training: String,
    /// Who must be credited for the trunk and for the regions it learnt from.
    pub licences: Vec<String>,
    /// Their vectors are averaged.
    pub views: Vec<View>,
    /// Whose map becomes the texture.
    pub trunk: NetworkConfig,
    /// Whose map, plainly pooled, becomes the look; may be the trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<NetworkConfig>,
    pub patch: PatchConfig,
    /// `None` where the texture is the plain mean of the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netvlad: Option<NetVladConfig>,
    /// Of NetVLAD's vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pca: Option<PcaConfig>,
    pub parts: Join,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    pub architecture: Network,
    /// File name in the folder of trunks.
    pub file: String,
    pub blake3: String,
}

/// [`patch::Recipe`] and the pixel path before it, as they must be for its descriptors to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchConfig {
    pub pixel_path: u32,
    pub side: usize,
    pub half_side_radii: f64,
    pub min_side_mm: f64,
    pub by_way_of_mm: f64,
    pub outside_weight: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetVladConfig {
    pub clusters: usize,
    /// Of a local descriptor; fewer than the trunk's channels after a local PCA.
    pub dims: usize,
    pub alpha: f64,
    /// Whether the outline weights the positions.
    pub region_weighted: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcaConfig {
    pub dims: usize,
    pub whitened: bool,
}

/// A bundle whose files are sound and belong together.
#[derive(Debug)]
pub struct Bundle {
    pub id: EncoderId,
    pub config: Config,
    pub weights: Weights,
    pub known_answer: KnownAnswer,
    /// With the last block that was learnt in place of the file's own, where there is one.
    pub trunk: TensorFile,
    /// `None` where there is no look or the trunk serves for both.
    pub look: Option<TensorFile>,
}

impl PatchConfig {
    /// What this program does.
    pub fn standard() -> Self {
        let recipe = patch::Recipe::STANDARD;
        Self {
            pixel_path: PIXEL_PATH,
            side: recipe.side,
            half_side_radii: recipe.half_side_radii,
            min_side_mm: recipe.min_side_mm,
            by_way_of_mm: recipe.by_way_of_mm,
            outside_weight: recipe.outside_weight,
        }
    }
}

impl Config {
    pub const FORMAT: u32 = FORMAT;

    /// Numbers of a descriptor before the part that was learnt from labels.
    fn unsupervised_dims(&self) -> usize {
        let parts = self.parts.parts().iter();
        parts.filter(|part| part.name != assembly::LEARNT).map(|part| part.dims).sum()
    }
}

impl Bundle {
    /// Reads a folder. Nothing in it is used before its hash is right.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let hash_list = read(dir, HASHES)?;
        let id = EncoderId(blake3::hash(&hash_list).to_hex().to_string());
        let hashes = parse_hash_list(&hash_list);
        let checked = |file: &str| -> Result<Vec<u8>, Error> {
            let bytes = read(dir, file)?;
            if hashes.get(file) != Some(&blake3::hash(&bytes).to_hex().to_string()) {
                return Err(Error::Damaged { file: file.to_owned(), path: dir.to_owned() });
            }
            Ok(bytes)
        };
        let config = parse_config(dir, &checked(CONFIG)?)?;
        let tensors = |file: &str| -> Result<TensorFile, Error> {
            Ok(TensorFile::of(&dir.join(file), checked(file)?)?)
        };
        let shape = weights::Shape {
            texture: config
                .netvlad
                .as_ref()
                .map(|netvlad| (config.trunk.architecture, netvlad.region_weighted)),
            unsupervised: config.unsupervised_dims(),
        };
        let weights = Weights::from_file(&tensors(WEIGHTS)?, shape)?;
        agree(dir, &config, &weights)?;
        let known_answer = KnownAnswer::from_file(&tensors(KNOWN_ANSWER)?, config.parts.dims())?;
        let trained = weights.texture.as_ref().map(|learnt| learnt.last_block.clone());
        let trunk = open_network(dir, &config.trunk)?.with(trained.unwrap_or_default());
        let own_look = config.look.as_ref().filter(|look| **look != config.trunk);
        let look = own_look.map(|look| open_network(dir, look)).transpose()?;
        Ok(Self { id, config, weights, known_answer, trunk, look })
    }

    /// Writes a new folder with its model card: whole, or not at all.
    pub fn write(dir: &Path, made: &Made) -> Result<(), Error> {
        let Made { config, weights, known_answer, learnt_from } = made;
        let write = |source| Error::Write { path: dir.to_owned(), source };
        if dir.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(write)?;
        let unfinished =
            tempfile::Builder::new().prefix(".encoder-").tempdir_in(parent).map_err(write)?;

        let text = toml::to_string_pretty(config).expect("the configuration is plain values");
        let files = BTreeMap::from([
            (CONFIG, text.into_bytes()),
            (WEIGHTS, tensors::to_bytes(&weights.to_arrays())),
            (KNOWN_ANSWER, tensors::to_bytes(&known_answer.to_arrays())),
        ]);
        let mut hash_list = String::new();
        for (name, bytes) in &files {
            write_durably(&unfinished.path().join(name), bytes).map_err(write)?;
            hash_list += &format!("{}  {name}\n", blake3::hash(bytes).to_hex());
        }
        write_durably(&unfinished.path().join(HASHES), hash_list.as_bytes()).map_err(write)?;
        let card = card::text(config, weights);
        write_durably(&unfinished.path().join(CARD), card.as_bytes()).map_err(write)?;
        let films = learnt_from.text();
        write_durably(&unfinished.path().join(learnt_from::FILE), films.as_bytes())
            .map_err(write)?;
        open_to_others(unfinished.path()).map_err(write)?;
        std::fs::rename(unfinished.path(), dir).map_err(write)?;
        // The folder is in its place: what is left of the guard has nothing to remove.
        let _ = unfinished.keep();
        Ok(())
    }
}

fn read(dir: &Path, file: &str) -> Result<Vec<u8>, Error> {
    let path = dir.join(file);
    let size = std::fs::metadata(&path).map(|metadata| metadata.len());
    if size.is_ok_and(|size| size > tensors::MAX_FILE_BYTES) {
        return Err(tensors::Error::TooLarge { path }.into());
    }
    std::fs::read(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound if !dir.join(CONFIG).exists() => {
            Error::Missing { path: dir.to_owned() }
        }
        _ => Error::Read { path, source },
    })
}

/// `b3sum`'s lines: hash, two blanks, name.
fn parse_hash_list(bytes: &[u8]) -> BTreeMap<String, String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect()
}

fn parse_config(dir: &Path, bytes: &[u8]) -> Result<Config, Error> {
    /// The one field that every version has had.
    #[derive(Deserialize)]
    struct Header {
        format: u32,
    }

    let path = dir.join(CONFIG);
    let other = |what: String| Error::OtherVersion { what, path: dir.to_owned() };
    let text = String::from_utf8_lossy(bytes);
    let bad = |source| Error::Config { path: path.clone(), source: Box::new(source) };
    let header: Header = toml::from_str(&text).map_err(bad)?;
    if !(OLDEST_FORMAT..=FORMAT).contains(&header.format) {
        let found = header.format;
        return Err(other(format!("format {found}; {OLDEST_FORMAT} to {FORMAT} are read")));
    }
    let config: Config = toml::from_str(&text).map_err(bad)?;
    if config.patch != PatchConfig::standard() {
        return Err(other("its patches are cut in another way".to_owned()));
    }
    Ok(config)
}

/// What the configuration says of the weights is what they are.
fn agree(dir: &Path, config: &Config, weights: &Weights) -> Result<(), Error> {
    let disagree =
        |what: &str| Err(Error::Disagree { what: what.to_owned(), path: dir.to_owned() });
    let texture = match (&weights.texture, &config.netvlad, &config.pca) {
        (Some(learnt), Some(netvlad), Some(pca)) => {
            if learnt.centroids.dims != [netvlad.clusters, netvlad.dims] {
                return disagree("clusters");
            }
            if learnt.dims() != pca.dims {
                return disagree("dimensions");
            }
            learnt.dims()
        }
        (None, None, None) => config.trunk.architecture.channels(),
        _ => return disagree("NetVLAD and its PCA"),
    };
    if config.views.is_empty() {
        return disagree("no view is named");
    }
    let look = config.look.as_ref().map(|look| look.architecture.channels());
    let own_look = config.look.as_ref().filter(|look| **look != config.trunk);
    if own_look.is_some_and(|look| matches!(look.architecture, Network::Trunk(_))) {
        return disagree("a second trunk");
    }
    let lengths = assembly::lengths(weights, texture, look);
    if !config.parts.is_sound() || !assembly::are(config.parts.parts(), &lengths) {
        return disagree("parts");
    }
    Ok(())
}

/// A network lies in `trunks` beside the folder of encoders, in the bundle, or with what ships.
fn open_network(dir: &Path, config: &NetworkConfig) -> Result<TensorFile, Error> {
    let is_plain_name = Path::new(&config.file).file_name() == Some(config.file.as_ref());
    let beside = dir.join("../../trunks");
    let places = [beside.clone(), dir.to_owned(), places::assets().join("trunks")];
    let found = places
        .iter()
        .filter(|_| is_plain_name)
        .map(|place| place.join(&config.file))
        .find(|path| path.is_file());
    let Some(path) = found else {
        return Err(Error::MissingTrunk { file: config.file.clone(), expected: beside });
    };
    let trunk = TensorFile::open(&path)?;
    if trunk.hash() != config.blake3 {
        return Err(Error::DamagedTrunk { path });
    }
    Ok(trunk)
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A temporary folder is its maker's alone; a bundle is for everyone who may read beside it.
fn open_to_others(dir: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))?;
    }
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
