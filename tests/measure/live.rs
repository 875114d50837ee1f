//! A playlist that grows while it is played.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use uplink::measure::FaultCode::*;
use uplink::measure::{Options, run};
use uplink::model::MediaTime;

use crate::clip::{Picture, SECONDS, pictures};
use crate::origin::{Media, Origin, Stage, UNAVAILABLE};
use crate::{SMALL, assert_faults, steady};

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// The first `count` segments, as an origin lists them so far.
fn so_far(whole: &Media, count: usize) -> Media {
    Media { entries: whole.entries[..count].to_vec(), ended: false, ..whole.clone() }
}

async fn wait_for(condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < until, "the player does not follow");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn measure_reloads(reloads: Vec<Media>) -> uplink::measure::Report {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    *stage.first() = reloads[0].clone();
    let origin = Origin::open(stage).await;
    let options = Options { seconds: Some(20), ..Options::new(&origin.address) };
    let progress = std::sync::Arc::clone(&options.progress);
    let measured = tokio::spawn(run(options));
    let mut listed: u64 = reloads[0].entries.len().min(3) as u64;
    let mut newest = 0;
    for pair in reloads.windows(2) {
        wait_for(|| progress.segments.load(Relaxed) >= listed).await;
        // The player has seen this version twice, then, and has played what is new in it.
        let asked = origin.asked("small/media.m3u8");
        wait_for(|| origin.asked("small/media.m3u8") >= asked + 2).await;
        newest = newest.max(pair[0].sequence + pair[0].entries.len() as u64);
        listed += (pair[1].sequence + pair[1].entries.len() as u64).saturating_sub(newest.max(pair[1].sequence));
        origin.put("small/media.m3u8", pair[1].render().into_bytes());
    }
    measured.await.unwrap().unwrap()
}

fn whole() -> Media {
    Stage::of(&[("small", &SMALL)]).first().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_the_sequence_numbers() {
    let whole = whole();
    let mut jumped = whole.clone();
    jumped.entries.drain(..4);
    jumped.sequence += 9;
    let report = measure_reloads(vec![so_far(&whole, 3), jumped]).await;
    let playlist = report.streams[0].playlist.unwrap();
    assert_eq!(playlist.sequence_gaps, 6, "{}", uplink::measure::text(&report));
    let jump = report.streams[0].jumps[0];
    assert_eq!((jump.newest_before + 7, jump.first + 1), (jump.first, jump.last));
    assert_faults(&report, &[SequenceGap, OffEpoch, FramesMissing, SourceFramesMissing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discontinuity_sequence_that_changes() {
    let whole = whole();
    let mut wrong = whole.clone();
    wrong.entries.drain(..1);
    wrong.sequence += 1;
    wrong.discontinuity_sequence = 1;
    let report = measure_reloads(vec![so_far(&whole, 3), wrong]).await;
    assert_faults(&report, &[DiscontinuitySequence]);
    assert_eq!(report.streams[0].playlist.unwrap().discontinuity_sequence_faults, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_goes_back() {
    let whole = whole();
    let report = measure_reloads(vec![so_far(&whole, 4), so_far(&whole, 2), whole.clone()]).await;
    let playlist = report.streams[0].playlist.unwrap();
    assert_faults(&report, &[SequenceBackwards]);
    assert_eq!((playlist.sequence_backwards, playlist.sequence_gaps), (1, 0));
    assert_eq!(report.streams[0].video.unwrap().repeated, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_that_stands_still() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    *stage.first() = so_far(&whole(), 4);
    let origin = Origin::open(stage).await;
    let report = run(Options { seconds: Some(3), ..Options::new(&origin.address) }).await.unwrap();
    assert_faults(&report, &[Stalled]);
    let playlist = report.streams[0].playlist.unwrap();
    assert!(playlist.longest_wait_ms > 2500.0 && playlist.segments == 3, "{playlist:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_can_be_stopped() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    *stage.first() = so_far(&whole(), 4);
    let origin = Origin::open(stage).await;
    let options = Options { seconds: Some(3600), from_start: true, ..Options::new(&origin.address) };
    let (stop, progress) = (options.stop.clone(), std::sync::Arc::clone(&options.progress));
    let measured = tokio::spawn(run(options));
    wait_for(|| progress.segments.load(Relaxed) >= 4).await;
    stop.cancel();
    let report = tokio::time::timeout(Duration::from_secs(15), measured).await.unwrap().unwrap().unwrap();
    assert_eq!(report.streams[0].counter.unwrap().marks, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_stumbles() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    *stage.first() = so_far(&whole(), 5);
    let origin = Origin::open(stage).await;
    origin.put("small/3.m4s", UNAVAILABLE.to_vec());
    let options = Options { seconds: Some(20), ..Options::new(&origin.address) };
    let progress = std::sync::Arc::clone(&options.progress);
    let measured = tokio::spawn(run(options));
    // Segment 3 comes back while it is asked for again; then the playlist is away for a while.
    wait_for(|| origin.refused() >= 1).await;
    origin.put("small/3.m4s", SMALL.segments[3].clone());
    wait_for(|| progress.segments.load(Relaxed) >= 3).await;
    let refused = origin.refused();
    origin.put("small/media.m3u8", UNAVAILABLE.to_vec());
    wait_for(|| origin.refused() >= refused + 2).await;
    origin.put("small/media.m3u8", whole().render().into_bytes());
    let report = measured.await.unwrap().unwrap();
    assert_faults(&report, &[PlaylistUnavailable]);
    assert!(report.streams[0].playlist.unwrap().failed_reloads >= 2);
    assert_eq!(report.streams[0].counter.unwrap().missing, 0);
}

/// The pictures carry the real UTC, and each segment is published a quarter of a second after its end.
#[tokio::test(flavor = "multi_thread")]
async fn latency_is_counted_from_the_utc_in_the_picture() {
    const DELAY: Duration = Duration::from_millis(250);
    let start = now().as_secs() + 4;
    let clip = tokio::task::spawn_blocking(move || pictures(&steady(), &Picture { start, ..Default::default() })).await;
    let mut stage = Stage::of(&[("small", &clip.unwrap())]);
    let whole = stage.first().clone();
    *stage.first() = so_far(&whole, 1);
    let due = |count: u64| (Duration::from_secs(start + count) + DELAY).saturating_sub(now());
    tokio::time::sleep(due(1)).await;
    let origin = Origin::open(stage).await;
    let measured = tokio::spawn(run(Options { seconds: Some(20), ..Options::new(&origin.address) }));
    for count in 2..=SECONDS {
        tokio::time::sleep(due(count)).await;
        let mut media = so_far(&whole, count as usize);
        media.ended = count == SECONDS;
        origin.put("small/media.m3u8", media.render().into_bytes());
    }
    let report = measured.await.unwrap().unwrap();
    println!("{}", uplink::measure::text(&report));
    assert!(report.live);
    let stream = &report.streams[0];
    let (latency, edge) = (stream.latency.unwrap(), stream.edge.unwrap());
    // A segment's first picture is a second old when it ends; nothing can be faster than the publisher.
    assert!(latency.max_ms >= 1250.0 && latency.p50_ms >= 250.0 + 450.0, "{latency:?}");
    assert!(latency.p50_ms <= latency.p95_ms && latency.p95_ms <= latency.max_ms);
    assert!(edge.p50_ms >= 250.0 && edge.p50_ms + 450.0 <= latency.max_ms, "{edge:?}");
    assert_eq!(stream.counter.unwrap().missing, 0);
    for segment in stream.segments.iter().filter(|segment| segment.live) {
        let end = MediaTime::from_nanos(segment.end_pts.unwrap());
        assert!(segment.seen.since(end) >= DELAY && segment.fetched.unwrap() >= segment.seen, "{segment:?}");
    }
}
