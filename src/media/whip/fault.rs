//! What went wrong with a WHIP endpoint, and what is done about it.

use std::time::Duration;

use crate::model::{Fault, NoToken};

/// When it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Soon, with backoff.
    Retry,
    /// Not before this time, as the server asks.
    After(Duration),
    /// Seldom: only a person can mend it, perhaps at the server.
    Slowly,
    /// Not at all: the same request would be refused for ever.
    Never,
}

/// A failure with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) remedy: Remedy,
    pub(super) fault: Fault,
    /// What happened, one sentence without a full stop.
    pub(super) text: String,
    /// What to do about it, the same.
    pub(super) hint: &'static str,
}

/// How a request failed before there was an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Resolve,
    Connect,
    Tls,
    Broken,
}

impl Verdict {
    pub(super) fn new(remedy: Remedy, fault: Fault, text: impl Into<String>, hint: &'static str) -> Self {
        Self { remedy, fault, text: text.into(), hint }
    }

    /// The endpoint or the network to it; tried again with backoff.
    pub(super) fn lost(text: impl Into<String>) -> Self {
        Self::new(Remedy::Retry, Fault::Destination, text, "check the endpoint's log and the network between")
    }

    /// This box cannot build its side.
    pub(super) fn unbuildable(text: impl Into<String>) -> Self {
        let hint = "check that gstreamer1.0-plugins-bad and gstreamer1.0-nice are installed, and the worker's log";
        Self::new(Remedy::Retry, Fault::Internal, text, hint)
    }

    /// Somebody has to correct the configuration, or what it names.
    pub(super) fn set_up(text: impl Into<String>) -> Self {
        Self::new(Remedy::Slowly, Fault::Configuration, text, "correct the destination's keys, or the files they name")
    }

    /// There is no token to make a request with.
    pub(super) fn without_token(trouble: NoToken) -> Self {
        let text = format!("there is no valid token for the WHIP endpoint: {}", trouble.text);
        let (remedy, fault, hint) = match trouble.heals {
            true => (Remedy::Retry, Fault::Destination, "check that the token endpoint runs, and the network between"),
            false => (Remedy::Slowly, Fault::Configuration, "correct the source of the destination's token"),
        };
        Self::new(remedy, fault, text, hint)
    }

    /// No answer came.
    pub(super) fn unanswered(trouble: Trouble, cause: &str) -> Self {
        let (remedy, text, hint) = match trouble {
            Trouble::Resolve => (
                Remedy::Retry,
                "the WHIP endpoint's name does not resolve",
                "check the host name in the destination's url, and the DNS servers of this box",
            ),
            Trouble::Connect => (
                Remedy::Retry,
                "no connection to the WHIP endpoint",
                "check that it runs and listens, and the network between",
            ),
            Trouble::Tls => (
                Remedy::Slowly,
                "TLS with the WHIP endpoint failed",
                "check its certificate, the trusted roots and the clock of this box",
            ),
            Trouble::Broken => {
                (Remedy::Retry, "the WHIP endpoint stopped answering", "check its load and the network between")
            }
        };
        Self::new(remedy, Fault::Destination, format!("{text}: {cause}"), hint)
    }

    /// The offer was answered with something else than 201 Created.
    pub(super) fn refused(status: u16, wait: Option<Duration>) -> Self {
        use Remedy::{Never, Retry, Slowly};
        let (remedy, what, hint) = match status {
            401 => (Slowly, "refuses the token", "compare the destination's token with the one that it expects"),
            403 => (Slowly, "forbids this publication", "check the token, and what it may do at the endpoint"),
            404 | 410 => (Slowly, "does not know this address", "check the path in the destination's url"),
            405 | 501 => (Never, "takes no offers here", "check that the url is that of a WHIP endpoint"),
            406 | 415 => (Never, "does not take session descriptions", "check that the url is that of a WHIP endpoint"),
            400 | 422 => {
                (Never, "does not accept the offer", "check the endpoint's log, its codecs and the rendition's profile")
            }
            408 | 425 | 429 => (Retry, "asks to wait", "check its limits of requests"),
            409 => (Retry, "says that this stream is being published", "check who else publishes with this key"),
            300..=399 => (Slowly, "redirects to nowhere", "write the final address into the destination's url"),
            200..=299 => (Slowly, "does not answer as WHIP wants (RFC 9725, 4.2)", "check the endpoint's software"),
            500..=599 => (Retry, "has a fault of its own", "check its log"),
            _ => (Never, "refuses the offer", "check the endpoint's log and the destination's url"),
        };
        let remedy = match (remedy, wait) {
            (Retry, Some(wait)) => Remedy::After(wait),
            (remedy, _) => remedy,
        };
        Self::new(remedy, Fault::Destination, format!("the WHIP endpoint {what} (HTTP {status})"), hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_heal_is_not_retried() {
        for (status, remedy) in [
            (400, Remedy::Never),
            (401, Remedy::Slowly),
            (403, Remedy::Slowly),
            (404, Remedy::Slowly),
            (405, Remedy::Never),
            (409, Remedy::Retry),
            (415, Remedy::Never),
            (500, Remedy::Retry),
            (503, Remedy::Retry),
        ] {
            let verdict = Verdict::refused(status, None);
            assert_eq!(verdict.remedy, remedy, "{status}");
            assert!(verdict.text.contains(&status.to_string()) && verdict.fault == Fault::Destination);
        }
    }

    #[test]
    fn the_server_says_how_long_to_wait() {
        let wait = Duration::from_secs(7);
        assert_eq!(Verdict::refused(503, Some(wait)).remedy, Remedy::After(wait));
        assert_eq!(Verdict::refused(403, Some(wait)).remedy, Remedy::Slowly);
    }
}
