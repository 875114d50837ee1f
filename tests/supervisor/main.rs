//! The supervisor and the daemon with real processes: killed, stopped, cut off, misbehaving.
//!
//! The worker here is a stand-in (`standin.rs`): this test binary itself, run again. It speaks the real protocol and can
//! be told to break it; what a real worker does is proved elsewhere.

mod admission;
mod adoption;
mod costs;
mod daemon;
mod death;
mod last_good;
mod orders;
mod place;
mod protocol;
mod reload;
mod remainder;
mod rig;
mod service;
mod sessions;
mod standin;
mod takes;
mod watchdog;
