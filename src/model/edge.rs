//! The first or last pictures of an exact cut: what the daemon has a worker encode anew, because it alone links an encoder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is to be encoded anew, on the worker's standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeOrder {
    /// AVCDecoderConfigurationRecord, hex.
    pub config: String,
    /// Pixels across and down.
    pub size: [u32; 2],
    /// Pictures per second: numerator, denominator.
    pub rate: [u32; 2],
    /// A whole group of pictures in decoding order; the first is a key frame.
    pub pictures: Vec<EdgePicture>,
    /// Presentation time of the first that is kept, nanoseconds.
    pub from: i64,
    /// Presentation time of the first that is not kept any more, nanoseconds.
    pub until: i64,
    /// Number of the parameter sets, for it must not be that of the pictures beside.
    pub number: u32,
    /// Takes the coded pictures, each with the length of its units before them, one after the other.
    pub output: PathBuf,
}

/// A coded picture in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgePicture {
    /// The file.
    pub file: PathBuf,
    /// Where it begins in it.
    pub offset: u64,
    /// Bytes.
    pub bytes: u32,
    /// Presentation time, nanoseconds.
    pub pts: i64,
    /// Decoding time, nanoseconds.
    pub dts: i64,
}

/// What came of it, on the worker's standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeAnswer {
    /// AVCDecoderConfigurationRecord, hex.
    pub config: String,
    /// The pictures in the output in order of presentation, which is that of decoding: bytes, and whether it is a key
    /// frame.
    pub pictures: Vec<(u32, bool)>,
}
