//! The desktop's file dialogs. They are opened on the window's thread, where macOS wants them, and
//! waited for on another, so that the window goes on; the answer comes back as a [`Command`].

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::command::Command;

/// A dialog that closes sooner than this was never seen: there is none on this desktop.
const TOO_SOON: Duration = Duration::from_millis(400);

pub(crate) fn ask_for_files(ctx: &egui::Context, answers_to: &Sender<Command>) {
    let chosen = rfd::AsyncFileDialog::new()
        .set_title("Open film")
        .add_filter("Films", &["dcm", "dicom", "dic", "ima", "png", "jpg", "jpeg"])
        .add_filter("All files", &["*"])
        .pick_files();
    wait(ctx, answers_to, async {
        let paths = chosen.await?.iter().map(|file| file.path().to_owned()).collect();
        Some(Command::OpenPaths(paths))
    });
}

pub(crate) fn ask_for_folder(
    ctx: &egui::Context,
    answers_to: &Sender<Command>,
    title: &str,
    command: impl FnOnce(PathBuf) -> Command + Send + 'static,
) {
    let chosen = rfd::AsyncFileDialog::new().set_title(title).pick_folder();
    wait(ctx, answers_to, async { Some(command(chosen.await?.path().to_owned())) });
}

fn wait(
    ctx: &egui::Context,
    answers_to: &Sender<Command>,
    chosen: impl Future<Output = Option<Command>> + Send + 'static,
) {
    let (ctx, answers_to) = (ctx.clone(), answers_to.clone());
    std::thread::spawn(move || {
        let start = Instant::now();
        let answer = block_on(chosen);
        let answer =
            answer.or_else(|| (start.elapsed() < TOO_SOON).then_some(Command::FileDialogIsMissing));
        if let Some(command) = answer {
            // Nobody listens only where the program is ending.
            let _ = answers_to.send(command);
            ctx.request_repaint();
        }
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
