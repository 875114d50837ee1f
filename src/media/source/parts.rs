//! Sources of several parts: each open pad gets a decoder, and the source is complete when every part has said so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::branch::Branches;
use super::head;

/// The open parts of a source. Cheap to clone; callbacks hold it.
#[derive(Clone)]
pub(super) struct Parts {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    branches: Branches,
    open: Arc<AtomicUsize>,
}

impl Parts {
    pub(super) fn new(pipeline: &gst::Pipeline, branches: &Branches) -> Self {
        Self { pipeline: pipeline.downgrade(), branches: branches.clone(), open: Arc::default() }
    }

    /// One more part has to say that it is complete.
    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    /// A part is complete.
    pub(super) fn end(&self) {
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.branches.set_complete();
        }
    }

    /// Decodes every pad that `element` brings, unless something else has linked it.
    pub(super) fn follow(&self, element: &gst::Element) {
        self.begin();
        let parts = self.clone();
        element.connect_pad_added(move |element, pad| {
            if pad.direction() != gst::PadDirection::Src || pad.is_linked() {
                return;
            }
            if let Err(error) = parts.decode(pad) {
                gst::element_error!(element, gst::CoreError::Pad, ("cannot use a stream of this source: {}", error));
            }
        });
        let parts = self.clone();
        element.connect_no_more_pads(move |_| parts.end());
    }

    /// `pad` → decodebin → branches, wherever in the pipeline it is.
    pub(super) fn decode(&self, pad: &gst::Pad) -> Result<(), gst::glib::BoolError> {
        let Some(pipeline) = self.pipeline.upgrade() else { return Ok(()) };
        let decode = head::decoder(&pipeline, &self.branches)?;
        self.begin();
        let parts = self.clone();
        decode.connect_no_more_pads(move |_| parts.end());
        let sink = decode.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("no sink pad"))?;
        pad.link_maybe_ghosting(&sink).map_err(|error| gst::glib::bool_error!("cannot link: {error:?}"))?;
        decode.sync_state_with_parent()
    }
}
