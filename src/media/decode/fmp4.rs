//! Fragmented MP4 (CMAF, ISO/IEC 23000-19): tracks from an initialisation segment, samples from a media segment.
//!
//! Reads what is needed for timing and decoding, nothing else; never trusts a length; a cut-off segment yields the
//! samples that are whole.

use std::ops::Range;

use super::boxes::{Fields, boxes, find, find_path};

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
    default_duration: u32,
    default_size: u32,
    default_flags: u32,
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

/// Reads an initialisation segment.
///
/// # Errors
/// When there is no `moov`, or no track of H.264 or AAC in it.
pub fn read_init(data: &[u8]) -> Result<Init, Fmp4Error> {
    let moov = find(data, b"moov").ok_or(Fmp4Error::NoBox("moov"))?;
    let movie_scale = find(moov, b"mvhd").and_then(read_timescale).unwrap_or(1000);
    let mut found = Vec::new();
    let mut tracks = Vec::new();
    for trak in boxes(moov).filter(|child| &child.kind == b"trak") {
        match read_track(trak.payload, moov, movie_scale) {
            Ok(track) => tracks.push(track),
            Err(codec) => found.push(codec),
        }
    }
    if tracks.is_empty() { Err(Fmp4Error::NoTrack(found.join(", "))) } else { Ok(Init { tracks }) }
}

/// The track, or the four-character code of what cannot be read.
fn read_track(trak: &[u8], moov: &[u8], movie_scale: u32) -> Result<Track, String> {
    let unreadable = || "unreadable".to_owned();
    let id = find(trak, b"tkhd").and_then(read_track_id).ok_or_else(unreadable)?;
    let mdia = find(trak, b"mdia").ok_or_else(unreadable)?;
    let timescale = find(mdia, b"mdhd").and_then(read_timescale).ok_or_else(unreadable)?;
    let stsd = find_path(mdia, &[b"minf", b"stbl", b"stsd"]).and_then(|stsd| stsd.get(8..)).ok_or_else(unreadable)?;
    let entry = boxes(stsd).next().ok_or_else(unreadable)?;
    let code = String::from_utf8_lossy(&entry.kind).into_owned();
    let kind = match &entry.kind {
        b"avc1" | b"avc3" => read_avc(entry.payload),
        b"mp4a" => read_aac(entry.payload),
        _ => None,
    }
    .ok_or(code)?;
    let shift = find_path(trak, &[b"edts", b"elst"]).and_then(|elst| read_shift(elst, timescale, movie_scale));
    let (default_duration, default_size, default_flags) = read_defaults(moov, id).unwrap_or_default();
    Ok(Track { kind, timescale, id, shift: shift.unwrap_or(0), default_duration, default_size, default_flags })
}

fn read_track_id(tkhd: &[u8]) -> Option<u32> {
    let mut fields = Fields::new(tkhd);
    let (version, _) = fields.full()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    fields.u32()
}

fn read_timescale(header: &[u8]) -> Option<u32> {
    read_track_id(header).filter(|&scale| scale > 0)
}

fn read_avc(entry: &[u8]) -> Option<TrackKind> {
    let mut fields = Fields::new(entry);
    fields.skip(24)?;
    let (width, height) = (fields.u16()?, fields.u16()?);
    let config = find(entry.get(78..)?, b"avcC")?.to_vec();
    (config.len() >= 7).then_some(TrackKind::Picture { width, height, config })
}

fn read_aac(entry: &[u8]) -> Option<TrackKind> {
    let mut fields = Fields::new(entry);
    fields.skip(16)?;
    let channels = fields.u16()?;
    fields.skip(6)?;
    let rate = fields.u32()? >> 16;
    let config = read_audio_config(find(entry.get(28..)?, b"esds")?)?;
    (rate > 0).then_some(TrackKind::Sound { rate, channels, config })
}

/// AudioSpecificConfig out of the nested descriptors of `esds` (ISO/IEC 14496-1 7.2.6).
fn read_audio_config(esds: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Fields::new(esds);
    fields.full()?;
    loop {
        let tag = fields.u8()?;
        let mut length = 0usize;
        loop {
            let byte = fields.u8()?;
            length = (length << 7) | usize::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                break;
            }
        }
        match tag {
            3 => fields.skip(3)?,
            4 => fields.skip(13)?,
            5 => return fields.rest().get(..length).map(<[u8]>::to_vec),
            _ => fields.skip(length)?,
        }
    }
}

/// Empty edits delay, the first media edit cuts the start off.
fn read_shift(elst: &[u8], timescale: u32, movie_scale: u32) -> Option<i128> {
    let mut fields = Fields::new(elst);
    let (version, _) = fields.full()?;
    let mut shift = 0;
    for _ in 0..fields.u32()? {
        let duration = fields.sized(version)?;
        let media_time = if version == 0 { i64::from(fields.u32()? as i32) } else { fields.u64()? as i64 };
        fields.skip(4)?;
        if media_time >= 0 {
            return Some(shift - nanos(i128::from(media_time), timescale));
        }
        shift += nanos(i128::from(duration), movie_scale);
    }
    Some(shift)
}

fn read_defaults(moov: &[u8], id: u32) -> Option<(u32, u32, u32)> {
    boxes(find(moov, b"mvex")?).filter(|child| &child.kind == b"trex").find_map(|trex| {
        let mut fields = Fields::new(trex.payload);
        fields.full()?;
        (fields.u32()? == id).then_some(())?;
        fields.skip(4)?;
        Some((fields.u32()?, fields.u32()?, fields.u32()?))
    })
}

/// Reads a media segment of `init`.
///
/// # Errors
/// When it holds no whole `moof`.
pub fn read_segment(init: &Init, data: &[u8]) -> Result<Segment, Fmp4Error> {
    let mut segment = Segment { samples: Vec::new(), cut: 0 };
    let mut seen = false;
    for moof in boxes(data).filter(|found| &found.kind == b"moof" && !found.cut) {
        for traf in boxes(moof.payload).filter(|child| &child.kind == b"traf") {
            seen |= read_fragment(init, data, moof.start, traf.payload, &mut segment).is_some();
        }
    }
    if seen { Ok(segment) } else { Err(Fmp4Error::NoBox("moof")) }
}

/// What `tfhd` says of a fragment's samples.
struct Fragment<'a> {
    index: usize,
    track: &'a Track,
    duration: u32,
    size: u32,
    flags: u32,
    base: u64,
}

fn read_fragment(init: &Init, data: &[u8], moof_start: usize, traf: &[u8], segment: &mut Segment) -> Option<()> {
    let mut fields = Fields::new(find(traf, b"tfhd")?);
    let (_, present) = fields.full()?;
    let id = fields.u32()?;
    let index = init.tracks.iter().position(|track| track.id == id)?;
    let track = &init.tracks[index];
    let base = if present & 1 != 0 { fields.u64()? } else { moof_start as u64 };
    if present & 2 != 0 {
        fields.skip(4)?;
    }
    let mut optional = |bit: u32, default: u32| if present & bit != 0 { fields.u32() } else { Some(default) };
    let duration = optional(0x08, track.default_duration)?;
    let size = optional(0x10, track.default_size)?;
    let flags = optional(0x20, track.default_flags)?;
    let fragment = Fragment { index, track, duration, size, flags, base };

    let mut tfdt = Fields::new(find(traf, b"tfdt")?);
    let (version, _) = tfdt.full()?;
    let mut dts = i128::from(tfdt.sized(version)?);
    let mut offset = fragment.base;
    for trun in boxes(traf).filter(|child| &child.kind == b"trun") {
        read_run(&fragment, data, trun.payload, &mut dts, &mut offset, segment)?;
    }
    Some(())
}

fn read_run(
    fragment: &Fragment<'_>,
    data: &[u8],
    trun: &[u8],
    dts: &mut i128,
    offset: &mut u64,
    segment: &mut Segment,
) -> Option<()> {
    let mut fields = Fields::new(trun);
    let (version, present) = fields.full()?;
    let count = fields.u32()?;
    // Every sample has a byte: a count beyond that is a lie, and would only cost memory.
    if segment.samples.len() + segment.cut + count as usize > data.len() {
        return None;
    }
    if present & 1 != 0 {
        *offset = fragment.base.checked_add_signed(i64::from(fields.u32()? as i32))?;
    }
    let first_flags = if present & 4 != 0 { Some(fields.u32()?) } else { None };
    for number in 0..count {
        let mut optional = |bit: u32, default: u32| if present & bit != 0 { fields.u32() } else { Some(default) };
        let duration = optional(0x100, fragment.duration)?;
        let size = optional(0x200, fragment.size)?;
        let flags = optional(0x400, fragment.flags)?;
        let composition = optional(0x800, 0)?;
        let composition = if version == 0 { i128::from(composition) } else { i128::from(composition as i32) };
        let flags = first_flags.filter(|_| number == 0).unwrap_or(flags);

        let end = offset.checked_add(u64::from(size))?;
        let range = usize::try_from(*offset).ok()?..usize::try_from(end).ok()?;
        let track = fragment.track;
        let time = |ticks: i128| clamp(nanos(ticks, track.timescale) + track.shift);
        match data.get(range.clone()) {
            Some(bytes) => segment.samples.push(Sample {
                track: fragment.index,
                pts: time(*dts + composition),
                dts: time(*dts),
                duration: clamp(nanos(duration.into(), track.timescale)),
                key: is_key(&track.kind, bytes, flags),
                bytes: range,
            }),
            None => segment.cut += 1,
        }
        *dts += i128::from(duration);
        *offset = end;
    }
    Some(())
}

/// By what the picture is, not by what the container calls it: an H.264 access unit with an IDR slice (NAL type 5).
fn is_key(kind: &TrackKind, bytes: &[u8], flags: u32) -> bool {
    let TrackKind::Picture { config, .. } = kind else { return true };
    let width = usize::from(config[4] & 3) + 1;
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_at_checked(width) {
        let length = length.iter().fold(0usize, |sum, &byte| (sum << 8) | usize::from(byte));
        match tail.first() {
            Some(header) if header & 0x1F == 5 => return true,
            // A slice of another kind: the access unit is no IDR.
            Some(header) if (1..5).contains(&(header & 0x1F)) => return false,
            _ => {}
        }
        let Some(next) = tail.get(length..) else { break };
        rest = next;
    }
    // No slice found: go by sample_is_non_sync_sample.
    flags & 0x0001_0000 == 0
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
    fn an_edit_list_delays_and_cuts() {
        let edit =
            |duration: u32, media_time: i32| [duration.to_be_bytes(), media_time.to_be_bytes(), [0, 1, 0, 0]].concat();
        let list =
            |edits: &[Vec<u8>]| [vec![0; 4], (edits.len() as u32).to_be_bytes().to_vec(), edits.concat()].concat();
        // Priming of 1024 samples is cut off; an empty edit of 66 ms delays; both together.
        assert_eq!(read_shift(&list(&[edit(0, 1024)]), 48_000, 1000), Some(-21_333_333));
        assert_eq!(read_shift(&list(&[edit(66, -1), edit(0, 0)]), 48_000, 1000), Some(66_000_000));
        assert_eq!(read_shift(&list(&[edit(66, -1), edit(0, 1024)]), 15_360, 1000), Some(-666_667));
        assert_eq!(read_shift(&list(&[])[..7], 48_000, 1000), None);
    }

    #[test]
    fn times_from_the_epoch_are_exact() {
        // 2025-11-21T00:00:00Z at 30000 ticks per second, and one NTSC frame later.
        let ticks = 1_763_683_200i128 * 30_000;
        assert_eq!(nanos(ticks, 30_000), 1_763_683_200_000_000_000);
        assert_eq!(nanos(ticks + 1001, 30_000), 1_763_683_200_033_366_667);
    }
}
