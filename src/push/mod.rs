//! HLS push: one channel's segments and playlists to one destination, by DASH-IF Live Media Ingest, Interface-2.
//!
//! Owns: what a destination has, what it is owed, in which order it is sent, and when it is tried again. Must not: make a
//! producer wait, delete anything from the spool, or name a segment in a playlist that the destination has not
//! acknowledged.
//!
//! ```text
//!   spool ──changes──▶ ┌───────────── task (owns everything) ─────────────┐ ──PUT──▶ origin
//!                      │ delivery: what next     link: may I, and is it   │
//!                      │   lane per rendition      an outage (policy)     │ ──▶ status, events
//!                      │ ladder: what players are told                    │ ──▶ push-<destination>.json
//!                      └──────────────────────────────────────────────────┘
//! ```
//!
//! - Live edge first: after an outage the newest segment goes out at once, backfill follows behind it, side by side
//!   as far as its share of the line goes. Until a segment of the playlist's window is there, its line says EXT-X-GAP.
//! - With low latency the parts of the segment that is being written go before anything else (`edge`), and playlists tell
//!   of those that have arrived. The whole segment follows as ever.
//! - `delivery`, `lane`, `link` and `ladder` decide without I/O; [`store`] sends; `task` joins them. What lies
//!   elsewhere than usual is translated at the last moment (`layout`).
//! - Tokens come from [`credential`]: while there is none, segments wait.
//! - A destination may be told to forget: what has left its playlist for long enough is deleted behind everything else
//!   (`sweep`).
//! - The record of what was acknowledged outlives the worker. After an outage the origin may have lost its disk, so
//!   initialisations and playlists are sent again and segments in the window are looked for.
//! - Backfill takes a share of what the line was measured to carry, and stands still while a segment of the live edge is
//!   under way; what is older also while the playlist's window is being mended (`flow`, `meter`, `pace`). What the line cannot carry is left out, the highest rendition first
//!   (`policy::Rate`): its playlist goes on as gaps, the multivariant playlist does without it.
//! - Which endpoint of a destination is used is not decided here. An endpoint is told its duty: active (all of the
//!   above), restoring (media, but no playlist: players are elsewhere), standby (an initialisation now and then, to see
//!   whether it would take more). One that becomes active gets the newest segment at once, then the rest of the
//!   playlist's window, several at a time, and its playlists when the window is whole or a segment duration is over.
//! - An active endpoint that has a backup and nothing to do is asked for a sign of life once a second ([`glance`]), so that
//!   one that hangs between two segments is not found out with the next one only.
//! - Where a destination wants it, segments are encrypted on their way (`protect`): what is sent follows from segment,
//!   number and key alone. Segments and playlists wait for keys that players cannot have yet.
//! - While a destination is paused ([`Pauses`]) its playlists stand still; what it was not given is EXT-X-GAP afterwards.
//! - Two boxes may push one channel to one origin ([`pair`]): then this one delivers, or watches, or makes up for the other.
//! - Other kinds of delivery go beside [`Pusher`], not into it: an endpoint is one task.

mod credential;
mod delivery;
mod description;
mod edge;
mod failure;
mod flow;
mod glance;
mod ladder;
mod lane;
mod layout;
mod link;
mod meter;
mod motion;
mod object;
mod pace;
mod pair;
mod pauses;
mod protect;
mod pusher;
mod ranges;
mod record;
mod report;
mod requests;
mod store;
mod sweep;
mod tally;
mod task;
mod vouch;

pub use description::{Limits, Listing, PushDescription, PushedAudio, PushedCaptions, PushedVideo};
pub use pair::clock::PairClock;
pub use pauses::Pauses;
pub use pusher::{Left, Pusher};
// For what is sent beside the channel: recordings, and what a probe tries.
pub(crate) use store::{Label, Presence, Store, Terms, Wire, secret_value};
pub use vouch::{tls_settings, tokens};
