//! Reading CMAF (ISO/IEC 23000-19): what an initialisation says of its one track, and where the samples of a segment are.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::MovieError;
use crate::bmff::{Defaults, Entry, Fields, Fragment, boxes, defaults, find, head_at, whole};

/// The largest `moof` that is read: a segment's worth of samples needs some kilobytes.
const MOOF_LIMIT: u64 = 4 << 20;
/// The largest initialisation that is read.
const INIT_LIMIT: u64 = 1 << 20;

/// What an initialisation says of its track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its number.
    track: u32,
    /// Ticks per second.
    pub(crate) timescale: u32,
    /// `vide` or `soun`.
    pub(crate) handler: [u8; 4],
    /// The `hdlr` box.
    pub(crate) hdlr: Vec<u8>,
    /// The `vmhd` or `smhd` box.
    pub(crate) media_header: Vec<u8>,
    /// The sample entry, such as `avc1`, a whole box.
    pub(crate) entry: Vec<u8>,
    /// Width and height as `tkhd` has them, 16.16.
    pub(crate) size: [u32; 2],
    /// As `mdhd` has it.
    pub(crate) language: u16,
    /// Presentation = composition − this, ticks; from the edit list.
    pub(crate) lead: i64,
    defaults: Defaults,
}

/// One coded picture, or packet of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Decoding time in ticks.
    pub(crate) dts: u64,
    /// Composition less decoding time, ticks.
    pub(crate) composition: i32,
    /// Ticks.
    pub(crate) duration: u32,
    /// Can be decoded without any other.
    pub(crate) key: bool,
    /// Where it begins in its file.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u32,
}

impl Head {
    /// Reads the initialisation at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, MovieError> {
        let unreadable = |cause| MovieError::File { path: path.to_owned(), cause };
        if std::fs::metadata(path).map_err(unreadable)?.len() > INIT_LIMIT {
            return Err(MovieError::NotCmaf(path.to_owned()));
        }
        let data = std::fs::read(path).map_err(unreadable)?;
        Self::read(&data).ok_or_else(|| MovieError::NotCmaf(path.to_owned()))
    }

    /// Reads the bytes of an initialisation of one track.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let moov = find(data, &[b"moov"])?;
        let trak = find(moov, &[b"trak"])?;
        let (track, size) = read_tkhd(find(trak, &[b"tkhd"])?)?;
        let mdia = find(trak, &[b"mdia"])?;
        let (timescale, language) = read_mdhd(find(mdia, &[b"mdhd"])?)?;
        let handler = find(mdia, &[b"hdlr"])?.get(8..12)?.try_into().ok()?;
        let minf = find(mdia, &[b"minf"])?;
        let media_header = boxes(minf).find(|found| matches!(&found.kind, b"vmhd" | b"smhd"))?.whole;
        let entry = boxes(find(minf, &[b"stbl", b"stsd"])?.get(8..)?).next()?.whole;
        Some(Self {
            track,
            timescale,
            handler,
            hdlr: whole(mdia, b"hdlr")?.to_vec(),
            media_header: media_header.to_vec(),
            entry: entry.to_vec(),
            size,
            language,
            lead: find(trak, &[b"edts", b"elst"]).and_then(read_lead).unwrap_or(0),
            defaults: defaults(moov, track).unwrap_or_default(),
        })
    }

    /// Whether it is pictures.
    pub(crate) fn is_picture(&self) -> bool {
        &self.handler == b"vide"
    }
}

fn read_tkhd(tkhd: &[u8]) -> Option<(u32, [u32; 2])> {
    let mut fields = Fields::new(tkhd);
    let (version, _) = fields.full()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let track = fields.u32()?;
    // reserved, duration; reserved, layer, group, volume, reserved, matrix.
    fields.skip(4 + if version == 0 { 4 } else { 8 } + 16 + 36)?;
    Some((track, [fields.u32()?, fields.u32()?]))
}

fn read_mdhd(mdhd: &[u8]) -> Option<(u32, u16)> {
    let mut fields = Fields::new(mdhd);
    let (version, _) = fields.full()?;
    fields.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = fields.u32().filter(|scale| *scale > 0)?;
    fields.sized(version)?;
    Some((timescale, fields.u16()?))
}

/// The media time at which the first edit that is not empty begins.
fn read_lead(elst: &[u8]) -> Option<i64> {
    let mut fields = Fields::new(elst);
    let (version, _) = fields.full()?;
    for _ in 0..fields.u32()? {
        fields.sized(version)?;
        let begin = if version == 0 { i64::from(fields.u32()? as i32) } else { fields.u64()? as i64 };
        fields.skip(4)?;
        if begin >= 0 {
            return Some(begin);
        }
    }
    None
}

/// The samples of the segment at `path`, as far as they are whole.
pub(crate) fn samples(head: &Head, path: &Path) -> Result<Vec<Sample>, MovieError> {
    let unreadable = |cause| MovieError::File { path: path.to_owned(), cause };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let (mut at, mut samples) = (0, Vec::new());
    while let Some(found) = head_at(&file, at, length).map_err(unreadable)? {
        let Some(end) = at.checked_add(found.size).filter(|end| *end <= length) else { break };
        if &found.kind == b"moof" {
            if found.size > MOOF_LIMIT {
                break;
            }
            let mut content = vec![0; (found.size - found.length) as usize];
            file.read_exact_at(&mut content, at + found.length).map_err(unreadable)?;
            if read_moof(head, &content, at, length, &mut samples).is_none() {
                break;
            }
        }
        at = end;
    }
    Ok(samples)
}

#[cfg(test)]
impl Head {
    /// Of a track that no file has.
    pub(crate) fn of_test(handler: &[u8; 4], timescale: u32) -> Self {
        Self {
            track: 1,
            timescale,
            handler: *handler,
            hdlr: Vec::new(),
            media_header: Vec::new(),
            entry: Vec::new(),
            size: [0, 0],
            language: 0,
            lead: 0,
            defaults: Defaults::default(),
        }
    }
}

/// None at the first thing that cannot be: what was read before stays.
fn read_moof(head: &Head, moof: &[u8], start: u64, length: u64, samples: &mut Vec<Sample>) -> Option<()> {
    for traf in boxes(moof).filter(|found| &found.kind == b"traf") {
        let fragment = Fragment::read(traf.content, |_| Some(head.defaults))?;
        if fragment.track != head.track {
            continue;
        }
        let base = fragment.base.unwrap_or(start);
        let (mut offset, mut dts) = (base, fragment.decode_time);
        for run in fragment.runs() {
            let run = run?;
            if let Some(from_base) = run.offset {
                offset = base.checked_add_signed(from_base.into())?;
            }
            for entry in run {
                let entry = entry?;
                let Entry { duration, size, .. } = entry;
                let end = offset.checked_add(u64::from(size)).filter(|end| *end <= length && size > 0)?;
                // Some write negative ones in version 0, which has them unsigned; none is longer than that.
                let composition = entry.composition as i32;
                samples.push(Sample { dts, composition, duration, key: entry.is_sync(), offset, size });
                (offset, dts) = (end, dts.checked_add(u64::from(duration))?);
            }
        }
    }
    Some(())
}
