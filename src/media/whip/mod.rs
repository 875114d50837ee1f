//! A WHIP endpoint as a destination: the channel is published to a WebRTC server (RFC 9725).
//!
//! ```text
//!  encoder's tap ─▶ feed ─▶ port ─┐              ┌─ task ── asks the machine, does what it says
//!  Opus, encoded once ────▶ port ─┴─▶ peer ──────┤    └─ http: POST offer, PATCH addresses, DELETE
//!                                (webrtcbin)     └─ notes: connected, media acknowledged, failed
//! ```
//!
//! Owns: the session with each endpoint, its own retry, and what the peer acknowledges. Must not: encode pictures (they
//! come from the tap), make anybody wait, or decide which of several endpoints is used.
//!
//! # States of a session
//!
//! ```text
//!        ┌────────── wait over ──────────────┐
//!        ▼                                   │
//! idle ▶ offering ─offer─▶ posting ─201─▶ connecting ─ICE, DTLS─▶ feeding ─first report─▶ streaming
//!        │                 │                 │                      │                       │
//!        └─ not in time, refused, failed, closed, nothing acknowledged although media are sent
//!                          │                 ▼                                              │
//!                          └───────────▶ waiting ◀──────────────────────────────────────────┘
//!                          └─ refused for good ▶ refused
//! ```
//!
//! Connected is no evidence: a session streams when the peer reports media as received (RTCP), and it is lost when
//! reports bring nothing new for 2.5 s, or three of the peer's intervals. webrtcbin itself notices a cut only after half
//! a minute. What is left at the server is ended before a new offer is posted, since many a server takes one publisher.
//!
//! ICE is not restarted within a session: webrtcbin 1.22 cannot. A new session takes its place, which is as quick.
//!
//! The program on slate: a session that is to pause stays and sends nothing.

mod certificate;
mod fault;
mod feed;
mod fragment;
mod http;
mod ledger;
mod machine;
mod opus;
mod peer;
mod port;
mod report;
mod resource;
mod rtcp;
mod sender;
mod task;

pub use opus::OpusEncoders;
pub use sender::{WhipSender, WhipSetup, WhipStatus};
