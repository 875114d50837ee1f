//! What nobody should send.

use std::io::Write;

use crate::http::{ask, connect, read_answer};
use crate::running::{ALL, Place, tree, until};

#[test]
fn no_path_leads_out_of_the_grammar() {
    let origin = Place::new("").start();
    let outside = origin.place.dir.path().join("escaped.m4s");
    let long = format!("/live/demo/{}/1.m4s", "a".repeat(4000));
    for path in [
        "/live/../escaped.m4s",
        "/live/demo/../../escaped.m4s",
        "/live/demo/../v/1.m4s",
        "/live/..%2f..%2fescaped.m4s/v/1.m4s",
        "/live/%2e%2e/v/1.m4s",
        "/live/demo/%2e%2e/1.m4s",
        "/live/demo/v/%2e%2e%2f1.m4s",
        "/live/demo/v/..\\1.m4s",
        "/live/demo/v/1.m4s%00.mp4",
        "/live/demo/v%5c/1.m4s",
        "/live//etc/passwd",
        "/live/%2fetc%2fpasswd",
        "/live/demo//1.m4s",
        "/live/demo/./1.m4s",
        "/live/Demo/v/1.m4s",
        "/live/demo/v/1.ts",
        "/live/demo/v/1.m4s/",
        "/live/demo/v/-1.m4s",
        "/live/demo/v/99999999999999999999999.m4s",
        "/live/demo/v/init-xyz.mp4",
        "/live/demo/v/.htaccess",
        "/live/demo/index.html",
        "/live/demo",
        &long,
    ] {
        let put = origin.put(path, ALL, b"escaped");
        assert_eq!((put.status, put.reason().as_str()), (400, "name"), "PUT {path}");
        assert_eq!(origin.delete(path, ALL).status, 400, "DELETE {path}");
        assert_eq!(origin.get(path).status, 404, "GET {path}");
    }
    for path in ["/../../../../etc/passwd", "/live/", "/player/../../../etc/passwd", "/watch/..", "//live/a/v/1.m4s"] {
        assert_eq!(origin.get(path).status, 404, "GET {path}");
    }
    assert!(!outside.exists());
    assert_eq!(tree(&origin.place.state()), ["origin.lock"]);
}

#[test]
fn bytes_that_are_no_http_end_that_connection_only() {
    let origin = Place::new("").start();
    for garbage in
        [&b"\0\0\0\0\xff\xfe garbage\r\n\r\n"[..], b"PUT /live/demo/v/1\0.m4s HTTP/1.1\r\n\r\n", b"\x16\x03\x01"]
    {
        let mut stream = connect(origin.address);
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        // An answer, or none: the connection ends.
        let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    }
    assert_eq!(origin.get("/healthz").status, 200);
}

#[test]
fn ten_gigabytes_are_refused_before_a_byte_is_read() {
    let origin = Place::new("").start();
    let length = 10_u64 << 30;
    for expect in ["", "Expect: 100-continue\r\n"] {
        let mut stream = connect(origin.address);
        let head = format!(
            "PUT /live/demo/v/1.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\n{expect}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let answer = read_answer(&mut stream, false);
        assert_eq!((answer.status, answer.reason().as_str()), (413, "too-large"));
        assert!(answer.text().contains("67108864"), "{}", answer.text());
        assert!(!answer.head.contains("100 Continue"));
    }
    assert_eq!(tree(&origin.place.state()), ["origin.lock"]);
}

#[test]
fn a_sender_that_does_not_wait_gets_its_answer_too() {
    let origin = Place::new("").start();
    let head =
        format!("PUT /live/demo/v/1.m4s HTTP/1.1\r\nAuthorization: Bearer {ALL}\r\nContent-Length: {}", 10_u64 << 30);
    let answer = ask(origin.address, &head, &vec![0; 700 << 10]);
    assert_eq!(answer.status, 413);
}

#[test]
fn a_chunked_body_is_cut_off_at_the_limit() {
    let origin = Place::new("[limits]\nsegment = \"100kB\"\nplaylist = \"1kB\"").start();
    origin.store("demo/v/1.m4s", "good");
    for (path, size) in [("demo/v/1.m4s", 150_000), ("demo/v/media.m3u8", 1_500)] {
        let head = format!("PUT /live/{path} HTTP/1.1\r\nAuthorization: Bearer {ALL}\r\nTransfer-Encoding: chunked");
        let mut body = format!("{size:x}\r\n").into_bytes();
        body.extend(vec![b'x'; size]);
        body.extend(b"\r\n0\r\n\r\n");
        let answer = ask(origin.address, &head, &body);
        assert_eq!((answer.status, answer.reason().as_str()), (413, "too-large"), "{path}");
    }
    until("the drafts are gone", || origin.drafts() == 0);
    assert_eq!(origin.get("/live/demo/v/1.m4s").text(), "good");
    assert!(!origin.holds("demo/v/media.m3u8"));
}

#[test]
fn other_methods_are_told_which_are_taken() {
    let origin = Place::new("").start();
    for method in ["POST", "PATCH", "MKCOL", "PROPFIND"] {
        let answer = ask(origin.address, &format!("{method} /live/demo/v/1.m4s HTTP/1.1\r\nContent-Length: 0"), b"");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET,HEAD,PUT,DELETE"));
    }
}

#[test]
fn more_connections_than_allowed_wait_their_turn() {
    let origin = Place::new("[limits]\nconnections = 2").start();
    let held = [connect(origin.address), connect(origin.address)];
    let mut third = connect(origin.address);
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: o\r\n\r\n").unwrap();
    drop(held);
    assert_eq!(read_answer(&mut third, false).status, 200);
}
