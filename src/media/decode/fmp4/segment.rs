//! The media segment: when each sample is due, and where its bytes are.

use super::{Fmp4Error, Init, Sample, Segment, Track, TrackKind, clamp, nanos};
use crate::bmff::{Entry, Fragment, Run, boxes};

/// Reads a media segment of `init`.
///
/// # Errors
/// When it holds no whole `moof`.
pub fn read_segment(init: &Init, data: &[u8]) -> Result<Segment, Fmp4Error> {
    let mut segment = Segment { samples: Vec::new(), cut: 0 };
    let mut seen = false;
    for moof in boxes(data).filter(|found| &found.kind == b"moof") {
        for traf in boxes(moof.content).filter(|child| &child.kind == b"traf") {
            seen |= read_fragment(init, data, moof.start, traf.content, &mut segment).is_some();
        }
    }
    if seen { Ok(segment) } else { Err(Fmp4Error::NoBox("moof")) }
}

fn read_fragment(init: &Init, data: &[u8], moof_start: usize, traf: &[u8], segment: &mut Segment) -> Option<()> {
    let place = |id| init.tracks.iter().position(|track| track.id == id);
    let fragment = Fragment::read(traf, |id| place(id).map(|index| init.tracks[index].defaults))?;
    let index = place(fragment.track)?;
    let base = fragment.base.unwrap_or(moof_start as u64);
    let mut reader = Reader { index, track: &init.tracks[index], data, dts: fragment.decode_time.into(), offset: base };
    for run in fragment.runs() {
        let run = run?;
        // Every sample has a byte: a count beyond that is a lie, and would only cost memory.
        if segment.samples.len() + segment.cut + run.count as usize > data.len() {
            return None;
        }
        if let Some(offset) = run.offset {
            reader.offset = base.checked_add_signed(offset.into())?;
        }
        reader.read(run, segment)?;
    }
    Some(())
}

/// Where the next sample of a fragment is, and when.
struct Reader<'a> {
    index: usize,
    track: &'a Track,
    data: &'a [u8],
    dts: i128,
    offset: u64,
}

impl Reader<'_> {
    fn read(&mut self, run: Run<'_>, segment: &mut Segment) -> Option<()> {
        for entry in run {
            let Entry { duration, size, flags, composition } = entry?;
            let end = self.offset.checked_add(u64::from(size))?;
            let range = usize::try_from(self.offset).ok()?..usize::try_from(end).ok()?;
            let time = |ticks: i128| clamp(nanos(ticks, self.track.timescale) + self.track.shift);
            match self.data.get(range.clone()) {
                Some(bytes) => segment.samples.push(Sample {
                    track: self.index,
                    pts: time(self.dts + i128::from(composition)),
                    dts: time(self.dts),
                    duration: clamp(nanos(duration.into(), self.track.timescale)),
                    key: is_key(&self.track.kind, bytes, flags),
                    bytes: range,
                }),
                None => segment.cut += 1,
            }
            self.dts += i128::from(duration);
            self.offset = end;
        }
        Some(())
    }
}

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
