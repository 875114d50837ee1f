//! The doors over real connections: TLS with a certificate that changes, and the unix socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, Version};
use futures::StreamExt;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::super::Doors;
use super::rig::rig;
use crate::access::{Access, Certificate, Names};
use crate::replay::Desk;
use crate::store::Accounts;

const BOUND: Duration = Duration::from_secs(60);

/// Who trusts the certificate of this directory alone.
fn trusting(directory: &std::path::Path) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(directory.join("certificate.pem")).unwrap();
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap();
    reqwest::Client::builder().no_proxy().timeout(BOUND).tls_certs_only(certificates).build().unwrap()
}

#[tokio::test]
async fn the_network_is_encrypted_and_the_socket_knows_its_users() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let names = Names::of_this_box(&[]);
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let certificate = Certificate::of_its_own(&first, &names).unwrap();
    let network = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = network.local_addr().unwrap();
    let path = dir.path().join("api.sock");
    let socket = Some(UnixListener::bind(&path).unwrap());
    let access = Access::of(Accounts::new(&dir.path().join("access.db")), dir.path(), false).await;
    let doors = Doors { network, certificate: Some(certificate.clone()), socket, access };
    let stop = CancellationToken::new();
    let served = tokio::spawn(super::super::serve(doors, handle, Desk::idle(), stop.clone().cancelled_owned()));

    let (status, health) = (format!("https://{address}/api/v1/status"), format!("https://{address}/healthz"));
    let trusting_first = trusting(&first);
    assert_eq!(trusting_first.get(&health).send().await.unwrap().status(), 200);
    assert_eq!(trusting_first.get(&status).send().await.unwrap().status(), 401);
    let plain = reqwest::Client::builder().no_proxy().timeout(BOUND).tls_certs_only([]).build().unwrap();
    assert!(plain.get(format!("http://{address}/healthz")).send().await.is_err(), "plain http is no way in");

    // Browsers have room for the streams of all their tabs in one connection.
    let streams = vec![health.as_str(); 12];
    let mut curl = tokio::process::Command::new("curl");
    curl.args([
        "--silent",
        "--http2",
        "--parallel",
        "--max-time",
        "30",
        "--write-out",
        "%{http_version}\n",
        "--cacert",
    ]);
    let curl = curl.arg(first.join("certificate.pem")).args(streams).output().await.unwrap();
    let said = String::from_utf8(curl.stdout).unwrap();
    assert_eq!(said.lines().filter(|line| line.ends_with('2')).count(), 12, "{said}");

    // A connection that is open goes on; new ones get the new certificate.
    certificate.take_over(&Certificate::of_its_own(&second, &names).unwrap());
    assert_eq!(trusting_first.get(&health).send().await.unwrap().status(), 200);
    assert_eq!(trusting(&second).get(&health).send().await.unwrap().status(), 200);
    assert!(trusting(&first).get(&health).send().await.is_err());

    let local = reqwest::Client::builder().no_proxy().timeout(BOUND).tls_certs_only([]);
    let local = local.unix_socket(path.as_path()).build().unwrap();
    let who = local.get("http://localhost/api/v1/session").send().await.unwrap();
    let who: serde_json::Value = serde_json::from_str(&who.text().await.unwrap()).unwrap();
    assert_eq!((&who["by"], &who["role"]), (&"socket".into(), &"admin".into()), "{who}");
    stop.cancel();
    tokio::time::timeout(BOUND, served).await.expect("it does not end").unwrap().unwrap();
}

/// Connected by HTTP/2, with as much room for a stream as browsers give.
async fn by_two(address: SocketAddr, directory: &std::path::Path) -> http2::SendRequest<Body> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(directory.join("certificate.pem")).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(address.ip().into(), stream).await.unwrap();
    let client = http2::Builder::new(TokioExecutor::new()).initial_stream_window_size(65_535).to_owned();
    let (sender, connection) = client.handshake(TokioIo::new(stream)).await.unwrap();
    // It answers pings, whatever becomes of a stream.
    tokio::spawn(connection);
    sender
}

async fn follow(client: &mut http2::SendRequest<Body>, address: SocketAddr) -> Incoming {
    let request = Request::get(format!("https://{address}/api/v1/events")).body(Body::empty()).unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    answer.into_body()
}

#[tokio::test]
async fn by_http_2_a_stream_that_nobody_reads_is_cut_off_and_holds_nobody_back() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let certificate = Certificate::of_its_own(dir.path(), &Names::of_this_box(&[])).unwrap();
    let network = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = network.local_addr().unwrap();
    let doors = Doors { certificate: Some(certificate), ..Doors::from(network) };
    tokio::spawn(super::super::serve(doors, handle, Desk::idle(), std::future::pending()));
    let scrape = trusting(dir.path());
    let streams = async |name: &str, wanted: f64| {
        let reached = async {
            loop {
                let text = scrape.get(format!("https://{address}/metrics")).send().await.unwrap().text().await.unwrap();
                let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
                if value == Some(wanted) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(BOUND, reached).await.unwrap_or_else(|_| panic!("{name} does not become {wanted}"));
    };

    let (mut stuck, mut reads) = (by_two(address, dir.path()).await, by_two(address, dir.path()).await);
    let unread = follow(&mut stuck, address).await;
    let mut read = Body::new(follow(&mut reads, address).await).into_data_stream();
    streams("uplink_event_stream_clients", 2.0).await;
    let (text, mut told) = ("x".repeat(2_000), String::new());
    for seq in 1..=1_500 {
        rig.emit(seq, &text);
        if seq % 100 == 0 {
            let wanted = format!("-{seq}\n");
            while !told.contains(&wanted) {
                let bytes = tokio::time::timeout(BOUND, read.next()).await.expect("it waits for the other one");
                told.push_str(&String::from_utf8_lossy(&bytes.unwrap().unwrap()));
            }
            told.clear();
        }
    }
    // The one that is read goes on.
    let reading = tokio::spawn(async move { while read.next().await.is_some_and(|bytes| bytes.is_ok()) {} });
    streams("uplink_event_stream_clients", 1.0).await;
    streams("uplink_event_stream_cut_total", 1.0).await;
    assert!(stuck.is_closed() && !reads.is_closed() && !reading.is_finished());
    drop(unread);
}
