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
