//! The program with real sources: the test signal, files, and SRT senders that are killed, come back as something else,
//! lose packets and drift.

mod alsa;
mod cards;
mod custom;
mod decklink;
mod desk;
mod hostile;
mod picture;
mod playlist;
mod publisher;
mod recorder;
mod relay;
mod rig;
mod rtmp;
mod rtsp;
mod srt;
mod takes;
mod wrong_format;

use std::time::Duration;

use rig::{Rig, clip};
use uplink::model::status::ProgramOrder;
use uplink::plan::SourceKind;

#[test]
fn the_test_signal_passes_frame_by_frame_with_sound_in_step() {
    for rate in [(30, 1), (50, 1), (30000, 1001)] {
        let rig = Rig::start(rate, &[SourceKind::Test], ProgramOrder::Auto);
        let marked =
            |r: &recorder::Record| r.pictures.iter().filter(|p| p.mark.is_some()).count() >= 120 && r.ticks.len() >= 2;
        assert!(rig.recorder.wait(Duration::from_secs(20), marked), "{}", rig.told());
        rig.assert_unbroken();
        let record = rig.recorder.record.lock().unwrap();
        let marks: Vec<_> = record.pictures.iter().filter_map(|p| p.mark.map(|m| (p.pts, m))).collect();
        let wrong = marks.windows(2).filter(|w| w[1].1.frame != w[0].1.frame + 1).count();
        assert_eq!(wrong, 0, "at {rate:?}: {:?}", marks.iter().map(|m| m.1.frame).collect::<Vec<_>>());
        // Picture: UTC in it against the timestamp it left with; sound: the tick of a full second likewise.
        let picture_delay = marks[60].0 / 1_000_000 - marks[60].1.utc_ms_near(marks[60].0 / 1_000_000);
        for tick in &record.ticks {
            let sound_delay = (tick % 1_000_000_000) / 1_000_000;
            assert!(sound_delay.abs_diff(picture_delay) <= 2, "picture {picture_delay} ms, sound {sound_delay} ms");
        }
    }
}

/// Whatever the container: not each can be sought in.
#[test]
fn a_file_is_looped_without_a_gap() {
    for name in ["looped.mp4", "looped.mkv", "looped.ts"] {
        loops_without_a_gap(name);
    }
}

fn loops_without_a_gap(name: &str) {
    let inputs = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=frequency=500"];
    let codecs = ["-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac"];
    let file = clip(name, &[&inputs[..], &codecs[..]].concat());
    let rig = Rig::start((30, 1), &[SourceKind::File { path: file }], ProgramOrder::Auto);
    let shown = |r: &recorder::Record| r.pictures.iter().filter(|p| !p.is_slate).count() >= 210;
    assert!(rig.recorder.wait(Duration::from_secs(20), shown), "{name}: {}", rig.told());
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let first = record.pictures.iter().position(|p| !p.is_slate).unwrap();
    let slate = record.pictures[first..].iter().filter(|p| p.is_slate).count();
    assert_eq!(slate, 0, "{name}: slate between two rounds");
    let quiet = record.sounds.iter().skip_while(|s| s.2 == 0.0).skip(3).filter(|s| s.2 < 0.01).count();
    assert!(quiet <= 6, "{name}: {quiet} silent ticks in three rounds");
}

#[test]
fn what_cannot_be_opened_says_why_and_the_slate_goes_out() {
    let missing = SourceKind::File { path: "/nonexistent/clip.mp4".into() };
    let device = SourceKind::V4l2 { device: "/dev/video99".parse().unwrap(), sound: None, size: None };
    let rig = Rig::start((30, 1), &[missing, device], ProgramOrder::Auto);
    let told =
        |r: &recorder::Record| r.events.iter().filter(|e| e.hint.is_some()).count() >= 2 && r.pictures.len() > 30;
    assert!(rig.recorder.wait(Duration::from_secs(15), told), "{}", rig.told());
    rig.assert_unbroken();
    let texts = rig.told();
    assert!(texts.contains("clip.mp4") && texts.contains("/dev/video99"), "{texts}");
    assert!(rig.recorder.record.lock().unwrap().pictures.iter().all(|p| p.is_slate));
}

#[test]
fn an_order_is_carried_out_on_the_next_tick() {
    let rig = Rig::start((30, 1), &[SourceKind::Test], ProgramOrder::Slate);
    let frames = |n: usize| move |r: &recorder::Record| r.pictures.len() >= n;
    assert!(rig.recorder.wait(Duration::from_secs(10), frames(45)));
    assert!(rig.recorder.record.lock().unwrap().pictures.iter().all(|p| p.is_slate));
    rig.program().order(ProgramOrder::Auto);
    assert!(rig.recorder.wait(Duration::from_secs(5), |r| r.pictures.last().is_some_and(|p| !p.is_slate)));
    rig.program().order(ProgramOrder::Slate);
    assert!(rig.recorder.wait(Duration::from_secs(5), |r| r.pictures.last().is_some_and(|p| p.is_slate)));
    rig.assert_unbroken();
}

#[test]
fn the_last_picture_before_a_stop_is_the_sources() {
    // So slow a program that a source which was told to end before the last tick would have ended by then.
    let mut rig = Rig::start((2, 1), &[SourceKind::Test], ProgramOrder::Auto);
    let shown = |record: &recorder::Record| record.pictures.iter().rev().take_while(|p| !p.is_slate).count() >= 2;
    assert!(rig.recorder.wait(Duration::from_secs(20), shown), "{}", rig.told());
    // Just behind a tick: the whole of the next one lies ahead.
    let ticks = rig.program().status().frames;
    assert!(rig.recorder.wait(Duration::from_secs(5), |_| rig.program().status().frames > ticks), "{}", rig.told());
    let pictures = rig.recorder.record.lock().unwrap().pictures.len();
    rig.stop();
    let record = rig.recorder.record.lock().unwrap();
    assert_eq!(record.pictures.len(), pictures + 1, "the tick that lay ahead has left");
    assert!(!record.pictures.last().unwrap().is_slate, "the slate is the last picture");
}
