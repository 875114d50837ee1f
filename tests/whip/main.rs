//! The channel as WHIP, received by real peers: aiortc, which is strict about certificates and decodes what it gets, and
//! Janus, an SFU.

mod changes;
mod engine;
mod janus;
mod mjr;
mod relayed;
mod server;
mod sessions;
mod trickled;
mod viewer;
mod watch;
