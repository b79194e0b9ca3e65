//! Masses whose border is known: drawn into real tissue, circled, or given as masks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::dicom::Reader;
use crate::geometry::{Contour, ImagePoint};
use crate::import::manifest;
use crate::import::mask;
use crate::import::prepare::cut;
use crate::import::sentence;
use crate::lexicon::{MassMargin, Pathology};
use crate::library::identity;
use crate::mammogram::{Mammogram, Spacing, SpacingOrigin};
use crate::phantom::{Drawn, Phantom};

/// A mass to be outlined.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    /// Cases of one patient belong together when intervals are worked out.
    pub patient: String,
    /// The table row it counts in.
    pub stratum: String,
    pub film: Arc<Mammogram>,
    pub truth: Contour,
}

/// A case that is not read yet.
#[derive(Debug, Clone)]
pub struct Listed {
    pub name: String,
    patient: String,
    stratum: String,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Phantom {
        tissue: Arc<Mammogram>,
        margin: MassMargin,
        seed: u64,
    },
    Circle {
        film: PathBuf,
        from_bottom: ImagePoint,
        radius: f64,
    },
    /// Which of the candidates is the mask is seen by its content.
    Mask {
        film: PathBuf,
        candidates: Vec<PathBuf>,
    },
}

const MARGINS: [MassMargin; 4] = [
    MassMargin::Circumscribed,
    MassMargin::Microlobulated,
    MassMargin::Indistinct,
    MassMargin::Spiculated,
];
/// Contrast of the masses on the starter's DDSM films by [`crate::measures`]: first to last tenth.
const CONTRAST: (f64, f64) = (0.7, 2.8);
/// Side of a pixel of mini-MIAS, by its description.
const MIAS_PIXEL_MM: f64 = 0.2;

/// Pictures of normal tissue with their patients: the normal rows of `manifest.csv`, in the folder
/// or in the one that holds it, else every picture in the folder that has a pixel size.
pub fn normals(reader: &mut Reader, folder: &Path) -> Result<Vec<(String, Arc<Mammogram>)>, Error> {
    let above = folder.parent().map(|above| above.join("manifest.csv"));
    let manifests = [Some(folder.join("manifest.csv")), above];
    let mut found = Vec::new();
    if let Some(path) = manifests.into_iter().flatten().find(|path| path.is_file()) {
        let manifest = manifest::read(&path)?;
        for row in manifest.rows.iter().filter(|row| row.pathology == Pathology::Normal) {
            let Ok(film) = reader.read(&manifest.folder.join(&row.file)) else { continue };
            let film = Mammogram { spacing: film.spacing.or(row.spacing), ..film };
            let film = match row.crop {
                Some(crop) => cut(&film, crop).map_err(Error::Tissue)?,
                None => film,
            };
            let patient = identity::known_as(&row.patients[0]).unwrap_or_default();
            found.push((patient, Arc::new(film)));
        }
    } else {
        for path in pictures(folder)? {
            let Ok(film) = reader.read(&path) else { continue };
            found.push((stem(&path), Arc::new(film)));
        }
    }
    found.retain(|(_, film)| film.spacing.is_some());
    if found.is_empty() {
        return Err(Error::Tissue(format!(
            "{} holds no picture of normal tissue with a pixel size",
            folder.display()
        )));
    }
    Ok(found)
}

/// This many masses of all margins in turn, on the tissues in turn; the seed decides the rest.
pub fn phantoms(tissues: &[(String, Arc<Mammogram>)], count: usize, seed: u64) -> Vec<Listed> {
    let settings = Phantom { contrast: CONTRAST, ..Phantom::default() };
    let mut listed = Vec::with_capacity(count);
    // A tissue without room is passed over; where none has any, there are no cases.
    for attempt in 0..8 * count as u64 {
        if listed.len() == count {
            break;
        }
        let margin = MARGINS[listed.len() % MARGINS.len()];
        let (patient, tissue) = &tissues[attempt as usize % tissues.len()];
        let seed = seed.wrapping_add(attempt);
        if settings.blend(tissue, margin, seed).is_some() {
            listed.push(Listed {
                name: format!("phantom-{seed:06}"),
                patient: patient.clone(),
                stratum: margin.word().to_owned(),
                source: Source::Phantom { tissue: tissue.clone(), margin, seed },
            });
        }
    }
    listed
}

/// The circled masses (CIRC, SPIC, MISC) of mini-MIAS: `folder` holds the pictures and a list
/// whose name ends in `Info.txt`, as the collection comes, or the list is named.
pub fn mini_mias(folder: &Path, list: Option<&Path>) -> Result<Vec<Listed>, Error> {
    let unread = |source| Error::Folder { path: folder.to_owned(), source };
    let files: Vec<PathBuf> = files(folder).map_err(unread)?;
    let is_list = |path: &&PathBuf| path.to_string_lossy().ends_with("Info.txt");
    let list = list.map(Path::to_owned).or_else(|| files.iter().find(is_list).cloned());
    let list = list.ok_or_else(|| Error::NoList(folder.to_owned()))?;
    let text = fs::read(&list).map_err(|source| Error::Folder { path: list.clone(), source })?;
    let mut listed = Vec::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, kind @ ("CIRC" | "SPIC" | "MISC"), _, x, y, radius] = words[..] else {
            continue;
        };
        let numbers = (x.parse::<f64>(), y.parse::<f64>(), radius.parse::<f64>());
        let (Ok(x), Ok(y), Ok(radius)) = numbers else { continue };
        let Some(film) = files.iter().find(|path| stem(path) == name && is_picture(path)) else {
            continue;
        };
        let number: u32 = name.trim_start_matches("mdb").parse().unwrap_or_default();
        listed.push(Listed {
            name: format!("{name} {x} {y}"),
            // Pairs of films, odd and even, are of one patient.
            patient: format!("mias-{}", number.div_ceil(2)),
            stratum: kind.to_owned(),
            source: Source::Circle {
                film: film.clone(),
                from_bottom: ImagePoint::new(x, y),
                radius,
            },
        });
    }
    if listed.is_empty() { Err(Error::NoList(folder.to_owned())) } else { Ok(listed) }
}

/// Pictures with masks below a folder: `name` beside `name_mask`, or in a folder `masks` under the
/// same name; or as CBIS-DDSM lays them out, where crop and mask often stand under each other's
/// label: the mask is the one with two grey values.
pub fn masked(folder: &Path) -> Result<Vec<Listed>, Error> {
    let pictures = pictures(folder)?;
    let mut films: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut lesions: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in pictures {
        match cbis_name(&path) {
            Some((film, Some(_))) => {
                let lesion = cbis_component(&path).unwrap_or_else(|| film.clone());
                lesions.entry(lesion).or_default().push(path);
            }
            Some((film, None)) => {
                films.entry(film).or_insert(path);
            }
            None => {
                let stem = stem(&path);
                let plain = ["_mask", "-mask", ".mask"].iter().find_map(|e| stem.strip_suffix(e));
                let parent = path.parent().and_then(Path::file_name);
                let in_masks = parent.is_some_and(|name| name == "masks" || name == "mask");
                match plain {
                    Some(plain) => lesions.entry(plain.to_owned()).or_default().push(path),
                    None if in_masks => lesions.entry(stem).or_default().push(path),
                    None => drop(films.insert(stem, path)),
                }
            }
        }
    }
    let mut listed = Vec::new();
    for (name, candidates) in lesions {
        let film_name = match cbis_name(Path::new(&format!("{name}/x"))) {
            Some((film, _)) => film,
            None => name.clone(),
        };
        let Some(film) = films.get(&film_name).cloned() else { continue };
        let patient = name.split("_P_").nth(1).and_then(|rest| rest.split('_').next());
        listed.push(Listed {
            patient: patient.unwrap_or(&name).to_owned(),
            name,
            stratum: "masks".to_owned(),
            source: Source::Mask { film, candidates },
        });
    }
    if listed.is_empty() { Err(Error::NoMasks(folder.to_owned())) } else { Ok(listed) }
}

impl Listed {
    /// Reads or draws it; the error is a sentence that names the case.
    pub fn load(&self, reader: &mut Reader) -> Result<Case, String> {
        let named = |what: String| format!("{}: {what}", self.name);
        let (film, truth) = match &self.source {
            Source::Phantom { tissue, margin, seed } => {
                let settings = Phantom { contrast: CONTRAST, ..Phantom::default() };
                let drawn = settings.blend(tissue, *margin, *seed);
                let Drawn { mammogram, mass } =
                    drawn.ok_or_else(|| named("no room for a mass".to_owned()))?;
                (mammogram, mass.contour)
            }
            Source::Circle { film, from_bottom, radius } => {
                let film = reader.read(film).map_err(|e| named(sentence(&e)))?;
                let y = f64::from(film.rows) - from_bottom.y;
                let truth = Contour::circle(ImagePoint::new(from_bottom.x, y), *radius);
                let stated = Spacing::square(MIAS_PIXEL_MM, SpacingOrigin::FilmScanner);
                (Mammogram { spacing: film.spacing.or(Some(stated)), ..film }, truth)
            }
            Source::Mask { film, candidates } => {
                let film = reader.read(film).map_err(|e| named(sentence(&e)))?;
                let candidates = candidates.iter().map(PathBuf::as_path);
                let (truth, _) = mask::border_among(reader, candidates, &film).map_err(named)?;
                (film, truth)
            }
        };
        Ok(Case {
            name: self.name.clone(),
            patient: self.patient.clone(),
            stratum: self.stratum.clone(),
            film: Arc::new(film),
            truth,
        })
    }
}

/// `Mass-Training_P_00001_LEFT_CC` and, for a lesion's folder, the number behind it.
fn cbis_name(path: &Path) -> Option<(String, Option<String>)> {
    let component = cbis_component(path)?;
    let parts: Vec<&str> = component.split('_').collect();
    match parts[..] {
        [_, "P", _, _, _] => Some((component, None)),
        [_, "P", _, _, _, number] => {
            let film = component.strip_suffix(number)?.trim_end_matches('_');
            Some((film.to_owned(), Some(number.to_owned())))
        }
        _ => None,
    }
}

fn cbis_component(path: &Path) -> Option<String> {
    let names = path.parent()?.components().rev().map(|c| c.as_os_str().to_string_lossy());
    names
        .into_iter()
        .find(|name| name.starts_with("Mass-T") && name.contains("_P_"))
        .map(Into::into)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|e| ["dcm", "png", "jpg", "jpeg"].contains(&e.as_str()))
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let found =
        files(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    Ok(found.into_iter().filter(|path| is_picture(path)).collect())
}

/// Every file below a folder, in order; links are not followed.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
