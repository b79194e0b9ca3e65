//! Pictures on disk: whole, or not at all.

use std::path::Path;

use anyhow::{Context, ensure};
use image::DynamicImage;
use precedent_core::files;

/// Writes a picture as PNG under this name.
pub(crate) fn write(path: &Path, picture: &DynamicImage) -> anyhow::Result<()> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "the folder {} does not exist", folder.display());
    files::write_whole(path, bytes.get_ref())
        .with_context(|| format!("cannot write {}", path.display()))
}
