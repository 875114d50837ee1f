//! The contract: every answer of these tests is held against it, and it is held against the routes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::resources::{Answer, call, request};
use super::rig::rig;

static CONTRACT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&super::super::contract()).unwrap());
static VALIDATORS: LazyLock<Mutex<BTreeMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Whether a value is what the contract says that it is.
#[track_caller]
pub(super) fn fits(schema: &Value, value: &Value, what: &str) {
    let known = VALIDATORS.lock().unwrap().get(&schema.to_string()).cloned();
    let validator = known.unwrap_or_else(|| {
        let mut whole = json!({"components": CONTRACT["components"]});
        whole["allOf"] = json!([schema]);
        let made = Arc::new(jsonschema::validator_for(&whole).unwrap());
        VALIDATORS.lock().unwrap().insert(schema.to_string(), made.clone());
        made
    });
    let faults: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{what} is not what the contract says:\n{}\n{value}", faults.join("\n"));
}

/// A frame of the event stream.
#[track_caller]
pub(super) fn fits_stream(event: &str, data: &Value) {
    fits(&json!({"$ref": "#/components/schemas/StreamFrame"}), &json!({"event": event, "data": data}), event);
}

/// The operation at an address: of several that fit, the one with the most words.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let asked: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        let rest = template.ends_with("/{path}") && asked.len() >= parts.len();
        let each = parts.iter().zip(&asked).all(|(part, word)| part.starts_with('{') || part == word);
        (each && (rest || parts.len() == asked.len())).then(|| parts.iter().filter(|p| !p.starts_with('{')).count())
    };
    let all = CONTRACT["paths"].as_object().unwrap().iter();
    let found = all.filter_map(|(template, methods)| Some((fits(template)?, methods.get(method)?)));
    found.max_by_key(|(words, _)| *words).map(|(_, operation)| operation)
}

/// Holds an answer against the contract.
#[track_caller]
pub(super) fn held(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let what = format!("{method} {path}: {status}");
    let method = method.as_str().to_lowercase();
    let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap()).split(';').next().unwrap();
    if kind == "application/problem+json" {
        let problem: Value = serde_json::from_slice(body).unwrap();
        fits(&json!({"$ref": "#/components/schemas/Problem"}), &problem, &what);
        assert_eq!(problem["request_id"], headers["x-request-id"].to_str().unwrap(), "{what}");
        if status == StatusCode::PRECONDITION_FAILED {
            let operation = operation(&method, path).unwrap_or_else(|| panic!("{what}: it is in no contract"));
            assert!(takes(operation, "If-Match"), "{what}: the contract says nothing of `If-Match`");
        }
        return;
    }
    assert!(headers.contains_key("x-request-id"), "{what}");
    let Some(operation) = operation(&method, path) else {
        assert!(!path.starts_with("/api/v1"), "{what}: it is in no contract");
        return;
    };
    let answer = &operation["responses"][status.as_str()];
    assert!(answer.is_object(), "{what}: the contract has no such answer: {operation:#}");
    if body.is_empty() {
        return;
    }
    let schema = &answer["content"][kind]["schema"];
    assert!(!schema.is_null(), "{what}: the contract knows no `{kind}` here");
    if kind == "application/json" {
        fits(schema, &serde_json::from_slice(body).unwrap(), &what);
    }
}

fn takes(operation: &Value, header: &str) -> bool {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.into_iter().any(|one| one["in"] == "header" && one["name"] == header)
}

/// Those that refuse what somebody has changed meanwhile; each has a test with a 412, which `held` holds against this.
#[test]
fn a_condition_is_promised_where_it_is_honoured() {
    let found = operations().filter(|(_, _, operation)| takes(operation, "If-Match"));
    let found: BTreeSet<String> = found.map(|(path, method, _)| format!("{method} {path}")).collect();
    let wanted = [
        "delete /api/v1/images/{name}",
        "delete /api/v1/recordings/{channel}/{id}",
        "delete /api/v1/stream-classes/{name}",
        "patch /api/v1/recordings/{channel}/{id}",
        "post /api/v1/config/apply",
        "post /api/v1/config/reload",
        "post /api/v1/stream-classes/{name}/apply",
        "post /api/v1/stream-classes/{name}/rollback",
        "put /api/v1/images/{name}",
    ];
    assert_eq!(found, wanted.into_iter().map(str::to_owned).collect());
}

fn operations() -> impl Iterator<Item = (&'static String, &'static String, &'static Value)> {
    let paths = CONTRACT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(m, op)| (path, m, op)))
}

#[tokio::test]
async fn every_operation_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let router = super::super::router(handle);
    drop(rig);
    let mut seen = 0;
    for (path, method, _) in operations() {
        let filled = path.split('/').map(|part| if part.starts_with('{') { "7" } else { part });
        let filled = filled.collect::<Vec<_>>().join("/");
        let asked = request(method.to_uppercase().parse().unwrap(), &filled).body(Body::from("{}")).unwrap();
        // Its body may go on and on.
        let response = router.clone().oneshot(asked).await.unwrap();
        assert_ne!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        if response.status() == StatusCode::NOT_FOUND {
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            let nothing = problem["code"] == "not_found" && !path.starts_with("/whip");
            assert!(!nothing, "{method} {path} is in the contract and is not served");
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen} operations");
}

/// Routes are added with `Routes`, which describes them; a bare router only holds pages.
#[test]
fn no_route_of_the_api_is_outside_of_the_contract() {
    fn files(directory: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, found),
                false => found.push(std::fs::read_to_string(path).unwrap()),
            }
        }
    }
    let mut sources = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"), &mut sources);
    let bare: BTreeSet<&str> = sources
        .iter()
        .flat_map(|text| text.split(".route(").skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .filter(|path| path.starts_with("/api/v1") || path.starts_with("/whip"))
        .collect();
    assert!(bare.is_empty(), "routes without a contract; add them with `Routes`, see src/api/openapi: {bare:?}");
}

#[test]
fn the_contract_holds_together() {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} stands twice");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{method} {path} has no summary");
        assert!(operation["responses"].as_object().is_some_and(|all| all.keys().any(|k| k.starts_with('2'))), "{id}");
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let declared = operation["parameters"].as_array().into_iter().flatten();
        let declared: BTreeSet<&str> =
            declared.filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(in_path.collect::<BTreeSet<_>>(), declared, "{id}");
        if method == "get" {
            assert!(operation["requestBody"].is_null(), "{id}");
        }
    }
    let text = CONTRACT.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(CONTRACT.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    for name in CONTRACT["components"]["schemas"].as_object().unwrap().keys() {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
        assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "two types are named {name}: rename one");
    }
    assert!(!text.contains("Secret"), "a secret is in the contract");
}

#[test]
fn frames_of_the_stream_are_a_union_by_event() {
    let frames = CONTRACT["components"]["schemas"]["StreamFrame"]["oneOf"].as_array().unwrap();
    let names: Vec<&str> = frames.iter().map(|f| f["properties"]["event"]["const"].as_str().unwrap()).collect();
    assert_eq!(names, ["snapshot", "status", "event", "meters", "presence", "heartbeat", "gap", "reset"]);
}

#[tokio::test]
async fn the_reference_is_served_from_this_box_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let router = super::super::router(handle);
    let get = |path: &str| request(Method::GET, path).body(Body::empty()).unwrap();
    let document: Answer = call(&router, get("/api/v1/openapi.json")).await;
    assert_eq!((document.json(), document.json()["openapi"].as_str()), (CONTRACT.clone(), Some("3.1.0")));
    let page = call(&router, get("/api/")).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    for (_, _, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.text().contains(&format!("id=\"{id}\"")), "{id} is not on the page");
    }
    for foreign in ["http://", "https://", "<script", "style=", "//cdn"] {
        assert!(!page.text().contains(foreign), "the page has {foreign}");
    }
    let style = call(&router, get("/api/reference.css")).await;
    assert_eq!((style.status, style.text().contains("url(")), (StatusCode::OK, false));
}
