//! Reads a movie fragment header (`moof`, ISO/IEC 14496-12 8.8) of one track: what the bytes say is what is reported.

use std::ops::Range;

/// A `moof`, in ticks of the track's timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    /// `tfdt`. cmafmux writes the earliest presentation time there, whatever the decode times are.
    pub start: u64,
    /// Sum of the sample durations.
    pub duration: u64,
    /// Number of samples.
    pub samples: u32,
    /// Whether the first sample is a sync sample.
    pub independent: bool,
    /// The most by which a sample is presented before it is decoded: negative composition offsets, as cmafmux writes
    /// them where the encoder reorders pictures.
    pub early: u32,
}

/// Reads the fragment header at the beginning of `data`; `None` if there is none or it is not understood.
pub(super) fn read(data: &[u8]) -> Option<Fragment> {
    let traf = traf(data)?;
    let within = |kind| find(data, traf.clone(), kind).and_then(|range| data.get(range));
    let tfhd = Defaults::read(within(b"tfhd")?)?;
    let start = decode_time(within(b"tfdt")?)?;
    let run = Run::read(within(b"trun")?, &tfhd)?;
    // sample_is_non_sync_sample
    let independent = run.first_flags & 0x0001_0000 == 0;
    let Run { duration, samples, early, .. } = run;
    Some(Fragment { start, duration, samples, independent, early })
}

/// Moves decode times (`tfdt`) back by `ticks` and raises the composition offsets by as much: presentation stays.
/// `None` where that is not possible; the data is of no use then.
pub(super) fn decode_earlier(data: &mut [u8], ticks: u32) -> Option<()> {
    let traf = traf(data)?;
    let (tfdt, trun) = (find(data, traf.clone(), b"tfdt")?, find(data, traf, b"trun")?);
    let start = decode_time(data.get(tfdt.clone())?)?.checked_sub(ticks.into())?;
    let tfdt = data.get_mut(tfdt)?;
    if tfdt.first() != Some(&1) {
        return None;
    }
    tfdt.get_mut(4..12)?.copy_from_slice(&start.to_be_bytes());
    let trun = data.get_mut(trun)?;
    let layout = Layout::read(trun)?;
    for sample in 0..layout.samples {
        let at = layout.field(sample, OFFSET)?;
        let raised = be32(trun, at)?.cast_signed().checked_add_unsigned(ticks)?;
        trun.get_mut(at..at + 4)?.copy_from_slice(&raised.to_be_bytes());
    }
    Some(())
}

/// Shortens the last sample by `ticks`. `None`, and nothing done, where that is not possible.
pub(super) fn shorten_last(data: &mut [u8], ticks: u64) -> Option<()> {
    let traf = traf(data)?;
    let (tfhd, trun) = (find(data, traf.clone(), b"tfhd")?, find(data, traf, b"trun")?);
    let layout = Layout::read(data.get(trun.clone())?)?;
    let last = layout.samples.checked_sub(1)?;
    // A sample without a duration of its own has the track's, which may be changed if it is the only one.
    let at = match layout.field(last, DURATION) {
        Some(at) => trun.start + at,
        None if last == 0 => tfhd.start + Defaults::place(data.get(tfhd)?, DEFAULT_DURATION)?,
        None => return None,
    };
    let shorter = u64::from(be32(data, at)?).checked_sub(ticks)?;
    data.get_mut(at..at + 4)?.copy_from_slice(&u32::try_from(shorter).ok()?.to_be_bytes());
    Some(())
}

fn traf(data: &[u8]) -> Option<Range<usize>> {
    find(data, find(data, 0..data.len(), b"moof")?, b"traf")
}

/// Where the content of the first box of this kind within `range` is.
fn find(data: &[u8], mut range: Range<usize>, kind: &[u8; 4]) -> Option<Range<usize>> {
    loop {
        let here = data.get(range.clone())?;
        let size = be32(here, 0)? as usize;
        if size < 8 || size > here.len() {
            return None;
        }
        if here.get(4..8)? == kind {
            return Some(range.start + 8..range.start + size);
        }
        range.start += size;
    }
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

fn decode_time(tfdt: &[u8]) -> Option<u64> {
    match tfdt.first()? {
        0 => Some(be32(tfdt, 4)?.into()),
        _ => Some(u64::from(be32(tfdt, 4)?) << 32 | u64::from(be32(tfdt, 8)?)),
    }
}

/// `tfhd`: what holds for samples without values of their own.
struct Defaults {
    duration: u32,
    flags: u32,
}

const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_FLAGS: u32 = 0x20;

impl Defaults {
    fn read(tfhd: &[u8]) -> Option<Self> {
        be32(tfhd, 0)?;
        let value = |field| Self::place(tfhd, field).map_or(Some(0), |at| be32(tfhd, at));
        Some(Self { duration: value(DEFAULT_DURATION)?, flags: value(DEFAULT_FLAGS)? })
    }

    /// Where a field is, if it is there: they follow the track number in the order of their flags, the data offset
    /// (0x01) with eight bytes, the others with four.
    fn place(tfhd: &[u8], field: u32) -> Option<usize> {
        let present = be32(tfhd, 0)? & 0x3b;
        let before = present & (field - 1);
        let bytes = 4 * before.count_ones() + 4 * (before & 0x01);
        (present & field != 0).then_some(8 + bytes as usize)
    }
}

/// Per-sample fields of `trun`, by their flag.
const DURATION: u32 = 0x100;
const FLAGS: u32 = 0x400;
const OFFSET: u32 = 0x800;

/// Where `trun` keeps what.
struct Layout {
    present: u32,
    samples: u32,
    table: usize,
}

impl Layout {
    fn read(trun: &[u8]) -> Option<Self> {
        let present = be32(trun, 0)? & 0x00ff_ffff;
        let table = 8 + 4 * (present & 0x05).count_ones() as usize;
        Some(Self { present, samples: be32(trun, 4)?, table })
    }

    /// Flags of the first sample alone, after the data offset.
    fn first_flags(&self) -> Option<usize> {
        (self.present & 0x04 != 0).then_some(self.table - 4)
    }

    fn field(&self, sample: u32, field: u32) -> Option<usize> {
        let words = (self.present & 0xf00).count_ones() as usize;
        let before = (self.present & 0xf00 & (field - 1)).count_ones() as usize;
        (self.present & field != 0).then_some(self.table + (sample as usize * words + before) * 4)
    }
}

/// `trun`, summed up.
struct Run {
    samples: u32,
    duration: u64,
    first_flags: u32,
    early: u32,
}

impl Run {
    fn read(trun: &[u8], defaults: &Defaults) -> Option<Self> {
        let layout = Layout::read(trun)?;
        let value = |at: Option<usize>, default: u32| at.map_or(Some(default), |at| be32(trun, at));
        let first_flags = value(layout.first_flags().or_else(|| layout.field(0, FLAGS)), defaults.flags)?;
        let (mut duration, mut early) = (0u64, 0u32);
        for sample in 0..layout.samples {
            duration += u64::from(value(layout.field(sample, DURATION), defaults.duration)?);
            let offset = value(layout.field(sample, OFFSET), 0)?.cast_signed();
            early = early.max(offset.min(0).unsigned_abs());
        }
        Some(Self { samples: layout.samples, duration, first_flags, early })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, &content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn sample(trun: &[u32]) -> Vec<u8> {
        let tfhd = boxed(b"tfhd", &[&words(&[0x0002_0028, 1, 1000, 0x0101_0000])]);
        let tfdt = boxed(b"tfdt", &[&words(&[0x0100_0000, 1, 2])]);
        let trun = boxed(b"trun", &[&words(trun)]);
        let moof = boxed(b"moof", &[&boxed(b"mfhd", &[&words(&[0, 7])]), &boxed(b"traf", &[&tfhd, &tfdt, &trun])]);
        [boxed(b"styp", &[b"cmf2"]), moof].concat()
    }

    #[test]
    fn defaults_and_own_values_are_summed() {
        let read_back = read(&sample(&[0x01, 3, 99])).unwrap();
        assert_eq!(
            read_back,
            Fragment { start: (1 << 32) + 2, duration: 3000, samples: 3, independent: false, early: 0 }
        );
        let read_back = read(&sample(&[0x05, 2, 99, 0x0200_0000])).unwrap();
        assert_eq!(
            read_back,
            Fragment { start: (1 << 32) + 2, duration: 2000, samples: 2, independent: true, early: 0 }
        );
        let read_back = read(&sample(&[0x0701, 2, 99, 10, 5, 0x0200_0000, 20, 5, 0x0101_0000])).unwrap();
        assert_eq!(read_back, Fragment { start: (1 << 32) + 2, duration: 30, samples: 2, independent: true, early: 0 });
    }

    #[test]
    fn decoding_earlier_keeps_the_presentation() {
        let mut data = sample(&[0x0901, 3, 99, 10, 0, 10, 20, 10, (-10i32).cast_unsigned()]);
        assert_eq!(read(&data).unwrap().early, 10);
        decode_earlier(&mut data, 10).unwrap();
        let moved = read(&data).unwrap();
        assert_eq!((moved.start, moved.early, moved.duration), ((1 << 32) + 2 - 10, 0, 30));
        assert!(data.ends_with(&words(&[10, 10, 10, 30, 10, 0])));
        assert_eq!(decode_earlier(&mut [0; 64], 1), None);
    }

    #[test]
    fn the_last_sample_is_shortened_wherever_its_duration_is() {
        let mut own = sample(&[0x0101, 2, 99, 10, 500]);
        shorten_last(&mut own, 490).unwrap();
        assert_eq!(read(&own).unwrap().duration, 20);
        assert_eq!(shorten_last(&mut own, 11), None);
        let mut only = sample(&[0x01, 1, 99]);
        shorten_last(&mut only, 990).unwrap();
        assert_eq!(read(&only).unwrap().duration, 10);
        assert_eq!(shorten_last(&mut sample(&[0x01, 2, 99]), 1), None, "the track's duration is the first's, too");
    }

    #[test]
    fn damage_is_not_understood_and_does_not_panic() {
        let good = sample(&[0x0701, 2, 99, 10, 5, 0x0200_0000, 20, 5, 0x0101_0000]);
        for end in 0..good.len() {
            assert_eq!(read(&good[..end]), None, "{end}");
        }
        assert_eq!(read(&[0; 64]), None);
    }
}
