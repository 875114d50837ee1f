//! The files of recordings, for players: playlists, segments, movies, with ranges (RFC 9110, section 14).

use std::io::SeekFrom;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::answer::{Kinds, Media};
use super::problem::Problem;
use super::recordings::{at_desk, name};
use super::routes::Api;

const READ: usize = 128 << 10;

/// A file of a recording.
pub(crate) struct RecordedFile;

impl Kinds for RecordedFile {
    const KINDS: &'static [&'static str] =
        &["application/vnd.apple.mpegurl", "video/iso.segment", "text/vtt", "video/mp4", "application/json"];
    const STATUSES: &'static [(&'static str, &'static str)] =
        &[("200", "all of it"), ("206", "the range that was asked for"), ("304", "it is known already")];
}

/// `GET /api/v1/recordings/{channel}/{id}/files/{path}`. `multivariant.m3u8` plays it, while it runs and afterwards.
pub(crate) async fn file(
    State(api): State<Api>,
    Path((channel, id, path)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Media<RecordedFile>, Problem> {
    let (channel, id) = name(&(channel, id))?;
    let (kind, keep) = kind(&path);
    let asked = path.clone();
    let place = at_desk(&api, move |desk| desk.file(&channel, &id, &path)).await?;
    let gone = |_| Problem::no_file(&asked);
    let mut file = File::open(place).await.map_err(gone)?;
    let meta = file.metadata().await.map_err(gone)?;
    let tag = format!("\"{:x}-{:x}-{:x}.{:x}\"", meta.len(), meta.ino(), meta.mtime(), meta.mtime_nsec());
    let mut answer = HeaderMap::new();
    set(&mut answer, header::CONTENT_TYPE, kind);
    set(&mut answer, header::CACHE_CONTROL, keep);
    set(&mut answer, header::ACCEPT_RANGES, "bytes");
    set(&mut answer, header::ETAG, &tag);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|list| list.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response().into());
    }
    let size = meta.len();
    let Ok(range) = wanted(&headers, &tag, size) else {
        set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
        let mut refused = Problem::no_range(size).into_response();
        refused.headers_mut().extend(answer.remove(header::CONTENT_RANGE).map(|value| (header::CONTENT_RANGE, value)));
        return Ok(refused.into());
    };
    let (status, start, length) = match &range {
        Some(range) => {
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start(), range.end()));
            (StatusCode::PARTIAL_CONTENT, *range.start(), range.end() - range.start() + 1)
        }
        None => (StatusCode::OK, 0, size),
    };
    set(&mut answer, header::CONTENT_LENGTH, &length.to_string());
    file.seek(SeekFrom::Start(start)).await.map_err(|error| Problem::internal(error.to_string()))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), READ));
    Ok((status, answer, body).into_response().into())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Content type, and how long it may be kept: what has a number or a checksum for a name never changes.
fn kind(path: &str) -> (&'static str, &'static str) {
    let kept = "private, max-age=3600, immutable";
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("m3u8") => ("application/vnd.apple.mpegurl", "no-cache"),
        Some("m4s") => ("video/iso.segment", kept),
        Some("vtt") => ("text/vtt", kept),
        Some("mp4") if path.starts_with("movies/") => ("video/mp4", "no-cache"),
        Some("mp4") => ("video/mp4", kept),
        _ => ("application/json", "no-cache"),
    }
}

/// What of the file is wanted; all of it if none. Several ranges, and those that cannot be read, are ignored, as RFC 9110
/// 14.2 allows.
fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Result<Option<RangeInclusive<u64>>, ()> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Ok(None) };
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Ok(None);
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Ok(None) };
    match parsed.validate(size) {
        Ok(ranges) if ranges.len() == 1 => Ok(ranges.into_iter().next()),
        Ok(_) => Ok(None),
        Err(_) => Err(()),
    }
}
