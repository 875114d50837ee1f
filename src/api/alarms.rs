//! Alarms: the list, and what people say about one.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Page, Tagged, TaggedPage, Wanted};
use super::body::{Asked, Body, Perhaps};
use super::openapi::Routes;
use super::problem::Problem;
use super::routes::Api;
use super::sheet::{Labels, Sheet};
use crate::access::{By, Caller};
use crate::model::alarm::ALARM_TEXT;
use crate::model::{Alarm, AlarmCounts, AlarmPriority, MediaTime};
use crate::policy::{AlarmRefusal, Ordered};

/// The routes of this file.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/alarms", "Alarms, what needs somebody first", list)
        .get("/api/v1/alarms/{id}", "One alarm", one)
        .post("/api/v1/alarms/{id}/ack", "Somebody has seen it", ack)
        .post("/api/v1/alarms/{id}/shelve", "Puts it aside for some minutes, with a reason", shelve)
        .post("/api/v1/alarms/{id}/unshelve", "Takes it back from there", unshelve)
}

/// What `GET /api/v1/alarms` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AlarmList {
    /// How many there are on all pages.
    counts: AlarmCounts,
    /// What needs somebody first.
    #[serde(flatten)]
    page: Page<Alarm>,
}

/// Where an alarm stands in the list: falls with its order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// See [`Alarm::urgency`].
    urgency: u8,
    raised: MediaTime,
    id: Reverse<String>,
}

impl Place {
    fn of(alarm: &Alarm) -> Self {
        Self { urgency: alarm.urgency(), raised: alarm.raised, id: Reverse(alarm.id.clone()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.urgency, self.raised.as_nanos(), self.id.0)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().ok_or(());
        let (urgency, raised, id) = (next()?, next()?, next()?);
        let raised = MediaTime::from_nanos(raised.parse().map_err(|_| ())?);
        Ok(Self { urgency: urgency.parse().map_err(|_| ())?, raised, id: Reverse(id.to_owned()) })
    }
}

/// What an order about an alarm answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AlarmOutcome {
    /// False if it was so already.
    changed: bool,
    /// One sentence: what happened.
    text: String,
    /// The alarm as it is now.
    alarm: Alarm,
}

type Answer = Result<Json<AlarmOutcome>, Problem>;

/// `GET /api/v1/alarms`, in pages.
async fn list(
    State(api): State<Api>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<TaggedPage<AlarmList>, Problem> {
    let mut all = api.alarms.list();
    all.sort_by_cached_key(|alarm| Reverse(Place::of(alarm)));
    let counts = AlarmCounts::of(&all);
    let page = wanted.of(all, Place::of)?;
    TaggedPage::new(&headers, ("/api/v1/alarms", &wanted), page, |page| AlarmList { counts, page })
}

/// `GET /api/v1/alarms/{id}`.
async fn one(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Tagged<Alarm>, Problem> {
    match api.alarms.list().into_iter().find(|alarm| alarm.id == id) {
        Some(alarm) => Tagged::new(&headers, &alarm),
        None => Err(AlarmRefusal::Unknown(id).into()),
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AlarmAck")]
struct Ack {
    /// For whom a program speaks; who is logged in speaks for itself.
    by: Option<String>,
}

impl Asked for Ack {
    const SHAPE: &'static str = "{\"by\": \"…\"}, or nothing";
}

/// `POST …/ack` with `{"by": "…"}`, or without a body.
async fn ack(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Perhaps(ack): Perhaps<Ack>,
) -> Answer {
    let by = named(&caller, ack.and_then(|ack| ack.by))?;
    answer(api.alarms.ack(&id, by), |alarm| match alarm.active {
        true => format!("alarm {} is acknowledged", alarm.id),
        false => format!("alarm {} was over and is gone from the list", alarm.id),
    })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AlarmShelve")]
struct Shelve {
    /// For how long, at most 30.
    minutes: u32,
    /// Why.
    reason: String,
    /// For whom a program speaks; who is logged in speaks for itself.
    #[serde(default)]
    by: Option<String>,
}

impl Asked for Shelve {
    const SHAPE: &'static str = "{\"minutes\": 10, \"reason\": \"the camera is being moved\"}";
}

/// `POST …/shelve` with `{"minutes": 10, "reason": "…"}`.
async fn shelve(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Body(shelve): Body<Shelve>,
) -> Answer {
    let Shelve { minutes, reason, by } = shelve;
    if !fits(&reason) {
        return Err(Problem::malformed(format!("`reason` has 1 to {ALARM_TEXT} characters, in one line")));
    }
    answer(api.alarms.shelve(&id, minutes, reason, named(&caller, by)?), |alarm| {
        let until = alarm.shelved.as_ref().map(|shelf| shelf.until.to_string()).unwrap_or_default();
        format!("alarm {} is shelved until {until}", alarm.id)
    })
}

/// `POST …/unshelve`.
async fn unshelve(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    answer(api.alarms.unshelve(&id), |alarm| format!("alarm {} is not shelved", alarm.id))
}

fn answer(ordered: Ordered, text: impl Fn(&Alarm) -> String) -> Answer {
    let (alarm, changed) = ordered?;
    Ok(Json(AlarmOutcome { changed, text: text(&alarm), alarm }))
}

/// Who says so: whoever is logged in, and nobody else; of a program, for whom it speaks, else itself.
fn named(caller: &Caller, by: Option<String>) -> Result<Option<String>, Problem> {
    match by {
        Some(by) if !fits(&by) => {
            Err(Problem::malformed(format!("`by` has 1 to {ALARM_TEXT} characters, in one line")))
        }
        by => Ok(match caller.by {
            By::Session(_) => Some(caller.name.clone()),
            By::Token { .. } | By::Socket | By::Osc => by.or_else(|| Some(caller.name.clone())),
            By::Open => by,
        }),
    }
}

fn fits(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= ALARM_TEXT && !text.chars().any(char::is_control)
}

/// Every priority, and every kind that was ever raised.
pub(super) fn measure(sheet: &mut Sheet, api: &Api) {
    let counts = api.alarms.counts();
    let of = |priority: &AlarmPriority| vec![("priority", priority.as_str().to_owned())];
    let active = AlarmPriority::ALL.iter().map(|priority| (of(priority), counts.active(*priority) as f64));
    sheet.gauge("alarms_active", "Alarms that are active and not shelved", active);
    let unacknowledged = [(Labels::new(), counts.unacknowledged as f64)];
    sheet.gauge("alarms_unacknowledged", "Alarms that nobody has acknowledged, active or over", unacknowledged);
    sheet.gauge("alarms_shelved", "Alarms that are put aside", [(Labels::new(), counts.shelved as f64)]);
    let targets = api.alarms.loudness_targets().into_iter();
    let targets = targets.map(|(channel, target)| (vec![("channel", channel.to_string())], target));
    sheet.gauge("channel_loudness_target_lufs", "Integrated loudness that the channel is mixed to", targets);
    let raised = api.alarms.raised().into_iter().map(|((code, priority), count)| {
        (vec![("code", code.as_str().to_owned()), ("priority", priority.as_str().to_owned())], count)
    });
    sheet.counter("alarms_raised", "Alarms raised since the daemon came up", raised);
    let help = "From a fault to its critical alarm";
    sheet.histogram("fault_detection_seconds", help, [(Labels::new(), api.alarms.detected())]);
    if let Some(clock) = api.alarms.clock() {
        let synchronised = f64::from(u8::from(clock.synchronised));
        sheet.gauge("clock_synchronized", "1 if something keeps the clock right", [(Labels::new(), synchronised)]);
        let error = [(Labels::new(), clock.error_ms / 1000.0)];
        sheet.gauge("clock_max_error_seconds", "By how much the clock may be wrong, as the kernel says", error);
    }
    if let Some(offset) = api.alarms.time().and_then(|time| time.offset_ms) {
        let offset = [(Labels::new(), offset / 1000.0)];
        sheet.gauge("clock_offset_seconds", "By how much the clock is ahead, as what keeps it right says", offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Via;

    #[test]
    fn who_is_logged_in_speaks_for_itself_and_a_program_for_whom_it_says() {
        let said = |by: By, name: Option<&str>| {
            let caller = Caller { name: "ada".into(), role: None, by, via: Via::default() };
            named(&caller, name.map(str::to_owned)).unwrap()
        };
        let token = || By::Token { id: "1".into(), scopes: Vec::new() };
        assert_eq!(said(By::Session("1".into()), Some("eve")).as_deref(), Some("ada"));
        assert_eq!(said(token(), Some("the desk")).as_deref(), Some("the desk"));
        assert_eq!(said(token(), None).as_deref(), Some("ada"));
        assert_eq!(said(By::Open, None), None);
    }
}
