//! The link to a destination: whether it acknowledges, and when to try again. Pure.
//!
//! ```text
//!              ack                    failure                     third failure in a row, or silence
//! connecting ───────▶ streaming ───────────────▶ faltering ───────────────────────────────▶ interrupted
//!     │                ▲  ▲  ▲ ────── ack ────────┘  │                                          │   │
//!     │                │  └──────────────────────────┼──────────────── ack ─────────────────────┘   │
//!     │                └─────────── ack ─── refused ◀┴── refusal (400, 401, 403, 404 …) ────────────┘
//!     └── failure: as from faltering
//! ```
//!
//! One failure is no outage: a single 503 is retried in silence. While anything has failed, the gate lets a single probe
//! through at a time, so that an origin which is coming back is not stormed.

use std::time::{Duration, Instant};

use crate::model::Fault;
use crate::model::status::DestinationState;
use crate::policy::{Attempts, Backoff, RetryDecision, Verdict};

/// An origin that was away is noticed within the cap plus the connect timeout.
const FAST: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.3 };

/// A cap is never shorter, however short segments are: a probe costs an origin that answers 503 a whole segment.
const SHORTEST_CAP: Duration = Duration::from_millis(500);

/// What a person has to mend is tried seldom.
const SLOW: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(15), factor: 2.0, jitter: 0.3 };

/// Failures in a row that make an outage.
const OUTAGE_AFTER: u32 = 3;

/// Where the link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing acknowledged, nothing failed yet.
    Connecting,
    /// Acknowledges.
    Streaming,
    /// Acknowledged a moment ago; the last attempts failed.
    Faltering,
    /// An outage.
    Interrupted,
    /// Answers, but refuses.
    Refused,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Anything.
    Open,
    /// One object, to see whether the destination is back.
    Probe,
    /// Nothing before this.
    Closed(Instant),
}

/// What somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It acknowledges (again, after so long).
    Connected(Option<Duration>),
    /// An outage began.
    Interrupted(Verdict),
    /// It began to refuse.
    Refused(Verdict),
}

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Link {
    phase: Phase,
    fast: Attempts,
    slow: Attempts,
    retry_at: Option<Instant>,
    last_failure: Option<Instant>,
    last_acknowledged: Option<Instant>,
    down_since: Option<Instant>,
    verdict: Option<Verdict>,
    reconnects: u64,
}

impl Link {
    /// Nothing tried yet.
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Connecting,
            fast: Attempts::new(FAST),
            slow: Attempts::new(SLOW),
            retry_at: None,
            last_failure: None,
            last_acknowledged: None,
            down_since: None,
            verdict: None,
            reconnects: 0,
        }
    }

    /// The same where segments are so long: probed often enough that the live edge is at most one of them late when the
    /// destination is back.
    pub(crate) fn of_segments(duration: Duration) -> Self {
        let cap = (duration / 2).clamp(SHORTEST_CAP, FAST.cap);
        Self { fast: Attempts::new(Backoff { cap, ..FAST }), ..Self::new() }
    }

    /// Something was acknowledged.
    pub(crate) fn acknowledged(&mut self, now: Instant) -> Option<Change> {
        self.fast.reset();
        self.slow.reset();
        self.retry_at = None;
        let first = self.last_acknowledged.replace(now).is_none();
        self.verdict = None;
        let was = std::mem::replace(&mut self.phase, Phase::Streaming);
        let down = self.down_since.take().map(|since| now.saturating_duration_since(since));
        match was {
            Phase::Streaming | Phase::Faltering => None,
            Phase::Connecting => Some(Change::Connected(None)),
            Phase::Interrupted | Phase::Refused => {
                self.reconnects += u64::from(was == Phase::Interrupted && !first);
                Some(Change::Connected(down))
            }
        }
    }

    /// A request that was `started` then failed. Of several that were under way together only the first counts.
    pub(crate) fn failed(&mut self, verdict: &Verdict, started: Instant, now: Instant, random: f64) -> Option<Change> {
        if !self.is_current(started) {
            return None;
        }
        self.last_failure = Some(now);
        match verdict.decision {
            RetryDecision::Retry => {
                let wait = self.fast.failed(random);
                self.retry_at = Some(now + wait);
                self.down_since.get_or_insert(started);
                if self.fast.count() >= OUTAGE_AFTER {
                    return self.interrupt(verdict);
                }
                if self.phase == Phase::Streaming {
                    self.phase = Phase::Faltering;
                }
                self.verdict = Some(verdict.clone());
                None
            }
            RetryDecision::RetrySlowly | RetryDecision::RefreshTokenThenRetry => {
                let wait = self.slow.failed(random);
                self.refuse(verdict, now, wait)
            }
            RetryDecision::Never => {
                // The next object may well be accepted, so it goes at once; if it is refused as well, then all will be,
                // and each attempt costs a segment.
                let earlier = self.slow.count();
                let wait = self.slow.failed(random);
                self.refuse(verdict, now, if earlier == 0 { Duration::ZERO } else { wait })
            }
        }
    }

    /// Whether a request that was `started` then says anything about the link as it is now.
    pub(crate) fn is_current(&self, started: Instant) -> bool {
        self.last_failure.is_none_or(|at| started >= at)
    }

    /// Whether anything was acknowledged since `started`, and nothing has failed since that was.
    pub(crate) fn has_acknowledged_since(&self, started: Instant) -> bool {
        let acknowledged = self.last_acknowledged.filter(|at| *at > started);
        acknowledged.is_some_and(|at| self.last_failure.is_none_or(|failed| failed < at))
    }

    /// Looks at the clock: nothing acknowledged for `limit` is an outage, however few attempts that took, and long before
    /// each of them has run into its own bound. `oldest` is since when a request is under way without progress; `stalled`
    /// is the verdict where nothing has failed yet.
    pub(crate) fn silent(
        &mut self,
        oldest: Option<Instant>,
        limit: Duration,
        stalled: &Verdict,
        now: Instant,
    ) -> Option<Change> {
        let watched = matches!(self.phase, Phase::Connecting | Phase::Streaming | Phase::Faltering);
        let waiting = oldest.map(|oldest| self.last_acknowledged.map_or(oldest, |at| at.max(oldest)));
        let since = self.down_since.or(waiting)?;
        if !watched || now.saturating_duration_since(since) < limit {
            return None;
        }
        self.down_since = Some(since);
        if self.retry_at.is_none() {
            self.last_failure = Some(now);
            self.retry_at = Some(now + FAST.first);
        }
        let verdict = self.verdict.clone().unwrap_or_else(|| stalled.clone());
        self.interrupt(&verdict)
    }

    /// What it refused may be what it takes now: there is another token.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if self.phase == Phase::Refused {
            self.slow.reset();
            self.retry_at = self.retry_at.map(|at| at.min(now));
        }
    }

    /// What may be sent at `now`.
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        match self.retry_at {
            None => Gate::Open,
            Some(at) if at > now => Gate::Closed(at),
            Some(_) => Gate::Probe,
        }
    }

    /// The phase.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The phase in the words of the status document.
    pub(crate) fn state(&self) -> DestinationState {
        match self.phase {
            Phase::Connecting => DestinationState::Connecting,
            Phase::Streaming | Phase::Faltering => DestinationState::Streaming,
            Phase::Interrupted => DestinationState::Interrupted,
            Phase::Refused => DestinationState::Failed,
        }
    }

    /// Whose fault it is that it does not acknowledge.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.verdict.as_ref().map(|verdict| verdict.fault)
    }

    /// Why it does not acknowledge.
    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Outages that ended.
    pub(crate) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    fn interrupt(&mut self, verdict: &Verdict) -> Option<Change> {
        self.verdict = Some(verdict.clone());
        let was = std::mem::replace(&mut self.phase, Phase::Interrupted);
        (was != Phase::Interrupted).then(|| Change::Interrupted(verdict.clone()))
    }

    fn refuse(&mut self, verdict: &Verdict, now: Instant, wait: Duration) -> Option<Change> {
        self.retry_at = Some(now + wait);
        self.down_since.get_or_insert(now);
        self.verdict = Some(verdict.clone());
        let was = std::mem::replace(&mut self.phase, Phase::Refused);
        (was != Phase::Refused).then(|| Change::Refused(verdict.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HttpFailure, judge};
    use proptest::prelude::*;

    fn refused_connection() -> Verdict {
        judge(&HttpFailure::Connect("connection refused".to_owned()))
    }

    /// Fails `count` times in a row, each time when the gate allows; returns the time after the last and what was told.
    fn fail(link: &mut Link, mut now: Instant, count: usize, verdict: &Verdict) -> (Instant, Vec<Change>) {
        let mut told = Vec::new();
        for _ in 0..count {
            if let Gate::Closed(at) = link.gate(now) {
                now = at;
            }
            let started = now;
            now += Duration::from_millis(1);
            told.extend(link.failed(verdict, started, now, 0.0));
        }
        (now, told)
    }

    #[test]
    fn an_outage_is_told_once_and_probed_at_least_every_two_seconds() {
        let (mut link, start) = (Link::new(), Instant::now());
        assert_eq!(link.acknowledged(start), Some(Change::Connected(None)));
        let (now, told) = fail(&mut link, start + Duration::from_secs(1), 40, &refused_connection());
        assert_eq!(told, [Change::Interrupted(refused_connection())]);
        let Gate::Closed(at) = link.gate(now) else { panic!("the gate is open") };
        assert!(at - now <= Duration::from_secs(2));
        assert_eq!(link.gate(at), Gate::Probe);
        assert!(matches!(link.acknowledged(at), Some(Change::Connected(Some(_)))));
        assert_eq!((link.gate(at), link.reconnects()), (Gate::Open, 1));
    }

    #[test]
    fn what_was_acknowledged_meanwhile_speaks_for_the_link() {
        let (mut link, start) = (Link::new(), Instant::now());
        let second = |n: u64| start + Duration::from_secs(n);
        assert!(!link.has_acknowledged_since(start));
        link.acknowledged(second(2));
        assert_eq!([1, 2, 3].map(|n| link.has_acknowledged_since(second(n))), [true, false, false]);
        link.failed(&refused_connection(), second(2), second(3), 0.0);
        assert!(!link.has_acknowledged_since(second(1)));
        link.acknowledged(second(4));
        assert!(link.has_acknowledged_since(second(1)));
    }

    #[test]
    fn the_shorter_segments_are_the_sooner_is_a_return_noticed() {
        for (segment, longest) in [(500, 500), (1000, 500), (2000, 1000), (6000, 2000)] {
            let (mut link, start) = (Link::of_segments(Duration::from_millis(segment)), Instant::now());
            link.acknowledged(start);
            let (now, _) = fail(&mut link, start, 40, &refused_connection());
            let Gate::Closed(at) = link.gate(now) else { panic!("the gate is open") };
            assert_eq!(at - now, Duration::from_millis(longest), "{segment}");
        }
    }

    #[test]
    fn a_hiccup_is_not_told() {
        let (mut link, start) = (Link::new(), Instant::now());
        link.acknowledged(start);
        let (now, told) = fail(&mut link, start, 2, &judge(&HttpFailure::Status(503)));
        assert_eq!((told, link.state()), (vec![], DestinationState::Streaming));
        assert_eq!((link.acknowledged(now), link.reconnects()), (None, 0));
    }

    #[test]
    fn requests_that_fail_together_count_once() {
        let (mut link, start) = (Link::new(), Instant::now());
        link.acknowledged(start);
        for later in 1..10 {
            let now = start + Duration::from_millis(later);
            assert_eq!(link.failed(&refused_connection(), start, now, 0.0), None);
        }
        assert_eq!(link.phase(), Phase::Faltering);
    }

    #[test]
    fn a_refused_object_does_not_hold_up_the_next_but_a_refusing_origin_is_spared() {
        let (mut link, start) = (Link::new(), Instant::now());
        link.acknowledged(start);
        let forbidden = judge(&HttpFailure::Status(403));
        let (now, told) = fail(&mut link, start, 1, &forbidden);
        assert_eq!((told.len(), link.gate(now), link.state()), (1, Gate::Probe, DestinationState::Failed));
        let (now, told) = fail(&mut link, now, 1, &forbidden);
        assert_eq!(told, []);
        assert_eq!(link.gate(now), Gate::Closed(now + Duration::from_secs(2)));
    }

    #[test]
    fn a_refused_token_is_tried_again_seldom() {
        let (mut link, start) = (Link::new(), Instant::now());
        let (now, told) = fail(&mut link, start, 10, &judge(&HttpFailure::Status(401)));
        assert_eq!((told.len(), link.state()), (1, DestinationState::Failed));
        assert_eq!(link.gate(now), Gate::Closed(now + Duration::from_secs(15)));
    }

    #[test]
    fn another_token_is_tried_at_once() {
        let (mut link, start) = (Link::new(), Instant::now());
        let (now, _) = fail(&mut link, start, 10, &judge(&HttpFailure::Status(401)));
        link.hurry(now);
        assert_eq!(link.gate(now), Gate::Probe);
    }

    #[test]
    fn attempts_that_take_long_are_an_outage_before_the_third() {
        let (mut link, start) = (Link::new(), Instant::now());
        let unanswered = judge(&HttpFailure::Connect("no answer in time".to_owned()));
        let stalled = judge(&HttpFailure::Stalled("nothing acknowledged".to_owned()));
        link.acknowledged(start);
        let failed = start + Duration::from_secs(2);
        assert_eq!(link.failed(&unanswered, start, failed, 0.0), None);
        let limit = Duration::from_secs(3);
        assert_eq!(link.silent(None, limit, &stalled, failed), None);
        assert_eq!(link.silent(None, limit, &stalled, start + limit), Some(Change::Interrupted(unanswered)));
    }

    #[test]
    fn silence_is_an_outage() {
        let (mut link, start) = (Link::new(), Instant::now());
        let stalled = judge(&HttpFailure::Stalled("nothing acknowledged".to_owned()));
        link.acknowledged(start);
        let limit = Duration::from_secs(5);
        let sent = start + Duration::from_secs(10);
        assert_eq!(link.silent(None, limit, &stalled, sent + limit), None);
        assert_eq!(link.silent(Some(sent), limit, &stalled, sent + Duration::from_secs(4)), None);
        assert!(matches!(link.silent(Some(sent), limit, &stalled, sent + limit), Some(Change::Interrupted(_))));
        assert_eq!(link.silent(Some(sent), limit, &stalled, sent + limit * 2), None);
    }

    /// What a step of a hostile world does: the answer to a request that was started so many steps ago, or silence.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Acknowledge,
        Fail(u16, u64),
        Unreachable(u64),
        Silence,
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        let status = prop::sample::select(vec![400u16, 401, 403, 404, 409, 429, 500, 503, 507]);
        let step = prop_oneof![
            2 => Just(Step::Acknowledge),
            3 => (status, 0u64..3000).prop_map(|(status, age)| Step::Fail(status, age)),
            3 => (0u64..3000).prop_map(Step::Unreachable),
            1 => Just(Step::Silence),
        ];
        prop::collection::vec((1u64..4000, step), 1..80)
    }

    proptest! {
        /// Whatever fails how: the gate is open only while nothing has failed since something was acknowledged, it opens a
        /// crack again within fifteen seconds, what is told alternates, and one acknowledgement makes all well.
        #[test]
        fn a_link_is_never_given_up_and_never_stormed(steps in steps(), random in 0.0f64..1.0) {
            let (mut link, mut now) = (Link::of_segments(Duration::from_secs(1)), Instant::now());
            let stalled = judge(&HttpFailure::Stalled("nothing acknowledged".to_owned()));
            let mut told: Option<Change> = None;
            for (later, step) in steps {
                now += Duration::from_millis(later);
                let started = |age: u64| now - Duration::from_millis(age.min(later));
                let (phase, reconnects) = (link.phase(), link.reconnects());
                let change = match step {
                    Step::Acknowledge => link.acknowledged(now),
                    Step::Fail(status, age) => link.failed(&judge(&HttpFailure::Status(status)), started(age), now, random),
                    Step::Unreachable(age) => link.failed(&refused_connection(), started(age), now, random),
                    Step::Silence => link.silent(Some(now - Duration::from_secs(4)), Duration::from_secs(3), &stalled, now),
                };
                match (step, link.gate(now)) {
                    (Step::Acknowledge, gate) => {
                        prop_assert_eq!((gate, link.phase()), (Gate::Open, Phase::Streaming));
                        prop_assert!(link.verdict().is_none() && link.fault().is_none());
                    }
                    (_, Gate::Open) => prop_assert_eq!(link.phase(), phase, "an old failure, or silence that is none"),
                    (_, Gate::Closed(at)) => prop_assert!(at - now <= Duration::from_secs(15)),
                    (_, Gate::Probe) => {}
                }
                prop_assert!(link.reconnects() - reconnects <= u64::from(matches!(step, Step::Acknowledge)));
                if let Some(change) = change {
                    let connected = |change: &Option<Change>| matches!(change, Some(Change::Connected(_)));
                    let new = Some(change);
                    prop_assert!(!(connected(&told) && connected(&new)), "{told:?}, then {new:?}");
                    told = new;
                }
            }
        }
    }
}
