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
//! twenty times a second. With `?topics=alarm,program`, only events of these kinds come, and documents (`status`, `presence`)
//! only with `status` among them; what tells that the line is alive, and where a client stands, always comes.
//!
//! Nothing is kept for a client beyond the ring of [`super::journal`], which all of them share: a client that does not read
//! falls behind it, and one that takes nothing at all is cut off (see [`Line`]).

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures::Stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::answer::{Kinds, Linked, Media, Wanted};
use super::frame::{Beat, Frame, Gap, Reset};
use super::journal::Gone;
use super::line::{Line, Taken};
use super::openapi::Sketch;
use super::problem::Problem;
use super::routes::{Api, STREAMS};
use super::status::Document;
use crate::access::{Caller, Here};
use crate::model::status::ApplianceStatus;
use crate::model::{EntryKind, MediaTime};
use crate::supervisor::StampedEvent;

const HEARTBEAT: Duration = Duration::from_secs(2);

/// At most one status document, and one word of who is here, in this time.
const PACE: Duration = Duration::from_millis(500);

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
    /// What to be told of, with commas between: `status`, and kinds of events: `program`, `alarm`, `gap`, `event`. Everything
    /// if not given.
    topics: Option<String>,
}

/// What a client wants to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Topics {
    status: bool,
    kinds: Vec<EntryKind>,
}

impl Topics {
    fn read(words: Option<&str>) -> Result<Self, Problem> {
        let kinds = || EntryKind::ALL.into_iter().filter(|kind| *kind != EntryKind::Act);
        let Some(words) = words else { return Ok(Self { status: true, kinds: kinds().collect() }) };
        let mut topics = Self { status: false, kinds: Vec::new() };
        for word in words.split(',').map(str::trim) {
            match kinds().find(|kind| kind.as_str() == word) {
                Some(kind) => topics.kinds.push(kind),
                None if word == "status" => topics.status = true,
                None => {
                    let all = kinds().map(EntryKind::as_str).collect::<Vec<_>>().join(", ");
                    return Err(Problem::malformed(format!("`{word}` is no topic: status, {all}")));
                }
            }
        }
        Ok(topics)
    }

    fn has(&self, entry: &StampedEvent) -> bool {
        self.kinds.contains(&EntryKind::of(entry.event.code))
    }
}

/// `GET /api/v1/events`, with `Last-Event-ID` or `?after=`.
pub(crate) async fn follow(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    line: Line,
    headers: HeaderMap,
    Query(query): Query<Following>,
) -> Result<Media<EventStream>, Problem> {
    let topics = Topics::read(query.topics.as_deref())?;
    let meters = query.meters;
    if meters.is_some_and(|rate| !(1..=20).contains(&rate)) {
        return Err(Problem::malformed("`meters` is 1 to 20 frames a second"));
    }
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Problem::too_many_streams(STREAMS))?;
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let place = header.or(query.after).filter(|place| !place.is_empty());
    let cut = Arc::clone(&api.cut);
    let taken = line.watch(move || {
        cut.fetch_add(1, Ordering::Relaxed);
    });
    let held = (permit, api.access.enter(&caller));
    let mut response = Sse::new(stream(api, place, (topics, meters), (held, taken))).into_response();
    // A proxy that collects bytes would hold heartbeats back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response.into())
}

/// `GET /api/v1/events/recent`: the newest events first, in pages, as far as they are held.
pub(crate) async fn recent(
    State(api): State<Api>,
    Query(wanted): Query<Wanted>,
) -> Result<Linked<Arc<StampedEvent>>, Problem> {
    let run = run(&api.handle.status().borrow());
    wanted.linked("/api/v1/events/recent", api.journal.newest_first(), |entry| Place { run, seq: entry.seq })
}

/// An event by the daemon run and its number in it. Of an earlier run none is held: what is behind its place is the timeline's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    run: u64,
    seq: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.seq)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, seq) = text.split_once('-').ok_or(())?;
        Ok(Self { run: u64::from_str_radix(run, 16).map_err(|_| ())?, seq: seq.parse().map_err(|_| ())? })
    }
}

/// Pulled by the connection, so it runs only as fast as the client reads.
fn stream(
    api: Api,
    place: Option<String>,
    (topics, meters): (Topics, Option<u8>),
    (held, taken): ((OwnedSemaphorePermit, Here), Arc<Taken>),
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
        let run = run(&document);
        let (mut at, opening) = open(&api, run, place.as_deref(), &topics);
        for event in opening {
            yield Ok(event);
            taken.now();
        }
        let mut meters = meters.map(|rate| api.meters.follow(rate, || api.handle.meters(), &api.closing));
        if topics.status {
            yield Ok(Frame::Presence(api.access.presence()).sse());
        }
        let (mut due, mut told) = (Instant::now() + PACE, Instant::now() + PACE);
        loop {
            taken.now();
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
                    if topics.status && let Ok(written) = api.rendered.status(&api) {
                        yield Ok(written.event);
                    }
                }
                // The sender lives as long as `api`.
                Ok(()) = newer(&mut arrivals, told), if topics.status => {
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
                            if topics.has(&entry) {
                                yield Ok(stamped(run, &entry));
                                taken.now();
                            }
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
fn open(api: &Api, run: u64, place: Option<&str>, topics: &Topics) -> (u64, Vec<Event>) {
    let (_, newest) = api.journal.span();
    let snapshot = || {
        let first = Frame::Snapshot(Document::of(api)).sse();
        first.retry(Duration::from_secs(1)).id(Place { run, seq: newest }.to_string())
    };
    let Some(place) = place else { return (newest, vec![snapshot()]) };
    let held = place.parse::<Place>().ok().filter(|place| place.run == run).map(|place| place.seq);
    match held.and_then(|seq| api.journal.after(seq).ok().map(|entries| (seq, entries))) {
        Some((seq, entries)) => {
            let at = entries.last().map_or(seq, |entry| entry.seq);
            let wanted = entries.iter().filter(|entry| topics.has(entry));
            let mut events: Vec<Event> = wanted.map(|entry| stamped(run, entry)).collect();
            events.extend(topics.status.then(|| Frame::Status(Document::of(api)).sse()));
            (at, events)
        }
        None => {
            let reason = "the place is of another run of the daemon, or too old";
            (newest, vec![Frame::Reset(Reset { reason }).sse(), snapshot()])
        }
    }
}

fn stamped(run: u64, entry: &Arc<StampedEvent>) -> Event {
    Frame::Event(entry.clone()).sse().id(Place { run, seq: entry.seq }.to_string())
}

fn beat(api: &Api) -> Event {
    let (oldest_seq, newest_seq) = api.journal.span();
    Frame::Heartbeat(Beat { server_time: MediaTime::from_system(SystemTime::now()), oldest_seq, newest_seq }).sse()
}

/// The daemon run: no two begin in the same millisecond.
fn run(document: &ApplianceStatus) -> u64 {
    document.started_at.as_nanos() / 1_000_000
}
