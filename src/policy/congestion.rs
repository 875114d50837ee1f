//! At which bit rate a sender of live pictures goes on, by what its receiver reports: additive-increase, multiplicative-
//! decrease in the manner of draft-ietf-rmcat-gcc-02, with what every receiver tells (RFC 3550 report blocks) and the
//! bound that some tell (REMB, draft-alvestrand-rmcat-remb-03).
//!
//! ```text
//!              losses > 10 %, or a queue on the way
//!   ┌──────────────────────────────────────────────┐
//!   ▼                                              │
//! lowered ──some time without trouble──▶ raised in steps ──▶ ceiling
//!   (once for what was sent since the last step; of a queue to 85 % of what was sent, of a full line to 70 % of what
//!    arrived)
//! ```
//!
//! Between 2 and 10 % of losses, while a queue drains, and while the pictures need less than half of the rate, nothing
//! changes.

use std::time::{Duration, Instant};

use crate::model::BitRate;

/// Losses from which on the rate is lowered, and above which it is not raised (draft-ietf-rmcat-gcc-02, section 6).
const MANY: f64 = 0.10;
const FEW: f64 = 0.02;
/// A queue of this length is one: the jitter of radio networks alone makes half of it.
const QUEUE: Duration = Duration::from_millis(100);
/// What is left of the rate, so that a queue drains.
const DRAIN: f64 = 0.85;
/// The same of what arrives over a line that is full. Less, since sound takes its part of the line and keeps it.
const FULL: f64 = 0.7;
/// A queue that gets shorter by this from report to report is left alone.
const SHRINKS: Duration = Duration::from_millis(20);
/// Without trouble for so long, the rate is raised again.
const CALM: Duration = Duration::from_secs(3);
/// Without trouble for so long, it is raised faster: the network is another one by now.
const LONG_CALM: Duration = Duration::from_secs(10);
/// Steps upwards, for each second: at first, after trouble, after a long calm.
const BEGIN: f64 = 1.5;
const CAREFUL: f64 = 1.08;
const BOLD: f64 = 1.25;
/// The shortest way there and back is looked for over one to two of these: routes change.
const ROUTE: Duration = Duration::from_secs(30);

/// What a receiver reports, and what was sent meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Feedback {
    /// Share of the packets since the last report that did not arrive, 0 to 1.
    pub loss: f64,
    /// From a packet's start to word of its arrival.
    pub round_trip: Option<Duration>,
    /// What was sent since the last report.
    pub sent: Option<BitRate>,
    /// What of it arrived.
    pub arrived: Option<BitRate>,
}

/// Why the rate is lower than it might be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// Packets are lost.
    Loss,
    /// Packets wait on the way.
    Queue,
    /// The receiver does not want more.
    Receiver,
}

/// See the module's header.
#[derive(Debug, Clone)]
pub struct Congestion {
    floor: f64,
    ceiling: f64,
    rate: f64,
    /// What the receiver wants at most.
    bound: Option<f64>,
    /// When the rate was last lowered.
    lowered: Option<Instant>,
    /// When feedback last came.
    heard: Option<Instant>,
    cause: Option<Bottleneck>,
    last: Option<Last>,
    shortest: Shortest,
}

/// What the last report said.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// When the newest packet left that it told of.
    sent: Instant,
    trip: Duration,
    queued: bool,
}

impl Congestion {
    /// Between `floor` and `ceiling`. Begins in the middle: what the network carries is not known yet.
    pub fn new(floor: BitRate, ceiling: BitRate) -> Self {
        let (floor, ceiling) = (floor.bps() as f64, ceiling.bps().max(floor.bps()) as f64);
        Self {
            floor,
            ceiling,
            rate: f64::max(ceiling / 2.0, floor),
            bound: None,
            lowered: None,
            heard: None,
            cause: None,
            last: None,
            shortest: Shortest::default(),
        }
    }

    /// The rate to go on with.
    pub fn rate(&self) -> BitRate {
        let bound = self.bound.unwrap_or(f64::INFINITY);
        // In steps that people can read.
        let rate = (self.rate.min(bound) / 1000.0).round() * 1000.0;
        BitRate(rate.clamp(self.floor, self.ceiling) as u64)
    }

    /// Why it is not more; none at the ceiling, and on the way to it without trouble.
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        match self.bound {
            Some(bound) if bound < self.rate && bound < self.ceiling => Some(Bottleneck::Receiver),
            _ => self.cause.filter(|_| self.rate < self.ceiling),
        }
    }

    /// The receiver does not want more than this for these media.
    pub fn bounded(&mut self, bound: BitRate) {
        self.bound = Some(bound.bps() as f64);
    }

    /// A report has come.
    pub fn heard(&mut self, feedback: Feedback, now: Instant) {
        let step = self.heard.map_or(Duration::from_secs(1), |last| now.saturating_duration_since(last));
        self.heard = Some(now);
        let trip = feedback.round_trip.unwrap_or_default();
        let waits = feedback.round_trip.map_or(Duration::ZERO, |trip| self.shortest.waits(trip, now));
        let since = self.lowered.map(|at| now.saturating_duration_since(at));
        let threshold = QUEUE.max(self.shortest.get() / 2);
        let (queued, lossy) = (waits > threshold, feedback.loss > MANY);
        let drains = queued && !lossy && self.last.is_some_and(|last| trip + SHRINKS < last.trip);
        // What was sent before the last step says nothing about it.
        let fresh = self.lowered.is_none_or(|at| self.last.is_some_and(|last| last.sent >= at));
        if queued || lossy {
            if fresh && !drains {
                self.lower(queued, &feedback, now);
            }
        } else if feedback.loss <= FEW && waits <= threshold / 2 {
            // After a long time it goes where a session begins, which does not know more either.
            let most = match (self.idle(&feedback), since) {
                (false, _) => self.ceiling,
                (true, Some(since)) if since >= LONG_CALM => self.middle(),
                (true, _) => self.rate,
            };
            self.raise(since, step, most);
        }
        self.last = Some(Last { sent: now.checked_sub(trip).unwrap_or(now), trip, queued });
    }

    /// The session is over: the next one goes another way, perhaps.
    pub fn over(&mut self) {
        self.rate = self.rate.min(self.middle());
        (self.bound, self.heard, self.last, self.shortest) = (None, None, None, Shortest::default());
    }

    fn lower(&mut self, queued: bool, feedback: &Feedback, now: Instant) {
        let lost = if feedback.loss > MANY { 0.5 * feedback.loss.min(1.0) } else { 0.0 };
        let bits = |rate: BitRate| rate.bps() as f64;
        // What fills the line is what was sent, which may be less than the rate.
        let sent = feedback.sent.map_or(self.rate, bits).clamp(self.floor, self.rate);
        let by_queue = match (queued, feedback.arrived.map(bits)) {
            (false, _) => self.rate,
            // The line is full: what arrives is what it carries. Not at first, when a box that was busy for a moment
            // looks the same.
            (true, Some(arrived)) if (lost > 0.0 || self.stays()) && arrived < 0.9 * sent => arrived * FULL,
            (true, _) => sent * DRAIN,
        };
        self.rate = by_queue.min(self.rate * (1.0 - lost)).clamp(self.floor, self.ceiling);
        let cause = if queued { Bottleneck::Queue } else { Bottleneck::Loss };
        (self.lowered, self.cause) = (Some(now), Some(cause));
    }

    fn raise(&mut self, since: Option<Duration>, step: Duration, most: f64) {
        let each = match since {
            None => BEGIN,
            Some(since) if since < CALM => return,
            Some(since) if since < LONG_CALM => CAREFUL,
            Some(_) => BOLD,
        };
        let seconds = step.as_secs_f64().min(2.0);
        // What the receiver does not want says nothing about the network.
        let most = self.bound.map_or(most, |bound| most.min(bound)).max(self.rate);
        self.rate = (self.rate * f64::powf(each, seconds)).min(most);
        if self.rate >= self.ceiling {
            self.cause = None;
        }
    }

    /// Packets waited at the last report, too.
    fn stays(&self) -> bool {
        self.last.is_some_and(|last| last.queued)
    }

    fn middle(&self) -> f64 {
        (self.ceiling / 2.0).max(self.floor)
    }

    /// The pictures need far less than the rate: that they arrive says nothing about more.
    fn idle(&self, feedback: &Feedback) -> bool {
        feedback.sent.is_some_and(|sent| (sent.bps() as f64) < self.rate / 2.0)
    }
}

/// The shortest way there and back of late.
#[derive(Debug, Clone, Default)]
struct Shortest {
    now: Option<(Instant, Duration)>,
    before: Option<Duration>,
}

impl Shortest {
    fn get(&self) -> Duration {
        let now = self.now.map(|(_, trip)| trip);
        now.into_iter().chain(self.before).min().unwrap_or(Duration::ZERO)
    }

    /// How much longer than that a way took.
    fn waits(&mut self, trip: Duration, at: Instant) -> Duration {
        self.now = match self.now {
            Some((since, least)) if at.saturating_duration_since(since) < ROUTE => Some((since, least.min(trip))),
            Some((_, least)) => {
                self.before = Some(least);
                Some((at, trip))
            }
            None => Some((at, trip)),
        };
        trip.saturating_sub(self.get())
    }
}

#[cfg(test)]
#[path = "congestion_tests.rs"]
mod tests;
