//! Segments whose boundaries were moved by a cue: written, recovered and appended to as any other.

use std::fs;
use std::time::Duration;

use uplink::model::{Boundaries, MediaTime};
use uplink::spool::{Mended, Spool};

use crate::fixture::{FIRST, Feed, QUOTA, at, audio, grid, video};

/// A cue 1.5 s into segment FIRST + 1: FIRST + 2 begins there, half a second before its time on the grid.
fn bent() -> Boundaries {
    let (boundaries, refused) = Boundaries::new(grid(), [at(FIRST + 1, 3)]);
    assert_eq!((refused, boundaries.start_of(FIRST + 2)), (vec![], at(FIRST + 1, 3)));
    boundaries
}

fn open(dir: &std::path::Path, feeds: &[Feed], boundaries: Boundaries, now: MediaTime) -> (Spool, Mended) {
    let ids: Vec<_> = feeds.iter().map(|feed| feed.id.clone()).collect();
    let (spool, mended) = Spool::open(dir, QUOTA, Duration::from_secs(3600), boundaries, &ids, now).unwrap();
    for feed in feeds {
        spool.put_init(feed.init()).unwrap();
    }
    (spool, mended)
}

/// Writes half seconds, counted from the beginning of FIRST, into the segments that they belong to.
fn play(spool: &Spool, feeds: &[Feed], halves: std::ops::Range<u64>) {
    let boundaries = bent();
    let number = |half: u64| boundaries.number_at(at(FIRST, half));
    for half in halves {
        for feed in feeds {
            let mut chunk = feed.chunk(FIRST + half / 4, half % 4);
            chunk.number = number(half);
            chunk.last = number(half + 1) != number(half);
            spool.put_chunk(chunk).unwrap();
        }
    }
}

#[test]
fn a_run_goes_on_in_the_segment_that_a_cue_began() {
    let feeds = [video(), audio()];
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(dir.path(), &feeds, bent(), at(FIRST, 0));
    // One half second of FIRST + 2, and the grid would still have it FIRST + 1.
    play(&spool, &feeds, 0..8);
    drop(spool);
    let (spool, mended) = open(dir.path(), &feeds, bent(), at(FIRST + 1, 3) + Duration::from_millis(400));
    assert_eq!((mended.resumed, mended.bytes_discarded), (2, 0), "{mended}");
    play(&spool, &feeds, 8..16);
    for feed in &feeds {
        let segments = spool.segments(&feed.id);
        assert_eq!(segments.iter().map(|s| s.number).collect::<Vec<_>>(), [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]);
        for segment in &segments[..3] {
            let begins = bent().start_of(segment.number);
            let late = segment.start.since(begins).max(begins.since(segment.start));
            assert!(late < Duration::from_millis(22), "{}: {segment:?}", feed.id);
        }
        assert_eq!(segments[2].bytes, feed.chunk(FIRST, 0).data.len() as u64 * 5, "both runs are in it");
    }
}

#[test]
fn segments_are_read_back_where_the_cue_is_forgotten() {
    let feeds = [video(), audio()];
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = open(dir.path(), &feeds, bent(), at(FIRST, 0));
    play(&spool, &feeds, 0..18);
    let before: Vec<Vec<MediaTime>> =
        feeds.iter().map(|feed| spool.segments(&feed.id).iter().map(|s| s.start).collect()).collect();
    drop(spool);
    for feed in &feeds {
        fs::remove_file(dir.path().join(feed.id.as_str()).join("index.jsonl")).unwrap();
    }
    let (spool, mended) = open(dir.path(), &feeds, grid().into(), at(FIRST + 4, 2));
    assert_eq!(mended.bytes_discarded, 0, "{mended}");
    for (feed, before) in feeds.iter().zip(before) {
        let after: Vec<MediaTime> = spool.segments(&feed.id).iter().map(|segment| segment.start).collect();
        assert!(after.starts_with(&before), "{}: {after:?} {before:?}", feed.id);
    }
}
