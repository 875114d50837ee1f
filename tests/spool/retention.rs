//! What is let go, when, and who is told.

use std::time::Duration;

use uplink::model::RenditionId;
use uplink::spool::Spool;

use crate::fixture::{FIRST, Feed, at, audio, check, grid, listed, play, video};

fn open(dir: &std::path::Path, quota: u64, feeds: &[Feed]) -> Spool {
    let ids: Vec<RenditionId> = feeds.iter().map(|feed| feed.id.clone()).collect();
    let retain = Duration::from_secs(20);
    let (spool, _) = Spool::open(dir, quota, retain, grid(), &ids, at(FIRST, 0)).unwrap();
    for feed in feeds {
        spool.put_init(feed.init()).unwrap();
    }
    spool
}

fn numbers(spool: &Spool, feed: &Feed) -> Vec<u64> {
    listed(spool, feed).into_iter().map(|(number, ..)| number - FIRST).collect()
}

#[test]
fn old_segments_go_when_every_destination_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video(), audio()];
    let spool = open(dir.path(), 1 << 30, &feeds);
    play(&spool, &feeds, (FIRST, 0), (FIRST + 20, 0));
    let owed = |id: &RenditionId, number: u64| !(*id == video().id && number == FIRST + 3);
    let retained = spool.retain(at(FIRST + 20, 0), &owed);
    // Older than 20 s are 0 to 8; the ninth ended exactly 20 s ago.
    assert_eq!((retained.deleted, retained.overflowed.len()), (17, 0));
    assert_eq!(numbers(&spool, &video())[..2], [3, 9]);
    assert_eq!(numbers(&spool, &audio())[0], 9);
    assert!(!spool.segment_path(&video().id, FIRST).exists());
    check(&spool);
    assert_eq!(spool.retain(at(FIRST + 20, 0), &|_, _| true).deleted, 1);
}

#[test]
fn beyond_the_quota_the_oldest_goes_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let spool = open(dir.path(), 1 << 30, &feeds);
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 0));
    let one = spool.last(&video().id).unwrap().bytes;
    drop(spool);
    let spool = open(dir.path(), one * 5, &feeds);
    for number in 1..10 {
        play(&spool, &feeds, (FIRST + number, 0), (FIRST + number + 1, 0));
        let retained = spool.retain(at(FIRST + number + 1, 0), &|_, _| false);
        let lost: Vec<u64> = retained.overflowed.iter().map(|(_, segment)| segment.number - FIRST).collect();
        assert_eq!(lost, if number < 5 { vec![] } else { vec![number - 5] });
        assert!(spool.status().bytes <= one * 5);
    }
    assert_eq!(numbers(&spool, &video()), [5, 6, 7, 8, 9]);
    assert_eq!(spool.status().health.code, "overflowed");
    check(&spool);
    // A minute without overflow heals.
    spool.retain(at(FIRST + 40, 0), &|_, _| false);
    assert_eq!(spool.status().health.code, "ok");
}

#[test]
fn what_everybody_has_goes_before_what_somebody_is_owed() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let spool = open(dir.path(), 1 << 30, &feeds);
    play(&spool, &feeds, (FIRST, 0), (FIRST + 40, 0));
    let bytes = spool.status().bytes;
    drop(spool);
    // The live edge is delivered, a backlog behind it is owed.
    let delivered = |_: &RenditionId, number: u64| number >= FIRST + 5;
    let ids = [video().id];
    let (spool, _) =
        Spool::open(dir.path(), bytes / 40 * 36, Duration::from_secs(3600), grid(), &ids, at(FIRST + 40, 0)).unwrap();
    let retained = spool.retain(at(FIRST + 40, 0), &delivered);
    assert_eq!((retained.deleted, retained.overflowed.len()), (4, 0));
    assert_eq!(numbers(&spool, &video())[..6], [0, 1, 2, 3, 4, 9]);
}
