//! RTSP: cameras and servers that are asked for their stream.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use super::parts::Parts;
use crate::plan::{RtspTransport, SourceKind};

/// A server that does not answer: noticed in time for the next attempt.
const CONNECT: u64 = 4_000_000;

/// Builds the source; each of its streams gets a decoder.
pub(super) fn build(
    context: &Context,
    pipeline: &gst::Pipeline,
    branches: &Branches,
) -> Result<(), gst::glib::BoolError> {
    let SourceKind::Rtsp { url, user, password, transport, latency_ms } = &context.plan.kind else {
        return Err(gst::glib::bool_error!("not an RTSP source"));
    };
    let transport = match transport {
        // UDP media need the packets of both ports to pass; there is no silent fallback to TCP that nobody would see.
        RtspTransport::Udp => "udp",
        RtspTransport::Tcp => "tcp",
    };
    let source = gst::ElementFactory::make("rtspsrc")
        .property("location", url.as_str())
        .property_from_str("protocols", transport)
        .property("latency", *latency_ms)
        .property("tcp-timeout", CONNECT)
        .property("timeout", 0u64)
        .property("user-id", user.as_deref())
        .property("user-pw", password.as_ref().map(|password| password.reveal()))
        .build()?;
    // Cameras offer metadata and talk-back beside picture and sound.
    source.connect("select-stream", false, |arguments| {
        let caps = arguments.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let media = caps.as_ref().and_then(|caps| caps.structure(0)?.get::<String>("media").ok());
        Some(matches!(media.as_deref(), Some("video" | "audio")).to_value())
    });
    pipeline.add(&source)?;
    let parts = Parts::new(pipeline, branches);
    parts.follow(&source);
    Ok(())
}
