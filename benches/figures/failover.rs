//! A source that dies with a backup beside it: how long the picture stands still, and whether sound and picture keep
//! together. Both sources carry marks; those of the sender were recorded before, so their time tells the two apart.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use uplink::model::status::{ChannelState, Showing};

use crate::bench::{Bench, free_port, wait};
use crate::clips::ffmpeg;
use crate::delivered::Shown;
use crate::judged::{LINE_UP, described, judge, newest, timestamp_faults};
use crate::row::{Row, largest, median};
use crate::source_killed::send;
use crate::studio::{Channel, Studio, utc};

/// A frame of the program, and what the stream class calls lost, ms.
const FRAME: f64 = 1000.0 / 30.0;
const LOSS: f64 = 250.0;
/// Long enough for three whole segments.
const STAY: Duration = Duration::from_secs(5);
/// Longer than a sender is ever shown: where a clip begins again, its sound and picture do not fit together.
const CLIP: u64 = 16;
/// A picture whose mark is older than this is not of the live test source, ms.
const LIVE: u64 = 2000;

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let rounds = bench.choose(10, 2);
    let port = free_port()?;
    let source = format!(
        "kind = \"srt\"\nmode = \"listener\"\nhost = \"127.0.0.1\"\nport = {port}\nlatency_ms = 100\n\
         [sources.backup]\nkind = \"test\""
    );
    let channels = [Channel { backups: &["backup"], ..Channel::line_up("van", source) }, Channel::test("marks")];
    let mut studio = Studio::open(bench, "failover", &channels)?;
    let clip = marked_clip(&studio)?;
    studio.order("marks", "stop")?;
    let first = newest(&studio, "van", &LINE_UP)? + 1;
    let mut offsets = Vec::new();
    for _ in 0..rounds {
        let mut sender = send(&studio, &clip, port)?;
        shows(&studio, "van", || {
            // A sender that is turned away, because its dead predecessor still counts, calls again.
            if sender.check().is_err() {
                sender = send(&studio, &clip, port)?;
            }
            Ok(())
        })?;
        offsets.extend(offset(&studio)?);
        sender.kill();
        shows(&studio, "backup", || Ok(()))?;
        offsets.extend(offset(&studio)?);
    }
    let last = newest(&studio, "van", &LINE_UP)?;
    let report = judge(&studio, "van", &LINE_UP, first..=last)?;
    let pictures = studio.lane("van", "360p").pictures(first..=last)?;
    studio.stop_daemon()?;
    let stills = standstills(&pictures);
    let bar = LOSS + 2.0 * FRAME;
    let faults = timestamp_faults(&report);
    let worst = largest(&offsets.iter().map(|offset| offset.abs()).collect::<Vec<_>>());
    Ok(vec![
        Row::new(
            format!("source killed, backup beside it: the picture stands still (detection {LOSS:.0} ms)"),
            format!("≤ {bar:.0} ms"),
            format!("median {:.0} ms, max {:.0} ms of {}", median(&stills), largest(&stills), stills.len()),
            stills.len() >= rounds && largest(&stills) <= bar,
        )
        .details(json!({ "ms": stills })),
        Row::new(
            format!("the same, {rounds} times there and back: timestamps missing or repeated"),
            "0",
            format!("{faults} in {} s", last - first + 1),
            faults == 0,
        )
        .details(described(&report)),
        Row::new(
            "the same: sound against picture, on each source, before and after",
            "±20 ms",
            format!("at most {worst:.0} ms off, median {:.1} ms", median(&offsets)),
            !offsets.is_empty() && worst <= 20.0,
        )
        .details(json!({ "ms": offsets })),
    ])
}

/// What the test source of `marks` delivered, without the slate that it began with.
fn marked_clip(studio: &Studio<'_>) -> anyhow::Result<PathBuf> {
    let first = newest(studio, "marks", &LINE_UP)? + 1;
    let last = wait("there is a clip", Duration::from_secs(60), Duration::from_millis(100), || {
        Ok(newest(studio, "marks", &LINE_UP).ok().filter(|last| *last >= first + CLIP))
    })?;
    let file = |name: &str| studio.directory().join(name);
    let (picture, sound, clip) = (file("picture.mp4"), file("sound.mp4"), file("marked.mp4"));
    studio.lane("marks", "360p").save(first..=last, &picture)?;
    studio.lane("marks", "sound").save(first..=last, &sound)?;
    let [picture, sound] = [picture, sound].map(|path| path.display().to_string());
    ffmpeg(["-i", &picture, "-i", &sound, "-c", "copy"].map(str::to_owned), &clip)?;
    Ok(clip)
}

/// Waits until the program shows a source, and calls `meanwhile` between two looks.
fn shows(studio: &Studio<'_>, source: &str, mut meanwhile: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    wait(&format!("{source} is shown"), Duration::from_secs(30), Duration::from_millis(20), || {
        meanwhile()?;
        let status = studio.status("van")?;
        let shown = status.report.map(|report| report.program.showing);
        let there = matches!(shown, Some(Showing::Source { source: shown }) if shown.as_str() == source);
        Ok((there && status.state == ChannelState::Running).then_some(()))
    })
}

/// Sound against picture of what is shown now, ms: in segments that show nothing else.
fn offset(studio: &Studio<'_>) -> anyhow::Result<Option<f64>> {
    let from = utc().as_nanos() / 1_000_000_000 + 1;
    std::thread::sleep(STAY);
    let until = newest(studio, "van", &LINE_UP)?;
    if until <= from {
        return Ok(None);
    }
    Ok(judge(studio, "van", &LINE_UP, from..=until)?.av_offset.map(|offset| offset.median_ms))
}

/// For each change from the sender's pictures to the backup's: from when the last picture of the sender was due to be
/// followed until the first of the backup, ms.
fn standstills(pictures: &[Shown]) -> Vec<f64> {
    let live = |shown: &Shown| {
        let near = shown.pts / 1_000_000;
        shown.mark.is_some_and(|mark| mark.utc_ms_near(near).abs_diff(near) < LIVE)
    };
    let mut stills = Vec::new();
    for (place, pair) in pictures.windows(2).enumerate() {
        if live(&pair[0]) || !live(&pair[1]) || pair[0].mark.is_none() {
            continue;
        }
        let begun = pictures[..=place].iter().rev().take_while(|shown| shown.mark == pair[0].mark).last();
        stills.extend(begun.map(|begun| (pair[1].pts - begun.pts) as f64 / 1e6 - FRAME));
    }
    stills
}
