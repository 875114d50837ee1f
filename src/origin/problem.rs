//! Everything the origin says no with, and its HTTP form (RFC 9457). The one place where a reason becomes a status.

use std::io;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::name::NameFault;
use super::ticket::TicketFault;
use crate::model::ChannelId;
use crate::model::pair::LEASE_HEADER;

/// A refusal. The message says what is wrong, with whom, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    Name(NameFault),
    #[error("{0}")]
    NoSuchName(NameFault),
    #[error("{0}: ask as the playlist's EXT-X-SERVER-CONTROL allows")]
    Directive(&'static str),
    #[error("what was asked for did not come within {} s: the channel may be off air", .0.as_secs())]
    NotInTime(Duration),
    #[error("there is no such object: it was never pushed, or its time is over")]
    NotFound,
    #[error("this origin has no page of that name")]
    NoPage,
    #[error("a push needs `Authorization: Bearer <token>`: give the destination its token")]
    NoToken,
    #[error("the token is not one of this origin's: compare the destination's token with the origin's token file")]
    WrongToken,
    #[error("the token is that of another channel, not of `{0}`")]
    OtherChannel(ChannelId),
    #[error("{0}")]
    Ticket(#[from] TicketFault),
    #[error("the object is larger than this origin takes ({limit} bytes): see `[limits]` in its configuration")]
    TooLarge { limit: u64 },
    #[error("another box has the lease of this channel ({holder}, token {token}): what was sent is not stored")]
    LeaseOver { token: u64, holder: String },
    #[error("there is such an object already, and it is not to be replaced")]
    There,
    #[error("the body asks for no lease: {0}")]
    Claim(String),
    #[error("the body is empty")]
    Empty,
    #[error("the body is no playlist: it must be UTF-8 text that begins with #EXTM3U")]
    NotAPlaylist,
    #[error("no byte arrived for {} s: the upload was given up", .0.as_secs_f32())]
    Stalled(Duration),
    #[error("the upload took longer than {} s and was given up", .0.as_secs_f32())]
    Late(Duration),
    #[error("the upload broke off; nothing was stored: {0}")]
    BrokenOff(String),
    #[error("the origin already holds {0} channels: delete one, or raise `limits.channels`")]
    TooManyChannels(usize),
    #[error("the channel already has {0} renditions: delete one, or raise `limits.renditions`")]
    TooManyRenditions(usize),
    #[error(
        "the channel holds {0} bytes that its playlists still name: raise `retention.max_bytes`, or shorten its playlists"
    )]
    ChannelFull(u64),
    #[error("what is live under that name is something else: send it")]
    OtherBytes,
    #[error("the channel's recordings have their {0} bytes: delete some, or raise `retention.recordings_max_bytes`")]
    RecordingsFull(u64),
    #[error("the origin's disk is full: free space below its state directory")]
    DiskFull,
    #[error("the origin cannot use its state directory: {0}")]
    Storage(io::Error),
    #[error("the range lies outside of the object ({size} bytes)")]
    Range { size: u64 },
}

impl Problem {
    /// A disk error, told apart by what the technician can do about it.
    pub(crate) fn storage(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Storage(error),
        }
    }

    /// The status, and a short name for it in metrics.
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Name(_) => (StatusCode::BAD_REQUEST, "name"),
            Self::Directive(_) => (StatusCode::BAD_REQUEST, "directive"),
            Self::NotInTime(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-in-time"),
            Self::Empty => (StatusCode::BAD_REQUEST, "empty"),
            Self::NotAPlaylist => (StatusCode::BAD_REQUEST, "not-a-playlist"),
            Self::BrokenOff(_) => (StatusCode::BAD_REQUEST, "broken-off"),
            Self::NotFound | Self::NoPage | Self::NoSuchName(_) => (StatusCode::NOT_FOUND, "not-found"),
            Self::LeaseOver { .. } => (StatusCode::PRECONDITION_FAILED, "lease-over"),
            Self::There => (StatusCode::PRECONDITION_FAILED, "there"),
            Self::Claim(_) => (StatusCode::BAD_REQUEST, "claim"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no-token"),
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "wrong-token"),
            Self::OtherChannel(_) => (StatusCode::FORBIDDEN, "other-channel"),
            Self::Ticket(TicketFault::Missing) => (StatusCode::FORBIDDEN, "no-ticket"),
            Self::Ticket(TicketFault::Wrong) => (StatusCode::FORBIDDEN, "wrong-ticket"),
            Self::Ticket(TicketFault::Expired) => (StatusCode::FORBIDDEN, "ticket-expired"),
            Self::Ticket(TicketFault::TooLong) => (StatusCode::FORBIDDEN, "ticket-too-long"),
            // 403 and not 507: a push that is told 403 does not retry, and a retry cannot heal a quota.
            Self::TooManyChannels(_) => (StatusCode::FORBIDDEN, "channels"),
            Self::TooManyRenditions(_) => (StatusCode::FORBIDDEN, "renditions"),
            Self::OtherBytes => (StatusCode::CONFLICT, "other-bytes"),
            Self::RecordingsFull(_) => (StatusCode::FORBIDDEN, "recordings-full"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::Stalled(_) => (StatusCode::REQUEST_TIMEOUT, "stalled"),
            Self::Late(_) => (StatusCode::REQUEST_TIMEOUT, "late"),
            Self::ChannelFull(_) => (StatusCode::INSUFFICIENT_STORAGE, "channel-full"),
            Self::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk-full"),
            Self::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "storage"),
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "range"),
        }
    }

    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => Some("Bearer realm=\"uplink-origin\""),
            Self::WrongToken => Some("Bearer realm=\"uplink-origin\", error=\"invalid_token\""),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, reason) = self.status();
        let body = serde_json::json!({
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "reason": reason,
            "detail": self.to_string(),
        });
        let mut response = (status, format!("{body}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // A missing segment may appear at any moment: a cache must not hold on to its absence (rfc8216bis 6.3).
        let keep = if status == StatusCode::NOT_FOUND { "max-age=1" } else { "no-store" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Self::LeaseOver { token, .. } = &self {
            headers.insert(LEASE_HEADER, HeaderValue::from(*token));
        }
        if let Self::Range { size } = self
            && let Ok(value) = HeaderValue::try_from(format!("bytes */{size}"))
        {
            headers.insert(header::CONTENT_RANGE, value);
        }
        response
    }
}
