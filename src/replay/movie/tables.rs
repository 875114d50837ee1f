//! The `moov` box: tracks and their sample tables (ISO/IEC 14496-12, 8).

use super::strand::{Placed, Strand};
use super::write::{Chapter, Chunk};
use super::{rescale, ticks};
use crate::bmff::Boxes;

/// Seconds from 1904, which files count from, to 1970.
const SINCE_1904: u64 = 2_082_844_800;
/// A transformation that changes nothing.
const UNITY: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];
/// `co64` where the file is longer than `stco` can say.
const SMALL: u64 = u32::MAX as u64;
/// Chapters that a list has room for.
const CHAPTERS: usize = 255;

/// Everything that the index is made of.
pub(super) struct Index<'a> {
    pub(super) strands: &'a [Strand],
    pub(super) chunks: &'a [Chunk],
    pub(super) chapters: &'a [Chapter],
    /// Nanoseconds since the epoch.
    pub(super) begin: i64,
    pub(super) end: i64,
}

impl Index<'_> {
    /// The `moov` box, if the first chunk lies at `media` of a file of `length` bytes. Its size depends on `length` alone.
    pub(super) fn moov(&self, media: u64, length: u64) -> Vec<u8> {
        let scale = self.timescale();
        let created = SINCE_1904 + (self.begin.max(0) / 1_000_000_000) as u64;
        let mut boxes = Boxes::default();
        let longest = self.strands.iter().map(|strand| self.edit(strand).lasts).max().unwrap_or(0);
        boxes.begin(b"moov").begin_full(b"mvhd", 1, 0).u64(created).u64(created).u32(scale).u64(longest);
        boxes.u32(0x0001_0000).u32(0x0100_0000).u64(0);
        unity(&mut boxes);
        boxes.bytes(&[0; 24]).u32(self.strands.len() as u32 + 1).end();
        for (place, strand) in self.strands.iter().enumerate() {
            self.track(&mut boxes, place, strand, created, Offsets { media, wide: length > SMALL });
        }
        self.write_chapters(&mut boxes);
        boxes.end();
        boxes.data
    }

    /// Ticks per second of the movie: those of its pictures, so that their times are exact.
    fn timescale(&self) -> u32 {
        let pictures = self.strands.iter().find(|strand| strand.head.is_picture());
        pictures.or(self.strands.first()).map_or(1000, |strand| strand.head.timescale)
    }

    fn track(&self, boxes: &mut Boxes, place: usize, strand: &Strand, created: u64, offsets: Offsets) {
        let (head, edit) = (&strand.head, self.edit(strand));
        boxes.begin(b"trak");
        // Enabled, and used in the presentation.
        boxes.begin_full(b"tkhd", 1, 3).u64(created).u64(created).u32(place as u32 + 1).u32(0).u64(edit.whole());
        boxes.u64(0).u16(0).u16(0).u16(if head.is_picture() { 0 } else { 0x0100 }).u16(0);
        unity(boxes);
        boxes.u32(head.size[0]).u32(head.size[1]).end();
        edit.write(boxes);
        let lasts: u64 = durations(&strand.samples).map(u64::from).sum();
        boxes.begin(b"mdia").begin_full(b"mdhd", 1, 0).u64(created).u64(created).u32(head.timescale).u64(lasts);
        boxes.u16(head.language).u16(0).end().bytes(&head.hdlr);
        boxes.begin(b"minf").bytes(&head.media_header);
        // Media lie in this file.
        boxes.begin(b"dinf").begin_full(b"dref", 0, 0).u32(1).begin_full(b"url ", 0, 1).end().end().end();
        self.sample_table(boxes, place, strand, offsets);
        boxes.end().end().end();
    }

    fn sample_table(&self, boxes: &mut Boxes, place: usize, strand: &Strand, offsets: Offsets) {
        let samples = &strand.samples;
        boxes.begin(b"stbl").begin_full(b"stsd", 0, 0).u32(strand.entries.len() as u32);
        for entry in &strand.entries {
            boxes.bytes(entry);
        }
        boxes.end();
        boxes.table(b"stts", 0, &runs(durations(samples)));
        if samples.iter().any(|sample| sample.composition != 0) {
            boxes.table(b"ctts", 1, &runs(samples.iter().map(|sample| sample.composition as u32)));
        }
        if samples.iter().any(|sample| !sample.key) {
            let keys = (1..).zip(samples).filter(|(_, sample)| sample.key).map(|(number, _)| [number]);
            boxes.table(b"stss", 0, &keys.collect::<Vec<[u32; 1]>>());
        }
        let own = || self.chunks.iter().filter(|chunk| chunk.strand == place);
        boxes.table(b"stsc", 0, &samples_in_chunks(own()));
        boxes.begin_full(b"stsz", 0, 0).u32(0).u32(samples.len() as u32);
        for sample in samples {
            boxes.u32(sample.size);
        }
        boxes.end();
        let mut at = offsets.media;
        let lie = self.chunks.iter().filter_map(|chunk| {
            let here = at;
            at += chunk.bytes;
            (chunk.strand == place).then_some(here)
        });
        let lie: Vec<u64> = lie.collect();
        boxes.begin_full(if offsets.wide { b"co64" } else { b"stco" }, 0, 0).u32(lie.len() as u32);
        for offset in lie {
            if offsets.wide {
                boxes.u64(offset)
            } else {
                boxes.u32(offset as u32)
            };
        }
        boxes.end().end();
    }

    /// Which part of a track is presented, and when.
    fn edit(&self, strand: &Strand) -> Edit {
        let (own, movie) = (strand.head.timescale, self.timescale());
        let Some(first) = strand.samples.first() else { return Edit::default() };
        let (begin, end) = (ticks(self.begin, own), ticks(self.end, own));
        let starts = strand.samples.iter().take(64).map(|sample| strand.presented(sample)).min().unwrap_or(begin);
        let from = begin.max(starts);
        let last = strand.samples.iter().rev().take(64);
        let ends = last.map(|sample| strand.presented(sample) + i64::from(sample.duration)).max().unwrap_or(end);
        let to_movie = |value: i64| rescale(value.max(0), own.into(), movie.into()) as u64;
        Edit {
            waits: to_movie(from - begin),
            // On the timeline of decoding, which begins with the first sample.
            begins: (from + strand.head.lead - first.dts).max(0) as u64,
            lasts: to_movie(ends.min(end) - from),
        }
    }

    /// `chpl`, which ffmpeg, mpv and VLC read.
    fn write_chapters(&self, boxes: &mut Boxes) {
        if self.chapters.is_empty() {
            return;
        }
        let chapters = &self.chapters[..self.chapters.len().min(CHAPTERS)];
        boxes.begin(b"udta").begin_full(b"chpl", 1, 0).u32(0).bytes(&[chapters.len() as u8]);
        for chapter in chapters {
            let mut title = chapter.title.as_str();
            while title.len() > 255 {
                title = &title[..title.char_indices().next_back().map_or(0, |(at, _)| at)];
            }
            // In steps of 100 ns.
            boxes.u64((chapter.at - self.begin).max(0) as u64 / 100);
            boxes.bytes(&[title.len() as u8]).bytes(title.as_bytes());
        }
        boxes.end().end();
    }
}

fn unity(boxes: &mut Boxes) {
    for value in UNITY {
        boxes.u32(value);
    }
}

/// Where chunks lie, and how that is written.
#[derive(Clone, Copy)]
struct Offsets {
    media: u64,
    wide: bool,
}

/// An edit list of one edit, perhaps behind an empty one.
#[derive(Debug, Default, Clone, Copy)]
struct Edit {
    /// Ticks of the movie before anything is presented.
    waits: u64,
    /// Ticks of the media that are left out at the front.
    begins: u64,
    /// Ticks of the movie that are presented.
    lasts: u64,
}

impl Edit {
    fn whole(&self) -> u64 {
        self.waits + self.lasts
    }

    fn write(&self, boxes: &mut Boxes) {
        let empty = self.waits > 0;
        boxes.begin(b"edts").begin_full(b"elst", 1, 0).u32(1 + u32::from(empty));
        if empty {
            boxes.u64(self.waits).u64(u64::MAX).u32(0x0001_0000);
        }
        boxes.u64(self.lasts).u64(self.begins).u32(0x0001_0000).end().end();
    }
}

/// How long each sample lasts: up to the next one.
fn durations(samples: &[Placed]) -> impl Iterator<Item = u32> {
    let next = samples.iter().skip(1).map(|sample| Some(sample.dts)).chain([None]);
    samples.iter().zip(next).map(|(sample, next)| match next {
        Some(next) => (next - sample.dts).clamp(0, u32::MAX.into()) as u32,
        None => sample.duration,
    })
}

/// Run lengths: (how many, which value).
fn runs(values: impl Iterator<Item = u32>) -> Vec<[u32; 2]> {
    let mut runs: Vec<[u32; 2]> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some([count, last]) if *last == value => *count += 1,
            _ => runs.push([1, value]),
        }
    }
    runs
}

/// First chunk of a run, samples in each, sample entry.
fn samples_in_chunks<'a>(chunks: impl Iterator<Item = &'a Chunk>) -> Vec<[u32; 3]> {
    let mut rows: Vec<[u32; 3]> = Vec::new();
    for (number, chunk) in (1..).zip(chunks) {
        let (count, entry) = (chunk.samples.len() as u32, u32::from(chunk.entry) + 1);
        if rows.last().is_none_or(|row| row[1..] != [count, entry]) {
            rows.push([number, count, entry]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted() {
        assert_eq!(runs([5, 5, 7, 5].into_iter()), [[2, 5], [1, 7], [1, 5]]);
        assert!(runs(std::iter::empty()).is_empty());
    }

    #[test]
    fn a_picture_before_a_hole_stands_still() {
        let mut strand = super::super::strand::tests::pictures(4, 2);
        strand.samples.remove(2);
        assert_eq!(durations(&strand.samples).collect::<Vec<_>>(), [1000, 2000, 1000]);
    }
}
