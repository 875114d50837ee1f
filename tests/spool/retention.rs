//! What is let go, when, and who is told.

use std::time::Duration;

use uplink::model::{RenditionId, WhenFull};
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

#[test]
fn writing_reading_and_letting_go_at_once_agree() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video(), audio()];
    let spool = open(dir.path(), 1 << 30, &feeds);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| play(&spool, &feeds, (FIRST, 0), (FIRST + 60, 0)));
        let mut rounds = 0;
        while !writing.is_finished() {
            for feed in &feeds {
                let segments = spool.segments(&feed.id);
                assert!(segments.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
                if let Some(last) = segments.last() {
                    let read = std::fs::read(spool.segment_path(&feed.id, last.number)).expect("the newest is there");
                    assert_eq!(read.len() as u64, last.bytes);
                    spool.retain(last.start, &|_, _| true);
                }
            }
            assert_eq!(spool.status().health.code, "ok");
            rounds += 1;
        }
        assert!(rounds > 0);
    });
    spool.retain(at(FIRST + 60, 0), &|_, _| true);
    check(&spool);
    assert_eq!((numbers(&spool, &video())[0], numbers(&spool, &video()).len()), (49, 11));
}

#[test]
fn a_full_spool_gives_up_the_highest_rendition_first_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video(), audio()];
    let spool = open(dir.path(), 1 << 30, &feeds);
    play(&spool, &feeds, (FIRST, 0), (FIRST + 60, 0));
    let (bytes, one) = (spool.status().bytes, spool.last(&video().id).unwrap().bytes);
    spool.keep(bytes - 5 * one, Duration::from_secs(3600));
    let numbers_left = |feed: &Feed| numbers(&spool, feed)[0];
    // Playlists reach back for 30 segments of 2 s: what is older than that may go.
    spool.give_up_first(WhenFull::DropRenditions, vec![video().id], Duration::from_secs(60));
    let lost = spool.retain(at(FIRST + 60, 0), &|_, _| false).overflowed;
    assert!(lost.iter().all(|(rendition, _)| *rendition == video().id), "{lost:?}");
    assert!((5..=6).contains(&numbers_left(&video())), "{}", numbers_left(&video()));
    assert_eq!(numbers_left(&audio()), 0);
    // When nothing old is left of it, the others follow.
    spool.keep(bytes / 3, Duration::from_secs(3600));
    spool.retain(at(FIRST + 60, 0), &|_, _| false);
    assert!(numbers_left(&audio()) > 0);
    // By default the oldest goes, whatever it is of.
    let before = numbers_left(&audio());
    spool.give_up_first(WhenFull::DropOldest, vec![video().id], Duration::from_secs(60));
    spool.keep(bytes / 4, Duration::from_secs(3600));
    spool.retain(at(FIRST + 60, 0), &|_, _| false);
    assert!(numbers_left(&audio()) > before);
}
