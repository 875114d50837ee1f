//! What players and caches get.

use crate::http::ask;
use crate::running::{Place, Running};

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n1.m4s\n";

fn filled() -> Running {
    let origin = Place::new("").start();
    origin.store("demo/multivariant.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/media.m3u8\n");
    origin.store("demo/v/media.m3u8", PLAYLIST);
    origin.store("demo/v/init-00c0ffee.mp4", "ftyp");
    origin.store("demo/v/1.m4s", "0123456789");
    origin.store("demo/captions/1.vtt", "WEBVTT\n");
    origin
}

#[test]
fn each_kind_of_object_has_its_headers() {
    let origin = filled();
    for (path, kind, cache) in [
        ("multivariant.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("v/media.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("v/init-00c0ffee.mp4", "video/mp4", "public, max-age=3600, immutable"),
        ("v/1.m4s", "video/iso.segment", "public, max-age=3600, immutable"),
        ("captions/1.vtt", "text/vtt", "public, max-age=3600, immutable"),
    ] {
        let url = format!("/live/demo/{path}");
        let get = origin.get_with(&url, "Origin: http://studio.example\r\n");
        let head = ask(origin.address, &format!("HEAD {url} HTTP/1.1\r\nOrigin: http://studio.example"), b"");
        for answer in [&get, &head] {
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("content-type"), Some(kind), "{path}");
            assert_eq!(answer.header("cache-control"), Some(cache), "{path}");
            assert_eq!(answer.header("accept-ranges"), Some("bytes"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("vary"), None, "one answer serves every page");
            assert_eq!(answer.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
            assert_eq!(answer.header("etag"), get.header("etag"));
            assert!(answer.header("access-control-expose-headers").unwrap().contains("content-range"));
        }
    }
}

#[test]
fn a_version_that_is_known_is_not_sent_again() {
    let origin = filled();
    for path in ["/live/demo/v/media.m3u8", "/live/demo/v/1.m4s"] {
        let tag = origin.get(path).header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "a strong tag: {tag}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = origin.get_with(path, &format!("If-None-Match: {known}\r\n"));
            assert_eq!(again.status, 304, "{path} {known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            assert!(again.header("cache-control").is_some() && again.body.is_empty());
        }
        assert_eq!(origin.get_with(path, "If-None-Match: \"x\"\r\n").status, 200);
    }
    let tag = |path: &str| origin.get(path).header("etag").unwrap().to_owned();
    let before = (tag("/live/demo/v/media.m3u8"), tag("/live/demo/v/1.m4s"));
    origin.store("demo/v/media.m3u8", PLAYLIST);
    assert_eq!(tag("/live/demo/v/media.m3u8"), before.0, "the same playlist again is no new version");
    origin.store("demo/v/media.m3u8", format!("{PLAYLIST}#EXTINF:2.0,\n2.m4s\n"));
    origin.store("demo/v/1.m4s", "abcdefghij");
    assert_ne!(tag("/live/demo/v/media.m3u8"), before.0);
    assert_ne!(tag("/live/demo/v/1.m4s"), before.1);
}

#[test]
fn ranges() {
    let origin = filled();
    for (range, status, content_range, body) in [
        ("bytes=0-3", 206, Some("bytes 0-3/10"), "0123"),
        ("bytes=8-", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=-2", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=5-500", 206, Some("bytes 5-9/10"), "56789"),
        ("bytes=0-1,4-5", 200, None, "0123456789"),
        ("lines=1-2", 200, None, "0123456789"),
    ] {
        let answer = origin.get_with("/live/demo/v/1.m4s", &format!("Range: {range}\r\n"));
        assert_eq!((answer.status, answer.header("content-range")), (status, content_range), "{range}");
        assert_eq!(answer.text(), body, "{range}");
    }
    let outside = origin.get_with("/live/demo/v/1.m4s", "Range: bytes=10-\r\n");
    assert_eq!((outside.status, outside.header("content-range")), (416, Some("bytes */10")));
    let playlist = origin.get_with("/live/demo/v/media.m3u8", "Range: bytes=0-6\r\n");
    assert_eq!((playlist.status, playlist.text().as_str()), (206, "#EXTM3U"));
}

#[test]
fn any_page_may_play_and_none_may_push() {
    let origin = filled();
    let ask_first = |method: &str| {
        let head = format!(
            "OPTIONS /live/demo/v/1.m4s HTTP/1.1\r\nOrigin: http://studio.example\r\n\
             Access-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: range"
        );
        ask(origin.address, &head, b"")
    };
    let answer = ask_first("GET");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("range"));
    assert!(!ask_first("PUT").header("access-control-allow-methods").unwrap().contains("PUT"));
}

#[test]
fn a_segment_that_is_not_there_yet_is_soon_asked_for_again() {
    let origin = filled();
    let answer = origin.get("/live/demo/v/2.m4s");
    assert_eq!((answer.status, answer.header("cache-control")), (404, Some("max-age=1")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn pages_come_from_this_origin_alone() {
    let origin = filled();
    let index = origin.get("/");
    assert!(index.text().contains("href=\"/watch/demo\"") && index.text().contains("on air"));
    for path in ["/", "/watch/demo", "/player/player.js", "/player/state.js", "/player/player.css"] {
        let answer = origin.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
        for foreign in ["http://", "https://", "//cdn"] {
            assert!(!answer.text().contains(foreign), "{path} names {foreign}");
        }
    }
    let library = origin.get("/player/vendor/hls.min.js");
    assert_eq!(library.header("content-type"), Some("text/javascript; charset=utf-8"));
    let tag = library.header("etag").unwrap();
    assert_eq!(origin.get_with("/player/vendor/hls.min.js", &format!("If-None-Match: {tag}\r\n")).status, 304);
    assert_eq!(origin.get("/watch/Not%20a%20slug").status, 404);
}

#[test]
fn what_happens_is_counted() {
    let origin = filled();
    origin.get("/live/demo/v/1.m4s");
    origin.put("/live/demo/v/2.m4s", "wrong-token-altogether", b"x");
    let text = origin.get("/metrics").text();
    for line in [
        "uplink_origin_served_bytes_total 10",
        "uplink_origin_pushes_refused_total{reason=\"wrong-token\"} 1",
        "uplink_origin_responses_total{method=\"PUT\",status=\"401\"} 1",
        "uplink_origin_responses_total{method=\"PUT\",status=\"201\"} 5",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
