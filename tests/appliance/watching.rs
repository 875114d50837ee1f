//! Somebody watches a channel live (WHEP): the panel in a browser on a box that wants a login, and what is refused.

use std::net::UdpSocket;

use serde_json::json;

use crate::browser::node;
use crate::http::{self, Answer};
use crate::rig::{PLAIN, Rig, skip};

/// Of nobody: it can be answered, and nobody comes.
fn offer() -> String {
    let fingerprint = ["0F"; 32].join(":");
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
         c=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"
    )
}

#[test]
fn the_panel_shows_a_channel_live() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    rig.edit(|text| text.replace("access = \"open\"\n", ""));
    rig.start_origin();
    rig.start_daemon();
    let settings = [
        ("UPLINK_API", format!("http://{}", rig.api)),
        ("UPLINK_CODE", rig.path("state/first-run-code").display().to_string()),
        ("UPLINK_CHANNEL", "a".to_owned()),
    ];
    node("tests/watching.mjs", &settings);
}

fn ask(rig: &Rig, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n");
    http::ask(rig.api, &head, body.as_bytes()).unwrap()
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let (sdp, whep, offer) = ("application/sdp", "/api/v1/channels/a/whep", offer());
    let session = format!("{whep}/0123");
    let more = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\n".repeat(40);
    for (method, path, kind, body, status, code) in [
        ("POST", whep, "application/json", "{}", 415, "not_sdp"),
        ("POST", whep, sdp, "hello", 422, "bad_offer"),
        ("POST", whep, sdp, &offer.replace("H264", "VP8"), 422, "bad_offer"),
        ("POST", whep, sdp, &offer.replace("recvonly", "sendonly"), 422, "bad_offer"),
        ("POST", whep, sdp, &offer.replace("a=fingerprint", "a=nothing"), 422, "bad_offer"),
        ("POST", whep, sdp, &format!("{offer}{more}"), 422, "bad_offer"),
        ("POST", whep, sdp, &offer.repeat(400), 413, "too_large"),
        ("POST", "/api/v1/channels/b/whep", sdp, &offer, 404, "unknown_channel"),
        ("DELETE", &session, sdp, "", 404, "unknown_session"),
        ("PATCH", &session, "application/trickle-ice-sdpfrag", "", 405, "method_not_allowed"),
        ("GET", whep, sdp, "", 405, "method_not_allowed"),
    ] {
        let answer = ask(&rig, method, path, kind, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(answer.text().contains(&format!("\"{code}\"")), "{method} {path}: {}", answer.text());
    }
    assert_eq!(rig.channel("a").report.unwrap().program.missed, 0, "the program goes on");
    assert!(rig.events().iter().all(|event| event["code"] != "worker_died"), "an offer has ended the worker");
    let stopped = rig.post("/api/v1/channels/a/stop", &json!({}));
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    let off = ask(&rig, "POST", whep, sdp, &offer);
    assert!(off.status == 409 && off.text().contains("\"off_air\""), "{}", off.text());
}

#[test]
fn those_who_never_come_hold_no_place_for_long() {
    // No packet is sent: the system only chooses the address that it would come from.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("192.0.2.1:9").is_err() {
        return skip("places of who watches: this machine has no network address but loopback");
    }
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let (sdp, whep, offer) = ("application/sdp", "/api/v1/channels/a/whep", offer());
    let post = || ask(&rig, "POST", whep, sdp, &offer);
    let mut admitted = 0;
    let refused = loop {
        let answer = post();
        if answer.status != 201 {
            break answer;
        }
        admitted += 1;
        assert!(answer.text().contains("a=sendonly") && !answer.text().contains(" TCP "), "{}", answer.text());
        let session = answer.header("location").unwrap().to_owned();
        assert_eq!(session.rsplit_once('/').unwrap().0, whep);
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", session.rsplit_once('/').unwrap().1).as_str()));
        if admitted == 1 {
            assert_eq!(ask(&rig, "DELETE", &session, sdp, "").status, 200);
            assert_eq!(ask(&rig, "DELETE", &session, sdp, "").status, 404, "it was ended");
        }
        assert!(admitted < 100, "everybody is let in");
    };
    assert!(refused.status == 503 && refused.text().contains("\"too_many_watchers\""), "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    rig.until("a place is free again", || post().status == 201);
    assert_eq!(rig.channel("a").report.unwrap().program.missed, 0, "the program goes on");
}
