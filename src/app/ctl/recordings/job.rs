//! Jobs that are waited for.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;

use super::table::word;
use crate::app::ctl::client::{Client, Failure};
use crate::app::ctl::graphics::local;

/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(300);

/// Waits for the end of a job; one that failed, or found damage, is a failure.
pub(super) async fn finish(client: &Client, job: Value) -> Result<(String, Value), Failure> {
    let (text, job) = settle(client, job).await?;
    match job["state"].as_str() {
        Some("done") if job["result"]["good"] == false => {
            let of = |key: &str| job["result"][key]["files"].as_array().cloned().unwrap_or_default();
            let named = |key: &'static str| of(key).into_iter().map(move |file| format!("{key}: {}", word(&file)));
            let errors = named("missing").chain(named("torn")).collect();
            Err(Failure::Refused { code: "damaged".to_owned(), detail: word(&job["text"]), errors })
        }
        Some("done") => Ok((text, job)),
        state => Err(local(&format!("job_{}", state.unwrap_or("lost")), word(&job["text"]))),
    }
}

/// Waits until a job is over. It may take hours; the job itself sees to it that it ends.
pub(super) async fn settle(client: &Client, mut job: Value) -> Result<(String, Value), Failure> {
    let path = format!("api/v1/recording-jobs/{}", job["id"]);
    let mut text = format!("{job}\n");
    let watched = std::io::stderr().is_terminal();
    while job["ended"].is_null() {
        if watched {
            let percent = job["progress"].as_f64().unwrap_or(0.0) * 100.0;
            eprint!("\r\x1b[K{percent:3.0} %  {}", word(&job["text"]));
            let _ = std::io::stderr().flush();
        }
        tokio::time::sleep(LOOK).await;
        (text, job) = client.get(&path).await?;
    }
    if watched {
        eprint!("\r\x1b[K");
    }
    Ok((text, job))
}
