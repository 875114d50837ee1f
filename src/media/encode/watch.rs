//! Hears what the buses of all pipelines say, and looks whether encoders stand still, until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;

use super::failure::EncodeFailure;
use super::ledger::Ledger;
use super::lines::Lines;
use crate::model::RenditionId;
use crate::system::{stand_back, step_forward};

/// How often encoders are looked at; the thread also sees that it shall stop.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// Whose pipeline it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// That of the sound of this rendition.
    Sound(RenditionId),
    /// That of the line of this number, in its n-th life.
    Line(usize, u64),
}

/// Where pipelines tell.
#[derive(Clone)]
pub(super) struct Notes {
    sender: Sender<(Origin, gst::Message)>,
    /// The threads of its pipelines let those of other graphs go first.
    stands_back: bool,
}

/// Where the watch hears.
pub(super) struct Ears(Receiver<(Origin, gst::Message)>);

/// Both ends. `stands_back`: the threads of the pipelines let those of other graphs go first.
pub(super) fn notes(stands_back: bool) -> (Notes, Ears) {
    let (sender, receiver) = channel();
    (Notes { sender, stands_back }, Ears(receiver))
}

impl Notes {
    /// From now on, what the pipeline's bus says of errors is heard; the rest of it is of no interest.
    pub(super) fn hear(&self, pipeline: &gst::Pipeline, origin: Origin) {
        let Some(bus) = pipeline.bus() else { return };
        let Self { sender: notes, stands_back } = self.clone();
        bus.set_sync_handler(move |_, message| {
            if stands_back && let gst::MessageView::StreamStatus(status) = message.view() {
                // Told by the thread itself; those that an encoder starts follow it.
                match status.get().0 {
                    gst::StreamStatusType::Enter => stand_back(),
                    gst::StreamStatusType::Leave => step_forward(),
                    _ => {}
                }
            }
            if matches!(message.type_(), gst::MessageType::Error | gst::MessageType::Warning) {
                // Nobody listens once the graph is being dropped.
                let _ = notes.send((origin.clone(), message.clone()));
            }
            gst::BusSyncReply::Drop
        });
    }
}

/// The thread that watches; stops when dropped.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(ears: Ears, lines: Lines, ledger: Arc<Ledger>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("encode-watch".into()).spawn(move || {
            let mut looked = Instant::now();
            while !stopping.load(Ordering::Relaxed) {
                match ears.0.recv_timeout(LOOK.saturating_sub(looked.elapsed())) {
                    Ok((origin, message)) => report(origin, &message, &lines, &ledger),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                if looked.elapsed() >= LOOK {
                    looked = Instant::now();
                    lines.get().iter().for_each(|line| line.look());
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within LOOK; a panic in it has been logged.
            let _ = thread.join();
        }
    }
}

fn report(origin: Origin, message: &gst::Message, lines: &Lines, ledger: &Ledger) {
    let element = message.src().map(|source| source.name().to_string()).unwrap_or_default();
    match message.view() {
        gst::MessageView::Error(error) => {
            tracing::debug!(element, debug = error.debug().as_deref(), "graph error: {}", error.error());
            let reason = error.error().to_string();
            match origin {
                Origin::Line(number, life) => {
                    if let Some(line) = lines.numbered(number) {
                        line.fail(life, element, reason);
                    }
                }
                Origin::Sound(rendition) => {
                    ledger.failed(EncodeFailure { rendition: Some(rendition), element, reason });
                }
            }
        }
        gst::MessageView::Warning(warning) => {
            tracing::warn!(element, debug = warning.debug().as_deref(), "graph warning: {}", warning.error());
        }
        _ => {}
    }
}
