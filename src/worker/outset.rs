//! From when a worker counts: the clock of the box, unless nothing keeps that right and it is behind what is on disk.
//!
//! A box whose battery is empty comes up with a clock of years ago, and is on air before a time server has answered. Its
//! segments would be older than what players have, and what waits for delivery would seem to come from the future. So it goes
//! on behind the newest segment: numbers and times only ever grow. A clock that is kept right is believed: then it was the
//! one before that was wrong.

use std::time::Duration;

use crate::media::clock::HouseClock;
use crate::model::{Event, EventCode, Fault, FrameGrid, LiveSettings, MediaTime, Severity, Timeline};
use crate::plan::ChannelPlan;
use crate::spool;
use crate::system::clock_discipline;

use super::channel::renditions;

/// The clock to go by with this plan, and what is to be said of it.
pub(super) fn outset(plan: &ChannelPlan, live: &LiveSettings, clock: HouseClock) -> (HouseClock, Option<Event>) {
    let Some(newest) = spool::newest(&plan.spool.directory, &renditions(plan)) else { return (clock, None) };
    let kept_right = clock_discipline().map_or(true, |found| found.synchronised);
    // Cues have moved boundaries.
    let timeline = Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), live.cued.clone());
    judge(timeline.boundaries().start_of(newest + 1), kept_right, clock)
}

/// The spool reaches to `end`.
fn judge(end: MediaTime, kept_right: bool, clock: HouseClock) -> (HouseClock, Option<Event>) {
    let behind = end.since(clock.now());
    if kept_right || behind.is_zero() {
        return (clock, None);
    }
    let from = clock.no_earlier_than(end);
    (from, (behind > NOT_WORTH_TELLING).then(|| told(behind, from)))
}

/// Segments that were made ahead by a moment.
const NOT_WORTH_TELLING: Duration = Duration::from_secs(10);

fn told(behind: Duration, clock: HouseClock) -> Event {
    let behind = jiff::SignedDuration::try_from(behind).unwrap_or(jiff::SignedDuration::MAX);
    let text = format!(
        "the clock of this box is {behind:#} behind what the channel has made before, and nothing keeps it right: numbers and \
         times go on from there"
    );
    let hint = "let the box reach its time server, look after its battery; the next start of the channel goes by the clock again";
    Event::new(clock.now(), Severity::Warning, EventCode::ClockBehind, text).blame(Fault::Hardware, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_clock_behind_the_spool_goes_on_from_there_unless_it_is_kept_right() {
        let clock = HouseClock::start();
        let end = clock.now() + HOUR;
        let (kept, said) = judge(end, true, clock);
        assert!(kept.now() < end && said.is_none(), "a time server is believed");
        let (moved, said) = judge(end, false, clock);
        assert!(moved.now() >= end);
        let said = said.unwrap();
        assert_eq!(said.code, EventCode::ClockBehind);
        assert!(said.text.contains("1h") || said.text.contains("59m"), "{}", said.text);
        let (same, said) = judge(clock.now(), false, clock);
        assert!(same.now() < end && said.is_none());
    }

    #[test]
    fn a_moment_is_no_news() {
        let clock = HouseClock::start();
        let end = clock.now() + Duration::from_secs(2);
        let (moved, said) = judge(end, false, clock);
        assert!(moved.now() >= end && said.is_none());
    }
}
