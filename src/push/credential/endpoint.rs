//! A token from an OAuth 2.0 token endpoint, asked with client credentials (RFC 6749, section 4.4).

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::TokenTrouble;
use super::grant::{self, Grant};
use crate::model::Secret;
use crate::model::upload::Trust;
use crate::policy::judge;
use crate::push::store::{StoreError, Wire, basic, settings_elsewhere};

/// For an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// See the module's header.
pub(crate) struct TokenEndpoint {
    url: Url,
    client: HeaderValue,
    /// What is asked for, as a form.
    form: Bytes,
    wire: Wire,
}

impl TokenEndpoint {
    /// The endpoint at `url`; `asked` goes into the form beside the grant type.
    pub(super) fn new(
        url: &Url,
        client_id: &str,
        client_secret: &Secret,
        asked: impl IntoIterator<Item = (&'static str, String)>,
        trust: &Trust,
    ) -> Result<Self, StoreError> {
        // RFC 6749, section 2.3.1: both halves are encoded as in a form before they are joined.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let client = basic(&encoded(client_id), &Secret::new(encoded(client_secret.reveal())))?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").extend_pairs(asked);
        let wire = Wire::new(settings_elsewhere(trust, url.scheme() == "https")?, ANSWER)?;
        Ok(Self { url: url.clone(), client, form: Bytes::from(form.finish()), wire })
    }

    /// Asks for a token.
    pub(super) async fn ask(&self) -> Result<Grant, TokenTrouble> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.client.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.wire.exchange(Method::POST, self.url.clone(), headers, self.form.clone()).await;
        let answer = answer.map_err(|failure| {
            // The next attempt resolves the name anew.
            self.wire.renew();
            let text = judge(&failure).text.replace("the origin", "the token endpoint");
            TokenTrouble::away(text)
        })?;
        match answer.status {
            StatusCode::OK => {
                let text = std::str::from_utf8(&answer.body).unwrap_or_default();
                grant::read(text, "the token endpoint")
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(TokenTrouble::away(format!("the token endpoint has a fault of its own (HTTP {})", status.as_u16())))
            }
            status => {
                let code = error_code(&answer.body).map(|code| format!(": {code}")).unwrap_or_default();
                Err(TokenTrouble::set_up(format!("the token endpoint refuses (HTTP {}{code})", status.as_u16())))
            }
        }
    }
}

/// `error` of RFC 6749, section 5.2: a word. The rest of the answer may repeat what was sent.
fn error_code(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let code = document.get("error")?.as_str()?;
    (code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_of_an_error_is_told() {
        assert_eq!(error_code(br#"{"error":"invalid_client","error_description":"x"}"#).unwrap(), "invalid_client");
        assert_eq!(error_code(br#"{"error":"Secret hunter2 is wrong"}"#), None);
        assert_eq!(error_code(b"<html>"), None);
    }
}
