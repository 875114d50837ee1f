//! The event stream (server-sent events).
//!
//! ```text
//! connect ──┬─ no place ──────▶ snapshot ───────────────┐
//!           ├─ place held ────▶ event … , status ───────┼─▶ event | status | heartbeat … ─▶ gap, end
//!           └─ place gone ────▶ reset, snapshot ────────┘   (the client comes back with its last place)
//! ```
//!
//! A place is `<epoch>-<seq>`: the daemon run and the event's number in it. `status` is the whole document, at most
//! twice a second; `heartbeat` comes every two seconds, because an open socket proves nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::journal::Gone;
use super::problem::Problem;
use super::routes::{Api, STREAMS};
use super::status::View;
use crate::model::MediaTime;
use crate::model::status::ApplianceStatus;
use crate::supervisor::StampedEvent;

const HEARTBEAT: Duration = Duration::from_secs(2);

/// At most one status document in this time.
const STATUS: Duration = Duration::from_millis(500);

/// Most events of one `recent` answer.
const RECENT: usize = 500;

#[derive(Deserialize)]
pub(crate) struct Following {
    /// The place, for programs that set no header.
    after: Option<String>,
}

/// `GET /api/v1/events`, with `Last-Event-ID` or `?after=`.
pub(crate) async fn follow(
    State(api): State<Api>,
    headers: HeaderMap,
    Query(query): Query<Following>,
) -> Result<Response, Problem> {
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Problem::too_many_streams(STREAMS))?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let place = header.or(query.after).filter(|place| !place.is_empty());
    let mut response = Sse::new(stream(api, place, permit)).into_response();
    // A proxy that collects bytes would hold heartbeats back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct Recent {
    limit: Option<usize>,
}

/// `GET /api/v1/events/recent`: the newest events, oldest first.
pub(crate) async fn recent(State(api): State<Api>, Query(query): Query<Recent>) -> Response {
    let entries = api.journal.recent(query.limit.unwrap_or(100).min(RECENT));
    Json(entries.iter().map(|entry| &**entry).collect::<Vec<_>>()).into_response()
}

/// Pulled by the connection, so it runs only as fast as the client reads.
fn stream(
    api: Api,
    place: Option<String>,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        let _permit = permit;
        let mut status = api.handle.status();
        let mut newest = api.journal.watch();
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let document = status.borrow_and_update().clone();
        let epoch = epoch(&document);
        let (mut at, opening) = open(&api, &epoch, place.as_deref(), &document);
        for event in opening {
            yield Ok(event);
        }
        let mut due = Instant::now() + STATUS;
        let mut changed = false;
        loop {
            tokio::select! {
                () = api.closing.cancelled() => return,
                _ = heartbeat.tick() => yield Ok(beat(&api)),
                () = sleep_until(due), if changed => {
                    changed = false;
                    due = Instant::now() + STATUS;
                    let document = status.borrow_and_update().clone();
                    yield Ok(event("status").json_data(View::of(&api, &document)).unwrap_or_default());
                }
                alive = status.changed(), if !changed => match alive {
                    Ok(()) => changed = true,
                    // The supervisor has ended: silence lets the client's watchdog speak.
                    Err(_) => return,
                },
                alive = newest.changed() => {
                    if alive.is_err() {
                        return;
                    }
                    match api.journal.after(at) {
                        Ok(entries) => for entry in entries {
                            at = entry.seq;
                            yield Ok(stamped(&epoch, &entry));
                        },
                        Err(Gone { oldest }) => {
                            api.cut.fetch_add(1, Ordering::Relaxed);
                            let missed = oldest.saturating_sub(at + 1);
                            yield Ok(event("gap").json_data(serde_json::json!({"missed": missed})).unwrap_or_default());
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// What a client gets first, and the place it has then.
fn open(api: &Api, epoch: &str, place: Option<&str>, document: &ApplianceStatus) -> (u64, Vec<Event>) {
    let (_, newest) = api.journal.span();
    let snapshot = || {
        let first = event("snapshot").retry(Duration::from_secs(1)).id(format!("{epoch}-{newest}"));
        first.json_data(View::of(api, document)).unwrap_or_default()
    };
    let Some(place) = place else { return (newest, vec![snapshot()]) };
    let held = place.rsplit_once('-').filter(|(run, _)| *run == epoch).and_then(|(_, seq)| seq.parse().ok());
    match held.and_then(|seq: u64| api.journal.after(seq).ok().map(|entries| (seq, entries))) {
        Some((seq, entries)) => {
            let at = entries.last().map_or(seq, |entry| entry.seq);
            let mut events: Vec<Event> = entries.iter().map(|entry| stamped(epoch, entry)).collect();
            events.push(event("status").json_data(View::of(api, document)).unwrap_or_default());
            (at, events)
        }
        None => {
            let why = serde_json::json!({"reason": "the place is of another run of the daemon, or too old"});
            (newest, vec![event("reset").json_data(why).unwrap_or_default(), snapshot()])
        }
    }
}

fn event(kind: &str) -> Event {
    Event::default().event(kind)
}

fn stamped(epoch: &str, entry: &StampedEvent) -> Event {
    event("event").id(format!("{epoch}-{}", entry.seq)).json_data(entry).unwrap_or_default()
}

#[derive(Serialize)]
struct Beat {
    server_time: MediaTime,
    oldest_seq: u64,
    newest_seq: u64,
}

fn beat(api: &Api) -> Event {
    let (oldest_seq, newest_seq) = api.journal.span();
    let beat = Beat { server_time: MediaTime::from_system(SystemTime::now()), oldest_seq, newest_seq };
    event("heartbeat").json_data(beat).unwrap_or_default()
}

/// The daemon run: no two begin in the same millisecond.
fn epoch(document: &ApplianceStatus) -> String {
    format!("{:x}", document.started_at.as_nanos() / 1_000_000)
}
