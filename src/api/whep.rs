//! Watching a channel live in a browser: WHEP (draft-ietf-wish-whep), for whoever may look at the channel anyway.
//!
//! ```text
//! POST offer ─▶ worker: answer ─▶ watched ──every 5 s: may that still watch? keep──▶ worker
//!                                   └─ DELETE, logged out, over, channel off air, the daemon ends ─▶ leave
//! ```
//!
//! Media go from the worker to the browser; the daemon passes descriptions on, knows whose session it is, and keeps it. One
//! that nobody keeps ends in the worker. Trickle ICE and ICE restart are not supported, nor needed: the browser is told every
//! address of the box at once, and comes to it. PATCH is answered by 405 (draft, section 4.3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use tokio_util::sync::CancellationToken;

use super::answer::Media;
use super::channels::channel;
use super::guest::{Nothing, Sdp, ask_worker, session_description};
use super::problem::Problem;
use super::routes::Api;
use crate::access::{By, Caller};
use crate::model::{Act, ChannelId, WatchAnswer, WatchAsk};

/// How often a session is kept: several times in what the worker waits.
const KEEP: Duration = Duration::from_secs(5);
/// A worker that has not answered for so long has ended it.
const LOST: Duration = Duration::from_secs(30);

/// The sessions that this daemon has let in.
#[derive(Clone, Default)]
pub(crate) struct Watching(Arc<Mutex<HashMap<String, Seat>>>);

struct Seat {
    channel: ChannelId,
    by: By,
    left: CancellationToken,
}

impl Watching {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever has begun a session ends it, and nobody else.
    fn give_up(&self, session: &str, channel: &ChannelId, by: &By) -> Option<Seat> {
        let mut all = self.all();
        all.get(session).is_some_and(|seat| seat.channel == *channel && seat.by == *by).then(|| all.remove(session))?
    }
}

/// `POST /api/v1/channels/{id}/whep`: watches. 201 with the answer, `Location` of the session and `ETag`.
pub(crate) async fn watch(
    State(api): State<Api>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Media<Sdp>, Problem> {
    let sdp = session_description(&headers, body)?;
    let channel = channel(&id)?;
    match ask(&api, &channel, WatchAsk::Offer { sdp }).await? {
        WatchAnswer::Admitted { session, sdp } => {
            let headers = [
                (header::CONTENT_TYPE, "application/sdp".to_owned()),
                (header::LOCATION, format!("/api/v1/channels/{channel}/whep/{session}")),
                (header::ETAG, format!("\"{session}\"")),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            let left = CancellationToken::new();
            let seat = Seat { channel: channel.clone(), by: caller.by.clone(), left: left.clone() };
            api.watching.all().insert(session.clone(), seat);
            tokio::spawn(keep(api, channel, session, caller, left));
            Ok((StatusCode::CREATED, headers, sdp).into_response().into())
        }
        WatchAnswer::Refused { why, text } => Err(Problem::watch(why, text)),
        WatchAnswer::Kept | WatchAnswer::Left => Err(Problem::internal("the worker answered something else")),
    }
}

/// `DELETE /api/v1/channels/{id}/whep/{session}`: has watched enough.
pub(crate) async fn leave(
    State(api): State<Api>,
    Path((id, session)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
) -> Result<Media<Nothing>, Problem> {
    let channel = channel(&id)?;
    let seat = api.watching.give_up(&session, &channel, &caller.by).ok_or_else(Problem::not_watching)?;
    seat.left.cancel();
    match ask(&api, &channel, WatchAsk::Leave { session }).await? {
        WatchAnswer::Left => Ok(StatusCode::OK.into_response().into()),
        WatchAnswer::Refused { why, text } => Err(Problem::watch(why, text)),
        WatchAnswer::Admitted { .. } | WatchAnswer::Kept => {
            Err(Problem::internal("the worker answered something else"))
        }
    }
}

/// For as long as who watches may, and the worker knows of it.
async fn keep(api: Api, channel: ChannelId, session: String, caller: Caller, left: CancellationToken) {
    let mut changes = api.access.changes();
    let mut kept = Instant::now();
    let goes_on = loop {
        if !api.access.holds(&caller) {
            break true;
        }
        tokio::select! {
            () = left.cancelled() => return,
            () = api.closing.cancelled() => break true,
            // The sender lives as long as `access`.
            _ = changes.changed() => {}
            () = tokio::time::sleep(KEEP) => {
                match ask(&api, &channel, WatchAsk::Keep { session: session.clone() }).await {
                    Ok(WatchAnswer::Kept) => kept = Instant::now(),
                    Ok(_) => break false,
                    Err(_) if kept.elapsed() > LOST => break false,
                    Err(_) => {}
                }
            }
        }
    };
    api.watching.all().remove(&session);
    if goes_on {
        // If nobody hears it, the worker ends it by itself.
        let _ = ask(&api, &channel, WatchAsk::Leave { session }).await;
    }
}

async fn ask(api: &Api, channel: &ChannelId, ask: WatchAsk) -> Result<WatchAnswer, Problem> {
    ask_worker(api, channel, Act::Watch { ask }).await
}
