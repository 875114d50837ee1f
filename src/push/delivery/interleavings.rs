//! Every order in which a small world can go: whatever is produced, sent, answered, lost or refused when, no playlist that
//! leaves names a segment that the destination has not acknowledged, except as a gap.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::tests::{delivery, names_only_what_is_there, show};
use super::*;

/// Steps from the beginning.
const DEPTH: usize = 10;
/// Segments that are ever produced.
const SEGMENTS: u64 = 3;

#[derive(Clone)]
struct World {
    delivery: Delivery,
    now: Instant,
    oldest: u64,
    newest: u64,
    /// Acknowledged, and not told to be gone since.
    there: BTreeSet<u64>,
    under_way: Vec<(Object, bool)>,
    /// What is left of events that would otherwise go on for ever.
    outages: u8,
    waits: u8,
    sequence: u64,
}

impl World {
    fn begin() -> Self {
        Self {
            delivery: delivery(&["v"]),
            now: Instant::now(),
            oldest: 1,
            newest: 0,
            there: BTreeSet::new(),
            under_way: Vec::new(),
            outages: 1,
            waits: 1,
            sequence: 0,
        }
    }

    /// What tells this world from others.
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{:?} {:?} {:?} {} {}", self.delivery, self.there, self.under_way, self.outages, self.waits)
            .hash(&mut hasher);
        hasher.finish()
    }

    /// All worlds that may come next.
    fn next(&self) -> Vec<Self> {
        let mut worlds = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self) -> bool| {
            let mut world = self.clone();
            if change(&mut world) {
                worlds.push(world);
            }
        };
        add(&|world| world.send(Gate::Open));
        add(&|world| world.send(Gate::Probe));
        if self.newest < SEGMENTS {
            add(&|world| world.keep(world.oldest, world.newest + 1));
        }
        if self.oldest < self.newest {
            add(&|world| world.keep(world.oldest + 1, world.newest));
        }
        if self.outages > 0 {
            add(&|world| {
                world.outages -= 1;
                world.delivery.reconnected();
                true
            });
        }
        if self.waits > 0 {
            add(&|world| {
                world.waits -= 1;
                world.now += Duration::from_secs(3);
                true
            });
        }
        for index in 0..self.under_way.len() {
            for outcome in answers(&self.under_way[index].0) {
                add(&|world| world.settle(index, outcome));
            }
        }
        worlds
    }

    fn keep(&mut self, oldest: u64, newest: u64) -> bool {
        (self.oldest, self.newest) = (oldest, newest);
        show(&mut self.delivery, oldest..=newest);
        true
    }

    /// Sends one object, and looks at it if it is a playlist.
    fn send(&mut self, gate: Gate) -> bool {
        let Some((object, probe)) = self.delivery.next(gate, None, self.now) else { return false };
        if let Object::Playlist { text, .. } = &object {
            assert!(
                names_only_what_is_there(text, &self.there),
                "{:?} are there, and this leaves:\n{text}",
                self.there
            );
            let sequence = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist").media_sequence;
            assert!(sequence >= self.sequence, "players go back from {} with\n{text}", self.sequence);
            self.sequence = sequence;
            let others = self.under_way.iter().filter(|(other, _)| matches!(other, Object::Playlist { .. })).count();
            assert_eq!(others, 0, "a second playlist could overtake the first");
        }
        self.under_way.push((object, probe));
        true
    }

    fn settle(&mut self, index: usize, outcome: Outcome) -> bool {
        let (object, probe) = self.under_way.remove(index);
        match (&object, outcome) {
            (Object::Segment { number, .. }, Outcome::Acknowledged) => {
                self.there.insert(*number);
            }
            (Object::Check { number, .. }, Outcome::Absent) => {
                self.there.remove(number);
            }
            _ => {}
        }
        self.delivery.settle(&object, probe, outcome, self.now, 0.5);
        true
    }
}

fn answers(object: &Object) -> Vec<Outcome> {
    let retry = Outcome::Failed(RetryDecision::Retry);
    match object {
        Object::Segment { .. } => vec![Outcome::Acknowledged, retry, Outcome::Failed(RetryDecision::Never)],
        Object::Check { .. } => vec![Outcome::Acknowledged, Outcome::Absent, Outcome::Untold],
        _ => vec![Outcome::Acknowledged, retry],
    }
}

#[test]
fn no_interleaving_publishes_a_playlist_that_names_what_is_not_acknowledged() {
    let mut seen = HashSet::new();
    let mut worlds = vec![World::begin()];
    let mut playlists = 0u64;
    for _ in 0..DEPTH {
        let mut following = Vec::new();
        for world in &worlds {
            for next in world.next() {
                if seen.insert(next.mark()) {
                    playlists += u64::from(next.sequence > 0);
                    following.push(next);
                }
            }
        }
        worlds = following;
    }
    println!("{} worlds in {DEPTH} steps, {playlists} of them with a playlist", seen.len());
    // If the world were so small that nothing can go wrong in it, this would prove nothing.
    assert!(seen.len() > 2_000 && playlists > 100, "{} worlds, {playlists} with a playlist", seen.len());
}
