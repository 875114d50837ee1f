//! Somebody who watches the program live (WHEP, draft-ietf-wish-whep): what the worker is asked, and what it answers.

use serde::{Deserialize, Serialize};

/// What is asked of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum WatchAsk {
    /// Somebody wants to watch.
    Offer {
        /// Session description (SDP).
        sdp: String,
    },
    /// Who watches still may. A session that is not kept for a while ends: nobody could end it otherwise when the daemon is
    /// gone.
    Keep {
        /// The session, as [`WatchAnswer::Admitted`] named it.
        session: String,
    },
    /// Somebody has watched enough, or may no longer.
    Leave {
        /// The same.
        session: String,
    },
}

/// What the worker answers, as `detail` of its [`super::Acted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum WatchAnswer {
    /// Media are on their way.
    Admitted {
        /// Names the session.
        session: String,
        /// Session description (SDP).
        sdp: String,
    },
    /// The session goes on.
    Kept,
    /// The session has ended.
    Left,
    /// Nothing of the sort.
    Refused {
        /// Why.
        why: WatchRefusal,
        /// One sentence.
        text: String,
    },
}

/// Why somebody cannot watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchRefusal {
    /// The channel has no rendition that browsers take.
    NoRendition,
    /// As many watch as may.
    Full,
    /// The session description is none, or wants nothing that can be sent.
    BadOffer,
    /// There is no such session any more.
    NoSuchSession,
    /// The engine could not answer.
    Failed,
}
