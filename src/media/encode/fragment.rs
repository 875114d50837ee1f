//! Reads a movie fragment header (`moof`, ISO/IEC 14496-12 8.8) of one track: what the bytes say is what is reported.

/// A `moof`, in ticks of the track's timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    /// `tfdt`: decode time of the first sample.
    pub start: u64,
    /// Sum of the sample durations.
    pub duration: u64,
    /// Number of samples.
    pub samples: u32,
    /// Whether the first sample is a sync sample.
    pub independent: bool,
}

/// Reads the fragment header at the beginning of `data`; `None` if there is none or it is not understood.
pub(super) fn read(data: &[u8]) -> Option<Fragment> {
    let traf = child(child(data, b"moof")?, b"traf")?;
    let tfhd = Defaults::read(child(traf, b"tfhd")?)?;
    let start = decode_time(child(traf, b"tfdt")?)?;
    let run = Run::read(child(traf, b"trun")?, &tfhd)?;
    // sample_is_non_sync_sample
    let independent = run.first_flags & 0x0001_0000 == 0;
    Some(Fragment { start, duration: run.duration, samples: run.samples, independent })
}

/// The content of the first box of this kind in `data`.
fn child<'a>(mut data: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let size = be32(data, 0)? as usize;
        let found = data.get(4..8)? == kind;
        if found {
            return data.get(8..size);
        }
        data = data.get(size.max(8)..)?;
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

impl Defaults {
    fn read(tfhd: &[u8]) -> Option<Self> {
        let present = be32(tfhd, 0)? & 0x00ff_ffff;
        let mut at = 8;
        let mut next = |bit: u32, size: usize| {
            let here = at;
            let there = present & bit != 0;
            at += if there { size } else { 0 };
            there.then_some(here)
        };
        next(0x01, 8);
        next(0x02, 4);
        let duration = next(0x08, 4);
        next(0x10, 4);
        let flags = next(0x20, 4);
        let value = |at: Option<usize>| at.map_or(Some(0), |at| be32(tfhd, at));
        Some(Self { duration: value(duration)?, flags: value(flags)? })
    }
}

/// `trun`, summed up.
struct Run {
    samples: u32,
    duration: u64,
    first_flags: u32,
}

impl Run {
    fn read(trun: &[u8], defaults: &Defaults) -> Option<Self> {
        let present = be32(trun, 0)? & 0x00ff_ffff;
        let samples = be32(trun, 4)?;
        let mut at = 8 + if present & 0x01 != 0 { 4 } else { 0 };
        let mut first_flags = None;
        if present & 0x04 != 0 {
            first_flags = Some(be32(trun, at)?);
            at += 4;
        }
        let mut duration = 0u64;
        for _ in 0..samples {
            let mut field = |bit: u32| -> Option<Option<u32>> {
                if present & bit == 0 {
                    return Some(None);
                }
                at += 4;
                be32(trun, at - 4).map(Some)
            };
            duration += u64::from(field(0x100)?.unwrap_or(defaults.duration));
            field(0x200)?;
            let flags = field(0x400)?.unwrap_or(defaults.flags);
            field(0x800)?;
            first_flags.get_or_insert(flags);
        }
        Some(Self { samples, duration, first_flags: first_flags.unwrap_or(defaults.flags) })
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
        assert_eq!(read_back, Fragment { start: (1 << 32) + 2, duration: 3000, samples: 3, independent: false });
        let read_back = read(&sample(&[0x05, 2, 99, 0x0200_0000])).unwrap();
        assert_eq!(read_back, Fragment { start: (1 << 32) + 2, duration: 2000, samples: 2, independent: true });
        let read_back = read(&sample(&[0x0701, 2, 99, 10, 5, 0x0200_0000, 20, 5, 0x0101_0000])).unwrap();
        assert_eq!(read_back, Fragment { start: (1 << 32) + 2, duration: 30, samples: 2, independent: true });
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
