//! `Idempotency-Key`: a command that was sent twice is carried out once.
//!
//! ```text
//!   first ──▶ running ──(the answer)──▶ kept for 24 h, per caller, key and run of the daemon
//!   same again: while it runs 409, afterwards the first answer with `Idempotent-Replayed: true`
//!   same key, other request: 422
//! ```
//!
//! A command that was begun is carried through although its client has gone: that is when the answer is asked for again.
//! Answers that say "try again" (5xx), or that a guard gives (423, 428), are not kept. Kept in memory: commands set states, so
//! that after a restart of the daemon a repeated one changes nothing either. Whoever is known by nothing yet has no keys: what
//! a login answers is for one, and once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::guard::largest;
use super::problem::Problem;
use super::routes::Api;
use crate::access::{By, Caller};

/// The header that names a command.
pub(crate) const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Answers that are kept; the oldest goes first.
const MOST: usize = 1_000;
/// Largest answer that is kept, bytes.
const LARGEST: usize = 64 * 1024;
/// Longest key.
const LONGEST: usize = 128;

pub(super) type Print = [u8; 32];

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    problem: Option<Problem>,
}

struct Entry {
    request: Print,
    since: Instant,
    /// None while it is carried out.
    answer: Option<Answer>,
}

/// What was asked with a key, and answered.
#[derive(Clone, Default)]
pub(crate) struct Again(Arc<Mutex<HashMap<Print, Entry>>>);

impl Again {
    fn lock(&self) -> MutexGuard<'_, HashMap<Print, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None if it is to be carried out now.
    fn begin(&self, key: Print, request: Print) -> Result<Option<Answer>, Problem> {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.answer.is_none() || entry.since.elapsed() < KEPT);
        match entries.get(&key) {
            Some(entry) if entry.request != request => return Err(Problem::key_reused()),
            Some(Entry { answer: Some(answer), .. }) => return Ok(Some(answer.clone())),
            Some(_) => return Err(Problem::in_progress()),
            None => {}
        }
        if entries.len() >= MOST {
            let done = entries.iter().filter(|(_, entry)| entry.answer.is_some());
            let oldest = done.min_by_key(|(_, entry)| entry.since).map(|(key, _)| *key);
            oldest.and_then(|key| entries.remove(&key));
        }
        entries.insert(key, Entry { request, since: Instant::now(), answer: None });
        Ok(None)
    }

    fn end(&self, key: Print, answer: Option<Answer>) {
        let mut entries = self.lock();
        match answer {
            Some(answer) => {
                if let Some(entry) = entries.get_mut(&key) {
                    entry.answer = Some(answer);
                }
            }
            None => drop(entries.remove(&key)),
        }
    }
}

/// A command under way: forgotten if it comes to no answer.
struct Turn {
    again: Again,
    key: Print,
    answer: Option<Answer>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.again.end(self.key, self.answer.take());
    }
}

/// Carries a POST with a key out once.
pub(crate) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    let command = *request.method() == Method::POST && request.uri().path().starts_with("/api/v1/");
    let caller = request.extensions().get::<Caller>().filter(|_| command).map(principal);
    match request.headers().get(KEY).cloned().zip(caller) {
        Some((key, caller)) => {
            let answer = keyed(&api.again, &caller, &key, request, next).await;
            answer.unwrap_or_else(IntoResponse::into_response)
        }
        None => next.run(request).await,
    }
}

/// Whose keys they are: a user's in all sessions, a token's, those of a user of this box.
fn principal(caller: &Caller) -> String {
    let id = match &caller.by {
        By::Token { id, .. } => id,
        By::Open | By::Session(_) | By::Socket | By::Osc => &caller.name,
    };
    format!("{} {id}", caller.by.as_str())
}

async fn keyed(
    again: &Again,
    caller: &str,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let text = key.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST {
        return Err(Problem::malformed(format!("an `Idempotency-Key` has 1 to {LONGEST} plain characters")));
    }
    let (parts, body) = request.into_parts();
    let most = largest(parts.uri.path());
    let body = axum::body::to_bytes(body, most).await.map_err(|_| Problem::too_large(most))?;
    let address = parts.uri.to_string();
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let key = print(&[caller.as_bytes(), text.as_bytes()]);
    if let Some(answer) = again.begin(key, print(&[address.as_bytes(), kind, &body]))? {
        return Ok(replayed(answer));
    }
    let mut turn = Turn { again: again.clone(), key, answer: None };
    let request = Request::from_parts(parts, Body::from(body));
    let carried = tokio::spawn(async move {
        let (response, answer) = kept(next.run(request).await).await;
        turn.answer = answer;
        drop(turn);
        response
    });
    carried.await.map_err(|error| Problem::internal(error.to_string()))
}

/// The answer, and what is kept of it.
async fn kept(mut response: Response) -> (Response, Option<Answer>) {
    let problem = response.extensions_mut().remove::<Problem>();
    let (parts, body) = response.into_parts();
    // Commands answer with a few bytes; what is not one of those passes by.
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return (Problem::internal("the answer to a command is larger than any").into_response(), None);
    };
    let answer = Answer { status: parts.status, headers: parts.headers.clone(), body: body.clone(), problem };
    let mut response = Response::from_parts(parts, Body::from(body));
    if let Some(problem) = answer.problem.clone() {
        response.extensions_mut().insert(problem);
    }
    // Held by a guard: the same request may pass it later.
    let guarded = matches!(answer.status, StatusCode::LOCKED | StatusCode::PRECONDITION_REQUIRED);
    let keep = !answer.status.is_server_error() && !guarded;
    (response, keep.then_some(answer))
}

fn replayed(answer: Answer) -> Response {
    let mut response = (answer.status, answer.headers, answer.body).into_response();
    if let Some(problem) = answer.problem {
        problem.mark(&mut response);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Of parts that cannot run into each other.
pub(super) fn print(parts: &[&[u8]]) -> Print {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new(), problem: None }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_for_a_day_and_not_without_end() {
        let again = Again::default();
        let key = |n: usize| print(&[&n.to_be_bytes()]);
        for n in 0..MOST + 5 {
            assert!(again.begin(key(n), key(0)).unwrap().is_none());
            again.end(key(n), Some(answer()));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(again.lock().len(), MOST);
        assert!(again.begin(key(4), key(0)).unwrap().is_none(), "the oldest went");
        again.end(key(4), None);
        assert!(again.begin(key(500), key(0)).unwrap().is_some());
        assert!(again.begin(key(500), key(1)).is_err());
        tokio::time::advance(KEPT).await;
        assert!(again.begin(key(500), key(1)).unwrap().is_none(), "a day later it is new");
    }

    #[test]
    fn what_came_to_nothing_is_forgotten() {
        let again = Again::default();
        let key = print(&[b"a", b"bc"]);
        assert_ne!(key, print(&[b"ab", b"c"]));
        assert!(again.begin(key, key).unwrap().is_none());
        assert!(again.begin(key, key).is_err(), "it is under way");
        drop(Turn { again: again.clone(), key, answer: None });
        assert!(again.begin(key, key).unwrap().is_none());
    }
}
