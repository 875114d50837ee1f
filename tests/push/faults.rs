//! What the pusher decides when an origin answers oddly, slowly or not at all.

use std::time::{Duration, Instant};

use axum::http::Method;
use uplink::model::EndpointStatus;
use uplink::model::status::DestinationState;
use uplink::model::{EventCode, Fault, Health};
use uplink::push::Pusher;

use crate::origin::{Answer, Origin};
use crate::studio::{Studio, TOKEN, media, until};

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

/// Stops the pusher and asserts that all but `missing` is there, and that no playlist ever ran ahead.
async fn assert_complete(studio: &Studio, pusher: Pusher, origin: &Origin, missing: &[&str]) {
    let left = pusher.stop(Duration::from_secs(20)).await;
    assert!(left.is_nothing(), "{left}");
    for rendition in &studio.renditions {
        for number in studio.first..studio.next {
            let path = format!("demo/{rendition}/{number}.m4s");
            let expected = (!missing.contains(&path.as_str())).then(|| media(rendition, number));
            assert!(origin.object(&path) == expected, "{path}");
        }
        assert!(origin.object(&format!("demo/{rendition}/media.m3u8")).is_some());
    }
    assert!(origin.object("demo/multivariant.m3u8").is_some());
    origin.assert_no_violation();
}

fn is_segment(path: &str) -> bool {
    path.ends_with(".m4s")
}

#[tokio::test]
async fn requests_carry_token_type_and_length() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(2);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "even", even).await;
    let (number, description) = (studio.first, studio.description(&origin.url()));
    assert_complete(&studio, pusher, &origin, &[]).await;
    let types = [
        (format!("demo/v720/{number}.m4s"), "video/mp4"),
        (format!("demo/a/{number}.m4s"), "audio/mp4"),
        ("demo/a/media.m3u8".to_owned(), "application/vnd.apple.mpegurl"),
        ("demo/multivariant.m3u8".to_owned(), "application/vnd.apple.mpegurl"),
    ];
    for (path, content_type) in types {
        let headers = origin.headers(&path);
        assert_eq!(headers["content-type"], content_type, "{path}");
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"), "{path}");
        assert!(!headers.contains_key("transfer-encoding"), "{path}");
    }
    assert!(!format!("{description:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_refused_token_loses_nothing() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    origin.script(|_, _, _| Answer::Say(401));
    studio.produce(3);
    let pusher = studio.push_to(&origin.url());
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert_eq!((status.fault, status.health.health), (Some(Fault::Destination), Health::Unhealthy));
    assert!(status.health.reason.contains("token"), "{}", status.health.reason);
    assert!(!format!("{status:?}").contains(TOKEN));
    studio.produce(3);
    origin.script(|_, _, _| Answer::Obey);
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[]).await;
    assert_eq!(studio.count(EventCode::PushRefused), 1, "{:?}", studio.events());
}

#[tokio::test]
async fn a_forbidden_segment_is_skipped_told_and_a_gap() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(2);
    let bad = format!("demo/v360/{}.m4s", studio.next);
    let forbidden = format!("/live/{bad}");
    origin.script(move |_, path, _| if path == forbidden { Answer::Say(403) } else { Answer::Obey });
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "connected", even).await;
    studio.produce(1);
    until(&pusher, "skipped", |status| status.last_error.is_some() && even(status)).await;
    studio.produce(2);
    let status = until(&pusher, "even", even).await;
    assert!(status.health.reason.contains("1 segment refused"), "{}", status.health.reason);
    assert!(pusher.delivered(&studio.renditions[1], studio.first + 2), "nothing is owed for it");
    assert_complete(&studio, pusher, &origin, &[&bad]).await;
    assert_eq!(origin.puts(&bad), 1, "it is not tried again");
    assert_eq!(studio.count(EventCode::PushRefused), 1);
    let playlist = origin.object("demo/v360/media.m3u8").expect("a playlist");
    assert!(String::from_utf8_lossy(&playlist).contains("#EXT-X-GAP"));
}

#[tokio::test]
async fn an_origin_that_forbids_everything_costs_few_segments() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(1);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "connected", even).await;
    origin.script(|_, _, _| Answer::Say(403));
    origin.forget_puts();
    studio.produce(100);
    until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    // Three at the live edge and three to make sure; all others wait until somebody has mended it.
    let status = until(&pusher, "settled", |status| status.queue_segments < 300).await;
    assert!(origin.segment_puts() < 20, "{} attempts", origin.segment_puts());
    assert!(status.queue_segments > 280, "{} left", status.queue_segments);
    origin.script(|_, _, _| Answer::Obey);
    until(&pusher, "even", even).await;
    origin.assert_no_violation();
}

#[tokio::test]
async fn failures_that_heal_are_retried() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    // Every object fails once, each in another way.
    let mut ways =
        [Answer::Say(503), Answer::Cut, Answer::StoreAndCut, Answer::Say(500), Answer::Say(429)].into_iter().cycle();
    origin.script(move |method, _, before| {
        let first = *method == Method::PUT && before == 0;
        if first { ways.next().unwrap_or(Answer::Obey) } else { Answer::Obey }
    });
    studio.produce(6);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "even", even).await;
    studio.produce(2);
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[]).await;
    assert_eq!(studio.count(EventCode::PushRefused), 0);
}

#[tokio::test]
async fn one_segment_that_the_origin_chokes_on_holds_up_nothing() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(1);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "connected", even).await;
    let bad = format!("/live/demo/v720/{}.m4s", studio.next);
    origin.script(move |_, path, _| if path == bad { Answer::Say(500) } else { Answer::Obey });
    studio.produce(12);
    until(&pusher, "all but one", |status| status.queue_segments == 1).await;
    studio.produce(5);
    let status = until(&pusher, "all but one", |status| status.queue_segments == 1).await;
    assert_eq!(status.state, DestinationState::Streaming);
    origin.script(|_, _, _| Answer::Obey);
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[]).await;
    assert_eq!(studio.count(EventCode::PushInterrupted), 0, "{:?}", studio.events());
}

#[tokio::test]
async fn an_origin_that_hangs_is_an_outage() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(1);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "connected", even).await;
    origin.script(|_, _, _| Answer::Hang);
    studio.produce(4);
    let status = until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    assert!(status.health.reason.contains("nothing acknowledged"), "{}", status.health.reason);
    origin.script(|_, _, _| Answer::Obey);
    studio.produce(4);
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[]).await;
    assert_eq!(studio.count(EventCode::PushInterrupted), 1);
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_waits_and_one_that_is_gone_is_skipped() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(3);
    let file = |number: u64| studio.spool.segment_path(&studio.renditions[0], number);
    let (gone, unreadable) = (studio.first, studio.first + 1);
    std::fs::remove_file(file(gone)).expect("it was there");
    let aside = file(unreadable).with_extension("aside");
    std::fs::rename(file(unreadable), &aside).expect("it was there");
    // Reading a directory fails for root as well.
    std::fs::create_dir(file(unreadable)).expect("there is room");
    let pusher = studio.push_to(&origin.url());
    let status = until(&pusher, "all but one", |status| status.queue_segments == 1).await;
    assert_eq!(status.state, DestinationState::Streaming, "the destination is not to blame");
    assert_eq!(studio.count(EventCode::SpoolFailed), 1);
    std::fs::remove_dir(file(unreadable)).expect("it is a directory");
    std::fs::rename(&aside, file(unreadable)).expect("it was put aside");
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[&format!("demo/v720/{gone}.m4s")]).await;
}

#[tokio::test]
async fn a_slow_origin_is_not_an_outage() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    origin.script(|_, path, _| if is_segment(path) { Answer::Dawdle } else { Answer::Obey });
    studio.produce(2);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "even", even).await;
    assert_complete(&studio, pusher, &origin, &[]).await;
    assert_eq!(studio.count(EventCode::PushInterrupted), 0);
    assert_eq!(origin.segment_puts(), 6, "each once");
}

#[tokio::test]
async fn an_object_that_is_too_large_is_not_sent_again_and_again() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    origin.script(|_, path, _| {
        let large = path.contains("/v720/") && is_segment(path);
        if large { Answer::Say(413) } else { Answer::Obey }
    });
    studio.produce(1);
    let pusher = studio.push_to(&origin.url());
    until(&pusher, "told", |status| status.last_error.as_deref().is_some_and(|text| text.contains("413"))).await;
    until(&pusher, "even", |status| status.queue_segments == 0).await;
    assert_eq!(origin.puts(&format!("demo/v720/{}.m4s", studio.first)), 1);
    // Players get the renditions that can be had.
    crate::studio::eventually("playable", || origin.object("demo/multivariant.m3u8").is_some()).await;
    let text = origin.object("demo/multivariant.m3u8").expect("it is there");
    assert!(!String::from_utf8_lossy(&text).contains("v720"));
}

#[tokio::test]
async fn a_stop_ends_by_its_deadline_although_the_origin_hangs() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    origin.script(|_, _, _| Answer::Hang);
    studio.produce(2);
    let pusher = studio.push_to(&origin.url());
    let asked = Instant::now();
    let left = pusher.stop(Duration::from_millis(300)).await;
    assert_eq!((left.segments, left.playlists), (6, true));
    assert!(asked.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_stop_delivers_what_came_just_before() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    let pusher = studio.push_to(&origin.url());
    studio.produce(5);
    assert_complete(&studio, pusher, &origin, &[]).await;
}

#[tokio::test]
async fn tls_against_plain_http_says_tls() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(1);
    let pusher = studio.push_to(&format!("https://127.0.0.1:{}/live", origin.port()));
    let status = until(&pusher, "failed", |status| status.last_error.is_some()).await;
    let error = status.last_error.expect("it was waited for");
    assert!(error.contains("TLS with the origin failed"), "{error}");
}

#[tokio::test]
async fn a_host_that_nobody_knows_says_so() {
    let mut studio = Studio::new();
    studio.produce(1);
    let pusher = studio.push_to("http://origin.invalid/live");
    let status = until(&pusher, "failed", |status| status.last_error.is_some()).await;
    let error = status.last_error.expect("it was waited for");
    // Where no name server answers, the bound of the connection is reached first.
    assert!(error.contains("does not resolve") || error.contains("no answer in time"), "{error}");
    eprintln!("{error}");
}

#[tokio::test]
async fn a_url_that_cannot_be_pushed_to_is_told() {
    let mut studio = Studio::new();
    studio.produce(1);
    let pusher = studio.push_to("ftp://user:secret@127.0.0.1/live");
    let status = until(&pusher, "failed", |status| status.state == DestinationState::Failed).await;
    assert_eq!(status.fault, Some(Fault::Configuration));
    assert!(!format!("{status:?}").contains("secret"));
    let left = pusher.stop(Duration::from_secs(5)).await;
    assert_eq!(left.segments, 3);
}
