//! The document: all operations, all schemas, and what holds for every one of them.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::super::access::needed;
use super::super::guards::{CONFIRM, CONFIRM_NAME, OVERRIDDEN, OVERRIDE, Tier, tier_of};
use super::super::problem::Problem;
use super::page::rendered;
use super::schemas::{Schemas, plain_descriptions};
use super::speaks::{Answers, Sketch};

/// A route.
pub(crate) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// The handler as the compiler names it.
    pub(super) handler: &'static str,
    pub(super) describe: fn(&mut Sketch<'_>),
    /// Kinds of its body, where that is no JSON.
    pub(super) takes: &'static [&'static str],
}

/// All routes; their document is written when somebody asks for it.
pub(crate) struct Contract {
    operations: Vec<Operation>,
    document: OnceLock<Document>,
}

/// The document and the page that shows it.
pub(crate) struct Document {
    pub(crate) text: Bytes,
    pub(crate) tag: String,
    pub(crate) page: Bytes,
}

const ABOUT: &str = "Show a token (`Authorization: Bearer upl_…`) or the cookie of a login; a program on the box is known by the \
    unix socket. Each operation says which role it needs; a higher one may, too: viewer, operator, engineer, admin. Every command is answered when the engine has confirmed it, with what was asked and what happened. \
    What is no success is a problem (RFC 9457): match on its `code`, never on text. Every answer has an `X-Request-Id`. \
    A POST with an `Idempotency-Key` is carried out once within 24 hours; the same again gets the same answer, with \
    `Idempotent-Replayed: true`. Documents have an `ETag`: `If-None-Match` saves the transfer, `If-Match` keeps two people \
    from overwriting each other's work. Lists that grow are pages: `limit` and `cursor`, `next_cursor` and a `Link` to the \
    next one. The event stream holds the newest 2000 events for who comes back with `Last-Event-ID`; older ones are in the \
    timeline. What viewers would notice is confirmed: a 428 says what it would do and gives a token, and the same request \
    with `Confirm: <token>` does it; with `Confirm: ask` any request is only asked about. What is frozen answers 423, and with \
    `Override: <reason>` is done and recorded. Within v1, fields are only added: ignore those you do not know.";

impl Contract {
    pub(super) fn new(operations: Vec<Operation>) -> Self {
        Self { operations, document: OnceLock::new() }
    }

    pub(crate) fn document(&self) -> &Document {
        self.document.get_or_init(|| Document::of(&self.operations))
    }
}

impl Document {
    fn of(operations: &[Operation]) -> Self {
        let value = written(operations);
        let text = format!("{value:#}\n");
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..12]));
        let page = Bytes::from(rendered(&value));
        Self { text: Bytes::from(text), tag, page }
    }
}

fn written(operations: &[Operation]) -> Value {
    let (mut schemas, mut paths) = (Schemas::new(), json!({}));
    for operation in operations {
        let path = operation.path.replace("{*", "{");
        paths[path][operation.method] = Value::Object(described(operation, &mut schemas));
    }
    plain_descriptions(&mut paths);
    let all = schemas.settle(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Uplink", "version": "1", "description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {"schemas": all, "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "an API token"},
            "session": {"type": "apiKey", "in": "cookie", "name": "__Host-uplink", "description": "set by a login"},
        }},
    })
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut sketch = Sketch::new(schemas, operation.path);
    (operation.describe)(&mut sketch);
    // What stands before every handler refuses, too.
    Problem::describe(&mut sketch);
    if operation.method == "post" && operation.path.starts_with("/api/v1/") && sketch.repeats {
        sketch
            .takes_header("Idempotency-Key", "names this command: sent again with the same key, it is not done twice");
    }
    let row = tier_of(operation.method, operation.path);
    row.into_iter().for_each(|row| guarded(&mut sketch, row.tier, row.held));
    let mut found = sketch.operation;
    if let Some(row) = row {
        found.insert("x-tier".to_owned(), json!(row.tier.number()));
    }
    if !operation.takes.is_empty() {
        let each = operation.takes.iter().map(|kind| ((*kind).to_owned(), json!({"schema": true})));
        found.insert("requestBody".to_owned(), json!({"required": true, "content": each.collect::<Map<_, _>>()}));
    }
    let words: Vec<&str> = operation.handler.split("::").skip_while(|word| *word != "api").skip(1).collect();
    found.insert("operationId".to_owned(), json!(words.join("_")));
    found.insert("summary".to_owned(), json!(operation.summary));
    match needed(operation.method, operation.path) {
        Some(role) => found.insert("description".to_owned(), json!(format!("Needs the role {role}."))),
        None => found.insert("security".to_owned(), json!([])),
    };
    found.insert("tags".to_owned(), json!([words.first().unwrap_or(&"api")]));
    found
}

/// What guards make of it at worst.
fn guarded(sketch: &mut Sketch<'_>, tier: Tier, held: bool) {
    if tier.is_confirmed() {
        sketch.takes_header(CONFIRM.as_str(), "the token of the 428 before it, or `ask`");
    }
    if tier == Tier::Final {
        sketch.takes_header(CONFIRM_NAME.as_str(), "the name of what cannot be brought back");
    }
    if held {
        sketch.takes_header(OVERRIDE.as_str(), "why a freeze is overridden, percent-encoded or not");
        sketch.answers_header("200", OVERRIDDEN.as_str(), "`freeze`, if a freeze was overridden");
    }
}
