//! The order of delivery, as tables and as a hostile world.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{Cued, FrameGrid, FrameRate, RenditionId, SegmentGrid};
use crate::policy::RetryDecision;
use crate::push::description::Medium;
use crate::push::object::Outcome;
use crate::push::record::Delivered;
use crate::spool::Segment;
use proptest::prelude::*;

const INIT: &str = "init-00000000.mp4";

fn timeline() -> Timeline {
    Timeline::new(grid(), FrameGrid::new(FrameRate::new(25, 1).unwrap()), Cued::default())
}

fn grid() -> SegmentGrid {
    SegmentGrid::new(2000).unwrap()
}

fn segment(number: u64) -> Segment {
    Segment {
        number,
        start: grid().start_of(number),
        duration: grid().duration(),
        bytes: 1000,
        init: INIT.to_owned(),
        discontinuity: false,
        discontinuity_sequence: 0,
    }
}

pub(super) fn delivery(names: &[&str]) -> Delivery {
    let lane = |name: &&str| Lane::new(RenditionId::new(*name).unwrap(), Medium::Video, Delivered::default(), OBJECT);
    Delivery::new(names.iter().map(lane).collect(), &timeline(), 6)
}

pub(super) fn show(delivery: &mut Delivery, numbers: std::ops::RangeInclusive<u64>) {
    for lane in &mut delivery.lanes {
        lane.refresh(numbers.clone().map(segment).collect());
    }
}

/// Sends everything the gate lets through, all acknowledged, and says in which order segments went.
fn deliver_all(delivery: &mut Delivery, now: Instant) -> Vec<(usize, u64)> {
    let mut order = Vec::new();
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        if let Object::Segment { lane, number, .. } = object {
            order.push((lane, number));
        }
        delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.0);
    }
    order
}

#[test]
fn all_renditions_of_a_number_go_side_by_side() {
    let (mut delivery, now) = (delivery(&["v720", "v360", "a"]), Instant::now());
    show(&mut delivery, 10..=10);
    deliver_all(&mut delivery, now);
    show(&mut delivery, 10..=11);
    let mut together = Vec::new();
    while let Some((object, _)) = delivery.next(Gate::Open, None, now) {
        together.push(object);
    }
    let expected = (0..3).map(|lane| Object::Segment { lane, number: 11, backfill: false });
    assert_eq!(together, expected.collect::<Vec<_>>());
}

#[test]
fn after_an_outage_the_live_edge_goes_first_then_the_window_then_the_oldest() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=20);
    let numbers: Vec<u64> = deliver_all(&mut delivery, now).into_iter().map(|(_, number)| number).collect();
    let expected: Vec<u64> = [20].into_iter().chain((15..=19).rev()).chain(1..=14).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn a_probe_is_the_newest_segment_and_alone() {
    let (mut delivery, now) = (delivery(&["v", "a"]), Instant::now());
    show(&mut delivery, 1..=3);
    let (init, probe) = delivery.next(Gate::Probe, None, now).unwrap();
    assert!(probe && matches!(init, Object::Init { lane: 0, .. }));
    assert_eq!(delivery.next(Gate::Probe, None, now), None);
    delivery.settle(&init, true, Outcome::Acknowledged, now, 0.0);
    let (object, _) = delivery.next(Gate::Probe, None, now).unwrap();
    assert_eq!(object, Object::Segment { lane: 0, number: 3, backfill: false });
}

#[test]
fn a_probe_that_failed_is_not_tried_again_at_once() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=1);
    deliver_all(&mut delivery, now);
    show(&mut delivery, 1..=2);
    let (object, probe) = delivery.next(Gate::Probe, None, now).unwrap();
    delivery.settle(&object, probe, Outcome::Failed(RetryDecision::Retry), now, 0.0);
    let (second, probe) = delivery.next(Gate::Probe, None, now).unwrap();
    assert!(matches!(second, Object::Playlist { .. }), "{second:?}");
    delivery.settle(&second, probe, Outcome::Failed(RetryDecision::Retry), now, 0.0);
    let due = delivery.next_due(now).unwrap();
    assert_eq!(delivery.next(Gate::Probe, None, due).unwrap().0, object);
}

#[test]
fn a_refused_segment_is_a_gap_and_the_next_goes_on() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=1);
    deliver_all(&mut delivery, now);
    show(&mut delivery, 1..=2);
    let (object, _) = delivery.next(Gate::Open, None, now).unwrap();
    delivery.settle(&object, false, Outcome::Failed(RetryDecision::Never), now, 0.0);
    show(&mut delivery, 1..=3);
    assert_eq!(deliver_all(&mut delivery, now), [(0, 3)]);
    let playlist = delivery.lanes[0].published.clone().unwrap();
    assert!(playlist.contains("#EXT-X-GAP\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:04.000Z\n"), "{playlist}");
    assert!(delivery.finished(None));
}

#[test]
fn one_bad_object_does_not_hold_up_backfill() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=10);
    let mut sent = Vec::new();
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        let bad = matches!(object, Object::Segment { number: 1, .. });
        let outcome = if bad { Outcome::Failed(RetryDecision::Retry) } else { Outcome::Acknowledged };
        delivery.settle(&object, probe, outcome, now, 0.0);
        if let Object::Segment { number, .. } = object {
            sent.push(number);
        }
    }
    assert_eq!(sent, [10, 9, 8, 7, 6, 5, 1, 2, 3, 4]);
    let due = delivery.next_due(now).unwrap();
    assert_eq!(deliver_all(&mut delivery, due), [(0, 1)]);
}

/// The next segment that goes; everything else is acknowledged on the way.
fn next_segment(delivery: &mut Delivery, now: Instant) -> Option<Object> {
    loop {
        let (object, probe) = delivery.next(Gate::Open, None, now)?;
        if matches!(object, Object::Segment { .. }) {
            return Some(object);
        }
        delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.0);
    }
}

fn of(number: u64, backfill: bool) -> Option<Object> {
    Some(Object::Segment { lane: 0, number, backfill })
}

#[test]
fn what_is_missing_in_the_window_does_not_wait_for_an_old_segment_under_way() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    let done = |delivery: &mut Delivery, object: Option<Object>| {
        delivery.settle(&object.unwrap(), false, Outcome::Acknowledged, now, 0.0);
    };
    show(&mut delivery, 1..=20);
    for number in [20, 19, 18, 17, 16, 15] {
        assert_eq!(next_segment(&mut delivery, now), of(number, number < 20));
        done(&mut delivery, of(number, number < 20));
    }
    assert_eq!(next_segment(&mut delivery, now), of(1, true));
    assert_eq!(next_segment(&mut delivery, now), None, "one at a time");
    // 21 had no chance at the live edge.
    show(&mut delivery, 1..=22);
    for (number, backfill) in [(22, false), (21, true)] {
        assert_eq!(next_segment(&mut delivery, now), of(number, backfill));
        done(&mut delivery, of(number, backfill));
    }
    assert_eq!(next_segment(&mut delivery, now), None, "the old one is still under way");
    done(&mut delivery, of(1, true));
    assert_eq!(next_segment(&mut delivery, now), of(2, true));
}

#[test]
fn what_is_missing_in_the_window_does_not_wait_for_a_search() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=20);
    deliver_all(&mut delivery, now);
    delivery.reconnected();
    show(&mut delivery, 1..=21);
    loop {
        let (object, probe) = delivery.next(Gate::Open, None, now).unwrap();
        if matches!(object, Object::Check { .. }) {
            break;
        }
        delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.0);
    }
    // No answer to that; and 22 had no chance at the live edge.
    show(&mut delivery, 1..=23);
    assert_eq!(next_segment(&mut delivery, now), of(23, false));
    delivery.settle(&of(23, false).unwrap(), false, Outcome::Acknowledged, now, 0.0);
    assert_eq!(next_segment(&mut delivery, now), of(22, true));
}

/// An origin as a set of what it has; answers as it is told.
fn answer(origin: &mut BTreeSet<(usize, u64)>, object: &Object) -> Outcome {
    match object {
        Object::Segment { lane, number, .. } => {
            origin.insert((*lane, *number));
            Outcome::Acknowledged
        }
        Object::Check { lane, number } if !origin.contains(&(*lane, *number)) => Outcome::Absent,
        _ => Outcome::Acknowledged,
    }
}

fn run(delivery: &mut Delivery, origin: &mut BTreeSet<(usize, u64)>, now: Instant) {
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        let outcome = answer(origin, &object);
        delivery.settle(&object, probe, outcome, now, 0.0);
    }
}

#[test]
fn what_an_origin_lost_in_an_outage_is_sent_again() {
    let (mut delivery, now) = (delivery(&["v", "a"]), Instant::now());
    let mut origin = BTreeSet::new();
    show(&mut delivery, 1..=20);
    run(&mut delivery, &mut origin, now);
    assert_eq!(origin.len(), 40);
    origin.clear();
    delivery.reconnected();
    show(&mut delivery, 1..=21);
    run(&mut delivery, &mut origin, now);
    assert_eq!(origin.len(), 42);
}

#[test]
fn an_origin_that_serves_nothing_is_not_taken_for_empty() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 1..=20);
    deliver_all(&mut delivery, now);
    delivery.reconnected();
    show(&mut delivery, 1..=21);
    let mut sent = Vec::new();
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        let check = matches!(object, Object::Check { .. });
        delivery.settle(&object, probe, if check { Outcome::Absent } else { Outcome::Acknowledged }, now, 0.0);
        sent.push(object);
    }
    assert_eq!(sent.iter().filter(|object| matches!(object, Object::Segment { .. })).count(), 1);
    assert_eq!(sent.iter().filter(|object| matches!(object, Object::Check { .. })).count(), 1);
}

/// What a step of a hostile world does.
#[derive(Debug, Clone)]
enum Step {
    Produce,
    Send,
    Probe,
    Settle(usize, bool),
    Reconnect,
    Retain(u64),
    Assign(Duty),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Produce),
        6 => Just(Step::Send),
        1 => Just(Step::Probe),
        6 => (0usize..8, prop::bool::weighted(0.6)).prop_map(|(index, ok)| Step::Settle(index, ok)),
        1 => Just(Step::Reconnect),
        1 => (0u64..3).prop_map(Step::Retain),
        1 => prop_oneof![Just(Duty::Active), Just(Duty::Standby), Just(Duty::Restoring)].prop_map(Step::Assign),
    ];
    prop::collection::vec(step, 1..200)
}

/// Every number that a playlist lists as playable has been acknowledged.
pub(super) fn names_only_what_is_there(text: &str, there: &BTreeSet<u64>) -> bool {
    let parsed = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a playlist");
    let gap = |segment: &m3u8_rs::MediaSegment| segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP");
    let playable = (parsed.media_sequence..).zip(&parsed.segments).filter(|(_, segment)| !gap(segment));
    playable.into_iter().all(|(number, _)| there.contains(&number))
}

/// A worker that was killed had delivered more than its record says.
#[test]
fn the_first_playlist_after_a_restart_does_not_go_back() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    show(&mut delivery, 100..=103);
    (100..=102).for_each(|number| delivery.lanes[0].acknowledge(number));
    delivery.lanes[0].inherit();
    delivery.reconnected();
    let mut playlists = 0;
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        if let Object::Playlist { text, .. } = &object {
            let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
            assert_eq!(playlist.media_sequence + playlist.segments.len() as u64, 104, "{text}");
            playlists += 1;
        }
        delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.5);
    }
    assert_eq!(playlists, 1);
}

/// Players are told of nothing by an endpoint that is not active; one on standby gets an initialisation only. What is
/// looked for is no delivery.
fn allowed(duty: Duty, object: &Object) -> bool {
    match duty {
        Duty::Active => true,
        Duty::Restoring => !matches!(object, Object::Playlist { .. } | Object::Multivariant { .. }),
        Duty::Standby => matches!(object, Object::Init { .. }),
    }
}

#[test]
fn a_destination_that_takes_over_has_the_newest_first_and_playlists_when_the_window_is_whole() {
    let (mut delivery, now) = (delivery(&["v", "a"]), Instant::now());
    delivery.assign(Duty::Standby, grid().duration(), now);
    show(&mut delivery, 1..=20);
    assert_eq!(deliver_all(&mut delivery, now), []);
    delivery.assign(Duty::Active, grid().duration(), now);
    let mut sent = Vec::new();
    while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
        delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.0);
        sent.push(object);
    }
    let numbers = |wanted: usize| {
        let of = |object: &Object| match object {
            Object::Segment { lane, number, .. } if *lane == wanted => Some(*number),
            _ => None,
        };
        sent.iter().filter_map(of).collect::<Vec<u64>>()
    };
    assert_eq!((numbers(0), numbers(1)), (vec![20, 19, 18, 17, 16, 15], vec![20, 19, 18, 17, 16, 15]));
    let first = sent.iter().position(|object| matches!(object, Object::Playlist { .. }));
    assert_eq!(first, Some(sent.len() - 2), "{sent:?}");
    assert!(delivery.finished(None));
}

#[test]
fn a_window_that_cannot_be_filled_in_time_is_told_with_gaps() {
    let (mut delivery, mut now) = (delivery(&["v"]), Instant::now());
    delivery.assign(Duty::Standby, grid().duration(), now);
    show(&mut delivery, 1..=20);
    delivery.assign(Duty::Active, grid().duration(), now);
    let mut told = Vec::new();
    for _ in 0..40 {
        if let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
            let bad = matches!(object, Object::Segment { number: 17, .. });
            let outcome = if bad { Outcome::Failed(RetryDecision::Retry) } else { Outcome::Acknowledged };
            delivery.settle(&object, probe, outcome, now, 0.0);
            if let Object::Playlist { text, .. } = object {
                told.push((now, text));
            }
        }
        now += Duration::from_millis(100);
    }
    let (_, text) = &told[0];
    assert_eq!(text.matches("EXT-X-GAP").count(), 1, "{text}");
}

/// What is owed since an outage, on a line that lets several go side by side.
#[test]
fn old_segments_go_side_by_side_and_yield_to_a_search_and_to_the_window() {
    let (mut delivery, now) = (delivery(&["v"]), Instant::now());
    delivery.behind = FILLING;
    show(&mut delivery, 1..=20);
    let together = |delivery: &mut Delivery| {
        let sent: Vec<Object> = std::iter::from_fn(|| Some(delivery.next(Gate::Open, None, now)?.0)).collect();
        let numbers = |object: &Object| if let Object::Segment { number, .. } = object { Some(*number) } else { None };
        let segments: Vec<u64> = sent.iter().filter_map(numbers).collect();
        (sent, segments)
    };
    let settle = |delivery: &mut Delivery, sent: &[Object]| {
        sent.iter().for_each(|object| delivery.settle(object, false, Outcome::Acknowledged, now, 0.0));
    };
    // The initialisation, then the live edge and as much of the window as may go beside it.
    let (sent, _) = together(&mut delivery);
    settle(&mut delivery, &sent);
    let (sent, segments) = together(&mut delivery);
    assert_eq!(segments, [20, 19, 18, 17, 16]);
    settle(&mut delivery, &sent);
    let (sent, segments) = together(&mut delivery);
    assert_eq!(segments, [15], "nothing older while something of the window is under way: {sent:?}");
    settle(&mut delivery, &sent);
    let (old, segments) = together(&mut delivery);
    assert_eq!(segments, [1, 2, 3, 4]);
    // A search after an interruption has its turn when one of them is done, and nothing old begins beside it.
    delivery.reconnected();
    settle(&mut delivery, &old);
    let (sent, _) = together(&mut delivery);
    let checks = sent.iter().filter(|object| matches!(object, Object::Check { .. })).count();
    assert_eq!(checks, 1, "{sent:?}");
    let beside = sent.iter().filter(|object| behind_the_live_edge(object)).count();
    assert_eq!(beside, 1, "{sent:?}");
}

fn behind_the_live_edge(object: &Object) -> bool {
    matches!(object, Object::Segment { backfill: true, .. } | Object::Check { .. })
}

proptest! {
    #[test]
    fn everything_arrives_and_no_playlist_runs_ahead(steps in steps(), behind in BEHIND..=FILLING) {
        let (mut delivery, start) = (delivery(&["v", "a"]), Instant::now());
        delivery.behind = behind;
        let (mut oldest, mut newest, mut now) = (100u64, 99u64, start);
        let mut under_way: Vec<(Object, bool)> = Vec::new();
        let mut there: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        let mut sequences = [0u64; 2];
        let mut duty = Duty::Active;
        // What was missed on standby is not owed.
        let mut owed_from = 0;
        for step in steps {
            now += Duration::from_millis(50);
            match step {
                Step::Produce => { newest += 1; show(&mut delivery, oldest..=newest); }
                Step::Retain(count) => { oldest = (oldest + count).min(newest.max(100)); show(&mut delivery, oldest..=newest); }
                Step::Send | Step::Probe => {
                    let gate = if matches!(step, Step::Send) { Gate::Open } else { Gate::Probe };
                    let sent = delivery.next(gate, None, now);
                    if let Some((object, _)) = &sent {
                        prop_assert!(allowed(duty, object), "{duty:?} {object:?}");
                    }
                    under_way.extend(sent);
                }
                Step::Assign(assigned) => {
                    if duty == Duty::Standby && assigned != Duty::Standby {
                        owed_from = (newest + 1).saturating_sub(6);
                    }
                    duty = assigned;
                    delivery.assign(duty, grid().duration(), now);
                }
                Step::Reconnect => delivery.reconnected(),
                Step::Settle(index, ok) if !under_way.is_empty() => {
                    let (object, probe) = under_way.remove(index % under_way.len());
                    if let Object::Segment { lane, number, .. } = &object {
                        // A failed request may have arrived all the same: the answer was lost.
                        if ok { there.entry(*lane).or_default().insert(*number); }
                    }
                    let outcome = if ok { Outcome::Acknowledged } else { Outcome::Failed(RetryDecision::Retry) };
                    delivery.settle(&object, probe, outcome, now, 0.5);
                }
                Step::Settle(..) => {}
            }
            prop_assert!(under_way.iter().filter(|(object, _)| behind_the_live_edge(object)).count() <= FILLING + BEHIND);
            for (object, _) in &under_way {
                if let Object::Playlist { lane, text } = object {
                    prop_assert!(names_only_what_is_there(text, there.entry(*lane).or_default()), "{text}");
                    let sequence = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap().media_sequence;
                    prop_assert!(sequence >= sequences[*lane]);
                    sequences[*lane] = sequence;
                }
            }
        }
        // Then the origin is well: everything that is still in the spool arrives, and nothing is left to send.
        for (object, probe) in under_way.drain(..) {
            delivery.settle(&object, probe, Outcome::Failed(RetryDecision::Retry), now, 0.5);
        }
        now += Duration::from_secs(3);
        if duty == Duty::Standby {
            owed_from = (newest + 1).saturating_sub(6);
        }
        delivery.assign(Duty::Active, grid().duration(), now);
        while let Some((object, probe)) = delivery.next(Gate::Open, None, now) {
            if let Object::Segment { lane, number, .. } = &object {
                there.entry(*lane).or_default().insert(*number);
            }
            delivery.settle(&object, probe, Outcome::Acknowledged, now, 0.5);
        }
        prop_assert!(delivery.finished(None));
        for lane in 0..2 {
            for number in oldest.max(owed_from)..=newest {
                prop_assert!(there.get(&lane).is_some_and(|there| there.contains(&number)), "{lane} {number}");
            }
        }
    }
}
