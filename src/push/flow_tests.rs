//! When a destination is even again.

use super::*;

#[test]
fn when_all_that_waits_is_delivered() {
    let takes = |seconds| CatchUp::Takes { seconds };
    for (backlog, known, needed, share, backfill, expected) in [
        (0, None, 100, 50, None, CatchUp::Even),
        (1000, None, 100, 50, None, CatchUp::Unknown),
        (1000, Some(1000), 500, 50, None, takes(4.0)),
        (1000, Some(1000), 900, 50, None, takes(20.0)),
        (1000, Some(1000), 900, 50, Some(250), takes(4.0)),
        (1000, Some(1000), 1000, 50, None, CatchUp::Never),
        (1000, Some(900), 1000, 50, Some(250), CatchUp::Never),
        (1000, Some(500), 0, 100, None, takes(2.0)),
    ] {
        assert_eq!(outlook(backlog, known, needed, share, backfill), expected, "{backlog} {known:?} {needed}");
    }
}

#[test]
fn small_segments_go_side_by_side_and_large_ones_one_by_one() {
    let lane = |bytes| {
        let id = RenditionId::new("v").unwrap();
        let mut lane =
            Lane::new(id, Medium::Video, super::super::record::Delivered::default(), Delivery::object_backoff());
        lane.refresh(vec![crate::spool::Segment {
            number: 1,
            start: MediaTime::from_secs(0),
            duration: Duration::from_secs(1),
            bytes,
            init: String::new(),
            discontinuity: false,
            discontinuity_sequence: 0,
        }]);
        lane
    };
    for (limit, sizes, expected) in [
        (88_000, vec![50_000, 10_000], 3),
        (1_000_000, vec![50_000], FILLING),
        (500_000, vec![1_200_000, 20_000], BEHIND),
        (FLOOR, vec![1_200_000], BEHIND),
        (500_000, vec![], FILLING),
    ] {
        let lanes: Vec<Lane> = sizes.iter().map(|bytes| lane(*bytes)).collect();
        assert_eq!(side_by_side(limit, &lanes), expected, "{limit} {sizes:?}");
    }
}
