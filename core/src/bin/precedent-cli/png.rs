//! Pictures on disk: whole, or not at all.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use image::DynamicImage;

/// Writes a picture as PNG under this name.
pub(crate) fn write(path: &Path, picture: &DynamicImage) -> anyhow::Result<()> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "the folder {} does not exist", folder.display());
    let cannot_write = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot_write)?;
    file.write_all(bytes.get_ref()).with_context(cannot_write)?;
    file.as_file().sync_all().with_context(cannot_write)?;
    file.persist(path).with_context(cannot_write)?;
    Ok(())
}
