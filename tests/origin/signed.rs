//! Signed playback: who may watch, until when, and what a player sees of it.

use crate::http::Answer;
use crate::running::{ALL, Place, Running};

const KEY: &str = "a-playback-key-of-the-test";
const MULTIVARIANT: &str = "/demo/multivariant.m3u8";

fn place(playback: &str) -> Place {
    let place = Place::new(&format!("[playback]\nkeys = [\"play.key\"]\n{playback}"));
    std::fs::write(place.dir.path().join("play.key"), KEY).unwrap();
    place
}

fn filled(playback: &str) -> Running {
    let origin = place(playback).start();
    origin.store("demo/multivariant.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/media.m3u8\n");
    origin.store("demo/v/media.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n1.m4s\n");
    origin.store("demo/v/1.m4s", "0123456789");
    origin.store("other/multivariant.m3u8", "#EXTM3U\n");
    origin
}

/// What `uplink-origin sign` prints, without the base.
fn signed(origin: &Running, arguments: &[&str]) -> String {
    let mut command = origin.place.command();
    let output = command.arg("sign").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let address = String::from_utf8(output.stdout).unwrap();
    address.trim().strip_prefix("http://127.0.0.1:8090").unwrap().to_owned()
}

fn refused(answer: &Answer, reason: &str) {
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains(&format!("\"{reason}\"")), "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn nobody_watches_without_a_ticket_but_the_push_looks_for_what_it_sent() {
    let origin = filled("");
    for path in ["demo/multivariant.m3u8", "demo/v/1.m4s", "demo/v/2.m4s", "demo", "~/demo/multivariant.m3u8"] {
        let answer = origin.get(&format!("/live/{path}"));
        assert!(matches!(answer.status, 403 | 404) && !answer.text().contains("#EXTM3U"), "{path}");
    }
    refused(&origin.get("/live/demo/multivariant.m3u8"), "no-ticket");
    let bearer = format!("Authorization: Bearer {ALL}\r\n");
    assert_eq!(origin.get_with("/live/demo/v/1.m4s", &bearer).status, 200);
    assert_eq!(origin.get_with("/live/demo/v/2.m4s", &bearer).status, 404, "an outage's search must see the truth");
    let page = origin.get("/").text();
    assert!(page.contains("signed") && !page.contains("href=\"/watch/demo\""), "{page}");
}

#[test]
fn a_signed_address_leads_to_a_session_that_all_relative_names_belong_to() {
    let origin = filled("");
    let begin = signed(&origin, &["demo", "--for", "10m"]);
    let answer = origin.get(&begin);
    assert_eq!((answer.status, answer.header("cache-control")), (302, Some("no-store")));
    let session = answer.header("location").unwrap().to_owned();
    assert!(session.starts_with("/live/~s") && session.ends_with(MULTIVARIANT), "{session}");
    let base = session.strip_suffix("multivariant.m3u8").unwrap();
    assert!(origin.get(&session).text().contains("v/media.m3u8"));
    assert!(origin.get(&format!("{base}v/media.m3u8")).text().contains("1.m4s"));
    let segment = origin.get(&format!("{base}v/1.m4s"));
    assert_eq!((segment.status, segment.text().as_str()), (200, "0123456789"));
    assert_eq!(segment.header("cache-control"), Some("private, max-age=3600, immutable"));
    let elsewhere = session.replace("/demo/", "/other/");
    refused(&origin.get(&elsewhere), "wrong-ticket");
    assert_eq!(origin.put(&session, ALL, b"#EXTM3U\n").status, 400, "a ticket is nothing to push with");
}

#[test]
fn without_sessions_the_address_is_all_there_is() {
    let origin = filled("session = \"0s\"");
    let begin = signed(&origin, &["demo"]);
    assert_eq!(origin.get(&begin).status, 200);
    assert_eq!(origin.get(&begin.replace("multivariant.m3u8", "v/1.m4s")).status, 200);
    let short = signed(&origin, &["demo", "--for", "1s"]);
    crate::running::until("the ticket expires", || origin.get(&short).status == 403);
    refused(&origin.get(&short), "ticket-expired");
}

#[test]
fn an_address_bound_to_a_viewer_is_good_from_there_only() {
    let origin = filled("proxies = [\"127.0.0.1\"]");
    let begin = signed(&origin, &["demo", "--address", "192.0.2.7"]);
    refused(&origin.get(&begin), "wrong-ticket");
    let from = |viewer: &str| format!("X-Forwarded-For: 10.9.9.9, {viewer}, 127.0.0.1\r\n");
    let answer = origin.get_with(&begin, &from("192.0.2.7"));
    assert_eq!(answer.status, 302);
    let session = answer.header("location").unwrap().to_owned();
    assert!(session.starts_with("/live/~sp"), "the session is bound as well: {session}");
    assert_eq!(origin.get_with(&session, &from("192.0.2.7")).status, 200);
    refused(&origin.get_with(&session, &from("192.0.2.8")), "wrong-ticket");
    // Not from a proxy of ours: what it says of the viewer is nothing.
    let open = filled("");
    let begin = signed(&open, &["demo", "--address", "192.0.2.7"]);
    refused(&open.get_with(&begin, &from("192.0.2.7")), "wrong-ticket");
    assert_eq!(open.get(&signed(&open, &["demo", "--address", "127.0.0.1"])).status, 302);
}

#[test]
fn a_new_master_key_breaks_no_address_that_was_signed_with_the_one_before() {
    let origin = filled("");
    let begin = signed(&origin, &["demo"]);
    let both = place("");
    std::fs::write(both.dir.path().join("play.key"), "the-new-playback-key-of-it").unwrap();
    std::fs::write(both.dir.path().join("old.key"), KEY).unwrap();
    let text = std::fs::read_to_string(both.dir.path().join("origin.toml")).unwrap();
    let text = text.replace("[\"play.key\"]", "[\"play.key\", \"old.key\"]");
    std::fs::write(both.dir.path().join("origin.toml"), text).unwrap();
    let both = both.start();
    assert_eq!(both.get(&begin).status, 302);
    let new = signed(&both, &["demo"]);
    assert_eq!(both.get(&new).status, 302);
    refused(&origin.get(&new), "wrong-ticket");
}

#[test]
fn signing_says_what_is_wrong() {
    let open = Place::new("");
    let (code, log) = open.run(&["sign", "demo"]);
    assert!(code == Some(1) && log.contains("[playback]"), "{log}");
    let (code, log) = place("").run(&["sign", "demo", "--for", "31m"]);
    assert!(code == Some(1) && log.contains("30m"), "{log}");
    let (code, log) = place("").run(&["sign", "no such channel"]);
    assert!(code == Some(2), "{log}");
}
