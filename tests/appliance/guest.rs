//! A guest's browser publishes to the box: the page, the WHIP endpoint, and what arrives at the origin.

use std::process::Command;

use crate::browser::node;
use crate::http;
use crate::rig::Rig;

const KEY: &str = "a-guest-s-key-0123456789";

/// A channel whose first source is a guest.
fn rig() -> Rig {
    let mut rig = Rig::new(&[("a", r#"sources = ["guest", "test"]"#)]);
    std::fs::write(rig.path("guest.key"), KEY).unwrap();
    rig.edit(|text| format!("{text}\n[sources.guest]\nkind = \"whip\"\nkey_file = \"guest.key\"\n"));
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig
}

#[test]
fn a_browser_with_a_camera_is_a_source() {
    let rig = rig();
    let link = Command::new(env!("CARGO_BIN_EXE_uplinkctl"))
        .args(["--api", &format!("http://{}", rig.api), "guest-link", "a", "guest", "--config"])
        .arg(rig.config())
        .output()
        .unwrap();
    assert!(link.status.success(), "{}", String::from_utf8_lossy(&link.stderr));
    let link = String::from_utf8(link.stdout).unwrap().trim().to_owned();
    assert_eq!(link, format!("http://{}/guest/a/guest#key={KEY}", rig.api));
    let settings = [
        ("UPLINK_API", format!("http://{}", rig.api)),
        ("UPLINK_LINK", link),
        ("UPLINK_PLAYLIST", format!("http://{}/live/a/multivariant.m3u8", rig.origin)),
        ("UPLINK_CHANNEL", "a".to_owned()),
        ("UPLINK_SOURCE", "guest".to_owned()),
    ];
    if !node("tests/guest.mjs", &settings) {
        return;
    }
    for log in ["daemon.log", "run/a/worker.log"] {
        let text = std::fs::read_to_string(rig.path(log)).unwrap();
        assert!(!text.contains(KEY), "the key stands in {log}");
    }
}

#[test]
fn what_is_no_guest_is_refused() {
    let rig = rig();
    let key = format!("Bearer {KEY}");
    let offer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
                 c=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n";
    let sdp = "application/sdp";
    for (method, path, key, kind, body, status, code) in [
        ("POST", "/whip/a/guest", "", sdp, offer, 401, "no_key"),
        ("POST", "/whip/a/guest", "Bearer no", sdp, offer, 401, "wrong_key"),
        ("POST", "/whip/a/guest", &key, "text/plain", offer, 415, "not_sdp"),
        ("POST", "/whip/a/guest", &key, sdp, "hello", 422, "bad_offer"),
        ("POST", "/whip/a/guest", &key, sdp, &offer.replace("VP8", "VP7"), 422, "bad_offer"),
        ("POST", "/whip/a/test", &key, sdp, offer, 404, "unknown_source"),
        ("POST", "/whip/a/nobody", &key, sdp, offer, 404, "unknown_source"),
        ("POST", "/whip/b/guest", &key, sdp, offer, 404, "unknown_channel"),
        ("DELETE", "/whip/a/guest/0123", &key, sdp, "", 404, "unknown_session"),
        ("DELETE", "/whip/a/guest/0123", "Bearer no", sdp, "", 401, "wrong_key"),
        ("PATCH", "/whip/a/guest/0123", &key, sdp, "", 405, "method_not_allowed"),
        ("GET", "/whip/a/guest", &key, sdp, "", 405, "method_not_allowed"),
    ] {
        let answer = http::ask(
            rig.api,
            &format!(
                "{method} {path} HTTP/1.0\r\nContent-Type: {kind}\r\nAuthorization: {key}\r\nContent-Length: {}\r\n",
                body.len()
            ),
            body.as_bytes(),
        )
        .unwrap();
        assert_eq!(answer.status, status, "{method} {path} {key}: {}", answer.text());
        assert!(answer.text().contains(&format!("\"{code}\"")), "{method} {path}: {}", answer.text());
    }
    let channel = rig.channel("a");
    assert_eq!(channel.report.unwrap().program.missed, 0, "the program goes on");
}
