//! Start, stop, restart, and what the technician is told when it cannot start.

use std::io::Write;

use nix::sys::signal::Signal;

use crate::http::{connect, read_answer};
use crate::running::{ALL, Place, until};

#[test]
fn everything_is_there_again_after_a_kill() {
    let origin = Place::new("").start();
    origin.store("demo/v/1.m4s", "kept");
    let mut stream = connect(origin.address);
    let head = format!("PUT /live/demo/v/2.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\n");
    stream.write_all(format!("{head}Content-Length: 100\r\n\r\nhalf").as_bytes()).unwrap();
    until("the upload has begun", || origin.drafts() == 1);
    origin.signal(Signal::SIGKILL);
    let (_, place) = origin.ended();
    assert_eq!(std::fs::read_dir(place.state().join("incoming")).unwrap().count(), 1, "the kill left a draft");
    let origin = place.start();
    assert_eq!(origin.drafts(), 0);
    assert_eq!(origin.get("/live/demo/v/1.m4s").text(), "kept");
    assert_eq!(origin.get("/live/demo/v/2.m4s").status, 404);
}

#[test]
fn what_a_power_cut_has_emptied_is_not_there() {
    let origin = Place::new("").start();
    for path in ["demo/v/1.m4s", "demo/v/media.m3u8"] {
        origin.store(path, "#EXTM3U\n1.m4s\n");
        std::fs::write(origin.place.state().join("live").join(path), "").unwrap();
        assert_eq!(origin.get(&format!("/live/{path}")).status, 404, "{path}");
        origin.store(path, "#EXTM3U\n1.m4s\n");
        assert_eq!(origin.get(&format!("/live/{path}")).status, 200, "{path}");
    }
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let origin = Place::new("").start();
        let mut idle = connect(origin.address);
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: o\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut idle, false).status, 200);
        let mut upload = connect(origin.address);
        let head = format!("PUT /live/demo/v/2.m4s HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {ALL}\r\n");
        upload.write_all(format!("{head}Content-Length: 8\r\n\r\nhalf").as_bytes()).unwrap();
        until("the upload has begun", || origin.drafts() == 1);
        origin.signal(signal);
        until("it takes no new connection", || std::net::TcpStream::connect(origin.address).is_err());
        upload.write_all(b"half").unwrap();
        assert_eq!(read_answer(&mut upload, false).status, 201, "an upload under way is finished");
        let (status, place) = origin.ended();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(place.state().join("live/demo/v/2.m4s").exists());
    }
}

#[test]
fn a_port_that_is_taken_is_named_with_the_cure() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, log) = Place::new("").run(&["--listen", &address.to_string()]);
    assert_eq!(code, Some(1));
    let said = format!("port {} on 127.0.0.1 is taken by another program", address.port());
    assert!(log.contains(&said) && log.contains("`listen`"), "{log}");
}

#[test]
fn a_state_directory_in_use_or_unusable_is_named() {
    let origin = Place::new("").start();
    let (code, log) = origin.place.run(&["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("another origin already works in"), "{log}");
    assert_eq!(origin.get("/healthz").status, 200);
    let (code, log) = Place::new("").run(&["--listen", "127.0.0.1:0", "--state-dir", "/dev/null/state"]);
    assert_eq!(code, Some(1));
    assert!(log.contains("/dev/null/state cannot be used"), "{log}");
}

#[test]
fn a_fault_in_the_configuration_is_named_with_its_place() {
    for (settings, said) in [
        ("lisen = \"127.0.0.1:1\"", "origin.toml:2:1: unknown field `lisen`"),
        ("[limits]\nsegment = \"lots\"", "origin.toml:3:11: invalid value: string \"lots\", expected a size such as"),
    ] {
        let (code, log) = Place::new(settings).run(&[]);
        assert_eq!(code, Some(64), "{log}");
        assert!(log.contains(said), "{log}");
    }
}

#[test]
fn health_follows_the_state_directory() {
    let origin = Place::new("").start();
    assert_eq!(origin.get("/healthz").status, 200);
    std::fs::remove_dir_all(origin.place.state()).unwrap();
    let answer = origin.get("/healthz");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("state directory"), "{}", answer.text());
}
