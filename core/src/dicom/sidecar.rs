//! A scale that a person wrote beside the film, for films that carry none.
//!
//! `NAME.dcm.precedent.toml` speaks for one file, `precedent.toml` for its whole folder:
//!
//! ```toml
//! pixel_mm = 0.05
//! origin = "film scanner"   # or "stated"
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::mammogram::{Caution, Spacing, SpacingOrigin};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    pixel_mm: f64,
    origin: Origin,
}

#[derive(Deserialize)]
enum Origin {
    #[serde(rename = "film scanner")]
    FilmScanner,
    #[serde(rename = "stated")]
    Stated,
}

/// Longer than anyone writes.
const MAX_BYTES: u64 = 64 << 10;

/// The scale stated beside this file; a sidecar that cannot be used is said, not ignored.
pub(super) fn spacing_beside(path: &Path) -> Result<Option<Spacing>, Caution> {
    let Some(sidecar) = candidates(path).into_iter().find(|candidate| candidate.is_file()) else {
        return Ok(None);
    };
    let unusable = |why: String| {
        let name = sidecar.file_name().unwrap_or_default().to_string_lossy();
        Caution::new("W-SIDECAR", format!("the scale in {name} was not used: {why}"))
    };
    let length = sidecar.metadata().map_err(|e| unusable(e.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(unusable("the file is too long".to_owned()));
    }
    let text = std::fs::read_to_string(&sidecar).map_err(|e| unusable(e.to_string()))?;
    let stated: Sidecar = toml::from_str(&text).map_err(|e| unusable(e.message().to_owned()))?;
    if !Spacing::POSSIBLE_MM.contains(&stated.pixel_mm) {
        return Err(unusable(format!("{} mm is no pixel of a mammogram", stated.pixel_mm)));
    }
    let origin = match stated.origin {
        Origin::FilmScanner => SpacingOrigin::FilmScanner,
        Origin::Stated => SpacingOrigin::Stated,
    };
    Ok(Some(Spacing::square(stated.pixel_mm, origin)))
}

fn candidates(path: &Path) -> Vec<PathBuf> {
    let mut own = path.as_os_str().to_owned();
    own.push(".precedent.toml");
    let mut candidates = vec![PathBuf::from(own)];
    candidates.extend(path.parent().map(|folder| folder.join("precedent.toml")));
    candidates
}
