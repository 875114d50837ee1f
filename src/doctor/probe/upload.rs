//! An object is put beside the stream, once small and, if the line may be loaded, once large; then it is deleted.
//!
//! It has the name of a segment of a rendition that no playlist names, since origins take nothing else.

use std::time::{Duration, Instant};

use bytes::Bytes;
use url::Url;

use super::super::finding::{Finding, size};
use super::Load;
use crate::model::upload::{Access, Upload};
use crate::model::{ChannelId, Fault};
use crate::policy::{self, HttpFailure};
use crate::push::{Label, Store, Terms};

/// The rendition.
const RENDITION: &str = "uplink-probe";
/// Enough to be let in, and to guess by how much the line can be measured.
const SMALL: usize = 64 * 1024;
/// Enough at any line that programs are sent by, and no more than origins take of a segment.
const LARGE: usize = 4_000_000;
/// How long the large one may be under way, about.
const ABOUT: Duration = Duration::from_secs(2);
/// No request takes longer.
const WITHIN: Duration = Duration::from_secs(10);
/// What a line has to carry beyond what the renditions take: what was missed is sent beside what is live.
const SPARE: f64 = 1.3;

pub(super) async fn examine(
    channel: &ChannelId,
    (url, upload): (&Url, &Upload),
    load: Load,
    needed: u64,
) -> Vec<Finding> {
    let store = match Store::open(url, upload, WITHIN) {
        Ok(store) => store,
        Err(why) => {
            let todo = "correct the destination in the configuration";
            return vec![Finding::fault("auth", why.to_string(), todo).by(Fault::Configuration)];
        }
    };
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let path = format!("{channel}/{RENDITION}/{seconds}.m4s");
    let shown = if matches!(upload.access, Access::Open) { "without credentials" } else { "with its credentials" };
    let (mut findings, stored) = match put(&store, &path, SMALL).await {
        Ok(took) => {
            let text = format!("it takes uploads {shown}: {} in {} ms", size(SMALL as u64), took.as_millis());
            let rate = match load {
                Load::Full => rate(&store, &path, took, needed).await,
                Load::Light => {
                    Finding::not_here("rate", "not measured: it would load the line while a channel is on air")
                }
            };
            (vec![Finding::ok("auth", text), rate], true)
        }
        // The lease is asked for behind the credentials.
        Err(HttpFailure::Fenced) => {
            let text = format!("it lets this box in {shown}; nothing was stored, since a box of a pair has the lease");
            (vec![Finding::ok("auth", text)], false)
        }
        Err(failure) => (vec![refused("auth", &failure)], false),
    };
    let deleted = tokio::time::timeout(WITHIN, store.delete(&path, Terms::default())).await;
    if stored && let Some(failure) = deleted.map_or_else(|_| Some(late()), Result::err) {
        let verdict = policy::judge(&failure);
        let text = format!("{path} stays there: {}", verdict.text);
        let todo =
            "delete it by hand, and let this box delete there: without that, `delete_after_seconds` has no effect";
        findings.push(Finding::warn("auth", text, todo).by(verdict.fault));
    }
    findings
}

/// What the line carries, by an object that takes some seconds at the most.
async fn rate(store: &Store, path: &str, small: Duration, needed: u64) -> Finding {
    let guess = SMALL as f64 / small.as_secs_f64().max(0.001) * ABOUT.as_secs_f64();
    let bytes = (guess as usize).clamp(SMALL, LARGE);
    let took = match put(store, path, bytes).await {
        Ok(took) => took,
        Err(HttpFailure::Status(413)) => {
            return Finding::not_here("rate", format!("not measured: it takes no object of {}", size(bytes as u64)));
        }
        Err(failure) => return refused("rate", &failure),
    };
    let carried = bytes as f64 * 8.0 / took.as_secs_f64().max(0.001);
    let text = format!(
        "{:.1} Mbit/s by an upload of {}; the channel takes {:.1}",
        carried / 1e6,
        size(bytes as u64),
        needed as f64 / 1e6
    );
    if carried < SPARE * needed as f64 {
        let todo = "a better line, or lower bit rates: 1.3 times what the channel takes has to fit, or what was missed never \
                    arrives";
        return Finding::warn("rate", text, todo).by(Fault::Destination);
    }
    Finding::ok("rate", text)
}

/// How long it took to be acknowledged.
async fn put(store: &Store, path: &str, bytes: usize) -> Result<Duration, HttpFailure> {
    // What is random cannot be compressed on the way.
    let mut body = vec![0; bytes];
    fastrand::Rng::new().fill(&mut body);
    let begun = Instant::now();
    let sent = store.put(path, Label::media("video/mp4"), Terms::default(), Bytes::from(body));
    tokio::time::timeout(WITHIN, sent).await.unwrap_or_else(|_| Err(late()))?;
    Ok(begun.elapsed())
}

fn late() -> HttpFailure {
    HttpFailure::Stalled(format!("a request took longer than {} s", WITHIN.as_secs()))
}

/// In the words that a destination on air has for it.
pub(super) fn refused(check: &'static str, failure: &HttpFailure) -> Finding {
    let verdict = policy::judge(failure);
    Finding::fault(check, verdict.text, verdict.hint).by(verdict.fault)
}
