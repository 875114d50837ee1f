//! Reads back from the media itself when it plays: what recovery needs where the index does not say.

use std::time::Duration;

use crate::model::MediaTime;

use super::boxes::{children, find};

/// What an initialisation says about its only track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Track {
    /// Ticks per second.
    timescale: u64,
    /// Duration of samples that do not say their own.
    default_duration: u32,
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
        let mdhd = Fields(find(moov, &[b"trak", b"mdia", b"mdhd"])?);
        let timescale = u64::from(mdhd.u32_at(if mdhd.version()? == 1 { 20 } else { 12 })?);
        let trex = find(moov, &[b"mvex", b"trex"]).and_then(|trex| Fields(trex).u32_at(12));
        let stsd = find(moov, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
        let codec = children(stsd.get(8..)?).next().and_then(|(kind, entry)| codec_of(&kind, entry));
        (timescale > 0).then_some(Self { timescale, default_duration: trex.unwrap_or(0), codec })
    }

    /// Reads when the samples of a `moof` (its content) play.
    pub(crate) fn span(&self, moof: &[u8]) -> Option<Span> {
        let traf = find(moof, &[b"traf"])?;
        let tfdt = Fields(find(traf, &[b"tfdt"])?);
        let decode = if tfdt.version()? == 1 { tfdt.u64_at(4)? } else { u64::from(tfdt.u32_at(4)?) };
        let default = default_duration(Fields(find(traf, &[b"tfhd"])?))?.unwrap_or(self.default_duration);
        let mut runs =
            children(traf).filter(|(kind, _)| kind == b"trun").map(|(_, run)| read_run(Fields(run), default));
        let first = runs.next()??;
        let ticks = runs.try_fold(first.ticks, |sum, run| sum.checked_add(run?.ticks))?;
        let start = decode.checked_add_signed(first.offset)?;
        Some(Span {
            start: MediaTime::from_nanos(self.nanos(start)?),
            duration: Duration::from_nanos(self.nanos(ticks)?),
        })
    }

    /// Rounded up like the epoch grids, so that a sample on a grid comes back to the nanosecond.
    fn nanos(&self, ticks: u64) -> Option<u64> {
        (u128::from(ticks) * 1_000_000_000).div_ceil(self.timescale.into()).try_into().ok()
    }
}

/// One `trun`: sum of its durations, and the composition offset of its first sample.
struct Run {
    ticks: u64,
    offset: i64,
}

/// The sample duration of a `tfhd`: none if it does not say one, no answer if it is cut off.
fn default_duration(tfhd: Fields<'_>) -> Option<Option<u32>> {
    let flags = tfhd.flags()?;
    let before = if flags & 0x1 != 0 { 8 } else { 0 } + if flags & 0x2 != 0 { 4 } else { 0 };
    if flags & 0x8 == 0 { Some(None) } else { tfhd.u32_at(8 + before).map(Some) }
}

fn read_run(trun: Fields<'_>, default: u32) -> Option<Run> {
    let (version, flags, count) = (trun.version()?, trun.flags()?, trun.u32_at(4)?);
    let samples = 8 + 4 * (flags & 0x5).count_ones() as usize;
    let size = 4 * (flags & 0xf00).count_ones() as usize;
    let offset_at = samples + 4 * (flags & 0x700).count_ones() as usize;
    let offset = match (flags & 0x800 != 0 && count > 0).then(|| trun.u32_at(offset_at)) {
        None => 0,
        Some(raw) if version == 0 => i64::from(raw?),
        Some(raw) => i64::from(raw?.cast_signed()),
    };
    let ticks = if flags & 0x100 == 0 {
        u64::from(count) * u64::from(default)
    } else {
        // Each duration is read from bytes that are there: a false count ends at the end of the box.
        (0..count as usize).try_fold(0u64, |sum, index| Some(sum + u64::from(trun.u32_at(samples + index * size)?)))?
    };
    Some(Run { ticks, offset })
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

/// The content of a full box: version, flags, fields.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn version(self) -> Option<u8> {
        self.0.first().copied()
    }

    fn flags(self) -> Option<u32> {
        Some(self.u32_at(0)? & 0xff_ffff)
    }

    fn u32_at(self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.0.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }

    fn u64_at(self, at: usize) -> Option<u64> {
        Some(u64::from(self.u32_at(at)?) << 32 | u64::from(self.u32_at(at + 4)?))
    }
}
