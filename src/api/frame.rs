//! What the event stream sends: one type for all of it, so that the contract knows every frame.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::sse::Event;
use schemars::JsonSchema;
use serde::Serialize;

use super::status::Document;
use crate::access::Presence;
use crate::model::{ChannelId, MediaTime, MeterReading};
use crate::supervisor::StampedEvent;

/// A frame: `event` is its SSE event, `data` its data.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
#[schemars(rename = "StreamFrame")]
pub(crate) enum Frame {
    /// The first, where no place was given or the place is gone: everything.
    Snapshot(Document),
    /// The whole document again, at most twice a second.
    Status(Document),
    /// Something happened.
    Event(Arc<StampedEvent>),
    /// Levels of all channels on air, where `meters` asks for them.
    Meters(Meters),
    /// Who is here, first, and when somebody has come or gone, at most twice a second.
    Presence(Presence),
    /// Every two seconds: an open socket proves nothing.
    Heartbeat(Beat),
    /// The client could not follow; the stream ends. It comes back with its last place.
    Gap(Gap),
    /// The place is gone; a snapshot follows.
    Reset(Reset),
}

/// All meters at once.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StreamMeters")]
pub(crate) struct Meters {
    /// Now.
    pub(crate) at: MediaTime,
    /// By channel, since the frame before; a channel that is off air is missing.
    pub(crate) channels: BTreeMap<ChannelId, MeterReading>,
}

/// The stream is alive.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StreamHeartbeat")]
pub(crate) struct Beat {
    /// Now.
    pub(crate) server_time: MediaTime,
    /// The oldest event that is held for clients that come back.
    pub(crate) oldest_seq: u64,
    /// The newest event.
    pub(crate) newest_seq: u64,
}

/// What was missed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StreamGap")]
pub(crate) struct Gap {
    /// Events.
    pub(crate) missed: u64,
}

/// Why it begins anew.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StreamReset")]
pub(crate) struct Reset {
    /// One sentence.
    pub(crate) reason: &'static str,
}

impl Frame {
    /// As it is sent.
    pub(crate) fn sse(&self) -> Event {
        match self {
            Frame::Snapshot(document) => event("snapshot", document),
            Frame::Status(document) => event("status", document),
            Frame::Event(entry) => event("event", entry),
            Frame::Meters(meters) => event("meters", meters),
            Frame::Presence(presence) => event("presence", presence),
            Frame::Heartbeat(beat) => event("heartbeat", beat),
            Frame::Gap(gap) => event("gap", gap),
            Frame::Reset(reset) => event("reset", reset),
        }
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_default()
}
