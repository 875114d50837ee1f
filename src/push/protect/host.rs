//! A server that keys are sent to or asked from, and how its failures read.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, StatusCode};
use url::Url;

use super::KeyTrouble;
use crate::model::encryption::KeyHost;
use crate::policy::judge;
use crate::push::credential::{Credential, Token, TokenTrouble};
use crate::push::store::{Answer, StoreError, Wire, secret_value, settings_elsewhere};

/// For an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Host {
    /// What it is called in sentences.
    name: &'static str,
    wire: Wire,
    credential: Option<Credential>,
}

impl Host {
    /// `name` is for sentences; `https` if certificates will be needed. A token's source is set to work here.
    pub(super) fn open(name: &'static str, host: &KeyHost, https: bool) -> Result<Self, StoreError> {
        let wire = Wire::new(settings_elsewhere(&host.trust, https)?, ANSWER)?;
        let credential = host.token.as_ref().map(|source| Credential::open(source, &host.trust)).transpose()?;
        Ok(Self { name, wire, credential })
    }

    /// Sends a request. Anything but 2xx is trouble.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, KeyTrouble> {
        let Some(credential) = &self.credential else {
            return self.judge(self.attempt(None, method, url, headers, body).await?);
        };
        let trouble = |trouble: TokenTrouble| KeyTrouble { text: trouble.text, vouching: trouble.vouching };
        let token = credential.current().await.map_err(trouble)?;
        let answer = self.attempt(Some(&token), method.clone(), url.clone(), headers.clone(), body.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return self.judge(answer);
        }
        match credential.newer_than(&token).await.map_err(trouble)? {
            Some(newer) => self.judge(self.attempt(Some(&newer), method, url, headers, body).await?),
            None => self.judge(answer),
        }
    }

    async fn attempt(
        &self,
        token: Option<&Token>,
        method: Method,
        url: Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, KeyTrouble> {
        if let Some(token) = token
            && let Ok(value) = secret_value(&format!("Bearer {}", token.reveal()))
        {
            headers.insert(AUTHORIZATION, value);
        }
        self.wire.exchange(method, url, headers, body).await.map_err(|failure| {
            // The next attempt resolves the name anew.
            self.wire.renew();
            let verdict = judge(&failure);
            let text = verdict.text.replace("the origin", self.name);
            if verdict.decision == crate::policy::RetryDecision::Retry {
                KeyTrouble::away(text)
            } else {
                KeyTrouble::set_up(text)
            }
        })
    }

    fn judge(&self, answer: Answer) -> Result<Answer, KeyTrouble> {
        let (name, status) = (self.name, answer.status);
        match status {
            status if status.is_success() => Ok(answer),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(KeyTrouble::away(format!("{name} has a fault of its own (HTTP {})", status.as_u16())))
            }
            StatusCode::UNAUTHORIZED => Err(KeyTrouble::set_up(format!("{name} refuses the token (HTTP 401)"))),
            status => Err(KeyTrouble::set_up(format!("{name} refuses (HTTP {})", status.as_u16()))),
        }
    }
}
