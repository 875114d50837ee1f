//! Runs of a worker, one after the other, on one spool: numbering, appending, discontinuities.

use std::fs;
use std::time::Duration;

use uplink::spool::SpoolError;

use crate::fixture::{FIRST, Feed, at, audio, check, listed, play, start, try_open, video};

fn both() -> [Feed; 2] {
    [video(), audio()]
}

#[test]
fn chunks_become_segments() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST, 0));
    assert!(mended.is_clean(), "{mended}");
    let mut changes = spool.changes();
    play(&spool, &feeds, (FIRST, 0), (FIRST + 3, 0));
    check(&spool);
    assert_eq!(*changes.borrow_and_update(), 6);
    for feed in &feeds {
        assert_eq!(listed(&spool, feed), [(FIRST, 0, false), (FIRST + 1, 0, false), (FIRST + 2, 0, false)]);
    }
    let segments = spool.segments(&video().id);
    assert!(segments.iter().all(|segment| segment.duration == Duration::from_secs(2)));
    let expected: Vec<u8> = (0..4).flat_map(|quarter| video().chunk(FIRST, quarter).data).collect();
    assert_eq!(fs::read(spool.segment_path(&video().id, FIRST)).unwrap(), expected);
    assert_eq!(spool.codec(&audio().id, &spool.last(&audio().id).unwrap().init).as_deref(), Some("mp4a.40.2"));
    // Sound follows without a seam, although its segments do not end on the grid.
    let sound = spool.segments(&audio().id);
    assert!(sound.windows(2).all(|pair| pair[1].start.since(pair[0].start + pair[0].duration).as_nanos() < 10));
    assert!(spool.status().bytes > 0 && spool.status().health.code == "ok");
}

#[test]
fn a_higher_number_closes_the_segment_before_and_finish_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 2));
    let closed = spool.put_chunk(video().chunk(FIRST + 1, 0)).unwrap().unwrap();
    assert_eq!((closed.number, closed.duration), (FIRST, Duration::from_secs(1)));
    let finished = spool.finish().unwrap();
    assert_eq!((finished.len(), finished[0].1.duration), (1, Duration::from_millis(500)));
    check(&spool);
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 1, 1));
    assert!(mended.is_clean(), "an orderly stop leaves nothing to mend: {mended}");
    assert_eq!(listed(&spool, &video()), [(FIRST, 0, false), (FIRST + 1, 0, false)]);
}

#[test]
fn a_run_that_begins_in_the_same_segment_goes_on_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 1));
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 1, 2));
    assert_eq!(mended.resumed, 2, "{mended}");
    play(&spool, &feeds, (FIRST + 1, 2), (FIRST + 3, 0));
    check(&spool);
    for feed in &feeds {
        // What both runs share carries no mark; the first segment of this run alone does, in each rendition.
        assert_eq!(listed(&spool, feed), [(FIRST, 0, false), (FIRST + 1, 0, false), (FIRST + 2, 1, true)]);
        let shared = fs::read(spool.segment_path(&feed.id, FIRST + 1)).unwrap();
        let expected: Vec<u8> = [0, 2, 3].into_iter().flat_map(|quarter| feed.chunk(FIRST + 1, quarter).data).collect();
        assert_eq!(shared, expected);
    }
    assert_eq!(spool.segments(&video().id)[1].duration, Duration::from_secs(2));
}

#[test]
fn renditions_agree_though_only_one_had_an_unfinished_segment() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 0));
    spool.put_chunk(video().chunk(FIRST + 1, 0)).unwrap();
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST + 1, 2));
    play(&spool, &feeds, (FIRST + 1, 2), (FIRST + 3, 0));
    check(&spool);
    assert_eq!(listed(&spool, &video()), listed(&spool, &audio()));
    assert_eq!(listed(&spool, &audio())[1..], [(FIRST + 1, 0, false), (FIRST + 2, 1, true)]);
}

#[test]
fn another_initialisation_does_not_go_into_the_same_segment() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 1));
    drop(spool);
    let (spool, _) = try_open(dir.path(), &feeds, at(FIRST, 2)).unwrap();
    spool.put_init(video().other_init()).unwrap();
    spool.put_init(audio().init()).unwrap();
    let refused = spool.put_chunk(video().chunk(FIRST, 2));
    assert!(matches!(refused, Err(SpoolError::Behind { number: FIRST, last: FIRST, .. })), "{refused:?}");
    assert_eq!(spool.status().lost_segments, 1);
    assert_eq!(spool.put_chunk(video().chunk(FIRST, 3)).unwrap(), None, "said once");
    play(&spool, &[audio()], (FIRST, 2), (FIRST + 2, 0));
    play(&spool, &[video()], (FIRST + 1, 0), (FIRST + 2, 0));
    check(&spool);
    for feed in &feeds {
        assert_eq!(listed(&spool, feed), [(FIRST, 0, false), (FIRST + 1, 1, true)]);
    }
    let segments = spool.segments(&video().id);
    assert_ne!(segments[0].init, segments[1].init);
    assert_eq!(segments[0].duration, Duration::from_millis(500));
}

#[test]
fn an_unfinished_segment_whose_time_is_over_is_closed_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 3));
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST + 5, 1));
    assert_eq!(spool.last(&video().id).unwrap().duration, Duration::from_millis(1500));
    play(&spool, &feeds, (FIRST + 5, 2), (FIRST + 7, 0));
    check(&spool);
    for feed in &feeds {
        assert_eq!(listed(&spool, feed), [(FIRST, 0, false), (FIRST + 5, 1, true), (FIRST + 6, 1, false)]);
    }
}

#[test]
fn an_unfinished_segment_of_a_rendition_that_stays_silent_is_closed_by_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 1));
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 3));
    play(&spool, &[video()], (FIRST + 1, 0), (FIRST + 2, 0));
    assert_eq!(listed(&spool, &audio()), [(FIRST, 0, false)]);
    check(&spool);
}

#[test]
fn a_mark_that_a_rendition_never_reached_serves_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 0));
    drop(spool);
    // The second run completes a segment of sound only, and dies.
    let (spool, _) = start(dir.path(), &feeds, at(FIRST + 2, 0));
    play(&spool, &[audio()], (FIRST + 2, 0), (FIRST + 3, 0));
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST + 4, 0));
    play(&spool, &feeds, (FIRST + 4, 0), (FIRST + 5, 0));
    check(&spool);
    assert_eq!(listed(&spool, &video()), [(FIRST, 0, false), (FIRST + 4, 1, true)]);
    assert_eq!(listed(&spool, &audio()), [(FIRST, 0, false), (FIRST + 2, 1, true), (FIRST + 4, 1, false)]);
}

#[test]
fn the_discontinuity_sequence_survives_the_loss_of_all_segments_or_of_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    for run in 0..3 {
        let (spool, _) = start(dir.path(), &feeds, at(FIRST + 10 * run, 0));
        play(&spool, &feeds, (FIRST + 10 * run, 0), (FIRST + 10 * run + 2, 0));
    }
    fs::remove_file(dir.path().join("discontinuities.json")).unwrap();
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 30, 0));
    assert!(mended.discontinuities_rebuilt);
    play(&spool, &feeds, (FIRST + 30, 0), (FIRST + 31, 0));
    assert_eq!(listed(&spool, &video()).last(), Some(&(FIRST + 30, 3, true)));
    assert_eq!(spool.retain(at(FIRST + 10_000, 0), &|_, _| true).deleted, 14);
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 10_000, 0));
    assert!(mended.is_clean(), "{mended}");
    assert!(matches!(spool.put_chunk(video().chunk(FIRST + 30, 0)), Err(SpoolError::Behind { .. })));
    play(&spool, &feeds, (FIRST + 10_000, 0), (FIRST + 10_001, 0));
    for feed in &feeds {
        assert_eq!(listed(&spool, feed).last(), Some(&(FIRST + 10_000, 4, true)));
    }
}

#[test]
fn a_second_process_is_kept_out_and_a_retired_rendition_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 0));
    assert!(matches!(try_open(dir.path(), &feeds, at(FIRST, 0)), Err(SpoolError::InUse { .. })));
    drop(spool);
    fs::create_dir(dir.path().join("not-ours")).unwrap();
    let (_spool, mended) = start(dir.path(), &[video()], at(FIRST + 1, 0));
    assert_eq!(mended.renditions_removed, ["a-main"]);
    assert!(!dir.path().join("a-main").exists() && dir.path().join("not-ours").exists());
}

#[test]
fn a_clock_that_was_years_ahead_does_not_keep_a_channel_off_air() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = both();
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 0));
    drop(spool);
    let (spool, _) = start(dir.path(), &feeds, at(FIRST * 2, 0));
    play(&spool, &feeds, (FIRST * 2, 0), (FIRST * 2 + 3, 1));
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 9, 0));
    assert_eq!((mended.from_the_future, mended.segments_missing), (8, 0), "{mended}");
    play(&spool, &feeds, (FIRST + 9, 0), (FIRST + 10, 0));
    drop(spool);
    let (spool, mended) = start(dir.path(), &feeds, at(FIRST + 200, 0));
    assert!(mended.is_clean(), "{mended}");
    play(&spool, &feeds, (FIRST + 200, 0), (FIRST + 201, 0));
    check(&spool);
    for feed in &feeds {
        let numbers: Vec<u64> = listed(&spool, feed).into_iter().map(|(number, ..)| number - FIRST).collect();
        assert_eq!(numbers, [0, 9, 200]);
    }
    assert_eq!(listed(&spool, &video()), listed(&spool, &audio()));
}

#[test]
fn an_encoder_that_is_replaced_begins_the_open_segment_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (video(), audio());
    let feeds = [video.clone(), audio.clone()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 2));
    let part = spool.segment_path(&video.id, FIRST + 1).with_extension("m4s.part");
    assert!(part.exists());

    spool.begin_again(&video.id, FIRST + 1);
    assert!(!part.exists(), "nothing of the broken encoder's half is left");
    spool.put_init(video.other_init()).unwrap();
    for quarter in 0..4 {
        let again = spool.put_chunk(video.chunk(FIRST + 1, quarter)).unwrap();
        assert_eq!(again.is_some(), quarter == 3);
    }
    for quarter in 2..4 {
        spool.put_chunk(audio.chunk(FIRST + 1, quarter)).unwrap();
    }
    play(&spool, &feeds, (FIRST + 2, 0), (FIRST + 3, 0));
    check(&spool);
    for feed in &feeds {
        let whole = [(FIRST, 0, false), (FIRST + 1, 0, false), (FIRST + 2, 0, false)];
        assert_eq!(listed(&spool, feed), whole, "no seam, no gap");
    }
    let segments = spool.segments(&video.id);
    let (before, after) = (&segments[0].init, &segments[1].init);
    assert!(before != after && segments[2].init == *after, "the other encoder's initialisation, from there on");
    let expected: Vec<u8> = (0..4).flat_map(|quarter| video.chunk(FIRST + 1, quarter).data).collect();
    assert_eq!(fs::read(spool.segment_path(&video.id, FIRST + 1)).unwrap(), expected, "each picture once");
    let sound = spool.segments(&audio.id);
    assert!(sound.iter().all(|segment| segment.init == sound[0].init), "its neighbour does not notice");

    // What is complete stays, and a rendition that is not there is nobody's fault.
    spool.begin_again(&video.id, FIRST + 2);
    spool.begin_again(&crate::fixture::id("nobody"), FIRST);
    assert_eq!(listed(&spool, &video).len(), 3);
    assert!(matches!(spool.put_chunk(video.chunk(FIRST + 2, 0)), Err(SpoolError::Behind { .. })));
}

#[test]
fn begin_again_takes_nothing_of_an_older_segment() {
    let dir = tempfile::tempdir().unwrap();
    let feeds = [video()];
    let (spool, _) = start(dir.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 3));
    // The encoder failed between two segments: the next one begins anew, and this one is what it is.
    spool.begin_again(&video().id, FIRST + 1);
    spool.put_chunk(video().chunk(FIRST + 1, 0)).unwrap();
    check(&spool);
    assert_eq!(spool.segments(&video().id)[0].duration, Duration::from_millis(1500));
}
