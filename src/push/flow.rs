//! How the line is used: what is measured of it, how much of it backfill gets, and which renditions it carries.
//!
//! ```text
//!  requests ──began, ended──▶ meter ──rate──▶ pace: backfill beside the live edge
//!                               └─────line──▶ rate (policy) ──drop, return──▶ lanes
//! ```
//!
//! - Segments and parts of the live edge are measured; a playlist is a round trip, not a rate. Backfill is not measured, as
//!   it waits for its turn; where it need not (a first window, a share of 100 %, nothing live any more) it counts like the
//!   live edge.
//! - While a rendition is left out, a segment of it is sent now and then when nothing else is under way: what is left of
//!   the ladder may be too small to show what the line carries.
//! - What a spent budget keeps from the destination is left out in the same way, but not for the line's sake (`ration`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::{BitRate, Carried, CarriedRendition, CatchUp, Duty, LinePolicy, LineStatus, MediaTime, RenditionId};
use crate::policy::{Need, Rate, RateTurn};

use super::delivery::{BEHIND, Delivery, FILLING};
use super::description::{Medium, PushDescription};
use super::lane::Lane;
use super::link::{Link, Phase};
use super::meter::Meter;
use super::object::Object;
use super::pace::{Hold, Pace, Rank, Turn};

mod ration;

/// The live edge is over when nothing new was made for so many segment durations.
const LIVE: u32 = 3;
/// The line is measured over so many segment durations of busy time, and at least over [`WINDOW`].
const SEGMENTS: u32 = 2;
const WINDOW: Duration = Duration::from_secs(1);
/// A stall spoils one window; so long a line must be too slow at least.
const WINDOWS: u32 = 2;
/// Backfill has at least this, bytes per second, however slow the line.
const FLOOR: u64 = 8 * 1024;
/// So long may what goes side by side behind the live edge take together.
const ROUND: Duration = Duration::from_secs(2);
/// Segments whose sizes say what a rendition needs.
const RECENT: usize = 10;

/// What a request says of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measured {
    /// How much of it was busy.
    Live,
    /// The same, if it need not wait: so many pieces had to before.
    Free(u64),
    /// Backfill in its turn.
    Backfill,
    /// A trial; so many pieces had to wait before.
    Trial(u64),
    /// Nothing.
    Nothing,
}

/// How a request goes.
#[derive(Debug)]
pub(crate) struct Passage {
    /// What it waits for.
    pub(crate) turn: Option<Turn>,
    /// What others wait for.
    pub(crate) hold: Option<Hold>,
    /// What it says of the line.
    pub(crate) measured: Measured,
}

/// What changed, for somebody to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turned {
    /// Whether it is left out now, or taken up again.
    pub(crate) turn: RateTurn,
    /// Which rendition.
    pub(crate) rendition: RenditionId,
    /// What the line carries.
    pub(crate) measured: BitRate,
    /// What is needed with that rendition.
    pub(crate) needed: BitRate,
}

/// What is counted of a rendition.
#[derive(Debug, Clone, Default)]
struct Count {
    since: Option<MediaTime>,
    left_out: u64,
}

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Flow {
    policy: LinePolicy,
    duration: Duration,
    meter: Meter,
    pace: Arc<Pace>,
    rate: Rate,
    /// The newest segment, and since when it is.
    newest: (Option<u64>, Instant),
    duty: Duty,
    /// Its budget is spent.
    lowest_only: bool,
    trial_at: Instant,
    counts: BTreeMap<RenditionId, Count>,
}

impl Flow {
    /// A line of which nothing is known.
    pub(crate) fn new(description: &PushDescription, now: Instant) -> Self {
        let duration = description.grid.duration();
        let window = (duration * SEGMENTS).max(WINDOW);
        let policy = description.upload.line;
        Self {
            policy,
            duration,
            meter: Meter::new(window),
            pace: Arc::default(),
            rate: Rate::new(policy, window * WINDOWS),
            newest: (None, now),
            duty: description.duty,
            lowest_only: description.lowest_only,
            trial_at: now,
            counts: BTreeMap::new(),
        }
    }

    /// How a request for `object` goes, which begins now.
    pub(crate) fn begin(&mut self, object: &Object, delivery: &Delivery, now: Instant) -> Passage {
        let passage = match object {
            Object::Segment { lane, number, backfill: true } => self.behind(*lane, *number, delivery),
            Object::Segment { .. } => {
                Passage { turn: None, hold: Some(self.pace.hold(Rank::Live)), measured: Measured::Live }
            }
            Object::Part { .. } => Passage { turn: None, hold: None, measured: Measured::Live },
            _ => Passage { turn: None, hold: None, measured: Measured::Nothing },
        };
        if matches!(passage.measured, Measured::Live | Measured::Free(_)) {
            self.meter.began(now);
        }
        passage
    }

    /// How a segment behind the live edge goes: it may have to yield to one that comes while it is under way.
    fn behind(&self, lane: usize, number: u64, delivery: &Delivery) -> Passage {
        let bytes = delivery.lanes[lane].segment(number).map_or(0, |segment| segment.bytes);
        let rank = if delivery.is_catching(lane, number) { Rank::Window } else { Rank::Older };
        let trial = delivery.is_trial(lane, number);
        let turn = (self.policy.backfill_share < 100 || trial).then(|| self.pace.turn(rank, bytes, !trial));
        let measured = match () {
            () if trial => Measured::Trial(self.pace.waits()),
            () if delivery.yields => Measured::Backfill,
            () => Measured::Free(self.pace.waits()),
        };
        Passage { turn, hold: Some(self.pace.hold(rank)), measured }
    }

    /// A request that was `started` then ended; `bytes` of media were acknowledged, none if it failed.
    pub(crate) fn end(&mut self, measured: Measured, bytes: Option<u64>, started: Instant, now: Instant) {
        match (measured, bytes) {
            (Measured::Live, Some(bytes)) => self.meter.ended(bytes, now),
            (Measured::Free(waits), Some(bytes)) if waits == self.pace.waits() => self.meter.ended(bytes, now),
            (Measured::Live | Measured::Free(_), _) => self.meter.gave_up(now),
            (Measured::Backfill, Some(bytes)) => self.meter.backfilled(bytes, now),
            (Measured::Trial(waits), Some(bytes)) if waits == self.pace.waits() => {
                self.meter.tried(bytes, now.saturating_duration_since(started), now);
            }
            _ => {}
        }
    }

    /// A request failed: that is no measure of a rate.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.meter.forget(now);
    }

    /// All requests were given up.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.meter.begin_again(now);
        self.rate.forget();
    }

    /// Backfill waits for its time, and for nothing else.
    pub(crate) fn is_metering(&self) -> bool {
        self.pace.is_metering()
    }

    /// Gives up what became owed of renditions that the line does not carry; the lanes of which there was something.
    pub(crate) fn pass_over(&mut self, lanes: &mut [Lane]) -> Vec<usize> {
        if self.policy.backfill_dropped {
            return Vec::new();
        }
        let mut touched = Vec::new();
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.outgrows_line()) {
            let passed = lane.pass_over();
            if passed > 0 {
                self.counts.entry(lane.id.clone()).or_default().left_out += passed;
                touched.push(index);
            }
        }
        touched
    }

    /// Looks at the line; drops and returns renditions of `delivery`. `stopping`: nothing new will come.
    pub(crate) fn look(
        &mut self,
        delivery: &mut Delivery,
        link: &Link,
        stopping: bool,
        now: Instant,
    ) -> Option<Turned> {
        let newest = delivery.lanes.iter().filter_map(Lane::newest).max();
        if newest != self.newest.0 {
            self.newest = (newest, now);
        }
        let live = !stopping && now.saturating_duration_since(self.newest.1) < self.duration * LIVE;
        delivery.yields = live && self.policy.backfill_share < 100 && !delivery.is_filling();
        let share = |known: u64| (known.saturating_mul(self.policy.backfill_share.into()) / 100).max(FLOOR);
        let limit = self.meter.known().map(share).filter(|_| delivery.yields);
        match delivery.yields {
            true => self.pace.limit(limit),
            false => self.pace.open(),
        }
        delivery.behind = match limit {
            Some(limit) => side_by_side(limit, &delivery.lanes),
            // Beside a live edge of which nothing is known, or which has no precedence, one has to do.
            None if live => BEHIND,
            None => FILLING,
        };
        if std::mem::replace(&mut self.duty, delivery.duty()) != self.duty {
            self.meter.forget(now);
            self.rate.forget();
        }
        let judged = live && link.phase() == Phase::Streaming && !delivery.is_filling() && self.duty != Duty::Standby;
        let turned = self.judge(delivery, judged, now);
        self.look_for_more(delivery, judged, now);
        turned
    }

    fn judge(&mut self, delivery: &mut Delivery, judged: bool, now: Instant) -> Option<Turned> {
        let video: Vec<usize> =
            of(delivery, Medium::Video).filter(|index| !delivery.lanes[*index].is_barred()).collect();
        let dropped = video.iter().take_while(|index| delivery.lanes[**index].is_dropped()).count();
        // Where there are other renditions now, none below one that is carried stays left out.
        video[dropped..].iter().for_each(|index| delivery.lanes[*index].take_up());
        let line = self.meter.line(self.every() * 3, now).filter(|_| judged);
        let needs: Vec<u64> = video.iter().map(|index| need(&delivery.lanes[*index])).collect();
        let rest = of(delivery, Medium::Audio).map(|index| need(&delivery.lanes[index])).sum();
        let need = Need { video: &needs, rest };
        let turn = self.rate.look(line, need, dropped, now)?;
        let (place, measured) = match turn {
            RateTurn::Drop => (dropped, line.and_then(|line| line.acknowledged)),
            RateTurn::Return => (dropped - 1, line.map(|line| line.best)),
        };
        let lane = &mut delivery.lanes[*video.get(place)?];
        match turn {
            RateTurn::Drop => lane.leave_out(),
            RateTurn::Return => lane.take_up(),
        }
        let count = self.counts.entry(lane.id.clone()).or_default();
        count.since = (turn == RateTurn::Drop).then(super::tally::now);
        self.meter.forget(now);
        let bits = |bytes: u64| BitRate(bytes / 1250 * 10_000);
        Some(Turned {
            turn,
            rendition: lane.id.clone(),
            measured: bits(measured.unwrap_or(0)),
            needed: bits(need.without(place)),
        })
    }

    /// Has a segment of the lowest rendition that is left out sent, now and then.
    fn look_for_more(&mut self, delivery: &mut Delivery, judged: bool, now: Instant) {
        let lowest = of(delivery, Medium::Video).filter(|index| delivery.lanes[*index].outgrows_line()).last();
        match lowest.filter(|_| judged) {
            Some(lane) if now >= self.trial_at => {
                self.trial_at = now + self.every();
                delivery.try_line(lane);
            }
            Some(_) => {}
            None => self.trial_at = now + self.every(),
        }
    }

    /// How often a segment is tried.
    fn every(&self) -> Duration {
        Duration::from_millis(u64::from(self.policy.clear_ms) / 4).max(self.duration * SEGMENTS)
    }

    /// The line in words.
    pub(crate) fn status(&self, delivery: &Delivery, link: &Link, now: Instant) -> LineStatus {
        // Whole kilobits: what is shown need not change with each request.
        let rate = |bytes: u64| BitRate(bytes / 125 * 1000);
        let needed = delivery.carried().map(need).sum();
        let renditions = of(delivery, Medium::Video).map(|index| {
            let lane = &delivery.lanes[index];
            let count = self.counts.get(&lane.id).cloned().unwrap_or_default();
            let carried = match (lane.is_dropped(), lane.hidden) {
                (true, _) if lane.is_barred() => Carried::Withheld,
                (true, _) => Carried::Dropped,
                (false, true) => Carried::Returning,
                (false, false) => Carried::Whole,
            };
            CarriedRendition { id: lane.id.clone(), carried, since: count.since, left_out: count.left_out }
        });
        LineStatus {
            measured: self.meter.known().map(rate),
            needed: rate(needed),
            catch_up: self.catch_up(delivery, link, needed, now),
            renditions: renditions.collect(),
        }
    }

    fn catch_up(&self, delivery: &Delivery, link: &Link, needed: u64, now: Instant) -> CatchUp {
        let behind = |lane: &Lane| -> u64 {
            let newest = lane.newest().unwrap_or(0);
            let owed = lane.owed().filter(|number| *number < newest);
            owed.filter_map(|number| lane.segment(number)).map(|segment| segment.bytes).sum()
        };
        let backlog = delivery.lanes.iter().map(behind).sum();
        let streaming = link.phase() == Phase::Streaming;
        let backfill = self.meter.backfill_rate(now).filter(|_| streaming);
        // Nothing is made any more: the whole line is there for what waits.
        let (needed, share) = if delivery.yields || self.is_live(now) {
            (needed, u64::from(self.policy.backfill_share))
        } else {
            (0, 100)
        };
        outlook(backlog, self.meter.known(), needed, share, backfill)
    }

    fn is_live(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.newest.1) < self.duration * LIVE
    }
}

/// How long `backlog` bytes take on a line of `known` bytes per second beside a live edge that needs `needed`, if backfill
/// gets `share` percent of it at most; `backfill` is what it was seen to get.
fn outlook(backlog: u64, known: Option<u64>, needed: u64, share: u64, backfill: Option<u64>) -> CatchUp {
    if backlog == 0 {
        return CatchUp::Even;
    }
    let Some(known) = known else { return CatchUp::Unknown };
    // Its share of the line, for as long as no segment of the live edge is under way.
    let spare = known.saturating_sub(needed).saturating_mul(share) / 100;
    // What cannot even carry the live edge falls back further whatever backfill gets.
    let rate = if known < needed { 0 } else { backfill.unwrap_or(spare) };
    match rate {
        0 => CatchUp::Never,
        rate => CatchUp::Takes { seconds: (backlog as f64 / rate as f64 * 10.0).ceil() / 10.0 },
    }
}

/// The places of the lanes of a medium, in order.
fn of(delivery: &Delivery, medium: Medium) -> impl Iterator<Item = usize> {
    let lanes = delivery.lanes.iter().enumerate();
    lanes.filter(move |(_, lane)| lane.medium == medium).map(|(index, _)| index)
}

/// Requests behind the live edge for `limit` bytes per second: as many as are done in about [`ROUND`]. Small segments over a
/// long line go side by side, or it would stand idle between each and its answer; large ones on a slow line one by one.
fn side_by_side(limit: u64, lanes: &[Lane]) -> usize {
    let newest = lanes.iter().filter_map(|lane| lane.recent(1).first());
    let largest = newest.map(|segment| segment.bytes).max().unwrap_or(0).max(1);
    let count = limit.saturating_mul(ROUND.as_secs()) / largest;
    usize::try_from(count).unwrap_or(FILLING).clamp(BEHIND, FILLING)
}

/// Bytes per second that a rendition makes, with its parts.
fn need(lane: &Lane) -> u64 {
    let recent = lane.recent(RECENT);
    let bytes: u64 = recent.iter().map(|segment| segment.bytes).sum();
    let seconds: f64 = recent.iter().map(|segment| segment.duration.as_secs_f64()).sum();
    let times = if lane.parts.is_used() { 2.0 } else { 1.0 };
    if seconds > 0.0 { (bytes as f64 * times / seconds) as u64 } else { 0 }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
