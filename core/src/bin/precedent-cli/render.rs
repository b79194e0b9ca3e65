use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use image::{DynamicImage, GrayImage};
use precedent_core::dicom::Reader;
use precedent_core::hanging;
use precedent_core::voi_lut::{VoiFunction, VoiLut};

use crate::png;
use crate::terminal::tell;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// DICOM, PNG or JPEG file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write the picture, 8-bit grey, one pixel a pixel
    #[arg(long, value_name = "OUT")]
    png: PathBuf,
    /// Window centre and width in modality values; the file's own window where left out
    #[arg(long, value_name = "C,W", value_parser = parse_window, allow_hyphen_values = true)]
    window: Option<(f64, f64)>,
    /// Which of the file's own windows, by its number in what `probe` lists, from 1
    #[arg(long, value_name = "N", conflicts_with = "window", value_parser = clap::value_parser!(u16).range(1..))]
    own_window: Option<u16>,
    /// Which frame of a file that has several, from 1; the first, in doubt, where left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frame: Option<u32>,
    /// Turn black and white
    #[arg(long)]
    invert: bool,
    /// Turned as the film hangs in the window, by its PatientOrientation; as stored where left out
    #[arg(long)]
    hung: bool,
}

fn parse_window(text: &str) -> Result<(f64, f64), String> {
    let (center, width) = text.split_once(',').ok_or("give centre and width as C,W")?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    match (number(center), number(width)) {
        (Some(center), Some(width)) if width >= 1.0 => Ok((center, width)),
        (Some(_), Some(_)) => Err("the width must be at least 1".to_owned()),
        _ => Err("centre and width must be numbers".to_owned()),
    }
}

/// Draws the film; the picture appears whole or not at all.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::new();
    let read = match args.frame {
        Some(number) => reader.read_frame(&args.file, number - 1),
        None => reader.read(&args.file),
    };
    let film = read.with_context(|| args.file.display().to_string())?;
    let lut = match (args.window, args.own_window) {
        (Some((center, width)), _) => VoiLut {
            explanation: "Stated".to_owned(),
            function: VoiFunction::Linear { center, width },
        },
        (None, Some(number)) => {
            let lut = film.voi_luts.get(usize::from(number) - 1);
            lut.with_context(|| format!("the film has {} windows", film.voi_luts.len()))?.clone()
        }
        (None, None) => film.voi_luts[0].clone(),
    };
    let picture = film.display(&lut, args.invert);
    let mut picture = GrayImage::from_raw(film.columns, film.rows, picture)
        .expect("the display has a value a pixel");
    if args.hung {
        hanging::pose(&film).turn(&mut picture);
    }
    png::write(&args.png, &DynamicImage::ImageLuma8(picture))?;
    for caution in &film.cautions {
        tell!(std::io::stderr(), "{}: {}", caution.code, caution.text)?;
    }
    Ok(ExitCode::SUCCESS)
}
