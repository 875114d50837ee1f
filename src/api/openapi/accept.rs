//! What a client will take (`Accept`) against what an operation answers with, before anything is carried out.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::problem::Problem;
use super::schemas::Schemas;
use super::speaks::Sketch;

/// Kinds of an operation's answers; known when the first client is particular.
#[derive(Clone)]
pub(super) struct Kinds {
    describe: fn(&mut Sketch<'_>),
    known: Arc<OnceLock<Vec<String>>>,
}

impl Kinds {
    pub(super) fn of(describe: fn(&mut Sketch<'_>)) -> Self {
        Self { describe, known: Arc::default() }
    }

    fn known(&self) -> &[String] {
        self.known.get_or_init(|| {
            let mut schemas = Schemas::new();
            let mut sketch = Sketch::new(&mut schemas, "");
            (self.describe)(&mut sketch);
            let answers = sketch.operation.get("responses").and_then(Value::as_object).into_iter().flatten();
            let kinds = answers.filter_map(|(_, answer)| answer["content"].as_object());
            kinds.flat_map(|kinds| kinds.keys().cloned()).collect()
        })
    }
}

/// Refuses with 406 what could not be answered.
pub(super) async fn check(State(kinds): State<Kinds>, request: Request, next: Next) -> Response {
    let lists = request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let anything = accept.is_empty() || accept.iter().any(|range| range.starts_with("*/*") && !never(range));
    if anything || kinds.known().iter().any(|kind| accept.iter().any(|range| takes(range, kind))) {
        return next.run(request).await;
    }
    let kinds: Vec<&str> = kinds.known().iter().map(String::as_str).collect();
    Problem::not_acceptable(request.uri().path(), &kinds).into_response()
}

fn takes(range: &str, kind: &str) -> bool {
    let name = range.split(';').next().unwrap_or_default().trim();
    let family = name.strip_suffix("/*").zip(kind.split_once('/')).is_some_and(|(all, (family, _))| all == family);
    (family || name.eq_ignore_ascii_case(kind)) && !never(range)
}

/// `;q=0`.
fn never(range: &str) -> bool {
    let weight = range.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q="));
    weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_kinds() {
        for good in ["application/json", "application/*", "application/json;q=0.5", "Application/JSON"] {
            assert!(takes(good, "application/json"), "{good}");
        }
        for bad in ["text/html", "image/*", "application/json;q=0", "application/xml", ""] {
            assert!(!takes(bad, "application/json"), "{bad}");
        }
    }
}
