//! Fragmented MP4 (CMAF, ISO/IEC 23000-19): tracks from an initialisation segment, samples from a media segment.
//!
//! Reads what is needed for timing and decoding, nothing else; never trusts a length; a cut-off segment yields the
//! samples that are whole.

mod init;
mod segment;

use std::ops::Range;

use crate::bmff::Defaults;

pub use init::read_init;
pub use segment::read_segment;

/// Why bytes are not a readable initialisation or media segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fmp4Error {
    /// The box that must be there is not.
    #[error("not a fragmented MP4: no complete `{0}` box")]
    NoBox(&'static str),
    /// No track that can be measured.
    #[error("no track of H.264 or AAC (found: {0})")]
    NoTrack(String),
}

/// What a track carries, with what its decoder needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackKind {
    /// H.264; `config` is the payload of `avcC`.
    Picture {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
        /// AVCDecoderConfigurationRecord.
        config: Vec<u8>,
    },
    /// AAC; `config` is the AudioSpecificConfig.
    Sound {
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: u16,
        /// AudioSpecificConfig (ISO/IEC 14496-3).
        config: Vec<u8>,
    },
}

/// A track of an initialisation segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// What it carries.
    pub kind: TrackKind,
    /// Ticks per second.
    pub timescale: u32,
    id: u32,
    /// Presentation = composition + shift, from the edit list, in nanoseconds.
    shift: i128,
    defaults: Defaults,
}

/// An initialisation segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The tracks that can be decoded.
    pub tracks: Vec<Track>,
}

/// One coded picture or packet of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Index into [`Init::tracks`].
    pub track: usize,
    /// Presentation time in nanoseconds, to the nearest.
    pub pts: u64,
    /// Decoding time in nanoseconds, to the nearest.
    pub dts: u64,
    /// Duration in nanoseconds, to the nearest.
    pub duration: u64,
    /// For pictures: holds an IDR slice. For sound: true.
    pub key: bool,
    /// Its bytes in the segment.
    pub bytes: Range<usize>,
}

/// A media segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The samples that are whole, in decoding order.
    pub samples: Vec<Sample>,
    /// Samples that are named but cut off.
    pub cut: usize,
}

const NANOS: i128 = 1_000_000_000;

fn nanos(ticks: i128, timescale: u32) -> i128 {
    let scale = i128::from(timescale.max(1));
    (ticks * NANOS + scale / 2).div_euclid(scale)
}

/// Into the years 1970 to 2262, so that sums of two times cannot overflow.
fn clamp(nanos: i128) -> u64 {
    u64::try_from(nanos.clamp(0, i128::from(i64::MAX))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn garbage_is_an_error_and_no_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(read_init(&data).is_err());
            let init = Init { tracks: Vec::new() };
            prop_assert!(read_segment(&init, &data).is_err());
        }
    }

    #[test]
    fn times_from_the_epoch_are_exact() {
        // 2025-11-21T00:00:00Z at 30000 ticks per second, and one NTSC frame later.
        let ticks = 1_763_683_200i128 * 30_000;
        assert_eq!(nanos(ticks, 30_000), 1_763_683_200_000_000_000);
        assert_eq!(nanos(ticks + 1001, 30_000), 1_763_683_200_033_366_667);
    }
}
