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
//!        │                 │                 │                      │               report ▲ │ nothing acknowledged
//!        └─ not in time, refused, failed, closed                                           │ ▼
//!                          │                 ▼                                           restarting
//!                          └───────────▶ waiting ◀───────── refused, nothing came of it ─────┘
//!                          └─ refused for good ▶ refused
//! ```
//!
//! Connected is no evidence: a session streams when the peer reports media as received (RTCP), and it is lost when
//! reports bring nothing new for 2.5 s, or two of the peer's intervals. webrtcbin itself notices a cut only after half
//! a minute. What is left at the server is ended before a new offer is posted, since many a server takes one publisher.
//!
//! A session is kept through a cut, and media go on being sent: the first packets behind it reach a peer that is still
//! there within half a round trip, without TCP, ICE or DTLS, whose timers are what takes seconds on a line with losses.
//! So that the peer can use them, `doubt` has two effects. Packets that it missed are not sent again (`repair`) but for the
//! last ones: they are seconds late, and all at once they would crowd out what is new. The last ones may have been lost on
//! the line that is back, and a receiver waits for each of them. And the numbers of its pictures leap (`ledger`), since
//! a receiver may wait for a few hundred missing numbers before it gives them up. The first request for something missed
//! is the sign that media arrive; a report confirms it.
//!
//! Meanwhile a server that takes changes (it gave an ETag) is asked to begin ICE anew within the session (RFC 9725,
//! 4.3.3), for a box whose way has changed; with another one it is tried whether a connection comes about. A server that
//! is there, and neither agrees nor shows a sign, gets a new session. webrtcbin 1.22 has no restart: the agent below it
//! has, and is asked past it (`system::ice_agent`). Addresses that the box has got since are not part of it; a box whose
//! address has changed gets a new session when the restart brings nothing. The agent is asked past webrtcbin at the end, too:
//! relays at TURN servers are given back. Nobody else does that in 1.22 (libnice warns of refreshes that are alive), and a
//! server would hold each for ten minutes, against the user's quota.
//!
//! # The bit rate
//!
//! Pictures that are also those of HLS are sent as they are, and a keyframe that a peer asks for is the next of HLS. An
//! endpoint with pictures of its own ([`Solo`](super::encode::Solo)) has a `pilot`, which sets their bit rate by what the
//! peer reports (`policy::Congestion`) and has a keyframe made when one is asked for, twice a second at most.
//!
//! # Layers
//!
//! Pictures may be offered in two or three sizes (simulcast, RFC 8853), which are renditions of HLS: `layers`, `pictures`.
//! webrtcbin 1.22 offers them where the preferences of a section name them. Three things it leaves to its user: packets
//! that are sent again have to say whose they are (RFC 8852); requests for a keyframe get lost in it, so that they are read
//! from RTCP by stream; and the first layer is the one that is announced by its number (SSRC), for a server that takes one.
//! Such a server is sent that one, without word of layers, in the same session; one that refuses the offer gets another.
//! A keyframe that is asked for comes within a second of the last one, since players of HLS have it, too.
//!
//! The program on slate: a session that is to pause stays and sends nothing.
//!
//! Who watches in a browser gets the same the other way round: `watch`.

mod certificate;
mod fault;
mod feed;
mod fragment;
mod http;
mod ice;
mod layers;
mod ledger;
mod machine;
mod mend;
mod offer;
mod opus;
mod peer;
mod pictures;
mod pilot;
mod port;
mod repair;
mod report;
mod resource;
mod rtcp;
mod sender;
mod task;
mod track;
mod watch;

pub use opus::OpusEncoders;
pub use sender::{WhipAccess, WhipSender, WhipSetup, WhipStatus};
pub use watch::Watchers;
