//! A line as a table of what was measured, and as a random one.

use super::*;
use proptest::prelude::*;

const LADDER: [u64; 3] = [600_000, 300_000, 100_000];
const SOUND: u64 = 20_000;
const STEP: Duration = Duration::from_millis(500);

fn need() -> Need<'static> {
    Need { video: &LADDER, rest: SOUND }
}

fn policy() -> LinePolicy {
    LinePolicy { enter_ms: 10_000, clear_ms: 30_000, ..LinePolicy::default() }
}

/// A line of so many bytes per second that is never idle if it is too slow for what is sent, as it would be measured.
fn line(carries: u64, dropped: usize) -> Line {
    let wanted = need().without(dropped);
    let busy = (wanted as f64 / carries as f64).min(1.0);
    Line { acknowledged: Some(carries), best: carries, busy }
}

/// A machine and the ladder that it decides about.
struct World {
    rate: Rate,
    dropped: usize,
    now: Instant,
    turns: Vec<(Duration, RateTurn)>,
    start: Instant,
}

impl World {
    fn new() -> Self {
        let start = Instant::now();
        let rate = Rate::new(policy(), Duration::from_secs(8));
        Self { rate, dropped: 0, now: start, turns: Vec::new(), start }
    }

    fn see(&mut self, line: Option<Line>) {
        self.now += STEP;
        let turn = self.rate.look(line, need(), self.dropped, self.now);
        match turn {
            Some(RateTurn::Drop) => self.dropped += 1,
            Some(RateTurn::Return) => self.dropped -= 1,
            None => {}
        }
        self.turns.extend(turn.map(|turn| (self.now - self.start, turn)));
    }

    fn carry(&mut self, bytes: u64, seconds: u32) {
        (0..seconds * 2).for_each(|_| self.see(Some(line(bytes, self.dropped))));
    }
}

#[test]
fn the_ladder_goes_down_to_what_the_line_carries_and_no_further() {
    let mut world = World::new();
    world.carry(2_000_000, 60);
    assert_eq!(world.dropped, 0);
    world.carry(450_000, 120);
    assert_eq!(world.dropped, 1, "{:?}", world.turns);
    world.carry(200_000, 120);
    assert_eq!(world.dropped, 2);
    world.carry(10_000, 120);
    assert_eq!(world.dropped, 3, "sound goes on");
}

#[test]
fn a_rendition_comes_back_after_its_time_and_with_a_margin() {
    let mut world = World::new();
    world.carry(450_000, 20);
    assert_eq!(world.dropped, 1);
    world.carry(1_100_000, 120);
    assert_eq!(world.dropped, 1, "1020 kB/s and a fifth are needed");
    world.carry(1_300_000, 29);
    assert_eq!(world.dropped, 1);
    world.carry(1_300_000, 3);
    assert_eq!(world.dropped, 0);
}

#[test]
fn an_interruption_stops_the_clocks() {
    let mut world = World::new();
    world.carry(450_000, 9);
    (0..240).for_each(|_| world.see(None));
    assert_eq!(world.dropped, 0, "two minutes away say nothing of the rate");
    world.carry(450_000, 2);
    assert_eq!(world.dropped, 1);
}

#[test]
fn a_line_that_is_idle_now_and_then_is_not_too_slow() {
    let mut world = World::new();
    let sparse = Line { acknowledged: Some(100_000), best: 100_000, busy: 0.5 };
    (0..240).for_each(|_| world.see(Some(sparse)));
    assert_eq!(world.dropped, 0);
}

#[test]
fn one_that_comes_back_too_early_waits_longer_the_next_time() {
    let mut world = World::new();
    let mut waits = Vec::new();
    for _ in 0..3 {
        world.carry(450_000, 11);
        let dropped = world.now;
        // Seems good as long as the rendition is left out.
        while world.dropped > 0 {
            world.carry(2_000_000, 1);
        }
        waits.push((world.now - dropped).as_secs());
    }
    assert!(waits[0] <= 31 && (59..63).contains(&waits[1]) && (119..123).contains(&waits[2]), "{waits:?}");
}

#[test]
fn who_waits_drops_nothing_and_picture_without_sound_stays() {
    let waiting = LinePolicy { when_slow: WhenSlow::Wait, ..policy() };
    let (mut rate, mut now) = (Rate::new(waiting, Duration::ZERO), Instant::now());
    for _ in 0..240 {
        now += STEP;
        assert_eq!(rate.look(Some(line(1000, 0)), need(), 0, now), None);
    }
    let (mut rate, silent) = (Rate::new(policy(), Duration::ZERO), Need { video: &LADDER, rest: 0 });
    for _ in 0..240 {
        now += STEP;
        assert_eq!(rate.look(Some(line(1000, 2)), silent, 2, now), None, "the last picture");
    }
}

proptest! {
    #[test]
    fn no_two_turns_are_closer_than_the_policy_says(
        seen in prop::collection::vec((0u64..2_000_000, prop::bool::weighted(0.9), 1u32..40), 1..40),
    ) {
        let mut world = World::new();
        for (carries, known, steps) in seen {
            for _ in 0..steps {
                let line = known.then(|| line(carries.max(1), world.dropped));
                world.see(line);
                prop_assert!(world.dropped <= LADDER.len());
            }
        }
        let mut last = Duration::ZERO;
        for (at, turn) in world.turns {
            let least = if turn == RateTurn::Drop { 10 } else { 30 };
            prop_assert!(at >= last + Duration::from_secs(least), "{turn:?} at {at:?} after {last:?}");
            last = at;
        }
    }

    #[test]
    fn a_line_that_carries_the_ladder_loses_nothing(rates in prop::collection::vec(1_020_000u64..9_000_000, 1..400)) {
        let mut world = World::new();
        for carries in rates {
            world.see(Some(line(carries, 0)));
        }
        prop_assert_eq!(world.dropped, 0);
    }

    #[test]
    fn any_line_ends_with_what_it_carries(carries in 1_000u64..2_000_000) {
        let mut world = World::new();
        world.carry(carries, 60);
        let dropped = world.dropped;
        let fits = carries * 100 >= need().without(dropped) * TOLERANCE;
        prop_assert!(fits || dropped == LADDER.len(), "{dropped} at {carries}");
        world.carry(carries, 300);
        prop_assert_eq!(world.dropped, dropped, "it does not swing");
    }
}
