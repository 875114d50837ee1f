//! What the listener shows, as people and programs are told.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::routes::Api;
use super::resources::{call, request};
use super::rig::rig;
use crate::access::{Certificate, Names};

async fn shown(router: &axum::Router) -> Value {
    call(router, request(Method::GET, "/api/v1/certificate").body(Body::empty()).unwrap()).await.json()
}

#[tokio::test]
async fn the_certificate_says_where_it_comes_from_for_whom_and_until_when() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let names = Names::of_this_box(&["studio-a".to_owned()]);
    let certificate = Certificate::of_its_own(dir.path(), &names).unwrap();
    let api = Api::new(handle, CancellationToken::new()).with_certificate(Some(certificate.clone()));
    let router = api.router();
    let found = shown(&router).await;
    let own = &found["certificates"][0];
    assert_eq!((&found["encrypted"], &own["origin"]), (&true.into(), &"own".into()), "{found}");
    assert_eq!(own["fingerprint"], certificate.fingerprint());
    let names: Vec<&str> = own["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(["studio-a", "localhost", "127.0.0.1", "::1"].iter().all(|name| names.contains(name)), "{names:?}");
    let time = |name: &str| own[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let left = time("ends").duration_since(time("renew_by"));
    assert_eq!(left.as_hours(), 14 * 24, "a fortnight before its end: {own}");

    // As a reload of `[api.tls]` does it.
    let files = Certificate::of_files(&dir.path().join("certificate.pem"), &dir.path().join("key.pem")).unwrap();
    certificate.take_over(&files);
    assert_eq!(shown(&router).await["certificates"][0]["origin"], "files");
}

#[tokio::test]
async fn a_listener_in_the_clear_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let found = shown(&super::super::router(handle)).await;
    assert_eq!(found, json!({ "encrypted": false, "certificates": [] }));
}
