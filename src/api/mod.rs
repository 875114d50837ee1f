//! REST, event stream, metrics and the panel's files: translation between HTTP and the supervisor's handle.
//!
//! Owns: routes, problems (RFC 9457), the ring of recent events that a client resumes from, who may ask. Must not:
//! decide anything about a channel, wait for a client, or hold back the supervisor. There is no login in this form: the
//! listener is for loopback, and `guard` keeps foreign pages of a browser on this box away.
//!
//! ```text
//!            ┌─ guard (Host, Origin) ─┐
//! client ───▶│ routes ─ channels ─────┼─▶ Handle::ask ────▶ supervisor
//!        ◀───│        ─ status,metrics┼── Handle::status ◀─ snapshot (watch)
//!        ◀───│        ─ recordings ──┼─▶ Desk (replay)
//!        ◀───│        ─ events ◀─ journal (ring) ◀───────── events (broadcast)
//!            └────────────────────────┘
//! ```

mod alarms;
mod channels;
mod costs;
mod cues;
mod destinations;
mod devices;
mod events;
mod guard;
mod guest;
mod images;
mod journal;
mod metrics;
mod notify;
mod panel;
mod picture;
mod problem;
mod readings;
mod recorded;
mod recordings;
mod routes;
mod serve;
mod sheet;
mod status;

#[cfg(test)]
pub(crate) mod tests;

pub use routes::router;
pub use serve::{Parts, serve, serve_all};
