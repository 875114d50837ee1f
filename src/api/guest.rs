//! Guests: the page that asks for camera and microphone, and the WHIP endpoint it publishes to (RFC 9725).
//!
//! The key stands behind the `#` of the link, so browsers never send it with an address and no log has it; it comes as a
//! bearer token. Whether it is right the worker decides. Trickle ICE and ICE restart are not supported (section 4.3.1):
//! PATCH is answered by 405.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::{Kinds, Media};
use super::panel::served;
use super::problem::Problem;
use super::routes::Api;
use crate::model::{Act, ChannelId, GuestAnswer, GuestAsk, Secret, SourceId};
use crate::supervisor::Command;

/// Largest session description, bytes. Browsers write 5 to 20 KiB.
pub(crate) const SDP: usize = 64 * 1024;

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: &[(&str, &str, &str)] = &[
    ("guest.css", "text/css; charset=utf-8", include_str!("../../web-ui/guest/guest.css")),
    ("guest.js", SCRIPT, include_str!("../../web-ui/guest/guest.js")),
    ("session.js", SCRIPT, include_str!("../../web-ui/guest/session.js")),
    ("words.js", SCRIPT, include_str!("../../web-ui/guest/words.js")),
];

/// `GET /guest/{channel}/{source}`: the same page for all, it reads its own address. What does not exist it learns when
/// it publishes, with the key: without one, nobody learns here what this box has.
pub(crate) async fn page(Path(_): Path<(String, String)>) -> Response {
    let mut response = served("text/html; charset=utf-8", include_str!("../../web-ui/guest/index.html"));
    let allowed = HeaderValue::from_static("camera=(self), microphone=(self)");
    response.headers_mut().insert("permissions-policy", allowed);
    response
}

/// `GET /guest-page/{file}`.
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, kind, text)) => Ok(served(kind, text)),
        None => Err(Problem::not_found(&format!("/guest-page/{name}"))),
    }
}

/// A session description.
pub(crate) struct Sdp;

impl Kinds for Sdp {
    const KINDS: &'static [&'static str] = &["application/sdp"];
    const STATUSES: &'static [(&'static str, &'static str)] = &[("201", "admitted; `Location` is the session")];
}

/// No body.
pub(crate) struct Nothing;

impl Kinds for Nothing {
    const KINDS: &'static [&'static str] = &[];
}

/// `POST /whip/{channel}/{source}`: publishes. 201 with the answer, `Location` of the session and `ETag`.
pub(crate) async fn publish(
    State(api): State<Api>,
    Path((channel, source)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Media<Sdp>, Problem> {
    let key = key(&headers)?;
    let sdp = session_description(&headers, body)?;
    let (channel, source) = place(&channel, &source)?;
    let ask = GuestAsk::Offer { source: source.clone(), key, sdp };
    match ask_guest(&api, &channel, ask).await? {
        GuestAnswer::Admitted { session, sdp } => {
            let headers = [
                (header::CONTENT_TYPE, "application/sdp".to_owned()),
                (header::LOCATION, format!("/whip/{channel}/{source}/{session}")),
                (header::ETAG, format!("\"{session}\"")),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            Ok((StatusCode::CREATED, headers, sdp).into_response().into())
        }
        GuestAnswer::Refused { why, text } => Err(Problem::guest(why, text)),
        GuestAnswer::Left => Err(Problem::internal("the worker answered something else")),
    }
}

/// `DELETE /whip/{channel}/{source}/{session}`: ends a session.
pub(crate) async fn leave(
    State(api): State<Api>,
    Path((channel, source, session)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Media<Nothing>, Problem> {
    let key = key(&headers)?;
    let (channel, source) = place(&channel, &source)?;
    match ask_guest(&api, &channel, GuestAsk::Leave { source, key, session }).await? {
        GuestAnswer::Left => Ok(StatusCode::OK.into_response().into()),
        GuestAnswer::Refused { why, text } => Err(Problem::guest(why, text)),
        GuestAnswer::Admitted { .. } => Err(Problem::internal("the worker answered something else")),
    }
}

/// RFC 6750 section 2.1.
fn key(headers: &HeaderMap) -> Result<Secret, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.map(|(_, token)| Secret::new(token.trim())).ok_or_else(Problem::no_key)
}

fn place(channel: &str, source: &str) -> Result<(ChannelId, SourceId), Problem> {
    let unknown = || Problem::not_found(&format!("/whip/{channel}/{source}"));
    Ok((ChannelId::new(channel).map_err(|_| unknown())?, SourceId::new(source).map_err(|_| unknown())?))
}

/// The body of an offer.
pub(crate) fn session_description(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<String, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/sdp") {
        return Err(Problem::not_sdp());
    }
    String::from_utf8(body?.to_vec()).map_err(|_| Problem::malformed("the session description is no text"))
}

async fn ask_guest(api: &Api, channel: &ChannelId, ask: GuestAsk) -> Result<GuestAnswer, Problem> {
    ask_worker(api, channel, Act::Guest { ask: Box::new(ask) }).await.map_err(|problem| match problem.code() {
        // For a guest that is the same as a channel that is not there yet: the page waits.
        "off_air" => Problem::guests_not_yet(),
        _ => problem,
    })
}

/// Has the worker of the channel answer a browser.
pub(crate) async fn ask_worker<A: serde::de::DeserializeOwned>(
    api: &Api,
    channel: &ChannelId,
    act: Act,
) -> Result<A, Problem> {
    let outcome = api.handle.ask(Command::Act(channel.clone(), act)).await?;
    let detail = outcome.acted.and_then(|acted| acted.detail);
    detail
        .and_then(|detail| serde_json::from_value(detail).ok())
        .ok_or_else(|| Problem::internal("the worker did not say what came of it"))
}
