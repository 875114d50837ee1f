//! `uplinkctl recording`: what recordings there are, and what is to be done with them.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::graphics::local;
use super::report::columns;
use crate::model::{BitRate, ChannelId, RenditionId};

/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(300);

const RANGES: &str = "\
Places in a recording:
  2026-11-21T20:15:00Z   that moment
  90, 1m30s, 1:30        so long after its begin
  -30, -1:00             so long before its end
  marker:2, marker:goal  a marker, by number or by the beginning of its text

Examples:
  uplinkctl recording clip demo/last --from marker:1 --to marker:2 --title 'First half'
  uplinkctl recording clip 20261121T190000Z --from 0:01:30 --to -10 --mp4
  uplinkctl recording clip demo/last --from 12.04 --to 18.88 --exact";

const EXAMPLES: &str = "\
A recording is named by its id, by CHANNEL/ID where two channels have the same, or CHANNEL/last.

Examples:
  uplinkctl recording list demo
  uplinkctl recording show demo/last
  uplinkctl recording verify 20261121T190000Z-evening-show
  uplinkctl recording stitch demo/last
  uplinkctl recording upload demo/last --to cloud --limit 10M
  uplinkctl recording jobs
  curl -O http://127.0.0.1:8080/api/v1/recordings/demo/20261121T190000Z/files/movies/20261121T190000Z.mp4";

/// `uplinkctl recording …`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RecordingArguments {
    #[command(subcommand)]
    verb: RecordingVerb,
}

#[derive(Debug, Subcommand)]
enum RecordingVerb {
    /// Which there are, newest first.
    List {
        /// Of this channel only.
        channel: Option<ChannelId>,
    },
    /// One with its renditions, gaps, markers, movies and jobs.
    Show {
        /// Its name.
        recording: String,
    },
    /// Make one MP4 of it, without encoding anything anew.
    Stitch {
        /// Its name.
        recording: String,
        /// Its pictures [default: the best].
        #[arg(long)]
        video: Option<RenditionId>,
        /// Its sound; repeatable [default: the default one].
        #[arg(long)]
        audio: Vec<RenditionId>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Cut a stretch out of it: as a recording of its own, on the borders of segments, or as an MP4.
    #[command(after_help = RANGES)]
    Clip {
        /// Its name.
        recording: String,
        /// Where it begins [default: where the recording does].
        #[arg(long, allow_hyphen_values = true)]
        from: Option<String>,
        /// Where it ends [default: where the recording does].
        #[arg(long, allow_hyphen_values = true)]
        to: Option<String>,
        /// What to call it.
        #[arg(long)]
        title: Option<String>,
        /// One MP4, cut on key frames.
        #[arg(long)]
        mp4: bool,
        /// One MP4, cut on the very picture: the first and last pictures are encoded anew (H.264 only).
        #[arg(long)]
        exact: bool,
        /// Pictures of the MP4 [default: the best].
        #[arg(long)]
        video: Option<RenditionId>,
        /// Sound of the MP4; repeatable [default: the default one].
        #[arg(long)]
        audio: Vec<RenditionId>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Compare every file with its checksum; 1 if something is missing or torn.
    Verify {
        /// Its name.
        recording: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Send it to a destination: to vod/CHANNEL/ID/ there. What is there already is not sent again.
    Upload {
        /// Its name.
        recording: String,
        /// A destination of its channel (kind hls_push), or DESTINATION/ENDPOINT.
        #[arg(long)]
        to: String,
        /// The most it may take of the line, such as 10M [default: no limit].
        #[arg(long)]
        limit: Option<BitRate>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Delete it, with its movies.
    Delete {
        /// Its name.
        recording: String,
    },
    /// Never delete it for lack of room, nor for its age.
    Protect {
        /// Its name.
        recording: String,
    },
    /// Delete it when room is needed, as any other.
    Unprotect {
        /// Its name.
        recording: String,
    },
    /// What is being done, and what was done since the daemon started.
    Jobs,
    /// Stop a job.
    Stop {
        /// Its number.
        job: u64,
    },
}

#[derive(Debug, Args)]
struct Patience {
    /// Do not wait for the end; `recording jobs` shows how far it is.
    #[arg(long)]
    detach: bool,
}

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
        RecordingVerb::Stitch { recording, video, audio, patience } => {
            (recording, "stitch", Some(json!({ "video": video, "audio": audio })), patience)
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

/// All recordings, newest first, as one list.
async fn pages(client: &Client, of: &str) -> Result<(String, Vec<Value>), Failure> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, mut page): (_, Value) = client.get(&format!("api/v1/recordings?limit=500{of}{cursor}")).await?;
        if let Some(items) = page["items"].as_array_mut() {
            all.append(items);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((format!("{}\n", Value::from(all.clone())), all)),
        }
    }
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

/// The address of a recording: by CHANNEL/ID, CHANNEL/last, or its id alone.
async fn address(client: &Client, name: &str) -> Result<String, Failure> {
    let (channel, id) = match name.split_once('/') {
        Some((channel, id)) => (Some(channel), id),
        None => (None, name),
    };
    if let (Some(channel), true) = (channel, id != "last") {
        return Ok(format!("api/v1/recordings/{channel}/{id}"));
    }
    let of = channel.map(|channel| format!("&channel={channel}")).unwrap_or_default();
    let (_, found) = pages(client, &of).await?;
    let matches = |recording: &&Value| {
        channel.is_none_or(|channel| recording["channel"] == channel) && (id == "last" || recording["id"] == id)
    };
    let mut matching: Vec<&Value> = found.iter().filter(matches).collect();
    if id == "last" {
        // Those of the clean feed and of sources have the same begin.
        matching.sort_by_key(|recording| recording["of"].as_str().is_some_and(|of| of != "program"));
    }
    let mut matching = matching.into_iter();
    let first = matching.next().ok_or_else(|| {
        local("unknown_recording", format!("there is no recording `{name}`; `uplinkctl recording list` shows all"))
    })?;
    if id != "last" && matching.next().is_some() {
        return Err(local("ambiguous", format!("several channels have a recording `{id}`: name it CHANNEL/{id}")));
    }
    Ok(format!("api/v1/recordings/{}/{}", word(&first["channel"]), word(&first["id"])))
}

/// Waits for the end of a job; one that failed, or found damage, is a failure.
async fn finish(client: &Client, job: Value) -> Result<(String, Value), Failure> {
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
async fn settle(client: &Client, mut job: Value) -> Result<(String, Value), Failure> {
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

fn outcome(job: &Value) -> String {
    format!("{} {}: {}\n", word(&job["kind"]), word(&job["state"]), word(&job["text"]))
}

fn list(found: &Value) -> String {
    let rows: Vec<Vec<String>> = found
        .as_array()
        .into_iter()
        .flatten()
        .map(|recording| {
            let protected = if recording["protected"] == true { ", protected" } else { "" };
            vec![
                format!("{}/{}", word(&recording["channel"]), word(&recording["id"])),
                format!("{}{protected}", word(&recording["state"])),
                length(&recording["seconds"]),
                size(&recording["bytes"]),
                recording["title"].as_str().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() { "no recordings\n".to_owned() } else { columns(&rows, "") }
}

fn one(found: &Value) -> String {
    let mut text = list(&Value::Array(vec![found.clone()]));
    let mut section = |key: &str, row: &dyn Fn(&Value) -> Vec<String>| {
        let rows: Vec<Vec<String>> = found[key].as_array().into_iter().flatten().map(row).collect();
        if !rows.is_empty() {
            text.push_str(&format!("\n{key}\n{}", columns(&rows, "  ")));
        }
    };
    section("renditions", &|of| {
        vec![word(&of["id"]), word(&of["kind"]), word(&of["codecs"]), format!("{} segments", of["segments"])]
    });
    section("gaps", &|of| vec![word(&of["begin"]), word(&of["end"]), word(&of["reason"])]);
    section("markers", &|of| vec![word(&of["at"]), word(&of["text"]), word(&of["by"])]);
    section("movies", &|of| vec![word(&of["name"]), size(&of["bytes"])]);
    section("jobs", &job_row);
    text.push_str(&format!("\nplay      {}\n", word(&found["play"])));
    text
}

fn jobs(found: &Value) -> String {
    let rows: Vec<Vec<String>> = found.as_array().into_iter().flatten().map(job_row).collect();
    if rows.is_empty() { "no jobs\n".to_owned() } else { columns(&rows, "") }
}

fn job_row(job: &Value) -> Vec<String> {
    let percent = format!("{:.0} %", job["progress"].as_f64().unwrap_or(0.0) * 100.0);
    let of = format!("{}/{}", word(&job["channel"]), word(&job["recording"]));
    vec![job["id"].to_string(), word(&job["kind"]), of, word(&job["state"]), percent, word(&job["text"])]
}

fn length(seconds: &Value) -> String {
    let seconds = seconds.as_f64().unwrap_or(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn size(bytes: &Value) -> String {
    match bytes.as_u64().unwrap_or(0) {
        bytes @ 0..=999_999 => format!("{bytes} bytes"),
        bytes @ 1_000_000..=999_999_999 => format!("{:.1} MB", bytes as f64 / 1e6),
        bytes => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_shown_with_all_that_belongs_to_it() {
        let found = json!({
            "channel": "demo", "id": "20261121T190000Z", "state": "finished", "protected": true, "seconds": 3723.5,
            "bytes": 1_500_000_000u64, "title": "Evening", "play": "/api/v1/recordings/demo/20261121T190000Z/files/multivariant.m3u8",
            "renditions": [{ "id": "v720", "kind": "video", "codecs": "avc1.64001f", "segments": 1861 }],
            "gaps": [], "markers": [{ "at": "2026-11-21T19:10:00Z", "text": "Kick-off", "by": "ada" }],
            "movies": [{ "name": "20261121T190000Z.mp4", "bytes": 700_000 }], "jobs": [],
        });
        let text = one(&found);
        for part in [
            "demo/20261121T190000Z",
            "finished, protected",
            "1:02:03",
            "1.50 GB",
            "1861 segments",
            "Kick-off",
            "700000 bytes",
        ] {
            assert!(text.contains(part), "{part} in:\n{text}");
        }
        assert!(!text.contains("gaps"), "{text}");
    }
}
