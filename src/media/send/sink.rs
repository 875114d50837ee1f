//! A small pipeline that hands a transport stream to an element of GStreamer.

use std::time::Duration;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::blame;
use super::carrier::Broken;
use super::ts::PACKET;
use crate::media::init::bounded;
use crate::model::BitRate;

/// Opening resolves a name, and may wait for a handshake.
const OPEN: Duration = Duration::from_secs(8);
/// More program than this does not wait in front of an element.
const WAITING: Duration = Duration::from_millis(2000);

/// The pipeline of one connection.
pub(super) struct Sink {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    bus: gst::Bus,
    limit: u64,
    encrypted: bool,
    sent: u64,
}

impl Sink {
    /// Puts `elements` behind an appsrc and starts them. `peak` says how much may wait.
    pub(super) fn open(name: &str, elements: &[gst::Element], peak: BitRate, encrypted: bool) -> Result<Self, Broken> {
        let ours = |error: gst::glib::BoolError| Broken::ours(error.to_string());
        let pipeline = gst::Pipeline::with_name(name);
        let caps =
            gst::Caps::builder("video/mpegts").field("systemstream", true).field("packetsize", PACKET as i32).build();
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .is_live(true)
            .do_timestamp(true)
            .block(false)
            .max_bytes(0)
            .max_buffers(0)
            .build();
        pipeline.add(&source).map_err(ours)?;
        pipeline.add_many(elements).map_err(ours)?;
        gst::Element::link_many(std::iter::once(source.upcast_ref()).chain(elements)).map_err(ours)?;
        let bus = pipeline.bus().ok_or_else(|| Broken::ours("the pipeline has no bus"))?;
        let limit = peak.bps() * WAITING.as_millis() as u64 / 8000;
        let sink = Self { pipeline, source, bus, limit, encrypted, sent: 0 };
        let starting = sink.pipeline.clone();
        let failed = match bounded(OPEN, move || starting.set_state(gst::State::Playing)) {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(sink.check().err().unwrap_or_else(|| Broken::ours(error.to_string()))),
            None => {
                let reason = format!("it could not be opened within {} s", OPEN.as_secs());
                Some(Broken::passing(reason, "check the host name of the destination, and the DNS servers of this box"))
            }
        };
        match failed {
            Some(broken) => {
                sink.close(Duration::from_secs(1));
                Err(broken)
            }
            None => Ok(sink),
        }
    }

    /// Hands packets over.
    pub(super) fn push(&mut self, packets: &[u8]) -> Result<(), Broken> {
        self.sent += packets.len() as u64;
        let pushed = self.source.push_buffer(gst::Buffer::from_slice(packets.to_vec()));
        match pushed {
            Ok(_) => Ok(()),
            Err(error) => Err(self.check().err().unwrap_or_else(|| Broken::ours(error.to_string()))),
        }
    }

    /// Bytes handed over, of which some may wait.
    pub(super) fn sent(&self) -> u64 {
        self.sent.saturating_sub(self.source.current_level_bytes())
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.source.current_level_bytes()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting() > self.limit
    }

    /// What the elements have said since.
    pub(super) fn check(&self) -> Result<(), Broken> {
        while let Some(message) = self.bus.pop() {
            match message.view() {
                gst::MessageView::Error(error) => {
                    tracing::debug!(debug = error.debug().as_deref(), "a sender's element: {}", error.error());
                    return Err(blame::element(&error.error(), self.encrypted));
                }
                gst::MessageView::Warning(warning) => {
                    tracing::debug!(debug = warning.debug().as_deref(), "a sender's element: {}", warning.error());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Closes; an element that hangs is left to its thread.
    pub(super) fn close(self, bound: Duration) {
        let pipeline = self.pipeline.clone();
        let name = pipeline.name();
        if bounded(bound, move || pipeline.set_state(gst::State::Null)).is_none() {
            tracing::warn!(%name, "a sender's pipeline hangs while closing; left behind");
        }
    }
}
