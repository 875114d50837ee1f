//! What a WHIP endpoint says to OPTIONS (RFC 9725, section 4.2): it begins no session.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};

use super::super::finding::Finding;
use super::upload::refused;
use crate::config::WhipDestination;
use crate::model::Fault;
use crate::policy::HttpFailure;
use crate::push::{self, Wire};

/// For the answer.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn examine(whip: &WhipDestination) -> Finding {
    match ask(whip).await {
        Ok(status @ 200..=299) => {
            let text = format!("it answers OPTIONS (HTTP {status}); whether the token is good shows when it publishes");
            Finding::ok("auth", text)
        }
        Ok(status @ (405 | 501)) => {
            let text = format!("it does not answer OPTIONS (HTTP {status}): what it takes shows when it publishes");
            Finding::not_here("auth", text)
        }
        Ok(status) => refused("auth", &HttpFailure::Status(status)),
        Err(finding) => finding,
    }
}

async fn ask(whip: &WhipDestination) -> Result<u16, Finding> {
    let wrong = |why: String| {
        Finding::fault("auth", why, "correct the destination in the configuration").by(Fault::Configuration)
    };
    let mut headers = HeaderMap::new();
    if let Some(source) = &whip.token {
        let bearer = push::tokens(source, &whip.trust).map_err(wrong)?.current().await;
        let bearer = bearer.map_err(|none| match none.heals {
            true => Finding::fault("auth", none.text, "check that the token endpoint runs, and the network between")
                .by(Fault::Destination),
            false => wrong(none.text),
        })?;
        let value = push::secret_value(&format!("Bearer {}", bearer.reveal()));
        headers.insert(AUTHORIZATION, value.map_err(|why| wrong(why.to_string()))?);
    }
    let tls = push::tls_settings(&whip.trust, whip.url.scheme() == "https").map_err(wrong)?;
    let wire = Wire::new(tls, WITHIN).map_err(|why| wrong(why.to_string()))?;
    let asked = wire.exchange(Method::OPTIONS, whip.url.clone(), headers, Bytes::new()).await;
    asked.map(|answer| answer.status.as_u16()).map_err(|failure| refused("auth", &failure))
}
