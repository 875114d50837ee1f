//! The media segment: when each sample is due, and where its bytes are.

use super::{Fmp4Error, Init, Sample, Segment, Track, TrackKind, clamp, nanos};
use crate::media::decode::boxes::{Fields, boxes, find};

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
