//! What happened on this box, on one clock: the as-run log and the acts of the audit log, merged by time, newest first.
//!
//! ```text
//! as-run log (events) ─┐ each as far back as one reading goes
//! audit log (acts) ────┴─▶ merged by place ─▶ page, cursor = the place where it ends
//! ```
//!
//! A place is when, which log, which number: each entry has one, and none of what is written later changes that.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{Need, need};
use super::answer::{Linked, Page, Wanted};
use super::problem::Problem;
use super::routes::Api;
use crate::access::{AuditEntry, Caller, Denied, Role};
use crate::model::{ChannelId, EntryKind, Event, MediaTime, Severity};
use crate::store::{Found, Row, Span, Unread};

pub(crate) const ADDRESS: &str = "/api/v1/timeline";

/// The logs, in the order of what they have of one moment.
const AS_RUN: u8 = 0;
const ACTS: u8 = 1;

/// What of the timeline is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Nothing older than this.
    from: Option<MediaTime>,
    /// Only what is older than this.
    to: Option<MediaTime>,
    /// Kinds, with commas between them: `program`, `alarm`, `act`, `gap`, `event`; all if not given.
    types: Option<String>,
    /// What is about this channel alone.
    channel: Option<ChannelId>,
    /// At least so urgent. Of acts, those that were refused are warnings.
    severity: Option<Severity>,
    /// Most entries of the answer, 1 to 500; 100 if not given. There may be fewer, and yet more behind `next_cursor`.
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// One entry of the timeline.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TimelineEntry {
    /// Names it, and is a cursor: what is older than this entry.
    place: String,
    /// When, on the house clock.
    at: MediaTime,
    /// What it is about.
    #[serde(rename = "type")]
    kind: EntryKind,
    /// How urgent.
    severity: Severity,
    /// Of which channel; none for the appliance itself.
    channel: Option<ChannelId>,
    /// What happened, unless somebody asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    /// What somebody asked for. Operators see that, viewers do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<TimelineAct>,
}

/// What somebody asked for, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TimelineAct {
    /// Who.
    who: String,
    /// What that may.
    role: Option<Role>,
    /// By what that is known: `session`, `token`, `socket`, `open`, `osc`.
    by: String,
    /// Method and pattern of the address.
    action: String,
    /// The address.
    target: String,
    /// What was asked, without secrets; for those who may ask it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Value>,
    /// How it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// The answer: HTTP status.
    status: u16,
    /// The problem's code, if it was refused.
    code: Option<String>,
}

/// `GET /api/v1/timeline`.
pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Linked<TimelineEntry>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::malformed(error.body_text()))?;
    let most = Wanted { limit: asked.limit, cursor: None }.most()?;
    let kinds = kinds(asked.types.as_deref())?;
    if asked.types.is_some() && kinds.contains(&EntryKind::Act) && !caller.may(Role::Operator) {
        return Err(Denied::Forbidden(Role::Operator.as_str()).into());
    }
    let until = match &asked.cursor {
        Some(cursor) => Place::read(cursor).ok_or_else(|| Problem::malformed("`cursor` is none of this address"))?,
        None => Place { at: MediaTime::from_nanos(i64::MAX as u64), log: AS_RUN, number: 0 },
    };
    let until = asked.to.map_or(until, |to| until.min(Place { at: to, log: AS_RUN, number: 0 }));
    let from = asked.from.unwrap_or_default();
    // One more than asked for: whether there is more is known then.
    let span = |log| Span { from, before: until.within(log), most: most + 1 };
    let sieve = Sieve { kinds, channel: asked.channel.clone(), least: asked.severity.unwrap_or(Severity::Info) };
    let events = match &api.store {
        Some(store) if sieve.wants_events() => {
            let sieve = sieve.clone();
            store.as_run(span(AS_RUN), move |event| sieve.of_event(event)).await?
        }
        _ => nothing(),
    };
    let acts = match sieve.wants(EntryKind::Act) && caller.may(Role::Operator) {
        true => api.access.acts(span(ACTS), move |act| sieve.of_act(&caller, act)).await?,
        false => nothing(),
    };
    Ok(Linked::new(merged(events, acts, most), &asked.address()))
}

impl Asked {
    /// The address, without the cursor.
    fn address(&self) -> String {
        // As it was asked: a time is not rounded on the way.
        let Self { from, to, types, channel, severity, limit, cursor: _ } = self;
        let asked = json!({
            "from": from, "to": to, "types": types, "channel": channel, "severity": severity, "limit": limit,
        });
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in asked.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        match query.finish() {
            query if query.is_empty() => ADDRESS.to_owned(),
            query => format!("{ADDRESS}?{query}"),
        }
    }
}

fn kinds(types: Option<&str>) -> Result<Vec<EntryKind>, Problem> {
    let Some(types) = types else { return Ok(EntryKind::ALL.to_vec()) };
    let known = |word: &str| EntryKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let bad = |word: &str| {
        let all = EntryKind::ALL.map(EntryKind::as_str).join(", ");
        Problem::malformed(format!("`types` has {word:?}; there are {all}, with commas between them"))
    };
    types.split(',').map(|word| known(word).ok_or_else(|| bad(word))).collect()
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        let title = "The timeline cannot be read";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeline_unavailable", title, unread.to_string())
    }
}

/// Where an entry stands. Older ones are less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: MediaTime,
    log: u8,
    number: i64,
}

impl Place {
    fn of(log: u8, (at, number): Row) -> Self {
        Self { at, log, number }
    }

    fn read(cursor: &str) -> Option<Self> {
        let mut parts = cursor.split('-');
        let (at, log, number) = (parts.next()?, parts.next()?, parts.next()?);
        let nanos = at.parse().ok().filter(|nanos| *nanos <= i64::MAX as u64)?;
        let place = Self { at: MediaTime::from_nanos(nanos), log: log.parse().ok()?, number: number.parse().ok()? };
        (parts.next().is_none() && place.log <= ACTS && place.number >= 0).then_some(place)
    }

    fn written(self) -> String {
        format!("{}-{}-{}", self.at.as_nanos(), self.log, self.number)
    }

    /// The first place of `log` that is not before this one.
    fn within(self, log: u8) -> Row {
        let number = match log.cmp(&self.log) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => self.number,
            std::cmp::Ordering::Greater => 0,
        };
        (self.at, number)
    }
}

fn nothing() -> Found<TimelineEntry> {
    Found { entries: Vec::new(), reached: None }
}

/// One page of both. What lies before the place that each was read to is left for the next page: there may be some of the
/// other between.
fn merged(events: Found<TimelineEntry>, acts: Found<TimelineEntry>, most: usize) -> Page<TimelineEntry> {
    let reached = |log, found: &Found<TimelineEntry>| found.reached.map(|row| Place::of(log, row));
    let floor = reached(AS_RUN, &events).max(reached(ACTS, &acts));
    let placed = |log: u8| move |(row, entry): (Row, TimelineEntry)| (Place::of(log, row), entry);
    let events = events.entries.into_iter().map(placed(AS_RUN));
    let mut all: Vec<_> = events.chain(acts.entries.into_iter().map(placed(ACTS))).collect();
    all.retain(|(place, _)| floor.is_none_or(|floor| *place >= floor));
    all.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let next = if all.len() > most { Some(all[most - 1].0) } else { floor };
    all.truncate(most);
    let named = |(place, entry): (Place, TimelineEntry)| TimelineEntry { place: Place::written(place), ..entry };
    Page::new(all.into_iter().map(named).collect(), next.map(Place::written))
}

/// What of the logs goes into the answer, and how.
#[derive(Debug, Clone)]
struct Sieve {
    kinds: Vec<EntryKind>,
    channel: Option<ChannelId>,
    least: Severity,
}

impl Sieve {
    fn wants(&self, kind: EntryKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn wants_events(&self) -> bool {
        self.kinds.iter().any(|kind| *kind != EntryKind::Act)
    }

    fn lets(&self, entry: TimelineEntry) -> Option<TimelineEntry> {
        let of_it = self.channel.is_none() || entry.channel == self.channel || entry.kind == EntryKind::Gap;
        (of_it && entry.severity >= self.least && self.wants(entry.kind)).then_some(entry)
    }

    fn of_event(&self, event: Event) -> Option<TimelineEntry> {
        self.lets(TimelineEntry {
            place: String::new(),
            at: event.at,
            kind: EntryKind::of(event.code),
            severity: event.severity,
            channel: event.channel.clone(),
            event: Some(event),
            act: None,
        })
    }

    fn of_act(&self, caller: &Caller, entry: AuditEntry) -> Option<TimelineEntry> {
        self.lets(TimelineEntry {
            place: String::new(),
            at: entry.at,
            kind: EntryKind::Act,
            severity: if entry.status < 400 { Severity::Info } else { Severity::Warning },
            channel: channel_of(&entry),
            event: None,
            act: Some(act_for(caller, entry)?),
        })
    }
}

/// An act as `caller` may see it: all who drive shows see who did what; what exactly was asked is seen by who might have
/// asked it; and what is about people is for admins.
fn act_for(caller: &Caller, entry: AuditEntry) -> Option<TimelineAct> {
    let (method, pattern) = entry.action.split_once(' ')?;
    let needed = match method.parse::<Method>().map(|method| need(&method, Some(pattern))) {
        _ if method == "OSC" => Role::Operator,
        Ok(Need::Role(role)) if role >= Role::Operator => role,
        _ => Role::Admin,
    };
    let seen_by = if needed == Role::Admin { Role::Admin } else { Role::Operator };
    if !caller.may(seen_by) {
        return None;
    }
    let AuditEntry { who, role, by, action, target, status, code, .. } = entry;
    let (asked, before, after) =
        if caller.may(needed) { (entry.asked, entry.before, entry.after) } else { (None, None, None) };
    Some(TimelineAct { who, role, by, action, target, asked, before, after, status, code })
}

/// The channel that an act is about, by its address.
fn channel_of(entry: &AuditEntry) -> Option<ChannelId> {
    let pattern = entry.action.split_once(' ')?.1;
    let target = entry.target.split('?').next()?;
    let mut kind = "";
    for (part, word) in pattern.split('/').zip(target.split('/')) {
        match (kind, part) {
            (_, "{channel}") | ("channels", "{id}") => return ChannelId::new(word).ok(),
            // An alarm is named by its code, its channel and what it is about.
            ("alarms", "{id}") => return ChannelId::new(word.split('.').nth(1)?).ok(),
            _ => kind = part,
        }
    }
    None
}
