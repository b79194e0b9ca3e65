//! `evaluate …`: how good is it, over many cases.

use std::ops::ControlFlow;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use precedent_core::progress::Progress;

mod matching;
mod outline;
mod retrieval;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Outlines against known borders: phantoms in real tissue, circles, masks
    Outline(outline::Args),
    /// Neighbours against known outcomes: encoders, their rivals and chance
    Retrieval(Box<retrieval::Args>),
    /// What structure from motion labels, against the truth: points that pairs of regions share
    Matching(matching::Args),
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Outline(args) => outline::run(args),
        Verb::Retrieval(args) => retrieval::run(*args),
        Verb::Matching(args) => matching::run(&args),
    }
}

fn bar() -> ProgressBar {
    ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}")
            .expect("a template that indicatif takes"),
    )
}

/// Reports as a bar; nothing here asks the work to stop.
fn shown_on(bar: &ProgressBar) -> impl FnMut(Progress) -> ControlFlow<()> {
    |progress| {
        bar.set_message(progress.step);
        bar.set_length(progress.total.unwrap_or(0));
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    }
}
