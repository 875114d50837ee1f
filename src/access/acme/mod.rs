//! A certificate of an authority (ACME, RFC 8555), had and kept fresh by itself.
//!
//! Owns: when to ask, what is kept in `<state>/tls/acme`, what is said when it does not come. Must not: hold up a connection;
//! until there is one, and for who comes by another name, the usual certificate is shown.
//!
//! ```text
//!            ┌─ kept, not over ─▶ shown ── a third of its time is left ──┐
//! begin ─▶ look                     ▲                                    ▼
//!            └─ none, over ────────────────────────────────────────▶ order ◀──(wait, longer each time)──┐
//!                                   └────────── issued ──────────────────┴── refused, no answer: told ──┘
//! ```

mod courier;
mod kept;
mod order;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::certificate::Certificate;
use crate::model::acme::Acme;
use crate::policy::{Attempts, Backoff};
use kept::{Issued, Shelf};

/// Authorities count what goes wrong: Let's Encrypt takes five failed attempts for a name in an hour.
const AGAIN: Backoff =
    Backoff { first: Duration::from_secs(300), cap: Duration::from_secs(6 * 3600), factor: 2.0, jitter: 0.2 };
/// An order, from the first word to the certificate.
const ORDER: Duration = Duration::from_secs(180);
/// The clock is looked at again so often: it may be set, and a box may sleep.
const LOOK: Duration = Duration::from_secs(3600);

/// See the module.
pub struct Keeper {
    wanted: Acme,
    shelf: Shelf,
    shown: Certificate,
}

impl Keeper {
    /// Keeps what it gets below `directory`, and has `shown` show it.
    pub fn new(wanted: Acme, directory: &Path, shown: Certificate) -> Self {
        let shelf = Shelf::at(directory, &wanted.directory);
        Self { wanted, shelf, shown }
    }

    /// Where that is, below the state directory.
    pub fn place(state: &Path) -> PathBuf {
        state.join("tls/acme")
    }

    /// Does so until it is dropped. `tell` hears what is wrong, and none when it is right.
    pub async fn keep(self, tell: impl Fn(Option<String>) + Send) {
        self.shown.expect(&self.wanted.domains);
        let mut issued = self.shelf.certificate(&self.wanted.domains);
        if issued.as_ref().is_some_and(|one| SystemTime::now() < one.renewed_at()) {
            tell(None);
        }
        let mut attempts = Attempts::new(AGAIN);
        loop {
            let good = issued.as_ref().filter(|one| SystemTime::now() < one.ends);
            self.shown.issue(good.map(|one| one.key.clone()));
            if let Some(one) = good {
                wait_until(one.renewed_at()).await;
            }
            match self.order().await {
                Ok(new) => {
                    issued = Some(new);
                    attempts.reset();
                    tell(None);
                }
                Err(why) => {
                    let wait = attempts.failed(fastrand::f64());
                    tell(Some(self.complaint(&why, issued.as_ref(), wait)));
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn order(&self) -> Result<Issued, String> {
        let ordered = tokio::time::timeout(ORDER, order::issued(&self.wanted, &self.shelf, &self.shown)).await;
        let pem = ordered.map_err(|_| format!("it takes longer than {} s", ORDER.as_secs()))??;
        let issued = Issued::read(&pem, &self.wanted.domains)?;
        if let Err(error) = self.shelf.keep_certificate(&pem) {
            tracing::warn!(%error, "the certificate cannot be kept: the next run orders another one");
        }
        tracing::info!(domains = self.names(), ends = %words_of(issued.ends), "an authority has issued a certificate");
        Ok(issued)
    }

    /// What is wrong, as it is told and logged.
    fn complaint(&self, why: &str, issued: Option<&Issued>, wait: Duration) -> String {
        let text = self.words(why, issued, wait);
        tracing::error!("{text}");
        text
    }

    fn names(&self) -> String {
        self.wanted.domains.join(", ")
    }

    fn words(&self, why: &str, issued: Option<&Issued>, wait: Duration) -> String {
        let authority = self.wanted.directory.host_str().unwrap_or_default();
        let mut text = format!("no certificate for {} from {authority}: {why}; ", self.names());
        let shown = match issued.filter(|one| SystemTime::now() < one.ends) {
            Some(one) => write!(text, "the last one is shown, which is good until {}", words_of(one.ends)),
            None => write!(text, "the box's own is shown, which browsers warn of"),
        };
        let minutes = wait.as_secs().div_ceil(60);
        // Writing to a string does not fail.
        let _ = shown.and_then(|()| write!(text, "; it is tried again in {minutes} min, or by a reload"));
        text
    }
}

fn words_of(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "nobody knows when".to_owned(), |time| format!("{time:.0}"))
}

async fn wait_until(time: SystemTime) {
    while let Ok(left) = time.duration_since(SystemTime::now()) {
        tokio::time::sleep(left.min(LOOK)).await;
    }
}
