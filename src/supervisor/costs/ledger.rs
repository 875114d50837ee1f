//! What was counted: bytes by endpoint and day, shows, and where every counter stood. Pure.

use std::collections::BTreeMap;

use crate::model::cost::{Day, Month, Traffic};
use crate::model::status::DestinationStatus;
use crate::model::{ChannelId, DestinationId, EndpointName, MediaTime};
use crate::policy::BudgetLevel;

/// Days with traffic that are kept of an endpoint: a year, and what is left of a month.
pub(super) const KEEP_DAYS: usize = 400;
/// Shows of one channel that are kept.
pub(super) const KEEP_SHOWS: usize = 500;

/// An endpoint of a channel's destination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) channel: ChannelId,
    pub(super) destination: DestinationId,
    pub(super) endpoint: EndpointName,
}

/// Where a counter stood when it was last looked at. Kept with what was counted, so that a daemon that comes later goes
/// on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// When the worker started whose counter it is.
    pub(super) worker: MediaTime,
    /// What it showed.
    pub(super) shown: Traffic,
}

/// A show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Show {
    pub(super) title: Option<String>,
    pub(super) began: MediaTime,
    pub(super) ended: Option<MediaTime>,
    pub(super) traffic: BTreeMap<DestinationId, Traffic>,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ledger {
    pub(super) days: BTreeMap<Place, BTreeMap<Day, Traffic>>,
    pub(super) marks: BTreeMap<Place, Mark>,
    /// By channel, ascending; only the last may be on.
    pub(super) shows: BTreeMap<ChannelId, Vec<Show>>,
    /// What was last seen of each budget, so that every alarm is given once.
    pub(super) told: BTreeMap<DestinationId, (Month, BudgetLevel)>,
}

impl Ledger {
    /// Takes over what a worker reports of its destinations; whether that was anything new.
    pub(super) fn see(
        &mut self,
        channel: &ChannelId,
        worker: MediaTime,
        reported: &[DestinationStatus],
        now: MediaTime,
    ) -> bool {
        let before = std::mem::take(&mut self.marks);
        // What is not reported any more counts from nothing if it comes back.
        let (ours, others): (BTreeMap<_, _>, _) = before.into_iter().partition(|(place, _)| place.channel == *channel);
        self.marks = others;
        let mut new = false;
        // What is recorded goes nowhere.
        for destination in reported.iter().filter(|destination| destination.recording.is_none()) {
            for endpoint in &destination.endpoints {
                let place = Place {
                    channel: channel.clone(),
                    destination: destination.id.clone(),
                    endpoint: endpoint.name.clone(),
                };
                let shown = Traffic { sent: endpoint.bytes_sent, acknowledged: endpoint.bytes_acknowledged };
                let mark = Mark { worker, shown };
                let grown = match ours.get(&place) {
                    Some(mark) if mark.worker == worker => shown.since(mark.shown),
                    _ => shown,
                };
                if !grown.is_nothing() {
                    self.count(&place, grown, now);
                }
                new |= ours.get(&place) != Some(&mark);
                self.marks.insert(place, mark);
            }
        }
        new
    }

    fn count(&mut self, place: &Place, grown: Traffic, now: MediaTime) {
        let of_day = self.days.entry(place.clone()).or_default().entry(Day::of(now)).or_default();
        *of_day = of_day.plus(grown);
        // Before anybody has begun one, a channel's first bytes do.
        if self.shows.get(&place.channel).is_none_or(Vec::is_empty) {
            self.begin(&place.channel, None, now);
        }
        let show = self.shows.get_mut(&place.channel).and_then(|shows| shows.last_mut());
        if let Some(show) = show.filter(|show| show.ended.is_none()) {
            let share = show.traffic.entry(place.destination.clone()).or_default();
            *share = share.plus(grown);
        }
    }

    /// Whether a show is on.
    pub(super) fn is_on(&self, channel: &ChannelId) -> bool {
        self.shows.get(channel).and_then(|shows| shows.last()).is_some_and(|show| show.ended.is_none())
    }

    /// A show begins; one that is on ends.
    pub(super) fn begin(&mut self, channel: &ChannelId, title: Option<String>, now: MediaTime) {
        self.end(channel, now);
        let show = Show { title, began: now, ended: None, traffic: BTreeMap::new() };
        self.shows.entry(channel.clone()).or_default().push(show);
    }

    /// The show that is on ends; it, if there was one.
    pub(super) fn end(&mut self, channel: &ChannelId, now: MediaTime) -> Option<&Show> {
        let shows = self.shows.entry(channel.clone()).or_default();
        let show = shows.last_mut().filter(|show| show.ended.is_none())?;
        show.ended = Some(now.max(show.began));
        Some(show)
    }

    /// What went to a destination in `month`, of all channels.
    pub(super) fn spent(&self, destination: &DestinationId, month: Month) -> Traffic {
        let places = self.days.iter().filter(|(place, _)| place.destination == *destination);
        places.map(|(_, days)| of_month(days, month)).fold(Traffic::default(), Traffic::plus)
    }

    /// Adds what was counted before. A worker that both know was counted twice: what `found` has of it is taken off.
    pub(super) fn join(&mut self, found: Ledger, now: MediaTime) {
        let today = Day::of(now);
        for (place, mark) in &found.marks {
            let twice = self.marks.get(place).is_some_and(|ours| ours.worker == mark.worker);
            let of_day = self.days.get_mut(place).and_then(|days| days.get_mut(&today));
            if let (true, Some(of_day)) = (twice, of_day) {
                *of_day = of_day.minus(mark.shown);
            }
        }
        for (place, days) in found.days {
            let ours = self.days.entry(place).or_default();
            for (day, traffic) in days {
                let of_day = ours.entry(day).or_default();
                *of_day = of_day.plus(traffic);
            }
        }
        for (place, mark) in found.marks {
            self.marks.entry(place).or_insert(mark);
        }
        for (channel, mut shows) in found.shows {
            let ours = self.shows.remove(&channel).unwrap_or_default();
            match (shows.last_mut().filter(|show| show.ended.is_none()), ours.first()) {
                // One that was on goes on, unless another has begun by order.
                (Some(show), Some(first)) if first.title.is_none() && ours.len() == 1 => {
                    for (destination, traffic) in &first.traffic {
                        let share = show.traffic.entry(destination.clone()).or_default();
                        *share = share.plus(*traffic);
                    }
                    show.ended = first.ended;
                }
                (Some(show), Some(first)) => {
                    show.ended = Some(first.began.max(show.began));
                    shows.extend(ours);
                }
                _ => shows.extend(ours),
            }
            self.shows.insert(channel, shows);
        }
        for (destination, told) in found.told {
            self.told.entry(destination).or_insert(told);
        }
    }

    /// Forgets what is too old for anybody's accounts. By number, not by age: a clock that is wrong for a while costs
    /// nothing.
    pub(super) fn prune(&mut self) {
        for days in self.days.values_mut() {
            while days.len() > KEEP_DAYS {
                days.pop_first();
            }
        }
        for shows in self.shows.values_mut() {
            let too_many = shows.len().saturating_sub(KEEP_SHOWS);
            shows.drain(..too_many);
        }
    }
}

/// What went in a month.
pub(super) fn of_month(days: &BTreeMap<Day, Traffic>, month: Month) -> Traffic {
    let days = days.iter().filter(|(day, _)| day.month() == month);
    days.map(|(_, traffic)| *traffic).fold(Traffic::default(), Traffic::plus)
}
