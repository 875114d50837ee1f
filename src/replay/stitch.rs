//! A recording, or a stretch of it, as one MP4: segments stitched together without encoding anything anew, or, for an
//! exact cut, nothing but its first and last pictures.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::edge;
use super::movie::{Chapter, Movie, MovieError, Piece, Strand};
use super::range::media;
use crate::model::{MediaTime, RenditionId};
use crate::record::{Manifest, RecordedRendition, RenditionKind};

/// What a movie shall hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// This picture; the best if none.
    pub(crate) video: Option<RenditionId>,
    /// These voices; the default one if none.
    pub(crate) audio: Vec<RenditionId>,
    /// Only this stretch.
    pub(crate) range: Option<Range<MediaTime>>,
    /// Cut on the picture instead of the next key frame.
    pub(crate) exact: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// File name below `movies/` of the recording.
    pub file: String,
    /// Size.
    pub bytes: u64,
    /// What it shows first.
    pub begins: MediaTime,
    /// Where it ends.
    pub ends: MediaTime,
    /// Pictures in it.
    pub pictures: u64,
    /// Pictures that were encoded anew.
    pub encoded_anew: u64,
    /// Sample entries of its picture: more than one where the encoder's settings changed.
    pub entries: usize,
    /// Samples left out because their time was over already.
    pub overlapping: u64,
}

/// What a movie is made with.
pub(crate) struct Bench<'a> {
    /// The worker's executable.
    pub(crate) worker: &'a Path,
    /// For what is encoded anew; removed by the caller.
    pub(crate) scratch: &'a Path,
    /// Hears how far it is, 0 to 1, and says whether to go on.
    pub(crate) go_on: &'a dyn Fn(f64) -> bool,
}

/// Writes `output` from the recording in `directory`.
pub(crate) fn make(
    manifest: &Manifest,
    directory: &Path,
    wanted: &Wanted,
    output: &Path,
    bench: &Bench<'_>,
) -> Result<Made, MovieError> {
    let whole = media(manifest).ok_or(MovieError::Empty)?;
    let range = wanted.range.clone().unwrap_or_else(|| whole.clone());
    let chosen = choose(manifest, wanted)?;
    let mut strands = Vec::new();
    for rendition in chosen {
        let pieces = pieces(rendition, directory, &range);
        // Reading the indices is a small part of the work.
        strands.extend(Strand::gather(&pieces, || (bench.go_on)(0.0))?);
    }
    let mut span = nanos(range.start)..nanos(range.end);
    let mut encoded_anew = 0;
    for strand in strands.iter_mut().filter(|strand| strand.head.is_picture()) {
        if wanted.exact && wanted.range.is_some() {
            encoded_anew += edge::cut(strand, &span, bench)?;
        } else {
            let kept = strand.on_keys(&span);
            strand.keep(kept);
        }
        // The picture decides where the movie begins and ends.
        span = strand.span().unwrap_or(span);
    }
    for strand in strands.iter_mut().filter(|strand| !strand.head.is_picture()) {
        let heard = strand.heard(&span);
        strand.keep(heard);
    }
    strands.retain(|strand| !strand.samples.is_empty());
    if !strands.iter().any(|strand| strand.head.is_picture()) {
        span = within(&strands, &span);
    }
    write(
        manifest,
        Movie { strands, chapters: chapters(manifest, &span), presented: span },
        output,
        encoded_anew,
        bench,
    )
}

fn write(
    manifest: &Manifest,
    movie: Movie,
    output: &Path,
    encoded_anew: u64,
    bench: &Bench<'_>,
) -> Result<Made, MovieError> {
    let total = movie.bytes().max(1) as f64;
    room(output, movie.bytes())?;
    let bytes = movie.write(output, |written| (bench.go_on)(written as f64 / total))?;
    let pictures = movie.strands.iter().find(|strand| strand.head.is_picture());
    let name = output.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Made {
        file: name.unwrap_or_else(|| format!("{}.mp4", manifest.id)),
        bytes,
        begins: time(movie.presented.start),
        ends: time(movie.presented.end),
        pictures: pictures.map_or(0, |strand| strand.samples.len() as u64),
        encoded_anew,
        entries: pictures.or(movie.strands.first()).map_or(0, |strand| strand.entries.len()),
        overlapping: movie.strands.iter().map(|strand| strand.overlapping).sum(),
    })
}

/// Left free on the disk, beside what is written: recordings and segments of channels on air need it.
const KEEP_FREE: u64 = 1 << 30;

/// Refuses what would fill the disk.
fn room(output: &Path, bytes: u64) -> Result<(), MovieError> {
    let failed = |cause| MovieError::File { path: output.to_owned(), cause };
    let directory = output.parent().unwrap_or(Path::new("."));
    let disk = rustix::fs::statvfs(directory).map_err(|error| failed(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes.saturating_add(KEEP_FREE) {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let said = format!(
            "no room: it takes {:.1} GB, {:.1} GB are free, and 1 GB is kept free; delete recordings or movies",
            gigabytes(bytes),
            gigabytes(free)
        );
        return Err(failed(std::io::Error::new(std::io::ErrorKind::StorageFull, said)));
    }
    Ok(())
}

/// The renditions of a movie: one picture, then voices.
fn choose<'a>(manifest: &'a Manifest, wanted: &Wanted) -> Result<Vec<&'a RecordedRendition>, MovieError> {
    let of_kind = |kind: RenditionKind| {
        let all = manifest.renditions.iter();
        all.filter(move |rendition| rendition.kind == kind && !rendition.segments.is_empty())
    };
    let named = |kind: RenditionKind, id: &RenditionId| {
        of_kind(kind).find(|rendition| rendition.id == *id).ok_or_else(|| {
            let known: Vec<&str> = of_kind(kind).map(|rendition| rendition.id.as_str()).collect();
            MovieError::Refused(format!("the recording has no such rendition `{id}`; it has: {}", known.join(", ")))
        })
    };
    let mut chosen = Vec::new();
    match &wanted.video {
        Some(id) => chosen.push(named(RenditionKind::Video, id)?),
        None => chosen.extend(of_kind(RenditionKind::Video).next()),
    }
    match wanted.audio.as_slice() {
        [] => chosen.extend(of_kind(RenditionKind::Audio).next()),
        ids => {
            for id in ids {
                chosen.push(named(RenditionKind::Audio, id)?);
            }
        }
    }
    if chosen.is_empty() { Err(MovieError::Empty) } else { Ok(chosen) }
}

/// The segments that any of `range` may be in: with a neighbour on each side, for key frames and sound that begin a
/// little earlier.
fn pieces(rendition: &RecordedRendition, directory: &Path, range: &Range<MediaTime>) -> Vec<Piece> {
    let segments = &rendition.segments;
    let first = segments.partition_point(|segment| segment.end() <= range.start).saturating_sub(1);
    let end = segments.partition_point(|segment| segment.begin < range.end) + 1;
    let folder: PathBuf = directory.join(rendition.id.as_str());
    let near = segments.get(first..end.min(segments.len())).unwrap_or_default();
    let piece = |segment: &crate::record::RecordedSegment| Piece {
        init: folder.join(&segment.init),
        file: folder.join(segment.file_name()),
    };
    near.iter().filter(|segment| crate::hls::is_init_name(&segment.init)).map(piece).collect()
}

/// Markers become chapters; what is before the first has one, too.
fn chapters(manifest: &Manifest, span: &Range<i64>) -> Vec<Chapter> {
    let inside = manifest.markers.iter().filter(|marker| span.contains(&nanos(marker.at)));
    let mut chapters: Vec<Chapter> =
        inside.map(|marker| Chapter { at: nanos(marker.at), title: marker.text.clone() }).collect();
    chapters.sort_by_key(|chapter| chapter.at);
    if chapters.first().is_some_and(|chapter| chapter.at > span.start) {
        let title = manifest.title.clone().unwrap_or_else(|| manifest.id.to_string());
        chapters.insert(0, Chapter { at: span.start, title });
    }
    chapters
}

/// What of `span` sound alone fills.
fn within(strands: &[Strand], span: &Range<i64>) -> Range<i64> {
    let spans: Vec<Range<i64>> = strands.iter().filter_map(Strand::span).collect();
    let first = spans.iter().map(|span| span.start).min().unwrap_or(span.start);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(span.end);
    span.start.max(first)..span.end.min(last)
}

fn nanos(time: MediaTime) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

fn time(nanos: i64) -> MediaTime {
    MediaTime::from_nanos(nanos.max(0) as u64)
}
