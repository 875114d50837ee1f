//! Where program buffers enter the graph: never blocks, drops what does not fit and says so.

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use crate::media::MediaError;

/// An appsrc with a bound.
#[derive(Debug)]
pub(super) struct Entry {
    source: gst_app::AppSrc,
    limit: u64,
}

impl Entry {
    /// An entry that holds at most `limit` buffers.
    pub(super) fn new(name: &str, caps: &gst::Caps, limit: u64) -> Result<Self, MediaError> {
        crate::media::init::element("appsrc", name)?;
        let source = gst_app::AppSrc::builder()
            .name(name)
            .caps(caps)
            .format(gst::Format::Time)
            // Not live: nothing downstream may wait for a clock, and the muxer must not time out.
            .is_live(false)
            .block(false)
            .max_buffers(0)
            .max_bytes(0)
            .build();
        Ok(Self { source, limit })
    }

    pub(super) fn element(&self) -> &gst::Element {
        self.source.upcast_ref()
    }

    /// Buffers that wait here.
    pub(super) fn level(&self) -> u64 {
        self.source.current_level_buffers()
    }

    /// Whether the buffer was taken.
    pub(super) fn push(&self, buffer: gst::Buffer) -> bool {
        self.level() < self.limit && self.source.push_buffer(buffer).is_ok()
    }

    pub(super) fn end(&self) {
        // Refused only when the graph has failed; the bus tells.
        let _ = self.source.end_of_stream();
    }
}
