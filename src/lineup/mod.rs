//! Line-up marks: what the test source writes into picture and sound, and what `uplink-measure` reads back from them.
//!
//! Owns the layout of the block code, the level and rhythm of the tone, and the detector of its ticks. Must not know
//! where a picture comes from or goes to; nothing here allocates while drawing, waits, or reads a clock.
//!
//! ```text
//!   picture                                   sound, one channel
//!   ┌──────────────────────────────┐          −6 dBFS   ┌50 ms┐                      ┌50 ms┐
//!   │ ▐██▌ ▐█▌▐███▌ 4 rows × 28    │          −18 dBFS ─┘     └──────────────────────┘     └───
//!   │ frame number, UTC, CRC       │                    ▲ whole UTC second           ▲ the next
//!   │                              │
//!   └──────────────────────────────┘          1 kHz throughout, in phase with UTC
//! ```

mod mark;
mod tick;
mod tone;

pub use mark::{COUNTER_BITS, Mark, draw, read};
pub use tick::TickDetector;
pub use tone::{TICK_MILLIS, tone};
