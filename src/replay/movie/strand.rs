//! The samples of one rendition in a row, and where to cut them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::read::{Head, samples};
use super::{MovieError, nanos, rescale, ticks};

/// Packets of sound that a decoder wants before the first that is heard.
const PREROLL: usize = 1;

/// A segment and its initialisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The initialisation.
    pub(crate) init: PathBuf,
    /// The segment.
    pub(crate) file: PathBuf,
}

/// A sample with its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Decoding time in ticks.
    pub(crate) dts: i64,
    /// Where it begins in its file.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u32,
    /// Ticks, if nothing followed.
    pub(crate) duration: u32,
    /// Composition less decoding time, ticks.
    pub(crate) composition: i32,
    /// Index of its file.
    pub(crate) file: u32,
    /// Index of its sample entry.
    pub(crate) entry: u16,
    /// Can be decoded without any other.
    pub(crate) key: bool,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Strand {
    /// What its first initialisation says.
    pub(crate) head: Head,
    /// Sample entries, whole boxes; more than one where an encoder began anew with other settings.
    pub(crate) entries: Vec<Vec<u8>>,
    /// Where the bytes are.
    pub(crate) files: Vec<PathBuf>,
    /// In decoding order.
    pub(crate) samples: Vec<Placed>,
    /// Samples left out because their time was over already.
    pub(crate) overlapping: u64,
}

/// What an exact cut is made of: indices of samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExactCut {
    /// To be encoded anew before what is copied.
    pub(crate) head: Option<Range<usize>>,
    /// Copied.
    pub(crate) middle: Range<usize>,
    /// To be encoded anew behind it.
    pub(crate) tail: Option<Range<usize>>,
}

impl Strand {
    /// Reads the samples of `pieces`, which follow one another. None without any.
    pub(crate) fn gather(pieces: &[Piece], mut go_on: impl FnMut() -> bool) -> Result<Option<Self>, MovieError> {
        let mut heads: HashMap<&Path, (Head, u16)> = HashMap::new();
        let mut strand: Option<Self> = None;
        for piece in pieces {
            if !go_on() {
                return Err(MovieError::Stopped);
            }
            if !heads.contains_key(piece.init.as_path()) {
                let head = Head::open(&piece.init)?;
                let strand = strand.get_or_insert_with(|| Self::new(head.clone()));
                let entry = strand.entry(&head.entry);
                heads.insert(&piece.init, (head, entry));
            }
            if let (Some((head, entry)), Some(strand)) = (heads.get(piece.init.as_path()), &mut strand) {
                strand.add(head, *entry, &piece.file)?;
            }
        }
        Ok(strand.filter(|strand| !strand.samples.is_empty()))
    }

    fn new(head: Head) -> Self {
        Self { head, entries: Vec::new(), files: Vec::new(), samples: Vec::new(), overlapping: 0 }
    }

    /// The index of a sample entry, which is added if it is new.
    pub(crate) fn entry(&mut self, entry: &[u8]) -> u16 {
        let known = self.entries.iter().position(|known| known == entry);
        known.unwrap_or_else(|| {
            self.entries.push(entry.to_vec());
            self.entries.len() - 1
        }) as u16
    }

    fn add(&mut self, head: &Head, entry: u16, path: &Path) -> Result<(), MovieError> {
        let file = self.files.len() as u32;
        self.files.push(path.to_owned());
        let own = i128::from(self.head.timescale);
        let scale = |value: i64| rescale(value, head.timescale.into(), own);
        for sample in samples(head, path)? {
            let dts = scale(sample.dts as i64);
            if self.samples.last().is_some_and(|last| last.dts >= dts) {
                self.overlapping += 1;
                continue;
            }
            let composition = scale(i64::from(sample.composition) - head.lead) + self.head.lead;
            self.samples.push(Placed {
                dts,
                offset: sample.offset,
                size: sample.size,
                duration: scale(sample.duration.into()).clamp(1, u32::MAX.into()) as u32,
                composition: composition as i32,
                file,
                entry,
                key: sample.key,
            });
        }
        Ok(())
    }

    /// When a sample is seen or heard, ticks since the epoch.
    pub(crate) fn presented(&self, sample: &Placed) -> i64 {
        sample.dts + i64::from(sample.composition) - self.head.lead
    }

    /// When its first sample is seen or heard, and when its last is over; nanoseconds since the epoch.
    pub(crate) fn span(&self) -> Option<Range<i64>> {
        let times = || self.samples.iter().map(|sample| (self.presented(sample), sample.duration));
        let first = times().map(|(time, _)| time).min()?;
        let last = times().map(|(time, duration)| time + i64::from(duration)).max()?;
        Some(nanos(first, self.head.timescale)..nanos(last, self.head.timescale))
    }

    fn keys(&self) -> impl DoubleEndedIterator<Item = (usize, i64)> {
        let keys = self.samples.iter().enumerate().filter(|(_, sample)| sample.key);
        keys.map(|(index, sample)| (index, self.presented(sample)))
    }

    /// The samples of pictures from the last key frame not after `from` to the first not before `until`.
    pub(crate) fn on_keys(&self, wanted: &Range<i64>) -> Range<usize> {
        let [from, until] = [wanted.start, wanted.end].map(|time| ticks(time, self.head.timescale));
        let before = self.keys().take_while(|(_, time)| *time <= from).last();
        let Some((first, _)) = before.or_else(|| self.keys().next()) else { return 0..0 };
        let end = self.keys().find(|(index, time)| *index > first && *time >= until);
        first..end.map_or(self.samples.len(), |(index, _)| index)
    }

    /// How to have exactly the pictures in `wanted`.
    pub(crate) fn exactly(&self, wanted: &Range<i64>) -> ExactCut {
        let [from, until] = [wanted.start, wanted.end].map(|time| ticks(time, self.head.timescale));
        let Range { start: first, end } = self.on_keys(wanted);
        if first == end {
            return ExactCut { head: None, middle: 0..0, tail: None };
        }
        let key_at = |index: usize| self.samples.get(index).map(|sample| self.presented(sample));
        let clean_start = key_at(first).is_none_or(|time| time >= from);
        // Nothing of the last group is behind the range.
        let last = first..end;
        let clean_end = self.samples[last.clone()].iter().all(|sample| self.presented(sample) < until);
        let second = self.keys().find(|(index, _)| *index > first && *index < end).map_or(end, |(index, _)| index);
        let final_key = self.keys().rfind(|(index, _)| last.contains(index)).map_or(first, |(index, _)| index);
        match (clean_start, clean_end) {
            (true, true) => ExactCut { head: None, middle: last, tail: None },
            (false, true) => ExactCut { head: Some(first..second), middle: second..end, tail: None },
            (true, false) => ExactCut { head: None, middle: first..final_key, tail: Some(final_key..end) },
            (false, false) if final_key == first => ExactCut { head: Some(first..end), middle: end..end, tail: None },
            (false, false) => {
                ExactCut { head: Some(first..second), middle: second..final_key, tail: Some(final_key..end) }
            }
        }
    }

    /// The packets of sound that are heard in `wanted`, and what a decoder needs before them.
    pub(crate) fn heard(&self, wanted: &Range<i64>) -> Range<usize> {
        let [from, until] = [wanted.start, wanted.end].map(|time| ticks(time, self.head.timescale));
        let over = |sample: &Placed| self.presented(sample) + i64::from(sample.duration) <= from;
        let first = self.samples.partition_point(over);
        let end = self.samples.partition_point(|sample| self.presented(sample) < until);
        if first < end { first.saturating_sub(PREROLL)..end } else { 0..0 }
    }

    /// Only these samples.
    pub(crate) fn keep(&mut self, range: Range<usize>) {
        self.samples.truncate(range.end);
        self.samples.drain(..range.start.min(self.samples.len()));
    }

    /// Bytes of its samples.
    pub(crate) fn bytes(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.size)).sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::replay::movie::read::Head;
    use proptest::prelude::*;

    /// 25 pictures a second from second 100 on, a key frame every `group`.
    pub(crate) fn pictures(count: i64, group: i64) -> Strand {
        let mut strand = Strand::new(Head::of_test(b"vide", 25_000));
        strand.entry(b"entry");
        strand.samples =
            (0..count).map(|number| placed(2_500_000 + number * 1000, 1000, number % group == 0)).collect();
        strand
    }

    fn placed(dts: i64, duration: u32, key: bool) -> Placed {
        Placed { dts, offset: 0, size: 10, duration, composition: 0, file: 0, entry: 0, key }
    }

    fn at(millis: i64) -> i64 {
        100_000_000_000 + millis * 1_000_000
    }

    #[test]
    fn cuts_on_key_frames_hold_what_was_asked_for() {
        let strand = pictures(200, 50);
        for (wanted, expected) in [
            (at(0)..at(8000), 0..200),
            (at(2000)..at(4000), 50..100),
            (at(2001)..at(3999), 50..100),
            (at(1999)..at(4001), 0..150),
            (at(-5000)..at(100), 0..50),
            (at(7900)..at(99_000), 150..200),
        ] {
            assert_eq!(strand.on_keys(&wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn exact_cuts_encode_no_more_than_their_first_and_last_group() {
        let strand = pictures(200, 50);
        let cut = |head, middle, tail| ExactCut { head, middle, tail };
        for (wanted, expected) in [
            (at(2000)..at(4000), cut(None, 50..100, None)),
            (at(2040)..at(6000), cut(Some(50..100), 100..150, None)),
            (at(2000)..at(6040), cut(None, 50..150, Some(150..200))),
            (at(1000)..at(7000), cut(Some(0..50), 50..150, Some(150..200))),
            (at(1000)..at(1400), cut(Some(0..50), 50..50, None)),
            (at(1000)..at(2400), cut(Some(0..50), 50..50, Some(50..100))),
            (at(0)..at(60_000), cut(None, 0..200, None)),
        ] {
            assert_eq!(strand.exactly(&wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn sound_begins_a_packet_early() {
        let mut strand = Strand::new(Head::of_test(b"soun", 48_000));
        strand.samples = (0..100).map(|number| placed(4_800_000 + number * 1024, 1024, true)).collect();
        assert_eq!(strand.heard(&(at(0)..at(1000))), 0..47);
        assert_eq!(strand.heard(&(at(1000)..at(2000))), 45..94);
        assert_eq!(strand.heard(&(at(90_000)..at(99_000))), 0..0);
        strand.keep(45..94);
        assert_eq!(strand.samples.len(), 49);
    }

    proptest! {
        #[test]
        fn an_exact_cut_has_each_picture_of_the_range_once(
            group in 1i64..60, from in -1000i64..9000, length in 1i64..9000,
        ) {
            let strand = pictures(200, group);
            let wanted = at(from)..at(from + length);
            let cut = strand.exactly(&wanted);
            let [start, end] = [wanted.start, wanted.end].map(|time| ticks(time, 25_000));
            let inside = |sample: &&Placed| (start..end).contains(&strand.presented(sample));
            let edges = cut.head.iter().chain(&cut.tail).cloned();
            let encoded: usize = edges.map(|range| strand.samples[range].iter().filter(inside).count()).sum();
            let copied = &strand.samples[cut.middle.clone()];
            prop_assert!(copied.iter().all(|sample| inside(&sample)));
            prop_assert!(copied.first().is_none_or(|sample| sample.key));
            prop_assert_eq!(encoded + copied.len(), strand.samples.iter().filter(inside).count());
        }
    }
}
