//! Two boxes and an origin with a lease: whatever is lost, late or taken over when, players see one playlist that goes on.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::tests::{delivery, names_only_what_is_there};
use super::*;
use crate::model::SegmentGrid;
use crate::policy::RetryDecision;
use crate::push::link::Gate;
use crate::spool::Segment;

const LANES: [&str; 2] = ["v", "a"];
const FIRST: u64 = 100;
const WINDOW: u64 = 6;

/// A box: its encoders' initialisation, where its runs begin, and what it has sent.
struct Unit {
    delivery: Delivery,
    init: &'static str,
    base: u64,
    runs: BTreeSet<u64>,
    newest: u64,
    under_way: Vec<(Object, bool, u64)>,
    /// The token that it believes in.
    token: u64,
}

impl Unit {
    fn new(init: &'static str, base: u64, runs: BTreeSet<u64>) -> Self {
        let mut delivery = delivery(&LANES);
        delivery.watch();
        Self { delivery, init, base, runs, newest: FIRST - 1, under_way: Vec::new(), token: 0 }
    }

    fn segment(&self, number: u64) -> Segment {
        let grid = SegmentGrid::new(2000).unwrap();
        Segment {
            number,
            start: grid.start_of(number),
            duration: grid.duration(),
            bytes: 1000,
            init: self.init.to_owned(),
            discontinuity: self.runs.contains(&number),
            discontinuity_sequence: self.base + self.runs.range(..=number).count() as u64,
        }
    }

    fn produce(&mut self, up_to: u64) {
        self.newest = self.newest.max(up_to);
        let segments: Vec<Segment> = (FIRST..=self.newest).map(|number| self.segment(number)).collect();
        self.delivery.lanes.iter_mut().for_each(|lane| lane.refresh(segments.clone()));
    }
}

struct World {
    boxes: [Unit; 2],
    /// Who may write, by which token.
    holder: usize,
    token: u64,
    previous: Option<usize>,
    there: BTreeMap<usize, BTreeSet<u64>>,
    told: BTreeMap<usize, String>,
    newest: u64,
    now: Instant,
}

#[derive(Debug, Clone)]
enum Step {
    /// A segment is made; one of the boxes may be late with it.
    Produce(Option<usize>),
    Send(usize),
    /// A request ends: as it should, refused by a fault, or done but not heard of.
    Settle(usize, usize, Fate),
    /// The lease changes hands; the other box hears of it now or later.
    Take(bool),
    Notice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    Bad,
    Unheard,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = prop_oneof![6 => Just(Fate::Good), 1 => Just(Fate::Bad), 1 => Just(Fate::Unheard)];
    let step = prop_oneof![
        3 => prop_oneof![3 => Just(None), 1 => (0usize..2).prop_map(Some)].prop_map(Step::Produce),
        9 => (0usize..2).prop_map(Step::Send),
        9 => (0usize..2, 0usize..6, fate).prop_map(|(unit, place, fate)| Step::Settle(unit, place, fate)),
        1 => any::<bool>().prop_map(Step::Take),
        1 => Just(Step::Notice),
    ];
    prop::collection::vec(step, 1..300)
}

impl World {
    fn send(&mut self, unit: usize) -> bool {
        let sent = self.boxes[unit].delivery.next(Gate::Open, Some("m"), self.now);
        let token = self.boxes[unit].token;
        let any = sent.is_some();
        self.boxes[unit].under_way.extend(sent.map(|(object, probe)| (object, probe, token)));
        any
    }

    fn settle(&mut self, unit: usize, place: usize, fate: Fate) -> Result<(), TestCaseError> {
        if self.boxes[unit].under_way.is_empty() {
            return Ok(());
        }
        let place = place % self.boxes[unit].under_way.len();
        let (object, probe, token) = self.boxes[unit].under_way.remove(place);
        let fenced = !matches!(object, Object::Look { .. }) && token != self.token;
        if fate != Fate::Bad && !fenced {
            self.done(unit, &object)?;
        }
        let good = fate == Fate::Good && !fenced;
        let outcome = if good { Outcome::Acknowledged } else { Outcome::Failed(RetryDecision::Retry) };
        let now = self.now;
        self.boxes[unit].delivery.settle(&object, probe, outcome, now, 0.0);
        self.go_on(unit);
        Ok(())
    }

    /// What a request does at the origin, or brings from there.
    fn done(&mut self, unit: usize, object: &Object) -> Result<(), TestCaseError> {
        match object {
            Object::Segment { lane, number, .. } => {
                self.there.entry(*lane).or_default().insert(*number);
            }
            Object::Playlist { lane, text } => {
                prop_assert!(names_only_what_is_there(text, self.there.entry(*lane).or_default()), "{text}");
                let before = self.told.insert(*lane, text.clone());
                if let Some(before) = before {
                    follows(&before, text)?;
                }
            }
            Object::Look { lane, survey } => {
                let told = self.told.get(lane).and_then(|text| ToldPlaylist::read(text));
                self.boxes[unit].delivery.looked(*lane, *survey, told);
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self) {
        self.previous = Some(self.holder);
        self.holder = 1 - self.holder;
        self.token += 1;
        let unit = &mut self.boxes[self.holder];
        unit.token = self.token;
        unit.delivery.survey();
    }

    /// The box that does not have the lease hears of it.
    fn notice(&mut self) {
        let other = &mut self.boxes[1 - self.holder];
        if other.delivery.post() != (Post::Watch { share: false }) {
            other.delivery.watch();
        }
    }

    fn go_on(&mut self, unit: usize) {
        if unit == self.holder && self.boxes[unit].delivery.is_surveyed() {
            let same = self.previous.is_none_or(|previous| previous == unit);
            self.boxes[unit].delivery.go_on(same, Duration::from_secs(4), self.now);
        }
    }
}

/// What players were told stays: nothing goes back, and no number changes its place, its count or its media.
fn follows(before: &str, after: &str) -> Result<(), TestCaseError> {
    let [old, new] = [before, after].map(|text| ToldPlaylist::read(text).expect("a playlist"));
    prop_assert!(new.first() >= old.first() && new.last() >= old.last(), "{before}\n{after}");
    for entry in &new.entries {
        let Some(told) = old.entries.iter().find(|told| told.number == entry.number) else { continue };
        prop_assert_eq!(told.discontinuity_sequence, entry.discontinuity_sequence, "{}\n{}", before, after);
        if !told.gap {
            prop_assert!(!entry.gap && entry.init == told.init, "{}\n{}", before, after);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn players_see_one_playlist_whoever_tells_it(
        steps in steps(),
        differ: bool,
        bases in (0u64..4, 0u64..4),
        runs in (prop::collection::btree_set(FIRST + 1..FIRST + 60, 0..3), prop::collection::btree_set(FIRST + 1..FIRST + 60, 0..3)),
    ) {
        let other = if differ { "init-00000002.mp4" } else { "init-00000001.mp4" };
        let boxes = [Unit::new("init-00000001.mp4", bases.0, runs.0), Unit::new(other, bases.1, runs.1)];
        let (there, told) = (BTreeMap::new(), BTreeMap::new());
        let now = Instant::now();
        let mut world = World { boxes, holder: 1, token: 0, previous: None, there, told, newest: FIRST - 1, now };
        world.take();
        world.previous = None;
        for step in steps {
            world.now += Duration::from_millis(100);
            match step {
                Step::Produce(late) => {
                    world.newest += 1;
                    for (place, unit) in world.boxes.iter_mut().enumerate() {
                        unit.produce(world.newest - u64::from(late == Some(place)));
                    }
                }
                Step::Send(unit) => { world.send(unit); }
                Step::Settle(unit, place, fate) => world.settle(unit, place, fate)?,
                Step::Take(heard) => {
                    world.take();
                    if heard { world.notice(); }
                }
                Step::Notice => world.notice(),
            }
        }
        // Then all is well for a while.
        world.notice();
        world.newest += 1;
        let newest = world.newest;
        world.boxes.iter_mut().for_each(|unit| unit.produce(newest));
        let holder = world.holder;
        for _ in 0..400 {
            world.now += Duration::from_millis(50);
            while world.send(holder) {}
            while !world.boxes[holder].under_way.is_empty() {
                world.settle(holder, 0, Fate::Good)?;
            }
        }
        let lists: Vec<ToldPlaylist> =
            (0..LANES.len()).map(|lane| ToldPlaylist::read(&world.told[&lane]).expect("a playlist")).collect();
        for list in &lists {
            prop_assert_eq!(list.last(), newest);
            // Where both encode alike, whatever is missing is made up for from either.
            let gaps = list.entries.iter().filter(|entry| entry.gap && entry.number + WINDOW > newest);
            prop_assert!(differ || gaps.count() == 0, "{:?}", list);
        }
        let counts = |list: &ToldPlaylist| -> BTreeMap<u64, u64> {
            list.entries.iter().map(|entry| (entry.number, entry.discontinuity_sequence)).collect()
        };
        let (video, sound) = (counts(&lists[0]), counts(&lists[1]));
        for (number, count) in &video {
            prop_assert!(sound.get(number).is_none_or(|other| other == count), "{number}: {video:?} {sound:?}");
        }
    }
}
