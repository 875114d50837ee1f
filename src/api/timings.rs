//! How long things took: answers of the API, orders until the engine has confirmed them, changes of endpoint; and how long
//! channels were on air.
//!
//! Rows are bounded: routes and methods are those of the code, destinations those of the configuration. What nobody has
//! asked for yet has no row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::reports;
use super::sheet::{Labels, Sheet};
use crate::model::status::{ApplianceStatus, ChannelOrder};
use crate::model::{ChannelId, DestinationId, Histogram, MediaTime};

/// Up to a minute, which the daemon bounds every order by.
const ANSWERS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];
const SWITCHES: &[f64] = &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Route, method, class of the status.
type Answer = (String, &'static str, &'static str);
type Destination = (ChannelId, DestinationId);

#[derive(Debug, Default)]
struct Kept {
    answers: BTreeMap<Answer, Histogram>,
    /// By what was ordered, and what came of it.
    orders: BTreeMap<(String, &'static str), Histogram>,
    switches: BTreeMap<Destination, Switches>,
    air: BTreeMap<ChannelId, Air>,
}

/// How long a channel was to be on air, and was, since the daemon came up: what a service level counts. Without a daemon
/// nothing is counted.
#[derive(Debug)]
struct Air {
    expected: f64,
    good: f64,
    /// Since when it is as it was seen last: ordered on air, received by viewers.
    seen: (Instant, bool, bool),
}

impl Air {
    /// It was so until `at`.
    fn until(&mut self, at: Instant) {
        let (since, expected, good) = self.seen;
        let seconds = at.saturating_duration_since(since).as_secs_f64();
        self.expected += if expected { seconds } else { 0.0 };
        self.good += if expected && good { seconds } else { 0.0 };
        self.seen.0 = at;
    }
}

#[derive(Debug)]
struct Switches {
    took: Histogram,
    /// The last one that is counted.
    counted: Option<MediaTime>,
}

/// See the module. Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timings(Arc<Mutex<Kept>>);

/// Measures every answer; of a stream that is when it begins.
pub(crate) async fn measure_answer(State(timings): State<Timings>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (method, begun) = (word(request.method().as_str()), Instant::now());
    let response = next.run(request).await;
    timings.answered(route.as_deref(), method, response.status(), begun.elapsed().as_secs_f64());
    response
}

/// Anybody can make up methods.
fn word(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// What was ordered of a channel, by the end of its route; none for what is no order, and what is asked twice.
fn order(route: &str, method: &str, status: StatusCode) -> Option<(String, &'static str)> {
    let verb = route.strip_prefix("/api/v1/channels/{id}/").filter(|_| method == "POST")?;
    let verb = verb.rsplit_once('}').map_or(verb, |(_, verb)| verb.trim_start_matches('/'));
    let result = match status {
        StatusCode::PRECONDITION_REQUIRED => return None,
        status if status.is_success() => "done",
        status if status.is_client_error() => "refused",
        _ => "failed",
    };
    Some((verb.to_owned(), result)).filter(|(verb, _)| verb != "whep")
}

impl Timings {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, route: Option<&str>, method: &'static str, status: StatusCode, seconds: f64) {
        let route = route.unwrap_or("none");
        let mut kept = self.kept();
        let row = kept.answers.entry((route.to_owned(), method, class(status)));
        row.or_insert_with(|| Histogram::new(ANSWERS)).take(seconds);
        if let Some(order) = order(route, method, status) {
            kept.orders.entry(order).or_insert_with(|| Histogram::new(ANSWERS)).take(seconds);
        }
    }

    /// Counts each change of endpoint when it is known how long it took, until `closing`.
    pub(crate) fn follow(&self, mut status: watch::Receiver<Arc<ApplianceStatus>>, closing: CancellationToken) {
        let timings = self.clone();
        let course = async move {
            loop {
                let newest = status.borrow_and_update().clone();
                timings.look(&newest);
                if status.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::spawn(closing.run_until_cancelled_owned(course));
    }

    fn look(&self, status: &ApplianceStatus) {
        self.look_at_air(status, Instant::now());
        self.look_at_switches(status);
    }

    fn look_at_air(&self, status: &ApplianceStatus, at: Instant) {
        let mut kept = self.kept();
        kept.air.retain(|channel, _| status.channels.iter().any(|one| one.id == *channel));
        for one in &status.channels {
            let seen = (at, one.order == ChannelOrder::OnAir, one.on_air);
            let air = kept.air.entry(one.id.clone()).or_insert(Air { expected: 0.0, good: 0.0, seen });
            air.until(at);
            air.seen = seen;
        }
    }

    /// A destination with a backup has a row from the start: the first change is a change of it, too.
    fn look_at_switches(&self, status: &ApplianceStatus) {
        let mut kept = self.kept();
        kept.switches.retain(|(channel, _), _| status.channels.iter().any(|one| one.id == *channel));
        let all = reports(status).flat_map(|(c, r)| r.destinations.iter().map(move |one| (c, one)));
        for (channel, one) in all.filter(|(_, one)| one.endpoints.len() > 1 || one.last_switch.is_some()) {
            let row = kept.switches.entry((channel.id.clone(), one.id.clone()));
            let row = row.or_insert_with(|| Switches { took: Histogram::new(SWITCHES), counted: None });
            let Some(switch) = &one.last_switch else { continue };
            if let Some(seconds) = switch.playable_seconds.filter(|_| row.counted != Some(switch.at)) {
                row.counted = Some(switch.at);
                row.took.take(seconds);
            }
        }
    }

    fn measure_air(&self, sheet: &mut Sheet) {
        let mut kept = self.kept();
        let at = Instant::now();
        kept.air.values_mut().for_each(|air| air.until(at));
        let each = |value: fn(&Air) -> f64| {
            kept.air.iter().map(move |(channel, air)| (vec![("channel", channel.to_string())], value(air)))
        };
        let help = "How long the channel was ordered on air since the daemon came up";
        sheet.seconds("channel_on_air_expected_seconds", help, each(|air| air.expected));
        let help = "Of that, how long a viewer could receive the programme";
        sheet.seconds("channel_on_air_good_seconds", help, each(|air| air.good));
    }

    pub(super) fn measure(&self, sheet: &mut Sheet) {
        self.measure_air(sheet);
        let kept = self.kept();
        let answers = kept.answers.iter().map(|((route, method, status), one)| {
            let method = ("method", (*method).to_owned());
            (vec![("route", route.clone()), method, ("status", (*status).to_owned())], one.clone())
        });
        sheet.histogram(
            "http_request_duration_seconds",
            "How long answers took, by route",
            answers.collect::<Vec<_>>(),
        );
        let orders = kept.orders.iter().map(|((order, result), one)| {
            (vec![("command", order.clone()), ("result", (*result).to_owned())], one.clone())
        });
        let help = "From an order to what came of it, confirmed by the engine";
        sheet.histogram("command_duration_seconds", help, orders.collect::<Vec<_>>());
        let switches = kept.switches.iter().map(|((channel, destination), one)| {
            let labels: Labels = vec![("channel", channel.to_string()), ("destination", destination.to_string())];
            (labels, one.took.clone())
        });
        let help = "From the decision to change the endpoint to a window there that players can have";
        sheet.histogram("destination_failover_duration_seconds", help, switches.collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_bounded_whatever_is_asked() {
        let timings = Timings::default();
        for n in 0..1000u16 {
            let status = StatusCode::from_u16(400 + n % 100).unwrap();
            timings.answered(None, word(&format!("M{n}")), status, 0.1);
        }
        assert_eq!(timings.kept().answers.len(), 1);
        assert_eq!(timings.kept().orders.len(), 0);
    }

    #[test]
    fn orders_are_called_by_the_end_of_their_route() {
        let of = |route, status| order(route, "POST", status).map(|(verb, result)| format!("{verb} {result}"));
        let take = "/api/v1/channels/{id}/take";
        assert_eq!(of(take, StatusCode::OK).as_deref(), Some("take done"));
        assert_eq!(of(take, StatusCode::CONFLICT).as_deref(), Some("take refused"));
        assert_eq!(of(take, StatusCode::GATEWAY_TIMEOUT).as_deref(), Some("take failed"));
        assert_eq!(of(take, StatusCode::PRECONDITION_REQUIRED), None, "it is only asked for a confirmation");
        let recording = "/api/v1/channels/{id}/destinations/{destination}/recording";
        assert_eq!(of(recording, StatusCode::OK).as_deref(), Some("recording done"));
        assert_eq!(of("/api/v1/config/reload", StatusCode::OK), None);
        assert_eq!(order(take, "GET", StatusCode::OK), None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_on_air_is_counted_as_long_as_somebody_ordered_it() {
        let timings = Timings::default();
        let mut status = super::super::tests::rig::appliance();
        status.channels.truncate(1);
        let mut look = async |order, on_air, seconds| {
            (status.channels[0].order, status.channels[0].on_air) = (order, on_air);
            timings.look(&status);
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
        };
        look(ChannelOrder::OffAir, false, 50).await;
        look(ChannelOrder::OnAir, false, 3).await;
        look(ChannelOrder::OnAir, true, 20).await;
        look(ChannelOrder::OnAir, true, 4).await;
        look(ChannelOrder::OnAir, false, 2).await;
        // An order that is over is no time off air, also while viewers still have something to play.
        look(ChannelOrder::OffAir, true, 10).await;
        let mut sheet = Sheet::new();
        timings.measure(&mut sheet);
        let text = sheet.text().unwrap();
        let value = |name: &str| {
            let line =
                text.lines().find(|line| line.starts_with(&format!("uplink_channel_on_air_{name}_seconds_total{{")));
            line.unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap().round()
        };
        assert_eq!((value("expected"), value("good")), (29.0, 24.0));
    }
}
