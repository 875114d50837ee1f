//! What an endpoint is sent by its duty: standby, active, restoring; and how a good one fares beside bad ones.

use std::net::TcpListener;
use std::time::Duration;

use axum::http::Method;
use uplink::model::status::DestinationState;
use uplink::model::{Duty, EndpointName, EndpointStatus, MediaTime};
use uplink::push::{Limits, Pusher};

use crate::origin::{Answer, Origin};
use crate::studio::{Studio, eventually, media, until};

const WINDOW: u64 = 6;

fn start(studio: &Studio, origin: &str, duty: Duty) -> Pusher {
    let endpoint = EndpointName::at(usize::from(duty != Duty::Active));
    let limits = Some(Limits { silence: Duration::from_millis(800), slow_segments: 3 });
    studio.push(uplink::push::PushDescription { endpoint, duty, limits, ..studio.description(origin) })
}

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

fn playlist(origin: &Origin, rendition: &str) -> Option<m3u8_rs::MediaPlaylist> {
    let text = origin.object(&format!("demo/{rendition}/media.m3u8"))?;
    Some(m3u8_rs::parse_media_playlist_res(&text).expect("a media playlist"))
}

#[tokio::test]
async fn a_backup_is_looked_at_and_has_a_whole_window_when_it_takes_over() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(20);
    let pusher = start(&studio, &origin.url(), Duty::Standby);
    until(&pusher, "looked at", |status| status.state == DestinationState::Streaming).await;
    assert_eq!((origin.segment_puts(), pusher.status().borrow().queue_segments), (0, 0));
    assert!(
        origin.object("demo/multivariant.m3u8").is_none() && origin.paths().iter().all(|path| path.contains("init-"))
    );

    pusher.assign(Duty::Active);
    let status = until(&pusher, "playable", |status| status.playable).await;
    assert_eq!(status.duty, Duty::Active);
    let paths = origin.paths();
    let first = |end: &str| paths.iter().position(|path| path.ends_with(end)).unwrap_or_else(|| panic!("no {end}"));
    for rendition in &studio.renditions {
        let newest = studio.next - 1;
        assert_eq!(origin.puts(&format!("demo/{rendition}/{newest}.m4s")), 1);
        for number in studio.next - WINDOW..studio.next {
            let segment = first(&format!("{rendition}/{number}.m4s"));
            assert!(
                segment < first(&format!("{rendition}/media.m3u8")),
                "players are told of a whole window: {paths:?}"
            );
        }
        let list = playlist(&origin, rendition.as_str()).expect("a playlist");
        assert_eq!((list.media_sequence, list.segments.len() as u64), (studio.next - WINDOW, WINDOW));
    }
    // What it missed on standby is not owed.
    studio.produce(3);
    let end = studio.grid.start_of(studio.next);
    until(&pusher, "even", |status| even(status) && status.position == Some(end)).await;
    assert!(origin.object(&format!("demo/v720/{}.m4s", studio.first)).is_none());
    assert!(pusher.delivered(&studio.renditions[0], studio.first));

    // Back to standby: nothing more.
    pusher.assign(Duty::Standby);
    until(&pusher, "at rest", |status| status.duty == Duty::Standby).await;
    origin.forget_puts();
    studio.produce(5);
    eventually("looked at again", || !origin.paths().is_empty()).await;
    assert!(origin.paths().iter().all(|path| path.contains("init-")), "{:?}", origin.paths());
    assert!(pusher.stop(Duration::from_secs(5)).await.is_nothing());
    origin.assert_no_violation();
}

#[tokio::test]
async fn a_primary_that_is_restored_gets_all_media_and_its_playlists_when_it_takes_over() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(8);
    let pusher = start(&studio, &origin.url(), Duty::Active);
    until(&pusher, "playable", |status| even(status) && status.playable).await;
    pusher.assign(Duty::Restoring);
    until(&pusher, "restoring", |status| status.duty == Duty::Restoring).await;
    origin.script(|_, _, _| Answer::Say(503));
    studio.produce(4);
    until(&pusher, "away", |status| status.state == DestinationState::Interrupted).await;
    origin.script(|_, _, _| Answer::Obey);
    let old = playlist(&origin, "v720").expect("a playlist");
    until(&pusher, "ready", |status| even(status) && status.playable).await;
    studio.produce(4);
    let newest = format!("demo/a/{}.m4s", studio.next - 1);
    eventually("the live edge", || origin.object(&newest).is_some()).await;
    assert_eq!(playlist(&origin, "v720").expect("a playlist"), old, "players are elsewhere");

    pusher.assign(Duty::Active);
    until(&pusher, "told", |status| status.playable && status.duty == Duty::Active).await;
    let list = playlist(&origin, "v720").expect("a playlist");
    assert_eq!(list.media_sequence + list.segments.len() as u64, studio.next);
    assert!(pusher.stop(Duration::from_secs(5)).await.is_nothing());
    for number in studio.first..studio.next {
        let there = origin.object(&format!("demo/v720/{number}.m4s"));
        assert!(there == Some(media(&studio.renditions[0], number)), "{number}");
    }
    origin.assert_no_violation();
}

#[tokio::test]
async fn an_origin_that_hangs_or_crawls_is_bad_for_failover() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(2);
    let pusher = start(&studio, &origin.url(), Duty::Active);
    until(&pusher, "playable", |status| even(status) && status.playable).await;
    // Each segment takes three times as long as it lasts.
    origin.script(|method, path, _| match method == Method::PUT && path.ends_with(".m4s") {
        true => Answer::Dawdle,
        false => Answer::Obey,
    });
    let mut tick = tokio::time::interval(studio.grid.duration());
    for _ in 0..40 {
        tick.tick().await;
        studio.produce(1);
        let status = pusher.status().borrow().clone();
        if status.slow || status.state == DestinationState::Interrupted {
            break;
        }
    }
    let status = pusher.status().borrow().clone();
    assert!(status.slow || status.state == DestinationState::Interrupted, "{status:?}");
    origin.script(|_, _, _| Answer::Hang);
    studio.produce(1);
    until(&pusher, "silent", |status| status.state == DestinationState::Interrupted).await;
    pusher.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_is_slate_is_withheld_and_a_gap() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    let description = studio.description(&origin.url());
    let pauses = description.pauses.clone();
    let pusher = studio.push(description);
    studio.produce(3);
    until(&pusher, "playable", |status| even(status) && status.playable).await;
    let slate = studio.next;
    let middle = |grid: uplink::model::SegmentGrid, number: u64| {
        MediaTime::from_nanos(grid.start_of(number).as_nanos() + 1_000_000)
    };
    // From the middle of one segment to the middle of another: both are delivered.
    pauses.begin(middle(studio.grid, slate));
    studio.produce(4);
    until(&pusher, "even", |status| even(status) && status.position == Some(studio.grid.start_of(slate + 1))).await;
    // The playlist follows its segment, and stands still there.
    let end = || playlist(&origin, "v720").map(|list| list.media_sequence + list.segments.len() as u64);
    eventually("told of the segment that is not all slate", || end() == Some(slate + 1)).await;
    pauses.end(middle(studio.grid, studio.next));
    studio.produce(2);
    until(&pusher, "on", |status| even(status) && status.position == Some(studio.grid.start_of(slate + 6))).await;
    assert!(pusher.stop(Duration::from_secs(5)).await.is_nothing());
    for (number, there) in (slate..slate + 6).zip([true, false, false, false, true, true]) {
        assert_eq!(origin.object(&format!("demo/a/{number}.m4s")).is_some(), there, "{number}");
        assert!(pusher_gap(&origin, number) == Some(!there), "{number}");
    }
    origin.assert_no_violation();
}

/// Whether the playlist says that segment `number` is a gap; none if it does not list it.
fn pusher_gap(origin: &Origin, number: u64) -> Option<bool> {
    let list = playlist(origin, "a")?;
    let place = usize::try_from(number.checked_sub(list.media_sequence)?).ok()?;
    Some(list.segments.get(place)?.unknown_tags.iter().any(|tag| tag.tag == "X-GAP"))
}

#[tokio::test]
async fn a_good_destination_is_not_held_up_by_bad_ones() {
    let (mut studio, good) = (Studio::new(), Origin::start().await);
    let (hanging, faulty) = (Origin::start().await, Origin::start().await);
    hanging.script(|_, _, _| Answer::Hang);
    faulty.script(|_, _, asked| if asked % 2 == 0 { Answer::Cut } else { Answer::Say(500) });
    let dead = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let urls = [good.url(), hanging.url(), faulty.url(), format!("http://{dead}/live/")];
    let name = |place| EndpointName::at(place);
    let push = |(place, url): (usize, &String)| {
        studio.push(uplink::push::PushDescription { endpoint: name(place), ..studio.description(url) })
    };
    let pushers: Vec<Pusher> = urls.iter().enumerate().map(push).collect();
    for _ in 0..10 {
        studio.produce(1);
        // Before the next one is made: whatever the others do, it has this one.
        let end = studio.grid.start_of(studio.next);
        until(&pushers[0], "even", |status| even(status) && status.position == Some(end)).await;
    }
    for bad in &pushers[1..] {
        assert_ne!(bad.status().borrow().state, DestinationState::Streaming);
    }
    good.assert_no_violation();
    let mut pushers = pushers.into_iter();
    let left = pushers.next().expect("the good one").stop(Duration::from_secs(5)).await;
    assert!(left.is_nothing(), "{left}");
    for bad in pushers {
        bad.stop(Duration::ZERO).await;
    }
}
