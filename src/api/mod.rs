//! REST, event stream, metrics and the panel's files: translation between HTTP and the supervisor's handle.
//!
//! Owns: routes, problems (RFC 9457), the ring of recent events that a client resumes from, which route needs which role.
//! Must not: decide anything about a channel or about who somebody is, wait for a client, or hold back the supervisor.
//!
//! ```text
//!            ┌─ guard (Host, Origin) ─┐
//!            ├─ access (who, role) ───┤
//! client ───▶│ routes ─ channels ─────┼─▶ Handle::ask ────▶ supervisor
//!        ◀───│        ─ status,metrics┼── Handle::status ◀─ snapshot (watch)
//!        ◀───│        ─ recordings ──┼─▶ Desk (replay)
//!        ◀───│        ─ events ◀─ journal (ring) ◀───────── events (broadcast)
//!            └────────────────────────┘
//! ```

mod access;
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
mod panel;
mod picture;
mod problem;
mod recorded;
mod recordings;
mod routes;
mod serve;
mod sheet;
mod status;

#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
pub(crate) use routes::router;
pub use serve::{Doors, serve};
