//! The doors over real connections: TLS with a certificate that changes, and the unix socket.

use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
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
