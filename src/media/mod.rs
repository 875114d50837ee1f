//! The only user of GStreamer: source bins, program switch, encoders, muxers, decoders.
//!
//! Owns: every pipeline of a worker. Must not: write files other than the confidence monitor's picture, speak HTTP, or
//! decide anything about the channel (that is `worker`). See the table of layers in the crate's documentation.

pub mod confidence;
pub mod encode;
pub mod error;
pub mod init;
pub mod slate;

pub use error::MediaError;
pub use init::init;
