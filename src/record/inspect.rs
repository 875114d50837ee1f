//! Looks into segments and initialisations: what can be known of a recording from its files alone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::manifest::RenditionKind;
use crate::model::{MediaTime, PictureSize};
use crate::spool::boxes::{children, find, scan_chunks};
use crate::spool::timing::Track;

/// `sample_is_non_sync_sample` of the sample flags (ISO/IEC 14496-12, 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What an initialisation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Initialisation {
    pub(crate) track: Track,
    pub(crate) kind: RenditionKind,
    /// Of pictures.
    pub(crate) size: Option<PictureSize>,
    /// Flags of samples that do not say their own.
    default_flags: u32,
}

impl Initialisation {
    /// Reads `ftyp` + `moov`; none if that is not what it is.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let data = fs::read(path).ok()?;
        let track = Track::read(&data)?;
        let moov = find(&data, &[b"moov"])?;
        let stsd = find(moov, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
        let (format, entry) = children(stsd.get(8..)?).next()?;
        let pictures = matches!(&format, b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"av01" | b"vp09" | b"encv");
        let kind = if pictures { RenditionKind::Video } else { RenditionKind::Audio };
        let pixels = |at: usize| Some(u32::from(u16::from_be_bytes(entry.get(at..at + 2)?.try_into().ok()?)));
        let size = || PictureSize::new(pixels(24)?, pixels(26)?);
        let default_flags = find(moov, &[b"mvex", b"trex"]).and_then(|trex| u32_at(trex, 20)).unwrap_or(0);
        Some(Self { track, kind, size: (kind == RenditionKind::Video).then(size).flatten(), default_flags })
    }

    /// Whether the first sample of a `moof` (its content) is a sync sample.
    fn begins_with_keyframe(&self, moof: &[u8]) -> bool {
        self.first_flags(moof).unwrap_or(self.default_flags) & NON_SYNC == 0
    }

    fn first_flags(&self, moof: &[u8]) -> Option<u32> {
        let traf = find(moof, &[b"traf"])?;
        let trun = find(traf, &[b"trun"])?;
        let flags = u32_at(trun, 0)? & 0xff_ffff;
        let behind_head = 8 + 4 * (flags & 0x1).count_ones() as usize;
        if flags & 0x4 != 0 {
            return u32_at(trun, behind_head);
        }
        if flags & 0x400 != 0 {
            // In front of the flags of a sample stand its duration and its size.
            return u32_at(trun, behind_head + 4 * (flags & 0x300).count_ones() as usize);
        }
        let tfhd = find(traf, &[b"tfhd"])?;
        let flags = u32_at(tfhd, 0)? & 0xff_ffff;
        let before = if flags & 0x1 != 0 { 8 } else { 0 } + 4 * (flags & 0x1a).count_ones() as usize;
        if flags & 0x20 != 0 { u32_at(tfhd, 8 + before) } else { None }
    }
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The whole chunks that a file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Media {
    /// Where the last whole chunk ends.
    pub(crate) bytes: u64,
    pub(crate) begin: MediaTime,
    pub(crate) end: MediaTime,
    /// Time within that no sample covers, in one piece.
    pub(crate) hole: Option<(MediaTime, MediaTime)>,
    /// It begins with a sync sample.
    pub(crate) keyframe: bool,
}

/// The least hole that counts: more than any rounding, less than a handful of pictures.
pub(crate) const HOLE: Duration = Duration::from_millis(150);

/// Reads when the whole chunks of a file play. None if there is not one.
pub(crate) fn media(path: &Path, init: &Initialisation) -> io::Result<Option<Media>> {
    let chunks = scan_chunks(&File::open(path)?)?;
    let spans: Option<Vec<_>> = chunks.moofs.iter().map(|moof| init.track.span(moof)).collect();
    let (Some(spans), Some(first)) = (spans, chunks.moofs.first()) else { return Ok(None) };
    let Some(begin) = spans.first().map(|span| span.start) else { return Ok(None) };
    let (mut end, mut hole) = (begin, None::<(MediaTime, MediaTime)>);
    for span in &spans {
        if span.start.since(end) > hole.map_or(HOLE, |(from, to)| to.since(from)) {
            hole = Some((end, span.start));
        }
        end = end.max(span.start + span.duration);
    }
    let keyframe = init.kind != RenditionKind::Video || init.begins_with_keyframe(first);
    Ok((end > begin).then_some(Media { bytes: chunks.end, begin, end, hole, keyframe }))
}

/// The checksum of a file, and its length.
pub fn checksum(path: &Path) -> io::Result<(String, u64)> {
    let (mut file, mut digest, mut length) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex::encode(digest.finalize()), length)),
            read => {
                digest.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}
