//! RTMP ingest: encoders publish to the box with a stream key.
//!
//! ```text
//!              ┌ thread per connection ──────────────┐
//! encoder ─▶ Listener ─▶ Dialogue ─key─▶ Gate ─admits─▶ Tracks ─▶ appsrc ─▶ decodebin ─▶ branches
//!            (one per     (handshake,     (one per       (one per
//!             address)     commands)       source)        connection)
//! ```
//!
//! A gate stands as long as its source; what it lets in lives in one connection's pipeline. It takes one publisher: the
//! second is refused, or replaces the first, or replaces it because the first has fallen silent (an encoder that lost
//! its network comes back before its old connection has timed out). Its keys are exchanged while a publisher is on: who
//! is in stays, whoever comes next needs one of the new keys.
//!
//! Owns: the port, the protocol, who may publish. Must not: show a stream key anywhere, or let a peer without one take
//! more than a little memory or time.

mod dialogue;
mod gate;
mod keys;
mod listener;
mod tag;
mod timeline;
mod tracks;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::gate::Gate;
use self::listener::Listener;
use super::branch::Branches;
use super::status::Condition;
use crate::plan::{SecondPublisher, SourceKind};

pub(super) use self::gate::Inlet;
pub(super) use self::keys::StreamKeys;

/// The way in of one source.
pub(super) struct Entrance {
    listen: SocketAddr,
    gate: Arc<Gate>,
    listener: Mutex<Option<Arc<Listener>>>,
}

impl Entrance {
    /// None for other kinds of source.
    pub(super) fn new(kind: &SourceKind, loss: Duration, condition: &Arc<Condition>) -> Option<Self> {
        let SourceKind::Rtmp { listen, app, keys, second_publisher } = kind else { return None };
        let replace = *second_publisher == SecondPublisher::Replace;
        let keys = StreamKeys::new(keys.clone());
        let gate = Arc::new(Gate::new(app.clone(), keys, replace, loss, Arc::clone(condition)));
        Some(Self { listen: *listen, gate, listener: Mutex::default() })
    }

    /// What admits.
    pub(super) fn keys(&self) -> Arc<StreamKeys> {
        self.gate.keys()
    }

    /// Opens the port if it is not open, and lets the next publisher into `pipeline`.
    pub(super) fn open(&self, pipeline: &gstreamer::Pipeline, branches: &Branches) -> Result<Arc<Inlet>, String> {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() {
            let opened = Listener::at(self.listen);
            let opened = opened.map_err(|error| format!("TCP {} cannot be opened: {error}", self.listen))?;
            opened.add(&self.gate);
            *listener = Some(opened);
        }
        Ok(self.gate.open(pipeline, branches))
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.gate.shut();
    }
}
