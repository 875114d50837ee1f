//! CMAF segments → one MP4 whose index stands in front of its media (faststart), without touching a coded byte.
//!
//! ```text
//! init, segments ─ read ─► Strand (samples: when, where) ─ cut ─► Movie ─ write ─► ftyp moov mdat
//! ```
//!
//! - Times are those of the recording: what is missing in it stays missing, so that picture and sound stay together. The
//!   picture before a hole stands still as long as the hole is.
//! - Where an encoder began anew with other settings, the movie has one more sample entry.
//! - Sound begins one or more packets early, because a decoder needs them; an edit list hides them.

pub(crate) mod avc;
pub(crate) mod read;
mod strand;
mod tables;
mod write;

use std::io;
use std::path::PathBuf;

pub(crate) use strand::{Piece, Placed, Strand};
pub(crate) use write::{Chapter, Movie};

/// Why there is no movie.
#[derive(Debug, thiserror::Error)]
pub enum MovieError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It is no initialisation of one track of pictures or sound.
    #[error("{}: no initialisation of one track of pictures or sound", .0.display())]
    NotCmaf(PathBuf),
    /// There is nothing in the range.
    #[error("there is no picture and no sound in that range")]
    Empty,
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// It cannot be made as it was asked for; says why.
    #[error("{0}")]
    Refused(String),
}

const NANOS: i128 = 1_000_000_000;

/// Ticks since the epoch as nanoseconds, to the nearest.
pub(crate) fn nanos(ticks: i64, timescale: u32) -> i64 {
    rescale(ticks, timescale.into(), NANOS)
}

/// Nanoseconds since the epoch as ticks, to the nearest.
pub(crate) fn ticks(nanos: i64, timescale: u32) -> i64 {
    rescale(nanos, NANOS, timescale.into())
}

/// `value` of `from` a second as so many of `to` a second, to the nearest.
pub(crate) fn rescale(value: i64, from: i128, to: i128) -> i64 {
    let from = from.max(1);
    let scaled = (i128::from(value) * to + from / 2).div_euclid(from);
    scaled.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}
