//! A guest's browser that publishes to a source (WHIP, RFC 9725): what the worker is asked, and what it answers.

use serde::{Deserialize, Serialize};

use super::{Secret, SourceId};

/// What is asked of the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum GuestAsk {
    /// Somebody offers to publish.
    Offer {
        /// To which source.
        source: SourceId,
        /// The key that was shown.
        key: Secret,
        /// Session description (SDP).
        sdp: String,
    },
    /// A guest leaves.
    Leave {
        /// Which source.
        source: SourceId,
        /// The key that was shown.
        key: Secret,
        /// The session, as [`GuestAnswer::Admitted`] named it.
        session: String,
    },
}

/// What the worker answers, as `detail` of its [`super::Acted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum GuestAnswer {
    /// The guest may send.
    Admitted {
        /// Names the session.
        session: String,
        /// Session description (SDP).
        sdp: String,
    },
    /// The session has ended.
    Left,
    /// It was not admitted.
    Refused {
        /// Why.
        why: GuestRefusal,
        /// One sentence.
        text: String,
    },
}

/// Why somebody was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestRefusal {
    /// The source is none that guests publish to.
    NoSuchSource,
    /// The key is wrong.
    WrongKey,
    /// Another guest is there.
    Occupied,
    /// The session description is none, or has nothing that can be received.
    BadOffer,
    /// There is no such session any more.
    NoSuchSession,
    /// The engine could not answer.
    Failed,
}

/// A server that relays between guest and box where neither reaches the other (TURN, RFC 8656).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnServer {
    /// `host:port`.
    pub address: String,
    /// The user it knows the box as.
    pub user: String,
    /// That user's password.
    pub password: Secret,
}
