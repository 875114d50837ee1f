//! A file that is played over and over without a gap: a segment seek ends in a message instead of an end of stream, and
//! the next segment goes on in running time where the last one ended.

use std::cell::Cell;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Longest wait for a file to be opened.
const OPEN: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// How a file is rewound.
#[derive(Debug, Default)]
pub(super) struct Loop {
    /// Containers that cannot do segment seeks are rewound with a flush.
    flushing: Cell<bool>,
}

impl Loop {
    /// Opens the file and asks for its end to be a segment's.
    pub(super) fn prepare(&mut self, pipeline: &gst::Pipeline, bus: &gst::Bus) -> Result<(), String> {
        pipeline.set_state(gst::State::Paused).map_err(|_| "it could not be opened".to_owned())?;
        let kinds = [gst::MessageType::AsyncDone, gst::MessageType::Error];
        match bus.timed_pop_filtered(OPEN, &kinds) {
            None => Err("it delivered nothing for 5 s".to_owned()),
            Some(message) => match message.view() {
                gst::MessageView::Error(error) => Err(error.error().to_string()),
                _ => {
                    let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::SEGMENT;
                    let done = pipeline.seek_simple(flags, gst::ClockTime::ZERO).is_ok();
                    self.flushing.set(!done);
                    if done {
                        bus.timed_pop_filtered(OPEN, &[gst::MessageType::AsyncDone]);
                    }
                    Ok(())
                }
            },
        }
    }

    /// Begins again; false if that cannot be done.
    pub(super) fn rewind(&self, pipeline: &gst::Pipeline) -> bool {
        if !self.flushing.get() && pipeline.seek_simple(gst::SeekFlags::SEGMENT, gst::ClockTime::ZERO).is_ok() {
            return true;
        }
        self.flushing.set(true);
        pipeline.seek_simple(gst::SeekFlags::FLUSH, gst::ClockTime::ZERO).is_ok()
    }
}
