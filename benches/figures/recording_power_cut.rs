//! A power cut while a channel is recorded: everything is killed with SIGKILL, and what had not been synced to the disk by
//! then is cut off at a random byte. Then the recording is mended, and decoded from its first picture to its last.
//!
//! What was synced is what the recorder says in its log, right behind the system call; what else was written is taken for
//! lost from a random byte on, in every file at another one. Chunks are synced so soon that a cut seldom finds one that is
//! not; so each recording is cut a second time, within its last chunks whatever was synced: as by a disk that lies.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;
use serde_json::json;
use uplink::model::MediaTime;
use uplink::record::{Manifest, RecordedRendition, RecordingState, RenditionKind, repair};

use crate::bench::{Bench, wait};
use crate::process::{lives, send};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

const CHANNEL: &str = "a";

/// What a round came to.
struct Round {
    lost: f64,
    /// With its last chunks torn.
    lost_torn: f64,
    cut_bytes: u64,
    mending_s: f64,
    decoded: u64,
    complaints: u64,
    rebuilt: bool,
}

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let rounds = bench.choose(20, 3);
    let mut studio = Studio::prepare(bench, "power-cut", &[Channel::test(CHANNEL)])?;
    studio.record()?;
    let mut all = Vec::new();
    for round in 0..rounds {
        studio.start_origin()?;
        let from = utc();
        studio.start_daemon()?;
        studio.on_air(CHANNEL, from)?;
        // The cut falls anywhere in a segment.
        std::thread::sleep(Duration::from_millis(1500 + fastrand::u64(0..2000)));
        let worker = studio.worker(CHANNEL)?;
        studio.kill_daemon();
        let killed = utc();
        send(worker, Signal::KILL);
        studio.kill_origin();
        wait("the worker dies", Duration::from_secs(5), Duration::from_millis(1), || {
            Ok((!lives(worker)).then_some(()))
        })?;
        let measured = look(bench, &studio, round, killed)?;
        bench.say(format!(
            "  cut {round}: {:.2} s lost ({:.2} s with torn chunks), {} bytes torn off, mended in {:.2} s, {} pictures decoded",
            measured.lost, measured.lost_torn, measured.cut_bytes, measured.mending_s, measured.decoded
        ));
        all.push(measured);
    }
    let lost: Vec<f64> = all.iter().map(|round| round.lost).collect();
    let complaints: u64 = all.iter().map(|round| round.complaints).sum();
    let rebuilt = all.iter().filter(|round| round.rebuilt).count();
    let (worst, torn) = (largest(&lost), all.iter().filter(|round| round.cut_bytes > 0).count());
    let lost_torn: Vec<f64> = all.iter().map(|round| round.lost_torn).collect();
    Ok(vec![
        Row::new(
            "power cut while recording: lost, of all renditions the most",
            "≤ 1 s",
            format!("median {:.2} s, max {worst:.2} s of {rounds}, {torn} with torn files", median(&lost)),
            worst <= 1.0,
        )
        .details(json!({ "seconds": lost, "bytes_torn_off": all.iter().map(|r| r.cut_bytes).collect::<Vec<_>>(),
                         "mending_s": all.iter().map(|r| r.mending_s).collect::<Vec<_>>() })),
        Row::shown(
            "the same, and the last chunk of each rendition torn as well, though synced",
            format!("median {:.2} s, max {:.2} s", median(&lost_torn), largest(&lost_torn)),
        ),
        Row::new(
            "the mended recording: decoder complaints, playlists and manifest made anew",
            format!("0, {rounds}"),
            format!("{complaints}, {rebuilt} ({} pictures)", all.iter().map(|round| round.decoded).sum::<u64>()),
            complaints == 0 && rebuilt == rounds,
        ),
    ])
}

/// Cuts copies of the recording, mends them, and looks at what is left.
fn look(bench: &Bench, studio: &Studio<'_>, round: usize, killed: MediaTime) -> anyhow::Result<Round> {
    let directory = newest(&studio.directory().join("state/recordings").join(CHANNEL))?;
    let synced = synced(&studio.directory().join("run").join(CHANNEL).join("worker.log"))?;
    let place = |name: &str| -> anyhow::Result<PathBuf> {
        let above = bench.directory(&format!("power-cut-{round}-{name}/{CHANNEL}"))?;
        Ok(above.join(directory.file_name().unwrap_or_default()))
    };
    let cut = mend(&directory, &place("cut")?, killed, &|path, length| {
        let kept = synced.get(path).copied().unwrap_or(0).min(length);
        Ok(fastrand::u64(kept..=length))
    })?;
    let torn = mend(&directory, &place("torn")?, killed, &|path, length| {
        let begin = last_chunk(&fs::read(path)?);
        Ok(if begin + 1 < length { fastrand::u64(begin + 1..length) } else { begin })
    })?;
    let complaints = cut.complaints + torn.complaints;
    Ok(Round { lost_torn: torn.lost, complaints, rebuilt: cut.rebuilt && torn.rebuilt, ..cut })
}

/// Cuts a copy, mends it and decodes it. `keeps` says what is left of an unfinished segment.
fn mend(
    from: &Path,
    to: &Path,
    killed: MediaTime,
    keeps: &dyn Fn(&Path, u64) -> anyhow::Result<u64>,
) -> anyhow::Result<Round> {
    let cut_bytes = power_cut(from, to, keeps)?;
    let since = Instant::now();
    let (manifest, _) = repair(to)?.context("somebody has the recording")?;
    let mending_s = since.elapsed().as_secs_f64();
    let ends = manifest.renditions.iter().map(|one| one.segments.last().map(|last| last.end()));
    let end = ends.min().flatten().context("a rendition has nothing")?;
    let (mut decoded, mut complaints) = (0, 0);
    for rendition in &manifest.renditions {
        let (pictures, words) = decode(to, rendition)?;
        complaints += words;
        decoded += if rendition.kind == RenditionKind::Video { pictures } else { 0 };
    }
    let listed = manifest.renditions.iter().all(|one| {
        let text = fs::read_to_string(to.join(one.id.as_str()).join("index.m3u8")).unwrap_or_default();
        let gaps = text.matches("#EXT-X-GAP").count();
        text.ends_with("#EXT-X-ENDLIST\n") && text.matches("#EXTINF").count() == one.segments.len() + gaps
    });
    let rebuilt = listed && Manifest::load(to)?.state == RecordingState::Interrupted;
    fs::remove_dir_all(to)?;
    let lost = killed.since(end).as_secs_f64();
    Ok(Round { lost, lost_torn: lost, cut_bytes, mending_s, decoded, complaints, rebuilt })
}

/// Where the last chunk of a segment begins.
fn last_chunk(data: &[u8]) -> u64 {
    let (mut at, mut begin, mut before) = (0, 0, *b"    ");
    while let Some(head) = data.get(at..at + 8) {
        let (size, kind) = head.split_at(4);
        if before == *b"mdat" {
            begin = at;
        }
        before.copy_from_slice(kind);
        at += size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte)).max(8);
    }
    begin as u64
}

fn newest(above: &Path) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(above).with_context(|| format!("no recording in {}", above.display()))?;
    entries.flatten().map(|entry| entry.path()).max().context("no recording")
}

/// Bytes that were synced of each unfinished segment, by path.
fn synced(log: &Path) -> anyhow::Result<BTreeMap<PathBuf, u64>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let of = |line: &str| {
        let field = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name).map(str::to_owned));
        line.contains(" synced ").then(|| Some((PathBuf::from(field("path=")?), field("bytes=")?.parse().ok()?)))?
    };
    let synced: BTreeMap<PathBuf, u64> = text.lines().filter_map(of).collect();
    ensure!(!synced.is_empty(), "the recorder does not say what it synced");
    Ok(synced)
}

/// Copies a recording as the power cut leaves it; how many bytes that took.
fn power_cut(from: &Path, to: &Path, keeps: &dyn Fn(&Path, u64) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
    fs::create_dir_all(to)?;
    let mut taken = 0;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            taken += power_cut(&path, &target, keeps)?;
            continue;
        }
        let length = fs::copy(&path, &target)?;
        let kept = match path.extension().and_then(|extension| extension.to_str()) {
            Some("part") => keeps(&path, length)?,
            // Appended to and never synced: the kernel writes it out within half a minute.
            Some("jsonl" | "m3u8") => fastrand::u64(0..=length),
            // Synced before they got their name.
            _ => length,
        };
        OpenOptions::new().write(true).open(&target)?.set_len(kept)?;
        taken += if path.extension().is_some_and(|extension| extension == "part") { length - kept } else { 0 };
    }
    Ok(taken)
}

/// Has ffmpeg decode all of a rendition: frames, and lines of complaint.
fn decode(directory: &Path, rendition: &RecordedRendition) -> anyhow::Result<(u64, u64)> {
    let of = directory.join(rendition.id.as_str());
    let mut bytes = Vec::new();
    for segment in &rendition.segments {
        if bytes.is_empty() {
            bytes = fs::read(of.join(&segment.init))?;
        }
        bytes.extend(fs::read(of.join(segment.file_name()))?);
    }
    let whole = of.join("whole.mp4");
    fs::write(&whole, bytes)?;
    let out = Command::new("timeout")
        .args(["120", "ffprobe", "-v", "warning", "-count_frames", "-show_entries", "stream=nb_read_frames"])
        .args(["-of", "csv=p=0"])
        .arg(&whole)
        .output()
        .context("ffprobe cannot be run")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let frames = text.lines().find_map(|line| line.trim().trim_end_matches(',').parse().ok()).unwrap_or(0);
    let complaints = String::from_utf8_lossy(&out.stderr);
    let lines = complaints.lines().filter(|line| !line.trim().is_empty()).count() as u64;
    Ok((frames, lines + u64::from(!out.status.success() || frames == 0)))
}
