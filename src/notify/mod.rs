//! News of alarms for people and programs elsewhere: signed webhooks, e-mail.
//!
//! Owns: what waits for each of them, its order, retries and their end. Must not: keep an alarm waiting, lose a notice
//! without counting it, or show an address or a secret.
//!
//! ```text
//!  alarm ─ notice ─▶ outbox (bounded, kept by the store) ─┬─▶ lane of a webhook: one at a time, in order ─▶ HTTP
//!                                                         └─▶ lane of the e-mail: all that came within a while ─▶ SMTP
//!
//!  lane:   waits ─▶ tries ─ acknowledged ─▶ next
//!            ▲        ├─ fails ─▶ pause, longer each time, for a day at most ─▶ given up, counted, told
//!            └────────┘   └─ 410 ─▶ disabled, until the address changes or a test arrives
//! ```
//!
//! Whoever is told may get a notice twice (an acknowledgement can be lost): each has an id.

mod mail;
mod notifier;
mod outbox;
mod pace;
#[cfg(test)]
mod tests;
mod webhook;

pub use notifier::{Notifier, NotifyRefusal};
pub use pace::Pace;
