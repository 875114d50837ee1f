//! What a request to an origin carries to prove that it may.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use ring::hmac;
use url::Url;

use super::StoreError;
use crate::model::Secret;
use crate::model::upload::{Access, Upload};
use crate::push::credential::{Credential, Token};

/// What the origin wants to see.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// Nothing.
    Open,
    /// A bearer token (RFC 6750).
    Bearer(Credential),
    /// A token as this query parameter.
    Query(String, Credential),
    /// The same header each time.
    Header(HeaderValue),
    /// An expiry and an HMAC-SHA256 over method, path and expiry.
    Signed { key: Secret, valid: Duration },
}

impl Proof {
    /// As `upload` wants it. A token's source is set to work here.
    pub(crate) fn open(upload: &Upload) -> Result<Self, StoreError> {
        Ok(match &upload.access {
            Access::Open => Self::Open,
            Access::Token { source } => Self::Bearer(Credential::open(source, &upload.trust)?),
            Access::Query { parameter, source } => {
                Self::Query(parameter.clone(), Credential::open(source, &upload.trust)?)
            }
            Access::Basic { user, password } => Self::Header(basic(user, password)?),
            Access::SignedUrl { key, valid_seconds } => {
                Self::Signed { key: key.clone(), valid: Duration::from_secs(u64::from(*valid_seconds)) }
            }
            Access::Key { .. } | Access::ServiceAccount { .. } => {
                return Err(StoreError::Unfit("such a key is for buckets only".to_owned()));
            }
        })
    }

    /// Where tokens come from, if this proof is one.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Bearer(credential) | Self::Query(_, credential) => Some(credential),
            Self::Open | Self::Header(_) | Self::Signed { .. } => None,
        }
    }

    /// Puts the proof into a request.
    pub(crate) fn apply(&self, token: Option<&Token>, method: &Method, url: &mut Url, headers: &mut HeaderMap) {
        match (self, token) {
            (Self::Bearer(_), Some(token)) => {
                // A token is checked to be printable when it comes.
                if let Ok(value) = secret_value(&format!("Bearer {}", token.reveal())) {
                    headers.insert(AUTHORIZATION, value);
                }
            }
            (Self::Query(parameter, _), Some(token)) => {
                url.query_pairs_mut().append_pair(parameter, token.reveal());
            }
            (Self::Header(value), _) => {
                headers.insert(AUTHORIZATION, value.clone());
            }
            (Self::Signed { key, valid }, _) => sign(key, method, url, SystemTime::now() + *valid),
            (Self::Open | Self::Bearer(_) | Self::Query(..), _) => {}
        }
    }
}

/// `user:password` (RFC 7617).
pub(crate) fn basic(user: &str, password: &Secret) -> Result<HeaderValue, StoreError> {
    let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
    secret_value(&format!("Basic {pair}"))
}

/// A header's value that no debug output shows.
pub(crate) fn secret_value(text: &str) -> Result<HeaderValue, StoreError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| StoreError::Unfit("a header's value has characters that no header can hold".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Adds `expires` (seconds since 1970) and `signature` (hexadecimal): HMAC-SHA256 over `METHOD`, path and expiry, each on
/// a line of its own without a line end behind the last.
fn sign(key: &Secret, method: &Method, url: &mut Url, until: SystemTime) {
    let expires = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.reveal().as_bytes());
    let signature = hmac::sign(&key, format!("{method}\n{}\n{expires}", url.path()).as_bytes());
    url.query_pairs_mut()
        .append_pair("expires", &expires.to_string())
        .append_pair("signature", &hex::encode(signature));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_method_path_and_expiry() {
        let mut url: Url = "https://o.example/live/demo/v/1.m4s".parse().unwrap();
        sign(&Secret::new("key"), &Method::PUT, &mut url, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        // printf 'PUT\n/live/demo/v/1.m4s\n1800000000' | openssl dgst -sha256 -hmac key
        let signature = "0909990dd4ef98e0fb30fc09b1c1b7a3f30f57962b281b38a004ed287b22e247";
        assert_eq!(url.query(), Some(format!("expires=1800000000&signature={signature}").as_str()));
    }

    #[test]
    fn a_password_is_sent_as_rfc_7617_says_and_not_shown() {
        let value = basic("Aladdin", &Secret::new("open sesame")).unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"));
    }
}
