//! `uplinkctl recording`: what recordings there are, and what is to be done with them.
//!
//! Owns: names of recordings, waiting for jobs, their tables. Must not: touch a recording but by the API.

mod arguments;
mod job;
mod name;
mod table;

use serde_json::{Value, json};

use self::arguments::RecordingVerb;
use self::job::{finish, settle};
use self::name::{address, pages};
use self::table::{jobs, list, one, outcome, word};
use super::client::{Client, Failure};
use crate::model::ChannelId;

pub(crate) use self::arguments::RecordingArguments;

/// Carries it out.
pub(crate) async fn perform(client: &Client, wanted: &RecordingArguments, as_json: bool) -> Result<String, Failure> {
    if let Some(work) = work(&wanted.verb) {
        return work.carry_out(client, as_json).await;
    }
    let (text, said) = match &wanted.verb {
        RecordingVerb::List { channel } => listed(client, channel.as_ref()).await,
        RecordingVerb::Show { recording } => shown(client, recording).await,
        RecordingVerb::Delete { recording } => deleted(client, recording).await,
        RecordingVerb::Protect { recording } => protect(client, recording, true).await,
        RecordingVerb::Unprotect { recording } => protect(client, recording, false).await,
        RecordingVerb::Stop { job } => stopped(client, *job).await,
        _ => client.get("api/v1/recording-jobs").await.map(|(text, found): (_, Value)| (text, jobs(&found))),
    }?;
    Ok(if as_json { text } else { said })
}

/// What is to be done with a recording, which takes its time.
struct Work<'a> {
    recording: &'a str,
    act: &'static str,
    body: Option<Value>,
    detach: bool,
}

fn work(verb: &RecordingVerb) -> Option<Work<'_>> {
    let (recording, act, body, patience) = match verb {
        RecordingVerb::Stitch { recording, video, audio, exact, patience } => {
            (recording, "stitch", Some(json!({ "video": video, "audio": audio, "exact": exact })), patience)
        }
        RecordingVerb::Clip { recording, from, to, title, mp4, exact, video, audio, patience } => {
            let body = json!({
                "from": from, "to": to, "title": title, "movie": mp4, "exact": exact, "video": video, "audio": audio,
            });
            (recording, "clip", Some(body), patience)
        }
        RecordingVerb::Verify { recording, patience } => (recording, "verify", None, patience),
        RecordingVerb::Upload { recording, to, limit, patience } => {
            (recording, "upload", Some(json!({ "to": to, "limit": limit })), patience)
        }
        _ => return None,
    };
    Some(Work { recording, act, body, detach: patience.detach })
}

impl Work<'_> {
    async fn carry_out(self, client: &Client, as_json: bool) -> Result<String, Failure> {
        let path = format!("{}/{}", address(client, self.recording).await?, self.act);
        let (text, job) = client.post(&path, self.body).await?;
        let (text, job) = if self.detach { (text, job) } else { finish(client, job).await? };
        Ok(if as_json { text } else { outcome(&job) })
    }
}

/// What the API said, and the same for people.
type Said = Result<(String, String), Failure>;

async fn listed(client: &Client, channel: Option<&ChannelId>) -> Said {
    let of = channel.map(|channel| format!("&channel={channel}")).unwrap_or_default();
    let (text, found) = pages(client, &of).await?;
    Ok((text, list(&Value::Array(found))))
}

async fn shown(client: &Client, name: &str) -> Said {
    let (text, found): (_, Value) = client.get(&address(client, name).await?).await?;
    Ok((text, one(&found)))
}

async fn deleted(client: &Client, name: &str) -> Said {
    let (text, answer) = client.delete(&address(client, name).await?).await?;
    Ok((text, format!("{}\n", word(&answer["text"]))))
}

async fn stopped(client: &Client, job: u64) -> Said {
    let (text, job) = client.delete(&format!("api/v1/recording-jobs/{job}")).await?;
    let (text, job) = if job["ended"].is_null() { settle(client, job).await? } else { (text, job) };
    Ok((text, outcome(&job)))
}

async fn protect(client: &Client, name: &str, protected: bool) -> Said {
    let path = address(client, name).await?;
    let (text, found) = client.patch(&path, json!({ "protected": protected })).await?;
    let word = if protected { "protected" } else { "not protected" };
    Ok((text, format!("{} is {word}\n", self::word(&found["id"]))))
}
