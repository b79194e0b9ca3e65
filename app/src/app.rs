//! One frame: take the replies, run the keys, draw the panels, run what they asked for.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use precedent_core::case::CaseId;
use precedent_core::dicom::{Reader, Stop, listing};
use precedent_core::encoder::{DeviceChoice, DeviceReport};
use precedent_core::geometry::Contour;
use precedent_core::mammogram::Mammogram;
use precedent_core::measures::Atlas;
use precedent_core::places;
use precedent_core::progress::Report;
use precedent_core::retrieval::{Counts, Neighbours, Query, Retriever};

use crate::command::{self, Command};
use crate::journal::Journal;
use crate::listing::Listing;
use crate::settings::{Settings, WindowLayout};
use crate::state::{Places, State};
use crate::update::{self, Effect};
use crate::worker::{Desk, FindCases, ReadFilms, Request, Tools};
use crate::{dialogs, textures, theme, ui};

/// How the program was started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Films and folders to open.
    pub paths: Vec<PathBuf>,
    pub library: Option<PathBuf>,
    pub encoder: Option<PathBuf>,
    pub device: Option<DeviceChoice>,
    pub opens_demonstration: bool,
    /// Where settings are kept; `None` keeps none.
    pub config_dir: Option<PathBuf>,
}

/// The whole window.
pub struct App {
    state: State,
    desk: Desk,
    config_dir: Option<PathBuf>,
    answers_to: Sender<Command>,
    answers: Receiver<Command>,
    /// Panel widths as last seen, for the settings.
    layout: WindowLayout,
}

impl App {
    pub fn new(cc: &eframe::CreationContext<'_>, launch: Launch, tools: Tools) -> Self {
        theme::apply(&cc.egui_ctx);
        if let Some(render_state) = &cc.wgpu_render_state {
            textures::install(render_state);
        }
        let settings = launch.config_dir.as_deref().map(Settings::load).unwrap_or_default();
        let layout = settings.window.unwrap_or(DEFAULT_LAYOUT);
        let shipped_library = whole(places::starter_library());
        let shipped_encoder = whole(places::default_bundle());
        let places = Places {
            library: launch
                .library
                .or_else(|| settings.library.clone())
                .unwrap_or_else(|| shipped_library.clone()),
            encoder: launch
                .encoder
                .or_else(|| settings.encoder.clone())
                .unwrap_or_else(|| shipped_encoder.clone()),
            device: launch.device.unwrap_or(settings.device),
            shipped_library,
            shipped_encoder,
            demonstration: places::assets().join("demonstration"),
        };
        let ctx = cc.egui_ctx.clone();
        let desk = Desk::new(tools, move || ctx.request_repaint());
        desk.send(Request::OpenLibrary {
            library: places.library.clone(),
            encoder: places.encoder.clone(),
            device: places.device,
        });
        let (answers_to, answers) = channel();
        let mut app = Self {
            state: State::new(settings, places),
            desk,
            config_dir: launch.config_dir,
            answers_to,
            answers,
            layout,
        };
        if launch.opens_demonstration {
            app.run(&cc.egui_ctx, Command::Do(command::Action::OpenDemonstration));
        }
        app.run(&cc.egui_ctx, Command::OpenPaths(launch.paths));
        app
    }

    /// What is shown, for tests.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Runs one command, as a click would.
    pub fn run(&mut self, ctx: &egui::Context, command: Command) {
        let mut effects = Vec::new();
        update::run(&mut self.state, command, &mut effects);
        self.carry_out(ctx, effects);
    }

    fn carry_out(&mut self, ctx: &egui::Context, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => self.desk.send(request),
                Effect::StopListing => self.desk.stop_listing(),
                Effect::AskForFiles => dialogs::ask_for_files(ctx, &self.answers_to),
                Effect::AskForFolder => {
                    dialogs::ask_for_folder(ctx, &self.answers_to, "Open folder", |path| {
                        Command::OpenPaths(vec![path])
                    });
                }
                Effect::AskForLibrary => {
                    dialogs::ask_for_folder(
                        ctx,
                        &self.answers_to,
                        "Open library",
                        Command::OpenLibrary,
                    );
                }
                Effect::AskForEncoder => {
                    dialogs::ask_for_folder(
                        ctx,
                        &self.answers_to,
                        "Choose encoder",
                        Command::OpenEncoder,
                    );
                }
                Effect::SaveSettings => self.save(),
                Effect::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            }
        }
    }

    fn save(&mut self) {
        let Some(dir) = &self.config_dir else { return };
        self.state.settings.window = Some(self.layout);
        if let Err(error) = self.state.settings.save(dir) {
            tracing::warn!("the settings cannot be kept: {error}");
        }
    }
}

/// Of the first start.
pub const DEFAULT_LAYOUT: WindowLayout = WindowLayout {
    width: 1440.0,
    height: 900.0,
    is_maximized: false,
    inspector_width: 256.0,
    gallery_width: 560.0,
};

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        let mut effects = Vec::new();
        for reply in self.desk.replies() {
            update::reply(&mut self.state, reply, &mut effects);
        }
        self.carry_out(ctx, effects);

        self.state.pixels_per_point = ctx.pixels_per_point();
        let has_dialog = self.state.dialog.is_some();
        let mut commands = command::pressed(ctx, &self.state.gesture, has_dialog);
        commands.extend(self.answers.try_iter());
        commands.extend(dropped(ctx));
        for command in commands {
            self.run(ctx, command);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let mut commands = Vec::new();
        ui::show(ui, &self.state, &mut self.layout, &mut commands);
        let ctx = ui.ctx().clone();
        ctx.input(|input| {
            let viewport = input.viewport();
            self.layout.is_maximized = viewport.maximized.unwrap_or(false);
            if let (Some(size), false) = (viewport.inner_rect, self.layout.is_maximized) {
                self.layout.width = size.width();
                self.layout.height = size.height();
            }
        });
        if !commands.is_empty() {
            ctx.request_repaint();
        }
        for command in commands {
            self.run(&ctx, command);
        }
    }

    fn on_exit(&mut self) {
        self.save();
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        theme::GROUND.to_normalized_gamma_f32()
    }
}

/// Without detours, where it exists.
fn whole(path: PathBuf) -> PathBuf {
    std::fs::canonicalize(&path).unwrap_or(path)
}

fn dropped(ctx: &egui::Context) -> Option<Command> {
    let paths: Vec<PathBuf> = ctx
        .input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
    (!paths.is_empty()).then_some(Command::OpenPaths(paths))
}

/// The real tools: DICOM through the child process, the library and its encoder.
pub fn tools() -> Tools {
    Tools {
        reader: Box::new(DicomReader(Reader::new())),
        journal: places::user_data().map(|dir| Journal::new(&dir)),
        open_cases: Box::new(|library, encoder, device| {
            let retriever = Retriever::open(library, encoder, device)?;
            Ok(Box::new(OpenCases(retriever)) as Box<dyn FindCases>)
        }),
    }
}

struct DicomReader(Reader);

impl ReadFilms for DicomReader {
    fn list(&mut self, paths: &[PathBuf], report: &mut Report<'_>) -> ControlFlow<(), Listing> {
        listing::list(&mut self.0, paths, report).map_continue(|found| Listing::of(paths, found))
    }

    fn read(&mut self, path: &Path, frame_idx: u32) -> anyhow::Result<Mammogram> {
        Ok(self.0.read_frame(path, frame_idx)?)
    }

    fn stop(&self) -> Stop {
        self.0.stop()
    }
}

struct OpenCases(Retriever);

impl FindCases for OpenCases {
    fn counts(&self) -> Counts {
        self.0.counts()
    }

    fn atlas(&self) -> Atlas {
        self.0.atlas()
    }

    fn device(&self) -> DeviceReport {
        self.0.device().clone()
    }

    fn picture(&self, case: &CaseId) -> anyhow::Result<Mammogram> {
        Ok(self.0.picture(case)?)
    }

    fn retrieve(
        &self,
        mammogram: &Mammogram,
        contour: &Contour,
        query: &Query,
    ) -> anyhow::Result<Neighbours> {
        Ok(self.0.retrieve(mammogram, contour, query)?)
    }
}
