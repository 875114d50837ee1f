//! Messages and framing between daemon and worker.
//!
//! The worker listens on a unix stream socket, `<runtime>/<channel>/worker.sock`, mode 0600; the daemon connects (and a
//! daemon that comes back connects again: adoption). A worker serves one daemon at a time, the newest wins. Each message
//! is a 4-byte big-endian length and that many bytes of JSON, at most [`MAX_MESSAGE`]. A malformed message ends the
//! connection, never the process. Secrets travel only here.
//!
//! ```text
//! daemon                         worker
//!   │ ── connect ──────────────────▶ │
//!   │ ◀────────────────────── hello  │   (with the plan it is on air with, if any)
//!   │ ── hello ────────────────────▶ │
//!   │ ── start(plan) ──────────────▶ │
//!   │ ◀────────────────────── ready  │
//!   │ ◀────── heartbeat, event, …    │   2 Hz; meters, if the hello wanted them, 20 Hz
//!   │ ── program, … ───────────────▶ │
//!   │ ── stop(deadline) ───────────▶ │
//!   │ ◀──────────────────── stopped  │   then the process exits
//! ```
//!
//! Of a channel that is off air a worker may have to deliver what is left: it is told `deliver` in place of `start`, and
//! tells its `remainder` in place of heartbeats. That something is left is said by a mark on disk ([`owed_mark`]).
//!
//! Both ends are a [`Link`]: the daemon [`connect`]s, the worker [`Listener::accept`]s, both `greet` before anything
//! else. Reading has no bound of its own (silence is judged by heartbeats); greeting and writing have.

mod greeting;
mod link;
mod listener;
mod message;
mod owed;

use std::path::{Path, PathBuf};

use crate::model::ChannelId;

pub use greeting::{DaemonHello, WorkerHello};
pub use link::{DaemonEnd, Link, LinkError, Peer, Receiver, Sender, WorkerEnd, connect};
pub use listener::Listener;
pub use message::{BUILD, Down, PROTOCOL, Up};
pub use owed::owed_mark;

/// Largest message accepted, bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Where the worker of `channel` listens.
pub fn socket_path(runtime: &Path, channel: &ChannelId) -> PathBuf {
    runtime.join(channel.as_str()).join("worker.sock")
}
