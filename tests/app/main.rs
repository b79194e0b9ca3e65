//! The window, pressed by the labels a reader sees, on the software Vulkan driver; no display.

mod click;
mod display;
mod failures;
mod fakes;
mod film;
mod keyboard;
mod mending;
mod opening;
mod right_film;
mod snapshots;
#[cfg(target_os = "linux")]
mod soak;
