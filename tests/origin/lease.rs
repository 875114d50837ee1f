//! Two boxes of a pair at one origin: one of them may write, and a box that was cut off writes nothing any more.

use std::io::Write;

use serde_json::{Value, json};
use uplink::model::pair::{LEASE_HEADER, LeaseAnswer};

use crate::http::{Answer, ask, connect, read_answer};
use crate::running::{ALL, OF_B, Place, Running, until};

const PLAYLIST: &[u8] = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n";

fn claim(origin: &Running, token: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let head = format!(
        "POST /live/a/lease HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    );
    ask(origin.address, &head, body.as_bytes())
}

fn lease(origin: &Running, member: &str, more: &Value) -> LeaseAnswer {
    let mut body = json!({ "member": member, "instance": format!("{member}-1"), "ttl_ms": 30_000 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = claim(origin, ALL, &body);
    assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn put(origin: &Running, path: &str, more: &str, body: &[u8]) -> Answer {
    let head = format!(
        "PUT /live/a/{path} HTTP/1.1\r\nAuthorization: Bearer {ALL}\r\n{more}Content-Length: {}\r\nConnection: close",
        body.len()
    );
    ask(origin.address, &head, body)
}

fn with(token: u64) -> String {
    format!("{LEASE_HEADER}: {token}\r\n")
}

#[test]
fn a_box_that_was_cut_off_writes_nothing_any_more() {
    let origin = Place::new("").start();
    let first = lease(&origin, "a", &json!({})).token.unwrap();
    assert_eq!(put(&origin, "v/1.m4s", &with(first), b"a").status, 201);
    assert_eq!(lease(&origin, "b", &json!({})).holder.as_deref(), Some("a"));
    let bare = put(&origin, "v/1.m4s", "", b"stranger");
    assert_eq!((bare.status, bare.reason().as_str()), (412, "lease-over"));
    // An upload of the first box that is still under way when the channel changes hands.
    let mut late = connect(origin.address);
    let head = format!(
        "PUT /live/a/v/media.m3u8 HTTP/1.1\r\nHost: origin\r\nAuthorization: Bearer {ALL}\r\n{}Content-Length: {}\r\n\r\n",
        with(first),
        PLAYLIST.len()
    );
    late.write_all(head.as_bytes()).unwrap();
    late.write_all(&PLAYLIST[..10]).unwrap();

    assert!(lease(&origin, "a", &json!({ "token": first, "release": true })).released);
    let given = lease(&origin, "b", &json!({}));
    let second = given.token.unwrap();
    assert!(second > first && given.previous.as_deref() == Some("a"), "{given:?}");
    late.write_all(&PLAYLIST[10..]).unwrap();
    let refused = read_answer(&mut late, false);
    assert_eq!((refused.status, refused.header(LEASE_HEADER)), (412, Some(second.to_string().as_str())));
    assert_eq!(origin.get("/live/a/v/media.m3u8").status, 404, "not a byte of it is there");
    assert_eq!(put(&origin, "v/1.m4s", &with(first), b"late").status, 412);
    assert_eq!(put(&origin, "v/1.m4s", &with(second), b"b").status, 204);
    assert_eq!(origin.get("/live/a/v/1.m4s").body, b"b");
}

#[test]
fn what_two_boxes_share_is_written_once() {
    let origin = Place::new("").start();
    let token = lease(&origin, "a", &json!({ "shared": true })).token.unwrap();
    let create = "If-None-Match: *\r\n";
    assert_eq!(put(&origin, "v/1.m4s", create, b"b").status, 201);
    let there = put(&origin, "v/1.m4s", &format!("{create}{}", with(token)), b"a");
    assert_eq!((there.status, there.reason().as_str(), there.header(LEASE_HEADER)), (412, "there", None));
    assert_eq!(origin.get("/live/a/v/1.m4s").body, b"b");
    assert_eq!(put(&origin, "v/media.m3u8", create, PLAYLIST).status, 412, "players are told by one");
    assert_eq!(put(&origin, "v/media.m3u8", &with(token), PLAYLIST).status, 201);
}

#[test]
fn a_lease_outlives_the_origin_and_not_its_time() {
    let origin = Place::new("").start();
    let token = lease(&origin, "a", &json!({ "ttl_ms": 500 })).token.unwrap();
    origin.signal(nix::sys::signal::Signal::SIGKILL);
    let (_, place) = origin.ended();
    let origin = place.start();
    assert_eq!(lease(&origin, "a", &json!({ "ttl_ms": 500, "token": token })).token, Some(token));
    until("the lease is over", || lease(&origin, "b", &json!({ "ttl_ms": 500 })).token == Some(token + 1));
    assert_eq!(lease(&origin, "a", &json!({ "token": token })).holder.as_deref(), Some("b"));
}

#[test]
fn who_may_ask_and_how() {
    let origin = Place::new("").start();
    let good = json!({ "member": "a", "instance": "1", "ttl_ms": 2000 });
    assert_eq!(claim(&origin, OF_B, &good).status, 403);
    assert_eq!(claim(&origin, "no-token-of-this-origin", &good).status, 401);
    for bad in [
        json!({ "member": "", "instance": "1", "ttl_ms": 2000 }),
        json!({ "member": "a b", "instance": "1", "ttl_ms": 2000 }),
        json!({ "member": "a", "instance": "1", "ttl_ms": 1 }),
        json!({ "member": "a", "instance": "1", "ttl_ms": 2000, "wait_ms": 1_000_000 }),
        json!({ "member": "a", "ttl_ms": 2000, "why": "x" }),
        json!([]),
    ] {
        let answer = claim(&origin, ALL, &bad);
        assert_eq!((answer.status, answer.reason().as_str()), (400, "claim"), "{bad}");
    }
    let head = format!(
        "POST /live/a/v/1.m4s HTTP/1.1\r\nAuthorization: Bearer {ALL}\r\nContent-Length: 2\r\nConnection: close"
    );
    assert_eq!(ask(origin.address, &head, b"{}").status, 405);
    assert_eq!(claim(&origin, ALL, &good).status, 200);
}
