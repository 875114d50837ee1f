//! Chunks: samples encrypted where they lie, and for pictures what says which of their bytes are (`senc`, `saiz`, `saio`).

use std::ops::Range;

use super::super::boxes::{Malformed, Span, full, spans, u32_at, wrap};
use super::super::cbc::Cbc;
use super::super::key::ContentKey;
use super::Coding;
use super::slices::{Subsample, subsamples};

/// Of `tfhd` (ISO/IEC 14496-12, 8.8.7.1).
const BASE_DATA_OFFSET: u32 = 0x00_0001;
const SAMPLE_DESCRIPTION: u32 = 0x00_0002;
const DEFAULT_DURATION: u32 = 0x00_0008;
const DEFAULT_SIZE: u32 = 0x00_0010;
/// Of `trun` (8.8.8.1).
const DATA_OFFSET: u32 = 0x0001;
const FIRST_FLAGS: u32 = 0x0004;
const DURATION: u32 = 0x0100;
const SIZE: u32 = 0x0200;
const FLAGS: u32 = 0x0400;
const TIME_OFFSET: u32 = 0x0800;
/// What is said of a sample is counted with one byte: two, and six for each subsample.
const MOST_SUBSAMPLES: usize = 42;

/// Chunks, encrypted with `key`.
pub(crate) fn samples(clear: &[u8], coding: Coding, key: &ContentKey) -> Result<Vec<u8>, Malformed> {
    if coding == Coding::Unknown {
        return Err(Malformed("samples of this codec cannot be"));
    }
    let cipher = Cbc::new(&key.key);
    let mut out = Vec::with_capacity(clear.len() + clear.len() / 32 + 1024);
    let mut open: Option<Fragment> = None;
    for span in spans(clear, 0..clear.len())? {
        match (&span.kind, open.take()) {
            (b"moof", None) => open = Some(Fragment::read(clear, &span)?),
            (b"mdat", Some(fragment)) => fragment.encrypt(clear, &span, (coding, key, &cipher), &mut out)?,
            (b"styp" | b"prft" | b"emsg" | b"free" | b"skip" | b"uuid", None) => {
                out.extend_from_slice(&clear[span.whole]);
            }
            _ => return Err(Malformed("it is not made of chunks")),
        }
    }
    if open.is_some() { Err(Malformed("a chunk has no media")) } else { Ok(out) }
}

/// A `moof`.
#[derive(Debug)]
struct Fragment {
    moof: Range<usize>,
    boxes: Vec<Span>,
    /// The only `traf`, and what it consists of.
    track: Span,
    parts: Vec<Span>,
    /// Samples, in the bytes that the `moof` is in.
    samples: Vec<Range<usize>>,
    /// Where the offset of a `trun` stands.
    offsets: Vec<usize>,
}

impl Fragment {
    fn read(data: &[u8], moof: &Span) -> Result<Self, Malformed> {
        let boxes = spans(data, moof.content.clone())?;
        let mut tracks = boxes.iter().filter(|span| span.kind == *b"traf");
        let (Some(track), None) = (tracks.next().cloned(), tracks.next()) else {
            return Err(Malformed("a chunk has not one track"));
        };
        if [moof, &track].iter().any(|span| span.content.start - span.whole.start != 8) {
            return Err(Malformed("the head of a chunk has an odd size"));
        }
        let parts = spans(data, track.content.clone())?;
        let head = parts.iter().find(|span| span.kind == *b"tfhd").ok_or(Malformed("a track has no head"))?;
        let default_size = default_size(&data[head.content.clone()])?;
        let mut fragment =
            Self { moof: moof.whole.clone(), boxes, track, parts, samples: Vec::new(), offsets: Vec::new() };
        let runs: Vec<Span> = fragment.parts.iter().filter(|span| span.kind == *b"trun").cloned().collect();
        for run in runs {
            fragment.read_run(data, &run, default_size)?;
        }
        Ok(fragment)
    }

    fn read_run(&mut self, data: &[u8], run: &Span, default_size: Option<u32>) -> Result<(), Malformed> {
        let content = &data[run.content.clone()];
        let flags = u32_at(content, 0)? & 0x00ff_ffff;
        let count = u32_at(content, 4)? as usize;
        let mut at = 8;
        // Behind the run before, unless it says otherwise.
        let mut next = self.samples.last().map(|sample| sample.end);
        if flags & DATA_OFFSET != 0 {
            let offset = u32_at(content, at)?.cast_signed() as isize;
            next = self.moof.start.checked_add_signed(offset);
            self.offsets.push(run.content.start + at);
            at += 4;
        }
        let mut next = next.ok_or(Malformed("it is not said where samples are"))?;
        at += if flags & FIRST_FLAGS != 0 { 4 } else { 0 };
        let before_size = if flags & DURATION != 0 { 4 } else { 0 };
        let fields = [DURATION, SIZE, FLAGS, TIME_OFFSET].iter().filter(|field| flags & **field != 0).count();
        for _ in 0..count {
            let size = match flags & SIZE {
                0 => default_size.ok_or(Malformed("a sample has no size"))?,
                _ => u32_at(content, at + before_size)?,
            };
            let end = next.checked_add(size as usize).filter(|end| *end <= data.len());
            let end = end.ok_or(Malformed("a sample is not where it should be"))?;
            self.samples.push(next..end);
            next = end;
            at += fields * 4;
        }
        Ok(())
    }

    /// Appends `moof` and `mdat` to `out`.
    fn encrypt(
        &self,
        data: &[u8],
        media: &Span,
        (coding, key, cipher): (Coding, &ContentKey, &Cbc),
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let inside = |sample: &Range<usize>| media.content.start <= sample.start && sample.end <= media.content.end;
        if !self.samples.iter().all(inside) {
            return Err(Malformed("a sample is not in the media of its chunk"));
        }
        let told: Vec<Vec<Subsample>> = match coding {
            Coding::Sound => Vec::new(),
            _ => {
                self.samples.iter().map(|sample| subsamples(&data[sample.clone()], coding)).collect::<Result<_, _>>()?
            }
        };
        out.extend(self.head(data, coding, &told)?);
        let start = out.len();
        out.extend_from_slice(&data[media.whole.clone()]);
        let at = |place: usize| start + place - media.whole.start;
        for (index, sample) in self.samples.iter().enumerate() {
            let bytes = &mut out[at(sample.start)..at(sample.end)];
            match told.get(index) {
                None => cipher.begin(&key.iv).blocks(bytes),
                Some(subsamples) => {
                    let mut rest = bytes;
                    for subsample in subsamples {
                        let (_, protected) = rest.split_at_mut(usize::from(subsample.clear));
                        let (protected, behind) = protected.split_at_mut(subsample.protected as usize);
                        // The vector begins anew with each subsample (10.4.2).
                        cipher.begin(&key.iv).pattern(protected);
                        rest = behind;
                    }
                }
            }
        }
        Ok(())
    }

    /// The `moof`, with what is told of its samples.
    fn head(&self, data: &[u8], coding: Coding, told: &[Vec<Subsample>]) -> Result<Vec<u8>, Malformed> {
        let mut moof = data[self.moof.clone()].to_vec();
        if coding == Coding::Sound {
            // Nothing to tell: all whole blocks, with the vector of the track.
            return Ok(moof);
        }
        let (sizes, auxiliary) = tell(told)?;
        let sizes = full(b"saiz", 0, 0, &sizes)?;
        let auxiliary = full(b"senc", 0, 2, &auxiliary)?;
        let places = |place: u32| full(b"saio", 0, 0, &[1u32.to_be_bytes(), place.to_be_bytes()].concat());
        let added = sizes.len() + places(0)?.len() + auxiliary.len();
        // Behind what the track has: size, places, and at last what they speak of, behind head, flags and count.
        let end = self.track.whole.end - self.moof.start;
        let place = end + sizes.len() + places(0)?.len() + 16;
        let place = u32::try_from(place).map_err(|_| Malformed("a chunk is too large"))?;
        for offset in &self.offsets {
            let at = offset - self.moof.start;
            let moved = u32_at(&moof, at)?.checked_add(added as u32).ok_or(Malformed("a chunk is too large"))?;
            moof[at..at + 4].copy_from_slice(&moved.to_be_bytes());
        }
        let mut content = Vec::with_capacity(moof.len() + added);
        for span in &self.boxes {
            let own = |range: &Range<usize>| range.start - self.moof.start..range.end - self.moof.start;
            if *span == self.track {
                let track = [&moof[own(&span.content)], &sizes, &places(place)?, &auxiliary].concat();
                content.extend(wrap(b"traf", &track)?);
            } else {
                content.extend_from_slice(&moof[own(&span.whole)]);
            }
        }
        wrap(b"moof", &content)
    }
}

/// The content of `saiz` and that of `senc`.
fn tell(told: &[Vec<Subsample>]) -> Result<(Vec<u8>, Vec<u8>), Malformed> {
    let count = u32::try_from(told.len()).map_err(|_| Malformed("a chunk has too many samples"))?.to_be_bytes();
    // No common size.
    let mut sizes = [[0].as_slice(), &count].concat();
    let mut auxiliary = count.to_vec();
    for subsamples in told {
        if subsamples.len() > MOST_SUBSAMPLES {
            return Err(Malformed("a picture has too many slices"));
        }
        sizes.push((2 + 6 * subsamples.len()) as u8);
        auxiliary.extend((subsamples.len() as u16).to_be_bytes());
        for subsample in subsamples {
            auxiliary.extend(subsample.clear.to_be_bytes());
            auxiliary.extend(subsample.protected.to_be_bytes());
        }
    }
    Ok((sizes, auxiliary))
}

/// The size of samples that have none of their own, by the content of `tfhd`.
fn default_size(content: &[u8]) -> Result<Option<u32>, Malformed> {
    let flags = u32_at(content, 0)? & 0x00ff_ffff;
    if flags & BASE_DATA_OFFSET != 0 {
        return Err(Malformed("places count from the beginning of the file"));
    }
    if flags & DEFAULT_SIZE == 0 {
        return Ok(None);
    }
    let before = [SAMPLE_DESCRIPTION, DEFAULT_DURATION].iter().filter(|field| flags & **field != 0).count();
    u32_at(content, 8 + before * 4).map(Some)
}

#[cfg(test)]
mod tests;
