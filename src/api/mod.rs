//! REST, event stream, metrics and the panel's files: translation between HTTP and the supervisor's handle.
//!
//! Owns: routes, problems (RFC 9457), the ring of recent events that a client resumes from, which route needs which role.
//! Must not: decide anything about a channel or about who somebody is, wait for a client, or hold back the supervisor.
//! What is promised to clients is made from the handlers' types (`openapi`).
//!
//! ```text
//!            ┌─ request id ─ guard ───┐   (Host, Origin, size of the body)
//!            ├─ access (who, role) ───┤
//!            ├─ again ─ guards ───────┤   (Idempotency-Key; freeze, confirmations)
//! client ───▶│ routes ─ channels ─────┼─▶ Handle::ask ────▶ supervisor
//!        ◀───│        ─ status,metrics┼── Handle::status ◀─ snapshot (watch)
//!        ◀───│        ─ recordings ──┼─▶ Desk (replay)
//!        ◀───│        ─ timeline ────┼── Store, Access (what was written down)
//!        ◀───│        ─ events ◀─ journal (ring) ◀───────── events (broadcast)
//!            └────────────────────────┘
//! ```

mod access;
mod again;
mod alarms;
mod answer;
mod body;
mod certificate;
mod channels;
mod classes;
mod codes;
mod condition;
mod config;
mod costs;
mod cues;
mod destinations;
mod devices;
mod events;
mod frame;
mod guard;
mod guards;
mod guest;
mod images;
mod journal;
mod line;
mod meters;
mod metrics;
mod notify;
mod openapi;
mod osc;
mod panel;
mod picture;
mod problem;
mod readings;
mod ready;
mod recorded;
mod recordings;
mod rendered;
mod request_id;
mod routes;
mod serve;
mod sheet;
mod status;
mod surfaces;
mod timeline;
mod timings;
mod vitals;
mod whep;

#[cfg(test)]
pub(crate) mod tests;

pub use guards::{Freezer, reload_held};
pub use osc::by_osc;
pub use ready::Engine;
pub use routes::contract;
#[cfg(test)]
pub(crate) use routes::router;
pub use serve::{Doors, Parts, serve, serve_all};
