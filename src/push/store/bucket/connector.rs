//! Our wire in the place of object_store's own client, and what was heard on it: its errors do not tell what we have to
//! know.

use std::cell::RefCell;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use url::Url;

use crate::policy::HttpFailure;
use crate::push::store::wire::{Answer, Wire};

/// How the last exchange ended that was no success, or the last of all.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// Without an answer.
    Failed(HttpFailure),
    /// With this status, and the word for it in the body, if any.
    Status(u16, Option<String>),
}

tokio::task_local! {
    static HEARD: RefCell<Option<Said>>;
}

/// Listens while something is done.
pub(super) struct Heard;

impl Heard {
    /// Does `act`; also what was heard last.
    pub(super) async fn listen<T>(act: impl Future<Output = T>) -> (T, Option<Said>) {
        HEARD
            .scope(RefCell::new(None), async {
                let outcome = act.await;
                (outcome, HEARD.with(|heard| heard.borrow_mut().take()))
            })
            .await
    }

    fn note(said: Said) {
        // Outside of `listen` nobody wants to know.
        let _ = HEARD.try_with(|heard| heard.replace(Some(said)));
    }
}

/// Gives every client the same wire.
#[derive(Debug, Clone)]
pub(super) struct Connector(pub(super) Wire);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        match self.0.exchange(parts.method, url, parts.headers, body).await {
            Ok(Answer { status, headers, body }) => {
                Heard::note(Said::Status(status.as_u16(), word(&body)));
                let mut response = HttpResponse::new(HttpResponseBody::from(body));
                (*response.status_mut(), *response.headers_mut()) = (status, headers);
                Ok(response)
            }
            Err(failure) => {
                Heard::note(Said::Failed(failure));
                Err(HttpError::new(HttpErrorKind::Unknown, std::io::Error::other("the exchange failed")))
            }
        }
    }
}

/// The word for an error: `<Code>…</Code>` at S3, Google and Azure, `"error"` at Google's token endpoint.
fn word(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let after = text
        .split_once("<Code>")
        .or_else(|| text.split_once("\"error\":\""))
        .or_else(|| text.split_once("\"error\": \""));
    let word: String = after?.1.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (1..=60).contains(&word.len()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_an_error_is_found() {
        let s3 = b"<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>x</Message></Error>";
        assert_eq!(word(s3).as_deref(), Some("SignatureDoesNotMatch"));
        assert_eq!(word(b"{\n \"error\": \"invalid_grant\"\n}").as_deref(), Some("invalid_grant"));
        assert_eq!(word(b"<html>"), None);
        assert_eq!(word(&[0xff, 0xfe]), None);
    }
}
