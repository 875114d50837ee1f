//! A destination is tried without going live: against the real origin, a wrong token, a closed port, a certificate of a
//! stranger, an SRT listener, an RTMP server; and beside a channel on air, which does not notice.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::Value;

use crate::delivered::{assert_whole, measure};
use crate::http;
use crate::nginx::Nginx;
use crate::peers::Peer;
use crate::process;
use crate::rig::{PLAIN, Rig, SOON, TOKEN, free_port};

const OFF_AIR: &str = "sources = [\"test\"]\norder = \"off-air\"";

/// Adds a destination to the only channel.
fn add(rig: &Rig, id: &str, lines: &str) {
    rig.edit(|text| {
        let text = text.replacen("destinations = [\"origin\"", &format!("destinations = [\"origin\", \"{id}\""), 1);
        format!("{text}\n[destinations.{id}]\nenabled = false\n{lines}\n")
    });
}

fn probe(rig: &Rig, id: &str) -> Value {
    let answer =
        http::ask(rig.api, &format!("POST /api/v1/channels/a/destinations/{id}/probe HTTP/1.0\r\n"), b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.text().contains(TOKEN), "the token is shown: {}", answer.text());
    answer.json()
}

/// What was found of the primary, as `check state`.
fn found(probe: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = probe["endpoints"][0]["findings"].as_array().unwrap().iter();
    findings.map(|finding| format!("{} {}", word(&finding["check"]), word(&finding["state"]))).collect()
}

fn has(probe: &Value, wanted: &[&str]) {
    let found = found(probe);
    assert!(wanted.iter().all(|one| found.iter().any(|had| had == one)), "{wanted:?} in {probe:#}");
}

/// The one thing that is broken.
fn broken(probe: &Value) -> Value {
    assert_eq!(probe["state"], "fault", "{probe:#}");
    let findings = probe["endpoints"][0]["findings"].as_array().unwrap();
    let last = findings.last().unwrap().clone();
    assert_eq!(findings.iter().filter(|finding| finding["state"] == "fault").count(), 1, "{probe:#}");
    assert_eq!(last["state"], "fault", "something was tried behind what is broken: {probe:#}");
    assert!(last["do"].as_str().is_some_and(|todo| !todo.is_empty()), "{probe:#}");
    last
}

/// Objects that a probe has put there and not taken away.
fn left_behind(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_file()).count()
}

#[test]
fn the_real_origin_takes_it_and_nothing_stays() {
    let mut rig = Rig::new(&[("a", OFF_AIR)]);
    rig.start_origin();
    rig.start_daemon();
    let good = probe(&rig, "origin");
    assert_eq!((&good["destination"], &good["endpoints"][0]["endpoint"]), (&"origin".into(), &"primary".into()));
    has(&good, &["dns ok", "first_byte ok", "auth ok", "rate ok"]);
    assert_eq!(left_behind(&rig.path("origin/live/a/uplink-probe")), 0);
    assert!(http::get(rig.origin, "/live/a/multivariant.m3u8").unwrap().status == 404, "nothing went live");
    assert!(rig.status().channels[0].report.is_none(), "no worker was started");
    let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    command.args(["--api", &format!("http://{}", rig.api), "probe", "a", "origin"]);
    let (code, said) = rig.run(command);
    assert!(said.contains("origin (primary)") && said.contains("ok    auth"), "{said}");
    assert!(matches!(code, Some(0 | 1)), "{code:?}: {said}");
    let list = rig.get("/api/v1/destinations").json();
    assert_eq!(list, serde_json::json!([{"channel": "a", "destination": "origin", "endpoints": ["primary"]}]));
    for path in ["b/destinations/origin", "a/destinations/nowhere"] {
        let answer = http::ask(rig.api, &format!("POST /api/v1/channels/{path}/probe HTTP/1.0\r\n"), b"").unwrap();
        assert!(matches!(answer.status, 404 | 422), "{path}: {}", answer.text());
    }
}

#[test]
fn a_wrong_token_a_closed_port_and_a_stranger_are_told_apart() {
    let mut rig = Rig::new(&[("a", OFF_AIR)]);
    std::fs::write(rig.path("wrong.token"), "another-token-than-that-of-the-origin").unwrap();
    let closed = free_port();
    let (secured, own, other) = (stranger(&rig.path("own.pem")), rig.path("own.pem"), rig.path("other.pem"));
    stranger(&other);
    // By another name: no two destinations push to one place.
    let origin = rig.origin.port();
    let push =
        |url: &str, more: &str| format!("kind = \"hls-push\"\nurl = \"{url}\"\ntoken_file = \"wrong.token\"\n{more}");
    add(&rig, "wrong", &push(&format!("http://localhost:{origin}/live/"), ""));
    add(&rig, "closed", &push(&format!("http://127.0.0.1:{closed}/live/"), ""));
    let ca = |file: &Path| format!("ca_file = \"{}\"", file.display());
    add(&rig, "strange", &push(&format!("https://localhost:{secured}/live/"), &ca(&other)));
    add(&rig, "known", &push(&format!("https://localhost:{secured}/known/"), &ca(&own)));
    rig.start_origin();
    rig.start_daemon();

    let wrong = broken(&probe(&rig, "wrong"));
    assert_eq!((wrong["check"].as_str(), wrong["fault"].as_str()), (Some("auth"), Some("destination")), "{wrong}");
    assert!(wrong["seen"].as_str().unwrap().contains("refuses the token (HTTP 401)"), "{wrong}");
    assert_eq!(left_behind(&rig.path("origin/live/a/uplink-probe")), 0);

    let nobody = broken(&probe(&rig, "closed"));
    assert_eq!((nobody["check"].as_str(), nobody["fault"].as_str()), (Some("first_byte"), Some("destination")));
    assert!(nobody["seen"].as_str().unwrap().contains(&format!("no connection to port {closed}")), "{nobody}");

    let strange = broken(&probe(&rig, "strange"));
    assert_eq!((strange["check"].as_str(), strange["fault"].as_str()), (Some("tls"), Some("destination")));
    assert!(strange["do"].as_str().unwrap().contains("ca_file"), "{strange}");
    // With its own authority the certificate is good; behind it nobody speaks HTTP.
    let known = probe(&rig, "known");
    has(&known, &["tls ok"]);
    assert_eq!(broken(&known)["check"], "first_byte");
    // What was named has gone from the disk meanwhile: nobody is asked anything.
    std::fs::remove_file(&own).unwrap();
    let gone = broken(&probe(&rig, "known"));
    assert_eq!((gone["check"].as_str(), gone["fault"].as_str()), (Some("tls"), Some("configuration")), "{gone}");
}

/// A server on loopback whose certificate nobody else has signed, written to `file`; its port.
fn stranger(file: &Path) -> u16 {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(file, certificate.pem()).unwrap();
    let settings = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let settings = settings.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let settings = Arc::new(settings.with_single_cert(vec![certificate.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&settings)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    port
}

#[test]
fn listeners_of_srt_and_rtmp_are_known_by_their_handshake() {
    let mut rig = Rig::new(&[("a", OFF_AIR)]);
    let srt = free_udp_port();
    let Some(nginx) = Nginx::start() else { return };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = tcp.local_addr().unwrap().port();
    std::thread::spawn(move || tcp.incoming().flatten().for_each(drop));
    add(&rig, "srt", &format!("kind = \"srt\"\nurl = \"srt://127.0.0.1:{srt}\""));
    add(&rig, "nobody", &format!("kind = \"srt\"\nurl = \"srt://127.0.0.1:{}\"", free_udp_port()));
    std::fs::write(rig.path("stream.key"), crate::nginx::KEY).unwrap();
    let rtmp = |port: u16| {
        format!("kind = \"rtmp\"\nurl = \"rtmp://127.0.0.1:{port}/live\"\nstream_key_file = \"stream.key\"")
    };
    add(&rig, "rtmp", &rtmp(nginx.port));
    add(&rig, "mute", &rtmp(silent));
    rig.start_daemon();
    let mut command = Command::new("srt-live-transmit");
    command.args(["-q", "-a:yes", &format!("srt://127.0.0.1:{srt}?mode=listener"), "file://con"]);
    let listener = Peer::run(&mut command, &rig.path(""), "srt", None);
    let mut last = Value::Null;
    process::until("the SRT listener answers", SOON, || {
        last = probe(&rig, "srt");
        found(&last).contains(&"handshake ok".to_owned())
    });
    // It took nobody for a caller: the next one is answered all the same.
    has(&probe(&rig, "srt"), &["dns ok", "handshake ok"]);
    drop(listener);
    assert_eq!(broken(&probe(&rig, "nobody"))["check"], "handshake");
    has(&probe(&rig, "rtmp"), &["handshake ok"]);
    let mute = broken(&probe(&rig, "mute"));
    assert!(mute["seen"].as_str().unwrap().contains("no RTMP server answers"), "{mute}");
    assert!(nginx.recorded().is_empty(), "nothing was published");
}

fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_channel_on_air_does_not_notice_a_probe_of_its_own_destination() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 12);
    let on_air = probe(&rig, "origin");
    has(&on_air, &["auth ok", "rate not_here"]);
    let report = measuring.report();
    assert_whole(&rig, "a", &report, 10);
    assert_eq!(rig.worker("a"), worker);
    assert_eq!(left_behind(&rig.path("origin/live/a/uplink-probe")), 0);
    let multivariant = http::get(rig.origin, "/live/a/multivariant.m3u8").unwrap().text();
    assert!(!multivariant.contains("uplink-probe"), "{multivariant}");
}
