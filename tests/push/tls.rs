//! https: the box's trusted roots decide.

use std::process::Command;
use std::time::Duration;

use uplink::model::Fault;
use uplink::model::status::DestinationState;
use uplink::model::upload::{Identity, Trust};
use uplink::push::Pusher;

use crate::nginx::Nginx;
use crate::studio::{Studio, until};

const URL: &str = "UPLINK_TEST_TLS_URL";

/// This test again, as a process that trusts `certificate` and nothing else.
fn push_trusting(nginx: &Nginx, certificate: &std::path::Path, test: &str) {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new("timeout")
        .arg("60")
        .arg(this)
        .args([test, "--exact", "--nocapture"])
        .env(URL, nginx.url())
        .env("SSL_CERT_FILE", certificate)
        .env_remove("SSL_CERT_DIR")
        // An appliance on air does not follow the environment of whoever started it.
        .env("https_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .output()
        .expect("it runs");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn in_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

#[test]
fn a_trusted_origin_is_pushed_to_by_https() {
    match std::env::var(URL) {
        Ok(url) => in_runtime(async {
            let mut studio = Studio::new();
            studio.produce(3);
            let pusher = studio.push_to(&url);
            let left = pusher.stop(Duration::from_secs(30)).await;
            assert!(left.is_nothing(), "{left}");
        }),
        Err(_) => {
            let Some(nginx) = Nginx::start_with_tls() else { return };
            push_trusting(&nginx, &nginx.certificate(), "tls::a_trusted_origin_is_pushed_to_by_https");
            assert!(nginx.root().join("demo/multivariant.m3u8").exists());
        }
    }
}

/// In this process, which trusts what the box trusts, but for what the destination says.
async fn push_pinning(nginx: &Nginx, trust: Trust) -> (Studio, Pusher) {
    let mut studio = Studio::new();
    studio.produce(2);
    let mut description = studio.description(&nginx.url());
    description.upload.trust = trust;
    let pusher = studio.push(description);
    (studio, pusher)
}

#[tokio::test]
async fn a_destination_may_trust_one_authority_alone() {
    let Some(nginx) = Nginx::start_with_tls() else { return };
    let trust = Trust { ca_file: Some(nginx.certificate()), identity: None };
    let (studio, pusher) = push_pinning(&nginx, trust).await;
    assert!(pusher.stop(Duration::from_secs(30)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    let Some(other) = Nginx::start_with_tls() else { return };
    let trust = Trust { ca_file: Some(other.certificate()), identity: None };
    let (_studio, pusher) = push_pinning(&nginx, trust).await;
    until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
}

#[tokio::test]
async fn an_origin_may_want_to_see_a_certificate() {
    let Some(nginx) = Nginx::start_with_mutual_tls() else { return };
    let identity = Identity { certificate_file: nginx.certificate(), key_file: nginx.key() };
    let trust = Trust { ca_file: Some(nginx.certificate()), identity: Some(identity) };
    let (studio, pusher) = push_pinning(&nginx, trust.clone()).await;
    assert!(pusher.stop(Duration::from_secs(30)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    let (_studio, pusher) = push_pinning(&nginx, Trust { identity: None, ..trust }).await;
    // nginx says 400 to who shows none.
    until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_told() {
    let Some(nginx) = Nginx::start_with_tls() else { return };
    let trust = Trust { ca_file: Some(nginx.key()), identity: None };
    let (_studio, pusher) = push_pinning(&nginx, trust).await;
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert!(status.health.reason.contains("key.pem: no certificate in PEM"), "{}", status.health.reason);
}

#[test]
fn an_origin_that_is_not_trusted_gets_nothing() {
    match std::env::var(URL) {
        Ok(url) => in_runtime(async {
            let mut studio = Studio::new();
            studio.produce(1);
            let pusher = studio.push_to(&url);
            let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
            assert_eq!(status.fault, Some(Fault::Destination));
            assert!(status.health.reason.starts_with("TLS with the origin failed"), "{}", status.health.reason);
        }),
        Err(_) => {
            let Some(nginx) = Nginx::start_with_tls() else { return };
            let nothing = std::path::Path::new("/dev/null");
            push_trusting(&nginx, nothing, "tls::an_origin_that_is_not_trusted_gets_nothing");
            assert!(!nginx.root().exists());
        }
    }
}
