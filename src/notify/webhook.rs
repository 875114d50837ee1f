//! One request to a webhook: signed, bounded, its answer judged.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use rustls::{ClientConfig, RootCertStore};
use sha2::Sha256;

use super::pace::Pace;
use crate::model::MediaTime;
use crate::model::notify::Webhook;

/// Carries the time and the signature.
pub(super) const SIGNATURE: &str = "uplink-signature";
/// For a connection to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest that a receiver can ask us to wait.
const LONGEST: Duration = Duration::from_secs(3600);

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    /// It wants nothing any more.
    Gone,
    /// It takes this one never.
    Refused(String),
    /// To be tried again, not before the receiver said.
    Failed(String, Duration),
}

/// Connections to one address. Redirects are not followed: they would carry the notice elsewhere.
pub(super) fn client(hook: &Webhook, pace: &Pace) -> Result<reqwest::Client, String> {
    let tls = tls(hook.url.scheme() == "https").map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT.min(pace.answer))
        .timeout(pace.answer)
        .user_agent(concat!("uplink/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| innermost(&error))
}

/// The authorities of the box, where they are needed.
fn tls(https: bool) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    if https {
        let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if added == 0 {
            tracing::error!("this box trusts no certificate authority: https webhooks will be refused");
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Sends `body`, which is the parcel `id` of this `kind`.
pub(super) async fn deliver(
    client: &reqwest::Client,
    hook: &Webhook,
    (id, kind): (&str, &str),
    body: String,
    now: MediaTime,
) -> Verdict {
    let Some(secret) = &hook.secret else { return Verdict::Refused("there is no secret to sign with".to_owned()) };
    let signature = sign(secret.reveal(), now.as_nanos() / 1_000_000_000, &body);
    let request = client
        .post(hook.url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(SIGNATURE, signature)
        .header("uplink-event", kind)
        .header("uplink-delivery", id)
        .body(body);
    match request.send().await {
        Ok(answer) => judge(answer.status(), answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok())),
        Err(error) if error.is_timeout() => Verdict::Failed("no answer in time".to_owned(), Duration::ZERO),
        Err(error) => Verdict::Failed(innermost(&error), Duration::ZERO),
    }
}

/// `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY`. With the time in it a receiver can refuse what is old.
pub(super) fn sign(secret: &str, seconds: u64, body: &str) -> String {
    // Keys of any length fit (RFC 2104), so the other arm is never taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn judge(status: StatusCode, retry_after: Option<&str>) -> Verdict {
    let said = format!("it answers {status}");
    match status {
        status if status.is_success() => Verdict::Delivered,
        StatusCode::GONE => Verdict::Gone,
        // The body is not to its liking, and will not be the next time.
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Verdict::Refused(said),
        // Rights and addresses are put right by people, who need their time.
        _ => {
            let wait = retry_after.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
            Verdict::Failed(said, wait.unwrap_or_default().min(LONGEST))
        }
    }
}

/// What a technician can act on, without the address, which may hold a secret.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reckoned with `openssl dgst -sha256 -hmac 0123456789abcdef`.
    #[test]
    fn the_signature_is_what_others_reckon() {
        let signed = sign("0123456789abcdef", 1_795_000_000, "{\"a\":1}");
        assert_eq!(signed, "t=1795000000,v1=cc265a2e718683fd617b6fdc65ca0fc0337f32c303412aae789c1fa3d7509f37");
    }

    #[test]
    fn answers_are_judged() {
        let of = |status: u16, after| judge(StatusCode::from_u16(status).unwrap(), after);
        for good in [200, 201, 202, 204] {
            assert_eq!(of(good, None), Verdict::Delivered);
        }
        assert_eq!(of(410, None), Verdict::Gone);
        for refused in [400, 413, 415, 422] {
            assert!(matches!(of(refused, None), Verdict::Refused(_)), "{refused}");
        }
        for again in [301, 401, 403, 404, 408, 409, 429, 500, 502, 503] {
            assert!(matches!(of(again, None), Verdict::Failed(_, Duration::ZERO)), "{again}");
        }
        assert!(matches!(of(429, Some("7")), Verdict::Failed(_, wait) if wait.as_secs() == 7));
        assert!(matches!(of(503, Some("999999")), Verdict::Failed(_, LONGEST)));
    }
}
