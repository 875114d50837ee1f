//! Whether an HTTP request that failed is sent again, and whose fault it is.
//!
//! The rules are those of DASH-IF Live Media Ingest (section "HTTP connections and error handling") as `design.md` states
//! them: 400 and 403 are not retried, 401 refreshes the token first, what may heal by itself is retried with backoff.
//! A status that names a mistake in the address or the set-up (a redirect, 404) is retried slowly: a technician may
//! mend it, and until then the segments wait in the spool instead of being lost.

use crate::model::Fault;

/// How a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFailure {
    /// An answer, but not 2xx.
    Status(u16),
    /// The name did not resolve.
    Resolve(String),
    /// No connection: refused, unreachable, or no answer in time.
    Connect(String),
    /// TLS could not be agreed on, or the certificate is not to be trusted.
    Tls(String),
    /// Connected, but no progress in time.
    Stalled(String),
    /// The connection broke before the answer was complete.
    Broken(String),
    /// A bucket does not accept what the request was signed with; the bucket's word for it.
    Credentials(String),
    /// Another box has the lease of the channel.
    Fenced,
    /// There is no token to send it with.
    NoToken {
        /// What happened.
        cause: String,
        /// Who has to see to it.
        vouching: Vouching,
    },
    /// There is no content key to encrypt it with, or none that players could fetch.
    NoKey {
        /// What happened.
        cause: String,
        /// Who has to see to it.
        vouching: Vouching,
    },
}

/// Why the source of a token or a content key gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouching {
    /// It is away, and will be back.
    Away,
    /// It refuses, or is not what it should be: somebody has to correct that.
    SetUp,
}

/// What to do with the object that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryDecision {
    /// Send it again, with backoff.
    Retry,
    /// Send it again, but seldom: only a person can mend this.
    RetrySlowly,
    /// Read the token anew, then as [`RetryDecision::RetrySlowly`].
    RefreshTokenThenRetry,
    /// Never send this object again.
    Never,
}

/// A decision with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub decision: RetryDecision,
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened, one sentence without a full stop.
    pub text: String,
    /// What to do about it, one sentence without a full stop.
    pub hint: &'static str,
}

/// Judges a failed PUT, POST or DELETE.
pub fn judge(failure: &HttpFailure) -> Verdict {
    use RetryDecision::{Retry, RetrySlowly};
    let (decision, text, hint) = match failure {
        HttpFailure::Status(status) => return judge_status(*status),
        HttpFailure::Resolve(cause) => (
            Retry,
            format!("the origin's name does not resolve: {cause}"),
            "check the host name in the destination's url, and the DNS servers of this box",
        ),
        HttpFailure::Connect(cause) => (
            Retry,
            format!("no connection to the origin: {cause}"),
            "check that the origin runs and listens, and the network between",
        ),
        HttpFailure::Tls(cause) => (
            RetrySlowly,
            format!("TLS with the origin failed: {cause}"),
            "check the origin's certificate, the trusted roots and the clock of this box",
        ),
        HttpFailure::Stalled(cause) => {
            (Retry, format!("the origin stopped answering: {cause}"), "check the origin's load and the network between")
        }
        HttpFailure::Credentials(word) => (
            RetryDecision::RefreshTokenThenRetry,
            format!("the bucket does not accept the credentials: {word}"),
            "compare key, region and rights with what the bucket expects, and check the clock of this box",
        ),
        HttpFailure::Fenced => {
            return Verdict {
                decision: RetrySlowly,
                fault: Fault::Configuration,
                text: "another box has the lease of this channel at the origin".to_owned(),
                hint: "give both boxes `pair` in this destination, or take one off air",
            };
        }
        HttpFailure::NoToken { cause, vouching: Vouching::Away } => (
            Retry,
            format!("there is no valid token: {cause}"),
            "check that the token endpoint runs, and the network between",
        ),
        HttpFailure::NoToken { cause, vouching: Vouching::SetUp } => {
            return Verdict {
                decision: RetrySlowly,
                fault: Fault::Configuration,
                text: format!("there is no valid token: {cause}"),
                hint: "correct the source of the destination's token",
            };
        }
        HttpFailure::NoKey { cause, vouching } => return judge_keys(cause, *vouching),
        HttpFailure::Broken(cause) => (
            Retry,
            format!("the connection to the origin broke: {cause}"),
            "check the origin's log and the network between",
        ),
    };
    Verdict { decision, fault: Fault::Destination, text, hint }
}

fn judge_keys(cause: &str, vouching: Vouching) -> Verdict {
    let (decision, fault, hint) = match vouching {
        Vouching::Away => (
            RetryDecision::Retry,
            Fault::Destination,
            "check that the key store or key server runs, and the network between",
        ),
        Vouching::SetUp => {
            (RetryDecision::RetrySlowly, Fault::Configuration, "correct `encryption` of the destination")
        }
    };
    Verdict { decision, fault, text: format!("there is no content key: {cause}"), hint }
}

fn judge_status(status: u16) -> Verdict {
    use RetryDecision::{Never, RefreshTokenThenRetry, Retry, RetrySlowly};
    let (decision, what, hint) = match status {
        401 => (
            RefreshTokenThenRetry,
            "refuses the token",
            "compare the destination's token with the one that the origin expects",
        ),
        403 => (Never, "forbids this upload", "check what the token may do at the origin"),
        404 | 410 => (RetrySlowly, "does not know this address", "check the path in the destination's url"),
        405 | 501 => (Never, "does not accept uploads here", "check that the url points to the origin's ingest"),
        409 => (Never, "cannot store under this path", "have the origin create directories on upload"),
        413 => (Never, "refuses objects of this size", "raise the origin's upload limit or lower the bit rate"),
        408 | 425 | 429 => (Retry, "asks to wait", "check the origin's rate limits"),
        423 => (Retry, "has the object locked", "check who else writes to this path at the origin"),
        507 => (Retry, "has no space left", "free space at the origin"),
        300..=399 => {
            (RetrySlowly, "redirects, which is not followed", "write the final address into the destination's url")
        }
        500..=599 => (Retry, "has a fault of its own", "check the origin's log"),
        _ => (Never, "refuses the request", "check the origin's log and the destination's url"),
    };
    let text = format!("the origin {what} (HTTP {status})");
    Verdict { decision, fault: Fault::Destination, text, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statuses_are_judged_by_the_table() {
        use RetryDecision::*;
        for (status, decision) in [
            (301, RetrySlowly),
            (400, Never),
            (401, RefreshTokenThenRetry),
            (403, Never),
            (404, RetrySlowly),
            (408, Retry),
            (409, Never),
            (413, Never),
            (429, Retry),
            (500, Retry),
            (501, Never),
            (502, Retry),
            (503, Retry),
            (507, Retry),
        ] {
            assert_eq!(judge(&HttpFailure::Status(status)).decision, decision, "{status}");
        }
    }

    #[test]
    fn a_broken_network_is_always_retried() {
        let cause = String::from("cause");
        for failure in [
            HttpFailure::Resolve(cause.clone()),
            HttpFailure::Connect(cause.clone()),
            HttpFailure::Stalled(cause.clone()),
            HttpFailure::Broken(cause),
        ] {
            let verdict = judge(&failure);
            assert_eq!(verdict.decision, RetryDecision::Retry, "{failure:?}");
            assert!(verdict.text.ends_with("cause"), "{}", verdict.text);
        }
    }

    proptest! {
        #[test]
        fn every_status_has_a_sentence_and_a_hint(status: u16) {
            let verdict = judge(&HttpFailure::Status(status));
            prop_assert!(verdict.text.contains(&status.to_string()));
            prop_assert!(!verdict.hint.is_empty());
        }
    }
}
