//! RTMP against nginx-rtmp; RTMPS through openssl's server in front of it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use uplink::model::status::DestinationState;
use uplink::model::{Fault, Secret};
use uplink::plan::CarrierPlan;

use crate::judge;
use crate::nginx::{KEY, Nginx};
use crate::studio::{Studio, seconds, until};

fn carrier(port: u16, application: &str, key: &str) -> CarrierPlan {
    let url = format!("rtmp://127.0.0.1:{port}/{application}").parse().unwrap();
    CarrierPlan::Rtmp { url, key: Some(Secret::new(key)), ca: None }
}

/// Waits for nginx to have closed its file.
fn recorded(nginx: &Nginx, count: usize) -> Vec<PathBuf> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let files = nginx.recorded();
        if files.len() >= count {
            return files;
        }
        assert!(Instant::now() < end, "{count} recordings, but {files:?}: {}", nginx.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Milliseconds between pictures are not all the same: 33, 34, 33.
fn check(file: &Path) -> usize {
    let video = judge::packets(file, "v:0");
    assert!(video.first().is_some_and(|first| first.key), "it begins with {:?}", video.first());
    assert!(video.windows(2).all(|pair| (33..=34).contains(&(pair[1].pts - pair[0].pts))), "a gap in the pictures");
    let sound = judge::packets(file, "a:0");
    assert!(sound.windows(2).all(|pair| (20..=23).contains(&(pair[1].pts - pair[0].pts))), "a gap in sound");
    let (frames, complaints) = judge::decoded(file);
    assert_eq!(complaints.trim(), "", "the decoder complains");
    assert!(frames + 8 >= video.len());
    frames
}

#[test]
fn a_server_gets_the_stream_and_acknowledges_it() {
    let Some(nginx) = Nginx::start() else { return };
    let studio = Studio::start();
    let sender = studio.send(carrier(nginx.port, "live", KEY));
    seconds(&sender, 6);
    let status = sender.status();
    assert_eq!(status.state, DestinationState::Streaming);
    let acknowledged = status.bytes_acknowledged.unwrap();
    assert!(acknowledged > 100_000 && acknowledged <= status.bytes_sent, "{status:#?}");
    assert!(status.link.rtt_ms.is_some() && !status.url.contains(KEY), "{status:#?}");
    assert!(sender.stop(Duration::from_secs(3)));
    let files = recorded(&nginx, 1);
    let frames = check(&files[0]);
    assert!(frames >= 150, "{frames} frames");
}

#[test]
fn a_wrong_key_or_application_is_for_a_person() {
    let Some(nginx) = Nginx::start() else { return };
    let studio = Studio::start();
    for (application, key, said) in [("live", "wrong-key-4567", "stream key"), ("elsewhere", KEY, "application")] {
        let sender = studio.send(carrier(nginx.port, application, key));
        let failed =
            until(&sender, "failed", Duration::from_secs(15), |status| status.state == DestinationState::Failed);
        assert!(failed.health.reason.contains(said), "{}", failed.health.reason);
        assert!(!failed.health.reason.contains("-key-"), "a secret is shown: {}", failed.health.reason);
        assert_eq!(failed.fault, Some(Fault::Destination));
        assert!(sender.stop(Duration::from_secs(3)));
    }
    assert!(nginx.recorded().is_empty());
}

#[test]
fn a_server_that_dies_gets_the_stream_again() {
    let Some(mut nginx) = Nginx::start() else { return };
    let studio = Studio::start();
    let sender = studio.send(carrier(nginx.port, "live", KEY));
    seconds(&sender, 2);
    nginx.go_away();
    until(&sender, "interrupted", Duration::from_secs(5), |s| s.state == DestinationState::Interrupted);
    nginx.come_back();
    until(&sender, "streaming again", Duration::from_secs(10), |status| status.reconnects == 1);
    seconds(&sender, 3);
    assert!(sender.stop(Duration::from_secs(3)));
    let files = recorded(&nginx, 2);
    for file in &files {
        check(file);
    }
}

/// Passes a connection on, until it is told to read no more.
struct Strait {
    port: u16,
    narrow: Arc<AtomicBool>,
}

impl Strait {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 8 << 10).unwrap();
        let (port, narrow) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let narrowed = Arc::clone(&narrow);
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (back, answers) = (caller.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(answers, back, &AtomicBool::new(false)));
                let narrow = Arc::clone(&narrowed);
                std::thread::spawn(move || pass(caller, server, &narrow));
            }
        });
        Self { port, narrow }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, narrow: &AtomicBool) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..length]).is_err() {
            return;
        }
        while narrow.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_server_that_reads_no_more_is_noticed_and_nothing_piles_up() {
    let Some(nginx) = Nginx::start() else { return };
    let (studio, strait) = (Studio::start(), Strait::start(nginx.port));
    let sender = studio.send(carrier(strait.port, "live", KEY));
    seconds(&sender, 2);
    strait.narrow.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    let lost = until(&sender, "interrupted", Duration::from_secs(20), |s| s.state == DestinationState::Interrupted);
    eprintln!("RTMP server reads no more: noticed after {:.1} s", begun.elapsed().as_secs_f64());
    assert!(lost.health.reason.contains("acknowledged nothing for"), "{}", lost.health.reason);
    strait.narrow.store(false, Ordering::Relaxed);
    until(&sender, "streaming again", Duration::from_secs(10), |status| status.reconnects == 1);
    assert!(sender.stop(Duration::from_secs(3)));
}

#[test]
fn rtmps_is_believed_by_its_certificate_only() {
    let Some(nginx) = Nginx::start() else { return };
    let (key, certificate) = (nginx.directory().join("key.pem"), nginx.directory().join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("\n*** SKIPPED: no openssl on this machine: RTMPS is not tested ***\n");
        return;
    }
    let port = tls_in_front_of(nginx.port, &key, &certificate);
    let studio = Studio::start();
    let to = |ca: Option<PathBuf>| CarrierPlan::Rtmp {
        url: format!("rtmps://localhost:{port}/live").parse().unwrap(),
        key: Some(Secret::new(KEY)),
        ca,
    };
    let sender = studio.send(to(None));
    let failed = until(&sender, "failed", Duration::from_secs(15), |s| s.state == DestinationState::Failed);
    assert!(failed.health.reason.contains("TLS with the server failed"), "{}", failed.health.reason);
    assert!(sender.stop(Duration::from_secs(3)));
    let sender = studio.send(to(Some(certificate)));
    seconds(&sender, 4);
    assert!(sender.status().bytes_acknowledged.is_some_and(|bytes| bytes > 50_000));
    assert!(sender.stop(Duration::from_secs(3)));
    assert!(check(&recorded(&nginx, 1)[0]) >= 90);
}

/// A TLS server that passes plain bytes on.
fn tls_in_front_of(to: u16, key: &Path, certificate: &Path) -> u16 {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let settings = Arc::new(settings.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for caller in listener.incoming().flatten() {
            let (settings, to) = (Arc::clone(&settings), to);
            std::thread::spawn(move || through(caller, settings, to));
        }
    });
    port
}

fn through(caller: TcpStream, settings: Arc<rustls::ServerConfig>, to: u16) {
    let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(settings).unwrap(), caller);
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)) else { return };
    // One thread for both ways: each is asked in turn.
    tls.sock.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    server.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let waits =
        |error: &std::io::Error| matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
    let mut piece = [0; 16 << 10];
    loop {
        match tls.read(&mut piece) {
            Ok(0) => return,
            Ok(length) if server.write_all(&piece[..length]).is_err() => return,
            Err(error) if !waits(&error) => return,
            _ => {}
        }
        match server.read(&mut piece) {
            Ok(0) => return,
            Ok(length) if tls.write_all(&piece[..length]).is_err() => return,
            Err(error) if !waits(&error) => return,
            _ => {}
        }
    }
}
