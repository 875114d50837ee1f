//! Delivery over a line that carries so many bytes a second, is cut and comes back: the live edge, backfill beside it,
//! renditions that are left out and come back, and what players are told meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::names_only_what_is_there;
use super::*;
use crate::model::upload::Upload;
use crate::model::{
    BitRate, CatchUp, ChannelId, Cued, DestinationId, EndpointName, FrameGrid, FrameRate, LinePolicy, LiveTimeline,
    RenditionId, SegmentGrid,
};
use crate::policy::{HttpFailure, RateTurn, RetryDecision, judge};
use crate::push::description::{Medium, PushDescription, PushedVideo};
use crate::push::flow::{Flow, Measured};
use crate::push::link::{Change, Link};
use crate::push::object::Outcome;
use crate::push::pauses::Pauses;
use crate::push::record::Delivered;
use crate::spool::Segment;
use proptest::prelude::*;

const STEP: Duration = Duration::from_millis(100);
/// What a request costs beside its body.
const HEAD: u64 = 300;
/// A connection whose bytes are not acknowledged is given up.
const DEAD: Duration = Duration::from_secs(4);
/// Bytes per second of the renditions, best first; the last is sound.
const RATES: [u64; 3] = [600_000, 200_000, 16_000];
const NAMES: [&str; 3] = ["v720", "v360", "a"];
const WHOLE: u64 = RATES[0] + RATES[1] + RATES[2];

fn grid() -> SegmentGrid {
    SegmentGrid::new(2000).unwrap()
}

fn timeline() -> Timeline {
    Timeline::new(grid(), FrameGrid::new(FrameRate::new(25, 1).unwrap()), Cued::default())
}

pub(in crate::push) fn description(line: LinePolicy) -> PushDescription {
    PushDescription {
        channel: ChannelId::new("demo").unwrap(),
        destination: DestinationId::new("cloud").unwrap(),
        endpoint: EndpointName::at(0),
        url: "http://origin.example/live/".parse().unwrap(),
        upload: Upload { line, ..Upload::default() },
        video: NAMES.into_iter().zip(RATES).take(2).map(|(name, rate)| pushed(name, rate)).collect(),
        audio: Vec::new(),
        captions: None,
        playlist_segments: 6,
        part_target: None,
        grid: grid(),
        timeline: LiveTimeline::new(timeline()),
        duty: Duty::Active,
        limits: None,
        pair: None,
        clock: crate::push::PairClock::default(),
        pauses: Pauses::default(),
        lowest_only: false,
    }
}

fn pushed(name: &str, bytes_per_second: u64) -> PushedVideo {
    PushedVideo {
        id: RenditionId::new(name).unwrap(),
        size: "1280x720".parse().unwrap(),
        frame_rate: FrameRate::new(25, 1).unwrap(),
        bitrate: BitRate(bytes_per_second * 8),
        max_bitrate: BitRate(bytes_per_second * 8),
    }
}

struct Request {
    object: Object,
    probe: bool,
    measured: Measured,
    started: Instant,
    moved: Instant,
    left: u64,
}

impl Request {
    fn is_live_segment(&self) -> bool {
        matches!(self.object, Object::Segment { backfill: false, .. })
    }

    fn yields(&self) -> bool {
        matches!(self.measured, Measured::Backfill | Measured::Trial(_))
    }
}

struct World {
    delivery: Delivery,
    flow: Flow,
    link: Link,
    now: Instant,
    policy: LinePolicy,
    video: Vec<PushedVideo>,
    next_segment: Instant,
    newest: u64,
    /// Segments that the spool keeps.
    keep: u64,
    requests: Vec<Request>,
    there: [BTreeSet<u64>; 3],
    edges: BTreeMap<usize, u64>,
    turns: Vec<RateTurn>,
    /// Bytes of backfill that went beside a live edge, and all that could have gone in that time.
    beside: (u64, u64),
}

impl World {
    fn new(policy: LinePolicy) -> Self {
        let now = Instant::now();
        let lane = |place: usize| {
            let medium = if place == 2 { Medium::Audio } else { Medium::Video };
            Lane::new(RenditionId::new(NAMES[place]).unwrap(), medium, Delivered::default(), OBJECT)
        };
        Self {
            delivery: Delivery::new((0..3).map(lane).collect(), &timeline(), 6),
            flow: Flow::new(&description(policy), now),
            link: Link::new(),
            now,
            policy,
            video: description(policy).video,
            next_segment: now,
            newest: 99,
            keep: u64::MAX,
            requests: Vec::new(),
            there: Default::default(),
            edges: BTreeMap::new(),
            turns: Vec::new(),
            beside: (0, 0),
        }
    }

    fn produce(&mut self) {
        self.newest += 1;
        self.next_segment += grid().duration();
        let oldest = (self.newest + 1).saturating_sub(self.keep).max(100);
        for (lane, rate) in self.delivery.lanes.iter_mut().zip(RATES) {
            let segment = |number| Segment {
                number,
                start: grid().start_of(number),
                duration: grid().duration(),
                bytes: rate * 2,
                init: "init-00000000.mp4".to_owned(),
                discontinuity: false,
                discontinuity_sequence: 0,
            };
            lane.refresh((oldest..=self.newest).map(segment).collect());
        }
        self.leave_out();
    }

    fn leave_out(&mut self) {
        self.flow.keep_to_budget(&mut self.delivery.lanes, &self.video);
        self.flow.pass_over(&mut self.delivery.lanes);
    }

    /// One step on a line that carries `rate` bytes per second; none if it is cut.
    fn step(&mut self, rate: Option<u64>) {
        self.now += STEP;
        if self.now >= self.next_segment {
            self.produce();
        }
        let oldest = self.requests.iter().map(|request| request.moved).min();
        let stalled = judge(&HttpFailure::Stalled("nothing acknowledged".to_owned()));
        let _ = self.link.silent(oldest, Duration::from_secs(5), &stalled, self.now);
        self.leave_out();
        let turned = self.flow.look(&mut self.delivery, &self.link, false, self.now);
        self.turns.extend(turned.map(|turned| turned.turn));
        self.send();
        match rate {
            Some(rate) => self.carry(rate * STEP.as_millis() as u64 / 1000),
            None => self.lose(),
        }
    }

    fn run(&mut self, seconds: u64, rate: Option<u64>) {
        (0..seconds * 10).for_each(|_| self.step(rate));
    }

    fn send(&mut self) {
        while let Some((object, probe)) = self.delivery.next(self.link.gate(self.now), None, self.now) {
            if let Object::Playlist { lane, text } = &object {
                assert!(names_only_what_is_there(text, &self.there[*lane]), "{text}");
                let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist");
                let edge = playlist.media_sequence + playlist.segments.len() as u64;
                let before = self.edges.insert(*lane, edge).unwrap_or(0);
                assert!(edge >= before, "players of {} go back from {before} with\n{text}", NAMES[*lane]);
            }
            let body = match &object {
                Object::Segment { lane, .. } => RATES[*lane] * 2,
                Object::Init { .. } => 800,
                Object::Playlist { text, .. } => text.len() as u64,
                _ => 0,
            };
            let measured = self.flow.begin(&object, &self.delivery, self.now).measured;
            let left = body + HEAD;
            self.requests.push(Request { object, probe, measured, started: self.now, moved: self.now, left });
        }
    }

    /// Hands out what the line carries in a step: what is live side by side, the rest to backfill as far as it may.
    fn carry(&mut self, mut budget: u64) {
        let live = self.requests.iter().any(Request::is_live_segment);
        let share = match self.flow.status(&self.delivery, &self.link, self.now).measured {
            Some(known) if self.delivery.yields => known.bps() / 8 * u64::from(self.policy.backfill_share) / 100,
            _ => u64::MAX / 100,
        };
        let catches = |delivery: &Delivery, request: &Request| matches!(request.object, Object::Segment { lane, number, .. } if delivery.is_catching(lane, number));
        let mut allowed = if live { 0 } else { share.saturating_mul(STEP.as_millis() as u64) / 1000 };
        if self.delivery.yields {
            self.beside.1 += budget;
        }
        // What is missing in the window goes before what is older.
        for (yielding, catching) in [(false, false), (false, true), (true, true), (true, false)] {
            let now =
                |request: &&mut Request| request.yields() == yielding && catches(&self.delivery, request) == catching;
            for request in self.requests.iter_mut().filter(now) {
                let most = if request.measured == Measured::Backfill { allowed } else { budget };
                let most = if yielding && live { 0 } else { most.min(budget) };
                let taken = request.left.min(most);
                (request.left, budget) = (request.left - taken, budget - taken);
                if yielding {
                    allowed = allowed.saturating_sub(taken);
                    self.beside.0 += if self.delivery.yields { taken } else { 0 };
                }
                if taken > 0 || (yielding && live) {
                    request.moved = self.now;
                }
            }
        }
        let (done, rest) = std::mem::take(&mut self.requests).into_iter().partition(|request| request.left == 0);
        self.requests = rest;
        for request in done {
            self.acknowledge(&request);
        }
    }

    fn acknowledge(&mut self, request: &Request) {
        let mut bytes = 0;
        let outcome = match &request.object {
            Object::Segment { lane, number, .. } => {
                bytes = RATES[*lane] * 2;
                self.there[*lane].insert(*number);
                Outcome::Acknowledged
            }
            Object::Check { lane, number } if !self.there[*lane].contains(number) => Outcome::Absent,
            _ => Outcome::Acknowledged,
        };
        self.flow.end(request.measured, Some(bytes), request.started, self.now);
        let change =
            if matches!(request.object, Object::Check { .. }) { None } else { self.link.acknowledged(self.now) };
        self.delivery.settle(&request.object, request.probe, outcome, self.now, 0.5);
        if matches!(change, Some(Change::Connected(Some(_)))) {
            self.delivery.reconnected();
        }
    }

    /// Nothing moves; what has not moved for too long fails.
    fn lose(&mut self) {
        let now = self.now;
        let dead = |request: &Request| now - request.moved >= DEAD;
        let (dead, rest) = std::mem::take(&mut self.requests).into_iter().partition(dead);
        self.requests = rest;
        let verdict = judge(&HttpFailure::Broken("timed out".to_owned()));
        for request in dead {
            self.flow.end(request.measured, None, request.started, now);
            self.flow.failed(now);
            let _ = self.link.failed(&verdict, request.started, now, 0.5);
            let outcome = Outcome::Failed(RetryDecision::Retry);
            self.delivery.settle(&request.object, request.probe, outcome, now, 0.5);
        }
    }

    fn catch_up(&self) -> CatchUp {
        self.flow.status(&self.delivery, &self.link, self.now).catch_up
    }

    fn owed(&self) -> usize {
        self.delivery.lanes.iter().map(|lane| lane.owed().filter(|n| *n < self.newest).count()).sum()
    }

    fn assert_complete(&self, from: u64) {
        for (name, there) in NAMES.iter().zip(&self.there) {
            let missing: Vec<u64> = (from..self.newest).filter(|number| !there.contains(number)).collect();
            assert!(missing.is_empty(), "{name} lacks {missing:?}");
        }
        for (lane, name) in self.delivery.lanes.iter().zip(NAMES) {
            let text = lane.published.as_deref().unwrap_or_default();
            assert!(!text.contains("EXT-X-GAP"), "{name} has\n{text}");
        }
    }
}

#[test]
fn backfill_takes_its_share_after_an_outage_and_the_archive_is_whole() {
    let mut world = World::new(LinePolicy::default());
    world.run(20, Some(WHOLE * 3));
    world.run(120, None);
    assert!(matches!(world.catch_up(), CatchUp::Takes { .. }), "known while it is away: {:?}", world.catch_up());
    world.beside = (0, 0);
    world.run(30, Some(WHOLE * 3));
    let (backfill, all) = world.beside;
    assert!(backfill * 100 <= all * 52 && backfill * 100 >= all * 20, "{backfill} of {all}");
    let live = world.edges.values().min().copied().unwrap_or(0);
    assert!(live + 1 >= world.newest, "the live edge is {} behind", world.newest - live);
    let CatchUp::Takes { seconds } = world.catch_up() else { panic!("{:?}", world.catch_up()) };
    let began = world.now;
    while world.owed() > 0 {
        assert!((world.now - began).as_secs_f64() < seconds * 2.0 + 20.0, "{} owed after {seconds} s", world.owed());
        world.run(1, Some(WHOLE * 3));
    }
    world.run(5, Some(WHOLE * 3));
    world.assert_complete(100);
    assert_eq!((world.turns, world.link.reconnects()), (vec![], 1));
}

#[test]
fn a_line_that_is_too_slow_is_given_what_it_carries_and_gets_the_rest_back() {
    let mut world = World::new(LinePolicy::default());
    world.run(20, Some(WHOLE * 3));
    world.run(60, Some(500_000));
    assert_eq!(world.turns, [RateTurn::Drop]);
    assert!(world.delivery.lanes[0].hidden);
    // The dropped rendition's playlist goes on with the others, as gaps.
    let edges: Vec<u64> = world.edges.values().copied().collect();
    assert!(edges.iter().all(|edge| edge + 2 >= world.newest), "{edges:?} at {}", world.newest);
    let text = world.delivery.lanes[0].published.clone().unwrap();
    assert_eq!(text.matches("#EXT-X-GAP").count(), 6, "{text}");
    world.run(120, Some(WHOLE * 3));
    assert_eq!(world.turns, [RateTurn::Drop, RateTurn::Return]);
    assert!(!world.delivery.lanes[0].hidden);
    world.assert_complete(world.newest - 10);
    let skipped = (100..world.newest).filter(|number| !world.there[0].contains(number)).count();
    assert!(skipped > 20, "{skipped}");
}

#[test]
fn what_was_left_out_follows_where_that_is_wanted() {
    let mut world = World::new(LinePolicy { backfill_dropped: true, ..LinePolicy::default() });
    world.run(20, Some(WHOLE * 3));
    world.run(60, Some(500_000));
    assert_eq!(world.turns, [RateTurn::Drop]);
    world.run(300, Some(WHOLE * 3));
    assert_eq!(world.turns, [RateTurn::Drop, RateTurn::Return]);
    world.assert_complete(100);
}

#[test]
fn a_worker_that_comes_back_goes_on_without_what_was_left_out() {
    let mut world = World::new(LinePolicy::default());
    world.run(20, Some(WHOLE * 3));
    world.run(60, Some(500_000));
    let before = world.edges.clone();
    let lanes = world.delivery.lanes.iter().map(|lane| {
        let mut again = Lane::new(lane.id.clone(), lane.medium, lane.delivered.clone(), OBJECT);
        again.refresh(lane.recent(usize::MAX).to_vec());
        again.inherit();
        again
    });
    world.delivery = Delivery::new(lanes.collect(), &timeline(), 6);
    world.delivery.reconnected();
    (world.flow, world.link) = (Flow::new(&description(world.policy), world.now), Link::new());
    world.requests.clear();
    world.turns.clear();
    // The playlists do not go back, see `send`.
    world.run(20, Some(500_000));
    assert!(world.delivery.lanes[0].is_dropped() && world.delivery.lanes[0].hidden && world.turns.is_empty());
    assert!(world.edges[&0] > before[&0], "{:?} {before:?}", world.edges);
}

/// What a line does for a while.
#[derive(Debug, Clone, Copy)]
enum Spell {
    Carries(u64),
    Cut,
}

fn spells(slowest: u64) -> impl Strategy<Value = Vec<(Spell, u64)>> {
    let spell = prop_oneof![
        3 => (slowest..WHOLE * 4).prop_map(Spell::Carries),
        1 => Just(Spell::Cut),
    ];
    prop::collection::vec((spell, 1u64..40), 1..6)
}

impl World {
    fn live_through(&mut self, spells: &[(Spell, u64)]) {
        for (spell, seconds) in spells {
            self.run(*seconds, if let Spell::Carries(rate) = spell { Some(*rate) } else { None });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_line_that_is_merely_interrupted_loses_nothing(spells in spells(WHOLE * 13 / 10)) {
        let mut world = World::new(LinePolicy::default());
        world.run(10, Some(WHOLE * 4));
        world.live_through(&spells);
        prop_assert_eq!(&world.turns, &vec![]);
        world.run(200, Some(WHOLE * 4));
        world.assert_complete(100);
    }

    #[test]
    fn whatever_a_line_does_all_is_well_when_it_is(spells in spells(20_000), backfill_dropped: bool) {
        let policy = LinePolicy { clear_ms: 10_000, backfill_dropped, ..LinePolicy::default() };
        let mut world = World::new(policy);
        world.live_through(&spells);
        world.run(420, Some(WHOLE * 4));
        prop_assert!(!world.delivery.lanes.iter().any(|lane| lane.hidden), "{:?}", world.turns);
        world.assert_complete(world.newest - 10);
        // Sound is never left out; pictures are where that is configured.
        prop_assert!((100..world.newest).all(|number| world.there[2].contains(&number)));
        if backfill_dropped {
            world.assert_complete(100);
        }
    }
}

mod budget;
mod kept;
