//! `PUT` and `DELETE`: the push. An object is stored whole or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::claim;
use super::name::{Object, Part, asked};
use super::playlist::{is_playlist, promised};
use super::problem::Problem;
use super::router::Origin;
use super::shelf::Placed;
use super::vod::LINK;

/// What is still read of a refused upload, so that its sender gets to read why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;
const WRITE_SIZE: usize = 256 << 10;

pub(crate) async fn put(State(origin): State<Arc<Origin>>, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let mut body = body.into_data_stream();
    match accept(&origin, &uri, &headers, &mut body).await {
        Ok(Placed::Created) => StatusCode::CREATED.into_response(),
        Ok(Placed::Replaced) => StatusCode::NO_CONTENT.into_response(),
        // Of two boxes that share, the second is told so each time: nothing to speak of.
        Err(problem @ Problem::There) => problem.into_response(),
        Err(problem) => {
            // A sender that waits for `100 Continue` has sent nothing: reading would ask it to.
            if !headers.contains_key(header::EXPECT) {
                tokio::spawn(linger(body));
            }
            let mut response = refuse(&origin, &uri, problem);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

pub(crate) async fn delete(State(origin): State<Arc<Origin>>, uri: Uri, headers: HeaderMap) -> Response {
    let remove = async {
        let object = admit(&origin, &uri, &headers)?;
        let (origin, terms) = (Arc::clone(&origin), claim::terms(&headers));
        blocking(move || {
            let may = || claim::admit(&origin, &object, terms);
            origin.shelf.remove(&object, may)?;
            if let Object::Of { channel, rendition, part: Part::Playlist } = &object {
                origin.live.forget(channel, rendition);
            }
            Ok(())
        })
        .await
    };
    match remove.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => refuse(&origin, &uri, problem),
    }
}

/// Name and token: what both methods ask first.
fn admit(origin: &Origin, uri: &Uri, headers: &HeaderMap) -> Result<Object, Problem> {
    let object = Object::parse(asked(uri.path())).map_err(Problem::Name)?;
    origin.tokens.allow(object.channel(), headers)?;
    Ok(object)
}

async fn accept(
    origin: &Arc<Origin>,
    uri: &Uri,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Placed, Problem> {
    let object = admit(origin, uri, headers)?;
    let terms = claim::terms(headers);
    claim::admit(origin, &object, terms)?;
    if let (Object::Vod(shown), Some(digest)) = (&object, headers.get(LINK)) {
        let twin = shown.twin().ok_or(Problem::NotFound)?;
        return link(origin, object.clone(), twin, digest.to_str().unwrap_or_default().to_owned()).await;
    }
    let limit = match &object {
        // It lists hours.
        Object::Vod(_) => origin.limits.segment,
        object if object.is_playlist() => origin.limits.playlist,
        _ => origin.limits.segment,
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|bytes: u64| bytes > limit) {
        return Err(Problem::TooLarge { limit });
    }
    let deadline = origin.limits.upload;
    let pieces = Pieces { body, limit, idle: origin.limits.upload_idle, read: 0 };
    let store = async {
        let shelf = origin.shelf.clone();
        let asked = object.clone();
        let draft = blocking(move || {
            shelf.admit(&asked, declared.unwrap_or(0))?;
            shelf.draft().map_err(Problem::storage)
        })
        .await?;
        let (draft, bytes, text) = if object.is_playlist() {
            whole_playlist(pieces, draft).await?
        } else {
            let (draft, bytes) = stream(pieces, draft).await?;
            (draft, bytes, String::new())
        };
        let (all, asked) = (Arc::clone(origin), object.clone());
        // Again, in order: the channel may have changed hands while the upload went on.
        let may = move |there: bool| match there && terms.create {
            true => Err(Problem::There),
            false => claim::admit(&all, &asked, terms),
        };
        let (shelf, asked) = (origin.shelf.clone(), object.clone());
        let placed = blocking(move || shelf.place_if(draft, &asked, may)).await?;
        origin.counters.received(bytes);
        note(&object, bytes, &text);
        tell(origin, &object, &text);
        if let (Object::Multivariant { channel }, Placed::Created) = (&object, placed) {
            tracing::info!("channel {channel} has come: play it at /watch/{channel}");
        }
        Ok(placed)
    };
    timeout(deadline, store).await.unwrap_or(Err(Problem::Late(deadline)))
}

/// Gives what is live another name, if it is what is wanted.
async fn link(origin: &Origin, object: Object, live: Object, digest: String) -> Result<Placed, Problem> {
    let shelf = origin.shelf.clone();
    blocking(move || {
        let draft = shelf.draft_of(&live).map_err(Problem::storage)?;
        shelf.admit(&object, draft.as_file().metadata().map_err(Problem::storage)?.len())?;
        let mut hash = Sha256::new();
        std::io::copy(&mut draft.as_file(), &mut HashOf(&mut hash)).map_err(Problem::storage)?;
        if hex::encode(hash.finalize()) == digest { shelf.place(draft, &object) } else { Err(Problem::OtherBytes) }
    })
    .await
}

/// Takes bytes into a checksum.
struct HashOf<'a>(&'a mut Sha256);

impl std::io::Write for HashOf<'_> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What can be had from now on, for those who look at the order of a push (`RUST_LOG=uplink::origin=debug`): its sender
/// has not been answered yet. Of a playlist also what it names.
fn note(object: &Object, bytes: u64, text: &str) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let path = object.relative_path();
    match object.is_playlist() {
        true => tracing::debug!(path = %path.display(), bytes, names = promised(text).join(","), "stored"),
        false => tracing::debug!(path = %path.display(), bytes, "stored"),
    }
}

/// Who waits for it hears of it.
fn tell(origin: &Origin, object: &Object, text: &str) {
    match object {
        Object::Of { channel, rendition, part: Part::Playlist } => origin.live.heard(channel, rendition, text),
        Object::Of { channel, rendition, part: Part::Partial { number, index } } => {
            origin.live.arrived(channel, rendition, *number, *index);
        }
        _ => {}
    }
}

/// A playlist is looked at before it replaces a good one; it is small.
async fn whole_playlist(mut pieces: Pieces<'_>, draft: NamedTempFile) -> Result<(NamedTempFile, u64, String), Problem> {
    let mut data = BytesMut::new();
    while let Some(piece) = pieces.next().await? {
        data.extend_from_slice(&piece);
    }
    if !is_playlist(&data) {
        return Err(if data.is_empty() { Problem::Empty } else { Problem::NotAPlaylist });
    }
    let text = String::from_utf8(data.to_vec()).map_err(|_| Problem::NotAPlaylist)?;
    blocking(move || {
        std::io::Write::write_all(&mut draft.as_file(), &data).map_err(Problem::storage)?;
        Ok((draft, data.len() as u64, text))
    })
    .await
}

async fn stream(mut pieces: Pieces<'_>, draft: NamedTempFile) -> Result<(NamedTempFile, u64), Problem> {
    let file = draft.as_file().try_clone().map_err(Problem::storage)?;
    let mut file = tokio::io::BufWriter::with_capacity(WRITE_SIZE, tokio::fs::File::from_std(file));
    while let Some(piece) = pieces.next().await? {
        file.write_all(&piece).await.map_err(Problem::storage)?;
    }
    file.flush().await.map_err(Problem::storage)?;
    if pieces.read == 0 {
        return Err(Problem::Empty);
    }
    Ok((draft, pieces.read))
}

/// The body, piece by piece, within its limits of size and patience.
struct Pieces<'a> {
    body: &'a mut BodyDataStream,
    limit: u64,
    idle: Duration,
    read: u64,
}

impl Pieces<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = match timeout(self.idle, self.body.next()).await {
            Err(_) => return Err(Problem::Stalled(self.idle)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(Problem::BrokenOff(error.to_string())),
            Ok(Some(Ok(piece))) => piece,
        };
        self.read += piece.len() as u64;
        if self.read > self.limit { Err(Problem::TooLarge { limit: self.limit }) } else { Ok(Some(piece)) }
    }
}

async fn linger(mut body: BodyDataStream) {
    let mut read = 0;
    let drain = async {
        while let Some(Ok(piece)) = body.next().await {
            read += piece.len();
            if read > LINGER_BYTES {
                break;
            }
        }
    };
    // Either end is fine: the sender has had its chance.
    let _ = timeout(LINGER, drain).await;
}

fn refuse(origin: &Origin, uri: &Uri, problem: Problem) -> Response {
    let (_, reason) = problem.status();
    origin.counters.refused(reason);
    let path = asked(uri.path());
    let channel = Object::parse(path).map_or(String::new(), |object| object.channel().to_string());
    if let Some(times) = origin.refusals.count(&channel, reason, Instant::now()) {
        let path: String = path.chars().take(200).collect();
        tracing::warn!(path = ?path, times, reason, "push refused: {problem}");
    }
    problem.into_response()
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::Storage(std::io::Error::other(error))))
}
