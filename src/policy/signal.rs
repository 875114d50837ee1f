//! Whether the signal of a source is any good: black, freeze, silence, wrong format.
//!
//! A fault must last to count, and be gone for a while to be over, each with a time of its own:
//!
//! ```text
//!          condition holds for `enter`
//!   good ─────────────────────────────▶ fault (since: when the condition began)
//!     ▲                                   │
//!     └───── condition gone for `clear` ──┘
//! ```
//!
//! What is seen and heard is reported as it arrives ([`SignalWatch::saw`], [`SignalWatch::heard`]) and judged once per
//! tick of the program ([`SignalWatch::judge`]).

use std::time::Duration;

use crate::model::{MediaTime, SignalStatus, SignalThresholds, Trigger, TriggerAction};

/// Without a picture for this long nothing is known of it: the source is lost, which is another fault.
const STALE: Duration = Duration::from_secs(1);
/// Sound that does not come for this long is silent; shorter waits are jitter.
const UNHEARD: Duration = Duration::from_millis(500);
/// Sound that was heard this long ago is still there: words have gaps.
const HEARD: Duration = Duration::from_millis(200);

/// A condition with a time to enter and a time to clear.
#[derive(Debug, Clone, Default)]
struct Latch {
    trigger: Trigger,
    holds_since: Option<MediaTime>,
    gone_since: Option<MediaTime>,
    fault: Option<MediaTime>,
}

impl Latch {
    fn new(trigger: Trigger) -> Self {
        Self { trigger, ..Self::default() }
    }

    fn judge(&mut self, at: MediaTime, holds: bool) -> Option<MediaTime> {
        let lasted = |since: MediaTime, millis: u32| at.since(since) >= Duration::from_millis(millis.into());
        if self.trigger.action == TriggerAction::Off {
            return None;
        }
        if holds {
            self.gone_since = None;
            let since = *self.holds_since.get_or_insert(at);
            if self.fault.is_none() && lasted(since, self.trigger.enter_ms) {
                self.fault = Some(since);
            }
        } else {
            self.holds_since = None;
            let gone = *self.gone_since.get_or_insert(at);
            if lasted(gone, self.trigger.clear_ms) {
                self.fault = None;
            }
        }
        self.fault
    }
}

/// What was seen since the last tick.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: MediaTime,
    black: bool,
    still: bool,
    /// The next picture begins anew rather than adds.
    judged: bool,
}

/// The watch over one source.
#[derive(Debug, Clone, Default)]
pub struct SignalWatch {
    only_if_silent: bool,
    black: Latch,
    freeze: Latch,
    silence: Latch,
    format: Latch,
    seen: Option<Seen>,
    heard_at: Option<MediaTime>,
    loud_at: Option<MediaTime>,
    wrong_format: bool,
    status: SignalStatus,
}

impl SignalWatch {
    /// A watch with these limits.
    pub fn new(thresholds: &SignalThresholds) -> Self {
        Self {
            only_if_silent: thresholds.freeze_only_if_silent,
            black: Latch::new(thresholds.black),
            freeze: Latch::new(thresholds.freeze),
            silence: Latch::new(thresholds.silence),
            format: Latch::new(thresholds.format),
            ..Self::default()
        }
    }

    /// A new connection: what was seen and heard is forgotten. Faults stay until they are judged to be over, so that a
    /// source that is black each time it comes back is no news each time.
    pub fn begin(&mut self) {
        (self.seen, self.heard_at, self.loud_at) = (None, None, None);
    }

    /// A picture arrived.
    pub fn saw(&mut self, at: MediaTime, black: bool, still: bool) {
        self.seen = Some(match self.seen {
            Some(earlier) if !earlier.judged => {
                Seen { at, black: earlier.black && black, still: earlier.still && still, judged: false }
            }
            _ => Seen { at, black, still, judged: false },
        });
    }

    /// Sound arrived.
    pub fn heard(&mut self, at: MediaTime, silent: bool) {
        self.heard_at = Some(at);
        if !silent {
            self.loud_at = Some(at);
        }
    }

    /// Whether the arriving format is another than expected.
    pub fn format(&mut self, wrong: bool) {
        self.wrong_format = wrong;
    }

    /// Once per tick: the faults that count. `has_sound` says whether the connection carries sound at all.
    pub fn judge(&mut self, at: MediaTime, has_sound: bool) -> SignalStatus {
        let fresh = self.seen.filter(|seen| at.since(seen.at) < STALE);
        let quiet = self.loud_at.is_none_or(|loud| at.since(loud) >= HEARD);
        let silent = match self.heard_at {
            _ if !has_sound => false,
            Some(heard) => quiet || at.since(heard) >= UNHEARD,
            // Nothing has come yet.
            None => self.seen.is_some(),
        };
        let black = fresh.is_some_and(|seen| seen.black);
        // A black picture stands still, too; one fault is enough.
        let still = fresh.is_some_and(|seen| seen.still && !seen.black) && (!self.only_if_silent || quiet);
        self.status = SignalStatus {
            black_since: self.black.judge(at, black),
            freeze_since: self.freeze.judge(at, still),
            silence_since: self.silence.judge(at, silent),
            wrong_format_since: self.format.judge(at, self.wrong_format),
        };
        if let Some(seen) = &mut self.seen {
            seen.judged = true;
        }
        self.status
    }

    /// As last judged.
    pub fn status(&self) -> SignalStatus {
        self.status
    }
}

/// How bad a source is for the program; the worst that is still better than the slate is [`Grade::Frozen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing is wrong with it that the program would be left for.
    Good,
    /// It has the wrong format.
    Misformed,
    /// It is silent.
    Silent,
    /// It stands still.
    Frozen,
    /// It is black: the slate is better.
    Black,
    /// It does not deliver.
    Lost,
}

impl Grade {
    /// Judges a source by whether it delivers and by the faults that failover looks at.
    pub fn of(delivers: bool, signal: &SignalStatus, thresholds: &SignalThresholds) -> Self {
        let counts =
            |since: Option<MediaTime>, trigger: &Trigger| since.is_some() && trigger.action == TriggerAction::Failover;
        [
            (!delivers, Self::Lost),
            (counts(signal.black_since, &thresholds.black), Self::Black),
            (counts(signal.freeze_since, &thresholds.freeze), Self::Frozen),
            (counts(signal.silence_since, &thresholds.silence), Self::Silent),
            (counts(signal.wrong_format_since, &thresholds.format), Self::Misformed),
        ]
        .into_iter()
        .find_map(|(holds, grade)| holds.then_some(grade))
        .unwrap_or(Self::Good)
    }

    /// Whether it is better than the slate.
    pub fn beats_slate(self) -> bool {
        self <= Self::Frozen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos(1_763_000_000_000_000_000 + millis * 1_000_000)
    }

    fn trigger(enter_ms: u32, clear_ms: u32) -> Trigger {
        Trigger { action: TriggerAction::Failover, enter_ms, clear_ms }
    }

    fn thresholds() -> SignalThresholds {
        SignalThresholds {
            black: trigger(2000, 500),
            freeze: trigger(5000, 1000),
            silence: trigger(3000, 1000),
            format: trigger(1000, 1000),
            ..SignalThresholds::default()
        }
    }

    /// Plays 25 frames a second from `from` to `until`, in ms; returns when a fault counted for the first time.
    fn play(
        watch: &mut SignalWatch,
        (from, until): (u64, u64),
        (black, still, silent): (bool, bool, bool),
        fault: fn(&SignalStatus) -> Option<MediaTime>,
    ) -> Option<u64> {
        let mut first = None;
        for ms in (from..until).step_by(40) {
            watch.saw(at(ms), black, still);
            watch.heard(at(ms), silent);
            if fault(&watch.judge(at(ms + 5), true)).is_some() {
                first.get_or_insert(ms);
            }
        }
        first
    }

    #[test]
    fn each_fault_counts_after_its_own_time_and_is_over_after_its_own() {
        let mut watch = SignalWatch::new(&thresholds());
        let good = (false, false, false);
        assert_eq!(play(&mut watch, (0, 4000), good, |s| s.black_since.or(s.freeze_since).or(s.silence_since)), None);
        let entered = play(&mut watch, (4000, 10_000), (true, true, false), |s| s.black_since);
        assert_eq!(entered, Some(6000));
        assert_eq!(watch.status().freeze_since, None, "a black picture is not frozen, too");
        assert_eq!(watch.status().black_since, Some(at(4005)), "since it began, not since it counts");
        // A flash in the black does not end it.
        play(&mut watch, (10_000, 10_400), good, |s| s.black_since);
        assert!(watch.status().black_since.is_some());
        play(&mut watch, (10_400, 11_000), good, |s| s.black_since);
        assert!(watch.status().black_since.is_none());
        assert_eq!(play(&mut watch, (11_000, 20_000), (false, true, false), |s| s.freeze_since), Some(16_000));
        assert_eq!(play(&mut watch, (20_000, 25_000), (false, false, true), |s| s.silence_since), Some(23_160));
    }

    #[test]
    fn a_slide_with_sound_is_no_fault_when_configured_so() {
        let mut watch = SignalWatch::new(&SignalThresholds { freeze_only_if_silent: true, ..thresholds() });
        assert_eq!(play(&mut watch, (0, 600_000), (false, true, false), |s| s.freeze_since), None);
        let silent = play(&mut watch, (600_000, 610_000), (false, true, true), |s| s.freeze_since);
        assert_eq!(silent, Some(605_160));
    }

    #[test]
    fn one_moving_picture_between_two_ticks_is_enough() {
        let mut watch = SignalWatch::new(&thresholds());
        for tick in 0..400u64 {
            watch.saw(at(tick * 40), true, true);
            watch.saw(at(tick * 40 + 10), tick % 40 != 0, true);
            watch.saw(at(tick * 40 + 20), true, true);
            assert_eq!(watch.judge(at(tick * 40 + 30), false), SignalStatus::default());
        }
    }

    #[test]
    fn sound_that_stops_coming_is_silent_and_no_sound_at_all_is_not() {
        let mut watch = SignalWatch::new(&thresholds());
        let mut without = watch.clone();
        watch.heard(at(0), false);
        let mut first = None;
        for ms in (0..8000).step_by(40) {
            watch.saw(at(ms), false, false);
            without.saw(at(ms), false, false);
            assert!(without.judge(at(ms), false).silence_since.is_none());
            if watch.judge(at(ms), true).silence_since.is_some() {
                first.get_or_insert(ms);
            }
        }
        assert_eq!(first, Some(3200));
    }

    #[test]
    fn the_grade_is_the_worst_fault_that_failover_looks_at() {
        let mut limits = thresholds();
        let signal = SignalStatus { black_since: Some(at(1)), silence_since: Some(at(1)), ..SignalStatus::default() };
        assert_eq!(Grade::of(true, &signal, &limits), Grade::Black);
        assert_eq!(Grade::of(false, &signal, &limits), Grade::Lost);
        limits.black.action = TriggerAction::Alarm;
        assert_eq!(Grade::of(true, &signal, &limits), Grade::Silent);
        assert!(Grade::Frozen.beats_slate() && !Grade::Black.beats_slate());
    }

    proptest! {
        #[test]
        fn no_fault_counts_early_and_none_stays_late(runs in prop::collection::vec((any::<bool>(), 1u64..200), 1..60)) {
            let mut latch = Latch::new(trigger(1000, 600));
            let (mut now, mut held, mut gone) = (0u64, 0u64, 0u64);
            for (holds, ticks) in runs {
                for _ in 0..ticks {
                    now += 40;
                    (held, gone) = if holds { (held + 40, 0) } else { (0, gone + 40) };
                    let fault = latch.judge(at(now), holds).is_some();
                    prop_assert!(!(fault && gone > 640), "stays");
                    prop_assert!(fault || held <= 1040, "late");
                }
            }
        }
    }
}
