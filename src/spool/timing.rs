//! Reads back from the media itself when it plays: what recovery needs where the index does not say.

use std::time::Duration;

use crate::bmff::{Defaults, Fragment, boxes, defaults, find, timescale, track_id};
use crate::model::MediaTime;

/// What an initialisation says about its only track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    /// Ticks per second.
    timescale: u64,
    /// What samples are that say nothing themselves.
    defaults: Defaults,
    /// RFC 6381 codec string, if the format is known.
    pub(crate) codec: Option<String>,
}

/// When the samples of a `moof` play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Presentation time of the first sample.
    pub(crate) start: MediaTime,
    /// Sum of the sample durations.
    pub(crate) duration: Duration,
}

impl Track {
    /// Reads `ftyp` + `moov`. None if that is not what it is.
    pub(crate) fn read(init: &[u8]) -> Option<Self> {
        let moov = find(init, &[b"moov"])?;
        let id = find(moov, &[b"trak", b"tkhd"]).and_then(track_id)?;
        let timescale = timescale(find(moov, &[b"trak", b"mdia", b"mdhd"])?)?;
        let stsd = find(moov, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
        let codec = boxes(stsd.get(8..)?).next().and_then(|entry| codec_of(&entry.kind, entry.content));
        Some(Self { timescale: timescale.into(), defaults: defaults(moov, id).unwrap_or_default(), codec })
    }

    /// Reads when the samples of a `moof` (its content) play.
    pub(crate) fn span(&self, moof: &[u8]) -> Option<Span> {
        let fragment = self.fragment(moof)?;
        let mut runs = fragment.runs();
        let first = runs.next()??;
        let offset = first.clone().next().map_or(Some(0), |entry| Some(entry?.composition))?;
        let ticks = runs.try_fold(first.duration()?, |sum, run| sum.checked_add(run?.duration()?))?;
        let start = fragment.decode_time.checked_add_signed(offset)?;
        Some(Span {
            start: MediaTime::from_nanos(self.nanos(start)?),
            duration: Duration::from_nanos(self.nanos(ticks)?),
        })
    }

    /// The samples of the track in a `moof` (its content): it has one track only.
    pub(crate) fn fragment<'a>(&self, moof: &'a [u8]) -> Option<Fragment<'a>> {
        Fragment::read(find(moof, &[b"traf"])?, |_| Some(self.defaults))
    }

    /// Rounded up like the epoch grids, so that a sample on a grid comes back to the nanosecond.
    fn nanos(&self, ticks: u64) -> Option<u64> {
        (u128::from(ticks) * 1_000_000_000).div_ceil(self.timescale.into()).try_into().ok()
    }
}

fn codec_of(kind: &[u8; 4], entry: &[u8]) -> Option<String> {
    match kind {
        // VisualSampleEntry is 78 bytes long, AudioSampleEntry 28.
        b"avc1" | b"avc3" => {
            let avcc = find(entry.get(78..)?, &[b"avcC"])?;
            Some(format!("{}.{}", str::from_utf8(kind).ok()?, hex::encode(avcc.get(1..4)?)))
        }
        b"mp4a" => {
            let esds = find(entry.get(28..)?, &[b"esds"])?;
            // DecoderSpecificInfo: tag 5, length (four bytes, or one), then five bits of audio object type.
            let tag =
                esds.windows(2).position(|pair| pair[0] == 5 && (pair[1] == 0x80 || (2..=5).contains(&pair[1])))?;
            let length = esds[tag + 1..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
            Some(format!("mp4a.40.{}", esds.get(tag + 1 + length)? >> 3))
        }
        _ => None,
    }
}
