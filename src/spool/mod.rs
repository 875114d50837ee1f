//! Segments on disk: write, index, retain, recover.

mod boxes;
mod catalog;
mod disk;
mod error;
mod handle;
mod index;
mod lane;
mod lock;
mod marks;
mod mended;
mod part;
mod recover;
mod retain;
mod segment;
mod timing;
mod writer;

pub use error::SpoolError;
pub use handle::Spool;
pub use mended::Mended;
pub use retain::Retained;
pub use segment::{Chunk, Init, Segment};
