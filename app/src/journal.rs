//! The outlines of last time: each is written when it changes, so that none is lost with the
//! program. One file a film, named after the hash of its pixels and nothing else.

use std::path::{Path, PathBuf};

use precedent_core::files;
use precedent_core::geometry::{Contour, ImagePoint};
use precedent_core::mammogram::Mammogram;
use precedent_core::segmentation::Outline;

/// Films whose outlines are kept; a file has some 10 kB.
const LARGEST: usize = 2000;

/// A folder of outlines.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
}

impl Journal {
    /// Below the folder of the user's data; made when the first outline is kept.
    pub fn new(user_data: &Path) -> Self {
        Self { dir: user_data.join("outlines") }
    }

    /// Writes the outline of the frame with this hash, whole or not at all; `None` forgets it.
    pub fn keep(&self, frame_hash: &[u8; 32], outline: Option<&Outline>) -> std::io::Result<()> {
        let path = self.path(frame_hash);
        let Some(outline) = outline else {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                done => done,
            };
        };
        std::fs::create_dir_all(&self.dir)?;
        if !path.exists() {
            self.make_room(LARGEST - 1)?;
        }
        let text = serde_json::to_vec(outline).map_err(std::io::Error::other)?;
        files::write_whole(&path, &text)
    }

    /// The outline kept for this film. One that is damaged, or does not fit the film, is none.
    pub fn recall(&self, film: &Mammogram) -> Option<Outline> {
        let text = std::fs::read(self.path(&film.frame_hash())).ok()?;
        let outline: Outline = serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!("a kept outline cannot be read: {error}"))
            .ok()?;
        let (width, height) = (f64::from(film.columns), f64::from(film.rows));
        let is_on_film =
            |p: &ImagePoint| (0.0..=width).contains(&p.x) && (0.0..=height).contains(&p.y);
        let points = outline.contour.points();
        let fits = Contour::new(points.to_vec()).is_some()
            && points.iter().all(is_on_film)
            && points.len() == outline.confidence.len();
        fits.then_some(outline)
    }

    /// Forgets the outlines that were changed longest ago, beyond this many.
    fn make_room(&self, kept: usize) -> std::io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let excess = files.len().saturating_sub(kept);
        files[..excess].iter().try_for_each(|(_, path)| std::fs::remove_file(path))
    }

    fn path(&self, frame_hash: &[u8; 32]) -> PathBuf {
        let name: String = frame_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use precedent_core::segmentation::{Correction, Prompt};

    use super::*;

    fn outline() -> Outline {
        let center = ImagePoint::new(30.0, 20.0);
        // Numbers that decimal text holds exactly.
        let corners = [(39.0, 20.0), (30.0, 29.5), (21.25, 20.0), (30.0, 11.0)];
        let corners = corners.map(|(x, y)| ImagePoint::new(x, y)).to_vec();
        let contour = Contour::new(corners).expect("four points");
        Outline {
            prompt: Prompt::Drag { center, radius: 10.25 },
            corrections: vec![Correction::Through(ImagePoint::new(39.0, 20.0)), Correction::Smooth],
            confidence: vec![0.5; contour.points().len()],
            contour,
        }
    }

    #[test]
    fn what_is_kept_is_recalled_for_its_film_alone_until_it_is_forgotten() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::new(dir.path());
        let film = crate::testing::film(64, 48, |x, y| (x * y) as u16);
        let other = crate::testing::film(64, 48, |x, y| (x + y) as u16);
        journal.keep(&film.content_hash, Some(&outline())).expect("it can be written");
        assert_eq!(journal.recall(&film), Some(outline()));
        assert_eq!(journal.recall(&other), None);
        journal.keep(&film.content_hash, None).expect("it can be removed");
        journal.keep(&film.content_hash, None).expect("nothing is as good as removed");
        assert_eq!(journal.recall(&film), None);
    }

    #[test]
    fn beyond_the_largest_number_the_oldest_outline_is_forgotten() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::new(dir.path());
        let films: Vec<_> =
            (1..=3).map(|n| crate::testing::film(64, 48, move |x, y| (n * x + y) as u16)).collect();
        for film in &films {
            journal.keep(&film.content_hash, Some(&outline())).expect("it can be written");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        journal.make_room(2).expect("files can be removed");
        let kept: Vec<bool> = films.iter().map(|film| journal.recall(film).is_some()).collect();
        assert_eq!(kept, [false, true, true]);
    }

    #[test]
    fn a_damaged_file_and_an_outline_beyond_the_film_are_none() {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let journal = Journal::new(dir.path());
        let film = crate::testing::film(32, 24, |x, y| (x * y) as u16);
        journal.keep(&film.content_hash, Some(&outline())).expect("it can be written");
        assert_eq!(journal.recall(&film), None, "it reaches beyond 32 columns");
        std::fs::write(journal.path(&film.content_hash), "{\"prompt\":").expect("it is a file");
        assert_eq!(journal.recall(&film), None);
    }
}
