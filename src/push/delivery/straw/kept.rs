//! What a delivery keeps: by its own account, in which every field has its say, also one that is still to come.

use std::fmt::Write as _;

use super::*;
use crate::model::Duty;
use crate::push::record::{Record, RecordFile};

/// All that is kept of a delivery, as text.
fn kept(world: &World, record: &RecordFile) -> usize {
    let mut text = String::new();
    let World { delivery, flow, link, .. } = world;
    let _ = write!(text, "{delivery:?}{flow:?}{link:?}{record:?}");
    text.len()
}

/// Good times and bad ones: an outage, a line that is too slow, a time on standby, a spent budget.
fn live_through_a_season(world: &mut World, record: &mut RecordFile) {
    world.run(60, Some(WHOLE * 3));
    world.run(20, None);
    world.run(60, Some(500_000));
    world.run(120, Some(WHOLE * 3));
    for (duty, seconds) in [(Duty::Standby, 20), (Duty::Active, 60)] {
        world.delivery.assign(duty, grid().duration(), world.now);
        world.run(seconds, Some(WHOLE * 3));
    }
    for lowest_only in [true, false] {
        world.flow.ration(lowest_only);
        world.run(40, Some(WHOLE * 3));
    }
    for lane in &world.delivery.lanes {
        record.note(&lane.id, lane.delivered.clone());
    }
}

#[test]
fn what_is_kept_does_not_grow_with_what_was_delivered() {
    let mut world = World::new(LinePolicy::default());
    world.keep = 30;
    // From here to the end numbers have four digits, so that none is longer than before.
    world.newest = 1099;
    let mut record = RecordFile::new("record.json".into(), Record::empty("http://origin.example/live"));
    live_through_a_season(&mut world, &mut record);
    let (first, delivered) = (kept(&world, &record), world.newest);
    for _ in 0..8 {
        live_through_a_season(&mut world, &mut record);
    }
    let last = kept(&world, &record);
    assert!(world.newest > delivered + 1000, "{delivered} to {}", world.newest);
    // Instants have more digits or fewer, and a measurement has a sample more; a number per segment would double it.
    assert!(last.abs_diff(first) <= first / 10, "{first} characters after {delivered}, {last} after {}", world.newest);
    assert_eq!(world.delivery.lanes[0].recent(usize::MAX).len(), 30);
}
