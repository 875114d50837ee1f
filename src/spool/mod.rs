//! Segments on disk: write, index, retain, recover.
//!
//! See the table of layers in the crate's documentation.

mod segment;

pub use segment::{Chunk, Init, Segment};
