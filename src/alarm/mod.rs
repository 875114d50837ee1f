//! Alarms of the box: what is wrong by the snapshots, until it is put right and somebody has seen it. Needs no Prometheus,
//! no network and no other program.
//!
//! Owns: the rules, and the list of alarms with what people did about them. Must not: act on a channel, wait for anybody,
//! or judge what a snapshot does not say.
//!
//! ```text
//!  snapshot (watch), clock, costs, store ─▶ rules ─ sightings ─▶ Annunciator (policy) ─ news ─┬─▶ events
//!                                                                   ▲      │                  ├─▶ notices (notify)
//!  API: ack, shelve, unshelve ──────────────────────────────────────┘      └─ list ──▶ API    └─▶ store
//! ```
//!
//! What is kept is read again by the next daemon: it neither forgets who has seen an alarm nor raises it again.

mod alarms;
mod limits;
mod rules;
#[cfg(test)]
mod tests;
mod words;

pub use alarms::{Alarms, Setting};
pub use limits::{ChannelLimits, Limits};
