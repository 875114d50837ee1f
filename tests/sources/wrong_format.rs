//! A sender that goes over to another format in mid-stream, where one is expected: the program leaves it and comes back.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use uplink::model::EventCode::{ProgramSwitched, SourceConnected, SourceLost, SourceSignalGood, SourceWrongFormat};
use uplink::model::status::{ProgramOrder, SourceState};
use uplink::model::{ExpectedFormat, SignalThresholds, Trigger, TriggerAction};
use uplink::plan::{SourceKind, SrtMode, ThresholdPlan};

use crate::recorder::Record;
use crate::rig::{Rig, Sender, clip, free_port, thresholds};

/// Long enough for a machine that is busy to notice each of them.
const SECONDS: usize = 5;

/// A transport stream whose parts follow each other without a seam but for their format.
fn parts(formats: &[(&str, &str)]) -> String {
    let part = |(n, (size, rate)): (usize, &(&str, &str))| {
        let offset = (n * SECONDS).to_string();
        let picture = format!("testsrc2=size={size}:rate={rate}");
        let arguments = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=frequency=500:sample_rate=48000"];
        let seconds = SECONDS.to_string();
        let codecs = ["-t", &seconds, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", rate];
        let stream = ["-pix_fmt", "yuv420p", "-c:a", "aac", "-output_ts_offset", &offset, "-f", "mpegts"];
        let file = clip(&format!("format-{n}.ts"), &[&arguments[..], &codecs[..], &stream[..]].concat());
        std::fs::read(file).unwrap()
    };
    let whole: Vec<u8> = formats.iter().enumerate().flat_map(part).collect();
    let path = std::env::temp_dir().join(format!("uplink-clip-{}-formats.ts", std::process::id()));
    std::fs::write(&path, whole).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_sender_in_another_format_than_expected_is_left_until_it_is_back_in_that() {
    // Another size, then only another rate.
    let file =
        parts(&[("1280x720", "30"), ("640x360", "30"), ("1280x720", "30"), ("1280x720", "25"), ("1280x720", "30")]);
    let port = free_port();
    let listener = SourceKind::Srt {
        mode: SrtMode::Listener,
        host: "127.0.0.1".to_owned(),
        port,
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    };
    let expect = ExpectedFormat { size: "1280x720".parse().ok(), frame_rate: "30".parse().ok() };
    let format = Trigger { action: TriggerAction::Failover, enter_ms: 300, clear_ms: 300 };
    let signal = SignalThresholds { format, ..SignalThresholds::default() };
    // A machine that is too busy to send for a moment is no loss: this is about formats.
    let limits = ThresholdPlan { signal, loss_ms: 2000, wait_to_restore_ms: 300, ..thresholds() };
    let rig = Rig::expecting(limits, &[listener, SourceKind::Test], ProgramOrder::Auto, expect);
    let _sender = Sender::srt(&["-re", "-i", &file, "-c", "copy"].map(str::to_owned), port);

    let count = |record: &Record, code| record.events.iter().filter(|event| event.code == code).count();
    let health = Mutex::new(BTreeSet::new());
    let returned = |record: &Record| {
        let source = &rig.program().sources()[0];
        if source.state == SourceState::Delivering {
            health.lock().unwrap().insert((source.signal.wrong_format_since.is_some(), source.health.code.clone()));
        }
        count(record, SourceSignalGood) == 2 && record.events.last().is_some_and(|event| event.code == ProgramSwitched)
    };
    assert!(rig.recorder.wait(Duration::from_secs(60), returned), "{}", rig.told());
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let about = [ProgramSwitched, SourceWrongFormat, SourceSignalGood, SourceLost];
    let told: Vec<_> = record
        .events
        .iter()
        .skip_while(|event| event.code != SourceConnected || event.subject.as_deref() != Some("s0"))
        .filter(|event| about.contains(&event.code))
        .map(|event| (event.code, event.subject.as_deref().unwrap_or_default()))
        .collect();
    let away = [(SourceWrongFormat, "s0"), (ProgramSwitched, "s1"), (SourceSignalGood, "s0"), (ProgramSwitched, "s0")];
    let expected: Vec<_> = [(ProgramSwitched, "s0")].into_iter().chain(away).chain(away).collect();
    assert_eq!(told, expected);
    let codes = [(false, "ok".to_owned()), (true, "source_wrong_format".to_owned())];
    assert_eq!(*health.lock().unwrap(), BTreeSet::from(codes), "it delivers all the while, and says what is wrong");
}
