//! Senders: the encoded programme as a stream to other machines, by SRT, RTMP, RIST, or MPEG-TS over UDP.
//!
//! Owns: one endpoint each, from the tap of the encoders to the network, its connection and its retries. Must not: encode
//! anything again, hold an encoder up, or decide which endpoint of a destination is used.
//!
//! ```text
//!            ┌ one thread per endpoint ──────────────────────────────────────────────┐
//! tap ─queue─┼▶ weave (order of decoding, ─▶ carrier ─┬─ TS ─▶ srtsink / ristsink      │
//!            │   begins with a keyframe)              ├─ TS ─▶ shaper ─▶ UDP socket    ├─▶ peer
//!            │  course (states, retries) ◀─ progress ─┴─ FLV ─▶ RTMP on TCP or TLS     │
//!            └────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything of an endpoint happens on its own thread: a name that does not resolve or a library that hangs holds up
//! that thread only. The queue in front of it loses what is oldest. Nothing is sent twice: after a loss or a new
//! connection it goes on with the next keyframe. States: [`course`]. What a destination lives by is bytes that the peer
//! has acknowledged: SRT's acknowledgements, RIST's reports, TCP's (`TCP_INFO`) for RTMP. UDP tells nothing, and its
//! status says so.

mod blame;
mod carrier;
mod course;
mod rist;
mod rtmp;
mod sender;
mod sink;
mod srt;
mod status;
mod stream;
mod ts;
mod udp;
mod weave;

pub use sender::{SendSetting, Sender};
pub use status::SendStatus;
