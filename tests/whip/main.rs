//! The channel as WHIP, received by a real peer: aiortc, which is strict about certificates and decodes what it gets.

mod engine;
mod server;
mod sessions;
