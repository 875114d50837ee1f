//! HTTP as a viewer and an operator use it.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::runtime::Runtime;

/// No answer on loopback takes longer, even on a busy machine.
const BOUND: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Web {
    pub runtime: Runtime,
    client: reqwest::Client,
}

impl Web {
    pub fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        // Another part of the process may have installed one already; either is good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Everything is on loopback: no roots of trust are needed, no proxy is asked.
        let client = reqwest::Client::builder().no_proxy().timeout(BOUND).tls_certs_only([]).build()?;
        Ok(Self { runtime, client })
    }

    pub fn get(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        self.ask(self.client.get(url), url)
    }

    pub fn post(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        self.ask(self.client.post(url), url)
    }

    pub fn post_json(&self, url: &str, body: &serde_json::Value) -> anyhow::Result<Vec<u8>> {
        self.ask(self.client.post(url).json(body), url)
    }

    fn ask(&self, request: reqwest::RequestBuilder, url: &str) -> anyhow::Result<Vec<u8>> {
        self.runtime.block_on(async {
            let again = request.try_clone();
            let (mut status, mut body) = Self::sent(request, url).await?;
            // What viewers would notice is confirmed.
            if status == reqwest::StatusCode::PRECONDITION_REQUIRED
                && let Some(again) = again
            {
                let problem: serde_json::Value = serde_json::from_slice(&body)?;
                let token = problem["confirm"]["token"].as_str().unwrap_or_default();
                (status, body) = Self::sent(again.header("confirm", token), url).await?;
            }
            if !status.is_success() {
                bail!("{url} answered {status}: {}", String::from_utf8_lossy(&body));
            }
            Ok(body)
        })
    }

    async fn sent(request: reqwest::RequestBuilder, url: &str) -> anyhow::Result<(reqwest::StatusCode, Vec<u8>)> {
        let response = request.send().await.with_context(|| format!("no answer from {url}"))?;
        Ok((response.status(), response.bytes().await?.to_vec()))
    }
}
