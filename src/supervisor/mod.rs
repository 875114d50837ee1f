//! One actor per channel, child processes, adoption, snapshots.
//!
//! Owns: orders and their confirmation, the worker processes and what they may take, the status snapshot, news of devices,
//! what delivery costs, who holds which encoder sessions. Must not: link GStreamer, block on a
//! worker, or report anything as done before the worker said so.

mod account;
mod acts;
mod admission;
mod asks;
mod budgets;
mod cards;
mod channel;
mod claims;
mod conduct;
mod costs;
mod groups;
mod handle;
mod journal;
mod lifecycle;
mod notes;
mod plugs;
mod reach;
mod reload;
mod remainder;
mod root;
mod seat;
mod settings;
mod shown;
mod shows;
mod snapshot;
mod start;
mod takes;
mod verdict;
mod written;

pub use cards::Cards;
pub use costs::{Budgets, Costs};
pub use groups::Groups;
pub use handle::{Command, Handle, Outcome, Refusal, StampedEvent};
pub use lifecycle::Limits;
pub use settings::{Budget, ClassNeeds, Configuration, Configured, Instead, Reload, Settings};
pub use start::{Records, Supervisor};
pub use written::Written;
