//! Keys of control surfaces, as they are fetched.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use super::resources::{call, request};
use super::rig::rig;

#[tokio::test]
async fn keys_are_ready_to_paint() {
    let runtime = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(runtime.path());
    let router = super::super::router(handle);
    let get =
        |path: &str, tag: &str| request(Method::GET, path).header("if-none-match", tag).body(Body::empty()).unwrap();
    let stand = call(&router, get("/api/v1/surfaces", "")).await.json();
    assert_eq!(stand, serde_json::json!({"tsl": [], "osc": null}));
    let list = call(&router, get("/api/v1/surfaces/buttons", "")).await.json();
    assert_eq!(list["items"][0]["label"], "Evening briefing\nON AIR");
    let path = "/api/v1/surfaces/buttons/demo.take.clip";
    let key = call(&router, get(path, "")).await;
    assert_eq!((&key.json()["state"], &key.json()["press"]["body"]["source"]), (&"ready".into(), &"clip".into()));
    assert_eq!(call(&router, get(path, key.header("etag"))).await.status, StatusCode::NOT_MODIFIED);
    rig.change(|status| status.channels[0].worker = None);
    assert_eq!(call(&router, get(path, key.header("etag"))).await.json()["color"], "#ffffff");
    call(&router, get("/api/v1/surfaces/buttons/demo.take.nobody", "")).await.is_problem(404, "unknown_button");
}
