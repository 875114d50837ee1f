//! A guest's browser publishes to the box: the page, the WHIP endpoint, and what arrives at the origin.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

use crate::browser::node;
use crate::http;
use crate::process;
use crate::rig::{Rig, SOON, free_port, skip};

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

/// Ended with the test.
struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// coturn at `address`, for one user; none where it is not installed.
fn relay(address: &str, port: u16, directory: &std::path::Path) -> Option<Relay> {
    let child = Command::new("turnserver")
        .args([
            "-n",
            "--no-tls",
            "--no-dtls",
            "--no-cli",
            "--lt-cred-mech",
            "--realm",
            "rig",
            "--user",
            "box:s3cret/word",
        ])
        .args(["--listening-ip", address, "--relay-ip", address, "--listening-port", &port.to_string()])
        .args(["--log-file", "stdout", "--simple-log", "--pidfile"])
        .arg(directory.join("turn.pid"))
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.ok().map(Relay)
}

#[test]
fn a_box_that_guests_cannot_reach_is_reached_through_a_relay() {
    // No packet is sent: the system only chooses the address that it would come from.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()).map(|address| address.ip().to_string());
    let Ok(own) = own else { return skip("the relay of a guest: this machine has no network address but loopback") };
    let mut rig = Rig::new(&[("a", r#"sources = ["guest", "test"]"#)]);
    let port = free_port();
    let Some(_relay) = relay(&own, port, &rig.path("")) else {
        return skip("the relay of a guest: coturn is not installed (packaging/install-dependencies test)");
    };
    std::fs::write(rig.path("guest.key"), KEY).unwrap();
    std::fs::write(rig.path("turn.password"), "s3cret/word").unwrap();
    rig.edit(|text| {
        format!(
            "{text}\n[sources.guest]\nkind = \"whip\"\nkey_file = \"guest.key\"\nturn = \"{own}:{port}\"\n\
             turn_user = \"box\"\nturn_password_file = \"turn.password\"\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let fingerprint = ["0F"; 32].join(":");
    let offer = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
         c=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         a=rtpmap:96 VP8/90000\r\n"
    );
    let mut said = String::new();
    process::until("an answer that names the relay", SOON, || {
        let head = format!(
            "POST /whip/a/guest HTTP/1.0\r\nContent-Type: application/sdp\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Length: {}\r\n",
            offer.len()
        );
        let answer = http::ask(rig.api, &head, offer.as_bytes()).unwrap();
        said = answer.text();
        if let Some(session) = answer.header("location").filter(|_| answer.status == 201) {
            let head = format!("DELETE {session} HTTP/1.0\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 0\r\n");
            http::ask(rig.api, &head, b"").unwrap();
        }
        // Until the relay listens, the answer has the box's own addresses alone.
        said.contains("typ relay")
    });
    let candidate = said.lines().find(|line| line.contains("typ relay")).unwrap();
    assert!(candidate.contains(&own), "{candidate}");
    let log = std::fs::read_to_string(rig.path("run/a/worker.log")).unwrap();
    assert!(!log.contains("s3cret"), "the password stands in the worker's log");
}
