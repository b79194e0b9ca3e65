//! `cargo bench [-- read | outline | describe | search]`: medians, and the ratio to a named
//! rival in the same run where `tests/bench/rivals` has set it up.
//!
//! `battery` damages files and runs only where it is named.

#![expect(clippy::print_stdout, reason = "a benchmark's product is what it prints")]

mod battery;
mod describe;
#[path = "../core/memory.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod memory;
mod outline;
mod read;
mod search;

fn main() {
    if let Some(code) = precedent_core::run_if_child() {
        assert!(code == std::process::ExitCode::SUCCESS);
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let benches: [(&str, fn()); 4] = [
        ("read", read::run),
        ("outline", outline::run),
        ("describe", describe::run),
        ("search", search::run),
    ];
    if wanted.iter().any(|w| w == "battery") {
        battery::run();
    }
    for (name, run) in benches {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            println!("## {name}");
            run();
        }
    }
}
