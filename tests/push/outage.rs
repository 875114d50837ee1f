//! An origin that goes away and comes back: everything arrives, playlists are right afterwards.

use std::time::{Duration, Instant};

use uplink::model::status::DestinationState;
use uplink::model::{EventCode, Fault, Health};
use uplink::push::Pusher;

use crate::nginx::Nginx;
use crate::studio::{Studio, until};

fn even(status: &uplink::model::EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

#[tokio::test]
async fn everything_arrives_although_the_origin_was_away() {
    let Some(mut nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(1);
    let pusher = studio.push_to(&nginx.url());
    until(&pusher, "connected", even).await;

    nginx.go_away();
    studio.produce(1);
    let status = until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    assert_eq!((status.fault, status.health.health), (Some(Fault::Destination), Health::Unhealthy));
    assert!(status.health.reason.contains("refused"), "{}", status.health.reason);
    studio.produce(60);
    until(&pusher, "queued", |status| status.queue_segments == 61 * 3).await;

    nginx.come_back();
    let back = Instant::now();
    until(&pusher, "streaming", |status| status.state == DestinationState::Streaming).await;
    eprintln!("noticed {} ms after it listened", back.elapsed().as_millis());
    // Life goes on while the backlog is delivered.
    studio.produce(3);
    let status = until(&pusher, "even", even).await;
    eprintln!("even {} ms after it listened", back.elapsed().as_millis());
    assert_eq!((status.reconnects, status.queue_seconds), (1, 0.0));
    assert_eq!(status.position, Some(studio.grid.start_of(studio.next)));
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());

    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
    let told = [EventCode::PushInterrupted, EventCode::PushConnected, EventCode::PushCaughtUp];
    assert_eq!(told.map(|code| studio.count(code)), [1, 2, 1], "{:#?}", studio.events());
}

#[tokio::test]
async fn an_origin_that_lost_its_disk_is_filled_again() {
    let Some(mut nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(20);
    let pusher = studio.push_to(&nginx.url());
    until(&pusher, "connected", even).await;
    nginx.go_away();
    std::fs::remove_dir_all(nginx.root()).expect("the origin's disk is lost");
    studio.produce(2);
    until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    nginx.come_back();
    until(&pusher, "streaming", |status| status.state == DestinationState::Streaming).await;
    studio.produce(1);
    let (spool, root, first, next) = (studio.spool.clone(), nginx.root(), studio.first, studio.next);
    crate::studio::eventually("complete", || {
        spool.renditions().iter().all(|rendition| {
            let file = |n: u64| root.join(format!("demo/{rendition}/{n}.m4s"));
            (first..next).all(|n| file(n).exists())
        })
    })
    .await;
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
}

#[tokio::test]
async fn a_new_worker_delivers_what_the_old_one_owed() {
    let Some(mut nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(10);
    let pusher = studio.push_to(&nginx.url());
    until(&pusher, "connected", even).await;
    assert!(pusher.delivered(&studio.renditions[0], studio.first));
    nginx.go_away();
    studio.produce(10);
    let asked = Instant::now();
    let left = pusher.stop(Duration::from_millis(1500)).await;
    assert!(asked.elapsed() < Duration::from_secs(10));
    assert_eq!((left.segments, left.playlists), (30, true), "{left}");

    // What was acknowledged must not be sent again: files that are taken away here stay away.
    let old = nginx.root().join(format!("demo/v720/{}.m4s", studio.first));
    std::fs::remove_file(&old).expect("it was delivered");
    nginx.come_back();
    let pusher = studio.push_to(&nginx.url());
    assert!(pusher.delivered(&studio.renditions[0], studio.first), "the record is read back");
    assert!(!pusher.delivered(&studio.renditions[0], studio.first + 10));
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    assert!(!old.exists());
    studio.assert_delivered(&nginx.root(), studio.first + 1..studio.next);
    studio.assert_playlists(&nginx.root());
}

#[tokio::test]
async fn what_is_left_is_delivered_by_a_pusher_that_gets_nothing_new() {
    let Some(mut nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(5);
    let pusher = studio.push_to(&nginx.url());
    until(&pusher, "connected", even).await;
    assert!(!pusher.is_done(), "more may come");
    nginx.go_away();
    studio.produce(20);
    assert!(!pusher.stop(Duration::from_millis(200)).await.is_nothing());

    let pusher = Pusher::deliver_rest(studio.description(&nginx.url()), studio.spool.clone(), |_| {});
    until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    assert!(!pusher.is_done());
    nginx.come_back();
    crate::studio::eventually("done", || pusher.is_done()).await;
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
    assert!(pusher.stop(Duration::ZERO).await.is_nothing());

    // One that has nothing to deliver tells the playlists once more, and is done.
    let pusher = Pusher::deliver_rest(studio.description(&nginx.url()), studio.spool.clone(), |_| {});
    crate::studio::eventually("done", || pusher.is_done()).await;
    // An address that nothing can be pushed to is no reason to wait.
    let pusher = Pusher::deliver_rest(studio.description("ftp://127.0.0.1/live"), studio.spool.clone(), |_| {});
    crate::studio::eventually("done", || pusher.is_done()).await;
}

#[tokio::test]
#[ignore = "takes 75 s of wall clock: the figure `origin stopped for 60 s` of the benchmarks"]
async fn a_minute_without_origin() {
    let Some(mut nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    let pusher = studio.push_to(&nginx.url());
    let mut tick = tokio::time::interval(studio.grid.duration());
    for second in 0..150 {
        match second {
            10 => nginx.go_away(),
            130 => nginx.come_back(),
            _ => {}
        }
        tick.tick().await;
        studio.produce(1);
        if second == 130 {
            let back = Instant::now();
            until(&pusher, "streaming", |status| status.state == DestinationState::Streaming).await;
            eprintln!("noticed {} ms after it listened", back.elapsed().as_millis());
            until(&pusher, "even", even).await;
            eprintln!("even {} ms after it listened", back.elapsed().as_millis());
        }
    }
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
}
