//! An endpoint with a backup that hangs, or goes, while nothing is sent to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Method;
use uplink::model::status::DestinationState;
use uplink::model::{EndpointStatus, EventCode};
use uplink::push::{Limits, PushDescription, Pusher};

use crate::origin::{Answer, Origin};
use crate::studio::{Studio, eventually, until};

/// With a backup to turn to.
fn watched(studio: &Studio, origin: &Origin) -> Pusher {
    let limits = Some(Limits { silence: Duration::from_millis(800), slow_segments: 0 });
    studio.push(PushDescription { limits, ..studio.description(&origin.url()) })
}

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0 && status.playable
}

#[tokio::test]
async fn one_that_hangs_between_two_segments_is_found_out_before_the_next() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(6);
    let pusher = watched(&studio, &origin);
    let before = until(&pusher, "even", even).await;
    origin.script(|_, _, _| Answer::Hang);
    // Nothing is produced meanwhile.
    let status = until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    assert!(status.health.reason.contains("nothing acknowledged"), "{}", status.health.reason);
    assert_eq!(status.bytes_acknowledged, before.bytes_acknowledged, "a look is no media");

    origin.script(|_, _, _| Answer::Obey);
    studio.produce(2);
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    assert_eq!(studio.count(EventCode::PushInterrupted), 1);
    origin.assert_no_violation();
}

#[tokio::test]
async fn one_that_refuses_to_be_looked_at_is_alive() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    origin.script(move |method, _, _| {
        if *method != Method::HEAD {
            return Answer::Obey;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        Answer::Say(401)
    });
    studio.produce(6);
    let pusher = watched(&studio, &origin);
    until(&pusher, "even", even).await;
    // It is asked when everything else has been said.
    eventually("looked at", || looks.load(Ordering::Relaxed) >= 1).await;
    let before = pusher.status().borrow().clone();
    eventually("looked at three times", || looks.load(Ordering::Relaxed) >= 3).await;
    let status = pusher.status().borrow().clone();
    assert_eq!((status.state, status.bytes_sent), (DestinationState::Streaming, before.bytes_sent));
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    assert_eq!(studio.count(EventCode::PushInterrupted), 0, "{:?}", studio.events());
}
