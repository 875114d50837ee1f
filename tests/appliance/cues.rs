//! Cues and timed metadata over the whole chain: asked by API, cut on the frame, told in every playlist; also by the next
//! worker where this one dies between.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uplink::measure::FaultCode::{SourceFramesMissing, SourceFramesRepeated};
use uplink::model::cue::{CuePlaced, CuePoint};
use uplink::model::timed::MetadataPlaced;

use crate::delivered::{assert_only, measure, object, probe, settle};
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig, skip};

fn place(rig: &Rig, ask: &Value) -> CuePlaced {
    let answer = rig.post("/api/v1/channels/a/cue", ask);
    assert_eq!(answer.status, 200, "{ask}: {}", answer.text());
    let acted = &answer.json()["acted"];
    assert!(acted.get("cued").is_none(), "the list is the supervisor's: {acted}");
    serde_json::from_value(acted["detail"].clone()).expect("where it was placed")
}

fn playlist(rig: &Rig, rendition: &str) -> String {
    String::from_utf8(object(rig, &format!("a/{rendition}/media.m3u8"))).unwrap()
}

/// Waits until every rendition's playlist has `number` and three segments behind it.
fn wait_segment(rig: &Rig, number: u64) {
    let listed = |rendition: &str| playlist(rig, rendition).contains(&format!("\n{}.m4s\n", number + 3));
    rig.until("the segments behind the break", || RENDITIONS.iter().all(|rendition| listed(rendition)));
}

/// The lines of one segment: all since the segment before.
fn lines_of(playlist: &str, number: u64) -> Vec<String> {
    let until = playlist.split(&format!("\n{number}.m4s")).next().expect("a first part");
    let from = until.rfind(".m4s\n").map_or(0, |at| at + 5);
    until[from..].lines().map(str::to_owned).collect()
}

/// What a third-party parser reads from a section; none where it is not installed.
fn threefive(section: &str) -> Option<Value> {
    let python = std::env::var("UPLINK_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = "import sys, json, threefive\ncue = threefive.Cue(sys.argv[1])\nassert cue.decode()\n\
                  print(json.dumps(cue.command.get(), default=str))";
    let out = Command::new("timeout").args(["60", &python, "-c", script, section]).output().ok()?;
    if !out.status.success() && String::from_utf8_lossy(&out.stderr).contains("No module named") {
        skip(
            "threefive (PyPI) is not installed: sections are not checked by a third party (UPLINK_PYTHON names another python)",
        );
        return None;
    }
    assert!(out.status.success(), "{section}: {}", String::from_utf8_lossy(&out.stderr));
    Some(serde_json::from_slice(&out.stdout).expect("JSON"))
}

/// Has a third-party parser read a playlist strictly; it has at least so many date ranges.
pub fn hls_parser(rig: &Rig, rendition: &str, text: &str, ranges: u32) {
    let web_ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("web-ui");
    if !web_ui.join("node_modules/hls-parser").is_dir() {
        return skip(
            "hls-parser (`npm install` in web-ui) is not installed: playlists are not checked by a third party",
        );
    }
    let file = rig.path(&format!("{rendition}.m3u8"));
    std::fs::write(&file, text).unwrap();
    let script = "const HLS = require('hls-parser'); HLS.setOptions({strictMode: true});\
                  const list = HLS.parse(require('fs').readFileSync(process.argv[1], 'utf8'));\
                  console.log(list.segments.filter((s) => s.dateRange).length)";
    let out =
        Command::new("timeout").args(["60", "node", "-e", script]).arg(&file).current_dir(web_ui).output().unwrap();
    assert!(out.status.success(), "{rendition}: {}\n{text}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).trim().parse::<u32>().unwrap() >= ranges, "{rendition}: date ranges");
}

/// The segment begins with the frame that was named: by its playlist, and by its media.
fn assert_cut(rig: &Rig, point: &CuePoint) {
    for rendition in RENDITIONS {
        let text = playlist(rig, rendition);
        let lines = lines_of(&text, point.segment);
        let sound = rendition == "sound";
        let at = lines.iter().find_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")).expect("its time");
        if !sound {
            assert_eq!(at, point.at.rfc3339_millis(), "{rendition}");
        }
        let init = text.lines().filter_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")).next_back().unwrap();
        let file = segment(rig, rendition, point.segment, init.trim_end_matches('"'));
        let seen = probe(&file);
        let first: f64 = seen["start_time"].as_str().unwrap().parse().unwrap();
        let off = first - point.at.as_secs_f64();
        let most = if sound { 1024.0 / 48_000.0 + 1e-4 } else { 0.001 };
        assert!((-0.001..most).contains(&off), "{rendition}: its media begins {off} s after the cue");
        if !sound {
            assert_eq!(key_at_start(&file), "K", "{rendition}: a keyframe");
        }
    }
}

fn segment(rig: &Rig, rendition: &str, number: u64, init: &str) -> PathBuf {
    crate::delivered::playable(rig, "a", rendition, number, init)
}

fn key_at_start(file: &Path) -> String {
    let out = Command::new("timeout")
        .args([
            "60",
            "ffprobe",
            "-v",
            "error",
            "-show_entries",
            "packet=flags",
            "-of",
            "csv=p=0",
            "-read_intervals",
            "%+#1",
        ])
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).chars().take(1).collect()
}

/// The sections of the tags, which are the same in every rendition and in a player's reach.
fn assert_told(rig: &Rig, placed: &CuePlaced) {
    let back = placed.back.expect("an end");
    let mut told = Vec::new();
    for rendition in RENDITIONS {
        let text = playlist(rig, rendition);
        hls_parser(rig, rendition, &text, 2);
        let tag = |point: &CuePoint, what: &str| {
            let lines = lines_of(&text, point.segment);
            let id = format!("#EXT-X-DATERANGE:ID=\"{}\"", placed.id);
            let found = lines.iter().find(|line| line.starts_with(&id) && line.contains(what)).cloned();
            found.unwrap_or_else(|| panic!("{rendition}: no {what} before segment {}\n{text}", point.segment))
        };
        told.push((tag(&placed.out, "SCTE35-OUT="), tag(&back, "SCTE35-IN=")));
        let target: u64 =
            text.lines().find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:")).unwrap().parse().unwrap();
        assert_eq!(target, 1, "{rendition}: the target duration never changes");
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
    let section = |tag: &str, what: &str| tag.split(what).nth(1).unwrap().split(',').next().unwrap().to_owned();
    let start = format!("START-DATE=\"{}\"", placed.out.at.rfc3339_millis());
    assert!(told[0].0.contains(&start) && told[0].1.contains(&start));
    for (text, out, point) in
        [(section(&told[0].0, "SCTE35-OUT="), true, placed.out), (section(&told[0].1, "SCTE35-IN="), false, back)]
    {
        let Some(read) = threefive(&text) else { return };
        assert_eq!(
            (&read["splice_event_id"], &read["out_of_network_indicator"]),
            (&json!(placed.event_id), &json!(out))
        );
        let pts = (u128::from(point.at.as_nanos()) * 9 / 100_000 % (1 << 33)) as f64 / 90_000.0;
        assert!((read["pts_time"].as_f64().unwrap() - pts).abs() < 1e-4, "{read}");
    }
}

#[test]
fn a_break_is_cut_on_its_frame_and_told_in_every_rendition() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    settle(&rig, "a");
    let measuring = measure(&rig, "a", 16);
    let placed = place(&rig, &json!({"type": "out", "id": "break", "duration_ms": 3240, "pre_roll_ms": 4340}));
    let again = json!({"type": "out", "id": "break", "duration_ms": 3240, "at": placed.out.at});
    assert!(!place(&rig, &again).changed, "the same cue again");
    let late = rig.post("/api/v1/channels/a/cue", &json!({"type": "out", "pre_roll_ms": 500}));
    assert_eq!(late.status, 422);
    assert!(late.text().contains("the earliest possible is"), "{}", late.text());
    let about =
        json!({"id": "goal", "class": "com.example.goal", "attributes": {"X-BY": "Nine"}, "json": {"minute": 3}});
    let described = rig.post("/api/v1/channels/a/metadata", &about);
    assert_eq!(described.status, 200, "{}", described.text());
    let goal: MetadataPlaced = serde_json::from_value(described.json()["acted"]["detail"].clone()).unwrap();

    wait_segment(&rig, placed.back.unwrap().segment);
    for point in [placed.out, placed.back.unwrap()] {
        assert_cut(&rig, &point);
    }
    assert_told(&rig, &placed);
    for rendition in RENDITIONS {
        let text = playlist(&rig, rendition);
        let tag = format!("ID=\"goal\",CLASS=\"com.example.goal\",START-DATE=\"{}\"", goal.at.rfc3339_millis());
        let gone = !text.contains(&format!("\n{}.m4s", goal.segment));
        assert!(gone || text.contains(&tag), "{rendition}: {text}");
    }
    let placed_event = rig.wait_event("cue_placed", Some("a"));
    assert_eq!(placed_event["subject"], "break");
    let report = measuring.report();
    assert_only(&report, &[SourceFramesMissing, SourceFramesRepeated]);
    for stream in report.streams.iter().filter(|stream| stream.video.is_some()) {
        assert!(stream.video.unwrap().frames >= 25 * 14, "{}", stream.name);
    }
    let keyframes = report.keyframes.expect("two renditions");
    assert_eq!((keyframes.differing, keyframes.differing_segment_starts), (0, 0), "{keyframes:?}");
}

#[test]
fn the_next_worker_cuts_where_the_killed_one_had_promised() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    settle(&rig, "a");
    let placed = place(&rig, &json!({"type": "out", "id": "break", "duration_ms": 2600, "pre_roll_ms": 7420}));
    let old = rig.worker("a");
    process::signal(old, Signal::SIGKILL);
    rig.wait_channel("a", "another worker on air", |channel| {
        channel.on_air && channel.worker.as_ref().is_some_and(|worker| worker.pid != old)
    });
    // The daemon, too: what it has kept is what it starts the next worker with.
    rig.end_daemon(Signal::SIGKILL);
    rig.start_daemon();
    let kept = rig.channel("a").live.cued;
    assert_eq!(kept.cues.iter().map(|cue| cue.out_at).collect::<Vec<_>>(), [placed.out.at]);
    wait_segment(&rig, placed.back.unwrap().segment);
    for point in [placed.out, placed.back.unwrap()] {
        assert_cut(&rig, &point);
    }
    assert_told(&rig, &placed);
}

#[test]
fn a_frame_has_a_timecode_and_a_timecode_a_frame() {
    let rig = Rig::on_air(&[("a", "sources = [\"test\"]\ntimecode = \"utc\"")]);
    let at = "2025-11-21T10:00:00.5Z";
    let by_time = rig.get(&format!("/api/v1/channels/a/timecode?at={at}")).json();
    assert_eq!((&by_time["timecode"], &by_time["drop_frame"]), (&json!("10:00:00:12"), &json!(false)));
    let by_label = rig.get(&format!("/api/v1/channels/a/timecode?timecode=10:00:00:12&near={at}")).json();
    assert_eq!(by_label, by_time);
    let now = rig.get("/api/v1/channels/a/timecode").json();
    let nanos = now["nanos"].as_u64().unwrap();
    let behind =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() - Duration::from_nanos(nanos);
    assert!(behind < Duration::from_secs(30), "{now}");
    for bad in ["at=yesterday", "timecode=10:00", "timecode=25:00:00:00", "timecode=10:00:00:25", "when=now"] {
        assert_eq!(rig.get(&format!("/api/v1/channels/a/timecode?{bad}")).status, 400, "{bad}");
    }
    assert_eq!(rig.get("/api/v1/channels/nobody/timecode").status, 404);
}

/// Twenty seconds of H.264 in a transport stream whose picture timing begins at ten o'clock; false where this box cannot
/// write it.
fn timed_clip(path: &Path) -> bool {
    gst::init().unwrap();
    // 25 · 3600 · 10 frames.
    let line = format!(
        "videotestsrc num-buffers=500 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 \
         ! timecodestamper set=always source=internal timecode-offset=900000 \
         ! x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25 option-string=pic-struct=1 \
         ! h264parse update-timecode=true ! mpegtsmux ! filesink location={}",
        path.display()
    );
    let Ok(pipeline) = gst::parse::launch(&line) else { return false };
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.expect("an end").type_(), gst::MessageType::Eos);
    // By somebody else's reading, too.
    let read = Command::new("timeout")
        .args(["60", "ffprobe", "-v", "quiet", "-read_intervals", "%+#1", "-show_frames", "-of", "json"])
        .arg(path)
        .output()
        .expect("ffprobe is installed (packaging/install-dependencies test)");
    let read = String::from_utf8_lossy(&read.stdout);
    assert!(read.contains("\"timecode\": \"10:00:00:00\""), "{read}");
    true
}

#[test]
fn timecode_follows_the_source_on_air_and_falls_back_to_the_clock() {
    let mut rig = Rig::new(&[("a", "sources = [\"clip\", \"test\"]\ntimecode = \"source\"")]);
    let file = rig.path("clip.ts");
    if !timed_clip(&file) {
        return skip(
            "timecode of a source: the elements timecodestamper, x264enc or mpegtsmux are not registered here",
        );
    }
    rig.edit(|text| {
        text.replace("[sources.test]", "[sources.clip]\nkind = \"file\"\npath = \"clip.ts\"\n[sources.test]")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let told = || rig.report("a").program.timecode.expect("it follows the source");
    rig.until("the source's timecode", || told().source.is_some_and(|source| source.as_str() == "clip"));
    // Seconds and frames since ten, which begin anew with the clip.
    let count = |label: &str| {
        let numbers: Vec<u64> = label.split(':').map(|field| field.parse().unwrap()).collect();
        assert_eq!((numbers[0], numbers[1]), (10, 0), "{label}");
        numbers[2] * 25 + numbers[3]
    };
    let mut pair = (told(), told());
    rig.until("two labels of one pass", || {
        pair = (pair.1.clone(), told());
        let frames = pair.1.frame - pair.0.frame;
        frames > 0 && count(&pair.1.timecode) == count(&pair.0.timecode) + frames
    });
    let asked = |query: &str| rig.get(&format!("/api/v1/channels/a/timecode{query}")).json();
    let now = asked("");
    assert_eq!((&now["source"], &now["day"], &now["drop_frame"]), (&json!("clip"), &json!("source"), &json!(false)));
    count(now["timecode"].as_str().unwrap());

    let answer = rig.post("/api/v1/channels/a/take", &json!({"source": "test"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    rig.until("the clock's timecode", || told().source.is_none());
    assert_eq!(told().reason.as_deref(), Some("source test carries no timecode"));
    let at = "2025-11-21T10:00:00.5Z";
    let by_clock = asked(&format!("?at={at}"));
    assert_eq!((&by_clock["timecode"], &by_clock["source"]), (&json!("10:00:00:12"), &Value::Null));
    assert_eq!(asked(&format!("?timecode=10:00:00:12&near={at}")), by_clock);
}
