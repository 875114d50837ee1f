//! Splice information in the transport stream, read by threefive (PyPI).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use uplink::model::CueId;
use uplink::model::cue::{CueAsk, CuePlaced};
use uplink::plan::{SpliceForm, TsPlan};

use crate::judge;
use crate::receiver::{Receiver, saved};
use crate::studio::{Studio, seconds, ts};
use crate::udp::carrier;

const SCRIPT: &str = "\
import sys, json, threefive
found = []
def note(cue):
    found.append({'pid': cue.packet_data.pid, 'at': cue.packet_data.pts, 'command': cue.command.get(),
                  'descriptors': [d.get() for d in cue.descriptors]})
threefive.Stream(sys.argv[1]).decode(func=note)
print(json.dumps(found, default=str))";

/// Every section that is no splice_null; none, loudly, without threefive.
fn sections(file: &Path) -> Option<Vec<Value>> {
    let python = std::env::var("UPLINK_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new("timeout").args(["60", &python, "-c", SCRIPT]).arg(file).output().ok()?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("No module named") {
        eprintln!(
            "\n*** SKIPPED: threefive (PyPI) is not installed: splice information is not checked by a third party ***\n"
        );
        return None;
    }
    assert!(output.status.success(), "threefive: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let all: Vec<Value> =
        serde_json::from_str(text.lines().last().unwrap_or("[]")).unwrap_or_else(|_| panic!("{text}"));
    Some(all.into_iter().filter(|section| section["command"]["command_type"] != 0).collect())
}

fn place(studio: &Studio, ask: Value) -> CuePlaced {
    let ask: CueAsk = serde_json::from_value(ask).unwrap();
    let (timeline, placed) = studio.timeline.get().cue(&ask, studio.clock.now()).unwrap();
    studio.timeline.set(timeline);
    placed
}

/// Sends while a break begins and ends; what was received, and the break.
fn aired(form: SpliceForm, file: &Path) -> CuePlaced {
    let (studio, receiver) = (Studio::start(), Receiver::start());
    let ts = TsPlan { splices: Some((0x1f0, form)), ..ts() };
    let sender = studio.send(carrier("127.0.0.1", receiver.port(), ts));
    seconds(&sender, 1);
    let placed =
        place(&studio, serde_json::json!({"type": "out", "id": "a", "duration_ms": 2500, "pre_roll_ms": 5200}));
    seconds(&sender, 9);
    assert!(sender.stop(Duration::from_secs(3)));
    saved(&receiver.finish(), file);
    placed
}

/// 90 kHz as seconds, as threefive tells it.
fn seconds_of(point: &uplink::model::cue::CuePoint) -> f64 {
    (u128::from(point.at.as_nanos()) * 9 / 100_000 % (1 << 33)) as f64 / 90_000.0
}

#[test]
fn a_cue_is_announced_in_time_for_the_frame_that_begins_the_break() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    let placed = aired(SpliceForm::Insert, &file);
    let video = judge::packets(&file, "v:0");
    let back = placed.back.unwrap();
    for point in [&placed.out, &back] {
        let ticks = (u128::from(point.at.as_nanos()) * 9 / 100_000 % (1 << 33)) as i64;
        let frame = video.iter().find(|packet| packet.pts == ticks).expect("the frame of the splice is in the stream");
        assert!(frame.key, "it is a keyframe");
    }
    let Some(sections) = sections(&file) else { return };
    for (point, out) in [(&placed.out, true), (&back, false)] {
        let mine: Vec<&Value> =
            sections.iter().filter(|s| s["command"]["out_of_network_indicator"] == Value::Bool(out)).collect();
        assert!((2..=3).contains(&mine.len()), "{sections:#?}");
        for section in &mine {
            assert!(["496", "\"0x1f0\""].contains(&section["pid"].to_string().as_str()), "{section}");
            assert_eq!(section["command"]["splice_event_id"], placed.event_id);
            let told = section["command"]["pts_time"].as_f64().unwrap();
            assert!((told - seconds_of(point)).abs() < 1e-4, "{section}");
        }
        let first = mine[0]["at"].as_f64().expect("a time of the stream");
        assert!(seconds_of(point) - first >= 4.0, "announced {:.2} s before", seconds_of(point) - first);
    }
}

#[test]
fn a_time_signal_tells_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    let placed = aired(SpliceForm::TimeSignal, &file);
    let Some(sections) = sections(&file) else { return };
    for (point, kind) in [(&placed.out, 0x34), (&placed.back.unwrap(), 0x35)] {
        let of = |section: &&Value| section["descriptors"][0]["segmentation_type_id"] == kind;
        let section = sections.iter().find(of).unwrap_or_else(|| panic!("{sections:#?}"));
        assert_eq!(section["command"]["name"], "Time Signal");
        assert!((section["command"]["pts_time"].as_f64().unwrap() - seconds_of(point)).abs() < 1e-4);
        if kind == 0x34 {
            assert_eq!(section["descriptors"][0]["segmentation_duration"].as_f64(), Some(2.5));
        }
    }
}

#[test]
fn what_is_taken_back_is_cancelled() {
    let (studio, receiver) = (Studio::start(), Receiver::start());
    let sender = studio.send(carrier("127.0.0.1", receiver.port(), ts()));
    seconds(&sender, 1);
    place(&studio, serde_json::json!({"type": "out", "id": "a", "pre_roll_ms": 7000}));
    seconds(&sender, 2);
    let id = CueId::new("a").unwrap();
    place(&studio, serde_json::json!({"type": "cancel", "id": id}));
    seconds(&sender, 1);
    assert!(sender.stop(Duration::from_secs(3)));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    saved(&receiver.finish(), &file);
    let Some(sections) = sections(&file) else { return };
    let cancelled = |section: &Value| section["command"]["splice_event_cancel_indicator"] == Value::Bool(true);
    assert_eq!(sections.iter().filter(|section| cancelled(section)).count(), 1, "{sections:#?}");
    assert!(cancelled(sections.last().unwrap()));
}
