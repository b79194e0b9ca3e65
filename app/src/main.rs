//! Arguments, logging, the window.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use precedent::app::{self, App, DEFAULT_LAYOUT, Launch};
use precedent::settings::Settings;
use precedent_core::encoder::DeviceChoice;
use precedent_core::{places, terminal};

/// Open a film, drag over a mass, read its ten nearest cases with known outcome
#[derive(Parser)]
#[command(version, about, after_help = precedent_core::INTENDED_USE)]
struct Args {
    /// Films (DICOM, PNG, JPEG) and folders to open
    paths: Vec<PathBuf>,
    /// Open the four films of the demonstration patient
    #[arg(long)]
    demonstration: bool,
    /// Folder of the case library, instead of the one that ships
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// Folder of the encoder bundle, instead of the one that ships
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Where the encoder runs: auto, gpu or cpu
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    device: Option<DeviceChoice>,
}

fn device(text: &str) -> Result<DeviceChoice, String> {
    match text {
        "auto" => Ok(DeviceChoice::Auto),
        "gpu" => Ok(DeviceChoice::Gpu),
        "cpu" => Ok(DeviceChoice::Cpu),
        _ => Err("one of auto, gpu, cpu".to_owned()),
    }
}

fn main() -> ExitCode {
    if let Some(code) = precedent_core::run_if_child() {
        return code;
    }
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("PRECEDENT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match open(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{}", terminal::plain(format_args!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn open(args: Args) -> anyhow::Result<()> {
    let config_dir = places::user_config();
    let layout =
        config_dir.as_deref().and_then(|dir| Settings::load(dir).window).unwrap_or(DEFAULT_LAYOUT);
    let launch = Launch {
        paths: args
            .paths
            .iter()
            .map(|path| std::path::absolute(path).unwrap_or(path.clone()))
            .collect(),
        library: args.library,
        encoder: args.encoder,
        device: args.device,
        opens_demonstration: args.demonstration,
        config_dir,
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Precedent")
            .with_app_id("precedent")
            .with_icon(precedent::icon::icon())
            .with_inner_size([layout.width, layout.height])
            .with_min_inner_size([900.0, 560.0])
            .with_maximized(layout.is_maximized)
            .with_drag_and_drop(true),
        wgpu_options: WgpuConfiguration {
            wgpu_setup: WgpuSetup::CreateNew(wgpu_setup()),
            ..WgpuConfiguration::default()
        },
        ..eframe::NativeOptions::default()
    };
    let create: eframe::AppCreator<'_> =
        Box::new(move |cc| Ok(Box::new(App::new(cc, launch, app::tools()))));
    eframe::run_native("precedent", options, create).map_err(|error| {
        tracing::debug!("{error}");
        let why = match error {
            eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => {
                "no display can be reached".to_owned()
            }
            eframe::Error::Wgpu(_) => {
                "there is no graphics driver for Vulkan, Metal, DirectX or OpenGL; a software one \
                 will do (Debian: mesa-vulkan-drivers)"
                    .to_owned()
            }
            other => other.to_string(),
        };
        anyhow::anyhow!("no window can be opened: {why}; precedent-cli works without one")
    })
}

/// Any adapter will do, with all the texture size it offers.
fn wgpu_setup() -> WgpuSetupCreateNew {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    let usual = Arc::clone(&setup.device_descriptor);
    setup.device_descriptor = Arc::new(move |adapter| {
        let mut descriptor = usual(adapter);
        let offered = adapter.limits().max_texture_dimension_2d;
        descriptor.required_limits.max_texture_dimension_2d = offered;
        descriptor
    });
    setup
}
