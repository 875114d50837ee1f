//! The event stream (server-sent events).
//!
//! ```text
//! connect ──┬─ no place ──────▶ snapshot ───────────────┐
//!           ├─ place held ────▶ event … , status ───────┼─▶ event | status | heartbeat … ─▶ gap, end
//!           └─ place gone ────▶ reset, snapshot ────────┘   (the client comes back with its last place)
//! ```
//!
//! A place is `<epoch>-<seq>`: the daemon run and the event's number in it. `status` is the whole document, at most
//! twice a second; `presence` is who is here, behind the first frames and when somebody has come or gone; `heartbeat` comes
//! every two seconds, because an open socket proves nothing; with `?meters=20`, `meters` has the levels of all channels,
//! twenty times a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::{Extension, Json};
use futures::Stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::answer::{Kinds, Media};
use super::frame::{Beat, Frame, Gap, Reset};
use super::journal::Gone;
use super::openapi::Sketch;
use super::problem::Problem;
use super::routes::{Api, STREAMS};
use super::status::Document;
use crate::access::{Caller, Here};
use crate::model::MediaTime;
use crate::model::status::ApplianceStatus;
use crate::supervisor::StampedEvent;

const HEARTBEAT: Duration = Duration::from_secs(2);

/// At most one status document, and one word of who is here, in this time.
const PACE: Duration = Duration::from_millis(500);

/// Most events of one `recent` answer.
const RECENT: usize = 500;

/// Events as they happen.
pub(crate) struct EventStream;

impl Kinds for EventStream {
    const KINDS: &'static [&'static str] = &["text/event-stream"];
    const STATUSES: &'static [(&'static str, &'static str)] =
        &[("200", "each frame's `event` and `data` are those of a `StreamFrame`; `id` is the place to come back to")];
    fn inside(sketch: &mut Sketch<'_>) {
        sketch.schemas().said::<Frame>();
    }
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Following {
    /// The place, for programs that set no header.
    after: Option<String>,
    /// Frames with the meters of all channels in a second, 1 to 20; none if not given.
    meters: Option<u8>,
}

/// `GET /api/v1/events`, with `Last-Event-ID` or `?after=`.
pub(crate) async fn follow(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Query(query): Query<Following>,
) -> Result<Media<EventStream>, Problem> {
    let meters = query.meters;
    if meters.is_some_and(|rate| !(1..=20).contains(&rate)) {
        return Err(Problem::malformed("`meters` is 1 to 20 frames a second"));
    }
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Problem::too_many_streams(STREAMS))?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let place = header.or(query.after).filter(|place| !place.is_empty());
    let held = (permit, api.access.enter(&caller));
    let mut response = Sse::new(stream(api, place, meters, held)).into_response();
    // A proxy that collects bytes would hold heartbeats back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response.into())
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Recent {
    /// Most events, up to 500; 100 if not given.
    limit: Option<usize>,
}

/// `GET /api/v1/events/recent`: the newest events, oldest first.
pub(crate) async fn recent(State(api): State<Api>, Query(query): Query<Recent>) -> Json<Vec<Arc<StampedEvent>>> {
    Json(api.journal.recent(query.limit.unwrap_or(100).min(RECENT)))
}

/// Pulled by the connection, so it runs only as fast as the client reads.
fn stream(
    api: Api,
    place: Option<String>,
    meters: Option<u8>,
    held: (OwnedSemaphorePermit, Here),
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    async_stream::stream! {
        let _held = held;
        let mut status = api.handle.status();
        let mut arrivals = api.access.arrivals();
        let mut newest = api.journal.watch();
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);

        status.mark_unchanged();
        let document = api.document();
        let epoch = epoch(&document);
        let (mut at, opening) = open(&api, &epoch, place.as_deref());
        for event in opening {
            yield Ok(event);
        }
        let mut meters = meters.map(|rate| api.meters.follow(rate, || api.handle.meters(), &api.closing));
        yield Ok(Frame::Presence(api.access.presence()).sse());
        let (mut due, mut told) = (Instant::now() + PACE, Instant::now() + PACE);
        loop {
            tokio::select! {
                () = api.closing.cancelled() => return,
                _ = heartbeat.tick() => yield Ok(beat(&api)),
                frame = metered(meters.as_mut()) => yield Ok(frame),
                alive = newer(&mut status, due) => {
                    if alive.is_err() {
                        // The supervisor has ended: silence lets the client's watchdog speak.
                        return;
                    }
                    due = Instant::now() + PACE;
                    if let Ok(written) = api.rendered.status(&api) {
                        yield Ok(written.event);
                    }
                }
                // The sender lives as long as `api`.
                Ok(()) = newer(&mut arrivals, told) => {
                    told = Instant::now() + PACE;
                    yield Ok(Frame::Presence(api.access.presence()).sse());
                }
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
                            yield Ok(Frame::Gap(Gap { missed }).sse());
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// Returns when there is something newer, not before `due`. Safe to cancel: what was not waited for is still new.
async fn newer<T>(of: &mut watch::Receiver<T>, due: Instant) -> Result<(), watch::error::RecvError> {
    of.changed().await?;
    of.mark_changed();
    sleep_until(due).await;
    of.mark_unchanged();
    Ok(())
}

/// The next frame of meters; never without. Safe to cancel.
async fn metered(meters: Option<&mut broadcast::Receiver<Event>>) -> Event {
    let Some(frames) = meters else { return std::future::pending().await };
    loop {
        match frames.recv().await {
            Ok(frame) => return frame,
            Err(RecvError::Lagged(_)) => {}
            // The daemon ends, and so does this stream.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// What a client gets first, and the place it has then.
fn open(api: &Api, epoch: &str, place: Option<&str>) -> (u64, Vec<Event>) {
    let (_, newest) = api.journal.span();
    let snapshot = || {
        let first = Frame::Snapshot(Document::of(api)).sse();
        first.retry(Duration::from_secs(1)).id(format!("{epoch}-{newest}"))
    };
    let Some(place) = place else { return (newest, vec![snapshot()]) };
    let held = place.rsplit_once('-').filter(|(run, _)| *run == epoch).and_then(|(_, seq)| seq.parse().ok());
    match held.and_then(|seq: u64| api.journal.after(seq).ok().map(|entries| (seq, entries))) {
        Some((seq, entries)) => {
            let at = entries.last().map_or(seq, |entry| entry.seq);
            let mut events: Vec<Event> = entries.iter().map(|entry| stamped(epoch, entry)).collect();
            events.push(Frame::Status(Document::of(api)).sse());
            (at, events)
        }
        None => {
            let reason = "the place is of another run of the daemon, or too old";
            (newest, vec![Frame::Reset(Reset { reason }).sse(), snapshot()])
        }
    }
}

fn stamped(epoch: &str, entry: &Arc<StampedEvent>) -> Event {
    Frame::Event(entry.clone()).sse().id(format!("{epoch}-{}", entry.seq))
}

fn beat(api: &Api) -> Event {
    let (oldest_seq, newest_seq) = api.journal.span();
    Frame::Heartbeat(Beat { server_time: MediaTime::from_system(SystemTime::now()), oldest_seq, newest_seq }).sse()
}

/// The daemon run: no two begin in the same millisecond.
fn epoch(document: &ApplianceStatus) -> String {
    format!("{:x}", document.started_at.as_nanos() / 1_000_000)
}
