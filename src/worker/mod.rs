//! One channel's loop: the process between sources and destinations.
//!
//! Owns: putting the parts together and taking them apart in order, the conversation with the daemon, heartbeats. Must
//! not: decide what a part does (that is `media`, `spool`, `push`), or depend on the daemon being there.
//!
//! ```text
//! waiting ──start(plan)──▶ on air ──stop(deadline), SIGTERM──▶ leaving ─▶ exit 0
//!    │                       └────── an encoder failed ──────▶ leaving ─▶ exit 70
//!    ├── deliver(plan) ─▶ remainder ─── all delivered, stop ─▶ leaving ─▶ exit 0
//!    └── no daemon for 30 s ─▶ exit 0
//! ```
//!
//! Going off air: the program stops ticking, the encoders flush their tails, the writer closes the last segments, the
//! pushers deliver them and the final playlists, all within the deadline.
//!
//! ```text
//! program ─▶ outlet ─▶ encoders ─▶ writer (thread) ─▶ spool ─▶ destinations
//!               ├────▶ confidence monitor
//!               └────▶ companions ─▶ a writer and a spool each ─▶ recordings
//! ```

mod attendant;
mod change;
mod channel;
mod companions;
mod cues;
mod destinations;
mod graphics;
mod outset;
mod overflow;
mod remainder;
mod run;
mod strain;
mod tally;
mod trouble;
mod writer;

pub use run::{Ended, Setup, run};
