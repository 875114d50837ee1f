//! Segments part by part: what is told never changes, whatever happens to the encoder, the process or the disk.

use std::collections::HashMap;

use bytes::Bytes;
use uplink::spool::{Spool, SpoolError};

use crate::fixture::{FIRST, Feed, at, audio, check, play, start, video};

fn told(spool: &Spool, feed: &Feed) -> Vec<(u64, usize)> {
    spool.parted(&feed.id).iter().map(|segment| (segment.number, segment.parts.len())).collect()
}

/// Every part that is told now; none may have been told with other bytes before.
fn remember(spool: &Spool, feed: &Feed, known: &mut HashMap<(u64, usize), Bytes>) {
    for segment in spool.parted(&feed.id) {
        for (index, part) in segment.parts.iter().enumerate() {
            let before = known.insert((segment.number, index), part.data.clone());
            assert!(before.is_none_or(|before| before == part.data), "part {index} of {} changed", segment.number);
        }
    }
}

#[test]
fn parts_are_told_as_they_are_written_and_are_the_segment() {
    let (directory, feeds) = (tempfile::tempdir().unwrap(), [video(), audio()]);
    let (spool, _) = start(directory.path(), &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST, 2));
    assert_eq!(told(&spool, &feeds[0]), [], "nobody asked for parts");
    spool.tell_parts();
    let changes = spool.changes();
    play(&spool, &feeds, (FIRST, 2), (FIRST + 1, 2));
    assert_eq!(told(&spool, &feeds[0]), [(FIRST + 1, 2)], "a segment whose beginning was not told is not told at all");
    assert!(changes.has_changed().unwrap());
    play(&spool, &feeds, (FIRST + 1, 2), (FIRST + 9, 1));
    let numbers: Vec<u64> = told(&spool, &feeds[1]).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (FIRST + 4..=FIRST + 9).collect::<Vec<_>>(), "the last ones");
    for feed in &feeds {
        for segment in spool.parted(&feed.id).iter().filter(|segment| segment.number < FIRST + 9) {
            let joined: Vec<u8> = segment.parts.iter().flat_map(|part| part.data.to_vec()).collect();
            let file = std::fs::read(spool.segment_path(&feed.id, segment.number)).unwrap();
            assert!(joined == file, "{} {}", feed.id, segment.number);
            let whole = spool.segments_from(&feed.id, segment.number)[0].clone();
            assert_eq!((whole.start, whole.duration, &whole.init), (segment.start, segment.duration(), &segment.init));
            let sequence = (segment.discontinuity, segment.discontinuity_sequence);
            assert_eq!((whole.discontinuity, whole.discontinuity_sequence), sequence);
            assert!(segment.parts[0].independent && !segment.parts[1].independent);
        }
    }
    check(&spool);
}

#[test]
fn a_run_that_appends_goes_on_counting() {
    let (directory, feeds) = (tempfile::tempdir().unwrap(), [video()]);
    let mut known = HashMap::new();
    let (spool, _) = start(directory.path(), &feeds, at(FIRST, 0));
    spool.tell_parts();
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 2));
    remember(&spool, &feeds[0], &mut known);
    drop(spool);
    let (spool, mended) = start(directory.path(), &feeds, at(FIRST + 1, 3));
    assert_eq!(mended.resumed, 1);
    spool.tell_parts();
    assert_eq!(told(&spool, &feeds[0]), [(FIRST + 1, 2)], "what was found is told again");
    remember(&spool, &feeds[0], &mut known);
    play(&spool, &feeds, (FIRST + 1, 3), (FIRST + 2, 1));
    remember(&spool, &feeds[0], &mut known);
    assert_eq!(told(&spool, &feeds[0]), [(FIRST + 1, 3), (FIRST + 2, 1)]);
    let open = spool.parted(&feeds[0].id).pop().unwrap();
    assert_eq!((open.discontinuity, open.discontinuity_sequence), (true, 1), "the run begins here, for players");
    play(&spool, &feeds, (FIRST + 2, 1), (FIRST + 3, 0));
    let whole = spool.last(&feeds[0].id).unwrap();
    assert_eq!((whole.discontinuity, whole.discontinuity_sequence), (true, 1));
    check(&spool);
}

#[test]
fn a_segment_that_is_begun_again_is_not_told_in_parts_any_more() {
    let (directory, feeds) = (tempfile::tempdir().unwrap(), [video()]);
    let (spool, _) = start(directory.path(), &feeds, at(FIRST, 0));
    spool.tell_parts();
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 2));
    spool.begin_again(&feeds[0].id, FIRST + 1);
    assert_eq!(told(&spool, &feeds[0]), [(FIRST, 4)]);
    spool.put_init(feeds[0].other_init()).unwrap();
    play(&spool, &feeds, (FIRST + 1, 0), (FIRST + 2, 2));
    assert_eq!(told(&spool, &feeds[0]), [(FIRST, 4), (FIRST + 2, 2)]);
    check(&spool);
}

#[test]
fn a_segment_that_the_disk_did_not_take_is_not_told() {
    let (directory, feeds) = (tempfile::tempdir().unwrap(), [video()]);
    let (spool, _) = start(directory.path(), &feeds, at(FIRST, 0));
    spool.tell_parts();
    play(&spool, &feeds, (FIRST, 0), (FIRST + 1, 3));
    std::fs::remove_dir_all(directory.path().join("v180")).unwrap();
    let lost = spool.put_chunk(feeds[0].chunk(FIRST + 1, 3));
    assert!(matches!(lost, Err(SpoolError::Missing { .. })), "{lost:?}");
    assert!(!told(&spool, &feeds[0]).iter().any(|(number, _)| *number == FIRST + 1));
    play(&spool, &feeds, (FIRST + 2, 0), (FIRST + 3, 1));
    assert!(told(&spool, &feeds[0]).contains(&(FIRST + 2, 4)));
    check(&spool);
}
