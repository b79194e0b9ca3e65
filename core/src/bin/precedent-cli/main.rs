//! Every step without a mouse: parse, call core, print. One file a verb.
//!
//! Exit code 0 done, 1 refused or failed, 2 wrong usage.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bundle;
mod encode;
mod encoder;
mod evaluate;
mod find;
mod library;
mod outline;
mod phantom;
mod png;
mod probe;
mod prompt;
mod render;
mod terminal;
mod train;

#[derive(Parser)]
#[command(name = "precedent-cli", version, about, after_help = precedent_core::INTENDED_USE)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Tell what a file is: state, cautions, attributes, scale, hashes of its pixels
    Probe(probe::Args),
    /// Draw a film as the eye would see it, without a window; rows and columns as they are stored
    Render(render::Args),
    /// Outline a mass and measure it
    Outline(outline::Args),
    /// Find the cases most similar to an outlined mass
    Find(find::Args),
    /// Make, fill, check and list case libraries
    Library(library::Args),
    /// Draw films with masses of known outline
    Phantom(phantom::Args),
    /// Measure how well masses are outlined, and how good neighbours are, over many cases
    Evaluate(evaluate::Args),
    /// Make and check encoder bundles
    Bundle(bundle::Args),
    /// Describe the regions of a manifest, for other programs
    Encode(encode::Args),
    /// Train an encoder on the regions of a manifest
    Train(train::Args),
}

fn main() -> ExitCode {
    if let Some(code) = precedent_core::run_if_child() {
        return code;
    }
    let result = match Cli::parse().verb {
        Verb::Probe(args) => probe::run(args),
        Verb::Render(args) => render::run(args),
        Verb::Outline(args) => outline::run(args),
        Verb::Find(args) => find::run(args),
        Verb::Library(args) => library::run(args),
        Verb::Phantom(args) => phantom::run(args),
        Verb::Evaluate(args) => evaluate::run(args),
        Verb::Bundle(args) => bundle::run(args),
        Verb::Encode(args) => encode::run(args),
        Verb::Train(args) => train::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write;
            let _ = terminal::tell!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}
