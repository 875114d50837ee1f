//! Reads the bus of a graph until it is told to stop; turns errors into a typed failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use gst::prelude::*;
use gstreamer as gst;

use super::failure::EncodeFailure;
use super::ledger::Ledger;
use crate::model::RenditionId;

/// How soon the thread sees that it shall stop.
const LOOK_AGAIN: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// The thread that reads the bus; stops when dropped.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(
        pipeline: &gst::Pipeline,
        renditions: Vec<RenditionId>,
        ledger: Arc<Ledger>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let bus = pipeline.bus();
        let thread = std::thread::Builder::new().name("encode-bus".into()).spawn(move || {
            let Some(bus) = bus else { return };
            while !stopping.load(Ordering::Relaxed) {
                let kinds = [gst::MessageType::Error, gst::MessageType::Warning];
                match bus.timed_pop_filtered(LOOK_AGAIN, &kinds) {
                    Some(message) => report(&message, &renditions, &ledger),
                    None => continue,
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
            // It ends within LOOK_AGAIN; a panic in it has been logged.
            let _ = thread.join();
        }
    }
}

fn report(message: &gst::Message, renditions: &[RenditionId], ledger: &Ledger) {
    let element = message.src().map(|source| source.name().to_string()).unwrap_or_default();
    match message.view() {
        gst::MessageView::Error(error) => {
            tracing::debug!(element, debug = error.debug().as_deref(), "graph error: {}", error.error());
            ledger.failed(EncodeFailure {
                rendition: owner(message.src(), renditions),
                element,
                reason: error.error().to_string(),
            });
        }
        gst::MessageView::Warning(warning) => {
            tracing::warn!(element, debug = warning.debug().as_deref(), "graph warning: {}", warning.error());
        }
        _ => {}
    }
}

/// The rendition in whose branch the element is: every element of a branch is named `<role>-<rendition>`.
fn owner(source: Option<&gst::Object>, renditions: &[RenditionId]) -> Option<RenditionId> {
    let mut object = source.cloned();
    while let Some(at) = object {
        let name = at.name();
        let found = name.split_once('-').and_then(|(_, id)| renditions.iter().find(|r| r.as_str() == id));
        if let Some(rendition) = found {
            return Some(rendition.clone());
        }
        object = at.parent();
    }
    None
}
