//! Parts, as tables and as a hostile world.

use super::*;
use crate::model::MediaTime;
use crate::spool::SegmentPart;
use proptest::prelude::*;

const TARGET: Duration = Duration::from_millis(200);

fn parted(number: u64, parts: usize) -> PartedSegment {
    let part = SegmentPart { duration: TARGET, independent: false, data: Bytes::from_static(b"part") };
    PartedSegment {
        number,
        start: MediaTime::from_secs(number),
        init: "init".to_owned(),
        discontinuity: false,
        discontinuity_sequence: 0,
        parts: vec![part; parts],
    }
}

fn edge() -> Edge {
    Edge::new(Some(TARGET))
}

/// Of segments without a hole.
fn parts(edge: &Edge, last: u64) -> Option<Parts> {
    edge.parts(last, |number| edge.segments.get(&number).map(PartedSegment::duration))
}

fn told(edge: &Edge, last: u64) -> Vec<(u64, usize)> {
    parts(edge, last).unwrap().listed.iter().map(|(number, parts)| (*number, parts.len())).collect()
}

#[test]
fn only_parts_without_a_hole_before_them_are_told() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 3)], Some(7));
    for index in 0..2 {
        assert_eq!(edge.next(Some(7)), Some((8, index, "init")));
        edge.start(8, index);
    }
    assert_eq!(edge.next(Some(7)), None, "two are under way");
    edge.settle(8, 1, true);
    assert_eq!(told(&edge, 7), []);
    edge.settle(8, 0, true);
    assert_eq!(told(&edge, 7), [(8, 2)]);
    assert_eq!(parts(&edge, 7).unwrap().open.unwrap().number, 8);
}

#[test]
fn a_complete_segment_waits_for_its_last_parts() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 2)], Some(7));
    edge.start(8, 0);
    edge.settle(8, 0, true);
    edge.refresh(vec![parted(8, 2)], Some(8));
    assert!(edge.is_under_way(8));
    edge.start(8, 1);
    edge.settle(8, 1, false);
    assert_eq!(edge.next(Some(8)), Some((8, 1, "init")), "it is tried again");
    edge.start(8, 1);
    edge.settle(8, 1, true);
    assert!(!edge.is_under_way(8));
    assert_eq!(told(&edge, 8), [(8, 2)]);
    // Too late, it is a segment like any other.
    edge.refresh(vec![parted(8, 3), parted(9, 1)], Some(9));
    assert_eq!(told(&edge, 9), []);
    assert!(!edge.is_under_way(8));
}

#[test]
fn a_complete_segment_is_not_begun() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 5)], Some(8));
    assert_eq!(edge.next(Some(8)), None);
    assert_eq!(told(&edge, 8), []);
}

#[test]
fn after_an_outage_only_the_open_segment_goes_in_parts() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 1)], Some(7));
    edge.start(8, 0);
    edge.settle(8, 0, true);
    edge.refresh(vec![parted(8, 5), parted(9, 2)], Some(8));
    edge.reconnected(Some(8));
    assert_eq!(edge.next(Some(8)), Some((9, 0, "init")));
    assert_eq!(told(&edge, 8), []);
}

#[test]
fn a_part_above_the_target_makes_its_segment_whole() {
    let mut edge = edge();
    let mut long = parted(8, 2);
    long.parts[1].duration = TARGET * 2;
    edge.refresh(vec![long], Some(7));
    assert_eq!(edge.next(Some(7)), None);
}

#[test]
fn what_the_process_before_has_told_is_delivered_before_a_playlist() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 2)], Some(7));
    edge.inherit();
    edge.reconnected(Some(7));
    assert!(edge.is_ahead(7));
    for index in 0..2 {
        edge.start(8, index);
        edge.settle(8, index, true);
    }
    assert!(!edge.is_ahead(7));
    assert_eq!(told(&edge, 7), [(8, 2)]);
}

#[test]
fn a_segment_with_a_hole_is_told_without_its_parts() {
    let mut edge = edge();
    edge.refresh(vec![parted(8, 3)], Some(7));
    (0..3).for_each(|index| edge.settle(8, index, true));
    let listed = |whole: Duration| edge.parts(8, |_| Some(whole)).unwrap().listed.len();
    assert_eq!((listed(TARGET * 3), listed(TARGET * 3 + Duration::from_millis(440))), (1, 0));
}

#[test]
fn without_a_target_there_is_nothing() {
    let mut edge = Edge::default();
    edge.refresh(vec![parted(8, 2)], Some(7));
    assert_eq!((edge.next(Some(7)), parts(&edge, 7)), (None, None));
}

proptest! {
    /// Whatever is refused, late or taken back: what is told has been acknowledged, and a segment does not stay under way.
    #[test]
    fn nothing_is_told_that_is_not_there(steps in prop::collection::vec((0u8..6, 0usize..4, any::<bool>()), 1..200)) {
        let (mut edge, mut newest, mut parts) = (edge(), 8u64, 0usize);
        let (mut under_way, mut there) = (Vec::<(u64, u32)>::new(), BTreeSet::new());
        let spool = |newest: u64, parts: usize| {
            let mut all: Vec<_> = (newest.saturating_sub(3)..newest).map(|number| parted(number, 5)).collect();
            all.extend((parts > 0).then(|| parted(newest, parts)));
            all
        };
        for (step, choice, good) in steps {
            match step {
                0 | 1 if parts < 5 => parts += 1,
                0 | 1 => (newest, parts) = (newest + 1, 0),
                2 | 3 => if let Some((number, index, _)) = edge.next(Some(newest - 1)) {
                    edge.start(number, index);
                    under_way.push((number, index));
                },
                4 if !under_way.is_empty() => {
                    let (number, index) = under_way.remove(choice % under_way.len());
                    if good { there.insert((number, index)); }
                    edge.settle(number, index, good);
                }
                5 if choice == 0 => edge.reconnected(Some(newest - 1)),
                _ => {}
            }
            edge.refresh(spool(newest, parts), Some(newest - 1));
            for (number, count) in told(&edge, newest - 1) {
                prop_assert!((0..count as u32).all(|index| there.contains(&(number, index))));
                prop_assert!(number >= newest || count == 5);
            }
            prop_assert!((newest.saturating_sub(3)..newest - 1).all(|number| !edge.is_under_way(number)));
        }
    }
}
