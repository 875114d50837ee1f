//! What is known, and since when.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::status::{ApplianceStatus, WorkerReport};
use crate::model::{Alarm, ChannelId, DestinationId, MediaTime, MeterReading};

/// The daemon says something every two seconds; after so long it is gone or frozen.
pub(super) const SILENCE: Duration = Duration::from_secs(6);

/// Bit rates are means over this time.
const MEAN: Duration = Duration::from_secs(5);

/// Something new.
#[derive(Debug)]
pub(super) enum News {
    Status(Box<ApplianceStatus>),
    Meters(BTreeMap<ChannelId, MeterReading>),
    Alarms(Vec<Alarm>),
    /// The daemon is well, and nothing else is new.
    Beat,
    /// The daemon cannot be heard any more.
    Away(String),
}

type Acknowledged = BTreeMap<(ChannelId, DestinationId), u64>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) status: Option<ApplianceStatus>,
    pub(super) meters: BTreeMap<ChannelId, MeterReading>,
    pub(super) alarms: Vec<Alarm>,
    heard: Option<Instant>,
    away: Option<String>,
    /// What destinations had acknowledged, oldest first.
    past: VecDeque<(MediaTime, Acknowledged)>,
}

impl Board {
    pub(super) fn take(&mut self, news: News, now: Instant) {
        match news {
            News::Status(status) => {
                self.remember(&status);
                self.status = Some(*status);
            }
            News::Meters(meters) => self.meters = meters,
            News::Beat => {}
            // Come by another way: they say nothing about the age of the rest.
            News::Alarms(alarms) => {
                self.alarms = alarms;
                return;
            }
            News::Away(why) => {
                self.away = Some(why);
                return;
            }
        }
        (self.heard, self.away) = (Some(now), None);
    }

    /// How long nothing was heard, and why as far as that is known; none while the daemon is heard.
    pub(super) fn silence(&self, now: Instant) -> Option<(Option<Duration>, &str)> {
        let age = self.heard.map(|heard| now.duration_since(heard));
        match (&self.away, age) {
            (Some(why), _) => Some((age, why)),
            (None, Some(age)) if age < SILENCE => None,
            (None, Some(_)) => Some((age, "no word from the daemon")),
            (None, None) => Some((None, "waiting for the daemon")),
        }
    }

    fn remember(&mut self, status: &ApplianceStatus) {
        let of = |report: &WorkerReport, channel: &ChannelId| -> Acknowledged {
            let each = report.destinations.iter();
            each.map(|one| ((channel.clone(), one.id.clone()), one.bytes_acknowledged)).collect()
        };
        let reports = status.channels.iter().filter_map(|one| Some((&one.id, one.report.as_ref()?)));
        let newest = reports.flat_map(|(channel, report)| of(report, channel)).collect();
        // Another run of the daemon, or a clock that was set.
        if self.past.back().is_some_and(|(at, _)| *at > status.now) {
            self.past.clear();
        }
        self.past.push_back((status.now, newest));
        while self.past.get(1).is_some_and(|(at, _)| status.now.since(*at) >= MEAN) {
            self.past.pop_front();
        }
    }

    /// What a destination acknowledges, bit/s; none before there are two counts, or if it began anew.
    pub(super) fn rate(&self, channel: &ChannelId, destination: &DestinationId) -> Option<f64> {
        let ((from, first), (to, last)) = (self.past.front()?, self.past.back()?);
        let key = (channel.clone(), destination.clone());
        let bytes = last.get(&key)?.checked_sub(*first.get(&key)?)?;
        let seconds = to.since(*from).as_secs_f64();
        (seconds > 0.0).then(|| bytes as f64 * 8.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::rig::{appliance, id};

    #[test]
    fn silence_is_told_with_its_age() {
        let (mut board, start) = (Board::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(board.silence(start), Some((None, "waiting for the daemon")));
        board.take(News::Away("connection refused".into()), start);
        assert_eq!(board.silence(start), Some((None, "connection refused")));
        board.take(News::Beat, start);
        assert_eq!(board.silence(after(5)), None);
        assert_eq!(board.silence(after(6)), Some((Some(SILENCE), "no word from the daemon")));
        board.take(News::Away("reset".into()), after(1));
        assert_eq!(board.silence(after(2)), Some((Some(Duration::from_secs(2)), "reset")));
    }

    #[test]
    fn rates_are_means_of_what_was_acknowledged() {
        let mut board = Board::default();
        let origin: DestinationId = "origin-a".parse().unwrap();
        let first = appliance();
        assert_eq!(board.rate(&id("demo"), &origin), None);
        for second in 0..20 {
            let mut status = first.clone();
            status.now = first.now + Duration::from_secs(second);
            let report = status.channels[0].report.as_mut().unwrap();
            // One second in twenty is another one: a mean hides it soon.
            report.destinations[0].bytes_acknowledged = second * 1_000_000 + u64::from(second == 0) * 900_000;
            board.take(News::Status(Box::new(status)), Instant::now());
        }
        assert_eq!(board.rate(&id("demo"), &origin), Some(8_000_000.0));
        assert!(board.past.len() < 8, "{}", board.past.len());
        let mut again = first.clone();
        again.now = first.now + Duration::from_secs(20);
        again.channels[0].report.as_mut().unwrap().destinations[0].bytes_acknowledged = 5;
        board.take(News::Status(Box::new(again)), Instant::now());
        assert_eq!(board.rate(&id("demo"), &origin), None, "a new worker counts anew");
    }
}
