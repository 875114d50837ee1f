//! Fragments of a movie (ISO/IEC 14496-12, 8.8): what initialisation and `moof` say of samples.

use super::{Fields, boxes, find};

/// What samples are taken to be that say nothing themselves: by `trex`, or by a fragment's `tfhd`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// Ticks.
    pub(crate) duration: u32,
    /// Bytes.
    pub(crate) size: u32,
    /// Sample flags (8.8.3.1).
    pub(crate) flags: u32,
}

/// What the `moov` says of the samples of `track` (`trex`).
pub(crate) fn defaults(moov: &[u8], track: u32) -> Option<Defaults> {
    boxes(find(moov, &[b"mvex"])?).filter(|found| &found.kind == b"trex").find_map(|trex| {
        let mut fields = Fields::new(trex.content);
        fields.full()?;
        (fields.u32()? == track).then_some(())?;
        fields.skip(4)?;
        Some(Defaults { duration: fields.u32()?, size: fields.u32()?, flags: fields.u32()? })
    })
}

/// The number of a track, by its `tkhd`; stands where `mdhd` and `mvhd` have their ticks per second.
pub(crate) fn track_id(tkhd: &[u8]) -> Option<u32> {
    let mut fields = Fields::new(tkhd);
    let (version, _) = fields.full()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    fields.u32()
}

/// The ticks per second of an `mdhd` or `mvhd`; never 0.
pub(crate) fn timescale(header: &[u8]) -> Option<u32> {
    track_id(header).filter(|scale| *scale > 0)
}

/// A `traf`: samples of one track.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragment<'a> {
    pub(crate) track: u32,
    /// Where its data begins in the file, if not with the `moof`.
    pub(crate) base: Option<u64>,
    /// When its first sample is decoded, ticks.
    pub(crate) decode_time: u64,
    defaults: Defaults,
    traf: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads the content of a `traf`; `of_track` is what the initialisation says of the track, none if the track does not
    /// matter.
    pub(crate) fn read(traf: &'a [u8], of_track: impl FnOnce(u32) -> Option<Defaults>) -> Option<Self> {
        let mut fields = Fields::new(find(traf, &[b"tfhd"])?);
        let (_, present) = fields.full()?;
        let track = fields.u32()?;
        let of_track = of_track(track)?;
        let base = if present & 0x1 != 0 { Some(fields.u64()?) } else { None };
        if present & 0x2 != 0 {
            fields.skip(4)?;
        }
        let mut optional = |bit: u32, default: u32| if present & bit != 0 { fields.u32() } else { Some(default) };
        let defaults = Defaults {
            duration: optional(0x08, of_track.duration)?,
            size: optional(0x10, of_track.size)?,
            flags: optional(0x20, of_track.flags)?,
        };
        let mut tfdt = Fields::new(find(traf, &[b"tfdt"])?);
        let (version, _) = tfdt.full()?;
        Some(Self { track, base, decode_time: tfdt.sized(version)?, defaults, traf })
    }

    /// Its runs of samples; None for one that is cut off.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Option<Run<'a>>> {
        let defaults = self.defaults;
        boxes(self.traf).filter(|found| &found.kind == b"trun").map(move |trun| Run::read(trun.content, defaults))
    }
}

/// A `trun`: samples one behind the other. Iterates over what it says of each; ends with a None where it is cut off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Samples still to come, as the box says. Where it says nothing of single samples, this may be any number.
    pub(crate) count: u32,
    /// Where its data begins, from the fragment's base; behind the run before if none.
    pub(crate) offset: Option<i32>,
    version: u8,
    present: u32,
    first_flags: Option<u32>,
    defaults: Defaults,
    fields: Fields<'a>,
}

/// What is said of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Ticks.
    pub(crate) duration: u32,
    /// Bytes.
    pub(crate) size: u32,
    /// Sample flags (8.8.3.1).
    pub(crate) flags: u32,
    /// Composition less decoding time, ticks.
    pub(crate) composition: i64,
}

impl Entry {
    /// Can be decoded without any other (`sample_is_non_sync_sample` is not set).
    pub(crate) fn is_sync(&self) -> bool {
        self.flags & 0x0001_0000 == 0
    }
}

impl<'a> Run<'a> {
    fn read(trun: &'a [u8], defaults: Defaults) -> Option<Self> {
        let mut fields = Fields::new(trun);
        let (version, present) = fields.full()?;
        let count = fields.u32()?;
        let offset = if present & 0x1 != 0 { Some(fields.u32()?.cast_signed()) } else { None };
        let first_flags = if present & 0x4 != 0 { Some(fields.u32()?) } else { None };
        Some(Self { count, offset, version, present, first_flags, defaults, fields })
    }

    /// Ticks of all samples together; none if it is cut off. A false count costs no time.
    pub(crate) fn duration(self) -> Option<u64> {
        if self.present & 0x100 == 0 {
            return Some(u64::from(self.count) * u64::from(self.defaults.duration));
        }
        let mut run = self;
        run.try_fold(0u64, |sum, entry| Some(sum + u64::from(entry?.duration)))
    }

    fn entry(&mut self) -> Option<Entry> {
        let mut optional = |bit: u32, or: u32| if self.present & bit != 0 { self.fields.u32() } else { Some(or) };
        let duration = optional(0x100, self.defaults.duration)?;
        let size = optional(0x200, self.defaults.size)?;
        let flags = optional(0x400, self.defaults.flags)?;
        let composition = optional(0x800, 0)?;
        let composition = if self.version == 0 { composition.into() } else { composition.cast_signed().into() };
        Some(Entry { duration, size, flags: self.first_flags.take().unwrap_or(flags), composition })
    }
}

impl Iterator for Run<'_> {
    type Item = Option<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        let entry = self.entry();
        if entry.is_none() {
            self.count = 0;
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Boxes;
    use super::*;
    use proptest::prelude::*;

    fn tfhd(written: &mut Boxes) {
        written.begin_full(b"tfhd", 0, 0x08).u32(1).u32(40).end();
        written.begin_full(b"tfdt", 1, 0).u64(9000).end();
    }

    fn read(traf: &[u8]) -> Option<Fragment<'_>> {
        Fragment::read(traf, |track| (track == 1).then_some(Defaults { duration: 1, size: 2, flags: 0x1_0000 }))
    }

    #[test]
    fn what_a_run_does_not_say_the_fragment_says_and_then_the_initialisation() {
        let mut written = Boxes::default();
        tfhd(&mut written);
        written.begin_full(b"trun", 1, 0x800 | 0x4 | 0x1).u32(2).u32(100).u32(0).u32(7).u32(u32::MAX).end();
        let fragment = read(&written.data).unwrap();
        assert_eq!((fragment.track, fragment.base, fragment.decode_time), (1, None, 9000));
        let run = fragment.runs().next().unwrap().unwrap();
        assert_eq!((run.offset, run.duration()), (Some(100), Some(80)));
        let entries: Vec<_> = run.map(Option::unwrap).collect();
        assert_eq!(entries[0], Entry { duration: 40, size: 2, flags: 0, composition: 7 });
        assert_eq!(entries[1], Entry { duration: 40, size: 2, flags: 0x1_0000, composition: -1 });
        assert_eq!((entries[0].is_sync(), entries[1].is_sync()), (true, false));
    }

    #[test]
    fn a_run_that_is_cut_off_ends_and_a_false_count_costs_nothing() {
        let mut written = Boxes::default();
        tfhd(&mut written);
        written.begin_full(b"trun", 0, 0x100).u32(u32::MAX).u32(5).end();
        written.begin_full(b"trun", 0, 0).u32(u32::MAX).end();
        let runs: Vec<_> = read(&written.data).unwrap().runs().map(Option::unwrap).collect();
        assert_eq!(runs[0].duration(), None);
        assert_eq!(runs[0].map(|entry| entry.map(|entry| entry.duration)).collect::<Vec<_>>(), [Some(5), None]);
        assert_eq!(runs[1].duration(), Some(u64::from(u32::MAX) * 40));
        assert!(read(&written.data[..20]).is_none());
    }

    #[test]
    fn the_initialisation_says_it_of_each_track() {
        let mut written = Boxes::default();
        written.begin(b"mvex");
        for track in 1..3 {
            written.begin_full(b"trex", 0, 0).u32(track).u32(1).u32(10 * track).u32(20).u32(30).end();
        }
        written.end();
        assert_eq!(defaults(&written.data, 2), Some(Defaults { duration: 20, size: 20, flags: 30 }));
        assert_eq!(defaults(&written.data, 3), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..100)) {
            let run = Run::read(&data, Defaults::default());
            prop_assert!(run.is_none_or(|run| run.take(1000).count() <= 1000));
            let _ = (timescale(&data), defaults(&data, 1), read(&data).map(|found| found.track));
        }
    }
}
