//! Files one after the other.

use std::path::PathBuf;
use std::time::Duration;

use uplink::model::EventCode;
use uplink::model::status::{ProgramOrder, SourceState};
use uplink::plan::SourceKind;

use crate::recorder::Record;
use crate::rig::{Rig, clip, live};

/// `seconds` of a clip of `size` at `rate`.
fn file(name: &str, size: &str, rate: u32, seconds: &str) -> PathBuf {
    let arguments = live(size, rate, rate, &["-t", seconds]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| *a != "-re").collect();
    clip(name, &arguments)
}

fn shown(count: usize) -> impl Fn(&Record) -> bool {
    move |r| r.pictures.iter().filter(|p| !p.is_slate).count() >= count
}

fn skipped(rig: &Rig) -> Vec<String> {
    let record = rig.recorder.record.lock().unwrap();
    record.events.iter().filter(|e| e.code == EventCode::EntrySkipped).map(|e| e.text.clone()).collect()
}

#[test]
fn files_of_several_formats_follow_without_a_gap_and_a_broken_one_is_skipped() {
    let broken = std::env::temp_dir().join(format!("uplink-broken-{}.mp4", std::process::id()));
    std::fs::write(&broken, vec![7; 50_000]).unwrap();
    let paths = vec![
        file("one.mp4", "320x180", 30, "1.5"),
        "/nonexistent/two.mp4".into(),
        file("three.mkv", "640x360", 25, "1.2"),
        broken.clone(),
        file("four.ts", "320x240", 50, "1"),
    ];
    let rig = Rig::start((30, 1), &[SourceKind::Playlist { paths, repeat: true }], ProgramOrder::Auto);
    // A round takes 3.7 s: 111 pictures.
    assert!(rig.recorder.wait(Duration::from_secs(30), shown(250)), "{}", rig.told());
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let first = record.pictures.iter().position(|p| !p.is_slate).unwrap();
    let slate = record.pictures[first..].iter().filter(|p| p.is_slate).count();
    let quiet = record.sounds.iter().skip_while(|s| s.2 == 0.0).skip(3).filter(|s| s.2 < 0.01).count();
    drop(record);
    assert_eq!(slate, 0, "slate between two files: {}", rig.told());
    assert!(quiet <= 12, "{quiet} silent ticks in two rounds");
    let skipped = skipped(&rig);
    assert_eq!(skipped.len(), 2, "each is told once, round after round: {skipped:?}");
    assert!(skipped[0].contains("two.mp4") && skipped[1].contains("uplink-broken"), "{skipped:?}");
    let _ = std::fs::remove_file(broken);
}

#[test]
fn a_list_that_is_played_once_ends_and_says_so() {
    let paths = vec![file("one.mp4", "320x180", 30, "1.5"), file("three.mkv", "640x360", 25, "1.2")];
    let rig = Rig::start((30, 1), &[SourceKind::Playlist { paths, repeat: false }], ProgramOrder::Auto);
    let ended = || {
        let status = rig.program().sources().remove(0);
        status.state == SourceState::Lost && status.health.reason == "played to its end"
    };
    assert!(rig.recorder.wait(Duration::from_secs(20), |r| shown(60)(r) && ended()), "{}", rig.told());
    assert!(rig.recorder.wait(Duration::from_secs(5), |r| r.pictures.last().is_some_and(|p| p.is_slate)));
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let shown = record.pictures.iter().filter(|p| !p.is_slate).count();
    assert!((75..=95).contains(&shown), "2.7 s are 81 pictures, {shown} were shown");
}

#[test]
fn a_list_without_a_file_that_plays_fails_with_a_reason() {
    let paths = vec!["/nonexistent/a.mp4".into(), "/nonexistent/b.mp4".into()];
    let rig = Rig::start((30, 1), &[SourceKind::Playlist { paths, repeat: true }], ProgramOrder::Auto);
    let failed = || rig.program().sources()[0].health.reason.contains("none of its 2 files");
    assert!(rig.recorder.wait(Duration::from_secs(10), |_| failed()), "{}", rig.told());
    rig.assert_unbroken();
}
