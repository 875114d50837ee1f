//! Low latency at the origin: who asks for what comes next waits for it, and no longer than he may.

use std::fmt::Write;
use std::sync::mpsc;
use std::time::Duration;

use crate::http::{Answer, ask, connect};
use crate::running::{Place, Running, until};

/// Eight segments of 1 s up to `last`, and `parts` parts of the next one.
fn playlist(last: u64, parts: u32) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.6\n\
         #EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        last - 7
    );
    for number in last - 7..=last {
        let _ = writeln!(text, "#EXTINF:1.0,\n{number}.m4s");
    }
    for part in 0..parts {
        let _ = writeln!(text, "#EXT-X-PART:DURATION=0.2,URI=\"{}.{part}.m4s\"", last + 1);
    }
    text
}

fn origin() -> Running {
    let origin = Place::new("").start();
    origin.store("demo/v/media.m3u8", playlist(10, 2));
    origin
}

/// Asks in the background.
fn asked(origin: &Running, path: &str) -> mpsc::Receiver<Answer> {
    let (address, head) = (origin.address, format!("GET {path} HTTP/1.1\r\nConnection: close"));
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = answer.send(ask(address, &head, b""));
    });
    answered
}

fn answer(answered: &mpsc::Receiver<Answer>) -> Answer {
    answered.recv_timeout(Duration::from_secs(20)).expect("an answer")
}

#[test]
fn what_is_there_is_answered_at_once_with_what_the_origin_can_do() {
    let origin = origin();
    let plain = origin.get("/live/demo/v/media.m3u8");
    assert_eq!((plain.status, plain.header("cache-control")), (200, Some("no-cache")));
    let text = plain.text();
    assert!(text.contains("CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6,PART-HOLD-BACK=0.6\n"), "{text}");
    assert!(text.ends_with("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"11.2.m4s\"\n"), "{text}");
    let there = origin.get("/live/demo/v/media.m3u8?_HLS_msn=11&_HLS_part=1");
    assert_eq!((there.text(), there.header("cache-control")), (text.clone(), Some("public, max-age=6")));
    let tag = there.header("etag").unwrap();
    assert_eq!(origin.get_with("/live/demo/v/media.m3u8", &format!("If-None-Match: {tag}\r\n")).status, 304);
    let delta = origin.get("/live/demo/v/media.m3u8?_HLS_msn=10&_HLS_skip=YES").text();
    assert!(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF:1.0,\n5.m4s\n"), "{delta}");
    // What is stored is what was pushed.
    let stored = std::fs::read_to_string(origin.place.state().join("live/demo/v/media.m3u8")).unwrap();
    assert_eq!(stored, playlist(10, 2));
}

#[test]
fn whoever_asks_for_the_next_part_waits_until_it_is_told() {
    let origin = origin();
    // On connections of their own, as many players do.
    let waiting: Vec<_> = (0..100).map(|_| asked(&origin, "/live/demo/v/media.m3u8?_HLS_msn=11&_HLS_part=2")).collect();
    let later = asked(&origin, "/live/demo/v/media.m3u8?_HLS_msn=11");
    let metrics = || origin.get("/metrics").text();
    until("all of them are connected", || metrics().contains("uplink_origin_connections 102"));
    assert!(waiting.iter().all(|waiting| waiting.try_recv().is_err()));
    origin.store("demo/v/media.m3u8", playlist(10, 3));
    for waiting in &waiting {
        assert!(answer(waiting).text().contains("11.2.m4s\"\n"));
    }
    assert!(later.try_recv().is_err());
    // The end of a segment satisfies who waits for it, and who asked for a part that it never had.
    let beyond = asked(&origin, "/live/demo/v/media.m3u8?_HLS_msn=11&_HLS_part=9");
    origin.store("demo/v/media.m3u8", playlist(11, 0));
    assert_eq!((answer(&later).status, answer(&beyond).status), (200, 200));
}

#[test]
fn requests_that_make_no_sense_are_refused_at_once() {
    let origin = origin();
    for query in ["_HLS_msn=13", "_HLS_msn=11&_HLS_part=17", "_HLS_part=1", "_HLS_msn=x", "_HLS_msn=99999999"] {
        let answer = origin.get(&format!("/live/demo/v/media.m3u8?{query}"));
        assert_eq!((answer.status, answer.reason()), (400, "directive".to_owned()), "{query}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(origin.get("/live/demo/other/media.m3u8?_HLS_msn=1").status, 404);
    // A playlist without parts offers nothing of this, and its query is none of the origin's business.
    origin.store("demo/w/media.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n1.m4s\n");
    let plain = origin.get("/live/demo/w/media.m3u8?_HLS_msn=9");
    assert_eq!((plain.status, plain.text().contains("SERVER-CONTROL")), (200, false));
}

#[test]
fn a_channel_that_stands_still_is_told_after_three_target_durations() {
    let origin = origin();
    let answer = origin.get("/live/demo/v/media.m3u8?_HLS_msn=11&_HLS_part=2");
    assert_eq!((answer.status, answer.reason()), (503, "not-in-time".to_owned()));
}

#[test]
fn a_hinted_part_is_waited_for_and_no_other() {
    let origin = origin();
    let hinted = asked(&origin, "/live/demo/v/11.2.m4s");
    let first_of_next = asked(&origin, "/live/demo/v/12.0.m4s");
    for other in ["11.3.m4s", "11.0.m4s", "13.0.m4s"] {
        assert_eq!(origin.get(&format!("/live/demo/v/{other}")).status, 404, "{other}");
    }
    assert!(hinted.try_recv().is_err());
    origin.store("demo/v/11.2.m4s", "the part");
    let part = answer(&hinted);
    assert_eq!((part.status, part.text()), (200, "the part".to_owned()));
    assert_eq!(part.header("content-type"), Some("video/iso.segment"));
    // Its segment ends without it.
    origin.store("demo/v/media.m3u8", playlist(12, 0));
    assert_eq!(answer(&first_of_next).status, 404);
}

#[test]
fn other_renditions_are_reported_and_a_restart_forgets_nothing() {
    let origin = origin();
    origin.store("demo/sound/media.m3u8", playlist(10, 1));
    origin.store("demo/text/media.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n1.vtt\n");
    let report = "#EXT-X-RENDITION-REPORT:URI=\"../sound/media.m3u8\",LAST-MSN=11,LAST-PART=0\n";
    assert!(origin.get("/live/demo/v/media.m3u8").text().ends_with(report));
    origin.signal(nix::sys::signal::Signal::SIGTERM);
    let (_, place) = origin.ended();
    let origin = place.start();
    assert_eq!(origin.get("/live/demo/sound/media.m3u8").status, 200);
    let waiting = asked(&origin, "/live/demo/v/media.m3u8?_HLS_msn=11&_HLS_part=2");
    until("it waits", || origin.get("/metrics").text().contains("uplink_origin_connections 2"));
    origin.store("demo/v/media.m3u8", playlist(10, 3));
    assert!(answer(&waiting).text().ends_with(report));
}

#[test]
fn a_player_that_goes_away_leaves_nothing_behind() {
    let origin = origin();
    let mut players: Vec<_> = (0..20).map(|_| connect(origin.address)).collect();
    for player in &mut players {
        let head = "GET /live/demo/v/media.m3u8?_HLS_msn=11 HTTP/1.1\r\nHost: origin\r\n\r\n";
        std::io::Write::write_all(player, head.as_bytes()).unwrap();
    }
    until("they wait", || origin.get("/metrics").text().contains("uplink_origin_connections 21"));
    drop(players);
    until("they are gone", || origin.get("/metrics").text().contains("uplink_origin_connections 1\n"));
}
