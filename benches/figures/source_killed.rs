//! An SRT sender killed and back ten times, in other sizes and rates: timestamps stay whole, the slate comes at once.
//!
//! What was shown when is read from the delivered pictures: the sender plays pictures with the mark of the test source
//! (delivered by another channel before), the slate has none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use uplink::model::MediaTime;
use uplink::model::status::ChannelState;

use crate::bench::{Bench, free_port, wait};
use crate::clips::ffmpeg;
use crate::delivered::Shown;
use crate::judged::{LINE_UP, described, judge, newest, timestamp_faults};
use crate::process::Running;
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

/// How long a sender is shown before it is killed, and how long the slate stays.
const SHOWN: Duration = Duration::from_millis(1500);

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let rounds = bench.choose(10, 3);
    let port = free_port()?;
    let source = format!("kind = \"srt\"\nmode = \"listener\"\nhost = \"127.0.0.1\"\nport = {port}\nlatency_ms = 100");
    let channels = [Channel::line_up("van", source), Channel::test("marks")];
    let mut studio = Studio::open(bench, "source", &channels)?;
    let clips = marked_clips(&studio)?;
    studio.order("marks", "stop")?;
    let first = newest(&studio, "van", &LINE_UP)? + 1;
    let mut kills = Vec::new();
    for round in 0..rounds {
        let started = utc();
        let mut sender = send(&studio, &clips[round % clips.len()], port)?;
        until(&studio, "the source is shown", ChannelState::Running, || {
            // A sender that is turned away, because its dead predecessor still counts, calls again.
            if sender.check().is_err() {
                sender = send(&studio, &clips[round % clips.len()], port)?;
            }
            Ok(())
        })?;
        // Any phase of a segment, and of the sender's own time.
        std::thread::sleep(SHOWN + Duration::from_millis(fastrand::u64(0..500)));
        let killed = utc();
        sender.kill();
        until(&studio, "the slate is shown", ChannelState::Slate, || Ok(()))?;
        kills.push((started, killed));
    }
    std::thread::sleep(Duration::from_secs(3));
    let last = newest(&studio, "van", &LINE_UP)?;
    let report = judge(&studio, "van", &LINE_UP, first..=last)?;
    let pictures = studio.lane("van", "360p").pictures(first..=last)?;
    studio.stop_daemon()?;
    rows(bench, &kills, &pictures, &report, last - first + 1)
}

fn rows(
    bench: &Bench,
    kills: &[(MediaTime, MediaTime)],
    pictures: &[Shown],
    report: &uplink::measure::Report,
    seconds: u64,
) -> anyhow::Result<Vec<Row>> {
    let after = |from: MediaTime, marked: bool| {
        let found = pictures.iter().find(|shown| shown.pts > from.as_nanos() && shown.marked == marked);
        found.map(|shown| (shown.pts - from.as_nanos()) as f64 / 1e6)
    };
    let (mut slate, mut back) = (Vec::new(), Vec::new());
    for (round, (started, killed)) in kills.iter().enumerate() {
        slate.push(after(*killed, false).context("a kill was not followed by a slate")?);
        back.push(after(*started, true).context("a sender was never shown")?);
        bench.say(format!(
            "  round {round}: shown after {:.0} ms, slate {:.0} ms after the kill",
            back[round], slate[round]
        ));
    }
    let faults = timestamp_faults(report);
    let of = |times: &[f64]| format!("median {:.0} ms, max {:.0} ms of {}", median(times), largest(times), times.len());
    // The first comes up, the others come back.
    let returns = back.get(1..).unwrap_or_default();
    Ok(vec![
        Row::new(
            format!("source killed and back {} times: timestamps missing or repeated, picture and sound", kills.len()),
            "0",
            format!("{faults} in {seconds} s"),
            faults == 0,
        )
        .details(described(report)),
        Row::new(
            "source killed until the first slate in the delivered picture",
            "≤ 500 ms",
            of(&slate),
            largest(&slate) <= 500.0,
        )
        .details(json!({ "ms": slate })),
        Row::shown("source back (start of the sender) until the first of its pictures", of(returns))
            .details(json!({ "ms": back })),
    ])
}

/// Waits for a state of the channel, and calls `meanwhile` between two looks.
fn until(
    studio: &Studio<'_>,
    what: &str,
    state: ChannelState,
    mut meanwhile: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    wait(what, Duration::from_secs(30), Duration::from_millis(20), || {
        meanwhile()?;
        Ok((studio.status("van")?.state == state).then_some(()))
    })
}

/// What the test source of `marks` delivered, as files of three sizes and rates.
fn marked_clips(studio: &Studio<'_>) -> anyhow::Result<Vec<PathBuf>> {
    let first = newest(studio, "marks", &LINE_UP)?;
    let last = wait("there is a clip", Duration::from_secs(30), Duration::from_millis(100), || {
        Ok(newest(studio, "marks", &LINE_UP).ok().filter(|last| *last >= first + 6))
    })?;
    let directory = studio.directory();
    let (picture, sound) = (directory.join("picture.mp4"), directory.join("sound.mp4"));
    studio.lane("marks", "360p").save(first..=last, &picture)?;
    studio.lane("marks", "sound").save(first..=last, &sound)?;
    let inputs = ["-i".to_owned(), picture.display().to_string(), "-i".to_owned(), sound.display().to_string()];
    let make = |name: &str, more: &[&str]| -> anyhow::Result<PathBuf> {
        let path = directory.join(name);
        let more = more.iter().map(|argument| (*argument).to_owned());
        ffmpeg(inputs.iter().cloned().chain(["-c:a".to_owned(), "copy".to_owned()]).chain(more), &path)?;
        Ok(path)
    };
    let encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "16", "-g", "25"];
    let sized = |filter: &'static str| [&encode[..], &["-vf", filter]].concat();
    Ok(vec![
        make("same.mp4", &["-c:v", "copy"])?,
        make("large.mp4", &sized("scale=1280:720,fps=25"))?,
        make("small.mp4", &sized("scale=320:180,fps=15"))?,
    ])
}

pub fn send(studio: &Studio<'_>, clip: &Path, port: u16) -> anyhow::Result<Running> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i"]).arg(clip);
    command.args(["-c", "copy", "-muxdelay", "0", "-f", "mpegts"]);
    command.arg(format!("srt://127.0.0.1:{port}?mode=caller&latency=100000&pkt_size=1316"));
    Running::start(&mut command, &studio.directory().join("sender.log"))
}
