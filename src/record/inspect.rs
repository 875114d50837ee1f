//! Looks into segments and initialisations: what can be known of a recording from its files alone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::manifest::RenditionKind;
use crate::bmff::{boxes, find};
use crate::model::{MediaTime, PictureSize};
use crate::spool::chunks::scan_chunks;
use crate::spool::timing::Track;

/// What an initialisation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Initialisation {
    pub(crate) track: Track,
    pub(crate) kind: RenditionKind,
    /// Of pictures.
    pub(crate) size: Option<PictureSize>,
}

impl Initialisation {
    /// Reads `ftyp` + `moov`; none if that is not what it is.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let data = fs::read(path).ok()?;
        let track = Track::read(&data)?;
        let moov = find(&data, &[b"moov"])?;
        let stsd = find(moov, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
        let entry = boxes(stsd.get(8..)?).next()?;
        let pictures = matches!(&entry.kind, b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"av01" | b"vp09" | b"encv");
        let kind = if pictures { RenditionKind::Video } else { RenditionKind::Audio };
        let pixels = |at: usize| Some(u32::from(u16::from_be_bytes(entry.content.get(at..at + 2)?.try_into().ok()?)));
        let size = || PictureSize::new(pixels(24)?, pixels(26)?);
        Some(Self { track, kind, size: (kind == RenditionKind::Video).then(size).flatten() })
    }

    /// Whether the first sample of a `moof` (its content) is a sync sample.
    fn begins_with_keyframe(&self, moof: &[u8]) -> bool {
        let first = || self.track.fragment(moof)?.runs().next()??.next()?;
        first().is_some_and(|entry| entry.is_sync())
    }
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
