//! `GET` and `HEAD`: what players see.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::directives::Directives;
use super::name::{Object, Part, asked};
use super::problem::Problem;
use super::router::Origin;
use super::validators::{is_known, tag_of_bytes, tag_of_file, wanted_range};
use super::vod::{LINK, ShownFile};
use crate::model::{ChannelId, RenditionId};

/// A playlist may change at any moment: a cache asks each time, and a 304 is the usual answer.
const PLAYLIST: &str = "no-cache";
/// A segment's name is its place in time: it is written once. An hour outlasts every window, and bounds a mistake.
const WRITTEN_ONCE: &str = "public, max-age=3600, immutable";
const READ_SIZE: usize = 128 << 10;

pub(crate) async fn get(State(origin): State<Arc<Origin>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let path = asked(uri.path());
    // What cannot exist is not there: a player is told 404 either way, here with the rule.
    let object = Object::parse(path).map_err(Problem::NoSuchName)?;
    match &object {
        Object::Of { channel, rendition, part: Part::Playlist } => {
            let media = (channel, rendition);
            media_playlist(&origin, &object, media, uri.query().unwrap_or_default(), &headers).await
        }
        Object::Of { channel, rendition, part: Part::Partial { number, index } } => {
            // A part that was hinted at is on its way.
            if !origin.shelf.path(&object).exists() {
                origin.live.wait_for_part(channel, rendition, *number, *index).await;
            }
            file(&origin, &object, &headers).await
        }
        Object::Multivariant { .. } => {
            let data = read(&origin, &object).await?;
            playlist(&origin, data, PLAYLIST, &headers)
        }
        Object::Vod(shown) if shown.is_playlist() => {
            let data = read(&origin, &object).await?;
            playlist(&origin, data, PLAYLIST, &headers)
        }
        Object::Vod(shown) => match file(&origin, &object, &headers).await {
            Err(Problem::NotFound) if shown.twin().is_some_and(|twin| origin.shelf.path(&twin).is_file()) => {
                let mut response = Problem::NotFound.into_response();
                response.headers_mut().insert(HeaderName::from_static(LINK), HeaderValue::from_static("live"));
                Ok(response)
            }
            answer => answer,
        },
        Object::Of { .. } => file(&origin, &object, &headers).await,
    }
}

async fn read(origin: &Origin, object: &Object) -> Result<Vec<u8>, Problem> {
    let data = tokio::fs::read(origin.shelf.path(object)).await.map_err(Problem::storage)?;
    there(data.len() as u64)?;
    Ok(data)
}

/// As it was pushed; one with parts with what this origin adds, when it has what the query asks for.
async fn media_playlist(
    origin: &Origin,
    object: &Object,
    (channel, rendition): (&ChannelId, &RenditionId),
    query: &str,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    if origin.live.list(channel, rendition).is_none() {
        let data = read(origin, object).await?;
        // The first since this origin was started.
        origin.live.heard(channel, rendition, &String::from_utf8_lossy(&data));
        if origin.live.list(channel, rendition).is_none() {
            return playlist(origin, data, PLAYLIST, asked);
        }
    }
    let directives = Directives::read(query)?;
    let list = origin.live.wait(channel, rendition, &directives).await?;
    let others = origin.live.others(channel, rendition);
    let text = list.text(directives.skip, others.iter().map(|(id, other)| (id.as_str(), &**other)));
    // Whatever is cached of such a request has what was asked for (rfc8216bis 6.2.5.2 allows six target durations).
    let kept = format!("public, max-age={}", list.target().as_secs() * 6);
    let cache = if directives.segment.is_some() { &kept } else { PLAYLIST };
    playlist(origin, text.into_bytes(), cache, asked)
}

fn playlist(origin: &Origin, data: Vec<u8>, cache: &str, asked: &HeaderMap) -> Result<Response, Problem> {
    let tag = tag_of_bytes(&data);
    let size = data.len() as u64;
    let mut answer = Answer::new("application/vnd.apple.mpegurl", cache, &tag);
    if is_known(asked, &tag) {
        return Ok(answer.not_modified());
    }
    let range = wanted_range(asked, &tag, size)?;
    let length = answer.cut(range.as_ref(), size);
    let start = range.map_or(0, |range| *range.start()) as usize;
    let data = bytes::Bytes::from(data).slice(start..start + length as usize);
    let served = origin.counters.served();
    // Counted when it is taken: the answer to a HEAD has no body.
    let counted = futures::stream::once(async move {
        served.inc_by(length);
        Ok::<_, std::convert::Infallible>(data)
    });
    Ok(answer.with(Body::from_stream(counted)))
}

async fn file(origin: &Origin, object: &Object, asked: &HeaderMap) -> Result<Response, Problem> {
    let mut file = tokio::fs::File::open(origin.shelf.path(object)).await.map_err(Problem::storage)?;
    let meta = file.metadata().await.map_err(Problem::storage)?;
    there(meta.len())?;
    let tag = tag_of_file(&meta);
    let mut answer = Answer::new(content_type(object), WRITTEN_ONCE, &tag);
    if is_known(asked, &tag) {
        return Ok(answer.not_modified());
    }
    let range = wanted_range(asked, &tag, meta.len())?;
    let length = answer.cut(range.as_ref(), meta.len());
    if let Some(range) = range {
        file.seek(SeekFrom::Start(*range.start())).await.map_err(Problem::storage)?;
    }
    let served = origin.counters.served();
    let stream = ReaderStream::with_capacity(file.take(length), READ_SIZE);
    let counted = stream.inspect_ok(move |piece| {
        served.inc_by(piece.len() as u64);
    });
    Ok(answer.with(Body::from_stream(counted)))
}

/// An upload is never empty: an empty file is what a power cut has left of one, and is pushed again.
fn there(bytes: u64) -> Result<(), Problem> {
    if bytes == 0 { Err(Problem::NotFound) } else { Ok(()) }
}

/// CMAF header, CMAF segment (ISO/IEC 23000-19, DASH-IF Live Media Ingest 6.2), WebVTT.
fn content_type(object: &Object) -> &'static str {
    let part = match object {
        Object::Of { part, .. } => Some(part),
        Object::Vod(shown) => match &shown.file {
            ShownFile::Manifest => return "application/json",
            ShownFile::Media { part, .. } => Some(part),
            _ => None,
        },
        Object::Multivariant { .. } => None,
    };
    match part {
        Some(Part::Init { .. }) => "video/mp4",
        Some(Part::Text { .. }) => "text/vtt",
        _ => "video/iso.segment",
    }
}

/// The head of an answer.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
}

impl Answer {
    fn new(kind: &'static str, cache: &str, tag: &str) -> Self {
        let mut answer = Self { status: StatusCode::OK, headers: HeaderMap::new() };
        answer.set(header::CONTENT_TYPE, kind);
        answer.set(header::CACHE_CONTROL, cache);
        answer.set(header::ACCEPT_RANGES, "bytes");
        answer.set(header::ETAG, tag);
        answer
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    /// Declares what part of `size` bytes follows, and returns its length.
    fn cut(&mut self, range: Option<&std::ops::RangeInclusive<u64>>, size: u64) -> u64 {
        let length = match range {
            Some(range) => {
                self.status = StatusCode::PARTIAL_CONTENT;
                self.set(header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start(), range.end()));
                range.end() - range.start() + 1
            }
            None => size,
        };
        self.set(header::CONTENT_LENGTH, &length.to_string());
        length
    }

    fn not_modified(mut self) -> Response {
        self.headers.remove(header::CONTENT_TYPE);
        (StatusCode::NOT_MODIFIED, self.headers).into_response()
    }

    fn with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
