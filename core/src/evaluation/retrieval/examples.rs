//! A region of known outcome, as an experiment keeps it and as its pixels pass by.

use std::sync::Arc;

use super::pictures::Thumbnail;
use crate::geometry::Contour;
use crate::lexicon::Pathology;
use crate::mammogram::Mammogram;
use crate::measures::{self, Measures};
use crate::patch::{self, Patch};

/// One region of known outcome, as the experiment keeps it.
#[derive(Debug, Clone)]
pub struct Example {
    /// The file's name, or the case's in its library.
    pub name: String,
    /// The same for all regions of one patient; counts from 0.
    pub patient: usize,
    pub pathology: Pathology,
    /// Collection and scanner, separated by a comma.
    pub source: String,
    pub measures: Measures,
    /// [`Region::film_hash`].
    pub(super) film_hash: Option<[u8; 32]>,
    /// Came from the list of queries, or is of the split that is asked about.
    pub is_query: bool,
    /// A normal region whose contrast is that of a lesion.
    pub is_matched: bool,
    pub(super) thumbnail: Thumbnail,
}

/// A region while its pixels are at hand.
#[derive(Debug)]
pub struct Region {
    pub film: Arc<Mammogram>,
    pub contour: Contour,
    pub measures: Measures,
    pub patch: Patch,
    /// Every name of the patient that is known.
    pub patients: Vec<String>,
    /// Of the whole film that this is a part of, where that was at hand
    /// ([`identity::film_hash`](crate::library::identity::film_hash)).
    pub film_hash: Option<[u8; 32]>,
}

impl Example {
    pub fn is_lesion(&self) -> bool {
        self.pathology != Pathology::Normal
    }

    /// The source without its scanner.
    pub fn collection(&self) -> &str {
        self.source.split(',').next().unwrap_or_default().trim()
    }
}

impl Region {
    pub(super) fn new(film: Arc<Mammogram>, contour: Contour, measures: Measures) -> Self {
        let patch = patch::extract(&film, &contour);
        Self { film, contour, measures, patch, patients: Vec::new(), film_hash: None }
    }
}

/// Marks the normal regions whose contrast lies between the lesions' lowest tenth and highest.
pub(super) fn match_contrast(examples: &mut [Example]) {
    let mut contrasts: Vec<f64> =
        examples.iter().filter(|e| e.is_lesion()).map(|e| e.measures.contrast).collect();
    contrasts.sort_by(f64::total_cmp);
    let Some(low) = contrasts.get(contrasts.len() / 10).copied() else { return };
    let high = contrasts[contrasts.len() - 1 - contrasts.len() / 10];
    for example in examples.iter_mut().filter(|e| !e.is_lesion()) {
        example.is_matched = (low..=high).contains(&example.measures.contrast);
    }
}

/// Measures of a film for those who have only film and outline.
pub(super) fn measured(film: Arc<Mammogram>, contour: Contour) -> Region {
    let measures = measures::measure(&film, &contour);
    Region::new(film, contour, measures)
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// An example without a film.
    pub(in crate::evaluation::retrieval) fn example(
        patient: usize,
        pathology: Pathology,
        source: &str,
    ) -> Example {
        let measures = Measures {
            unit: "mm".to_owned(),
            area: 1.0,
            equivalent_diameter: 1.0,
            longest_diameter: 1.0,
            perpendicular_diameter: 1.0,
            circularity: 1.0,
            contrast: 0.0,
            margin_width: None,
            well_defined_share: None,
            spiculation: None,
            unstable: Vec::new(),
        };
        Example {
            name: format!("{patient}"),
            patient,
            pathology,
            source: source.to_owned(),
            measures,
            film_hash: None,
            is_query: false,
            is_matched: false,
            thumbnail: Thumbnail::default(),
        }
    }
}
