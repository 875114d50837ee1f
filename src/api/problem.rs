//! Problems (RFC 9457): the one place where a refusal becomes an HTTP answer. Machines match on `code`.

use std::num::NonZeroU32;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::codes;
use super::guards::{Tier, WITHIN};
use super::openapi::{Answers, Sketch};
use crate::model::{ChannelId, Freeze, GuestRefusal, WatchRefusal};
use crate::notify::NotifyRefusal;
use crate::policy::AlarmRefusal;
use crate::replay::{CatalogError, DeskError};
use crate::supervisor::Refusal;

/// RFC 9457 section 3.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// The body of every answer that is no success.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub(crate) struct Problem {
    /// `urn:uplink:problem:<code>`: a name, not an address, because the box may have no way out.
    #[serde(rename = "type")]
    kind: Box<str>,
    /// The code in words.
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schemars(with = "u16")]
    status: StatusCode,
    /// What happened and what to do, for people.
    detail: Box<str>,
    /// What machines match on.
    #[schemars(schema_with = "codes::schema")]
    code: &'static str,
    /// Whether the same request can succeed later without anybody changing anything.
    retryable: bool,
    /// When to ask again, seconds.
    #[serde(skip)]
    retry_after: Option<NonZeroU32>,
    #[serde(flatten)]
    of: Option<Box<OfRequest>>,
    /// What is behind it, where that is more than one thing.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: Box<[Fault]>,
    /// The freeze that holds it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Box<Freeze>>,
    /// What has to be confirmed, if that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Box<Confirmation>>,
}

/// What has to be confirmed, and how.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
struct Confirmation {
    /// To be sent as `Confirm` with the same request: good once, for this client.
    token: String,
    /// How long it is good.
    seconds: u64,
    /// By consequence: 2 what viewers notice, 3 what cannot be brought back (0 and 1 only if it was asked for).
    tier: u8,
    /// What it would do, one sentence.
    text: String,
    /// To be typed by a person and sent as `Confirm-Name`; none if a press is enough.
    name: Option<String>,
}

/// Which request it answers.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
struct OfRequest {
    /// The address that was asked.
    instance: String,
    /// The `X-Request-Id` of the answer.
    request_id: String,
}

/// The code of the problem that an answer is, for who writes down what was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

/// One of several faults behind a problem.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProblemFault")]
struct Fault {
    /// One sentence.
    detail: String,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// For the one place of another folder where refusals become answers (`api::access::problems`).
    pub(super) fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:uplink:problem:{code}").into();
        let retryable = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
        let retry_after = NonZeroU32::new(if status == StatusCode::SERVICE_UNAVAILABLE { 2 } else { 0 });
        let detail = detail.into().into();
        Self {
            kind,
            title,
            status,
            detail,
            code,
            retryable,
            retry_after,
            of: None,
            errors: Box::default(),
            frozen: None,
            confirm: None,
        }
    }

    /// Whether what was asked may come about yet.
    pub(super) fn is_open(&self) -> bool {
        self.status == StatusCode::GATEWAY_TIMEOUT
    }

    /// It can succeed after so many seconds.
    pub(super) fn after(self, seconds: u64) -> Self {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Self { retryable: true, retry_after: NonZeroU32::new(seconds), ..self }
    }

    /// The same, of this request.
    pub(crate) fn about(self, request_id: &str, instance: String) -> Self {
        Self { of: Some(Box::new(OfRequest { instance, request_id: request_id.to_owned() })), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What happened and what to do.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Says of an answer which problem it is.
    pub(super) fn mark(self, response: &mut Response) {
        response.extensions_mut().insert(Code(self.code));
        // Whoever knows the request adds its name.
        response.extensions_mut().insert(self);
    }

    fn errors(mut self, errors: impl IntoIterator<Item = String>) -> Self {
        self.errors = errors.into_iter().map(|detail| Fault { detail }).collect();
        self
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "No such resource", format!("there is nothing at {path}"))
    }

    pub(crate) fn method_not_allowed(method: &str, path: &str) -> Self {
        let detail = format!("{path} does not take {method}; the Allow header says what it takes");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", detail)
    }

    pub(crate) fn not_acceptable(path: &str, kinds: &[&str]) -> Self {
        let detail = format!("{path} answers with {}, and `Accept` allows neither that nor JSON", kinds.join(" or "));
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable", detail)
    }

    pub(crate) fn changed(what: &str) -> Self {
        let detail = format!("{what} is not what `If-Match` names any more: look at it again, then decide");
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "Changed meanwhile", detail)
    }

    pub(crate) fn is_there(what: &str) -> Self {
        let detail =
            format!("{what} is there already, and `If-None-Match` asks for a new one: look at it, or use another name");
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "Changed meanwhile", detail)
    }

    pub(crate) fn frozen(freeze: Freeze) -> Self {
        let detail =
            format!("{freeze}; in an emergency, the same with the header `Override: <reason>` is done and recorded");
        let problem = Self::new(StatusCode::LOCKED, "frozen", "Frozen", detail);
        Self { frozen: Some(Box::new(freeze)), ..problem }
    }

    /// `why` says what was wrong with the confirmation that came, if one did.
    pub(crate) fn unconfirmed(why: &str, tier: Tier, text: &str, name: Option<String>, token: String) -> Self {
        let seconds = WITHIN.as_secs();
        let named = if name.is_some() { " and its name as `Confirm-Name`" } else { "" };
        let detail =
            format!("{why}{text}; the same again with the header `Confirm: <token>`{named} within {seconds} s does it");
        let problem = Self::new(StatusCode::PRECONDITION_REQUIRED, "confirmation_required", "To be confirmed", detail);
        let confirm = Confirmation { token, seconds, tier: tier.number(), text: text.to_owned(), name };
        Self { confirm: Some(Box::new(confirm)), ..problem }
    }

    pub(crate) fn in_progress() -> Self {
        let detail = "the request with this `Idempotency-Key` is still being carried out: wait for its answer";
        Self::new(StatusCode::CONFLICT, "in_progress", "Still under way", detail)
    }

    pub(crate) fn key_reused() -> Self {
        let detail = "this `Idempotency-Key` was sent with another request: a new request needs a new key";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", "Key used before", detail)
    }

    pub(crate) fn unknown_channel(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_channel", "No such channel", format!("there is no channel `{id}`"))
    }

    pub(crate) fn unknown_button(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_button", "No such key", format!("there is no key `{id}`"))
    }

    pub(crate) fn no_picture(id: &ChannelId, why: &str) -> Self {
        let detail = format!("channel `{id}` has no confidence picture: {why}");
        Self::new(StatusCode::NOT_FOUND, "no_picture", "No confidence picture", detail)
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "Malformed request", detail)
    }

    pub(crate) fn not_json() -> Self {
        let detail = "the body must be sent as content-type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "Unsupported media type", detail)
    }

    pub(crate) fn not_sdp() -> Self {
        let detail = "the body must be sent as content-type: application/sdp";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_sdp", "Unsupported media type", detail)
    }

    pub(crate) fn no_key() -> Self {
        let detail = "publishing needs the key of the link, as `Authorization: Bearer …`";
        Self::new(StatusCode::UNAUTHORIZED, "no_key", "No key", detail)
    }

    pub(crate) fn guests_not_yet() -> Self {
        let detail = "the channel is off air: guests are admitted when it is on air";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "off_air", "Channel is off air", detail)
    }

    pub(crate) fn guest(why: GuestRefusal, detail: String) -> Self {
        let problem = |status, code, title| Self::new(status, code, title, detail.clone());
        match why {
            GuestRefusal::NoSuchSource => problem(StatusCode::NOT_FOUND, "unknown_source", "No such source"),
            GuestRefusal::WrongKey => problem(StatusCode::UNAUTHORIZED, "wrong_key", "Wrong key"),
            GuestRefusal::Occupied => problem(StatusCode::CONFLICT, "occupied", "Another guest is there"),
            GuestRefusal::BadOffer => problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_offer", "Offer not usable"),
            GuestRefusal::NoSuchSession => problem(StatusCode::NOT_FOUND, "unknown_session", "No such session"),
            GuestRefusal::Failed => problem(StatusCode::SERVICE_UNAVAILABLE, "engine_failed", "Not possible now"),
        }
    }

    pub(crate) fn watch(why: WatchRefusal, detail: String) -> Self {
        let problem = |status, code, title| Self::new(status, code, title, detail.clone());
        match why {
            WatchRefusal::NoRendition => problem(StatusCode::CONFLICT, "no_live_picture", "No live picture"),
            WatchRefusal::Full => problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_watchers", "Too many watch"),
            WatchRefusal::BadOffer => problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_offer", "Offer not usable"),
            WatchRefusal::NoSuchSession => problem(StatusCode::NOT_FOUND, "unknown_session", "No such session"),
            WatchRefusal::Failed => problem(StatusCode::SERVICE_UNAVAILABLE, "engine_failed", "Not possible now"),
        }
    }

    pub(crate) fn not_watching() -> Self {
        let detail = "there is no such session of yours: it has ended, or somebody else watches there";
        Self::new(StatusCode::NOT_FOUND, "unknown_session", "No such session", detail)
    }

    pub(crate) fn too_large(most: usize) -> Self {
        let detail = format!("{most} bytes are the most; a command is a few bytes of JSON");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Body too large", detail)
    }

    pub(crate) fn unknown_host(host: &str) -> Self {
        let detail = format!(
            "`{host}` is none of this box's names; use its address, its host name or localhost (this keeps pages of \
             other sites away, which could point a name of theirs at this box)"
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", "Not a name of this box", detail)
    }

    pub(crate) fn cross_site(from: &str) -> Self {
        let detail =
            format!("a page of another site ({from}) asked; commands are taken from the panel and from programs");
        Self::new(StatusCode::FORBIDDEN, "cross_site", "Request of another site", detail)
    }

    pub(crate) fn too_many_streams(limit: usize) -> Self {
        let detail = format!("{limit} event streams are open, no more are served; close a panel that nobody watches");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many event streams", detail)
    }

    pub(crate) fn not_alive() -> Self {
        let detail = "the supervisor has ended; channels on air stay on air, restart the daemon";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_alive", "Not alive", detail)
    }

    pub(crate) fn not_ready(reasons: Vec<String>) -> Self {
        let detail = format!("{} of what the daemon needs is not as it should be, each in `errors`", reasons.len());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Not ready", detail).errors(reasons)
    }

    pub(crate) fn no_image(name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_image", "No such image", format!("this box has no image `{name}`"))
    }

    pub(crate) fn bad_image(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_image", "Not an image that can be shown", detail)
    }

    pub(crate) fn unknown_recording(channel: &str, id: &str) -> Self {
        let detail = format!("channel `{channel}` has no recording `{id}`");
        Self::new(StatusCode::NOT_FOUND, "unknown_recording", "No such recording", detail)
    }

    pub(crate) fn no_file(path: &str) -> Self {
        let detail = format!("the recording has no file `{path}`");
        Self::new(StatusCode::NOT_FOUND, "no_file", "No such file", detail)
    }

    pub(crate) fn no_range(size: u64) -> Self {
        let detail = format!("the file has {size} bytes");
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "no_range", "No such range", detail)
    }

    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "busy", "Something else has to end first", detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let problem = |status, code, title| Self::new(status, code, title, detail.clone());
        match refusal {
            Refusal::UnknownChannel(_) => problem(StatusCode::NOT_FOUND, "unknown_channel", "No such channel"),
            Refusal::UnknownSource(..) => problem(StatusCode::UNPROCESSABLE_ENTITY, "unknown_source", "No such source"),
            Refusal::UnknownDestination(..) => {
                problem(StatusCode::UNPROCESSABLE_ENTITY, "unknown_destination", "No such destination")
            }
            Refusal::OffAir(_) => problem(StatusCode::CONFLICT, "off_air", "Channel is off air"),
            Refusal::PreviewChanged { .. } => {
                problem(StatusCode::CONFLICT, "preview_changed", "Something else is next")
            }
            Refusal::NotConfirmed { .. } => problem(StatusCode::GATEWAY_TIMEOUT, "not_confirmed", "Not confirmed"),
            Refusal::NoRoom { .. } | Refusal::NoRoomOnAir { .. } => {
                problem(StatusCode::CONFLICT, "no_room", "The box cannot carry it")
            }
            Refusal::Impossible(_) => problem(StatusCode::UNPROCESSABLE_ENTITY, "impossible", "Not possible"),
            Refusal::Failed(_) => problem(StatusCode::BAD_GATEWAY, "engine_failed", "The engine could not do it"),
            Refusal::FaultyConfiguration(faults) => {
                problem(StatusCode::UNPROCESSABLE_ENTITY, "faulty_configuration", "Faulty configuration").errors(faults)
            }
            Refusal::ShuttingDown => problem(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", "Shutting down"),
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        let detail = error.to_string();
        let problem = |status, code, title| Self::new(status, code, title, detail.clone());
        match error {
            DeskError::Catalog(CatalogError::Unknown(..)) => {
                problem(StatusCode::NOT_FOUND, "unknown_recording", "No such recording")
            }
            DeskError::Catalog(CatalogError::NoFile(_)) => problem(StatusCode::NOT_FOUND, "no_file", "No such file"),
            DeskError::Catalog(CatalogError::Busy(_)) | DeskError::Busy(_) => {
                problem(StatusCode::CONFLICT, "busy", "Something else has to end first")
            }
            DeskError::Catalog(CatalogError::Protected(_)) => {
                problem(StatusCode::CONFLICT, "protected", "Recording is protected")
            }
            DeskError::Catalog(CatalogError::Unreadable { .. }) => {
                problem(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", "Recording cannot be read or written")
            }
            DeskError::Impossible(_) => problem(StatusCode::UNPROCESSABLE_ENTITY, "impossible", "Not possible"),
            DeskError::UnknownJob(_) => problem(StatusCode::NOT_FOUND, "unknown_job", "No such job"),
        }
    }
}

impl From<AlarmRefusal> for Problem {
    fn from(refusal: AlarmRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            AlarmRefusal::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "unknown_alarm", "No such alarm", detail),
            AlarmRefusal::TooLong(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_long", "Too long to be shelved", detail)
            }
        }
    }
}

impl From<NotifyRefusal> for Problem {
    fn from(refusal: NotifyRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            NotifyRefusal::Unknown(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_receiver", "Nobody of that name is told", detail)
            }
            NotifyRefusal::Failed(_) => Self::new(StatusCode::BAD_GATEWAY, "not_delivered", "Not delivered", detail),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "Body too large",
                "a command is a few bytes of JSON, an image at most two megabytes",
            ),
            _ => Self::malformed("the body could not be read"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(&self)).into_response();
        self.mark(&mut response);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2. No browser shows a dialog for this scheme.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.get()));
        }
        response
    }
}

impl Answers for Problem {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<Self>();
        sketch.answers("default", "a problem (RFC 9457)", &[CONTENT_TYPE], &schema);
    }
}
