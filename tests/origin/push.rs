//! The push: who may, what is taken, and that an object is there whole or not at all.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use crate::http::{ask, connect, read_answer};
use crate::running::{ALL, OF_A, OF_B, Place, until};

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";

#[test]
fn an_object_is_created_replaced_and_deleted() {
    let origin = Place::new("").start();
    for (path, body) in [
        ("/live/demo/multivariant.m3u8", PLAYLIST),
        ("/live/demo/v/media.m3u8", PLAYLIST),
        ("/live/demo/v/init-00c0ffee.mp4", "ftyp"),
        ("/live/demo/v/881500123.m4s", "moof"),
    ] {
        assert_eq!(origin.put(path, ALL, body.as_bytes()).status, 201, "{path}");
        assert_eq!(origin.put(path, ALL, body.as_bytes()).status, 204, "{path}");
        assert_eq!(origin.get(path).body, body.as_bytes(), "{path}");
        assert_eq!(origin.delete(path, ALL).status, 204, "{path}");
        assert_eq!(origin.delete(path, ALL).status, 404, "{path}");
        assert_eq!(origin.get(path).status, 404, "{path}");
    }
    assert!(!origin.holds("demo"), "an empty channel leaves no directory");
}

#[test]
fn who_may_push_and_delete() {
    let origin = Place::new("").start();
    origin.store("a/v/1.m4s", "old");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    for (authorization, channel, status) in [
        (String::new(), "a", 401),
        ("Authorization: Basic Zm9vOmJhcg==\r\n".to_owned(), "a", 401),
        (bearer("not-a-token-of-this-origin"), "a", 401),
        (bearer(OF_B), "a", 403),
        (bearer(OF_B), "c", 403),
        (bearer(OF_A), "a", 204),
        (bearer(ALL), "a", 204),
    ] {
        let head = format!("PUT /live/{channel}/v/1.m4s HTTP/1.1\r\n{authorization}Content-Length: 3");
        let answer = ask(origin.address, &head, b"new");
        assert_eq!(answer.status, status, "{authorization} {channel}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401, "{authorization} {challenge:?}");
        if status > 400 {
            assert_eq!(origin.get("/live/a/v/1.m4s").text(), "old");
            let delete =
                ask(origin.address, &format!("DELETE /live/{channel}/v/1.m4s HTTP/1.1\r\n{authorization}"), b"");
            assert_eq!(delete.status, status);
        }
    }
    assert_eq!(origin.get("/live/a/v/1.m4s").text(), "new");
}

#[test]
fn a_broken_upload_replaces_nothing_and_leaves_nothing() {
    let origin = Place::new("").start();
    origin.store("demo/v/1.m4s", "the good one");
    for head in [
        "Content-Length: 1000\r\n\r\nonly this much",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nnot a chunk\r\n",
    ] {
        let mut stream = connect(origin.address);
        let request = format!("PUT /live/demo/v/1.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\n{head}");
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }
    // Ours is the only connection left: the broken ones are dealt with.
    until("the broken connections are gone", || origin.get("/metrics").text().contains("origin_connections 1\n"));
    until("the drafts are gone", || origin.drafts() == 0);
    assert_eq!(origin.get("/live/demo/v/1.m4s").text(), "the good one");
}

#[test]
fn an_upload_that_stands_still_is_given_up() {
    let origin = Place::new("[limits]\nupload_idle = \"200ms\"").start();
    let mut stream = connect(origin.address);
    let head = format!(
        "PUT /live/demo/v/1.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\nContent-Length: 9\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let answer = read_answer(&mut stream, false);
    assert_eq!((answer.status, answer.reason().as_str()), (408, "stalled"));
    assert!(!origin.holds("demo/v/1.m4s"));
    until("the draft is gone", || origin.drafts() == 0);
}

#[test]
fn an_upload_that_trickles_for_ever_is_given_up() {
    let origin = Place::new("[limits]\nupload = \"500ms\"").start();
    let mut stream = connect(origin.address);
    let head = format!(
        "PUT /live/demo/v/1.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\nContent-Length: 9000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut trickle = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        (0..400).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            trickle.write_all(b"x").is_err()
        })
    });
    assert_eq!(read_answer(&mut stream, false).reason(), "late");
    stream.shutdown(Shutdown::Both).unwrap();
    assert!(sender.join().unwrap(), "the connection was closed");
}

#[test]
fn what_is_no_playlist_does_not_replace_one() {
    let origin = Place::new("").start();
    origin.store("demo/v/media.m3u8", PLAYLIST);
    for (body, reason) in
        [(&b"<html>Bad gateway</html>"[..], "not-a-playlist"), (b"", "empty"), (b"#EXTM3U\n\xff", "not-a-playlist")]
    {
        let answer = origin.put("/live/demo/v/media.m3u8", ALL, body);
        assert_eq!((answer.status, answer.reason().as_str()), (400, reason));
        assert_eq!(origin.get("/live/demo/v/media.m3u8").text(), PLAYLIST);
    }
    assert_eq!(origin.put("/live/demo/v/1.m4s", ALL, b"").reason(), "empty");
}

#[test]
fn quotas_of_channels_and_renditions() {
    let origin = Place::new("[limits]\nchannels = 1\nrenditions = 1").start();
    origin.store("demo/v/1.m4s", "x");
    let other_rendition = origin.put("/live/demo/w/1.m4s", ALL, b"x");
    assert_eq!((other_rendition.status, other_rendition.reason().as_str()), (403, "renditions"));
    let other_channel = origin.put("/live/other/v/1.m4s", ALL, b"x");
    assert_eq!((other_channel.status, other_channel.reason().as_str()), (403, "channels"));
    assert!(other_channel.text().contains("limits.channels"), "{}", other_channel.text());
    origin.store("demo/v/2.m4s", "x");
}

#[test]
fn one_connection_carries_many_uploads() {
    let origin = Place::new("").start();
    let mut stream = connect(origin.address);
    for number in 0..20 {
        let head = format!("PUT /live/demo/v/{number}.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\n");
        stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream, false).status, 201);
    }
    assert!(origin.holds("demo/v/19.m4s"));
}

#[test]
fn a_reader_never_sees_half_an_object() {
    let origin = Place::new("").start();
    let versions = ["a", "b"].map(|letter| format!("#EXTM3U\n{}", letter.repeat(200_000)));
    origin.store("demo/v/media.m3u8", &versions[0]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..60 {
                origin.store("demo/v/media.m3u8", &versions[round % 2]);
            }
        });
        while !writer.is_finished() {
            let answer = origin.get("/live/demo/v/media.m3u8");
            assert!(versions.contains(&answer.text()), "{} bytes", answer.body.len());
        }
    });
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let place = Place::new("");
    let state = place.state();
    std::fs::create_dir(&state).unwrap();
    let mut command = std::process::Command::new("unshare");
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$1\" && shift && exec \"$@\"";
    let origin = place.command();
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]).arg(&state);
    let probe = std::process::Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: a full disk: this machine allows no user namespaces");
        return;
    }
    command.arg(origin.get_program()).args(origin.get_args()).args(["--listen", "127.0.0.1:0"]);
    let origin = place.start_with(command);
    origin.store("demo/v/1.m4s", "good");
    let answer = origin.put("/live/demo/v/1.m4s", ALL, &vec![1; 3 << 20]);
    assert_eq!((answer.status, answer.reason().as_str()), (507, "disk-full"));
    assert_eq!(origin.get("/live/demo/v/1.m4s").text(), "good");
    origin.store("demo/v/2.m4s", vec![2; 100 << 10]);
}
